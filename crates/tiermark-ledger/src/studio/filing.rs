//! What others signed comes into the registry: in any order, twice, damaged or forged.

use super::ground::thing;
use super::{Studio, StudioError};
use crate::chain::{self, RuleBroken, verify_delegation};
use crate::document::{
    Delegation, Delivery, Document, Envelope, FrameList, Handover, OutputList, Party, Receipt, Revocation,
    Vendor,
};
use crate::log::{Leaf, SignedCheckpoint, TlogProof, tree};
use crate::packet::Packet;
use crate::store::{Filed, StoreError};
use crate::{Digest, DocId, Moment};
use serde::Serialize;
use time::OffsetDateTime;

/// What became of one document, proof or checkpoint of a packet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FiledLine {
    /// What it is.
    pub what: String,
    /// Its id, or the name of a log.
    pub id: String,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "outcome", content = "why")]
pub enum Outcome {
    /// It is kept now.
    New,
    /// It was there already.
    Before,
    /// It does not hold.
    Refused(String),
}

impl FiledLine {
    /// Why it was refused, with what it is.
    pub fn refused(self) -> Option<String> {
        match self.outcome {
            Outcome::Refused(why) => Some(format!("{} {:.16}: {why}", self.what, self.id)),
            _ => None,
        }
    }
}

impl Studio {
    /// Files everything in a packet that holds by itself; what rests on documents that are still missing waits for them.
    ///
    /// # Errors
    /// When the registry cannot be written to. What is refused stands in the lines.
    pub fn file(&self, packet: &Packet, now: OffsetDateTime) -> Result<Vec<FiledLine>, StudioError> {
        let filing = Filing { studio: self, packet, at: Moment::at(now)? };
        let mut lines = Vec::new();
        // Parties first, then what gives rights, then what uses them: a packet may hold them in any order.
        filing.each::<Party>(&mut lines, |_, envelope| filing.party(envelope))?;
        filing.each::<Delegation>(&mut lines, |id, envelope| filing.delegation(id, envelope))?;
        filing.each::<Vendor>(&mut lines, |id, envelope| {
            filing.plain::<Vendor>(id, envelope, |_| Vec::new())
        })?;
        filing.each::<Handover>(&mut lines, |id, envelope| filing.handover(id, envelope))?;
        filing.each::<Delivery>(&mut lines, |id, envelope| filing.delivery(id, envelope))?;
        let of_receipt = |receipt: &Receipt| vec![thing(receipt.handover)];
        filing.each::<Receipt>(&mut lines, |id, envelope| filing.plain(id, envelope, of_receipt))?;
        let of_revocation = |revocation: &Revocation| vec![revocation.target];
        filing
            .each::<Revocation>(&mut lines, |id, envelope| filing.revocation(id, envelope, of_revocation))?;
        filing.others(&mut lines);
        for text in &packet.checkpoints {
            lines.push(filing.checkpoint(text)?);
        }
        for held in &packet.proofs {
            lines.push(filing.proof(held)?);
        }
        Ok(lines)
    }
}

struct Filing<'a> {
    studio: &'a Studio,
    packet: &'a Packet,
    at: Moment,
}

/// Filed, or the reason why not.
type Judged = Result<Filed, Refusal>;

/// Why something is not filed, or the filing itself failed.
enum Refusal {
    Broken(String),
    Failed(StudioError),
}

impl From<RuleBroken> for Refusal {
    fn from(broken: RuleBroken) -> Self {
        match broken {
            RuleBroken::Registry(e) => e.into(),
            broken => Self::Broken(broken.to_string()),
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::TwinMark(_)
            | StoreError::TwoDocuments { .. }
            | StoreError::UnknownFrame { .. }
            | StoreError::SealedOtherwise { .. } => Self::Broken(error.to_string()),
            other => Self::Failed(other.into()),
        }
    }
}

fn broken(why: &str) -> Refusal {
    Refusal::Broken(why.to_owned())
}

impl Filing<'_> {
    fn each<D: Document>(
        &self,
        lines: &mut Vec<FiledLine>,
        judge: impl Fn(DocId, &Envelope) -> Judged,
    ) -> Result<(), StudioError> {
        for (id, envelope) in self.packet.of_type::<D>() {
            lines.push(line(D::KIND, id.to_string(), judge(id, envelope))?);
        }
        Ok(())
    }

    fn party(&self, envelope: &Envelope) -> Judged {
        let party = Party::open(envelope).map_err(|e| broken(&e.to_string()))?;
        Ok(self.studio.registry.file_party(envelope, &party, self.at)?)
    }

    /// A delegation whose parents are all here must hold; one whose parents are missing is judged when it is used.
    fn delegation(&self, id: DocId, envelope: &Envelope) -> Judged {
        let registry = &self.studio.registry;
        let (document, _) = chain::opened::<Delegation>(registry, envelope, id)?;
        chain::Issuer::of(registry, document.subject)?;
        if let Some(root) = super::ground::head(registry, document.clone()).map_err(Refusal::Failed)? {
            chain::may_be_delegated(registry, &document, root)?;
        }
        let targets = [Digest::from_bytes(*document.subject.as_bytes())];
        let filed = registry.file_about::<Delegation>(envelope, &targets, self.at)?;
        self.studio
            .root_for_delegation(id)
            .map_err(Refusal::Failed)?
            .map_or(Ok(()), |root| verify_delegation(registry, id, root).map(drop))?;
        Ok(filed)
    }

    fn plain<D: Document>(
        &self,
        id: DocId,
        envelope: &Envelope,
        targets: impl Fn(&D) -> Vec<Digest>,
    ) -> Judged {
        let registry = &self.studio.registry;
        let (document, _) = chain::opened::<D>(registry, envelope, id)?;
        Ok(registry.file_about::<D>(envelope, &targets(&document), self.at)?)
    }

    /// A revocation may be signed by the root, which signs nothing else.
    fn revocation(
        &self,
        id: DocId,
        envelope: &Envelope,
        targets: impl Fn(&Revocation) -> Vec<Digest>,
    ) -> Judged {
        let claim: Revocation = envelope.claim().map_err(|e| broken(&e.to_string()))?;
        let (_, party) = self.studio.newest_document(claim.issuer).map_err(|e| broken(&e.to_string()))?;
        if envelope.open::<Revocation>(party.root()).is_ok() {
            return Ok(self.studio.registry.file_about::<Revocation>(envelope, &targets(&claim), self.at)?);
        }
        self.plain(id, envelope, targets)
    }

    fn handover(&self, id: DocId, envelope: &Envelope) -> Judged {
        let registry = &self.studio.registry;
        let (document, _) = chain::opened::<Handover>(registry, envelope, id)?;
        let frames = self.packet.frames.get(&id).and_then(|text| FrameList::parse(text));
        let frames = match frames.filter(|frames| document.lists(frames)) {
            Some(frames) => frames,
            None if registry.document(id)?.is_some() => return Ok(Filed::Before),
            None => return Err(RuleBroken::OtherFrames(id).into()),
        };
        Ok(registry.file_handover(envelope, &document, &frames, self.at)?)
    }

    fn delivery(&self, id: DocId, envelope: &Envelope) -> Judged {
        let registry = &self.studio.registry;
        let (document, _) = chain::opened::<Delivery>(registry, envelope, id)?;
        let outputs = self.packet.outputs.get(&id).and_then(|text| OutputList::parse(text));
        let outputs = outputs.filter(|outputs| document.lists(outputs));
        let outputs = outputs.ok_or_else(|| broken("its list of files is not the one that was signed"))?;
        if let Some(given) = registry.document(document.handover)? {
            let given: Handover = given.claim().map_err(|e| broken(&e.to_string()))?;
            if given.issuer != document.issuer {
                return Err(broken("somebody else gave these frames"));
            }
            registry.file_outputs(document.handover, outputs.records())?;
        }
        Ok(registry.file_about::<Delivery>(envelope, &[thing(document.handover)], self.at)?)
    }

    /// A checkpoint of our own log brings cosignatures; one of another's is remembered.
    fn checkpoint(&self, text: &str) -> Result<FiledLine, StudioError> {
        let studio = self.studio;
        let judge = || -> Result<(String, Judged), StudioError> {
            let Ok(note) = SignedCheckpoint::parse(text.as_bytes()) else {
                return Ok(("?".to_owned(), Err(broken("not a checkpoint"))));
            };
            let (origin, size) = (note.checkpoint().origin.clone(), note.checkpoint().size);
            let name = format!("{origin} {size}");
            let Some(owner) = chain::evidence::owner(&studio.registry, &note)? else {
                return Ok((name, Err(broken("no party that is known signed it with its log key"))));
            };
            let own = origin == studio.registry.log_origin(studio.root())?;
            if own && owner == studio.root() {
                studio.registry.log_was_seen(size)?;
                let here = studio.registry.log_status(studio.root())?.size;
                if here < size || studio.registry.root_at(size)? != note.checkpoint().root {
                    return Ok((name, Err(broken("it shows another past of our own log than the one here"))));
                }
            }
            let before =
                studio.registry.note(&origin, size)?.is_some_and(|kept| kept.to_text() == note.to_text());
            let kept = studio.registry.keep_note(&note);
            let filed = if before { Filed::Before } else { Filed::New };
            Ok((name, kept.map(|()| filed).map_err(|e| Refusal::Broken(e.to_string()))))
        };
        let (name, judged) = judge()?;
        line("checkpoint", name, judged)
    }

    fn proof(&self, held: &crate::packet::Proof) -> Result<FiledLine, StudioError> {
        let judge = || -> Judged {
            let proof = TlogProof::parse(held.proof.as_bytes()).map_err(|e| broken(&e.to_string()))?;
            let leaf = Leaf::parse(held.leaf.as_bytes()).map_err(|e| broken(&e.to_string()))?;
            let head = proof.checkpoint.checkpoint();
            if leaf.id != thing(held.document) {
                return Err(broken("its leaf is of another document"));
            }
            tree::verify_inclusion(leaf.hash(), proof.index, head.size, &proof.path, head.root)
                .map_err(|e| broken(&e.to_string()))?;
            let registry = &self.studio.registry;
            let owner = chain::evidence::owner(registry, &proof.checkpoint)?;
            let Some(owner) = owner else {
                return Err(broken("no party that is known signed the checkpoint"));
            };
            if owner == self.studio.root() {
                return Ok(Filed::Before);
            }
            registry.keep_proof(held.document, &head.origin, held.leaf.as_bytes(), &held.proof)?;
            Ok(Filed::New)
        };
        line("proof", held.document.to_string(), judge())
    }

    /// What stands in a packet and is none of the kinds that are filed.
    fn others(&self, lines: &mut Vec<FiledLine>) {
        const KNOWN: [&str; 7] = [
            Party::TYPE,
            Delegation::TYPE,
            Vendor::TYPE,
            Handover::TYPE,
            Delivery::TYPE,
            Receipt::TYPE,
            Revocation::TYPE,
        ];
        for envelope in &self.packet.documents {
            let kind = envelope.claimed_type().unwrap_or_default();
            if !KNOWN.contains(&kind.as_str()) {
                let why = format!("documents of type {kind:.60} are not filed");
                let (what, id) = ("document".to_owned(), envelope.doc_id().to_string());
                lines.push(FiledLine { what, id, outcome: Outcome::Refused(why) });
            }
        }
    }
}

fn line(what: &str, id: String, judged: Judged) -> Result<FiledLine, StudioError> {
    let outcome = match judged {
        Ok(Filed::New) => Outcome::New,
        Ok(Filed::Before) => Outcome::Before,
        Err(Refusal::Broken(why)) => Outcome::Refused(why),
        Err(Refusal::Failed(error)) => return Err(error),
    };
    Ok(FiledLine { what: what.to_owned(), id, outcome })
}
