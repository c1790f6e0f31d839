//! From the hand-overs that were read to the chain that they make (rule 8).

use super::handovers::{VerifiedHandover, verify_document};
use super::{Documents, MOST_STEPS, RuleBroken};
use crate::{DocId, Kid};

/// One step of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The hand-over.
    pub handover: VerifiedHandover,
    /// Whether its mark was read; else only its document stands here, named by the one below.
    pub read: bool,
}

/// The chains that these hand-overs make, each from the producer down.
///
/// A hand-over brings the ones that it names as `upstream` along, whether their marks were read or not: the chain stands on
/// signed hashes. Two hand-overs without such a tie are two chains: co-present, no more.
///
/// # Errors
/// The rule that an upstream document breaks.
pub fn lineage(
    documents: &dyn Documents,
    read: &[VerifiedHandover],
    root: Kid,
) -> Result<Vec<Vec<Link>>, RuleBroken> {
    let mut chains = Vec::new();
    for handover in read {
        let mut chain = vec![Link { handover: handover.clone(), read: true }];
        while chain.len() <= MOST_STEPS
            && let Some(upper) = above(documents, &chain[0].handover, root)?
        {
            let was_read = read.iter().any(|other| other.id == upper.id);
            chain.insert(0, Link { handover: upper, read: was_read });
        }
        chains.push(chain);
    }
    // What stands inside the chain of another is part of that one. One that another only names beside its chain is not.
    let inside = |chain: &Vec<Link>| {
        let last = chain.last().map(|link| link.handover.id);
        let upper = |other: &Vec<Link>| other.iter().rev().skip(1).any(|link| Some(link.handover.id) == last);
        chains.iter().any(upper)
    };
    Ok(chains.iter().filter(|chain| !inside(chain)).cloned().collect())
}

/// Whether a hand-over names another one as upstream, and was given by that one's recipient.
fn follows(lower: &VerifiedHandover, upper: &VerifiedHandover) -> bool {
    let received = upper.document.recipient == lower.document.issuer.into();
    received && lower.document.upstream.contains(&upper.id)
}

/// The hand-over above one, if it is named, known, and was given to the one who gave this.
fn above(
    documents: &dyn Documents,
    lower: &VerifiedHandover,
    root: Kid,
) -> Result<Option<VerifiedHandover>, RuleBroken> {
    for &id in &lower.document.upstream {
        let upper = named(documents, id, root)?;
        if let Some(upper) = upper.filter(|upper| follows(lower, upper)) {
            return Ok(Some(upper));
        }
    }
    Ok(None)
}

fn named(documents: &dyn Documents, id: DocId, root: Kid) -> Result<Option<VerifiedHandover>, RuleBroken> {
    match documents.document(id)? {
        Some(envelope) => verify_document(documents, id, &envelope, root).map(Some),
        None => Ok(None),
    }
}
