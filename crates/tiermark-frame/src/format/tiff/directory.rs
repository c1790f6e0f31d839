//! The directory of a TIFF file: which numbers stand where.

use std::ops::Range;

use crate::FrameError;
use crate::format::Format;
use crate::format::bytes::{Endian, u16_at, u32_at};

/// The first directory of a file, taken apart.
pub(crate) struct Directory {
    pub(crate) endian: Endian,
    entries: Vec<Entry>,
    /// From the number of entries to the offset of the next directory.
    span: Range<usize>,
    next: u32,
}

struct Entry {
    tag: u16,
    kind: u16,
    count: usize,
    /// Where the twelve bytes of the entry stand.
    at: usize,
    /// Where its values stand: inside the entry if four bytes do.
    values: Range<usize>,
}

impl Directory {
    /// The directory that the header points at.
    pub(crate) fn first(bytes: &[u8]) -> Result<Self, FrameError> {
        let endian = if bytes.first() == Some(&b'I') { Endian::Little } else { Endian::Big };
        Self::read(bytes, endian).ok_or_else(|| FrameError::cut_off(Format::Tiff))
    }

    fn read(bytes: &[u8], endian: Endian) -> Option<Self> {
        let start = u32_at(bytes, 4, endian)? as usize;
        let count = usize::from(u16_at(bytes, start, endian)?);
        let end = start.checked_add(2 + 12 * count)?;
        let next = u32_at(bytes, end, endian)?;
        let entries =
            (0..count).filter_map(|number| Entry::read(bytes, endian, start + 2 + 12 * number)).collect();
        Some(Self { endian, entries, span: start..end + 4, next })
    }

    /// Does another directory follow?
    pub(crate) fn has_next(&self) -> bool {
        self.next != 0
    }

    /// Is there such an entry?
    pub(crate) fn has(&self, tag: u16) -> bool {
        self.entry(tag).is_some()
    }

    fn entry(&self, tag: u16) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.tag == tag)
    }

    /// The whole numbers of an entry; none if it is absent, of another type, or not in the file.
    pub(crate) fn numbers(&self, bytes: &[u8], tag: u16) -> Vec<u32> {
        let Some(entry) = self.entry(tag) else { return Vec::new() };
        let values = bytes.get(entry.values.clone()).unwrap_or_default();
        match entry.kind {
            BYTE => values.iter().map(|v| u32::from(*v)).collect(),
            SHORT => {
                (0..entry.count).filter_map(|i| u16_at(values, 2 * i, self.endian)).map(u32::from).collect()
            }
            LONG => (0..entry.count).filter_map(|i| u32_at(values, 4 * i, self.endian)).collect(),
            _ => Vec::new(),
        }
    }

    /// The one number of an entry.
    pub(crate) fn number(&self, bytes: &[u8], tag: u16) -> Option<u32> {
        self.numbers(bytes, tag).first().copied()
    }

    /// Header, directory and the values that stand outside of it: pixels must not.
    pub(crate) fn occupied(&self) -> Vec<Range<usize>> {
        let mut taken = vec![0..8, self.span.clone()];
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
        let fresh: Vec<u32> =
            numbers.iter().map(|v| u32::try_from(*v)).collect::<Result<_, _>>().map_err(|_| broken())?;
        let short = entry.kind == SHORT && fresh.iter().all(|v| *v <= u32::from(u16::MAX));
        let packed: Vec<u8> = match short {
            true => fresh.iter().flat_map(|v| self.endian.u16(*v as u16)).collect(),
            false => fresh.iter().flat_map(|v| self.endian.u32(*v)).collect(),
        };
        if packed.len() <= entry.values.len() {
            out[entry.values.start..][..packed.len()].copy_from_slice(&packed);
        } else {
            out.resize(out.len().next_multiple_of(2), 0);
            let start = u32::try_from(out.len()).map_err(|_| broken())?;
            out.extend_from_slice(&packed);
            out[entry.at + 8..][..4].copy_from_slice(&self.endian.u32(start));
        }
        if !short {
            out[entry.at + 2..][..2].copy_from_slice(&self.endian.u16(LONG));
        }
        Ok(())
    }
}

impl Entry {
    /// The entry at `at`; `None` if it is of an unknown type or its values are not in the file.
    fn read(bytes: &[u8], endian: Endian, at: usize) -> Option<Self> {
        let kind = u16_at(bytes, at + 2, endian)?;
        let count = u32_at(bytes, at + 4, endian)? as usize;
        let length = count.checked_mul(width(kind)?)?;
        let (start, length) = match length {
            0..=4 => (at + 8, 4),
            _ => (u32_at(bytes, at + 8, endian)? as usize, length),
        };
        let end = start.checked_add(length)?;
        (end <= bytes.len()).then_some(Self {
            tag: u16_at(bytes, at, endian)?,
            kind,
            count,
            at,
            values: start..end,
        })
    }
}

/// Bytes of one value, by the type's number (TIFF 6.0, section 2; 13 is IFD of the supplement).
fn width(kind: u16) -> Option<usize> {
    match kind {
        1 | 2 | 6 | 7 => Some(1),
        3 | 8 => Some(2),
        4 | 9 | 11 | 13 => Some(4),
        5 | 10 | 12 => Some(8),
        _ => None,
    }
}

const BYTE: u16 = 1;
const SHORT: u16 = 3;
const LONG: u16 = 4;
