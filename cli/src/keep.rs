//! `tiermark backup`, `restore`.

use std::path::{Path, PathBuf};

use serde_json::json;
use tiermark::ledger::Studio;

use crate::args::Common;
use crate::party::now;
use crate::report::{self, Answer, Trouble};
use crate::{ask, file};

/// Copy the studio.
pub(crate) fn backup(common: &Common, out: &Path) -> Result<Answer, Trouble> {
    let studio = ask::open(common)?;
    studio.backup(out)?;
    if !common.quiet {
        report::say(&format!(
            "copied to {}; its keys are under the studio's passphrase",
            report::name_of(out)
        ));
    }
    Ok(Answer::Done)
}

/// Make a studio from a backup.
pub(crate) fn restore(
    common: &Common,
    from: &Path,
    seen: &[PathBuf],
    same_log: bool,
) -> Result<Answer, Trouble> {
    let folder = common.studio.clone().unwrap_or_else(|| PathBuf::from(ask::FOLDER));
    let seen = seen.iter().map(|path| file::read_packet(path)).collect::<Result<Vec<_>, _>>()?;
    let restored = Studio::restore(from, &folder, &seen, same_log, now())?;
    if common.json {
        report::json(&json!({"log": restored.origin, "size": restored.size, "seen": restored.seen}));
    } else if !common.quiet {
        report::say(&format!(
            "restored to {}; its log held {} lines, and is called {} from now on",
            report::name_of(&folder),
            restored.size,
            restored.origin
        ));
    }
    Ok(Answer::Done)
}
