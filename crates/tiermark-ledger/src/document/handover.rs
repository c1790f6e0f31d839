//! The hand-over: what a mark commits to, signed before anything is marked.

use super::statement::nothing;
use super::{Document, FrameList, Nonce, Standing, statement, uuid_text};
use crate::keys::tree::{Direction, Hop, SlotSecret};
use crate::{Digest, DocId, Kid, Moment, PartyId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Who gave whom which frames, under which secrets.
///
/// The first eight bytes of its id are what the frames will carry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handover {
    /// The root kid of the giver.
    pub issuer: Kid,
    /// The receiver.
    pub recipient: PartyId,
    /// The record of a receiver without keys.
    pub recipient_record: Option<DocId>,
    /// The delegation of a receiver with keys.
    pub recipient_delegation: Option<DocId>,
    /// The giver's own delegation; none at the head of a chain.
    pub issuer_delegation: Option<DocId>,
    /// The hand-overs by which the frames came to the giver.
    pub upstream: Vec<DocId>,
    /// Down to a vendor, or back up.
    pub direction: Direction,
    /// The place in the chain, which is also the slot of its mark.
    pub depth: u8,
    /// The project.
    #[serde(with = "uuid_text")]
    pub project: Uuid,
    /// The epoch of the project's secrets.
    pub epoch: u16,
    /// The episode, where delegations are limited to some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub episode: Option<String>,
    /// The kind of material, where delegations are limited to some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The newest checkpoint of the giver's log, hashed without its signatures: this was written after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Digest>,
    /// Count and root of the frames.
    pub frames: FramesRoot,
    /// The digest of `frames.jsonl`: what the statement is about, and therefore its subject.
    #[serde(skip, default = "nothing")]
    pub frames_file: Digest,
    /// How the frames are marked.
    pub wm: Watermark,
    /// When the giver says it was.
    pub issued_at: Moment,
    /// Makes two hand-overs of the same frames different.
    pub nonce: Nonce,
    /// The program that wrote this.
    pub tool: Tool,
}

/// Count of the frames and the root over their lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FramesRoot {
    /// How many.
    pub count: u32,
    /// The root over their lines, see [`merkle`](super::merkle).
    pub root: Digest,
}

/// How the frames of a hand-over are marked, and the proof which secrets were meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watermark {
    /// The layout of the mark.
    pub scheme: String,
    /// The kind of word it carries.
    pub word: String,
    /// One commitment for each hop that occurs.
    pub hop_commits: Vec<HopCommitment>,
}

/// The secret of one hop, fixed without being shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HopCommitment {
    /// The hop.
    pub hop: Hop,
    /// The commitment to its secret.
    pub sha256: Digest,
}

/// The program that wrote a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl Document for Handover {
    const TYPE: &'static str = "tiermark:handover/v1";
    const KIND: &'static str = "handover";
    const NAME: &'static str = "hand-over";

    fn issuer(&self) -> Kid {
        self.issuer
    }

    fn made_at(&self) -> Moment {
        self.issued_at
    }

    fn stands_by(&self) -> Standing {
        self.issuer_delegation.map_or(Standing::Alone, Standing::By)
    }
}

impl statement::sealed::Sealed for Handover {
    fn subject(&self) -> (&'static str, Digest) {
        ("frames.jsonl", self.frames_file)
    }

    fn about(self, digest: Digest) -> Option<Self> {
        Some(Self { frames_file: digest, ..self })
    }
}

impl Handover {
    /// What the receiver's secrets in the closed set hang on: its delegation or, without one, its record or root.
    pub fn closed_name(&self) -> [u8; 32] {
        crate::studio::closed_name(self.recipient_delegation, self.recipient_record, self.recipient)
    }

    /// Whether these are the frames that were handed over, to the last byte of every line.
    pub fn lists(&self, frames: &FrameList) -> bool {
        self.frames == FramesRoot::of(frames) && self.frames_file == Digest::of(frames.file())
    }
}

impl FramesRoot {
    /// Count and root of this list of frames.
    pub fn of(frames: &FrameList) -> Self {
        Self { count: frames.count(), root: frames.root() }
    }
}

impl Watermark {
    /// The name of the mark's layout in documents.
    pub const SCHEME: &'static str = "tm1";
    /// The word: 64 bits of mark id, 32 bits of keyed check.
    pub const WORD: &'static str = "w96";

    /// Commits to the secrets of exactly the hops that these frames use.
    pub fn committing(slot: &SlotSecret, frames: &FrameList) -> Self {
        let commit = |hop| HopCommitment { hop, sha256: slot.hop(hop).commitment() };
        Self {
            scheme: Self::SCHEME.to_owned(),
            word: Self::WORD.to_owned(),
            hop_commits: frames.hops().into_iter().map(commit).collect(),
        }
    }
}

impl Tool {
    /// This program.
    pub fn this() -> Self {
        Self { name: "tiermark".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() }
    }
}
