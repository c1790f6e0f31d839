//! One frame of a clip: its bytes as they come through the pipe, and its luma as numbers.

use sha2::{Digest, Sha256};
use tiermark_signal::{Plane, Size};

use super::cuts::{THUMB_HEIGHT, THUMB_WIDTH, Thumb};
use super::pixels::Pixels;
use crate::FrameError;
use crate::limits::zeros;

/// A frame in a clip's own pixel format, with luma told in code values 0.0 (black) to 255.0 (white).
///
/// Where luma is of limited range, black is 16 and white 235 of an 8-bit sample (ITU-R BT.709, section 3.5): what lies
/// outside is told as below 0.0 or above 255.0, and goes no further out.
#[derive(Clone)]
pub struct ClipFrame {
    size: Size,
    pixels: Pixels,
    black: f32,
    /// Stored code values to one that is told.
    step: f32,
    alpha_at: usize,
    bytes: Vec<u8>,
}

impl ClipFrame {
    /// An empty frame.
    pub(super) fn new(size: Size, pixels: Pixels, full: bool) -> Result<Self, FrameError> {
        let bytes = zeros(pixels.bytes(size)?, 1)?;
        let most = ((1_u32 << pixels.bits) - 1) as f32;
        let unit = (1_u32 << (pixels.bits - 8)) as f32;
        let (black, white) = if full { (0.0, most) } else { (16.0 * unit, 235.0 * unit) };
        let step = (white - black) / 255.0;
        Ok(Self { size, pixels, black, step, alpha_at: pixels.alpha_at(size)?, bytes })
    }

    /// Width and height.
    pub fn size(&self) -> Size {
        self.size
    }

    /// All planes as they are stored.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// Write row `y` of luma to `row`.
    ///
    /// # Panics
    /// If there is no such row, or it has another width.
    pub fn luma_row(&self, y: usize, row: &mut [f32]) {
        let (black, scale) = (self.black, 1.0 / self.step);
        let stored = self.row(0, y);
        assert_eq!(row.len(), self.size.width, "a row of this width");
        match self.pixels.wide() {
            1 => row.iter_mut().zip(stored).for_each(|(v, &code)| *v = (f32::from(code) - black) * scale),
            _ => row
                .iter_mut()
                .zip(stored.as_chunks::<2>().0)
                .for_each(|(v, code)| *v = (f32::from(u16::from_le_bytes(*code)) - black) * scale),
        }
    }

    /// Luma as a whole.
    pub fn luma(&self) -> Plane {
        let mut plane = Plane::filled(self.size, 0.0);
        (0..self.size.height).for_each(|y| self.luma_row(y, plane.row_mut(y)));
        plane
    }

    /// Whether there is alpha.
    pub fn has_alpha(&self) -> bool {
        self.pixels.alpha
    }

    /// Write row `y` of alpha to `row`, 0.0 to 1.0; 1.0 all along where there is none.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn alpha_row(&self, y: usize, row: &mut [f32]) {
        if !self.pixels.alpha {
            return row.fill(1.0);
        }
        let most = ((1_u32 << self.pixels.bits) - 1) as f32;
        let stored = self.row(self.alpha_at, y);
        match self.pixels.wide() {
            1 => row.iter_mut().zip(stored).for_each(|(v, &code)| *v = f32::from(code) / most),
            _ => row
                .iter_mut()
                .zip(stored.as_chunks::<2>().0)
                .for_each(|(v, code)| *v = f32::from(u16::from_le_bytes(*code)) / most),
        }
    }

    /// Give row `y` of luma these values, rounded to what is stored. A sample moves only as far as its value did, so that
    /// one that did not stays; none that was between black and white leaves them.
    ///
    /// # Panics
    /// If there is no such row, or it has another width.
    pub fn paint_luma(&mut self, y: usize, row: &[f32]) {
        assert_eq!(row.len(), self.size.width, "a row of this width");
        let (black, step) = (self.black, self.step);
        let white = black + 255.0 * step;
        let fresh = |code: f32, v: f32| {
            let moved = ((v - (code - black) / step) * step).round_ties_even();
            (code + moved).clamp(black.min(code), white.max(code))
        };
        let wide = self.pixels.wide();
        let from = y * self.size.width * wide;
        let stored = &mut self.bytes[from..from + self.size.width * wide];
        match wide {
            1 => stored.iter_mut().zip(row).for_each(|(code, &v)| *code = fresh(f32::from(*code), v) as u8),
            _ => stored.as_chunks_mut::<2>().0.iter_mut().zip(row).for_each(|(code, &v)| {
                *code = (fresh(f32::from(u16::from_le_bytes(*code)), v) as u16).to_le_bytes();
            }),
        }
    }

    /// Let no change to luma differ by more than one code value from that of the frame before, `before` and `after` it was
    /// painted, wherever `host`, which this frame was, shows nearly the same there: grain must not make a mark flicker. Where
    /// the picture moves, the change of the frame before wears off by a code value a frame.
    ///
    /// # Panics
    /// If the frames are not all of one shape.
    pub fn hold(&mut self, host: &Self, (before, after): (&Self, &Self)) {
        /// Code values by which grain and codecs move what holds still.
        const NEARLY: f32 = 12.0;
        let wide = self.pixels.wide();
        let shift = self.pixels.bits - 8;
        let one = self.step.floor().max(1.0) as i32;
        let nearly = (NEARLY * self.step) as i32;
        // Video has room above white and below black; full range has none.
        let (low, high) = if self.black > 0.0 { (1 << shift, 254 << shift) } else { (0, (256 << shift) - 1) };
        let code = |bytes: &[u8], at: usize| match wide {
            1 => i32::from(bytes[at]),
            _ => i32::from(u16::from_le_bytes([bytes[2 * at], bytes[2 * at + 1]])),
        };
        for at in 0..self.size.area() {
            let [now, then, painted] = [host, before, after].map(|frame| code(&frame.bytes, at));
            if (now - then).abs() > nearly {
                continue;
            }
            let (change, last) = (code(&self.bytes, at) - now, painted - then);
            let held = change.clamp(last - one, last + one);
            if held != change {
                let fresh = (now + held).clamp(low.min(now), high.max(now)) as u16;
                match wide {
                    1 => self.bytes[at] = fresh as u8,
                    _ => self.bytes[2 * at..2 * at + 2].copy_from_slice(&fresh.to_le_bytes()),
                }
            }
        }
    }

    /// The picture on a small grid, as [`super::Cuts`] looks at it.
    pub(super) fn thumb(&self) -> Thumb {
        let mut thumb = [0.0; THUMB_WIDTH * THUMB_HEIGHT];
        let Size { width, height } = self.size;
        let mut row = vec![0.0; width];
        for (line, cells) in thumb.chunks_mut(THUMB_WIDTH).enumerate() {
            // Every cell has a row and a column, also of a picture that is smaller than the grid.
            let rows = span(line, THUMB_HEIGHT, height);
            for y in rows.clone() {
                self.luma_row(y, &mut row);
                for (column, cell) in cells.iter_mut().enumerate() {
                    let columns = span(column, THUMB_WIDTH, width);
                    let count = (columns.len() * rows.len()) as f32;
                    *cell += row[columns].iter().sum::<f32>() / count;
                }
            }
        }
        thumb
    }

    fn row(&self, plane: usize, y: usize) -> &[u8] {
        let wide = self.size.width * self.pixels.wide();
        &self.bytes[plane + y * wide..][..wide]
    }
}

/// The part of a side that cell number `cell` of `cells` covers; never empty.
fn span(cell: usize, cells: usize, side: usize) -> std::ops::Range<usize> {
    let from = (cell * side / cells).min(side - 1);
    from..((cell + 1) * side / cells).max(from + 1)
}

/// The digest of all values of a clip: SHA-256 of width and height (u32 big-endian), the name of the pixel format, a zero
/// byte, and all planes of all frames as they are stored.
pub struct ClipDigest(Sha256);

impl ClipDigest {
    /// Of a clip of this shape.
    pub fn new(size: Size, pixels: Pixels) -> Self {
        let side = |side: usize| (side as u32).to_be_bytes();
        let mut digest = Sha256::new();
        digest.update(side(size.width));
        digest.update(side(size.height));
        digest.update(pixels.name.as_bytes());
        digest.update([0]);
        Self(digest)
    }

    /// Add the next frame.
    pub fn add(&mut self, frame: &ClipFrame) {
        self.0.update(frame.bytes());
    }

    /// The digest of what was added.
    pub fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use super::*;

    const SIZE: Size = Size { width: 70, height: 40 };

    fn frame(name: &str, full: bool) -> ClipFrame {
        let mut frame = ClipFrame::new(SIZE, Pixels::named(name).unwrap(), full).unwrap();
        let bytes = frame.bytes.len();
        let deep = frame.pixels.bits > 8;
        for i in 0..bytes {
            // Above 8 bits, the upper byte must stay below the format's most.
            frame.bytes[i] = if deep && i % 2 == 1 { (i / 7 % 4) as u8 } else { (i * 31 % 256) as u8 };
        }
        frame
    }

    #[test]
    fn what_is_painted_as_it_was_stays_bit_for_bit() {
        for (name, full) in [
            ("yuv420p", false),
            ("yuvj420p", true),
            ("yuv422p10le", false),
            ("yuva444p10le", false),
            ("gray", true),
        ] {
            let mut painted = frame(name, full);
            let mut row = vec![0.0; SIZE.width];
            for y in 0..SIZE.height {
                painted.luma_row(y, &mut row);
                painted.paint_luma(y, &row);
            }
            assert!(painted.bytes == frame(name, full).bytes, "{name}");
        }
    }

    #[test]
    fn only_luma_moves_and_never_beyond_black_and_white() {
        let host = frame("yuv422p10le", false);
        let mut marked = host.clone();
        let mut row = vec![0.0; SIZE.width];
        for y in 0..SIZE.height {
            host.luma_row(y, &mut row);
            row.iter_mut().for_each(|v| *v += if y % 2 == 0 { 1.5 } else { -1.5 });
            marked.paint_luma(y, &row);
        }
        let luma = SIZE.area() * 2;
        assert!(marked.bytes[luma..] == host.bytes[luma..], "chroma stays");
        let code = |bytes: &[u8], i: usize| u16::from_le_bytes([bytes[2 * i], bytes[2 * i + 1]]);
        for i in 0..SIZE.area() {
            let (before, after) = (code(&host.bytes, i), code(&marked.bytes, i));
            assert!(before.abs_diff(after) <= 6, "1.5 of 255 are five or six of 876");
            if (64..=940).contains(&before) {
                assert!((64..=940).contains(&after), "{before} became {after}");
            } else {
                let inward = if before < 64 { after >= before } else { after <= before };
                assert!(inward, "{before} became {after}");
            }
        }
    }

    #[test]
    fn where_the_picture_holds_still_changes_follow_each_other_by_a_code_value() {
        for (name, one) in [("yuv420p", 1_i32), ("yuv422p10le", 3)] {
            let shifted = |by: &dyn Fn(usize) -> i32| {
                let mut frame = frame(name, false);
                for at in 0..SIZE.area() {
                    let code = (300 + by(at)) as u16;
                    match frame.pixels.wide() {
                        1 => frame.bytes[at] = (code / 3) as u8,
                        _ => frame.bytes[2 * at..2 * at + 2].copy_from_slice(&code.to_le_bytes()),
                    }
                }
                frame
            };
            let noise = |at: usize| (at * 7 % 13) as i32 - 6;
            let (before, after) = (shifted(&|_| 0), shifted(&|at| 6 * noise(at)));
            // A quarter of the picture moves far.
            let host = shifted(&|at| if at % 4 == 0 { 150 } else { noise(at) });
            let mut marked = shifted(&|at| if at % 4 == 0 { 150 } else { noise(at) - 6 * noise(at) });
            let free = marked.clone();
            marked.hold(&host, (&before, &after));
            let code = |frame: &ClipFrame, at: usize| match frame.pixels.wide() {
                1 => i32::from(frame.bytes[at]),
                _ => i32::from(u16::from_le_bytes([frame.bytes[2 * at], frame.bytes[2 * at + 1]])),
            };
            let mut held = 0;
            for at in 0..SIZE.area() {
                let (last, now) = (code(&after, at) - code(&before, at), code(&marked, at) - code(&host, at));
                match at % 4 {
                    0 => assert_eq!(code(&marked, at), code(&free, at), "{name}: what moves is free"),
                    _ => assert!((now - last).abs() <= one, "{name}: {last}, then {now}"),
                }
                held += usize::from(code(&marked, at) != code(&free, at));
            }
            assert!(held > SIZE.area() / 4, "{name}: {held}");
        }
    }

    #[test]
    fn black_and_white_are_told_alike_whatever_is_stored() {
        for (name, full, black, white) in [
            ("yuv420p", false, 16_u16, 235_u16),
            ("yuvj420p", true, 0, 255),
            ("yuv420p10le", false, 64, 940),
            ("yuv444p12le", true, 0, 4095),
        ] {
            let mut frame = ClipFrame::new(SIZE, Pixels::named(name).unwrap(), full).unwrap();
            for (code, told) in [(black, 0.0), (white, 255.0)] {
                match frame.pixels.wide() {
                    1 => frame.bytes[0] = code as u8,
                    _ => frame.bytes[..2].copy_from_slice(&code.to_le_bytes()),
                }
                let mut row = vec![0.0; SIZE.width];
                frame.luma_row(0, &mut row);
                assert!((row[0] - told).abs() < 1e-3, "{name}: {code} is told as {}", row[0]);
            }
        }
    }

    #[test]
    fn a_small_grid_holds_means_and_a_picture_smaller_than_it_is_no_trouble() {
        let mut flat = ClipFrame::new(SIZE, Pixels::named("gray").unwrap(), true).unwrap();
        flat.bytes.fill(90);
        assert!(flat.thumb().iter().all(|v| (v - 90.0).abs() < 1e-3));
        let tiny = Size { width: 3, height: 1 };
        let mut tiny = ClipFrame::new(tiny, Pixels::named("gray").unwrap(), true).unwrap();
        tiny.bytes.copy_from_slice(&[10, 20, 30]);
        assert_eq!(tiny.thumb()[0], 10.0);
        assert_eq!(tiny.thumb()[THUMB_WIDTH - 1], 30.0);
    }
}
