//! Which kind of container is this? By content, never by name.

use std::fmt;

use super::tar;
use crate::format::is_heif;

/// How much of a file's beginning tells its kind.
pub const HEAD: usize = 4096;

/// The kinds of files that are opened to look for pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A ZIP archive, which office files (DOCX, XLSX, PPTX, ODT), OTIOZ, Krita and OpenRaster documents are too.
    Zip,
    /// A TAR archive.
    Tar,
    /// One file packed by gzip.
    Gzip,
    /// A 7z archive.
    SevenZip,
    /// A PDF document.
    Pdf,
    /// A Photoshop document, large ones (PSB) too.
    Photoshop,
    /// A GIF picture or animation.
    Gif,
    /// A WebP animation.
    WebP,
    /// An animated PNG.
    Apng,
    /// A HEIF picture, or several.
    Heif,
}

impl Kind {
    /// What the first [`HEAD`] bytes of a file say.
    pub fn of(head: &[u8]) -> Option<Self> {
        Some(match head {
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Self::Zip,
            [0x1f, 0x8b, 8, ..] => Self::Gzip,
            [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => Self::SevenZip,
            [b'%', b'P', b'D', b'F', b'-', ..] => Self::Pdf,
            [b'8', b'B', b'P', b'S', 0, 1 | 2, ..] => Self::Photoshop,
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Self::Gif,
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', b'V', b'P', b'8', b'X', ..] => {
                head.get(20).filter(|flags| *flags & 2 != 0).map(|_| Self::WebP)?
            }
            _ if is_heif(head) => Self::Heif,
            [0x89, b'P', b'N', b'G', ..] => animated(head).then_some(Self::Apng)?,
            _ if tar::is_header(head) => Self::Tar,
            _ => return None,
        })
    }

    /// Whether it is read from where it lies, a piece at a time, however long it is; others are held in memory.
    pub fn is_archive(self) -> bool {
        matches!(self, Self::Zip | Self::Tar | Self::Gzip | Self::SevenZip)
    }

    /// Whether it can be read from front to back.
    pub(super) fn streams(self) -> bool {
        matches!(self, Self::Tar | Self::Gzip)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zip => "ZIP archive",
            Self::Tar => "TAR archive",
            Self::Gzip => "gzip file",
            Self::SevenZip => "7z archive",
            Self::Pdf => "PDF document",
            Self::Photoshop => "Photoshop document",
            Self::Gif => "GIF file",
            Self::WebP => "WebP animation",
            Self::Apng => "PNG animation",
            Self::Heif => "HEIF file",
        })
    }
}

/// Whether a PNG says before its pixels that it is an animation.
fn animated(head: &[u8]) -> bool {
    let mut at = 8;
    while let Some(chunk) = head.get(at..at + 8) {
        match &chunk[4..] {
            b"acTL" => return true,
            b"IDAT" => return false,
            _ => at += 12 + u32::from_be_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]) as usize,
        }
    }
    false
}
