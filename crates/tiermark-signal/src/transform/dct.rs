//! Cosine transform of the rows of a plane.

use std::sync::Arc;

use rustfft::{Fft, FftPlannerScalar, num_complex::Complex};

/// DCT-II and its inverse for rows of one length, two rows at a time through one complex FFT.
///
/// Forward: `X(k) = 2 sum x(n) cos(pi k (2n + 1) / 2N)`. Inverse undoes it exactly, scale included.
/// Method: Makhoul, "A fast cosine transform in one and two dimensions", IEEE ASSP 28(1), 1980: a DCT of
/// N points is an FFT of N points over the even samples followed by the odd ones backwards.
pub struct Cosine {
    length: usize,
    forward: Arc<dyn Fft<f32>>,
    inverse: Arc<dyn Fft<f32>>,
    /// `e^{-i pi k / 2N}`.
    twist: Vec<Complex<f32>>,
}

impl Cosine {
    /// Plans for rows of `length` samples.
    ///
    /// # Panics
    /// If `length` is zero.
    pub fn new(length: usize) -> Self {
        assert!(length > 0, "a row has samples");
        let mut planner = FftPlannerScalar::new();
        let twist = (0..length).map(|k| {
            let angle = -std::f64::consts::PI * k as f64 / (2 * length) as f64;
            Complex::new(libm::cos(angle) as f32, libm::sin(angle) as f32)
        });
        Self {
            length,
            forward: planner.plan_fft_forward(length),
            inverse: planner.plan_fft_inverse(length),
            twist: twist.collect(),
        }
    }

    /// Transform each row in place.
    ///
    /// # Panics
    /// If `rows` is not a whole number of rows.
    pub fn forward(&self, rows: &mut [f32]) {
        let n = self.length;
        self.in_pairs(rows, |cosine, buffer, first, second| {
            for (k, v) in first.iter().enumerate() {
                buffer[cosine.folded(k)] = Complex::new(*v, second.get(k).copied().unwrap_or(0.0));
            }
            cosine.forward.process(buffer);
            for k in 0..n {
                let (z, mirror) = (buffer[k], buffer[(n - k) % n].conj());
                first[k] = ((z + mirror) * cosine.twist[k]).re;
                if let Some(v) = second.get_mut(k) {
                    *v = ((z - mirror) * cosine.twist[k]).im;
                }
            }
        });
    }

    /// Undo [`Cosine::forward`] in place.
    ///
    /// # Panics
    /// If `rows` is not a whole number of rows.
    pub fn inverse(&self, rows: &mut [f32]) {
        let n = self.length;
        let scale = 0.5 / n as f32;
        self.in_pairs(rows, |cosine, buffer, first, second| {
            for k in 0..n {
                let pair = |row: &[f32]| match row.len() {
                    0 => Complex::default(),
                    _ if k == 0 => Complex::new(row[0], 0.0),
                    _ => Complex::new(row[k], -row[n - k]) * cosine.twist[k].conj(),
                };
                let second = pair(second);
                buffer[k] = pair(first) + Complex::new(-second.im, second.re);
            }
            cosine.inverse.process(buffer);
            for k in 0..n {
                let v = buffer[cosine.folded(k)] * scale;
                first[k] = v.re;
                if let Some(out) = second.get_mut(k) {
                    *out = v.im;
                }
            }
        });
    }

    /// Where sample `k` stands when even samples come first and odd ones follow backwards.
    fn folded(&self, k: usize) -> usize {
        if k.is_multiple_of(2) { k / 2 } else { self.length - 1 - k / 2 }
    }

    /// Call `work` for each two rows; the second is empty after an odd last one.
    fn in_pairs(&self, rows: &mut [f32], work: impl Fn(&Self, &mut [Complex<f32>], &mut [f32], &mut [f32])) {
        assert_eq!(rows.len() % self.length, 0, "whole rows");
        let mut buffer = vec![Complex::default(); self.length];
        for pair in rows.chunks_mut(2 * self.length) {
            let (first, second) = pair.split_at_mut(self.length);
            work(self, &mut buffer, first, second);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naive(row: &[f32]) -> Vec<f64> {
        let n = row.len() as f64;
        (0..row.len())
            .map(|k| {
                let term = |(i, v): (usize, &f32)| {
                    f64::from(*v)
                        * libm::cos(std::f64::consts::PI * k as f64 * (2 * i + 1) as f64 / (2.0 * n))
                };
                2.0 * row.iter().enumerate().map(term).sum::<f64>()
            })
            .collect()
    }

    fn rows(length: usize, count: usize) -> Vec<f32> {
        (0..length * count).map(|i| ((i * 37 + 11) % 101) as f32 - 50.0).collect()
    }

    #[test]
    fn agrees_with_the_definition() {
        for (length, count) in [(1, 1), (2, 3), (8, 2), (15, 3), (30, 1)] {
            let before = rows(length, count);
            let mut after = before.clone();
            Cosine::new(length).forward(&mut after);
            for (row, got) in before.chunks(length).zip(after.chunks(length)) {
                for (want, got) in naive(row).iter().zip(got) {
                    // 2 * 30 terms of size 50, relative error a few 2^-24.
                    assert!((want - f64::from(*got)).abs() < 2e-3, "length {length}: {want} {got}");
                }
            }
        }
    }

    #[test]
    fn inverse_undoes_forward() {
        for (length, count) in [(1, 2), (7, 3), (64, 5)] {
            let before = rows(length, count);
            let mut after = before.clone();
            let cosine = Cosine::new(length);
            cosine.forward(&mut after);
            cosine.inverse(&mut after);
            for (want, got) in before.iter().zip(&after) {
                assert!((want - got).abs() < 1e-3, "length {length}: {want} {got}");
            }
        }
    }
}
