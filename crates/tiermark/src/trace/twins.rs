//! Exact duplicates are looked at once: later ones get the first one's answer, and say whose it is.
//!
//! Which of several is the first does not depend on who is ready first: it is the first in the order of names.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use data_encoding::HEXLOWER;
use tiermark_ledger::Digest;

use crate::verdict::{Finding, FoundGeometry, Mark, Step, Verdict};

/// Where a file or member stands among all that are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Order {
    file: usize,
    member: usize,
}

impl Order {
    /// A file by itself.
    pub(super) fn file(file: usize) -> Self {
        Self { file, member: 0 }
    }

    /// What comes after it in the same file.
    pub(super) fn next(self) -> Self {
        Self { member: self.member + 1, ..self }
    }
}

/// What is known of each digest.
#[derive(Default)]
pub(super) struct Twins(Mutex<BTreeMap<[u8; 32], State>>);

enum State {
    /// Somebody looks at it: the earliest so far.
    Claimed(Order),
    Told(Told),
}

/// An answer, for those who come later.
struct Told {
    place: Box<str>,
    verdict: Verdict,
    frames: usize,
    rest: Option<Box<Rest>>,
}

/// What most answers do not have.
struct Rest {
    reason: Option<String>,
    marks: Vec<Mark>,
    chains: Vec<Vec<Step>>,
    geometry: Option<FoundGeometry>,
    original: Option<String>,
}

impl Twins {
    /// Whether the one at `order` must be looked at: nobody before it has the same digest.
    pub(super) fn claim(&self, sha256: Digest, order: Order) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let state = all.entry(*sha256.as_bytes()).or_insert(State::Claimed(order));
        match state {
            State::Told(_) => false,
            State::Claimed(first) if *first < order => false,
            State::Claimed(first) => {
                *first = order;
                true
            }
        }
    }

    /// Holds the place of an answer that comes from an earlier twin.
    pub(super) fn untold(file: PathBuf, sha256: String) -> Finding {
        let reason = "is the same as an earlier file, which was not looked at".to_owned();
        Finding::unreadable(file, Some(sha256), reason)
    }

    /// Called with every finding in order: it is kept as the answer for later twins, or becomes an earlier one's.
    pub(super) fn tell(&self, finding: Finding) -> Finding {
        let digest = finding.sha256.as_ref().and_then(|hex| HEXLOWER.decode(hex.as_bytes()).ok());
        let Some(digest) = digest.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()) else { return finding };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match all.get(&digest) {
            Some(State::Told(told)) => told.again(finding),
            _ => {
                all.insert(digest, State::Told(Told::of(&finding)));
                finding
            }
        }
    }
}

impl Told {
    fn of(finding: &Finding) -> Self {
        let plain = finding.marks.is_empty() && finding.reason.is_none() && finding.original.is_none();
        // Where in the picture a mark was read is a hundred numbers, which the first one's line has.
        let slim = |mark: &Mark| Mark { patches: Vec::new(), decoys: None, ..mark.clone() };
        let rest = (!plain).then(|| {
            Box::new(Rest {
                reason: finding.reason.clone(),
                marks: finding.marks.iter().map(slim).collect(),
                chains: finding.chains.clone(),
                geometry: finding.geometry,
                original: finding.original.clone(),
            })
        });
        let (verdict, frames) = (finding.verdict, finding.frames);
        Self { place: finding.place().into(), verdict, frames, rest }
    }

    fn again(&self, finding: Finding) -> Finding {
        let mut finding = Finding {
            same_as: Some(self.place.to_string()),
            verdict: self.verdict,
            frames: self.frames,
            reason: None,
            ..finding
        };
        if let Some(rest) = &self.rest {
            finding.reason.clone_from(&rest.reason);
            finding.marks.clone_from(&rest.marks);
            finding.chains.clone_from(&rest.chains);
            finding.geometry = rest.geometry;
            finding.original.clone_from(&rest.original);
        }
        finding
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(file: &str, reason: &str) -> Finding {
        Finding::unreadable(file.into(), Some("ab".repeat(32)), reason.to_owned())
    }

    #[test]
    fn the_first_in_the_order_of_names_answers_for_all() {
        let (twins, digest) = (Twins::default(), Digest::from_bytes([0xab; 32]));
        assert!(twins.claim(digest, Order::file(5)), "nobody else was there yet");
        assert!(twins.claim(digest, Order::file(3)), "an earlier one came later");
        assert!(!twins.claim(digest, Order::file(4)));
        assert!(!twins.claim(digest, Order::file(3).next()));
        let first = twins.tell(found("3", "is a letter"));
        assert_eq!(first.same_as, None);
        let second = twins.tell(Twins::untold("4".into(), "ab".repeat(32)));
        assert_eq!((second.same_as.as_deref(), second.reason.as_deref()), (Some("3"), Some("is a letter")));
        assert!(!twins.claim(digest, Order::file(1)), "it was told");
    }
}
