//! Proofs that a log holds a leaf, or only grew.

use super::script::{Key, signer};
use tiermark_ledger::Digest;
use tiermark_ledger::log::{Leaf, TlogProof, tree};

/// Reads a proof, a leaf, and the bytes as numbers of a tree.
pub fn feed(bytes: &[u8]) {
    if let Ok(proof) = TlogProof::parse(bytes) {
        assert_eq!(TlogProof::parse(proof.to_text().as_bytes()).expect("what we wrote"), proof);
        let head = proof.checkpoint.checkpoint();
        let _ = proof.verify(bytes, &head.origin, &signer(0, Key::Log).public());
        let _ = tree::verify_inclusion(Digest::of(bytes), proof.index, head.size, &proof.path, head.root);
    }
    if let Ok(leaf) = Leaf::parse(bytes) {
        assert_eq!(leaf.bytes(), bytes, "a leaf has one spelling");
        let _ = leaf.hash();
    }
    numbers(bytes);
}

/// Two sizes, then hashes: every index, size and path is somebody's claim.
fn numbers(bytes: &[u8]) {
    let Some((old, rest)) = bytes.split_first_chunk::<8>() else { return };
    let Some((new, rest)) = rest.split_first_chunk::<8>() else { return };
    let (old, new) = (u64::from_le_bytes(*old), u64::from_le_bytes(*new));
    let (hashes, _) = rest.as_chunks::<32>();
    let path: Vec<Digest> = hashes.iter().copied().map(Digest::from_bytes).collect();
    let root = path.first().copied().unwrap_or_else(|| Digest::of(b""));
    for (old, new) in [(old, new), (old % 9, new % 9), (old, old.wrapping_add(new % 9)), (!old, !new)] {
        let _ = tree::verify_inclusion(root, old, new, &path, root);
        let _ = tree::verify_consistency((old, root), (new, root), &path);
    }
}
