//! `tiermark archive add`, `status`, `verify`, `rebase`.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use indicatif::ProgressBar;
use serde_json::json;
use tiermark::Archive;
use tiermark::archive::{self, AddedStatus, ArchiveError, Checked, Condition, FOLDER};
use tiermark::inputs::{Inputs, Links};

use crate::args::{ArchiveVerb, Common};
use crate::party::now;
use crate::report::{self, Answer, Trouble};
use crate::{ask, in_pool, progress, trace};

/// Do what the verb says.
pub(crate) fn run(common: &Common, verb: &ArchiveVerb) -> Result<Answer, Trouble> {
    match verb {
        ArchiveVerb::Add { inputs, which, archive, max_megapixels } => {
            let inputs = which.find(common, inputs, Links::Follow)?;
            add(common, inputs, archive.as_deref(), *max_megapixels)
        }
        ArchiveVerb::Status => status(common),
        ArchiveVerb::Verify { max_megapixels } => verify(common, *max_megapixels),
        ArchiveVerb::Rebase { old, new, dry_run } => rebase(common, old, new, *dry_run),
    }
}

fn add(common: &Common, inputs: Inputs, keep: Option<&Path>, megapixels: u64) -> Result<Answer, Trouble> {
    let studio = ask::open_to_look(common)?;
    let (bar, limits) = (Bar::new(common, "reading"), trace::limits(megapixels));
    let lines = in_pool(common.jobs, || archive::add(studio, inputs, keep, &limits, now(), &bar))??;
    bar.end();
    for line in &lines {
        if common.json {
            report::json(line);
        }
        if let Some(reason) = &line.reason {
            let word = if line.status == AddedStatus::Refused { "refused" } else { "failed" };
            report::complain(&format!("{word}: {}: {reason}", report::name_of(Path::new(&line.file))));
        }
    }
    let count = |status: AddedStatus| lines.iter().filter(|line| line.status == status).count();
    let (added, known) = (count(AddedStatus::Added), count(AddedStatus::Known));
    if !common.quiet && !common.json {
        report::say(&format!("{added} originals added, {known} were there already"));
    }
    Ok(match added + known {
        0 => Answer::Nothing,
        n if n == lines.len() => Answer::Done,
        _ => Answer::Partly,
    })
}

/// The archive of the studio, which must have one.
fn open(common: &Common) -> Result<Archive, Trouble> {
    let folder = ask::studio_folder(common)?;
    if !folder.is_dir() {
        // The message of a studio that is not there is the better one.
        ask::open_to_look(common)?;
    }
    Ok(Archive::open(&folder)?.ok_or_else(|| ArchiveError::None(folder.join(FOLDER)))?)
}

fn status(common: &Common) -> Result<Answer, Trouble> {
    let archive = open(common)?;
    let counts = archive.counts();
    let kept: Vec<String> = archive.kept().map(report::name_of).collect();
    if common.json {
        let mut line = serde_json::to_value(&counts)?;
        line["copies_in"] = json!(kept);
        report::json(&line);
        return Ok(Answer::Done);
    }
    let heads = ["originals", "drawings", "bytes", "in place", "missing", "changed", "copies", "damaged"];
    let row = [
        counts.originals as u64,
        counts.drawings as u64,
        counts.bytes,
        counts.here as u64,
        counts.missing as u64,
        counts.changed as u64,
        counts.kept as u64,
        counts.damaged,
    ];
    report::print(&report::table(&heads, vec![row.map(|number| number.to_string()).to_vec()]));
    if !common.quiet {
        kept.iter().for_each(|folder| report::say(&format!("copies are kept in {folder}")));
    }
    Ok(Answer::Done)
}

fn verify(common: &Common, megapixels: u64) -> Result<Answer, Trouble> {
    let archive = open(common)?;
    let (bar, limits) = (Bar::new(common, "reading"), trace::limits(megapixels));
    let lines = in_pool(common.jobs, || archive.verify(&limits, &bar))?;
    bar.end();
    for line in &lines {
        if common.json {
            report::json(line);
        }
        if let Some(reason) = &line.reason {
            report::complain(reason);
        }
    }
    let count = |condition: Condition| lines.iter().filter(|line| line.condition == condition).count();
    if !common.quiet && !common.json {
        let all =
            [Condition::Right, Condition::Missing, Condition::Changed, Condition::Unreadable].map(count);
        let row = all.map(|number| number.to_string()).to_vec();
        report::print(&report::table(&["as recorded", "missing", "changed", "unreadable"], vec![row]));
    }
    Ok(answer(&lines))
}

/// What could not be read says nothing about what it is: that comes before "no".
fn answer(lines: &[Checked]) -> Answer {
    let any = |condition: Condition| lines.iter().any(|line| line.condition == condition);
    match (any(Condition::Unreadable), any(Condition::Missing) || any(Condition::Changed)) {
        (true, _) => Answer::Partly,
        (false, true) => Answer::No,
        (false, false) => Answer::Done,
    }
}

fn rebase(common: &Common, old: &Path, new: &Path, dry_run: bool) -> Result<Answer, Trouble> {
    let folder = ask::studio_folder(common)?;
    let rebased = archive::rebase(&folder, old, new, dry_run)?;
    if common.json {
        report::json(&json!({"originals": rebased.originals, "there": rebased.there, "dry_run": dry_run}));
    }
    if rebased.originals == 0 {
        report::complain(&format!(
            "{}: no original is recorded below it; `tiermark archive verify` tells where they are recorded",
            report::name_of(old)
        ));
        return Ok(Answer::No);
    }
    if !common.quiet && !common.json {
        let word = if dry_run { "would be" } else { "are" };
        report::say(&format!(
            "{} originals {word} recorded below {}; {} of them lie there",
            rebased.originals,
            report::name_of(new),
            rebased.there
        ));
    }
    Ok(Answer::Done)
}

/// The progress of reading.
struct Bar<'a> {
    common: &'a Common,
    name: &'static str,
    bar: Mutex<Option<ProgressBar>>,
}

impl<'a> Bar<'a> {
    fn new(common: &'a Common, name: &'static str) -> Self {
        Self { common, name, bar: Mutex::new(None) }
    }

    fn end(&self) {
        let bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner).take();
        bar.iter().for_each(ProgressBar::finish_and_clear);
    }
}

impl archive::Watch for Bar<'_> {
    fn begin(&self, total: usize) {
        let bar = progress::bar(self.common, self.name, total as u64);
        *self.bar.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar);
    }

    fn step(&self) {
        self.bar.lock().unwrap_or_else(PoisonError::into_inner).iter().for_each(|bar| bar.inc(1));
    }
}
