//! Signed documents: the envelope, then each kind of document in it.

use tiermark_ledger::document::{
    Delegation, Delivery, Document, Envelope, Finding, Handover, Party, Receipt, Revocation, Vendor,
};
use tiermark_ledger::keys::Signer;

/// Reads an envelope, and then its text again as if a known key had signed it: else no mutation would pass the signature.
pub fn feed(bytes: &[u8]) {
    if let Ok(envelope) = Envelope::from_json(bytes) {
        assert_eq!(Envelope::from_json(&envelope.to_json()).expect("what we wrote"), envelope);
        open(&envelope);
        sealed(envelope.payload());
    }
    // Most inputs are no base64 in JSON; as the text itself they go deeper. What is no JSON is no statement.
    if bytes.starts_with(b"{") {
        sealed(bytes);
    }
}

fn sealed(payload: &[u8]) {
    let key = Signer::from_seed(&[5; 32]);
    let unsigned = Envelope::from_parts(payload.to_vec(), key.public().kid(), [0; 64]);
    let signature = key.sign(&unsigned.signed_bytes());
    let envelope = Envelope::from_parts(payload.to_vec(), key.public().kid(), signature);
    assert_ne!(envelope.doc_id(), unsigned.doc_id(), "a name covers the signature");
    open(&envelope);
}

fn open(envelope: &Envelope) {
    let _ = (envelope.claimed_type(), envelope.doc_id().mark_id());
    if let Ok(party) = Party::open(envelope) {
        let _ = (
            party.root_kid(),
            party.sealing_key(),
            party.signing_key(envelope.claimed_kid()),
            party.made_at(),
        );
        again(&party);
    }
    match envelope.claimed_type().as_deref() {
        Some(Party::TYPE) => as_kind::<Party>(envelope),
        Some(Vendor::TYPE) => as_kind::<Vendor>(envelope),
        Some(Delegation::TYPE) => as_kind::<Delegation>(envelope),
        Some(Handover::TYPE) => as_kind::<Handover>(envelope),
        Some(Delivery::TYPE) => as_kind::<Delivery>(envelope),
        Some(Receipt::TYPE) => as_kind::<Receipt>(envelope),
        Some(Revocation::TYPE) => as_kind::<Revocation>(envelope),
        Some(Finding::TYPE) => as_kind::<Finding>(envelope),
        _ => assert!(envelope.open::<Finding>(&Signer::from_seed(&[5; 32]).public()).is_err()),
    }
}

fn as_kind<D: Document>(envelope: &Envelope) {
    let key = Signer::from_seed(&[5; 32]).public();
    if let Ok(document) = envelope.open::<D>(&key) {
        assert_eq!(envelope.claimed_type().as_deref(), Some(D::TYPE));
        let _ = (document.issuer(), document.made_at());
        again(&document);
    }
}

/// A document that was read can be signed again, or is refused: no third way.
fn again<D: Document>(document: &D) {
    let key = Signer::from_seed(&[5; 32]);
    if let Ok(envelope) = Envelope::seal(document, &key) {
        assert!(envelope.open::<D>(&key.public()).is_ok(), "we read what we wrote");
    }
}
