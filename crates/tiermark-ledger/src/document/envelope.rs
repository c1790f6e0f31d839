//! DSSE 1.0.2: a text, its type, one signature over both.

use super::{Document, DocumentError, jcs, statement};
use crate::keys::{PublicKey, Signer};
use crate::{DocId, Kid};
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// A signed document that nobody has believed yet.
///
/// Nothing can be read out of it without the key that should have signed it: see [`Envelope::open`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct Envelope {
    payload: Vec<u8>,
    kid: Kid,
    signature: [u8; 64],
}

impl Envelope {
    /// Most bytes of an envelope that are read: thirty times what a hand-over needs.
    pub const MAX_BYTES: usize = 64 * 1024;

    /// Writes and signs a document; the same document and key give the same envelope.
    ///
    /// # Errors
    /// When the document holds text or numbers without canonical form, or is too large.
    pub fn seal<D: Document>(document: &D, key: &Signer) -> Result<Self, DocumentError> {
        let payload = statement::write(document)?;
        // Base64 adds a third, the frame around it two hundred bytes.
        if payload.len() > D::MOST_BYTES {
            return Err(DocumentError::TooLarge { limit: D::MOST_BYTES });
        }
        let signature = key.sign(&pre_authentication(&payload));
        Ok(Self { payload, kid: key.public().kid(), signature })
    }

    /// Reads an envelope from JSON; the document inside stays closed.
    ///
    /// # Errors
    /// When it is too large, no DSSE envelope, of another payload type, or has not exactly one signature.
    pub fn from_json(json: &[u8]) -> Result<Self, DocumentError> {
        Self::from_json_within(json, Self::MAX_BYTES)
    }

    /// The same for a kind of document that may be larger.
    ///
    /// # Errors
    /// As [`Envelope::from_json`].
    pub fn from_json_within(json: &[u8], limit: usize) -> Result<Self, DocumentError> {
        if json.len() > limit {
            return Err(DocumentError::TooLarge { limit });
        }
        let wrong = |why: &str| DocumentError::NotAnEnvelope(why.to_owned());
        let wire: Wire = serde_json::from_slice(json).map_err(|e| wrong(&e.to_string()))?;
        wire.try_into()
    }

    /// The envelope as JSON, in its one form.
    pub fn to_json(&self) -> Vec<u8> {
        jcs::canonical(self).expect("base64 and hex have a canonical form")
    }

    /// The envelope made of stored parts, as unbelieved as any.
    pub fn from_parts(payload: Vec<u8>, kid: Kid, signature: [u8; 64]) -> Self {
        Self { payload, kid, signature }
    }

    /// The text that was signed. Nobody has checked it: to read it, [`Envelope::open`] it.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The signature's 64 bytes.
    pub fn signature(&self) -> &[u8; 64] {
        &self.signature
    }

    /// Which key the envelope says signed it: a hint where to look, covered by no signature.
    pub fn claimed_kid(&self) -> Kid {
        self.kid
    }

    /// The exact bytes under the signature: DSSE's pre-authentication encoding.
    pub fn signed_bytes(&self) -> Vec<u8> {
        pre_authentication(&self.payload)
    }

    /// The document's name: SHA-256("tiermark/v1/doc" 00 SHA-256(signed bytes) signature).
    pub fn doc_id(&self) -> DocId {
        let text = Sha256::digest(self.signed_bytes());
        let mut hash = Sha256::new_with_prefix(b"tiermark/v1/doc\0");
        hash.update(text);
        hash.update(self.signature);
        DocId::from_bytes(hash.finalize().into())
    }

    /// What the text claims, before any signature was checked: only to find the key that should have signed it.
    pub(crate) fn claim<D: Document>(&self) -> Result<D, DocumentError> {
        statement::read(&self.payload)
    }

    /// The word for the kind of document that the text claims to be.
    pub fn claimed_type(&self) -> Option<String> {
        statement::claimed_type(&self.payload)
    }

    /// Checks the signature with this key, and only then reads the document.
    ///
    /// # Errors
    /// When the key did not sign this text, or the text is not a document of this kind.
    pub fn open<D: Document>(&self, key: &PublicKey) -> Result<D, DocumentError> {
        let wrong = |_| DocumentError::WrongSignature { kid: key.kid() };
        key.verify(&self.signed_bytes(), &self.signature).map_err(wrong)?;
        statement::read(&self.payload)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    payload: String,
    payload_type: String,
    signatures: Vec<WireSignature>,
}

#[derive(Serialize, Deserialize)]
struct WireSignature {
    keyid: Kid,
    sig: String,
}

impl From<Envelope> for Wire {
    fn from(envelope: Envelope) -> Self {
        let signature = WireSignature { keyid: envelope.kid, sig: BASE64.encode(&envelope.signature) };
        Self {
            payload: BASE64.encode(&envelope.payload),
            payload_type: PAYLOAD_TYPE.to_owned(),
            signatures: vec![signature],
        }
    }
}

impl TryFrom<Wire> for Envelope {
    type Error = DocumentError;

    fn try_from(wire: Wire) -> Result<Self, DocumentError> {
        let wrong = |why: &str| DocumentError::NotAnEnvelope(why.to_owned());
        if wire.payload_type != PAYLOAD_TYPE {
            return Err(DocumentError::WrongPayloadType);
        }
        let [signature] = &wire.signatures[..] else {
            return Err(DocumentError::SignatureCount(wire.signatures.len()));
        };
        let payload = base64(&wire.payload).ok_or_else(|| wrong("its payload is not base64"))?;
        let bytes = base64(&signature.sig).ok_or_else(|| wrong("its signature is not base64"))?;
        let bytes = bytes.try_into().map_err(|_| wrong("a signature has 64 bytes"))?;
        Ok(Self::from_parts(payload, signature.keyid, bytes))
    }
}

/// Bytes in the one spelling that base64 has for them: the decoder also takes padded pieces in a row.
fn base64(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text.as_bytes()).ok().filter(|bytes| BASE64.encode(bytes) == text)
}

fn pre_authentication(payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {PAYLOAD_TYPE} {} ", PAYLOAD_TYPE.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]
    use super::*;
    use crate::document::{Party, Vendor};
    use crate::{Handle, Moment};

    fn signed() -> (Signer, Envelope) {
        let key = Signer::from_seed(&[5; 32]);
        let vendor = Vendor {
            handle: Handle::new("羊飼い").unwrap(),
            issuer: key.public().kid(),
            added_at: "2026-03-02T09:00:00Z".parse::<Moment>().unwrap(),
            note: None,
        };
        let envelope = Envelope::seal(&vendor, &key).unwrap();
        (key, envelope)
    }

    fn edited(envelope: &Envelope, from: &str, to: &str) -> Vec<u8> {
        let json = String::from_utf8(envelope.to_json()).unwrap();
        assert!(json.contains(from));
        json.replace(from, to).into_bytes()
    }

    #[test]
    fn it_reads_what_it_writes() {
        let (key, envelope) = signed();
        assert_eq!(Envelope::from_json(&envelope.to_json()).unwrap(), envelope);
        assert_eq!(envelope.open::<Vendor>(&key.public()).unwrap().handle.as_str(), "羊飼い");
    }

    #[test]
    fn a_changed_byte_is_seen() {
        let (key, envelope) = signed();
        for i in 0..envelope.payload.len() {
            let mut bent = envelope.clone();
            bent.payload[i] ^= 1;
            let opened = bent.open::<Vendor>(&key.public());
            assert!(matches!(opened, Err(DocumentError::WrongSignature { .. })), "byte {i}");
            assert_ne!(bent.doc_id(), envelope.doc_id());
        }
    }

    #[test]
    fn the_name_covers_the_signature_too() {
        let (_, envelope) = signed();
        let mut bent = envelope.clone();
        bent.signature[0] ^= 1;
        assert_ne!(bent.doc_id(), envelope.doc_id());
    }

    #[test]
    fn another_key_or_another_kind_opens_nothing() {
        let (key, envelope) = signed();
        let other = Signer::from_seed(&[6; 32]).public();
        assert!(matches!(envelope.open::<Vendor>(&other), Err(DocumentError::WrongSignature { .. })));
        assert!(matches!(envelope.open::<Party>(&key.public()), Err(DocumentError::NotAStatement { .. })));
    }

    #[test]
    fn only_one_signature_and_one_type() {
        let (_, envelope) = signed();
        let none = r#"{"payload":"","payloadType":"application/vnd.in-toto+json","signatures":[]}"#;
        assert!(matches!(Envelope::from_json(none.as_bytes()), Err(DocumentError::SignatureCount(0))));
        let json = String::from_utf8(envelope.to_json()).unwrap();
        let one = json.split_once("\"signatures\":[").unwrap().1.strip_suffix("]}").unwrap().to_owned();
        let two = edited(&envelope, &one, &format!("{one},{one}"));
        assert!(matches!(Envelope::from_json(&two), Err(DocumentError::SignatureCount(2))));
        let typed = edited(&envelope, "in-toto+json", "other+json");
        assert!(matches!(Envelope::from_json(&typed), Err(DocumentError::WrongPayloadType)));
    }

    #[test]
    fn hostile_bytes_are_errors() {
        let long = vec![b'['; Envelope::MAX_BYTES + 1];
        assert!(matches!(Envelope::from_json(&long), Err(DocumentError::TooLarge { .. })));
        let json = signed().1.to_json();
        for cut in 0..json.len() {
            assert!(Envelope::from_json(&json[..cut]).is_err(), "cut at {cut}");
        }
        assert!(Envelope::from_json(&[b'['; 60_000]).is_err(), "deep nesting");
    }
}
