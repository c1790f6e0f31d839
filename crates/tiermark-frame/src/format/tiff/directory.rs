//! The directory of a TIFF file: which numbers stand where.

use std::ops::Range;

use crate::FrameError;
use crate::format::Format;
use crate::format::bytes::{Endian, u16_at, u32_at, u64_at};

/// The first directory of a file, taken apart.
pub(crate) struct Directory {
    pub(crate) endian: Endian,
    /// Offsets and counts have 64 bits (BigTIFF).
    big: bool,
    entries: Vec<Entry>,
    /// From the number of entries to the offset of the next directory.
    span: Range<usize>,
    next: usize,
    /// Some entry's values lie beyond the end of the file.
    beyond: bool,
}

struct Entry {
    tag: u16,
    kind: u16,
    count: usize,
    /// Where the entry stands: 12 bytes, 20 in a BigTIFF.
    at: usize,
    /// Where its values stand: inside the entry if there is room for them.
    values: Range<usize>,
}

impl Directory {
    /// The directory that the header points at.
    pub(crate) fn first(bytes: &[u8]) -> Result<Self, FrameError> {
        let endian = if bytes.first() == Some(&b'I') { Endian::Little } else { Endian::Big };
        Self::read(bytes, endian).ok_or_else(|| FrameError::cut_off(Format::Tiff))
    }

    fn read(bytes: &[u8], endian: Endian) -> Option<Self> {
        let big = u16_at(bytes, 2, endian)? == BIG;
        let start = offset_at(bytes, if big { 8 } else { 4 }, endian, big)?;
        let (count, first) = match big {
            true => (usize::try_from(u64_at(bytes, start, endian)?).ok()?, start.checked_add(8)?),
            false => (usize::from(u16_at(bytes, start, endian)?), start.checked_add(2)?),
        };
        let step = if big { 20 } else { 12 };
        let end = first.checked_add(count.checked_mul(step)?)?;
        let next = offset_at(bytes, end, endian, big)?;
        let entry = |number| Entry::read(bytes, endian, big, first + step * number);
        let (entries, lost): (Vec<Entry>, Vec<Entry>) =
            (0..count).filter_map(entry).partition(|entry| entry.values.end <= bytes.len());
        let span = start..end + if big { 8 } else { 4 };
        Some(Self { endian, big, entries, span, next, beyond: !lost.is_empty() })
    }

    /// Does another directory follow?
    pub(crate) fn has_next(&self) -> bool {
        self.next != 0
    }

    /// Do values of some entry lie beyond the end of the file? They are not read; in a longer file they would be.
    pub(crate) fn reaches_beyond(&self) -> bool {
        self.beyond
    }

    /// Would [`Directory::replace`] of these entries change the header or other entries?
    pub(crate) fn is_tangled(&self, tags: [u16; 2]) -> bool {
        let meet = |a: &Range<usize>, b: &Range<usize>| a.start.max(b.start) < a.end.min(b.end);
        let step = if self.big { 20 } else { 12 };
        let whole = |entry: &Entry| [entry.at..entry.at + step, entry.values.clone()];
        let header = 0..if self.big { 16 } else { 8 };
        let replaced = tags.map(|tag| self.entries.iter().position(|entry| entry.tag == tag));
        replaced.into_iter().flatten().any(|number| {
            let others = self.entries.iter().enumerate().filter(|(other, _)| *other != number);
            let others = others.flat_map(|(_, entry)| whole(entry)).chain([header.clone()]);
            let [own, values] = whole(&self.entries[number]);
            let inside = own.start <= values.start && values.end <= own.end;
            (!inside && meet(&own, &values))
                || others.into_iter().any(|other| meet(&other, &own) || meet(&other, &values))
        })
    }

    /// Is there such an entry?
    pub(crate) fn has(&self, tag: u16) -> bool {
        self.entry(tag).is_some()
    }

    fn entry(&self, tag: u16) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.tag == tag)
    }

    /// The whole numbers of an entry; none if it is absent, of another type, or not in the file.
    pub(crate) fn numbers(&self, bytes: &[u8], tag: u16) -> Vec<u64> {
        let Some(entry) = self.entry(tag) else { return Vec::new() };
        let values = bytes.get(entry.values.clone()).unwrap_or_default();
        match entry.kind {
            BYTE => values.iter().map(|v| u64::from(*v)).collect(),
            SHORT => {
                (0..entry.count).filter_map(|i| u16_at(values, 2 * i, self.endian)).map(u64::from).collect()
            }
            LONG => {
                (0..entry.count).filter_map(|i| u32_at(values, 4 * i, self.endian)).map(u64::from).collect()
            }
            LONG8 => (0..entry.count).filter_map(|i| u64_at(values, 8 * i, self.endian)).collect(),
            _ => Vec::new(),
        }
    }

    /// The one number of an entry.
    pub(crate) fn number(&self, bytes: &[u8], tag: u16) -> Option<u32> {
        self.numbers(bytes, tag).first().and_then(|v| u32::try_from(*v).ok())
    }

    /// Header, directory and the values that stand outside of it: pixels must not.
    pub(crate) fn occupied(&self) -> Vec<Range<usize>> {
        let mut taken = vec![0..if self.big { 16 } else { 8 }, self.span.clone()];
        taken.extend(self.entries.iter().map(|entry| entry.values.clone()));
        taken
    }

    /// Put other numbers into an entry, as many as before.
    ///
    /// They go where the old ones stood; 16-bit numbers that have become too large go behind the end as 32-bit ones.
    pub(crate) fn replace(&self, out: &mut Vec<u8>, tag: u16, numbers: &[usize]) -> Result<(), FrameError> {
        let broken =
            || FrameError::encoder(Format::Tiff, "the file would pass 4 GiB, and classic TIFF ends there");
        let entry = self.entry(tag).ok_or_else(broken)?;
        let most = numbers.iter().copied().max().unwrap_or(0) as u64;
        let kind = match entry.kind {
            SHORT if most <= u16::MAX.into() => SHORT,
            LONG8 => LONG8,
            _ if most <= u32::MAX.into() => LONG,
            _ if self.big => LONG8,
            _ => return Err(broken()),
        };
        let packed: Vec<u8> = match kind {
            SHORT => numbers.iter().flat_map(|v| self.endian.u16(*v as u16)).collect(),
            LONG => numbers.iter().flat_map(|v| self.endian.u32(*v as u32)).collect(),
            _ => numbers.iter().flat_map(|v| self.endian.u64(*v as u64)).collect(),
        };
        if packed.len() <= entry.values.len() {
            out[entry.values.start..][..packed.len()].copy_from_slice(&packed);
        } else {
            out.resize(out.len().next_multiple_of(2), 0);
            let start = out.len();
            out.extend_from_slice(&packed);
            match self.big {
                true => out[entry.at + 12..][..8].copy_from_slice(&self.endian.u64(start as u64)),
                false => {
                    let start = u32::try_from(start).map_err(|_| broken())?;
                    out[entry.at + 8..][..4].copy_from_slice(&self.endian.u32(start));
                }
            }
        }
        out[entry.at + 2..][..2].copy_from_slice(&self.endian.u16(kind));
        Ok(())
    }
}

/// An offset, of 32 or 64 bits.
fn offset_at(bytes: &[u8], at: usize, endian: Endian, big: bool) -> Option<usize> {
    match big {
        true => usize::try_from(u64_at(bytes, at, endian)?).ok(),
        false => Some(u32_at(bytes, at, endian)? as usize),
    }
}

impl Entry {
    /// The entry at `at`; `None` if it is of an unknown type. Its values may lie beyond the end of the file.
    fn read(bytes: &[u8], endian: Endian, big: bool, at: usize) -> Option<Self> {
        let kind = u16_at(bytes, at + 2, endian)?;
        let count = offset_at(bytes, at + 4, endian, big)?;
        let length = count.checked_mul(width(kind)?)?;
        let (inside, room) = if big { (at + 12, 8) } else { (at + 8, 4) };
        let (start, length) = match length <= room {
            true => (inside, room),
            false => (offset_at(bytes, inside, endian, big)?, length),
        };
        let values = start..start.saturating_add(length);
        Some(Self { tag: u16_at(bytes, at, endian)?, kind, count, at, values })
    }
}

/// Bytes of one value, by the type's number (TIFF 6.0, section 2; 13 is IFD of the supplement; 16 to 18 are of BigTIFF).
fn width(kind: u16) -> Option<usize> {
    match kind {
        1 | 2 | 6 | 7 => Some(1),
        3 | 8 => Some(2),
        4 | 9 | 11 | 13 => Some(4),
        5 | 10 | 12 | 16..=18 => Some(8),
        _ => None,
    }
}

const BYTE: u16 = 1;
const SHORT: u16 = 3;
const LONG: u16 = 4;
const LONG8: u16 = 16;
/// The version of BigTIFF; classic TIFF has 42.
const BIG: u16 = 43;
