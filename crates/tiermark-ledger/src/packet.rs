//! What parties send each other: one JSON file with documents, lists, proofs, and what is sealed to the reader.
//!
//! Party documents, delegations, hand-overs with their frames, receipts and filings all travel in this one form. Nothing in it
//! is believed because it is in it: every document is judged by its signature, every list by the document that names it.

use crate::document::Envelope;
use crate::log::SignedCheckpoint;
use crate::{Digest, DocId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Documents and what belongs to them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Packet {
    /// The name of this form.
    tiermark: String,
    /// Signed documents, in any order.
    pub documents: Vec<Envelope>,
    /// `frames.jsonl` of hand-overs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub frames: BTreeMap<DocId, String>,
    /// `outputs.jsonl` of deliveries.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<DocId, String>,
    /// Secrets of delegations, sealed with age.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sealed: BTreeMap<DocId, String>,
    /// What logs prove of documents.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub proofs: Vec<Proof>,
    /// Checkpoints of logs, as signed notes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checkpoints: Vec<String>,
    /// Proofs that a log only grew.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grown: Vec<Grown>,
}

/// A document in a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// The document.
    pub document: DocId,
    /// The leaf's text.
    pub leaf: String,
    /// A `.tlog-proof`.
    pub proof: String,
}

/// That a log with so many leaves is the beginning of one with more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grown {
    /// The log.
    pub origin: String,
    /// Leaves before.
    pub old: u64,
    /// Leaves now.
    pub new: u64,
    /// The consistency proof (RFC 6962, 2.1.2).
    pub path: Vec<Digest>,
}

/// Bytes that are no packet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAPacket {
    /// Too large.
    #[error("more than {} bytes, which no packet has", Packet::MAX_BYTES)]
    TooLarge,
    /// Something else.
    #[error("neither a packet of tiermark nor a signed document: {0}")]
    Other(String),
}

impl Default for Packet {
    fn default() -> Self {
        Self {
            tiermark: Self::FORM.to_owned(),
            documents: Vec::new(),
            frames: BTreeMap::new(),
            outputs: BTreeMap::new(),
            sealed: BTreeMap::new(),
            proofs: Vec::new(),
            checkpoints: Vec::new(),
            grown: Vec::new(),
        }
    }
}

impl Packet {
    /// What stands first in every packet.
    pub const FORM: &'static str = "packet/v1";
    /// Most bytes that are read: the frames of the largest hand-over.
    pub const MAX_BYTES: u64 = 1 << 30;

    /// Reads a packet, or a single signed document as a packet of one.
    ///
    /// # Errors
    /// When it is too large, or neither.
    pub fn parse(bytes: &[u8]) -> Result<Self, NotAPacket> {
        if bytes.len() as u64 > Self::MAX_BYTES {
            return Err(NotAPacket::TooLarge);
        }
        if let Ok(envelope) = Envelope::from_json(bytes) {
            return Ok(Self { documents: vec![envelope], ..Self::default() });
        }
        let packet: Self = serde_json::from_slice(bytes).map_err(|e| NotAPacket::Other(e.to_string()))?;
        if packet.documents.iter().any(|envelope| envelope.payload().len() > Envelope::MAX_BYTES) {
            return Err(NotAPacket::Other("a document in it is larger than any that is filed".to_owned()));
        }
        match packet.tiermark.as_str() {
            Self::FORM => Ok(packet),
            other => Err(NotAPacket::Other(format!("it is a {other:.40}"))),
        }
    }

    /// The packet as a file.
    pub fn to_json(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec(self).expect("text, numbers and hex");
        text.push(b'\n');
        text
    }

    /// Adds a document once.
    pub fn add(&mut self, envelope: Envelope) {
        if !self.documents.contains(&envelope) {
            self.documents.push(envelope);
        }
    }

    /// Adds a checkpoint once.
    pub fn show(&mut self, note: &SignedCheckpoint) {
        let text = note.to_text();
        if !self.checkpoints.contains(&text) {
            self.checkpoints.push(text);
        }
    }

    /// The documents of one type, with their ids.
    pub fn of_type<D: crate::document::Document>(&self) -> Vec<(DocId, &Envelope)> {
        let typed = |envelope: &&Envelope| envelope.claimed_type().as_deref() == Some(D::TYPE);
        self.documents.iter().filter(typed).map(|envelope| (envelope.doc_id(), envelope)).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]
    use super::*;

    #[test]
    fn a_packet_comes_back_as_it_was() {
        let mut packet = Packet::default();
        packet.frames.insert(DocId::from_bytes([1; 32]), "{}\n".to_owned());
        packet.grown.push(Grown { origin: "o".to_owned(), old: 1, new: 2, path: vec![Digest::of(b"x")] });
        assert_eq!(Packet::parse(&packet.to_json()).unwrap(), packet);
        let other = String::from_utf8(packet.to_json()).unwrap().replace("packet/v1", "packet/v2");
        assert!(matches!(Packet::parse(other.as_bytes()), Err(NotAPacket::Other(_))));
        let json = packet.to_json();
        for cut in 0..json.len() - 1 {
            assert!(Packet::parse(&json[..cut]).is_err(), "cut at {cut}");
        }
        assert!(Packet::parse(&[b'['; 100_000]).is_err(), "deep nesting");
    }
}
