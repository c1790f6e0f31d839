//! `custody.jsonl`.

use tiermark_ledger::custody::{self, Event};

/// Reads a custody, and chains the same lines anew, so that a bent one goes deeper than its first hash.
pub fn feed(bytes: &[u8]) {
    if let Ok(lines) = custody::parse(bytes) {
        assert!((0..).zip(&lines).all(|(n, line)| line.n == n), "lines are numbered from 0");
        let sealed = lines.iter().rposition(|line| matches!(line.event, Event::Seal {}));
        assert!(sealed.is_none_or(|place| place + 1 == lines.len()), "nothing follows a seal");
    }
    let _ = custody::parse(&chained(bytes));
}

/// The lines with `@` in place of the hash before.
fn chained(bytes: &[u8]) -> Vec<u8> {
    let mut chained = Vec::new();
    let mut before = "0".repeat(64);
    for line in String::from_utf8_lossy(bytes).lines() {
        let line = line.replace('@', &before);
        before = tiermark_ledger::Digest::of(line.as_bytes()).to_string();
        chained.extend_from_slice(line.as_bytes());
        chained.push(b'\n');
    }
    chained
}
