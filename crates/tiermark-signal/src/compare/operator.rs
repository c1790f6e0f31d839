//! Drawing operators that no curve explains: lines extracted from a picture.

use super::family;
use crate::filter::bell;
use crate::{Plane, Wide, widest};

/// What was done to each sample together with its neighbours, before curves and thresholds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Operator {
    /// Nothing: a curve or steps are all.
    Same,
    /// Dodged by its own blur: `255 o / blur(o)`, as pencil filters do.
    Dodge {
        /// Deviation of the blur, px.
        sigma: f32,
    },
    /// `blur(o, fine) - share blur(o, coarse)`: differences of Gaussians, and thresholds that adapt.
    Difference {
        /// Deviation of the finer blur, px; 0.0 for none.
        fine: f32,
        /// Deviation of the coarser one, px.
        coarse: f32,
        /// How much of the coarser one is taken away.
        share: f32,
    },
    /// Length of Sobel's gradient after a blur.
    Gradient {
        /// Deviation of the blur, px.
        sigma: f32,
    },
    /// Four neighbours less four times the sample, after a blur.
    Laplacian {
        /// Deviation of the blur, px.
        sigma: f32,
    },
}

/// Dodged values from here on are alike: cut at white long before.
const BRIGHTEST: f32 = 320.0;
/// A blur is never darker than this where it divides, code values.
const DARKEST: f32 = 1.0;
/// Gradients shorter than this have no direction, code values.
const LEVEL: f32 = 1.0;

impl Operator {
    /// The operator that leads from `before` to `after`, if one explains it far better than `plain` does, which is what `before`
    /// became by curve and blur alone.
    pub fn between(before: &Plane, after: &Plane, plain: &Plane, valid: &Plane) -> Option<Self> {
        family::best(before, after, plain, valid)
    }

    /// What it makes of a picture.
    pub fn apply(&self, picture: &Plane) -> Plane {
        match *self {
            Self::Same => picture.clone(),
            Self::Dodge { sigma } => with(picture, &bell(picture, sigma), dodged),
            Self::Difference { fine, coarse, share } => {
                with(&bell(picture, fine), &bell(picture, coarse), |a, b| a - share * b)
            }
            Self::Gradient { sigma } => {
                let smooth = bell(picture, sigma);
                with(&sobel(&smooth, 1), &sobel(&smooth, smooth.width()), |x, y| (x * x + y * y).sqrt())
            }
            Self::Laplacian { sigma } => laplacian(&bell(picture, sigma)),
        }
    }

    /// The adjoint of how it passes on small changes of `picture`: where they come from that show in `made`.
    ///
    /// For `made` of no correlation with a change `d` of the picture the sum of `made` times what the operator makes of `d`
    /// equals that of `d` times this, but near the border.
    pub fn adjoint(&self, picture: &Plane, made: &Plane) -> Plane {
        match *self {
            Self::Same => made.clone(),
            Self::Dodge { sigma } => {
                let blur = bell(picture, sigma);
                let own = with(made, &blur, |q, b| 255.0 * q / b.max(DARKEST));
                let others = with(&own, &with(picture, &blur, |o, b| o / b.max(DARKEST)), |q, r| q * r);
                with(&own, &bell(&others, sigma), |a, b| a - b)
            }
            Self::Difference { fine, coarse, share } => {
                with(&bell(made, fine), &bell(made, coarse), |a, b| a - share * b)
            }
            Self::Gradient { sigma } => {
                let smooth = bell(picture, sigma);
                let (x, y) = (sobel(&smooth, 1), sobel(&smooth, smooth.width()));
                let length = with(&x, &y, |x, y| (x * x + y * y + LEVEL * LEVEL).sqrt());
                let share = with(made, &length, |q, l| q / l);
                let across = sobel(&with(&share, &x, |q, x| q * x), 1);
                let down = sobel(&with(&share, &y, |q, y| q * y), smooth.width());
                bell(&with(&across, &down, |a, b| -a - b), sigma)
            }
            Self::Laplacian { sigma } => bell(&laplacian(made), sigma),
        }
    }
}

#[inline(always)]
pub(super) fn dodged(v: f32, blur: f32) -> f32 {
    (255.0 * v / blur.max(DARKEST)).min(BRIGHTEST)
}

/// Two planes, sample by sample.
fn with(one: &Plane, other: &Plane, f: impl Fn(f32, f32) -> f32) -> Plane {
    let mut out = one.clone();
    out.samples_mut().iter_mut().zip(other.samples()).for_each(|(a, b)| *a = f(*a, *b));
    out
}

/// Sobel's derivative along steps of `stride` samples, 1 or a row; 0.0 at the border.
fn sobel(plane: &Plane, stride: usize) -> Plane {
    let aside = if stride == 1 { plane.width() } else { 1 };
    let difference = |i: usize, v: &[f32]| v[i + stride] - v[i - stride];
    inner(plane, move |i, v| 2.0 * difference(i, v) + difference(i - aside, v) + difference(i + aside, v))
}

fn laplacian(plane: &Plane) -> Plane {
    let width = plane.width();
    inner(plane, move |i, v| v[i - 1] + v[i + 1] + v[i - width] + v[i + width] - 4.0 * v[i])
}

/// `at` of each place but those at the border.
fn inner(plane: &Plane, at: impl Fn(usize, &[f32]) -> f32) -> Plane {
    widest(Inner { plane, at })
}

struct Inner<'a, F> {
    plane: &'a Plane,
    at: F,
}

impl<F: Fn(usize, &[f32]) -> f32> Wide for Inner<'_, F> {
    type Output = Plane;

    #[inline(always)]
    fn run(self) -> Plane {
        let (width, height) = (self.plane.width(), self.plane.height());
        let mut out = Plane::filled(self.plane.size(), 0.0);
        for y in 1..height.saturating_sub(1) {
            for x in 1..width.saturating_sub(1) {
                out.row_mut(y)[x] = (self.at)(y * width + x, self.plane.samples());
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Size;

    const SIZE: Size = Size { width: 90, height: 70 };

    const ALL: [Operator; 6] = [
        Operator::Same,
        Operator::Dodge { sigma: 3.0 },
        Operator::Difference { fine: 0.8, coarse: 2.0, share: 0.95 },
        Operator::Difference { fine: 0.0, coarse: 3.0, share: 1.0 },
        Operator::Gradient { sigma: 1.0 },
        Operator::Laplacian { sigma: 0.5 },
    ];

    /// Waves, so that gradients have a direction nearly everywhere.
    fn picture() -> Plane {
        Plane::from_fn(SIZE, |x, y| {
            130.0
                + 60.0 * libm::sinf(x as f32 * 0.4 + 0.1)
                + 40.0 * libm::sinf(y as f32 * 0.31 + x as f32 * 0.05)
        })
    }

    /// Noise in the middle and nothing near the border.
    fn noise(seed: usize) -> Plane {
        Plane::from_fn(SIZE, |x, y| {
            let inside = (16..SIZE.width - 16).contains(&x) && (16..SIZE.height - 16).contains(&y);
            let v = ((x * 7919 + y * 104_729 + x * y * 31 + seed * 77) % 17) as f32 - 8.0;
            if inside { v } else { 0.0 }
        })
    }

    #[test]
    fn the_adjoint_is_that_of_small_changes() {
        let (picture, change, made) = (picture(), noise(1), noise(2));
        for operator in ALL {
            let moved = |by: f32| operator.apply(&with(&picture, &change, |v, d| v + by * d));
            let passed = with(&moved(0.01), &moved(-0.01), |a, b| (a - b) / 0.02);
            let product = |a: &Plane, b: &Plane| -> f64 {
                a.samples().iter().zip(b.samples()).map(|(a, b)| f64::from(a * b)).sum()
            };
            let there = product(&passed, &made);
            let back = product(&change, &operator.adjoint(&picture, &made));
            let size = product(&passed, &passed).sqrt() * product(&made, &made).sqrt();
            assert!((there - back).abs() < 0.02 * size, "{operator:?}: {there} {back} of {size}");
        }
    }

    #[test]
    fn flat_colour_has_no_lines() {
        let flat = Plane::filled(SIZE, 100.0);
        for (operator, want) in ALL.into_iter().zip([100.0, 255.0, 5.0, 0.0, 0.0, 0.0]) {
            let v = operator.apply(&flat).at(40, 30);
            assert!((v - want).abs() < 1e-2, "{operator:?}: {v}");
        }
    }
}
