//! Found picture to words, without the original.

mod front;
mod tiles;
mod word;

use tiermark_signal::resample::block_mean;
use tiermark_signal::{Plane, Size};

use crate::carrier::{LatticeCarrier, WordCarrier};
use crate::code::Codeword;
use crate::embed::Picture;
use crate::evidence::FalseAlarm;
use crate::key::MarkKey;
use crate::layout::{FIELD, pixels_per_ref};
use crate::payload::Payload;
use crate::sync::{
    Fit, LatticeMap, LineSpectrum, Linear, PhaseFitter, normalised, refined, scored, similarities,
};
use front::Gentle;
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

/// How far to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Whole frames of any size, and cuttings at a known scale; mirrored and turned by quarters.
    KnownScales,
    /// Besides, every scale, angle and mirror.
    Similarities,
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
/// Maps passed on to the payload from each stage: the first two, then three. Only these are trials of the payload.
const MAPS: [usize; 2] = [2, 3];
/// Lattice strength below which no known scale is believed; noise alone reaches 7.7 in 220 whole searches.
const LEAST_STRENGTH: f64 = 5.5;
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
        let size = found.size();
        let codewords =
            |tier: &Tier| question.known.iter().map(|&payload| codeword(payload, &tier.key)).collect();
        let words = Words { known: question.known, codewords: self.tiers.iter().map(codewords).collect() };
        let on_white = Gentle::of(&found.luma_on_white(), None);
        let mut readings = self.read_gentle(&on_white, size, question, &words);
        if let (true, Some(alpha)) = (readings.is_empty(), found.alpha) {
            // A layer may have all of its drawing in alpha and its colours, with their mark, beneath.
            let layer = Gentle::of(&found.luma(), Some(alpha));
            readings = self.read_gentle(&layer, found.size(), question, &self.words(question));
        }
        readings
    }

    /// The words in `found` laid on white paper, as most copies leak; not in a layer's colours beneath its alpha.
    pub fn read_on_white(&self, found: &Picture<'_>, question: &Question<'_>) -> Vec<Reading> {
        let on_white = Gentle::of(&found.luma_on_white(), None);
        self.read_gentle(&on_white, found.size(), question, &self.words(question))
    }

    fn words<'a>(&self, question: &Question<'a>) -> Words<'a> {
        let codewords =
            |tier: &Tier| question.known.iter().map(|&payload| codeword(payload, &tier.key)).collect();
        Words { known: question.known, codewords: self.tiers.iter().map(codewords).collect() }
    }

    /// Every detection statistic of one word in a picture taken as a whole frame at the lattice's origin: all keys,
    /// places of the sign field and weightings.
    ///
    /// In an unmarked picture they are standard normal, which is what every bound here rests on: for calibration.
    pub fn statistics(&self, found: &Picture<'_>, payload: Payload) -> Vec<f64> {
        let gentle = Gentle::of(&found.luma_on_white(), None);
        let scale = 1.0 / pixels_per_ref(found.size());
        let map = LatticeMap::linear(found.size(), [[scale, 0.0], [0.0, scale]]);
        let Some(tiles) = self.tiers.first().and_then(|tier| Tiles::of(&gentle, &map, &tier.carrier)) else {
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

    fn read_gentle(
        &self,
        gentle: &Gentle,
        size: Size,
        question: &Question<'_>,
        words: &Words<'_>,
    ) -> Vec<Reading> {
        let Some(look) = Look::at(gentle, size, &self.lattice) else { return Vec::new() };
        let known = look.known_scales(question.scales);
        let readings = self.read_maps(gentle, known, words);
        if !readings.is_empty() || question.effort == Effort::KnownScales {
            return readings;
        }
        self.read_maps(gentle, look.similarities(), words)
    }

    fn read_maps(&self, gentle: &Gentle, fits: Vec<Fit>, words: &Words<'_>) -> Vec<Reading> {
        for fit in fits {
            let readings = self.read_map(gentle, &fit.map, words);
            if !readings.is_empty() {
                return readings;
            }
        }
        Vec::new()
    }

    /// The words that stand under one map: at most one to each key.
    fn read_map(&self, gentle: &Gentle, map: &LatticeMap, words: &Words<'_>) -> Vec<Reading> {
        let Some(tiles) = self.tiers.first().and_then(|tier| Tiles::of(gentle, map, &tier.carrier)) else {
            return Vec::new();
        };
        let places = self.places(&tiles, words);
        let strongest = (0..self.tiers.len()).filter_map(|key| {
            let word = self.strongest(&places, key, words)?;
            self.judged(word, key, map, words)
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
    fn judged(&self, word: WordReading, key: usize, map: &LatticeMap, words: &Words<'_>) -> Option<Reading> {
        let known = words.known.contains(&word.payload);
        // Any of 2^64 messages might have been decoded; a known one had to be one of few.
        let count = if known { words.known.len() as f64 } else { libm::exp2(64.0) };
        let false_alarm = FalseAlarm::of_one(word.z).over(count * self.trials());
        (false_alarm.log10() <= LEAST_LOG10).then(|| Reading {
            payload: word.payload,
            key,
            known,
            z: word.z,
            false_alarm,
            geometry: Geometry::of(map),
        })
    }

    /// Readings of one codeword that a picture could be given: maps passed on, on white and as a layer, offsets,
    /// weightings, keys. Counted whole, whether the search went that far or not.
    fn trials(&self) -> f64 {
        let maps = 2 * MAPS.iter().sum::<usize>();
        (maps * OFFSETS * WEIGHTS.len() * self.tiers.len()) as f64
    }
}

/// The places that a lattice can have in the sign field.
fn field_places() -> impl Iterator<Item = [i64; 2]> {
    (0..OFFSETS).map(|i| [(i % FIELD) as i64, (i / FIELD) as i64])
}

/// The words asked for, with their codewords under each key.
struct Words<'a> {
    known: &'a [Payload],
    codewords: Vec<Vec<Codeword>>,
}

/// One key at one place of the sign field.
struct Place {
    key: usize,
    agreement: f32,
    soft: SoftBits,
}

/// A found picture prepared for the search of its lattice.
struct Look<'a> {
    plane: Plane,
    spectrum: LineSpectrum,
    /// Found pixels for each sample of the plane.
    factor: f64,
    found: Size,
    lattice: &'a LatticeCarrier,
}

/// Longest side of the plane that is searched: the lattice's lines are slower than the payload.
const SEARCH_SIDE: usize = 640;
/// A picture narrower than this holds no lattice.
const LEAST_SIDE: usize = 24;

impl<'a> Look<'a> {
    fn at(gentle: &Gentle, found: Size, lattice: &'a LatticeCarrier) -> Option<Self> {
        if gentle.plane.size().short_side() < LEAST_SIDE {
            return None;
        }
        let size = gentle.plane.size();
        let shrink = size.long_side().div_ceil(SEARCH_SIDE).min(size.short_side() / 240).max(1);
        let plane = normalised(&block_mean(&gentle.plane, shrink));
        let spectrum = LineSpectrum::of(&plane);
        Some(Self { plane, spectrum, factor: (gentle.factor * shrink) as f64, found, lattice })
    }

    fn fitter(&self) -> PhaseFitter<'_> {
        PhaseFitter::new(&self.plane, self.factor, self.found, self.lattice.lines())
    }

    /// Fits at the scale of a whole frame and at the stamped scales, mirrored or not, turned by a quarter or not.
    fn known_scales(&self, scales: &[f64]) -> Vec<Fit> {
        // A whole frame, made smaller or not; the second differs below 360 lines only.
        let mut all = vec![self.found.short_side() as f64 / 720.0];
        for &scale in [pixels_per_ref(self.found)].iter().chain(scales) {
            if all.iter().all(|known| (known / scale - 1.0).abs() > 1e-3) {
                all.push(scale);
            }
        }
        let mut maps: Vec<Linear> = all
            .iter()
            .flat_map(|scale| quarter_turns(self.factor / scale))
            .map(|matrix| scored(&self.spectrum, self.lattice.lines(), matrix))
            .collect();
        maps.sort_by(|a, b| b.score.total_cmp(&a.score));
        maps.truncate(4);
        let mut fits = self.fitted(&maps, MAPS[0]);
        fits.retain(|fit| fit.strength >= LEAST_STRENGTH);
        fits
    }

    /// Fits at the best maps of the whole search.
    fn similarities(&self) -> Vec<Fit> {
        let lines = self.lattice.lines();
        let side = self.plane.size().long_side();
        let coarse = similarities(&self.spectrum, lines, side, 12);
        let mut fine: Vec<Linear> =
            coarse.into_iter().map(|map| refined(&self.spectrum, lines, map, side)).collect();
        fine.sort_by(|a, b| b.score.total_cmp(&a.score));
        fine.truncate(6);
        self.fitted(&fine, MAPS[1])
    }

    fn fitted(&self, maps: &[Linear], keep: usize) -> Vec<Fit> {
        let fitter = self.fitter();
        let per_found = |map: &Linear| map.matrix.map(|row| row.map(|v| v / self.factor));
        let mut fits: Vec<Fit> = maps.iter().map(|map| fitter.fit(per_found(map))).collect();
        fits.sort_by(|a, b| b.strength.total_cmp(&a.strength));
        fits.truncate(keep);
        fits
    }
}

/// The four maps of one scale that lay pixels on pixels, half turns apart.
fn quarter_turns(ref_per_sample: f64) -> [[[f64; 2]; 2]; 4] {
    let r = ref_per_sample;
    [[[r, 0.0], [0.0, r]], [[-r, 0.0], [0.0, r]], [[0.0, r], [-r, 0.0]], [[0.0, r], [r, 0.0]]]
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
mod tests {
    use super::*;
    use crate::embed::{Embedder, Strength};
    use crate::payload::ContentId;

    const PAYLOAD: Payload = Payload([0x1d, 0xc9, 0xfb, 0xb9, 0xc9, 0xc1, 0x13, 0xd2]);
    const OTHER: Payload = Payload([0x65, 0xd3, 0xa3, 0x92, 0x3c, 0xc3, 0x18, 0x2d]);

    fn key(byte: u8) -> MarkKey {
        MarkKey::new([byte; 32])
    }

    /// Flat colours with outlines and a soft gradient, as a cel over a background.
    fn cel(size: Size) -> Plane {
        let scale = size.short_side() as f32 / 540.0;
        Plane::from_fn(size, |x, y| {
            let (x, y) = (x as f32 / scale, y as f32 / scale);
            let disc = libm::hypotf(x - 420.0, y - 260.0);
            let stripe = ((x + 0.5 * y) as usize / 90).is_multiple_of(2);
            match disc {
                d if d < 150.0 => 225.0,
                d if d < 154.0 => 20.0,
                _ if stripe => 90.0 + y / 30.0,
                _ => 255.0,
            }
        })
    }

    fn marked(size: Size, payload: Payload) -> Plane {
        let host = [cel(size)];
        let picture = Picture { colours: &host, alpha: None, premultiplied: false };
        let embedder = Embedder::new(&key(1), &key(3), payload, Strength::STANDARD);
        embedder.embed(&picture, &ContentId([9; 32]))[0].clone().map(f32::round)
    }

    fn read(found: Plane, lattice: u8, tiers: &[u8], known: &[Payload], effort: Effort) -> Vec<Reading> {
        let tiers: Vec<MarkKey> = tiers.iter().map(|&t| key(t)).collect();
        let colours = [found];
        let picture = Picture { colours: &colours, alpha: None, premultiplied: false };
        Detector::new(&key(lattice), &tiers).read(&picture, &Question { known, scales: &[0.75], effort })
    }

    const SIZE: Size = Size { width: 960, height: 540 };

    #[test]
    fn nothing_is_read_without_mark_under_wrong_keys_and_of_other_words() {
        assert!(read(cel(SIZE), 1, &[2, 3], &[PAYLOAD], Effort::Similarities).is_empty(), "no mark");
        let found = marked(SIZE, PAYLOAD);
        assert!(
            read(found.clone(), 7, &[2, 3], &[PAYLOAD], Effort::KnownScales).is_empty(),
            "another lattice"
        );
        assert!(read(found.clone(), 1, &[2, 4], &[PAYLOAD], Effort::Similarities).is_empty(), "another tier");
        let readings = read(found, 1, &[3], &[OTHER], Effort::KnownScales);
        assert!(readings.iter().all(|r| r.payload == PAYLOAD && !r.known), "an unknown word is no known one");
    }

    #[test]
    fn the_word_is_read_however_the_picture_is_turned() {
        let found = marked(SIZE, PAYLOAD);
        let mirrored = Plane::from_fn(SIZE, |x, y| found.at(SIZE.width - 1 - x, y));
        let half_turn = Plane::from_fn(SIZE, |x, y| found.at(SIZE.width - 1 - x, SIZE.height - 1 - y));
        // Turned clockwise, the upper left corner comes to the upper right.
        let turned =
            Plane::from_fn(Size { width: 540, height: 960 }, |x, y| found.at(y, SIZE.height - 1 - x));
        for (name, found, degrees, flipped) in [
            ("mirrored", mirrored, 0.0, true),
            ("half turn", half_turn, 180.0, false),
            ("quarter turn", turned, 90.0, false),
            ("as it was", found, 0.0, false),
        ] {
            let readings = read(found, 1, &[2, 3], &[OTHER, PAYLOAD], Effort::KnownScales);
            assert_eq!(readings.len(), 1, "{name}");
            let reading = readings[0];
            assert_eq!((reading.payload, reading.key, reading.known), (PAYLOAD, 1, true), "{name}");
            assert!(reading.false_alarm.log10() < -50.0, "{name}: {}", reading.false_alarm.log10());
            let geometry = reading.geometry;
            assert!((geometry.pixels_per_ref / 0.75 - 1.0).abs() < 2e-3, "{name}: {geometry:?}");
            let apart = (geometry.rotation_deg - degrees).rem_euclid(360.0);
            assert!(apart.min(360.0 - apart) < 0.1, "{name}: {geometry:?}");
            assert_eq!(geometry.flipped, flipped, "{name}");
        }
    }

    #[test]
    fn a_cutting_at_an_unknown_scale_is_found_by_the_whole_search() {
        let found = marked(Size { width: 1440, height: 810 }, PAYLOAD);
        let shrunk = Plane::from_fn(Size { width: 800, height: 520 }, |x, y| {
            tiermark_signal::resample::cubic(&found, 77.0 + x as f32 / 0.7, 31.0 + y as f32 / 0.7)
        });
        let readings = read(shrunk, 1, &[3], &[PAYLOAD], Effort::Similarities);
        assert!(
            readings.first().is_some_and(|r| r.payload == PAYLOAD && r.false_alarm.log10() < -30.0),
            "{readings:?}"
        );
    }

    #[test]
    fn a_word_that_nobody_asked_for_is_read_with_its_own_bound() {
        let found = marked(SIZE, PAYLOAD);
        let asked = read(found.clone(), 1, &[3], &[PAYLOAD], Effort::KnownScales)[0];
        let unasked = read(found, 1, &[3], &[], Effort::KnownScales)[0];
        assert_eq!((unasked.payload, unasked.known), (PAYLOAD, false));
        // 2^64 words instead of one: 64 log10(2) = 19.3.
        assert!((unasked.false_alarm.log10() - asked.false_alarm.log10() - 19.27).abs() < 0.5);
    }

    #[test]
    fn small_and_empty_pictures_are_looked_at_without_harm() {
        for (width, height) in [(1, 1), (3, 900), (25, 25), (64, 40)] {
            for value in [0.0, 255.0] {
                let plane = Plane::filled(Size { width, height }, value);
                assert!(
                    read(plane, 1, &[3], &[PAYLOAD], Effort::Similarities).is_empty(),
                    "{width}x{height}"
                );
            }
        }
    }

    #[test]
    fn statistics_of_an_unmarked_picture_are_standard_normal() {
        let colours = [cel(SIZE)];
        let picture = Picture { colours: &colours, alpha: None, premultiplied: false };
        let tiers: Vec<MarkKey> = (10..30).map(key).collect();
        let z = Detector::new(&key(1), &tiers).statistics(&picture, PAYLOAD);
        assert_eq!(z.len(), 20 * OFFSETS * WEIGHTS.len());
        let mean = z.iter().sum::<f64>() / z.len() as f64;
        let variance = z.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / z.len() as f64;
        // 20 keys of which each gives about 64 independent values: deviation of the mean 1/36, of the variance 1/25.
        assert!(mean.abs() < 5.0 / 36.0, "{mean}");
        assert!((variance - 1.0).abs() < 5.0 / 25.0, "{variance}");
    }
}
