//! Our histories under the reference tool (PyPI: `ascmhl`), and its generations between ours.

#![allow(clippy::unwrap_used, reason = "a test may stop")]

use std::fs;
use std::path::Path;
use std::process::Command;

use super::tests::{at, put};
use super::*;

/// The reference tool.
struct Tool(String);

impl Tool {
    /// The program `ascmhl` in the variable ASCMHL or on the path; `ascmhl-debug` lies beside it.
    #[allow(clippy::print_stderr, reason = "a skipped test says why")]
    fn find() -> Option<Self> {
        let named = std::env::var("ASCMHL");
        let tool = Self(named.clone().unwrap_or_else(|_| "ascmhl".into()));
        let there =
            Command::new(&tool.0).arg("--version").output().is_ok_and(|output| output.status.success());
        assert!(there || named.is_err(), "ASCMHL names no program that runs");
        if !there {
            eprintln!("skipped: there is no program `ascmhl` here (pip install ascmhl, ASCMHL=path)");
        }
        there.then_some(tool)
    }

    /// Exit status of a command, and all that it said.
    fn run(&self, suffix: &str, arguments: &[&str], root: &Path) -> (Option<i32>, String) {
        let mut command = Command::new(format!("{}{suffix}", self.0));
        let output = command.args(arguments).arg(root).env("PYTHONIOENCODING", "utf-8").output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.code(), said)
    }

    /// Every file is what all generations say, and every folder what the newest one says.
    fn verifies(&self, root: &Path, files: usize, newest: u32) {
        let (status, said) = self.run("-debug", &["verify", "-v"], root);
        assert_eq!(status, Some(0), "{said}");
        assert_eq!(said.matches(": OK").count(), files, "{said}");
        // A folder that grew is not what its older hashes say, in the tool's own histories too. A root that does
        // not match has no exit status.
        let (_, said) = self.run("-debug", &["verify", "-v", "-dh"], root);
        let newest = format!("(generation {newest:04})");
        assert!(said.contains(&format!("verification of root folder   OK {newest}")), "{said}");
        let wrong = |line: &str| line.contains("ERROR") && line.contains(&newest);
        assert!(!said.lines().any(wrong) && !said.contains("Traceback"), "{said}");
    }
}

#[test]
fn the_reference_tool_verifies_and_goes_on_where_we_stopped() {
    let Some(tool) = Tool::find() else { return };
    let folder = tempfile::tempdir().unwrap();
    let root = &folder.path().join("Shépherd & Boy");
    let mut entries = vec![
        put(root, "a & b <é>.png", b"one"),
        put(root, "s/q\"'/x.png", b"two"),
        put(root, "s/y.png", b"two"),
        put(root, "s-/empty.txt", b""),
    ];
    entries[0].modified = Some(at(-60));
    let generation = |entries: &[Entry], second| write(root, entries, Some("Fox"), "0.1.0", at(second));
    generation(&entries, 0).unwrap();
    tool.verifies(root, 4, 1);
    entries.push(put(root, "s/z.png", b"three"));
    generation(&entries, 1).unwrap();
    tool.verifies(root, 5, 2);
    // A hand-over of one more file, which is all that it lists.
    entries.push(put(root, "t/new.png", b"four"));
    generation(&entries[5..], 2).unwrap();
    tool.verifies(root, 6, 3);

    // Theirs: with our hash, then with the one that is their habit.
    for arguments in [&["create", "-v", "-h", "c4"][..], &["create", "-v", "-i", "*.tmp"]] {
        let (status, said) = tool.run("", arguments, root);
        assert!(status == Some(0) && !said.contains("ERROR"), "{said}");
        assert!(said.contains("verified                      s/q\"'/x.png"), "{said}");
    }
    let ours = generation(&entries, 3).unwrap();
    assert!(ours.file_name().unwrap().to_str().unwrap().starts_with("0006_"));
    assert!(fs::read_to_string(&ours).unwrap().contains("<pattern>*.tmp</pattern>"));
    fs::write(root.join("left out.tmp"), b"").unwrap();
    tool.verifies(root, 6, 6);

    fs::write(root.join("s/y.png"), b"twO").unwrap();
    let (status, said) = tool.run("-debug", &["verify"], root);
    assert_eq!(status, Some(11), "{said}");
    assert!(said.contains("hash mismatch        for s/y.png"), "{said}");
    fs::write(root.join("s/y.png"), b"two").unwrap();
    fs::write(&ours, [fs::read(&ours).unwrap(), b" ".to_vec()].concat()).unwrap();
    assert_eq!(tool.run("-debug", &["verify"], root).0, Some(31), "a manifest with a byte more");
}
