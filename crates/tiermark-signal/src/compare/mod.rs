//! What was done to a picture, told from the picture before and after: its colours, and its sharpness.
//!
//! Both pictures lie on one grid already (`align` sees to that). Fits are robust: what was drawn over or
//! pasted in takes no part.

mod became;
mod blur;
mod family;
mod operator;
mod tone;

pub use became::Became;
pub use blur::Blur;
pub use operator::Operator;
pub use tone::Tone;

use crate::Plane;

/// Samples that a fit looks at, at most.
const MOST: usize = 60_000;

/// Places of the samples that a fit looks at: evenly over those that `take` chooses, the same on every machine.
fn chosen(valid: &Plane, most: usize, take: impl Fn(usize) -> bool) -> Vec<usize> {
    let takes = |i: &usize| valid.samples()[*i] > 0.0 && take(*i);
    let places = 0..valid.samples().len();
    let count = places.clone().filter(takes).count();
    if count <= most {
        return places.filter(takes).collect();
    }
    // A stride prime to most widths, so that no column is left out.
    let step = count as f64 / most as f64;
    let wanted = (0..most).map(|k| ((k as f64 + scatter(k)) * step) as usize);
    let (mut all, mut passed, mut place) = (places.filter(takes), 0, None);
    let next = |n: usize| {
        // The same one twice where there are hardly more than are wanted.
        if n >= passed {
            place = all.nth(n - passed);
            passed = n + 1;
        }
        place
    };
    wanted.filter_map(next).collect()
}

/// A number in 0.0..1.0 for each k, without pattern: the golden ratio's multiples.
fn scatter(k: usize) -> f64 {
    let turned = k as f64 * 0.618_033_988_749_894_9;
    turned - libm::floor(turned)
}

/// How much of a picture a fit takes to be what it looks for, and the rest for drawn over.
#[derive(Clone, Copy)]
struct Trust {
    /// The share of the residuals, by size, of which the largest tells how far they scatter.
    share: f64,
    /// Its size for a normal deviate of deviation 1.
    normal: f64,
    /// Whether what is far off is as good as left out: it is the most.
    leaves_out: bool,
}

/// Most of it.
const MOSTLY: Trust = Trust { share: 0.5, normal: 0.674_49, leaves_out: false };
/// A good fifth of it.
const HARDLY: Trust = Trust { share: 0.2, normal: 0.253_35, leaves_out: true };

/// Weights that let nothing far off decide, by twice the deviation of what is trusted: Cauchy's, or Geman's and McClure's.
fn robust_weights(residuals: &[f64], trust: Trust, weights: &mut [f64]) {
    let mut sizes: Vec<f64> = residuals.iter().map(|r| r.abs()).collect();
    if sizes.is_empty() {
        return;
    }
    let at = (sizes.len() as f64 * trust.share) as usize;
    let (_, usual, _) = sizes.select_nth_unstable_by(at, f64::total_cmp);
    // A code value's rounding is never an outlier.
    let scale = (2.0 * *usual / trust.normal).max(0.5);
    for (weight, r) in weights.iter_mut().zip(residuals) {
        let near = 1.0 / (1.0 + (r / scale) * (r / scale));
        *weight = if trust.leaves_out { near * near } else { near };
    }
}
