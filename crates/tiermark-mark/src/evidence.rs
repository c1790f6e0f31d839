//! How sure are we that a mark is there.

use tiermark_signal::statistics::log10_sign_tail;

/// An attribution is made at or below this, log10, for each picture and after all trials.
pub const ATTRIBUTION: f64 = -9.0;

/// A bound on the probability that an unmarked picture gives such a reading, kept as log10.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct FalseAlarm {
    log10: f64,
}

impl FalseAlarm {
    /// The bound for one codeword fixed before looking, read at detection statistic `z`: 3.18 times the normal tail.
    pub fn of_one(z: f64) -> Self {
        Self { log10: log10_sign_tail(z) }
    }

    /// The bound after `trials` different things were tried: the union bound; never above 1.
    #[must_use]
    pub fn over(self, trials: f64) -> Self {
        Self { log10: (self.log10 + libm::log10(trials.max(1.0))).min(0.0) }
    }

    /// log10 of the bound, at most 0.0.
    pub fn log10(self) -> f64 {
        self.log10
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trials_cost_their_logarithm() {
        let one = FalseAlarm::of_one(10.0);
        assert!((one.log10() + 22.616).abs() < 1e-3, "{}", one.log10());
        assert!((one.over(1e5).log10() - one.log10() - 5.0).abs() < 1e-9);
        assert_eq!(FalseAlarm::of_one(1.0).over(1e6).log10(), 0.0);
    }
}
