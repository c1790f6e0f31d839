//! Found picture to words, without the original.

mod front;
mod look;
mod tiles;
mod word;

use crate::carrier::{LatticeCarrier, WordCarrier};
use crate::code::Codeword;
use crate::embed::Picture;
use crate::evidence::{ATTRIBUTION, FalseAlarm};
use crate::key::MarkKey;
use crate::layout::{FIELD, pixels_per_ref};
use crate::payload::Payload;
use crate::sync::{Area, Fit, LatticeMap, Trust};
use front::Gentle;
use look::{Look, Stage};
use tiles::Tiles;
use word::{OFFSETS, SoftBits, WEIGHTS, WordReading, codeword};

/// Reads words blindly: it knows keys, not originals.
pub struct Detector {
    lattice: LatticeCarrier,
    tiers: Vec<Tier>,
}

struct Tier {
    key: MarkKey,
    carrier: WordCarrier,
}

/// How far to look; each step tries all of the ones before it first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Whole frames of any size, and cuttings at a known scale; mirrored and turned by quarters.
    KnownScales,
    /// Besides, every scale, angle, mirror and mild shear, in the whole picture and in parts of it.
    Full,
    /// Besides, each part at its own scale: minutes of work for a large folder.
    Exhaustive,
}

impl Effort {
    fn stages(self) -> &'static [Stage] {
        const ALL: [Stage; 4] = [Stage::KnownScales, Stage::Whole, Stage::Windows, Stage::EachWindow];
        match self {
            Self::KnownScales => &ALL[..1],
            Self::Full => &ALL[..3],
            Self::Exhaustive => &ALL,
        }
    }

    /// Maps that may be passed on to the payload.
    fn maps(self) -> usize {
        self.stages().iter().map(|stage| stage.maps()).sum()
    }
}

/// What is known before looking.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Words that may be there: the closed set. Others are read too, but need more evidence.
    pub known: &'a [Payload],
    /// Found pixels for each ref px that frames of this project have had when stamped ([`pixels_per_ref`]).
    pub scales: &'a [f64],
    /// How far to look.
    pub effort: Effort,
}

/// One word read from a picture.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// The message.
    pub payload: Payload,
    /// Index of the key under which it was read.
    pub key: usize,
    /// Whether it is one of the words asked for.
    pub known: bool,
    /// Detection statistic: standard normal where there is no mark.
    pub z: f64,
    /// The bound, everything counted that was or could have been tried.
    pub false_alarm: FalseAlarm,
    /// How the picture lies on the lattice.
    pub geometry: Geometry,
}

/// How a found picture lies on the lattice, at its centre.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Geometry {
    /// Found pixels for each ref px.
    pub pixels_per_ref: f64,
    /// Angle by which the picture was turned clockwise after stamping, degrees in -180.0..=180.0.
    pub rotation_deg: f64,
    /// Whether it was mirrored (left and right exchanged, before turning).
    pub flipped: bool,
}

/// A bound at or above this is not worth reporting as a reading, log10.
const LEAST_LOG10: f64 = -3.0;
/// With more known words than this only the best places are asked for each of them.
const FEW_WORDS: usize = 32;
/// Those best places, over all keys.
const PLACES_KEPT: usize = 64;
/// Places that are decoded, over all keys: the right one is among them long before the decoder can read it.
const PLACES_DECODED: usize = 12;

impl Detector {
    /// A detector for the lattice of a project and the keys of its tiers.
    pub fn new(lattice: &MarkKey, tiers: &[MarkKey]) -> Self {
        let lattice = LatticeCarrier::new(lattice);
        let tier = |key: &MarkKey| Tier { key: key.clone(), carrier: WordCarrier::new(key, &lattice) };
        let tiers = tiers.iter().map(tier).collect();
        Self { lattice, tiers }
    }

    /// The words in `found`, strongest first; empty if there is none to be seen.
    pub fn read(&self, found: &Picture<'_>, question: &Question<'_>) -> Vec<Reading> {
        let readings = self.read_on_white(found, question);
        let Some(alpha) = found.alpha.filter(|_| !certain(&readings)) else { return readings };
        // A layer may have all of its drawing in alpha and its colours, with their mark, beneath.
        let layer = Gentle::of(&found.luma(), Some(alpha));
        surer(readings, self.read_gentle(&layer, question, &self.words(question)))
    }

    /// The words in `found` laid on white paper, as most copies leak; not in a layer's colours beneath its alpha.
    pub fn read_on_white(&self, found: &Picture<'_>, question: &Question<'_>) -> Vec<Reading> {
        let on_white = Gentle::of(&found.luma_on_white(), None);
        self.read_gentle(&on_white, question, &self.words(question))
    }

    fn words<'a>(&self, question: &Question<'a>) -> Words<'a> {
        let codewords =
            |tier: &Tier| question.known.iter().map(|&payload| codeword(payload, &tier.key)).collect();
        Words {
            known: question.known,
            codewords: self.tiers.iter().map(codewords).collect(),
            trials: self.trials(question.effort),
        }
    }

    /// Every detection statistic of one word in a picture taken as a whole frame at the lattice's origin: all keys,
    /// places of the sign field and weightings.
    ///
    /// In an unmarked picture they are standard normal, which is what every bound here rests on: for calibration.
    pub fn statistics(&self, found: &Picture<'_>, payload: Payload) -> Vec<f64> {
        let gentle = Gentle::of(&found.luma_on_white(), None);
        let scale = 1.0 / pixels_per_ref(found.size());
        let area = Area::whole(found.size());
        let map = LatticeMap::linear(&area, [[scale, 0.0], [0.0, scale]]);
        let fit = Fit { map, strength: 0.0, trust: Trust::even(area) };
        let Some(tiles) = self.tiers.first().and_then(|tier| Tiles::of(&gentle, &fit, &tier.carrier)) else {
            return Vec::new();
        };
        let of_tier = |tier: &Tier| {
            let codeword = codeword(payload, &tier.key);
            let places =
                field_places().map(|place| SoftBits::gather(&tiles, &tier.carrier, place).each_z(&codeword));
            places.flatten().collect::<Vec<f64>>()
        };
        self.tiers.iter().flat_map(of_tier).collect()
    }

    fn read_gentle(&self, gentle: &Gentle, question: &Question<'_>, words: &Words<'_>) -> Vec<Reading> {
        let Some(look) = Look::at(gentle, &self.lattice) else { return Vec::new() };
        // Only the middle of a long pan is searched; all of it is read where its scale is known.
        let middle = gentle.middle();
        let middle_look = middle.as_ref().and_then(|middle| Look::at(middle, &self.lattice));
        let mut best = Vec::new();
        for &stage in question.effort.stages() {
            let look =
                if stage == Stage::KnownScales { &look } else { middle_look.as_ref().unwrap_or(&look) };
            for fit in look.fits(stage, question.scales) {
                best = surer(best, self.read_map(look.gentle(), &fit, words));
                if certain(&best) {
                    return best;
                }
            }
        }
        best
    }

    /// The words that stand under one map: at most one to each key.
    fn read_map(&self, gentle: &Gentle, fit: &Fit, words: &Words<'_>) -> Vec<Reading> {
        let Some(tiles) = self.tiers.first().and_then(|tier| Tiles::of(gentle, fit, &tier.carrier)) else {
            return Vec::new();
        };
        let places = self.places(&tiles, words);
        let strongest = (0..self.tiers.len()).filter_map(|key| {
            let word = self.strongest(&places, key, words)?;
            self.judged(word, key, fit, words)
        });
        let mut readings: Vec<Reading> = strongest.collect();
        readings.sort_by(|a, b| b.z.total_cmp(&a.z));
        readings
    }

    /// Every place of the sign field under every key, those in front whose harmonics agree best.
    fn places(&self, tiles: &Tiles, words: &Words<'_>) -> Vec<Place> {
        let place = |key: usize, offset| {
            let soft = SoftBits::gather(tiles, &self.tiers[key].carrier, offset);
            Place { key, agreement: soft.agreement(), soft }
        };
        let mut places: Vec<Place> = field_places()
            .flat_map(|at| (0..self.tiers.len()).map(move |key| (key, at)))
            .map(|(k, at)| place(k, at))
            .collect();
        // A stable sort: equal places keep their order on every machine.
        places.sort_by(|a, b| b.agreement.total_cmp(&a.agreement));
        if words.known.len() > FEW_WORDS {
            places.truncate(PLACES_KEPT);
        }
        places
    }

    /// The strongest word under one key, known or decoded.
    ///
    /// A known word that only resembles the one that is there never wins: where the true word is strong enough for
    /// that, the decoder finds it, its keyed check fits, and it is stronger.
    fn strongest(&self, places: &[Place], key: usize, words: &Words<'_>) -> Option<WordReading> {
        let tier = &self.tiers[key];
        let known = places.iter().filter(|place| place.key == key).flat_map(|place| {
            words
                .known
                .iter()
                .zip(&words.codewords[key])
                .map(|(&payload, codeword)| WordReading { payload, z: place.soft.best_z(codeword) })
        });
        let front = places.iter().take(PLACES_DECODED).filter(|place| place.key == key);
        let decoded = front.flat_map(|place| place.soft.decoded(&tier.key));
        decoded.chain(known).max_by(|a, b| a.z.total_cmp(&b.z))
    }

    /// The reading with its bound, if it is worth one.
    fn judged(&self, word: WordReading, key: usize, fit: &Fit, words: &Words<'_>) -> Option<Reading> {
        let known = words.known.contains(&word.payload);
        // Any of 2^64 messages might have been decoded; a known one had to be one of few.
        let count = if known { words.known.len() as f64 } else { libm::exp2(64.0) };
        let false_alarm = FalseAlarm::of_one(word.z).over(count * words.trials);
        (false_alarm.log10() <= LEAST_LOG10).then(|| Reading {
            payload: word.payload,
            key,
            known,
            z: word.z,
            false_alarm,
            geometry: Geometry::of(&fit.map),
        })
    }

    /// Readings of one codeword that a picture could be given: maps passed on, on white and as a layer, offsets,
    /// weightings, keys. Counted whole, whether the search went that far or not.
    fn trials(&self, effort: Effort) -> f64 {
        (2 * effort.maps() * OFFSETS * WEIGHTS.len() * self.tiers.len()) as f64
    }
}

/// log10 of the surest reading's bound; 0.0 without any.
fn least_log10(readings: &[Reading]) -> f64 {
    readings.iter().map(|reading| reading.false_alarm.log10()).fold(0.0, f64::min)
}

/// Whether the search may end. A weak reading must not end it: a better map may stand further on.
fn certain(readings: &[Reading]) -> bool {
    least_log10(readings) <= ATTRIBUTION
}

/// The surer of two sets of readings, the first where they are alike.
fn surer(first: Vec<Reading>, second: Vec<Reading>) -> Vec<Reading> {
    if least_log10(&second) < least_log10(&first) { second } else { first }
}

/// The places that a lattice can have in the sign field.
fn field_places() -> impl Iterator<Item = [i64; 2]> {
    (0..OFFSETS).map(|i| [(i % FIELD) as i64, (i / FIELD) as i64])
}

/// The words asked for, with their codewords under each key.
struct Words<'a> {
    known: &'a [Payload],
    codewords: Vec<Vec<Codeword>>,
    /// Readings of one of them that a picture could be given.
    trials: f64,
}

/// One key at one place of the sign field.
struct Place {
    key: usize,
    agreement: f32,
    soft: SoftBits,
}

impl Geometry {
    fn of(map: &LatticeMap) -> Self {
        let [[a, b], [c, d]] = map.matrix();
        let det = a * d - b * c;
        let flipped = det < 0.0;
        // The map leads from found to stamped: found = scale * Rotation(angle) * (mirror) * stamped.
        let sign = if flipped { -1.0 } else { 1.0 };
        let angle = libm::atan2(sign * b - c, sign * a + d);
        Self {
            pixels_per_ref: 1.0 / det.abs().sqrt().max(f64::MIN_POSITIVE),
            rotation_deg: libm::round(angle.to_degrees() * 100.0) / 100.0 + 0.0,
            flipped,
        }
    }
}

#[cfg(test)]
mod tests;
