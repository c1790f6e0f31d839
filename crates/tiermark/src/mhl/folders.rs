//! Hashes of folders, which follow from those of the files.

use std::collections::BTreeMap;

use super::C4;

/// The two hashes of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FolderHash {
    /// Over what is in its files, whatever they are called.
    pub(super) content: C4,
    /// Over the names in it as well.
    pub(super) structure: C4,
}

/// What lies in one folder.
#[derive(Default)]
struct Inside {
    content: Vec<C4>,
    structure: Vec<C4>,
}

/// The hash of every folder that holds a file, and of the root, whose path is empty.
///
/// As the reference tool's `DirectoryHashContext` does it, where H is SHA-512 and lists are sorted:
/// content = H(contents of all that is inside), structure = H(H(name, structure) of all that is inside); a file is
/// its own content and structure.
pub(super) fn folders<'a>(files: &BTreeMap<&'a str, C4>) -> BTreeMap<&'a str, FolderHash> {
    let mut open: BTreeMap<&str, Inside> = BTreeMap::from([("", Inside::default())]);
    for (path, id) in files {
        let (folder, _) = split(path);
        let mut above = folder;
        while !open.contains_key(above) {
            open.insert(above, Inside::default());
            above = split(above).0;
        }
        put(&mut open, path, FolderHash { content: *id, structure: *id });
    }
    // A folder's path begins with that of the folder around it, so the last one has no open folder inside.
    let mut done = BTreeMap::new();
    while let Some((path, Inside { content, structure })) = open.pop_last() {
        let hash = FolderHash { content: C4::of_all(content), structure: C4::of_all(structure) };
        if !path.is_empty() {
            put(&mut open, path, hash);
        }
        done.insert(path, hash);
    }
    done
}

/// Put a file or folder into the folder that holds it.
fn put(open: &mut BTreeMap<&str, Inside>, path: &str, hash: FolderHash) {
    let (folder, name) = split(path);
    if let Some(inside) = open.get_mut(folder) {
        inside.content.push(hash.content);
        inside.structure.push(hash.structure.named(name));
    }
}

/// The folder and the name of `path`.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use super::*;
    use crate::mhl::c4;

    /// By the reference tool, on `sub/b.png` with `b\n` in it: `ascmhl create -h c4 .`
    #[test]
    fn a_folder_has_the_hashes_of_the_reference() {
        let found = folders(&BTreeMap::from([("sub/b.png", c4(b"b\n"))]));
        let FolderHash { content, structure } = found["sub"];
        let sub = [
            "c44MckbvF5bbDBA1GtYFgVngbLY7LVmyvcdanEEAzLWTzQ28uYqKbgVqAcBerq8yRoCj13gZrsDs6jdpAVF1yDJzUX",
            "c45jjEZtX5TKrFGnS3nv9ojZxqZg37XjEmWd7HBctN8Xcu1Kw2XiCXgZTVuwA3EBmXm2HGaVHMajdZ3MyJN3xje8Hx",
        ];
        assert_eq!([content, structure].map(|id| id.to_string()), sub);
    }

    #[test]
    fn content_does_not_depend_on_names_and_structure_does() {
        let (x, y) = (c4(b"x"), c4(b"y"));
        let hash = |files: [(&'static str, C4); 3]| folders(&BTreeMap::from(files))[""];
        let one = hash([("a/1", x), ("a/2", y), ("b-c", y)]);
        let other = hash([("a/2", x), ("a/1", y), ("b-c", y)]);
        assert_eq!(one.content, other.content);
        assert_ne!(one.structure, other.structure);
        assert_eq!(folders(&BTreeMap::from([("a/b/c/d", x), ("a-b/c", y), ("a/b", y)])).len(), 5);
    }
}
