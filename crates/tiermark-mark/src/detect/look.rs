//! A found picture prepared for the search of its lattice, and the maps that are worth reading.

use tiermark_signal::resample::block_mean;
use tiermark_signal::{Plane, Size};

use super::front::Gentle;
use crate::carrier::LatticeCarrier;
use crate::layout::pixels_per_ref;
use crate::sync::{Fit, LineSpectrum, Linear, PhaseFitter, normalised, refined, scored, similarities};

/// Maps passed on to the payload from each stage: the first two, then three. Only these are trials of the payload.
pub(super) const MAPS: [usize; 2] = [2, 3];
/// Lattice strength below which no known scale is believed; noise alone reaches 7.7 in 220 whole searches.
const LEAST_STRENGTH: f64 = 5.5;

/// A found picture prepared for the search of its lattice.
pub(super) struct Look<'a> {
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
    pub(super) fn at(gentle: &Gentle, found: Size, lattice: &'a LatticeCarrier) -> Option<Self> {
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
    pub(super) fn known_scales(&self, scales: &[f64]) -> Vec<Fit> {
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
    pub(super) fn similarities(&self) -> Vec<Fit> {
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
