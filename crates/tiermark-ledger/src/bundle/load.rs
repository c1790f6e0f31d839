//! Reading a bundle's folder.

use crate::chain::{Documents, Listed, LoggedLeaf};
use crate::document::{Document, Envelope, Finding, Handover, Party};
use crate::log::TlogProof;
use crate::store::StoreError;
use crate::{Digest, DocId, Kid, MarkId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A bundle in memory; nothing in it has been checked.
pub struct Bundle {
    folder: PathBuf,
    pub(super) documents: BTreeMap<DocId, Envelope>,
    /// Party documents that their own roots signed, by root.
    parties: BTreeMap<Kid, Vec<Envelope>>,
    proofs: BTreeMap<DocId, Vec<LoggedLeaf>>,
    frames: BTreeMap<DocId, Vec<Frame>>,
    /// The exhibit.
    pub(super) finding: Envelope,
}

/// One line of a frame list, shown by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Frame {
    /// The hand-over.
    pub(super) handover: DocId,
    /// The place in its list.
    pub(super) index: u32,
    /// The line.
    pub(super) line: String,
    /// What leads from the line to the root.
    pub(super) path: Vec<Digest>,
}

/// Why a folder is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// A file cannot be read or written.
    #[error("{}: {source}", .path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A file is not what its place says.
    #[error("{}: {why}", .path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

/// Most files in one folder of a bundle.
const MOST_FILES: usize = 10_000;
/// Most bytes of a document, proof or line.
const MOST_BYTES: u64 = 256 * 1024;

impl Bundle {
    /// Reads a bundle.
    ///
    /// # Errors
    /// When a file is missing, too large, or not what its place says.
    pub fn open(folder: &Path) -> Result<Self, BundleError> {
        let path = folder.join("finding.dsse.json");
        let limit = 2 * Finding::MOST_BYTES;
        let finding = Envelope::from_json_within(&read(&path, limit as u64)?, limit)
            .map_err(|e| BundleError::Wrong { path: path.clone(), why: e.to_string() })?;
        let mut documents = BTreeMap::new();
        for path in files(&folder.join("docs"), ".dsse.json")? {
            let envelope = envelope(&path, &read(&path, MOST_BYTES)?)?;
            documents.insert(envelope.doc_id(), envelope);
        }
        let mut parties: BTreeMap<Kid, Vec<Envelope>> = BTreeMap::new();
        for envelope in documents.values() {
            if let Ok(party) = Party::open(envelope) {
                parties.entry(party.root_kid()).or_default().push(envelope.clone());
            }
        }
        let mut proofs: BTreeMap<DocId, Vec<LoggedLeaf>> = BTreeMap::new();
        for path in files(&folder.join("log"), ".tlog-proof")? {
            let wrong = |why: String| BundleError::Wrong { path: path.clone(), why };
            let proof = read(&path, MOST_BYTES)?;
            TlogProof::parse(&proof).map_err(|e| wrong(e.to_string()))?;
            let leaf = read(&path.with_extension("leaf"), MOST_BYTES)?;
            let parsed = crate::log::Leaf::parse(&leaf).map_err(|e| wrong(e.to_string()))?;
            let document = DocId::from_bytes(*parsed.id.as_bytes());
            let proof = String::from_utf8(proof).map_err(|_| wrong("not UTF-8".to_owned()))?;
            proofs.entry(document).or_default().push(LoggedLeaf { leaf, proof });
        }
        let mut frames: BTreeMap<DocId, Vec<Frame>> = BTreeMap::new();
        for path in files(&folder.join("frames"), ".json")? {
            let frame: Frame = serde_json::from_slice(&read(&path, MOST_BYTES)?)
                .map_err(|e| BundleError::Wrong { path: path.clone(), why: e.to_string() })?;
            frames.entry(frame.handover).or_default().push(frame);
        }
        Ok(Self { folder: folder.to_owned(), documents, parties, proofs, frames, finding })
    }

    /// A file of the bundle, by its name in the finding: one that leads out of the folder is none.
    pub(super) fn file(&self, name: &str) -> Result<Vec<u8>, BundleError> {
        let plain =
            |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains(['\\', ':']);
        let path = self.folder.join(name);
        if !name.split('/').all(plain) {
            return Err(BundleError::Wrong { path, why: "a name that leads out of the bundle".to_owned() });
        }
        // A folder of the bundle that is a link leads out, too.
        let mut folder = self.folder.clone();
        for part in name.split('/').take(name.matches('/').count()) {
            folder.push(part);
            real_folder(&folder)?;
        }
        read(&path, 1 << 30)
    }
}

/// Refuses a folder that is a link.
fn real_folder(folder: &Path) -> Result<bool, BundleError> {
    match fs::symlink_metadata(folder) {
        Ok(meta) if meta.is_dir() => Ok(true),
        Ok(_) => Err(BundleError::Wrong {
            path: folder.to_owned(),
            why: "a link, and no folder of the bundle".to_owned(),
        }),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(BundleError::Disk { path: folder.to_owned(), source }),
    }
}

fn envelope(path: &Path, bytes: &[u8]) -> Result<Envelope, BundleError> {
    Envelope::from_json(bytes).map_err(|e| BundleError::Wrong { path: path.to_owned(), why: e.to_string() })
}

pub(super) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, BundleError> {
    let disk = |source| BundleError::Disk { path: path.to_owned(), source };
    // A link may lead anywhere.
    let meta = fs::symlink_metadata(path).map_err(disk)?;
    if !meta.is_file() || meta.len() > limit {
        let why = "a link, or larger than any such file is".to_owned();
        return Err(BundleError::Wrong { path: path.to_owned(), why });
    }
    let mut bytes = Vec::new();
    fs::File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)).map_err(disk)?;
    Ok(bytes)
}

/// The files with this ending in a folder, in order; none where there is no folder.
fn files(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, BundleError> {
    let disk = |source| BundleError::Disk { path: folder.to_owned(), source };
    if !real_folder(folder)? {
        return Ok(Vec::new());
    }
    let mut paths = Vec::new();
    for (count, entry) in fs::read_dir(folder).map_err(disk)?.enumerate() {
        if count == MOST_FILES {
            let why = format!("more than {MOST_FILES} files, which no bundle has");
            return Err(BundleError::Wrong { path: folder.to_owned(), why });
        }
        let path = entry.map_err(disk)?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(ending)) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

impl Documents for Bundle {
    fn document(&self, id: DocId) -> Result<Option<Envelope>, StoreError> {
        Ok(self.documents.get(&id).cloned())
    }

    fn parties(&self, root: Kid) -> Result<Vec<Envelope>, StoreError> {
        Ok(self.parties.get(&root).cloned().unwrap_or_default())
    }

    fn roots(&self, kid16: &str) -> Result<Vec<Kid>, StoreError> {
        let named = |root: &&Kid| kid16.len() == 16 && root.to_string().starts_with(kid16);
        Ok(self.parties.keys().filter(named).copied().collect())
    }

    fn marked(&self, mark: MarkId) -> Result<Vec<(DocId, Envelope)>, StoreError> {
        let marked = self.documents.iter().filter(|(id, envelope)| {
            id.mark_id() == mark && envelope.claimed_type().as_deref() == Some(Handover::TYPE)
        });
        Ok(marked.map(|(id, envelope)| (*id, envelope.clone())).collect())
    }

    fn about(&self, target: Digest, kind: &str) -> Result<Vec<Envelope>, StoreError> {
        Ok(self.documents.values().filter(|envelope| speaks_of(envelope, target, kind)).cloned().collect())
    }

    fn frames(&self, handover: DocId) -> Result<Option<Listed>, StoreError> {
        let shown = self.frames.get(&handover).into_iter().flatten();
        let line = |frame: &Frame| (frame.index, frame.line.clone().into_bytes(), frame.path.clone());
        Ok(Some(Listed::Some(shown.map(line).collect())))
    }

    fn proofs(&self, document: DocId) -> Result<Vec<LoggedLeaf>, StoreError> {
        Ok(self.proofs.get(&document).cloned().unwrap_or_default())
    }
}

/// Whether a document is of this kind and speaks of this thing, as the registry would have filed it.
fn speaks_of(envelope: &Envelope, target: Digest, kind: &str) -> bool {
    use crate::document::{Delegation, Delivery, Receipt, Revocation};
    let typed = envelope.claimed_type().is_some_and(|claimed| claimed == format!("tiermark:{kind}/v1"));
    let id = DocId::from_bytes(*target.as_bytes());
    typed
        && match kind {
            Delegation::KIND => envelope
                .claim::<Delegation>()
                .is_ok_and(|claim| claim.subject == Kid::from_bytes(*target.as_bytes())),
            Delivery::KIND => envelope.claim::<Delivery>().is_ok_and(|claim| claim.handover == id),
            Receipt::KIND => envelope.claim::<Receipt>().is_ok_and(|claim| claim.handover == id),
            Revocation::KIND => envelope.claim::<Revocation>().is_ok_and(|claim| claim.target == target),
            _ => false,
        }
}
