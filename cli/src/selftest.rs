//! `tiermark selftest`.

use serde_json::json;
use tiermark::inputs::Links;
use tiermark::selftest::{self, Outcome, Settings};

use crate::args::{Common, SelftestArguments};
use crate::report::{self, Answer, Trouble};
use crate::{find, in_pool, progress};

/// Trace unmarked pictures under keys that nobody used.
pub(crate) fn run(common: &Common, arguments: &SelftestArguments) -> Result<Answer, Trouble> {
    let inputs = find(&arguments.null, Links::Follow)?;
    let settings = Settings { seed: arguments.seed, keys: arguments.keys, words: arguments.words };
    let bar = progress::bar(common, "tracing", inputs.files.len() as u64 * u64::from(arguments.keys));
    let mut outcome = in_pool(common.jobs, || selftest::run(&inputs.files, &settings, &|| bar.inc(1)))?;
    bar.finish_and_clear();
    outcome.failed.extend(inputs.unreadable.into_iter().map(|file| (file.path, file.reason)));
    for (path, reason) in &outcome.failed {
        report::complain(&format!("not traced: {}: {reason}", report::name_of(path)));
    }
    for (path, number, log10) in &outcome.alarms {
        let path = report::name_of(path);
        report::complain(&format!("false alarm: {path} under key {number}: log10 {log10:.1}"));
    }
    if common.json {
        report::json(&json!({
            "traces": outcome.traces, "alarms": outcome.alarms.len(), "proven_below": outcome.proven(),
            "strongest_log10": outcome.strongest, "statistics": outcome.tail.total(), "beyond": outcome.beyond(),
        }));
    } else {
        report::print(&table(&outcome));
    }
    Ok(match (outcome.traces, outcome.holds(), outcome.failed.is_empty()) {
        (0, ..) => Answer::Nothing,
        (_, false, _) => Answer::No,
        (_, true, false) => Answer::Partly,
        (_, true, true) => Answer::Done,
    })
}

fn table(outcome: &Outcome) -> String {
    let proven = match outcome.proven() {
        Some(rate) => format!("a rate of false names below {rate:.1e} (95 %)"),
        None => "nothing, for there were false alarms".to_owned(),
    };
    let row = |at: &selftest::Beyond| {
        let times = at.share / at.normal;
        vec![
            format!("{:.1}", at.z),
            at.count.to_string(),
            format!("{:.3e}", at.share),
            format!("{:.3e}", at.normal),
            format!("{times:.2}"),
            format!("{:.3e}", at.claim),
        ]
    };
    let head = ["z", "statistics beyond", "share", "normal tail", "times", "claimed at most"];
    format!(
        "{} whole blind traces, {} false alarms: this proves {proven}.\nStrongest bound of any: log10 {:.1}.\n\
         {} statistics of words that nobody was given:\n{}",
        outcome.traces,
        outcome.alarms.len(),
        outcome.strongest,
        outcome.tail.total(),
        report::table(&head, outcome.beyond().iter().map(row).collect()),
    )
}
