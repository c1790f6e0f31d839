//! `tiermark delegate`, `accept`, `revoke`, `rotate`.

use std::path::Path;

use serde_json::json;
use tiermark::ledger::document::{Right, Target};
use tiermark::ledger::studio::{Ground, Terms};
use tiermark::ledger::{Digest, Kid, Moment, Secrets, Studio};

use crate::args::{Common, DelegateArguments};
use crate::party::{file_name, fingerprint, now, write_new};
use crate::report::{self, Answer, Trouble};
use crate::{ask, file};

/// Let a party take part.
pub(crate) fn delegate(common: &Common, arguments: &DelegateArguments) -> Result<Answer, Trouble> {
    let studio = ask::open(common)?;
    let (party, handle) = studio.party_named(&arguments.name)?;
    let until = arguments.until.as_deref().map(last_day).transpose()?;
    let secrets = ask::unlock(common, &studio)?;
    let terms = Terms {
        rights: arguments.rights.iter().filter_map(|name| Right::named(name)).collect(),
        episodes: arguments.episodes.clone(),
        kinds: arguments.kinds.clone(),
        max_depth: arguments.max_depth,
        until,
        checked: arguments.checked.clone(),
    };
    let ground = ground(&studio, &secrets, arguments.project_of.as_deref())?;
    let (id, packet) = studio.delegate(&secrets, &ground, party, &terms, now())?;
    let named = || file_name(handle.as_str(), "delegation");
    let out = arguments.out.clone().unwrap_or_else(named);
    write_new(&out, &packet)?;
    if common.json {
        report::json(
            &json!({"delegation": id.to_string(), "to": handle.as_str(), "file": out.to_string_lossy()}),
        );
    } else if !common.quiet {
        report::say(&format!(
            "written: {}; only {} can open its secrets",
            report::name_of(&out),
            handle.as_str()
        ));
    }
    Ok(Answer::Done)
}

/// The project of a producer that delegated to us, or our own.
fn ground(studio: &Studio, secrets: &Secrets, producer: Option<&str>) -> Result<Ground, Trouble> {
    let root = match producer {
        Some(name) => studio.party_named(name)?.0,
        None => studio.root(),
    };
    let ground = studio.grounds(secrets)?.into_iter().rfind(|ground| ground.root == root);
    ground.ok_or_else(|| {
        Trouble(format!("{} has delegated nothing to this studio", producer.unwrap_or("nobody")))
    })
}

fn last_day(text: &str) -> Result<Moment, Trouble> {
    format!("{text}T23:59:59Z").parse().map_err(|_| Trouble(format!("{text}: a day looks like 2027-02-01")))
}

/// Take part.
pub(crate) fn accept(common: &Common, path: &Path, root: Option<&str>) -> Result<Answer, Trouble> {
    let digits = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    let wrong = |_| Trouble("--root is a fingerprint of 64 hex digits, with or without spaces".to_owned());
    let root: Option<Kid> = root.map(|text| digits(text).parse().map_err(wrong)).transpose()?;
    let packet = file::read_packet(path)?;
    let studio = ask::open(common)?;
    let secrets = ask::unlock(common, &studio)?;
    let accepted = studio.accept(&secrets, &packet, root, now())?;
    let given = &accepted.delegation.document;
    let rights: Vec<&str> = given.rights.iter().map(|right| right.name()).collect();
    if common.json {
        report::json(&json!({
            "delegation": accepted.delegation.id.to_string(),
            "producer": accepted.producer.as_str(),
            "root": accepted.root.to_string(),
            "tier": given.depth,
            "max_depth": given.max_depth,
            "rights": rights,
            "episodes": given.scope.episodes,
            "kinds": given.scope.kinds,
            "until": given.not_after.to_string(),
        }));
    } else if !common.quiet {
        report::say(&format!(
            "accepted: tier {} in a project of {}, until {}\n  may {}; tiers to {}; episodes {}; kinds {}\n  \
             root of {}: {}{}",
            given.depth,
            accepted.producer.as_str(),
            given.not_after,
            rights.join(", "),
            given.max_depth,
            given.scope.episodes,
            given.scope.kinds,
            accepted.producer.as_str(),
            fingerprint(accepted.root),
            if root.is_none() {
                "\n  compare it with what the producer reads to you by telephone"
            } else {
                ""
            }
        ));
    }
    Ok(Answer::Done)
}

/// Take something back.
pub(crate) fn revoke(
    common: &Common,
    (kind, id): (&str, &str),
    reason: &str,
    out: Option<&Path>,
) -> Result<Answer, Trouble> {
    let target: Digest =
        id.parse().map_err(|_| Trouble(format!("{id}: an id has 64 lower-case hex digits")))?;
    let target_kind = match kind {
        "key" => Target::Key,
        "delegation" => Target::Delegation,
        "handover" => Target::Handover,
        _ => Target::NodeSecret,
    };
    let studio = ask::open(common)?;
    let passphrase = ask::passphrase(common, ask::Asked::Once)?;
    let secrets = studio.unlock(&passphrase)?;
    let revoked = studio.revoke(&secrets, &passphrase, (target_kind, target), reason, now())?;
    let named = || format!("{:.16}.revocation.json", revoked.id.to_string()).into();
    let out = out.map_or_else(named, Path::to_path_buf);
    write_new(&out, &revoked.packet)?;
    if common.json {
        report::json(
            &json!({"revocation": revoked.id.to_string(), "cutoffs": revoked.cutoffs, "file": out.to_string_lossy()}),
        );
    } else if !common.quiet {
        let cutoffs = revoked.cutoffs.iter().map(|cutoff| format!("{} below {}", cutoff.origin, cutoff.size));
        let cutoffs: Vec<String> = cutoffs.collect();
        report::say(&format!(
            "written: {}; send it to everybody who has to know\nwhat these logs held stands: {}",
            report::name_of(&out),
            cutoffs.join(", ")
        ));
    }
    Ok(Answer::Done)
}

/// Begin a new signing key.
pub(crate) fn rotate(common: &Common, out: Option<&Path>) -> Result<Answer, Trouble> {
    let studio = ask::open(common)?;
    let passphrase = ask::passphrase(common, ask::Asked::Once)?;
    let packet = studio.rotate(&passphrase, now())?;
    let named = || file_name(studio.party().handle.as_str(), "party");
    let out = out.map_or_else(named, Path::to_path_buf);
    // The old party file may lie there: what is replaced is public, and part of what replaces it.
    let _ = std::fs::remove_file(&out);
    write_new(&out, &packet)?;
    if common.json {
        report::json(&json!({"file": out.to_string_lossy()}));
    } else if !common.quiet {
        report::say(&format!(
            "a new signing key counts from now on; send {} to everybody",
            report::name_of(&out)
        ));
    }
    Ok(Answer::Done)
}
