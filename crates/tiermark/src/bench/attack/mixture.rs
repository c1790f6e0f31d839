//! What recipients do who put their copies together.

use image::DynamicImage;
use tiermark_signal::Plane;

use super::{on_white, planes_of};

/// How copies are mixed, sample by sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    /// The mean.
    Mean,
    /// The middle one.
    Median,
    /// The mean of the least and the largest.
    Extremes,
    /// Each pixel from any copy.
    Any,
}

impl Mix {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Median => "median",
            Self::Extremes => "mean of least and most",
            Self::Any => "pixels from any",
        }
    }

    /// The colours of the mixture on white paper; the copies have one size.
    pub(super) fn of(self, copies: &[DynamicImage], dice: &mut fastrand::Rng) -> Vec<Plane> {
        let all: Vec<Vec<Plane>> = copies.iter().map(|copy| planes_of(&on_white(copy)).0).collect();
        let mut mixed = all[0].clone();
        let count = all.len();
        // A pixel comes from one copy in all its channels.
        let chosen: Vec<usize> = match self {
            Self::Any => mixed[0].samples().iter().map(|_| dice.usize(..count)).collect(),
            _ => Vec::new(),
        };
        let mut values = vec![0.0_f32; count];
        for (channel, plane) in mixed.iter_mut().enumerate() {
            for (i, sample) in plane.samples_mut().iter_mut().enumerate() {
                values.iter_mut().zip(&all).for_each(|(v, copy)| *v = copy[channel].samples()[i]);
                *sample = match self {
                    Self::Mean => values.iter().sum::<f32>() / count as f32,
                    Self::Any => values[chosen[i]],
                    Self::Median => *values.select_nth_unstable_by(count / 2, f32::total_cmp).1,
                    Self::Extremes => {
                        let least = values.iter().copied().fold(f32::MAX, f32::min);
                        0.5 * (least + values.iter().copied().fold(f32::MIN, f32::max))
                    }
                };
            }
        }
        mixed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, RgbImage};

    #[test]
    fn copies_are_mixed_sample_by_sample() {
        let flat = |v| DynamicImage::ImageRgb8(RgbImage::from_pixel(20, 10, Rgb([v, 2 * v, v])));
        let copies = [flat(10), flat(20), flat(60)];
        let of = |mix: Mix| mix.of(&copies, &mut fastrand::Rng::with_seed(1));
        let first = |mix: Mix| [of(mix)[0].at(3, 3), of(mix)[1].at(3, 3)];
        assert_eq!(first(Mix::Mean), [30.0, 60.0]);
        assert_eq!(first(Mix::Median), [20.0, 40.0]);
        assert_eq!(first(Mix::Extremes), [35.0, 70.0]);
        let any = of(Mix::Any);
        assert!(any[0].samples().iter().zip(any[1].samples()).all(|(r, g)| 2.0 * r == *g));
        let count = |v: f32| any[0].samples().iter().filter(|s| **s == v).count();
        assert!([10.0, 20.0, 60.0].iter().all(|v| (40..95).contains(&count(*v))));
    }
}
