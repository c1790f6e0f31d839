//! Where the ledger's words become the mark's.

use sha2::{Digest as _, Sha256};
use tiermark_ledger::document::FrameRecord;
use tiermark_ledger::keys::tree::{Direction, Hop};
use tiermark_ledger::{MarkId, Secrets, Studio};
use tiermark_mark::{ContentId, MarkKey, Payload};

/// The keys that the marks of one studio's own hand-overs are read and written under.
pub(crate) struct Keys {
    /// The lattice that all tiers of the project share.
    pub(crate) lattice: MarkKey,
    /// One key to each hop, of the studio's own slot.
    pub(crate) hops: Vec<MarkKey>,
}

/// The studio's own place in the chain of hand-overs.
pub(crate) const OWN_TIER: u8 = 1;

impl Keys {
    /// The keys of the studio's project.
    pub(crate) fn of(studio: &Studio, secrets: &Secrets) -> Self {
        let node = secrets.node(studio.project());
        let slot = node.slot(Direction::Down, OWN_TIER);
        let hops = Hop::all().map(|hop| MarkKey::new(*slot.hop(hop).as_bytes())).collect();
        Self { lattice: MarkKey::new(*node.lattice().as_bytes()), hops }
    }
}

/// A mark id and the first half of a payload are the same eight bytes.
pub(crate) fn payload(mark: MarkId) -> Payload {
    Payload(*mark.as_bytes())
}

/// And back.
pub(crate) fn mark_id(payload: Payload) -> MarkId {
    MarkId::from_bytes(payload.0)
}

/// What the carrier of a frame is bound to: its shot, or for a still its own pixels.
pub(crate) fn content_of(record: &FrameRecord) -> ContentId {
    if record.shot == shot_of_still(record.pix.as_bytes()) {
        return ContentId(*record.pix.as_bytes());
    }
    ContentId(Sha256::digest([b"tiermark/v1/content-of-shot\0", record.shot.as_bytes()].concat()).into())
}

/// The shot of a picture that is no frame of a sequence: its pixels' own digest, hex.
pub(crate) fn shot_of_still(pixels: &[u8; 32]) -> String {
    data_encoding::HEXLOWER.encode(pixels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tiermark_ledger::Digest;

    #[test]
    fn frames_of_a_shot_share_their_content_and_stills_do_not() {
        let record = |shot: &str, pix: u8| FrameRecord {
            i: 0,
            name: "a.png".into(),
            sha256: Digest::from_bytes([0; 32]),
            pix: Digest::from_bytes([pix; 32]),
            w: 8,
            h: 8,
            shot: shot.into(),
            hop: Hop::of_shot(shot),
        };
        assert_eq!(content_of(&record("walk.#.png", 1)), content_of(&record("walk.#.png", 2)));
        let still = |pix: u8| content_of(&record(&shot_of_still(&[pix; 32]), pix));
        assert_eq!(still(1), ContentId([1; 32]));
        assert_ne!(still(1), still(2));
    }

    #[test]
    fn mark_ids_and_payloads_are_the_same_bytes() {
        let mark = MarkId::from_bytes([1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(mark_id(payload(mark)), mark);
    }
}
