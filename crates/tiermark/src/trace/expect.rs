//! Incoming inspection: does a returned file carry what it should?

use serde::Serialize;
use tiermark_ledger::PartyId;
use tiermark_ledger::keys::tree::Direction;

use crate::verdict::{Finding, Mark, Signature, Verdict};

/// How a returned file meets what is expected of a delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "gate", content = "who")]
pub enum Expectation {
    /// The vendor's own mark or the mark of the copy it was given, and nobody else's that was not declared.
    Met,
    /// No mark: made anew, or not from what was handed over.
    Missing,
    /// The mark of somebody else.
    Another(String),
    /// A mark of a tier below that nobody declared.
    Undeclared(String),
    /// It could not be looked at.
    Unreadable,
}

impl Expectation {
    /// In a person's words.
    pub fn words(&self) -> String {
        match self {
            Self::Met => "as expected".to_owned(),
            Self::Missing => "no mark".to_owned(),
            Self::Another(who) => format!("the mark of {who}"),
            Self::Undeclared(who) => format!("a tier below {who} that was not declared"),
            Self::Unreadable => "could not be looked at".to_owned(),
        }
    }
}

/// Compare a finding with the vendor whose delivery it is part of.
pub fn expectation(finding: &Finding, vendor: PartyId) -> Expectation {
    if finding.verdict == Verdict::Unreadable {
        return Expectation::Unreadable;
    }
    if let Some(mark) = finding.marks.iter().find(|mark| mark.signature != Signature::Valid) {
        return Expectation::Undeclared(mark.from.clone());
    }
    let others: Vec<&Mark> = finding.marks.iter().filter(|mark| !belongs(finding, mark, vendor)).collect();
    match (finding.marks.is_empty(), others.first()) {
        (true, _) => Expectation::Missing,
        (false, Some(mark)) => {
            Expectation::Another(mark.recipient.clone().unwrap_or_else(|| mark.from.clone()))
        }
        (false, None) => Expectation::Met,
    }
}

/// Whether a mark is the vendor's: given to it, made by it, or part of a declared chain that runs through it.
fn belongs(finding: &Finding, mark: &Mark, vendor: PartyId) -> bool {
    let theirs = |mark: &Mark| {
        mark.parties.is_some_and(|(issuer, recipient)| {
            recipient == vendor || (PartyId::from(issuer) == vendor && mark.direction == Direction::Up)
        })
    };
    if theirs(mark) {
        return true;
    }
    let with = finding.marks.iter().filter(|other| theirs(other)).map(|other| &other.handover);
    let with: Vec<&String> = with.collect();
    finding.chains.iter().any(|chain| {
        let holds = |handover: &String| chain.iter().any(|step| step.handover == *handover);
        holds(&mark.handover) && with.iter().any(|handover| holds(handover))
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::verdict::{Step, Trials};
    use tiermark_ledger::{Grade, Kid};

    fn kid(byte: u8) -> Kid {
        Kid::from_bytes([byte; 32])
    }

    pub(crate) fn mark(handover: &str, from: u8, to: u8, signature: Signature) -> Mark {
        Mark {
            tier: 1,
            direction: Direction::Down,
            recipient: Some(to.to_string()),
            from: from.to_string(),
            parties: (signature == Signature::Valid).then(|| (kid(from), kid(to).into())),
            maker: kid(from),
            document: None,
            handover: handover.to_owned(),
            detector: "blind",
            layer: "open-word",
            seconded: Vec::new(),
            transplanted: false,
            z: 20.0,
            log10_false_alarm: -80.0,
            trials: Trials { keys: 16, words: Some(1), log10: 3.0 },
            signature,
            grade: Grade::G2,
            issued_at: None,
            frames: 1,
            patches: Vec::new(),
            decoys: None,
        }
    }

    pub(crate) fn step(handover: &str) -> Step {
        Step {
            from: String::new(),
            to: String::new(),
            tier: 1,
            direction: Direction::Down,
            handover: handover.to_owned(),
            document: String::new(),
            issued_at: String::new(),
            witnessed_at: None,
            receipts: 0,
            grade: Grade::G2,
            missing: None,
            read: true,
        }
    }

    fn finding(marks: Vec<Mark>, chains: &[&[&str]]) -> Finding {
        let mut finding = Finding::empty("a.png".into());
        finding.marks = marks;
        finding.chains =
            chains.iter().map(|chain| chain.iter().map(|handover| step(handover)).collect()).collect();
        finding.verdict = Verdict::Attributed;
        finding
    }

    #[test]
    fn a_delivery_passes_only_with_its_own_vendors_marks() {
        let (producer, a, b, c) = (1, 2, 3, 4);
        let valid = |handover, from, to| mark(handover, from, to, Signature::Valid);
        let gate = |finding: &Finding| expectation(finding, kid(a).into());
        assert_eq!(gate(&finding(Vec::new(), &[])), Expectation::Missing);
        assert_eq!(gate(&finding(vec![valid("pa", producer, a)], &[&["pa"]])), Expectation::Met);
        let other = finding(vec![valid("pc", producer, c)], &[&["pc"]]);
        assert_eq!(gate(&other), Expectation::Another("4".to_owned()));
        // A declared tier below is fine, one without a document is not.
        let declared = finding(vec![valid("pa", producer, a), valid("ab", a, b)], &[&["pa", "ab"]]);
        assert_eq!(gate(&declared), Expectation::Met);
        let hidden = vec![valid("pa", producer, a), mark("a?", a, b, Signature::Unknown)];
        assert_eq!(gate(&finding(hidden, &[&["pa"]])), Expectation::Undeclared("2".to_owned()));
        let up = Mark { direction: Direction::Up, ..valid("up", a, producer) };
        assert_eq!(gate(&finding(vec![up], &[&["up"]])), Expectation::Met);
        let mixed = finding(vec![valid("pa", producer, a), valid("pc", producer, c)], &[&["pa"], &["pc"]]);
        assert_eq!(gate(&mixed), Expectation::Another("4".to_owned()));
    }
}
