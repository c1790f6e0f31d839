//! TGA: true colour and grey, raw or run-length packed; ID field, colour map, footer and extension area stay.

use super::bytes::{Endian, u16_at, u32_at};
use super::{Decoded, Format, Writing, other};
use crate::limits::room;
use crate::picture::{Alpha, Layout, Picture, Samples};
use crate::{FrameError, Limits};

/// TGA begins with no magic number: a header of legal values must do, and all its pixels if there is no footer.
pub(crate) fn looks_like_one(bytes: &[u8]) -> bool {
    let Some(header) = Header::of(bytes).filter(|_| begins_like_one(bytes)) else { return false };
    let least = match header.packed {
        true => 1, // a whole picture may be a few runs
        false => header.pixels().saturating_mul(header.step() as u64),
    };
    let room = bytes.len().saturating_sub(header.data) as u64;
    footer(bytes).is_some() || room >= least
}

/// Whether the header is one, wherever the file ends.
pub(crate) fn begins_like_one(bytes: &[u8]) -> bool {
    let Some(header) = Header::of(bytes) else { return false };
    let mapped = bytes[1];
    let legal = match bytes[2] {
        1 | 9 => mapped == 1 && matches!(bytes[7], 15 | 16 | 24 | 32) && header.bits == 8,
        2 | 10 => mapped <= 1 && matches!(header.bits, 15 | 16 | 24 | 32),
        3 | 11 => mapped == 0 && header.bits == 8,
        _ => false,
    };
    legal && header.width > 0 && header.height > 0 && bytes[17] & 0xc0 == 0
}

/// Read a TGA file.
pub(crate) fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, FrameError> {
    let header = Header::of(bytes).ok_or_else(|| FrameError::cut_off(Format::Tga))?;
    let size = limits.size(Format::Tga, header.width.into(), header.height.into())?;
    if !header.writable() {
        let writing = Writing::never("a TGA with a palette or of 16 bits", "convert it to PNG first");
        return Ok(Decoded { picture: other::decode(bytes, Format::Tga, limits)?, writing });
    }
    let (stored, end) = header.unpack(bytes)?;
    limits.metadata(bytes.len().saturating_sub(end - header.data))?;
    let alpha = header.alpha(bytes);
    let layout = Layout::new(if header.step() == 1 { 1 } else { 3 }, alpha);
    let mut samples = room(size.area(), layout.channels)?;
    for index in (0..size.height).flat_map(|y| (0..size.width).map(move |x| header.place(x, y))) {
        let pixel = &stored[index..index + header.step()];
        match layout.channels {
            1 => samples.push(pixel[0]),
            3 => samples.extend([pixel[2], pixel[1], pixel[0]]),
            _ => samples.extend([pixel[2], pixel[1], pixel[0], pixel[3]]),
        }
    }
    let picture = Picture::new(size, layout, Samples::Byte(samples)).expect("one pixel for each place");
    Ok(Decoded { picture, writing: Writing::Same })
}

/// Put the pixels of `picture` into the TGA file `bytes`.
pub(crate) fn encode(bytes: &[u8], picture: &Picture) -> Result<Vec<u8>, FrameError> {
    let header = Header::of(bytes).ok_or_else(|| FrameError::cut_off(Format::Tga))?;
    let Samples::Byte(samples) = &picture.samples else {
        return Err(FrameError::encoder(Format::Tga, "it has 8 bits only"));
    };
    // The fourth byte of a pixel is kept also where it is not alpha.
    let (mut stored, end) = header.unpack(bytes)?;
    for (number, fresh) in samples.chunks_exact(picture.layout.channels).enumerate() {
        let index = header.place(number % picture.size.width, number / picture.size.width);
        match fresh {
            [grey] => stored[index] = *grey,
            [r, g, b, ..] => stored[index..index + 3].copy_from_slice(&[*b, *g, *r]),
            _ => {}
        }
    }
    if header.packed {
        stored = stored
            .chunks_exact(usize::from(header.width) * header.step())
            .flat_map(|row| header.pack(row))
            .collect();
    }
    let mut out = [&bytes[..header.data], &stored, &bytes[end..]].concat();
    shift_offsets(&mut out, end, header.data + stored.len());
    Ok(out)
}

#[derive(Clone, Copy)]
struct Header {
    packed: bool,
    kind: u8,
    width: u16,
    height: u16,
    bits: u8,
    /// Bits of a pixel that the header calls attributes.
    attributes: u8,
    right_to_left: bool,
    top_down: bool,
    data: usize,
}

impl Header {
    fn of(bytes: &[u8]) -> Option<Self> {
        let head = bytes.get(..18)?;
        let map = match head[1] {
            0 => 0,
            _ => usize::from(u16_at(head, 5, Endian::Little)?) * usize::from(head[7].div_ceil(8)),
        };
        let data = 18 + usize::from(head[0]) + map;
        (data <= bytes.len()).then_some(Self {
            packed: head[2] & 8 != 0,
            kind: head[2],
            width: u16_at(head, 12, Endian::Little)?,
            height: u16_at(head, 14, Endian::Little)?,
            bits: head[16],
            attributes: head[17] & 0x0f,
            right_to_left: head[17] & 0x10 != 0,
            top_down: head[17] & 0x20 != 0,
            data,
        })
    }

    fn writable(&self) -> bool {
        matches!((self.kind & 7, self.bits), (2, 24 | 32) | (3, 8))
    }

    fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    /// Bytes of a pixel.
    fn step(&self) -> usize {
        usize::from(self.bits.div_ceil(8))
    }

    /// Where the pixel seen at (x, y) stands among the stored bytes.
    fn place(&self, x: usize, y: usize) -> usize {
        let (width, height) = (usize::from(self.width), usize::from(self.height));
        let x = if self.right_to_left { width - 1 - x } else { x };
        let y = if self.top_down { y } else { height - 1 - y };
        (y * width + x) * self.step()
    }

    /// The extension area knows better than the header whether the fourth byte is alpha.
    fn alpha(&self, bytes: &[u8]) -> Alpha {
        if self.bits != 32 {
            return Alpha::None;
        }
        match extension(bytes).and_then(|area| bytes.get(area + ATTRIBUTES_TYPE)) {
            Some(3) => Alpha::Straight,
            Some(4) => Alpha::Associated,
            Some(0..=2) => Alpha::None,
            _ if self.attributes == 8 => Alpha::Straight,
            _ => Alpha::None,
        }
    }

    /// The stored pixels without their packing, and where they ended in the file.
    fn unpack(&self, bytes: &[u8]) -> Result<(Vec<u8>, usize), FrameError> {
        let short = || FrameError::cut_off(Format::Tga);
        let wanted = self.pixels() as usize * self.step();
        if !self.packed {
            let end = self.data + wanted;
            return Ok((bytes.get(self.data..end).ok_or_else(short)?.to_vec(), end));
        }
        let mut stored: Vec<u8> = room(self.pixels() as usize, self.step())?;
        let mut at = self.data;
        while stored.len() < wanted {
            let token = *bytes.get(at).ok_or_else(short)?;
            let count = usize::from(token & 0x7f) + 1;
            let length = if token & 0x80 == 0 { count * self.step() } else { self.step() };
            let literal = bytes.get(at + 1..at + 1 + length).ok_or_else(short)?;
            match token & 0x80 {
                0 => stored.extend_from_slice(literal),
                _ => (0..count).for_each(|_| stored.extend_from_slice(literal)),
            }
            at += 1 + length;
        }
        stored.truncate(wanted); // the last packet may say too much
        Ok((stored, at))
    }

    /// One row as packets; the specification forbids packets across rows.
    fn pack(&self, row: &[u8]) -> Vec<u8> {
        let pixels: Vec<&[u8]> = row.chunks_exact(self.step()).collect();
        let mut out = Vec::with_capacity(row.len());
        let mut at = 0;
        while at < pixels.len() {
            let run = pixels[at..].iter().take(128).take_while(|pixel| **pixel == pixels[at]).count();
            if run > 1 {
                out.push(0x80 | (run - 1) as u8);
                out.extend_from_slice(pixels[at]);
                at += run;
                continue;
            }
            let rest = &pixels[at..];
            let single = rest.windows(2).take(127).take_while(|pair| pair[0] != pair[1]).count();
            let count = if single + 1 == rest.len() { single + 1 } else { single.max(1) };
            out.push((count - 1) as u8);
            rest[..count].iter().for_each(|pixel| out.extend_from_slice(pixel));
            at += count;
        }
        out
    }
}

/// Where the footer stands, if there is one (TGA 2.0).
fn footer(bytes: &[u8]) -> Option<usize> {
    let start = bytes.len().checked_sub(26)?;
    (bytes.get(start + 8..start + 26)? == b"TRUEVISION-XFILE.\0").then_some(start)
}

/// Where the extension area stands, if the whole of it is there.
fn extension(bytes: &[u8]) -> Option<usize> {
    let area = u32_at(bytes, footer(bytes)?, Endian::Little)? as usize;
    (area > 0 && area.checked_add(495)? <= bytes.len()).then_some(area)
}

/// What stood behind the pixels has moved: tell footer, extension area and developer directory.
///
/// The table of row starts is optional and would be wrong: it is struck out.
fn shift_offsets(out: &mut [u8], before: usize, after: usize) {
    // What a file says to stand among its pixels is left alone: the pixels are the picture.
    let Some(foot) = footer(out).filter(|foot| before != after && *foot >= after) else { return };
    let moved = |out: &mut [u8], at: usize| {
        let offset = u32_at(out, at, Endian::Little)? as usize;
        let offset = if offset >= before { offset - before + after } else { offset };
        out.get_mut(at..at + 4)?.copy_from_slice(&(offset as u32).to_le_bytes());
        Some(offset)
    };
    let _ = moved(out, foot);
    if let Some(area) = extension(out).filter(|area| *area >= after) {
        let _ = moved(out, area + COLOUR_CORRECTION);
        let _ = moved(out, area + POSTAGE_STAMP);
        out[area + ROW_TABLE..area + ROW_TABLE + 4].fill(0);
    }
    if let Some(directory) = moved(out, foot + 4).filter(|offset| *offset >= after) {
        let count = u16_at(out, directory, Endian::Little).unwrap_or(0);
        for tag in 0..usize::from(count) {
            let _ = moved(out, directory + 2 + 10 * tag + 2);
        }
    }
}

/// Places in the extension area (TGA 2.0 specification, fields 24 to 27).
const COLOUR_CORRECTION: usize = 482;
const POSTAGE_STAMP: usize = 486;
const ROW_TABLE: usize = 490;
const ATTRIBUTES_TYPE: usize = 494;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use super::*;

    fn header(bits: u8, width: u16, height: u16) -> Header {
        let mut head = [0; 18];
        head[2] = if bits == 8 { 11 } else { 10 };
        head[12..14].copy_from_slice(&width.to_le_bytes());
        head[14..16].copy_from_slice(&height.to_le_bytes());
        head[16] = bits;
        Header::of(&head).unwrap()
    }

    #[test]
    fn packed_rows_unpack_to_themselves_and_hardly_grow() {
        let mut state = 1u32;
        for (bits, width) in [(8, 1), (8, 2), (8, 300), (24, 129), (32, 257)] {
            for spread in [1, 2, 3, 200] {
                let head = header(bits, width, 1);
                let row: Vec<u8> = (0..usize::from(width) * head.step())
                    .map(|_| {
                        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                        ((state >> 24) % spread) as u8
                    })
                    .collect();
                let packed = [vec![0; 18], head.pack(&row)].concat();
                let (back, end) = head.unpack(&packed).unwrap();
                assert!(back == row && end == packed.len(), "{bits} bits, {width} wide, {spread} values");
                assert!(
                    packed.len() - 18
                        <= row.len() + row.len() / (128 * head.step()) + usize::from(width).div_ceil(2)
                );
            }
        }
    }
}
