//! The originals that were marked: what they look like, and where they are.
//!
//! [`crate::stamp`] records every original that it marks, [`add`] those that were marked before or elsewhere. A found
//! picture is looked for by what it looks like as a whole, 32 bytes a frame, and, where that does not convince, by what
//! parts of it look like ([`Archive::candidates`]). What is found is a short list; which of it the picture was made from is
//! for those to decide who lay originals over it.
//!
//! The files are only ever appended to, and `archive.json`, replaced as a whole, says how much of them counts: a run that
//! is killed leaves what was there before (docs/spec/archive-v1.md). Pixels stay where they are, unless copies are asked for.

mod add;
mod layout;
mod local;
mod map;
mod places;
mod search;
mod sight;
mod state;
#[cfg(test)]
mod tests;
mod write;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tiermark_frame::{Frame, Limits};
use tiermark_ledger::Digest;
use tiermark_mark::ContentId;
use tiermark_signal::Size;

use crate::inputs::why;
use crate::sink::read_bounded;
pub use add::{Added, AddedStatus, add};
use layout::{Beside, DRAWING, DrawingRecord, ENTRY, HASH, LOCAL, Record, VECTOR};
use local::LocalIndex;
use map::Map;
pub use places::{Checked, Condition, Counts, Rebased, Watch, rebase};
pub use search::{Candidate, How};
pub use sight::{Sight, Sights};
use state::State;
pub use write::{Appended, Fresh, append};

/// The archive of a studio, open for looking things up. Others may write to it meanwhile; what they write is not seen.
pub struct Archive {
    folder: PathBuf,
    state: State,
    /// Originals that the files hold; fewer than the state says if bytes were lost.
    entries: usize,
    hashes: Map,
    vectors: Map,
    records: Map,
    names: Map,
    drawings: Map,
    local: Map,
    index: OnceLock<LocalIndex>,
}

/// One original.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub index: usize,
    /// The digest of its values.
    pub pix: Digest,
    /// The digest of its file, when it was recorded.
    pub sha256: Digest,
    /// What its marks are bound to.
    pub content: Digest,
    /// Width and height.
    pub size: Size,
    /// Where it is, as far as is known.
    pub path: PathBuf,
    /// The length of its file.
    pub length: u64,
    /// When its file was last changed: nanoseconds since 1970, 0 if the system does not tell.
    pub modified: i64,
    /// When it was recorded: seconds since 1970.
    pub added_at: i64,
    /// The number of its drawing; held frames share one.
    pub drawing: u32,
}

impl Entry {
    /// What its marks are bound to.
    pub fn content_id(&self) -> ContentId {
        ContentId(*self.content.as_bytes())
    }
}

/// Why the archive could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The disk refused.
    #[error("{}: {why}", .path.display())]
    Disk {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// There is something that is no archive of ours.
    #[error("{}: is no archive that this program reads: {why}; move it away, and add the originals anew with `tiermark archive add`", .path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Another run has been writing for long.
    #[error("{}: another run has been writing to the archive for a minute; wait for it, and run this again", .0.display())]
    Busy(PathBuf),
    /// There is no archive.
    #[error("{}: there is no archive yet; stamp something, or `tiermark archive add` what was stamped", .0.display())]
    None(PathBuf),
    /// A record is not as it was written.
    #[error("{}: original number {index} is not as it was recorded; add it again with `tiermark archive add`", .folder.display())]
    Damaged {
        /// The archive.
        folder: PathBuf,
        /// Which.
        index: usize,
    },
    /// An original is not where it should be, or not as it was.
    #[error("{}: {why}", .path.display())]
    Original {
        /// Where it was looked for.
        path: PathBuf,
        /// Why it cannot be used, and the way out.
        why: String,
        /// What that means.
        condition: Condition,
    },
    /// A path that the archive cannot keep.
    #[error("{}: {why}", .path.display())]
    BadPath {
        /// The path.
        path: PathBuf,
        /// Why, and the way out.
        why: String,
    },
}

impl ArchiveError {
    fn disk(path: &Path, error: &std::io::Error) -> Self {
        Self::Disk { path: path.to_path_buf(), why: why(path, error) }
    }
}

/// The folder of the archive inside that of the studio.
pub const FOLDER: &str = "archive";

/// The files besides `archive.json`.
const HASHES: &str = "hashes";
const VECTORS: &str = "vectors";
const RECORDS: &str = "entries";
const NAMES: &str = "names";
const DRAWINGS: &str = "drawings";
const LOCALS: &str = "local";

impl Archive {
    /// The archive of the studio in this folder; `None` if it has none.
    ///
    /// # Errors
    /// When it cannot be read, or is of a version that this program does not know.
    pub fn open(studio_folder: &Path) -> Result<Option<Self>, ArchiveError> {
        let folder = studio_folder.join(FOLDER);
        let Some(state) = State::load(&folder)? else { return Ok(None) };
        let map = |name: &str, count: u64, unit: usize| {
            let (path, unit) = (folder.join(name), unit as u64);
            Map::of(&path, count.saturating_mul(unit), unit)
                .map_err(|error| ArchiveError::disk(&path, &error))
        };
        let (hashes, vectors) = (map(HASHES, state.entries, HASH)?, map(VECTORS, state.entries, VECTOR)?);
        let (records, names) = (map(RECORDS, state.entries, ENTRY)?, map(NAMES, state.names, 1)?);
        let (drawings, local) =
            (map(DRAWINGS, state.drawings, DRAWING)?, map(LOCALS, state.features, LOCAL)?);
        let counts = [hashes.len() / HASH, vectors.len() / VECTOR, records.len() / ENTRY];
        let most = counts.into_iter().min().unwrap_or(0).min(u32::MAX as usize);
        let mut archive = Self {
            folder,
            state,
            entries: most,
            hashes,
            vectors,
            records,
            names,
            drawings,
            local,
            index: OnceLock::new(),
        };
        // Where the ends of files were lost, so were the last records.
        while archive.entries > 0 && archive.lost() > 0 && archive.original(archive.entries - 1).is_err() {
            archive.entries -= 1;
        }
        Ok(Some(archive))
    }

    /// How many originals are recorded, those included that were recorded anew at another place.
    pub fn len(&self) -> usize {
        self.entries
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// Originals that were recorded and of which the files have lost the bytes.
    pub fn lost(&self) -> u64 {
        self.state.entries.saturating_sub(self.entries as u64)
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where copies of originals are kept.
    pub fn kept(&self) -> impl Iterator<Item = &Path> {
        self.state.kept.iter().map(Path::new)
    }

    /// What was recorded as number `index`.
    ///
    /// # Errors
    /// When there is no such record, or it is not as it was written.
    pub fn original(&self, index: usize) -> Result<Entry, ArchiveError> {
        self.whole_entry(index).ok_or_else(|| ArchiveError::Damaged { folder: self.folder.clone(), index })
    }

    fn whole_entry(&self, index: usize) -> Option<Entry> {
        let bytes = self.record(index)?;
        let record = Record::read(bytes)?;
        let path_at = usize::try_from(record.path_at).ok()?;
        let path = self.names.get(path_at..path_at.checked_add(record.path_length as usize)?)?;
        let beside = Beside {
            index: index as u64,
            vector: self.vector(index)?,
            hash: self.hashes().get(index)?,
            path,
        };
        layout::entry_is_whole(bytes, &beside).then(|| Entry {
            index,
            pix: record.pix,
            sha256: record.sha256,
            content: record.content,
            size: record.size,
            path: self.state.moved(index as u64, layout::path_of(path)),
            length: record.length,
            modified: record.modified,
            added_at: record.added_at,
            drawing: record.drawing,
        })
    }

    /// The original with these values that was recorded last, if there is one.
    ///
    /// All records are looked at: nothing but the files is in memory.
    pub fn of_pix(&self, pix: Digest) -> Option<Entry> {
        self.all_of_pix(pix).next()
    }

    /// All records of originals with these values, the newest first: one drawing may stand in several shots.
    pub fn all_of_pix(&self, pix: Digest) -> impl Iterator<Item = Entry> + '_ {
        let same =
            move |index: &usize| self.record(*index).is_some_and(|bytes| bytes.starts_with(pix.as_bytes()));
        (0..self.entries).rev().filter(same).filter_map(|index| self.whole_entry(index))
    }

    /// The original itself: from a kept copy if there is one, else from where it lies.
    ///
    /// # Errors
    /// When it is missing, cannot be read, or holds other values than it did; the message names the way out.
    pub fn load(&self, entry: &Entry, limits: &Limits) -> Result<Frame, ArchiveError> {
        let mut last = None;
        for path in self.places_of(entry).filter(|path| path.exists()).chain([entry.path.clone()]) {
            match load_from(&path, entry, limits) {
                Ok(frame) => return Ok(frame),
                Err(error) => last = Some(error),
            }
        }
        Err(last.expect("there is at least one place"))
    }

    /// Where copies of an original would be kept.
    fn places_of<'a>(&'a self, entry: &'a Entry) -> impl Iterator<Item = PathBuf> + 'a {
        self.kept().map(|folder| write::kept_at(folder, entry.sha256))
    }

    fn hashes(&self) -> &[[u8; HASH]] {
        let (hashes, _) = self.hashes.as_chunks::<HASH>();
        &hashes[..self.entries.min(hashes.len())]
    }

    fn vector(&self, index: usize) -> Option<&[u8; VECTOR]> {
        self.vectors.as_chunks::<VECTOR>().0.get(index)
    }

    fn record(&self, index: usize) -> Option<&[u8; ENTRY]> {
        self.records.as_chunks::<ENTRY>().0[..self.entries.min(self.records.len() / ENTRY)].get(index)
    }

    fn local(&self) -> &[[u8; LOCAL]] {
        self.local.as_chunks::<LOCAL>().0
    }

    fn drawing(&self, number: usize) -> Option<DrawingRecord> {
        let record = DrawingRecord::read(self.drawings.as_chunks::<DRAWING>().0.get(number)?)?;
        let end = record.first.checked_add(u64::from(record.count))?;
        (end <= self.local().len() as u64).then_some(record)
    }
}

fn load_from(path: &Path, entry: &Entry, limits: &Limits) -> Result<Frame, ArchiveError> {
    let original =
        |condition: Condition, why: String| ArchiveError::Original { path: path.into(), why, condition };
    let bytes = read_bounded(path, limits.max_file_bytes).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => original(Condition::Missing, MISSING.to_owned()),
        _ => original(Condition::Unreadable, why(path, &error)),
    })?;
    let same_file = Digest::of(&bytes) == entry.sha256;
    let frame = Frame::decode(bytes, limits);
    let frame = match (frame, same_file) {
        (Ok(frame), _) => frame,
        // Not the file that was recorded, and not even a picture: it was written over.
        (Err(error), false) => return Err(original(Condition::Changed, format!("{error}; {CHANGED}"))),
        (Err(error), true) => return Err(original(Condition::Unreadable, error.to_string())),
    };
    if Digest::from_bytes(frame.pixel_digest()) == entry.pix {
        return Ok(frame);
    }
    Err(original(Condition::Changed, format!("holds other values than were recorded; {CHANGED}")))
}

const MISSING: &str = "the original is not there; if it was moved, tell the archive with `tiermark archive rebase OLD NEW`, \
     or add it where it is with `tiermark archive add`";
const CHANGED: &str =
    "put the original back, or, if it lies elsewhere, add it there with `tiermark archive add`";
