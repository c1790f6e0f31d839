//! Tails of probability, and what is usual among samples.

/// log10 of a bound on `P(z >= t)` for a sum of independent signs, self-normalised; at most 0.0.
///
/// For `z = sum a_j s_j / sqrt(sum a_j^2)` with independent fair signs `s_j` and any fixed `a_j`, the tail is at most 3.178
/// times that of a standard normal variable, and for two signs it is that: Bentkus and Dzindzalieta, "A tight Gaussian
/// bound for weighted sums of Rademacher random variables", Bernoulli 21(2), 2015, theorem 1.1.
pub fn log10_sign_tail(t: f64) -> f64 {
    /// `1 / (4 Q(sqrt 2))`, rounded up.
    const FACTOR: f64 = 3.1788;
    (libm::log10(FACTOR) + log10_normal_tail(t)).min(0.0)
}

/// log10 of the tail `Q(t)` of a standard normal variable; beyond 25 of its bound `exp(-t^2 / 2) / (t sqrt(2 pi))`, which
/// is less than 0.2 % above it.
pub fn log10_normal_tail(t: f64) -> f64 {
    if t < 25.0 {
        return libm::log10(0.5 * libm::erfc(t * std::f64::consts::FRAC_1_SQRT_2));
    }
    let density = -t * t / (2.0 * std::f64::consts::LN_10);
    density - libm::log10(t * (2.0 * std::f64::consts::PI).sqrt())
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
        // Two equal signs at their end are where the bound is nearest: a quarter.
        let nearest = log10_sign_tail(2.0_f64.sqrt());
        assert!(nearest >= libm::log10(0.25) && nearest < libm::log10(0.2501), "{nearest}");
    }

    #[test]
    fn normal_tails_join_where_the_formula_changes() {
        for (t, want) in [(1.0, -0.79955), (2.0, -1.64302), (5.0, -6.54265), (8.0, -15.20614)] {
            assert!((log10_normal_tail(t) - want).abs() < 1e-4, "{t}: {}", log10_normal_tail(t));
        }
        let step = log10_normal_tail(25.0) - log10_normal_tail(25.0 - 1e-9);
        assert!((0.0..1e-3).contains(&step), "{step}");
        assert!(log10_normal_tail(40.0) > -350.0 && log10_normal_tail(40.0) < -349.0);
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
