//! The names of things that are hashes: keys, documents, parties, marks.
//!
//! All are written as lower-case hex; anything else is refused, so that one thing has one spelling.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};
use std::{fmt, str::FromStr};

/// Text that should be lower-case hex of a fixed length, and is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} lower-case hex digits")]
pub struct NotHex {
    expected: usize,
}

macro_rules! hex_name {
    ($(#[$doc:meta])* $name:ident, $bytes:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// The name made of these bytes.
            pub const fn from_bytes(bytes: [u8; $bytes]) -> Self {
                Self(bytes)
            }

            /// Its bytes.
            pub const fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&HEXLOWER.encode(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = NotHex;

            fn from_str(text: &str) -> Result<Self, NotHex> {
                let expected = 2 * $bytes;
                let bytes = HEXLOWER.decode(text.as_bytes()).map_err(|_| NotHex { expected })?;
                bytes.try_into().map(Self).map_err(|_| NotHex { expected })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

hex_name!(
    /// SHA-256 of some bytes: of a file, of a frame's values, of a list.
    Digest,
    32
);
hex_name!(
    /// A key's name: SHA-256 of its SubjectPublicKeyInfo.
    ///
    /// `openssl pkey -pubin -in k.pem -outform DER | sha256sum` prints the same.
    Kid,
    32
);
hex_name!(
    /// A document's name: a hash over its text and its signature.
    DocId,
    32
);
hex_name!(
    /// A party's name: the kid of its root key, or, for a vendor without keys, the id of its record.
    PartyId,
    32
);
hex_name!(
    /// What a mark says: the first eight bytes of a hand-over's id.
    MarkId,
    8
);
hex_name!(
    /// Sixteen bytes that make two documents about the same thing different.
    Nonce,
    16
);

hex_name!(
    /// The first sixteen bytes of a commitment to the secret of one recipient and one content.
    Commitment,
    16
);

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl DocId {
    /// The mark that leads to this document.
    pub fn mark_id(&self) -> MarkId {
        let (head, _) = self.0.split_first_chunk::<8>().expect("32 bytes hold 8");
        MarkId(*head)
    }
}

impl From<Kid> for PartyId {
    fn from(root: Kid) -> Self {
        Self(root.0)
    }
}

impl From<DocId> for PartyId {
    fn from(record: DocId) -> Self {
        Self(record.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]
    use super::*;

    #[test]
    fn a_name_has_one_spelling() {
        let text = "1dc9fbb9c9c113d2";
        let mark: MarkId = text.parse().unwrap();
        assert_eq!(mark.to_string(), text);
        for other in
            ["1DC9FBB9C9C113D2", "1dc9fbb9c9c113d", "1dc9fbb9c9c113d2 ", "", "1dc9fbb9c9c113d2aa", "zz"]
        {
            assert!(other.parse::<MarkId>().is_err(), "{other:?}");
        }
    }

    #[test]
    fn a_mark_is_the_head_of_its_document() {
        let doc = DocId::from_bytes(std::array::from_fn(|i| i as u8));
        assert_eq!(doc.mark_id().to_string(), "0001020304050607");
    }
}
