//! One frame: marked, written, read back, sealed, named.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tiermark_frame::Frame;
use tiermark_ledger::Digest;
use tiermark_ledger::MarkId;
use tiermark_ledger::keys::tree::{Direction, Hop};
use tiermark_ledger::store::Output;
use tiermark_ledger::studio::Ground;
use tiermark_mark::{ContentId, Detector, Embedder, MarkKey, Payload, Strength};
use tiermark_signal::quality::Difference;

use super::scan::{open, status};
use super::{Archiving, Job, Options, Outcome, PaintSafe, Stamper, Status};
use crate::endurance::{Endurance, Mark};
use crate::inputs::why;
use crate::rows::Painting;
use crate::secrets::{content_of, payload};
use crate::sink::{Part, digest_of_file};

/// Embedders and detector of one mark under one hop.
pub(super) struct Press {
    pub(super) payload: Payload,
    /// For pictures that bear no mark of the project yet.
    pub(super) first: Embedder,
    /// For pictures that do: on the lattice that is there.
    pub(super) further: Embedder,
    pub(super) detector: Detector,
}

impl Press {
    /// The embedders to be tried for a job, one after the other.
    pub(super) fn embedders(&self, job: &Job) -> Vec<&Embedder> {
        match job.record.up {
            // Where the drawing that came down was redrawn, its lattice may be gone with it: then ours is laid anew, at the
            // same place.
            Some(_) => vec![&self.further, &self.first],
            None => vec![&self.first],
        }
    }
}

impl Press {
    /// By what a copy is recognised with its original at hand.
    fn mark<'a>(&'a self, job: &'a Job) -> Option<Mark<'a>> {
        let content = content_of(&job.record);
        Some(Mark { detector: &self.detector, payload: self.payload, content, closed: job.closed.as_ref()? })
    }
}

/// The presses that a run needs, made once.
pub(super) struct Presses(BTreeMap<(MarkId, Hop), Press>);

impl Presses {
    pub(super) fn new(grounds: &[Ground], direction: Direction, strength: Strength, jobs: &[Job]) -> Self {
        let mut presses = BTreeMap::new();
        for job in jobs {
            let (mark, hop, ground) = (job.mark, job.record.hop, &grounds[job.ground]);
            presses.entry((mark, hop)).or_insert_with(|| {
                let depth = if direction == Direction::Down { ground.depth + 1 } else { ground.depth };
                let secret = ground.node.slot(direction, depth).hop(hop);
                let (tier, payload) = (MarkKey::new(*secret.as_bytes()), payload(mark));
                let lattice = MarkKey::new(*ground.lattice.as_bytes());
                Press {
                    payload,
                    first: Embedder::new(&lattice, &tier, payload, strength),
                    further: Embedder::further(&lattice, &tier, payload, strength),
                    detector: Detector::new(&lattice, std::slice::from_ref(&tier)),
                }
            });
        }
        Self(presses)
    }
}

/// Why an input that is no longer what was signed is not marked.
pub(super) const CHANGED: &str = "changed while this run was going on; run it again";

/// What a read-back copy is like.
pub(super) struct ReadBack {
    pub(super) psnr_db: f64,
    pub(super) pix: Digest,
    pub(super) endurance: Endurance,
}

impl ReadBack {
    /// What the ledger says of it.
    pub(super) fn output(&self, job: &Job, sha256: Digest) -> Output {
        Output {
            i: job.record.i,
            sha256,
            pix: self.pix,
            psnr_centi_db: (self.psnr_db.min(999.0) * 100.0).round() as i64,
            z_milli: (self.endurance.z * 1000.0).round() as i64,
        }
    }

    /// The outcome with what was measured.
    pub(super) fn measured(&self, outcome: Outcome) -> Outcome {
        Outcome {
            psnr_db: Some(centi(self.psnr_db)),
            predicted_z: Some(milli(self.endurance.z)),
            z_after_jpeg75: self.endurance.z_after_jpeg.map(milli),
            ..outcome
        }
    }
}

impl Stamper {
    /// Deal with one frame; every way out is an outcome.
    pub(super) fn press_one(&self, job: &Job, presses: &Presses, options: &Options) -> Outcome {
        self.try_press(job, presses, options).unwrap_or_else(|outcome| *outcome)
    }

    fn try_press(&self, job: &Job, presses: &Presses, options: &Options) -> Result<Outcome, Box<Outcome>> {
        let path = options.out.join(&job.input.below);
        let not = |status: Status, reason: String| Outcome::not(status, job.input.path.clone(), reason);
        if !options.dry_run
            && let Some(sealed) = job.sealed
            && digest_of(&path) == Some(sealed)
        {
            return Ok(self.already(job, path));
        }
        let press = presses.0.get(&(job.mark, job.record.hop)).expect("a press was made for every job");
        if let Some(reel) = &job.reel {
            return self.press_clip(job, reel, press, path, options);
        }
        if let Some(leaves) = &job.leaves {
            return self.press_sheet(job, leaves, press, &path, options);
        }
        let (sha256, frame) = open(&job.input, options)?;
        if sha256 != job.record.sha256 {
            return Err(not(Status::Failed, CHANGED.to_owned()));
        }
        let embedders = press.embedders(job);
        let mut last = None;
        for embedder in embedders {
            let bytes = mark(&frame, embedder, job, options)
                .map_err(|error| not(status(&error), error.to_string()))?;
            let made = (&frame, bytes);
            let outcome = match options.dry_run {
                true => self.tried(job, path.clone(), made, press, options),
                false => self.write(job, path.clone(), made, press, options),
            };
            match outcome {
                Err(refused) if refused.predicted_z.is_some() => last = Some(refused),
                settled => return settled,
            }
        }
        let refused = last.expect("there is an embedder for every frame");
        if !options.dry_run {
            self.refuse(job).map_err(|error| not(Status::Failed, error.to_string()))?;
        }
        Err(refused)
    }

    /// What leaving flat colour alone costs, tried on some of the frames.
    pub(super) fn cost_of_paint_safe(
        &self,
        jobs: &[Job],
        presses: &Presses,
        options: &Options,
    ) -> Option<PaintSafe> {
        let tried = jobs.iter().step_by(jobs.len().div_ceil(TRIED).max(1));
        let costs: Vec<[f64; 3]> = tried.filter_map(|job| cost(job, presses, options)).collect();
        let median = |of: usize| {
            let mut values: Vec<f64> = costs.iter().map(|cost| cost[of]).collect();
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied()
        };
        Some(PaintSafe { frames: costs.len(), whole: median(0)?, blind: median(1)?, at_hand: median(2)? })
    }

    /// What would be written, read back.
    fn tried(
        &self,
        job: &Job,
        path: PathBuf,
        (frame, bytes): (&Frame, Vec<u8>),
        press: &Press,
        options: &Options,
    ) -> Result<Outcome, Box<Outcome>> {
        let not = |status: Status, reason: String| Outcome::not(status, job.input.path.clone(), reason);
        let read =
            read_back(frame, bytes, press, job, options).map_err(|reason| not(Status::Failed, reason))?;
        match carries(&read, options) {
            Ok(()) => Ok(done(job, path, &read)),
            Err(reason) => Err(Box::new(read.measured(*not(Status::Refused, reason)))),
        }
    }

    /// Write under a hidden name, read back, seal, name.
    fn write(
        &self,
        job: &Job,
        path: PathBuf,
        (frame, bytes): (&Frame, Vec<u8>),
        press: &Press,
        options: &Options,
    ) -> Result<Outcome, Box<Outcome>> {
        let not = |status: Status, reason: String| Outcome::not(status, job.input.path.clone(), reason);
        let failed = |reason: String| not(Status::Failed, reason);
        let digest = Digest::of(&bytes);
        if !options.force && digest_of(&path).is_some_and(|there| there != digest) {
            let there = format!("{} is there already and different; --force replaces it", path.display());
            return Err(not(Status::Refused, there));
        }
        let part = Part::write(&path, &bytes).map_err(|error| failed(cannot_write(&path, &error)))?;
        drop(bytes);
        let on_disk = part.read_back().map_err(|error| failed(cannot_write(&path, &error)))?;
        if Digest::of(&on_disk) != digest {
            return Err(failed(format!(
                "{}: the disk gave back other bytes than were written",
                path.display()
            )));
        }
        let read = read_back(frame, on_disk, press, job, options).map_err(failed)?;
        if let Err(reason) = carries(&read, options) {
            return Err(Box::new(read.measured(*not(Status::Refused, reason))));
        }
        self.seal(job, read.output(job, digest)).map_err(|error| not(Status::Failed, error.to_string()))?;
        part.commit().map_err(|error| not(Status::Failed, cannot_write(&path, &error)))?;
        Ok(done(job, path, &read))
    }

    /// The outcome of a frame that an earlier run has finished.
    fn already(&self, job: &Job, path: PathBuf) -> Outcome {
        let rows = self.lock().registry().frames(job.handover).unwrap_or_default();
        let output = rows.into_iter().find(|row| row.record.i == job.record.i).and_then(|row| row.output);
        Outcome {
            file: job.input.path.clone(),
            out: Some(path),
            status: Status::Stamped,
            reason: None,
            psnr_db: output.map(|output| output.psnr_centi_db as f64 / 100.0),
            predicted_z: output.map(|output| output.z_milli as f64 / 1000.0),
            z_after_jpeg75: None,
            unmarked: job.leaves.iter().flat_map(|leaves| leaves.unmarked.clone()).collect(),
        }
    }
}

pub(super) fn done(job: &Job, path: PathBuf, read: &ReadBack) -> Outcome {
    read.measured(Outcome {
        file: job.input.path.clone(),
        out: Some(path),
        status: Status::Stamped,
        reason: None,
        psnr_db: None,
        predicted_z: None,
        z_after_jpeg75: None,
        unmarked: Vec::new(),
    })
}

/// The statistics of [`PaintSafe`] for one frame.
fn cost(job: &Job, presses: &Presses, options: &Options) -> Option<[f64; 3]> {
    let press = presses.0.get(&(job.mark, job.record.hop))?;
    let (_, host) = open(&job.input, options).ok()?;
    let marked = |paint_safe: bool| {
        let options = Options { paint_safe, ..options.clone() };
        let bytes = mark(&host, &press.first, job, &options).ok()?;
        Frame::decode(bytes, &options.limits).ok().map(Frame::to_be_looked_at)
    };
    let blind = |marked: &Frame| Endurance::of(marked, press.payload, &press.detector, false).z;
    let (whole, safe) = (blind(&marked(false)?), marked(true)?);
    let at_hand = Endurance::with_host(&host, &safe, &press.mark(job)?).z_after_jpeg?;
    Some([whole, blind(&safe), at_hand])
}

/// Frames that are tried before a run that leaves flat colour alone.
const TRIED: usize = 3;

/// The file with a mark in each of its pictures, the same in all of them.
fn mark(
    frame: &Frame,
    embedder: &Embedder,
    job: &Job,
    options: &Options,
) -> Result<Vec<u8>, tiermark_frame::FrameError> {
    mark_at(frame, embedder, content_of(&job.record), job, options)
}

/// The same, bound to this content.
pub(super) fn mark_at(
    frame: &Frame,
    embedder: &Embedder,
    content: ContentId,
    job: &Job,
    options: &Options,
) -> Result<Vec<u8>, tiermark_frame::FrameError> {
    let marked = |host: &Frame| {
        let mut painting = Painting::of(host);
        embedder.embed_rows(&mut painting, &content, job.closed.as_ref());
        let mut painted = painting.painted();
        if options.paint_safe {
            painted.hold_regions(host);
        }
        painted
    };
    let mut painted = vec![marked(frame)];
    for layer in frame.further() {
        painted.push(marked(&layer?));
    }
    frame.encode_painted(painted, &options.write)
}

/// Decode what was written and let the detector look at it.
fn read_back(
    host: &Frame,
    bytes: Vec<u8>,
    press: &Press,
    job: &Job,
    options: &Options,
) -> Result<ReadBack, String> {
    let marked = Frame::decode(bytes, &options.limits)
        .map_err(|error| format!("could not be read back: {error}"))?
        .to_be_looked_at();
    let psnr_db = psnr(host, &marked).ok_or("could not be read back: the copy has another shape")?;
    let blind = Endurance::of(&marked, press.payload, &press.detector, options.dry_run);
    // Whoever leaves flat colour alone reads with the originals, which are recorded, or not at all.
    let with_host = options.paint_safe && !blind.lasting && options.archive != Archiving::Leave;
    let endurance = match press.mark(job) {
        Some(mark) if with_host => Endurance::with_host(host, &marked, &mark),
        _ => blind,
    };
    Ok(ReadBack { psnr_db, pix: Digest::from_bytes(marked.pixel_digest()), endurance })
}

/// Peak signal-to-noise ratio of a copy, dB; `None` if it has another shape than its host.
pub(super) fn psnr(host: &Frame, marked: &Frame) -> Option<f64> {
    let (size, channels) = (host.size(), host.colour_count());
    if (size, channels) != (marked.size(), marked.colour_count()) {
        return None;
    }
    let mut difference = Difference::new(channels);
    let [mut before, mut after] = [(); 2].map(|()| vec![0.0; size.width]);
    for y in 0..size.height {
        for channel in 0..channels {
            host.colour_row(channel, y, &mut before);
            marked.colour_row(channel, y, &mut after);
            difference.add(channel, &before, &after);
        }
    }
    Some(difference.psnr())
}

/// Whether a copy may leave.
pub(super) fn carries(read: &ReadBack, options: &Options) -> Result<(), String> {
    let Endurance { z, readable, lasting, .. } = read.endurance;
    if lasting || (readable && options.allow_weak) {
        return Ok(());
    }
    Err(if readable {
        format!(
            "cannot carry the mark for long: predicted strength z {z:.1} as it is, lost after JPEG 75; \
             --allow-weak lets it leave all the same"
        )
    } else {
        format!(
            "cannot carry the mark: predicted strength z {z:.1} (too small, blank, or drawn in its alpha alone)"
        )
    })
}

pub(super) fn digest_of(path: &Path) -> Option<Digest> {
    digest_of_file(path).ok().map(|(digest, _)| digest)
}

pub(super) fn cannot_write(path: &Path, error: &std::io::Error) -> String {
    format!("{} could not be written: {}", path.display(), why(path, error))
}

fn centi(v: f64) -> f64 {
    (v.min(999.0) * 100.0).round() / 100.0
}

fn milli(v: f64) -> f64 {
    (v * 1000.0).round() / 1000.0
}
