//! What a log proves of a document: that it was there when somebody else looked.

use super::Documents;
use super::delegations::is_rooted;
use super::issuer::Issuer;
use super::rules::RuleBroken;
use crate::document::{Cutoff, Revocation, Usage};
use crate::log::{Checkpoint, Leaf, SignedCheckpoint, TlogProof, tree};
use crate::{Digest, DocId, Kid, Moment};
use std::collections::BTreeSet;

/// The kinds of names that sign checkpoints.
const LOG: &str = "tiermark/log/";
const PARTY: &str = "tiermark/party/";

/// The name of a party's log.
pub fn log_origin(root: Kid) -> String {
    format!("{LOG}{}", kid16(root))
}

/// The name under which a party cosigns.
pub fn witness_name(root: Kid) -> String {
    format!("{PARTY}{}", kid16(root))
}

/// Digits of a root that stand in names.
const KID16: usize = 16;

fn kid16(root: Kid) -> String {
    root.to_string().chars().take(KID16).collect()
}

/// A document in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// Whose log.
    pub log: Kid,
    /// Its name.
    pub origin: String,
    /// The leaf's index.
    pub index: u64,
    /// Leaves in the state that shows it.
    pub size: u64,
    /// The root of that state.
    pub root: Digest,
    /// When its owner says that it was written.
    pub at: Moment,
    /// The first time at which somebody else saw a checkpoint with it, and who.
    pub witnessed: Option<(Moment, Kid)>,
}

/// Every log that provably held a document, those with a witness first. Whose witness counts, the root says.
pub(super) fn logged(
    documents: &dyn Documents,
    document: DocId,
    root: Kid,
) -> Result<Vec<Logged>, RuleBroken> {
    let kind = documents.document(document)?.and_then(|envelope| envelope.claimed_type());
    let mut all = Vec::new();
    for held in documents.proofs(document)? {
        let Ok(proof) = TlogProof::parse(held.proof.as_bytes()) else { continue };
        let Ok(leaf) = Leaf::parse(&held.leaf) else { continue };
        let head = proof.checkpoint.checkpoint();
        let there = tree::verify_inclusion(leaf.hash(), proof.index, head.size, &proof.path, head.root);
        let of_this = leaf.id == Digest::from_bytes(*document.as_bytes()) && leaf.kind.is_of(kind.as_deref());
        if !of_this || there.is_err() {
            continue;
        }
        let Some(log) = owner(documents, &proof.checkpoint)? else { continue };
        all.push(Logged {
            log,
            origin: head.origin.clone(),
            index: proof.index,
            size: head.size,
            root: head.root,
            at: leaf.at,
            witnessed: witness(documents, &proof.checkpoint, log, root)?,
        });
    }
    all.sort_by_key(|logged| (logged.witnessed.is_none(), logged.witnessed, logged.index));
    Ok(all)
}

/// Whether a document stands although what it rests on was revoked: it was in a log before.
///
/// Either below a cut-off that the revocation names, in a state of that log that somebody else cosigned or that the cut-off
/// itself fixes; or in the log of somebody else than the one whose key it is, before the revocation came there.
pub(super) fn stands(
    documents: &dyn Documents,
    document: DocId,
    (id, revocation): (DocId, &Revocation),
    (owner, root): (Kid, Kid),
) -> Result<bool, RuleBroken> {
    if let (Some(first), Some(second)) = (documents.position(document)?, documents.position(id)?)
        && first < second
    {
        return Ok(true);
    }
    let held = logged(documents, document, root)?;
    let below = |cutoff: &Cutoff, held: &Logged| {
        let seen = held.witnessed.is_some_and(|(at, _)| at <= revocation.effective_at);
        let fixed = (held.size, held.root) == (cutoff.size, cutoff.root);
        held.origin == cutoff.origin && held.index < cutoff.size && (seen || fixed)
    };
    if revocation.log_cutoffs.iter().any(|cutoff| held.iter().any(|held| below(cutoff, held))) {
        return Ok(true);
    }
    let later = logged(documents, id, root)?;
    for held in held.iter().filter(|held| held.log != owner) {
        let same = later.iter().filter(|later| later.origin == held.origin).map(|later| later.index);
        if same.min().is_some_and(|later| held.index < later) && is_rooted(documents, held.log, root)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whose log this is, if its log key signed the checkpoint.
pub(crate) fn owner(documents: &dyn Documents, note: &SignedCheckpoint) -> Result<Option<Kid>, RuleBroken> {
    let Checkpoint { origin, .. } = note.checkpoint();
    // A log that began anew after a restore is called `tiermark/log/<kid16>/epoch2`.
    let Some(kid16) = origin.strip_prefix(LOG).and_then(|rest| rest.split('/').next()) else {
        return Ok(None);
    };
    for root in documents.roots(kid16)? {
        let Ok(party) = Issuer::of(documents, root) else { continue };
        if party.keys_for(Usage::Log).iter().any(|key| note.verify_log(key).is_ok()) {
            return Ok(Some(root));
        }
    }
    Ok(None)
}

/// The first party beside the owner that cosigned the checkpoint, and when: one that the trusted root leads to, because
/// anybody can invent a party that signs anything.
fn witness(
    documents: &dyn Documents,
    note: &SignedCheckpoint,
    owner: Kid,
    trusted: Kid,
) -> Result<Option<(Moment, Kid)>, RuleBroken> {
    let mut first: Option<(Moment, Kid)> = None;
    // Anybody can add lines, and one name can stand on thousands of them.
    for name in note.signers().into_iter().collect::<BTreeSet<String>>() {
        let Some(kid16) = name.strip_prefix(PARTY).filter(|kid16| kid16.len() == KID16) else { continue };
        for root in documents.roots(kid16)?.into_iter().filter(|&root| root != owner) {
            let Ok(party) = Issuer::of(documents, root) else { continue };
            let keys = party.keys_for(Usage::Witness);
            let times = keys.iter().filter_map(|key| note.verify_cosignature(&name, key).ok());
            let times: Vec<Moment> = times.collect();
            if times.is_empty() || !is_rooted(documents, root, trusted)? {
                continue;
            }
            let times = times.into_iter();
            first = first.into_iter().chain(times.map(|at| (at, root))).min();
        }
    }
    Ok(first)
}
