//! From one map to the words that stand under it.

use std::borrow::Cow;

use super::front::Gentle;
use super::reading::{Geometry, Patch, Reading, Surface};
use super::tiles::Tiles;
use super::word::{OFFSETS, SoftBits, WEIGHTS, WordReading};
use super::{Detector, Question, codeword};
use crate::code::Codeword;
use crate::evidence::FalseAlarm;
use crate::layout::FIELD;
use crate::payload::Payload;
use crate::sync::Fit;

/// A bound at or above this is not worth reporting as a reading, log10.
const LEAST_LOG10: f64 = -3.0;
/// With more known words than this only the best places are asked for each of them.
const FEW_WORDS: usize = 32;
/// Those best places, over all keys.
const PLACES_KEPT: usize = 64;
/// Places that are decoded, over all keys: the right one is among them long before the decoder can read it.
const PLACES_DECODED: usize = 12;
/// With fewer tiles than this the ranking of places tells little, and the signs have few patterns: all are decoded.
const FEW_TILES: usize = 4;

/// The words asked for, with their codewords under each key.
pub(super) struct Words<'a> {
    known: &'a [Payload],
    codewords: Cow<'a, [Vec<Codeword>]>,
    /// Words that a register holds in all.
    listed: usize,
    /// Readings of one of them under one map.
    trials: f64,
}

impl Words<'_> {
    /// The known word that stands best in soft bits under one key.
    fn best(&self, soft: &SoftBits, key: usize) -> Option<WordReading> {
        let words = self.known.iter().zip(&self.codewords[key]);
        words.map(|(&payload, codeword)| soft.best(payload, codeword)).max_by(|a, b| a.z.total_cmp(&b.z))
    }

    /// Any of 2^64 messages might have been decoded; a known or listed one had to be one of few. `maps` are counted whole,
    /// whether the search went that far or not. The second bound holds if a register turns out to hold the word.
    fn bounds(&self, z: f64, known: bool, maps: f64) -> (FalseAlarm, FalseAlarm) {
        let over = |words: f64| FalseAlarm::of_one(z).over(words * self.trials * maps);
        let listed = over(self.listed as f64);
        (if known { listed } else { over(libm::exp2(64.0)) }, listed)
    }
}

/// One key at one place of the sign field.
struct Place {
    key: usize,
    at: [i64; 2],
    agreement: f32,
    /// The best of the known words, where each place is asked for all of them.
    known: Option<WordReading>,
}

/// The places that a lattice can have in the sign field.
pub(super) fn field_places() -> impl Iterator<Item = [i64; 2]> {
    (0..OFFSETS).map(|i| [(i % FIELD) as i64, (i / FIELD) as i64])
}

impl Detector {
    /// The words that are asked for.
    pub(super) fn words<'a>(&'a self, question: &Question<'a>) -> Words<'a> {
        let known = question.known;
        let codewords = match &self.asked {
            Some((asked, codewords)) if asked == known => Cow::Borrowed(&codewords[..]),
            _ => Cow::Owned(self.codewords(known)),
        };
        Words {
            known,
            listed: question.listed.max(known.len()).max(1),
            codewords,
            trials: (OFFSETS * WEIGHTS.len() * self.tiers.len()) as f64,
        }
    }

    /// The codewords of these words under each key.
    pub(super) fn codewords(&self, known: &[Payload]) -> Vec<Vec<Codeword>> {
        let under = |tier: &super::Tier| known.iter().map(|&word| codeword(word, &tier.key)).collect();
        self.tiers.iter().map(under).collect()
    }

    /// The words that stand under one map, which counts as `maps`, strongest first: at most one to each key.
    pub(super) fn read_map(&self, gentle: &Gentle, fit: &Fit, words: &Words<'_>, maps: f64) -> Vec<Reading> {
        let Some(tiles) = self.tiers.first().and_then(|tier| Tiles::of(gentle, fit, &tier.carrier)) else {
            return Vec::new();
        };
        self.read_tiles(&tiles, fit, words, maps)
    }

    /// The words that stand in tiles, strongest first: at most one to each key.
    pub(super) fn read_tiles(&self, tiles: &Tiles, fit: &Fit, words: &Words<'_>, maps: f64) -> Vec<Reading> {
        let places = self.places(tiles, words);
        let decoded = if tiles.places.len() < FEW_TILES { places.len() } else { PLACES_DECODED };
        let strongest = (0..self.tiers.len()).filter_map(|key| {
            let (word, at) = self.strongest(tiles, &places, decoded, key, words)?;
            let reading = self.judged(word, key, fit, words, maps)?;
            let patches = self.patches(tiles, fit, &reading, at);
            Some(Reading { patches, ..reading })
        });
        let mut readings: Vec<Reading> = strongest.collect();
        readings.sort_by(|a, b| b.z.total_cmp(&a.z));
        readings
    }

    /// Every place of the sign field under every key, those in front whose harmonics agree best; of places that give all
    /// tiles the same signs only the first.
    fn places(&self, tiles: &Tiles, words: &Words<'_>) -> Vec<Place> {
        let mut places = Vec::new();
        let few = words.known.len() <= FEW_WORDS;
        for key in 0..self.tiers.len() {
            let carrier = &self.tiers[key].carrier;
            let mut seen: Vec<Vec<f32>> = Vec::new();
            for at in field_places() {
                let signs = tiles.signs(&carrier.field, at);
                if seen.contains(&signs) {
                    continue;
                }
                let soft = SoftBits::gather(tiles, carrier, &signs);
                let known = if few { words.best(&soft, key) } else { None };
                places.push(Place { key, at, agreement: soft.agreement(), known });
                seen.push(signs);
            }
        }
        // A stable sort: equal places keep their order on every machine.
        places.sort_by(|a, b| b.agreement.total_cmp(&a.agreement));
        places
    }

    /// The strongest word under one key, known or decoded, and the place where it stands.
    ///
    /// A known word that only resembles the one that is there never wins: where the true word is strong enough for
    /// that, the decoder finds it, its keyed check fits, and it is stronger.
    fn strongest(
        &self,
        tiles: &Tiles,
        places: &[Place],
        decoded: usize,
        key: usize,
        words: &Words<'_>,
    ) -> Option<(WordReading, [i64; 2])> {
        let tier = &self.tiers[key];
        // Gathered again: to keep all of them would be ten times the picture.
        let front = |count: usize| {
            places.iter().take(count).filter(|place| place.key == key).map(|place| {
                let signs = tiles.signs(&tier.carrier.field, place.at);
                (SoftBits::gather(tiles, &tier.carrier, &signs), place.at)
            })
        };
        let decoded = front(decoded).flat_map(|(soft, at)| {
            let words: Vec<WordReading> = soft.decoded(&tier.key).collect();
            words.into_iter().map(move |word| (word, at))
        });
        let known = places.iter().filter(|place| place.key == key);
        let known = known.filter_map(|place| Some((place.known?, place.at)));
        let many = if words.known.len() > FEW_WORDS { PLACES_KEPT } else { 0 };
        let asked = front(many).filter_map(|(soft, at)| Some((words.best(&soft, key)?, at)));
        decoded.chain(known).chain(asked).max_by(|a, b| a.0.z.total_cmp(&b.0.z))
    }

    /// The reading with its bound, if it is worth one.
    fn judged(
        &self,
        word: WordReading,
        key: usize,
        fit: &Fit,
        words: &Words<'_>,
        maps: f64,
    ) -> Option<Reading> {
        let known = words.known.contains(&word.payload);
        let (false_alarm, if_listed) = words.bounds(word.z, known, maps);
        (if_listed.log10() <= LEAST_LOG10).then(|| Reading {
            payload: word.payload,
            key,
            known,
            z: word.z,
            false_alarm,
            if_listed,
            geometry: Geometry::of(fit),
            patches: Vec::new(),
            fit: fit.clone(),
            surface: Surface::OnWhite,
        })
    }

    /// A reading with its bound counted anew, over `maps`.
    pub(super) fn recounted(reading: Reading, words: &Words<'_>, maps: f64) -> Reading {
        let (false_alarm, if_listed) = words.bounds(reading.z, reading.known, maps);
        Reading { false_alarm, if_listed, ..reading }
    }

    /// What each tile says of a word by itself.
    fn patches(&self, tiles: &Tiles, fit: &Fit, reading: &Reading, at: [i64; 2]) -> Vec<Patch> {
        let tier = &self.tiers[reading.key];
        let codeword = codeword(reading.payload, &tier.key);
        let signs = tiles.signs(&tier.carrier.field, at);
        let each = (0..tiles.places.len()).filter_map(|i| {
            let alone: Vec<f32> =
                signs.iter().enumerate().map(|(n, sign)| if n == i { *sign } else { 0.0 }).collect();
            let z = SoftBits::gather(tiles, &tier.carrier, &alone).best(reading.payload, &codeword).z;
            let (centre, side) = tiles.found(i, &fit.map)?;
            Some(Patch { centre, side, z: z as f32 })
        });
        each.collect()
    }
}
