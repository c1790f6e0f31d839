//! After the last frame: the delivery is signed, the log's state too, and what the recipient needs is packed.

use super::ground::thing;
use super::{LOG_KEY, Secrets, Studio, StudioError};
use crate::chain::{Documents, Listed, LoggedLeaf, RuleBroken};
use crate::document::{
    Delegation, Delivery, Document, Envelope, Handover, OutputList, OutputRecord, Receipt, SelfCheck, Vendor,
};
use crate::log::{Checkpoint, SignedCheckpoint, TlogProof};
use crate::packet::{Grown, Packet, Proof};
use crate::store::{FrameState, HandoverState};
use crate::{DocId, Kid, MarkId, Moment};
use time::OffsetDateTime;

/// A hand-over of which all frames have left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// The hand-over's mark.
    pub mark: MarkId,
    /// What a recipient with keys checks and answers; none for a vendor without.
    pub packet: Option<Packet>,
}

impl Studio {
    /// Signs what left for a closed hand-over, once, and the state of the log; nothing while frames are pending.
    ///
    /// # Errors
    /// When the clock is behind, or the registry cannot be written to.
    pub fn deliver(
        &self,
        secrets: &Secrets,
        handover: DocId,
        now: OffsetDateTime,
    ) -> Result<Option<Delivered>, StudioError> {
        let Some((row, _)) = self.registry.handover_by_mark(handover.mark_id())? else { return Ok(None) };
        if row.state != HandoverState::Closed || row.issuer != self.root() {
            return Ok(None);
        }
        let outputs = self.outputs(handover)?;
        if self.delivery_of(handover)?.is_none() && !outputs.records().is_empty() {
            let closed_at = self.signing_time(secrets, now)?;
            let left = outputs.records().len() as u32;
            let delivery = Delivery {
                issuer: self.root(),
                handover,
                outputs: outputs.summary(),
                outputs_file: crate::Digest::of(outputs.file()),
                self_check: SelfCheck { read_back: left, refused: row.frames - left },
                closed_at,
            };
            let envelope = Envelope::seal(&delivery, &secrets.sign)?;
            self.registry.file_about::<Delivery>(&envelope, &[thing(handover)], closed_at)?;
        }
        let note = self.checkpoint(secrets, now)?;
        let (_, document) = self.handover_document(handover)?;
        let packet = match (self.keyed_recipient(&document), note) {
            (Some(recipient), Some(note)) => Some(self.packet_for(handover, recipient, &note)?),
            _ => None,
        };
        Ok(Some(Delivered { mark: handover.mark_id(), packet }))
    }

    /// Signs the state of our log, if it has grown since the last time; none in a studio without a log key.
    ///
    /// # Errors
    /// When somebody has seen more of the log than is here, or the registry cannot be written to.
    pub fn checkpoint(
        &self,
        secrets: &Secrets,
        now: OffsetDateTime,
    ) -> Result<Option<SignedCheckpoint>, StudioError> {
        let _ = Moment::at(now)?;
        let Some(log) = &secrets.log else { return Ok(None) };
        let status = self.registry.log_status(self.root())?;
        if let Some(seen) = status.seen.filter(|&seen| seen > status.size) {
            return Err(crate::store::StoreError::Forked { seen, here: status.size }.into());
        }
        if let Some(note) = self.registry.note(&status.origin, status.size)? {
            return Ok(Some(note));
        }
        let (origin, size, root) = (status.origin, status.size, status.root);
        let note = SignedCheckpoint::sign(Checkpoint { origin, size, root }, log)?;
        self.registry.keep_own_note(&note)?;
        Ok(Some(note))
    }

    /// The same where a checkpoint is the whole point.
    ///
    /// # Errors
    /// When there is no log key, and as [`Studio::checkpoint`].
    pub fn sign_log(&self, secrets: &Secrets, now: OffsetDateTime) -> Result<SignedCheckpoint, StudioError> {
        let missing = || StudioError::NoKey { path: self.folder.join(LOG_KEY) };
        self.checkpoint(secrets, now)?.ok_or_else(missing)
    }

    /// What a recipient with keys needs to check its hand-over and to answer.
    fn packet_for(
        &self,
        handover: DocId,
        recipient: Kid,
        note: &SignedCheckpoint,
    ) -> Result<Packet, StudioError> {
        let mut packet = self.packet_of(handover)?;
        let size = note.checkpoint().size;
        let ids: Vec<DocId> =
            std::iter::once(handover).chain(self.delivery_of(handover)?.map(|(id, _)| id)).collect();
        packet.proofs.clear();
        for document in ids {
            if let Some((index, leaf)) =
                self.registry.leaf_of(thing(document))?.filter(|(index, _)| *index < size)
            {
                let path = self.registry.inclusion(index, size)?;
                let proof = TlogProof { index, path, checkpoint: note.clone() };
                packet.proofs.push(packed(document, &leaf, &proof.to_text()));
            }
        }
        packet.checkpoints.clear();
        packet.show(note);
        let origin = note.checkpoint().origin.clone();
        for old in self.registry.sizes_sent(recipient)?.into_iter().filter(|&old| old < size) {
            let path = self.registry.consistency(old, size)?;
            packet.grown.push(Grown { origin: origin.clone(), old, new: size, path });
        }
        self.registry.sent(recipient, size)?;
        Ok(packet)
    }

    /// Everything that proves a hand-over, ours or one that was filed: documents, lists, receipts, log proofs.
    ///
    /// # Errors
    /// When the registry cannot be read, or something that it rests on is missing.
    pub fn packet_of(&self, handover: DocId) -> Result<Packet, StudioError> {
        let (envelope, document) = self.handover_document(handover)?;
        let mut packet = Packet::default();
        self.add_standing(&mut packet, document.issuer_delegation)?;
        self.add_party_documents(&mut packet, document.issuer)?;
        self.add_standing(&mut packet, document.recipient_delegation)?;
        if let Some(record) = document.recipient_record {
            let missing = RuleBroken::Missing { what: Vendor::NAME, id: record };
            packet.add(self.registry.document(record)?.ok_or(missing)?);
            self.add_proofs(&mut packet, record)?;
        }
        packet.add(envelope);
        if let Some(Listed::All(frames)) = Documents::frames(&self.registry, handover)? {
            packet.frames.insert(handover, text(frames.file()));
        }
        self.add_proofs(&mut packet, handover)?;
        if let Some((delivery, envelope)) = self.delivery_of(handover)? {
            packet.add(envelope);
            packet.outputs.insert(delivery, text(self.outputs(handover)?.file()));
            self.add_proofs(&mut packet, delivery)?;
        }
        for receipt in self.registry.about(thing(handover), Receipt::KIND)? {
            if let Ok(claim) = receipt.claim::<Receipt>() {
                self.add_party_documents(&mut packet, claim.recipient)?;
            }
            self.add_proofs(&mut packet, receipt.doc_id())?;
            packet.add(receipt);
        }
        Ok(packet)
    }

    pub(super) fn add_proofs(&self, packet: &mut Packet, document: DocId) -> Result<(), StudioError> {
        for LoggedLeaf { leaf, proof } in self.registry.proofs(document)? {
            let proof = packed(document, &leaf, &proof);
            if !packet.proofs.contains(&proof) {
                packet.proofs.push(proof);
            }
        }
        Ok(())
    }

    /// Who a hand-over is for, if it can answer.
    fn keyed_recipient(&self, document: &Handover) -> Option<Kid> {
        let up = document.direction == crate::keys::tree::Direction::Up;
        let keyed = document.recipient_delegation.is_some() || up;
        keyed.then(|| Kid::from_bytes(*document.recipient.as_bytes()))
    }

    pub(super) fn handover_document(&self, id: DocId) -> Result<(Envelope, Handover), StudioError> {
        let missing = RuleBroken::Missing { what: Handover::NAME, id };
        let envelope = self.registry.document(id)?.ok_or(missing)?;
        let document = envelope.claim()?;
        Ok((envelope, document))
    }

    fn delivery_of(&self, handover: DocId) -> Result<Option<(DocId, Envelope)>, StudioError> {
        let filed = self.registry.about(thing(handover), Delivery::KIND)?;
        Ok(filed.into_iter().next().map(|envelope| (envelope.doc_id(), envelope)))
    }

    /// The files that left for a hand-over.
    fn outputs(&self, handover: DocId) -> Result<OutputList, StudioError> {
        let rows = self.registry.frames(handover)?;
        let sealed = rows.into_iter().filter(|row| row.state == FrameState::Sealed);
        let record = |output: crate::store::Output| OutputRecord {
            i: output.i,
            out: output.sha256,
            outpix: output.pix,
            q: output.psnr_centi_db,
            z: output.z_milli,
        };
        Ok(OutputList::new(sealed.filter_map(|row| row.output).map(record).collect())?)
    }

    /// What we know of a delegation, for people.
    ///
    /// # Errors
    /// When it is not filed or does not hold.
    pub fn delegation(&self, id: DocId) -> Result<Delegation, StudioError> {
        let missing = RuleBroken::Missing { what: Delegation::NAME, id };
        Ok(self.registry.document(id)?.ok_or(missing)?.claim()?)
    }
}

fn packed(document: DocId, leaf: &[u8], proof: &str) -> Proof {
    Proof { document, leaf: text(leaf), proof: proof.to_owned() }
}

/// Our lines are canonical JSON, which is UTF-8.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
