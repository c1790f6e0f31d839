//! Copies of the whole studio, and back.

use super::create::write_synced;
use super::{PARTY, REGISTRY, Studio, StudioError, disk};
use crate::Moment;
use crate::keys;
use crate::log::{SignedCheckpoint, TlogProof};
use crate::packet::Packet;
use crate::store::StoreError;
use std::fs;
use std::path::Path;
use time::OffsetDateTime;

/// A studio that was made from a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The name of its log from now on.
    pub origin: String,
    /// Lines of the log in the backup.
    pub size: u64,
    /// The most that others are known to have seen.
    pub seen: u64,
}

impl Studio {
    /// Copies registry, keys and party document to a folder that does not exist yet. Keys stay under their passphrase.
    ///
    /// # Errors
    /// When the folder exists, or the disk refuses.
    pub fn backup(&self, out: &Path) -> Result<(), StudioError> {
        fs::create_dir(out).map_err(disk(out))?;
        self.registry.copy_to(&out.join(REGISTRY))?;
        copy_files(&self.folder, out)
    }

    /// Makes a studio from a backup, in a folder that does not exist yet.
    ///
    /// With `same_log` the log goes on, unless one of the packets proves that others have seen more of it than is in the
    /// backup. Without, a new log begins that says where the old one ended: forking by accident would look like fraud.
    ///
    /// # Errors
    /// When the folder exists, the backup is none, the log would fork, or the disk refuses.
    pub fn restore(
        from: &Path,
        folder: &Path,
        seen: &[Packet],
        same_log: bool,
        now: OffsetDateTime,
    ) -> Result<Restored, StudioError> {
        let backup = Self::open_read_only(from)?;
        let status = backup.registry.log_status(backup.root())?;
        let most = most_seen(seen, &status.origin).max(status.seen.unwrap_or(0));
        if same_log && most > status.size {
            return Err(StoreError::Forked { seen: most, here: status.size }.into());
        }
        fs::create_dir(folder).map_err(disk(folder))?;
        backup.registry.copy_to(&folder.join(REGISTRY))?;
        copy_files(from, folder)?;
        let studio = Self::open(folder)?;
        let origin = match same_log {
            true => status.origin,
            false => studio.registry.new_log_epoch(studio.root(), Moment::at(now)?)?,
        };
        Ok(Restored { origin, size: status.size, seen: most })
    }
}

/// The largest size of a log that stands in what others sent.
fn most_seen(packets: &[Packet], origin: &str) -> u64 {
    let notes = packets.iter().flat_map(|packet| {
        let notes =
            packet.checkpoints.iter().filter_map(|text| SignedCheckpoint::parse(text.as_bytes()).ok());
        let proofs = packet.proofs.iter().filter_map(|held| TlogProof::parse(held.proof.as_bytes()).ok());
        notes.chain(proofs.map(|proof| proof.checkpoint))
    });
    let ours = notes.filter(|note| note.checkpoint().origin == origin);
    ours.map(|note| note.checkpoint().size).max().unwrap_or(0)
}

fn copy_files(from: &Path, to: &Path) -> Result<(), StudioError> {
    let keys_folder = to.join("keys");
    fs::create_dir(&keys_folder).map_err(disk(&keys_folder))?;
    #[cfg(unix)]
    for folder in [to, &keys_folder] {
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        fs::set_permissions(folder, private).map_err(disk(folder))?;
    }
    let there = from.join("keys");
    for entry in fs::read_dir(&there).map_err(disk(&there))? {
        let path = entry.map_err(disk(&there))?.path();
        if path.extension().is_some_and(|extension| extension == "pem")
            && let Some(name) = path.file_name()
        {
            // `copy` keeps the permissions: its owner alone may read it.
            fs::copy(&path, keys_folder.join(name)).map_err(disk(&path))?;
        }
    }
    let party = fs::read(from.join(PARTY)).map_err(disk(&from.join(PARTY)))?;
    write_synced(&to.join(PARTY), &party).map_err(disk(&to.join(PARTY)))?;
    keys::sync_folder_of(&to.join(PARTY)).map_err(disk(to))
}
