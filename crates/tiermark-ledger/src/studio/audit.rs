//! The whole log read again, and others' logs cosigned.

use super::{Secrets, Studio, StudioError, WITNESS_KEY};
use crate::chain;
use crate::document::merkle;
use crate::log::{Leaf, LeafKind, SignedCheckpoint};
use crate::packet::Packet;
use crate::{Digest, DocId, MarkId};
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// What reading the whole log gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// Leaves read.
    pub leaves: u64,
    /// Checkpoints of it that were compared.
    pub checkpoints: usize,
    /// What is wrong, in words; empty if nothing is.
    pub wrong: Vec<String>,
}

impl Studio {
    /// Reads every leaf of our log again: the tree above, every checkpoint that was signed, the documents, and marks that
    /// two hand-overs share.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn audit(&self) -> Result<Audit, StudioError> {
        let leaves = self.registry.leaves()?;
        let status = self.registry.log_status(self.root())?;
        let mut wrong = Vec::new();
        let hashes: Vec<Digest> = leaves.iter().map(|leaf| merkle::leaf(leaf)).collect();
        if merkle::root(&hashes) != status.root {
            wrong.push("the tree is not the one over its leaves".to_owned());
        }
        let mut marks: BTreeMap<MarkId, DocId> = BTreeMap::new();
        for (index, bytes) in leaves.iter().enumerate() {
            let Ok(leaf) = Leaf::parse(bytes) else {
                wrong.push(format!("leaf {index} is no leaf"));
                continue;
            };
            let id = DocId::from_bytes(*leaf.id.as_bytes());
            if leaf.kind != LeafKind::Anchor {
                match self.registry.document(id)? {
                    None => wrong.push(format!("leaf {index} names a document that is not here: {id}")),
                    Some(envelope) if envelope.doc_id() != id => {
                        wrong.push(format!("document {id} was changed"));
                    }
                    Some(_) => {}
                }
            }
            if leaf.kind == LeafKind::Handover
                && let Some(twin) = marks.insert(id.mark_id(), id)
            {
                wrong.push(format!("two hand-overs have one mark: {twin} and {id}"));
            }
        }
        let sizes = self.registry.note_sizes(&status.origin)?;
        for &size in &sizes {
            let Some(note) = self.registry.note(&status.origin, size)? else { continue };
            let here = hashes.get(..usize::try_from(size).unwrap_or(usize::MAX)).map(merkle::root);
            if here != Some(note.checkpoint().root) {
                wrong.push(format!("the checkpoint of {size} lines is not of this log"));
            }
            if chain::evidence::owner(&self.registry, &note)? != Some(self.root()) {
                wrong.push(format!("the checkpoint of {size} lines is not signed by our log key"));
            }
        }
        if let Some(seen) = status.seen.filter(|&seen| seen > status.size) {
            wrong.push(format!("somebody has seen {seen} lines, and here are {}", status.size));
        }
        Ok(Audit { leaves: leaves.len() as u64, checkpoints: sizes.len(), wrong })
    }

    /// Cosigns the newest checkpoint of somebody else's log in a packet, if that log only grew since we last saw it.
    ///
    /// # Errors
    /// When there is none, its owner is unknown, the log was rewritten or nothing proves that it was not.
    pub fn cosign(
        &self,
        secrets: &Secrets,
        packet: &Packet,
        now: OffsetDateTime,
    ) -> Result<SignedCheckpoint, StudioError> {
        let at = self.signing_time(secrets, now)?;
        let missing = || StudioError::NoKey { path: self.folder.join(WITNESS_KEY) };
        let witness = secrets.witness.as_ref().ok_or_else(missing)?;
        self.file(packet, now)?;
        let notes =
            packet.checkpoints.iter().filter_map(|text| SignedCheckpoint::parse(text.as_bytes()).ok());
        let mut others = Vec::new();
        for note in notes {
            if chain::evidence::owner(&self.registry, &note)?.is_some_and(|owner| owner != self.root()) {
                others.push(note);
            }
        }
        let none = || StudioError::Packet("there is no checkpoint of a party that is known in it".to_owned());
        let mut note = others.into_iter().max_by_key(|note| note.checkpoint().size).ok_or_else(none)?;
        self.only_grew(packet, &note)?;
        note.cosign(&chain::witness_name(self.root()), witness, at)?;
        self.registry.keep_note(&note)?;
        Ok(note)
    }
}
