//! Noise that is the same at all frequencies.

use crate::filter::box_mean;
use crate::transform::{Cosine, fft::transpose};
use crate::{Plane, Size};

/// Of the mean power, what no frequency is divided below.
const FLOOR: f32 = 0.02;
/// Frequencies to each side that a power is the mean over.
const SMOOTH: usize = 4;

/// The plane divided, in the cosine basis, by its own smoothed power: planes with less noise come out larger, so that sums of several weigh
/// themselves.
///
/// That is twice half of a whitening filter: once for the noise, and once for the pattern that is looked for in it.
pub fn whitened(plane: &Plane) -> Plane {
    let size = plane.size();
    let (across, down) = (Cosine::new(size.width), Cosine::new(size.height));
    let mut rows = plane.samples().to_vec();
    across.forward(&mut rows);
    let mut columns = transpose(&rows, size.width, size.height);
    down.forward(&mut columns);
    let turned = Size { width: size.height, height: size.width };
    // White noise of unit variance has unit power.
    let unit = 1.0 / (4.0 * turned.area() as f32);
    let power = columns.iter().map(|v| unit * v * v).collect();
    let power = box_mean(&Plane::new(turned, power).expect("as many"), SMOOTH);
    let mean = (power.samples().iter().map(|v| f64::from(*v)).sum::<f64>() / turned.area() as f64) as f32;
    let floor = (FLOOR * mean).max(f32::MIN_POSITIVE);
    columns.iter_mut().zip(power.samples()).for_each(|(v, p)| *v /= p.max(floor));
    down.inverse(&mut columns);
    let mut rows = transpose(&columns, size.height, size.width);
    across.inverse(&mut rows);
    Plane::new(size, rows).expect("as many samples as before")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grating_sinks_and_noise_stays() {
        let size = Size { width: 96, height: 64 };
        let noise = |x: usize, y: usize| ((x * 7919 + y * 104_729 + x * y * 31) % 17) as f32 - 8.0;
        let grating = |x: usize| 60.0 * libm::sinf(x as f32 * 0.7);
        let plane = Plane::from_fn(size, |x, y| noise(x, y) + grating(x));
        let white = whitened(&plane);
        let part = |plane: &Plane, of: &dyn Fn(usize, usize) -> f32| {
            let (mut product, mut square) = (0.0, 0.0);
            for y in 0..size.height {
                for x in 0..size.width {
                    product += plane.at(x, y) * of(x, y);
                    square += of(x, y) * of(x, y);
                }
            }
            product / square
        };
        let before = part(&plane, &|x, _| grating(x)) / part(&plane, &noise);
        let after = part(&white, &|x, _| grating(x)) / part(&white, &noise);
        assert!(before > 0.9 && after.abs() < 0.2 * before, "{before} {after}");
    }
}
