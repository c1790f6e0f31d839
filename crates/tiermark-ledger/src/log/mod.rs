//! A log that only grows: which documents there were, in which order, and by when.
//!
//! Each [`Leaf`] names one document by its id, and a time. The [`tree`] over the leaves has a root; origin, size
//! and root are the [`Checkpoint`], signed by the log and cosigned by witnesses. A [`TlogProof`] is what an
//! outsider needs to see one leaf under one checkpoint, without the rest of the log.
//!
//! What it proves: a leaf under a checkpoint was written before anybody else cosigned that checkpoint, or had it
//! stamped with a time ([`time_stamp_request`]). Of two checkpoints of one log, the larger holds everything that
//! the smaller held, unchanged and in its place.
//!
//! What it does not prove: that a document is true, or that every document was logged. The times in the leaves
//! are the log's own claims. And a log may show different pasts to different people as long as nobody but itself
//! has signed: the word of a witness or of a time-stamp authority is what makes a checkpoint count.
//!
//! The forms are those of others, so that their tools read them: RFC 6962 for the tree, C2SP's signed-note,
//! tlog-checkpoint, tlog-cosignature and tlog-proof for the texts, RFC 3161 for the stamp. Leaves hold neither
//! names nor projects, so the whole log can be shown.
//!
//! Nothing is stored here, and nobody is trusted here: nodes come through [`tree::Nodes`], names and keys from
//! the caller.

mod anchor;
mod checkpoint;
mod note;
mod proof;
pub mod tree;

pub use anchor::time_stamp_request;
pub use checkpoint::{Checkpoint, SignedCheckpoint};
pub use note::{NoteError, key_id};
pub use proof::{ProofError, TlogProof};

use crate::document::{jcs, merkle};
use crate::{Digest, Moment};
use serde::{Deserialize, Serialize};

/// One line of a log: a document of this kind was there, says the log at this time.
///
/// Written as canonical JSON: `{"at":"2026-03-02T09:00:00Z","id":"<64 hex digits>","t":"handover"}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaf {
    /// When it was appended, as the log claims.
    pub at: Moment,
    /// The document's id; for an anchor, the digest of what was received.
    pub id: Digest,
    /// What kind of document it is.
    #[serde(rename = "t")]
    pub kind: LeafKind,
}

/// What a leaf is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LeafKind {
    /// A party says which keys are its own.
    Party,
    /// A record of a vendor that has no keys.
    Vendor,
    /// A party lets another one receive or stamp.
    Delegation,
    /// Frames were given to somebody.
    Handover,
    /// What was sent for a hand-over.
    Delivery,
    /// What the recipient says it got.
    Receipt,
    /// A key or a delegation no longer counts.
    Revocation,
    /// A hand-over that did not take place.
    Void,
    /// A time-stamp token or foreign checkpoint: every later leaf was written after it was made.
    Anchor,
    /// Whose mark was found where.
    Finding,
}

impl LeafKind {
    /// Whether it is the kind of a document of this type, `tiermark:handover/v1`.
    pub fn is_of(self, document_type: Option<&str>) -> bool {
        let word = document_type.and_then(|text| text.strip_prefix("tiermark:")?.strip_suffix("/v1"));
        word.and_then(Self::named) == Some(self)
    }

    /// The kind of this word, as it stands in a leaf.
    pub fn named(word: &str) -> Option<Self> {
        let word = serde::de::value::StrDeserializer::<serde::de::value::Error>::new(word);
        Self::deserialize(word).ok()
    }
}

/// Bytes that are no leaf in its one spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a leaf of a log")]
pub struct NotALeaf;

impl Leaf {
    /// Most bytes of a leaf: the longest kind needs 118.
    pub const MAX_BYTES: usize = 128;

    /// The leaf as it stands in the log.
    pub fn bytes(&self) -> Vec<u8> {
        jcs::canonical(self).expect("a time, hex and a word have a canonical form")
    }

    /// Its hash, the node at level 0 of the tree.
    pub fn hash(&self) -> Digest {
        merkle::leaf(&self.bytes())
    }

    /// Reads a leaf.
    ///
    /// # Errors
    /// When the bytes are anything else than [`Leaf::bytes`] would write.
    pub fn parse(bytes: &[u8]) -> Result<Self, NotALeaf> {
        if bytes.len() > Self::MAX_BYTES {
            return Err(NotALeaf);
        }
        let leaf: Self = serde_json::from_slice(bytes).map_err(|_| NotALeaf)?;
        if leaf.bytes() == bytes { Ok(leaf) } else { Err(NotALeaf) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]
    use super::*;

    const KINDS: [LeafKind; 10] = [
        LeafKind::Party,
        LeafKind::Vendor,
        LeafKind::Delegation,
        LeafKind::Handover,
        LeafKind::Delivery,
        LeafKind::Receipt,
        LeafKind::Revocation,
        LeafKind::Void,
        LeafKind::Anchor,
        LeafKind::Finding,
    ];

    fn leaf(kind: LeafKind) -> Leaf {
        Leaf { at: "2026-03-02T09:00:00Z".parse().unwrap(), id: Digest::of(b"document"), kind }
    }

    #[test]
    fn a_leaf_is_written_as_specified() {
        let expected =
            format!(r#"{{"at":"2026-03-02T09:00:00Z","id":"{}","t":"revocation"}}"#, Digest::of(b"document"));
        let leaf = leaf(LeafKind::Revocation);
        assert_eq!(String::from_utf8(leaf.bytes()).unwrap(), expected);
        assert_eq!(expected.len(), 118, "MAX_BYTES says so");
        assert_eq!(leaf.hash(), Digest::of(format!("\0{expected}").as_bytes()));
    }

    #[test]
    fn every_kind_comes_back() {
        let words: Vec<String> = KINDS.iter().map(|kind| serde_json::to_string(kind).unwrap()).collect();
        assert_eq!(
            words.concat().replace("\"\"", " "),
            "\"party vendor delegation handover delivery receipt revocation void anchor finding\""
        );
        for kind in KINDS {
            assert_eq!(Leaf::parse(&leaf(kind).bytes()), Ok(leaf(kind)));
        }
    }

    #[test]
    fn a_leaf_has_one_spelling() {
        let text = String::from_utf8(leaf(LeafKind::Void).bytes()).unwrap();
        let id = Digest::of(b"document").to_string();
        let others = [
            format!(" {text}"),
            format!("{text}\n"),
            text.replace(",", ", "),
            text.replace("void", "Void"),
            text.replace("void", "other"),
            text.replace("void", "\\u0076oid"),
            text.replace(&id, &id.to_uppercase()),
            text.replace("09:00:00Z", "09:00:00.0Z"),
            text.replace('}', ",\"x\":1}"),
            text.replace('}', ",\"t\":\"void\"}"),
            format!(r#"{{"id":"{id}","at":"2026-03-02T09:00:00Z","t":"void"}}"#),
            "[".repeat(10_000),
        ];
        for other in others {
            assert_eq!(Leaf::parse(other.as_bytes()), Err(NotALeaf), "{other}");
        }
        for cut in 0..text.len() {
            assert_eq!(Leaf::parse(&text.as_bytes()[..cut]), Err(NotALeaf), "cut at {cut}");
        }
    }
}
