//! `tiermark log status`, `checkpoint`, `audit`, `cosign`, `export`, `anchor`.

use std::path::Path;

use serde_json::json;
use tiermark::ledger::log::{SignedCheckpoint, time_stamp_request};
use tiermark::ledger::{MarkId, Packet};

use crate::args::{Common, LogVerb};
use crate::party::{now, write_bytes, write_new};
use crate::report::{self, Answer, Trouble};
use crate::{ask, file};

/// Do what the verb says.
pub(crate) fn run(common: &Common, verb: &LogVerb) -> Result<Answer, Trouble> {
    match verb {
        LogVerb::Status => status(common),
        LogVerb::Checkpoint { out } => checkpoint(common, out.as_deref()),
        LogVerb::Audit => audit(common),
        LogVerb::Cosign { file, out } => cosign(common, file, out),
        LogVerb::Export { mark, out } => export(common, mark, out),
        LogVerb::Anchor { request: Some(request), .. } => ask_for_stamp(common, request),
        LogVerb::Anchor { request: None, token, ca } => match (token, ca) {
            (Some(token), Some(ca)) => keep_stamp(common, token, ca),
            _ => Err(Trouble("name --request, or --token with --ca".to_owned())),
        },
    }
}

fn status(common: &Common) -> Result<Answer, Trouble> {
    let studio = ask::open_to_look(common)?;
    let status = studio.registry().log_status(studio.root())?;
    let mut rows = vec![vec![
        status.origin.clone(),
        status.size.to_string(),
        status.root.to_string(),
        status.signed.map_or_else(|| "-".to_owned(), |size| size.to_string()),
        status.seen.map_or_else(|| "-".to_owned(), |size| size.to_string()),
    ]];
    if common.json {
        report::json(&json!({
            "log": status.origin, "size": status.size, "root": status.root.to_string(),
            "signed": status.signed, "seen": status.seen,
        }));
        return Ok(Answer::Done);
    }
    for note in studio.registry().newest_notes()? {
        let head = note.checkpoint();
        if head.origin != status.origin {
            let dash = || "-".to_owned();
            rows.push(vec![
                head.origin.clone(),
                head.size.to_string(),
                head.root.to_string(),
                dash(),
                dash(),
            ]);
        }
    }
    report::print(&report::table(&["log", "lines", "root", "signed", "seen by others"], rows));
    Ok(Answer::Done)
}

fn checkpoint(common: &Common, out: Option<&Path>) -> Result<Answer, Trouble> {
    let studio = ask::open(common)?;
    let secrets = ask::unlock(common, &studio)?;
    let note = studio.sign_log(&secrets, now())?;
    match out {
        Some(out) => write_bytes(out, note.to_text().as_bytes())?,
        None if common.json => report::json(&json!({"note": note.to_text()})),
        None => report::print(note.to_text().trim_end()),
    }
    Ok(Answer::Done)
}

fn audit(common: &Common) -> Result<Answer, Trouble> {
    let studio = ask::open_to_look(common)?;
    let audit = studio.audit()?;
    if common.json {
        report::json(
            &json!({"leaves": audit.leaves, "checkpoints": audit.checkpoints, "wrong": audit.wrong}),
        );
    } else {
        audit.wrong.iter().for_each(|line| report::complain(line));
        if !common.quiet {
            let word = if audit.wrong.is_empty() { "sound" } else { "NOT sound" };
            report::say(&format!(
                "{} lines and {} checkpoints read: {word}",
                audit.leaves, audit.checkpoints
            ));
        }
    }
    Ok(if audit.wrong.is_empty() { Answer::Done } else { Answer::No })
}

fn cosign(common: &Common, path: &Path, out: &Path) -> Result<Answer, Trouble> {
    let studio = ask::open(common)?;
    let secrets = ask::unlock(common, &studio)?;
    let bytes =
        std::fs::read(path).map_err(|error| Trouble(format!("{}: {error}", report::name_of(path))))?;
    let packet = match SignedCheckpoint::parse(&bytes) {
        Ok(note) => {
            let mut packet = Packet::default();
            packet.show(&note);
            packet
        }
        Err(_) => file::read_packet(path)?,
    };
    let note = studio.cosign(&secrets, &packet, now())?;
    write_bytes(out, note.to_text().as_bytes())?;
    if !common.quiet {
        let head = note.checkpoint();
        report::say(&format!("cosigned {} at {} lines: {}", head.origin, head.size, report::name_of(out)));
    }
    Ok(Answer::Done)
}

fn export(common: &Common, mark: &str, out: &Path) -> Result<Answer, Trouble> {
    let studio = ask::open_to_look(common)?;
    let mark: MarkId =
        mark.parse().map_err(|_| Trouble(format!("{mark}: a mark has 16 lower-case hex digits")))?;
    let Some((row, _)) = studio.registry().handover_by_mark(mark)? else {
        return Err(Trouble(format!("the registry knows no hand-over with mark {mark}")));
    };
    write_new(out, &studio.packet_of(row.id)?)?;
    if !common.quiet {
        report::say(&format!("written: {}", report::name_of(out)));
    }
    Ok(Answer::Done)
}

fn ask_for_stamp(common: &Common, request: &Path) -> Result<Answer, Trouble> {
    let studio = ask::open(common)?;
    let secrets = ask::unlock(common, &studio)?;
    let note = studio.sign_log(&secrets, now())?;
    write_bytes(request, &time_stamp_request(&note.digest()))?;
    if !common.quiet {
        report::say(&format!(
            "written: {} for {} lines; send it to a time-stamp authority (content type application/timestamp-query), \
             then keep its answer with --token",
            report::name_of(request),
            note.checkpoint().size
        ));
    }
    Ok(Answer::Done)
}

fn keep_stamp(common: &Common, token: &Path, ca: &Path) -> Result<Answer, Trouble> {
    let studio = ask::open(common)?;
    let size = tiermark::anchor::keep(&studio, token, ca, now())?;
    if common.json {
        report::json(&json!({"size": size}));
    } else if !common.quiet {
        report::say(&format!(
            "the state of {size} lines was time-stamped; OpenSSL verified the token, and it is kept"
        ));
    }
    Ok(Answer::Done)
}
