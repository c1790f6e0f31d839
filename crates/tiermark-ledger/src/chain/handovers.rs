//! From a mark to a name (rules 1 to 8), and what that is worth (rules 9 and 10).

use super::delegations::{VerifiedDelegation, verify_delegation};
use super::documents::Listed;
use super::evidence::{self, Logged};
use super::issuer::{self, Issuer, within};
use super::rules::RuleBroken;
use super::{Documents, Grade};
use crate::document::{
    Document, Envelope, FrameList, FrameRecord, Handover, Receipt, Right, Target, Vendor, Watermark, merkle,
};
use crate::keys::tree::Direction;
use crate::{Digest, DocId, Handle, Kid, MarkId, Moment};

/// A hand-over for which every rule held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedHandover {
    /// The document.
    pub id: DocId,
    /// Who gave: what it calls itself.
    pub issuer: Handle,
    /// The name of the recipient, from the signed record or its own party document.
    pub recipient: Handle,
    /// The document that says who the recipient is: a vendor record, a delegation, or for work that goes back up the
    /// issuer's own delegation.
    pub record: DocId,
    /// The signed text.
    pub document: Handover,
    /// The frames, as signed; in a bundle only those that it shows.
    pub frames: FrameList,
    /// The delegations that it rests on, nearest the root first.
    pub delegations: Vec<DocId>,
    /// The logs that held it.
    pub logged: Vec<Logged>,
    /// The recipient's receipts that hold.
    pub receipts: Vec<DocId>,
}

impl VerifiedHandover {
    /// When the issuer says it was.
    pub fn issued_at(&self) -> Moment {
        self.document.issued_at
    }

    /// What the documents are worth.
    pub fn grade(&self) -> Grade {
        match (self.logged.iter().any(|logged| logged.witnessed.is_some()), self.receipts.is_empty()) {
            (true, false) => Grade::G4,
            (true, true) => Grade::G3,
            (false, _) => Grade::G2,
        }
    }

    /// What is missing for the next grade.
    pub fn missing(&self) -> Option<&'static str> {
        self.grade().missing()
    }
}

/// Follows a mark to a name, or to the first rule that does not hold.
///
/// # Errors
/// The rule that was broken; then nobody may be named.
pub fn verify_handover(
    documents: &dyn Documents,
    mark: MarkId,
    root: Kid,
) -> Result<VerifiedHandover, RuleBroken> {
    let mut filed = documents.marked(mark)?;
    let (id, envelope) = match (filed.pop(), filed.is_empty()) {
        (None, _) => return Err(RuleBroken::UnknownMark(mark)),
        (Some(one), true) => one,
        (Some(_), false) => return Err(RuleBroken::TwinMarks(mark)),
    };
    let verified = verify_document(documents, id, &envelope, root)?;
    if id.mark_id() == mark { Ok(verified) } else { Err(RuleBroken::MarkOfAnother { mark, document: id }) }
}

/// The same for a hand-over that is at hand.
pub(crate) fn verify_document(
    documents: &dyn Documents,
    id: DocId,
    envelope: &Envelope,
    root: Kid,
) -> Result<VerifiedHandover, RuleBroken> {
    let (document, issuer) = issuer::opened::<Handover>(documents, envelope, id)?;
    let target = (Digest::from_bytes(*id.as_bytes()), Target::Handover);
    issuer.not_revoked(documents, target, (id, Handover::NAME), &issuer::above(documents, &document)?)?;
    if document.wm.scheme != Watermark::SCHEME || document.wm.word != Watermark::WORD {
        return Err(RuleBroken::BeyondTheseRules("uses another kind of mark"));
    }
    let standing = standing(documents, &document, &issuer, root)?;
    let (record, recipient) = recipient_of(documents, &document, standing.as_ref(), &issuer, root)?;
    let frames = frames_of(documents, id, &document)?;
    let above = standing.iter().flat_map(|own| own.above.iter().copied().chain([own.id]));
    Ok(VerifiedHandover {
        id,
        issuer: issuer.handle(),
        recipient,
        record,
        frames,
        delegations: above.collect(),
        logged: evidence::logged(documents, id, root)?,
        receipts: receipts(documents, id, &document)?,
        document,
    })
}

/// Whether a hand-over that is about to be signed would hold: by which right we give, and who the recipient is.
///
/// # Errors
/// The rule that it would break.
pub(crate) fn may_be_issued(
    documents: &dyn Documents,
    document: &Handover,
    root: Kid,
) -> Result<(), RuleBroken> {
    let issuer = Issuer::of(documents, document.issuer)?;
    let standing = standing(documents, document, &issuer, root)?;
    recipient_of(documents, document, standing.as_ref(), &issuer, root).map(drop)
}

/// By which right the issuer gave: none where it is the trusted root, else its delegation.
fn standing(
    documents: &dyn Documents,
    document: &Handover,
    issuer: &Issuer,
    root: Kid,
) -> Result<Option<VerifiedDelegation>, RuleBroken> {
    let beyond = |why| RuleBroken::Beyond { what: Handover::NAME, issuer: issuer.handle(), why };
    let Some(delegation) = document.issuer_delegation else {
        return match document {
            Handover { issuer, .. } if *issuer != root => {
                Err(RuleBroken::OtherIssuer { what: Handover::NAME, issuer: *issuer })
            }
            Handover { depth: 1, direction: Direction::Down, .. } => Ok(None),
            _ => Err(beyond("the producer gives down, at depth 1")),
        };
    };
    let own = verify_delegation(documents, delegation, root)?;
    let given = &own.document;
    let (right, depth) = match document.direction {
        Direction::Down => (Right::Stamp, given.depth + 1),
        Direction::Up => (Right::Return, given.depth),
    };
    let wrong = if document.issuer != given.subject {
        "its delegation was given to somebody else"
    } else if !given.rights.contains(&right) {
        "it may not stamp"
    } else if document.depth != depth {
        "another depth than its own"
    } else if document.depth > given.max_depth {
        "too deep"
    } else if (document.project, document.epoch) != (given.scope.project, given.epoch) {
        "another project"
    } else if !within(document.issued_at, given.not_before, given.not_after) {
        "outside its validity"
    } else if !given.scope.episodes.hold(document.episode.as_deref()) {
        "an episode that it was not given"
    } else if !given.scope.kinds.hold(document.kind.as_deref()) {
        "a kind of material that it was not given"
    } else {
        return Ok(Some(own));
    };
    Err(beyond(wrong))
}

/// Who the recipient is, by a document of the issuer.
fn recipient_of(
    documents: &dyn Documents,
    document: &Handover,
    standing: Option<&VerifiedDelegation>,
    issuer: &Issuer,
    root: Kid,
) -> Result<(DocId, Handle), RuleBroken> {
    let missing = || RuleBroken::NoRecord(document.recipient);
    match (document.direction, document.recipient_delegation, document.recipient_record) {
        (Direction::Up, None, None) => {
            let own = standing.ok_or_else(missing)?;
            if document.recipient != own.document.issuer.into() {
                return Err(missing());
            }
            Ok((own.id, Issuer::of(documents, own.document.issuer)?.handle()))
        }
        (Direction::Down, Some(delegation), _) => {
            let theirs = verify_delegation(documents, delegation, root)?;
            delegated(&theirs, document, issuer)?;
            Ok((theirs.id, theirs.subject))
        }
        (Direction::Down, None, Some(record)) if document.recipient == record.into() => {
            let above = issuer::above(documents, document)?;
            vendor_of(documents, record, (issuer, &above), document.issuer == root)
        }
        _ => Err(missing()),
    }
}

fn delegated(theirs: &VerifiedDelegation, document: &Handover, issuer: &Issuer) -> Result<(), RuleBroken> {
    let given = &theirs.document;
    let wrong = if document.recipient != given.subject.into() {
        "the recipient is not the one it delegated to"
    } else if given.issuer != document.issuer || given.parent != document.issuer_delegation {
        "somebody else delegated to the recipient"
    } else if !given.rights.contains(&Right::Receive) {
        "the recipient may not receive"
    } else if (document.project, document.epoch) != (given.scope.project, given.epoch) {
        "another project than the recipient's"
    } else if !within(document.issued_at, given.not_before, given.not_after) {
        "outside the recipient's validity"
    } else if !given.scope.episodes.hold(document.episode.as_deref()) {
        "an episode that the recipient was not given"
    } else if !given.scope.kinds.hold(document.kind.as_deref()) {
        "a kind of material that the recipient was not given"
    } else {
        return Ok(());
    };
    Err(RuleBroken::Beyond { what: Handover::NAME, issuer: issuer.handle(), why: wrong })
}

fn vendor_of(
    documents: &dyn Documents,
    record: DocId,
    (issuer, above): (&Issuer, &[Kid]),
    ours: bool,
) -> Result<(DocId, Handle), RuleBroken> {
    let envelope = documents.document(record)?.ok_or(RuleBroken::NoRecord(record.into()))?;
    let vendor: Vendor = issuer.opened(documents, &envelope, record, above)?;
    match documents.stored_name(record)? {
        // What somebody else calls its vendors we have no name of our own for.
        Some(stored) if ours && stored.as_ref() != Some(&vendor.handle) => {
            let stored = stored.map_or_else(|| "nothing".to_owned(), |handle| handle.to_string());
            Err(RuleBroken::Renamed { stored, signed: vendor.handle })
        }
        _ => Ok((record, vendor.handle)),
    }
}

fn frames_of(documents: &dyn Documents, id: DocId, document: &Handover) -> Result<FrameList, RuleBroken> {
    let shown = match documents.frames(id)? {
        Some(Listed::All(frames)) => Some(frames).filter(|frames| document.lists(frames)),
        Some(Listed::Some(lines)) => shown(&lines, document),
        None => None,
    };
    shown.ok_or(RuleBroken::OtherFrames(id))
}

/// Single lines of the list, each proved by its path to the root that was signed.
fn shown(lines: &[(u32, Vec<u8>, Vec<Digest>)], document: &Handover) -> Option<FrameList> {
    if lines.is_empty() {
        return Some(FrameList::none());
    }
    let mut records = Vec::new();
    for (index, line, path) in lines {
        let proved = crate::log::tree::verify_inclusion(
            merkle::leaf(line),
            u64::from(*index),
            u64::from(document.frames.count),
            path,
            document.frames.root,
        );
        proved.ok()?;
        let record: FrameRecord = serde_json::from_slice(line).ok()?;
        if record.i != *index {
            return None;
        }
        records.push(record);
    }
    FrameList::from_records(records).ok()
}

/// The recipient's receipts of this very text.
fn receipts(documents: &dyn Documents, id: DocId, document: &Handover) -> Result<Vec<DocId>, RuleBroken> {
    let mut held = Vec::new();
    let envelope = documents.document(id)?;
    let text = envelope.as_ref().map(|envelope| Digest::of(envelope.payload()));
    for envelope in documents.about(Digest::from_bytes(*id.as_bytes()), Receipt::KIND)? {
        let id_of_receipt = envelope.doc_id();
        let Ok((receipt, _)) = issuer::opened::<Receipt>(documents, &envelope, id_of_receipt) else {
            continue;
        };
        let fits = receipt.handover == id
            && document.recipient == receipt.recipient.into()
            && Some(receipt.handover_text) == text
            && receipt.statement == Receipt::STATEMENT
            && receipt.count > 0
            && receipt.missing == 0;
        if fits {
            held.push(id_of_receipt);
        }
    }
    Ok(held)
}
