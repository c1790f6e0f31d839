//! `tiermark case`, `report`, `verify`.

use std::path::{Path, PathBuf};

use serde_json::json;
use tiermark::inputs::Links;
use tiermark::ledger::bundle::{Bundle, check};
use tiermark::ledger::custody::{Custody, Event};
use tiermark::ledger::keys::PublicKey;
use tiermark::ledger::{Kid, Moment};
use tiermark::report::{CASES, Options};
use tiermark::trace::Effort;

use crate::args::{CaseVerb, Common, ReportArguments};
use crate::party::now;
use crate::report::{self, Answer, Trouble};
use crate::{ask, find, in_pool, progress, trace};

/// Do what the verb says.
pub(crate) fn run(common: &Common, verb: &CaseVerb) -> Result<Answer, Trouble> {
    let studio = ask::open_to_look(common)?;
    let cases = studio.folder().join(CASES);
    let at = Moment::at(now())?;
    let told = |text: String| {
        if !common.quiet && !common.json {
            report::say(&text);
        }
    };
    match verb {
        CaseVerb::New { name } => {
            Custody::create(&cases, name, at)?;
            told(format!("case {name} begins; add files before anything else opens them"));
            Ok(Answer::Done)
        }
        CaseVerb::Add { case, files, by, how } => {
            let inputs = find(files, Links::Report)?;
            let (added, failed) = tiermark::report::add(&studio, case, inputs, (by, how), now())?;
            for (path, why) in &failed {
                report::complain(&format!("{}: {why}", report::name_of(path)));
            }
            if common.json {
                report::json(&json!({"case": case, "added": added, "failed": failed.len()}));
            }
            told(format!("{added} files hashed into case {case}"));
            Ok(match (added, failed.len()) {
                (0, _) => Answer::Nothing,
                (_, 0) => Answer::Done,
                _ => Answer::Partly,
            })
        }
        CaseVerb::Note { case, text } => {
            Custody::open(&cases, case)?.add(Event::Note { text: text.clone() }, at)?;
            Ok(Answer::Done)
        }
        CaseVerb::Seal { case } => {
            Custody::open(&cases, case)?.add(Event::Seal {}, at)?;
            told(format!("case {case} is sealed"));
            Ok(Answer::Done)
        }
    }
}

/// Trace the files of a case and write the bundle.
pub(crate) fn report(common: &Common, arguments: &ReportArguments) -> Result<Answer, Trouble> {
    let studio = ask::open(common)?;
    let root = studio.root();
    let secrets = ask::unlock(common, &studio)?;
    let options = Options {
        out: arguments.out.clone(),
        pictures: arguments.pictures,
        originals: arguments.originals.clone(),
        trace: tiermark::trace::Options {
            limits: trace::limits(100),
            effort: Effort::Full,
            decoys: arguments.decoys as usize,
            ..tiermark::trace::Options::default()
        },
    };
    let files = Custody::open(&studio.folder().join(CASES), &arguments.case)?.lines().len();
    let bar = progress::bar(common, "examining", files as u64);
    let written = in_pool(common.jobs, || {
        // The studio moves into the pool: one thread at a time has it.
        let (studio, secrets) = (studio, secrets);
        tiermark::report::report(&studio, &secrets, &arguments.case, &options, now(), &|| bar.inc(1))
    })?;
    bar.finish_and_clear();
    let (id, findings) = written?;
    if common.json {
        report::json(
            &json!({"finding": id.to_string(), "bundle": arguments.out.to_string_lossy(), "root": root.to_string()}),
        );
    } else {
        report::print(&trace::table(&findings));
        if !common.quiet {
            report::say(&format!(
                "written: {}; anybody checks it with `tiermark verify {} --root {root}`, or as its README.txt tells",
                report::name_of(&arguments.out),
                report::name_of(&arguments.out),
            ));
        }
    }
    Ok(trace::answer(&findings))
}

/// Check a bundle: no studio, no secrets.
pub(crate) fn verify(common: &Common, folder: &Path, root: &str) -> Result<Answer, Trouble> {
    let root = trusted(root)?;
    let checked = check(&Bundle::open(folder)?, root)?;
    if common.json {
        report::json(&json!({"holds": checked.holds(), "checks": checked.checks, "chains": checked.chains}));
    } else {
        let row = |check: &tiermark::ledger::bundle::Check| {
            let word = if check.holds { "holds" } else { "DOES NOT HOLD" };
            vec![check.what.clone(), word.to_owned(), check.detail.clone()]
        };
        let rows = checked.checks.iter().map(row).collect();
        report::print(&report::table(&["what", "", "detail"], rows));
        for chain in &checked.chains {
            report::print(&chain.join(" -> "));
        }
    }
    Ok(if checked.holds() { Answer::Done } else { Answer::No })
}

/// The root that is trusted: a fingerprint, or a public key in a PEM file.
fn trusted(root: &str) -> Result<Kid, Trouble> {
    let digits: String = root.chars().filter(|c| !c.is_whitespace()).collect();
    if let Ok(kid) = digits.parse() {
        return Ok(kid);
    }
    let path = PathBuf::from(root);
    let trouble = |why: String| Trouble(format!("{}: {why}", report::name_of(&path)));
    let pem = std::fs::read_to_string(&path)
        .map_err(|error| trouble(format!("neither a fingerprint of 64 hex digits nor a file: {error}")))?;
    let key = PublicKey::from_pem(&pem).map_err(|error| trouble(error.to_string()))?;
    Ok(key.kid())
}
