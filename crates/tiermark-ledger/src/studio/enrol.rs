//! Who takes part: parties, and what they are delegated.

use super::ground::{head, packed};
use super::{Ground, Secrets, Studio, StudioError};
use crate::chain::{self, VerifiedDelegation, verify_delegation};
use crate::document::{Delegation, Document, Envelope, KeyCheck, Names, Nonce, Party, Right, Scope};
use crate::packet::Packet;
use crate::store::VendorRow;
use crate::{Digest, DocId, Handle, Kid, Moment, PartyId};
use std::collections::BTreeSet;
use time::OffsetDateTime;

/// Who can be handed something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Its name in documents.
    pub party: PartyId,
    /// What people call it.
    pub handle: Handle,
    /// Its record, where it has no keys.
    pub record: Option<DocId>,
    /// Its delegation, where it has.
    pub delegation: Option<DocId>,
    /// Its root, where it has keys.
    pub root: Option<Kid>,
}

impl Recipient {
    /// What its secrets in the closed set hang on: its delegation or, without one, its record or root.
    pub fn closed_name(&self) -> [u8; 32] {
        closed_name(self.delegation, self.record, self.party)
    }
}

/// See [`Recipient::closed_name`].
pub(crate) fn closed_name(delegation: Option<DocId>, record: Option<DocId>, party: PartyId) -> [u8; 32] {
    delegation.or(record).map_or(*party.as_bytes(), |id| *id.as_bytes())
}

impl From<&VendorRow> for Recipient {
    fn from(vendor: &VendorRow) -> Self {
        let (party, handle) = (vendor.party(), vendor.handle.clone());
        Self { party, handle, record: Some(vendor.record), delegation: None, root: None }
    }
}

/// What somebody is delegated.
#[derive(Debug, Clone)]
pub struct Terms {
    /// What it may do.
    pub rights: BTreeSet<Right>,
    /// Episodes; all, if none is named.
    pub episodes: Vec<String>,
    /// Kinds of material; all, if none is named.
    pub kinds: Vec<String>,
    /// The deepest place below; our own limit, if none is named.
    pub max_depth: Option<u8>,
    /// Until when; as long as our own, if not named.
    pub until: Option<Moment>,
    /// How we made sure whose key it is.
    pub checked: String,
}

/// A delegation that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The delegation.
    pub delegation: VerifiedDelegation,
    /// The root that it leads to: compare it with what the producer says by telephone.
    pub root: Kid,
    /// What that root calls itself.
    pub producer: Handle,
}

/// Two years: a delegation that nobody limits ends all the same.
const USUAL_DAYS: i64 = 730;
/// The usual depth below a producer.
const USUAL_DEPTH: u8 = 3;

impl Studio {
    /// Our own party documents, for others to import.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn export_party(&self) -> Result<Packet, StudioError> {
        let mut packet = Packet::default();
        self.add_party_documents(&mut packet, self.root())?;
        Ok(packet)
    }

    pub(super) fn add_party_documents(&self, packet: &mut Packet, root: Kid) -> Result<(), StudioError> {
        self.registry.parties(root)?.into_iter().rev().for_each(|envelope| packet.add(envelope));
        Ok(())
    }

    /// The party of this name or fingerprint, or of the beginning of a fingerprint.
    ///
    /// # Errors
    /// When nobody or several are meant.
    pub fn party_named(&self, name: &str) -> Result<(Kid, Handle), StudioError> {
        let handle = Handle::new(name).map_err(|e| StudioError::MayNot(e.to_string()))?;
        let called = self.registry.parties_named(&handle)?;
        let meant =
            |root: &Kid, known: &str| called.contains(root) || (name.len() >= 8 && known.starts_with(name));
        let known = self.registry.known_parties()?;
        let mut found: Vec<_> =
            known.into_iter().filter(|(root, _)| meant(root, &root.to_string())).collect();
        match (found.pop(), found.len()) {
            (None, _) => Err(StudioError::Nobody(handle)),
            (Some(one), 0) => Ok(one),
            (Some(_), others) => Err(StudioError::Several(others + 1, handle)),
        }
    }

    /// Who is meant by a name in a project: a delegate of ours there, or a vendor without keys.
    ///
    /// # Errors
    /// When nobody or several are meant.
    pub fn recipient(
        &self,
        name: &str,
        ground: &Ground,
        now: OffsetDateTime,
    ) -> Result<Recipient, StudioError> {
        self.recipient_of(name, ground, (None, None), now)
    }

    /// The same for material of this episode and kind: of several delegations one that covers it.
    ///
    /// # Errors
    /// As [`Studio::recipient`].
    pub fn recipient_of(
        &self,
        name: &str,
        ground: &Ground,
        what: (Option<&str>, Option<&str>),
        now: OffsetDateTime,
    ) -> Result<Recipient, StudioError> {
        let now = Moment::at(now)?;
        match self.party_named(name) {
            Ok((root, handle)) => {
                if let Some(delegation) = self.delegated_to(root, ground, what, now)? {
                    let (party, delegation) = (root.into(), Some(delegation));
                    return Ok(Recipient { party, handle, record: None, delegation, root: Some(root) });
                }
            }
            Err(StudioError::Nobody(_)) => {}
            Err(other) => return Err(other),
        }
        let handle = Handle::new(name).map_err(|e| StudioError::MayNot(e.to_string()))?;
        let vendor = self.registry.find_vendor(&handle)?;
        vendor.as_ref().map(Recipient::from).ok_or(StudioError::Nobody(handle))
    }

    /// The party above us in a project, to whom work goes back.
    ///
    /// # Errors
    /// When we are the producer ourselves.
    pub fn above(&self, ground: &Ground) -> Result<Recipient, StudioError> {
        let Some(given) = &ground.given else {
            return Err(StudioError::MayNot("there is nobody above us in our own project".to_owned()));
        };
        let handle = chain::Issuer::of(&self.registry, given.issuer)?.handle();
        let root = Some(given.issuer);
        Ok(Recipient { party: given.issuer.into(), handle, record: None, delegation: None, root })
    }

    /// The delegation by which a party stands below us now: one that covers this, of those the one that lasts longest.
    fn delegated_to(
        &self,
        party: Kid,
        ground: &Ground,
        what: (Option<&str>, Option<&str>),
        now: Moment,
    ) -> Result<Option<DocId>, StudioError> {
        let mut best = None;
        for (id, _) in self.registry.delegations_of(party)? {
            let Ok(verified) = verify_delegation(&self.registry, id, ground.root) else { continue };
            let given = verified.document;
            let ours = given.issuer == self.root() && given.parent == ground.delegation;
            let same = (given.scope.project, given.epoch) == (ground.project, ground.epoch);
            if ours && same && given.not_before <= now && now <= given.not_after {
                best = best.max(Some((given.scope.covers(what), given.not_after, id)));
            }
        }
        Ok(best.map(|(_, _, id)| id))
    }

    /// Signs a delegation to a party whose document was imported, and packs it with its secret sealed to that party.
    ///
    /// # Errors
    /// When the party is unknown or has no key to seal to, when more is passed on than we have, or the registry cannot be
    /// written to.
    pub fn delegate(
        &self,
        secrets: &Secrets,
        ground: &Ground,
        party: Kid,
        terms: &Terms,
        now: OffsetDateTime,
    ) -> Result<(DocId, Packet), StudioError> {
        let issued_at = self.signing_time(secrets, now)?;
        let (party_doc, theirs) = self.newest_document(party)?;
        let no_key =
            || StudioError::MayNot(format!("{} has no key that a secret can be sealed to", theirs.handle));
        let node = ground.node.child(party.into());
        let sealed = theirs.sealing_key().ok_or_else(no_key)?.seal(&packed(&node, &ground.lattice));
        let sealed = sealed.map_err(|_| no_key())?;
        let record = self.registry.find_vendor(&theirs.handle)?.map(|vendor| vendor.record);
        let ours = ground.given.as_ref();
        let until = terms.until.or(ours.map(|given| given.not_after));
        let usual = || Moment::at(now + time::Duration::days(USUAL_DAYS));
        let document = Delegation {
            issuer: self.root(),
            subject: party,
            subject_party_doc: party_doc,
            record,
            depth: ground.depth + 1,
            max_depth: terms.max_depth.or(ours.map(|given| given.max_depth)).unwrap_or(USUAL_DEPTH),
            rights: terms.rights.clone(),
            scope: Scope {
                project: ground.project,
                episodes: named_or(&terms.episodes, ours.map(|given| &given.scope.episodes)),
                kinds: named_or(&terms.kinds, ours.map(|given| &given.scope.kinds)),
            },
            not_before: issued_at,
            not_after: until.map_or_else(usual, Ok)?,
            parent: ground.delegation,
            key_check: KeyCheck { how: terms.checked.clone(), at: issued_at },
            epoch: ground.epoch,
            wm_node_commit: node.commitment(),
            lattice_commit: ground.lattice.commitment(),
            issued_at,
            nonce: Nonce::draw()?,
        };
        let envelope = Envelope::seal(&document, &secrets.sign)?;
        let id = envelope.doc_id();
        chain::may_be_delegated(&self.registry, &document, ground.root)?;
        self.registry.file_about::<Delegation>(&envelope, &[thing(party)], issued_at)?;
        let mut packet = Packet::default();
        self.add_standing(&mut packet, Some(id))?;
        packet.sealed.insert(id, sealed);
        Ok((id, packet))
    }

    /// The delegations from the root down to this one, and the party documents of all that sign or receive in them.
    pub(super) fn add_standing(&self, packet: &mut Packet, last: Option<DocId>) -> Result<(), StudioError> {
        let mut next = last;
        self.add_party_documents(packet, self.root())?;
        while let Some(id) = next {
            let envelope = self.registry.document(id)?;
            let envelope = envelope.ok_or(chain::RuleBroken::Missing { what: Delegation::NAME, id })?;
            let claim: Delegation = envelope.claim()?;
            self.add_party_documents(packet, claim.issuer)?;
            self.add_party_documents(packet, claim.subject)?;
            self.add_proofs(packet, id)?;
            packet.add(envelope);
            next = claim.parent;
        }
        Ok(())
    }

    /// Takes a delegation to us: its chain is checked, its secret opened and compared with what was signed.
    ///
    /// # Errors
    /// When the packet holds no delegation to us, it does not hold, its secret is another, or leads to another root than the
    /// one named.
    pub fn accept(
        &self,
        secrets: &Secrets,
        packet: &Packet,
        root: Option<Kid>,
        now: OffsetDateTime,
    ) -> Result<Accepted, StudioError> {
        let at = Moment::at(now)?;
        let ours = packet.of_type::<Delegation>().into_iter().find_map(|(id, envelope)| {
            let claim: Delegation = envelope.claim().ok()?;
            (claim.subject == self.root() && packet.sealed.contains_key(&id)).then_some((id, claim))
        });
        let none = || StudioError::Packet("there is no delegation to this studio in it".to_owned());
        let (id, claim) = ours.ok_or_else(none)?;
        self.file(packet, now)?;
        let lost = || StudioError::Packet("delegations that it rests on are missing in it".to_owned());
        let head = head(&self.registry, claim)?.ok_or_else(lost)?;
        if root.is_some_and(|root| root != head) {
            return Err(StudioError::Packet(format!(
                "it leads to the root {head}, not to the one that was named"
            )));
        }
        let delegation = verify_delegation(&self.registry, id, head)?;
        self.registry.keep_sealed(id, &packet.sealed[&id], at)?;
        if !self.grounds(secrets)?.iter().any(|ground| ground.delegation == Some(id)) {
            self.registry.drop_sealed(id)?;
            return Err(StudioError::Packet(
                "its secret does not open with our key, or is not the one that was signed".to_owned(),
            ));
        }
        let producer = chain::Issuer::of(&self.registry, head)?.handle();
        Ok(Accepted { delegation, root: head, producer })
    }

    /// The newest document of a party, and its id.
    pub(super) fn newest_document(&self, party: Kid) -> Result<(DocId, Party), StudioError> {
        let newest = self.registry.parties(party)?.into_iter().find_map(|envelope| {
            let document = Party::open(&envelope).ok().filter(|document| document.root_kid() == party)?;
            Some((envelope.doc_id(), document))
        });
        newest.ok_or(StudioError::Rule(chain::RuleBroken::NoParty { root: party }))
    }
}

fn named_or(names: &[String], ours: Option<&Names>) -> Names {
    match ours {
        Some(ours) if names.is_empty() => ours.clone(),
        _ => Names::of(names.iter().cloned()),
    }
}

fn thing(party: Kid) -> Digest {
    Digest::from_bytes(*party.as_bytes())
}
