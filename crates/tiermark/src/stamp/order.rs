//! What a person asks of stamping, and what is said of each file.

use std::path::{Path, PathBuf};

use serde::Serialize;
use tiermark_frame::{Limits, WriteOptions};
use tiermark_ledger::StudioError;
use tiermark_ledger::keys::tree::Direction;
use tiermark_ledger::store::StoreError;
use tiermark_mark::Strength;

use super::Unmarked;
use crate::archive::ArchiveError;

/// What became of one input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// A marked copy is in its place; in a dry run: could be.
    Stamped,
    /// It cannot carry the mark, or not without harm: it must not leave.
    Refused,
    /// Something went wrong with it.
    Failed,
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// The input as it was named.
    #[serde(serialize_with = "text")]
    pub file: PathBuf,
    /// Its marked copy.
    #[serde(serialize_with = "optional_text")]
    pub out: Option<PathBuf>,
    /// What became of it.
    pub status: Status,
    /// Why, where it was not stamped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Peak signal-to-noise ratio of the mark, dB.
    pub psnr_db: Option<f64>,
    /// The detection statistic that the copy gives as it is.
    pub predicted_z: Option<f64>,
    /// The same after JPEG 75; always tried in a dry run, else only where the first is not strong.
    pub z_after_jpeg75: Option<f64>,
    /// The pictures of a document that bear no mark.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unmarked: Vec<Unmarked>,
}

impl Outcome {
    pub(super) fn not(status: Status, file: PathBuf, reason: impl Into<String>) -> Box<Self> {
        Box::new(Self {
            file,
            out: None,
            status,
            reason: Some(reason.into()),
            psnr_db: None,
            predicted_z: None,
            z_after_jpeg75: None,
            unmarked: Vec::new(),
        })
    }
}

/// What a person asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where marked copies go; structure and names below it are those of the inputs.
    pub out: PathBuf,
    /// Replace outputs that are there and different.
    pub force: bool,
    /// Sign and write nothing; say what would happen.
    pub dry_run: bool,
    /// Let copies leave whose mark is lost at its first JPEG, as long as it can be read now.
    pub allow_weak: bool,
    /// How strong the marks are.
    pub strength: Strength,
    /// Leave flat colour as it is, so that a bucket at zero tolerance fills the same regions.
    pub paint_safe: bool,
    /// Write a history of ASC MHL beside the copies.
    pub mhl: bool,
    /// Whether originals are recorded in the archive.
    pub archive: Archiving,
    /// An encoder of ffmpeg's and its options for clips, in place of each clip's own.
    pub codec: Option<String>,
    /// Draw the pages of PDF documents at so many dots per inch (50 to 600), and let pictures of them leave in their place.
    pub rasterise: Option<u32>,
    /// What may change besides the pixels' values.
    pub write: WriteOptions,
    /// Bounds for what is read.
    pub limits: Limits,
}

/// What leaving flat colour alone costs: median detection statistics of the frames that were tried.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PaintSafe {
    /// How many were.
    pub frames: usize,
    /// Read blindly, had all of the picture been marked.
    pub whole: f64,
    /// Read blindly.
    pub blind: f64,
    /// Read with the original at hand, after JPEG 75.
    pub at_hand: f64,
}

/// What becomes of originals in the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Archiving {
    /// They are recorded; with a folder, and once there was one, copies of them are kept there.
    Record {
        /// The folder.
        keep: Option<PathBuf>,
    },
    /// They are left out.
    Leave,
}

/// Who the copies are for.
#[derive(Clone, Debug)]
pub struct To {
    /// A vendor or delegate by its name; without one, the party above us gets its work back.
    pub recipient: Option<String>,
    /// The producer in whose project new drawings belong; our own without.
    pub project_of: Option<String>,
    /// The episode, where delegations are limited to some.
    pub episode: Option<String>,
    /// The kind of material, where delegations are limited to some.
    pub kind: Option<String>,
}

impl To {
    /// Down to a vendor or delegate of this name.
    pub fn named(recipient: &str) -> Self {
        Self { recipient: Some(recipient.to_owned()), project_of: None, episode: None, kind: None }
    }

    /// Episode and kind of the material.
    pub(super) fn what(&self) -> (Option<&str>, Option<&str>) {
        (self.episode.as_deref(), self.kind.as_deref())
    }

    pub(super) fn direction(&self) -> Direction {
        if self.recipient.is_some() { Direction::Down } else { Direction::Up }
    }
}

/// Told of the work as it goes on.
pub trait Watch: Sync {
    /// `total` files will be read and hashed.
    fn scanning(&self, total: usize) {
        let _ = total;
    }
    /// One more was.
    fn scanned(&self) {}
    /// `total` frames will be marked.
    fn pressing(&self, total: usize) {
        let _ = total;
    }
    /// Marks that leave flat colour alone were tried on some of the frames, before anything is written.
    fn paint_safe(&self, cost: &PaintSafe) {
        let _ = cost;
    }
    /// One outcome, in the order of the inputs.
    fn outcome(&self, outcome: &Outcome) {
        let _ = outcome;
    }
    /// One frame was dealt with, in any order.
    fn pressed(&self) {}
    /// A file was written beside the copies: a packet for the recipient, or a history.
    fn beside(&self, file: &Path) {
        let _ = file;
    }
}

/// Why nothing could be stamped at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StampError {
    /// Inputs and outputs would mix.
    #[error("{}: {why}; choose another --out folder", .out.display())]
    BadOut {
        /// The output folder.
        out: PathBuf,
        /// How they would mix.
        why: String,
    },
    /// What belongs beside the copies could not be written.
    #[error("{}: {why}", .path.display())]
    Beside {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The originals could not be recorded.
    #[error(
        "nothing was stamped, because its originals could not be recorded: {0}; --no-archive stamps all the same"
    )]
    Archive(#[from] ArchiveError),
    /// The studio could not sign.
    #[error(transparent)]
    Studio(#[from] StudioError),
    /// The registry could not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn text<S: serde::Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

fn optional_text<S: serde::Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    match path {
        Some(path) => serializer.serialize_some(&path.to_string_lossy()),
        None => serializer.serialize_none(),
    }
}
