//! The pictures of a HEIF file, as phones take them, opened by the system's `heif-convert`.
//!
//! The program is started as `ffmpeg` is: without a shell, in a process that ends when it takes too long. It reads and writes
//! in a folder of its own that goes when its pictures were looked at.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::walker::Walker;
use super::{ContainerError, Kind, Place};
use crate::clip::process::{Ends, Tool};
use crate::{Format, FrameError, Limits};

/// What it is called, by libheif up to 1.17 and from 1.18 on.
const PROGRAMS: [&str; 2] = ["heif-convert", "heif-dec"];
/// For all pictures of a file together; one of a phone takes a second.
const MOST_SECONDS: u64 = 120;

/// Every picture, turned as it is meant to be seen.
pub(super) fn walk(bytes: &[u8], walker: &mut Walker<'_>) -> Result<(), ContainerError> {
    believable(bytes, walker.limits).map_err(told)?;
    let no_room = |error: io::Error| ContainerError::Closed {
        what: format!("a HEIF file that could not be unpacked ({error})"),
        way_out: "make room in the system's folder for such files",
    };
    let folder = tempfile::tempdir().map_err(no_room)?;
    let found = folder.path().join("found.heic");
    std::fs::write(&found, bytes).map_err(no_room)?;
    converted(&found, &folder.path().join("seen.png")).map_err(told)?;
    std::fs::remove_file(&found).map_err(no_room)?;
    let pictures = written(folder.path()).map_err(no_room)?;
    for (number, path) in (1_u32..).zip(&pictures) {
        if number > walker.limits.max_frames {
            let most = walker.limits.max_frames;
            return Err(ContainerError::OverLimit(format!(
                "more than {most} pictures, --max-frames allows more"
            )));
        }
        let most = walker.limits.max_file_bytes.min(walker.unspent()).saturating_add(1);
        let mut picture = Vec::new();
        File::open(path).and_then(|file| file.take(most).read_to_end(&mut picture)).map_err(no_room)?;
        walker.spend(picture.len() as u64)?;
        walker.limits.file(picture.len()).map_err(told)?;
        walker.file(Place::Frame(number), picture)?;
    }
    if pictures.is_empty() {
        return Err(ContainerError::damaged(Kind::Heif, "it has no pictures"));
    }
    Ok(())
}

/// Refuse what is larger than the limits grant, before another program takes the memory for it: `ispe` says how large an item
/// is (ISO 23008-12, section 6.5.3). It stands anywhere but among the data.
fn believable(bytes: &[u8], limits: &Limits) -> Result<(), FrameError> {
    let mut rest = bytes;
    while let Some((size, kind, after)) = head(rest) {
        let end = usize::try_from(size).unwrap_or(usize::MAX).min(rest.len()).max(after);
        if kind != *b"mdat" {
            let items = rest[..end].windows(16).filter(|window| window.starts_with(b"ispe"));
            for item in items {
                let side = |at: usize| item[at..at + 4].iter().fold(0, |v, byte| v << 8 | u64::from(*byte));
                limits.size(Format::Part, side(8), side(12))?;
            }
        }
        rest = &rest[end..];
    }
    Ok(())
}

/// The length of the box that begins here, its kind, and how long its own head is (ISO 14496-12, section 4.2).
fn head(bytes: &[u8]) -> Option<(u64, [u8; 4], usize)> {
    let (short, kind) = (bytes.first_chunk()?, *bytes.get(4..)?.first_chunk()?);
    Some(match u32::from_be_bytes(*short) {
        0 => (bytes.len() as u64, kind, 8),
        1 => (u64::from_be_bytes(*bytes.get(8..)?.first_chunk()?), kind, 16),
        size => (size.into(), kind, 8),
    })
}

fn converted(found: &Path, seen: &Path) -> Result<(), FrameError> {
    let arguments: [OsString; 2] = [found.into(), seen.into()];
    let mut missing = FrameError::NeedsFfmpeg;
    for program in PROGRAMS {
        match Tool::start(program, &arguments, &Ends::Input, MOST_SECONDS) {
            Ok(tool) => {
                drop(tool.input());
                return tool.finish();
            }
            Err(error) => missing = error,
        }
    }
    Err(missing)
}

/// What was written: `seen.png`, or of several `seen-1.png` and so on, in their order.
fn written(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut written = std::fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<PathBuf>>>()?;
    written.sort_by_key(|path| (path.as_os_str().len(), path.clone()));
    Ok(written)
}

/// Errors of programs are worded for clips.
fn told(error: FrameError) -> ContainerError {
    match error {
        FrameError::NeedsFfmpeg => ContainerError::Closed {
            what: "a HEIF file, which needs heif-convert".to_owned(),
            way_out: "install Debian's package libheif-examples, or convert it to PNG",
        },
        FrameError::OverLimit(what) if what.contains("--max-clip-seconds") => {
            ContainerError::OverLimit(format!("pictures that take more than {MOST_SECONDS} seconds to open"))
        }
        FrameError::OverLimit(what) => ContainerError::OverLimit(what),
        FrameError::Clip(reason) => ContainerError::damaged(Kind::Heif, reason),
        other => ContainerError::damaged(Kind::Heif, other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(kind: &[u8; 4], inside: &[u8]) -> Vec<u8> {
        [&(inside.len() as u32 + 8).to_be_bytes()[..], kind, inside].concat()
    }

    #[test]
    fn sizes_are_believed_within_limits_and_data_is_not_asked() {
        let item = |side: u32| boxed(b"ispe", &[[0; 4], side.to_be_bytes(), side.to_be_bytes()].concat());
        let file = |meta: &[u8], data: &[u8]| {
            [boxed(b"ftyp", b"heic\0\0\0\0"), boxed(b"meta", meta), boxed(b"mdat", data)].concat()
        };
        let limits = Limits { max_pixels: 1 << 20, ..Limits::default() };
        assert!(believable(&file(&item(1000), &item(60_000)), &limits).is_ok());
        let large = believable(&file(&[item(512), item(60_000)].concat(), b""), &limits);
        assert!(matches!(large, Err(FrameError::OverLimit(_))), "{large:?}");
    }

    #[test]
    fn boxes_that_lie_about_their_length_end() {
        for bytes in [&[0, 0, 0, 3, 1, 2, 3, 4][..], &[0, 0, 0, 1, 1, 2, 3, 4], &[0; 40], &[255; 9], &[]] {
            assert!(believable(bytes, &Limits::default()).is_ok());
        }
    }
}
