//! What a JPEG's quantiser lets through of a mark.
//!
//! Most of a mark is smaller than half a step, and lost wherever the picture alone lies in the middle of a step; it comes
//! through where the picture lies near a threshold. With the original at hand it is known where that is: for each coefficient
//! of each block follows what is expected of it, how much a mark moves that, and how widely it scatters.

use tiermark_signal::{Plane, Wide, widest};

use super::Laid;
use super::block::{Basis, Block, SIDE, Waves, basis, centred, restored, stored, transformed};
use crate::carrier::{CellGrid, ClosedPattern};
use crate::key::MarkKey;

/// Waves in each direction that are looked at: faster ones hold nothing of a mark, except in pictures smaller than a tenth.
const WAVES: usize = 5;
/// Standard deviation of all patterns together on flat colour, code values.
const PATTERN: f32 = 1.1;
/// How far a prediction is off on flat colour, code values squared: rounding before and after.
const OFF: f32 = 0.25;
/// How far it is off beside edges, as a share of the variance in the block.
const OFF_AT_EDGES: f32 = 0.0005;
/// Coefficients that hold less than this of a pattern's power are left out.
const LEAST: f32 = 0.004;
/// Deviations beyond which no threshold is crossed.
const FARTHEST: f32 = 6.0;

/// What is expected of the quantised luma.
pub(super) struct Expected<'a> {
    /// Luma of the original as it was before it was quantised, on the found grid.
    pub(super) luma: &'a Plane,
    /// By what the mark was multiplied at each place, growth included.
    pub(super) slope: &'a Plane,
    /// Quantiser steps, slow waves first.
    pub(super) steps: &'a [u16; SIDE * SIDE],
}

impl Expected<'_> {
    /// What the found luma says of a mark at each sample: already weighed, and noise alike everywhere.
    pub(super) fn compare(&self, found: &Plane, laid: &Laid<'_>, grid: &CellGrid) -> Plane {
        let share = pattern_shares(laid, grid);
        let mut left = Plane::filled(found.size(), 0.0);
        widest(Compare { expected: self, found, valid: laid.valid, share: &share, left: &mut left });
        left
    }
}

type Shares = Waves<WAVES>;

/// The share that each wave of a block has in a pattern's power, as it lies on the found picture.
///
/// Measured on a pattern under a key that is known to everybody: no other has a part in this.
fn pattern_shares(laid: &Laid<'_>, grid: &CellGrid) -> Shares {
    const BLOCKS: usize = 16;
    let size = laid.valid.size();
    let pattern = ClosedPattern::on(&MarkKey::new([0; 32]), grid);
    let basis = basis::<WAVES>();
    let mut power = [[0.0_f32; WAVES]; WAVES];
    let place = |i: usize, length: usize| (i * length.saturating_sub(SIDE)) / BLOCKS;
    for n in 0..BLOCKS * BLOCKS {
        let (left, top) = (place(n % BLOCKS, size.width), place(n / BLOCKS, size.height));
        let block: Block = std::array::from_fn(|y| {
            std::array::from_fn(|x| {
                pattern.luma_at((laid.place)([(left + x) as f64, (top + y) as f64]), grid)
            })
        });
        let waves = transformed(&block, &basis);
        power.iter_mut().flatten().zip(waves.iter().flatten()).for_each(|(sum, v)| *sum += v * v);
    }
    power.map(|row| row.map(|v| v / (BLOCKS * BLOCKS) as f32))
}

struct Compare<'a> {
    expected: &'a Expected<'a>,
    found: &'a Plane,
    valid: &'a Plane,
    share: &'a Shares,
    left: &'a mut Plane,
}

impl Wide for Compare<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { expected, found, valid, share, left } = self;
        let (basis, all) = (basis::<WAVES>(), basis::<SIDE>());
        let (width, height) = (found.width() / SIDE * SIDE, found.height() / SIDE * SIDE);
        for top in (0..height).step_by(SIDE) {
            for x in (0..width).step_by(SIDE) {
                let block = |plane: &Plane| -> Block {
                    std::array::from_fn(|j| std::array::from_fn(|i| plane.row(top + j)[x + i]))
                };
                if block(valid).as_flattened().iter().any(|v| *v <= 0.0) {
                    continue;
                }
                let waves = compared(
                    &block(expected.luma),
                    &block(found),
                    &block(expected.slope),
                    expected.steps,
                    share,
                    (&basis, &all),
                );
                let block = restored(&waves, &basis);
                for (j, row) in (top..top + SIDE).enumerate() {
                    left.row_mut(row)[x..x + SIDE].copy_from_slice(&block[j]);
                }
            }
        }
    }
}

/// What one block says, wave by wave.
#[inline(always)]
fn compared(
    expected: &Block,
    found: &Block,
    slope: &Block,
    steps: &[u16; SIDE * SIDE],
    share: &Shares,
    (basis, all): (&Basis<WAVES>, &Basis<SIDE>),
) -> Shares {
    let mean = |block: &Block| block.as_flattened().iter().sum::<f32>() / 64.0;
    let square = slope.as_flattened().iter().map(|v| v * v).sum::<f32>() / 64.0;
    let middle = mean(expected);
    let variance = expected.as_flattened().iter().map(|v| (v - middle) * (v - middle)).sum::<f32>() / 64.0;
    let off = OFF + OFF_AT_EDGES * variance;
    let stored = stored(found, expected, steps, all);
    let before = transformed(&centred(expected), basis);
    let mut out = [[0.0; WAVES]; WAVES];
    for v in 0..WAVES {
        for u in 0..WAVES {
            if share[v][u] < LEAST {
                continue;
            }
            let marked = PATTERN * PATTERN * square * share[v][u];
            let step = f32::from(steps[SIDE * v + u]);
            out[v][u] = Quantised::of(before[v][u], (marked + off).sqrt(), step).weigh(stored[v][u], step);
        }
    }
    out
}

/// A normal variable rounded to multiples of a step.
struct Quantised {
    mean: f32,
    /// How much the mean moves with the variable's own.
    response: f32,
    variance: f32,
}

impl Quantised {
    /// Mean, response and variance of `step round(X / step)` for X normal around `centre` with deviation `sigma`.
    fn of(centre: f32, sigma: f32, step: f32) -> Self {
        // Where steps are fine rounding only adds its own variance.
        if step < sigma {
            return Self { mean: centre, response: 1.0, variance: sigma * sigma + step * step / 12.0 };
        }
        let nearest = (centre / step).round();
        let (mut mean, mut square, mut response) = (0.0, 0.0, 0.0);
        // In steps around the nearest multiple; thresholds further than three steps off are crossed once in two hundred times.
        for low in [-3.0_f32, -2.0, -1.0, 0.0, 1.0, 2.0] {
            let at = ((nearest + low + 0.5) * step - centre) / sigma;
            if at > FARTHEST {
                break;
            }
            let beyond = (0.5 * libm::erfc(f64::from(at) * std::f64::consts::FRAC_1_SQRT_2)) as f32;
            let density = libm::expf(-0.5 * at * at) * 0.398_942_3;
            mean += beyond;
            square += beyond * ((low + 1.0) * (low + 1.0) - low * low);
            response += step * density / sigma;
        }
        mean -= 3.0;
        square += 9.0;
        Self {
            mean: (nearest + mean) * step,
            response,
            variance: (square - mean * mean).max(0.0) * step * step,
        }
    }

    /// What a found value says of the variable's mean, in units of how sure that is.
    fn weigh(&self, found: f32, step: f32) -> f32 {
        // What decoding and conversion between colours add.
        let variance = self.variance + 0.0004 * step * step + 0.15;
        let off = ((found - self.mean) / variance.sqrt()).clamp(-4.0, 4.0);
        self.response * off / variance.sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantiser_is_transparent_at_its_thresholds_and_shut_between() {
        let shut = Quantised::of(0.0, 1.0, 16.0);
        assert!(shut.response < 1e-6 && shut.mean.abs() < 1e-3 && shut.variance < 1e-3);
        let open = Quantised::of(8.0, 1.0, 16.0);
        assert!((open.mean - 8.0).abs() < 1e-3, "{}", open.mean);
        assert!((open.response - 16.0 * 0.3989).abs() < 0.01, "{}", open.response);
        assert!((open.variance - 64.0).abs() < 0.1, "{}", open.variance);
        let fine = Quantised::of(3.3, 2.0, 1.0);
        assert_eq!((fine.mean, fine.response), (3.3, 1.0));
        // Both formulas agree where they meet.
        let (coarse, fine) = (Quantised::of(3.3, 1.0, 1.0001), Quantised::of(3.3, 1.0, 0.9999));
        assert!((coarse.mean - fine.mean).abs() < 0.02 && (coarse.response - 1.0).abs() < 0.02);
        assert!((coarse.variance - fine.variance).abs() < 0.05, "{} {}", coarse.variance, fine.variance);
    }

    #[test]
    fn what_is_expected_says_nothing_and_more_says_more() {
        let quantised = Quantised::of(7.0, 1.0, 16.0);
        assert!(quantised.weigh(16.0, 16.0) > 0.0 && quantised.weigh(0.0, 16.0) < 0.0);
        assert!(quantised.weigh(quantised.mean, 16.0).abs() < 1e-6);
    }
}
