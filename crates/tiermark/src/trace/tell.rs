//! From what was heard to a verdict: what the documents say of each mark, and what may be said of the file.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::PoisonError;

use tiermark_ledger::{Kid, MarkId, PartyId, VerifiedHandover};
use tiermark_mark::{FalseAlarm, pixels_per_ref};
use tiermark_signal::Size;

use super::heard::Heard;
use super::{Checked, Ledger, Tracer, chain, reader};
use crate::verdict::{Finding, FoundGeometry, FoundPatch, Mark, Signature, Step, Trials, Verdict};

impl Tracer {
    pub(super) fn finding(&self, file: PathBuf, heard: &[Vec<Heard>]) -> Finding {
        let mut finding = Finding::empty(file);
        for (reader, heard) in self.readers.iter().zip(heard) {
            let read: Vec<VerifiedHandover> =
                heard.iter().filter_map(|heard| self.add(&mut finding, reader.root, heard)).collect();
            self.chains(&mut finding, reader.root, &read);
        }
        finding.verdict = verdict(&finding);
        finding
    }

    /// Say of one mark what the documents say; its hand-over, if it checks.
    fn add(&self, finding: &mut Finding, root: Kid, heard: &Heard) -> Option<VerifiedHandover> {
        let Heard { mark, place, .. } = heard;
        let checked = heard.listed.then(|| self.checked(*mark, root));
        let (signature, broken) = match &checked {
            None => (Signature::Unknown, Some(unlisted(place))),
            Some(Ok(_)) => (Signature::Valid, None),
            Some(Err(rule)) => (Signature::Invalid, Some(rule.clone())),
        };
        // Whose mark was laid on another picture is no answer to whose copy this is.
        let (doubt, checked) = match heard.transplanted {
            true => (Some(TRANSPLANTED.to_owned()), None),
            false => (None, checked),
        };
        let handover = checked.and_then(Result::ok);
        let to_tenths = |log10: f64| (log10 * 10.0).round() / 10.0;
        let bound = heard.false_alarm.log10();
        let seconded = heard.seconded.iter().map(|other| format!("{} {}", other.name(), other.layer()));
        finding.marks.push(Mark {
            tier: place.depth,
            direction: place.direction,
            recipient: handover.as_ref().map(|h| h.recipient.as_str().to_owned()),
            from: place.handle.as_str().to_owned(),
            parties: handover.as_ref().map(|h| (h.document.issuer, h.document.recipient)),
            maker: place.party,
            document: handover.as_ref().map(|h| h.id),
            handover: mark.to_string(),
            detector: heard.detector.name(),
            layer: heard.detector.layer(),
            seconded: seconded.collect(),
            transplanted: heard.transplanted,
            z: (heard.z * 100.0).round() / 100.0,
            log10_false_alarm: to_tenths(bound),
            trials: Trials {
                keys: heard.keys,
                words: heard.words,
                log10: to_tenths(bound - FalseAlarm::of_one(heard.z).log10()),
            },
            signature,
            grade: chain::grade(handover.as_ref()),
            issued_at: handover.as_ref().map(|h| h.issued_at().to_string()),
            frames: 1,
            patches: heard.patches.iter().map(FoundPatch::new).collect(),
            decoys: None,
        });
        finding.reason = doubt.or(finding.reason.take()).or(broken);
        let stamped = handover.as_ref().and_then(one_scale);
        if let Some(geometry) = &heard.geometry {
            finding.geometry.get_or_insert_with(|| FoundGeometry::new(geometry, stamped));
        }
        handover
    }

    /// The hand-over behind a mark, if every rule holds. Nobody is named before.
    pub(super) fn checked(&self, mark: MarkId, root: Kid) -> Checked {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let Ledger { studio, checked } = &mut *ledger;
        let verify = || studio.verify_from(mark, root).map_err(|rule| rule.to_string());
        checked.entry((mark, root)).or_insert_with(verify).clone()
    }

    pub(super) fn recipient(&self, mark: MarkId, root: Kid) -> Option<PartyId> {
        self.checked(mark, root).ok().map(|handover| handover.document.recipient)
    }

    pub(super) fn is_listed(&self, mark: MarkId) -> bool {
        let ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        matches!(ledger.studio.registry().handover_by_mark(mark), Ok(Some(_)))
    }
}

/// What is said of a mark that did not come with the picture.
const TRANSPLANTED: &str = "tampered or transplanted: a mark stands on this original's picture, but not where this original's \
    marks stand; it was lifted from another picture, or the picture was put beneath it";

/// What is said of a mark whose document nobody filed.
fn unlisted(place: &reader::SlotPlace) -> String {
    let who = place.handle.as_str();
    match place.depth {
        0 | 1 => "a mark is there, but the registry knows no hand-over of it".to_owned(),
        _ => format!(
            "an unreported hand-over: a mark of {who} is there whose document nobody filed; demand it from {who}"
        ),
    }
}

/// Chains through the same hands are an attribution, however many of their tiers and hand-overs were read; others are several
/// recipients in one copy.
fn verdict(finding: &Finding) -> Verdict {
    let hands = |chain: &Vec<Step>| chain.iter().map(|step| step.to.clone()).collect::<Vec<_>>();
    let ways: BTreeSet<Vec<String>> = finding.chains.iter().map(hands).collect();
    let transplanted = finding.marks.iter().any(|mark| mark.transplanted);
    match (finding.marks.len(), ways.len()) {
        (0, _) => Verdict::NoMark,
        (_, 0) if transplanted => Verdict::Tampered,
        (_, 0) => Verdict::Unlisted,
        (_, 1) => Verdict::Attributed,
        _ => Verdict::Coalition,
    }
}

/// Pixels per ref px of the frames of a hand-over, if all have the same.
fn one_scale(handover: &VerifiedHandover) -> Option<f64> {
    let mut scales = handover
        .frames
        .records()
        .iter()
        .map(|record| scale_of(record.w, record.h))
        .collect::<Option<Vec<_>>>()?;
    scales.dedup();
    if let [one] = scales[..] { Some(one) } else { None }
}

fn scale_of(width: u32, height: u32) -> Option<f64> {
    Size::new(width as usize, height as usize).map(pixels_per_ref)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::expect;

    #[test]
    fn the_same_hands_twice_are_one_attribution() {
        let step = |to: &str, handover: &str| Step { to: to.to_owned(), ..expect::tests::step(handover) };
        let of = |chains: Vec<Vec<Step>>| {
            let mark = expect::tests::mark("m", 1, 2, Signature::Valid);
            verdict(&Finding { marks: vec![mark], chains, ..Finding::empty("a.png".into()) })
        };
        assert_eq!(verdict(&Finding::empty("a.png".into())), Verdict::NoMark);
        assert_eq!(of(Vec::new()), Verdict::Unlisted);
        assert_eq!(of(vec![vec![step("A", "1")], vec![step("A", "2")]]), Verdict::Attributed);
        assert_eq!(of(vec![vec![step("A", "1"), step("B", "2")]]), Verdict::Attributed);
        assert_eq!(of(vec![vec![step("A", "1")], vec![step("B", "2")]]), Verdict::Coalition);
    }
}
