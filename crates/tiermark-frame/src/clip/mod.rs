//! Clips, through the system's `ffmpeg` and `ffprobe`.
//!
//! The place of this room that starts other programs on paths that the caller gives: a clip is far too long to be
//! brought as bytes. The picture stream runs through a pipe in the clip's own pixel format, one frame in memory at a time,
//! and only its luma is ever touched; all other streams, times and tags are copied by `ffmpeg` from file to file.
//!
//! ```text
//! looks_like_one   which container, by its first bytes          Clip::probe     what ffprobe says of it
//! Frames           its pictures, one after the other            Cuts            where its shots begin
//! ClipWriter       the same clip with other luma
//! ```
//!
//! Programs are started without a shell, with fixed demuxers (never one that reads playlists), with no protocol but
//! files and pipes, without standard input, and end with whoever started them.

mod codec;
mod cuts;
mod picture;
mod pixels;
mod probe;
pub(crate) mod process;
mod read;
mod steady;
mod write;

use crate::format::is_heif;

pub use cuts::Cuts;
pub use picture::{ClipDigest, ClipFrame};
pub use pixels::Pixels;
pub use probe::Clip;
pub use read::{Frames, Want};
pub use steady::Steady;
pub use write::ClipWriter;

/// Containers that are opened as clips: each by a demuxer that reads nothing but this one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// QuickTime and MP4.
    Mov,
    /// Matroska and WebM.
    Matroska,
    /// AVI.
    Avi,
    /// MXF: looked at, never written.
    Mxf,
    /// A picture in JPEG 2000, with boxes around it or bare: looked at, never written.
    Jpeg2000,
    /// A picture in JPEG XL, likewise.
    JpegXl,
}

/// How many bytes of a file [`looks_like_one`] wants to see.
pub const HEAD: usize = 64;

/// The container that a file begins as, if it is one of clips. A name is never asked.
///
/// Playlists and all else that is text are no clips: a demuxer for them would open what they name.
pub fn looks_like_one(head: &[u8]) -> Option<Container> {
    match head {
        [0x1a, 0x45, 0xdf, 0xa3, ..] => return Some(Container::Matroska),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'A', b'V', b'I', b' ', ..] => return Some(Container::Avi),
        [0x06, 0x0e, 0x2b, 0x34, 0x02, 0x05, 0x01, 0x01, ..] => return Some(Container::Mxf),
        [0xff, 0x4f, 0xff, 0x51, ..] | [0, 0, 0, 12, b'j', b'P', b' ', b' ', ..] => {
            return Some(Container::Jpeg2000);
        }
        [0xff, 0x0a, ..] | [0, 0, 0, 12, b'J', b'X', b'L', b' ', ..] => return Some(Container::JpegXl),
        _ => {}
    }
    let name = head.get(4..8)?;
    // AVIF is a clip of one frame, as far as ffmpeg is concerned: see `is_still`.
    let moving = match name {
        b"ftyp" => !is_heif(head) && head.get(8..12).is_some_and(|brand| brand != b"crx "),
        // QuickTime from before there were brands.
        b"moov" | b"mdat" | b"wide" => true,
        _ => false,
    };
    moving.then_some(Container::Mov)
}

/// Whether a file begins as AVIF, JPEG 2000 or JPEG XL: it is looked at as a clip of one frame, and is a picture all the same
/// to those who made it.
pub fn is_still(head: &[u8]) -> bool {
    let avif = matches!(head.get(4..12), Some(b"ftypavif" | b"ftypavis"));
    avif || matches!(looks_like_one(head), Some(Container::Jpeg2000 | Container::JpegXl))
}

impl Container {
    /// What ffmpeg calls its demuxer.
    fn demuxer(self) -> &'static str {
        match self {
            Self::Mov => "mov",
            Self::Matroska => "matroska",
            Self::Avi => "avi",
            Self::Mxf => "mxf",
            Self::Jpeg2000 => "j2k_pipe",
            Self::JpegXl => "jpegxl_pipe",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clips_are_told_by_their_first_bytes_and_playlists_are_none() {
        for (head, container) in [
            (&b"\0\0\0\x20ftypisom\0\0"[..], Some(Container::Mov)),
            (b"\0\0\0\x14ftypqt  \0\0", Some(Container::Mov)),
            (b"\0\0\0\x08wide\0\0\x1f", Some(Container::Mov)),
            (b"\x1a\x45\xdf\xa3\x01\0\0\0", Some(Container::Matroska)),
            (b"RIFF\x10\0\0\0AVI LIST", Some(Container::Avi)),
            (b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d", Some(Container::Mxf)),
            (b"\0\0\0\x20ftypavif\0\0", Some(Container::Mov)),
            (b"\xff\x4f\xff\x51\0\x2f", Some(Container::Jpeg2000)),
            (b"\0\0\0\x0cjP  \r\n\x87\n", Some(Container::Jpeg2000)),
            (b"\xff\x0a\xba\x21", Some(Container::JpegXl)),
            (b"\0\0\0\x0cJXL \r\n\x87\n", Some(Container::JpegXl)),
            (b"\xff\xd8\xff\xe0", None),
            (b"\0\0\0\x20ftypheic\0\0", None),
            (b"RIFF\x10\0\0\0WEBPVP8 ", None),
            (b"#EXTM3U\nfile:///etc/passwd", None),
            (b"ffconcat version 1.0\nfile x", None),
            (b"<?xml version=\"1.0\"?><MPD>", None),
            (b"ftyp", None),
            (b"", None),
        ] {
            assert_eq!(looks_like_one(head), container, "{head:?}");
            let still = head.windows(8).any(|w| w == b"ftypavif")
                || matches!(container, Some(Container::Jpeg2000 | Container::JpegXl));
            assert_eq!(is_still(head), still, "{head:?}");
        }
    }
}
