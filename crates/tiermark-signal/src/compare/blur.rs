//! How the sharpness of one picture became that of another.

use std::borrow::Cow;

use super::{MOSTLY, chosen, robust_weights};
use crate::filter::gaussian;
use crate::solve::Normal;
use crate::{Plane, Wide, widest};

/// A Gaussian, and after it a kernel of 7 by 7 and a constant: what scaling, softening and sharpening leave.
#[derive(Clone, Debug)]
pub struct Blur {
    /// Standard deviation of the Gaussian, px; 0.0 for none.
    pub sigma: f32,
    kernel: Option<Box<[f32; TAPS]>>,
    constant: f32,
    /// Whether it is plainly there: what quantisers leave of edges also looks a little softer.
    pub is_plain: bool,
}

const SIDE: usize = 7;
const TAPS: usize = SIDE * SIDE;
const REACH: usize = SIDE / 2;
/// Samples that the kernel is fitted to.
const MOST: usize = 20_000;
/// Standard deviations that are tried, px.
const SIGMAS: [f32; 5] = [2.0, 3.0, 4.0, 5.0, 7.0];
/// By how much a Gaussian must come nearer than none: the kernel alone follows slight blurs and shifts, and better.
const NEARER: f64 = 0.7;
/// The same for a blur to be called plain.
const PLAIN: f64 = 0.8;
const ROUNDS: usize = 2;

impl Blur {
    /// No change.
    pub fn none() -> Self {
        Self { sigma: 0.0, kernel: None, constant: 0.0, is_plain: false }
    }

    /// The blur that leads from `before` to `after`, by those edges of `before` that are `valid`.
    pub fn fit(before: &Plane, after: &Plane, valid: &Plane) -> Self {
        let places = edges(before, valid);
        if places.len() < 20 * TAPS {
            return Self::none();
        }
        let (sigma, blurred) = softened(before, after, &places);
        let Some((kernel, constant)) = fit_kernel(&blurred, after, &places) else {
            return Self { sigma, ..Self::none() };
        };
        let apart = |&i: &usize| {
            let made = constant + convolved(&blurred, &kernel, i);
            f64::from((made - after.samples()[i]).abs()).sqrt()
        };
        let is_plain = places.iter().map(apart).sum::<f64>() < PLAIN * misfit(before, after, &places);
        Self { sigma, kernel: Some(kernel), constant, is_plain }
    }

    /// The standard deviation by which `after` is plainly softer, px; 0.0 if it is not.
    pub(super) fn softness(before: &Plane, after: &Plane, valid: &Plane) -> f32 {
        softened(before, after, &edges(before, valid)).0
    }

    /// How far two pictures are apart at the edges of `before`.
    pub(super) fn apart(before: &Plane, made: &Plane, after: &Plane, valid: &Plane) -> f64 {
        misfit(made, after, &edges(before, valid))
    }

    /// What `before` becomes.
    pub fn apply(&self, before: &Plane) -> Plane {
        let blurred =
            if self.sigma > 0.0 { Cow::Owned(gaussian(before, self.sigma)) } else { Cow::Borrowed(before) };
        match &self.kernel {
            Some(kernel) => widest(Convolve { plane: &blurred, kernel, constant: self.constant }),
            None => blurred.into_owned(),
        }
    }
}

/// How far two pictures are apart: square roots, because a few places that were drawn over must not decide.
fn misfit(one: &Plane, other: &Plane, places: &[usize]) -> f64 {
    let apart = |&i: &usize| f64::from((one.samples()[i] - other.samples()[i]).abs()).sqrt();
    places.iter().map(apart).sum()
}

/// What the kernel makes of the sample at `i`, which is no nearer to the border than it reaches.
#[inline(always)]
fn convolved(plane: &Plane, kernel: &[f32; TAPS], i: usize) -> f32 {
    let width = plane.width();
    let rows = kernel.chunks_exact(SIDE).enumerate().map(|(row, taps)| {
        let from = i + row * width - REACH * width - REACH;
        taps.iter().zip(&plane.samples()[from..from + SIDE]).map(|(t, v)| t * v).sum::<f32>()
    });
    rows.sum()
}

/// The Gaussian that brings `before` nearest to `after`, if one brings it much nearer.
fn softened<'a>(before: &'a Plane, after: &Plane, places: &[usize]) -> (f32, Cow<'a, Plane>) {
    let none = misfit(before, after, places);
    // A wider blur than the right one is worse the wider it is: where the narrowest is no better than none, none is right.
    let mut best = (none, 0.0, Cow::Borrowed(before));
    for sigma in SIGMAS {
        let blurred = gaussian(before, sigma);
        let apart = misfit(&blurred, after, places);
        // Each is worse than the one before from the best one on.
        if apart >= best.0 {
            break;
        }
        best = (apart, sigma, Cow::Owned(blurred));
    }
    if best.0 < NEARER * none { (best.1, best.2) } else { (0.0, Cow::Borrowed(before)) }
}

/// The steepest two fifths of the places, evenly thinned.
fn edges(plane: &Plane, valid: &Plane) -> Vec<usize> {
    let (width, height) = (plane.width(), plane.height());
    let inner = |i: usize| {
        let (x, y) = (i % width, i / width);
        (REACH..width.saturating_sub(REACH)).contains(&x)
            && (REACH..height.saturating_sub(REACH)).contains(&y)
    };
    let steep = |i: usize| {
        let v = plane.samples();
        let (dx, dy) = (v[i + 1] - v[i - 1], v[i + width] - v[i - width]);
        dx * dx + dy * dy
    };
    let places = chosen(valid, 5 * MOST / 2, inner);
    let mut all: Vec<(f32, usize)> =
        places.into_iter().map(|i| (steep(i), i)).filter(|(s, _)| *s > 4.0).collect();
    let most = MOST.min(all.len());
    all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    all.truncate(most);
    all.into_iter().map(|(_, i)| i).collect()
}

fn fit_kernel(before: &Plane, after: &Plane, places: &[usize]) -> Option<(Box<[f32; TAPS]>, f32)> {
    let width = before.width();
    let around = |i: usize| {
        let mut terms = [1.0_f64; TAPS + 1];
        for (row, terms) in terms[..TAPS].chunks_exact_mut(SIDE).enumerate() {
            let from = i + row * width - REACH * width - REACH;
            terms.iter_mut().zip(&before.samples()[from..from + SIDE]).for_each(|(t, v)| *t = f64::from(*v));
        }
        terms
    };
    let mut weights = vec![1.0; places.len()];
    let mut solution = Vec::new();
    for _ in 0..ROUNDS {
        let mut normal = Normal::new(TAPS + 1);
        for (&i, &weight) in places.iter().zip(&weights) {
            normal.add_full(&around(i), f64::from(after.samples()[i]), weight);
        }
        // Towards a kernel that changes nothing, as strongly as edges of less than a code value would.
        for tap in 0..TAPS {
            let centre = if tap == TAPS / 2 { 1.0 } else { 0.0 };
            normal.add(&[(tap, 1.0)], centre, 0.5 * places.len() as f64);
        }
        solution = normal.solve()?;
        let residual = |&i: &usize| {
            let made: f64 = around(i).iter().zip(&solution).map(|(a, b)| a * b).sum();
            f64::from(after.samples()[i]) - made
        };
        robust_weights(&places.iter().map(residual).collect::<Vec<_>>(), MOSTLY, &mut weights);
    }
    let kernel = std::array::from_fn(|i| solution[i] as f32);
    Some((Box::new(kernel), solution[TAPS] as f32))
}

struct Convolve<'a> {
    plane: &'a Plane,
    kernel: &'a [f32; TAPS],
    constant: f32,
}

impl Wide for Convolve<'_> {
    type Output = Plane;

    #[inline(always)]
    fn run(self) -> Plane {
        let Self { plane, kernel, constant } = self;
        let (width, height) = (plane.width(), plane.height());
        let mut out = Plane::filled(plane.size(), constant);
        let mut line = vec![0.0; width + 2 * REACH];
        for y in 0..height {
            for (j, taps) in kernel.chunks_exact(SIDE).enumerate() {
                let from = plane.row((y + j).saturating_sub(REACH).min(height - 1));
                line[REACH..][..width].copy_from_slice(from);
                line[..REACH].fill(from[0]);
                line[REACH + width..].fill(from[width - 1]);
                let row = out.row_mut(y);
                for (i, tap) in taps.iter().enumerate() {
                    row.iter_mut().zip(&line[i..][..width]).for_each(|(v, s)| *v += tap * s);
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Size;

    #[test]
    fn softened_and_shifted_copies_are_followed() {
        let size = Size { width: 300, height: 200 };
        let before = Plane::from_fn(size, |x, y| if (x / 17 + y / 23) % 2 == 0 { 40.0 } else { 200.0 });
        let before = gaussian(&before, 0.7);
        for sigma in [0.0, 1.2, 4.0] {
            // Half a pixel to the right as well.
            let blurred = gaussian(&before, sigma);
            let after = Plane::from_fn(size, |x, y| {
                0.5 * (blurred.at(x, y) + blurred.at((x + 1).min(size.width - 1), y))
            });
            let blur = Blur::fit(&before, &after, &Plane::filled(size, 1.0));
            let made = blur.apply(&before);
            let inner = (20..180).flat_map(|y| (20..280).map(move |x| (x, y)));
            let square = |(x, y)| (made.at(x, y) - after.at(x, y)) * (made.at(x, y) - after.at(x, y));
            let (sum, count) = inner.map(square).fold((0.0, 0.0), |(sum, n), v| (sum + v, n + 1.0_f32));
            // Of edges of 160 code values.
            assert!((sum / count).sqrt() < 1.5, "sigma {sigma}: {}", (sum / count).sqrt());
        }
    }

    #[test]
    fn a_flat_picture_tells_nothing() {
        let flat = Plane::filled(Size { width: 64, height: 64 }, 100.0);
        let blur = Blur::fit(&flat, &flat, &Plane::filled(flat.size(), 1.0));
        assert_eq!(blur.apply(&flat), flat);
    }
}
