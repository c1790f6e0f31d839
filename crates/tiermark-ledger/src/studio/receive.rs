//! At the recipient: what came is compared with what was signed, and answered.

use super::ground::{head, thing};
use super::{Secrets, Studio, StudioError, WITNESS_KEY};
use crate::chain;
use crate::document::{Delegation, Delivery, Envelope, FrameList, Handover, OutputList, Receipt};
use crate::keys::tree::Direction;
use crate::log::{SignedCheckpoint, TlogProof, tree};
use crate::packet::Packet;
use crate::{Digest, DocId, Handle, Kid, MarkId};
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// A hand-over to us that holds: what should have come.
pub struct ToReceive {
    packet: Packet,
    id: DocId,
    envelope: Envelope,
    document: Handover,
    delivery: DocId,
    /// Who gave it.
    pub from: Handle,
    /// File and digest of each frame that left.
    pub files: Vec<(String, Digest)>,
}

/// What was there of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Files with the bytes that were signed.
    pub right: Vec<String>,
    /// Files that are not there.
    pub missing: Vec<String>,
    /// Files with other bytes.
    pub changed: Vec<String>,
}

/// A hand-over that was received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Its mark.
    pub mark: MarkId,
    /// Our receipt.
    pub receipt: DocId,
    /// What goes back to the giver.
    pub packet: Packet,
}

impl ToReceive {
    /// The hand-over's mark.
    pub fn mark(&self) -> MarkId {
        self.id.mark_id()
    }

    /// Compare the digests of what lies there, by name, with what was signed.
    pub fn compare(&self, there: &BTreeMap<String, Digest>) -> Seen {
        let mut seen = Seen::default();
        for (name, digest) in &self.files {
            let list = match there.get(name) {
                None => &mut seen.missing,
                Some(found) if found == digest => &mut seen.right,
                Some(_) => &mut seen.changed,
            };
            list.push(name.clone());
        }
        seen
    }
}

impl Studio {
    /// Checks a packet: a hand-over to us, signed by one who may give it, with its delivery and its place in a log that
    /// only grew since we last saw it.
    ///
    /// # Errors
    /// The rule that does not hold.
    pub fn to_receive(&self, packet: Packet, now: OffsetDateTime) -> Result<ToReceive, StudioError> {
        let wrong = |why: &str| StudioError::Packet(why.to_owned());
        let ours = packet.of_type::<Handover>().into_iter().find_map(|(id, envelope)| {
            let claim: Handover = envelope.claim().ok()?;
            (claim.recipient == self.root().into()).then(|| (id, envelope.clone()))
        });
        let (id, envelope) = ours.ok_or_else(|| wrong("there is no hand-over to this studio in it"))?;
        let refused = self.file(&packet, now)?.into_iter().find_map(|line| line.refused());
        if let Some(why) = refused {
            return Err(StudioError::Packet(why));
        }
        let claim: Handover = envelope.claim()?;
        let root = self.root_of(&claim)?;
        let verified = chain::verify_document(&self.registry, id, &envelope, root)?;
        let (delivery, outputs) = delivery(&self.registry, &packet, (id, claim.issuer))?;
        let files = files(&verified.frames, &outputs)
            .ok_or_else(|| wrong("it delivers frames that it does not list"))?;
        let note = self.newest_note_in(&packet, id, claim.issuer)?;
        self.only_grew(&packet, &note)?;
        Ok(ToReceive {
            packet,
            id,
            envelope,
            document: verified.document,
            delivery,
            from: verified.issuer,
            files,
        })
    }

    /// The root that a hand-over to us leads to.
    fn root_of(&self, claim: &Handover) -> Result<Kid, StudioError> {
        let delegation = match claim.direction {
            Direction::Down => claim.recipient_delegation,
            Direction::Up => claim.issuer_delegation,
        };
        let none = || StudioError::Packet("it rests on no delegation".to_owned());
        let given: Delegation = self.delegation(delegation.ok_or_else(none)?)?;
        head(&self.registry, given)?.ok_or_else(none)
    }

    /// Signs the receipt and cosigns the log's state; from then on our log holds what came.
    ///
    /// # Errors
    /// When nothing of it is there, the clock is behind, or the registry cannot be written to.
    pub fn receive(
        &self,
        secrets: &Secrets,
        what: &ToReceive,
        seen: &Seen,
        now: OffsetDateTime,
    ) -> Result<Received, StudioError> {
        if seen.right.is_empty() {
            return Err(StudioError::MayNot(
                "none of its files is there as it left; no receipt was written".to_owned(),
            ));
        }
        let received_at = self.signing_time(secrets, now)?;
        let missing = || StudioError::NoKey { path: self.folder.join(WITNESS_KEY) };
        let witness = secrets.witness.as_ref().ok_or_else(missing)?;
        let mut note = self.newest_note_in(&what.packet, what.id, what.document.issuer)?;
        note.cosign(&chain::witness_name(self.root()), witness, received_at)?;
        self.registry.keep_note(&note)?;
        let receipt = Receipt {
            recipient: self.root(),
            handover: what.id,
            handover_text: Digest::of(what.envelope.payload()),
            delivery: what.delivery,
            count: seen.right.len() as u32,
            missing: (seen.missing.len() + seen.changed.len()) as u32,
            received_at,
            checkpoint_sha256: Some(note.digest()),
            statement: Receipt::STATEMENT.to_owned(),
        };
        let envelope = Envelope::seal(&receipt, &secrets.sign)?;
        self.registry.file_about::<Receipt>(&envelope, &[thing(what.id)], received_at)?;
        let mut packet = self.export_party()?;
        packet.add(envelope.clone());
        packet.show(&note);
        Ok(Received { mark: what.mark(), receipt: envelope.doc_id(), packet })
    }

    /// The checkpoint of the giver's log under which it shows this hand-over.
    fn newest_note_in(
        &self,
        packet: &Packet,
        id: DocId,
        giver: Kid,
    ) -> Result<SignedCheckpoint, StudioError> {
        for held in packet.proofs.iter().filter(|held| held.document == id) {
            let Ok(proof) = TlogProof::parse(held.proof.as_bytes()) else { continue };
            if chain::evidence::owner(&self.registry, &proof.checkpoint)? == Some(giver) {
                return Ok(proof.checkpoint);
            }
        }
        Err(StudioError::Packet(
            "the giver's log does not show this hand-over; ask for the packet again".to_owned(),
        ))
    }

    /// The log of which we have seen a state before holds everything that it held then.
    pub(super) fn only_grew(&self, packet: &Packet, note: &SignedCheckpoint) -> Result<(), StudioError> {
        let new = note.checkpoint();
        let Some(old) = self.registry.newest_note(&new.origin)? else { return Ok(()) };
        let old = old.checkpoint();
        if old.size > new.size {
            let why = format!("log {} showed {} lines before and {} now", new.origin, old.size, new.size);
            return Err(StudioError::Packet(why));
        }
        let path = match old.size == new.size {
            true => Some(&[][..]),
            false => {
                let fits = |grown: &&crate::packet::Grown| {
                    (&grown.origin, grown.old, grown.new) == (&new.origin, old.size, new.size)
                };
                packet.grown.iter().find(fits).map(|grown| &grown.path[..])
            }
        };
        let proved =
            path.map(|path| tree::verify_consistency((old.size, old.root), (new.size, new.root), path));
        match proved {
            Some(Ok(())) => Ok(()),
            Some(Err(_)) => Err(StudioError::Packet(format!(
                "log {} was rewritten: its {} lines are not those that it showed before",
                new.origin, old.size
            ))),
            None => Err(StudioError::Packet(format!(
                "nothing proves that log {} only grew since it showed {} lines; ask for the packet again",
                new.origin, old.size
            ))),
        }
    }

    /// The root that a filed delegation leads to, if all that it rests on is here.
    pub(super) fn root_for_delegation(&self, id: DocId) -> Result<Option<Kid>, StudioError> {
        head(&self.registry, self.delegation(id)?)
    }
}

/// The giver's delivery of a hand-over in a packet, and its list.
fn delivery(
    registry: &crate::Registry,
    packet: &Packet,
    (handover, giver): (DocId, Kid),
) -> Result<(DocId, OutputList), StudioError> {
    for (id, envelope) in packet.of_type::<Delivery>() {
        let (delivery, _) = chain::opened::<Delivery>(registry, envelope, id)?;
        if (delivery.handover, delivery.issuer) != (handover, giver) {
            continue;
        }
        let list = packet.outputs.get(&id).and_then(|text| OutputList::parse(text));
        let list = list.filter(|list| delivery.lists(list));
        let list = list.ok_or_else(|| {
            StudioError::Packet("its list of files is not the one that was signed".to_owned())
        });
        return list.map(|list| (id, list));
    }
    Err(StudioError::Packet("there is no delivery in it: the giver has not finished stamping".to_owned()))
}

/// Name and digest of each file that left.
fn files(frames: &FrameList, outputs: &OutputList) -> Option<Vec<(String, Digest)>> {
    let named = |output: &crate::document::OutputRecord| {
        Some((frames.records().get(output.i as usize)?.name.clone(), output.out))
    };
    outputs.records().iter().map(named).collect()
}
