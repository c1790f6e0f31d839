//! Making the studio folder, all of it or nothing.

use super::{
    BOX_KEY, LOG_KEY, PARTY, REGISTRY, ROOT_KEY, SIGN_KEY, Studio, StudioError, WATERMARK_KEY, WITNESS_KEY,
    disk,
};
use crate::document::{DeclaredKey, Party, Usage};
use crate::keys::{self, Opener, Passphrase, Signer, WatermarkRoot};
use crate::store::{Project, Registry};
use crate::{Handle, Moment};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use time::OffsetDateTime;
use uuid::Uuid;

impl Studio {
    /// A new studio with new keys, in a folder that does not exist or is empty.
    ///
    /// Everything is made in a hidden folder beside it and then renamed: a killed run leaves no half studio.
    ///
    /// # Errors
    /// When the place is taken, the disk refuses, or there is no randomness.
    pub fn create(
        folder: &Path,
        handle: &Handle,
        passphrase: &Passphrase,
        now: OffsetDateTime,
    ) -> Result<Self, StudioError> {
        let now = Moment::at(now)?;
        let folder = &std::path::absolute(folder).map_err(disk(folder))?;
        let taken = || StudioError::AlreadyThere { folder: folder.to_owned() };
        if !is_free(folder) {
            return Err(taken());
        }
        let hidden = hidden_beside(folder)?;
        let made = fill(&hidden, handle, passphrase, now).and_then(|()| {
            // On some systems a folder cannot be renamed over another one, even an empty one.
            let _ = fs::remove_dir(folder);
            let renamed = fs::rename(&hidden, folder).and_then(|()| keys::sync_folder_of(folder));
            renamed.map_err(|e| if is_free(folder) { disk(folder)(e) } else { taken() })
        });
        if made.is_err() {
            let _ = fs::remove_dir_all(&hidden);
        }
        made?;
        Self::open(folder)
    }
}

/// Makes a whole studio in a folder that nobody looks at.
fn fill(folder: &Path, handle: &Handle, passphrase: &Passphrase, now: Moment) -> Result<(), StudioError> {
    let keys_folder = folder.join("keys");
    make_private(folder).and_then(|()| make_private(&keys_folder)).map_err(disk(folder))?;
    let signer = || keys::fresh().map(|seed| Signer::from_seed(&seed));
    let (root, sign, log, witness) = (signer()?, signer()?, signer()?, signer()?);
    let (watermark, opener) = (WatermarkRoot::fresh()?, Opener::fresh()?);
    for (name, key) in [(ROOT_KEY, &root), (SIGN_KEY, &sign), (LOG_KEY, &log), (WITNESS_KEY, &witness)] {
        keys::write_signer(&folder.join(name), key, passphrase)?;
    }
    keys::write_watermark_root(&folder.join(WATERMARK_KEY), &watermark, passphrase)?;
    opener.write(&folder.join(BOX_KEY), passphrase)?;
    let mut party = Party::first(handle.clone(), &root.public(), &sign.public(), now);
    party.keys.extend([
        DeclaredKey::ed25519(Usage::Log, &log.public(), now),
        DeclaredKey::ed25519(Usage::Witness, &witness.public(), now),
        DeclaredKey::sealing(&opener.public(), now),
    ]);
    let envelope = party.seal(&root)?;
    write_synced(&folder.join(PARTY), &envelope.to_json()).map_err(disk(&folder.join(PARTY)))?;
    let registry = Registry::create(&folder.join(REGISTRY))?;
    registry.add_party(&envelope, &party)?;
    let id = uuid::Builder::from_random_bytes(*keys::fresh()?).into_uuid();
    registry.add_project(&first_epoch(id, &watermark))?;
    Ok(())
}

fn first_epoch(id: Uuid, watermark: &WatermarkRoot) -> Project {
    let epoch = 0;
    Project { id, epoch, node_commit: watermark.project(id, epoch).commitment() }
}

fn is_free(folder: &Path) -> bool {
    match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(e) => e.kind() == io::ErrorKind::NotFound,
    }
}

fn hidden_beside(folder: &Path) -> Result<PathBuf, StudioError> {
    let (Some(parent), Some(name)) = (folder.parent(), folder.file_name()) else {
        return Err(StudioError::AlreadyThere { folder: folder.to_owned() });
    };
    fs::create_dir_all(parent).map_err(disk(parent))?;
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".init-{:08x}", u32::from_le_bytes(*keys::fresh()?)));
    Ok(parent.join(hidden))
}

fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

pub(super) fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    keys::sync_folder_of(path)
}
