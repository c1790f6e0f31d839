//! A history beside a delivery, so that whoever gets it can check that every file arrived as it left.
//!
//! It is an ASC MHL 2.0 history: a folder `ascmhl` with one manifest for each hand-over and a chain of their hashes.
//! Tools of post production read it; the [reference] is one. We hash with C4 alone, write the process `transfer`, and
//! follow the reference where the standard leaves a choice: its patterns, its hashes of folders, its names.
//!
//! A history says nothing about who got the files and holds no marks: that is the ledger.
//!
//! [reference]: https://github.com/ascmitc/mhl

mod c4;
mod folders;
mod history;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
mod xml;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use tiermark_ledger::moment::{Moment, NotAMoment};
use time::OffsetDateTime;

pub use c4::{C4, NotC4, c4};
use history::History;

use crate::sink::Part;

/// One file of the delivery.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where it is below the root, with `/` between folders.
    pub path: String,
    /// Its length in bytes.
    pub size: u64,
    /// When it was last written, if that is known.
    pub modified: Option<OffsetDateTime>,
    /// The hash of its bytes.
    pub c4: C4,
}

/// A history that cannot be begun or go on. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum MhlError {
    /// A stamped file never changes: this one was overwritten or damaged.
    #[error(
        "`{0}` is not the file that its history knows; deliver it under another name or into another folder"
    )]
    Changed(String),
    /// The path leads out of the root, or the history would leave the file out.
    #[error("`{}` cannot stand in a history: it must be a plain path below the root", .0.escape_debug())]
    Name(String),
    /// Another tool began the history with hashes that we do not make.
    #[error("the history knows `{0}` by no C4 hash; run `ascmhl create -h c4` on the folder first")]
    OtherHash(String),
    /// A folder below has a history of its own.
    #[error("{} is the history of a folder inside; deliver into that folder or beside it", .0.display())]
    Nested(PathBuf),
    /// A file of the history is not what it was when it was written.
    #[error("{}: {why}", .path.display())]
    History {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// There are no files.
    #[error("a history of no files says nothing")]
    Nothing,
    /// The clock is far off.
    #[error(transparent)]
    Clock(#[from] NotAMoment),
    /// The disk said no.
    #[error("{}: {error}", .path.display())]
    Disk {
        /// The file or folder.
        path: PathBuf,
        /// What it said.
        error: io::Error,
    },
}

/// Write the next generation of the history in `root/ascmhl/` about the files that were handed over, and return the
/// path of its manifest.
///
/// The first generation begins the history. Later ones say that the files they share with earlier ones are still the
/// same; the manifests of those stay as they are. Hashes of folders are over all files of all generations. A checker
/// also reports files in `root` that no generation has, so `entries` is everything that was put there.
///
/// The same files at the same time give the same bytes; only one may write to a history at a time.
///
/// # Errors
/// When the history before is damaged, or a file is not the one it knows: see [`MhlError`].
pub fn write(
    root: &Path,
    entries: &[Entry],
    author: Option<&str>,
    tool_version: &str,
    now: OffsetDateTime,
) -> Result<PathBuf, MhlError> {
    let now = Moment::at(now)?;
    let history = History::read(root)?;
    let hashes = against(&history, entries)?;
    let name = manifest_name(root, history.chain.len() + 1, now)?;
    let creator = xml::Creator { author, tool_version, now };
    let manifest = xml::manifest(&creator, &history, &hashes);
    let mut chain = history.chain;
    chain.push((name.clone(), c4(manifest.as_bytes())));

    let (path, chain_path) = (root.join(FOLDER).join(name), root.join(FOLDER).join(CHAIN));
    let part = Part::write(&path, manifest.as_bytes()).map_err(MhlError::disk(&path))?;
    let chain_part =
        Part::write(&chain_path, xml::chain(&chain).as_bytes()).map_err(MhlError::disk(&chain_path))?;
    part.commit().map_err(MhlError::disk(&path))?;
    chain_part.commit().map_err(|error| {
        // No chain knows it. If it cannot go either, the next run says so.
        let _ = fs::remove_file(&path);
        MhlError::disk(&chain_path)(error)
    })?;
    Ok(path)
}

impl MhlError {
    fn disk(path: &Path) -> impl FnOnce(io::Error) -> Self {
        |error| Self::Disk { path: path.to_owned(), error }
    }

    fn history(path: &Path) -> impl FnOnce(String) -> Self {
        |why| Self::History { path: path.to_owned(), why }
    }
}

/// Entries in the order of their paths, each with the action that makes it a line of a manifest.
type Hashes<'a> = BTreeMap<&'a str, (&'a Entry, &'static str)>;

/// The entries, held against the history before.
fn against<'a>(history: &History, entries: &'a [Entry]) -> Result<Hashes<'a>, MhlError> {
    let mut hashes = Hashes::new();
    for entry in entries {
        check_name(&entry.path)?;
        let action = match history.files.get(&entry.path) {
            None => "original",
            Some(known) if *known == entry.c4 => "verified",
            Some(_) => return Err(MhlError::Changed(entry.path.clone())),
        };
        if let Some((other, _)) = hashes.insert(entry.path.as_str(), (entry, action))
            && other.c4 != entry.c4
        {
            return Err(MhlError::Changed(entry.path.clone()));
        }
    }
    if hashes.is_empty() { Err(MhlError::Nothing) } else { Ok(hashes) }
}

/// A path that every tool reads as it was written, and that no pattern of ours leaves out.
fn check_name(path: &str) -> Result<(), MhlError> {
    let plain = |name: &str| !["", ".", "..", FOLDER, DS_STORE].contains(&name);
    if path.len() <= LONGEST && path.split('/').all(plain) && path.chars().all(xml::writes) {
        Ok(())
    } else {
        Err(MhlError::Name(path.to_owned()))
    }
}

/// `0001_rootname_2026-03-02_090000Z.mhl`
fn manifest_name(root: &Path, number: usize, now: Moment) -> Result<String, MhlError> {
    // The folder `.` has a name, too.
    let root = fs::canonicalize(root).map_err(MhlError::disk(root))?;
    let name = root.file_name().unwrap_or_default().to_string_lossy();
    // 50 letters are 200 bytes at most, and file systems take 255 with all that is around them.
    let name: String = name.chars().map(|c| if xml::writes(c) { c } else { '_' }).take(50).collect();
    let date = now.to_string().replace(':', "").replace('T', "_");
    Ok(format!("{number:04}_{name}_{date}.mhl"))
}

/// The folder of a history.
const FOLDER: &str = "ascmhl";

/// The list of its generations.
const CHAIN: &str = "ascmhl_chain.xml";

/// What macOS leaves in every folder somebody looks at.
const DS_STORE: &str = ".DS_Store";

/// Bytes in the longest path of Linux; others end earlier.
const LONGEST: usize = 4096;
