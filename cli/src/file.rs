//! `tiermark receive`, `file`.

use std::path::{Path, PathBuf};

use serde_json::json;
use tiermark::ledger::Packet;
use tiermark::ledger::studio::{FiledLine, Outcome};
use tiermark::receive::Received;

use crate::args::Common;
use crate::ask;
use crate::party::now;
use crate::report::{self, Answer, Trouble};

/// A packet, or a single document, in a file.
pub(crate) fn read_packet(path: &Path) -> Result<Packet, Trouble> {
    let trouble = |why: String| Trouble(format!("{}: {why}", report::name_of(path)));
    let length = std::fs::metadata(path).map_err(|error| trouble(error.to_string()))?.len();
    if length > Packet::MAX_BYTES {
        return Err(trouble(format!("holds {length} bytes, which no packet does")));
    }
    let bytes = std::fs::read(path).map_err(|error| trouble(error.to_string()))?;
    Packet::parse(&bytes).map_err(|error| trouble(error.to_string()))
}

/// Keep what others signed.
pub(crate) fn file(common: &Common, files: &[PathBuf]) -> Result<Answer, Trouble> {
    let studio = ask::open(common)?;
    let (mut kept, mut refused, mut rows) = (0, 0, Vec::new());
    for path in files {
        let packet = match read_packet(path) {
            Ok(packet) => packet,
            Err(Trouble(why)) => {
                report::complain(&why);
                refused += 1;
                continue;
            }
        };
        for line in studio.file(&packet, now())? {
            match &line.outcome {
                Outcome::Refused(_) => refused += 1,
                _ => kept += 1,
            }
            if common.json {
                report::json(&json!({"file": path.to_string_lossy(), "filed": line}));
            } else {
                rows.push(row(path, &line));
            }
        }
    }
    if !common.json && !common.quiet {
        report::print(&report::table(&["file", "what", "id", "outcome"], rows));
    }
    Ok(match (kept, refused) {
        (0, _) => Answer::Nothing,
        (_, 0) => Answer::Done,
        _ => Answer::Partly,
    })
}

fn row(path: &Path, line: &FiledLine) -> Vec<String> {
    let outcome = match &line.outcome {
        Outcome::New => "filed".to_owned(),
        Outcome::Before => "there already".to_owned(),
        Outcome::Refused(why) => format!("refused: {why}"),
    };
    let short = if line.id.len() == 64 { line.id.chars().take(16).collect() } else { line.id.clone() };
    vec![report::name_of(path), line.what.clone(), short, outcome]
}

/// Check what came, and answer.
pub(crate) fn receive(common: &Common, folder: &Path, incomplete: bool) -> Result<Answer, Trouble> {
    let studio = ask::open(common)?;
    let secrets = ask::unlock(common, &studio)?;
    let lines = tiermark::receive::receive(&studio, &secrets, folder, incomplete, now());
    if lines.is_empty() {
        return Err(Trouble(format!(
            "{}: no .handover.json lies there; a vendor without keys gets none, and needs none",
            report::name_of(folder)
        )));
    }
    lines.iter().for_each(|line| tell(common, line));
    let answered = lines.iter().filter(|line| line.receipt.is_some()).count();
    Ok(match answered {
        0 => Answer::No,
        n if n == lines.len() => Answer::Done,
        _ => Answer::Partly,
    })
}

fn tell(common: &Common, line: &Received) {
    if common.json {
        report::json(line);
    }
    let names = line
        .missing
        .iter()
        .map(|name| ("missing", name))
        .chain(line.changed.iter().map(|name| ("changed", name)));
    for (word, name) in names {
        report::complain(&format!("{word}: {name}"));
    }
    if let Some(reason) = &line.reason {
        report::complain(&format!("{}: {reason}", report::name_of(&line.packet)));
    }
    if common.quiet || common.json {
        return;
    }
    if let (Some(receipt), Some(from)) = (&line.receipt, &line.from) {
        report::say(&format!(
            "{} files from {from} as they left; send back {}",
            line.right,
            report::name_of(receipt)
        ));
    }
}
