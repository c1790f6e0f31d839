//! `tiermark bench`.

use std::path::PathBuf;

use serde_json::json;
use tiermark::bench::{BASIC, Bench, Measured, Outcome, Table};
use tiermark::inputs::{Input, Links};

use crate::args::Common;
use crate::report::{self, Answer, Trouble};
use crate::{find, in_pool, progress};

/// Measure the pictures.
pub(crate) fn run(common: &Common, pictures: &[PathBuf], seed: u64) -> Result<Answer, Trouble> {
    let inputs = find(pictures, Links::Follow)?;
    let bar = progress::bar(common, "measuring", inputs.files.len() as u64);
    let bench = Bench::new(seed, &BASIC);
    let (measured, failed) = in_pool(common.jobs, || bench.run(&inputs.files, &|_: &Input| bar.inc(1)))?;
    bar.finish_and_clear();
    for unreadable in &inputs.unreadable {
        report::complain(&format!("{}: {}", report::name_of(&unreadable.path), unreadable.reason));
    }
    for (path, reason) in &failed {
        report::complain(&format!("not measured: {}: {reason}", report::name_of(path)));
    }
    let table = Table::of(&measured);
    if common.json {
        measured.iter().for_each(lines);
    } else {
        report::print(&format!(
            "{}\n{} pictures, seed {seed}, {} wrong names",
            table.markdown(),
            measured.len(),
            table.wrong()
        ));
    }
    Ok(match (measured.len(), failed.len() + inputs.unreadable.len()) {
        (0, _) => Answer::Nothing,
        (_, 0) => Answer::Done,
        _ => Answer::Partly,
    })
}

/// One line to each attack on a picture.
fn lines(one: &Measured) {
    for (attack, outcome) in &one.outcomes {
        let (named, z, log10) = match *outcome {
            Outcome::Named { z, log10 } => ("right", Some(z), Some(log10)),
            Outcome::Nothing { z } => ("nobody", z, None),
            Outcome::Wrong { z } => ("wrong", Some(z), None),
        };
        report::json(&json!({
            "file": one.input.path.to_string_lossy(), "class": one.class, "attack": attack, "named": named,
            "z": z, "log10_false_alarm": log10, "psnr_db": one.psnr_db, "flat_change": one.flat_change,
            "growth": one.growth,
        }));
    }
}
