//! Where the ledger's words become the mark's.

use sha2::{Digest as _, Sha256};
use tiermark_ledger::document::FrameRecord;
use tiermark_ledger::keys::tree::{ClosedSecret, Direction, Hop, NodeSecret};
use tiermark_ledger::{Digest, MarkId};
use tiermark_mark::{ContentId, MarkKey, Payload};

/// The keys of the marks at one place of the chain, one to each hop.
pub(crate) fn hop_keys(node: &NodeSecret, direction: Direction, depth: u8) -> Vec<MarkKey> {
    let slot = node.slot(direction, depth);
    Hop::all().map(|hop| MarkKey::new(*slot.hop(hop).as_bytes())).collect()
}

/// The key of one recipient's pattern on one content.
pub(crate) fn closed_key(secret: &ClosedSecret) -> MarkKey {
    MarkKey::new(*secret.as_bytes())
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
    // All tiers lie on the lattice of the first mark, which was bound to what the producer had.
    if let Some(up) = &record.up {
        return ContentId(*up.content.as_bytes());
    }
    if record.shot == shot_of_still(record.pix.as_bytes()) {
        return ContentId(*record.pix.as_bytes());
    }
    ContentId(Sha256::digest([b"tiermark/v1/content-of-shot\0", record.shot.as_bytes()].concat()).into())
}

/// What the carrier of one shot of a clip is bound to, by the number of its first frame: no two shots have one pattern.
pub(crate) fn content_in_clip(record: &FrameRecord, first: u64) -> ContentId {
    let content = content_of(record).0;
    let bound = [&b"tiermark/v1/content-of-shot-in-clip\0"[..], &content, &first.to_be_bytes()].concat();
    ContentId(Sha256::digest(bound).into())
}

/// What the carrier of one picture in a document is bound to, by its number there (`Sheet::number`).
pub(crate) fn content_in_sheet(record: &FrameRecord, number: u64) -> ContentId {
    let content = content_of(record).0;
    let bound = [&b"tiermark/v1/content-of-picture-in-sheet\0"[..], &content, &number.to_be_bytes()].concat();
    ContentId(Sha256::digest(bound).into())
}

/// The content of a frame, as a lower tier's list names it.
pub(crate) fn content_digest(record: &FrameRecord) -> Digest {
    Digest::from_bytes(content_of(record).0)
}

/// The shot of a picture that is no frame of a sequence: its pixels' own digest, hex.
pub(crate) fn shot_of_still(pixels: &[u8; 32]) -> String {
    data_encoding::HEXLOWER.encode(pixels)
}

#[cfg(test)]
mod tests {
    use super::*;
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
            up: None,
            csc: None,
        };
        assert_eq!(content_of(&record("walk.#.png", 1)), content_of(&record("walk.#.png", 2)));
        let still = |pix: u8| content_of(&record(&shot_of_still(&[pix; 32]), pix));
        assert_eq!(still(1), ContentId([1; 32]));
        assert_ne!(still(1), still(2));
        let clip = record("walk.mov", 1);
        assert_ne!(content_in_clip(&clip, 0), content_in_clip(&clip, 24));
        assert_ne!(content_in_clip(&clip, 0), content_in_clip(&record("run.mov", 1), 0));
        assert_ne!(content_in_sheet(&clip, 0), content_in_sheet(&clip, 1));
        assert_ne!(content_in_sheet(&clip, 0), content_in_clip(&clip, 0));
        let up = tiermark_ledger::document::Up {
            handover: tiermark_ledger::DocId::from_bytes([0; 32]),
            i: 3,
            content: Digest::from_bytes([7; 32]),
        };
        let lower = FrameRecord { up: Some(up), ..record("walk.#.png", 1) };
        assert_eq!(content_of(&lower), ContentId([7; 32]), "a lower tier lies where the first mark lies");
    }

    #[test]
    fn mark_ids_and_payloads_are_the_same_bytes() {
        let mark = MarkId::from_bytes([1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(mark_id(payload(mark)), mark);
    }
}
