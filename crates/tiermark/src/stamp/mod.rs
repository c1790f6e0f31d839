//! The first journey: frames in, marked frames out, a line in the ledger for each.
//!
//! ```text
//! scan    read, hash and decode every input; what cannot be marked is refused here
//! plan    frames that this vendor was given before keep their hand-over; for the others one is signed
//! press   mark, write under a hidden name, read back, seal the ledger line, give the file its name
//! ```
//!
//! The order of the last two is the promise: a line without a frame is harmless, a frame without a line would be a leak
//! without a name. Everything is deterministic, so a run that was killed is simply run again.

mod press;
mod scan;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rayon::iter::{ParallelBridge, ParallelIterator};
use serde::Serialize;
use tiermark_frame::{Limits, WriteOptions};
use tiermark_ledger::document::{FrameRecord, Source};
use tiermark_ledger::store::{FrameState, Output, StoreError, VendorRow};
use tiermark_ledger::{Digest, DocId, MarkId, Secrets, Studio, StudioError};
use tiermark_mark::Strength;
use time::OffsetDateTime;

use crate::inputs::{Input, Inputs};
use crate::ordered::Ordered;
use crate::secrets::Keys;
use press::Presses;
use scan::Scanned;

/// What became of one input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// A marked copy is in its place; in a dry run: could be.
    Stamped,
    /// It cannot carry the mark, or not without harm: it must not leave.
    Refused,
    /// Something went wrong with it.
    Failed,
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// The input as it was named.
    #[serde(serialize_with = "text")]
    pub file: PathBuf,
    /// Its marked copy.
    #[serde(serialize_with = "optional_text")]
    pub out: Option<PathBuf>,
    /// What became of it.
    pub status: Status,
    /// Why, where it was not stamped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Peak signal-to-noise ratio of the mark, dB.
    pub psnr_db: Option<f64>,
    /// The detection statistic that the copy gives as it is.
    pub predicted_z: Option<f64>,
    /// The same after JPEG 75; always tried in a dry run, else only where the first is not strong.
    pub z_after_jpeg75: Option<f64>,
}

impl Outcome {
    fn not(status: Status, file: PathBuf, reason: impl Into<String>) -> Box<Self> {
        Box::new(Self {
            file,
            out: None,
            status,
            reason: Some(reason.into()),
            psnr_db: None,
            predicted_z: None,
            z_after_jpeg75: None,
        })
    }
}

/// What a person asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where marked copies go; structure and names below it are those of the inputs.
    pub out: PathBuf,
    /// Replace outputs that are there and different.
    pub force: bool,
    /// Sign and write nothing; say what would happen.
    pub dry_run: bool,
    /// Let copies leave whose mark is lost at its first JPEG, as long as it can be read now.
    pub allow_weak: bool,
    /// How strong the marks are.
    pub strength: Strength,
    /// What may change besides the pixels' values.
    pub write: WriteOptions,
    /// Bounds for what is read.
    pub limits: Limits,
}

/// Told of the work as it goes on.
pub trait Watch: Sync {
    /// `total` files will be read and hashed.
    fn scanning(&self, total: usize) {
        let _ = total;
    }
    /// One more was.
    fn scanned(&self) {}
    /// `total` frames will be marked.
    fn pressing(&self, total: usize) {
        let _ = total;
    }
    /// One outcome, in the order of the inputs.
    fn outcome(&self, outcome: &Outcome) {
        let _ = outcome;
    }
    /// One frame was dealt with, in any order.
    fn pressed(&self) {}
}

/// Why nothing could be stamped at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StampError {
    /// Inputs and outputs would mix.
    #[error("{}: {why}; choose another --out folder", .out.display())]
    BadOut {
        /// The output folder.
        out: PathBuf,
        /// How they would mix.
        why: String,
    },
    /// The studio could not sign.
    #[error(transparent)]
    Studio(#[from] StudioError),
    /// The registry could not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Stamps frames for vendors of one studio.
pub struct Stamper {
    studio: Mutex<Studio>,
    secrets: Secrets,
    keys: Keys,
}

/// One frame to be pressed.
struct Job {
    index: usize,
    input: Input,
    record: FrameRecord,
    handover: DocId,
    mark: MarkId,
    /// What left before, if it did.
    sealed: Option<Digest>,
}

impl Stamper {
    /// A stamper for an open studio.
    pub fn new(studio: Studio, secrets: Secrets) -> Self {
        let keys = Keys::of(&studio, &secrets);
        Self { studio: Mutex::new(studio), secrets, keys }
    }

    /// Stamp `inputs` for `vendor`; outcomes come in the order of the inputs, unreadable ones first.
    ///
    /// Runs on the threads of the pool it is called in, one frame to a thread.
    ///
    /// # Errors
    /// When nothing can be done at all. What happens to single files is in their outcomes.
    pub fn stamp(
        &self,
        vendor: &VendorRow,
        inputs: Inputs,
        options: &Options,
        now: OffsetDateTime,
        watch: &dyn Watch,
    ) -> Result<Vec<Outcome>, StampError> {
        let inputs = inputs.without_twins();
        apart(&options.out, &inputs)?;
        let unreadable =
            inputs.unreadable.into_iter().map(|u| *Outcome::not(Status::Failed, u.path, u.reason));
        let mut outcomes: Vec<Option<Outcome>> = unreadable.map(Some).collect();
        let first = outcomes.len();
        outcomes.resize(first + inputs.files.len(), None);
        let mut frames = Vec::new();
        for (index, result) in scan::all(inputs.files, options, watch).into_iter().enumerate() {
            match result {
                Ok(scanned) => frames.push((first + index, scanned)),
                Err(outcome) => outcomes[first + index] = Some(*outcome),
            }
        }
        let jobs = self.plan(vendor, frames, options, now)?;
        let settled = self.press(jobs, &outcomes, options, watch)?;
        settled.into_iter().for_each(|(index, outcome)| outcomes[index] = Some(outcome));
        Ok(outcomes.into_iter().flatten().collect())
    }

    /// Find or sign the hand-over of each frame.
    fn plan(
        &self,
        vendor: &VendorRow,
        frames: Vec<(usize, Scanned)>,
        options: &Options,
        now: OffsetDateTime,
    ) -> Result<Vec<Job>, StampError> {
        let studio = self.lock();
        let (mut jobs, mut fresh) = (Vec::with_capacity(frames.len()), Vec::new());
        for (index, frame) in frames {
            match studio.registry().find_source(vendor.party(), &frame.source.name, frame.source.sha256)? {
                Some((row, known)) => jobs.push(Job {
                    index,
                    input: frame.input,
                    record: known.record,
                    handover: row.id,
                    mark: row.mark,
                    sealed: known
                        .output
                        .filter(|_| known.state == FrameState::Sealed)
                        .map(|output| output.sha256),
                }),
                None => fresh.push((index, frame)),
            }
        }
        if !fresh.is_empty() {
            jobs.extend(self.signed(&studio, vendor, fresh, options, now)?);
            jobs.sort_by_key(|job| job.index);
        }
        Ok(jobs)
    }

    /// Sign one hand-over of all fresh frames; in a dry run only imagine it.
    fn signed(
        &self,
        studio: &Studio,
        vendor: &VendorRow,
        fresh: Vec<(usize, Scanned)>,
        options: &Options,
        now: OffsetDateTime,
    ) -> Result<Vec<Job>, StampError> {
        let sources: Vec<Source> = fresh.iter().map(|(_, frame)| frame.source.clone()).collect();
        let (id, mark, records) = if options.dry_run {
            let id = DocId::from_bytes([0; 32]);
            let record = |(i, source): (usize, &Source)| FrameRecord::new(i as u32, source);
            (id, id.mark_id(), sources.iter().enumerate().map(record).collect::<Vec<_>>())
        } else {
            let issued = studio.hand_over(&self.secrets, vendor, &sources, now)?;
            (issued.row.id, issued.row.mark, issued.frames.records().to_vec())
        };
        // The ledger numbers the frames in the order in which they are given.
        let job = |((index, frame), record): ((usize, Scanned), FrameRecord)| Job {
            index,
            input: frame.input,
            record,
            handover: id,
            mark,
            sealed: None,
        };
        Ok(fresh.into_iter().zip(records).map(job).collect())
    }

    /// Press all jobs; outcomes are passed on in the order of the inputs, those already settled among them.
    fn press(
        &self,
        jobs: Vec<Job>,
        settled: &[Option<Outcome>],
        options: &Options,
        watch: &dyn Watch,
    ) -> Result<Vec<(usize, Outcome)>, StampError> {
        watch.pressing(jobs.len());
        let presses =
            Presses::new(&self.keys, options.strength, jobs.iter().map(|job| (job.mark, job.record.hop)));
        let handovers: BTreeSet<DocId> = jobs.iter().map(|job| job.handover).collect();
        let each = |outcome: Outcome| watch.outcome(&outcome);
        let ordered = Ordered::new(&each);
        for (index, outcome) in settled.iter().enumerate() {
            outcome.iter().for_each(|outcome| ordered.put(index, outcome.clone()));
        }
        // In order: a bridge hands the jobs out one by one, where splitting would start in the middle.
        let results: Mutex<Vec<(usize, Outcome)>> = Mutex::new(Vec::with_capacity(jobs.len()));
        jobs.into_iter().par_bridge().for_each(|job| {
            let outcome = self.press_one(&job, &presses, options);
            watch.pressed();
            ordered.put(job.index, outcome.clone());
            results.lock().unwrap_or_else(PoisonError::into_inner).push((job.index, outcome));
        });
        if !options.dry_run {
            let studio = self.lock();
            for handover in handovers {
                studio.registry().close_handover(handover)?;
            }
        }
        Ok(results.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Record that a marked file is on the disk; only then may it have its name.
    fn seal(&self, job: &Job, output: Output) -> Result<(), StoreError> {
        self.lock().registry().seal_frames(job.handover, &[output])
    }

    fn refuse(&self, job: &Job) -> Result<(), StoreError> {
        self.lock().registry().refuse_frame(job.handover, job.record.i)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Studio> {
        self.studio.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Refuse an output folder that is or lies in an input folder (the next run would stamp its own outputs), and an
/// output that would be its own input.
fn apart(out: &Path, inputs: &Inputs) -> Result<(), StampError> {
    let Some(real_out) = real(out) else { return Ok(()) };
    let mixed = |why: &str| Err(StampError::BadOut { out: out.to_path_buf(), why: why.to_owned() });
    let roots: BTreeSet<&PathBuf> = inputs.files.iter().filter_map(|file| file.root.as_ref()).collect();
    for root in roots.into_iter().filter_map(|root| real(root)) {
        if real_out == root {
            return mixed("is the folder that the inputs lie in");
        }
        if real_out.starts_with(&root) {
            return mixed("lies inside the folder of the inputs");
        }
    }
    let onto_itself = |file: &&Input| real(&file.path).is_some_and(|path| path == real_out.join(&file.below));
    match inputs.files.iter().find(onto_itself) {
        Some(_) => mixed("is the folder that an input lies in"),
        None => Ok(()),
    }
}

/// The real path of a folder, of which the end may not exist yet.
fn real(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    let existing = path.ancestors().find(|ancestor| ancestor.exists())?;
    let rest = path.strip_prefix(existing).ok()?;
    Some(existing.canonicalize().ok()?.join(rest))
}

fn text<S: serde::Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

fn optional_text<S: serde::Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    match path {
        Some(path) => serializer.serialize_some(&path.to_string_lossy()),
        None => serializer.serialize_none(),
    }
}
