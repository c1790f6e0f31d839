//! What keys that were never used would say of the very file.

use super::front::Gentle;
use super::places::field_places;
use super::reading::{Reading, Surface};
use super::tiles::Tiles;
use super::word::{SoftBits, codeword};
use super::{Detector, Tier};
use crate::carrier::WordCarrier;
use crate::embed::Picture;
use crate::key::MarkKey;

/// A reading beside those of keys that nobody marked anything with, under the same map.
///
/// The bound rests on a theorem; this rests on counting, and needs no theory to be understood: of so many keys drawn at
/// random none came near. It cannot prove more than one in their number.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoys {
    /// The statistic of the key in question, the best over the places of the sign field and the weightings.
    pub real: f64,
    /// The same of each decoy, in the order they were drawn.
    pub decoys: Vec<f64>,
}

impl Decoys {
    /// Place of the real key among all, 1 for the strongest.
    pub fn rank(&self) -> usize {
        1 + self.decoys.iter().filter(|z| **z >= self.real).count()
    }

    /// The strongest decoy; `None` without any.
    pub fn strongest(&self) -> Option<f64> {
        self.decoys.iter().copied().max_by(f64::total_cmp)
    }
}

impl Detector {
    /// Read `found` under the map of `reading` with `count` keys drawn from `seed`, each for its own codeword of the same
    /// message.
    ///
    /// All of them see the same tiles, the same places and the same weightings as the real key.
    pub fn decoys(&self, found: &Picture<'_>, reading: &Reading, seed: &MarkKey, count: usize) -> Decoys {
        let real = &self.tiers[reading.key];
        let gentle = self.gentle_of(found, reading);
        let Some(tiles) = Tiles::of(&gentle, &reading.fit, &real.carrier) else {
            return Decoys { real: 0.0, decoys: Vec::new() };
        };
        let statistic = |tier: &Tier| {
            let codeword = codeword(reading.payload, &tier.key);
            let at = |place| {
                let signs = tiles.signs(&tier.carrier.field, place);
                SoftBits::gather(&tiles, &tier.carrier, &signs).best(reading.payload, &codeword).z
            };
            field_places().map(at).fold(f64::MIN, f64::max)
        };
        let decoy = |n: usize| {
            let key = MarkKey::new(seed.derive("decoy", &(n as u64).to_be_bytes()));
            let carrier = WordCarrier::new(&key, &self.lattice);
            statistic(&Tier { key, carrier })
        };
        Decoys { real: statistic(real), decoys: (0..count).map(decoy).collect() }
    }

    /// The plane that a reading came from: the picture on white or its layer, all of it or the middle of a pan.
    fn gentle_of(&self, found: &Picture<'_>, reading: &Reading) -> Gentle {
        let alpha = found.alpha.filter(|_| reading.surface == Surface::Layer);
        let gentle = Gentle::on(found, alpha);
        // A view loses less than a sample of each side; the middle of a pan is less than nine tenths of it.
        let covered = reading.fit.trust.area();
        let whole = gentle.found_size();
        let all = covered.width.max(covered.height) > 0.9 * whole.long_side() as f64;
        if all { gentle } else { gentle.middle().unwrap_or(gentle) }
    }
}
