//! Both pictures at one level of detail.

use super::Prepared;
use super::grid::{resized, slope_at, value_at};
use super::pose::Pose;
use super::row_places;
use crate::filter::gaussian;
use crate::{Plane, Size};

/// Blur of both, px of the level: cubic slopes of sharper pictures are biased.
const BLUR: f32 = 0.7;
/// Scale below which the original is made smaller first.
const SMALLER: f64 = 0.9;

/// The found picture `factor` times smaller, and the original at about the same scale.
pub(super) struct Level {
    pub(super) found: Plane,
    /// Found px to one of the level.
    pub(super) factor: usize,
    original: Plane,
    /// Px of `original` to one of the original itself.
    scale: [f64; 2],
}

impl Level {
    /// Nothing if the two do not meet.
    pub(super) fn new(original: &Prepared, found: &Prepared, factor: usize, pose: &Pose) -> Option<Self> {
        let scale = pose.scale(found.size(), original.size())?.map(|s| s / factor as f64);
        let widest = scale[0].max(scale[1]);
        // Half the detail more than is needed: what a box blurs is then out of sight.
        let short = original.size().short_side();
        let enough = |k: &usize| short >> (k + 1) >= 8 && widest * f64::from(1_u32 << (k + 1)) <= 0.5;
        let halvings = (0..super::HALVINGS).take_while(enough).count();
        let source = original.halved(halvings);
        let source = source.as_ref();
        let step = (1_usize << halvings) as f64;
        let side = |n: usize, s: f64| {
            let s = s * step;
            if s < SMALLER { ((n as f64 * s).round() as usize).max(1) } else { n }
        };
        let size = Size { width: side(source.width(), scale[0]), height: side(source.height(), scale[1]) };
        if size.short_side() < 8 {
            return None;
        }
        let ratio = [
            size.width as f64 / (source.width() as f64 * step),
            size.height as f64 / (source.height() as f64 * step),
        ];
        let finer = (ratio[0] / scale[0]).min(ratio[1] / scale[1]).min(1.0) as f32;
        let small = gaussian(&resized(source, size), BLUR * finer);
        let found = gaussian(found.halved(factor.trailing_zeros() as usize).as_ref(), BLUR);
        Some(Self { found, factor, original: small, scale: ratio })
    }

    /// The place of a level's pixel, found px.
    pub(super) fn place(&self, x: usize, y: usize) -> [f64; 2] {
        [x, y].map(|v| (v as f64 + 0.5) * self.factor as f64 - 0.5)
    }

    fn small(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        [(x + 0.5) * self.scale[0] - 0.5, (y + 0.5) * self.scale[1] - 0.5]
    }

    /// The original on the level's grid, NaN where it is not.
    pub(super) fn warped(&self, pose: &Pose) -> Plane {
        let mut warped = Plane::filled(self.found.size(), f32::NAN);
        let mut places = vec![[0.0; 2]; self.found.width()];
        let place = |[x, y]: [f64; 2]| {
            self.small(pose.original_at([x, y].map(|v| (v + 0.5) * self.factor as f64 - 0.5)))
        };
        for y in 0..self.found.height() {
            row_places(&place, y, &mut places);
            for (v, place) in warped.row_mut(y).iter_mut().zip(&places) {
                if let Some(value) = value_at(&self.original, *place) {
                    *v = value;
                }
            }
        }
        warped
    }

    /// The original's value, and its slopes for each straight found px, at a straight found place.
    pub(super) fn sample(&self, pose: &Pose, straight: [f64; 2]) -> Option<[f64; 3]> {
        let [value, gx, gy] = slope_at(&self.original, self.small(pose.back.apply(straight)))?.map(f64::from);
        let [[a, b], [c, d]] = pose.back.jacobian(straight);
        let (gx, gy) = (gx * self.scale[0], gy * self.scale[1]);
        Some([value, gx * a + gy * c, gx * b + gy * d])
    }
}
