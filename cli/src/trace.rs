//! `tiermark trace`.

use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use tiermark::inputs::Links;
use tiermark::ledger::{PartyId, Studio};
use tiermark::trace::{Effort, Expectation, Options, Results, expectation};
use tiermark::verdict::{Finding, Mark, Step, Verdict};
use tiermark::{Limits, Tracer};

use crate::args::{ClipLimits, Common, TraceArguments};
use crate::report::{self, Answer, Trouble};
use crate::tally::{Run, Tally};
use crate::{ask, in_pool, progress};

/// Trace the found files.
pub(crate) fn run(common: &Common, arguments: &TraceArguments) -> Result<Answer, Trouble> {
    let studio = ask::open_to_look(common)?;
    let vendor = match &arguments.expect {
        Some(name) => Some(expected(&studio, name)?),
        None => None,
    };
    let secrets = ask::unlock(common, &studio)?;
    let options = Options {
        limits: with_clips(arguments.bounds.limits(), &arguments.clips),
        max_seconds: arguments.bounds.max_seconds,
        effort: if arguments.exhaustive { Effort::Exhaustive } else { Effort::Full },
        decoys: arguments.decoys as usize,
        original: arguments.original.clone(),
        recipients: recipients(&studio, &arguments.recipients)?,
        explain: arguments.explain.clone(),
        every: arguments.every,
    };
    let tracer = Tracer::new(studio, &secrets, options)?;
    let mut inputs = arguments.which.find(common, &arguments.found, Links::Report)?;
    if vendor.is_some() {
        inputs = inputs.without_papers();
    }
    let kept = match &arguments.keeping.out {
        Some(out) => Some(Results::open(out, &arguments.found, arguments.keeping.resume)?),
        None => None,
    };
    if let Some(results) = &kept {
        inputs = results.without_done(inputs);
    }
    let bar = progress::bar(common, "tracing", (inputs.files.len() + inputs.unreadable.len()) as u64);
    let run = Mutex::new(Run::new(kept));
    let each = |finding: &Finding| {
        let gate = vendor.map(|vendor| expectation(finding, vendor));
        if common.json {
            bar.suspend(|| match &gate {
                Some(gate) => report::json(&Inspected { finding, gate }),
                None => report::json(finding),
            });
        }
        let mut run = run.lock().unwrap_or_else(PoisonError::into_inner);
        if run.is_another_file(finding) {
            bar.inc(1);
        }
        run.add(common, finding, gate);
    };
    in_pool(common.jobs, || tracer.trace_all(inputs, &each))?;
    bar.finish_and_clear();
    let run = run.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(trouble) = run.trouble {
        return Err(trouble);
    }
    if vendor.is_some() {
        return Ok(inspected(common, &run.shown));
    }
    let findings: Vec<Finding> = run.shown.into_iter().map(|(finding, _)| finding).collect();
    if !common.json {
        tell(common, &findings);
    }
    if arguments.keeping.out.is_some() && !common.quiet {
        report::say(&run.tally.words());
    }
    Ok(run.tally.answer())
}

/// The names that recipients have in documents; an unknown one is a slip.
fn recipients(studio: &Studio, names: &[String]) -> Result<Vec<String>, Trouble> {
    let known = |name: &String| match studio.party_named(name) {
        Ok((_, handle)) => Ok(handle.as_str().to_owned()),
        Err(_) => Ok(crate::vendor::find(studio, name)?.handle.as_str().to_owned()),
    };
    names.iter().map(known).collect()
}

/// A finding with how it meets what is expected.
#[derive(Serialize)]
struct Inspected<'a> {
    #[serde(flatten)]
    finding: &'a Finding,
    #[serde(flatten)]
    gate: &'a Expectation,
}

/// The vendor whose delivery is inspected, by its name in documents.
fn expected(studio: &Studio, name: &str) -> Result<PartyId, Trouble> {
    match studio.party_named(name) {
        Ok((root, _)) => Ok(root.into()),
        Err(_) => Ok(crate::vendor::find(studio, name)?.party()),
    }
}

/// The gate: all files as expected, or the list of those that are not.
fn inspected(common: &Common, findings: &[(Finding, Option<Expectation>)]) -> Answer {
    let unmet = findings.iter().filter_map(|(finding, gate)| {
        let gate = gate.as_ref().filter(|gate| **gate != Expectation::Met)?;
        Some(vec![report::place_of(finding), gate.words()])
    });
    let unmet: Vec<Vec<String>> = unmet.collect();
    let all = findings.len();
    if !common.json && !unmet.is_empty() {
        report::print(&report::table(&["file", "why it does not pass"], unmet.clone()));
    }
    if !common.quiet {
        report::say(&format!("{} of {all} pass", all - unmet.len()));
    }
    if unmet.is_empty() { Answer::Done } else { Answer::No }
}

/// The usual limits, with the bound on pixels that was given.
pub(crate) fn limits(max_megapixels: u64) -> Limits {
    Limits { max_pixels: max_megapixels.saturating_mul(1_000_000), ..Limits::default() }
}

/// The same with the bounds for clips.
pub(crate) fn with_clips(limits: Limits, clips: &ClipLimits) -> Limits {
    let ClipLimits { max_clip_frames, max_clip_seconds } = *clips;
    Limits { max_clip_frames, max_clip_seconds, ..limits }
}

pub(crate) fn answer(findings: &[Finding]) -> Answer {
    let mut tally = Tally::default();
    findings.iter().for_each(|finding| tally.add(finding.verdict));
    tally.answer()
}

fn tell(common: &Common, findings: &[Finding]) {
    report::print(&table(findings));
    for (chain, files) in chains(findings) {
        report::print(&tree(&chain, files));
    }
    if let Some(decoys) = decoys(findings) {
        report::print(&decoys);
    }
    for finding in findings {
        if let Some(reason) = &finding.reason {
            report::complain(&format!("{}: {reason}", report::place_of(finding)));
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
            report::place_of(finding),
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
        let mut file = report::place_of(finding);
        if let Some(first) = &finding.same_as {
            file += &format!(" (same as {})", report::one_line(first));
        }
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
                mark.detector.to_owned(),
                format!("{:.1}", mark.z),
                format!("{:.1}", mark.log10_false_alarm),
                format!("{:?}", mark.signature).to_lowercase(),
                mark.grade.to_string(),
            ]);
        }
    }
    let head =
        ["file", "verdict", "recipient", "tier", "hand-over", "read", "z", "log10 p", "signature", "grade"];
    report::table(&head, rows)
}

/// Whether a finding is about one file, and not about a shot of several that are told of as well.
fn is_file(finding: &Finding) -> bool {
    finding.frames == 1 || !finding.shots.is_empty()
}

/// Every chain that was found, and in how many files.
fn chains(findings: &[Finding]) -> Vec<(Vec<Step>, usize)> {
    let mut all: Vec<(Vec<Step>, usize)> = Vec::new();
    for chain in findings.iter().filter(|finding| is_file(finding)).flat_map(|finding| &finding.chains) {
        let documents = |steps: &[Step]| steps.iter().map(|step| step.document.clone()).collect::<Vec<_>>();
        match all.iter_mut().find(|(other, _)| documents(other) == documents(chain)) {
            Some((_, files)) => *files += 1,
            None => all.push((chain.clone(), 1)),
        }
    }
    all
}

/// A chain as a tree, each step with its document, dates and grade, and what is missing for the next one.
fn tree(chain: &[Step], files: usize) -> String {
    let mut lines = Vec::new();
    if let Some(first) = chain.first() {
        lines.push(format!("{}   ({files} {})", first.from, if files == 1 { "file" } else { "files" }));
    }
    for (depth, step) in chain.iter().enumerate() {
        let indent = "   ".repeat(depth);
        let read = if step.read { "read" } else { "named by the document below" };
        lines.push(format!(
            "{indent}└─ {}   tier {}, {}, signed {}, {read}, {}",
            step.to, step.tier, step.handover, step.issued_at, step.grade
        ));
        let mut known = Vec::new();
        known.extend(step.witnessed_at.as_ref().map(|at| format!("a log held it by {at}")));
        known.extend((step.receipts > 0).then(|| "the recipient acknowledged it".to_owned()));
        known.extend(step.missing.map(|missing| format!("missing: {missing}")));
        lines.extend(known.into_iter().map(|line| format!("{indent}      {line}")));
    }
    lines.join("\n")
}
