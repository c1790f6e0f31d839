//! At a vendor: a folder that came is compared with what was signed, and answered.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use tiermark_ledger::studio::Seen;
use tiermark_ledger::{Digest, Packet, Secrets, Studio};
use time::OffsetDateTime;

use crate::inputs::{Inputs, Links, why};
use crate::sink::{Part, digest_of_file, read_bounded};
use crate::stamp::PACKET;

/// How the names of receipts end: `<mark>.receipt.json`.
pub const RECEIPT: &str = ".receipt.json";

/// One hand-over that lay in a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Received {
    /// Its packet.
    pub packet: PathBuf,
    /// Its mark.
    pub handover: Option<String>,
    /// Who gave it.
    pub from: Option<String>,
    /// Files with the bytes that were signed.
    pub right: usize,
    /// Files that are not there.
    pub missing: Vec<String>,
    /// Files with other bytes.
    pub changed: Vec<String>,
    /// The receipt that was written; send it back.
    pub receipt: Option<PathBuf>,
    /// Why there is none.
    pub reason: Option<String>,
}

/// Check every hand-over to us in a folder, and write a receipt for each of which all files are there; with `incomplete`,
/// also for those of which some are.
///
/// Nothing in the folder is changed; receipts are written beside the packets. Running it again writes none twice.
pub fn receive(
    studio: &Studio,
    secrets: &Secrets,
    folder: &Path,
    incomplete: bool,
    now: OffsetDateTime,
) -> Vec<Received> {
    let inputs = Inputs::find(&[folder.to_path_buf()], Links::Report);
    let packets = inputs.files.iter().filter(|file| file.name.ends_with(PACKET));
    packets.map(|file| one(studio, secrets, &file.path, incomplete, now)).collect()
}

fn one(studio: &Studio, secrets: &Secrets, path: &Path, incomplete: bool, now: OffsetDateTime) -> Received {
    let mut line = Received {
        packet: path.to_path_buf(),
        handover: None,
        from: None,
        right: 0,
        missing: Vec::new(),
        changed: Vec::new(),
        receipt: None,
        reason: None,
    };
    match answered(studio, secrets, &mut line, incomplete, now) {
        Ok(receipt) => line.receipt = Some(receipt),
        Err(reason) => line.reason = Some(reason),
    }
    line
}

fn answered(
    studio: &Studio,
    secrets: &Secrets,
    line: &mut Received,
    incomplete: bool,
    now: OffsetDateTime,
) -> Result<PathBuf, String> {
    let path = line.packet.clone();
    let bytes = read_bounded(&path, Packet::MAX_BYTES).map_err(|error| why(&path, &error))?;
    let packet = Packet::parse(&bytes).map_err(|error| error.to_string())?;
    let what = studio.to_receive(packet, now).map_err(|error| error.to_string())?;
    line.handover = Some(what.mark().to_string());
    line.from = Some(what.from.as_str().to_owned());
    let folder = path.parent().unwrap_or(Path::new("."));
    let seen = what.compare(&there(folder, &what.files));
    let Seen { right, missing, changed } = &seen;
    (line.right, line.missing, line.changed) = (right.len(), missing.clone(), changed.clone());
    let whole = missing.is_empty() && changed.is_empty();
    if !whole && !incomplete {
        return Err(format!(
            "{} files are missing and {} are not as they left; ask for them again, or answer for the rest with --incomplete",
            missing.len(),
            changed.len()
        ));
    }
    let receipt = folder.join(format!("{}{RECEIPT}", what.mark()));
    if receipt.exists() {
        return Ok(receipt);
    }
    let received = studio.receive(secrets, &what, &seen, now).map_err(|error| error.to_string())?;
    let part = Part::write(&receipt, &received.packet.to_json());
    part.and_then(Part::commit).map_err(|error| why(&receipt, &error))?;
    Ok(receipt)
}

/// The digests of those files that are there. A name out of a document never leads out of the folder.
fn there(folder: &Path, files: &[(String, Digest)]) -> BTreeMap<String, Digest> {
    let inside = |name: &str| {
        let path = Path::new(name);
        path.components()
            .all(|part| matches!(part, std::path::Component::Normal(_)))
            .then(|| folder.join(path))
    };
    let digest = |name: &str| {
        let (digest, _) = digest_of_file(&inside(name)?).ok()?;
        Some((name.to_owned(), digest))
    };
    files.iter().filter_map(|(name, _)| digest(name)).collect()
}
