//! Filters and noise.

use tiermark_signal::filter::{box_mean, gaussian};
use tiermark_signal::{Plane, Size};

type Planes = Vec<Plane>;

pub(super) fn blur(planes: &[Plane], sigma: f64) -> Planes {
    planes.iter().map(|plane| gaussian(plane, sigma as f32)).collect()
}

/// Grey, divided by its own blur as a pencil filter does.
pub(super) fn lines(planes: &[Plane], sigma: f64) -> Planes {
    let grey = super::colour::saturation(planes, 0.0).swap_remove(0);
    let around = blur(std::slice::from_ref(&grey), sigma).swap_remove(0);
    let mut dodged = grey;
    for (v, around) in dodged.samples_mut().iter_mut().zip(around.samples()) {
        *v = (255.0 * *v / around.max(1.0)).min(255.0);
    }
    vec![dodged; 3]
}

/// Independent in each sample, by Box and Muller.
pub(super) fn noise(planes: &[Plane], sigma: f64, dice: &mut fastrand::Rng) -> Planes {
    let mut normal = || {
        let radius = (-2.0 * (1.0 - dice.f64()).ln()).sqrt();
        radius * (2.0 * std::f64::consts::PI * dice.f64()).cos()
    };
    let mut noisy = planes.to_vec();
    for v in noisy.iter_mut().flat_map(Plane::samples_mut) {
        *v = (*v + (sigma * normal()) as f32).clamp(0.0, 255.0);
    }
    noisy
}

/// The values within `reach` of a place, borders repeated.
fn around(plane: &Plane, x: usize, y: usize, reach: isize) -> impl Iterator<Item = (isize, isize, f32)> {
    let Size { width, height } = plane.size();
    let at = move |i: usize, d: isize, n: usize| (i as isize + d).clamp(0, n as isize - 1) as usize;
    (-reach..=reach).flat_map(move |dy| {
        let row = plane.row(at(y, dy, height));
        (-reach..=reach).map(move |dx| (dx, dy, row[at(x, dx, width)]))
    })
}

/// Median of 5 by 5.
pub(super) fn median(planes: &[Plane]) -> Planes {
    let filtered = |plane: &Plane| {
        Plane::from_fn(plane.size(), |x, y| {
            let mut values = [0.0_f32; 25];
            values.iter_mut().zip(around(plane, x, y, 2)).for_each(|(v, (_, _, near))| *v = near);
            *values.select_nth_unstable_by(12, f32::total_cmp).1
        })
    };
    planes.iter().map(filtered).collect()
}

/// Gaussian weights in space (3 pixels) and value (25 code values), reach 4 (Tomasi and Manduchi, ICCV 1998).
pub(super) fn bilateral(planes: &[Plane]) -> Planes {
    let near = |d: f32, sigma: f32| (-d * d / (2.0 * sigma * sigma)).exp();
    let in_space: Vec<f32> = (0..=32).map(|square: u8| near(f32::from(square).sqrt(), 3.0)).collect();
    let in_value: Vec<f32> = (0..=255_u8).map(|d| near(f32::from(d), 25.0)).collect();
    let filtered = |plane: &Plane| {
        Plane::from_fn(plane.size(), |x, y| {
            let here = plane.at(x, y);
            let (mut sum, mut mass) = (0.0, 0.0);
            for (dx, dy, v) in around(plane, x, y, 4) {
                let weight = in_space[(dx * dx + dy * dy) as usize] * in_value[(v - here).abs() as usize];
                sum += weight * v;
                mass += weight;
            }
            sum / mass
        })
    };
    planes.iter().map(filtered).collect()
}

/// Patches of 5 by 5 in a window of 9 by 9, strength 6 code values, weighed by luma alike for all channels (Buades, Coll
/// and Morel, CVPR 2005), with a running sum for each displacement (Darbon et al., ISBI 2008).
pub(super) fn non_local_means(planes: &[Plane]) -> Planes {
    const REACH: isize = 4;
    const STRENGTH: f32 = 6.0;
    let size = planes[0].size();
    let at = |plane: &Plane, x: usize, y: usize, dx: isize, dy: isize| {
        let x = (x as isize + dx).clamp(0, size.width as isize - 1) as usize;
        let y = (y as isize + dy).clamp(0, size.height as isize - 1) as usize;
        plane.at(x, y)
    };
    let luma = Plane::from_fn(size, |x, y| {
        0.299 * planes[0].at(x, y) + 0.587 * planes[1].at(x, y) + 0.114 * planes[2].at(x, y)
    });
    let mut sums: Planes = planes.iter().map(|_| Plane::filled(size, 0.0)).collect();
    let mut mass = Plane::filled(size, 0.0);
    for (dx, dy) in (-REACH..=REACH).flat_map(|dy| (-REACH..=REACH).map(move |dx| (dx, dy))) {
        let square = Plane::from_fn(size, |x, y| {
            let d = luma.at(x, y) - at(&luma, x, y, dx, dy);
            d * d
        });
        let weight = box_mean(&square, 2).map(|v| (-v.max(0.0) / (STRENGTH * STRENGTH)).exp());
        mass.samples_mut().iter_mut().zip(weight.samples()).for_each(|(m, w)| *m += w);
        for (sum, plane) in sums.iter_mut().zip(planes) {
            for y in 0..size.height {
                for x in 0..size.width {
                    sum.row_mut(y)[x] += weight.at(x, y) * at(plane, x, y, dx, dy);
                }
            }
        }
    }
    for sum in &mut sums {
        sum.samples_mut().iter_mut().zip(mass.samples()).for_each(|(v, m)| *v /= m);
    }
    sums
}

/// `planes - gain (planes - denoised)`.
pub(super) fn subtracted(planes: &[Plane], denoised: &[Plane], gain: f32) -> Planes {
    let without = |(plane, smooth): (&Plane, &Plane)| {
        let mut left = plane.clone();
        left.samples_mut()
            .iter_mut()
            .zip(smooth.samples())
            .for_each(|(v, s)| *v = (*v - gain * (*v - s)).clamp(0.0, 255.0));
        left
    };
    planes.iter().zip(denoised).map(without).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step_in_noise(sigma: f64) -> Planes {
        let plane = Plane::from_fn(Size { width: 60, height: 40 }, |x, _| if x < 30 { 80.0 } else { 180.0 });
        noise(&[plane.clone(), plane.clone(), plane], sigma, &mut fastrand::Rng::with_seed(3))
    }

    fn deviation(planes: &Planes) -> f32 {
        let inner = (5..35).flat_map(|y| (5..25).map(move |x| (x, y)));
        let squares: Vec<f32> = inner.map(|(x, y)| (planes[0].at(x, y) - 80.0).powi(2)).collect();
        (squares.iter().sum::<f32>() / squares.len() as f32).sqrt()
    }

    #[test]
    fn noise_is_as_strong_as_asked_and_filters_take_it_away_beside_an_edge_they_keep() {
        let noisy = step_in_noise(6.0);
        // 600 samples: the deviation is known to 3 %.
        assert!((deviation(&noisy) - 6.0).abs() < 0.9, "{}", deviation(&noisy));
        let calmed =
            [("median", median(&noisy)), ("bilateral", bilateral(&noisy)), ("nlm", non_local_means(&noisy))];
        for (name, calm) in calmed {
            assert!(deviation(&calm) < 3.0, "{name}: {}", deviation(&calm));
            assert!(calm[0].at(32, 20) - calm[0].at(27, 20) > 80.0, "{name} keeps the edge");
        }
        let drawn = lines(&step_in_noise(0.0), 4.0);
        assert!(drawn[0].at(5, 20) > 250.0 && drawn[0].at(29, 20) < 200.0 && drawn[0].at(55, 20) > 250.0);
        let flat = subtracted(&noisy, &non_local_means(&noisy), 1.0);
        assert!(deviation(&flat) < 3.0);
    }
}
