//! From a case to a bundle: its files traced, the exhibit signed, the page drawn.
//!
//! The files of a case were hashed when they came; here they are read again, and one that has changed since is not looked at.

mod page;
mod picture;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use tiermark_ledger::bundle::{self, BundleError, Contents};
use tiermark_ledger::custody::{Custody, CustodyError, Event};
use tiermark_ledger::document::{self, FoundFile, Propositions, Read, Tool};
use tiermark_ledger::{Digest, DocId, Kid, MarkId, Moment, Secrets, Studio, StudioError, VerifiedHandover};
use time::OffsetDateTime;

use crate::inputs::{Input, Inputs, Links, why};
use crate::sink::digest_of_file;
use crate::trace::Tracer;
use crate::verdict::{Finding, Mark};

/// What a person asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// A folder that does not exist yet.
    pub out: PathBuf,
    /// Show the found pictures in the report.
    pub pictures: bool,
    /// Originals to be shown beside them, found by name.
    pub originals: Option<PathBuf>,
    /// How to trace; decoys are asked for here.
    pub trace: crate::trace::Options,
}

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The case.
    #[error(transparent)]
    Custody(#[from] CustodyError),
    /// The case holds no files.
    #[error("the case holds no files yet; add them with `tiermark case add`")]
    Empty,
    /// The studio.
    #[error(transparent)]
    Studio(#[from] StudioError),
    /// The bundle.
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

/// The folder of cases in a studio.
pub const CASES: &str = "cases";

/// What the report says that its figures cannot.
pub const LIMITS: [&str; 5] = [
    "A mark says whose copy a file derives from. It does not say who passed it on.",
    "Whoever holds the producer's secrets and the original picture could make a file that reads like this. What speaks \
     against that is the recipient's own receipt, the log that others cosigned, and who acquired the files.",
    "log10 p bounds the probability that a file without this mark reads like this, every key, word, place, map and search \
     counted. It is not the probability that somebody is guilty or innocent.",
    "\"No mark\" never means that no mark was ever there, and no lower mark never means that there was no lower tier.",
    "Times in documents are their signers' claims. What others cosigned or time-stamped was there by then.",
];

/// Adds files to a case: each is hashed before anything else opens it.
///
/// # Errors
/// When the case is sealed or missing. Files that cannot be read come back with the reason.
pub fn add(
    studio: &Studio,
    case: &str,
    inputs: Inputs,
    (by, how): (&str, &str),
    now: OffsetDateTime,
) -> Result<(usize, Vec<(PathBuf, String)>), ReportError> {
    let mut custody = Custody::open(&studio.folder().join(CASES), case)?;
    let at = Moment::at(now).map_err(StudioError::from)?;
    let mut failed: Vec<(PathBuf, String)> =
        inputs.unreadable.into_iter().map(|one| (one.path, one.reason)).collect();
    let mut added = 0;
    for input in inputs.files {
        match digest_of_file(&input.path) {
            Ok((sha256, size)) => {
                let path = std::path::absolute(&input.path).unwrap_or_else(|_| input.path.clone());
                let (by, how) = (by.to_owned(), how.to_owned());
                let (name, path) = (input.name.clone(), path.to_string_lossy().into_owned());
                custody.add(Event::Add { name, path, sha256, size, by, how }, at)?;
                added += 1;
            }
            Err(error) => failed.push((input.path.clone(), why(&input.path, &error))),
        }
    }
    Ok((added, failed))
}

/// One examined file: what custody says of it, and what was found in it.
pub(super) struct Examined {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) sha256: Digest,
    pub(super) size: u64,
    pub(super) finding: Finding,
}

/// Traces all files of a case, on the threads of the pool this is called in, and writes the bundle; `each` hears of every file.
///
/// # Errors
/// When the case is missing or empty, or the bundle cannot be written.
pub fn report(
    studio: &Studio,
    secrets: &Secrets,
    case: &str,
    options: &Options,
    now: OffsetDateTime,
    each: &(dyn Fn() + Sync),
) -> Result<(DocId, Vec<Finding>), ReportError> {
    let custody = Custody::open(&studio.folder().join(CASES), case)?;
    let made_at = Moment::at(now).map_err(StudioError::from)?;
    // The state of the log is signed now: what is proved stands under it.
    studio.checkpoint(secrets, now)?;
    let second = Studio::open_read_only(studio.folder())?;
    let tracer = Tracer::new(second, secrets, options.trace.clone())?;
    let examined: Vec<Examined> = custody
        .lines()
        .par_iter()
        .filter_map(|line| {
            let examined = examine(&tracer, &line.event)?;
            each();
            Some(examined)
        })
        .collect();
    if examined.is_empty() {
        return Err(ReportError::Empty);
    }
    let roots: BTreeSet<Kid> = studio.grounds(secrets)?.iter().map(|ground| ground.root).collect();
    let chain = handovers(studio, &roots, &examined);
    let shown: Vec<(&VerifiedHandover, Vec<u32>)> =
        chain.iter().map(|handover| (handover, shown_frames(handover, &examined))).collect();
    let finding = document::Finding {
        examiner: studio.root(),
        case: case.to_owned(),
        custody: Digest::of(custody.text()),
        found: examined.iter().map(found_file).collect(),
        chain: chain.iter().map(|handover| handover.id).collect(),
        propositions: propositions(),
        limits: LIMITS.map(str::to_owned).to_vec(),
        files: Vec::new(),
        tool: Tool::this(),
        made_at,
    };
    let findings: Vec<Finding> = examined.iter().map(|examined| examined.finding.clone()).collect();
    let mut files = BTreeMap::new();
    let json = serde_json::to_vec_pretty(&findings).unwrap_or_default();
    files.insert("report.json".to_owned(), json);
    files.insert("report.html".to_owned(), page::page(&finding, &examined, options).into_bytes());
    let sums = examined.iter().map(|one| format!("{}  {}\n", one.sha256, one.name));
    files.insert("found.sha256".to_owned(), sums.collect::<String>().into_bytes());
    add_time_stamps(studio, &mut files);
    let contents = Contents { handovers: shown, custody: custody.text(), files, finding };
    let id = bundle::write(studio, &secrets.sign, &options.out, contents)?;
    Ok((id, findings))
}

fn examine(tracer: &Tracer, event: &Event) -> Option<Examined> {
    let Event::Add { name, path, sha256, size, .. } = event else { return None };
    let path = PathBuf::from(path);
    let inputs = Inputs::find(std::slice::from_ref(&path), Links::Report);
    let mut finding = match inputs.files.first() {
        Some(input) => tracer.trace(&Input { name: name.clone(), ..input.clone() }),
        None => {
            let reason = inputs.unreadable.first().map_or("is not there any more", |one| &one.reason);
            Finding::unreadable(path.clone(), None, reason.to_owned())
        }
    };
    if finding.sha256.as_deref().is_some_and(|now| now != sha256.to_string()) {
        let reason = "has changed since it was hashed into the case; it was not looked at".to_owned();
        finding = Finding::unreadable(path.clone(), finding.sha256, reason);
    }
    finding.file = PathBuf::from(name);
    Some(Examined { name: name.clone(), path, sha256: *sha256, size: *size, finding })
}

/// Every hand-over of every chain, nearest the producer first.
fn handovers(studio: &Studio, roots: &BTreeSet<Kid>, examined: &[Examined]) -> Vec<VerifiedHandover> {
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    let steps = examined.iter().flat_map(|one| one.finding.chains.iter().flatten());
    for step in steps {
        let Ok(mark) = step.handover.parse::<MarkId>() else { continue };
        if seen.insert(mark)
            && let Some(handover) = roots.iter().find_map(|&root| studio.verify_from(mark, root).ok())
        {
            all.push(handover);
        }
    }
    all.sort_by_key(|handover| (handover.document.depth, handover.document.issued_at, handover.id));
    all
}

/// The frames of a hand-over that are shown: the only one there is, or those that bear a found file's name.
fn shown_frames(handover: &VerifiedHandover, examined: &[Examined]) -> Vec<u32> {
    let records = handover.frames.records();
    if let [only] = records {
        return vec![only.i];
    }
    let stem = |name: &str| Path::new(name).file_stem().map(|stem| stem.to_string_lossy().to_lowercase());
    let named: BTreeSet<_> = examined.iter().map(|one| stem(&one.name)).collect();
    records.iter().filter(|record| named.contains(&stem(&record.name))).map(|record| record.i).collect()
}

fn found_file(one: &Examined) -> FoundFile {
    FoundFile {
        name: one.name.clone(),
        sha256: one.sha256,
        size: one.size,
        verdict: one.finding.verdict.word().to_owned(),
        reads: one.finding.marks.iter().filter_map(read).collect(),
    }
}

fn read(mark: &Mark) -> Option<Read> {
    let milli = |v: f64| (v * 1000.0).round() as i64;
    Some(Read {
        depth: mark.tier,
        mark: mark.handover.parse().ok()?,
        handover: mark.document,
        z_milli: milli(mark.z),
        log10p_milli: milli(mark.log10_false_alarm),
        trials: document::Trials {
            keys: mark.trials.keys as u64,
            words: mark.trials.words.unwrap_or(0) as u64,
            log10_milli: milli(mark.trials.log10),
        },
        decoys: mark.decoys.map(|decoys| document::Decoys {
            tried: decoys.tried as u32,
            rank: decoys.rank as u32,
            strongest_milli: milli(decoys.strongest_decoy),
        }),
        grade: mark.grade.to_string(),
    })
}

fn propositions() -> Propositions {
    Propositions {
        h1: "The file derives from the copies of this hand-over.".to_owned(),
        h2: "The file derives from no copy that this producer's parties marked.".to_owned(),
        not_addressed:
            "Who passed the file on, and whether somebody who holds the producer's secrets made it."
                .to_owned(),
    }
}

/// The tokens that time-stamp authorities gave for states of the log.
fn add_time_stamps(studio: &Studio, files: &mut BTreeMap<String, Vec<u8>>) {
    let Ok(origin) = studio.registry().log_origin(studio.root()) else { return };
    let log = origin.trim_start_matches("tiermark/log/").replace('/', "-");
    let sizes = studio.registry().note_sizes(&origin).unwrap_or_default();
    for size in sizes {
        let token = studio.folder().join(crate::anchor::FOLDER).join(format!("{size}.tsr"));
        if let (Ok(bytes), Ok(Some(note))) = (std::fs::read(token), studio.registry().note(&origin, size)) {
            files.insert(format!("log/{log}-{size}.tsr"), bytes);
            files.insert(format!("log/{log}-{size}.checkpoint"), note.to_text().into_bytes());
        }
    }
}
