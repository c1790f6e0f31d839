//! A third party's clock: RFC 3161 time stamps on checkpoints of the log. We write the request; OpenSSL checks the answer.

use std::path::{Path, PathBuf};
use std::process::Command;

use tiermark_ledger::store::StoreError;
use tiermark_ledger::{Digest, Moment, Studio, StudioError};
use time::OffsetDateTime;

use crate::inputs::why;
use crate::sink::{Part, read_bounded};

/// Why a time stamp could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum AnchorError {
    /// The program is not there.
    #[error("time stamps are checked by the program openssl, which is not there: {0}")]
    NoOpenSsl(std::io::Error),
    /// It is no answer to a request of ours.
    #[error("{}: OpenSSL does not accept it for any of the last checkpoints: {why}", .path.display())]
    Refused {
        /// The token.
        path: PathBuf,
        /// What OpenSSL said of the newest.
        why: String,
    },
    /// It cannot be read or kept.
    #[error("{}: {why}", .path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The studio could not do it.
    #[error(transparent)]
    Studio(#[from] StudioError),
    /// The registry could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A token is a few kilobytes; certificates ride along.
const MOST_BYTES: u64 = 1 << 20;
/// Checkpoints that an answer may be to.
const TRIED: usize = 64;

/// The folder of tokens in a studio: `<lines>.tsr`.
pub const FOLDER: &str = "anchors";

/// Check a token against the last checkpoints, keep it, and log its hash: what is logged later was written after it.
///
/// # Errors
/// When OpenSSL is not there or refuses it, or it cannot be kept.
pub fn keep(studio: &Studio, token: &Path, ca: &Path, now: OffsetDateTime) -> Result<u64, AnchorError> {
    let disk = |path: &Path| {
        let path = path.to_owned();
        move |error: std::io::Error| AnchorError::Disk { why: why(&path, &error), path: path.clone() }
    };
    let bytes = read_bounded(token, MOST_BYTES).map_err(disk(token))?;
    let registry = studio.registry();
    let origin = registry.log_origin(studio.root())?;
    let mut refused = "there is no checkpoint yet".to_owned();
    for size in registry.note_sizes(&origin)?.into_iter().rev().take(TRIED) {
        let Some(note) = registry.note(&origin, size)? else { continue };
        match verified(&note.digest(), token, ca)? {
            Ok(()) => {
                let kept = studio.folder().join(FOLDER).join(format!("{size}.tsr"));
                Part::write(&kept, &bytes).and_then(Part::commit).map_err(disk(&kept))?;
                registry.append_anchor(Digest::of(&bytes), Moment::at(now).map_err(StudioError::from)?)?;
                return Ok(size);
            }
            Err(why) => refused = why,
        }
    }
    Err(AnchorError::Refused { path: token.to_owned(), why: refused })
}

/// What `openssl ts -verify` says.
fn verified(digest: &Digest, token: &Path, ca: &Path) -> Result<Result<(), String>, AnchorError> {
    let mut command = Command::new("openssl");
    command.args(["ts", "-verify", "-digest", &digest.to_string(), "-in"]).arg(token).arg("-CAfile").arg(ca);
    let output = command.output().map_err(AnchorError::NoOpenSsl)?;
    if output.status.success() {
        return Ok(Ok(()));
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Ok(Err(said.lines().next().unwrap_or("no reason given").chars().take(200).collect()))
}
