//! `frames.jsonl` and `outputs.jsonl`.

use tiermark_ledger::document::{FrameList, OutputList, merkle};

/// Reads the text as either list.
pub fn feed(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some(list) = FrameList::parse(text) {
        assert_eq!(list.file(), bytes, "a list has one spelling");
        assert_eq!(merkle::root(&list.leaves()), list.root());
        assert!((0..).zip(list.records()).all(|(i, record)| record.i == i), "frames are numbered from 0");
        let _ = (list.count(), list.hops(), list.upstream());
    }
    if let Some(list) = OutputList::parse(text) {
        assert_eq!(list.file(), bytes, "a list has one spelling");
        let _ = (list.records().len(), list.summary());
    }
}
