//! The receipt: the recipient's own word that it has the frames and knows of the marks.

use super::statement::nothing;
use super::{Document, Standing, statement};
use crate::{Digest, DocId, Kid, Moment};
use serde::{Deserialize, Serialize};

/// What a recipient signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The root kid of the one who received.
    pub recipient: Kid,
    /// The hand-over.
    pub handover: DocId,
    /// The digest of the hand-over's signed text: what the receipt is about, and therefore its subject.
    #[serde(skip, default = "nothing")]
    pub handover_text: Digest,
    /// The delivery that was checked.
    pub delivery: DocId,
    /// How many files were there with the bytes that were signed.
    pub count: u32,
    /// How many were missing or different.
    pub missing: u32,
    /// When.
    pub received_at: Moment,
    /// The text of the giver's checkpoint that was seen, hashed without its signatures.
    pub checkpoint_sha256: Option<Digest>,
    /// The fixed sentence.
    pub statement: String,
}

impl Receipt {
    /// What every receipt says, in these words.
    pub const STATEMENT: &'static str =
        "The recipient received these files and knows that each carries an individual invisible mark.";
}

impl Document for Receipt {
    const TYPE: &'static str = "tiermark:receipt/v1";
    const KIND: &'static str = "receipt";
    const NAME: &'static str = "receipt";

    fn issuer(&self) -> Kid {
        self.recipient
    }

    fn made_at(&self) -> Moment {
        self.received_at
    }

    fn stands_by(&self) -> Standing {
        Standing::Recipient(self.handover)
    }
}

impl statement::sealed::Sealed for Receipt {
    fn subject(&self) -> (&'static str, Digest) {
        ("handover", self.handover_text)
    }

    fn about(self, digest: Digest) -> Option<Self> {
        Some(Self { handover_text: digest, ..self })
    }
}
