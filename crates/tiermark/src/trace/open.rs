//! What a found file is: a picture, a clip, or a container of pictures. The one place where that is decided.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;

use tiermark_frame::Limits;
use tiermark_frame::clip::Container as ClipContainer;
use tiermark_frame::container::{ContainerError, HEAD, Kind, Visit, walk};
use tiermark_ledger::Digest;

use super::clip;
use crate::sink::{digest_of_file, read_bounded};

/// A file that was hashed, and not looked into yet.
pub(super) struct Opened {
    pub(super) sha256: Digest,
    pub(super) found: Found,
}

/// What it is, by its content.
pub(super) enum Found {
    /// Perhaps a picture: decoding tells.
    Picture(Vec<u8>),
    /// It holds others.
    Container(Container),
    /// Frames one after the other, which `ffmpeg` reads from the disk.
    Clip(ClipContainer),
}

/// A container, and where it is read from.
pub(super) struct Container {
    pub(super) kind: Kind,
    bytes: Held,
}

enum Held {
    /// Of any length.
    Disk(File),
    Memory(Vec<u8>),
}

/// Open and hash a file, and say what it is.
pub(super) fn open(path: &Path, limits: &Limits) -> io::Result<Opened> {
    let mut head = Vec::new();
    File::open(path)?.take(HEAD as u64).read_to_end(&mut head)?;
    if let Some(kind) = Kind::of(&head).filter(|kind| kind.is_archive()) {
        let (sha256, _) = digest_of_file(path)?;
        let bytes = Held::Disk(File::open(path)?);
        return Ok(Opened { sha256, found: Found::Container(Container { kind, bytes }) });
    }
    if let Some(container) = clip::begins(path) {
        let (sha256, _) = digest_of_file(path)?;
        return Ok(Opened { sha256, found: Found::Clip(container) });
    }
    let bytes = read_bounded(path, limits.max_file_bytes)?;
    let sha256 = Digest::of(&bytes);
    let found = match Kind::of(&bytes) {
        Some(kind) => Found::Container(Container { kind, bytes: Held::Memory(bytes) }),
        None => Found::Picture(bytes),
    };
    Ok(Opened { sha256, found })
}

impl Container {
    /// Everything in it that may be a picture.
    pub(super) fn walk(self, limits: &Limits, visit: &mut Visit<'_>) -> Result<(), ContainerError> {
        match self.bytes {
            Held::Disk(file) => walk(self.kind, &mut io::BufReader::new(file), limits, visit),
            Held::Memory(bytes) => walk(self.kind, &mut Cursor::new(bytes), limits, visit),
        }
    }
}
