//! One recipient's score, and its bound.

use tiermark_signal::{Wide, widest};

use super::CellEvidence;
use crate::carrier::cell_bits;
use crate::evidence::FalseAlarm;
use crate::key::MarkKey;
use crate::layout::CELL_PLANES;

const PLANES: usize = CELL_PLANES.len();

/// The sums of one recipient, plane by plane: independent pictures add up.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Scores {
    /// `sum G s`.
    sums: [f64; PLANES],
    /// `sum G^2`: its variance where the recipient had no part.
    variances: [f64; PLANES],
}

/// A way to weigh the planes against each other, fixed before looking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Each as the evidence weighs itself.
    Energy,
    /// Luma as it weighs itself.
    Luma,
    /// All planes alike.
    Even,
    /// Luma alike in all sizes.
    EvenLuma,
    /// The finest luma cells alone.
    Fine,
    /// The middle ones alone.
    Middle,
    /// The coarsest alone.
    Coarse,
    /// The two coarser sizes of luma alike.
    Slow,
}

impl Profile {
    /// All that are tried, each counted.
    pub const ALL: [Self; 8] = [
        Self::Energy,
        Self::Luma,
        Self::Even,
        Self::EvenLuma,
        Self::Fine,
        Self::Middle,
        Self::Coarse,
        Self::Slow,
    ];

    /// Which planes take part, and whether each counts by its deviation or as one.
    fn planes(self) -> ([bool; PLANES], bool) {
        let luma = [true, true, true, false, false, false, false];
        let only = |plane: usize| std::array::from_fn(|p| p == plane);
        match self {
            Self::Energy => ([true; PLANES], false),
            Self::Luma => (luma, false),
            Self::Even => ([true; PLANES], true),
            Self::EvenLuma => (luma, true),
            Self::Fine => (only(0), false),
            Self::Middle => (only(1), false),
            Self::Coarse => (only(2), false),
            Self::Slow => ([false, true, true, false, false, false, false], true),
        }
    }
}

impl CellEvidence {
    /// The sums of the recipient whose key this is.
    pub fn scores(&self, key: &MarkKey) -> Scores {
        let mut scores = Scores::default();
        for (p, cells) in self.cells.iter().enumerate().filter(|(_, cells)| !cells.is_empty()) {
            let bits = cell_bits(key, p, cells.len());
            scores.sums[p] = widest(SignedSum { cells, bits: &bits });
            scores.variances[p] = cells.iter().map(|g| f64::from(*g) * f64::from(*g)).sum();
        }
        scores
    }
}

impl Scores {
    /// Add the sums of another content, whose cells are independent.
    pub fn add(&mut self, other: &Self) {
        for p in 0..PLANES {
            self.sums[p] += other.sums[p];
            self.variances[p] += other.variances[p];
        }
    }

    /// The detection statistic in this profile: mean 0 and variance 1 exactly for whoever had no part; 0.0 without evidence.
    pub fn z(&self, profile: Profile) -> f64 {
        let (takes_part, alike) = profile.planes();
        let (mut sum, mut variance) = (0.0, 0.0);
        for p in (0..PLANES).filter(|&p| takes_part[p] && self.variances[p] > 0.0) {
            let scale = if alike { 1.0 / self.variances[p] } else { 1.0 };
            sum += self.sums[p] * scale.sqrt();
            variance += self.variances[p] * scale;
        }
        if variance > 0.0 { sum / variance.sqrt() } else { 0.0 }
    }

    /// The profile in which it is largest, and how large.
    pub fn best(&self) -> (Profile, f64) {
        let all = Profile::ALL.map(|profile| (profile, self.z(profile)));
        all.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)).expect("there are profiles")
    }

    /// The bound on a false alarm at the best profile, after all of them: Bentkus and Dzindzalieta's for sums of independent
    /// signs, times their number.
    pub fn false_alarm(&self) -> FalseAlarm {
        FalseAlarm::of_one(self.best().1).over(Profile::ALL.len() as f64)
    }
}

/// `sum G s` over signs of 32 to a word.
struct SignedSum<'a> {
    cells: &'a [f32],
    bits: &'a [u32],
}

impl Wide for SignedSum<'_> {
    type Output = f64;

    #[inline(always)]
    fn run(self) -> f64 {
        // 32 sums side by side, each in the same order on every machine.
        let mut sums = [0.0_f32; 32];
        let (whole, rest) = self.cells.as_chunks::<32>();
        for (cells, word) in whole.iter().zip(self.bits) {
            for (i, sum) in sums.iter_mut().enumerate() {
                *sum += f32::from_bits(cells[i].to_bits() ^ (word >> i << 31));
            }
        }
        let last = self.bits.get(whole.len()).copied().unwrap_or(0);
        let rest: f64 =
            rest.iter().enumerate().map(|(i, g)| f64::from(if last >> i & 1 == 0 { *g } else { -*g })).sum();
        sums.iter().map(|v| f64::from(*v)).sum::<f64>() + rest
    }
}
