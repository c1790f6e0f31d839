//! One clip: its shots found, each marked with a pattern of its own, the whole written beside and read back.
//!
//! A clip is one file and one line of the hand-over. What its frames' patterns are bound to follows from that line and the
//! number of the first frame of each shot (`content_in_clip`), so the documents know of no shots inside.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelRefMutIterator, ParallelIterator};
use tiermark_frame::FrameError;
use tiermark_frame::clip::{
    Clip, ClipDigest, ClipFrame, ClipWriter, Container, Cuts, Frames, HEAD, Steady, Want, is_still,
    looks_like_one,
};
use tiermark_ledger::Digest;
use tiermark_ledger::document::Source;
use tiermark_mark::{Effort, Embedder, Picture, Question, Reading, Shot};
use tiermark_signal::Plane;
use tiermark_signal::quality::Difference;

use super::press::{CHANGED, Press, ReadBack, cannot_write, digest_of, done};
use super::scan::{Scanned, status};
use super::{Job, Options, Outcome, Stamper, Status};
use crate::endurance::Endurance;
use crate::inputs::{Input, why};
use crate::rows::Luma;
use crate::secrets::content_in_clip;
use crate::sink::{Part, digest_of_file, head_of_file};
use crate::verdict::ATTRIBUTION;

/// Shots that are read back, the longest ones.
const SHOTS_READ: usize = 12;
/// Frames of each that are added up.
const FRAMES_READ: u64 = 6;

/// A clip that can be marked, and its shots.
#[derive(Clone)]
pub(super) struct Reel {
    clip: Clip,
    steady: Steady,
    frames: u64,
    /// The first frame of each shot.
    starts: Vec<u64>,
}

impl Reel {
    /// The first frame of the shot that a frame is in.
    fn first_of_shot(&self, frame: u64) -> u64 {
        self.starts.get(shot_of(&self.starts, frame)).copied().unwrap_or(0)
    }

    /// The frames that are read back, with the shot that each is in.
    fn picks(&self) -> BTreeMap<u64, usize> {
        picks(&self.starts, self.frames)
    }
}

/// The number of the shot that a frame is in.
fn shot_of(starts: &[u64], frame: u64) -> usize {
    starts.partition_point(|start| *start <= frame).saturating_sub(1)
}

/// A few frames of the longest shots, with the number of the shot that each is in.
fn picks(starts: &[u64], frames: u64) -> BTreeMap<u64, usize> {
    let ends = |shot: usize| [shot, shot + 1].map(|shot| starts.get(shot).copied().unwrap_or(frames));
    let long = |shot: &usize| {
        let [from, to] = ends(*shot);
        to - from
    };
    let mut shots: Vec<usize> = (0..starts.len()).collect();
    shots.sort_by_key(|shot| (std::cmp::Reverse(long(shot)), *shot));
    shots.truncate(SHOTS_READ);
    let spread = |shot: usize| {
        let [from, to] = ends(shot);
        let count = FRAMES_READ.min(to - from);
        // In the middles of equal parts: a shot's ends are where it fades.
        (0..count).map(move |i| (from + (2 * i + 1) * (to - from) / (2 * count), shot))
    };
    shots.into_iter().flat_map(spread).collect()
}

/// The container of a file that begins as a clip; a still picture is none, or `--codec` would make one of it.
pub(super) fn begins(path: &Path) -> Option<Container> {
    let head = head_of_file(path, HEAD).ok()?;
    looks_like_one(&head).filter(|_| !is_still(&head))
}

/// Read a clip once before anything is signed.
pub(super) fn scan(input: Input, container: Container, options: &Options) -> Result<Scanned, Box<Outcome>> {
    let (sha256, _) = digest_of_file(&input.path)
        .map_err(|error| Outcome::not(Status::Failed, input.path.clone(), why(&input.path, &error)))?;
    let (reel, pix) = reel(&input.path, container, options)
        .map_err(|error| Outcome::not(status(&error), input.path.clone(), error.to_string()))?;
    // Limits bound the sides far below 2^32.
    let (w, h) = (reel.clip.size().width as u32, reel.clip.size().height as u32);
    let name = input.name.clone();
    let source = Source { shot: name.clone(), name, sha256, pix, w, h, up: None, csc: None };
    Ok(Scanned { input, source, sight: None, reel: Some(reel), leaves: None })
}

fn reel(path: &Path, container: Container, options: &Options) -> Result<(Reel, Digest), FrameError> {
    let limits = &options.limits;
    let clip = Clip::probe(path, container, limits)?;
    let steady = clip.steady(path, limits)?;
    ClipWriter::writable(&clip, steady, options.codec.as_deref())?;
    let (mut digest, mut cuts) = (ClipDigest::new(clip.size(), clip.pixels()?), Cuts::default());
    let mut frames = Frames::open(path, &clip, Want::Native, limits)?;
    while let Some(frame) = frames.next_frame()? {
        digest.add(frame);
        cuts.add(frame);
    }
    // Frames that are stored and not shown would shift all others against the sound.
    if cuts.frames() != steady.frames || steady.frames == 0 {
        return Err(FrameError::ReadOnly {
            what: format!("a clip that shows {} of its {} frames", cuts.frames(), steady.frames),
            way_out: "it is damaged, or has an edit list; write it anew first",
        });
    }
    let reel = Reel { clip, steady, frames: cuts.frames(), starts: cuts.starts() };
    Ok((reel, Digest::from_bytes(digest.finish())))
}

impl Stamper {
    /// Deal with one clip.
    pub(super) fn press_clip(
        &self,
        job: &Job,
        reel: &Reel,
        press: &Press,
        path: PathBuf,
        options: &Options,
    ) -> Result<Outcome, Box<Outcome>> {
        let not = |status: Status, reason: String| Outcome::not(status, job.input.path.clone(), reason);
        let embedders = press.embedders(job);
        let several = embedders.len() > 1;
        let mut last = None;
        for embedder in embedders {
            // Writing a clip takes so long that a few frames tell first whether it is worth it, where it may not be.
            if options.dry_run || several {
                let read = tried(job, reel, (embedder, press), options)
                    .map_err(|error| not(status(&error), error.to_string()))?;
                match carries(&read.endurance, options) {
                    Ok(()) if options.dry_run => return Ok(done(job, path, &read)),
                    Ok(()) => {}
                    Err(reason) => {
                        last = Some(Box::new(read.measured(*not(Status::Refused, reason))));
                        continue;
                    }
                }
            }
            match self.write_clip(job, reel, (embedder, press), path.clone(), options) {
                Err(refused) if refused.predicted_z.is_some() => last = Some(refused),
                settled => return settled,
            }
        }
        let refused = last.expect("there is an embedder for every clip");
        if !options.dry_run {
            self.refuse(job).map_err(|error| not(Status::Failed, error.to_string()))?;
        }
        Err(refused)
    }

    /// Write under a hidden name, read back, seal, name.
    fn write_clip(
        &self,
        job: &Job,
        reel: &Reel,
        (embedder, press): (&Embedder, &Press),
        path: PathBuf,
        options: &Options,
    ) -> Result<Outcome, Box<Outcome>> {
        let not = |status: Status, reason: String| Outcome::not(status, job.input.path.clone(), reason);
        let failed = |reason: String| not(Status::Failed, reason);
        let by = |error: FrameError| not(status(&error), error.to_string());
        let on_disk = |error: std::io::Error| failed(cannot_write(&path, &error));
        if digest_of(&job.input.path) != Some(job.record.sha256) {
            return Err(failed(CHANGED.to_owned()));
        }
        let part = Part::of(&path).map_err(on_disk)?;
        let psnr_db = marked(job, reel, embedder, part.hidden(), options).map_err(by)?;
        part.sync().map_err(on_disk)?;
        let (sha256, _) = digest_of_file(part.hidden()).map_err(on_disk)?;
        if !options.force && digest_of(&path).is_some_and(|there| there != sha256) {
            let there = format!("{} is there already and different; --force replaces it", path.display());
            return Err(not(Status::Refused, there));
        }
        let (pix, endurance) = read_back(reel, press, part.hidden(), options)
            .map_err(|error| failed(format!("could not be read back: {error}")))?;
        let read = ReadBack { psnr_db, pix, endurance };
        if let Err(reason) = carries(&read.endurance, options) {
            return Err(Box::new(read.measured(*not(Status::Refused, reason))));
        }
        self.seal(job, read.output(job, sha256)).map_err(|error| failed(error.to_string()))?;
        part.commit().map_err(on_disk)?;
        Ok(done(job, path, &read))
    }
}

/// Write the clip with its mark; the ratio of the mark before its codec, dB.
fn marked(
    job: &Job,
    reel: &Reel,
    embedder: &Embedder,
    target: &Path,
    options: &Options,
) -> Result<f64, FrameError> {
    let (path, limits) = (&job.input.path, &options.limits);
    let whole = (&reel.clip, reel.steady);
    let mut writer = ClipWriter::start(path, target, whole, options.codec.as_deref(), limits)?;
    let mut frames = Frames::open(path, &reel.clip, Want::Native, limits)?;
    let (mut difference, mut number) = (Difference::new(1), 0);
    let mut last: Option<(ClipFrame, ClipFrame)> = None;
    loop {
        // As many frames in memory as there are threads to mark them.
        let mut batch = Vec::new();
        while batch.len() < rayon::current_num_threads()
            && let Some(frame) = frames.next_frame()?
        {
            batch.push((number, frame.clone(), frame.clone()));
            number += 1;
        }
        batch.par_iter_mut().for_each(|(number, _, frame)| embed(job, reel, embedder, *number, frame));
        if batch.is_empty() {
            break;
        }
        for (number, host, mut frame) in batch {
            if let Some((before, after)) = last.as_ref().filter(|_| reel.first_of_shot(number) != number) {
                frame.hold(&host, (before, after));
            }
            compare(&mut difference, &host, &frame);
            writer = writer.write(&frame)?;
            last = Some((host, frame));
        }
    }
    if number != reel.frames {
        return Err(FrameError::Clip(CHANGED.to_owned()));
    }
    writer.finish()?;
    Ok(difference.psnr())
}

/// Mark one frame.
fn embed(job: &Job, reel: &Reel, embedder: &Embedder, number: u64, frame: &mut ClipFrame) {
    let content = content_in_clip(&job.record, reel.first_of_shot(number));
    embedder.embed_rows(&mut Luma(frame), &content, None);
}

/// Note how far the mark took a frame.
fn compare(difference: &mut Difference, host: &ClipFrame, marked: &ClipFrame) {
    let [mut before, mut after] = [(); 2].map(|()| vec![0.0; host.size().width]);
    for y in 0..host.size().height {
        host.luma_row(y, &mut before);
        marked.luma_row(y, &mut after);
        difference.add(0, &before, &after);
    }
}

/// Mark a few frames of each shot and read them, writing nothing.
fn tried(
    job: &Job,
    reel: &Reel,
    (embedder, press): (&Embedder, &Press),
    options: &Options,
) -> Result<ReadBack, FrameError> {
    let (picks, mut sums) = (reel.picks(), Sums::default());
    let mut frames = Frames::open(&job.input.path, &reel.clip, Want::Native, &options.limits)?;
    let (mut difference, mut number) = (Difference::new(1), 0);
    while let Some(frame) = frames.next_frame()? {
        if let Some(shot) = picks.get(&number) {
            let host = frame.clone();
            embed(job, reel, embedder, number, frame);
            compare(&mut difference, &host, frame);
            sums.add(*shot, frame, press);
        }
        number += 1;
        if picks.last_key_value().is_none_or(|(last, _)| number > *last) {
            break;
        }
    }
    Ok(ReadBack { psnr_db: difference.psnr(), pix: job.record.pix, endurance: sums.endurance(press) })
}

/// Decode what was written: the digest of its values, and how its mark reads.
fn read_back(
    reel: &Reel,
    press: &Press,
    written: &Path,
    options: &Options,
) -> Result<(Digest, Endurance), FrameError> {
    let limits = &options.limits;
    let clip = Clip::probe(written, reel.clip.container(), limits)?;
    if let Some(lost) = reel.clip.lost_in(&clip) {
        return Err(FrameError::Clip(lost));
    }
    let mut frames = Frames::open(written, &clip, Want::Native, limits)?;
    let (mut digest, mut sums) = (ClipDigest::new(clip.size(), clip.pixels()?), Sums::default());
    let (picks, mut number) = (reel.picks(), 0);
    while let Some(frame) = frames.next_frame()? {
        digest.add(frame);
        if let Some(shot) = picks.get(&number) {
            sums.add(*shot, frame, press);
        }
        number += 1;
    }
    if number != reel.frames {
        let lost = format!("{number} frames came back of {}", reel.frames);
        return Err(FrameError::Clip(lost));
    }
    Ok((Digest::from_bytes(digest.finish()), sums.endurance(press)))
}

/// What a few frames of each shot add up to.
#[derive(Default)]
struct Sums(BTreeMap<usize, Shot>);

impl Sums {
    fn add(&mut self, shot: usize, frame: &ClipFrame, press: &Press) {
        let colours = [frame.luma()];
        let alpha = frame.has_alpha().then(|| {
            let mut alpha = Plane::filled(frame.size(), 1.0);
            (0..alpha.height()).for_each(|y| frame.alpha_row(y, alpha.row_mut(y)));
            alpha
        });
        let picture = Picture { colours: &colours, alpha: alpha.as_ref(), premultiplied: false };
        let frames = [frame.size()];
        let evidence = press.detector.read_frame(&picture, &question(press, &frames));
        self.0.entry(shot).or_default().add(evidence);
    }

    /// How surely the mark is named: by the surest shot, and by at least half of them.
    fn endurance(&self, press: &Press) -> Endurance {
        let read = |shot: &Shot| -> Option<Reading> {
            let readings = press.detector.read_shot(shot, &question(press, &[]));
            readings.into_iter().find(|reading| reading.payload == press.payload)
        };
        let read: Vec<Option<Reading>> = self.0.values().map(read).collect();
        let certain = |reading: &&Reading| reading.false_alarm.over(read.len() as f64).log10() <= ATTRIBUTION;
        let named = read.iter().flatten().filter(certain).count();
        Endurance {
            z: read.iter().flatten().map(|reading| reading.z).fold(0.0, f64::max),
            z_after_jpeg: None,
            readable: named > 0,
            lasting: 2 * named >= read.len(),
        }
    }
}

fn question<'a>(press: &'a Press, frames: &'a [tiermark_signal::Size]) -> Question<'a> {
    Question {
        listed: 0,
        known: std::slice::from_ref(&press.payload),
        frames,
        contents: &[],
        effort: Effort::KnownScales,
    }
}

/// Whether a copy may leave.
fn carries(endurance: &Endurance, options: &Options) -> Result<(), String> {
    let Endurance { z, readable, lasting, .. } = *endurance;
    match (readable, lasting || options.allow_weak) {
        (true, true) => Ok(()),
        (true, false) => Err(format!(
            "cannot carry the mark in more than half of its shots: predicted strength z {z:.1} in the best; \
             --allow-weak lets it leave all the same"
        )),
        _ => Err(format!(
            "cannot carry the mark: predicted strength z {z:.1} after its codec (too small, blank, or coded too coarsely)"
        )),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use super::*;

    #[test]
    fn frames_are_picked_from_the_longest_shots_and_in_their_middles() {
        let spread = |starts: &[u64], frames: u64| picks(starts, frames);
        assert_eq!(spread(&[0], 1), BTreeMap::from([(0, 0)]));
        let two = spread(&[0, 3], 15);
        assert_eq!(two.keys().copied().collect::<Vec<_>>(), [0, 1, 2, 4, 6, 8, 10, 12, 14]);
        assert_eq!((two[&2], two[&4]), (0, 1));
        let many: Vec<u64> = (0..40).map(|i| i * i).collect();
        let picked = spread(&many, 1600);
        assert_eq!(picked.len(), SHOTS_READ * FRAMES_READ as usize);
        assert!(picked.values().all(|shot| *shot >= 40 - SHOTS_READ), "the longest");
        assert!(picked.iter().all(|(frame, shot)| shot_of(&many, *frame) == *shot));
    }
}
