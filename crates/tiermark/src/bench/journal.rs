//! What was measured so far, a line to each reading.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::{Outcome, Settings};

/// What a marked picture looks like beside its original.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// Peak signal-to-noise ratio of the mark, dB.
    pub psnr_db: f64,
    /// Structural similarity of luma, at most 1.
    pub ssim: f64,
    /// SSIMULACRA 2, at most 100.
    pub ssimulacra2: Option<f64>,
    /// Largest change on flat colour, code values of 8 bits.
    pub flat_change: Option<f32>,
    /// File size of the marked copy over that of the original.
    pub growth: f64,
    /// The statistic of the copy as it is, where it is so low that `stamp` would refuse it.
    pub refused_at: Option<f64>,
}

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Name and digest of the picture.
    pub picture: String,
    /// The folder it lies in, and what sets it apart there.
    pub class: String,
    /// The attack's short name, a control, or `quality`.
    pub row: String,
    /// What was read.
    #[serde(flatten)]
    pub outcome: Option<Outcome>,
    /// What was measured of the marked picture.
    pub quality: Option<Quality>,
    /// Seconds of reading.
    pub seconds: Option<f64>,
    /// Size of the found picture.
    pub megapixels: Option<f64>,
    /// The scores of recipients who had no part, where they were looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub innocent: Option<Innocent>,
    /// Whether the original was not found in the archive, and named by hand.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_hand: bool,
}

/// Scores of recipients who had no part in a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Innocent {
    /// How many scores.
    pub scores: u64,
    /// Their sum, and that of their squares.
    pub moments: [f64; 2],
    /// The largest.
    pub largest: f64,
    /// How many lie beyond the thresholds of the bounds 1e-2 to 1e-5.
    pub beyond: [u64; 4],
}

impl Innocent {
    /// Count a detection statistic whose false-alarm bound has this common logarithm.
    pub(super) fn count(&mut self, z: f64, log10: f64) {
        self.scores += 1;
        self.moments[0] += z;
        self.moments[1] += z * z;
        self.largest = self.largest.max(z);
        for (beyond, threshold) in self.beyond.iter_mut().zip([-2.0, -3.0, -4.0, -5.0]) {
            *beyond += u64::from(log10 <= threshold);
        }
    }

    /// Both together.
    pub(super) fn with(self, other: &Self) -> Self {
        Self {
            scores: self.scores + other.scores,
            moments: [0, 1].map(|i| self.moments[i] + other.moments[i]),
            largest: self.largest.max(other.largest),
            beyond: std::array::from_fn(|i| self.beyond[i] + other.beyond[i]),
        }
    }

    /// Mean and standard deviation.
    pub fn mean_and_deviation(&self) -> (f64, f64) {
        let [mean, square] = self.moments.map(|sum| sum / self.scores.max(1) as f64);
        (mean, (square - mean * mean).max(0.0).sqrt())
    }
}

impl Line {
    pub(super) fn new(picture: &str, class: &str, row: &str) -> Self {
        let [picture, class, row] = [picture, class, row].map(str::to_owned);
        Self {
            picture,
            class,
            row,
            outcome: None,
            quality: None,
            seconds: None,
            megapixels: None,
            innocent: None,
            by_hand: false,
        }
    }

    pub(super) fn of_outcome(self, outcome: Outcome) -> Self {
        Self { outcome: Some(outcome), ..self }
    }

    pub(super) fn of_quality(self, quality: Quality) -> Self {
        Self { quality: Some(quality), ..self }
    }

    pub(super) fn timed(self, seconds: f64, megapixels: f64) -> Self {
        Self { seconds: Some(seconds), megapixels: Some(megapixels), ..self }
    }

    pub(super) fn beside(self, innocent: Innocent) -> Self {
        Self { innocent: Some(innocent), ..self }
    }

    pub(super) fn helped(self, by_hand: bool) -> Self {
        Self { by_hand, ..self }
    }

    pub(super) fn in_class(self, class: &str) -> Self {
        Self { class: class.to_owned(), ..self }
    }
}

/// The first line: lines of two settings must not be mixed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Head {
    tiermark: String,
    seed: u64,
    tiers: usize,
    strength: String,
    /// Innocent recipients whom every picture is tested for, where the originals are at hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    informed: Option<usize>,
}

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk said no.
    #[error("{}: {error}", path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// What it said.
        error: std::io::Error,
    },
    /// It belongs to another run.
    #[error("{} was made with other settings ({found}); choose another --out folder or remove it", path.display())]
    OtherSettings {
        /// The file.
        path: PathBuf,
        /// Its first line.
        found: String,
    },
}

/// The journal of a run: in a file where it has one.
pub struct Journal {
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    file: Option<File>,
    lines: Vec<Line>,
    known: BTreeSet<(String, String)>,
}

impl Journal {
    /// A journal that is forgotten.
    pub fn in_memory() -> Self {
        let state = State { file: None, lines: Vec::new(), known: BTreeSet::new() };
        Self { path: PathBuf::new(), state: Mutex::new(state) }
    }

    /// The journal in `path`, made or gone on with; a last line that was cut off by a crash is left out.
    ///
    /// # Errors
    /// When it cannot be read or written, or was made with other settings.
    pub fn open(path: &Path, settings: &Settings) -> Result<Self, JournalError> {
        let disk = |error| JournalError::Disk { path: path.to_path_buf(), error };
        let head = Head {
            tiermark: env!("CARGO_PKG_VERSION").to_owned(),
            seed: settings.seed,
            tiers: settings.tiers.count(),
            strength: settings.strength.0.clone(),
            informed: settings.informed,
        };
        let mut lines = Vec::new();
        let mut whole = Vec::new();
        if path.exists() {
            let mut found = BufReader::new(File::open(path).map_err(disk)?).lines();
            if let Some(first) = found.next().transpose().map_err(disk)?
                && serde_json::from_str::<Head>(&first).ok() != Some(head.clone())
            {
                return Err(JournalError::OtherSettings { path: path.to_path_buf(), found: first });
            }
            for line in found.map_while(Result::ok) {
                let Ok(parsed) = serde_json::from_str::<Line>(&line) else { break };
                lines.push(parsed);
                whole.push(line);
            }
        }
        let text = [text_of(&head)].into_iter().chain(whole).map(|line| line + "\n").collect::<String>();
        std::fs::write(path, text).map_err(disk)?;
        let file = OpenOptions::new().append(true).open(path).map_err(disk)?;
        let known = lines.iter().map(|line: &Line| (line.picture.clone(), line.row.clone())).collect();
        let state = State { file: Some(file), lines, known };
        Ok(Self { path: path.to_path_buf(), state: Mutex::new(state) })
    }

    /// Whether a row of a picture is there.
    pub fn has(&self, picture: &str, row: &str) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.known.contains(&(picture.to_owned(), row.to_owned()))
    }

    /// Add a line.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put(&self, line: &Line) -> Result<(), JournalError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = &mut state.file {
            let text = text_of(line) + "\n";
            file.write_all(text.as_bytes())
                .map_err(|error| JournalError::Disk { path: self.path.clone(), error })?;
        }
        state.known.insert((line.picture.clone(), line.row.clone()));
        state.lines.push(line.clone());
        Ok(())
    }

    /// All lines, by picture and row: in the same order however many threads wrote them.
    pub fn lines(&self) -> Vec<Line> {
        let mut lines = self.state.lock().unwrap_or_else(PoisonError::into_inner).lines.clone();
        lines.sort_by(|a, b| (&a.picture, &a.row).cmp(&(&b.picture, &b.row)));
        lines
    }
}

fn text_of(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("plain numbers and texts become JSON")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use super::*;
    use crate::bench::{BASIC, Tiers};
    use tiermark_mark::Strength;

    fn settings(seed: u64) -> Settings {
        let strength = ("standard".to_owned(), Strength::STANDARD);
        Settings { seed, attacks: BASIC.to_vec(), tiers: Tiers::One, strength, informed: None }
    }

    #[test]
    fn a_journal_goes_on_after_a_crash_and_takes_no_other_settings() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results.jsonl");
        let line = |row: &str| {
            Line::new("a.png:00", "line", row).of_outcome(Outcome::Named { z: 20.0, log10: -80.0 })
        };
        let journal = Journal::open(&path, &settings(1)).unwrap();
        journal.put(&line("none")).unwrap();
        journal.put(&line("jpeg-75").timed(0.5, 2.0)).unwrap();
        drop(journal);
        // The machine stopped in the middle of a line.
        let mut cut = std::fs::read(&path).unwrap();
        cut.truncate(cut.len() - 9);
        std::fs::write(&path, cut).unwrap();
        let again = Journal::open(&path, &settings(1)).unwrap();
        assert_eq!(again.lines(), [line("none")]);
        assert!(again.has("a.png:00", "none") && !again.has("a.png:00", "jpeg-75"));
        again.put(&line("jpeg-75")).unwrap();
        drop(again);
        assert_eq!(Journal::open(&path, &settings(1)).unwrap().lines().len(), 2);
        assert!(matches!(Journal::open(&path, &settings(2)), Err(JournalError::OtherSettings { .. })));
    }
}
