//! A history of ASC MHL beside the copies.

use std::path::{Path, PathBuf};

use time::OffsetDateTime;

use super::{Outcome, StampError, Status};
use crate::inputs::why;
use crate::mhl::{self, Entry};

/// Write the next generation of the history of `out`: the copies that are in their places, and what lies beside them.
pub(super) fn write(
    out: &Path,
    outcomes: &[Outcome],
    beside: &[PathBuf],
    now: OffsetDateTime,
) -> Result<PathBuf, StampError> {
    let stamped = outcomes.iter().filter(|outcome| outcome.status == Status::Stamped);
    let files =
        stamped.filter_map(|outcome| outcome.out.as_deref()).chain(beside.iter().map(PathBuf::as_path));
    let entries = files.map(|path| entry(out, path)).collect::<Result<Vec<Entry>, _>>()?;
    let written = mhl::write(out, &entries, None, env!("CARGO_PKG_VERSION"), now);
    written.map_err(|error| StampError::Beside { path: out.join("ascmhl"), why: error.to_string() })
}

fn entry(out: &Path, path: &Path) -> Result<Entry, StampError> {
    let failed = |error: std::io::Error| StampError::Beside { path: path.to_owned(), why: why(path, &error) };
    let file = std::fs::File::open(path).map_err(failed)?;
    let meta = file.metadata().map_err(failed)?;
    let below = path.strip_prefix(out).unwrap_or(path).components();
    let parts: Vec<_> = below.map(|part| part.as_os_str().to_string_lossy()).collect();
    Ok(Entry {
        path: parts.join("/"),
        size: meta.len(),
        modified: meta.modified().ok().map(OffsetDateTime::from),
        c4: mhl::C4::read(file).map_err(failed)?,
    })
}
