//! The first journey: frames in, marked frames out, a line in the ledger for each.
//!
//! ```text
//! scan    read, hash and decode every input; what cannot be marked is refused here
//! route   in which project each belongs: our own, or the one whose frames we were handed; who is its recipient there
//! plan    frames that this recipient was given before keep their hand-over; for the others one is signed
//! archive record the originals, so that none leaves that could not be found again
//! press   mark, write under a hidden name, read back, seal the ledger line, give the file its name
//! deliver sign what left and the state of the log, and pack what a recipient with keys checks and answers
//! ```
//!
//! The order of the last two is the promise: a line without a frame is harmless, a frame without a line would be a leak
//! without a name. Everything is deterministic, so a run that was killed is simply run again.

mod clip;
mod history;
mod order;
mod press;
mod route;
mod scan;
mod sheet;
mod unmarked;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rayon::iter::{ParallelBridge, ParallelIterator};
use tiermark_ledger::document::{FrameRecord, Source};
use tiermark_ledger::keys::tree::{ClosedSecret, Direction};
use tiermark_ledger::store::{FrameState, Output, StoreError};
use tiermark_ledger::studio::{Ground, Order};
use tiermark_ledger::{Digest, DocId, MarkId, Secrets, Studio};
use tiermark_mark::MarkKey;
use tiermark_signal::Size;
use time::OffsetDateTime;

use crate::archive::{Archive, ArchiveError, Fresh, Sight, Sights, append};
use crate::inputs::{Input, Inputs, why};
use crate::ordered::Ordered;
use crate::secrets::{closed_key, content_digest};
use crate::sink::Part;
use clip::Reel;
pub use order::{Archiving, Options, Outcome, PaintSafe, StampError, Status, To, Watch};
use press::Presses;
use route::{Routed, Routes};
use scan::Scanned;
use sheet::Leaves;
pub use unmarked::Unmarked;

/// Stamps frames of one studio.
pub struct Stamper {
    studio: Mutex<Studio>,
    secrets: Secrets,
    grounds: Vec<Ground>,
}

/// One frame to be pressed.
struct Job {
    index: usize,
    input: Input,
    record: FrameRecord,
    handover: DocId,
    mark: MarkId,
    /// The project that it belongs to.
    ground: usize,
    /// What left before, if it did.
    sealed: Option<Digest>,
    /// The key of the recipient's pattern in the closed set; none in hand-overs from before there was one.
    closed: Option<MarkKey>,
    /// What the original looks like, where it is to be recorded.
    sight: Option<Sight>,
    /// Its shots, where it is a clip.
    reel: Option<Reel>,
    /// Its pictures, where it is a document.
    leaves: Option<Leaves>,
}

impl Stamper {
    /// A stamper for an open studio.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn new(studio: Studio, secrets: Secrets) -> Result<Self, StampError> {
        let grounds = studio.grounds(&secrets)?;
        Ok(Self { studio: Mutex::new(studio), secrets, grounds })
    }

    /// Stamp `inputs`; outcomes come in the order of the inputs, unreadable ones first.
    ///
    /// Runs on the threads of the pool it is called in, one frame to a thread.
    ///
    /// # Errors
    /// When nothing can be done at all. What happens to single files is in their outcomes.
    pub fn stamp(
        &self,
        to: &To,
        inputs: Inputs,
        options: &Options,
        now: OffsetDateTime,
        watch: &dyn Watch,
    ) -> Result<Vec<Outcome>, StampError> {
        let routes = self.routes(to, now)?;
        let inputs = inputs.without_papers().without_twins();
        apart(&options.out, &inputs)?;
        let unreadable =
            inputs.unreadable.into_iter().map(|u| *Outcome::not(Status::Failed, u.path, u.reason));
        let mut outcomes: Vec<Option<Outcome>> = unreadable.map(Some).collect();
        let first = outcomes.len();
        outcomes.resize(first + inputs.files.len(), None);
        let mut frames = Vec::new();
        let sights = self.sights(options)?;
        for (index, result) in
            scan::all(inputs.files, options, sights.as_ref(), watch).into_iter().enumerate()
        {
            match result.and_then(|scanned| self.routed(&routes, to, scanned)) {
                Ok(routed) => frames.push((first + index, routed)),
                Err(outcome) => outcomes[first + index] = Some(*outcome),
            }
        }
        let jobs = self.plan(&routes, to, frames, options, now)?;
        let handovers: BTreeSet<DocId> = jobs.iter().map(|job| job.handover).collect();
        self.record(&jobs, options, now)?;
        let settled = self.press(jobs, to.direction(), &outcomes, options, watch)?;
        settled.into_iter().for_each(|(index, outcome)| outcomes[index] = Some(outcome));
        let outcomes: Vec<Outcome> = outcomes.into_iter().flatten().collect();
        if !options.dry_run {
            self.deliver(&handovers, &outcomes, options, now, watch)?;
        }
        Ok(outcomes)
    }

    /// What looks at originals while they are scanned, where they are to be recorded.
    fn sights(&self, options: &Options) -> Result<Option<Sights>, ArchiveError> {
        if options.dry_run || options.archive == Archiving::Leave {
            return Ok(None);
        }
        let archive = Archive::open(self.lock().folder())?;
        Ok(Some(Sights::new(archive.as_ref())))
    }

    /// Record the originals before a copy of any leaves.
    ///
    /// One that is refused later is recorded as well, and does no harm; one that left unrecorded could not be found again.
    fn record(&self, jobs: &[Job], options: &Options, now: OffsetDateTime) -> Result<(), ArchiveError> {
        let Archiving::Record { keep } = &options.archive else { return Ok(()) };
        let fresh = jobs.iter().filter_map(|job| {
            let size = Size::new(job.record.w as usize, job.record.h as usize)?;
            Some(Fresh {
                path: job.input.path.clone(),
                sha256: job.record.sha256,
                pix: job.record.pix,
                content: content_digest(&job.record),
                size,
                sight: job.sight.clone()?,
            })
        });
        let fresh: Vec<Fresh> = fresh.collect();
        if fresh.is_empty() {
            return Ok(());
        }
        let folder = self.lock().folder().to_path_buf();
        let limit = options.limits.max_file_bytes;
        let all: Vec<&Fresh> = fresh.iter().collect();
        append(&folder, &all, keep.as_deref(), limit, now.unix_timestamp()).map(|_| ())
    }

    /// Find or sign the hand-over of each frame.
    fn plan(
        &self,
        routes: &Routes,
        to: &To,
        frames: Vec<(usize, Routed)>,
        options: &Options,
        now: OffsetDateTime,
    ) -> Result<Vec<Job>, StampError> {
        let studio = self.lock();
        let (mut jobs, mut fresh) = (Vec::with_capacity(frames.len()), BTreeMap::<usize, Vec<_>>::new());
        for (index, Routed { ground, frame }) in frames {
            let party = routes.recipient(ground)?.party;
            let (name, sha256, pix) = (&frame.source.name, frame.source.sha256, frame.source.pix);
            // A document whose pages were drawn is another than the same file with its pictures marked in place.
            let pix = frame.leaves.is_some().then_some(pix);
            match studio.registry().find_source(party, name, sha256, pix)? {
                Some((row, known)) => jobs.push(Job {
                    index,
                    input: frame.input,
                    closed: self.closed_again(&studio, row.mark, ground, &known.record)?,
                    record: known.record,
                    handover: row.id,
                    mark: row.mark,
                    ground,
                    sealed: known
                        .output
                        .filter(|_| known.state == FrameState::Sealed)
                        .map(|output| output.sha256),
                    sight: frame.sight,
                    reel: frame.reel,
                    leaves: frame.leaves,
                }),
                None => fresh.entry(ground).or_default().push((index, frame)),
            }
        }
        for (ground, fresh) in fresh {
            let order = Order {
                ground: &self.grounds[ground],
                recipient: routes.recipient(ground)?,
                direction: to.direction(),
                episode: to.episode.clone(),
                kind: to.kind.clone(),
            };
            jobs.extend(self.signed(&studio, (&order, ground), fresh, options, now)?);
        }
        jobs.sort_by_key(|job| job.index);
        Ok(jobs)
    }

    /// Sign one hand-over of all fresh frames; in a dry run only imagine it.
    fn signed(
        &self,
        studio: &Studio,
        (order, ground): (&Order<'_>, usize),
        fresh: Vec<(usize, Scanned)>,
        options: &Options,
        now: OffsetDateTime,
    ) -> Result<Vec<Job>, StampError> {
        let slot = order.ground.node.slot(order.direction, order.depth());
        let closed = |source: &Source| {
            let content = content_digest(&FrameRecord::new(0, source));
            slot.closed(&order.recipient.closed_name(), content)
        };
        let secrets: Vec<ClosedSecret> = fresh.iter().map(|(_, frame)| closed(&frame.source)).collect();
        let committed = |((_, frame), secret): (&(usize, Scanned), &ClosedSecret)| Source {
            // Clips and sheets get no pattern in the closed set: decisions 0026 and 0027.
            csc: frame.is_one_picture().then(|| secret.short_commitment()),
            ..frame.source.clone()
        };
        let sources: Vec<Source> = fresh.iter().zip(&secrets).map(committed).collect();
        let (id, mark, records) = if options.dry_run {
            studio.may_issue(order, now)?;
            let id = DocId::from_bytes([0; 32]);
            let record = |(i, source): (usize, &Source)| FrameRecord::new(i as u32, source);
            (id, id.mark_id(), sources.iter().enumerate().map(record).collect::<Vec<_>>())
        } else {
            let issued = studio.issue(&self.secrets, order, &sources, now)?;
            (issued.row.id, issued.row.mark, issued.frames.records().to_vec())
        };
        // The ledger numbers the frames in the order in which they are given.
        let job =
            |(((index, frame), record), secret): (((usize, Scanned), FrameRecord), &ClosedSecret)| Job {
                index,
                closed: frame.is_one_picture().then(|| closed_key(secret)),
                input: frame.input,
                record,
                handover: id,
                mark,
                ground,
                sealed: None,
                sight: frame.sight,
                reel: frame.reel,
                leaves: frame.leaves,
            };
        Ok(fresh.into_iter().zip(records).zip(&secrets).map(job).collect())
    }

    /// The key of a pattern that was committed to before: the delegation may have been renewed since.
    fn closed_again(
        &self,
        studio: &Studio,
        mark: MarkId,
        ground: usize,
        record: &FrameRecord,
    ) -> Result<Option<MarkKey>, StampError> {
        let Some(commitment) = record.csc else { return Ok(None) };
        let Some((row, _)) = studio.registry().handover_by_mark(mark)? else { return Ok(None) };
        let Some(name) = studio.closed_name(mark)? else { return Ok(None) };
        let slot = self.grounds[ground].node.slot(row.direction, row.depth);
        let secret = slot.closed(&name, content_digest(record));
        Ok((secret.short_commitment() == commitment).then(|| closed_key(&secret)))
    }

    /// Press all jobs; outcomes are passed on in the order of the inputs, those already settled among them.
    fn press(
        &self,
        jobs: Vec<Job>,
        direction: Direction,
        settled: &[Option<Outcome>],
        options: &Options,
        watch: &dyn Watch,
    ) -> Result<Vec<(usize, Outcome)>, StampError> {
        let presses = Presses::new(&self.grounds, direction, options.strength, &jobs);
        if options.paint_safe
            && let Some(cost) = self.cost_of_paint_safe(&jobs, &presses, options)
        {
            watch.paint_safe(&cost);
        }
        watch.pressing(jobs.len());
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

    /// Sign what left, and put beside the copies what the recipient needs to check them.
    fn deliver(
        &self,
        handovers: &BTreeSet<DocId>,
        outcomes: &[Outcome],
        options: &Options,
        now: OffsetDateTime,
        watch: &dyn Watch,
    ) -> Result<(), StampError> {
        let studio = self.lock();
        let mut packets = Vec::new();
        for &handover in handovers {
            let Some(delivered) = studio.deliver(&self.secrets, handover, now)? else { continue };
            let Some(packet) = delivered.packet else { continue };
            let path = options.out.join(format!("{}{PACKET}", delivered.mark));
            write_beside(&path, &packet.to_json())?;
            packets.push(path);
        }
        if options.mhl {
            packets.push(history::write(&options.out, outcomes, &packets, now)?);
        }
        packets.iter().for_each(|path| watch.beside(path));
        Ok(())
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

/// How the names of packets for recipients end: `<mark>.handover.json`.
pub const PACKET: &str = ".handover.json";

fn write_beside(path: &Path, bytes: &[u8]) -> Result<(), StampError> {
    let written = Part::write(path, bytes).and_then(Part::commit);
    written.map_err(|error| StampError::Beside { path: path.to_owned(), why: why(path, &error) })
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
