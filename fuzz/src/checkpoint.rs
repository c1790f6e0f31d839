//! Signed and cosigned states of logs.

use super::script::{Key, moment, signer};
use tiermark_ledger::log::SignedCheckpoint;

/// Reads a checkpoint and asks known keys whether they signed it; then lets one cosign.
pub fn feed(bytes: &[u8]) {
    let Ok(mut note) = SignedCheckpoint::parse(bytes) else { return };
    assert_eq!(note.to_text().as_bytes(), bytes, "a checkpoint has one spelling");
    let (log, witness) = (signer(0, Key::Log), signer(1, Key::Witness));
    let _ = (note.verify_log(&log.public()), note.digest());
    for name in note.signers().iter().take(8) {
        let _ = note.verify_cosignature(name, &witness.public());
    }
    let before = note.clone();
    note.merge(&before).expect("the same checkpoint");
    assert_eq!(note, before, "a signature is added once");
    signed_anew(&before);
    if note.cosign("tiermark/party/witness", &witness, moment()).is_ok() {
        assert_eq!(SignedCheckpoint::parse(note.to_text().as_bytes()).expect("what we wrote"), note);
    }
}

/// The three lines under a signature that holds: what a hostile log can say.
fn signed_anew(note: &SignedCheckpoint) {
    let (log, witness) = (signer(0, Key::Log), signer(1, Key::Witness));
    let Ok(mut ours) = SignedCheckpoint::sign(note.checkpoint().clone(), &log) else { return };
    ours.verify_log(&log.public()).expect("we signed it");
    ours.cosign("w", &witness, moment()).expect("w is a name");
    let seen = ours.verify_cosignature("w", &witness.public());
    assert_eq!(seen.expect("it cosigned"), moment());
    let _ = ours.merge(note);
}
