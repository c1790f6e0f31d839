//! Secrets of the mark, and the random streams drawn from them.

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A secret of 32 bytes that patterns are drawn from. It is never shown, and erased when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MarkKey([u8; 32]);

impl MarkKey {
    /// The key made of `bytes`.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// 32 bytes for one purpose: `HKDF-Expand(key, "tiermark/v1/" purpose 00 context)` (RFC 5869, section 2.3).
    pub(crate) fn derive(&self, purpose: &str, context: &[u8]) -> [u8; 32] {
        let mut derived = [0; 32];
        Hkdf::<Sha256>::from_prk(&self.0)
            .expect("32 bytes are as long as the hash")
            .expand_multi_info(&[b"tiermark/v1/", purpose.as_bytes(), &[0], context], &mut derived)
            .expect("32 bytes are less than 255 hashes");
        derived
    }

    /// The stream of random numbers for one purpose; no two purposes share numbers.
    pub(crate) fn stream(&self, purpose: &str, context: &[u8]) -> Stream {
        let mut seed = self.derive(purpose, context);
        let stream = Stream(ChaCha20Rng::from_seed(seed));
        seed.zeroize();
        stream
    }
}

/// A keyed stream of random numbers (ChaCha20, RFC 8439, as a generator): the same on every machine.
pub(crate) struct Stream(ChaCha20Rng);

impl Stream {
    /// A number in 0..`bound`, each equally likely.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        // The largest multiple of `bound` within 32 bits; what lies above would favour small numbers.
        let fair = u32::MAX - u32::MAX % bound;
        loop {
            let drawn = self.0.next_u32();
            if drawn < fair {
                return drawn % bound;
            }
        }
    }

    /// A number in 0.0..1.0 with 53 random bits.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// So many words of 32 random bits.
    pub(crate) fn words(&mut self, count: usize) -> Vec<u32> {
        (0..count).map(|_| self.0.next_u32()).collect()
    }

    /// +1 or -1.
    pub(crate) fn sign(&mut self) -> f32 {
        if self.0.next_u32() >> 31 == 0 { 1.0 } else { -1.0 }
    }

    /// The numbers 0..`count` in random order (Fisher and Yates).
    pub(crate) fn permutation(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            order.swap(last, self.below(last as u32 + 1) as usize);
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purposes_and_keys_do_not_share_numbers() {
        let key = MarkKey::new([7; 32]);
        let numbers = |key: &MarkKey, purpose: &str, context: &[u8]| {
            let mut stream = key.stream(purpose, context);
            [stream.below(1 << 31), stream.below(1 << 31)]
        };
        let first = numbers(&key, "scrambler", b"1");
        assert_eq!(first, numbers(&key, "scrambler", b"1"));
        assert_ne!(first, numbers(&key, "scrambler", b"2"));
        assert_ne!(first, numbers(&key, "signs", b"1"));
        assert_ne!(first, numbers(&MarkKey::new([8; 32]), "scrambler", b"1"));
    }

    #[test]
    fn numbers_are_even() {
        let mut stream = MarkKey::new([1; 32]).stream("test", b"");
        let (mut counts, mut signs, mut units) = ([0_i32; 7], 0.0, 0.0);
        for _ in 0..7000 {
            counts[stream.below(7) as usize] += 1;
            signs += stream.sign();
            units += stream.unit();
        }
        // Five standard deviations: sqrt(7000 / 7 * 6 / 7) = 29, sqrt(7000) = 84, sqrt(7000 / 12) = 24.
        assert!(counts.iter().all(|c| (c - 1000).abs() < 5 * 29), "{counts:?}");
        assert!(signs.abs() < 5.0 * 84.0, "{signs}");
        assert!((units - 3500.0).abs() < 5.0 * 24.0, "{units}");
        let mut order = stream.permutation(100);
        assert_ne!(order, (0..100).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..100).collect::<Vec<_>>());
    }
}
