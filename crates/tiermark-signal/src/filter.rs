//! Smoothing with boxes and Gaussians; near the border the mean is over what lies inside.

use crate::resample::{Blocks, cell_mean};
use crate::{Plane, Size, Wide, widest};

/// Mean over the square of `2 radius + 1` samples around each place.
pub fn box_mean(plane: &Plane, radius: usize) -> Plane {
    boxes(plane, &[radius])
}

/// Gaussian of standard deviation `sigma` samples.
///
/// Up to 2.5 the sampled bell itself, beyond it three boxes, whose bell differs from the true one by less
/// than 3 % of its peak (Wells, IEEE PAMI 8(2), 1986) and costs the same at every width. From 5 on they smooth means over
/// cells, between which straight lines are drawn: what is that smooth needs no more.
pub fn gaussian(plane: &Plane, sigma: f32) -> Plane {
    if sigma < 0.2 {
        return plane.clone();
    }
    if sigma <= 2.5 {
        return bell(plane, sigma);
    }
    let cell = match sigma {
        ..5.0 => 1,
        ..10.0 => 2,
        _ => 4,
    };
    if cell == 1 || plane.size().short_side() < 8 * cell {
        return boxes(plane, &three_boxes(sigma));
    }
    // The mean over a cell and the straight lines have variances of their own: (c^2 - 1) / 12 and c^2 / 6.
    let side = cell as f32;
    let rest = sigma * sigma - (side * side - 1.0) / 12.0 - side * side / 6.0;
    let coarse = boxes(&cell_mean(plane, cell), &three_boxes(rest.sqrt() / side));
    let lines = Blocks::new(&coarse, cell, plane.width());
    widest(Fine { lines, size: plane.size() })
}

/// All rows of a coarse plane's straight lines.
struct Fine<'a> {
    lines: Blocks<'a>,
    size: Size,
}

impl Wide for Fine<'_> {
    type Output = Plane;

    #[inline(always)]
    fn run(self) -> Plane {
        let Self { mut lines, size } = self;
        let mut fine = Plane::filled(size, 0.0);
        (0..size.height).for_each(|y| lines.row(y, fine.row_mut(y)));
        fine
    }
}

/// What stands out of its surroundings, in units of how much usually does: a plane of about unit variance.
///
/// `b = G(fine) - G(coarse)`, divided by `sqrt(G(spread) b^2) + floor` and limited to `+-limit`; each argument is the
/// standard deviation of a Gaussian in samples. Bounded influence keeps a few strong lines from deciding anything.
pub fn normalise_locally(plane: &Plane, fine: f32, coarse: f32, spread: f32) -> Plane {
    /// Code values; below it there is only rounding noise.
    const FLOOR: f32 = 0.3;
    /// Huber's clipping point for a unit normal lies at 1 to 2.5 ("Robust Statistics", 1981, section 4.5).
    const LIMIT: f32 = 2.5;
    let mut band = gaussian(plane, fine);
    let around = gaussian(plane, coarse);
    let mut power = around;
    for (v, around) in band.samples_mut().iter_mut().zip(power.samples_mut()) {
        *v -= *around;
        *around = *v * *v;
    }
    let usual = gaussian(&power, spread);
    let normal = |v: f32, power: f32| (v / (power.max(0.0).sqrt() + FLOOR)).clamp(-LIMIT, LIMIT);
    band.samples_mut().iter_mut().zip(usual.samples()).for_each(|(v, &power)| *v = normal(*v, power));
    band
}

/// Radii of three boxes whose variances add up to `sigma` squared as nearly as whole numbers allow.
fn three_boxes(sigma: f32) -> [usize; 3] {
    // A box of 2r + 1 samples has variance r (r + 1) / 3.
    let small = ((libm::sqrtf(1.0 + 4.0 * sigma * sigma) - 1.0) / 2.0) as usize;
    let variance =
        |large: usize| ((3 - large) * small * (small + 1) + large * (small + 1) * (small + 2)) as f32 / 3.0;
    let nearest = |n: &usize| ((variance(*n) - sigma * sigma).abs() * 1024.0) as u64;
    let large = (0..=3).min_by_key(nearest).expect("four to choose from");
    std::array::from_fn(|i| small + usize::from(i < large))
}

/// The sampled bell itself at every width, for those who need its exact shape.
pub fn bell(plane: &Plane, sigma: f32) -> Plane {
    if sigma < 0.2 {
        return plane.clone();
    }
    let radius = (3.0 * sigma).ceil() as usize;
    let weight = |d: usize| libm::expf(-((d * d) as f32) / (2.0 * sigma * sigma));
    let weights: Vec<f32> = (0..=radius).map(weight).collect();
    widest(Bell { plane, weights: &weights })
}

/// The sampled bell, whose weights start at its middle.
struct Bell<'a> {
    plane: &'a Plane,
    weights: &'a [f32],
}

impl Wide for Bell<'_> {
    type Output = Plane;

    #[inline(always)]
    fn run(self) -> Plane {
        bell_columns(&bell_rows(self.plane, self.weights), self.weights)
    }
}

#[inline(always)]
fn bell_rows(plane: &Plane, weights: &[f32]) -> Plane {
    let (width, radius) = (plane.width(), weights.len() - 1);
    let mut smooth = plane.clone();
    for y in 0..plane.height() {
        let (from, to) = (plane.row(y), smooth.row_mut(y));
        let inner = radius..width.saturating_sub(radius).max(radius);
        for x in (0..width).filter(|x| !inner.contains(x)) {
            let (mut sum, mut mass) = (0.0, 0.0);
            for i in x.saturating_sub(radius)..=(x + radius).min(width - 1) {
                let weight = weights[x.abs_diff(i)];
                sum += weight * from[i];
                mass += weight;
            }
            to[x] = sum / mass;
        }
        if inner.is_empty() || inner.end > width {
            continue;
        }
        let mass = weights[0] + 2.0 * weights[1..].iter().sum::<f32>();
        let out = &mut to[inner.clone()];
        out.iter_mut().zip(&from[inner.clone()]).for_each(|(v, c)| *v = weights[0] / mass * c);
        for (d, w) in weights.iter().enumerate().skip(1) {
            let w = w / mass;
            let (left, right) =
                (&from[inner.start - d..inner.end - d], &from[inner.start + d..inner.end + d]);
            out.iter_mut().zip(left.iter().zip(right)).for_each(|(v, (l, r))| *v += w * (l + r));
        }
    }
    smooth
}

#[inline(always)]
fn bell_columns(plane: &Plane, weights: &[f32]) -> Plane {
    let (height, radius) = (plane.height(), weights.len() - 1);
    let mut smooth = Plane::filled(plane.size(), 0.0);
    for y in 0..height {
        let reach = y.saturating_sub(radius)..=(y + radius).min(height - 1);
        let mass: f32 = reach.clone().map(|i| weights[y.abs_diff(i)]).sum();
        let out = smooth.row_mut(y);
        for i in reach {
            let weight = weights[y.abs_diff(i)] / mass;
            out.iter_mut().zip(plane.row(i)).for_each(|(v, s)| *v += weight * s);
        }
    }
    smooth
}

/// The means over boxes of several radii one after the other: all of them along each row, then along each column, so
/// that a strip stays in the cache.
fn boxes(plane: &Plane, radii: &[usize]) -> Plane {
    widest(Boxes { plane, radii })
}

struct Boxes<'a> {
    plane: &'a Plane,
    radii: &'a [usize],
}

impl Wide for Boxes<'_> {
    type Output = Plane;

    #[inline(always)]
    fn run(self) -> Plane {
        columns_smoothed(rows_smoothed(self.plane, self.radii), self.radii)
    }
}

/// Rows that are smoothed side by side: a running sum waits for itself, so several are under way at once.
const ROWS: usize = 4;

#[inline(always)]
fn rows_smoothed(plane: &Plane, radii: &[usize]) -> Plane {
    let width = plane.width();
    let (mut strip, mut slid) = (vec![0.0; ROWS * width], vec![0.0; ROWS * width]);
    let mut smooth = Vec::with_capacity(plane.size().area());
    for rows in plane.samples().chunks(ROWS * width) {
        strip[..rows.len()].copy_from_slice(rows);
        for &radius in radii {
            if rows.len() == ROWS * width {
                slide_rows::<ROWS>(&strip, &mut slid, radius);
            } else {
                let pairs = strip[..rows.len()].chunks(width).zip(slid.chunks_mut(width));
                pairs.for_each(|(from, to)| slide_rows::<1>(from, to, radius));
            }
            std::mem::swap(&mut strip, &mut slid);
        }
        smooth.extend_from_slice(&strip[..rows.len()]);
    }
    Plane::new(plane.size(), smooth).expect("as many samples")
}

/// Sliding means along `N` rows over `2 radius + 1` places, at the ends over those that are there.
#[inline(always)]
fn slide_rows<const N: usize>(from: &[f32], to: &mut [f32], radius: usize) {
    let n = from.len() / N;
    let rows: [&[f32]; N] = std::array::from_fn(|i| &from[i * n..][..n]);
    let mut out = to.chunks_exact_mut(n);
    let mut out: [&mut [f32]; N] = std::array::from_fn(|_| out.next().expect("as many rows"));
    // Double precision: a running sum adds and takes away thousands of samples.
    let mut sums: [f64; N] = rows.map(|row| row[..radius.min(n)].iter().map(|&v| f64::from(v)).sum());
    // The window's far end enters at x + radius, its near end leaves from x = radius + 1 on; where the row is longer than
    // the window both happen at once, at a constant share.
    let full = if n > 2 * radius { radius + 1..n - radius } else { n..n };
    let end = |x: usize, sums: &mut [f64; N], out: &mut [&mut [f32]; N]| {
        let share = 1.0 / ((x + radius).min(n - 1) - x.saturating_sub(radius) + 1) as f64;
        for i in 0..N {
            let entering = rows[i].get(x + radius).map_or(0.0, |&v| f64::from(v));
            let leaving = if x > radius { f64::from(rows[i][x - radius - 1]) } else { 0.0 };
            sums[i] += entering - leaving;
            out[i][x] = (sums[i] * share) as f32;
        }
    };
    (0..full.start).for_each(|x| end(x, &mut sums, &mut out));
    let (count, share) = (full.len(), 1.0 / (2 * radius + 1) as f64);
    if count > 0 {
        let far = rows.map(|row| &row[full.start + radius..][..count]);
        let near = rows.map(|row| &row[full.start - radius - 1..][..count]);
        let out = out.each_mut().map(|row| &mut row[full.clone()]);
        for x in 0..count {
            for i in 0..N {
                sums[i] += f64::from(far[i][x]) - f64::from(near[i][x]);
                out[i][x] = (sums[i] * share) as f32;
            }
        }
    }
    (full.end..n).for_each(|x| end(x, &mut sums, &mut out));
}

/// Columns that are smoothed side by side, so that a strip of them stays in the cache.
const LANES: usize = 32;

#[inline(always)]
fn columns_smoothed(mut plane: Plane, radii: &[usize]) -> Plane {
    let mut strip = Strip::new(plane.height());
    for left in (0..plane.width()).step_by(LANES) {
        let right = plane.width().min(left + LANES);
        for (lanes, row) in strip.lanes.iter_mut().zip(plane.rows()) {
            lanes[..right - left].copy_from_slice(&row[left..right]);
        }
        radii.iter().for_each(|&radius| strip.slide(radius));
        for (y, lanes) in strip.lanes.iter().enumerate() {
            plane.row_mut(y)[left..right].copy_from_slice(&lanes[..right - left]);
        }
    }
    plane
}

/// Some rows, or columns, side by side: what is done along them is done to all at once.
struct Strip {
    lanes: Vec<[f32; LANES]>,
    slid: Vec<[f32; LANES]>,
}

impl Strip {
    fn new(length: usize) -> Self {
        Self { lanes: vec![[0.0; LANES]; length], slid: vec![[0.0; LANES]; length] }
    }

    /// Sliding mean over `2 radius + 1` places, at the ends over those that are there.
    #[inline(always)]
    fn slide(&mut self, radius: usize) {
        let (from, n) = (&self.lanes, self.lanes.len());
        // Double precision: a running sum adds and takes away thousands of samples.
        let mut sums = [0.0_f64; LANES];
        for values in &from[..radius.min(n)] {
            add(&mut sums, values);
        }
        for (i, slid) in self.slid.iter_mut().enumerate() {
            if let Some(entering) = from.get(i + radius) {
                add(&mut sums, entering);
            }
            if i > radius {
                for (sum, v) in sums.iter_mut().zip(&from[i - radius - 1]) {
                    *sum -= f64::from(*v);
                }
            }
            let share = 1.0 / ((i + radius).min(n - 1) - i.saturating_sub(radius) + 1) as f64;
            for (v, sum) in slid.iter_mut().zip(&sums) {
                *v = (sum * share) as f32;
            }
        }
        std::mem::swap(&mut self.lanes, &mut self.slid);
    }
}

#[inline(always)]
fn add(sums: &mut [f64; LANES], values: &[f32; LANES]) {
    for (sum, v) in sums.iter_mut().zip(values) {
        *sum += f64::from(*v);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speckled(width: usize, height: usize) -> Plane {
        Plane::from_fn(Size { width, height }, |x, y| ((x * 29 + y * 53) % 17) as f32)
    }

    fn naive_box(plane: &Plane, radius: usize, x: usize, y: usize) -> f32 {
        let (mut sum, mut count) = (0.0, 0.0);
        for j in y.saturating_sub(radius)..=(y + radius).min(plane.height() - 1) {
            for i in x.saturating_sub(radius)..=(x + radius).min(plane.width() - 1) {
                sum += plane.at(i, j);
                count += 1.0;
            }
        }
        sum / count
    }

    #[test]
    fn box_mean_agrees_with_the_sum_over_the_square() {
        for (width, height, radius) in [(1, 1, 3), (9, 5, 0), (9, 5, 2), (4, 30, 7)] {
            let plane = speckled(width, height);
            let mean = box_mean(&plane, radius);
            for y in 0..height {
                for x in 0..width {
                    let want = naive_box(&plane, radius, x, y);
                    assert!((mean.at(x, y) - want).abs() < 1e-4, "{width}x{height} r {radius} at {x},{y}");
                }
            }
        }
    }

    #[test]
    fn gaussians_have_their_width_and_keep_the_mean() {
        for sigma in [0.8_f32, 2.0, 3.2, 6.4, 19.2] {
            let mut point = Plane::filled(Size { width: 201, height: 201 }, 0.0);
            point.row_mut(100)[100] = 1.0;
            let bell = gaussian(&point, sigma);
            let mass: f32 = bell.samples().iter().sum();
            let variance: f32 =
                (0..201).map(|x| bell.row(100)[x] * (x as f32 - 100.0) * (x as f32 - 100.0)).sum::<f32>()
                    / bell.row(100).iter().sum::<f32>();
            assert!((mass - 1.0).abs() < 1e-3, "sigma {sigma}: mass {mass}");
            assert!((variance.sqrt() / sigma - 1.0).abs() < 0.05, "sigma {sigma}: {}", variance.sqrt());
        }
    }

    #[test]
    fn normalised_planes_do_not_know_their_contrast() {
        let quiet = speckled(64, 48);
        let loud = quiet.clone().map(|v| v * 8.0 + 20.0);
        let (a, b) = (normalise_locally(&quiet, 0.5, 4.0, 6.0), normalise_locally(&loud, 0.5, 4.0, 6.0));
        let power = |p: &Plane| p.samples().iter().map(|v| v * v).sum::<f32>() / p.samples().len() as f32;
        assert!((0.5..1.2).contains(&power(&a)), "{}", power(&a));
        assert!((power(&b) / power(&a) - 1.0).abs() < 0.2, "{} {}", power(&a), power(&b));
        assert!(b.samples().iter().all(|v| v.abs() <= 2.5));
    }

    #[test]
    fn wide_vectors_give_the_same_bits() {
        let plane = speckled(203, 117).map(|v| (v * 0.731).sqrt());
        let weights = [0.4, 0.2, 0.1];
        let bits = |plane: &Plane| plane.samples().iter().map(|v| v.to_bits()).collect::<Vec<u32>>();
        let bell = || Bell { plane: &plane, weights: &weights };
        assert_eq!(bits(&widest(bell())), bits(&bell().run()));
        let boxes = || Boxes { plane: &plane, radii: &[3, 4, 9] };
        assert_eq!(bits(&widest(boxes())), bits(&boxes().run()));
    }

    #[test]
    fn a_constant_stays() {
        let flat = Plane::filled(Size { width: 3, height: 50 }, 7.0);
        for sigma in [0.8, 4.0] {
            assert!(gaussian(&flat, sigma).samples().iter().all(|v| (v - 7.0).abs() < 1e-4), "sigma {sigma}");
        }
    }
}
