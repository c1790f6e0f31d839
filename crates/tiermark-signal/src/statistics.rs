//! Tails of probability, and what is usual among samples.

/// log10 of the bound `P(z >= t) <= exp(-t^2 / 2)` for a sum of independent signs, self-normalised.
///
/// Hoeffding, "Probability inequalities for sums of bounded random variables", JASA 58, 1963, theorem 2, for
/// `z = sum a_j s_j / sqrt(sum a_j^2)` with independent fair signs `s_j` and any fixed `a_j`. For `t <= 0` the
/// bound is 1.
pub fn log10_sign_tail(t: f64) -> f64 {
    -(t.max(0.0) * t.max(0.0)) / (2.0 * std::f64::consts::LN_10)
}

/// The value below which `share` of the samples lie, to a 1/64 of `ceiling`; samples at or above count as `ceiling`.
///
/// A histogram, not a sort: two million gradients are looked at for each frame.
pub fn quantile(samples: impl Iterator<Item = f32>, share: f64, ceiling: f32) -> f32 {
    const BINS: usize = 256;
    let mut counts = [0_u64; BINS + 1];
    let scale = BINS as f32 / ceiling;
    samples.for_each(|v| counts[((v * scale) as usize).min(BINS)] += 1);
    let total: u64 = counts.iter().sum();
    let wanted = share * total as f64;
    let mut below = 0.0;
    for (bin, &count) in counts.iter().enumerate() {
        let next = below + count as f64;
        if next >= wanted && count > 0 {
            let inside = ((wanted - below) / count as f64) as f32;
            return ((bin as f32 + inside) / scale).min(ceiling);
        }
        below = next;
    }
    0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tail_bound_holds_for_signs_and_is_one_below_zero() {
        assert_eq!(log10_sign_tail(-3.0), 0.0);
        // All 2^10 sums of ten fair signs: the share at or beyond t is below the bound for every t.
        for t in [0.5, 1.5, 2.5, 3.0] {
            let beyond = (0..1024_u32)
                .filter(|bits| (2.0 * f64::from(bits.count_ones()) - 10.0) / 10.0_f64.sqrt() >= t)
                .count();
            assert!(libm::log10(beyond as f64 / 1024.0) <= log10_sign_tail(t), "t {t}");
        }
    }

    #[test]
    fn quantiles_of_a_ramp() {
        let ramp = || (0..1000).map(|i| i as f32 / 100.0);
        for share in [0.1, 0.5, 0.9] {
            let found = quantile(ramp(), share, 10.0);
            assert!((found - 10.0 * share as f32).abs() < 0.05, "{share}: {found}");
        }
        assert_eq!(quantile(std::iter::empty(), 0.5, 10.0), 0.0);
    }
}
