//! The studio folder: keys, registry, and who we are.
//!
//! ```text
//! keys/root.pem         names the studio; needed again only for new keys, so it may move to a safe
//! keys/sign.pem         signs vendor records and hand-overs
//! keys/watermark.pem    root of all watermark secrets; lost, no mark can be found again
//! party.json            our party document
//! registry.db           every document, hand-over and frame
//! ```
//!
//! Looking needs no secrets; [`Studio::unlock`] gives those that signing and marking need.

use crate::document::{
    BadFrames, DocumentError, Envelope, FrameList, FramesRoot, Handover, Nonce, Party, Source,
};
use crate::document::{Tool, Vendor, Watermark};
use crate::keys::tree::{Direction, NodeSecret};
use crate::keys::{self, KeyError, NoRandomness, Passphrase, Signer, WatermarkRoot};
use crate::moment::NotAMoment;
use crate::store::{HandoverRow, Project, Registry, StoreError, VendorRow};
use crate::{Digest, Handle, Kid, MarkId, Moment, RuleBroken, VerifiedHandover, chain};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use time::OffsetDateTime;
use uuid::Uuid;

/// An open studio folder.
pub struct Studio {
    folder: PathBuf,
    party: Party,
    registry: Registry,
    project: Project,
}

/// The secrets of an unlocked studio; they cannot be printed and are zeroed when dropped.
pub struct Secrets {
    /// Signs documents.
    pub sign: Signer,
    /// The root of all watermark secrets.
    pub watermark: WatermarkRoot,
}

/// A hand-over that was signed and recorded just now; none of its frames has left.
#[must_use = "its frames still have to be marked"]
pub struct Issued {
    /// The hand-over in the registry.
    pub row: HandoverRow,
    /// Its frames, numbered.
    pub frames: FrameList,
}

/// Why a studio could not do something.
#[derive(Debug, thiserror::Error)]
pub enum StudioError {
    /// The folder holds no studio.
    #[error("{}: no studio here; make one with `tiermark init`", .folder.display())]
    NotAStudio {
        /// The folder.
        folder: PathBuf,
    },
    /// The place is taken.
    #[error("{}: there is something already; choose another folder", .folder.display())]
    AlreadyThere {
        /// The folder.
        folder: PathBuf,
    },
    /// The party document is damaged.
    #[error("{}: {source}; put back the copy from your backup", .path.display())]
    Party {
        /// The document.
        path: PathBuf,
        /// What was wrong.
        source: DocumentError,
    },
    /// A key file belongs to another studio.
    #[error("{}: this key belongs to another studio; put back your own from a backup", .path.display())]
    ForeignKey {
        /// The key file.
        path: PathBuf,
    },
    /// The clock stands before the keys were made: nothing signed now would ever be believed.
    #[error("the clock says {now}, but the signing key counts only from {from} on; set the clock")]
    ClockBehind {
        /// What the clock says.
        now: Moment,
        /// Since when the key counts.
        from: Moment,
    },
    /// The disk refused.
    #[error("{}: {source}", .path.display())]
    Disk {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A key file could not be read or written.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The registry could not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A document cannot be written.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The frames cannot stand in one hand-over.
    #[error(transparent)]
    Frames(#[from] BadFrames),
    /// The clock is far off.
    #[error(transparent)]
    Clock(#[from] NotAMoment),
    /// No randomness.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

const ROOT_KEY: &str = "keys/root.pem";
const SIGN_KEY: &str = "keys/sign.pem";
const WATERMARK_KEY: &str = "keys/watermark.pem";
const PARTY: &str = "party.json";
const REGISTRY: &str = "registry.db";

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

    /// Opens a studio to work in it.
    ///
    /// # Errors
    /// When there is none, or its party document or registry cannot be read.
    pub fn open(folder: &Path) -> Result<Self, StudioError> {
        Self::open_with(folder, Registry::open)
    }

    /// Opens a studio to look only, also where nothing can be written.
    ///
    /// # Errors
    /// As [`Studio::open`].
    pub fn open_read_only(folder: &Path) -> Result<Self, StudioError> {
        Self::open_with(folder, Registry::open_read_only)
    }

    fn open_with(
        folder: &Path,
        open: impl FnOnce(&Path) -> Result<Registry, StoreError>,
    ) -> Result<Self, StudioError> {
        let path = folder.join(PARTY);
        let json = match read_bounded(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                return Err(StudioError::NotAStudio { folder: folder.to_owned() });
            }
            read => read.map_err(disk(&path))?,
        };
        let party = Envelope::from_json(&json).and_then(|envelope| Party::open(&envelope));
        let party = party.map_err(|source| StudioError::Party { path, source })?;
        let registry = open(&folder.join(REGISTRY))?;
        let project = registry.default_project()?;
        Ok(Self { folder: folder.to_owned(), party, registry, project })
    }

    /// Where the studio is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Our own party document.
    pub fn party(&self) -> &Party {
        &self.party
    }

    /// The kid of our root: our name, and the root that our own traces trust.
    pub fn root(&self) -> Kid {
        self.party.root_kid()
    }

    /// The registry.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The project that is meant when nobody names one.
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// The secrets for signing and marking; the root key stays closed.
    ///
    /// # Errors
    /// When the passphrase is wrong, a key file is damaged, or belongs to another studio.
    pub fn unlock(&self, passphrase: &Passphrase) -> Result<Secrets, StudioError> {
        let (sign_path, watermark_path) = (self.folder.join(SIGN_KEY), self.folder.join(WATERMARK_KEY));
        let sign = keys::read_signer(&sign_path, passphrase)?;
        let watermark = keys::read_watermark_root(&watermark_path, passphrase)?;
        if self.party.signing_key(sign.public().kid()).is_none() {
            return Err(StudioError::ForeignKey { path: sign_path });
        }
        let secrets = Secrets { sign, watermark };
        // The cipher has no seal of its own: a bent file could open to other secrets, and every mark made with
        // them would be lost.
        if secrets.node(&self.project).commitment() != self.project.node_commit {
            return Err(StudioError::ForeignKey { path: watermark_path });
        }
        Ok(secrets)
    }

    /// Signs and keeps the record of a vendor that has no keys.
    ///
    /// # Errors
    /// When there is a vendor of that name, the clock is behind, or the registry cannot be written to.
    pub fn add_vendor(
        &self,
        secrets: &Secrets,
        handle: &Handle,
        note: Option<&str>,
        now: OffsetDateTime,
    ) -> Result<VendorRow, StudioError> {
        let added_at = self.signing_time(secrets, now)?;
        let note = note.map(crate::name::nfc);
        let vendor = Vendor { handle: handle.clone(), issuer: self.root(), added_at, note };
        let envelope = Envelope::seal(&vendor, &secrets.sign)?;
        Ok(self.registry.add_vendor(&envelope, &vendor)?)
    }

    /// Signs a hand-over of these files to a vendor and keeps it; after that they may be marked.
    ///
    /// # Errors
    /// When the files cannot stand in one hand-over, the clock is behind, or the registry cannot be written to.
    pub fn hand_over(
        &self,
        secrets: &Secrets,
        vendor: &VendorRow,
        sources: &[Source],
        now: OffsetDateTime,
    ) -> Result<Issued, StudioError> {
        let frames = FrameList::new(sources)?;
        let issued_at = self.signing_time(secrets, now)?;
        let mut document = self.first_link(secrets, vendor, &frames, issued_at)?;
        loop {
            let envelope = Envelope::seal(&document, &secrets.sign)?;
            match self.registry.add_handover(&envelope, &document, &frames) {
                // One in 2^64 for each hand-over there is; a second draw ends it.
                Err(StoreError::TwinMark(_)) => document.nonce = Nonce::draw()?,
                answer => return Ok(Issued { row: answer?, frames }),
            }
        }
    }

    /// Follows a mark to a name; our own root is the one that is trusted.
    ///
    /// # Errors
    /// The rule that was broken; then nobody may be named.
    pub fn verify(&self, mark: MarkId) -> Result<VerifiedHandover, RuleBroken> {
        chain::verify_handover(&self.registry, mark, self.root())
    }

    fn first_link(
        &self,
        secrets: &Secrets,
        vendor: &VendorRow,
        frames: &FrameList,
        issued_at: Moment,
    ) -> Result<Handover, StudioError> {
        let (direction, depth) = (Direction::Down, 1);
        let slot = secrets.node(&self.project).slot(direction, depth);
        Ok(Handover {
            issuer: self.root(),
            recipient: vendor.party(),
            recipient_record: Some(vendor.record),
            recipient_delegation: None,
            issuer_delegation: None,
            upstream: Vec::new(),
            direction,
            depth,
            project: self.project.id,
            epoch: self.project.epoch,
            frames: FramesRoot::of(frames),
            frames_file: Digest::of(frames.file()),
            wm: Watermark::committing(&slot, frames),
            issued_at,
            nonce: Nonce::draw()?,
            tool: Tool::this(),
        })
    }

    /// Now, if a document signed now would be believed later.
    fn signing_time(&self, secrets: &Secrets, now: OffsetDateTime) -> Result<Moment, StudioError> {
        let now = Moment::at(now)?;
        let declared = self.party.signing_key(secrets.sign.public().kid());
        let (key, _) =
            declared.ok_or_else(|| StudioError::ForeignKey { path: self.folder.join(SIGN_KEY) })?;
        if key.counts_at(now) { Ok(now) } else { Err(StudioError::ClockBehind { now, from: key.from }) }
    }
}

impl Secrets {
    /// Our own node in a project: what all our marks there hang on.
    pub fn node(&self, project: &Project) -> NodeSecret {
        self.watermark.project(project.id, project.epoch)
    }
}

/// Makes a whole studio in a folder that nobody looks at.
fn fill(folder: &Path, handle: &Handle, passphrase: &Passphrase, now: Moment) -> Result<(), StudioError> {
    let keys_folder = folder.join("keys");
    make_private(folder).and_then(|()| make_private(&keys_folder)).map_err(disk(folder))?;
    let (root, sign) = (Signer::from_seed(&*keys::fresh()?), Signer::from_seed(&*keys::fresh()?));
    let watermark = WatermarkRoot::fresh()?;
    keys::write_signer(&folder.join(ROOT_KEY), &root, passphrase)?;
    keys::write_signer(&folder.join(SIGN_KEY), &sign, passphrase)?;
    keys::write_watermark_root(&folder.join(WATERMARK_KEY), &watermark, passphrase)?;
    let party = Party::first(handle.clone(), &root.public(), &sign.public(), now);
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
    let mut hidden = std::ffi::OsString::from(".");
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

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    keys::sync_folder_of(path)
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(Envelope::MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn disk(path: &Path) -> impl Fn(io::Error) -> StudioError {
    let path = path.to_owned();
    move |source| StudioError::Disk { path: path.clone(), source }
}
