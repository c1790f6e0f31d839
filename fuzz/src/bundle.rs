//! A folder that an outsider was given.

use super::script::{self, Reader, Story};
use std::cell::RefCell;
use std::fs;
use std::path::Path;
use tempfile::TempDir;
use tiermark_ledger::Kid;
use tiermark_ledger::bundle::{self, Bundle, Checked};
use tiermark_ledger::document::FrameList;

/// The producer of the bundle among the seeds.
const ROOT: &str = "e670a6f6728f388d72a17c32ea347b6f9c699ce42e58dac72e474273f5c3326c";
/// Most files that are written for one input.
const MOST_FILES: usize = 96;

thread_local! {
    static FOLDER: RefCell<Option<TempDir>> = const { RefCell::new(None) };
}

/// Checks the files in an input, each below a line `== name`; or, without such a line, those that a script makes.
pub fn feed(bytes: &[u8]) -> Option<Checked> {
    FOLDER.with_borrow_mut(|folder| {
        let folder = folder.get_or_insert_with(super::scratch).path();
        clear(folder);
        if bytes.starts_with(b"== ") {
            split(bytes, folder);
            checked(folder, ROOT.parse().expect("hex"))
        } else {
            let text = std::str::from_utf8(bytes).ok()?;
            let root = script::signer(0, script::Key::Root).public().kid();
            let reader = Reader { root, sealing: None };
            played(&script::play(text, &reader), folder);
            checked(folder, root)
        }
    })
}

fn checked(folder: &Path, root: Kid) -> Option<Checked> {
    let bundle = Bundle::open(folder).ok()?;
    let checked = bundle::check(&bundle, root).ok()?;
    assert!(!checked.checks.is_empty(), "a check says what it checked");
    Some(checked)
}

fn clear(folder: &Path) {
    for below in ["docs", "log", "frames"] {
        let _ = fs::remove_dir_all(folder.join(below));
        fs::create_dir(folder.join(below)).expect("our own folder");
    }
    for name in ["finding.dsse.json", "custody.jsonl"] {
        let _ = fs::remove_file(folder.join(name));
    }
}

fn split(bytes: &[u8], folder: &Path) {
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for line in bytes.split_inclusive(|&b| b == b'\n') {
        match (line.strip_prefix(b"== "), files.last_mut()) {
            (Some(name), _) => files.push((safe(name), Vec::new())),
            (None, Some((_, text))) => text.extend_from_slice(line),
            (None, None) => {}
        }
    }
    for (name, mut text) in files.into_iter().take(MOST_FILES) {
        // The line's end belongs to the border; a file that needs one ends in two.
        text.pop();
        write(folder, &name, &text);
    }
}

/// A name in one of the folders, whatever the input calls it.
fn safe(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(name);
    let kept = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '/');
    let mut text: String = text.chars().filter(kept).take(100).collect();
    while text.contains("..") || text.starts_with('/') {
        text = text.replacen("..", ".", 1).trim_start_matches('/').to_owned();
    }
    text
}

fn played(story: &Story, folder: &Path) {
    for (n, envelope) in story.packet.documents.iter().enumerate() {
        write(folder, &format!("docs/{n}.dsse.json"), &envelope.to_json());
    }
    for (n, proof) in story.packet.proofs.iter().enumerate() {
        write(folder, &format!("log/{n}.tlog-proof"), proof.proof.as_bytes());
        write(folder, &format!("log/{n}.leaf"), proof.leaf.as_bytes());
    }
    for id in story.handovers() {
        let Some(list) = story.packet.frames.get(&id).and_then(|text| FrameList::parse(text)) else {
            continue;
        };
        for (index, line) in list.file().split(|&b| b == b'\n').enumerate().take(list.records().len().min(3))
        {
            let path = tiermark_ledger::document::merkle::path(&list.leaves(), index);
            let path: Vec<String> = path.iter().map(ToString::to_string).collect();
            let line = String::from_utf8_lossy(line);
            let frame =
                serde_json::json!({"handover": id.to_string(), "index": index, "line": line, "path": path});
            write(
                folder,
                &format!("frames/{:.16}-{index}.json", id.to_string()),
                frame.to_string().as_bytes(),
            );
        }
    }
    if let Some(finding) = &story.finding {
        write(folder, "finding.dsse.json", &finding.to_json());
    }
    write(folder, "custody.jsonl", story.custody.as_bytes());
}

/// Names that cannot be written are left out: they are the input's, not ours.
fn write(folder: &Path, name: &str, bytes: &[u8]) {
    let _ = fs::write(folder.join(name), bytes);
}
