//! `tiermark party show`, `export`, `import`, `identity`.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::json;
use tiermark::ledger::document::Party;
use tiermark::ledger::{Kid, Packet, Studio};
use time::OffsetDateTime;

use crate::args::{Common, PartyVerb};
use crate::report::{self, Answer, Trouble};
use crate::{ask, file};

/// Do what the verb says.
pub(crate) fn run(common: &Common, verb: &PartyVerb) -> Result<Answer, Trouble> {
    match verb {
        PartyVerb::Show { name } => show(common, name.as_deref()),
        PartyVerb::Export { out } => export(common, out.as_deref()),
        PartyVerb::Import { files } => file::file(common, files),
        PartyVerb::Identity { out } => identity(common, out),
    }
}

fn show(common: &Common, name: Option<&str>) -> Result<Answer, Trouble> {
    let studio = ask::open_to_look(common)?;
    let shown = match name {
        Some(name) => vec![studio.party_named(name)?],
        None => studio.registry().known_parties()?,
    };
    for (root, handle) in shown {
        let documents = studio.registry().parties(root)?;
        let newest = documents.iter().find_map(|envelope| Party::open(envelope).ok());
        let keys = newest.map(|party| party.keys).unwrap_or_default();
        let delegations = studio.registry().delegations_of(root)?;
        let ids: Vec<String> = delegations.iter().map(|(id, _)| id.to_string()).collect();
        if common.json {
            let key = |key: &tiermark::ledger::document::DeclaredKey| {
                let (from, to) = (key.from.to_string(), key.to.map(|to| to.to_string()));
                json!({"use": key.usage, "kid": key.kid.to_string(), "from": from, "to": to})
            };
            let keys: Vec<_> = keys.iter().map(key).collect();
            let ours = root == studio.root();
            report::json(&json!({
                "handle": handle.as_str(), "root": root.to_string(), "ours": ours, "keys": keys, "delegations": ids
            }));
            continue;
        }
        let ours = if root == studio.root() { " (this studio)" } else { "" };
        let mut lines = vec![format!("{}{ours}", handle.as_str()), format!("  root  {}", fingerprint(root))];
        let key = |key: &tiermark::ledger::document::DeclaredKey| {
            let end = key.to.map_or_else(String::new, |to| format!(", ended {to}"));
            format!("  {:8}{}  from {}{end}", key.usage, key.kid, key.from)
        };
        lines.extend(keys.iter().map(key));
        for (id, _) in &delegations {
            let given = studio.delegation(*id)?;
            let rights: Vec<&str> = given.rights.iter().map(|right| right.name()).collect();
            lines.push(format!(
                "  delegation {id}\n    tier {}, may {}; episodes {}; kinds {}; until {}",
                given.depth,
                rights.join(", "),
                given.scope.episodes,
                given.scope.kinds,
                given.not_after
            ));
        }
        report::print(&lines.join("\n"));
    }
    Ok(Answer::Done)
}

/// A kid in groups of four, to be read aloud.
pub(crate) fn fingerprint(kid: Kid) -> String {
    let digits: Vec<char> = kid.to_string().chars().collect();
    digits.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

fn export(common: &Common, out: Option<&Path>) -> Result<Answer, Trouble> {
    let studio = ask::open_to_look(common)?;
    let out = out.map_or_else(|| named(&studio, "party"), Path::to_path_buf);
    write_new(&out, &studio.export_party()?)?;
    if common.json {
        report::json(&json!({"file": out.to_string_lossy(), "root": studio.root().to_string()}));
    } else if !common.quiet {
        report::say(&format!(
            "written: {}\nread its root by telephone: {}",
            report::name_of(&out),
            fingerprint(studio.root())
        ));
    }
    Ok(Answer::Done)
}

/// `Our name.kind.json`, without what no file name may hold.
fn named(studio: &Studio, kind: &str) -> PathBuf {
    file_name(studio.party().handle.as_str(), kind)
}

/// A file's name made of a party's.
pub(crate) fn file_name(handle: &str, kind: &str) -> PathBuf {
    let safe = |c: char| if c.is_alphanumeric() || " -_.".contains(c) { c } else { '_' };
    let name: String = handle.chars().map(safe).collect();
    format!("{}.{kind}.json", name.trim_start_matches('.')).into()
}

/// Write a packet to a file that is not there yet, or holds the same.
pub(crate) fn write_new(path: &Path, packet: &Packet) -> Result<(), Trouble> {
    write_bytes(path, &packet.to_json())
}

/// Write bytes to a file that is not there yet, or holds the same.
pub(crate) fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), Trouble> {
    if std::fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    let open = std::fs::File::create_new(path);
    let written = open.and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.map_err(|error| Trouble(format!("{}: {error}; name another file with --out", path.display())))
}

fn identity(common: &Common, out: &Path) -> Result<Answer, Trouble> {
    let studio = ask::open_to_look(common)?;
    let secrets = ask::unlock(common, &studio)?;
    let Some(opener) = &secrets.opener else {
        return Err(Trouble("this studio has no such key yet; make it with `tiermark rotate`".to_owned()));
    };
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(out).and_then(|mut file| writeln!(file, "{}", opener.identity().as_str()));
    written.map_err(|error| Trouble(format!("{}: {error}", out.display())))?;
    if !common.quiet {
        report::say(
            "written; whoever has this file opens everything that is sealed to this studio: remove it when done",
        );
    }
    Ok(Answer::Done)
}

/// Now, by the machine's clock.
pub(crate) fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
