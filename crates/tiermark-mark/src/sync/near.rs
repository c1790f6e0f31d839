//! Frames that stand nearly upright: sheared, turned or stretched a little, as by a scanner or a careless crop.
//!
//! Of all affine maps these are few, so chance makes no good ones among them, and a lattice is found that is too weak to be seen
//! among all scales and angles.

use tiermark_signal::{Wide, widest};

use super::search::{Linear, Scorer, bin};

/// Sides differ by this factor at most.
const UNEQUAL: f64 = 1.2;

/// All maps near one that turns nothing, in steps of a bin.
pub(crate) struct NearUpright<'a> {
    pub(crate) scorer: &'a Scorer<'a>,
    /// Samples across and down.
    pub(crate) sides: [f64; 2],
    /// Ref px per sample of the map in their middle.
    pub(crate) upright: f64,
    /// From and to how many times that.
    pub(crate) larger: [f64; 2],
    /// Sheared and turned by this much at most, over the same.
    pub(crate) turned: f64,
}

impl NearUpright<'_> {
    /// The best `keep` of them, best first.
    pub(crate) fn best(self, keep: usize) -> Vec<Linear> {
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
