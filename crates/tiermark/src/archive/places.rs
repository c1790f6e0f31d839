//! Are the originals where they were recorded, and as they were?

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelIterator, ParallelIterator};
use serde::Serialize;
use tiermark_frame::Limits;

use super::state::{Move, State};
use super::write::{absolute, lock, modified, text_of};
use super::{Archive, ArchiveError, Entry, FOLDER};

/// What is the matter with an original.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// It is as it was recorded.
    Right,
    /// It is not there.
    Missing,
    /// It holds other values.
    Changed,
    /// It, or its record, cannot be read.
    Unreadable,
}

/// One original that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Where it should be; nothing if its record cannot be read.
    pub file: Option<String>,
    /// How it is.
    pub condition: Condition,
    /// Why, where it is not right, and the way out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Told of the work as it goes on.
pub trait Watch: Sync {
    /// `total` originals will be looked at.
    fn begin(&self, total: usize) {
        let _ = total;
    }
    /// One more was.
    fn step(&self) {}
}

/// An archive in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Originals, each once.
    pub originals: usize,
    /// Records of them: an original that was found at another place has two.
    pub records: usize,
    /// Distinct drawings: held ones are described once.
    pub drawings: usize,
    /// Local features of all drawings.
    pub features: usize,
    /// Bytes of the archive's files.
    pub bytes: u64,
    /// Originals of which a copy is kept.
    pub kept: usize,
    /// Originals that lie where they were recorded, with the length and time that they had.
    pub here: usize,
    /// Originals that do not.
    pub missing: usize,
    /// Originals whose length or time is another.
    pub changed: usize,
    /// Records that cannot be read, and those that were lost with the ends of files.
    pub damaged: u64,
}

/// What a change of place covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rebased {
    /// Originals that were recorded below the old place.
    pub originals: usize,
    /// Those of them that lie below the new one, as long as they were.
    pub there: usize,
}

impl Archive {
    /// The newest record of each original, in the order of the records; and how many records cannot be read.
    fn newest(&self) -> (Vec<Entry>, Vec<usize>) {
        let mut newest: HashMap<([u8; 32], [u8; 32]), usize> = HashMap::new();
        let (mut entries, mut damaged) = (Vec::<Entry>::new(), Vec::new());
        for index in 0..self.len() {
            match self.original(index) {
                Ok(entry) => {
                    let same = (*entry.pix.as_bytes(), *entry.content.as_bytes());
                    match newest.get(&same) {
                        Some(&place) => entries[place] = entry,
                        None => {
                            newest.insert(same, entries.len());
                            entries.push(entry);
                        }
                    }
                }
                Err(_) => damaged.push(index),
            }
        }
        (entries, damaged)
    }

    /// How much there is, and by a quick look at lengths and times, how much of it is in its place.
    pub fn counts(&self) -> Counts {
        let (entries, damaged) = self.newest();
        let mut counts = Counts {
            originals: entries.len(),
            records: self.len(),
            drawings: self.drawings.len() / super::DRAWING,
            features: self.local().len(),
            bytes: bytes_below(&self.folder),
            damaged: damaged.len() as u64 + self.lost(),
            ..Counts::default()
        };
        for entry in &entries {
            counts.kept += usize::from(self.places_of(entry).any(|path| path.is_file()));
            match fs::metadata(&entry.path) {
                Ok(meta) if meta.len() == entry.length && modified(&meta) == entry.modified => {
                    counts.here += 1;
                }
                Ok(_) => counts.changed += 1,
                Err(_) => counts.missing += 1,
            }
        }
        counts
    }

    /// Read every original where it lies and every kept copy, compare the values with what was recorded, and read what the
    /// archive says of each drawing. In the order of the records; runs on the threads of the pool it is called in.
    pub fn verify(&self, limits: &Limits, watch: &dyn Watch) -> Vec<Checked> {
        let (entries, damaged) = self.newest();
        watch.begin(entries.len());
        let check = |entry: Entry| {
            let checked = self.check(&entry, limits);
            watch.step();
            checked
        };
        let mut lines: Vec<Checked> = entries.into_par_iter().map(check).collect();
        let record = |index: usize| Checked {
            file: None,
            condition: Condition::Unreadable,
            reason: Some(ArchiveError::Damaged { folder: self.folder.clone(), index }.to_string()),
        };
        lines.extend(damaged.into_iter().map(record));
        lines.extend((self.lost() > 0).then(|| Checked {
            file: None,
            condition: Condition::Unreadable,
            reason: Some(format!(
                "{}: the last {} records were cut off; add the originals again with `tiermark archive add`",
                self.folder.display(),
                self.lost()
            )),
        }));
        lines
    }

    fn check(&self, entry: &Entry, limits: &Limits) -> Checked {
        let line = |condition, reason| Checked {
            file: Some(entry.path.to_string_lossy().into_owned()),
            condition,
            reason,
        };
        if !self.drawing_is_whole(entry.drawing as usize) {
            let why = "what its parts look like is not as it was recorded; it is still found as a whole";
            return line(Condition::Unreadable, Some(format!("{}: {why}", entry.path.display())));
        }
        // Kept copies are enough; each of them must be right.
        let copies: Vec<PathBuf> = self.places_of(entry).filter(|path| path.exists()).collect();
        let places = if copies.is_empty() { vec![entry.path.clone()] } else { copies };
        match places.iter().find_map(|path| super::load_from(path, entry, limits).err()) {
            None => line(Condition::Right, None),
            Some(error) => line(condition(&error), Some(error.to_string())),
        }
    }

    fn drawing_is_whole(&self, number: usize) -> bool {
        let Some(record) = self.drawing(number) else { return false };
        let features = &self.local()[record.first as usize..][..record.count as usize];
        let bytes = self.drawings.as_chunks::<{ super::DRAWING }>().0.get(number);
        bytes.is_some_and(|bytes| super::layout::drawing_is_whole(bytes, features.as_flattened()))
    }
}

fn condition(error: &ArchiveError) -> Condition {
    match error {
        ArchiveError::Original { condition, .. } => *condition,
        _ => Condition::Unreadable,
    }
}

fn bytes_below(folder: &Path) -> u64 {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    files.filter_map(|file| file.metadata().ok()).map(|meta| meta.len()).sum()
}

/// Tell the archive that what lay in `old` lies in `new`: a folder, or a single file.
///
/// # Errors
/// When there is no archive, or it cannot be written.
pub fn rebase(studio_folder: &Path, old: &Path, new: &Path, dry_run: bool) -> Result<Rebased, ArchiveError> {
    let folder = studio_folder.join(FOLDER);
    let (old, new) = (absolute(old)?, absolute(new)?);
    let (from, to) = (text_of(&old)?, text_of(&new)?);
    let Some(_) = State::load(&folder)? else { return Err(ArchiveError::None(folder)) };
    let _lock = lock(&folder)?;
    let Some(archive) = Archive::open(studio_folder)? else { return Err(ArchiveError::None(folder)) };
    let mut rebased = Rebased { originals: 0, there: 0 };
    for entry in archive.newest().0 {
        let Some(path) = below(&entry.path, &old, &new) else { continue };
        rebased.originals += 1;
        rebased.there += usize::from(fs::metadata(path).is_ok_and(|meta| meta.len() == entry.length));
    }
    if !dry_run && rebased.originals > 0 {
        let mut state = archive.state.clone();
        state.moves.push(Move { from, to, entries: archive.len() as u64 });
        state.save(&folder)?;
    }
    Ok(rebased)
}

/// Where a path lies after the move, if it lies below the old place.
fn below(path: &Path, old: &Path, new: &Path) -> Option<PathBuf> {
    let rest = path.strip_prefix(old).ok()?;
    Some(if rest.as_os_str().is_empty() { new.to_path_buf() } else { new.join(rest) })
}
