//! How is a message hidden in numbers, and how sure are we that it is there?
//!
//! 64 bits go into the colour planes of a picture as a keyed pattern of slow waves, too faint to see, and come out of
//! cut, scaled, mirrored or recompressed copies without the original. Every reading carries a bound on the
//! probability that an unmarked picture would give it, everything counted that was tried. The format is
//! `docs/spec/mark-v1.md`.
//!
//! ```
//! use tiermark_mark::{ContentId, Detector, Effort, Embedder, MarkKey, Payload, Picture, Question, Strength};
//! use tiermark_signal::{Plane, Size};
//!
//! let (lattice, tier) = (MarkKey::new([1; 32]), MarkKey::new([2; 32]));
//! let payload = Payload(*b"to: lion");
//! let host = [Plane::filled(Size::new(640, 480).expect("sides above zero"), 180.0)];
//! let picture = Picture { colours: &host, alpha: None, premultiplied: false };
//! let marked = Embedder::new(&lattice, &tier, payload, Strength::STANDARD).embed(&picture, &ContentId([3; 32]));
//!
//! let found = Picture { colours: &marked, alpha: None, premultiplied: false };
//! let question = Question { listed: 0, known: &[payload], frames: &[], contents: &[], effort: Effort::KnownScales };
//! let readings = Detector::new(&lattice, &[tier]).read(&found, &question);
//! assert_eq!(readings[0].payload, payload);
//! assert!(readings[0].false_alarm.log10() < -9.0);
//! ```
//!
//! The same input gives the same bits on every machine: no clock, no files, no threads, no randomness but the keys.
//!
//! This room knows no parties and no file formats: `tiermark-ledger` knows what the 64 bits lead to, `tiermark-frame`
//! brings planes out of files, `tiermark` joins the three.

#![forbid(unsafe_code)]

mod carrier;
mod code;
mod detect;
mod earlier;
mod embed;
mod evidence;
mod key;
mod layout;
mod mask;
mod payload;
mod rows;
mod sync;

pub use detect::{CellEvidence, Evidence, Laid, Original, Profile, Scores, WAYS, Way, WordEvidence};
pub use detect::{Decoys, Detector, Effort, FrameEvidence, Geometry, Patch, Question, Reading, Shot, Tail};
pub use embed::{Embedder, Picture, Strength};
pub use evidence::{ATTRIBUTION, FalseAlarm};
pub use key::MarkKey;
pub use layout::pixels_per_ref;
pub use payload::{ContentId, Payload};
pub use rows::{OnWhite, Rows, RowsMut};
