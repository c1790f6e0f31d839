//! Keys that end and keys that begin: rotation and revocation.

use super::create::write_synced;
use super::{BOX_KEY, LOG_KEY, PARTY, ROOT_KEY, SIGN_KEY, Secrets, Studio, StudioError, WITNESS_KEY, disk};
use crate::document::{Cutoff, DeclaredKey, Document, Envelope, Party, Revocation, Target, Usage};
use crate::keys::{self, Opener, Passphrase, Signer};
use crate::packet::Packet;
use crate::{Digest, DocId, Kid, Moment, chain};
use std::fs;
use time::OffsetDateTime;

/// A revocation that was signed and filed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoked {
    /// The document.
    pub id: DocId,
    /// What was logged below these sizes stands.
    pub cutoffs: Vec<Cutoff>,
    /// For everybody who has to know.
    pub packet: Packet,
}

impl Studio {
    /// Makes a new signing key, and the keys that a studio from before there was a log does not have yet; the root signs the
    /// party document that says so.
    ///
    /// The old signing key ends now. Its file stays beside the new one, under its kid.
    ///
    /// # Errors
    /// When the root key is not there or the passphrase is wrong, or the disk refuses.
    pub fn rotate(&self, passphrase: &Passphrase, now: OffsetDateTime) -> Result<Packet, StudioError> {
        let now = Moment::at(now)?;
        let root = keys::read_signer(&self.folder.join(ROOT_KEY), passphrase)?;
        let (prev, party) = self.newest_document(self.root())?;
        let signer = || keys::fresh().map(|seed| Signer::from_seed(&seed));
        let sign = signer()?;
        let ended = |key: DeclaredKey| if key.usage == "sign" { key.ended(now) } else { key };
        let mut declared: Vec<DeclaredKey> = party.keys.iter().cloned().map(ended).collect();
        declared.push(DeclaredKey::ed25519(Usage::Sign, &sign.public(), now));
        for (usage, name) in [(Usage::Log, LOG_KEY), (Usage::Witness, WITNESS_KEY)] {
            if party.key_for(usage).is_none() {
                let key = signer()?;
                keys::write_signer(&self.folder.join(name), &key, passphrase)?;
                declared.push(DeclaredKey::ed25519(usage, &key.public(), now));
            }
        }
        if party.sealing_key().is_none() {
            let opener = Opener::fresh()?;
            opener.write(&self.folder.join(BOX_KEY), passphrase)?;
            declared.push(DeclaredKey::sealing(&opener.public(), now));
        }
        let next = party.next(prev, declared);
        let envelope = next.seal(&root)?;
        self.exchange(&sign, &party, passphrase)?;
        self.registry.file_party(&envelope, &next, now)?;
        self.registry.log_the_rest(now)?;
        let path = self.folder.join(PARTY);
        let fresh = path.with_extension("json.new");
        let _ = fs::remove_file(&fresh);
        write_synced(&fresh, &envelope.to_json())
            .and_then(|()| fs::rename(&fresh, &path))
            .map_err(disk(&path))?;
        self.export_party()
    }

    /// Puts the new signing key in the place of the old one, which keeps a name of its own.
    fn exchange(&self, sign: &Signer, party: &Party, passphrase: &Passphrase) -> Result<(), StudioError> {
        let path = self.folder.join(SIGN_KEY);
        let old = party.key_for(Usage::Sign).map_or_else(|| "old".to_owned(), |key| key.kid().to_string());
        let aside = self.folder.join(format!("keys/sign-{old:.16}.pem"));
        fs::rename(&path, &aside).map_err(disk(&path))?;
        let made = keys::write_signer(&path, sign, passphrase);
        if made.is_err() {
            let _ = fs::rename(&aside, &path);
        }
        Ok(made?)
    }

    /// Takes back a key of ours or of a party below, a delegation, a hand-over or a node secret.
    ///
    /// What logs held until now stands: ours as it is, and others' as far as we have seen them. A key of ours is revoked by
    /// our root; everything else by our signing key.
    ///
    /// # Errors
    /// When the thing is not ours to revoke, a key cannot be read, or the registry cannot be written to.
    pub fn revoke(
        &self,
        secrets: &Secrets,
        root_passphrase: &Passphrase,
        (target_kind, target): (Target, Digest),
        reason: &str,
        now: OffsetDateTime,
    ) -> Result<Revoked, StudioError> {
        let effective_at = self.signing_time(secrets, now)?;
        let owner = self.owner_of(target_kind, target)?;
        let ours = owner == self.root();
        if !ours && !self.is_below(owner)? {
            return Err(StudioError::MayNot(
                "it belongs to a party that is not below this studio; only its owner or one above can revoke it".to_owned(),
            ));
        }
        let log_cutoffs = self.cutoffs(owner)?;
        let reason = crate::name::nfc(reason);
        let document = Revocation {
            issuer: self.root(),
            target_kind,
            target,
            reason,
            log_cutoffs: log_cutoffs.clone(),
            effective_at,
            successor: None,
        };
        let root = (ours && target_kind == Target::Key)
            .then(|| keys::read_signer(&self.folder.join(ROOT_KEY), root_passphrase))
            .transpose()?;
        let envelope = Envelope::seal(&document, root.as_ref().unwrap_or(&secrets.sign))?;
        self.registry.file_about::<Revocation>(&envelope, &[target], effective_at)?;
        let mut packet = self.export_party()?;
        packet.add(envelope.clone());
        Ok(Revoked { id: envelope.doc_id(), cutoffs: log_cutoffs, packet })
    }

    /// Whether a party stands below us: one of its delegations holds and leads through one that we issued.
    fn is_below(&self, party: Kid) -> Result<bool, StudioError> {
        for (id, _) in self.registry.delegations_of(party)? {
            let Some(head) = self.root_for_delegation(id)? else { continue };
            let Ok(verified) = chain::verify_delegation(&self.registry, id, head) else { continue };
            for id in verified.above.into_iter().chain([id]) {
                if self.delegation(id)?.issuer == self.root() {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// The sizes below which logs could not have been written by a thief: ours now, the owner's as last seen.
    fn cutoffs(&self, owner: Kid) -> Result<Vec<Cutoff>, StudioError> {
        let status = self.registry.log_status(self.root())?;
        let mut cutoffs = vec![Cutoff { origin: status.origin, size: status.size, root: status.root }];
        if owner != self.root()
            && let Some(note) = self.registry.newest_note(&chain::log_origin(owner))?
        {
            let head = note.checkpoint();
            cutoffs.push(Cutoff { origin: head.origin.clone(), size: head.size, root: head.root });
        }
        Ok(cutoffs)
    }

    /// Whose it is: the party that declared a key, that was delegated to, or that gave.
    fn owner_of(&self, kind: Target, target: Digest) -> Result<Kid, StudioError> {
        let id = DocId::from_bytes(*target.as_bytes());
        match kind {
            Target::Key => {
                let kid = Kid::from_bytes(*target.as_bytes());
                for (root, _) in self.registry.known_parties()? {
                    let declared = |envelope: &Envelope| {
                        Party::open(envelope).is_ok_and(|party| party.keys.iter().any(|key| key.kid == kid))
                    };
                    if self.registry.parties(root)?.iter().any(declared) {
                        return Ok(root);
                    }
                }
                Err(StudioError::MayNot(format!("no party that is known declares the key {kid}")))
            }
            Target::Delegation | Target::NodeSecret => Ok(self.delegation(id)?.issuer),
            Target::Handover => Ok(self.handover_document(id)?.1.issuer()),
        }
    }
}
