//! The party document: a root key says which other keys speak for it.

use super::{Document, DocumentError, Envelope, statement};
use crate::keys::{PublicKey, SealingKey, Signer};
use crate::{Digest, Handle, Kid, Moment};
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

/// Who a party is, in its own words, signed by its own root key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// What people call it.
    pub handle: Handle,
    /// Counts the documents of this party, from 0.
    pub seq: u32,
    /// The document before this one.
    pub prev: Option<crate::DocId>,
    /// The root's public key.
    #[serde(with = "base64_key")]
    root_pub: PublicKey,
    /// The keys that speak for it.
    pub keys: Vec<DeclaredKey>,
}

/// A key that a party calls its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeclaredKey {
    /// What it is for: `sign`, `log`, `witness` or `box`. Other uses come with later versions and are left alone.
    #[serde(rename = "use")]
    pub usage: String,
    /// The algorithm, `ed25519`, or `x25519` for `box`.
    pub alg: String,
    /// The key's name.
    pub kid: Kid,
    /// The key, in base64; another algorithm may bring another length.
    #[serde(rename = "pub")]
    public: String,
    /// Since when it counts.
    pub from: Moment,
    /// Until when, if that is known.
    pub to: Option<Moment>,
}

impl Document for Party {
    const TYPE: &'static str = "tiermark:party/v1";
    const KIND: &'static str = "party";
    const NAME: &'static str = "party document";

    fn issuer(&self) -> Kid {
        self.root_kid()
    }

    fn made_at(&self) -> Moment {
        self.keys.iter().map(|key| key.from).max().unwrap_or(Moment::EPOCH)
    }
}

impl statement::sealed::Sealed for Party {
    fn subject(&self) -> (&'static str, Digest) {
        ("root-key", Digest::from_bytes(*self.root_kid().as_bytes()))
    }
}

impl Party {
    /// The first document of a party with one signing key.
    pub fn first(handle: Handle, root: &PublicKey, sign: &PublicKey, from: Moment) -> Self {
        let keys = vec![DeclaredKey::ed25519(Usage::Sign, sign, from)];
        Self { handle, seq: 0, prev: None, root_pub: root.clone(), keys }
    }

    /// The document after `prev`, with these keys: all older ones and the new.
    pub fn next(&self, prev: crate::DocId, keys: Vec<DeclaredKey>) -> Self {
        Self { seq: self.seq + 1, prev: Some(prev), keys, ..self.clone() }
    }

    /// The newest key of this use that still counts.
    pub fn key_for(&self, usage: Usage) -> Option<PublicKey> {
        let open = |key: &&DeclaredKey| key.usage == usage.word() && key.alg == "ed25519" && key.to.is_none();
        let key = self.keys.iter().filter(open).max_by_key(|key| key.from)?;
        public_key(&key.public).filter(|public| public.kid() == key.kid)
    }

    /// All keys of this use, newest first: what was signed with one that has ended still holds.
    pub fn keys_for(&self, usage: Usage) -> Vec<PublicKey> {
        let keys = self.keys.iter().filter(|key| key.usage == usage.word() && key.alg == "ed25519").rev();
        keys.filter_map(|key| public_key(&key.public)).collect()
    }

    /// The key that secrets for this party are sealed to.
    pub fn sealing_key(&self) -> Option<SealingKey> {
        let open = |key: &&DeclaredKey| key.usage == "box" && key.alg == SealingKey::ALG && key.to.is_none();
        let key = self.keys.iter().filter(open).max_by_key(|key| key.from)?;
        let bytes = BASE64.decode(key.public.as_bytes()).ok()?;
        Some(SealingKey::from_bytes(bytes.as_slice().try_into().ok()?))
    }

    /// Signs the document with the party's own root.
    ///
    /// # Errors
    /// When the document has no canonical form, or the key is not the root it names.
    pub fn seal(&self, root: &Signer) -> Result<Envelope, DocumentError> {
        if self.root_pub != root.public() {
            return Err(DocumentError::NotCanonical("a party document is signed by the root it names"));
        }
        Envelope::seal(self, root)
    }

    /// Reads a party document that is signed by the root it names, whichever that is.
    ///
    /// The key to check with stands in the text itself, so this is the one place that looks into a text
    /// before its signature held; of that look only the key is kept. Whether this root is the right one, the
    /// caller must know: compare [`Party::root_kid`].
    ///
    /// # Errors
    /// When the text names no root, or its root did not sign it.
    pub fn open(envelope: &Envelope) -> Result<Self, DocumentError> {
        let claim: Self = statement::read(envelope.payload())?;
        envelope.open(&claim.root_pub)
    }

    /// The root's public key.
    pub fn root(&self) -> &PublicKey {
        &self.root_pub
    }

    /// The kid of the root: the party's name.
    pub fn root_kid(&self) -> Kid {
        self.root_pub.kid()
    }

    /// The signing key of this name, if the party declares it.
    pub fn signing_key(&self, kid: Kid) -> Option<(&DeclaredKey, PublicKey)> {
        let mut keys = self.keys.iter().filter(|key| key.usage == "sign" && key.alg == "ed25519");
        let declared = keys.find(|key| key.kid == kid)?;
        let public = public_key(&declared.public)?;
        (public.kid() == kid).then_some((declared, public))
    }
}

/// What a key is for. One key never serves two uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage {
    /// Documents.
    Sign,
    /// Checkpoints of the own log.
    Log,
    /// Cosignatures on the checkpoints of others.
    Witness,
}

impl Usage {
    /// Its word in documents.
    pub fn word(self) -> &'static str {
        match self {
            Self::Sign => "sign",
            Self::Log => "log",
            Self::Witness => "witness",
        }
    }
}

impl DeclaredKey {
    /// An Ed25519 key that counts from now on.
    pub fn ed25519(usage: Usage, key: &PublicKey, from: Moment) -> Self {
        let (usage, alg) = (usage.word().to_owned(), "ed25519".to_owned());
        Self { usage, alg, kid: key.kid(), public: BASE64.encode(key.as_bytes()), from, to: None }
    }

    /// The key that secrets are sealed to.
    pub fn sealing(key: &SealingKey, from: Moment) -> Self {
        let (usage, alg) = ("box".to_owned(), SealingKey::ALG.to_owned());
        Self { usage, alg, kid: key.kid(), public: BASE64.encode(key.as_bytes()), from, to: None }
    }

    /// The same key, which counts no longer than this.
    #[must_use]
    pub fn ended(self, at: Moment) -> Self {
        Self { to: self.to.or(Some(at)), ..self }
    }

    /// Whether the key counts at this time.
    pub fn counts_at(&self, moment: Moment) -> bool {
        self.from <= moment && self.to.is_none_or(|to| moment <= to)
    }
}

fn public_key(base64: &str) -> Option<PublicKey> {
    let bytes = BASE64.decode(base64.as_bytes()).ok()?;
    let key = PublicKey::from_bytes(bytes.as_slice().try_into().ok()?).ok()?;
    // The decoder also takes padded pieces in a row; a key has one spelling.
    (BASE64.encode(key.as_bytes()) == base64).then_some(key)
}

/// A key as text, in the one spelling that base64 has for it.
mod base64_key {
    use super::{BASE64, PublicKey, public_key};
    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(key: &PublicKey, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(key.as_bytes()))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PublicKey, D::Error> {
        let text = String::deserialize(deserializer)?;
        public_key(&text).ok_or_else(|| de::Error::custom("not a public key in base64"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]
    use super::*;

    fn lion(root: &Signer, sign: &Signer) -> Party {
        let from = "2026-03-01T00:00:00Z".parse().unwrap();
        Party::first(Handle::new("Lion Studio").unwrap(), &root.public(), &sign.public(), from)
    }

    #[test]
    fn a_party_speaks_for_itself() {
        let (root, sign) = (Signer::from_seed(&[1; 32]), Signer::from_seed(&[2; 32]));
        let party = lion(&root, &sign);
        let opened = Party::open(&party.seal(&root).unwrap()).unwrap();
        assert_eq!(opened, party);
        assert_eq!(opened.root_kid(), root.public().kid());
        assert_eq!(opened.signing_key(sign.public().kid()).unwrap().1, sign.public());
        assert!(opened.signing_key(root.public().kid()).is_none());
    }

    #[test]
    fn nobody_else_speaks_for_it() {
        let (root, sign) = (Signer::from_seed(&[1; 32]), Signer::from_seed(&[2; 32]));
        let party = lion(&root, &sign);
        assert!(party.seal(&sign).is_err());
        let forged = Envelope::seal(&party, &sign).unwrap();
        assert!(matches!(Party::open(&forged), Err(DocumentError::WrongSignature { .. })));
    }

    #[test]
    fn a_key_under_a_false_name_is_no_key() {
        let (root, sign) = (Signer::from_seed(&[1; 32]), Signer::from_seed(&[2; 32]));
        let mut party = lion(&root, &sign);
        party.keys[0].kid = root.public().kid();
        assert!(party.signing_key(root.public().kid()).is_none());
    }

    #[test]
    fn a_root_that_is_no_key_is_an_error() {
        let (root, sign) = (Signer::from_seed(&[1; 32]), Signer::from_seed(&[2; 32]));
        let envelope = lion(&root, &sign).seal(&root).unwrap();
        let text = String::from_utf8(envelope.payload().to_vec()).unwrap();
        let (head, tail) = text.split_once("\"root_pub\":\"").unwrap();
        for key in ["", "AAAA", &BASE64.encode(&[0; 32]), "not base64"] {
            let bent = format!("{head}\"root_pub\":\"{key}{}", &tail[44..]).into_bytes();
            let bent = Envelope::from_parts(bent, root.public().kid(), *envelope.signature());
            assert!(matches!(Party::open(&bent), Err(DocumentError::NotAStatement { .. })), "{key}");
        }
    }
}
