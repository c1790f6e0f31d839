//! `tiermark stamp`.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use indicatif::ProgressBar;
use tiermark::inputs::Links;
use tiermark::stamp::{Archiving, Options, Outcome, PaintSafe, Status, To, Unmarked, Watch};
use tiermark::{Stamper, WriteOptions};
use time::OffsetDateTime;

use crate::args::{Common, StampArguments};
use crate::report::{self, Answer, Trouble};
use crate::{ask, in_pool, progress, trace, vendor};

/// Stamp the inputs.
pub(crate) fn run(common: &Common, arguments: &StampArguments) -> Result<Answer, Trouble> {
    let studio = ask::open(common)?;
    let to = To {
        recipient: arguments.to.clone(),
        project_of: arguments.project_of.clone(),
        episode: arguments.episode.clone(),
        kind: arguments.kind.clone(),
    };
    if let Some(name) = &to.recipient
        && studio.party_named(name).is_err()
    {
        vendor::find(&studio, name)?;
    }
    let secrets = ask::unlock(common, &studio)?;
    let options = Options {
        out: arguments.out.clone(),
        force: arguments.force,
        dry_run: arguments.dry_run,
        allow_weak: arguments.allow_weak,
        strength: crate::strength(&arguments.strength),
        paint_safe: arguments.paint_safe,
        mhl: arguments.mhl,
        archive: match arguments.no_archive {
            true => Archiving::Leave,
            false => Archiving::Record { keep: arguments.archive.clone() },
        },
        rasterise: arguments.rasterise,
        write: WriteOptions { allow_depth_change: arguments.allow_depth_change },
        limits: trace::with_clips(trace::limits(arguments.max_megapixels), &arguments.clips),
        codec: arguments.codec.clone(),
    };
    let inputs = arguments.which.find(common, &arguments.inputs, Links::Follow)?;
    let watcher = Watcher { common, dry_run: arguments.dry_run, bar: Mutex::new(None) };
    let stamper = Stamper::new(studio, secrets)?;
    let now = OffsetDateTime::now_utc();
    let outcomes = in_pool(common.jobs, || stamper.stamp(&to, inputs, &options, now, &watcher))??;
    watcher.replace(None);
    if !common.quiet {
        report::say(&summary(&outcomes, arguments.dry_run));
    }
    Ok(answer(&outcomes))
}

/// A refusal is an answer; where nothing but failures came out, nothing could be done.
fn answer(outcomes: &[Outcome]) -> Answer {
    let count = |status: Status| outcomes.iter().filter(|outcome| outcome.status == status).count();
    match (count(Status::Stamped), count(Status::Refused)) {
        (0, 0) => Answer::Nothing,
        (stamped, _) if stamped < outcomes.len() => Answer::Partly,
        _ => Answer::Done,
    }
}

/// Shows the work and passes outcomes on.
struct Watcher<'a> {
    common: &'a Common,
    dry_run: bool,
    bar: Mutex<Option<ProgressBar>>,
}

impl Watcher<'_> {
    fn replace(&self, bar: Option<ProgressBar>) {
        let old = std::mem::replace(&mut *self.bar.lock().unwrap_or_else(PoisonError::into_inner), bar);
        old.iter().for_each(ProgressBar::finish_and_clear);
    }

    fn with_bar(&self, each: impl Fn(&ProgressBar)) {
        self.bar.lock().unwrap_or_else(PoisonError::into_inner).iter().for_each(each);
    }
}

impl Watch for Watcher<'_> {
    fn scanning(&self, total: usize) {
        self.replace(Some(progress::bar(self.common, "reading", total as u64)));
    }

    fn scanned(&self) {
        self.with_bar(|bar| bar.inc(1));
    }

    fn pressing(&self, total: usize) {
        let name = if self.dry_run { "trying" } else { "stamping" };
        self.replace(Some(progress::bar(self.common, name, total as u64)));
    }

    fn pressed(&self) {
        self.with_bar(|bar| bar.inc(1));
    }

    fn beside(&self, file: &Path) {
        if !self.common.quiet {
            let line = format!("written beside the copies: {}", report::name_of(file));
            self.with_bar(|bar| bar.suspend(|| report::say(&line)));
        }
    }

    fn paint_safe(&self, cost: &PaintSafe) {
        let PaintSafe { frames, whole, blind, at_hand } = cost;
        let line = format!(
            "paint-safe: flat colour stays as it is. Tried on {frames} of the frames (medians): read blindly, z {blind:.1} instead of \
             {whole:.1}; with the original at hand, after JPEG 75, z {at_hand:.1}. Keep the originals."
        );
        if !self.common.quiet {
            report::complain(&line);
        }
    }

    fn outcome(&self, outcome: &Outcome) {
        if self.common.json {
            self.with_bar(|bar| bar.suspend(|| report::json(outcome)));
        }
        if outcome.status == Status::Stamped
            && let Some(told) = Unmarked::told(&outcome.unmarked)
        {
            let line = format!("unmarked: {}: {told}", report::name_of(&outcome.file));
            self.with_bar(|bar| bar.suspend(|| report::complain(&line)));
        }
        if let Some(reason) = &outcome.reason {
            let word = if outcome.status == Status::Refused { "refused" } else { "failed" };
            let line = format!("{word}: {}: {reason}", report::name_of(&outcome.file));
            self.with_bar(|bar| bar.suspend(|| report::complain(&line)));
        }
    }
}

fn lowest(values: impl Iterator<Item = f64>) -> String {
    values.min_by(f64::total_cmp).map_or_else(|| "-".to_owned(), |z| format!("{z:.1}"))
}

/// Stamped, refused, failed, median PSNR, lowest predicted z.
fn summary(outcomes: &[Outcome], dry_run: bool) -> String {
    let count =
        |status: Status| outcomes.iter().filter(|outcome| outcome.status == status).count().to_string();
    let stamped = || outcomes.iter().filter(|outcome| outcome.status == Status::Stamped);
    let mut psnr: Vec<f64> = stamped().filter_map(|outcome| outcome.psnr_db).collect();
    psnr.sort_by(f64::total_cmp);
    let median = psnr.get(psnr.len() / 2).map_or_else(|| "-".to_owned(), |db| format!("{db:.1} dB"));
    let least = lowest(stamped().filter_map(|outcome| outcome.predicted_z));
    let first = if dry_run { "could be stamped" } else { "stamped" };
    let mut heads = vec![first, "refused", "failed", "median PSNR", "lowest predicted z"];
    let mut row = vec![count(Status::Stamped), count(Status::Refused), count(Status::Failed), median, least];
    if dry_run {
        heads.push("lowest after JPEG 75");
        row.push(lowest(outcomes.iter().filter_map(|outcome| outcome.z_after_jpeg75)));
    }
    report::table(&heads, vec![row])
}
