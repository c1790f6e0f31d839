//! Findings in a file as they come, so that a run that was stopped can go on.
//!
//! One JSON object to a line: the finding, and size and time of change of the file it is about. A run that goes on drops a line
//! that was cut off, and the last file or shot before it, which may have lines that are missing; all before these is kept, and
//! files that are there with the same path, size and time are not looked at again.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::Serialize;
use serde_json::Value;
use tiermark_frame::numbered;
use tiermark_ledger::Digest;

use crate::inputs::{Inputs, why};
use crate::verdict::{Finding, Verdict, shown};

/// Why results cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum ResultsError {
    /// Results of another run are there.
    #[error("{0} is there already; --resume goes on with it, or name another file")]
    Exists(String),
    /// It lies among what is looked at.
    #[error("{0} would lie among the found files, beside which nothing is written; name another place")]
    Beside(String),
    /// The disk.
    #[error("{path}: {reason}")]
    Disk {
        /// The file.
        path: String,
        /// Why, in a person's words.
        reason: String,
    },
}

/// A file of results that is open for more.
pub struct Results {
    path: PathBuf,
    file: File,
    /// What is there: 16 bytes of a hash over path, size and time.
    done: BTreeSet<[u8; 16]>,
    verdicts: Vec<Verdict>,
}

/// One line.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    finding: &'a Finding,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    modified: Option<String>,
}

/// What of a file must be the same: bytes, and nanoseconds since 1970.
type State = (Option<u64>, Option<String>);

impl Results {
    /// A file for the results of looking at `found`, empty, or with what an earlier run left where it is to be gone on with.
    ///
    /// # Errors
    /// When a file is there and `resume` was not asked for, when it would lie in a found folder, or the disk is in the way.
    pub fn open(path: &Path, found: &[PathBuf], resume: bool) -> Result<Self, ResultsError> {
        let disk = |error: io::Error| failed(path, &error);
        beside(path, found)?;
        if !resume && path.exists() {
            return Err(ResultsError::Exists(shown(path)));
        }
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(path).map_err(disk)?;
        let (done, verdicts) = (BTreeSet::new(), Vec::new());
        let mut results = Self { path: path.to_path_buf(), file, done, verdicts };
        results.take_over().map_err(disk)?;
        Ok(results)
    }

    /// Verdicts of lines that an earlier run left.
    pub fn verdicts(&self) -> &[Verdict] {
        &self.verdicts
    }

    /// The inputs that are not answered yet.
    #[must_use]
    pub fn without_done(&self, mut inputs: Inputs) -> Inputs {
        if self.done.is_empty() {
            return inputs;
        }
        inputs.files.retain(|file| !self.done.contains(&key(&shown(&file.path), &state(&file.path))));
        inputs.unreadable.retain(|one| !self.done.contains(&key(&shown(&one.path), &state(&one.path))));
        inputs
    }

    /// Add a finding; it is handed to the system before this returns.
    ///
    /// # Errors
    /// When the disk is in the way.
    pub fn add(&mut self, finding: &Finding) -> Result<(), ResultsError> {
        let (size, modified) = state(&finding.file);
        let mut line = serde_json::to_vec(&Line { finding, size, modified })
            .map_err(|error| failed(&self.path, &io::Error::other(error)))?;
        line.push(b'\n');
        self.file.write_all(&line).map_err(|error| failed(&self.path, &error))
    }

    /// Read the lines that are there, and cut off the last file's.
    fn take_over(&mut self) -> io::Result<()> {
        let mut reader = BufReader::new(&self.file);
        let (mut at, mut unit_at, mut unit) = (0_u64, 0_u64, None);
        // Those of the unit that is being read: kept once the next one begins.
        let mut fresh: Vec<([u8; 16], Verdict)> = Vec::new();
        let mut line = Vec::new();
        loop {
            line.clear();
            let length = reader.read_until(b'\n', &mut line)? as u64;
            let Some((file, key, verdict)) = parsed(&line) else { break };
            let now = Some(unit_of(&file));
            if unit != now {
                self.verdicts.extend(fresh.iter().map(|(_, verdict)| *verdict));
                self.done.extend(fresh.drain(..).map(|(key, _)| key));
                (unit, unit_at) = (now, at);
            }
            fresh.push((key, verdict));
            at += length;
        }
        self.file.set_len(unit_at)?;
        self.file.seek(SeekFrom::Start(unit_at))?;
        Ok(())
    }
}

/// What a whole line says.
fn parsed(line: &[u8]) -> Option<(String, [u8; 16], Verdict)> {
    let value: Value = serde_json::from_slice(line.strip_suffix(b"\n")?).ok()?;
    let file = value["file"].as_str()?.to_owned();
    let verdict = serde_json::from_value(value["verdict"].clone()).ok()?;
    let state = (value["size"].as_u64(), value["modified"].as_str().map(str::to_owned));
    let key = key(&file, &state);
    Some((file, key, verdict))
}

/// Lines of one unit follow each other: those of a file, or of a shot.
fn unit_of(file: &str) -> String {
    let (folder, name) = file.rsplit_once('/').map_or(("", file), |(folder, name)| (folder, name));
    match numbered(name) {
        Some(frame) => format!("{folder}/{}", frame.stem.replacen(&"#".repeat(frame.padding), "#", 1)),
        None => format!("{folder}/{name}"),
    }
}

fn key(file: &str, (size, modified): &State) -> [u8; 16] {
    let text = format!("{file}\0{size:?}\0{modified:?}");
    let mut key = [0; 16];
    key.copy_from_slice(&Digest::of(text.as_bytes()).as_bytes()[..16]);
    key
}

/// Size and time of change, by the link itself where it is one; nothing for what is not there, as the name of a shot.
fn state(path: &Path) -> State {
    let Ok(meta) = fs::symlink_metadata(path) else { return (None, None) };
    let since = meta.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    (Some(meta.len()), since.map(|since| since.as_nanos().to_string()))
}

/// Nothing is written beside the evidence.
fn beside(path: &Path, found: &[PathBuf]) -> Result<(), ResultsError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // The file may be a link that leads there.
    let places = [parent.canonicalize(), path.canonicalize()];
    let lies_in = |found: PathBuf| places.iter().flatten().any(|place| place.starts_with(&found));
    match found.iter().any(|one| one.canonicalize().is_ok_and(lies_in)) {
        true => Err(ResultsError::Beside(shown(path))),
        false => Ok(()),
    }
}

fn failed(path: &Path, error: &io::Error) -> ResultsError {
    ResultsError::Disk { path: shown(path), reason: why(path, error) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use super::*;
    use crate::inputs::Links;

    fn inputs(folder: &Path) -> Inputs {
        Inputs::find(&[folder.to_path_buf()], Links::Report)
    }

    fn left(results: &Results, folder: &Path) -> Vec<String> {
        results.without_done(inputs(folder)).files.into_iter().map(|file| file.name).collect()
    }

    #[test]
    fn a_run_that_was_cut_off_goes_on_at_the_last_file() {
        let scene = tempfile::tempdir().unwrap();
        let (folder, out) = (scene.path().join("found"), scene.path().join("results.jsonl"));
        fs::create_dir(&folder).unwrap();
        let names = ["a.png", "b.zip", "c.png", "walk.0001.png", "walk.0002.png"];
        names.iter().for_each(|name| fs::write(folder.join(name), name).unwrap());
        let found = [folder.clone()];
        let mut results = Results::open(&out, &found, false).unwrap();
        for file in &inputs(&folder).files {
            results.add(&Finding::empty(file.path.clone())).unwrap();
        }
        drop(results);
        assert!(matches!(Results::open(&out, &found, false), Err(ResultsError::Exists(_))));
        // The frames of the shot are there, and its own line is not: all of it is looked at again.
        let whole = fs::read(&out).unwrap();
        let results = Results::open(&out, &found, true).unwrap();
        assert_eq!(left(&results, &folder), names[3..]);
        assert_eq!(results.verdicts().len(), 3);
        // Cut anywhere: what is lost is the line that was cut, and the one before it.
        for length in 0..whole.len() {
            fs::write(&out, &whole[..length]).unwrap();
            let results = Results::open(&out, &found, true).unwrap();
            let lines = whole[..length].iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(left(&results, &folder), names[lines.saturating_sub(1).min(3)..], "cut at {length}");
        }
        // A file that changed is another.
        fs::write(&out, &whole).unwrap();
        fs::write(folder.join("a.png"), "longer than before").unwrap();
        let results = Results::open(&out, &found, true).unwrap();
        assert_eq!(left(&results, &folder), ["a.png", "walk.0001.png", "walk.0002.png"]);
    }

    #[test]
    fn nothing_is_written_beside_the_evidence() {
        let scene = tempfile::tempdir().unwrap();
        fs::create_dir_all(scene.path().join("found/deep")).unwrap();
        let found = [scene.path().join("found")];
        for out in ["found/results.jsonl", "found/deep/results.jsonl", "found/../found/r"] {
            let opened = Results::open(&scene.path().join(out), &found, false);
            assert!(matches!(opened, Err(ResultsError::Beside(_))), "{out}");
        }
        #[cfg(unix)]
        {
            fs::write(scene.path().join("found/a.png"), "evidence").unwrap();
            std::os::unix::fs::symlink(scene.path().join("found/a.png"), scene.path().join("link")).unwrap();
            let opened = Results::open(&scene.path().join("link"), &found, true);
            assert!(matches!(opened, Err(ResultsError::Beside(_))), "a link to what is looked at");
            assert_eq!(fs::read(scene.path().join("found/a.png")).unwrap(), b"evidence");
            fs::remove_file(scene.path().join("found/a.png")).unwrap();
        }
        assert_eq!(fs::read_dir(&found[0]).unwrap().count(), 1);
    }
}
