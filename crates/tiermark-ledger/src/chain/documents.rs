//! Where the rules find what they judge: a registry, or a bundle that an outsider was given.

use crate::document::{Envelope, FrameList};
use crate::store::StoreError;
use crate::{Digest, DocId, Handle, Kid, MarkId};

/// Documents as they lie somewhere; nothing about them has been checked.
pub trait Documents {
    /// The document that is filed under this id.
    ///
    /// # Errors
    /// When the place cannot be read.
    fn document(&self, id: DocId) -> Result<Option<Envelope>, StoreError>;

    /// The party documents that are filed under this root, newest first.
    ///
    /// # Errors
    /// When the place cannot be read.
    fn parties(&self, root: Kid) -> Result<Vec<Envelope>, StoreError>;

    /// The roots of parties whose kid begins with these sixteen digits.
    ///
    /// # Errors
    /// When the place cannot be read.
    fn roots(&self, kid16: &str) -> Result<Vec<Kid>, StoreError>;

    /// The hand-overs that are filed under this mark, with their ids.
    ///
    /// # Errors
    /// When the place cannot be read.
    fn marked(&self, mark: MarkId) -> Result<Vec<(DocId, Envelope)>, StoreError>;

    /// The documents of this kind that speak of a thing: receipts and deliveries of a hand-over, revocations of a key.
    ///
    /// # Errors
    /// When the place cannot be read.
    fn about(&self, target: Digest, kind: &str) -> Result<Vec<Envelope>, StoreError>;

    /// Whether these frames are listed in a hand-over: all of them, or those that a bundle shows.
    ///
    /// # Errors
    /// When the place cannot be read.
    fn frames(&self, handover: DocId) -> Result<Option<Listed>, StoreError>;

    /// What proves that logs held a document.
    ///
    /// # Errors
    /// When the place cannot be read.
    fn proofs(&self, document: DocId) -> Result<Vec<LoggedLeaf>, StoreError>;

    /// The place of a document in the reader's own log, which it need not prove to itself.
    ///
    /// # Errors
    /// When the place cannot be read.
    fn position(&self, document: DocId) -> Result<Option<u64>, StoreError> {
        let _ = document;
        Ok(None)
    }

    /// What the place calls the vendor of this record, where it has a name of its own for it.
    ///
    /// # Errors
    /// When the place cannot be read.
    fn stored_name(&self, record: DocId) -> Result<Option<Option<Handle>>, StoreError> {
        let _ = record;
        Ok(None)
    }
}

/// Frames of a hand-over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listed {
    /// All of them.
    All(FrameList),
    /// Some lines, each with the path that leads to the root: place in the list, line, path.
    Some(Vec<(u32, Vec<u8>, Vec<Digest>)>),
}

/// A leaf of a log, and the proof that it is in there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedLeaf {
    /// The leaf's bytes.
    pub leaf: Vec<u8>,
    /// A `.tlog-proof`.
    pub proof: String,
}
