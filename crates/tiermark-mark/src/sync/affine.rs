//! Maps with shear and unequal sides, from pairs of peaks.
//!
//! A grid over four parameters would hold thousands of millions of maps. But any two lines that stand out fix all four:
//! every pair of strong peaks is taken for every pair of lines (the idea of Hough's and geometric hashing's votes).

use super::search::{FINEST, Linear, SCALES, Scorer};
use crate::layout::{Harmonic, SYNC_RINGS, TILE};

/// Peaks that are paired with each other: 780 pairs.
const PEAKS: usize = 40;
/// Two lines closer to parallel than this fix the map across them badly: `|k1 x k2|`, a twelfth of the most there is.
const LEAST_CROSS: f64 = 60.0;
/// Sides differ by at most 1.35: `r + 1/r` of the singular values' ratio.
const MOST_UNEQUAL: f64 = 1.35 + 1.0 / 1.35;

/// The best maps through two peaks, best first, at most `keep`.
pub(crate) fn affine(scorer: &Scorer<'_>, keep: usize) -> Vec<Linear> {
    let coarsest = SYNC_RINGS[0].from / (TILE as f64 * SCALES.1);
    let peaks = scorer.spectrum().peaks(coarsest, FINEST, PEAKS);
    let pairs = line_pairs(scorer);
    let mut best = scorer.shortlist(keep);
    for (i, &first) in peaks.iter().enumerate() {
        for &second in &peaks[i + 1..] {
            for second in [second, second.map(|v| -v)] {
                for pair in &pairs {
                    let matrix = pair.map_to(first, second);
                    if plausible(matrix) {
                        scorer.promising(matrix).into_iter().for_each(|map| best.offer(map));
                    }
                }
            }
        }
    }
    best.sorted()
}

/// Two lines, as the inverse of the matrix with their waves as columns, times the tile.
struct LinePair([[f64; 2]; 2]);

impl LinePair {
    fn of(a: Harmonic, b: Harmonic) -> Option<Self> {
        let [ax, ay, bx, by] = [a.0, a.1, b.0, b.1].map(f64::from);
        let cross = ax * by - bx * ay;
        let scale = TILE as f64 / cross;
        (cross.abs() > LEAST_CROSS).then(|| Self([[by * scale, -bx * scale], [-ay * scale, ax * scale]]))
    }

    /// The map under which the two lines stand at two frequencies: `B = [p1 p2] [k1 k2]^-1`, and `B = M^T / TILE`.
    fn map_to(&self, first: [f64; 2], second: [f64; 2]) -> [[f64; 2]; 2] {
        let [[a, b], [c, d]] = self.0;
        [
            [first[0] * a + second[0] * c, first[1] * a + second[1] * c],
            [first[0] * b + second[0] * d, first[1] * b + second[1] * d],
        ]
    }
}

fn line_pairs(scorer: &Scorer<'_>) -> Vec<LinePair> {
    let waves = || scorer.lines().iter().map(|line| line.wave);
    waves().flat_map(|a| waves().filter_map(move |b| LinePair::of(a, b))).collect()
}

/// Whether a map's scale is looked for and its sides are not too unequal.
fn plausible([[a, b], [c, d]]: [[f64; 2]; 2]) -> bool {
    let area = (a * d - b * c).abs();
    let (least, most) = (1.0 / (SCALES.1 * SCALES.1), 1.0 / (SCALES.0 * SCALES.0));
    area > least && area < most && a * a + b * b + c * c + d * d < MOST_UNEQUAL * area
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_lines_fix_a_sheared_map() {
        let map = [[1.9, 0.3], [-0.4, 1.6]];
        let frequency = |k: Harmonic| {
            let (kx, ky) = (f64::from(k.0) / TILE as f64, f64::from(k.1) / TILE as f64);
            [map[0][0] * kx + map[1][0] * ky, map[0][1] * kx + map[1][1] * ky]
        };
        let (a, b) = ((9, 4), (-3, 12));
        let got = LinePair::of(a, b).map(|pair| pair.map_to(frequency(a), frequency(b))).unwrap_or_default();
        for (want, got) in map.iter().flatten().zip(got.iter().flatten()) {
            assert!((want - got).abs() < 1e-9, "{got:?}");
        }
        assert!(plausible(map));
        assert!(!plausible([[2.0, 0.0], [0.0, 1.2]]), "sides of 5 to 3");
        assert!(!plausible([[0.1, 0.0], [0.0, 0.1]]), "ten times the stamped size");
        assert!(LinePair::of((9, 4), (10, 5)).is_none(), "nearly parallel");
    }
}
