//! The power spectrum in which sync lines are looked for.

use tiermark_signal::filter::box_mean;
use tiermark_signal::{Plane, Size, transform};

use super::view::View;

/// Power of a plane over what is usual around each frequency: about exponential of mean 1 where there is no line.
pub(crate) struct LineSpectrum {
    /// Frequency zero in the middle.
    power: Plane,
}

impl LineSpectrum {
    /// The spectrum of a view, twice as finely sampled as its own length asks for.
    pub(crate) fn of(view: &View) -> Self {
        Self::over_usual(raw_power(&view.plane))
    }

    /// The mean of spectra of one size (Welch, IEEE Trans. AU 15(2), 1967): what stands in several places at one scale and
    /// angle adds up, whatever its phase, as the cells of a sheet do.
    ///
    /// # Panics
    /// If there is no spectrum, or they differ in size.
    pub(crate) fn mean_of(spectra: &[Self]) -> Self {
        let mut power = spectra[0].power.clone();
        for other in &spectra[1..] {
            assert_eq!(other.power.size(), power.size(), "spectra of one size");
            power.samples_mut().iter_mut().zip(other.power.samples()).for_each(|(a, b)| *a += b);
        }
        let share = 1.0 / spectra.len() as f32;
        Self { power: power.map(|v| v * share) }
    }

    fn over_usual(mut power: Plane) -> Self {
        // First with, then without the peaks themselves.
        let mut limited = box_mean(&power, 20);
        limited.samples_mut().iter_mut().zip(power.samples()).for_each(|(m, v)| *m = v.min(4.0 * *m));
        let usual = box_mean(&limited, 20);
        power.samples_mut().iter_mut().zip(usual.samples()).for_each(|(v, m)| *v /= m.max(f32::MIN_POSITIVE));
        Self { power }
    }

    /// The strongest local maxima in the upper half plane with a radius in `from..to` cycles per sample, strongest first:
    /// frequencies by a parabola through the logarithms of three points each way.
    pub(crate) fn peaks(&self, from: f64, to: f64, keep: usize) -> Vec<[f64; 2]> {
        let (width, height) = (self.power.width(), self.power.height());
        let frequency = |i: f64, n: usize| i / n as f64 - 0.5;
        let mut peaks: Vec<(f32, [usize; 2])> = Vec::new();
        for y in height / 2..height - 1 {
            let [above, row, below] = [y - 1, y, y + 1].map(|y| self.power.row(y));
            let v = frequency(y as f64, height);
            for x in 1..width - 1 {
                let here = row[x];
                if here < LEAST_PEAK
                    || here < row[x - 1]
                    || here <= row[x + 1]
                    || here < above[x]
                    || here <= below[x]
                {
                    continue;
                }
                let u = frequency(x as f64, width);
                if (from..to).contains(&libm::hypot(u, v)) && (y > height / 2 || x > width / 2) {
                    peaks.push((here, [x, y]));
                }
            }
        }
        peaks.sort_by(|a, b| b.0.total_cmp(&a.0));
        let refined = |(_, [x, y]): (f32, [usize; 2])| {
            let across = [x - 1, x, x + 1].map(|x| self.power.at(x, y));
            let down = [y - 1, y, y + 1].map(|y| self.power.at(x, y));
            [frequency(x as f64 + summit(across), width), frequency(y as f64 + summit(down), height)]
        };
        peaks.into_iter().take(keep).map(refined).collect()
    }

    /// The power itself, frequency zero at (width / 2, height / 2).
    pub(super) fn power(&self) -> &Plane {
        &self.power
    }

    /// Power at `frequency` between the points of the grid; `None` beyond it.
    pub(crate) fn between(&self, frequency: [f64; 2]) -> Option<f32> {
        let (x, y) = self.place(frequency)?;
        let (i, j) = (x as usize, y as usize);
        let (s, t) = ((x - i as f64) as f32, (y - j as f64) as f32);
        let (upper, lower) = (&self.power.row(j)[i..=i + 1], &self.power.row(j + 1)[i..=i + 1]);
        let line = |row: &[f32]| row[0] + s * (row[1] - row[0]);
        Some(line(upper) + t * (line(lower) - line(upper)))
    }

    fn place(&self, frequency: [f64; 2]) -> Option<(f64, f64)> {
        let (width, height) = (self.power.width() as f64, self.power.height() as f64);
        let x = (frequency[0] + 0.5) * width;
        let y = (frequency[1] + 0.5) * height;
        (x >= 0.0 && y >= 0.0 && x < width - 1.0 && y < height - 1.0).then_some((x, y))
    }
}

/// Maxima below this many times the usual power are not worth sorting.
const LEAST_PEAK: f32 = 1.5;

/// Where the parabola through the logarithms of three neighbours has its summit, in -0.5..=0.5 of their distance.
fn summit(powers: [f32; 3]) -> f64 {
    let [a, b, c] = powers.map(|v| libm::log(f64::from(v.max(1e-9))));
    let bend = a - 2.0 * b + c;
    if bend < -1e-9 { (0.5 * (a - c) / bend).clamp(-0.5, 0.5) } else { 0.0 }
}

fn raw_power(plane: &Plane) -> Plane {
    // Even lengths: frequency zero falls on a point of the grid.
    let length = |n: usize| 2 * transform::comfortable_length(n);
    let padded = Size { width: length(plane.width()), height: length(plane.height()) };
    transform::centred_power(&tapered(plane), padded)
}

/// The outer tenth on each side fades out as a raised cosine.
fn tapered(plane: &Plane) -> Plane {
    let fade = |length: usize| -> Vec<f32> {
        let margin = (length / 10).max(1);
        (0..length)
            .map(|i| {
                let inside = i.min(length - 1 - i);
                let t = ((inside as f32 + 0.5) / margin as f32).min(1.0);
                0.5 - 0.5 * libm::cosf(std::f32::consts::PI * t)
            })
            .collect()
    };
    let (across, down) = (fade(plane.width()), fade(plane.height()));
    let mut tapered = plane.clone();
    for (y, v) in down.iter().enumerate() {
        tapered.row_mut(y).iter_mut().zip(&across).for_each(|(sample, h)| *sample *= h * v);
    }
    tapered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wave_stands_at_its_frequency() {
        for (width, height) in [(200, 120), (203, 117)] {
            let (fx, fy) = (0.11, -0.23);
            let noise =
                |x: usize, y: usize| ((x * 7919 + y * 104_729 + x * y * 31) % 1000) as f32 / 500.0 - 1.0;
            let plane = Plane::from_fn(Size { width, height }, |x, y| {
                let angle = 2.0 * std::f64::consts::PI * (fx * x as f64 + fy * y as f64);
                0.5 * libm::cos(angle) as f32 + noise(x, y)
            });
            let spectrum = LineSpectrum::over_usual(raw_power(&plane));
            for frequency in [[fx, fy], [-fx, -fy]] {
                assert!(
                    spectrum.between(frequency).is_some_and(|power| power > 30.0),
                    "{width}: {:?}",
                    spectrum.between(frequency)
                );
            }
            assert!(spectrum.between([0.3, 0.2]).is_some_and(|power| power < 15.0));
            assert_eq!(spectrum.between([0.52, 0.0]), None);
            let peak = spectrum.peaks(0.05, 0.4, 1)[0];
            let off = libm::hypot(peak[0] + fx, peak[1] + fy);
            // The wave is in the upper half plane at (-fx, -fy); a quarter of a bin is 1 / (8 x 120).
            assert!(off < 1e-3, "{peak:?}");
        }
    }
}
