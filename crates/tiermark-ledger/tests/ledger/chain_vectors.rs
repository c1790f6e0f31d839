//! The documents of a chain, a log over them and its proofs, with fixed keys: what a second implementation must write.
//!
//! `VECTORS_TO=FILE cargo test -p tiermark-ledger chain_vectors` writes them anew, for a version 2.

use crate::desk::{handle, source};
use crate::documents::demo_key;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use tiermark_ledger::chain::{log_origin, witness_name};
use tiermark_ledger::document::{
    Cutoff, DeclaredKey, Delegation, Delivery, Document, Envelope, FrameList, FramesRoot, Handover, KeyCheck,
    Names, Nonce, OutputList, OutputRecord, Party, Receipt, Revocation, Right, Scope, SelfCheck, Target,
    Tool, Usage, Watermark, merkle,
};
use tiermark_ledger::keys::tree::Direction;
use tiermark_ledger::keys::{Opener, WatermarkRoot};
use tiermark_ledger::log::{Checkpoint, Leaf, LeafKind, SignedCheckpoint, TlogProof};
use tiermark_ledger::{Digest, DocId, Kid, Moment};

const VECTORS: &str = include_str!("../../../../vectors/v1/chain.txt");

fn moment(text: &str) -> Moment {
    text.parse().unwrap()
}

fn root(party: &str) -> Kid {
    demo_key(&format!("{party}/root")).public().kid()
}

fn party(name: &str) -> Envelope {
    let (root, from) = (demo_key(&format!("{name}/root")), moment("2026-03-01T00:00:00Z"));
    let public = |usage: &str| demo_key(&format!("{name}/{usage}")).public();
    let mut party = Party::first(handle(name), &root.public(), &public("sign"), from);
    let seed = Sha256::digest(format!("tiermark demo key/{name}/box")).into();
    party.keys.extend([
        DeclaredKey::ed25519(Usage::Log, &public("log"), from),
        DeclaredKey::ed25519(Usage::Witness, &public("witness"), from),
        DeclaredKey::sealing(&Opener::from_bytes(&seed).public(), from),
    ]);
    party.seal(&root).unwrap()
}

/// P delegates to A, hands it two frames, A acknowledges; A's signing key is revoked afterwards.
fn documents() -> Vec<(&'static str, Envelope)> {
    let project = "0f8fad5b-d9cb-469f-a165-70867728950e".parse().unwrap();
    let secrets = WatermarkRoot::from_bytes(&Sha256::digest("demo watermark root").into());
    let node = secrets.project(project, 0);
    let (p_sign, a_sign) = (demo_key("P/sign"), demo_key("A/sign"));
    let (p, a) = (party("P"), party("A"));
    let delegation = Delegation {
        issuer: root("P"),
        subject: root("A"),
        subject_party_doc: a.doc_id(),
        record: None,
        depth: 1,
        max_depth: 2,
        rights: [Right::Receive, Right::Stamp, Right::Delegate].into(),
        scope: Scope { project, episodes: Names::of(["EP03".to_owned()]), kinds: Names::all() },
        not_before: moment("2026-03-01T00:00:00Z"),
        not_after: moment("2027-02-01T00:00:00Z"),
        parent: None,
        key_check: KeyCheck { how: "video".to_owned(), at: moment("2026-03-01T09:00:00Z") },
        epoch: 0,
        wm_node_commit: node.child(root("A").into()).commitment(),
        lattice_commit: node.lattice().commitment(),
        issued_at: moment("2026-03-01T09:00:00Z"),
        nonce: Nonce::from_bytes([1; 16]),
    };
    let delegation = Envelope::seal(&delegation, &p_sign).unwrap();
    let frames =
        FrameList::new(&[source("lo_0001.png", "EP03-034"), source("lo_0002.png", "EP03-034")]).unwrap();
    let handover = Handover {
        issuer: root("P"),
        recipient: root("A").into(),
        recipient_record: None,
        recipient_delegation: Some(delegation.doc_id()),
        issuer_delegation: None,
        upstream: Vec::new(),
        direction: Direction::Down,
        depth: 1,
        project,
        epoch: 0,
        episode: Some("EP03".to_owned()),
        kind: Some("layout".to_owned()),
        after: None,
        frames: FramesRoot::of(&frames),
        frames_file: Digest::of(frames.file()),
        wm: Watermark::committing(&node.slot(Direction::Down, 1), &frames),
        issued_at: moment("2026-03-02T09:00:00Z"),
        nonce: Nonce::from_bytes([2; 16]),
        tool: Tool { name: "tiermark".to_owned(), version: "0.1.0".to_owned() },
    };
    let handover = Envelope::seal(&handover, &p_sign).unwrap();
    let output = |i: u32| OutputRecord {
        i,
        out: Digest::of(&[i as u8]),
        outpix: Digest::of(&[9]),
        q: 4812,
        z: 35_210,
    };
    let outputs = OutputList::new(vec![output(0), output(1)]).unwrap();
    let delivery = Delivery {
        issuer: root("P"),
        handover: handover.doc_id(),
        outputs: outputs.summary(),
        outputs_file: Digest::of(outputs.file()),
        self_check: SelfCheck { read_back: 2, refused: 0 },
        closed_at: moment("2026-03-02T09:05:00Z"),
    };
    let delivery = Envelope::seal(&delivery, &p_sign).unwrap();
    let receipt = Receipt {
        recipient: root("A"),
        handover: handover.doc_id(),
        handover_text: Digest::of(handover.payload()),
        delivery: delivery.doc_id(),
        count: 2,
        missing: 0,
        received_at: moment("2026-03-02T12:00:00Z"),
        checkpoint_sha256: None,
        statement: Receipt::STATEMENT.to_owned(),
    };
    let receipt = Envelope::seal(&receipt, &a_sign).unwrap();
    let revocation = Revocation {
        issuer: root("A"),
        target_kind: Target::Key,
        target: Digest::from_bytes(*a_sign.public().kid().as_bytes()),
        reason: "stolen laptop".to_owned(),
        log_cutoffs: vec![Cutoff { origin: log_origin(root("P")), size: 6, root: Digest::of(b"any") }],
        effective_at: moment("2026-03-20T00:00:00Z"),
        successor: None,
    };
    let revocation = Envelope::seal(&revocation, &demo_key("A/root")).unwrap();
    vec![
        (Party::KIND, p),
        ("party-a", a),
        (Delegation::KIND, delegation),
        (Handover::KIND, handover),
        (Delivery::KIND, delivery),
        (Receipt::KIND, receipt),
        (Revocation::KIND, revocation),
    ]
}

/// P's log over them, signed by P, cosigned by A, and the proof of the hand-over in it.
fn log(documents: &[(&str, Envelope)]) -> (Vec<Leaf>, TlogProof) {
    let leaf = |(name, envelope): &(&str, Envelope)| Leaf {
        at: moment("2026-03-10T00:00:00Z"),
        id: Digest::from_bytes(*envelope.doc_id().as_bytes()),
        kind: LeafKind::named(name.split('-').next().unwrap()).unwrap(),
    };
    let leaves: Vec<Leaf> = documents.iter().map(leaf).collect();
    let hashes: Vec<Digest> = leaves.iter().map(Leaf::hash).collect();
    let head =
        Checkpoint { origin: log_origin(root("P")), size: hashes.len() as u64, root: merkle::root(&hashes) };
    let mut checkpoint = SignedCheckpoint::sign(head, &demo_key("P/log")).unwrap();
    checkpoint
        .cosign(&witness_name(root("A")), &demo_key("A/witness"), moment("2026-03-11T08:00:00Z"))
        .unwrap();
    (leaves, TlogProof { index: 3, path: merkle::path(&hashes, 3), checkpoint })
}

fn computed() -> BTreeMap<String, String> {
    let documents = documents();
    let mut values = BTreeMap::new();
    for (name, envelope) in &documents {
        let id: DocId = envelope.doc_id();
        values.insert(format!("{name}-id"), id.to_string());
        values.insert(format!("{name}-envelope"), String::from_utf8(envelope.to_json()).unwrap());
    }
    let (leaves, proof) = log(&documents);
    for (i, leaf) in leaves.iter().enumerate() {
        values.insert(format!("leaf-{i}"), String::from_utf8(leaf.bytes()).unwrap());
    }
    // A line feed would end the value.
    values.insert("tlog-proof".to_owned(), proof.to_text().replace('\n', "\\n"));
    values
}

#[test]
fn chain_vectors_come_out_byte_for_byte() {
    let computed = computed();
    if let Ok(path) = std::env::var("VECTORS_TO") {
        let lines = computed.iter().map(|(name, value)| format!("{name} {value}\n"));
        std::fs::write(path, lines.collect::<String>()).unwrap();
    }
    let lines = VECTORS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let pairs = lines.map(|line| line.split_once(' ').unwrap());
    let expected: BTreeMap<String, String> =
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    for (name, value) in &computed {
        assert_eq!(expected.get(name), Some(value), "{name}");
    }
    assert_eq!(computed.len(), expected.len());
}
