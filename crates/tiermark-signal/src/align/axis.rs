//! Rows and columns that are stretched and moved, each by itself: what scaling and cropping do.

use crate::{Plane, Size, Wide, widest};

/// The samples of one axis that each place of another is made of.
pub(super) struct Axis {
    /// Where the samples of each place begin.
    first: Vec<usize>,
    /// As many for each place.
    weights: Vec<f32>,
    taps: usize,
}

impl Axis {
    /// `places` samples, the centre of the n-th at `step n + shift` on an axis of `length`, whose ends are repeated.
    pub(super) fn new(step: f64, shift: f64, places: usize, length: usize) -> Self {
        let reach = step.abs().clamp(1.0, super::LARGEST_FOOTPRINT);
        let mut taps = Taps::default();
        let all: Vec<Taps> = (0..places)
            .map(|n| {
                taps.set(n as f64 * step + shift, reach, length);
                taps.trim();
                taps.clone()
            })
            .collect();
        let longest = all.iter().map(|taps| taps.weights.len()).max().unwrap_or(1);
        let mut axis = Self { first: Vec::new(), weights: Vec::new(), taps: longest };
        for one in &all {
            let first = one.first.min(length - longest);
            axis.first.push(first);
            let end = axis.weights.len() + longest;
            axis.weights.resize(axis.weights.len() + one.first - first, 0.0);
            axis.weights.extend(&one.weights);
            axis.weights.resize(end, 0.0);
        }
        axis
    }

    /// Border to border.
    pub(super) fn stretched(from: usize, to: usize) -> Self {
        let step = from as f64 / to as f64;
        Self::new(step, 0.5 * (step - 1.0), to, from)
    }

    fn places(&self) -> usize {
        self.first.len()
    }
}

/// A plane with its rows and columns resampled.
pub(super) fn resampled(plane: &Plane, across: &Axis, down: &Axis) -> Plane {
    widest(Resample { plane, across, down })
}

struct Resample<'a> {
    plane: &'a Plane,
    across: &'a Axis,
    down: &'a Axis,
}

impl Wide for Resample<'_> {
    type Output = Plane;

    #[inline(always)]
    fn run(self) -> Plane {
        let Self { plane, across, down } = self;
        let mut out = Plane::filled(Size { width: across.places(), height: down.places() }, 0.0);
        let mut mixed = vec![0.0; plane.width()];
        for (y, (&first, weights)) in down.first.iter().zip(down.weights.chunks_exact(down.taps)).enumerate()
        {
            mixed.fill(0.0);
            for (j, weight) in weights.iter().enumerate().filter(|(_, weight)| **weight != 0.0) {
                mixed.iter_mut().zip(plane.row(first + j)).for_each(|(v, s)| *v += weight * s);
            }
            let row = out.row_mut(y);
            match across.taps {
                1 => gathered::<1>(&mixed, across, row),
                4 => gathered::<4>(&mixed, across, row),
                8 => gathered::<8>(&mixed, across, row),
                _ => {
                    let weights = across.weights.chunks_exact(across.taps);
                    for (v, (&first, weights)) in row.iter_mut().zip(across.first.iter().zip(weights)) {
                        *v = mixed[first..].iter().zip(weights).map(|(s, w)| s * w).sum();
                    }
                }
            }
        }
        out
    }
}

/// The same for a number of samples that is known beforehand.
#[inline(always)]
fn gathered<const TAPS: usize>(from: &[f32], across: &Axis, row: &mut [f32]) {
    let (weights, _) = across.weights.as_chunks::<TAPS>();
    for (v, (&first, weights)) in row.iter_mut().zip(across.first.iter().zip(weights)) {
        *v = from[first..][..TAPS].iter().zip(weights).map(|(s, w)| s * w).sum();
    }
}

/// The samples that one place is made of, along one axis.
#[derive(Clone, Debug, Default)]
pub(super) struct Taps {
    pub(super) first: usize,
    pub(super) weights: Vec<f32>,
}

impl Taps {
    /// The kernel about `at`, `reach` samples to its unit, on an axis of `length` samples; those outside are their border.
    pub(super) fn set(&mut self, at: f64, reach: f64, length: usize) {
        let last = length as isize - 1;
        // No further outside than the kernel reaches: there it is all border.
        let at = at.clamp(-3.0 * reach, last as f64 + 3.0 * reach);
        let (from, to) = ((at - 2.0 * reach).ceil() as isize, (at + 2.0 * reach).floor() as isize);
        let clamped = |i: isize| i.clamp(0, last) as usize;
        self.first = clamped(from);
        self.weights.clear();
        self.weights.resize(clamped(to) - self.first + 1, 0.0);
        let (mut total, finer) = (0.0, (1.0 / reach) as f32);
        let start = (from as f64 - at) as f32;
        for i in 0..=to - from {
            let weight = kernel((start + i as f32) * finer);
            self.weights[clamped(from + i) - self.first] += weight;
            total += weight;
        }
        self.weights.iter_mut().for_each(|w| *w /= total);
    }

    /// Leave out what weighs nothing at both ends.
    fn trim(&mut self) {
        while self.weights.len() > 1 && self.weights.last() == Some(&0.0) {
            self.weights.pop();
        }
        let idle = self.weights.iter().take_while(|w| **w == 0.0).count().min(self.weights.len() - 1);
        self.weights.drain(..idle);
        self.first += idle;
    }

    pub(super) fn sum(&self, row: &[f32]) -> f32 {
        row[self.first..].iter().zip(&self.weights).map(|(v, w)| v * w).sum()
    }
}

/// Keys' kernel, a = -1/2.
#[inline(always)]
fn kernel(t: f32) -> f32 {
    let t = t.abs();
    let (near, far) = ((1.5 * t - 2.5) * t * t + 1.0, ((-0.5 * t + 2.5) * t - 4.0) * t + 2.0);
    if t < 1.0 {
        near
    } else if t < 2.0 {
        far
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_steps_copy_and_ends_are_repeated() {
        let plane = Plane::from_fn(Size { width: 40, height: 30 }, |x, y| (x * 3 + y * 5) as f32);
        let (across, down) = (Axis::new(1.0, 7.0, 20, 40), Axis::new(-1.0, 20.0, 30, 30));
        assert_eq!((across.taps, down.taps), (1, 1));
        let moved = resampled(&plane, &across, &down);
        assert_eq!(moved, Plane::from_fn(moved.size(), |x, y| plane.at(x + 7, 20_usize.saturating_sub(y))));
        let beyond = resampled(&plane, &Axis::new(1.0, -500.25, 4, 40), &Axis::new(3.0, 1e9, 3, 30));
        assert!(beyond.samples().iter().all(|v| (v - plane.at(0, 29)).abs() < 1e-3), "{beyond:?}");
    }

    #[test]
    fn slopes_are_kept_at_every_scale() {
        let plane = Plane::from_fn(Size { width: 90, height: 80 }, |x, y| 2.0 * x as f32 - y as f32);
        for step in [0.4, 0.97, 1.0, 1.3, 2.0, 3.7] {
            let (across, down) = (Axis::new(step, 15.2, 9, 90), Axis::new(step, 20.7, 9, 80));
            let made = resampled(&plane, &across, &down);
            for (x, y) in [(0, 0), (3, 7), (8, 8)] {
                let want = 2.0 * (x as f64 * step + 15.2) - (y as f64 * step + 20.7);
                // Stretched by what is no whole number the kernel's mean is a few hundredths of a sample off.
                let off = (f64::from(made.at(x, y)) - want).abs();
                assert!(off < if step > 1.0 { 0.1 * step } else { 1e-3 }, "{step}: {off}");
            }
        }
    }
}
