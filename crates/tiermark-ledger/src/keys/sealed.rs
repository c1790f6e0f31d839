//! What travels to one party alone: sealed with age to its X25519 key.
//!
//! The plain `age` program opens it too: `age -d -i identity.txt secret.age`, the identity being what
//! `tiermark party identity` prints. At rest the key's 32 bytes lie in the same container as all others.

use super::{KeyError, NoRandomness, Passphrase, file, fresh};
use crate::Kid;
use bech32::{Bech32, Hrp, primitives::decode::CheckedHrpstring};
use sha2::{Digest as _, Sha256};
use std::path::Path;
use zeroize::Zeroizing;

/// The public half: who may open it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealingKey([u8; 32]);

/// The private half; it cannot be printed and is zeroed when it is dropped.
pub struct Opener(Zeroizing<[u8; 32]>);

/// A sealed text that this key does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is sealed to another key, or damaged")]
pub struct NotForUs;

/// A key that nothing can be sealed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an X25519 key that something can be sealed to")]
pub struct NotASealingKey;

/// SubjectPublicKeyInfo of X25519 is these bytes and the key (RFC 8410, section 4).
const SPKI_HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x6e, 0x03, 0x21, 0x00];
/// Longest sealed text that is opened: two secrets with the armour around them take 500 bytes.
const MOST_BYTES: usize = 16 * 1024;

impl SealingKey {
    /// The name of the algorithm in documents.
    pub const ALG: &'static str = "x25519";

    /// The key made of these 32 bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key's name, as `openssl pkey -pubin -outform DER | sha256sum` prints it.
    pub fn kid(&self) -> Kid {
        Kid::from_bytes(Sha256::new_with_prefix(SPKI_HEAD).chain_update(self.0).finalize().into())
    }

    /// Seals a secret to this key, as armoured text.
    ///
    /// # Errors
    /// When the key is none that something can be sealed to.
    pub fn seal(&self, secret: &[u8]) -> Result<String, NotASealingKey> {
        let text = bech32::encode::<Bech32>(prefix("age"), &self.0).map_err(|_| NotASealingKey)?;
        let recipient: age::x25519::Recipient = text.parse().map_err(|_| NotASealingKey)?;
        age::encrypt_and_armor(&recipient, secret).map_err(|_| NotASealingKey)
    }
}

impl Opener {
    /// A new key.
    ///
    /// # Errors
    /// When the operating system has no randomness.
    pub fn fresh() -> Result<Self, NoRandomness> {
        fresh().map(Self)
    }

    /// The key made of these 32 bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Zeroizing::new(*bytes))
    }

    /// Opens the file of such a key.
    ///
    /// # Errors
    /// When the passphrase is wrong, the file is damaged or not a key, or the disk refuses.
    pub fn read(path: &Path, passphrase: &Passphrase) -> Result<Self, KeyError> {
        file::read(path, passphrase).map(Self)
    }

    /// Writes the key under a passphrase into a new file, readable by its owner alone.
    ///
    /// # Errors
    /// When the file exists already, or the disk refuses.
    pub fn write(&self, path: &Path, passphrase: &Passphrase) -> Result<(), KeyError> {
        file::write(path, &self.0, passphrase)
    }

    /// The identity as the `age` program wants it in a file; as secret as the key.
    pub fn identity(&self) -> Zeroizing<String> {
        let text = bech32::encode_upper::<Bech32>(prefix("age-secret-key-"), &self.0[..]);
        Zeroizing::new(text.expect("32 bytes are within the limit of bech32"))
    }

    /// The public half.
    pub fn public(&self) -> SealingKey {
        let text = self.key().to_public().to_string();
        let checked = CheckedHrpstring::new::<Bech32>(&text).expect("age writes bech32");
        let bytes: Vec<u8> = checked.byte_iter().collect();
        SealingKey(bytes.try_into().expect("a public key has 32 bytes"))
    }

    /// The secret in a sealed text.
    ///
    /// # Errors
    /// When it is sealed to another key, or damaged.
    pub fn open(&self, sealed: &str) -> Result<Zeroizing<Vec<u8>>, NotForUs> {
        if sealed.len() > MOST_BYTES {
            return Err(NotForUs);
        }
        age::decrypt(&self.key(), sealed.as_bytes()).map(Zeroizing::new).map_err(|_| NotForUs)
    }

    fn key(&self) -> age::x25519::Identity {
        self.identity().parse().expect("an identity in its one spelling")
    }
}

fn prefix(text: &str) -> Hrp {
    Hrp::parse(text).expect("letters and hyphens")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]
    use super::*;

    #[test]
    fn only_its_key_opens_a_sealed_secret() {
        let (key, other) = (Opener::from_bytes(&[7; 32]), Opener::from_bytes(&[8; 32]));
        let sealed = key.public().seal(b"node secret").unwrap();
        assert!(sealed.starts_with("-----BEGIN AGE ENCRYPTED FILE-----"));
        assert_eq!(*key.open(&sealed).unwrap(), b"node secret");
        assert!(other.open(&sealed).is_err() && key.open("").is_err());
        assert!(key.open(&"a".repeat(MOST_BYTES + 1)).is_err());
        assert!(key.open(&sealed.replacen('A', "B", 40)).is_err());
    }

    #[test]
    fn keys_are_those_of_age() {
        // The first test vector of RFC 7748, section 6.1, in age's spelling.
        let scalar = data_encoding::HEXLOWER
            .decode(b"77076d0a7318a57d3c16c17251b26645c6c2e38e5d63c9f22fb8b6c5a5a2b2b2".map(|b| b).as_slice())
            .unwrap();
        let key = Opener::from_bytes(scalar.as_slice().try_into().unwrap());
        assert!(key.identity().starts_with("AGE-SECRET-KEY-1"));
        let recipient = bech32::encode::<Bech32>(prefix("age"), key.public().as_bytes()).unwrap();
        assert_eq!(key.key().to_public().to_string(), recipient);
    }
}
