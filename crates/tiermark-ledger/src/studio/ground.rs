//! Where our marks stand: our own project, and the projects in which somebody delegated to us.

use super::{Secrets, Studio, StudioError};
use crate::chain::{Documents, VerifiedDelegation, verify_delegation};
use crate::document::{Delegation, Envelope};
use crate::keys::tree::{LatticeSecret, NodeSecret};
use crate::{Digest, DocId, Handle, Kid};
use uuid::Uuid;
use zeroize::Zeroizing;

/// One project, and our place in it.
pub struct Ground {
    /// Our delegation; none in our own project.
    pub delegation: Option<DocId>,
    /// The delegation's text.
    pub given: Option<Delegation>,
    /// The root that everything in this project leads to: ours, or the producer's.
    pub root: Kid,
    /// Our place: 0 as the producer.
    pub depth: u8,
    /// The project.
    pub project: Uuid,
    /// The epoch of its secrets.
    pub epoch: u16,
    /// What all our marks in it hang on.
    pub node: NodeSecret,
    /// What all tiers of it share.
    pub lattice: LatticeSecret,
}

/// A party below us in a project, and the secret its marks hang on.
pub struct Branch {
    /// The party.
    pub party: Kid,
    /// What it calls itself.
    pub handle: Handle,
    /// Its delegation.
    pub delegation: DocId,
    /// Its place.
    pub depth: u8,
    /// The secret.
    pub node: NodeSecret,
}

impl Studio {
    /// Our own project, and every project in which a delegation names us and its secrets open.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn grounds(&self, secrets: &Secrets) -> Result<Vec<Ground>, StudioError> {
        let node = secrets.node(&self.project);
        let mut grounds = vec![Ground {
            delegation: None,
            given: None,
            root: self.root(),
            depth: 0,
            project: self.project.id,
            epoch: self.project.epoch,
            lattice: node.lattice(),
            node,
        }];
        for (id, envelope) in self.registry.delegations_of(self.root())? {
            grounds.extend(self.given(secrets, id, &envelope)?);
        }
        Ok(grounds)
    }

    /// The ground that a delegation gives, if it holds and its secrets are ours to open.
    fn given(
        &self,
        secrets: &Secrets,
        id: DocId,
        envelope: &Envelope,
    ) -> Result<Option<Ground>, StudioError> {
        let (Some(opener), Some(sealed)) = (&secrets.opener, self.registry.sealed(id)?) else {
            return Ok(None);
        };
        let Ok(given) = envelope.claim::<Delegation>() else { return Ok(None) };
        let Some(head) = head(&self.registry, given)? else { return Ok(None) };
        let Ok(VerifiedDelegation { document, .. }) = verify_delegation(&self.registry, id, head) else {
            return Ok(None);
        };
        let Ok(bytes) = opener.open(&sealed) else { return Ok(None) };
        let Some((node, lattice)) = unpacked(&bytes) else { return Ok(None) };
        if (node.commitment(), lattice.commitment()) != (document.wm_node_commit, document.lattice_commit) {
            return Ok(None);
        }
        Ok(Some(Ground {
            delegation: Some(id),
            root: head,
            depth: document.depth,
            project: document.scope.project,
            epoch: document.epoch,
            node,
            lattice,
            given: Some(document),
        }))
    }

    /// Everybody below us in a project, as far as delegations are filed, nearest first.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn below(&self, ground: &Ground) -> Result<Vec<Branch>, StudioError> {
        let mut filed = Vec::new();
        for (id, envelope) in self.registry.delegations()? {
            let Ok(claim) = envelope.claim::<Delegation>() else { continue };
            if claim.scope.project == ground.project && claim.epoch == ground.epoch {
                filed.push((id, claim));
            }
        }
        let mut branches: Vec<Branch> = Vec::new();
        let mut next = vec![(ground.delegation, None::<usize>)];
        while let Some((parent, above)) = next.pop() {
            for (id, claim) in filed.iter().filter(|(_, claim)| claim.parent == parent) {
                if parent.is_none() && claim.issuer != ground.root {
                    continue;
                }
                let Ok(verified) = verify_delegation(&self.registry, *id, ground.root) else { continue };
                let secret = above.map_or(&ground.node, |above| &branches[above].node);
                let node = secret.child(claim.subject.into());
                if node.commitment() != claim.wm_node_commit {
                    continue;
                }
                let (party, handle, depth) = (claim.subject, verified.subject, claim.depth);
                branches.push(Branch { party, handle, delegation: *id, depth, node });
                next.push((Some(*id), Some(branches.len() - 1)));
            }
        }
        branches.sort_by_key(|branch| branch.depth);
        Ok(branches)
    }
}

/// Who issued the first delegation above this one: the root that it leads to, if all of them are here.
pub(super) fn head(documents: &dyn Documents, first: Delegation) -> Result<Option<Kid>, StudioError> {
    let mut delegation = first;
    for _ in 0..=crate::chain::MOST_TIERS {
        let Some(parent) = delegation.parent else { return Ok(Some(delegation.issuer)) };
        let Some(envelope) = documents.document(parent)? else { return Ok(None) };
        let Ok(claim) = envelope.claim::<Delegation>() else { return Ok(None) };
        delegation = claim;
    }
    Ok(None)
}

/// What is sealed to a delegate: node secret, then lattice secret.
pub(super) fn packed(node: &NodeSecret, lattice: &LatticeSecret) -> Zeroizing<Vec<u8>> {
    Zeroizing::new([&node.as_bytes()[..], lattice.as_bytes()].concat())
}

fn unpacked(bytes: &[u8]) -> Option<(NodeSecret, LatticeSecret)> {
    let (node, lattice) = bytes.split_first_chunk::<32>()?;
    Some((NodeSecret::from_bytes(node), LatticeSecret::from_bytes(lattice.try_into().ok()?)))
}

/// A document's id, as the thing that others speak of.
pub(super) fn thing(id: DocId) -> Digest {
    Digest::from_bytes(*id.as_bytes())
}
