//! Frames that stand nearly upright: sheared, turned or stretched a little, as by a scanner or a careless crop.
//!
//! Of all affine maps these are few, so chance makes no good ones among them, and a lattice is found that is too weak to be seen
//! among all scales and angles.

use tiermark_signal::{Size, Wide, widest};

use super::search::{Linear, Scorer, bin};

/// Sides differ by this factor at most.
const UNEQUAL: f64 = 1.2;

/// Size, as parts of that of a frame that fills the picture.
const LARGER: [f64; 2] = [0.85, 1.18];
/// Shear and turn, over the same: 11 degrees.
const TURNED: f64 = 0.2;
/// Frames are no longer than this, over their shorter side: the number of maps grows with its square, half a million in 16 to 9.
const LONGEST: f64 = 2.4;

/// The best `keep` maps of a whole frame that is sheared, turned or stretched a little, made finer, best first. `upright` is ref px per
/// sample if it fills the picture, which has `size` samples; strips have none.
pub(crate) fn nearly_upright(scorer: &Scorer<'_>, size: Size, upright: f64, keep: usize) -> Vec<Linear> {
    if size.long_side() as f64 > LONGEST * size.short_side() as f64 {
        return Vec::new();
    }
    let sides = [size.width, size.height].map(|side| side as f64);
    let near = NearUpright { scorer, sides, upright, larger: LARGER, turned: TURNED }.best(2 * keep);
    let mut best = scorer.shortlist(keep);
    near.iter().for_each(|map| best.offer(scorer.refined(map)));
    best.sorted()
}

/// All maps near one that turns nothing, in steps of a bin.
pub(super) struct NearUpright<'a> {
    pub(super) scorer: &'a Scorer<'a>,
    /// Samples across and down.
    pub(super) sides: [f64; 2],
    /// Ref px per sample of the map in their middle.
    pub(super) upright: f64,
    /// From and to how many times that.
    pub(super) larger: [f64; 2],
    /// Sheared and turned by this much at most, over the same.
    pub(super) turned: f64,
}

impl NearUpright<'_> {
    /// The best `keep` of them, best first.
    pub(super) fn best(self, keep: usize) -> Vec<Linear> {
        widest(Search { near: self, keep })
    }
}

struct Search<'a> {
    near: NearUpright<'a>,
    keep: usize,
}

impl Wide for Search<'_> {
    type Output = Vec<Linear>;

    #[inline(always)]
    fn run(self) -> Vec<Linear> {
        let NearUpright { scorer, sides: [across, down], upright, larger, turned } = self.near;
        let along = |[from, to]: [f64; 2], side: f64| {
            let step = bin(side);
            let count = ((to - from) * upright / step).ceil() as usize;
            (0..=count).map(move |i| from * upright + i as f64 * step)
        };
        let turned = [-turned, turned];
        let equal = |a: f64, d: f64| d < UNEQUAL * a && a < UNEQUAL * d;
        let mut best = scorer.shortlist(self.keep);
        for a in along(larger, across) {
            for d in along(larger, down).filter(|d| equal(a, *d)) {
                for c in along(turned, across) {
                    for b in along(turned, down) {
                        best.offer(scorer.quickly_scored([[a, b], [c, d]]));
                    }
                }
            }
        }
        best.sorted()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carrier::LatticeCarrier;
    use crate::key::MarkKey;
    use crate::sync::{LineSpectrum, View};
    use tiermark_signal::Plane;

    #[test]
    fn a_sheared_lattice_stands_first() {
        let lattice = LatticeCarrier::new(&MarkKey::new([1; 32]));
        let size = Size { width: 768, height: 432 };
        let (upright, shear) = (720.0 / 432.0, 0.12);
        let matrix = [[1.04 * upright, shear * upright], [0.0, 0.97 * upright]];
        // The lines alone, beneath grain as strong as all of them together.
        let mut grain = MarkKey::new([2; 32]).stream("grain", b"");
        let plane = Plane::from_fn(size, |x, y| {
            let at = [0, 1].map(|row: usize| matrix[row][0] * x as f64 + matrix[row][1] * y as f64);
            let wave = |line: &crate::carrier::Line| {
                let turns = (f64::from(line.wave.0) * at[0] + f64::from(line.wave.1) * at[1])
                    / crate::layout::TILE as f64;
                libm::cos(2.0 * std::f64::consts::PI * turns)
            };
            let lines: f64 = lattice.lines().iter().map(wave).sum();
            (lines + 14.0 * (grain.unit() - 0.5)) as f32
        });
        let view = View::of(&plane, 1.0);
        let spectrum = LineSpectrum::of(&view);
        let scorer = Scorer::new(&spectrum, lattice.lines(), 768);
        let best = nearly_upright(&scorer, size, upright, 4);
        let apart = |row: usize, column: usize| (best[0].matrix[row][column] - matrix[row][column]).abs();
        // A bin is a hundredth of the scale here.
        assert!((0..4).all(|i| apart(i / 2, i % 2) < 0.005 * upright), "{:?}", best[0]);
        let strip = Size { width: 960, height: 24 };
        assert!(nearly_upright(&scorer, strip, 30.0, 4).is_empty(), "a hundred million maps");
    }
}
