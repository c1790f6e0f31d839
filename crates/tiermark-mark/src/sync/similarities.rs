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
        let mut offer = |matrix| scorer.promising(matrix).into_iter().for_each(|map| best.offer(map));
        let longest = longest(scorer.lines());
        let mut scale = SCALES.0;
        while scale < SCALES.1 {
            let finest = (longest / (TILE as f64 * scale)).min(FINEST);
            let step = 1.0 / (finest * scorer.side as f64);
            let angles = (std::f64::consts::PI / step).ceil() as usize;
            for i in 0..angles {
                let angle = std::f64::consts::PI * i as f64 / angles as f64;
                let (cos, sin) = (libm::cos(angle) / scale, libm::sin(angle) / scale);
                offer([[cos, -sin], [sin, cos]]);
                offer([[-cos, -sin], [-sin, cos]]);
            }
            scale *= 1.0 + step;
        }
        best.sorted()
    }
}

/// The best maps that turn nothing, mirrored or not, at every scale and with sides that hardly differ; best first.
///
/// Most copies stand upright in what they were pasted into, and among so few maps chance finds no good ones: the cells of a
/// sheet rank first here that are lost among all scales and angles.
pub(crate) fn uprights(scorer: &Scorer<'_>, keep: usize) -> Vec<Linear> {
    let mut best = scorer.shortlist(keep);
    let longest = longest(scorer.lines());
    let mut scale = SCALES.0;
    while scale < SCALES.1 {
        let finest = (longest / (TILE as f64 * scale)).min(FINEST);
        let step = 1.0 / (finest * scorer.side as f64);
        let across = 1.0 / scale;
        for taller in -2..=2 {
            let down = across * (1.0 + f64::from(taller) * step);
            best.offer(scorer.quickly_scored([[across, 0.0], [0.0, down]]));
            best.offer(scorer.quickly_scored([[-across, 0.0], [0.0, down]]));
        }
        scale *= 1.0 + step;
    }
    best.sorted()
}
