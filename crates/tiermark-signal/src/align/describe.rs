//! What a picture looks like around a point: gradient directions in sixteen cells.
//!
//! Lowe, IJCV 60(2), 2004, sections 5 and 6; the histograms are compared by their roots, which weighs many small
//! differences against few large ones: Arandjelovic and Zisserman, "Three things everyone should know to improve object
//! retrieval", CVPR 2012, section 3.

use crate::Plane;
use std::f32::consts::PI;

/// A point that can be found again, and what it looks like.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    /// Where it is, pixels; pixel centres are whole numbers.
    pub at: [f64; 2],
    /// Standard deviation of the Gaussian at which it stands out, pixels.
    pub scale: f32,
    /// Main direction of its gradients, radians in -pi..=pi; x to y is positive.
    pub angle: f32,
    /// 4 rows of 4 cells of 8 directions, relative to `angle`: 512 times the root of each share, at most 255.
    pub descriptor: [u8; 128],
}

impl Feature {
    /// Squared Euclidean distance of the descriptors: 0 to about 524 288; for unrelated features around 200 000.
    pub fn distance(&self, other: &Self) -> u32 {
        let square = |(&a, &b): (&u8, &u8)| u32::from(a.abs_diff(b)) * u32::from(a.abs_diff(b));
        self.descriptor.iter().zip(&other.descriptor).map(square).sum()
    }

    /// The feature that the mirrored picture, left for right and `width` pixels wide, has here.
    ///
    /// Exact, since a mirror only reorders cells and directions: no second look at the pixels is needed.
    pub fn mirrored(&self, width: usize) -> Self {
        let angle = if self.angle < 0.0 { -PI - self.angle } else { PI - self.angle };
        let at = [width as f64 - 1.0 - self.at[0], self.at[1]];
        let descriptor = std::array::from_fn(|i| {
            let (row, cell, direction) = (i / 32, i / 8 % 4, i % 8);
            self.descriptor[(3 - row) * 32 + cell * 8 + (8 - direction) % 8]
        });
        Self { at, angle, descriptor, ..*self }
    }

    /// The feature that the negative of the picture has here: gradients turn round, and the main one with them.
    pub fn inverted(&self) -> Self {
        let angle = if self.angle > 0.0 { self.angle - PI } else { self.angle + PI };
        let descriptor = std::array::from_fn(|i| self.descriptor[(15 - i / 8) * 8 + i % 8]);
        Self { angle, descriptor, ..*self }
    }
}

/// The descriptor in 256 bits, for Hamming distances: whether each number is above [`STEPS`] one and two.
///
/// The first two words hold the first question for all 128 numbers, in order from the lowest bit, the others the second.
pub fn signature(feature: &Feature) -> [u64; 4] {
    let mut words = [0; 4];
    for (question, &step) in STEPS.iter().enumerate() {
        for (i, &v) in feature.descriptor.iter().enumerate() {
            words[2 * question + i / 64] |= u64::from(v > step) << (i % 64);
        }
    }
    words
}

/// Where the numbers of descriptors are cut into three equal parts, measured on 10 241 features of eight sample frames of
/// all classes: 33 % are up to 16, 67 % up to 44.
pub const STEPS: [u8; 2] = [16, 44];

/// An extremum before it is described; places and sizes in pixels of its octave.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    /// How often the base grid was halved.
    pub(super) octave: usize,
    /// The plane of the octave nearest in scale.
    pub(super) layer: usize,
    pub(super) at: [f32; 2],
    pub(super) sigma: f32,
    /// Absolute difference of Gaussians there, code values.
    pub(super) strength: f32,
}

/// The features at one extremum: one for each direction that is nearly as strong as the strongest (section 5).
pub(super) fn features(bell: &Plane, spot: &Spot) -> Vec<Feature> {
    let unit = (1_u32 << spot.octave) as f32;
    let feature = |angle| Feature {
        at: spot.at.map(|v| f64::from(v) * f64::from(unit)),
        scale: spot.sigma * unit,
        angle,
        descriptor: descriptor(bell, spot, angle),
    };
    angles(bell, spot).into_iter().map(feature).collect()
}

/// Main directions of the gradients around, radians.
fn angles(bell: &Plane, spot: &Spot) -> Vec<f32> {
    const BINS: usize = 36;
    let spread = 1.5 * spot.sigma;
    let mut histogram = [0.0_f32; BINS];
    for_gradients(bell, spot.at, 3.0 * spread, |dx, dy, gradient| {
        let weight = bell_weight((dx * dx + dy * dy) / (spread * spread) * 4.0);
        let bin = (gradient.angle * (BINS as f32 / (2.0 * PI)) + BINS as f32).round() as usize % BINS;
        histogram[bin] += weight * gradient.magnitude;
    });
    let at = |i: usize| histogram[i % BINS];
    let smooth: [f32; BINS] = std::array::from_fn(|i| {
        let pair = |d: usize| at(i + d) + at(i + BINS - d);
        (6.0 * at(i) + 4.0 * pair(1) + pair(2)) / 16.0
    });
    let strongest = smooth.iter().copied().fold(0.0, f32::max);
    let peak = |i: usize| {
        let [left, here, right] = [i + BINS - 1, i, i + 1].map(|i| smooth[i % BINS]);
        if here <= left || here < right || here < 0.8 * strongest {
            return None;
        }
        let place = i as f32 + 0.5 * (left - right) / (left - 2.0 * here + right);
        let angle = place * (2.0 * PI / BINS as f32);
        Some(if angle > PI { angle - 2.0 * PI } else { angle })
    };
    (0..BINS).filter_map(peak).collect()
}

/// Histograms of directions in 4 by 4 cells of 3 sigma, each sample shared among its neighbours (section 6.1).
fn descriptor(bell: &Plane, spot: &Spot, angle: f32) -> [u8; 128] {
    let cell = 3.0 * spot.sigma;
    let (sin, cos) = libm::sincosf(angle);
    // One row and column of cells around, and a direction behind the last, so that sharing needs no questions.
    let mut histogram = [[[0.0_f32; 9]; 6]; 6];
    for_gradients(bell, spot.at, 2.5 * std::f32::consts::SQRT_2 * cell, |dx, dy, gradient| {
        let (u, v) = ((cos * dx + sin * dy) / cell, (cos * dy - sin * dx) / cell);
        if u.abs() >= 2.5 || v.abs() >= 2.5 {
            return;
        }
        let turned = (gradient.angle - angle) * (4.0 / PI);
        let turned = turned - 8.0 * (turned / 8.0).floor();
        let mass = gradient.magnitude * bell_weight(u * u + v * v);
        share(&mut histogram, [v + 2.5, u + 2.5, turned], mass);
    });
    quantised(&folded(&histogram))
}

#[inline]
fn share(histogram: &mut [[[f32; 9]; 6]; 6], place: [f32; 3], mass: f32) {
    let [row, column, direction] = place.map(|v| v as usize);
    let [down, across, round] = place.map(f32::fract);
    let (row, column, direction) = (row.min(4), column.min(4), direction.min(7));
    for (cells, mass) in histogram[row..row + 2].iter_mut().zip([mass * (1.0 - down), mass * down]) {
        for (bins, mass) in cells[column..column + 2].iter_mut().zip([mass * (1.0 - across), mass * across]) {
            bins[direction] += mass * (1.0 - round);
            bins[direction + 1] += mass * round;
        }
    }
}

fn folded(histogram: &[[[f32; 9]; 6]; 6]) -> [f32; 128] {
    std::array::from_fn(|i| {
        let bins = &histogram[i / 32 + 1][i / 8 % 4 + 1];
        bins[i % 8] + if i % 8 == 0 { bins[8] } else { 0.0 }
    })
}

/// Large gradients cut at 0.2 of the length (section 6.2), then roots of the shares.
fn quantised(histogram: &[f32; 128]) -> [u8; 128] {
    let length = histogram.iter().map(|v| v * v).sum::<f32>().sqrt();
    let cut = histogram.map(|v| v.min(0.2 * length));
    let total: f32 = cut.iter().sum::<f32>().max(f32::MIN_POSITIVE);
    cut.map(|v| (512.0 * (v / total).sqrt()).round().min(255.0) as u8)
}

struct Gradient {
    magnitude: f32,
    angle: f32,
}

/// Calls `f(dx, dy, gradient)` for all samples within `reach` of `at` that have neighbours.
#[inline]
fn for_gradients(plane: &Plane, at: [f32; 2], reach: f32, mut f: impl FnMut(f32, f32, Gradient)) {
    let span = |v: f32, end: usize| {
        let from = (v - reach).ceil().max(1.0) as usize;
        from..((v + reach).floor().max(0.0) as usize + 1).min(end - 1)
    };
    for y in span(at[1], plane.height()) {
        let [above, row, below] = [y - 1, y, y + 1].map(|y| plane.row(y));
        for x in span(at[0], plane.width()) {
            let (gx, gy) = (row[x + 1] - row[x - 1], below[x] - above[x]);
            let gradient = Gradient { magnitude: (gx * gx + gy * gy).sqrt(), angle: arc_tangent(gy, gx) };
            f(x as f32 - at[0], y as f32 - at[1], gradient);
        }
    }
}

/// `atan2` to 1e-5 radians: Abramowitz and Stegun 4.4.47. The exact one took half of the time.
#[inline]
fn arc_tangent(y: f32, x: f32) -> f32 {
    let (large, small) = (x.abs().max(y.abs()), x.abs().min(y.abs()));
    let t = small / large.max(f32::MIN_POSITIVE);
    let s = t * t;
    let part = ((((0.020_835_1 * s - 0.085_133) * s + 0.180_141) * s - 0.330_299_5) * s + 0.999_866) * t;
    let first = if y.abs() > x.abs() { 0.5 * PI - part } else { part };
    let half = if x < 0.0 { PI - first } else { first };
    if y < 0.0 { -half } else { half }
}

/// `exp(-square / 8)`: a bell of standard deviation 2, in 16 steps for each unit of `square`.
#[inline]
fn bell_weight(square: f32) -> f32 {
    BELL[((square * 16.0) as usize).min(BELL.len() - 1)]
}

/// Powers of `exp(-1/128)`, multiplied up as the program is built.
static BELL: [f32; 640] = {
    let mut bell = [0.0; 640];
    // exp(-1/256), the middle of the first step; each next is exp(-1/128) lower.
    let mut weight = 0.996_101_369_470_117_5_f64;
    let mut i = 0;
    while i < bell.len() {
        bell[i] = weight as f32;
        weight *= 0.992_217_938_260_243_5;
        i += 1;
    }
    bell
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Size;

    #[test]
    fn the_quick_functions_are_near_the_exact_ones() {
        for i in 0..1000 {
            let (sin, cos) = libm::sincosf(i as f32 * 0.00628 - 3.1);
            assert!((arc_tangent(sin, cos) - libm::atan2f(sin, cos)).abs() < 3e-5);
            let square = i as f32 * 0.02;
            assert!((bell_weight(square) - libm::expf(-square / 8.0)).abs() < 0.005);
        }
        assert_eq!(arc_tangent(0.0, 0.0), 0.0);
    }

    #[test]
    fn the_angle_is_that_of_the_slope_and_turns_with_it() {
        let spot = Spot { octave: 1, layer: 1, at: [32.0, 30.0], sigma: 2.0, strength: 1.0 };
        for want in [0.3_f32, 2.0, -1.2, -3.0] {
            let (sin, cos) = libm::sincosf(want);
            let slope =
                Plane::from_fn(Size { width: 64, height: 64 }, |x, y| cos * x as f32 + sin * y as f32);
            let found = features(&slope, &spot);
            assert_eq!(found.len(), 1);
            assert!((found[0].angle - want).abs() < 0.1, "{} for {want}", found[0].angle);
            assert_eq!((found[0].at, found[0].scale), ([64.0, 60.0], 4.0));
        }
    }

    #[test]
    fn signatures_of_like_descriptors_are_near() {
        let feature = |descriptor| Feature { at: [0.0; 2], scale: 1.0, angle: 0.0, descriptor };
        let a = feature(std::array::from_fn(|i| (i * 37 % 101) as u8));
        let b = feature(std::array::from_fn(|i| (i * 37 % 101 + i % 3) as u8));
        let c = feature(std::array::from_fn(|i| (i * 53 % 101) as u8));
        let [a, b, c] = [a, b, c].map(|f| signature(&f));
        let differing =
            |a: [u64; 4], b: [u64; 4]| a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum::<u32>();
        assert!(differing(a, b) < 12 && differing(a, c) > 60, "{} {}", differing(a, b), differing(a, c));
        assert_eq!(a[0] & 1, 0);
    }

    #[test]
    fn mirrors_and_negatives_undo_themselves() {
        let a =
            Feature { at: [3.0, 4.0], scale: 2.0, angle: 0.5, descriptor: std::array::from_fn(|i| i as u8) };
        let twice = a.mirrored(100).mirrored(100);
        assert!(twice.descriptor == a.descriptor && (twice.angle - 0.5).abs() < 1e-6 && twice.at == a.at);
        assert_eq!(a.inverted().inverted().descriptor, a.descriptor);
    }
}
