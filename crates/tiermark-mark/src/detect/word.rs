//! From the tiles of a found picture to the words they may carry.

use tiermark_signal::Complex;

use super::tiles::Tiles;
use crate::carrier::WordCarrier;
use crate::code::{CODE_BITS, Codeword, decode, encode};
use crate::key::MarkKey;
use crate::layout::FIELD;
use crate::payload::{Payload, checked, word};

/// Weights of the bands: what survives depends on what was done to the picture, and is not known.
pub(crate) const WEIGHTS: [[f32; 3]; 4] = [[1.0, 1.0, 1.0], [1.0, 1.0, 0.0], [0.0, 1.0, 1.0], [0.5, 1.0, 0.3]];

/// Places of the lattice in the sign field.
pub(crate) const OFFSETS: usize = FIELD * FIELD;

/// One word under one key, at one place of the sign field.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WordReading {
    /// The message.
    pub(crate) payload: Payload,
    /// Whether the keyed check fits.
    pub(crate) checked: bool,
    /// Self-normalised correlation with the codeword.
    pub(crate) z: f64,
}

/// A place in the sign field, and how far the tiles agree under its signs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offset {
    /// Tiles across and down.
    pub(crate) place: [i64; 2],
    /// Agreement in standard deviations.
    pub(crate) agreement: f64,
}

/// How tiles agree with each other, harmonic by harmonic: the Gram matrix of each band.
pub(crate) struct Agreement {
    bands: [Vec<f32>; 3],
    places: Vec<[i64; 2]>,
}

impl Agreement {
    /// The agreement of all pairs of tiles. It knows no key but the lattice's: the signs come later.
    pub(crate) fn of(tiles: &Tiles) -> Self {
        Self { bands: [0, 1, 2].map(|band| gram(&tiles.bands[band])), places: tiles.places.clone() }
    }

    /// The offsets under which the tiles agree best: `keep` each by the coarse bands, the fine bands, and all.
    pub(crate) fn best(&self, carrier: &WordCarrier, keep: usize) -> Vec<Offset> {
        let mut chosen: Vec<Offset> = Vec::new();
        for weights in [[1.0, 1.0, 0.0], [0.0, 1.0, 1.0], [1.0, 1.0, 1.0]] {
            let mut offsets: Vec<Offset> = self.ranked(carrier, weights);
            offsets.sort_by(|a, b| b.agreement.total_cmp(&a.agreement).then(a.place.cmp(&b.place)));
            for offset in offsets.into_iter().take(keep) {
                match chosen.iter_mut().find(|known| known.place == offset.place) {
                    Some(known) => known.agreement = known.agreement.max(offset.agreement),
                    None => chosen.push(offset),
                }
            }
        }
        chosen
    }

    /// `sum over pairs of s_t s_u G_tu`, over its deviation under random signs, for each place in the field.
    fn ranked(&self, carrier: &WordCarrier, weights: [f32; 3]) -> Vec<Offset> {
        let n = self.places.len();
        let mixed: Vec<f32> =
            (0..n * n).map(|i| (0..3).map(|band| weights[band] * self.bands[band][i]).sum()).collect();
        let pairs = || (0..n).flat_map(move |t| (0..t).map(move |u| (t, u)));
        let spread = pairs().map(|(t, u)| f64::from(mixed[t * n + u]).powi(2)).sum::<f64>().sqrt();
        (0..OFFSETS)
            .map(|i| {
                let place = [(i % FIELD) as i64, (i / FIELD) as i64];
                let signs: Vec<f32> = self.places.iter().map(|at| sign(carrier, at, place)).collect();
                let sum: f32 = pairs().map(|(t, u)| signs[t] * signs[u] * mixed[t * n + u]).sum();
                Offset { place, agreement: if spread > 0.0 { f64::from(sum) / spread } else { 0.0 } }
            })
            .collect()
    }
}

fn sign(carrier: &WordCarrier, tile: &[i64; 2], offset: [i64; 2]) -> f32 {
    carrier.field.sign(tile[0] + offset[0], tile[1] + offset[1])
}

fn gram(tiles: &[Vec<Complex<f32>>]) -> Vec<f32> {
    let product = |a: &[Complex<f32>], b: &[Complex<f32>]| -> f32 {
        a.iter().zip(b).map(|(a, b)| a.re * b.re + a.im * b.im).sum()
    };
    tiles.iter().flat_map(|a| tiles.iter().map(|b| product(a, b))).collect()
}

/// Soft bits of the codeword under one key at one offset, for each weighting of the bands.
pub(crate) struct SoftBits {
    sets: Vec<(Codeword, f64)>,
}

impl SoftBits {
    /// Gather the tiles under the signs of `offset`.
    ///
    /// A harmonic's real and imaginary part are limited to 2 over the usual: one strong wave of the picture shall
    /// not outvote the others.
    pub(crate) fn gather(tiles: &Tiles, carrier: &WordCarrier, offset: [i64; 2]) -> Self {
        let signs: Vec<f32> = tiles.places.iter().map(|at| sign(carrier, at, offset)).collect();
        let bands: [(Codeword, f64); 3] = [0, 1, 2].map(|band| {
            let (mut soft, mut power) = ([0.0; CODE_BITS], 0.0);
            let parts = &carrier.bands[band];
            for (wave, (bits, keyed)) in parts.bits.iter().zip(&parts.signs).enumerate() {
                let sum: Complex<f32> = tiles.bands[band].iter().zip(&signs).map(|(tile, s)| tile[wave] * *s).sum();
                let size = sum.norm();
                let sum = if size > 2.0 { sum * (2.0 / size) } else { sum };
                for (part, (bit, key)) in [sum.re, sum.im].into_iter().zip(bits.iter().zip(keyed)) {
                    soft[*bit] += part * key;
                    power += f64::from(part) * f64::from(part);
                }
            }
            (soft, power)
        });
        Self { sets: WEIGHTS.iter().map(|weights| weighted(&bands, weights)).collect() }
    }

    /// The word decoded under each weighting.
    pub(crate) fn decoded(&self, key: &MarkKey) -> Vec<WordReading> {
        let reading = |(soft, power): &(Codeword, f64)| {
            let bits = decode(soft);
            let z = correlation(soft, *power, &encode(&bits));
            let payload = Payload(std::array::from_fn(|i| {
                bits[8 * i..8 * i + 8].iter().fold(0, |byte, &bit| byte << 1 | u8::from(bit))
            }));
            WordReading { payload, checked: checked(&bits, key).is_some(), z }
        };
        self.sets.iter().map(reading).collect()
    }

    /// The best correlation with one known codeword.
    pub(crate) fn best_z(&self, codeword: &Codeword) -> f64 {
        self.sets.iter().map(|(soft, power)| correlation(soft, *power, codeword)).fold(f64::MIN, f64::max)
    }
}

/// The codeword of a payload under a key.
pub(crate) fn codeword(payload: Payload, key: &MarkKey) -> Codeword {
    encode(&word(payload, key))
}

fn weighted(bands: &[(Codeword, f64); 3], weights: &[f32; 3]) -> (Codeword, f64) {
    let (mut soft, mut total) = ([0.0; CODE_BITS], 0.0);
    for ((bits, power), weight) in bands.iter().zip(weights) {
        soft.iter_mut().zip(bits).for_each(|(v, bit)| *v += weight * bit);
        total += f64::from(*weight) * f64::from(*weight) * power;
    }
    (soft, total)
}

/// `z = sum w r c / sqrt(sum w^2 r^2)`: for a codeword fixed before looking, the keyed signs make it a sum of fair
/// signs, whatever the picture is.
fn correlation(soft: &Codeword, power: f64, codeword: &Codeword) -> f64 {
    let sum: f64 = soft.iter().zip(codeword).map(|(v, c)| f64::from(*v) * f64::from(*c)).sum();
    if power > 0.0 { sum / power.sqrt() } else { 0.0 }
}
