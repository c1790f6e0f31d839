//! One mark, however it was read: blindly, with the original taken away, or as a recipient's pattern in the closed set.

use tiermark_ledger::MarkId;
use tiermark_mark::{FalseAlarm, Geometry, Patch, Reading};

use super::closed::{Scored, Suspect};
use super::reader::{Found, SlotPlace};
use crate::secrets::mark_id;

/// A mark that is certain.
#[derive(Clone)]
pub(super) struct Heard {
    pub(super) mark: MarkId,
    pub(super) place: SlotPlace,
    /// Whether the registry holds its hand-over.
    pub(super) listed: bool,
    pub(super) z: f64,
    /// After everything that was tried on the file.
    pub(super) false_alarm: FalseAlarm,
    /// Keys tried in the search that found it.
    pub(super) keys: usize,
    /// Words that it had to be one of, for words.
    pub(super) words: Option<usize>,
    pub(super) detector: Detector,
    /// The other detectors that are certain of it.
    pub(super) seconded: Vec<Detector>,
    pub(super) patches: Vec<Patch>,
    pub(super) geometry: Option<Geometry>,
    /// The blind reading, if there is one.
    pub(super) reading: Option<Reading>,
    /// Whether it stands where another picture's mark cannot stand by itself.
    pub(super) transplanted: bool,
}

/// What read a mark, and which layer of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detector {
    /// The open word, without the original.
    Blind,
    /// The open word, the original taken away.
    Word,
    /// The closed set, the original taken away.
    Cells,
}

impl Detector {
    /// As the contract for programs has it.
    pub(super) fn name(self) -> &'static str {
        if self == Self::Blind { "blind" } else { "informed" }
    }

    /// The layer.
    pub(super) fn layer(self) -> &'static str {
        if self == Self::Cells { "closed-set" } else { "open-word" }
    }
}

impl Heard {
    /// An open word.
    pub(super) fn word(found: Found, detector: Detector) -> Self {
        let Found { reading, place, listed, false_alarm, keys, words } = found;
        let blind = detector == Detector::Blind;
        Self {
            mark: mark_id(reading.payload),
            place,
            listed,
            z: reading.z,
            false_alarm,
            keys,
            words: listed.then_some(words),
            detector,
            seconded: Vec::new(),
            patches: if blind { reading.patches.clone() } else { Vec::new() },
            geometry: blind.then_some(reading.geometry),
            reading: blind.then_some(reading),
            transplanted: false,
        }
    }

    /// A recipient's pattern; of several hand-overs of the drawing to it, that of which the word was read, or the newest.
    pub(super) fn cells(scored: &Scored, suspects: &[Suspect], words: &[Self]) -> Option<Self> {
        let suspect = &suspects[scored.suspect];
        let read =
            |mark: &&MarkId| words.iter().any(|word| word.mark == **mark && word.place == suspect.place);
        let mark = *suspect.marks.iter().find(read).or(suspect.marks.first())?;
        Some(Self {
            mark,
            place: suspect.place.clone(),
            listed: true,
            z: scored.z,
            false_alarm: scored.false_alarm,
            keys: suspects.len(),
            words: None,
            detector: Detector::Cells,
            seconded: Vec::new(),
            patches: Vec::new(),
            geometry: None,
            reading: None,
            transplanted: false,
        })
    }

    /// The same where so many more things were tried.
    pub(super) fn over(self, trials: f64) -> Self {
        Self { false_alarm: self.false_alarm.over(trials), ..self }
    }

    /// Whether the bound allows to say whose copy it is.
    pub(super) fn is_certain(&self) -> bool {
        self.false_alarm.log10() <= tiermark_mark::ATTRIBUTION
    }

    /// Both readings of one mark: the surer, with the other named, and the place that a blind one tells.
    fn merged(self, other: Self) -> Self {
        let (mut surer, weaker) =
            if other.false_alarm.log10() < self.false_alarm.log10() { (other, self) } else { (self, other) };
        let more = weaker.seconded.into_iter().chain([weaker.detector]);
        for detector in more {
            if detector != surer.detector && !surer.seconded.contains(&detector) {
                surer.seconded.push(detector);
            }
        }
        if surer.reading.is_none() {
            surer.patches = weaker.patches;
            surer.geometry = weaker.geometry;
            surer.reading = weaker.reading;
        }
        surer.transplanted |= weaker.transplanted;
        surer
    }
}

/// Each mark once, with the surest of what was read of it.
pub(super) fn merged(all: impl IntoIterator<Item = Heard>) -> Vec<Heard> {
    let mut once: Vec<Heard> = Vec::new();
    for heard in all {
        let same = |other: &&mut Heard| (other.mark, &other.place) == (heard.mark, &heard.place);
        match once.iter_mut().find(same) {
            // A transplanted mark and one that is there by right are two things.
            Some(other) if other.transplanted == heard.transplanted => *other = other.clone().merged(heard),
            _ => once.push(heard),
        }
    }
    once.sort_by(|a, b| a.place.depth.cmp(&b.place.depth).then(b.z.total_cmp(&a.z)));
    once
}
