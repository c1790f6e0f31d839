//! Whole frames seen from aside: photographs of screens.
//!
//! Perspective stretches each window in its own way, and in weak marks none of them tells enough by itself. But six numbers say
//! what becomes of all: how the middle lies, and how fast the scale falls across and down. Frames of a film that no window had
//! found stand at twice the strength of the best wrong place in all windows together.

use tiermark_signal::{Wide, widest};

use super::near::NearUpright;
use super::search::{Linear, QuickSum, Scorer, bin};

/// A frame in perspective: `A u / (1 + g u)` ref px at `u` samples from the middle of the picture.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tilted {
    /// A: ref px per sample in the middle.
    pub(crate) matrix: [[f64; 2]; 2],
    /// g: per sample.
    pub(crate) fall: [f64; 2],
    /// That of all lines in all windows together.
    score: f32,
}

/// A window's spectrum, and where it lies.
pub(crate) struct Pane<'a> {
    pub(crate) scorer: &'a Scorer<'a>,
    /// Its middle, samples from that of the picture.
    pub(crate) middle: [f64; 2],
    /// Samples across and down.
    pub(crate) sides: [f64; 2],
}

/// How large the frame is in the picture: ref px per sample in its middle, over what they are if it fills it. Each range has
/// its own list, since there are many more ways to be small.
const RANGES: [[f64; 2]; 2] = [[0.94, 1.26], [1.22, 1.6]];
/// The middle is sheared and turned by this much at most, over the same: 7 degrees.
const TURNED: f64 = 0.12;
/// Places of the middle, of each range, that are looked at in all windows.
const MIDDLES: usize = 300;
/// How much less the scale is at one end of the picture than at the other, in steps of about a bin: up to
/// three tenths.
const FALLS: i32 = 7;
const FALL_STEP: f64 = 0.04;
/// Score in the middle and the corners from which the other windows are asked: one in twenty reaches it by chance.
const WORTHWHILE: f32 = 1.6;
/// Places that are made finer, of either list.
const REFINED: usize = 6;

/// The best places of a frame in perspective, best first, at most `keep`. `upright` is ref px per sample if the frame fills the
/// picture; of the `panes` the first lies in its middle, the next four in its corners, the rest between them.
pub(crate) fn tilted(panes: &[Pane<'_>; 9], upright: f64, keep: usize) -> Vec<Tilted> {
    let Pane { scorer, sides, .. } = &panes[0];
    let middle =
        |larger| NearUpright { scorer, sides: *sides, upright, larger, turned: TURNED }.best(MIDDLES);
    let middles: Vec<Linear> = RANGES.into_iter().flat_map(middle).collect();
    let [corners, everywhere] = widest(Falls { panes, middles: &middles });
    let firsts = [corners, everywhere].into_iter().flat_map(|tilts| distinct(tilts, &panes[0], REFINED));
    let mut best: Vec<(f64, Tilted)> = firsts.map(|tilted| refined(panes, &tilted)).collect();
    best.sort_by(|a, b| b.0.total_cmp(&a.0));
    best.into_iter().take(keep).map(|(_, tilted)| tilted).collect()
}

/// The best `keep` of some places, without neighbours of a better one.
fn distinct(mut tilts: Vec<Tilted>, pane: &Pane<'_>, keep: usize) -> Vec<Tilted> {
    tilts.sort_by(|a, b| b.score.total_cmp(&a.score));
    let [wide, high] = pane.sides.map(|side| 2.5 * bin(side));
    let near = |a: &Tilted, b: &Tilted| {
        let apart = |row: usize, column: usize| (a.matrix[row][column] - b.matrix[row][column]).abs();
        [0, 1].iter().all(|&row| apart(row, 0) < wide && apart(row, 1) < high)
    };
    let mut best: Vec<Tilted> = Vec::with_capacity(keep);
    for tilted in tilts {
        if best.len() < keep && best.iter().all(|better| !near(better, &tilted)) {
            best.push(tilted);
        }
    }
    best
}

/// For each place of the middle how the scale falls away from it: as the corners have it, which hold all of the picture, and as
/// all windows do. Each finds frames that the other misses.
struct Falls<'a> {
    panes: &'a [Pane<'a>; 9],
    middles: &'a [Linear],
}

impl Wide for Falls<'_> {
    type Output = [Vec<Tilted>; 2];

    #[inline(always)]
    fn run(self) -> [Vec<Tilted>; 2] {
        let [central, around @ ..] = self.panes;
        // The picture is twice as wide and high as a pane.
        let [across, down] = central.sides.map(|side| FALL_STEP / (2.0 * side));
        let steps = (-FALLS..=FALLS).flat_map(|i| (-FALLS..=FALLS).map(move |j| (i, j)));
        let falls: Vec<[f64; 2]> = steps
            .filter(|(i, j)| i * i + j * j <= FALLS * FALLS)
            .map(|(i, j)| [f64::from(i) * across, f64::from(j) * down])
            .collect();
        let (corners, edges) = around.split_at(4);
        let mut sums: Vec<QuickSum> = Vec::with_capacity(self.middles.len() * falls.len());
        for middle in self.middles {
            sums.extend(std::iter::repeat_n(central.scorer.quick_sum(middle.matrix), falls.len()));
        }
        self.add(corners, f32::MIN, &falls, &mut sums);
        let in_corners = self.best(&falls, &sums);
        self.add(edges, WORTHWHILE, &falls, &mut sums);
        [in_corners, self.best(&falls, &sums)]
    }
}

impl Falls<'_> {
    /// Add what stands in these panes, where there is `least` already. Pane by pane: the spectrum of one fits the cache.
    #[inline(always)]
    fn add(&self, panes: &[Pane<'_>], least: f32, falls: &[[f64; 2]], sums: &mut [QuickSum]) {
        let worthwhile: Vec<bool> = sums.iter().map(|sum| sum.score() >= least).collect();
        for pane in panes {
            let each = sums.chunks_exact_mut(falls.len()).zip(worthwhile.chunks_exact(falls.len()));
            for (middle, (sums, worthwhile)) in self.middles.iter().zip(each) {
                for (fall, (sum, worth)) in falls.iter().zip(sums.iter_mut().zip(worthwhile)) {
                    if *worth {
                        sum.add(pane.scorer.quick_sum(jacobian(middle.matrix, *fall, pane.middle)));
                    }
                }
            }
        }
    }

    /// For each place of the middle the fall that stands best.
    #[inline(always)]
    fn best(&self, falls: &[[f64; 2]], sums: &[QuickSum]) -> Vec<Tilted> {
        let best = |(middle, sums): (&Linear, &[QuickSum])| {
            let scored = falls.iter().zip(sums).map(|(fall, sum)| (fall, sum.score()));
            let most = scored.max_by(|a, b| a.1.total_cmp(&b.1));
            most.map(|(fall, score)| Tilted { matrix: middle.matrix, fall: *fall, score })
        };
        self.middles.iter().zip(sums.chunks_exact(falls.len())).filter_map(best).collect()
    }
}

/// The derivative at `u`: ref px per sample.
#[inline(always)]
fn jacobian(matrix: [[f64; 2]; 2], fall: [f64; 2], u: [f64; 2]) -> [[f64; 2]; 2] {
    let away = 1.0 + fall[0] * u[0] + fall[1] * u[1];
    let mut derivative = matrix;
    for row in &mut derivative {
        let there = (row[0] * u[0] + row[1] * u[1]) / away;
        for (v, fall) in row.iter_mut().zip(fall) {
            *v = (*v - there * fall) / away;
        }
    }
    derivative
}

/// The six numbers moved to where the lines' power is largest, and that power.
fn refined(panes: &[Pane<'_>; 9], start: &Tilted) -> (f64, Tilted) {
    let power = |[a, b, c, d, across, down]: [f64; 6]| -> f64 {
        let at = |pane: &Pane<'_>| jacobian([[a, b], [c, d]], [across, down], pane.middle);
        panes.iter().map(|pane| pane.scorer.log_power(at(pane))).sum()
    };
    let ([[a, b], [c, d]], [across, down]) = (start.matrix, start.fall);
    let mut best = [a, b, c, d, across, down];
    let [wide, high] = panes[0].sides.map(bin);
    let fall = |axis: usize| FALL_STEP / (2.0 * panes[0].sides[axis]);
    let steps = [wide, high, wide, high, fall(0), fall(1)];
    let mut most = power(best);
    for step in [0.7, 0.35, 0.18] {
        let (mut moved, mut turns) = (true, 0);
        while moved && turns < 6 {
            (moved, turns) = (false, turns + 1);
            for (entry, sign) in (0..6).flat_map(|entry| [(entry, -1.0), (entry, 1.0)]) {
                let mut tried = best;
                tried[entry] += sign * step * steps[entry];
                let now = power(tried);
                if now > most {
                    (best, most, moved) = (tried, now, true);
                }
            }
        }
    }
    let [a, b, c, d, across, down] = best;
    (most, Tilted { matrix: [[a, b], [c, d]], fall: [across, down], ..*start })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_derivative_is_that_of_the_projection() {
        let (matrix, fall) = ([[1.1, 0.05], [-0.02, 1.2]], [2e-4, -1e-4]);
        let at = |u: [f64; 2]| {
            let away = 1.0 + fall[0] * u[0] + fall[1] * u[1];
            matrix.map(|row: [f64; 2]| (row[0] * u[0] + row[1] * u[1]) / away)
        };
        let place = [310.0, -170.0];
        let got = jacobian(matrix, fall, place);
        for axis in 0..2 {
            let mut beside = place;
            beside[axis] += 1e-3;
            let (here, there) = (at(place), at(beside));
            for row in 0..2 {
                let want = (there[row] - here[row]) / 1e-3;
                assert!((got[row][axis] - want).abs() < 1e-5, "{row} {axis}: {} {want}", got[row][axis]);
            }
        }
    }
}
