//! The check of a bundle: no registry, no secrets, one root.

use super::{Bundle, BundleError};
use crate::chain::{self, Grade, VerifiedHandover, lineage, verify_handover};
use crate::custody::{self, Event};
use crate::document::{Finding, Read};
use crate::{Digest, DocId, Kid};
use serde::Serialize;
use std::collections::BTreeSet;

/// One thing that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What.
    pub what: String,
    /// Whether it holds.
    pub holds: bool,
    /// More about it: who, when, or why not.
    pub detail: String,
}

/// All that was checked, and whose exhibit it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// The checks, in order.
    pub checks: Vec<Check>,
    /// Chains of names, nearest the producer first.
    pub chains: Vec<Vec<String>>,
}

impl Checked {
    /// Whether everything holds.
    pub fn holds(&self) -> bool {
        self.checks.iter().all(|check| check.holds)
    }

    fn say(&mut self, what: impl Into<String>, answer: Result<String, String>) {
        let (holds, detail) = match answer {
            Ok(detail) => (true, detail),
            Err(detail) => (false, detail),
        };
        self.checks.push(Check { what: what.into(), holds, detail });
    }
}

/// Checks a bundle from the root that is trusted.
///
/// # Errors
/// When it cannot be read at all; what does not hold stands in the checks.
pub fn check(bundle: &Bundle, root: Kid) -> Result<Checked, BundleError> {
    let mut checked = Checked { checks: Vec::new(), chains: Vec::new() };
    let id = bundle.finding.doc_id();
    let (finding, examiner) = match chain::opened::<Finding>(bundle, &bundle.finding, id) {
        Ok(opened) => opened,
        Err(rule) => {
            checked.say("finding", Err(rule.to_string()));
            return Ok(checked);
        }
    };
    let signed =
        format!("signed by {}, root {}, at {}", examiner.handle(), finding.examiner, finding.made_at);
    checked.say("finding", Ok(signed));
    let there = chain::Issuer::of(bundle, root).map(|party| format!("{} is in it", party.handle()));
    checked.say("trusted root", there.map_err(|rule| rule.to_string()));
    files(bundle, &finding, &mut checked)?;
    custody_of(bundle, &finding, &mut checked)?;
    let reads: Vec<&Read> = finding.found.iter().flat_map(|found| &found.reads).collect();
    let mut verified: Vec<VerifiedHandover> = Vec::new();
    let mut seen = BTreeSet::new();
    let apart = |read: &Read| (read.mark, read.handover, read.depth, read.grade.clone());
    for read in reads.iter().filter(|read| seen.insert(apart(read))) {
        hand_over(bundle, read, root, &mut checked, &mut verified);
    }
    chains(bundle, &finding, &verified, root, &mut checked);
    Ok(checked)
}

fn files(bundle: &Bundle, finding: &Finding, checked: &mut Checked) -> Result<(), BundleError> {
    let mut wrong = Vec::new();
    for file in &finding.files {
        let there = bundle.file(&file.name).map(|bytes| Digest::of(&bytes));
        if !there.is_ok_and(|digest| digest == file.sha256) {
            wrong.push(file.name.clone());
        }
    }
    let answer = match wrong.is_empty() {
        true => Ok(format!("{} files have the bytes that were signed", finding.files.len())),
        false => Err(format!("missing or changed: {}", wrong.join(", "))),
    };
    checked.say("files", answer);
    Ok(())
}

fn custody_of(bundle: &Bundle, finding: &Finding, checked: &mut Checked) -> Result<(), BundleError> {
    let text = bundle.file("custody.jsonl")?;
    let answer = if Digest::of(&text) != finding.custody {
        Err("it is not the one that was signed".to_owned())
    } else {
        custody::parse(&text).map_err(|e| e.to_string()).and_then(|lines| {
            let hashed = |digest: Digest| {
                lines.iter().any(|line| matches!(line.event, Event::Add { sha256, .. } if sha256 == digest))
            };
            let of_case = matches!(&lines[0].event, Event::New { case } if *case == finding.case);
            match finding.found.iter().find(|found| !hashed(found.sha256)) {
                _ if !of_case => Err("it is the custody of another case".to_owned()),
                Some(found) => Err(format!("{} was never hashed into it", found.name)),
                None => Ok(format!("{} lines, each with the hash of the one before", lines.len())),
            }
        })
    };
    checked.say("custody", answer);
    Ok(())
}

fn hand_over(
    bundle: &Bundle,
    read: &Read,
    root: Kid,
    checked: &mut Checked,
    verified: &mut Vec<VerifiedHandover>,
) {
    let what = format!("mark {}", read.mark);
    let Some(handover) = read.handover else {
        let nobody = known(&read.grade).is_some_and(|grade| grade <= Grade::G1);
        let told = format!("{}: no document; it names nobody", read.grade);
        checked.say(what, if nobody { Ok(told) } else { Err(told) });
        return;
    };
    match verify_handover(bundle, read.mark, root) {
        Err(rule) => checked.say(what, Err(rule.to_string())),
        Ok(found) if found.id != handover => {
            checked.say(what, Err("it leads to another hand-over than the finding says".to_owned()));
        }
        Ok(found) => {
            let grade = found.grade();
            let told = format!("{} to {}, {}, {}", found.issuer, found.recipient, found.issued_at(), grade);
            // A bundle that proves less than it says is refused; one that proves more is not.
            let fits =
                known(&read.grade).is_some_and(|said| said <= grade) && read.depth == found.document.depth;
            checked.say(
                what,
                if fits { Ok(told) } else { Err(format!("{told}, but the finding says {}", read.grade)) },
            );
            if !verified.iter().any(|other| other.id == found.id) {
                verified.push(found);
            }
        }
    }
}

fn known(grade: &str) -> Option<Grade> {
    [Grade::G0, Grade::G1, Grade::G2, Grade::G3, Grade::G4]
        .into_iter()
        .find(|known| known.to_string() == grade)
}

fn chains(
    bundle: &Bundle,
    finding: &Finding,
    verified: &[VerifiedHandover],
    root: Kid,
    checked: &mut Checked,
) {
    let answer = match lineage(bundle, verified, root) {
        Err(rule) => Err(rule.to_string()),
        Ok(chains) => {
            let ids: BTreeSet<DocId> = chains.iter().flatten().map(|link| link.handover.id).collect();
            let named = chains.iter().map(|chain| {
                let first = chain.iter().take(1).map(|link| link.handover.issuer.to_string());
                first.chain(chain.iter().map(|link| link.handover.recipient.to_string())).collect()
            });
            checked.chains = named.collect();
            let said: BTreeSet<DocId> = finding.chain.iter().copied().collect();
            match ids == said {
                true => Ok(format!("{} hand-overs in {} chains", ids.len(), chains.len())),
                false => Err("the documents make other chains than the finding says".to_owned()),
            }
        }
    };
    checked.say("chain", answer);
}
