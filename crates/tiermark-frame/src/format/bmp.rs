//! BMP of 24 or 32 bits: the colours are changed where they stand, all other bytes stay.

use super::bytes::{Endian, u16_at, u32_at};
use super::{Decoded, Format, Writing, other};
use crate::limits::room;
use crate::picture::{Alpha, Layout, Picture, Samples};
use crate::{FrameError, Limits};

/// `BM` alone begins many texts; the header behind it has one of a few lengths.
pub(crate) fn looks_like_one(bytes: &[u8]) -> bool {
    matches!(u32_at(bytes, 14, Endian::Little), Some(12 | 16 | 40 | 52 | 56 | 64 | 108 | 124))
}

/// Read a BMP file.
pub(crate) fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, FrameError> {
    let header = Header::of(bytes).ok_or_else(|| FrameError::cut_off(Format::Bmp))?;
    let size = limits.size(Format::Bmp, header.width.into(), header.height.into())?;
    let Some(places) = header.places else {
        let writing = Writing::never("a BMP with a palette or of 16 bits", "convert it to PNG first");
        return Ok(Decoded { picture: other::decode(bytes, Format::Bmp, limits)?, writing });
    };
    limits.metadata(bytes.len().saturating_sub(header.stride().saturating_mul(size.height)))?;
    let layout = match places.alpha {
        Some(_) => Layout::new(3, Alpha::Straight),
        None => Layout::new(3, Alpha::None),
    };
    let mut samples = room(size.area(), layout.channels)?;
    for y in 0..size.height {
        let row = header.row(y, bytes.len()).ok_or_else(|| FrameError::cut_off(Format::Bmp))?;
        for pixel in bytes[row].chunks_exact(header.step()) {
            samples.extend(places.colours.map(|place| pixel[place]));
            samples.extend(places.alpha.map(|place| pixel[place]));
        }
    }
    let picture =
        Picture::new(size, layout, Samples::Byte(samples)).expect("one pixel for each step of each row");
    Ok(Decoded { picture, writing: Writing::Same })
}

/// Put the pixels of `picture` into the BMP file `bytes`.
pub(crate) fn encode(bytes: &[u8], picture: &Picture) -> Result<Vec<u8>, FrameError> {
    let header = Header::of(bytes).ok_or_else(|| FrameError::cut_off(Format::Bmp))?;
    let (Some(places), Samples::Byte(samples)) = (header.places, &picture.samples) else {
        return Err(FrameError::encoder(Format::Bmp, "only 8 bits a colour are written"));
    };
    let mut out = bytes.to_vec();
    let rows = samples.chunks_exact(picture.size.width * picture.layout.channels);
    for (y, colours) in rows.enumerate() {
        let row = header.row(y, bytes.len()).ok_or_else(|| FrameError::cut_off(Format::Bmp))?;
        let stored = out[row].chunks_exact_mut(header.step());
        for (pixel, fresh) in stored.zip(colours.chunks_exact(picture.layout.channels)) {
            for (place, value) in places.colours.into_iter().zip(fresh) {
                pixel[place] = *value;
            }
        }
    }
    Ok(out)
}

struct Header {
    width: u32,
    height: u32,
    top_down: bool,
    bits: u16,
    data: usize,
    /// `None` if the pixels are not whole bytes of red, green and blue.
    places: Option<Places>,
}

/// Which byte of a pixel holds which colour.
#[derive(Clone, Copy)]
struct Places {
    colours: [usize; 3],
    alpha: Option<usize>,
}

impl Header {
    fn of(bytes: &[u8]) -> Option<Self> {
        let word = |at| u16_at(bytes, at, Endian::Little);
        let long = |at| u32_at(bytes, at, Endian::Little);
        let (data, kind) = (long(10)? as usize, long(14)?);
        if data < 14 + kind as usize {
            return None; // pixels inside the header: writing them would destroy it
        }
        if kind == 12 {
            let (width, height, bits) = (word(18)?.into(), word(20)?.into(), word(24)?);
            let places = (bits == 24).then_some(BGR);
            return Some(Self { width, height, top_down: false, bits, data, places });
        }
        let tall = long(22)?.cast_signed();
        let (bits, packing) = (word(28)?, long(30)?);
        let places = match (bits, packing) {
            _ if kind < 40 => None,
            (24 | 32, UNPACKED) => Some(BGR),
            (32, MASKED | MASKED_WITH_ALPHA) => {
                // Older headers hold no alpha mask: what stands at that place is pixels.
                let alpha = if kind >= 56 || packing == MASKED_WITH_ALPHA { long(66)? } else { 0 };
                Places::of([long(54)?, long(58)?, long(62)?], alpha)
            }
            _ => None,
        };
        Some(Self { width: long(18)?, height: tall.unsigned_abs(), top_down: tall < 0, bits, data, places })
    }

    /// Bytes of a pixel.
    fn step(&self) -> usize {
        usize::from(self.bits / 8)
    }

    /// Bytes of a row, filled up to whole words of four.
    fn stride(&self) -> usize {
        (self.width as usize * self.step()).next_multiple_of(4)
    }

    /// Where the pixels of row `y` stand, if inside a file of `length` bytes.
    fn row(&self, y: usize, length: usize) -> Option<std::ops::Range<usize>> {
        let stored = if self.top_down { y } else { (self.height as usize).checked_sub(y + 1)? };
        let start = self.data.checked_add(self.stride().checked_mul(stored)?)?;
        let end = start.checked_add(self.width as usize * self.step())?;
        (end <= length).then_some(start..end)
    }
}

impl Places {
    /// From bit masks, if each of them is one whole byte and no two are the same.
    fn of(masks: [u32; 3], alpha: u32) -> Option<Self> {
        let place = |mask: u32| (0..4).find(|byte| mask == 0xff << (8 * byte));
        let [r, g, b] = [place(masks[0])?, place(masks[1])?, place(masks[2])?];
        let alpha = if alpha == 0 { None } else { Some(place(alpha)?) };
        let distinct = r != g && g != b && r != b && alpha.is_none_or(|a| a != r && a != g && a != b);
        distinct.then_some(Self { colours: [r, g, b], alpha })
    }
}

const BGR: Places = Places { colours: [2, 1, 0], alpha: None };

/// Values of `biCompression`: BI_RGB, BI_BITFIELDS, BI_ALPHABITFIELDS.
const UNPACKED: u32 = 0;
const MASKED: u32 = 3;
const MASKED_WITH_ALPHA: u32 = 6;
