//! The rules by the words in which they are broken.

use super::Grade;
use crate::document::{DocumentError, Target};
use crate::store::StoreError;
use crate::{DocId, Handle, Kid, MarkId, Moment, PartyId};

/// The first rule that did not hold: nobody may be named.
#[derive(Debug, thiserror::Error)]
pub enum RuleBroken {
    /// No document begins with this mark.
    #[error("the registry knows no hand-over with mark {0}")]
    UnknownMark(MarkId),
    /// Two documents begin with this mark: it leads to nobody.
    #[error("two hand-overs have the mark {0}; it leads to nobody")]
    TwinMarks(MarkId),
    /// A party has not spoken.
    #[error("there is no party document signed by the root {root}")]
    NoParty {
        /// The root.
        root: Kid,
    },
    /// The key is not one of the issuer's.
    #[error("the {what} is signed by key {signer}, which the issuer never declared")]
    SignerNotDeclared {
        /// Which document.
        what: &'static str,
        /// The key.
        signer: Kid,
    },
    /// The key does not count at the time the document names.
    #[error("the {what} names {moment}, when its key did not count")]
    SignerOutOfTime {
        /// Which document.
        what: &'static str,
        /// The time it names.
        moment: Moment,
    },
    /// The text or its signature is not what it should be.
    #[error("the {what} does not hold: {source}")]
    Unsound {
        /// Which document.
        what: &'static str,
        /// Why.
        source: DocumentError,
    },
    /// A sound document stands where another one should.
    #[error("where {what} {expected} should be, another document is filed: {found}")]
    Swapped {
        /// Which document.
        what: &'static str,
        /// The id under which it is filed.
        expected: DocId,
        /// The id that it has.
        found: DocId,
    },
    /// A document is filed under a mark that is not its own.
    #[error("mark {mark} is filed with hand-over {document}, whose mark is another")]
    MarkOfAnother {
        /// The mark that was looked up.
        mark: MarkId,
        /// The document found.
        document: DocId,
    },
    /// Somebody else issued it than should have.
    #[error("the {what} was issued by {issuer}, who could not issue it")]
    OtherIssuer {
        /// Which document.
        what: &'static str,
        /// Who issued it.
        issuer: Kid,
    },
    /// A kind of hand-over whose rules this version does not know.
    #[error("the hand-over {0}, which this version cannot judge; use a newer tiermark")]
    BeyondTheseRules(&'static str),
    /// The document that should say who the recipient is is gone.
    #[error("the record of recipient {0} is missing; put back a backup of the registry")]
    NoRecord(PartyId),
    /// A document that another one rests on is gone.
    #[error("the {what} {id} is missing; file it with `tiermark file`")]
    Missing {
        /// Which document.
        what: &'static str,
        /// Its id.
        id: DocId,
    },
    /// The registry calls the vendor otherwise than the signed record.
    #[error("the registry calls the vendor {stored}, the signed record says {signed}")]
    Renamed {
        /// The name in the registry.
        stored: String,
        /// The name that was signed.
        signed: Handle,
    },
    /// Other frames are listed than were signed.
    #[error("other frames are listed for hand-over {0} than were signed")]
    OtherFrames(DocId),
    /// What it rests on was taken back before it was logged.
    #[error("the {what} rests on a {kind:?} revoked at {since}, and no log held it before: {reason}")]
    Revoked {
        /// Which document.
        what: &'static str,
        /// What was revoked.
        kind: Target,
        /// When.
        since: Moment,
        /// Why, in the revoker's words.
        reason: String,
    },
    /// More was passed on than was given.
    #[error("the {what} goes beyond what {issuer} may do: {why}")]
    Beyond {
        /// Which document.
        what: &'static str,
        /// Who issued it.
        issuer: Handle,
        /// What it widens.
        why: &'static str,
    },
    /// The registry could not be read.
    #[error(transparent)]
    Registry(#[from] StoreError),
}

impl Grade {
    /// What the grade means, in one line.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::G0 => "no statement",
            Self::G1 => "a mark of this party; its document is unknown",
            Self::G2 => "identified by signed documents",
            Self::G3 => "identified, and recorded in a log before somebody else's eyes",
            Self::G4 => "identified, recorded, and acknowledged by the recipient",
        }
    }

    /// What is missing for the next grade.
    pub fn missing(self) -> Option<&'static str> {
        match self {
            Self::G0 => Some("a mark above the threshold"),
            Self::G1 => Some("the signed hand-over: demand it, and file it with `tiermark file`"),
            Self::G2 => {
                Some("a checkpoint that holds the hand-over, cosigned by another party or time-stamped")
            }
            Self::G3 => Some("the recipient's receipt"),
            Self::G4 => None,
        }
    }
}
