//! Found picture to words, without the original.

mod beside;
mod decoys;
mod front;
mod informed;
mod look;
mod null;
mod places;
mod reading;
mod shot;
mod tiles;
mod word;

use tiermark_signal::Size;

use crate::carrier::{LatticeCarrier, WordCarrier};
use crate::code::Codeword;
use crate::embed::Picture;
use crate::key::MarkKey;
use crate::payload::{ContentId, Payload};
use crate::rows::OnWhite;
use crate::sync::Fit;
pub(crate) use front::Gentle;
use look::{FURTHER_MAPS, Look, PLACED_MAPS, Stage};
use places::Words;
use reading::{Surface, certain, surer, together};
use word::codeword;

pub use decoys::Decoys;
pub use informed::{CellEvidence, Evidence, Laid, Original, Profile, Scores, WAYS, Way, WordEvidence};
pub use null::Tail;
pub use reading::{Geometry, Patch, Reading};
pub use shot::{FrameEvidence, Shot};

/// Reads words blindly: it knows keys, not originals.
pub struct Detector {
    lattice: LatticeCarrier,
    tiers: Vec<Tier>,
    /// Words that will be asked for again and again, with their codewords under each key.
    asked: Option<(Vec<Payload>, Vec<Vec<Codeword>>)>,
}

struct Tier {
    key: MarkKey,
    carrier: WordCarrier,
}

/// How far to look; each step tries all of the ones before it first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// Whole frames of any size, and cuttings at a known scale; mirrored and turned by quarters.
    KnownScales,
    /// Besides, every scale, angle, mirror and mild shear, in the whole picture and in parts of it.
    Full,
    /// Besides, each part at its own scale, and every known content at its own place without any lattice.
    Exhaustive,
}

impl Effort {
    fn stages(self) -> &'static [Stage] {
        const ALL: [Stage; 5] =
            [Stage::Upright, Stage::KnownScales, Stage::Whole, Stage::Windows, Stage::EachWindow];
        match self {
            Self::KnownScales => &ALL[..2],
            Self::Full => &ALL[..4],
            Self::Exhaustive => &ALL,
        }
    }

    /// Maps that may be passed on to the payload.
    fn maps(self) -> usize {
        self.stages().iter().map(|stage| stage.maps()).sum::<usize>() + FURTHER_MAPS
    }
}

/// What is known before looking.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Words that are asked for one by one: the closed set. Others are read too, but need more evidence.
    pub known: &'a [Payload],
    /// Words that a register holds in all, where these are only the newest of them: see [`Reading::if_listed`].
    pub listed: usize,
    /// Sizes that frames of this project had when they were stamped: a copy may have their scale, or all of such a frame
    /// pressed into another shape.
    pub frames: &'a [Size],
    /// Contents that were stamped. Where the lattice was erased their places are known all the same: an exhaustive search
    /// tries each of them, for frames that were found whole.
    pub contents: &'a [ContentId],
    /// How far to look.
    pub effort: Effort,
}

impl Question<'_> {
    /// Maps that may be passed on to the payload.
    fn maps(&self) -> usize {
        let placed = if self.effort == Effort::Exhaustive { PLACED_MAPS * self.contents.len() } else { 0 };
        self.effort.maps() + placed
    }

    /// As how many maps one of a stage, or one beyond all stages, counts in the bound.
    ///
    /// The bound of all trials together may be shared out unevenly (weighted Bonferroni: Genovese, Roeder and Wasserman,
    /// "False discovery control with p-value weighting", Biometrika 93(3), 2006, section 1). Most copies are found where they
    /// are cheapest to find, so a quarter each goes to the first two stages, and half to the rest.
    fn counted(&self, stage: Option<Stage>) -> f64 {
        let cheap = [Stage::Upright, Stage::KnownScales];
        match stage {
            Some(stage) if cheap.contains(&stage) => 4.0 * stage.maps() as f64,
            _ => 2.0 * (self.maps() - cheap.map(Stage::maps).iter().sum::<usize>()) as f64,
        }
    }
}

/// A map that was read in vain, and as how many it counts.
struct Noted {
    fit: Fit,
    maps: f64,
    /// In the middle of a long pan, not in all of it.
    in_middle: bool,
}

/// From this statistic on a map is as good as it needs to be for weaker marks on the same lattice.
const STRONG: f64 = 25.0;

impl Detector {
    /// A detector for the lattice of a project and the keys of its tiers.
    pub fn new(lattice: &MarkKey, tiers: &[MarkKey]) -> Self {
        let lattice = LatticeCarrier::new(lattice);
        let tier = |key: &MarkKey| Tier { key: key.clone(), carrier: WordCarrier::new(key, &lattice) };
        let tiers = tiers.iter().map(tier).collect();
        Self { lattice, tiers, asked: None }
    }

    /// The same, ready to be asked for these words in picture after picture.
    #[must_use]
    pub fn prepared(self, known: &[Payload]) -> Self {
        Self { asked: Some((known.to_vec(), self.codewords(known))), ..self }
    }

    /// The words in `found`, strongest first; empty if there is none to be seen.
    pub fn read(&self, found: &Picture<'_>, question: &Question<'_>) -> Vec<Reading> {
        let words = self.words(question);
        let readings = self.search(&Gentle::on(found, None), question, &words, found.layers() as f64);
        self.or_layer(readings, found, question, &words)
    }

    /// The readings on white or, if none is certain, those of the layer where they are surer: it may have all of its
    /// drawing in alpha and its colours, with their mark, beneath.
    fn or_layer(
        &self,
        on_white: Vec<Reading>,
        found: &Picture<'_>,
        question: &Question<'_>,
        words: &Words<'_>,
    ) -> Vec<Reading> {
        if found.alpha.is_none() || certain(&on_white) {
            return on_white;
        }
        let mut layer = self.search(&Gentle::on(found, found.alpha), question, words, found.layers() as f64);
        layer.iter_mut().for_each(|reading| reading.surface = Surface::Layer);
        surer(on_white, layer)
    }

    /// The words in `found` laid on white paper, as most copies leak; not in a layer's colours beneath its alpha.
    pub fn read_on_white(&self, found: &OnWhite, question: &Question<'_>) -> Vec<Reading> {
        let words = self.words(question);
        self.search(&Gentle::of(&found.luma, None), question, &words, found.layers as f64)
    }

    /// Stage by stage until a word is certain; then the same map more finely, and whatever else lies beside. This is one of
    /// `searches`.
    fn search(
        &self,
        gentle: &Gentle,
        question: &Question<'_>,
        words: &Words<'_>,
        searches: f64,
    ) -> Vec<Reading> {
        self.search_noting(gentle, question, words, searches, &mut Vec::new())
    }

    /// The same, noting every map of the stages that was read in vain.
    fn search_noting(
        &self,
        gentle: &Gentle,
        question: &Question<'_>,
        words: &Words<'_>,
        searches: f64,
        noted: &mut Vec<Noted>,
    ) -> Vec<Reading> {
        let Some(look) = Look::at(gentle, &self.lattice) else { return Vec::new() };
        // Only the middle of a long pan is searched; all of it is read where its scale is known.
        let middle = gentle.middle();
        let middle_look = middle.as_ref().and_then(|middle| Look::at(middle, &self.lattice));
        let further = searches * question.counted(None);
        let mut best = Vec::new();
        for &stage in question.effort.stages() {
            let look =
                if stage <= Stage::KnownScales { &look } else { middle_look.as_ref().unwrap_or(&look) };
            let maps = searches * question.counted(Some(stage));
            for fit in look.fits(stage, question.frames) {
                best = surer(best, self.read_map(look.gentle(), &fit, words, maps));
                if certain(&best) {
                    return self.completed(best, look, question.effort, words, further);
                }
                let in_middle = stage > Stage::KnownScales && middle.is_some();
                noted.push(Noted { fit, maps, in_middle });
            }
        }
        if question.effort < Effort::Exhaustive {
            return best;
        }
        let placed = question.contents.iter().flat_map(|content| look.placed(self.lattice.shift(content)));
        for fit in placed {
            best = surer(best, self.read_map(gentle, &fit, words, further));
            if certain(&best) {
                break;
            }
        }
        best
    }

    /// What else is to be read once one word is certain: weaker marks under a finer map, other pictures beside.
    fn completed(
        &self,
        found: Vec<Reading>,
        look: &Look<'_>,
        effort: Effort,
        words: &Words<'_>,
        maps: f64,
    ) -> Vec<Reading> {
        let Some(first) = found.iter().find(|reading| reading.is_certain()) else { return found };
        let mut known = first.fit.clone();
        let mut all = found.clone();
        if first.z < STRONG {
            let polished = look.polished(&known);
            all = together(all, self.read_map(look.gentle(), &polished, words, maps));
            known = polished;
        }
        if effort == Effort::KnownScales {
            return all;
        }
        for fit in look.elsewhere(&known) {
            all = together(all, self.read_map(look.gentle(), &fit, words, maps));
        }
        all
    }
}

#[cfg(test)]
mod tests;
