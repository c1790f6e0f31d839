//! Documents with fixed keys, times and nonces: a second implementation must write the same bytes.

use crate::desk::{handle, source};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use tiermark_ledger::document::{
    Envelope, FrameList, FramesRoot, Handover, Nonce, Party, Tool, Vendor, Watermark,
};
use tiermark_ledger::keys::tree::Direction;
use tiermark_ledger::keys::{Signer, WatermarkRoot};
use tiermark_ledger::{Digest, Moment};

const VECTORS: &str = include_str!("../../../../vectors/v1/documents.txt");

pub(crate) fn demo_key(name: &str) -> Signer {
    Signer::from_seed(&Sha256::digest(format!("tiermark demo key/{name}")).into())
}

fn moment(text: &str) -> Moment {
    text.parse().unwrap()
}

pub(crate) fn demo_party() -> Envelope {
    let (root, sign) = (demo_key("P/root"), demo_key("P/sign"));
    let party = Party::first(handle("P"), &root.public(), &sign.public(), moment("2026-03-01T00:00:00Z"));
    party.seal(&root).unwrap()
}

pub(crate) fn demo_vendor() -> Envelope {
    let vendor = Vendor {
        handle: handle("羊飼い \"Boy\""),
        issuer: demo_key("P/root").public().kid(),
        added_at: moment("2026-03-01T12:00:00Z"),
        note: Some("tel. +81\n\"Ōsaka\"".to_owned()),
    };
    Envelope::seal(&vendor, &demo_key("P/sign")).unwrap()
}

fn demo_frames() -> FrameList {
    let sources = [
        source("EP03/034/lo_0001.png", "EP03-034"),
        source("EP03/034/lo_0002.png", "EP03-034"),
        source("EP03/\u{304b}\u{3099}.png", "EP03-035"),
    ];
    FrameList::new(&sources).unwrap()
}

pub(crate) fn demo_handover() -> Envelope {
    let frames = demo_frames();
    let root = WatermarkRoot::from_bytes(&Sha256::digest("demo watermark root").into());
    let project = "0f8fad5b-d9cb-469f-a165-70867728950e".parse().unwrap();
    let (direction, depth, epoch) = (Direction::Down, 1, 0);
    let vendor = demo_vendor().doc_id();
    let handover = Handover {
        issuer: demo_key("P/root").public().kid(),
        recipient: vendor.into(),
        recipient_record: Some(vendor),
        recipient_delegation: None,
        issuer_delegation: None,
        upstream: Vec::new(),
        direction,
        depth,
        project,
        epoch,
        episode: None,
        kind: None,
        after: None,
        frames: FramesRoot::of(&frames),
        frames_file: Digest::of(frames.file()),
        wm: Watermark::committing(&root.project(project, epoch).slot(direction, depth), &frames),
        issued_at: moment("2026-03-02T09:00:00Z"),
        nonce: Nonce::from_bytes(std::array::from_fn(|i| i as u8)),
        tool: Tool { name: "tiermark".to_owned(), version: "0.1.0".to_owned() },
    };
    Envelope::seal(&handover, &demo_key("P/sign")).unwrap()
}

fn computed() -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    let envelopes = [("party", demo_party()), ("vendor", demo_vendor()), ("handover", demo_handover())];
    for (name, envelope) in &envelopes {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        values.insert(format!("{name}-id"), envelope.doc_id().to_string());
        values.insert(format!("{name}-text"), text(envelope.payload().to_vec()));
        values.insert(format!("{name}-envelope"), text(envelope.to_json()));
    }
    values.insert("handover-mark".to_owned(), envelopes[2].1.doc_id().mark_id().to_string());
    for (i, line) in String::from_utf8(demo_frames().file().to_vec()).unwrap().lines().enumerate() {
        values.insert(format!("frame-{i}"), line.to_owned());
    }
    values
}

#[test]
fn documents_are_the_vectors_byte_for_byte() {
    let lines = VECTORS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let pairs = lines.map(|line| line.split_once(' ').unwrap());
    let expected: BTreeMap<String, String> =
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let computed = computed();
    for (name, value) in &computed {
        assert_eq!(expected.get(name), Some(value), "{name} {value}");
    }
    assert_eq!(computed.len(), expected.len());
}

#[test]
fn the_vectors_open_with_their_keys() {
    let sign = demo_key("P/sign").public();
    let read = |name: &str| {
        let line = VECTORS.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        Envelope::from_json(line.trim_start().as_bytes()).unwrap()
    };
    let party = Party::open(&read("party-envelope ")).unwrap();
    assert_eq!(party.root_kid(), demo_key("P/root").public().kid());
    assert!(party.signing_key(sign.kid()).is_some());
    let vendor: Vendor = read("vendor-envelope ").open(&sign).unwrap();
    assert_eq!(vendor.handle, handle("羊飼い \"Boy\""));
    let handover: Handover = read("handover-envelope ").open(&sign).unwrap();
    assert!(handover.lists(&demo_frames()));
    assert_eq!(handover.recipient, read("vendor-envelope ").doc_id().into());
}
