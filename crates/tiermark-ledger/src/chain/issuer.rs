//! Who signed a document, and whether that key counted.

use super::rules::RuleBroken;
use super::{Documents, evidence};
use crate::document::{Delegation, Document, Envelope, Handover, Party, Revocation, Standing, Target, Usage};
use crate::keys::tree::Direction;
use crate::store::StoreError;
use crate::{Digest, DocId, Handle, Kid, Moment};

/// A party with everything it signed about its own keys, newest first.
pub(crate) struct Issuer {
    root: Kid,
    parties: Vec<Party>,
}

impl Issuer {
    /// The party with this root.
    pub(crate) fn of(documents: &dyn Documents, root: Kid) -> Result<Self, RuleBroken> {
        let envelopes = documents.parties(root)?;
        let sound = envelopes.iter().filter_map(|envelope| Party::open(envelope).ok());
        let mut parties: Vec<Party> = sound.filter(|party| party.root_kid() == root).collect();
        parties.sort_by_key(|party| std::cmp::Reverse(party.seq));
        if parties.is_empty() { Err(RuleBroken::NoParty { root }) } else { Ok(Self { root, parties }) }
    }

    /// What the party calls itself now.
    pub(crate) fn handle(&self) -> Handle {
        self.parties[0].handle.clone()
    }

    /// Its keys of one use, from the newest document on.
    pub(crate) fn keys_for(&self, usage: Usage) -> Vec<crate::keys::PublicKey> {
        self.parties.iter().flat_map(|party| party.keys_for(usage)).collect()
    }

    /// The text of an envelope that a declared key signed, in its time, and that is filed under its own id.
    ///
    /// The newest party document that names the key decides: it may have ended what an older one began. `above` are those
    /// who may have taken the key back beside the party itself, nearest first.
    pub(crate) fn opened<D: Document>(
        &self,
        documents: &dyn Documents,
        envelope: &Envelope,
        id: DocId,
        above: &[Kid],
    ) -> Result<D, RuleBroken> {
        let (what, signer) = (D::NAME, envelope.claimed_kid());
        let mut declared = self.parties.iter().filter_map(|party| party.signing_key(signer));
        let (declared, key) = declared.next().ok_or(RuleBroken::SignerNotDeclared { what, signer })?;
        let document: D = envelope.open(&key).map_err(|source| RuleBroken::Unsound { what, source })?;
        if envelope.doc_id() != id {
            return Err(RuleBroken::Swapped { what, expected: id, found: envelope.doc_id() });
        }
        if document.issuer() != self.root {
            return Err(RuleBroken::OtherIssuer { what, issuer: document.issuer() });
        }
        if !declared.counts_at(document.made_at()) {
            return Err(RuleBroken::SignerOutOfTime { what, moment: document.made_at() });
        }
        let target = Digest::from_bytes(*signer.as_bytes());
        self.not_revoked(documents, (target, Target::Key), (id, what), above)?;
        Ok(document)
    }

    /// Nothing that this party or one above it took back, or logged before it was (rule 3).
    pub(crate) fn not_revoked(
        &self,
        documents: &dyn Documents,
        (target, kind): (Digest, Target),
        (document, what): (DocId, &'static str),
        above: &[Kid],
    ) -> Result<(), RuleBroken> {
        for envelope in documents.about(target, Revocation::KIND)? {
            let Some(revocation) = self.revocation(documents, &envelope, above) else { continue };
            if revocation.target != target || revocation.target_kind != kind {
                continue;
            }
            let revoked = (envelope.doc_id(), &revocation);
            let head = above.last().copied().unwrap_or(self.root);
            if !evidence::stands(documents, document, revoked, (self.root, head))? {
                let (since, reason) = (revocation.effective_at, revocation.reason);
                return Err(RuleBroken::Revoked { what, kind, since, reason });
            }
        }
        Ok(())
    }

    /// The revocation in an envelope, if this party's own root signed it, or one of those above.
    fn revocation(
        &self,
        documents: &dyn Documents,
        envelope: &Envelope,
        above: &[Kid],
    ) -> Option<Revocation> {
        if let Ok(own) = envelope.open::<Revocation>(self.parties[0].root()) {
            return (own.issuer == self.root).then_some(own);
        }
        let claim: Revocation = envelope.claim().ok()?;
        let issuer = above.iter().find(|&&root| root == claim.issuer)?;
        let issuer = Self::of(documents, *issuer).ok()?;
        let signers = std::iter::once(issuer.parties[0].root().clone()).chain(issuer.keys_for(Usage::Sign));
        signers.into_iter().find_map(|key| envelope.open(&key).ok())
    }
}

/// The parties above the signer of a document, nearest first, along the delegation by which it stands.
///
/// The document itself names that delegation, and it its parents: nobody can put itself there. Whether each of them holds is
/// judged where the document is.
pub(super) fn above<D: Document>(documents: &dyn Documents, document: &D) -> Result<Vec<Kid>, StoreError> {
    let mut next = match document.stands_by() {
        Standing::Alone => None,
        Standing::By(delegation) => Some(delegation),
        Standing::Giver(handover) => handover_of(documents, handover)?.and_then(|h| h.issuer_delegation),
        Standing::Recipient(handover) => match handover_of(documents, handover)? {
            Some(handover) if handover.direction == Direction::Up => {
                let given = handover.issuer_delegation.map(|id| delegation_of(documents, id)).transpose()?;
                given.flatten().and_then(|given| given.parent)
            }
            handover => handover.and_then(|handover| handover.recipient_delegation),
        },
    };
    let mut above = Vec::new();
    while let Some(id) = next.take()
        && above.len() <= usize::from(super::MOST_TIERS)
        && let Some(given) = delegation_of(documents, id)?
    {
        above.push(given.issuer);
        next = given.parent;
    }
    Ok(above)
}

fn handover_of(documents: &dyn Documents, id: DocId) -> Result<Option<Handover>, StoreError> {
    Ok(documents.document(id)?.and_then(|envelope| envelope.claim().ok()))
}

fn delegation_of(documents: &dyn Documents, id: DocId) -> Result<Option<Delegation>, StoreError> {
    Ok(documents.document(id)?.and_then(|envelope| envelope.claim().ok()))
}

/// The document in an envelope, signed by the party that it names as its issuer, and that party.
pub(crate) fn opened<D: Document>(
    documents: &dyn Documents,
    envelope: &Envelope,
    id: DocId,
) -> Result<(D, Issuer), RuleBroken> {
    let claim: D = envelope.claim().map_err(|source| RuleBroken::Unsound { what: D::NAME, source })?;
    let issuer = Issuer::of(documents, claim.issuer())?;
    let document = issuer.opened(documents, envelope, id, &above(documents, &claim)?)?;
    Ok((document, issuer))
}

/// A time between two others, both included.
pub(crate) fn within(moment: Moment, from: Moment, to: Moment) -> bool {
    from <= moment && moment <= to
}
