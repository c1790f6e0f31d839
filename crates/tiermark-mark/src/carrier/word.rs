//! The carrier of one tier's word: which harmonic bears which code bit, with which sign.

use tiermark_signal::Complex;

use super::{LatticeCarrier, SignField, Tile};
use crate::code::{CODE_BITS, Codeword};
use crate::key::MarkKey;
use crate::layout::{BANDS, HARMONICS, Harmonic};

/// The harmonics of one band and what they bear.
pub(crate) struct BandCarrier {
    /// Waves of the band that the lattice leaves free.
    pub(crate) waves: Vec<Harmonic>,
    /// For each wave the code bits of its real and its imaginary part.
    pub(crate) bits: Vec<[usize; 2]>,
    /// Keyed signs over those bits.
    pub(crate) signs: Vec<[f32; 2]>,
}

/// All tiers use all harmonics, each with its own signs (code division): measured better than sharing them out.
pub(crate) struct WordCarrier {
    /// Coarse, middle and fine band.
    pub(crate) bands: [BandCarrier; 3],
    /// One sign to a tile.
    pub(crate) field: SignField,
}

impl WordCarrier {
    /// The carrier under `key`, on the harmonics that `lattice` leaves free.
    pub(crate) fn new(key: &MarkKey, lattice: &LatticeCarrier) -> Self {
        let band = |band: usize| BandCarrier::new(key, lattice, band);
        let field = SignField::draw(&mut key.stream("sign-field", b""));
        Self { bands: [band(0), band(1), band(2)], field }
    }

    /// The tiles of a codeword for flat and for textured places, each of unit power.
    pub(crate) fn tiles(&self, codeword: &Codeword) -> [Tile; 2] {
        [BANDS.map(|b| b.flat), BANDS.map(|b| b.textured)].map(|powers| {
            Tile::of(self.bands.iter().zip(powers).flat_map(|(band, power)| band.amplitudes(codeword, power)))
        })
    }
}

impl BandCarrier {
    fn new(key: &MarkKey, lattice: &LatticeCarrier, band: usize) -> Self {
        let waves: Vec<Harmonic> = HARMONICS[band].iter().copied().filter(|&k| !lattice.holds(k)).collect();
        let order = key.stream("bit-order", &[band as u8]).permutation(CODE_BITS);
        // Each band starts elsewhere in its own order: a band shorter than the codeword bears other bits than the next.
        let bits =
            (0..waves.len()).map(|i| [order[2 * i % CODE_BITS], order[(2 * i + 1) % CODE_BITS]]).collect();
        let mut stream = key.stream("scrambler", &[band as u8]);
        let signs = waves.iter().map(|_| [stream.sign(), stream.sign()]).collect();
        Self { waves, bits, signs }
    }

    /// Complex amplitudes of the waves: variance `sum 2 |X|^2 = power`.
    fn amplitudes<'a>(
        &'a self,
        codeword: &'a Codeword,
        power: f64,
    ) -> impl Iterator<Item = (Harmonic, Complex<f32>)> + 'a {
        let amplitude = libm::sqrt(power / (4.0 * self.waves.len() as f64)) as f32;
        self.waves.iter().zip(self.bits.iter().zip(&self.signs)).map(move |(&wave, (bits, signs))| {
            let part = |i: usize| codeword[bits[i]] * signs[i] * amplitude;
            (wave, Complex::new(part(0), part(1)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::encode;
    use crate::layout::TILE;

    fn carrier(seed: u8) -> WordCarrier {
        WordCarrier::new(&MarkKey::new([seed; 32]), &LatticeCarrier::new(&MarkKey::new([9; 32])))
    }

    #[test]
    fn every_bit_is_borne_and_no_sync_line_is_used() {
        let lattice = LatticeCarrier::new(&MarkKey::new([9; 32]));
        let word = carrier(1);
        let mut uses = [0_usize; CODE_BITS];
        for band in &word.bands {
            assert!(band.waves.iter().all(|&k| !lattice.holds(k)));
            band.bits.iter().flatten().for_each(|&bit| uses[bit] += 1);
        }
        let waves: usize = word.bands.iter().map(|b| b.waves.len()).sum();
        assert_eq!(waves, 74 + 300 + 1206 - 32);
        assert!(uses.iter().all(|&n| n >= 4), "least {:?}", uses.iter().min());
    }

    #[test]
    fn tiles_have_unit_power() {
        for tile in carrier(1).tiles(&encode(&[true; 96])) {
            let power: f32 = (0..TILE).map(|y| tile.row(y as f64).iter().map(|v| v * v).sum::<f32>()).sum();
            assert!((power / (TILE * TILE) as f32 - 1.0).abs() < 1e-3, "{power}");
        }
    }
}
