//! Signed documents: who is who, and who was given what.
//!
//! Every document is an in-toto statement in a DSSE [`Envelope`] with exactly one Ed25519 signature. Its name
//! ([`DocId`](crate::DocId)) is a hash over text *and* signature, so a mark that carries the beginning of that
//! name could not be made before the signature existed. References between documents are such names.
//!
//! Texts are canonical JSON (RFC 8785) when written, and hashed as they came when read: a verifier never
//! writes a document anew. A body is parsed only from bytes whose signature held.
//!
//! What follows from them, and who may sign what, is
//! decided in [`chain`](crate::chain).

mod delegation;
mod delivery;
mod envelope;
mod finding;
mod frames;
mod handover;
pub(crate) mod jcs;
pub mod merkle;
mod party;
mod receipt;
mod revocation;
mod statement;
mod uuid_text;
mod vendor;

pub use crate::id::Nonce;
pub use delegation::{Delegation, KeyCheck, Names, Right, Scope};
pub use delivery::{Delivery, OutputList, OutputRecord, SelfCheck};
pub use envelope::Envelope;
pub use finding::{Decoys, Finding, FoundFile, NamedDigest, Propositions, Read, Trials};
pub use frames::{BadFrames, FrameList, FrameRecord, Source, Up};
pub use handover::{FramesRoot, Handover, HopCommitment, Tool, Watermark};
pub use party::{DeclaredKey, Party, Usage};
pub use receipt::Receipt;
pub use revocation::{Cutoff, Revocation, Target};
pub use statement::{Document, Standing};
pub use vendor::Vendor;

use crate::{Kid, keys::NoRandomness};

/// Why a document cannot be written or believed.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// Too large for a document.
    #[error("a document may have at most {limit} bytes")]
    TooLarge {
        /// The limit that was passed.
        limit: usize,
    },
    /// Not a DSSE envelope.
    #[error("not a signed envelope: {0}")]
    NotAnEnvelope(String),
    /// An envelope with no or several signatures: its name would be ambiguous.
    #[error("an envelope has exactly one signature, this one has {0}")]
    SignatureCount(usize),
    /// The envelope holds something else than a statement.
    #[error("the envelope does not hold an in-toto statement")]
    WrongPayloadType,
    /// The signature does not fit text and key.
    #[error("the signature by key {kid} does not fit the text")]
    WrongSignature {
        /// The key it was checked with.
        kid: Kid,
    },
    /// The signed text is not the statement it should be.
    #[error("the signed text is not a statement of type {wanted}: {why}")]
    NotAStatement {
        /// The type of document that was expected.
        wanted: &'static str,
        /// What was wrong.
        why: String,
    },
    /// The text cannot be written in its canonical form.
    #[error("a document cannot say this: {0}")]
    NotCanonical(&'static str),
}

impl Nonce {
    /// A new nonce from the operating system: one of the two places with randomness in this crate.
    ///
    /// # Errors
    /// When the operating system has none.
    pub fn draw() -> Result<Self, NoRandomness> {
        crate::keys::fresh().map(|bytes| Self::from_bytes(*bytes))
    }
}
