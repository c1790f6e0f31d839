//! How strips and tiles are packed: both ways, one beside the other.

use std::borrow::Cow;
use std::io::Read;

use weezl::{BitOrder, LzwStatus};

use crate::FrameError;
use crate::format::Format;
use crate::format::bytes::Endian;
use crate::format::zlib;

/// The ways of packing that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    /// As they are.
    None,
    /// LZW of TIFF 6.0.
    Lzw,
    /// zlib.
    Deflate,
    /// Runs of bytes.
    PackBits,
}

impl Compression {
    /// By its number in the directory, or what is unusual about it.
    pub(crate) fn of(number: u32) -> Result<Self, &'static str> {
        match number {
            1 => Ok(Self::None),
            5 => Ok(Self::Lzw),
            8 | 32946 => Ok(Self::Deflate),
            32773 => Ok(Self::PackBits),
            6 | 7 => Err("a TIFF packed as JPEG"),
            2..=4 => Err("a fax TIFF"),
            _ => Err("a TIFF with an unusual compression"),
        }
    }
}

/// `wanted` bytes out of `packed`; `None` if they are not in it.
pub(crate) fn unpack(compression: Compression, packed: &[u8], wanted: usize) -> Option<Cow<'_, [u8]>> {
    match compression {
        Compression::None => packed.get(..wanted).map(Cow::Borrowed),
        Compression::Lzw => unpack_lzw(packed, wanted).map(Cow::Owned),
        Compression::Deflate => {
            // It grows as data comes, not as the header claims.
            let mut raw = Vec::new();
            flate2::read::ZlibDecoder::new(packed).take(wanted as u64).read_to_end(&mut raw).ok()?;
            (raw.len() == wanted).then_some(Cow::Owned(raw))
        }
        Compression::PackBits => unpack_runs(packed, wanted).map(Cow::Owned),
    }
}

/// `raw` packed; `row` is the number of bytes of one row, which runs must not cross.
pub(crate) fn pack(compression: Compression, raw: Vec<u8>, row: usize) -> Result<Vec<u8>, FrameError> {
    match compression {
        Compression::None => Ok(raw),
        Compression::Lzw => weezl::encode::Encoder::with_tiff_size_switch(BitOrder::Msb, 8)
            .encode(&raw)
            .map_err(|error| FrameError::encoder(Format::Tiff, error)),
        Compression::Deflate => zlib::pack(&raw, DEFLATE_LEVEL, Format::Tiff),
        Compression::PackBits => Ok(raw.chunks(row).flat_map(pack_runs).collect()),
    }
}

fn unpack_lzw(packed: &[u8], wanted: usize) -> Option<Vec<u8>> {
    // LZW of 12 bits gives at most 4096 bytes for a code: a claim beyond that is not worth the memory.
    if wanted / 4096 > packed.len() {
        return None;
    }
    let mut raw = vec![0; wanted];
    let mut decoder = weezl::decode::Decoder::with_tiff_size_switch(BitOrder::Msb, 8);
    let (mut from, mut to) = (0, 0);
    while to < wanted {
        let step = decoder.decode_bytes(packed.get(from..)?, &mut raw[to..]);
        from += step.consumed_in;
        to += step.consumed_out;
        match step.status {
            Ok(LzwStatus::Ok) if step.consumed_in + step.consumed_out > 0 => {}
            Ok(_) => break,
            Err(_) => return None,
        }
    }
    (to == wanted).then_some(raw)
}

fn unpack_runs(packed: &[u8], wanted: usize) -> Option<Vec<u8>> {
    let mut raw = Vec::new();
    let mut rest = packed;
    while raw.len() < wanted {
        let (&head, tail) = rest.split_first()?;
        rest = match head {
            128 => tail,
            0..128 => {
                let (literal, tail) = tail.split_at_checked(usize::from(head) + 1)?;
                raw.extend_from_slice(literal);
                tail
            }
            _ => {
                let (&value, tail) = tail.split_first()?;
                raw.resize(raw.len() + 257 - usize::from(head), value);
                tail
            }
        };
    }
    raw.truncate(wanted);
    Some(raw)
}

fn pack_runs(row: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(row.len() / 2);
    let mut at = 0;
    while at < row.len() {
        let rest = &row[at..];
        let run = rest.iter().take(128).take_while(|value| **value == rest[0]).count();
        if run >= 3 {
            out.extend_from_slice(&[(257 - run) as u8, rest[0]]);
            at += run;
            continue;
        }
        // A literal ends where three equal bytes begin: two would not pay for their own head.
        let until =
            rest.windows(3).position(|w| w[0] == w[1] && w[1] == w[2]).unwrap_or(rest.len()).clamp(1, 128);
        out.push((until - 1) as u8);
        out.extend_from_slice(&rest[..until]);
        at += until;
    }
    out
}

/// How a row was made easier to pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Predictor {
    /// Not at all.
    None,
    /// Each sample as its difference to the left neighbour's (number 2).
    Differences,
    /// The highest bytes of all samples first, then the next, and differences of those bytes (number 3, for floats).
    Planes,
}

/// How the samples of a row are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    /// 8, 16 or 32.
    pub(crate) bits: u8,
    pub(crate) endian: Endian,
    pub(crate) channels: usize,
    pub(crate) predictor: Predictor,
}

impl Written {
    /// The bytes of a row as the bits of its samples.
    pub(crate) fn samples(self, raw: &[u8]) -> Vec<u32> {
        if self.predictor == Predictor::Planes {
            return self.joined(raw);
        }
        let mut samples: Vec<u32> = match self.bits {
            8 => raw.iter().map(|v| u32::from(*v)).collect(),
            16 => match self.endian {
                Endian::Little => pairs(raw, u16::from_le_bytes),
                Endian::Big => pairs(raw, u16::from_be_bytes),
            },
            _ => match self.endian {
                Endian::Little => raw.as_chunks().0.iter().map(|four| u32::from_le_bytes(*four)).collect(),
                Endian::Big => raw.as_chunks().0.iter().map(|four| u32::from_be_bytes(*four)).collect(),
            },
        };
        if self.predictor == Predictor::Differences {
            for at in self.channels..samples.len() {
                samples[at] = samples[at].wrapping_add(samples[at - self.channels]) & self.mask();
            }
        }
        samples
    }

    /// Samples as the bytes of a row.
    pub(crate) fn bytes(self, mut samples: Vec<u32>) -> Vec<u8> {
        match self.predictor {
            Predictor::Planes => return self.planes(&samples),
            Predictor::Differences => {
                for at in (self.channels..samples.len()).rev() {
                    samples[at] = samples[at].wrapping_sub(samples[at - self.channels]) & self.mask();
                }
            }
            Predictor::None => {}
        }
        match self.bits {
            8 => samples.iter().map(|v| *v as u8).collect(),
            16 => samples.iter().flat_map(|v| self.endian.u16(*v as u16)).collect(),
            _ => samples.iter().flat_map(|v| self.endian.u32(*v)).collect(),
        }
    }

    fn mask(self) -> u32 {
        u32::MAX >> (32 - u32::from(self.bits))
    }

    /// Adobe's technical note 3 on TIFF: byte planes are of one order on all machines.
    fn joined(self, raw: &[u8]) -> Vec<u32> {
        let mut bytes = raw.to_vec();
        for at in self.channels..bytes.len() {
            bytes[at] = bytes[at].wrapping_add(bytes[at - self.channels]);
        }
        let count = bytes.len() / usize::from(self.bits / 8);
        let sample = |i: usize| bytes[i..].iter().step_by(count).fold(0, |v, byte| v << 8 | u32::from(*byte));
        (0..count).map(sample).collect()
    }

    fn planes(self, samples: &[u32]) -> Vec<u8> {
        let shifts = (0..u32::from(self.bits)).step_by(8).rev();
        let mut bytes: Vec<u8> =
            shifts.flat_map(|shift| samples.iter().map(move |v| (v >> shift) as u8)).collect();
        for at in (self.channels..bytes.len()).rev() {
            bytes[at] = bytes[at].wrapping_sub(bytes[at - self.channels]);
        }
        bytes
    }
}

/// Samples of two bytes; one loop for each order of them.
fn pairs(raw: &[u8], of: impl Fn([u8; 2]) -> u16) -> Vec<u32> {
    raw.as_chunks().0.iter().map(|pair| u32::from(of(*pair))).collect()
}

/// The fastest. Measured on line art, cels, a painting and CG (8 bit, predictor 2, all samples changed): 10 to 45 ms a
/// megapixel, about what reading takes, where level 6 takes 35 to 390 ms; files are 1.3 to 2.2 times those of level 6.
const DEFLATE_LEVEL: i32 = 1;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use super::*;

    /// Rows of runs and noise, by a small generator.
    fn rows(spread: u32) -> Vec<u8> {
        let mut state = spread;
        (0..50 * 97)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                ((state >> 24) % spread) as u8
            })
            .collect()
    }

    #[test]
    fn what_was_packed_unpacks_to_itself() {
        for compression in [Compression::None, Compression::Lzw, Compression::Deflate, Compression::PackBits]
        {
            for spread in [1, 2, 5, 256] {
                let raw = rows(spread);
                let packed = pack(compression, raw.clone(), 97).unwrap();
                assert!(unpack(compression, &packed, raw.len()).unwrap() == raw, "{compression:?} {spread}");
            }
        }
    }

    #[test]
    fn what_is_not_in_it_does_not_come_out() {
        for compression in [Compression::None, Compression::Lzw, Compression::Deflate, Compression::PackBits]
        {
            let raw = rows(256);
            let packed = pack(compression, raw.clone(), 97).unwrap();
            assert!(unpack(compression, &packed, raw.len() + 1).is_none(), "{compression:?}");
            assert!(unpack(compression, &packed[..packed.len() / 2], raw.len()).is_none(), "{compression:?}");
            assert!(unpack(compression, &[], 1 << 40).is_none(), "{compression:?}");
        }
    }

    #[test]
    fn runs_are_packed_as_the_specification_shows() {
        // The example of TIFF 6.0, section 9, the other way round: our packer may choose other packets.
        let packed = [0xfe, 0xaa, 2, 0x80, 0, 0x2a, 0xfd, 0xaa, 3, 0x80, 0, 0x2a, 0x22, 0xf7, 0xaa];
        let mut wanted = vec![0xaa, 0xaa, 0xaa, 0x80, 0, 0x2a, 0xaa, 0xaa, 0xaa, 0xaa, 0x80, 0, 0x2a, 0x22];
        wanted.extend([0xaa; 10]);
        assert_eq!(unpack_runs(&packed, 24).unwrap(), wanted);
    }

    #[test]
    fn rows_of_every_kind_come_back() {
        let random: Vec<u32> =
            rows(256).as_chunks().0.iter().map(|four| u32::from_le_bytes(*four)).take(120).collect();
        for (bits, predictor) in [
            (8, Predictor::None),
            (8, Predictor::Differences),
            (16, Predictor::None),
            (16, Predictor::Differences),
            (16, Predictor::Planes),
            (32, Predictor::None),
            (32, Predictor::Differences),
            (32, Predictor::Planes),
        ] {
            for endian in [Endian::Little, Endian::Big] {
                let written = Written { bits, endian, channels: 3, predictor };
                let samples: Vec<u32> = random.iter().map(|v| v & written.mask()).collect();
                let raw = written.bytes(samples.clone());
                assert_eq!(raw.len(), samples.len() * usize::from(bits / 8));
                assert_eq!(written.samples(&raw), samples, "{written:?}");
            }
        }
    }

    #[test]
    fn planes_of_bytes_are_as_the_note_has_them() {
        let written = Written { bits: 32, endian: Endian::Little, channels: 1, predictor: Predictor::Planes };
        // 1.0 and 1.5: 3f 80 00 00 and 3f c0 00 00; planes 3f 3f | 80 c0 | 00 00 | 00 00, then differences.
        assert_eq!(written.bytes(vec![0x3f80_0000, 0x3fc0_0000]), [0x3f, 0, 0x41, 0x40, 0x40, 0, 0, 0]);
    }
}
