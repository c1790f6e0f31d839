//! What may be said of a found file.

use std::path::{Path, PathBuf};
use tiermark_signal::{Homography, Size};

use data_encoding::HEXLOWER;
use serde::Serialize;
use tiermark_frame::container::{self, Place};
use tiermark_ledger::keys::tree::Direction;
use tiermark_ledger::{DocId, Grade, Kid, PartyId};
use tiermark_mark::{Geometry, Patch};

pub use tiermark_mark::ATTRIBUTION;

/// The answer for one found file. None of them is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// A mark was read and leads to one signed hand-over.
    Attributed,
    /// Marks of several recipients stand in one copy.
    Coalition,
    /// A mark is there, and no hand-over that checks belongs to it.
    Unlisted,
    /// A mark is there that cannot have come there with the picture: it was lifted from another, or the picture changed beneath it.
    Tampered,
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
            Self::Tampered => "tampered",
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
    /// Down to a vendor, or back up.
    pub direction: Direction,
    /// Who was given the copy; only with a valid signature.
    pub recipient: Option<String>,
    /// Who made the mark: whoever holds that party's secrets.
    pub from: String,
    /// Giver and receiver by their names in documents; only with a valid signature.
    #[serde(skip)]
    pub parties: Option<(Kid, PartyId)>,
    /// Who made the mark, by its root.
    #[serde(skip)]
    pub maker: Kid,
    /// The whole id of its hand-over; only with a valid signature.
    pub document: Option<DocId>,
    /// The mark id: the first half of a hand-over's short id, hex.
    pub handover: String,
    /// How it was read: blind, or informed, with the original at hand.
    pub detector: &'static str,
    /// What of the mark was read: the open word, or the closed set.
    pub layer: &'static str,
    /// Other readings that are certain of it, by detector and layer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub seconded: Vec<String>,
    /// Whether it stands where it cannot have been put: nobody is named then.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub transplanted: bool,
    /// Detection statistic.
    pub z: f64,
    /// Bound on the probability of a false alarm after all trials.
    pub log10_false_alarm: f64,
    /// What the bound counts.
    pub trials: Trials,
    /// Whether the document behind it checks.
    pub signature: Signature,
    /// What the documents behind it are worth.
    pub grade: Grade,
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

/// What the bound on a false alarm counts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Trials {
    /// Keys of the search that found it.
    pub keys: usize,
    /// Words that it had to be one of; any of 2^64 where the registry holds none.
    pub words: Option<usize>,
    /// All hypotheses together, log10: keys, words, places, weights, maps, searches.
    pub log10: f64,
}

/// One step of a chain of hand-overs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Step {
    /// Who gave.
    pub from: String,
    /// Who received.
    pub to: String,
    /// Place in the chain.
    pub tier: u8,
    /// Down, or back up.
    pub direction: Direction,
    /// The mark.
    pub handover: String,
    /// The whole id of the document.
    pub document: String,
    /// When it was signed, by its signer's clock.
    pub issued_at: String,
    /// When another party cosigned a log that held it.
    pub witnessed_at: Option<String>,
    /// The recipient's receipts.
    pub receipts: usize,
    /// What the documents are worth.
    pub grade: Grade,
    /// What is missing for the next grade.
    pub missing: Option<&'static str>,
    /// Whether the mark itself was read, or only named by the document below.
    pub read: bool,
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
    /// Whether it was read as a negative: light and dark exchanged.
    pub negative: bool,
}

impl FoundGeometry {
    /// The geometry in a person's terms, `stamped` being pixels per ref px of the stamped frames.
    pub(crate) fn new(geometry: &Geometry, stamped: Option<f64>) -> Self {
        let to_thousandths = |v: f64| (v * 1000.0).round() / 1000.0;
        Self {
            scale: stamped.map(|stamped| to_thousandths(geometry.pixels_per_ref / stamped)),
            rotation_deg: geometry.rotation_deg,
            flipped: geometry.flipped,
            negative: geometry.negative,
        }
    }

    /// The geometry of a found picture of this size under which an original lies, told at its middle.
    pub(crate) fn laid(map: &Homography, found: Size) -> Self {
        let middle = [found.width as f64 / 2.0, found.height as f64 / 2.0];
        let back = map.inverse().unwrap_or(Homography::IDENTITY);
        let [[a, b], [c, d]] = map.jacobian(back.apply(middle));
        let det = a * d - b * c;
        let flipped = det < 0.0;
        let sign = if flipped { -1.0 } else { 1.0 };
        let angle = (c - sign * b).atan2(sign * a + d).to_degrees();
        Self {
            scale: Some((det.abs().sqrt() * 1000.0).round() / 1000.0),
            rotation_deg: (angle * 100.0).round() / 100.0 + 0.0,
            flipped,
            negative: false,
        }
    }
}

/// One shot of a found clip, and what it says by itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FoundShot {
    /// The number of its first frame, from 0.
    pub first_frame: u64,
    /// The number of its last frame.
    pub last_frame: u64,
    /// Frames that were looked at.
    pub frames: usize,
    /// The mark that is surest in it.
    pub handover: Option<String>,
    /// That mark's statistic.
    pub z: Option<f64>,
}

/// All that is said of one found file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// The file as it was named.
    #[serde(serialize_with = "as_text")]
    pub file: PathBuf,
    /// The same in hex, where it is no Unicode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_bytes: Option<String>,
    /// Where in the file the picture lies, outermost container first; empty for the file itself.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "as_texts")]
    pub inside: Vec<Place>,
    /// Names among these that are no Unicode, in hex at their places; empty where all are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inside_bytes: Vec<Option<String>>,
    /// SHA-256 of the bytes of file or member, hex, or of the samples of a picture that is no file of its own (as `pix` in the
    /// record of a delivery); `None` if they could not be read.
    pub sha256: Option<String>,
    /// SHA-256 of the file that a member lies in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_sha256: Option<String>,
    /// The first file or member with the same SHA-256: it was looked at, and this is its answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_as: Option<String>,
    /// Frames that the finding is about: 1 for a file, more for a shot, none for a container without pictures.
    pub frames: usize,
    /// The answer.
    pub verdict: Verdict,
    /// Why, where the verdict does not say it.
    pub reason: Option<String>,
    /// The marks, those of upper tiers first.
    pub marks: Vec<Mark>,
    /// The chains of hand-overs behind them, each from the producer down.
    pub chains: Vec<Vec<Step>>,
    /// How the picture lies, where a mark tells.
    pub geometry: Option<FoundGeometry>,
    /// The original it was compared with: none by the blind detector.
    pub original: Option<String>,
    /// The shots of a clip.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub shots: Vec<FoundShot>,
}

impl Finding {
    /// Nothing found yet.
    pub(crate) fn empty(file: PathBuf) -> Self {
        let bytes = file.as_os_str().as_encoded_bytes();
        let file_bytes = file.to_str().is_none().then(|| HEXLOWER.encode(bytes));
        Self {
            file,
            file_bytes,
            inside: Vec::new(),
            inside_bytes: Vec::new(),
            sha256: None,
            container_sha256: None,
            same_as: None,
            frames: 1,
            verdict: Verdict::NoMark,
            reason: None,
            marks: Vec::new(),
            chains: Vec::new(),
            geometry: None,
            original: None,
            shots: Vec::new(),
        }
    }

    /// The same about something that lies in the file.
    pub(crate) fn inside(self, places: Vec<Place>, container: Option<String>) -> Self {
        let raw = |place: &Place| place.raw().map(|name| HEXLOWER.encode(name));
        let inside_bytes: Vec<Option<String>> = places.iter().map(raw).collect();
        let inside_bytes = if inside_bytes.iter().any(Option::is_some) { inside_bytes } else { Vec::new() };
        Self { inside: places, inside_bytes, container_sha256: container, ..self }
    }

    /// File and places in one line: `box.zip ▸ deck.pptx ▸ ppt/media/image3.png`.
    pub fn place(&self) -> String {
        let places = self.inside.iter().map(ToString::to_string);
        std::iter::once(shown(&self.file)).chain(places).collect::<Vec<_>>().join(" \u{25b8} ")
    }

    pub(crate) fn unreadable(file: PathBuf, sha256: Option<String>, reason: String) -> Self {
        Self { sha256, verdict: Verdict::Unreadable, reason: Some(reason), ..Self::empty(file) }
    }
}

/// A path so that no two look the same: see [`tiermark_frame::container::shown`].
pub fn shown(path: &Path) -> String {
    container::shown(path.as_os_str().as_encoded_bytes())
}

/// Paths as text.
fn as_text<S: serde::Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&shown(path))
}

/// Places as texts.
fn as_texts<S: serde::Serializer>(places: &[Place], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(places.iter().map(ToString::to_string))
}
