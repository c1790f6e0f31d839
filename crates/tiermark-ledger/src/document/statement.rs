//! The in-toto statement (v1): what a document is about, and what it says of it.

use super::{DocumentError, jcs};
use crate::Digest;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

const STATEMENT: &str = "https://in-toto.io/Statement/v1";

/// A kind of document; the kinds are fixed, nobody outside can add one.
pub trait Document: Serialize + DeserializeOwned + sealed::Sealed {
    /// The name of its type in the statement.
    const TYPE: &'static str;
    /// The word for it in the log.
    const KIND: &'static str;
    /// What people call it.
    const NAME: &'static str;

    /// The root kid of the party that says this.
    fn issuer(&self) -> crate::Kid;

    /// When it says that it was said.
    fn made_at(&self) -> crate::Moment;

    /// By which delegation its signer says it; nobody above it may take it back without one.
    fn stands_by(&self) -> Standing {
        Standing::Alone
    }

    /// Most bytes of its text.
    const MOST_BYTES: usize = super::Envelope::MAX_BYTES / 2;
}

/// By which delegation a document is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// In its signer's own name.
    Alone,
    /// By this delegation of its signer.
    By(crate::DocId),
    /// As the giver of this hand-over.
    Giver(crate::DocId),
    /// As the recipient of this hand-over.
    Recipient(crate::DocId),
}

pub(super) mod sealed {
    /// What only the document kinds of this room can do.
    pub trait Sealed: Sized {
        /// Name and digest of what the document is about.
        fn subject(&self) -> (&'static str, crate::Digest);

        /// The document, if this digest is of what it is about.
        fn about(self, digest: crate::Digest) -> Option<Self> {
            (self.subject().1 == digest).then_some(self)
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement<P> {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    predicate_type: String,
    predicate: P,
}

#[derive(Serialize, Deserialize)]
struct Subject {
    name: String,
    digest: Sha256Of,
}

#[derive(Serialize, Deserialize)]
struct Sha256Of {
    sha256: Digest,
}

/// The canonical text of a document.
pub(super) fn write<D: Document>(document: &D) -> Result<Vec<u8>, DocumentError> {
    let (name, sha256) = document.subject();
    jcs::canonical(&Statement {
        kind: STATEMENT.to_owned(),
        subject: vec![Subject { name: name.to_owned(), digest: Sha256Of { sha256 } }],
        predicate_type: D::TYPE.to_owned(),
        predicate: document,
    })
}

/// The document in a text whose signature held. Unknown fields are ignored, unknown types refused.
pub(super) fn read<D: Document>(verified: &[u8]) -> Result<D, DocumentError> {
    let wrong = |why: String| DocumentError::NotAStatement { wanted: D::TYPE, why };
    // The type first: a document of another type would otherwise be refused for a field it never had.
    let outer: Statement<serde::de::IgnoredAny> =
        serde_json::from_slice(verified).map_err(|e| wrong(e.to_string()))?;
    if outer.kind != STATEMENT || outer.predicate_type != D::TYPE {
        return Err(wrong(format!("it is a {:.80}", outer.predicate_type)));
    }
    let [subject] = &outer.subject[..] else {
        return Err(wrong(format!("it has {} subjects", outer.subject.len())));
    };
    let statement: Statement<D> = serde_json::from_slice(verified).map_err(|e| wrong(e.to_string()))?;
    let document = statement.predicate.about(subject.digest.sha256);
    document.ok_or_else(|| wrong("its subject is not what it speaks of".to_owned()))
}

/// The type that a text claims, whoever signed it.
pub(super) fn claimed_type(text: &[u8]) -> Option<String> {
    let outer: Statement<serde::de::IgnoredAny> = serde_json::from_slice(text).ok()?;
    (outer.kind == STATEMENT).then_some(outer.predicate_type)
}

/// A digest that stands in for the subject's until the statement around is read.
pub(super) fn nothing() -> Digest {
    Digest::from_bytes([0; 32])
}
