//! Laws of a history; whether others read it is in `reference`.

#![allow(clippy::unwrap_used, reason = "a test may stop")]

use std::fs;
use std::path::Path;

use super::*;

/// Put a file below `root`.
pub(super) fn put(root: &Path, path: &str, bytes: &[u8]) -> Entry {
    let file = root.join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, bytes).unwrap();
    Entry { path: path.into(), size: bytes.len() as u64, modified: None, c4: c4(bytes) }
}

pub(super) fn at(second: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_772_442_000 + second).unwrap()
}

fn history_of(root: &Path, entries: &[Entry], second: i64) -> Result<PathBuf, MhlError> {
    write(root, entries, Some("Fox & Sons"), "0.1.0", at(second))
}

#[test]
fn a_manifest_has_one_form() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("delivery");
    let mut entry = put(&root, "s/a & b <é>.png", b"a\n");
    entry.modified = Some(at(-60));
    let path = history_of(&root, &[entry], 0).unwrap();
    assert_eq!(path, root.join("ascmhl/0001_delivery_2026-03-02_090000Z.mhl"));
    assert_eq!(fs::read_to_string(path).unwrap(), include_str!("manifest.mhl"));
}

#[test]
fn the_next_generation_verifies_and_leaves_the_first_alone() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let one = put(root, "a.png", b"a");
    let first = history_of(root, std::slice::from_ref(&one), 0).unwrap();
    let before = fs::read(&first).unwrap();
    let second = history_of(root, &[put(root, "b.png", b"b"), one], 1).unwrap();
    assert_eq!(fs::read(&first).unwrap(), before);
    let text = fs::read_to_string(&second).unwrap();
    let actions: Vec<_> = text.lines().filter_map(|line| line.trim().strip_prefix("<c4 action=")).collect();
    assert!(matches!(actions[..], [a, b] if a.starts_with("\"verified") && b.starts_with("\"original")));
    let chain = History::read(root).unwrap().chain;
    assert_eq!(chain[1], (second.file_name().unwrap().to_str().unwrap().to_owned(), c4(text.as_bytes())));
}

#[test]
fn a_changed_file_is_named_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let one = put(root, "a.png", b"a");
    history_of(root, std::slice::from_ref(&one), 0).unwrap();
    let other = put(root, "a.png", b"b");
    let written = || fs::read_dir(root.join(FOLDER)).unwrap().count();
    let named = |error| matches!(error, MhlError::Changed(name) if name == "a.png");
    assert!(history_of(root, std::slice::from_ref(&other), 1).is_err_and(named));
    assert_eq!(written(), 2);
    let twice = tempfile::tempdir().unwrap();
    assert!(history_of(twice.path(), &[one, other], 1).is_err_and(named), "two files of one name");
}

#[test]
fn names_that_a_checker_would_pass_over_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for path in ["", "/a", "a//b", "../a", "a/./b", "ascmhl/a", "a/.DS_Store", "a\u{1}", "a\nb", "a\u{ffff}"]
    {
        let entry = Entry { path: path.into(), size: 0, modified: None, c4: c4(b"") };
        assert!(matches!(history_of(folder.path(), &[entry], 0), Err(MhlError::Name(_))), "{path:?}");
    }
    assert!(matches!(history_of(folder.path(), &[], 0), Err(MhlError::Nothing)));
    let far = write(folder.path(), &[], None, "0", OffsetDateTime::UNIX_EPOCH - time::Duration::SECOND);
    assert!(matches!(far, Err(MhlError::Clock(_))));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_damaged_history_does_not_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let one = [put(root, "s/a.png", b"a")];
    let manifest = history_of(root, &one, 0).unwrap();
    let whole = fs::read(&manifest).unwrap();
    let damaged = |what: &str| {
        let found = history_of(root, &one, 1);
        assert!(matches!(found, Err(MhlError::History { .. } | MhlError::Disk { .. })), "{what}: {found:?}");
    };
    fs::write(&manifest, [&whole[..], b" "].concat()).unwrap();
    damaged("a manifest with a byte more");
    fs::remove_file(&manifest).unwrap();
    damaged("no manifest");
    fs::write(&manifest, &whole).unwrap();
    let chain = root.join(FOLDER).join(CHAIN);
    let listed = fs::read(&chain).unwrap();
    fs::write(&chain, "<ascmhldirectory/>").unwrap();
    damaged("a manifest that the chain does not have");
    fs::remove_file(&chain).unwrap();
    damaged("no chain");
    fs::write(&chain, listed).unwrap();
    history_of(root, &one, 1).unwrap();
}

#[test]
fn what_others_began_goes_on_only_with_our_hash_and_not_inside() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let one = [put(root, "s/a.png", b"a")];
    let manifest = "<hashlist><hashes><hash><path>x</path><md5>0</md5></hash></hashes></hashlist>";
    fs::create_dir(root.join(FOLDER)).unwrap();
    fs::write(root.join("ascmhl/0001_x.mhl"), manifest).unwrap();
    let chain = xml::chain(&[("0001_x.mhl".into(), c4(manifest.as_bytes()))]);
    fs::write(root.join(FOLDER).join(CHAIN), chain).unwrap();
    assert!(matches!(history_of(root, &one, 0), Err(MhlError::OtherHash(name)) if name == "x"));
    fs::remove_dir_all(root.join(FOLDER)).unwrap();
    fs::create_dir(root.join("s/ascmhl")).unwrap();
    assert!(matches!(history_of(root, &one, 0), Err(MhlError::Nested(_))));
}
