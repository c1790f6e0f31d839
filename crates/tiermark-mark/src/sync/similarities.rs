//! The whole search over scales, angles and mirrors.

use super::search::{FINEST, Linear, SCALES, Scorer, longest};
use crate::layout::TILE;
use tiermark_signal::{Wide, widest};

/// The best similarity maps (a half turn looks the same), best first, at most `keep`.
pub(crate) fn similarities(scorer: &Scorer<'_>, keep: usize) -> Vec<Linear> {
    widest(Search { scorer, keep })
}

struct Search<'a> {
    scorer: &'a Scorer<'a>,
    keep: usize,
}

impl Wide for Search<'_> {
    type Output = Vec<Linear>;

    #[inline(always)]
    fn run(self) -> Vec<Linear> {
        let scorer = self.scorer;
        let mut best = scorer.shortlist(self.keep);
        let longest = longest(scorer.lines());
        let mut scale = SCALES.0;
        while scale < SCALES.1 {
            let finest = (longest / (TILE as f64 * scale)).min(FINEST);
            let step = 1.0 / (finest * scorer.side as f64);
            let angles = (std::f64::consts::PI / step).ceil() as usize;
            for i in 0..angles {
                let angle = std::f64::consts::PI * i as f64 / angles as f64;
                let (cos, sin) = (libm::cos(angle) / scale, libm::sin(angle) / scale);
                best.offer(scorer.quickly_scored([[cos, -sin], [sin, cos]]));
                best.offer(scorer.quickly_scored([[-cos, -sin], [-sin, cos]]));
            }
            scale *= 1.0 + step;
        }
        best.sorted()
    }
}
