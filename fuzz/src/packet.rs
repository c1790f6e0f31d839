//! What parties send each other.

use tiermark_ledger::Packet;
use tiermark_ledger::document::{Handover, Party};

/// Reads a packet, and writes it again.
pub fn feed(bytes: &[u8]) {
    let Ok(mut packet) = Packet::parse(bytes) else { return };
    assert_eq!(Packet::parse(&packet.to_json()).expect("what we wrote"), packet);
    let _ = (packet.of_type::<Party>().len(), packet.of_type::<Handover>().len());
    for envelope in packet.documents.clone() {
        packet.add(envelope);
    }
}
