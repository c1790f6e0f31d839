//! How strong a mark is, by name.

use super::row::soft_limit;
use crate::mask::Activity;

/// How strong the mark is, in code values of an 8-bit file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Strength {
    /// Standard deviation of the word's pattern on flat colour.
    pub word: f32,
    /// Standard deviation of the lattice's pattern on flat colour.
    pub lattice: f32,
    /// Standard deviation of the closed set's pattern on flat colour; of its colour differences a fifth of that.
    pub cells: f32,
    /// Largest change on flat colour, before rounding.
    pub cap: f32,
    /// Largest change where colour can go one way only, before rounding: paper white and ink black, where a code value is seen
    /// least.
    pub paper: f32,
    /// By how much the busiest texture may exceed flat colour.
    pub gain: f32,
    /// Peak signal-to-noise ratio that no picture goes below, dB: a picture that is busy all over gets less gain.
    pub psnr: f64,
}

impl Strength {
    /// For masters and what is looked at closely: 50 dB and more.
    pub const DELIVERY: Self =
        Self { word: 0.46, lattice: 0.42, cells: 0.30, cap: 1.05, paper: 1.05, gain: 2.0, psnr: 50.5 };
    /// What `stamp` uses unless told otherwise: below the threshold of sight on a bright screen
    /// (`docs/spec/mark-v1.md`). Flat colour moves by one code value to each side, so what more of the pattern there is costs
    /// less than a decibel, and is worth 10 to 25 % of z after a hard codec.
    pub const STANDARD: Self =
        Self { word: 0.70, lattice: 0.62, cells: 0.60, cap: 1.49, paper: 1.75, gain: 2.4, psnr: 45.3 };
    /// For recipients who may well attack the copies, and small frames: 42 dB and more, still two values on flat colour.
    pub const HOSTILE: Self =
        Self { word: 0.95, lattice: 0.75, cells: 0.60, cap: 2.2, paper: 2.4, gain: 3.0, psnr: 42.3 };

    /// All there are, weakest first.
    pub const NAMED: [(&'static str, Self); 3] =
        [("delivery", Self::DELIVERY), ("standard", Self::STANDARD), ("hostile", Self::HOSTILE)];

    /// The strength of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMED.into_iter().find(|(known, _)| *known == name).map(|(_, strength)| strength)
    }

    /// The gain that keeps a picture of this activity above `psnr`.
    pub(super) fn affordable_gain(&self, activity: &Activity) -> f32 {
        let variance =
            f64::from(self.word * self.word + self.lattice * self.lattice + self.cells * self.cells);
        let variance = variance * share_left(libm::sqrt(variance) / f64::from(self.cap));
        // Rounding to 8 bits adds 1/12.
        let budget = 255.0 * 255.0 / libm::pow(10.0, self.psnr / 10.0) - 1.0 / 12.0;
        let affordable = |gain: &f32| variance * activity.mean_square_growth(SLOPE, *gain) <= budget;
        // In steps of a sixteenth: finer ones could not be told apart.
        let steps = ((self.gain - 1.0) * 16.0) as u16;
        (0..=steps).rev().map(|step| 1.0 + f32::from(step) / 16.0).find(affordable).unwrap_or(1.0)
    }
}

/// What the soft limit leaves of the variance of a pattern, which is about normal, of this deviation over its cap: 0.54 of the
/// standard one, 0.70 of a further one.
fn share_left(deviation: f64) -> f64 {
    const STEPS: i32 = 16;
    let (mut left, mut mass) = (0.0, 0.0);
    for at in -6 * STEPS..=6 * STEPS {
        let normal = f64::from(at) / f64::from(STEPS);
        let density = libm::exp(-0.5 * normal * normal);
        let limited = f64::from(soft_limit((deviation * normal) as f32));
        left += density * limited * limited;
        mass += density;
    }
    left / mass / (deviation * deviation)
}

/// Standard deviation of the closed set in each colour difference, as a share of that in luma.
pub(super) const TINT: f32 = 0.2;

/// Growth of the mark for each code value of activity.
pub(super) const SLOPE: f32 = 0.35;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_far_below_its_cap_is_hardly_limited_and_one_far_above_is_a_sign() {
        // From the definition, summed to 8 deviations in steps of 1/12500.
        for (deviation, share) in [(0.7457, 0.5426), (0.5111, 0.7045), (0.6141, 0.6291)] {
            assert!((share_left(deviation) - share).abs() < 1e-3, "{deviation}: {}", share_left(deviation));
        }
        assert!(share_left(0.01) > 0.999);
        assert!((share_left(50.0) * 2500.0 - 1.0).abs() < 0.05);
    }
}
