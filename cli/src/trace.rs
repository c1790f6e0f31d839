//! `tiermark trace`.

use std::sync::{Mutex, PoisonError};

use tiermark::inputs::Links;
use tiermark::trace::{Effort, Options};
use tiermark::verdict::{Finding, Mark, Verdict};
use tiermark::{Limits, Tracer};

use crate::args::{Common, TraceArguments};
use crate::report::{self, Answer, Trouble};
use crate::{ask, find, in_pool, progress};

/// Trace the found files.
pub(crate) fn run(common: &Common, arguments: &TraceArguments) -> Result<Answer, Trouble> {
    let studio = ask::open_to_look(common)?;
    let secrets = ask::unlock(common, &studio)?;
    let options = Options {
        limits: limits(arguments.max_megapixels),
        effort: if arguments.exhaustive { Effort::Exhaustive } else { Effort::Full },
        decoys: arguments.decoys as usize,
    };
    let tracer = Tracer::new(studio, &secrets, options)?;
    let inputs = find(&arguments.found, Links::Report)?;
    let bar = progress::bar(common, "tracing", (inputs.files.len() + inputs.unreadable.len()) as u64);
    let findings = Mutex::new(Vec::new());
    let each = |finding: &Finding| {
        if common.json {
            bar.suspend(|| report::json(finding));
        }
        bar.inc(u64::from(finding.frames == 1));
        let mut findings = findings.lock().unwrap_or_else(PoisonError::into_inner);
        // For JSON only the verdicts are counted, so that a large folder needs no memory.
        findings.push(if common.json { short(finding) } else { finding.clone() });
    };
    in_pool(common.jobs, || tracer.trace_all(inputs, &each))?;
    bar.finish_and_clear();
    let findings = findings.into_inner().unwrap_or_else(PoisonError::into_inner);
    if !common.json {
        tell(common, &findings);
    }
    Ok(answer(&findings))
}

/// The usual limits, with the bound on pixels that was given.
pub(crate) fn limits(max_megapixels: u64) -> Limits {
    Limits { max_pixels: max_megapixels.saturating_mul(1_000_000), ..Limits::default() }
}

fn short(finding: &Finding) -> Finding {
    Finding { sha256: None, reason: None, marks: Vec::new(), ..finding.clone() }
}

fn answer(findings: &[Finding]) -> Answer {
    let count =
        |wanted: &[Verdict]| findings.iter().filter(|finding| wanted.contains(&finding.verdict)).count();
    let unreadable = count(&[Verdict::Unreadable]);
    match unreadable {
        n if n == findings.len() => Answer::Nothing,
        0 if count(&[Verdict::Attributed, Verdict::Coalition]) > 0 => Answer::Done,
        0 => Answer::No,
        _ => Answer::Partly,
    }
}

fn tell(common: &Common, findings: &[Finding]) {
    report::print(&table(findings));
    if let Some(decoys) = decoys(findings) {
        report::print(&decoys);
    }
    for finding in findings {
        if let Some(reason) = &finding.reason {
            report::complain(&format!("{}: {reason}", report::name_of(&finding.file)));
        }
    }
    if common.quiet {
        return;
    }
    if findings.iter().any(|finding| finding.verdict == Verdict::NoMark) {
        report::say("no-mark: nothing was read above the threshold, which is not the same as innocent.");
    }
    if findings.iter().any(|finding| !finding.marks.is_empty()) {
        report::say(
            "A mark says whose copy a file derives from, not who passed it on. \
             log10 p bounds the chance that an unmarked file reads like this, all trials counted.",
        );
    }
}

/// The real keys among the decoys, where they were asked for.
fn decoys(findings: &[Finding]) -> Option<String> {
    let marks = findings.iter().flat_map(|finding| finding.marks.iter().map(move |mark| (finding, mark)));
    let row = |(finding, mark): (&Finding, &Mark)| {
        let decoys = mark.decoys?;
        Some(vec![
            report::name_of(&finding.file),
            mark.handover.clone(),
            decoys.tried.to_string(),
            format!("{} of {}", decoys.rank, decoys.tried + 1),
            format!("{:.1}", decoys.real),
            format!("{:.1}", decoys.strongest_decoy),
        ])
    };
    let rows: Vec<Vec<String>> = marks.filter_map(row).collect();
    let head = ["file", "hand-over", "decoy keys", "rank", "z", "strongest decoy"];
    (!rows.is_empty()).then(|| report::table(&head, rows))
}

/// One row to a mark; files without one have a row too.
pub(crate) fn table(findings: &[Finding]) -> String {
    let mut rows = Vec::new();
    for finding in findings {
        let mut file = report::name_of(&finding.file);
        if finding.frames > 1 {
            file += &format!(" ({} frames together)", finding.frames);
        }
        let verdict = finding.verdict.word().to_owned();
        if finding.marks.is_empty() {
            rows.push(vec![file, verdict]);
            continue;
        }
        for mark in &finding.marks {
            rows.push(vec![
                file.clone(),
                verdict.clone(),
                mark.recipient.clone().unwrap_or_else(|| "nobody".to_owned()),
                mark.tier.to_string(),
                mark.handover.clone(),
                format!("{:.1}", mark.z),
                format!("{:.1}", mark.log10_false_alarm),
                format!("{:?}", mark.signature).to_lowercase(),
            ]);
        }
    }
    report::table(&["file", "verdict", "recipient", "tier", "hand-over", "z", "log10 p", "signature"], rows)
}
