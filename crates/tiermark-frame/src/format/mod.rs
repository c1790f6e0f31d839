//! One file for each kind of file; all of them read a [`Picture`] and put one back.

mod bmp;
pub(crate) mod bytes;
mod dpx;
mod jpeg;
mod openexr;
pub(crate) mod other;
mod png;
mod probe;
pub(crate) mod tga;
mod tiff;
mod webp;
mod zlib;

use std::borrow::Cow;
use std::fmt;

pub(crate) use probe::is_heif;
pub use probe::probe;

use crate::picture::{Picture, Samples};
use crate::{FrameError, Limits};

/// The kinds of files that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Portable Network Graphics.
    Png,
    /// JPEG, baseline or progressive.
    Jpeg,
    /// Tagged Image File Format, classic or with 64-bit offsets.
    Tiff,
    /// Truevision TGA.
    Tga,
    /// Windows bitmap.
    Bmp,
    /// WebP, lossless or lossy.
    WebP,
    /// OpenEXR, scanline or tiled, of one or several parts.
    OpenExr,
    /// Digital Picture Exchange, SMPTE 268M.
    Dpx,
    /// No file of its own: a picture that another file holds as bare samples.
    Part,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::Tiff => "TIFF",
            Self::Tga => "TGA",
            Self::Bmp => "BMP",
            Self::WebP => "WebP",
            Self::OpenExr => "OpenEXR",
            Self::Dpx => "DPX",
            Self::Part => "picture inside a",
        })
    }
}

/// What comes out of a file.
pub(crate) struct Decoded {
    pub(crate) picture: Picture,
    pub(crate) writing: Writing,
}

/// May new colours go back into this file?
pub(crate) enum Writing {
    /// Into the same depth and layout.
    Same,
    /// Only as another kind of samples.
    Deeper {
        /// The file as it is.
        what: &'static str,
        /// The file as it would be.
        becomes: &'static str,
    },
    /// Not without harm.
    Never {
        /// The file as it is.
        what: Cow<'static, str>,
        /// What to do instead.
        way_out: &'static str,
    },
}

impl Writing {
    /// A refusal.
    pub(crate) fn never(what: impl Into<Cow<'static, str>>, way_out: &'static str) -> Self {
        Self::Never { what: what.into(), way_out }
    }
}

/// Read `bytes`, which [`probe`] called `format`.
pub(crate) fn decode(format: Format, bytes: &[u8], limits: &Limits) -> Result<Decoded, FrameError> {
    match format {
        Format::Png => png::decode(bytes, limits),
        Format::Jpeg => jpeg::decode(bytes, limits),
        Format::Tiff => tiff::decode(bytes, limits),
        Format::Tga => tga::decode(bytes, limits),
        Format::Bmp => bmp::decode(bytes, limits),
        Format::WebP => webp::decode(bytes, limits),
        Format::OpenExr => openexr::decode(bytes, limits),
        Format::Dpx => dpx::decode(bytes, limits),
        Format::Part => Err(FrameError::NotAPicture),
    }
}

/// How many pictures of the file bear a mark.
pub(crate) fn pictures(format: Format, bytes: &[u8]) -> usize {
    if format == Format::OpenExr { openexr::pictures(bytes) } else { 1 }
}

/// Picture `number` of the file, counted from 0.
pub(crate) fn further(format: Format, bytes: &[u8], number: usize) -> Result<Picture, FrameError> {
    match format {
        Format::OpenExr => openexr::further(bytes, number),
        _ => Err(FrameError::damaged(format, "it has one picture")),
    }
}

/// What of the file `bytes` [`encode`] needs.
pub(crate) fn kept(format: Format, bytes: Vec<u8>) -> Vec<u8> {
    match format {
        Format::Png => png::kept(&bytes),
        _ => bytes,
    }
}

/// The file `bytes` with the pixels of `picture`, which has the size and layout that [`decode`] found, and of further
/// pictures, as many as [`further`] has or fewer.
pub(crate) fn encode(
    format: Format,
    bytes: &[u8],
    picture: Picture,
    further: &[Picture],
) -> Result<Vec<u8>, FrameError> {
    match format {
        Format::Png => png::encode(bytes, picture),
        Format::Jpeg => jpeg::encode(bytes, &picture),
        Format::Tiff => tiff::encode(bytes, &picture),
        Format::Tga => tga::encode(bytes, &picture),
        Format::Bmp => bmp::encode(bytes, &picture),
        Format::WebP => webp::encode(bytes, &picture),
        Format::OpenExr => openexr::encode(bytes, std::iter::once(&picture).chain(further)),
        Format::Dpx => dpx::encode(bytes, &picture),
        Format::Part => match picture.samples {
            Samples::Byte(samples) => Ok(samples),
            _ => Err(FrameError::encoder(format, "its samples are not of 8 bits")),
        },
    }
}

/// Quantiser steps of luma, if the file has any that are known.
pub(crate) fn luma_steps(format: Format, bytes: &[u8]) -> Option<[u16; 64]> {
    if format == Format::Jpeg { jpeg::luma_steps(bytes) } else { None }
}
