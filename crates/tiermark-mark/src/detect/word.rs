//! From the tiles of a found picture to the words they may carry.

use tiermark_signal::{Complex, Wide, widest};

use super::tiles::Tiles;
use crate::carrier::{BandCarrier, WordCarrier};
use crate::code::{CODE_BITS, Codeword, decode, encode};
use crate::key::MarkKey;
use crate::layout::FIELD;
use crate::payload::{Payload, checked, word};

/// Weights of the bands: what survives depends on what was done to the picture, and is not known.
pub(crate) const WEIGHTS: [[f32; 3]; 4] =
    [[1.0, 1.0, 1.0], [1.0, 1.0, 0.0], [0.0, 1.0, 1.0], [0.5, 1.0, 0.3]];

/// A harmonic counts at most as this many times the usual: one strong wave of the picture shall not outvote the others.
const LIMIT: f32 = 2.0;

/// Places of the lattice in the sign field.
pub(crate) const OFFSETS: usize = FIELD * FIELD;

/// One word under one key, at one place of the sign field.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WordReading {
    /// The message.
    pub(crate) payload: Payload,
    /// Self-normalised correlation with the codeword.
    pub(crate) z: f64,
}

/// Soft bits of the codeword under one key at one offset, for each weighting of the bands.
pub(crate) struct SoftBits {
    sets: [Set; WEIGHTS.len()],
}

/// Soft bits, and the root of the summed squares of what went into them.
struct Set {
    soft: Codeword,
    size: f32,
}

impl SoftBits {
    /// Gather the tiles, each with its sign; a tile of sign 0.0 is left out.
    pub(crate) fn gather(tiles: &Tiles, carrier: &WordCarrier, signs: &[f32]) -> Self {
        let bands: [(Codeword, f32); 3] =
            [0, 1, 2].map(|band| gathered(&tiles.bands[band], &carrier.bands[band], signs));
        Self { sets: WEIGHTS.map(|weights| Set::weighted(&bands, weights)) }
    }

    /// How far the harmonics that bear the same bit agree, at the best weighting: mean 1 and deviation 0.06 under noise.
    ///
    /// A word at z adds `z^2 / 576`, so the right place stands out from 1024 others well before the word decodes. (The
    /// agreement of tiles with each other, tried first, missed it on paintings: their own structure agrees as well.)
    pub(crate) fn agreement(&self) -> f32 {
        let energy = |set: &Set| set.soft.iter().map(|v| v * v).sum::<f32>() / (set.size * set.size);
        self.sets.iter().filter(|set| set.size > 0.0).map(energy).fold(0.0, f32::max)
    }

    /// The words decoded under each weighting whose keyed check fits.
    pub(crate) fn decoded(&self, key: &MarkKey) -> impl Iterator<Item = WordReading> {
        self.sets.iter().filter_map(|set| {
            let bits = decode(&set.soft);
            Some(WordReading { payload: checked(&bits, key)?, z: set.correlation(&encode(&bits)) })
        })
    }

    /// The best correlation with one known codeword.
    pub(crate) fn best(&self, payload: Payload, codeword: &Codeword) -> WordReading {
        WordReading { payload, z: self.each_z(codeword).into_iter().fold(f64::MIN, f64::max) }
    }

    /// The correlation with a codeword at each weighting.
    #[inline(always)]
    pub(crate) fn each_z(&self, codeword: &Codeword) -> [f64; WEIGHTS.len()] {
        std::array::from_fn(|set| self.sets[set].correlation(codeword))
    }
}

/// The codeword of a payload under a key.
pub(crate) fn codeword(payload: Payload, key: &MarkKey) -> Codeword {
    encode(&word(payload, key))
}

/// One band's soft bits under the signs of its tiles, and the sum of squares that went into them.
fn gathered(tiles: &[Vec<Complex<f32>>], carrier: &BandCarrier, signs: &[f32]) -> (Codeword, f32) {
    widest(Gathering { tiles, carrier, signs })
}

struct Gathering<'a> {
    tiles: &'a [Vec<Complex<f32>>],
    carrier: &'a BandCarrier,
    signs: &'a [f32],
}

impl Wide for Gathering<'_> {
    type Output = (Codeword, f32);

    #[inline(always)]
    fn run(self) -> (Codeword, f32) {
        let tiles = self.tiles.iter().zip(self.signs).filter(|(_, sign)| **sign != 0.0);
        let tiles: Vec<(&[Complex<f32>], f32)> = tiles.map(|(tile, sign)| (&tile[..], *sign)).collect();
        let mut sums = vec![Complex::<f32>::default(); self.carrier.waves.len()];
        // Some waves through all tiles, then the next: what is summed up stays in registers.
        let (some, rest) = sums.as_chunks_mut::<WAVES>();
        for (i, some) in some.iter_mut().enumerate() {
            *some = summed(&tiles, i * WAVES);
        }
        let behind = some.len() * WAVES;
        for (i, sum) in rest.iter_mut().enumerate() {
            [*sum] = summed(&tiles, behind + i);
        }
        for sum in &mut sums {
            let square = sum.norm_sqr();
            *sum *= if square > LIMIT * LIMIT { LIMIT / square.sqrt() } else { 1.0 };
        }
        let (mut soft, mut power) = ([0.0; CODE_BITS], 0.0);
        for (sum, (bits, keyed)) in sums.iter().zip(self.carrier.bits.iter().zip(&self.carrier.signs)) {
            for (part, (bit, key)) in [sum.re, sum.im].into_iter().zip(bits.iter().zip(keyed)) {
                soft[*bit] += part * key;
                power += part * part;
            }
        }
        (soft, power)
    }
}

/// Waves that are summed side by side.
const WAVES: usize = 16;

/// The signed sums over all tiles of some waves from `first` on.
#[inline(always)]
fn summed<const N: usize>(tiles: &[(&[Complex<f32>], f32)], first: usize) -> [Complex<f32>; N] {
    let mut sums = [Complex::default(); N];
    for (tile, sign) in tiles {
        let tile = &tile[first..][..N];
        for i in 0..N {
            sums[i] += tile[i] * sign;
        }
    }
    sums
}

impl Set {
    fn weighted(bands: &[(Codeword, f32); 3], weights: [f32; 3]) -> Self {
        let (mut soft, mut power) = ([0.0; CODE_BITS], 0.0);
        for ((bits, squares), weight) in bands.iter().zip(weights) {
            soft.iter_mut().zip(bits).for_each(|(v, bit)| *v += weight * bit);
            power += weight * weight * squares;
        }
        Self { soft, size: power.sqrt() }
    }

    /// `z = sum w r c / sqrt(sum w^2 r^2)`: for a codeword fixed before looking, the keyed signs make it a sum of fair
    /// signs, whatever the picture is.
    #[inline(always)]
    fn correlation(&self, codeword: &Codeword) -> f64 {
        // In eight partial sums, which run side by side.
        const LANES: usize = 8;
        let mut sums = [0.0_f32; LANES];
        for (v, c) in self.soft.chunks_exact(LANES).zip(codeword.chunks_exact(LANES)) {
            (0..LANES).for_each(|i| sums[i] += v[i] * c[i]);
        }
        let sum: f32 = sums.iter().sum();
        if self.size > 0.0 { f64::from(sum / self.size) } else { 0.0 }
    }
}
