//! The first bytes of a file, looked at where they lie.

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::path::Path;

use memmap2::{Mmap, MmapOptions};

/// A file's first bytes in memory, read by the system as they are looked at.
pub(super) struct Map(Option<Mmap>);

impl Map {
    /// The first `length` bytes of a file, or as many whole `unit`s of bytes as there are; nothing if there is no file.
    pub(super) fn of(path: &Path, length: u64, unit: u64) -> io::Result<Self> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self(None)),
            Err(error) => return Err(error),
        };
        let length = length.min(file.metadata()?.len()) / unit * unit;
        let length = usize::try_from(length).map_err(io::Error::other)?;
        if length == 0 {
            return Ok(Self(None));
        }
        map(&file, length).map(|map| Self(Some(map)))
    }
}

/// The one place of the workspace where `unsafe` is allowed: docs/decisions/0021.
///
/// What is mapped must not change while it is looked at. It does not: writers only append behind the bytes that
/// `archive.json` counts, cut off only what lies behind them, and never give a file's place to another. Whoever shortens
/// the files by other means ends the process that reads them, by a signal of the system, and gains nothing else: whatever
/// bytes are there, they are numbers that are checked after they were copied out.
#[allow(unsafe_code, reason = "the system's memory map has no safe form; bounds and rules are stated above")]
fn map(file: &File, length: usize) -> io::Result<Mmap> {
    // SAFETY: `length` is within the file, and the bytes within it are never changed, as told above.
    unsafe { MmapOptions::new().len(length).map(file) }
}

impl Deref for Map {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0.as_deref().unwrap_or(&[])
    }
}
