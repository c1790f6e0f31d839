//! The second journey: a found file in, a verdict out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use data_encoding::HEXLOWER;
use rayon::iter::{ParallelBridge, ParallelIterator};
use tiermark_frame::{Frame, Limits};
use tiermark_ledger::store::StoreError;
use tiermark_ledger::{Digest, MarkId, Secrets, Studio, VerifiedHandover};
pub use tiermark_mark::Effort;
use tiermark_mark::{
    ContentId, Detector, FalseAlarm, FrameEvidence, MarkKey, Payload, Picture, Question, Reading, Shot,
    pixels_per_ref,
};
use tiermark_signal::Size;

use crate::inputs::{Input, Inputs, why};
use crate::ordered::Ordered;
use crate::secrets::{Keys, OWN_TIER, content_of, mark_id, payload};
use crate::shots::{Place, Shots};
use crate::sink::read_bounded;
use crate::verdict::{DecoyTable, Finding, FoundGeometry, FoundPatch, Mark, Signature, Verdict};

/// Sizes that frames of the studio have had, which are tried before all other scales and shapes.
const MOST_SIZES: usize = 16;

/// How to trace.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What a found file may ask of the machine.
    pub limits: Limits,
    /// How far to look.
    pub effort: Effort,
    /// Keys that nobody used, to be tried beside each that is found.
    pub decoys: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { limits: Limits::default(), effort: Effort::Full, decoys: 0 }
    }
}

/// Reads the marks of one studio.
pub struct Tracer {
    detector: Detector,
    known: Vec<Payload>,
    frames: Vec<Size>,
    /// The newest of what was handed out; asked for by an exhaustive search only.
    contents: Vec<ContentId>,
    options: Options,
    /// The rules of the chain, asked once for each mark.
    ledger: Mutex<(Studio, BTreeMap<MarkId, Checked>)>,
}

/// What the rules said of one mark.
type Checked = Result<VerifiedHandover, String>;

impl Tracer {
    /// A tracer for everything the studio's registry knows now.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn new(studio: Studio, secrets: &Secrets, options: Options) -> Result<Self, StoreError> {
        let keys = Keys::of(&studio, secrets);
        let known = studio.registry().mark_ids()?.into_iter().map(payload).collect();
        let frames = usual_sizes(studio.registry().frame_sizes()?);
        let contents = match options.effort {
            Effort::Exhaustive => newest_contents(&studio)?,
            _ => Vec::new(),
        };
        let detector = Detector::new(&keys.lattice, &keys.hops);
        Ok(Self { detector, known, frames, contents, options, ledger: Mutex::new((studio, BTreeMap::new())) })
    }

    /// Trace all inputs on the threads of the pool this is called in; `each` gets the findings in order, those that
    /// could not be read first, and after the last frame of a shot the finding of the shot as a whole.
    pub fn trace_all(&self, inputs: Inputs, each: &(dyn Fn(&Finding) + Sync)) {
        let shots = Shots::of(&inputs.files);
        let open = Mutex::new(None);
        let deliver = |traced: Traced| {
            each(&traced.finding);
            let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(finding) = self.follow(&mut open, traced) {
                each(&finding);
            }
        };
        let ordered = Ordered::new(&deliver);
        let first = inputs.unreadable.len();
        for (index, one) in inputs.unreadable.into_iter().enumerate() {
            ordered.put(index, Traced::alone(Finding::unreadable(one.path, None, one.reason)));
        }
        inputs.files.into_iter().enumerate().par_bridge().for_each(|(index, input)| {
            ordered.put(first + index, self.trace_one(&input, shots.of_file(index)));
        });
    }

    /// Trace one file.
    pub fn trace(&self, input: &Input) -> Finding {
        self.trace_one(input, None).finding
    }

    fn trace_one(&self, input: &Input, shot: Option<Place>) -> Traced {
        let bytes = match read_bounded(&input.path, self.options.limits.max_file_bytes) {
            Ok(bytes) => bytes,
            Err(error) => {
                let unreadable = Finding::unreadable(input.path.clone(), None, why(&input.path, &error));
                return Traced { finding: unreadable, evidence: None, shot };
            }
        };
        // Hashed before anything looks inside.
        let sha256 = Digest::of(&bytes);
        match Frame::decode(bytes, &self.options.limits) {
            Ok(frame) => self.judge(input, sha256, &frame, shot),
            Err(error) => {
                let finding = Finding::unreadable(input.path.clone(), Some(hex(sha256)), error.to_string());
                Traced { finding, evidence: None, shot }
            }
        }
    }

    fn question(&self) -> Question<'_> {
        Question {
            known: &self.known,
            frames: &self.frames,
            contents: &self.contents,
            effort: self.options.effort,
        }
    }

    fn judge(&self, input: &Input, sha256: Digest, frame: &Frame, shot: Option<Place>) -> Traced {
        let (colours, alpha) = (frame.colours(), frame.alpha());
        let picture =
            Picture { colours: &colours, alpha: alpha.as_ref(), premultiplied: frame.alpha_is_associated() };
        let evidence = shot.is_some().then(|| self.detector.read_frame(&picture, &self.question()));
        let readings = match &evidence {
            Some(evidence) => evidence.readings.clone(),
            None => self.detector.read(&picture, &self.question()),
        };
        let mut finding = self.finding(input.path.clone(), &readings);
        finding.sha256 = Some(hex(sha256));
        if self.options.decoys > 0 {
            let certain = readings.iter().filter(|reading| reading.is_certain());
            for (mark, reading) in finding.marks.iter_mut().zip(certain) {
                mark.decoys = Some(self.decoys(&picture, reading, sha256));
            }
        }
        Traced { finding, evidence, shot }
    }

    /// Keys drawn from the file's own digest: anybody gets the same ones.
    fn decoys(&self, picture: &Picture<'_>, reading: &Reading, sha256: Digest) -> DecoyTable {
        let seed = MarkKey::new(*sha256.as_bytes());
        let decoys = self.detector.decoys(picture, reading, &seed, self.options.decoys);
        let to_hundredths = |z: f64| (z * 100.0).round() / 100.0;
        DecoyTable {
            tried: decoys.decoys.len(),
            rank: decoys.rank(),
            real: to_hundredths(decoys.real),
            strongest_decoy: to_hundredths(decoys.strongest().unwrap_or(0.0)),
        }
    }

    /// Add a frame to the shot that is open; the shot's finding after its last frame.
    fn follow(&self, open: &mut Option<Shot>, traced: Traced) -> Option<Finding> {
        let place = traced.shot?;
        if let Some(evidence) = traced.evidence {
            open.get_or_insert_default().add(evidence);
        }
        if !place.last {
            return None;
        }
        let shot = open.take().filter(|shot| shot.frames() > 1)?;
        let readings = self.detector.read_shot(&shot, &self.question());
        let mut finding = self.finding(place.name, &readings);
        finding.frames = shot.frames();
        for mark in &mut finding.marks {
            mark.frames = u32::try_from(shot.frames()).unwrap_or(u32::MAX);
        }
        Some(finding)
    }

    fn finding(&self, file: PathBuf, readings: &[Reading]) -> Finding {
        let mut finding = Finding {
            file,
            sha256: None,
            frames: 1,
            verdict: Verdict::NoMark,
            reason: None,
            marks: Vec::new(),
            geometry: None,
            original: None,
        };
        for reading in readings.iter().filter(|reading| reading.is_certain()) {
            self.add(&mut finding, reading);
        }
        finding.verdict = verdict(&finding.marks);
        finding
    }

    fn add(&self, finding: &mut Finding, reading: &Reading) {
        let checked = reading.known.then(|| self.checked(mark_id(reading.payload)));
        let (signature, broken) = match &checked {
            None => (
                Signature::Unknown,
                Some("a mark is there, but the registry knows no hand-over of it".to_owned()),
            ),
            Some(Ok(_)) => (Signature::Valid, None),
            Some(Err(rule)) => (Signature::Invalid, Some(rule.clone())),
        };
        let handover = checked.and_then(Result::ok);
        finding.marks.push(Mark {
            tier: OWN_TIER,
            recipient: handover.as_ref().map(|h| h.recipient.as_str().to_owned()),
            handover: mark_id(reading.payload).to_string(),
            detector: "blind",
            z: (reading.z * 100.0).round() / 100.0,
            log10_false_alarm: (FalseAlarm::log10(reading.false_alarm) * 10.0).round() / 10.0,
            signature,
            issued_at: handover.as_ref().map(|h| h.issued_at().to_string()),
            frames: 1,
            patches: reading.patches.iter().map(FoundPatch::new).collect(),
            decoys: None,
        });
        finding.reason = finding.reason.take().or(broken);
        let stamped = handover.as_ref().and_then(one_scale);
        finding.geometry.get_or_insert_with(|| FoundGeometry::new(&reading.geometry, stamped));
    }

    /// The hand-over behind a mark, if every rule holds. Nobody is named before.
    fn checked(&self, mark: MarkId) -> Checked {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let (studio, known) = &mut *ledger;
        known.entry(mark).or_insert_with(|| studio.verify(mark).map_err(|rule| rule.to_string())).clone()
    }
}

/// Contents tried one by one by an exhaustive search, each a quarter of a second.
const MOST_CONTENTS: usize = 500;

fn newest_contents(studio: &Studio) -> Result<Vec<ContentId>, StoreError> {
    let mut contents = Vec::new();
    for mark in studio.registry().mark_ids()?.into_iter().rev() {
        let Ok(handover) = studio.verify(mark) else { continue };
        for record in handover.frames.records() {
            let content = content_of(record);
            if !contents.contains(&content) {
                contents.push(content);
            }
            if contents.len() == MOST_CONTENTS {
                return Ok(contents);
            }
        }
    }
    Ok(contents)
}

/// A finding, and what it says for its shot.
struct Traced {
    finding: Finding,
    evidence: Option<FrameEvidence>,
    shot: Option<Place>,
}

impl Traced {
    fn alone(finding: Finding) -> Self {
        Self { finding, evidence: None, shot: None }
    }
}

fn verdict(marks: &[Mark]) -> Verdict {
    let recipients: BTreeSet<&str> = marks.iter().filter_map(|mark| mark.recipient.as_deref()).collect();
    match (marks.len(), recipients.len()) {
        (0, _) => Verdict::NoMark,
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

/// The most frequent of the sizes that were handed out: width, height, and how many frames.
fn usual_sizes(mut sizes: Vec<(u32, u32, u32)>) -> Vec<Size> {
    sizes.sort_by_key(|&(width, height, frames)| (std::cmp::Reverse(frames), width, height));
    let sizes = sizes.into_iter().filter_map(|(width, height, _)| Size::new(width as usize, height as usize));
    sizes.take(MOST_SIZES).collect()
}

fn hex(digest: Digest) -> String {
    HEXLOWER.encode(digest.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(recipient: Option<&str>) -> Mark {
        Mark {
            tier: 1,
            recipient: recipient.map(str::to_owned),
            handover: String::new(),
            detector: "blind",
            z: 20.0,
            log10_false_alarm: -80.0,
            signature: Signature::Unknown,
            issued_at: None,
            frames: 1,
            patches: Vec::new(),
            decoys: None,
        }
    }

    #[test]
    fn verdicts_follow_from_the_marks() {
        assert_eq!(verdict(&[]), Verdict::NoMark);
        assert_eq!(verdict(&[mark(None)]), Verdict::Unlisted);
        assert_eq!(verdict(&[mark(Some("A")), mark(Some("A")), mark(None)]), Verdict::Attributed);
        assert_eq!(verdict(&[mark(Some("A")), mark(Some("B"))]), Verdict::Coalition);
    }

    #[test]
    fn the_usual_sizes_come_first() {
        let sizes = usual_sizes(vec![(1280, 720, 3), (1920, 1080, 5), (1080, 1920, 1), (0, 5, 9)]);
        assert_eq!(sizes.iter().map(|size| size.width).collect::<Vec<_>>(), [1920, 1280, 1080]);
    }
}
