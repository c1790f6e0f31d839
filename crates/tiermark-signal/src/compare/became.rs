//! What each value of one picture became in another, on the average and how surely.

/// Mean and variance of what each value became, whatever it was: a curve, steps, a threshold.
///
/// Where the later picture held a small change that is unknown here, the mean is already that over all such changes: it rises
/// over a threshold as far as a change may reach, and its slope is how much of one comes through.
#[derive(Clone, Debug)]
pub struct Became {
    low: f32,
    step: f32,
    bins: Vec<Bin>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Bin {
    mean: f32,
    slope: f32,
    variance: f32,
}

const BINS: usize = 256;
/// Deviation of the weights around each value, in values of the earlier picture: as far as a mark moves one.
const AROUND: f32 = 0.7;
/// What is left of any value: rounding.
const ROUNDING: f32 = 0.1;
/// Changes of the earlier picture are at least this large, squared: so uncertain is all that they move.
const CHANGED: f32 = 0.3;

impl Became {
    /// What the samples of `from` became in `to`, pair by pair; `None` if there are too few.
    pub fn fit(from: &[f32], to: &[f32]) -> Option<Self> {
        const LEAST: usize = 1000;
        if from.len() < LEAST {
            return None;
        }
        let (low, step) = range(from);
        let mut table = Self { low, step, bins: vec![Bin::default(); BINS] };
        // Count, value, and what it became, its square, and its product with the value; values relative to the bin's middle.
        let mut sums = vec![[0.0_f64; 3]; BINS];
        for (from, to) in from.iter().zip(to) {
            let [count, sum, square] = &mut sums[table.bin(*from)];
            *count += 1.0;
            *sum += f64::from(*to);
            *square += f64::from(*to) * f64::from(*to);
        }
        let reach = (3.0 * AROUND / step).ceil().max(2.0) as usize;
        let around = (AROUND / step).max(1.0);
        let weights: Vec<f64> = (0..=reach)
            .map(|d| f64::from(libm::expf(-0.5 * (d as f32 / around) * (d as f32 / around))))
            .collect();
        for b in 0..BINS {
            table.bins[b] = local(&sums, b, &weights, step);
        }
        Some(table)
    }

    #[inline(always)]
    fn bin(&self, v: f32) -> usize {
        ((v - self.low) / self.step).clamp(0.0, (BINS - 1) as f32) as usize
    }

    /// What a value became, how much of a small change of it came through, and the variance of the former.
    #[inline(always)]
    pub fn of(&self, v: f32) -> [f32; 3] {
        let Bin { mean, slope, variance } = self.bins[self.bin(v)];
        // From the bin's middle on.
        let middle = self.low + (self.bin(v) as f32 + 0.5) * self.step;
        let off = (v - middle).clamp(-self.step, self.step);
        [mean + slope * off, slope, variance]
    }

    /// Mean of the squares of what is left, each counted as `most` squared at most.
    pub fn misfit(&self, from: &[f32], to: &[f32], most: f32) -> f32 {
        let square = |(from, to): (&f32, &f32)| {
            let off = to - self.of(*from)[0];
            f64::from((off * off).min(most * most))
        };
        (from.iter().zip(to).map(square).sum::<f64>() / from.len().max(1) as f64) as f32
    }
}

/// The lowest bin's edge and a bin's width: all but the outermost 2 in 1000.
fn range(values: &[f32]) -> (f32, f32) {
    let mut some: Vec<f32> = values.iter().step_by(values.len().div_ceil(20_000)).copied().collect();
    let last = (some.len() - 1) as f32;
    let mut at = |share: f32| *some.select_nth_unstable_by((last * share) as usize, f32::total_cmp).1;
    let (low, high) = (at(0.002) - 0.5, at(0.998) + 0.5);
    (low, (high - low) / BINS as f32)
}

/// A straight line through what the values around bin `b` became.
fn local(sums: &[[f64; 3]], b: usize, weights: &[f64], step: f32) -> Bin {
    let reach = weights.len() - 1;
    // Where nothing has such a value, its nearest neighbours tell.
    let mut wide = reach;
    while wide < BINS && (b.saturating_sub(wide)..=(b + wide).min(BINS - 1)).all(|i| sums[i][0] == 0.0) {
        wide += 1;
    }
    let (mut n, mut x, mut xx, mut y, mut xy, mut yy) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0);
    for (i, [count, sum, square]) in sums.iter().enumerate().take(b + wide + 1).skip(b.saturating_sub(wide)) {
        let (weight, place) = (weights[i.abs_diff(b).min(reach)], i as f64 - b as f64);
        n += weight * count;
        x += weight * count * place;
        xx += weight * count * place * place;
        y += weight * sum;
        xy += weight * sum * place;
        yy += weight * square;
    }
    if n <= 0.0 {
        return Bin { variance: 1e6, ..Bin::default() };
    }
    // Held to no slope by half of one value, so that a single one decides nothing.
    let spread = xx - x * x / n + 0.5;
    let slope = (xy - x * y / n) / spread;
    let mean = (y - slope * x) / n;
    let left = (yy - y * y / n - slope * (xy - x * y / n)).max(0.0) / n;
    let slope = slope as f32 / step;
    Bin { mean: mean as f32, slope, variance: left as f32 + ROUNDING + CHANGED * slope * slope }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp() -> Vec<f32> {
        (0..60_000).map(|i| (i * 7919 % 25_600) as f32 / 100.0).collect()
    }

    #[test]
    fn a_curve_is_followed_and_its_slope_known() {
        let from = ramp();
        let to: Vec<f32> = from.iter().map(|v| 0.002 * v * v + 10.0).collect();
        let became = Became::fit(&from, &to).expect("enough");
        let [mean, slope, variance] = became.of(150.3);
        assert!((mean - (0.002 * 150.3 * 150.3 + 10.0)).abs() < 0.1, "{mean}");
        assert!((slope - 0.6).abs() < 0.05 && variance < 0.4, "{slope} {variance}");
        assert!(became.misfit(&from, &to, 40.0) < 0.1);
    }

    #[test]
    fn a_threshold_lets_through_what_lies_near_it() {
        let from = ramp();
        let change = |i: usize| if i.is_multiple_of(2) { 1.0 } else { -1.0 };
        let to: Vec<f32> =
            from.iter().enumerate().map(|(i, v)| if v + change(i) < 128.0 { 0.0 } else { 255.0 }).collect();
        let became = Became::fit(&from, &to).expect("enough");
        assert!((became.of(128.0)[0] - 127.5).abs() < 20.0, "{}", became.of(128.0)[0]);
        assert!(became.of(128.0)[1] > 40.0 && became.of(100.0)[1].abs() < 1e-3);
        assert!(became.of(128.0)[2] > 5000.0 && became.of(100.0)[2] < 1.0);
    }
}
