//! A found clip: its shots one after the other, the frames of each added up, and one answer for all.

use std::io::Write;
use std::path::Path;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use tempfile::NamedTempFile;
use tiermark_frame::FrameError;
use tiermark_frame::clip::{Clip, Container, Cuts, Frames, HEAD, Want, looks_like_one};
use tiermark_ledger::Digest;
use tiermark_mark::{Effort, FrameEvidence, Picture, Question, Shot};
use tiermark_signal::Plane;

use super::heard::{self, Heard};
use super::reader::{Asking, Seen};
use super::{Tracer, hex};
use crate::sink::head_of_file;
use crate::verdict::{Finding, FoundShot};

/// Seconds from one frame that is looked at to the next, within a shot.
const APART: f64 = 0.5;
/// Frames of a shot that are added up.
const MOST_OF_SHOT: u64 = 24;
/// Frames of a clip that are looked at, beside the first of each shot: a reel of hours is looked at more thinly.
const MOST_OF_CLIP: f64 = 480.0;

/// The container of a file that begins as a clip.
pub(super) fn begins(path: &Path) -> Option<Container> {
    looks_like_one(&head_of_file(path, HEAD).ok()?)
}

/// Which frames of a clip are looked at.
struct Plan {
    /// The first frame of each shot.
    starts: Vec<u64>,
    /// From one frame that is looked at to the next.
    every: u64,
    /// How many of each shot.
    most: u64,
}

impl Plan {
    fn new(starts: Vec<u64>, frames: u64, rate: f64, asked: Option<u64>) -> Self {
        if let Some(every) = asked {
            return Self { starts, every: every.max(1), most: u64::MAX };
        }
        let apart = (APART * rate).max(frames as f64 / MOST_OF_CLIP).round();
        Self { starts, every: (apart as u64).max(1), most: MOST_OF_SHOT }
    }

    /// The number of the shot that a frame is in.
    fn shot(&self, frame: u64) -> usize {
        self.starts.partition_point(|start| *start <= frame).saturating_sub(1)
    }

    /// Whether a frame is looked at, and whether it is the first of its shot.
    fn looks(&self, frame: u64) -> Option<bool> {
        let inside = frame - self.starts.get(self.shot(frame)).copied().unwrap_or(0);
        (inside.is_multiple_of(self.every) && inside / self.every < self.most).then_some(inside == 0)
    }
}

/// What was heard of a clip so far.
struct Hearing {
    /// In each project.
    heard: Vec<Vec<Heard>>,
    /// One to each project, of the shot that is being looked at.
    shots: Vec<Shot>,
    told: Vec<FoundShot>,
    frames: u64,
}

impl Tracer {
    /// Trace a clip that came out of an archive: for as long as that takes it lies in the folder of the system for such files,
    /// where nobody else may read it.
    pub(super) fn trace_unpacked(
        &self,
        shown: &Path,
        sha256: Digest,
        container: Container,
        bytes: &[u8],
    ) -> Finding {
        let unpacked = NamedTempFile::new().and_then(|mut file| file.write_all(bytes).map(|()| file));
        match unpacked {
            Ok(file) => self.trace_clip(shown, file.path(), sha256, container),
            Err(error) => {
                let reason = format!("is a clip for which there is no room to unpack it: {error}");
                Finding::unreadable(shown.to_path_buf(), Some(hex(sha256)), reason)
            }
        }
    }

    /// Trace a clip that is shown under one path and lies at another. What lies behind damage is not looked at; what lies before
    /// it is.
    pub(super) fn trace_clip(
        &self,
        shown: &Path,
        path: &Path,
        sha256: Digest,
        container: Container,
    ) -> Finding {
        let sha256 = hex(sha256);
        let unreadable =
            |reason: String| Finding::unreadable(shown.to_path_buf(), Some(sha256.clone()), reason);
        match self.look_through(path, container) {
            Ok((hearing, trouble)) if hearing.frames > 0 => {
                let mut finding = self.finding(shown.to_path_buf(), &hearing.heard);
                finding.sha256 = Some(sha256.clone());
                finding.frames = hearing.frames as usize;
                for mark in &mut finding.marks {
                    mark.frames = u32::try_from(hearing.frames).unwrap_or(u32::MAX);
                }
                finding.shots = hearing.told;
                finding.reason = finding.reason.take().or(trouble);
                finding
            }
            Ok((_, trouble)) => unreadable(trouble.unwrap_or_else(|| "is a clip without frames".to_owned())),
            Err(error) => unreadable(error.to_string()),
        }
    }

    /// All shots, and what stood in the way after them.
    fn look_through(
        &self,
        path: &Path,
        container: Container,
    ) -> Result<(Hearing, Option<String>), FrameError> {
        let limits = &self.options.limits;
        let clip = Clip::probe(path, container, limits)?;
        let mut cuts = Cuts::default();
        let mut small = Frames::open(path, &clip, Want::Small, limits)?;
        let mut trouble = None;
        while let Some(frame) = until_damage(&mut small, &mut trouble)? {
            cuts.add(frame);
        }
        let plan = Plan::new(cuts.starts(), cuts.frames(), clip.frame_rate(), self.options.every);
        let mut hearing = self.nothing_yet();
        let mut frames = Frames::open(path, &clip, Want::Grey, limits)?;
        let (mut batch, mut number) = (Vec::new(), 0);
        let wide = rayon::current_num_threads();
        while let Some(frame) = until_damage(&mut frames, &mut trouble)? {
            if number > 0 && plan.starts.binary_search(&number).is_ok() {
                self.gather(&mut hearing, &mut batch);
                self.close(&mut hearing, &plan, number - 1);
            }
            if let Some(first) = plan.looks(number) {
                batch.push((frame.luma(), first));
            }
            if batch.len() >= wide {
                self.gather(&mut hearing, &mut batch);
            }
            number += 1;
        }
        self.gather(&mut hearing, &mut batch);
        self.close(&mut hearing, &plan, number.saturating_sub(1));
        // Each shot is a search of its own.
        let shots = hearing.told.len() as f64;
        for heard in &mut hearing.heard {
            let counted = heard.drain(..).map(|one| one.over(shots)).filter(Heard::is_certain);
            *heard = heard::merged(counted.collect::<Vec<_>>());
        }
        Ok((hearing, trouble))
    }

    fn nothing_yet(&self) -> Hearing {
        let each = || self.readers.iter();
        Hearing {
            heard: each().map(|_| Vec::new()).collect(),
            shots: each().map(|_| Shot::default()).collect(),
            told: Vec::new(),
            frames: 0,
        }
    }

    /// Read frames of one shot, and add them to it in their order.
    fn gather(&self, hearing: &mut Hearing, batch: &mut Vec<(Plane, bool)>) {
        let evidence = |(luma, first): &(Plane, bool)| -> Vec<FrameEvidence> {
            let picture = Picture { colours: std::slice::from_ref(luma), alpha: None, premultiplied: false };
            // Frames of a shot lie alike as a rule: the first is searched for every geometry, and later all together.
            let effort = if *first { self.options.effort } else { Effort::KnownScales };
            let question = Question { effort, ..self.question() };
            self.readers.iter().map(|reader| reader.evidence(&picture, &question)).collect()
        };
        let all: Vec<Vec<FrameEvidence>> = batch.par_iter().map(evidence).collect();
        for frame in all {
            hearing.frames += 1;
            hearing.shots.iter_mut().zip(frame).for_each(|(shot, evidence)| shot.add(evidence));
        }
        batch.clear();
    }

    /// Read the shot that ends with frame `last` as a whole.
    fn close(&self, hearing: &mut Hearing, plan: &Plan, last: u64) {
        let fresh = self.nothing_yet().shots;
        let shots = std::mem::replace(&mut hearing.shots, fresh);
        let Some(frames) = shots.first().map(Shot::frames).filter(|frames| *frames > 0) else { return };
        let (listed, recipient) = (|mark| self.is_listed(mark), |mark, root| self.recipient(mark, root));
        let asking: Asking<'_> = self.asking(&listed, &recipient);
        let seen: Vec<Seen<'_>> = shots.iter().map(Seen::Shot).collect();
        let read = self.read(&seen, &asking);
        let best = read.iter().flatten().max_by(|a, b| a.z.total_cmp(&b.z));
        hearing.told.push(FoundShot {
            first_frame: plan.starts.get(plan.shot(last)).copied().unwrap_or(0),
            last_frame: last,
            frames,
            handover: best.map(|heard| heard.mark.to_string()),
            z: best.map(|heard| (heard.z * 100.0).round() / 100.0),
        });
        hearing.heard.iter_mut().zip(read).for_each(|(all, read)| all.extend(read));
    }
}

/// The next frame, or nothing and why where the clip is damaged after others.
fn until_damage<'a>(
    frames: &'a mut Frames,
    trouble: &mut Option<String>,
) -> Result<Option<&'a mut tiermark_frame::clip::ClipFrame>, FrameError> {
    let count = frames.count();
    match frames.next_frame() {
        Err(FrameError::Clip(reason)) if count > 0 => {
            *trouble = Some(format!("only {count} frames could be read: {reason}"));
            Ok(None)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_frames_a_second_are_looked_at_and_the_first_of_each_shot() {
        let plan = Plan::new(vec![0, 30], 1000, 24.0, None);
        let looked: Vec<u64> = (0..60).filter(|frame| plan.looks(*frame).is_some()).collect();
        assert_eq!(looked, [0, 12, 24, 30, 42, 54]);
        assert_eq!((plan.looks(30), plan.looks(42), plan.looks(43)), (Some(true), Some(false), None));
        assert_eq!((30..1000).filter(|frame| plan.looks(*frame).is_some()).count(), MOST_OF_SHOT as usize);
        let long = Plan::new(vec![0], 200_000, 24.0, None);
        assert!((400..500).contains(&long.every));
        let all = Plan::new(vec![0], 1000, 24.0, Some(1));
        assert_eq!((0..1000).filter(|frame| all.looks(*frame).is_some()).count(), 1000);
    }
}
