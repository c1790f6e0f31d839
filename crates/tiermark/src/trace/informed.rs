//! What the originals add to a blind reading: the same words without the picture in the way, the closed set, and whether a
//! mark stands where it was put.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use tiermark_ledger::{Digest, Kid, MarkId};
use tiermark_mark::{Evidence, Patch, Reading, WAYS, Way};

use super::closed::{self, Suspect};
use super::heard::{Detector, Heard};
use super::reader::Asking;
use super::ready::{FoundPicture, Known, Under};
use super::{Ledger, Tracer};
use crate::secrets::content_digest;

/// What one content says of a file or of a shot.
pub(super) struct Said {
    pub(super) pix: Digest,
    pub(super) content: Digest,
    /// One to each way that was asked.
    pub(super) evidence: Vec<Evidence>,
    pub(super) frames: usize,
}

/// The frames of a shot, by what their marks are bound to.
#[derive(Default)]
pub(super) struct Sums(BTreeMap<[u8; 32], Said>);

impl Sums {
    /// Add what a frame says; frames of one content are summed before any key is asked.
    pub(super) fn add(&mut self, said: Vec<Said>) {
        for one in said {
            let Some(sum) = self.0.get_mut(one.content.as_bytes()) else {
                self.0.insert(*one.content.as_bytes(), one);
                continue;
            };
            sum.frames += one.frames;
            for evidence in one.evidence {
                match sum.evidence.iter_mut().find(|other| other.way == evidence.way) {
                    Some(other) => other.add(&evidence),
                    None => sum.evidence.push(evidence),
                }
            }
        }
    }

    pub(super) fn into_said(self) -> Vec<Said> {
        self.0.into_values().collect()
    }
}

impl Tracer {
    /// What the originals under a picture say; those of which the registry knows no content say nothing.
    pub(super) fn said(&self, under: &mut [Under]) -> Vec<Said> {
        let said = |under: &mut Under| {
            let Known { pix, content, .. } = *under.known();
            let content = content.or_else(|| self.content_of(pix))?;
            Some(Said { pix, content, evidence: std::mem::take(&mut under.evidence), frames: 1 })
        };
        under.iter_mut().filter_map(said).collect()
    }

    /// What the marks of an original are bound to, by the registry.
    pub(super) fn content_of(&self, pix: Digest) -> Option<Digest> {
        let ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = ledger.studio.registry().handed_over(pix, None, 1).ok()?;
        rows.first().map(|(_, row)| content_digest(&row.record))
    }

    /// The marks that the originals bring to light, for each project: words, and recipients in the closed set.
    pub(super) fn informed(&self, said: &[Said], asking: &Asking<'_>) -> Vec<Vec<Heard>> {
        let mut heard: Vec<Vec<Heard>> = self.readers.iter().map(|_| Vec::new()).collect();
        let ways = (WAYS * said.len().max(1)) as f64;
        for said in said {
            for (reader, heard) in self.readers.iter().zip(&mut heard) {
                let content = Known::content_id(said.content);
                let words = said.evidence.iter().map(|evidence| (evidence.way, &evidence.word));
                let found = words.flat_map(|(_, word)| reader.read_informed(word, &content, ways, asking));
                heard.extend(found.map(|found| Heard::word(found, Detector::Word)));
            }
        }
        let sets: Vec<Vec<Suspect>> = said.iter().map(|said| self.suspects(said)).collect();
        let tests = sets.iter().map(Vec::len).sum::<usize>() as f64;
        for (said, suspects) in said.iter().zip(&sets) {
            let scores = closed::scores(suspects, &said.evidence);
            for scored in closed::named(&scores, tests) {
                let line = suspects[scored.suspect].line;
                let cells = Heard::cells(&scored, suspects, &heard[line]);
                heard[line].extend(cells);
            }
        }
        heard
    }

    pub(super) fn suspects(&self, said: &Said) -> Vec<Suspect> {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let Ledger { studio, checked } = &mut *ledger;
        let only = std::cell::RefCell::new(checked);
        let counts = |mark: MarkId, root: Kid| {
            let mut checked = only.borrow_mut();
            let verified = checked
                .entry((mark, root))
                .or_insert_with(|| studio.verify_from(mark, root).map_err(|rule| rule.to_string()));
            self.options.recipients.is_empty()
                || verified.as_ref().is_ok_and(|handover| {
                    self.options.recipients.iter().any(|name| handover.recipient.as_str() == name)
                })
        };
        closed::suspects(studio, &self.lines, (said.pix, Some(said.content)), &counts).unwrap_or_default()
    }

    /// Mark those blind readings that stand on an original's picture, but not where that original's marks lie; unless an original
    /// of their own lies there, too: pictures of one shot look alike in places, and a composite is no forgery.
    pub(super) fn tell_transplants(&self, heard: &mut [Vec<Heard>], under: &[Under], found: &FoundPicture) {
        for (reader, heard) in self.readers.iter().zip(heard) {
            for one in heard.iter_mut() {
                let Some(reading) = &one.reading else { continue };
                let detector = reader.detector_at(&one.place);
                let stands = |under: &Under| self.standing(detector, reading, under, found);
                let (mut there, mut elsewhere) = (0.0, 0.0);
                for under in under {
                    let (on, off) = stands(under);
                    there += on;
                    // Whether it is the whole original is looked at last: that takes a second look at every pixel.
                    elsewhere += if off > on && under.is_this(found) { off } else { 0.0 };
                }
                let all: f64 = strong(reading).map(|patch| f64::from(patch.z)).sum();
                if elsewhere <= 0.5 * all || there >= 0.1 * elsewhere {
                    continue;
                }
                let contents = self.contents_of(one.mark, reader.root);
                let own = |under: &Under| stands(under).0 > 0.5 * all;
                let wanted = |content: Digest| contents.contains(&content);
                one.transplanted = !self.originals.lies_there(found, bounds(reading), &wanted, &own);
            }
        }
    }

    /// How much of a reading stands on an original where both pictures show the same: at its place, and elsewhere.
    fn standing(
        &self,
        detector: &tiermark_mark::Detector,
        reading: &Reading,
        under: &Under,
        found: &FoundPicture,
    ) -> (f64, f64) {
        let known = under.known();
        let Some(content) = known.content.or_else(|| self.content_of(known.pix)) else { return (0.0, 0.0) };
        let content = Known::content_id(content);
        let (mut there, mut elsewhere) = (0.0, 0.0);
        for patch in strong(reading) {
            let at = patch.centre.map(|v| v - 0.5);
            let Some(original) = under.agreeing(at, found) else { continue };
            let stands = detector.stands_on(reading, at, (&content, original, known.size));
            *(if stands { &mut there } else { &mut elsewhere }) += f64::from(patch.z);
        }
        (there, elsewhere)
    }

    /// What the marks of a hand-over's frames are bound to.
    fn contents_of(&self, mark: MarkId, root: Kid) -> BTreeSet<Digest> {
        let Ok(handover) = self.checked(mark, root) else { return BTreeSet::new() };
        handover.frames.records().iter().map(content_digest).collect()
    }
}

/// The tiles in which a word stands plainly.
fn strong(reading: &Reading) -> impl Iterator<Item = &Patch> {
    reading.patches.iter().filter(|patch| patch.z > 1.0)
}

/// Left, top, right and bottom of those tiles.
fn bounds(reading: &Reading) -> [f64; 4] {
    let all = [f64::MAX, f64::MAX, f64::MIN, f64::MIN];
    strong(reading).filter(|patch| patch.z > 4.0).fold(all, |[l, t, r, b], patch| {
        let ([x, y], half) = (patch.centre, patch.side / 2.0);
        [l.min(x - half), t.min(y - half), r.max(x + half), b.max(y + half)]
    })
}

/// The way that shows most of a picture: what `--explain` draws.
pub(super) fn plain(evidence: &[Evidence]) -> Option<&Evidence> {
    evidence.iter().find(|evidence| evidence.way == Way::Plain)
}
