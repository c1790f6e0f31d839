//! The rules under which a mark may be given a name.
//!
//! 1. The envelope has one signature, which holds strictly over the text; only then is the text read.
//! 2. The key that signed is declared by a document of the issuer, self-signed by the trusted root, and
//!    counts at the time the text names.
//! 3. The text is the one the mark commits to: its id begins with the mark and is the one it is filed under.
//! 4. The recipient is the one whose record the issuer signed, under the name that stands in that record.
//! 5. The frames are those that were signed.
//!
//! What the verifier brings along is one thing: the kid of the root it trusts. Whatever the registry says
//! beside the signed texts is compared and never believed. Delegations, logs and receipts make longer chains;
//! their rules come with their documents, and until then such a chain is refused.

use crate::document::{Document, DocumentError, Envelope, FrameList, Handover, Party, Vendor, Watermark};
use crate::keys::tree::Direction;
use crate::store::{Registry, StoreError};
use crate::{DocId, Handle, Kid, MarkId, Moment, PartyId};

/// A hand-over for which every rule held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedHandover {
    /// The document.
    pub id: DocId,
    /// The name of the recipient, from the signed record.
    pub recipient: Handle,
    /// That record.
    pub record: DocId,
    /// The signed text.
    pub document: Handover,
    /// The frames, as signed.
    pub frames: FrameList,
}

impl VerifiedHandover {
    /// When the issuer says it was.
    pub fn issued_at(&self) -> Moment {
        self.document.issued_at
    }
}

/// The first rule that did not hold: nobody may be named.
#[derive(Debug, thiserror::Error)]
pub enum RuleBroken {
    /// No document begins with this mark.
    #[error("the registry knows no hand-over with mark {0}")]
    UnknownMark(MarkId),
    /// The trusted root has not spoken.
    #[error("the registry holds no party document signed by the trusted root {root}")]
    NoParty {
        /// The root that is trusted.
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
    /// The registry files a document under a mark that is not its own.
    #[error("mark {mark} is filed with hand-over {document}, whose mark is another")]
    MarkOfAnother {
        /// The mark that was looked up.
        mark: MarkId,
        /// The document found.
        document: DocId,
    },
    /// Somebody else than the trusted root issued it.
    #[error("the {what} was issued by {issuer}, not by the trusted root")]
    OtherIssuer {
        /// Which document.
        what: &'static str,
        /// Who issued it.
        issuer: Kid,
    },
    /// A kind of hand-over whose rules this version does not know.
    #[error("the hand-over {0}, which this version cannot judge; use a newer tiermark")]
    BeyondTheseRules(&'static str),
    /// The record of the recipient is gone.
    #[error("the record of recipient {0} is missing; put back a backup of the registry")]
    NoRecord(PartyId),
    /// The registry calls the vendor otherwise than the signed record.
    #[error("the registry calls the vendor {stored}, the signed record says {signed}")]
    Renamed {
        /// The name in the registry.
        stored: String,
        /// The name that was signed.
        signed: Handle,
    },
    /// The registry lists other frames than were signed.
    #[error("the registry lists other frames for hand-over {0} than were signed")]
    OtherFrames(DocId),
    /// The registry could not be read.
    #[error(transparent)]
    Registry(#[from] StoreError),
}

const HANDOVER: &str = "hand-over";
const RECORD: &str = "vendor record";

/// Follows a mark to a name, or to the first rule that does not hold.
///
/// # Errors
/// The rule that was broken; then nobody may be named.
pub fn verify_handover(registry: &Registry, mark: MarkId, root: Kid) -> Result<VerifiedHandover, RuleBroken> {
    let (row, envelope) = registry.handover_by_mark(mark)?.ok_or(RuleBroken::UnknownMark(mark))?;
    let issuer = Issuer::trusted(registry, root)?;
    let document: Handover = issuer.opened(HANDOVER, &envelope, row.id)?;
    if row.id.mark_id() != mark {
        return Err(RuleBroken::MarkOfAnother { mark, document: row.id });
    }
    issuer.vouches(HANDOVER, &envelope, document.issuer, document.issued_at)?;
    within_these_rules(&document)?;
    let (record, recipient) = recipient_of(registry, &issuer, &document)?;
    let frames = frames_of(registry, row.id, &document)?;
    Ok(VerifiedHandover { id: row.id, recipient, record, document, frames })
}

/// The trusted root with everything it signed about its own keys.
struct Issuer {
    root: Kid,
    parties: Vec<Party>,
}

impl Issuer {
    fn trusted(registry: &Registry, root: Kid) -> Result<Self, RuleBroken> {
        let envelopes = registry.parties(root)?;
        let sound = envelopes.iter().filter_map(|envelope| Party::open(envelope).ok());
        let parties: Vec<Party> = sound.filter(|party| party.root_kid() == root).collect();
        if parties.is_empty() { Err(RuleBroken::NoParty { root }) } else { Ok(Self { root, parties }) }
    }

    /// The text of an envelope that a declared key signed and that is filed under its own id.
    fn opened<D: Document>(
        &self,
        what: &'static str,
        envelope: &Envelope,
        id: DocId,
    ) -> Result<D, RuleBroken> {
        let signer = envelope.claimed_kid();
        let mut declared = self.parties.iter().filter_map(|party| party.signing_key(signer));
        let (_, key) = declared.next().ok_or(RuleBroken::SignerNotDeclared { what, signer })?;
        let document = envelope.open(&key).map_err(|source| RuleBroken::Unsound { what, source })?;
        match envelope.doc_id() {
            found if found == id => Ok(document),
            found => Err(RuleBroken::Swapped { what, expected: id, found }),
        }
    }

    /// Whether this issuer speaks here, with a key that counted then.
    ///
    /// The newest party document that names the key decides: it may have ended what an older one began.
    fn vouches(
        &self,
        what: &'static str,
        envelope: &Envelope,
        by: Kid,
        at: Moment,
    ) -> Result<(), RuleBroken> {
        if by != self.root {
            return Err(RuleBroken::OtherIssuer { what, issuer: by });
        }
        let mut declared = self.parties.iter().filter_map(|party| party.signing_key(envelope.claimed_kid()));
        let counts = declared.next().is_some_and(|(key, _)| key.counts_at(at));
        if counts { Ok(()) } else { Err(RuleBroken::SignerOutOfTime { what, moment: at }) }
    }
}

fn within_these_rules(document: &Handover) -> Result<(), RuleBroken> {
    let beyond = if document.wm.scheme != Watermark::SCHEME || document.wm.word != Watermark::WORD {
        "uses another kind of mark"
    } else if document.issuer_delegation.is_some() || document.recipient_delegation.is_some() {
        "rests on a delegation"
    } else if document.depth != 1 || document.direction != Direction::Down || !document.upstream.is_empty() {
        "is a later link of a chain"
    } else {
        return Ok(());
    };
    Err(RuleBroken::BeyondTheseRules(beyond))
}

fn recipient_of(
    registry: &Registry,
    issuer: &Issuer,
    document: &Handover,
) -> Result<(DocId, Handle), RuleBroken> {
    let missing = RuleBroken::NoRecord(document.recipient);
    let Some(record) = document.recipient_record.filter(|&record| document.recipient == record.into()) else {
        return Err(missing);
    };
    let Some(envelope) = registry.document(record)? else {
        return Err(missing);
    };
    let vendor: Vendor = issuer.opened(RECORD, &envelope, record)?;
    issuer.vouches(RECORD, &envelope, vendor.issuer, vendor.added_at)?;
    match registry.vendor(record)? {
        Some(row) if row.handle == vendor.handle => Ok((record, vendor.handle)),
        row => {
            let stored = row.map_or_else(|| "nothing".to_owned(), |row| row.handle.to_string());
            Err(RuleBroken::Renamed { stored, signed: vendor.handle })
        }
    }
}

fn frames_of(registry: &Registry, id: DocId, document: &Handover) -> Result<FrameList, RuleBroken> {
    let records = registry.frames(id)?.into_iter().map(|row| row.record).collect();
    let frames = FrameList::from_records(records).ok().filter(|frames| document.lists(frames));
    frames.ok_or(RuleBroken::OtherFrames(id))
}
