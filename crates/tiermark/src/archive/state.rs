//! `archive.json`: how much of the other files counts, where copies are kept, and what was moved.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::ArchiveError;
use crate::inputs::why;
use crate::sink::Part;

/// The one file that is replaced as a whole: what it does not count is not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) version: u32,
    /// Originals.
    pub(super) entries: u64,
    /// Distinct drawings.
    pub(super) drawings: u64,
    /// Local features of all drawings.
    pub(super) features: u64,
    /// Bytes of paths.
    pub(super) names: u64,
    /// Folders with copies of originals.
    pub(super) kept: Vec<String>,
    /// What was moved since it was recorded.
    pub(super) moves: Vec<Move>,
}

/// Originals recorded before number `entries` that lay in `from` lie in `to`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Move {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) entries: u64,
}

impl State {
    const VERSION: u32 = 1;

    pub(super) fn new() -> Self {
        Self {
            version: Self::VERSION,
            entries: 0,
            drawings: 0,
            features: 0,
            names: 0,
            kept: Vec::new(),
            moves: Vec::new(),
        }
    }

    /// The state of the archive in a folder; `None` if there is none.
    pub(super) fn load(folder: &Path) -> Result<Option<Self>, ArchiveError> {
        let path = folder.join(STATE);
        let bytes = match fs::metadata(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Ok(meta) if meta.len() > MOST_BYTES => {
                return Err(ArchiveError::NotOurs { path, why: format!("holds {} bytes", meta.len()) });
            }
            _ => fs::read(&path).map_err(|error| ArchiveError::disk(&path, &error))?,
        };
        let not_ours = |why: String| ArchiveError::NotOurs { path: path.clone(), why };
        let state: Self = serde_json::from_slice(&bytes).map_err(|error| not_ours(error.to_string()))?;
        if state.version != Self::VERSION {
            return Err(not_ours(format!(
                "is of version {}, and this program reads version {}",
                state.version,
                Self::VERSION
            )));
        }
        Ok(Some(state))
    }

    pub(super) fn save(&self, folder: &Path) -> Result<(), ArchiveError> {
        let path = folder.join(STATE);
        let bytes = serde_json::to_vec_pretty(self).expect("numbers and texts");
        let written = Part::write(&path, &bytes).and_then(Part::commit);
        written.map_err(|error| ArchiveError::Disk { why: why(&path, &error), path })
    }

    /// Where a file lies now that was recorded under `path` as original number `index`.
    pub(super) fn moved(&self, index: u64, path: PathBuf) -> PathBuf {
        self.moves.iter().filter(|moved| index < moved.entries).fold(path, |path, moved| {
            match path.strip_prefix(&moved.from) {
                Ok(rest) if rest.as_os_str().is_empty() => PathBuf::from(&moved.to),
                Ok(rest) => Path::new(&moved.to).join(rest),
                Err(_) => path,
            }
        })
    }
}

pub(super) const STATE: &str = "archive.json";
/// A hundred thousand moves.
const MOST_BYTES: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use super::*;

    #[test]
    fn moves_apply_in_order_to_what_was_recorded_before() {
        let one = |from: &str, to: &str, entries| Move { from: from.into(), to: to.into(), entries };
        let moves = vec![one("/a/b", "/c", 2), one("/c", "/d", 5), one("/x.png", "/y.png", 9)];
        let state = State { moves, ..State::new() };
        let moved = |index, path: &str| state.moved(index, path.into()).to_string_lossy().into_owned();
        assert_eq!(moved(0, "/a/b/e.png"), "/d/e.png");
        assert_eq!(moved(2, "/a/b/e.png"), "/a/b/e.png", "recorded after the move");
        assert_eq!(moved(0, "/a/bc/e.png"), "/a/bc/e.png", "a folder, not the letters of its name");
        assert_eq!(moved(8, "/x.png"), "/y.png");
    }

    #[test]
    fn a_state_comes_back_and_another_version_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(State::load(folder.path()).unwrap(), None);
        let state = State { entries: 7, kept: vec!["/k".into()], ..State::new() };
        state.save(folder.path()).unwrap();
        assert_eq!(State::load(folder.path()).unwrap(), Some(state.clone()));
        State { version: 2, ..state }.save(folder.path()).unwrap();
        assert!(State::load(folder.path()).unwrap_err().to_string().contains("version 2"));
        fs::write(folder.path().join(STATE), b"{").unwrap();
        assert!(State::load(folder.path()).is_err());
    }
}
