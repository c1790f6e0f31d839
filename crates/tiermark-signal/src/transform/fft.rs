//! Two-dimensional Fourier transform.

use rustfft::{FftPlannerScalar, num_complex::Complex};

use crate::{Plane, Size};

/// The Fourier transform of a plane: `F(u, v) = sum f(x, y) e^{-2 pi i (u x / width + v y / height)}`.
///
/// All of it is kept, negative frequencies in the upper halves, as the transform leaves them.
#[derive(Clone, Debug)]
pub struct Spectrum {
    size: Size,
    bins: Vec<Complex<f32>>,
}

impl Spectrum {
    /// The transform of `plane` after padding with zeros to `padded`, which is at least its size.
    ///
    /// # Panics
    /// If `padded` is smaller than the plane.
    pub fn of(plane: &Plane, padded: Size) -> Self {
        let Size { width, height } = padded;
        let (half, left) = (width / 2 + 1, left_half(plane, padded));
        let mut bins = Vec::with_capacity(padded.area());
        for v in 0..height {
            let (here, there) = (&left[v * half..][..half], &left[(height - v) % height * half..][..half]);
            bins.extend_from_slice(here);
            bins.extend(there[1..width - half + 1].iter().rev().map(Complex::conj));
        }
        Self { size: padded, bins }
    }

    /// Number of bins in each direction.
    pub fn size(&self) -> Size {
        self.size
    }

    /// How well `part` fits at each place of what this is the spectrum of, places counted from the upper left corner and round
    /// the borders: their correlation with every frequency counted alike, so that edges decide and no slope does.
    ///
    /// Kuglin and Hines, "The phase correlation image alignment method", ICCS 1975.
    ///
    /// # Panics
    /// If the two have not the same size.
    pub fn phase_correlation(&self, part: &Self) -> Plane {
        assert_eq!(self.size, part.size, "spectra of one size");
        let Size { width, height } = self.size;
        let phase = |(a, b): (&Complex<f32>, &Complex<f32>)| {
            let product = a * b.conj();
            product / product.norm_sqr().sqrt().max(f32::MIN_POSITIVE)
        };
        let mut bins: Vec<Complex<f32>> = self.bins.iter().zip(&part.bins).map(phase).collect();
        let mut planner = FftPlannerScalar::new();
        planner.plan_fft_inverse(width).process(&mut bins);
        let mut turned = transpose(&bins, width, height);
        planner.plan_fft_inverse(height).process(&mut turned);
        let back = transpose(&turned, height, width);
        let scale = 1.0 / self.size.area() as f32;
        Plane::new(self.size, back.iter().map(|v| v.re * scale).collect()).expect("a value for each place")
    }

    /// The bin of frequency (`u`, `v`) cycles per width and height, negative ones counted from the end.
    pub fn bin(&self, u: isize, v: isize) -> Complex<f32> {
        let u = u.rem_euclid(self.size.width as isize) as usize;
        let v = v.rem_euclid(self.size.height as isize) as usize;
        self.bins[v * self.size.width + u]
    }
}

/// The squared magnitudes of [`Spectrum::of`], frequency zero in the middle: at (`width / 2`, `height / 2`) of `padded`.
///
/// # Panics
/// If `padded` is smaller than the plane.
pub fn centred_power(plane: &Plane, padded: Size) -> Plane {
    let Size { width, height } = padded;
    let (half, left) = (width / 2 + 1, left_half(plane, padded));
    let row = |v: usize| &left[v % height * half..][..half];
    let mut power = Vec::with_capacity(padded.area());
    for y in 0..height {
        let v = y + height - height / 2;
        let (here, opposite) = (row(v), row(2 * height - v));
        // What is not kept is the conjugate of its opposite.
        let (zero_and_up, nyquist) = here.split_at(width.div_ceil(2));
        let down = nyquist.iter().chain(opposite[1..width.div_ceil(2)].iter().rev());
        power.extend(down.chain(zero_and_up).map(Complex::norm_sqr));
    }
    Plane::new(padded, power).expect("a bin for each place")
}

/// The bins of [`Spectrum::of`] of the frequencies from zero to half a cycle across, row by row: they tell the others.
///
/// # Panics
/// If `padded` is smaller than the plane.
fn left_half(plane: &Plane, padded: Size) -> Vec<Complex<f32>> {
    assert!(plane.width() <= padded.width && plane.height() <= padded.height, "padding only adds");
    let Size { width, height } = padded;
    let half = width / 2 + 1;
    let mut planner = FftPlannerScalar::new();
    let mut turned = transpose(&rows_forward(plane, padded, half, &mut planner), half, height);
    planner.plan_fft_forward(height).process(&mut turned);
    transpose(&turned, height, half)
}

/// The left `half` of the bins of each row, which tells the right one; rows of padding are zero before and after.
fn rows_forward(
    plane: &Plane,
    padded: Size,
    half: usize,
    planner: &mut FftPlannerScalar<f32>,
) -> Vec<Complex<f32>> {
    let width = padded.width;
    let (forward, mut pair) = (planner.plan_fft_forward(width), vec![Complex::default(); width]);
    let mut scratch = vec![Complex::default(); forward.get_inplace_scratch_len()];
    let mut left = vec![Complex::default(); half * padded.height];
    for (two, bins) in plane.samples().chunks(2 * plane.width()).zip(left.chunks_mut(2 * half)) {
        let (first, second) = two.split_at(plane.width());
        pair.fill(Complex::default());
        pair.iter_mut().zip(first).for_each(|(bin, &v)| bin.re = v);
        pair.iter_mut().zip(second).for_each(|(bin, &v)| bin.im = v);
        forward.process_with_scratch(&mut pair, &mut scratch);
        // Two real rows as one complex: F1 = (F(u) + conj F(-u)) / 2, F2 = (F(u) - conj F(-u)) / 2i.
        for u in 0..half {
            let (here, there) = (pair[u], pair[(width - u) % width].conj());
            bins[u] = (here + there) * 0.5;
            if let Some(bin) = bins.get_mut(half + u) {
                *bin = (here - there) * Complex::new(0.0, -0.5);
            }
        }
    }
    left
}

/// Transforms of square tiles of one side, planned once for many.
pub struct SquareTransform {
    side: usize,
    forward: std::sync::Arc<dyn rustfft::Fft<f32>>,
}

impl SquareTransform {
    /// Plans for `side` by `side` cells.
    ///
    /// # Panics
    /// If `side` is zero.
    pub fn new(side: usize) -> Self {
        assert!(side > 0, "a tile has cells");
        Self { side, forward: FftPlannerScalar::new().plan_fft_forward(side) }
    }

    /// `F(u, v) = sum f(x, y) e^{-2 pi i (u x + v y) / side}`, at place `u * side + v` of the answer: columns first.
    ///
    /// # Panics
    /// If there are not `side * side` cells.
    pub fn forward(&self, mut cells: Vec<Complex<f32>>) -> Vec<Complex<f32>> {
        assert_eq!(cells.len(), self.side * self.side, "a square");
        self.forward.process(&mut cells);
        let mut turned = transpose(&cells, self.side, self.side);
        self.forward.process(&mut turned);
        turned
    }
}

/// The real part of the unnormalised inverse transform of a `side` by `side` spectrum:
/// `f(x, y) = Re sum F(u, v) e^{+2 pi i (u x + v y) / side}`.
///
/// # Panics
/// If there are not `side * side` bins.
pub fn inverse_square(mut bins: Vec<Complex<f32>>, side: usize) -> Plane {
    let fft = FftPlannerScalar::new().plan_fft_inverse(side);
    fft.process(&mut bins);
    let mut turned = transpose(&bins, side, side);
    fft.process(&mut turned);
    let size = Size { width: side, height: side };
    Plane::from_fn(size, |x, y| turned[x * side + y].re)
}

/// The next length from `least` on that has no prime factor above 5: short transforms at full speed.
pub fn comfortable_length(least: usize) -> usize {
    (least.max(1)..)
        .find(|&n| {
            let mut rest = n;
            for factor in [2, 3, 5] {
                while rest % factor == 0 {
                    rest /= factor;
                }
            }
            rest == 1
        })
        .expect("a power of two lies above every length")
}

/// Rows become columns; in squares of 16, so that both sides stay in the cache.
pub(crate) fn transpose<T: Copy + Default>(cells: &[T], width: usize, height: usize) -> Vec<T> {
    const SQUARE: usize = 16;
    let mut turned = vec![T::default(); cells.len()];
    for y0 in (0..height).step_by(SQUARE) {
        for x0 in (0..width).step_by(SQUARE) {
            for y in y0..(y0 + SQUARE).min(height) {
                for x in x0..(x0 + SQUARE).min(width) {
                    turned[x * height + y] = cells[y * width + x];
                }
            }
        }
    }
    turned
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition, summed as it stands.
    fn naive(plane: &Plane, u: isize, v: isize) -> (f64, f64) {
        let (mut re, mut im) = (0.0, 0.0);
        for y in 0..plane.height() {
            for x in 0..plane.width() {
                let turns =
                    u as f64 * x as f64 / plane.width() as f64 + v as f64 * y as f64 / plane.height() as f64;
                let angle = -2.0 * std::f64::consts::PI * turns;
                re += f64::from(plane.at(x, y)) * libm::cos(angle);
                im += f64::from(plane.at(x, y)) * libm::sin(angle);
            }
        }
        (re, im)
    }

    #[test]
    fn agrees_with_the_definition() {
        let size = Size { width: 12, height: 7 };
        let plane = Plane::from_fn(size, |x, y| ((x * 7 + y * 13) % 11) as f32 - 4.0);
        let spectrum = Spectrum::of(&plane, size);
        for (u, v) in [(0, 0), (1, 0), (3, 2), (-2, 3), (11, 6)] {
            let (re, im) = naive(&plane, u, v);
            let bin = spectrum.bin(u, v);
            // 84 terms of size 6, each with a relative error of a few 2^-24: 84 * 6 * 4 * 6e-8 = 1.2e-4.
            assert!((f64::from(bin.re) - re).abs() < 2e-4, "real part at {u},{v}");
            assert!((f64::from(bin.im) - im).abs() < 2e-4, "imaginary part at {u},{v}");
        }
    }

    #[test]
    fn centred_power_is_that_of_all_bins() {
        for (width, height) in [(12, 7), (9, 8), (6, 6)] {
            let plane = Plane::from_fn(Size { width, height: 5 }, |x, y| ((x * 7 + y * 13) % 11) as f32);
            let padded = Size { width, height };
            let (spectrum, power) = (Spectrum::of(&plane, padded), centred_power(&plane, padded));
            for y in 0..height {
                for x in 0..width {
                    let (u, v) = (x as isize - width as isize / 2, y as isize - height as isize / 2);
                    assert_eq!(power.at(x, y), spectrum.bin(u, v).norm_sqr(), "{width}x{height}: {u},{v}");
                }
            }
        }
    }

    #[test]
    fn inverse_of_one_bin_is_a_wave() {
        let mut bins = vec![Complex::default(); 64];
        bins[2 * 8 + 1] = Complex::new(0.0, 1.0);
        let wave = inverse_square(bins, 8);
        let at =
            |x: usize, y: usize| -libm::sin(2.0 * std::f64::consts::PI * (x as f64 + 2.0 * y as f64) / 8.0);
        for (x, y) in [(0, 0), (1, 0), (0, 1), (3, 5)] {
            assert!((f64::from(wave.at(x, y)) - at(x, y)).abs() < 1e-5, "place {x},{y}");
        }
    }

    #[test]
    fn square_transform_agrees_with_the_definition() {
        let plane = Plane::from_fn(Size { width: 8, height: 8 }, |x, y| ((x * 5 + y * 3) % 7) as f32 - 3.0);
        let cells = plane.samples().iter().map(|&v| Complex::new(v, 0.0)).collect();
        let bins = SquareTransform::new(8).forward(cells);
        for (u, v) in [(0, 0), (1, 0), (2, 5), (7, 3)] {
            let (re, im) = naive(&plane, u, v);
            let bin = bins[u as usize * 8 + v as usize];
            // 64 terms of size 3, each with a relative error of a few 2^-24.
            assert!(
                (f64::from(bin.re) - re).abs() < 1e-4 && (f64::from(bin.im) - im).abs() < 1e-4,
                "{u},{v}"
            );
        }
    }

    #[test]
    fn comfortable_lengths() {
        assert_eq!([1, 7, 11, 721, 1280].map(comfortable_length), [1, 8, 12, 729, 1280]);
    }
}
