//! Appending, so that a kill at any byte leaves what was there before.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tiermark_ledger::Digest;
use tiermark_signal::Size;

use super::layout::{self, Beside, DRAWING, DrawingRecord, ENTRY, HASH, LOCAL, Record, VECTOR};
use super::sight::Drawing;
use super::state::State;
use super::{Archive, ArchiveError, DRAWINGS, Entry, FOLDER, HASHES, LOCALS, NAMES, RECORDS, Sight, VECTORS};
use crate::sink::{Part, read_bounded};

/// An original to be recorded.
pub struct Fresh {
    /// Where it is.
    pub path: PathBuf,
    /// The digest of its file.
    pub sha256: Digest,
    /// The digest of its values.
    pub pix: Digest,
    /// What its marks are bound to.
    pub content: Digest,
    /// Width and height.
    pub size: Size,
    /// What it looks like.
    pub sight: Sight,
}

/// What became of originals that were to be recorded: for each, whether it is new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Appended {
    /// In the order in which they were given.
    pub new: Vec<bool>,
}

/// Record originals in the archive of the studio in this folder, and with `keep` a copy of each file there.
///
/// The folder of copies is remembered: without `keep` copies go where they went the last time.
/// What is recorded already, and lies where it was recorded, is left out. All of them are recorded, or none is.
///
/// # Errors
/// When the archive cannot be read or written, or a file changed since it was looked at.
pub fn append(
    studio_folder: &Path,
    fresh: &[&Fresh],
    keep: Option<&Path>,
    limit: u64,
    now: i64,
) -> Result<Appended, ArchiveError> {
    let folder = studio_folder.join(FOLDER);
    fs::create_dir_all(&folder).map_err(|error| ArchiveError::disk(&folder, &error))?;
    let _lock = lock(&folder)?;
    let archive = Archive::open(studio_folder)?;
    let mut state = archive.as_ref().map_or_else(State::new, |archive| archive.state.clone());
    let before = state.kept.first().map(PathBuf::from);
    let keep = keep.map(absolute).transpose()?.or(before);
    if let Some(keep) = &keep {
        for original in fresh {
            keep_copy(keep, original, limit)?;
        }
        let text = text_of(keep)?;
        if !state.kept.contains(&text) {
            // The newest first: that is where originals are looked for first.
            state.kept.insert(0, text);
        }
    }
    state.entries = archive.as_ref().map_or(0, |archive| archive.entries as u64);
    let mut batch = Batch::new(archive.as_ref(), &mut state, fresh, now);
    let mut new = Vec::with_capacity(fresh.len());
    for original in fresh {
        new.push(batch.add(original)?);
    }
    let files = batch.files;
    // Maps must be gone before ends of files are cut off: not every system does that under a map.
    drop(archive);
    for (name, from, bytes) in files {
        append_to(&folder.join(name), from, &bytes)?;
    }
    state.save(&folder)?;
    Ok(Appended { new })
}

/// What is to be appended to each file.
struct Batch<'a> {
    state: &'a mut State,
    now: i64,
    /// Records of the same values, by the first half of their digest.
    known: HashMap<[u8; 16], Vec<Placed>>,
    /// The numbers of drawings that are new in this batch.
    drawn: HashMap<*const super::sight::Parts, u32>,
    /// Name, how much of it counts already, and what comes behind.
    files: [(&'static str, u64, Vec<u8>); 6],
}

/// A record of known values.
#[derive(Clone)]
struct Placed {
    content: Digest,
    sha256: Digest,
    path: PathBuf,
    length: u64,
}

impl<'a> Batch<'a> {
    fn new(archive: Option<&Archive>, state: &'a mut State, fresh: &[&Fresh], now: i64) -> Self {
        let count = |count: u64, unit: usize| count * unit as u64;
        // What the files have lost is not counted on: the next features come behind those that are there.
        if let Some(archive) = archive {
            state.drawings = (archive.drawings.len() / DRAWING) as u64;
            state.features = archive.local().len() as u64;
            state.names = archive.names.len() as u64;
        }
        let files = [
            (NAMES, state.names, Vec::new()),
            (VECTORS, count(state.entries, VECTOR), Vec::new()),
            (HASHES, count(state.entries, HASH), Vec::new()),
            (LOCALS, count(state.features, LOCAL), Vec::new()),
            (DRAWINGS, count(state.drawings, DRAWING), Vec::new()),
            (RECORDS, count(state.entries, ENTRY), Vec::new()),
        ];
        let known = known(archive, fresh);
        Self { state, now, known, drawn: HashMap::new(), files }
    }

    /// Take one original in, unless it is known.
    fn add(&mut self, original: &Fresh) -> Result<bool, ArchiveError> {
        let path = absolute(&original.path)?;
        if self.knows(original, &path) {
            return Ok(false);
        }
        let meta = fs::metadata(&path).map_err(|error| ArchiveError::disk(&path, &error))?;
        let name = layout::path_bytes(&path);
        let drawing = self.drawing(&original.sight.drawing);
        let vector: Vec<u8> = original.sight.whole.vector().iter().map(|v| v.cast_unsigned()).collect();
        let hash = layout::hash_bytes(original.sight.whole.signs());
        let record = Record {
            pix: original.pix,
            sha256: original.sha256,
            content: original.content,
            size: original.size,
            added_at: self.now,
            length: meta.len(),
            modified: modified(&meta),
            path_at: self.state.names,
            path_length: name.len() as u32,
            drawing,
        };
        let beside = Beside { index: self.state.entries, vector: &vector, hash: &hash, path: &name };
        let entry = record.to_bytes(&beside);
        let [names, vectors, hashes, _, _, entries] = &mut self.files;
        for (file, bytes) in [(names, &name[..]), (vectors, &vector), (hashes, &hash), (entries, &entry)] {
            file.2.extend_from_slice(bytes);
        }
        self.state.names += name.len() as u64;
        self.state.entries += 1;
        self.known.entry(half(original.pix)).or_default().push(Placed {
            content: original.content,
            sha256: original.sha256,
            path,
            length: record.length,
        });
        Ok(true)
    }

    /// Whether these values are recorded under this content, and lie where they were recorded.
    fn knows(&self, original: &Fresh, path: &Path) -> bool {
        let recorded = self.known.get(&half(original.pix)).into_iter().flatten();
        recorded.filter(|placed| placed.content == original.content).any(|placed| {
            let here = placed.path == path && placed.sha256 == original.sha256;
            let elsewhere = || fs::metadata(&placed.path).is_ok_and(|meta| meta.len() == placed.length);
            here || placed.path != path && elsewhere()
        })
    }

    /// The number of a drawing, which is taken in if it is new.
    fn drawing(&mut self, drawing: &Drawing) -> u32 {
        let parts = match drawing {
            Drawing::Known(number) => return *number,
            Drawing::Fresh(parts) => parts,
        };
        let number = self.state.drawings as u32;
        match self.drawn.entry(Arc::as_ptr(parts)) {
            std::collections::hash_map::Entry::Occupied(known) => return *known.get(),
            std::collections::hash_map::Entry::Vacant(place) => place.insert(number),
        };
        let features = parts.features.get().map_or(&[][..], Vec::as_slice);
        let record =
            DrawingRecord { first: self.state.features, count: features.len() as u32, size: parts.size };
        let [_, _, _, local, drawings, _] = &mut self.files;
        local.2.extend_from_slice(features.as_flattened());
        drawings.2.extend_from_slice(&record.to_bytes(features.as_flattened()));
        self.state.drawings += 1;
        self.state.features += features.len() as u64;
        number
    }
}

/// What is recorded of the values that are to be recorded: one walk through all records.
fn known(archive: Option<&Archive>, fresh: &[&Fresh]) -> HashMap<[u8; 16], Vec<Placed>> {
    let mut known: HashMap<_, Vec<Placed>> = fresh.iter().map(|one| (half(one.pix), Vec::new())).collect();
    for (index, archive) in archive.iter().flat_map(|archive| (0..archive.len()).map(move |i| (i, archive))) {
        let pix = archive.record(index).and_then(|bytes| bytes.first_chunk::<16>());
        let Some(placed) = pix.and_then(|pix| known.get_mut(pix)) else { continue };
        if let Ok(Entry { content, sha256, path, length, .. }) = archive.original(index) {
            placed.push(Placed { content, sha256, path, length });
        }
    }
    known
}

fn half(digest: Digest) -> [u8; 16] {
    std::array::from_fn(|i| digest.as_bytes()[i])
}

/// When a file was last changed: nanoseconds since 1970, 0 if nobody knows.
pub(super) fn modified(meta: &fs::Metadata) -> i64 {
    let since = meta.modified().ok().and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
    since.and_then(|since| i64::try_from(since.as_nanos()).ok()).unwrap_or(0)
}

pub(super) fn absolute(path: &Path) -> Result<PathBuf, ArchiveError> {
    std::path::absolute(path).map_err(|error| ArchiveError::disk(path, &error))
}

/// A path that goes into `archive.json`.
pub(super) fn text_of(path: &Path) -> Result<String, ArchiveError> {
    path.to_str().map(str::to_owned).ok_or_else(|| ArchiveError::BadPath {
        path: path.to_path_buf(),
        why: "is no Unicode text, which the archive's settings cannot hold; name the folder by another path"
            .into(),
    })
}

/// One writer at a time; whoever waits for a minute is told.
pub(super) fn lock(folder: &Path) -> Result<File, ArchiveError> {
    let path = folder.join("lock");
    let disk = |error: &std::io::Error| ArchiveError::disk(&path, error);
    let file =
        OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(|e| disk(&e))?;
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(disk(&error)),
            Err(TryLockError::WouldBlock) if start.elapsed() > PATIENCE => {
                return Err(ArchiveError::Busy(path));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(60);

/// Cut a file where what counts ends, write behind that, and wait until the disk has it.
fn append_to(path: &Path, from: u64, bytes: &[u8]) -> Result<(), ArchiveError> {
    let write = || {
        let mut file = OpenOptions::new().append(true).create(true).open(path)?;
        file.set_len(from)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|error| ArchiveError::disk(path, &error))
}

/// Where the copy of a file lies below a folder of copies.
pub(super) fn kept_at(folder: &Path, sha256: Digest) -> PathBuf {
    let name = sha256.to_string();
    folder.join(&name[..2]).join(name)
}

/// Keep the file of an original, if it is not kept already.
fn keep_copy(folder: &Path, original: &Fresh, limit: u64) -> Result<(), ArchiveError> {
    let to = kept_at(folder, original.sha256);
    if fs::metadata(&to).is_ok_and(|meta| meta.is_file()) {
        return Ok(());
    }
    let bytes = read_bounded(&original.path, limit).map_err(|e| ArchiveError::disk(&original.path, &e))?;
    if Digest::of(&bytes) != original.sha256 {
        let why = "changed while this run was going on; run it again".to_owned();
        return Err(ArchiveError::Disk { path: original.path.clone(), why });
    }
    let written = Part::write(&to, &bytes).and_then(Part::commit);
    written.map_err(|error| ArchiveError::disk(&to, &error))
}
