//! The chains of hand-overs behind the marks of a file.

use std::sync::PoisonError;

use tiermark_ledger::chain::Link;
use tiermark_ledger::{Grade, Kid, VerifiedHandover};

use super::Tracer;
use crate::verdict::{Finding, Step};

/// What the documents behind a mark are worth: a mark without any is a demand for one.
pub(super) fn grade(handover: Option<&VerifiedHandover>) -> Grade {
    handover.map_or(Grade::G1, VerifiedHandover::grade)
}

impl Tracer {
    /// Add the chains that these hand-overs make, each from the producer down.
    pub(super) fn chains(&self, finding: &mut Finding, root: Kid, read: &[VerifiedHandover]) {
        let ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        // One hand-over may have been read twice, in two parts of a picture.
        let mut once: Vec<VerifiedHandover> = Vec::new();
        for handover in read {
            if !once.iter().any(|other| other.id == handover.id) {
                once.push(handover.clone());
            }
        }
        match ledger.studio.lineage(&once, root) {
            Ok(chains) => {
                finding.chains.extend(chains.iter().map(|chain| chain.iter().map(step).collect::<Vec<_>>()));
            }
            // The marks stand by themselves then; the rule that failed is said.
            Err(rule) => {
                finding.reason.get_or_insert_with(|| rule.to_string());
                let alone = |handover: &VerifiedHandover| {
                    vec![step(&Link { handover: handover.clone(), read: true })]
                };
                finding.chains.extend(once.iter().map(alone));
            }
        }
    }
}

fn step(link: &Link) -> Step {
    let handover = &link.handover;
    let witnessed = handover.logged.iter().find_map(|logged| logged.witnessed);
    Step {
        from: handover.issuer.as_str().to_owned(),
        to: handover.recipient.as_str().to_owned(),
        tier: handover.document.depth,
        direction: handover.document.direction,
        handover: handover.id.mark_id().to_string(),
        document: handover.id.to_string(),
        issued_at: handover.issued_at().to_string(),
        witnessed_at: witnessed.map(|(at, _)| at.to_string()),
        receipts: handover.receipts.len(),
        grade: handover.grade(),
        missing: handover.missing(),
        read: link.read,
    }
}
