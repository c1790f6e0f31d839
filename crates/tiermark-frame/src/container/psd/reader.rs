//! Numbers and lengths of a Photoshop document.

use crate::format::bytes::{Endian, array, u16_at, u32_at};

/// Reads a document from front to back.
#[derive(Clone)]
pub(super) struct Reader<'a> {
    pub(super) bytes: &'a [u8],
    /// Whether it is a large document (PSB), in which some lengths have eight bytes.
    pub(super) large: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let length = usize::try_from(length).ok().filter(|length| *length <= self.bytes.len())?;
        let (taken, rest) = self.bytes.split_at(length);
        self.bytes = rest;
        Some(taken)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|byte| byte[0])
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.take(2).and_then(|bytes| u16_at(bytes, 0, Endian::Big))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.take(4).and_then(|bytes| u32_at(bytes, 0, Endian::Big))
    }

    /// A length that large documents have in eight bytes.
    pub(super) fn length(&mut self) -> Option<u64> {
        match self.large {
            true => self.take(8).and_then(|bytes| array(bytes, 0)).map(u64::from_be_bytes),
            false => self.u32().map(u64::from),
        }
    }

    /// A part of the document that begins with its length.
    pub(super) fn section(&mut self) -> Option<Self> {
        let length = self.length()?;
        self.take(length).map(|bytes| Self { bytes, large: self.large })
    }

    /// The same where the length always has four bytes.
    pub(super) fn short_section(&mut self) -> Option<Self> {
        let length = self.u32()?;
        self.take(length.into()).map(|bytes| Self { bytes, large: self.large })
    }
}
