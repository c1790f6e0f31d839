//! Files appear whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tiermark_ledger::Digest;

/// A file written under a hidden name beside its own; dropped without [`Part::commit`], it is gone.
#[must_use]
pub(crate) struct Part {
    hidden: PathBuf,
    path: PathBuf,
    done: bool,
}

impl Part {
    /// Write `bytes` under the hidden name of `path` and wait until the disk has them.
    ///
    /// What an earlier run left there when it was killed is overwritten.
    pub(crate) fn write(path: &Path, bytes: &[u8]) -> io::Result<Self> {
        let part = Self::of(path)?;
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&part.hidden)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        Ok(part)
    }

    /// A part that somebody else writes, at [`Part::hidden`].
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(".tiermark-part");
        Ok(Self { hidden: folder.join(hidden), path: path.to_path_buf(), done: false })
    }

    /// Where it is until it has its own name.
    pub(crate) fn hidden(&self) -> &Path {
        &self.hidden
    }

    /// Wait until the disk has what somebody else wrote.
    pub(crate) fn sync(&self) -> io::Result<()> {
        OpenOptions::new().write(true).open(&self.hidden)?.sync_all()
    }

    /// What the disk has.
    pub(crate) fn read_back(&self) -> io::Result<Vec<u8>> {
        fs::read(&self.hidden)
    }

    /// Give the file its own name.
    pub(crate) fn commit(mut self) -> io::Result<()> {
        fs::rename(&self.hidden, &self.path)?;
        self.done = true;
        // The name is on the disk only when the folder is. Not every system lets a folder be opened; the file's
        // bytes are safe in any case.
        if let Some(Ok(folder)) = self.path.parent().map(File::open) {
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.done {
            // Nothing more can be done about a part that will not go; the next run overwrites it.
            let _ = fs::remove_file(&self.hidden);
        }
    }
}

/// The bytes of a file of 1 to `limit` bytes, opened for reading only.
pub(crate) fn read_bounded(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    if length > limit {
        return Err(too_long(length, limit));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    // One byte more tells whether the file grew meanwhile.
    let read = file.take(limit + 1).read_to_end(&mut bytes)? as u64;
    match read {
        0 => Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "is empty; fetch it again from where it came from",
        )),
        n if n > limit => Err(too_long(n, limit)),
        _ => Ok(bytes),
    }
}

/// The first bytes of a file, as many as `most` and there are.
pub(crate) fn head_of_file(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(most);
    File::open(path)?.take(most as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// The digest of a file of any length, and that length; it is never in memory as a whole.
pub(crate) fn digest_of_file(path: &Path) -> io::Result<(Digest, u64)> {
    let mut file = File::open(path)?;
    let (mut hash, mut length, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 20]);
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok((Digest::from_bytes(hash.finalize().into()), length)),
            Ok(read) => {
                hash.update(&buffer[..read]);
                length += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn too_long(length: u64, limit: u64) -> io::Error {
    io::Error::other(format!("holds {length} bytes, more than the limit of {limit}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use super::*;

    #[test]
    fn a_part_is_not_there_until_it_is_committed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/絵.png");
        let part = Part::write(&path, b"whole").unwrap();
        assert!(!path.exists());
        assert_eq!(part.read_back().unwrap(), b"whole");
        part.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        drop(Part::write(&path, b"other").unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no part stays behind");
    }

    #[test]
    fn a_long_file_is_hashed_in_pieces() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let bytes: Vec<u8> = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect();
        fs::write(&path, &bytes).unwrap();
        assert_eq!(digest_of_file(&path).unwrap(), (Digest::of(&bytes), 3_000_000));
        assert!(digest_of_file(&folder.path().join("b")).is_err());
    }

    #[test]
    fn long_and_empty_files_are_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, b"12345").unwrap();
        assert_eq!(read_bounded(&path, 5).unwrap(), b"12345");
        assert!(read_bounded(&path, 4).is_err());
        fs::write(&path, b"").unwrap();
        assert!(read_bounded(&path, 4).is_err_and(|error| error.to_string().contains("empty")));
    }
}
