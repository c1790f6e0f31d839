//! How far two pictures are from each other.

use crate::Plane;
use crate::filter::gaussian;

/// Peak signal-to-noise ratio in dB over all channels, `10 log10 (255^2 / mean squared difference)`.
///
/// Equal pictures give infinity.
///
/// # Panics
/// If the pictures differ in channels or size.
pub fn psnr(host: &[Plane], marked: &[Plane]) -> f64 {
    assert_eq!(host.len(), marked.len(), "as many channels");
    let mut difference = Difference::new(host.len());
    for (channel, (a, b)) in host.iter().zip(marked).enumerate() {
        assert_eq!(a.size(), b.size(), "one size");
        difference.add(channel, a.samples(), b.samples());
    }
    difference.psnr()
}

/// The difference of two pictures that are looked at piece by piece: [`psnr`] for those that are never whole in memory.
pub struct Difference {
    /// Squared difference of each channel, so that pieces of several channels may come in turns: no sum changes its order.
    sums: Vec<f64>,
    count: usize,
}

impl Difference {
    /// Nothing seen yet of so many channels.
    pub fn new(channels: usize) -> Self {
        Self { sums: vec![0.0; channels], count: 0 }
    }

    /// Add the next samples of a channel.
    ///
    /// # Panics
    /// If there is no such channel, or more samples on one side.
    pub fn add(&mut self, channel: usize, host: &[f32], marked: &[f32]) {
        assert_eq!(host.len(), marked.len(), "as many samples");
        let squares = host.iter().zip(marked).map(|(a, b)| f64::from(a - b) * f64::from(a - b));
        self.sums[channel] = squares.fold(self.sums[channel], |sum, square| sum + square);
        self.count += host.len();
    }

    /// Peak signal-to-noise ratio of all that was added, dB.
    pub fn psnr(&self) -> f64 {
        10.0 * libm::log10(255.0 * 255.0 * self.count as f64 / self.sums.iter().sum::<f64>())
    }
}

/// The largest change of any channel among pixels whose 3 by 3 surroundings are one colour in `host`, code values;
/// `None` without any such pixel.
///
/// # Panics
/// If the pictures differ in channels or size.
pub fn flat_change(host: &[Plane], marked: &[Plane]) -> Option<f32> {
    assert_eq!(host.len(), marked.len(), "as many channels");
    let size = host.first()?.size();
    let mut largest = None;
    for y in 1..size.height.saturating_sub(1) {
        for x in 1..size.width.saturating_sub(1) {
            if host.iter().all(|plane| is_flat(plane, x, y)) {
                let changes =
                    host.iter().zip(marked).map(|(host, marked)| (marked.at(x, y) - host.at(x, y)).abs());
                largest =
                    changes.fold(largest, |most: Option<f32>, v| Some(most.map_or(v, |most| most.max(v))));
            }
        }
    }
    largest
}

fn is_flat(plane: &Plane, x: usize, y: usize) -> bool {
    let centre = plane.at(x, y);
    (y - 1..=y + 1).all(|y| plane.row(y)[x - 1..=x + 1].iter().all(|&v| v == centre))
}

/// Structural similarity of two planes, mean over all places: Wang, Bovik, Sheikh and Simoncelli, "Image quality
/// assessment: from error visibility to structural similarity", IEEE Trans. IP 13(4), 2004, equation 13, with a Gaussian
/// of 1.5 samples, K1 = 0.01, K2 = 0.03 and values to 255.
///
/// # Panics
/// If the sizes differ.
pub fn ssim(host: &Plane, marked: &Plane) -> f64 {
    const C1: f32 = (0.01 * 255.0) * (0.01 * 255.0);
    const C2: f32 = (0.03 * 255.0) * (0.03 * 255.0);
    assert_eq!(host.size(), marked.size(), "one size");
    let smooth = |of: &dyn Fn(usize, usize) -> f32| gaussian(&Plane::from_fn(host.size(), of), 1.5);
    let (a, b) = (gaussian(host, 1.5), gaussian(marked, 1.5));
    let aa = smooth(&|x, y| host.at(x, y) * host.at(x, y));
    let bb = smooth(&|x, y| marked.at(x, y) * marked.at(x, y));
    let ab = smooth(&|x, y| host.at(x, y) * marked.at(x, y));
    let at = |i: usize| {
        let [a, b, aa, bb, ab] = [&a, &b, &aa, &bb, &ab].map(|plane| plane.samples()[i]);
        let (va, vb, cov) = (aa - a * a, bb - b * b, ab - a * b);
        f64::from((2.0 * a * b + C1) * (2.0 * cov + C2) / ((a * a + b * b + C1) * (va + vb + C2)))
    };
    let count = host.size().area();
    (0..count).map(at).sum::<f64>() / count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Size;

    #[test]
    fn psnr_of_a_change_by_one() {
        let host = Plane::filled(Size { width: 8, height: 4 }, 100.0);
        let marked = host.clone().map(|v| v + 1.0);
        let (host, marked) = ([host], [marked]);
        assert!((psnr(&host, &marked) - 48.1308).abs() < 1e-3);
        assert_eq!(psnr(&host, &host), f64::INFINITY);
    }

    #[test]
    fn psnr_does_not_depend_on_the_pieces() {
        let size = Size { width: 40, height: 9 };
        let planes = |k: usize| {
            [0, 1, 2].map(|c| Plane::from_fn(size, |x, y| ((x * k + y * 7 + c) % 23) as f32 / 2.57))
        };
        let (host, marked) = (planes(5), planes(6));
        let mut by_rows = Difference::new(3);
        for y in 0..size.height {
            (0..3).for_each(|c| by_rows.add(c, host[c].row(y), marked[c].row(y)));
        }
        assert_eq!(by_rows.psnr().to_bits(), psnr(&host, &marked).to_bits());
    }

    #[test]
    fn ssim_is_one_for_equals_and_falls_with_noise() {
        let size = Size { width: 64, height: 48 };
        let host = Plane::from_fn(size, |x, y| (x * 3 + y * 2) as f32);
        assert!((ssim(&host, &host) - 1.0).abs() < 1e-6);
        let noisy = |amount: f32| {
            Plane::from_fn(size, |x, y| host.at(x, y) + amount * ((x * 7919 + y * 104_729) % 13) as f32)
        };
        let (light, heavy) = (ssim(&host, &noisy(0.2)), ssim(&host, &noisy(2.0)));
        assert!(light > 0.95 && heavy < light && heavy > 0.0, "{light} {heavy}");
    }

    #[test]
    fn flat_change_sees_flats_only() {
        let size = Size { width: 9, height: 5 };
        let host = Plane::from_fn(size, |x, _| if x < 5 { 10.0 } else { 90.0 });
        let marked = Plane::from_fn(size, |x, y| host.at(x, y) + if x == 4 { 7.0 } else { 2.0 });
        assert_eq!(flat_change(&[host], &[marked]), Some(2.0));
        let busy = [Plane::from_fn(size, |x, y| (x + y) as f32)];
        assert_eq!(flat_change(&busy, &busy), None);
    }
}
