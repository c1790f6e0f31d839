//! Documents that hold raster pictures: taken out one at a time, and put back with nothing else changed.
//!
//! Office files ([Office Open XML](https://ecma-international.org/publications-and-standards/standards/ecma-376/) and
//! OpenDocument) are ZIP archives whose members are pictures; a PDF has them as objects. What a document says beside its
//! pictures stays byte for byte: an office file's other members are copied as they are packed, a PDF gets an incremental
//! update. Nothing of a picture that was replaced stays in the file.
//!
//! Pages are drawn only on request ([`Sheet::drawn`]), by the system's `pdftoppm`. Which pictures are worth a mark is for the caller to say.

mod office;
mod pages;
mod pdf;

use std::fmt;

use tiermark_signal::Size;

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
    /// Pages that were drawn at so many dots per inch.
    Drawn(Document, u32),
}

/// A picture that cannot be put back, and is passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassedOver {
    /// Where it is, for people.
    pub place: String,
    /// How large it is, where its file says so in words that are understood.
    pub size: Option<Size>,
    /// What it is, as in "is in CMYK".
    pub why: String,
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

    /// The pages of a PDF as pictures on white, drawn at `dpi` (50 to 600): a document of its own, of which [`Self::with`] writes
    /// nothing but pages with a picture each. `None` if the file is no PDF.
    ///
    /// # Errors
    /// If it is encrypted or damaged, asks for more than `limits`, or `pdftoppm` is missing or gives up on it.
    pub fn drawn(bytes: &[u8], dpi: u32, limits: &Limits) -> Result<Option<Self>, FrameError> {
        limits.file(bytes.len())?;
        if !bytes.starts_with(b"%PDF-") {
            return Ok(None);
        }
        let (bytes, document) = pages::draw(bytes, dpi, limits)?;
        Ok(Some(Self { bytes, inner: Inner::Drawn(document, dpi) }))
    }

    /// Whether it has pages that [`Self::drawn`] makes pictures of.
    pub fn may_be_drawn(&self) -> bool {
        matches!(self.inner, Inner::Pdf(_))
    }

    /// How many files or objects in it may be pictures.
    pub fn pictures(&self) -> usize {
        match &self.inner {
            Inner::Office(office) => office.pictures().len(),
            Inner::Pdf(document) | Inner::Drawn(document, _) => document.pictures.len(),
        }
    }

    /// The pictures that are none of those, and stay as they are: palettes, CMYK, JPEG 2000, metafiles, movies.
    pub fn passed_over(&self) -> &[PassedOver] {
        match &self.inner {
            Inner::Office(office) => office.passed_over(),
            Inner::Pdf(document) | Inner::Drawn(document, _) => &document.passed_over,
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
            Inner::Pdf(document) | Inner::Drawn(document, _) => document.pictures[picture].number.into(),
        }
    }

    /// Where it is, for people.
    pub fn place(&self, picture: usize) -> String {
        match &self.inner {
            Inner::Office(office) => shown(office.name(picture)),
            Inner::Pdf(document) => format!("object {}", document.pictures[picture].number),
            Inner::Drawn(..) => format!("page {}", picture + 1),
        }
    }

    /// Read a picture. It may be one that [`Frame::writable`] refuses, which stays as it is.
    ///
    /// # Errors
    /// As [`Frame::decode`].
    pub fn picture(&self, picture: usize, limits: &Limits) -> Result<Frame, FrameError> {
        match &self.inner {
            Inner::Office(office) => office.picture(&self.bytes, picture, limits),
            Inner::Pdf(document) | Inner::Drawn(document, _) => {
                document.pictures[picture].picture(&self.bytes, limits)
            }
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
            Inner::Drawn(document, dpi) => Ok(pages::with(document, *dpi, &self.bytes, fresh)),
        }
    }
}

/// The refusal of a document that is not written back.
fn refused(what: impl Into<String>, way_out: &'static str) -> FrameError {
    FrameError::ReadOnly { what: what.into(), way_out }
}
