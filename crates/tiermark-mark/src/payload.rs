//! What the mark carries.

use crate::key::MarkKey;

/// The message of a mark: 64 bits that mean nothing here. The room above reads them as the id of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Payload(pub [u8; 8]);

/// What a carrier is bound to: a drawing or a shot, so that no two contents share a pattern.
///
/// 32 bytes, made by the room above as a digest of the picture or of the shot's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentId(pub [u8; 32]);

/// Payload and keyed check, as the code takes them.
pub(crate) const WORD_BITS: usize = 96;

/// The word of `payload` under `key`: 64 bits of payload, then 32 bits of
/// `HKDF-Expand(key, label("word-check") payload)`, most significant bit first.
pub(crate) fn word(payload: Payload, key: &MarkKey) -> [bool; WORD_BITS] {
    let check = key.derive("word-check", &payload.0);
    let mut bytes = [0; WORD_BITS / 8];
    bytes[..8].copy_from_slice(&payload.0);
    bytes[8..].copy_from_slice(&check[..4]);
    std::array::from_fn(|i| bytes[i / 8] >> (7 - i % 8) & 1 == 1)
}

/// The payload of a word, if its check fits.
pub(crate) fn checked(bits: &[bool; WORD_BITS], key: &MarkKey) -> Option<Payload> {
    let payload = Payload(std::array::from_fn(|i| {
        bits[8 * i..8 * i + 8].iter().fold(0, |byte, &bit| byte << 1 | u8::from(bit))
    }));
    (word(payload, key) == *bits).then_some(payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_gives_its_payload_back_under_its_key_only() {
        let key = MarkKey::new([3; 32]);
        let payload = Payload([0x1d, 0xc9, 0xfb, 0xb9, 0xc9, 0xc1, 0x13, 0xd2]);
        let bits = word(payload, &key);
        assert_eq!(bits[..8], [false, false, false, true, true, true, false, true]);
        assert_eq!(checked(&bits, &key), Some(payload));
        assert_eq!(checked(&bits, &MarkKey::new([4; 32])), None);
        for flipped in 0..WORD_BITS {
            let mut wrong = bits;
            wrong[flipped] ^= true;
            assert_eq!(checked(&wrong, &key), None, "bit {flipped}");
        }
    }
}
