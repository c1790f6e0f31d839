//! The tree of watermark secrets: HKDF-SHA256 (RFC 5869), downwards only.
//!
//! ```text
//! label(x, ...)  = "tiermark/v1/" x 00 ...
//! PRK            = Extract(salt "tiermark/v1/wm-root", WR)
//! N_P            = Expand(PRK, label("project", uuid16, epoch_be16), 32)
//! N_child        = Expand(N_parent, label("node", kid32 of child), 32)
//! lattice        = Expand(N_P, label("lattice"), 32)
//! K_slot         = Expand(N_issuer, label("slot", dir_u8, depth_u8), 32)
//! K_hop[h]       = Expand(K_slot, label("hop", h_u8), 32)                  h = 0..15
//! CS             = Expand(K_slot, label("cs", doc_id of the recipient's delegation, content), 32)
//! h(shot)        = high nibble of SHA-256(label("hop-of-shot", shot))[0]
//! commit(k)      = SHA-256(label("wm-commit", k))
//! ```
//!
//! Whoever holds a node can find and remove every mark below it and none above. The secrets are symmetric:
//! one that can find a mark can also make it. The lattice hangs on the project, because all tiers of a
//! project lie on the same one.
//!
//! What the secrets do to a picture is the business of `tiermark-mark`, which gets 32 bytes and no names.

use super::NoRandomness;
use crate::{Commitment, Digest, PartyId};
use hkdf::Hkdf;
use sha2::Sha256;
use uuid::Uuid;
use zeroize::Zeroizing;

/// Which way a hand-over goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From a producer to its vendor.
    Down,
    /// Back, with the work done.
    Up,
}

macro_rules! secret {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub struct $name(Zeroizing<[u8; 32]>);

        impl $name {
            /// Its 32 bytes, for the one who works with them; they must not be kept.
            pub fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }

            /// What may be shown instead of the secret: it proves later which secret it was.
            pub fn commitment(&self) -> Digest {
                let text = Zeroizing::new(label("wm-commit", &[&self.0[..]]));
                Digest::of(&text)
            }
        }
    };
}

secret!(
    /// `WR`: the root of all watermark secrets of one producer.
    WatermarkRoot
);
secret!(
    /// `N`: the secret of one party in one project and epoch.
    NodeSecret
);
secret!(
    /// The secret of what all tiers of a project share.
    LatticeSecret
);
secret!(
    /// `K_slot`: the secret of all marks at one depth, made by one party.
    SlotSecret
);
secret!(
    /// `K_hop`: the secret of one sixteenth of a slot's shots.
    HopSecret
);

secret!(
    /// `CS`: the secret of one recipient's pattern on one content.
    ClosedSecret
);

impl ClosedSecret {
    /// What a list of frames says of it.
    pub fn short_commitment(&self) -> Commitment {
        let whole = self.commitment();
        let (head, _) = whole.as_bytes().split_first_chunk::<16>().expect("32 bytes hold 16");
        Commitment::from_bytes(*head)
    }
}

impl WatermarkRoot {
    /// The root made of these bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Zeroizing::new(*bytes))
    }

    /// A new root.
    ///
    /// # Errors
    /// When the operating system has no randomness.
    pub fn fresh() -> Result<Self, NoRandomness> {
        super::fresh().map(Self)
    }

    /// `N_P`: the producer's own secret in a project; a new epoch has nothing in common with the last.
    pub fn project(&self, project: Uuid, epoch: u16) -> NodeSecret {
        let root = Hkdf::<Sha256>::new(Some(b"tiermark/v1/wm-root"), &self.0[..]);
        NodeSecret(expand(&root, &label("project", &[project.as_bytes(), &epoch.to_be_bytes()])))
    }
}

impl NodeSecret {
    /// The node secret made of these bytes, as a delegation brought them.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Zeroizing::new(*bytes))
    }

    /// `N_child`: the secret of a party below this one.
    pub fn child(&self, child: PartyId) -> NodeSecret {
        NodeSecret(derive(&self.0, &label("node", &[child.as_bytes()])))
    }

    /// The secret that all tiers of the project share; meaningful at the project's own node only.
    pub fn lattice(&self) -> LatticeSecret {
        LatticeSecret(derive(&self.0, &label("lattice", &[])))
    }

    /// `K_slot`: the secret of this party's marks at one depth.
    pub fn slot(&self, direction: Direction, depth: u8) -> SlotSecret {
        let direction = match direction {
            Direction::Down => 0,
            Direction::Up => 1,
        };
        SlotSecret(derive(&self.0, &label("slot", &[&[direction, depth]])))
    }
}

impl LatticeSecret {
    /// The lattice made of these bytes, as a delegation brought them.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Zeroizing::new(*bytes))
    }
}

impl SlotSecret {
    /// `K_hop`: the secret for the shots of one hop.
    pub fn hop(&self, hop: Hop) -> HopSecret {
        HopSecret(derive(&self.0, &label("hop", &[&[hop.0]])))
    }

    /// `CS`: the secret of a recipient's pattern on a content. The recipient is named by its delegation, or, without one, by its
    /// record or root: another delivery of the same drawing repeats the pattern, so that no recipient can average its own copies.
    pub fn closed(&self, recipient: &[u8; 32], content: Digest) -> ClosedSecret {
        ClosedSecret(derive(&self.0, &label("cs", &[recipient, content.as_bytes()])))
    }
}

/// One of the sixteen groups that shots fall into, so that a whole project never shares one pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Hop(u8);

impl Hop {
    /// The group of this shot.
    pub fn of_shot(shot: &str) -> Self {
        let digest = Digest::of(&label("hop-of-shot", &[shot.as_bytes()]));
        Self(digest.as_bytes()[0] >> 4)
    }

    /// All sixteen.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..16).map(Self)
    }
}

impl From<Hop> for u8 {
    fn from(hop: Hop) -> Self {
        hop.0
    }
}

impl TryFrom<u8> for Hop {
    type Error = &'static str;

    fn try_from(hop: u8) -> Result<Self, Self::Error> {
        if hop < 16 { Ok(Self(hop)) } else { Err("a hop is 0 to 15") }
    }
}

fn label(purpose: &str, parts: &[&[u8]]) -> Vec<u8> {
    let mut text = [b"tiermark/v1/", purpose.as_bytes(), &[0]].concat();
    text.reserve_exact(parts.iter().map(|part| part.len()).sum());
    parts.iter().for_each(|part| text.extend_from_slice(part));
    text
}

fn derive(parent: &[u8; 32], info: &[u8]) -> Zeroizing<[u8; 32]> {
    let parent = Hkdf::<Sha256>::from_prk(parent).expect("32 bytes are as long as a digest");
    expand(&parent, info)
}

fn expand(parent: &Hkdf<Sha256>, info: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut child = Zeroizing::new([0; 32]);
    parent.expand(info, child.as_mut()).expect("32 bytes are within 255 digests");
    child
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]
    use super::*;
    use crate::keys::Signer;
    use data_encoding::HEXLOWER;
    use sha2::Digest as _;
    use std::collections::BTreeMap;

    const VECTORS: &str = include_str!("../../../../vectors/v1/key-tree.txt");

    fn demo_root(party: &str) -> Signer {
        let seed = Sha256::digest(format!("tiermark demo key/{party}/root"));
        Signer::from_seed(&seed.into())
    }

    /// Everything the vectors name, computed here.
    fn computed() -> BTreeMap<&'static str, String> {
        let hex = |secret: &[u8; 32]| HEXLOWER.encode(secret);
        let kid = |party| demo_root(party).public().kid();
        let root = WatermarkRoot::from_bytes(&Sha256::digest("demo watermark root").into());
        let project = "0f8fad5b-d9cb-469f-a165-70867728950e".parse().unwrap();
        let n_p = root.project(project, 0);
        let n_a = n_p.child(kid("A").into());
        let n_b = n_a.child(kid("B").into());
        let (slot_1, slot_2) = (n_p.slot(Direction::Down, 1), n_a.slot(Direction::Down, 2));
        let hop = Hop::of_shot("EP03-034");
        let (hop_1, hop_2) = (slot_1.hop(hop), slot_2.hop(hop));
        BTreeMap::from([
            ("kid-P", kid("P").to_string()),
            ("kid-A", kid("A").to_string()),
            ("kid-B", kid("B").to_string()),
            ("node-P", hex(n_p.as_bytes())),
            ("node-A", hex(n_a.as_bytes())),
            ("node-B", hex(n_b.as_bytes())),
            ("lattice", hex(n_p.lattice().as_bytes())),
            ("hop-of-EP03-034", u8::from(hop).to_string()),
            ("slot-1", hex(slot_1.as_bytes())),
            ("slot-1-hop", hex(hop_1.as_bytes())),
            ("slot-1-commit", hop_1.commitment().to_string()),
            ("slot-2", hex(slot_2.as_bytes())),
            ("slot-2-hop", hex(hop_2.as_bytes())),
            ("slot-2-commit", hop_2.commitment().to_string()),
            ("slot-1-closed", hex(slot_1.closed(kid("A").as_bytes(), Digest::of(b"content")).as_bytes())),
            (
                "slot-1-closed-commit",
                slot_1.closed(kid("A").as_bytes(), Digest::of(b"content")).short_commitment().to_string(),
            ),
        ])
    }

    #[test]
    fn the_tree_gives_the_vectors() {
        let lines = VECTORS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let expected: BTreeMap<&str, String> = lines
            .map(|line| line.split_once(' ').unwrap())
            .map(|(name, value)| (name, value.to_owned()))
            .collect();
        assert_eq!(computed(), expected);
    }

    #[test]
    fn every_step_makes_another_secret() {
        let root = WatermarkRoot::from_bytes(&[3; 32]);
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let node = root.project(one, 0);
        let mut all = vec![
            *root.as_bytes(),
            *node.as_bytes(),
            *root.project(one, 1).as_bytes(),
            *root.project(two, 0).as_bytes(),
            *node.child(PartyId::from_bytes([1; 32])).as_bytes(),
            *node.lattice().as_bytes(),
        ];
        for (direction, depth) in [(Direction::Down, 1), (Direction::Down, 2), (Direction::Up, 1)] {
            all.extend(Hop::all().map(|hop| *node.slot(direction, depth).hop(hop).as_bytes()));
        }
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
