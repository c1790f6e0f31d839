//! What the statistics of words do where nobody wrote any.

use tiermark_signal::{Wide, widest};

use super::front::Gentle;
use super::look::Look;
use super::places::field_places;
use super::tiles::Tiles;
use super::word::{SoftBits, codeword};
use super::{Detector, Question, Tier};
use crate::code::Codeword;
use crate::embed::Picture;
use crate::key::MarkKey;
use crate::payload::Payload;
use crate::sync::{Area, Fit, LatticeMap, Trust};

/// Steps of the counts to a unit of z.
const PER_UNIT: f64 = 8.0;
/// The counts end here; what lies beyond is counted in the last one.
const CEILING: usize = 16;

/// How many statistics lie beyond each threshold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    counts: [u64; CEILING * PER_UNIT as usize],
    total: u64,
}

impl Default for Tail {
    fn default() -> Self {
        Self { counts: [0; CEILING * PER_UNIT as usize], total: 0 }
    }
}

impl Tail {
    /// Statistics that were counted.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Statistics of at least `t`, a whole number of eighths below 16.
    pub fn beyond(&self, t: f64) -> u64 {
        self.counts[((t * PER_UNIT) as usize).min(self.counts.len() - 1)..].iter().sum()
    }

    /// Add the counts of another.
    pub fn add(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(count, more)| *count += more);
        self.total += other.total;
    }

    fn count(&mut self, z: f64) {
        self.total += 1;
        if z >= 0.0 {
            self.counts[((z * PER_UNIT) as usize).min(CEILING * PER_UNIT as usize - 1)] += 1;
        }
    }
}

impl Detector {
    /// The statistics of `words` words drawn from `seed` in a picture that bears none, under the map that the search thinks
    /// best: all keys, places of the sign field and weightings.
    pub fn null(&self, found: &Picture<'_>, question: &Question<'_>, seed: &MarkKey, words: usize) -> Tail {
        let gentle = Gentle::on(found, None);
        let best = Look::at(&gentle, &self.lattice).and_then(|look| look.strongest(question.frames));
        let fit = best.unwrap_or_else(|| whole_frame(&gentle));
        let mut tail = Tail::default();
        let Some(tiles) = self.tiers.first().and_then(|tier| Tiles::of(&gentle, &fit, &tier.carrier)) else {
            return tail;
        };
        for tier in &self.tiers {
            let codewords: Vec<Codeword> = (0..words).map(|n| drawn(seed, tier, n)).collect();
            for place in field_places() {
                let signs = tiles.signs(&tier.carrier.field, place);
                let soft = SoftBits::gather(&tiles, &tier.carrier, &signs);
                widest(Count { soft: &soft, codewords: &codewords, tail: &mut tail });
            }
        }
        tail
    }

    /// Every detection statistic of one word in a picture taken as a whole frame at the lattice's origin: all keys,
    /// places of the sign field and weightings.
    ///
    /// In an unmarked picture they are standard normal, which is what every bound here rests on: for calibration.
    pub fn statistics(&self, found: &Picture<'_>, payload: Payload) -> Vec<f64> {
        let gentle = Gentle::on(found, None);
        let fit = whole_frame(&gentle);
        let Some(tiles) = self.tiers.first().and_then(|tier| Tiles::of(&gentle, &fit, &tier.carrier)) else {
            return Vec::new();
        };
        let of_tier = |tier: &Tier| {
            let codeword = codeword(payload, &tier.key);
            let places = field_places().map(|place| {
                let signs = tiles.signs(&tier.carrier.field, place);
                SoftBits::gather(&tiles, &tier.carrier, &signs).each_z(&codeword)
            });
            places.flatten().collect::<Vec<f64>>()
        };
        self.tiers.iter().flat_map(of_tier).collect()
    }
}

/// A word that nobody was given, as a codeword of one key.
fn drawn(seed: &MarkKey, tier: &Tier, n: usize) -> Codeword {
    let bytes = seed.derive("null word", &(n as u64).to_be_bytes());
    codeword(Payload(std::array::from_fn(|i| bytes[i])), &tier.key)
}

/// The map of a frame that was stamped as it is.
fn whole_frame(gentle: &Gentle) -> Fit {
    let area = Area::whole(gentle.found_size());
    let scale = 720.0 / gentle.found_size().short_side() as f64;
    let map = LatticeMap::linear(&area, [[scale, 0.0], [0.0, scale]]);
    Fit { map, strength: 0.0, trust: Trust::even(area), sign: 1.0 }
}

struct Count<'a> {
    soft: &'a SoftBits,
    codewords: &'a [Codeword],
    tail: &'a mut Tail,
}

impl Wide for Count<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for codeword in self.codewords {
            self.soft.each_z(codeword).into_iter().for_each(|z| self.tail.count(z));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::Effort;
    use tiermark_signal::{Plane, Size};

    #[test]
    fn all_statistics_of_a_picture_are_counted_and_look_normal() {
        let size = Size { width: 640, height: 480 };
        let grain = Plane::from_fn(size, |x, y| 100.0 + ((x * 7919 + y * 104_729 + x * y * 31) % 61) as f32);
        let planes = [grain];
        let found = Picture { colours: &planes, alpha: None, premultiplied: false };
        let key = |byte: u8| MarkKey::new([byte; 32]);
        let tiers: Vec<MarkKey> = (2..10).map(key).collect();
        let question = Question { listed: 0, known: &[], frames: &[], contents: &[], effort: Effort::Full };
        let tail = Detector::new(&key(1), &tiers).null(&found, &question, &key(9), 50);
        assert_eq!(tail.total(), 8 * 64 * 4 * 50);
        let share = |t: f64| tail.beyond(t) as f64 / tail.total() as f64;
        assert!((share(0.0) - 0.5).abs() < 0.05, "{}", share(0.0));
        assert!((0.005..0.05).contains(&share(2.0)), "{}", share(2.0));
        assert_eq!(tail.beyond(12.0), 0);
        let mut twice = tail.clone();
        twice.add(&tail);
        assert_eq!((twice.total(), twice.beyond(1.0)), (2 * tail.total(), 2 * tail.beyond(1.0)));
    }
}
