//! DPX (SMPTE 268M): one element of 8, 10, 12 or 16 bits; header, padding and everything behind the pixels stay.
//!
//! Code values are taken as they are: those of film logs are spaced much as the eye counts, and so are those of video.

use super::bytes::{Endian, array, u16_at, u32_at};
use super::{Decoded, Format, Writing};
use crate::limits::room;
use crate::picture::{Alpha, Layout, Picture, Samples};
use crate::{FrameError, Limits};

/// Read a DPX file.
pub(crate) fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, FrameError> {
    let header = Header::of(bytes)?;
    let size = limits.size(Format::Dpx, header.width as u64, header.height as u64)?;
    let row = header.row(bytes)?;
    limits.metadata(bytes.len().saturating_sub(row * size.height))?;
    let layout = header.layout();
    let count = size.width * layout.channels;
    let mut words: Vec<u16> = room(size.height, count)?;
    for y in 0..size.height {
        let stored = header.stored(bytes, y, row);
        words.extend((0..count).map(|i| header.packing.get(stored, i, header.endian)));
    }
    if header.channels == Channels::Abgr {
        words.as_chunks_mut::<4>().0.iter_mut().for_each(|pixel| pixel.reverse());
    }
    let samples = match header.packing {
        Packing::Byte => Samples::Byte(words.into_iter().map(|v| (v / 257) as u8).collect()),
        _ => Samples::Word(words),
    };
    let picture = Picture::new(size, layout, samples).expect("as many samples as size and layout say");
    Ok(Decoded { picture, writing: Writing::Same })
}

/// Put the pixels of `picture` into the DPX file `bytes`.
pub(crate) fn encode(bytes: &[u8], picture: &Picture) -> Result<Vec<u8>, FrameError> {
    let header = Header::of(bytes)?;
    let row = header.row(bytes)?;
    let channels = picture.layout.channels;
    let count = picture.size.width * channels;
    let mut out = bytes.to_vec();
    for y in 0..picture.size.height {
        let start = header.data + y * row;
        for i in 0..count {
            // From where the sample stands in the file to where it is in the picture.
            let at = if header.channels == Channels::Abgr { i / 4 * 4 + 3 - i % 4 } else { i };
            let fresh = match &picture.samples {
                Samples::Byte(values) => u16::from(values[y * count + at]) * 257,
                Samples::Word(values) => values[y * count + at],
                _ => return Err(FrameError::encoder(Format::Dpx, "it has whole numbers only")),
            };
            header.packing.put(&mut out[start..start + row], i, header.endian, fresh);
        }
    }
    Ok(out)
}

/// What stands in a pixel, in this order (SMPTE 268M, table 1: descriptors 6, 50, 51, 52).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Channels {
    Grey,
    Rgb,
    Rgba,
    Abgr,
}

/// How samples lie in a row. Three of 10 bits share a word of 32, with two bits of padding at one end or the other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Packing {
    Byte,
    /// Three to a word; the lowest bit of the third.
    Ten(u32),
    /// One to a word of 16 bits; its lowest bit.
    Twelve(u32),
    /// So many bits each, one behind the other from the lowest bit of words of 32 bits on.
    Stream(u32),
    Word,
}

struct Header {
    endian: Endian,
    data: usize,
    width: usize,
    height: usize,
    channels: Channels,
    packing: Packing,
    /// Bytes behind each row.
    padding: usize,
}

impl Header {
    fn of(bytes: &[u8]) -> Result<Self, FrameError> {
        let endian = if bytes.first() == Some(&b'S') { Endian::Big } else { Endian::Little };
        let cut_off = || FrameError::cut_off(Format::Dpx);
        let number = |at| u32_at(bytes, at, endian).ok_or_else(cut_off);
        let short = |at| u16_at(bytes, at, endian).ok_or_else(cut_off);
        let [descriptor, _, _, bits] = array(bytes, ELEMENT + 20).ok_or_else(cut_off)?;
        if short(770)? != 1 {
            return Err(unusual("a DPX file of several elements"));
        }
        if number(ELEMENT)? != 0 || short(ELEMENT + 26)? != 0 {
            return Err(unusual("a DPX file of signed or run-length packed samples"));
        }
        let channels = match descriptor {
            6 => Channels::Grey,
            50 => Channels::Rgb,
            51 => Channels::Rgba,
            52 => Channels::Abgr,
            _ => return Err(unusual("a DPX file of unusual channels, such as YCbCr")),
        };
        let packing = match (bits, short(ELEMENT + 24)?) {
            (8, _) => Packing::Byte,
            (10, 1) if channels != Channels::Grey => Packing::Ten(2),
            (10, 2) if channels != Channels::Grey => Packing::Ten(0),
            (bits @ (10 | 12), 0) => Packing::Stream(bits.into()),
            (12, 1) => Packing::Twelve(4),
            (12, 2) => Packing::Twelve(0),
            (16, _) => Packing::Word,
            _ => return Err(unusual("a DPX file of unusually packed samples")),
        };
        let own = number(ELEMENT + 28)?;
        let data = if matches!(own, 0 | UNDEFINED) { number(4)? } else { own } as usize;
        if data < HEADER {
            return Err(FrameError::damaged(Format::Dpx, "pixels inside its own header"));
        }
        let padding = match number(ELEMENT + 32)? {
            UNDEFINED => 0,
            padding => padding as usize,
        };
        let (width, height) = (number(772)? as usize, number(776)? as usize);
        Ok(Self { endian, data, width, height, channels, packing, padding })
    }

    fn layout(&self) -> Layout {
        match self.channels {
            Channels::Grey => Layout::new(1, Alpha::None),
            Channels::Rgb => Layout::new(3, Alpha::None),
            Channels::Rgba | Channels::Abgr => Layout::new(3, Alpha::Straight),
        }
    }

    /// Bytes from one row to the next. Rows begin at words of 32 bits, says the standard; not all writers know.
    fn row(&self, bytes: &[u8]) -> Result<usize, FrameError> {
        let samples = self.width.saturating_mul(self.layout().channels);
        let tight = match self.packing {
            Packing::Byte => samples,
            Packing::Ten(_) => samples.div_ceil(3).saturating_mul(4),
            Packing::Stream(bits) => samples.saturating_mul(bits as usize).div_ceil(32).saturating_mul(4),
            Packing::Twelve(_) | Packing::Word => samples.saturating_mul(2),
        };
        let available = bytes.len().saturating_sub(self.data);
        let fits = |row: &usize| row.saturating_mul(self.height) <= available && *row > 0;
        let aligned = tight.next_multiple_of(4).saturating_add(self.padding);
        let tight = tight.saturating_add(self.padding);
        [aligned, tight].into_iter().find(fits).ok_or_else(|| FrameError::cut_off(Format::Dpx))
    }

    fn stored<'a>(&self, bytes: &'a [u8], y: usize, row: usize) -> &'a [u8] {
        &bytes[self.data + y * row..][..row]
    }
}

impl Packing {
    /// Sample `i` of a row, stretched to 16 bits.
    fn get(self, row: &[u8], i: usize, endian: Endian) -> u16 {
        match self {
            Self::Byte => u16::from(row[i]) * 257,
            Self::Word => u16_at(row, 2 * i, endian).unwrap_or(0),
            Self::Twelve(low) => {
                let v = u16_at(row, 2 * i, endian).unwrap_or(0) >> low & 0xfff;
                v << 4 | v >> 8
            }
            Self::Ten(low) => {
                let word = u32_at(row, i / 3 * 4, endian).unwrap_or(0);
                let v = (word >> (low + 20 - 10 * (i as u32 % 3)) & 0x3ff) as u16;
                v << 6 | v >> 4
            }
            Self::Stream(bits) => {
                let (at, shift) = (i * bits as usize / 32 * 4, i as u32 * bits % 32);
                let v = (two_words(row, at, endian) >> shift) as u16 & ((1 << bits) - 1);
                v << (16 - bits) | v >> (2 * bits - 16)
            }
        }
    }

    /// Put a sample of 16 bits where sample `i` stands, rounded; bits of padding stay.
    fn put(self, row: &mut [u8], i: usize, endian: Endian, sample: u16) {
        let nearest = |top: u32| (u32::from(sample) * top + 32_767) / 65_535;
        match self {
            Self::Byte => row[i] = nearest(255) as u8,
            Self::Word => row[2 * i..2 * i + 2].copy_from_slice(&endian.u16(sample)),
            Self::Twelve(low) => {
                let old = u16_at(row, 2 * i, endian).unwrap_or(0);
                let new = old & !(0xfff << low) | (nearest(0xfff) as u16) << low;
                row[2 * i..2 * i + 2].copy_from_slice(&endian.u16(new));
            }
            Self::Ten(low) => {
                let (at, shift) = (i / 3 * 4, low + 20 - 10 * (i as u32 % 3));
                let old = u32_at(row, at, endian).unwrap_or(0);
                let new = old & !(0x3ff << shift) | nearest(0x3ff) << shift;
                row[at..at + 4].copy_from_slice(&endian.u32(new));
            }
            Self::Stream(bits) => {
                let (at, shift) = (i * bits as usize / 32 * 4, i as u32 * bits % 32);
                let top = (1 << bits) - 1;
                let new = two_words(row, at, endian) & !(u64::from(top) << shift)
                    | u64::from(nearest(top)) << shift;
                row[at..at + 4].copy_from_slice(&endian.u32(new as u32));
                if let Some(second) = row.get_mut(at + 4..at + 8) {
                    second.copy_from_slice(&endian.u32((new >> 32) as u32));
                }
            }
        }
    }
}

/// The word at `at` and, above it, the next.
fn two_words(row: &[u8], at: usize, endian: Endian) -> u64 {
    let word = |at| u64::from(u32_at(row, at, endian).unwrap_or(0));
    word(at) | word(at + 4) << 32
}

fn unusual(what: &str) -> FrameError {
    FrameError::NotSupported(what.to_owned())
}

/// Where the first element is described, and the smallest header (generic sections only).
const ELEMENT: usize = 780;
const HEADER: usize = 1_664;
/// A number that was left out.
const UNDEFINED: u32 = 0xffff_ffff;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stored_number_survives_the_way_through_16_bits() {
        for (packing, top) in [
            (Packing::Ten(2), 1023_u32),
            (Packing::Ten(0), 1023),
            (Packing::Twelve(4), 4095),
            (Packing::Twelve(0), 4095),
            (Packing::Stream(10), 1023),
            (Packing::Stream(12), 4095),
            (Packing::Byte, 255),
        ] {
            for endian in [Endian::Little, Endian::Big] {
                for v in 0..=top {
                    let mut row = [0xff_u8; 12];
                    let sample = ((v * 65_535 + top / 2) / top) as u16;
                    (0..3).for_each(|i| packing.put(&mut row, i, endian, sample));
                    let there = packing.get(&row, 1, endian);
                    let mut again = row;
                    packing.put(&mut again, 1, endian, there);
                    assert_eq!(again, row);
                    assert_eq!((u32::from(there) * top + 32_767) / 65_535, v);
                }
            }
        }
    }
}
