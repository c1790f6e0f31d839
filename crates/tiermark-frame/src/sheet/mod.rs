//! Documents that hold raster pictures: taken out one at a time, and put back with nothing else changed.
//!
//! Office files ([Office Open XML](https://ecma-international.org/publications-and-standards/standards/ecma-376/) and
//! OpenDocument) are ZIP archives whose members are pictures; a PDF has them as objects. What a document says beside its
//! pictures stays byte for byte: an office file's other members are copied as they are packed, a PDF gets an incremental
//! update. Nothing of a picture that was replaced stays in the file.
//!
//! Pages are not drawn. Which pictures are worth a mark is for the caller to say.

mod office;
mod pdf;

use std::fmt;

use crate::container::pdf::stored::Document;
use crate::container::shown;
use crate::{Frame, FrameError, Limits};
use office::Office;

/// How much of a file's beginning [`looks_like_one`] needs.
pub const HEAD: usize = 8;

/// Whether a file may be a sheet, by its first bytes; [`Sheet::open`] tells more.
pub fn looks_like_one(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"%PDF-")
}

/// A document, and where the pictures in it are.
pub struct Sheet {
    bytes: Vec<u8>,
    inner: Inner,
}

enum Inner {
    Office(Office),
    Pdf(Document),
}

impl fmt::Debug for Sheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sheet").field("pictures", &self.pictures()).finish_non_exhaustive()
    }
}

impl Sheet {
    /// Look through a file; `None` if it is no document of a kind that bears pictures.
    ///
    /// # Errors
    /// If it is one that cannot be written back without harm: encrypted, signed, damaged; or if it asks for more than `limits`.
    pub fn open(bytes: Vec<u8>, limits: &Limits) -> Result<Option<Self>, FrameError> {
        limits.file(bytes.len())?;
        if bytes.starts_with(b"PK\x03\x04") {
            let office = office::open(&bytes, limits)?;
            return Ok(office.map(|office| Self { bytes, inner: Inner::Office(office) }));
        }
        if bytes.starts_with(b"%PDF-") {
            let document = pdf::open(&bytes, limits)?;
            return Ok(Some(Self { bytes, inner: Inner::Pdf(document) }));
        }
        Ok(None)
    }

    /// How many files or objects in it may be pictures.
    pub fn pictures(&self) -> usize {
        match &self.inner {
            Inner::Office(office) => office.pictures().len(),
            Inner::Pdf(document) => document.pictures.len(),
        }
    }

    /// What the picture is called in the document for ever, whatever becomes of the others: of an office file the number of the
    /// member in the archive's directory, counted from 0, of a PDF that of its object.
    ///
    /// # Panics
    /// If there is no such picture, as all that take a number of one.
    pub fn number(&self, picture: usize) -> u64 {
        match &self.inner {
            Inner::Office(office) => office.pictures()[picture] as u64,
            Inner::Pdf(document) => document.pictures[picture].number.into(),
        }
    }

    /// Where it is, for people.
    pub fn place(&self, picture: usize) -> String {
        match &self.inner {
            Inner::Office(office) => shown(office.name(picture)),
            Inner::Pdf(document) => format!("object {}", document.pictures[picture].number),
        }
    }

    /// Read a picture. It may be one that [`Frame::writable`] refuses, which stays as it is.
    ///
    /// # Errors
    /// As [`Frame::decode`].
    pub fn picture(&self, picture: usize, limits: &Limits) -> Result<Frame, FrameError> {
        match &self.inner {
            Inner::Office(office) => office.picture(&self.bytes, picture, limits),
            Inner::Pdf(document) => document.pictures[picture].picture(&self.bytes, limits),
        }
    }

    /// The document with these pictures in place of the old ones: the number of each as for [`Sheet::picture`], in ascending
    /// order, and what its frame's [`Frame::encode_painted`] gave.
    ///
    /// # Errors
    /// If the document would become longer than its kind can be.
    pub fn with(&self, fresh: &[(usize, Vec<u8>)]) -> Result<Vec<u8>, FrameError> {
        match &self.inner {
            Inner::Office(office) => office.with(&self.bytes, fresh),
            Inner::Pdf(document) => pdf::with(document, &self.bytes, fresh),
        }
    }
}

/// The refusal of a document that is not written back.
fn refused(what: impl Into<String>, way_out: &'static str) -> FrameError {
    FrameError::ReadOnly { what: what.into(), way_out }
}
