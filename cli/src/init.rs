//! `tiermark init`.

use std::path::PathBuf;

use serde_json::json;
use tiermark::ledger::{Handle, Studio};
use time::OffsetDateTime;

use crate::args::Common;
use crate::ask::{Asked, FOLDER, passphrase};
use crate::report::{self, Answer, Trouble};

/// Make a studio.
pub(crate) fn run(common: &Common, name: &str) -> Result<Answer, Trouble> {
    let folder = common.studio.clone().unwrap_or_else(|| PathBuf::from(FOLDER));
    let handle = Handle::new(name)?;
    let studio =
        Studio::create(&folder, &handle, &passphrase(common, Asked::Twice)?, OffsetDateTime::now_utc())?;
    if common.json {
        report::json(&json!({
            "studio": studio.folder().to_string_lossy(),
            "name": handle.as_str(),
            "root": studio.root().to_string(),
        }));
    } else if !common.quiet {
        report::say(&format!(
            "made the studio {} in {}\nroot key {}\nKeep two backups of the folder and the passphrase apart from each other: \
             without them no mark can ever be read again.",
            handle.as_str(),
            report::name_of(studio.folder()),
            studio.root(),
        ));
    }
    Ok(Answer::Done)
}
