//! From a delegation up to the root that is trusted (rules 4 and 5).

use super::issuer::{self, Issuer, within};
use super::rules::RuleBroken;
use super::{Documents, MOST_STEPS};
use crate::document::{Delegation, Document, Envelope, Right, Target};
use crate::{Digest, DocId, Handle, Kid};

/// A delegation that holds, with all it rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedDelegation {
    /// The document.
    pub id: DocId,
    /// The signed text.
    pub document: Delegation,
    /// What the delegate calls itself.
    pub subject: Handle,
    /// Those that it rests on, nearest the root first; without itself.
    pub above: Vec<DocId>,
}

/// Follows a delegation to the root that is trusted.
///
/// # Errors
/// The rule that was broken; then it gives no right.
pub fn verify_delegation(
    documents: &dyn Documents,
    id: DocId,
    root: Kid,
) -> Result<VerifiedDelegation, RuleBroken> {
    step(documents, id, root, MOST_STEPS)
}

fn step(
    documents: &dyn Documents,
    id: DocId,
    root: Kid,
    steps: usize,
) -> Result<VerifiedDelegation, RuleBroken> {
    const WHAT: &str = Delegation::NAME;
    let envelope = documents.document(id)?.ok_or(RuleBroken::Missing { what: WHAT, id })?;
    let (document, issuer) = issuer::opened::<Delegation>(documents, &envelope, id)?;
    let target = (Digest::from_bytes(*id.as_bytes()), Target::Delegation);
    issuer.not_revoked(documents, target, (id, WHAT), &issuer::above(documents, &document)?)?;
    let above = match document.parent {
        None if document.issuer == root => {
            shrinks_from_nothing(&document, &issuer)?;
            Vec::new()
        }
        None => return Err(RuleBroken::OtherIssuer { what: WHAT, issuer: document.issuer }),
        // A chain of hashes cannot run in a circle, but it can be long.
        Some(_) if steps == 0 => return Err(RuleBroken::BeyondTheseRules("rests on too many delegations")),
        Some(parent) => {
            let parent = step(documents, parent, root, steps - 1)?;
            shrinks(&document, &parent, &issuer)?;
            parent.above.iter().copied().chain([parent.id]).collect()
        }
    };
    let subject = Issuer::of(documents, document.subject)?.handle();
    Ok(VerifiedDelegation { id, document, subject, above })
}

/// Whether a delegation that is about to be signed would hold.
///
/// # Errors
/// The rule that it would break.
pub(crate) fn may_be_delegated(
    documents: &dyn Documents,
    document: &Delegation,
    root: Kid,
) -> Result<(), RuleBroken> {
    let issuer = Issuer::of(documents, document.issuer)?;
    match document.parent {
        None => shrinks_from_nothing(document, &issuer),
        Some(parent) => shrinks(document, &verify_delegation(documents, parent, root)?, &issuer),
    }
}

fn shrinks_from_nothing(document: &Delegation, issuer: &Issuer) -> Result<(), RuleBroken> {
    let beyond = |why| RuleBroken::Beyond { what: Delegation::NAME, issuer: issuer.handle(), why };
    match document {
        Delegation { depth, .. } if *depth != 1 => Err(beyond("the first tier has depth 1")),
        Delegation { max_depth, .. } if *max_depth > super::MOST_TIERS => {
            Err(beyond("no chain is that deep"))
        }
        _ => Ok(()),
    }
}

/// Depth, rights, scope and window within those of the parent.
fn shrinks(child: &Delegation, parent: &VerifiedDelegation, issuer: &Issuer) -> Result<(), RuleBroken> {
    let given = &parent.document;
    let wider = if child.issuer != given.subject {
        "its parent was given to somebody else"
    } else if !given.rights.contains(&Right::Delegate) {
        "it may not delegate"
    } else if child.depth != given.depth + 1 || child.depth > given.max_depth {
        "too deep"
    } else if child.max_depth > given.max_depth {
        "its depth limit is widened"
    } else if !child.rights.is_subset(&given.rights) {
        "its rights are widened"
    } else if (child.scope.project, child.epoch) != (given.scope.project, given.epoch) {
        "another project"
    } else if !given.scope.episodes.cover(&child.scope.episodes) {
        "its episodes are widened"
    } else if !given.scope.kinds.cover(&child.scope.kinds) {
        "its kinds of material are widened"
    } else if child.not_before < given.not_before || child.not_after > given.not_after {
        "its validity is widened"
    } else if !within(child.issued_at, given.not_before, given.not_after) {
        "signed outside its validity"
    } else if child.lattice_commit != given.lattice_commit {
        "another lattice"
    } else {
        return Ok(());
    };
    Err(RuleBroken::Beyond { what: Delegation::NAME, issuer: issuer.handle(), why: wider })
}

/// Whether a party is the root, or has a delegation whose signatures lead up to it: whose word on a log counts.
///
/// Rights, windows and revocations are not asked here: they say what a party may give, not whether it exists.
pub(super) fn is_rooted(documents: &dyn Documents, party: Kid, root: Kid) -> Result<bool, RuleBroken> {
    if party == root {
        return Ok(true);
    }
    let target = Digest::from_bytes(*party.as_bytes());
    for envelope in documents.about(target, Delegation::KIND)? {
        let mut next = honest(documents, &envelope).filter(|given| given.subject == party);
        for _ in 0..=MOST_STEPS {
            let Some(given) = next else { break };
            match given.parent {
                None if given.issuer == root => return Ok(true),
                None => break,
                Some(parent) => {
                    let parent =
                        documents.document(parent)?.and_then(|envelope| honest(documents, &envelope));
                    next = parent.filter(|parent| parent.subject == given.issuer);
                }
            }
        }
    }
    Ok(false)
}

/// A delegation that one of its issuer's keys signed.
fn honest(documents: &dyn Documents, envelope: &Envelope) -> Option<Delegation> {
    let claim: Delegation = envelope.claim().ok()?;
    let issuer = Issuer::of(documents, claim.issuer).ok()?;
    issuer.keys_for(crate::document::Usage::Sign).iter().find_map(|key| envelope.open(key).ok())
}
