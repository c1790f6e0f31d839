//! Signing and verifying with Ed25519, and the name of a key.

use crate::Kid;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// A private Ed25519 key; it cannot be printed and is zeroed when it is dropped.
pub struct Signer(SigningKey);

/// A public Ed25519 key that is a point of full order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

/// Bytes that are no usable public key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an Ed25519 public key that could have signed anything")]
pub struct NotAKey;

/// A signature that this key did not make over this text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not fit the text")]
pub struct WrongSignature;

/// SubjectPublicKeyInfo of Ed25519 is these bytes and the key (RFC 8410, section 4).
const SPKI_HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

impl Signer {
    /// The key with this seed; the same seed gives the same signatures (RFC 8032).
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs these bytes as they are.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }

    pub(super) fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }
}

impl PublicKey {
    /// The key made of these 32 bytes.
    ///
    /// # Errors
    /// When they are no point of the curve, or one of small order that would accept forged signatures.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, NotAKey> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| NotAKey)?;
        if key.is_weak() { Err(NotAKey) } else { Ok(Self(key)) }
    }

    /// Its 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The SubjectPublicKeyInfo in DER, as `openssl pkey -pubin -outform DER` writes it.
    pub fn to_der(&self) -> Vec<u8> {
        [&SPKI_HEAD[..], self.as_bytes()].concat()
    }

    /// The key in a PEM file, as `openssl pkey -pubout` writes it.
    ///
    /// # Errors
    /// When it is no Ed25519 public key in PEM.
    pub fn from_pem(pem: &str) -> Result<Self, NotAKey> {
        let base64: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let der = data_encoding::BASE64.decode(base64.trim().as_bytes()).map_err(|_| NotAKey)?;
        let key = der.strip_prefix(&SPKI_HEAD).and_then(|key| key.try_into().ok()).ok_or(NotAKey)?;
        Self::from_bytes(key)
    }

    /// The key's name.
    pub fn kid(&self) -> Kid {
        Kid::from_bytes(Sha256::digest(self.to_der()).into())
    }

    /// Checks a signature strictly: no weak keys, no second encoding of the same signature.
    ///
    /// # Errors
    /// When this key did not make the signature over exactly these bytes.
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> Result<(), WrongSignature> {
        let signature = Signature::from_bytes(signature);
        self.0.verify_strict(message, &signature).map_err(|_| WrongSignature)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]
    use super::*;

    #[test]
    fn a_signature_holds_for_one_key_and_one_text() {
        let (key, other) = (Signer::from_seed(&[1; 32]), Signer::from_seed(&[2; 32]));
        let signature = key.sign(b"text");
        assert!(key.public().verify(b"text", &signature).is_ok());
        assert!(key.public().verify(b"Text", &signature).is_err());
        assert!(other.public().verify(b"text", &signature).is_err());
    }

    #[test]
    fn the_second_encoding_of_a_signature_is_refused() {
        // S + L is the same scalar; a lax verifier takes it, and one document would have two ids.
        let key = Signer::from_seed(&[1; 32]);
        let mut signature = key.sign(b"text");
        let order = data_encoding::HEXLOWER
            .decode(b"edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
            .unwrap();
        let mut carry = 0_u16;
        for (s, l) in signature[32..].iter_mut().zip(&order) {
            carry += u16::from(*s) + u16::from(*l);
            *s = carry as u8;
            carry >>= 8;
        }
        assert!(key.public().verify(b"text", &signature).is_err());
    }

    #[test]
    fn a_key_of_small_order_is_no_key() {
        let mut one = [0; 32];
        one[0] = 1;
        assert_eq!(PublicKey::from_bytes(&one).err(), Some(NotAKey));
        assert_eq!(PublicKey::from_bytes(&[0; 32]).err(), Some(NotAKey));
    }
}
