//! What may be said of a found file.

use std::path::{Path, PathBuf};

use serde::Serialize;
use tiermark_mark::{Geometry, Patch};

pub use tiermark_mark::ATTRIBUTION;

/// The answer for one found file. None of them is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// A mark was read and leads to one signed hand-over.
    Attributed,
    /// Marks of several recipients stand in one copy.
    Coalition,
    /// A mark is there, and no hand-over that checks belongs to it.
    Unlisted,
    /// Nothing was read above the threshold; which does not mean that nothing was handed over.
    NoMark,
    /// The file could not be looked at.
    Unreadable,
}

impl Verdict {
    /// One word for a table.
    pub fn word(self) -> &'static str {
        match self {
            Self::Attributed => "attributed",
            Self::Coalition => "coalition",
            Self::Unlisted => "unlisted",
            Self::NoMark => "no-mark",
            Self::Unreadable => "unreadable",
        }
    }
}

/// Whether the signatures behind a mark hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signature {
    /// Hand-over and recipient record were verified up to the studio's root key.
    Valid,
    /// A rule failed: nobody is named.
    Invalid,
    /// There is no document to verify.
    Unknown,
}

/// One mark in a found file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mark {
    /// Place in the chain of hand-overs, 1 for the studio's own.
    pub tier: u8,
    /// Who was given the copy; only with a valid signature.
    pub recipient: Option<String>,
    /// The mark id: the first half of a hand-over's short id, hex.
    pub handover: String,
    /// How it was read.
    pub detector: &'static str,
    /// Detection statistic.
    pub z: f64,
    /// Bound on the probability of a false alarm after all trials.
    pub log10_false_alarm: f64,
    /// Whether the document behind it checks.
    pub signature: Signature,
    /// When the hand-over was signed, by its signer's clock.
    pub issued_at: Option<String>,
    /// Pictures that the evidence comes from.
    pub frames: u32,
    /// Where in the picture it was read.
    #[serde(rename = "where")]
    pub patches: Vec<FoundPatch>,
    /// Keys that nobody used, on the same picture; where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decoys: Option<DecoyTable>,
}

/// One square of a found picture, and what it says of a mark by itself.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FoundPatch {
    /// Its middle, pixels from the left.
    pub x: f64,
    /// Its middle, pixels from the top.
    pub y: f64,
    /// Its side, pixels.
    pub side: f64,
    /// Its own statistic.
    pub z: f64,
}

impl FoundPatch {
    pub(crate) fn new(patch: &Patch) -> Self {
        let to_tenths = |v: f64| (v * 10.0).round() / 10.0;
        let [x, y] = patch.centre.map(to_tenths);
        Self { x, y, side: to_tenths(patch.side), z: to_tenths(f64::from(patch.z)) }
    }
}

/// The real key among keys drawn at random.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct DecoyTable {
    /// Decoys tried.
    pub tried: usize,
    /// Place of the real key, 1 for the strongest of all.
    pub rank: usize,
    /// The real key's statistic in this comparison.
    pub real: f64,
    /// The strongest decoy's.
    pub strongest_decoy: f64,
}

/// How the found picture differs from the stamped one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct FoundGeometry {
    /// Found size over stamped size; `None` where the hand-over holds frames of several sizes.
    pub scale: Option<f64>,
    /// Clockwise, degrees.
    pub rotation_deg: f64,
    /// Whether it was mirrored.
    pub flipped: bool,
}

impl FoundGeometry {
    /// The geometry in a person's terms, `stamped` being pixels per ref px of the stamped frames.
    pub(crate) fn new(geometry: &Geometry, stamped: Option<f64>) -> Self {
        let to_thousandths = |v: f64| (v * 1000.0).round() / 1000.0;
        Self {
            scale: stamped.map(|stamped| to_thousandths(geometry.pixels_per_ref / stamped)),
            rotation_deg: geometry.rotation_deg,
            flipped: geometry.flipped,
        }
    }
}

/// All that is said of one found file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// The file as it was named.
    #[serde(serialize_with = "as_text")]
    pub file: PathBuf,
    /// SHA-256 of its bytes, hex; `None` if they could not be read.
    pub sha256: Option<String>,
    /// Frames that the finding is about: 1 for a file, more for a shot.
    pub frames: usize,
    /// The answer.
    pub verdict: Verdict,
    /// Why, where the verdict does not say it.
    pub reason: Option<String>,
    /// The marks, strongest first.
    pub marks: Vec<Mark>,
    /// How the picture lies, where a mark tells.
    pub geometry: Option<FoundGeometry>,
    /// The original it was compared with: none by the blind detector.
    pub original: Option<String>,
}

impl Finding {
    pub(crate) fn unreadable(file: PathBuf, sha256: Option<String>, reason: String) -> Self {
        let (verdict, reason) = (Verdict::Unreadable, Some(reason));
        Self { file, sha256, frames: 1, verdict, reason, marks: Vec::new(), geometry: None, original: None }
    }
}

/// Paths as text; bytes that are no Unicode become U+FFFD, for reading only.
fn as_text<S: serde::Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}
