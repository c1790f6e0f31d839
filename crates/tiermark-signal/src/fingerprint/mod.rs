//! Which of many pictures is this one? Short descriptions that survive what happens to copies.
//!
//! [`Whole`] describes a whole picture: 32 by 18 values of locally normalised luma, and 256 signs of them for a first,
//! fast look at millions. [`scan`] looks through those. [`panels`] tells the pictures on a sheet from each other. [`parts`] holds
//! together what local features say, for pictures of which only a part is there. Which pictures there are, and where, is not known here: the archive in `tiermark` does.

mod looks;
mod panels;
pub mod parts;
mod raster;
mod scan;

pub use looks::{Framing, Look, Turn, Variant, looks};
pub use panels::{Panel, panels};
pub use scan::{Near, scan};

use crate::filter::gaussian;
use crate::{Plane, Size};

/// Values of a [`Whole`]: 18 rows of 32.
pub const VALUES: usize = WIDTH * HEIGHT;

/// What a whole picture looks like from far away.
///
/// Luma as means over 64 by 36 cells; less a Gaussian of 8 cells; over twice the mean of its size, and cut at 1; means
/// over 2 by 2; less the mean; scaled to a length of 1,000 and rounded. Pictures of any shape are stretched to 16:9.
/// Of five descriptions that were compared it was the best for whole pictures (`docs/evidence/archive.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole {
    vector: [i8; VALUES],
    signs: [u64; 4],
}

impl Whole {
    /// The description of a picture's luma.
    pub fn of(luma: &Plane) -> Self {
        let cells = cells(luma, Size { width: 2 * WIDTH, height: 2 * HEIGHT });
        let ground = gaussian(&cells, 8.0);
        let mut detail = cells;
        detail.samples_mut().iter_mut().zip(ground.samples()).for_each(|(v, low)| *v -= low);
        let sizes = detail.samples().iter().map(|v| f64::from(v.abs()));
        let mean = sizes.sum::<f64>() / detail.samples().len() as f64;
        // Less than a twentieth of a code value is rounding, not a picture.
        let share = if mean > 0.05 { (0.5 / mean) as f32 } else { 0.0 };
        let detail = detail.map(|v| (v * share).clamp(-1.0, 1.0));
        Self::from_vector(rounded(&crate::resample::block_mean(&detail, 2)))
    }

    /// A description whose values are known.
    pub fn from_vector(vector: [i8; VALUES]) -> Self {
        Self { signs: signs(&vector), vector }
    }

    /// The values, row by row.
    pub fn vector(&self) -> &[i8; VALUES] {
        &self.vector
    }

    /// 256 signs; two pictures differ in about as many of them as the angle between their vectors is of a half turn.
    pub fn signs(&self) -> [u64; 4] {
        self.signs
    }

    /// The cosine of the angle between two vectors: 1 for the same picture, about 0 for any other; 0 for a flat one.
    pub fn likeness(&self, other: &[i8; VALUES]) -> f32 {
        let dot =
            |a: &[i8], b: &[i8]| a.iter().zip(b).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum::<i32>();
        let lengths = f64::from(dot(&self.vector, &self.vector)) * f64::from(dot(other, other));
        if lengths > 0.0 { (f64::from(dot(&self.vector, other)) / lengths.sqrt()) as f32 } else { 0.0 }
    }

    /// That of the mirrored picture, left for right.
    #[must_use]
    pub fn mirrored(&self) -> Self {
        let mut vector = self.vector;
        vector.chunks_exact_mut(WIDTH).for_each(<[i8]>::reverse);
        Self::from_vector(vector)
    }

    /// That of the picture upside down.
    #[must_use]
    pub fn half_turned(&self) -> Self {
        let mut vector = self.vector;
        vector.reverse();
        Self::from_vector(vector)
    }
}

/// In how many of 256 signs two descriptions differ.
pub fn distance(a: &[u64; 4], b: &[u64; 4]) -> u32 {
    a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum()
}

/// Means over equal cells; where the cells are smaller than samples, the sample they lie in.
fn cells(plane: &Plane, size: Size) -> Plane {
    let (columns, rows) = (shares(plane.width(), size.width), shares(plane.height(), size.height));
    let mut across = Plane::filled(Size { width: size.width, height: plane.height() }, 0.0);
    for (y, row) in plane.rows().enumerate() {
        for (v, (first, shares)) in across.row_mut(y).iter_mut().zip(&columns) {
            *v = row[*first..].iter().zip(shares).map(|(s, share)| s * share).sum();
        }
    }
    let mut mean = Plane::filled(size, 0.0);
    for (y, (first, shares)) in rows.iter().enumerate() {
        for (j, share) in shares.iter().enumerate() {
            let row = across.row(first + j);
            mean.row_mut(y).iter_mut().zip(row).for_each(|(v, s)| *v += share * s);
        }
    }
    mean
}

/// For each of `cells` equal parts of `length` samples the first sample in it, and the share of each in its mean.
///
/// In whole numbers, of which a sample has `cells` and a cell `length`: exact, and the same from both ends.
fn shares(length: usize, cells: usize) -> Vec<(usize, Vec<f32>)> {
    let cell = |i: usize| {
        let (from, to) = (i * length, (i + 1) * length);
        let (first, last) = (from / cells, to.div_ceil(cells));
        let share = |n: usize| to.min((n + 1) * cells) - from.max(n * cells);
        (first, (first..last).map(|n| share(n) as f32 / length as f32).collect())
    };
    (0..cells).map(cell).collect()
}

/// Without the mean, scaled to [`LENGTH`], in whole numbers.
fn rounded(detail: &Plane) -> [i8; VALUES] {
    let values: Vec<f64> = detail.samples().iter().map(|v| f64::from(*v)).collect();
    let mean = values.iter().sum::<f64>() / VALUES as f64;
    let length = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>().sqrt();
    let scale = if length > 0.0 { LENGTH / length } else { 0.0 };
    let mut vector = [0; VALUES];
    for (whole, v) in vector.iter_mut().zip(&values) {
        // `as` stops at the ends of the range; a value beyond is 3 times the mean one.
        *whole = ((v - mean) * scale).round() as i8;
    }
    vector
}

/// Signs of 256 sums over the vector, each value taken with a sign of its own.
///
/// Charikar, "Similarity estimation techniques from rounding algorithms", STOC 2002: the signs of two vectors' products
/// with random vectors differ as often as their angle is of a half turn. The random vectors here are the rows of a
/// Walsh-Hadamard matrix over values whose signs were thrown first, which is exact in whole numbers.
fn signs(vector: &[i8; VALUES]) -> [u64; 4] {
    let mut sums = [0_i32; 256];
    let mut state = 0_u64;
    for (i, v) in vector.iter().enumerate() {
        let value = i32::from(*v);
        sums[i % 256] += if thrown(&mut state) >> 63 == 0 { value } else { -value };
    }
    let mut half = 1;
    while half < 256 {
        for pair in sums.chunks_exact_mut(2 * half) {
            let (left, right) = pair.split_at_mut(half);
            left.iter_mut().zip(right).for_each(|(a, b)| (*a, *b) = (*a + *b, *a - *b));
        }
        half *= 2;
    }
    let mut signs = [0_u64; 4];
    for (i, sum) in sums.iter().enumerate() {
        signs[i / 64] |= u64::from(*sum > 0) << (i % 64);
    }
    signs
}

/// The next number of SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
fn thrown(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

const WIDTH: usize = 32;
const HEIGHT: usize = 18;
/// The root of 576 is 24: a value is 42 as a rule, and 127 is three times that.
const LENGTH: f64 = 1000.0;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use super::*;

    /// Discs on a shaded ground; every `variant` is another picture.
    pub(super) fn drawing(size: Size, variant: u32) -> Plane {
        let unit = size.height as f32 / 36.0;
        let mut state = u64::from(variant) + 77;
        let mut next = |most: f32| (thrown(&mut state) >> 40) as f32 / (1 << 24) as f32 * most;
        let discs: Vec<[f32; 4]> =
            (0..9).map(|_| [next(64.0), next(36.0), 1.5 + next(7.0), next(255.0)]).collect();
        Plane::from_fn(size, |x, y| {
            let (x, y) = (x as f32 / unit, y as f32 / unit);
            let inside = |d: &&[f32; 4]| (x - d[0]) * (x - d[0]) + (y - d[1]) * (y - d[1]) < d[2] * d[2];
            discs.iter().rev().find(inside).map_or(80.0 + x + y, |d| d[3])
        })
    }

    const HD: Size = Size { width: 640, height: 360 };

    #[test]
    fn a_copy_is_nearer_than_any_other_picture() {
        let host = drawing(HD, 0);
        let whole = Whole::of(&host);
        let small = Whole::of(&cells(&host, Size { width: 97, height: 54 }));
        let graded = Whole::of(&host.map(|v| 255.0 * (v / 255.0).sqrt() * 0.8 + 20.0));
        for copy in [&small, &graded] {
            assert!(copy.likeness(whole.vector()) > 0.9, "{}", copy.likeness(whole.vector()));
            assert!(distance(&copy.signs(), &whole.signs()) < 40);
        }
        for variant in 1..60 {
            let other = Whole::of(&drawing(HD, variant));
            assert!(other.likeness(whole.vector()) < 0.6, "{variant}: {}", other.likeness(whole.vector()));
            let apart = distance(&other.signs(), &whole.signs());
            assert!((70..186).contains(&apart), "{variant}: {apart}");
        }
    }

    #[test]
    fn signs_differ_as_the_angle_is_of_a_half_turn() {
        let wholes: Vec<Whole> = (0..40).map(|variant| Whole::of(&drawing(HD, variant))).collect();
        for (a, b) in wholes.iter().zip(&wholes[1..]) {
            let angle = libm::acos(f64::from(a.likeness(b.vector())));
            let want = 256.0 * angle / std::f64::consts::PI;
            // A sum of 256 coins has a standard deviation of 8 at most; five of them.
            assert!((f64::from(distance(&a.signs(), &b.signs())) - want).abs() < 40.0, "{want}");
        }
    }

    #[test]
    fn flat_and_tiny_pictures_have_a_description() {
        let flat = Whole::of(&Plane::filled(HD, 255.0));
        assert_eq!((flat.vector(), flat.signs()), (&[0; VALUES], [0; 4]));
        assert_eq!(flat.likeness(flat.vector()), 0.0);
        let _ = Whole::of(&Plane::filled(Size { width: 1, height: 1 }, 3.0));
        let thin = Whole::of(&drawing(Size { width: 3, height: 200 }, 1));
        assert!(thin.likeness(thin.vector()) > 0.999);
    }

    #[test]
    fn mirrored_and_turned_descriptions_are_those_of_the_pictures() {
        let host = drawing(HD, 5);
        let mirrored = Plane::from_fn(HD, |x, y| host.at(HD.width - 1 - x, y));
        let turned = Plane::from_fn(HD, |x, y| host.at(HD.width - 1 - x, HD.height - 1 - y));
        let whole = Whole::of(&host);
        assert!(whole.mirrored().likeness(Whole::of(&mirrored).vector()) > 0.9999);
        assert!(whole.half_turned().likeness(Whole::of(&turned).vector()) > 0.9999);
    }

    #[test]
    fn the_bits_are_those_of_the_specification() {
        let vector: [i8; VALUES] = std::array::from_fn(|i| ((i * 37) % 101) as i8 - 50);
        assert_eq!(
            Whole::from_vector(vector).signs(),
            naive_signs(&vector),
            "the fast transform is the sum over all values"
        );
        let whole = Whole::of(&drawing(HD, 3));
        let sum = whole.vector().iter().enumerate().map(|(i, v)| (i as i64 + 1) * i64::from(*v)).sum::<i64>();
        assert_eq!((sum, whole.signs()[0]), VECTOR, "another machine, or another rule?");
    }

    const VECTOR: (i64, u64) = (609_458, 17_207_250_100_381_686_887);

    fn naive_signs(vector: &[i8; VALUES]) -> [u64; 4] {
        let mut state = 0;
        let thrown: Vec<i32> =
            (0..VALUES).map(|_| if thrown(&mut state) >> 63 == 0 { 1 } else { -1 }).collect();
        let mut signs = [0; 4];
        for row in 0..256_usize {
            let sign = |i: usize| if (row & (i % 256)).count_ones().is_multiple_of(2) { 1 } else { -1 };
            let sum: i32 = (0..VALUES).map(|i| sign(i) * thrown[i] * i32::from(vector[i])).sum();
            signs[row / 64] |= u64::from(sum > 0) << (row % 64);
        }
        signs
    }
}
