//! The studio folder: keys, registry, and who we are.
//!
//! ```text
//! keys/root.pem         names the studio; needed again only for new keys and revocations, so it may move to a safe
//! keys/sign.pem         signs vendor records, delegations, hand-overs, receipts
//! keys/log.pem          signs the states of our log
//! keys/witness.pem      signs the states of others' logs that we have seen
//! keys/box.pem          opens what is sealed to us
//! keys/watermark.pem    root of all watermark secrets; lost, no mark can be found again
//! party.json            our party document
//! registry.db           every document, hand-over and frame
//! ```
//!
//! Looking needs no secrets; [`Studio::unlock`] gives those that signing and marking need.

mod audit;
mod backup;
mod create;
mod deliver;
mod enrol;
mod filing;
mod ground;
mod issue;
mod receive;
mod renew;

pub use audit::Audit;
pub use backup::Restored;
pub use deliver::Delivered;
pub(crate) use enrol::closed_name;
pub use enrol::{Accepted, Recipient, Terms};
pub use filing::{FiledLine, Outcome};
pub use ground::{Branch, Ground};
pub use issue::{Issued, Order};
pub use receive::{Received, Seen, ToReceive};
pub use renew::Revoked;

use crate::document::{BadFrames, DocumentError, Envelope, Party};
use crate::keys::tree::NodeSecret;
use crate::keys::{self, KeyError, NoRandomness, Opener, Passphrase, Signer, WatermarkRoot};
use crate::moment::NotAMoment;
use crate::store::{Project, Registry, StoreError};
use crate::{Handle, Kid, MarkId, Moment, RuleBroken, VerifiedHandover, chain};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

const ROOT_KEY: &str = "keys/root.pem";
const SIGN_KEY: &str = "keys/sign.pem";
const WATERMARK_KEY: &str = "keys/watermark.pem";
const LOG_KEY: &str = "keys/log.pem";
const WITNESS_KEY: &str = "keys/witness.pem";
const BOX_KEY: &str = "keys/box.pem";
const PARTY: &str = "party.json";
const REGISTRY: &str = "registry.db";

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
    /// Signs our log; a studio from before there was one gets it with `tiermark rotate`.
    pub log: Option<Signer>,
    /// Cosigns others' logs.
    pub witness: Option<Signer>,
    /// Opens what is sealed to us.
    pub opener: Option<Opener>,
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
    /// The studio was made before it needed this key.
    #[error("{}: there is no such key yet; make it with `tiermark rotate`", .path.display())]
    NoKey {
        /// The key file.
        path: PathBuf,
    },
    /// Nobody of this name is known.
    #[error(
        "nobody called {0} is known; import its party file with `tiermark party import`, or add it with `tiermark vendor add`"
    )]
    Nobody(Handle),
    /// Several parties call themselves so.
    #[error("{0} parties call themselves {1}; name one by its fingerprint")]
    Several(usize, Handle),
    /// We may not do this here.
    #[error("{0}")]
    MayNot(String),
    /// A packet lacks something, or something in it does not hold.
    #[error("{0}")]
    Packet(String),
    /// A rule of the chain does not hold.
    #[error(transparent)]
    Rule(#[from] RuleBroken),
    /// A note of a log cannot be written.
    #[error(transparent)]
    Note(#[from] crate::log::NoteError),
    /// The clock is far off.
    #[error(transparent)]
    Clock(#[from] NotAMoment),
    /// No randomness.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

impl Studio {
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
        let folder = &self.folder;
        let later = |name: &str| Some(folder.join(name)).filter(|path| path.exists());
        let signer = |path: PathBuf| keys::read_signer(&path, passphrase);
        // Opening a file costs memory on purpose, and so time; two at once are the usual number of cores.
        let (first, second) = std::thread::scope(|scope| {
            let others = scope.spawn(|| {
                let witness = later(WITNESS_KEY).map(signer).transpose()?;
                let opener = later(BOX_KEY).map(|path| Opener::read(&path, passphrase)).transpose()?;
                Ok::<_, KeyError>((witness, opener))
            });
            let ours = signer(sign_path.clone()).and_then(|sign| {
                let watermark = keys::read_watermark_root(&watermark_path, passphrase)?;
                Ok((sign, watermark, later(LOG_KEY).map(signer).transpose()?))
            });
            (ours, others.join().expect("reading a key does not panic"))
        });
        let ((sign, watermark, log), (witness, opener)) = (first?, second?);
        if self.party.signing_key(sign.public().kid()).is_none() {
            return Err(StudioError::ForeignKey { path: sign_path });
        }
        let secrets = Secrets { sign, watermark, log, witness, opener };
        // The cipher has no seal of its own: a bent file could open to other secrets, and every mark made with
        // them would be lost.
        if secrets.node(&self.project).commitment() != self.project.node_commit {
            return Err(StudioError::ForeignKey { path: watermark_path });
        }
        Ok(secrets)
    }

    /// Follows a mark to a name; our own root is the one that is trusted.
    ///
    /// # Errors
    /// The rule that was broken; then nobody may be named.
    pub fn verify(&self, mark: MarkId) -> Result<VerifiedHandover, RuleBroken> {
        self.verify_from(mark, self.root())
    }

    /// The same where another root is trusted: the producer of a project in which we were delegated to.
    ///
    /// # Errors
    /// As [`Studio::verify`].
    pub fn verify_from(&self, mark: MarkId, root: Kid) -> Result<VerifiedHandover, RuleBroken> {
        chain::verify_handover(&self.registry, mark, root)
    }

    /// The chains that hand-overs make, each from the producer down.
    ///
    /// # Errors
    /// The rule that an upstream document breaks.
    pub fn lineage(&self, read: &[VerifiedHandover], root: Kid) -> Result<Vec<Vec<chain::Link>>, RuleBroken> {
        chain::lineage(&self.registry, read, root)
    }
}

impl Secrets {
    /// Our own node in a project: what all our marks there hang on.
    pub fn node(&self, project: &Project) -> NodeSecret {
        self.watermark.project(project.id, project.epoch)
    }
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
