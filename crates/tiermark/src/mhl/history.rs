//! What earlier generations of a history say, ours and those of other tools.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fs, io};

use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;
use walkdir::WalkDir;

use super::{C4, CHAIN, FOLDER, MhlError, NotC4, c4, check_name};
use crate::sink;

/// A history as it was before we came.
#[derive(Debug, Default)]
pub(super) struct History {
    /// Name and id of each generation's manifest, the first one first.
    pub(super) chain: Vec<(String, C4)>,
    /// Every file of every generation with its first id, which is the one that counts.
    pub(super) files: BTreeMap<String, C4>,
    /// What the newest generation leaves out.
    pub(super) ignored: Vec<String>,
}

/// One manifest.
#[derive(Debug, Default)]
struct Manifest {
    files: Vec<File>,
    ignored: Vec<String>,
}

/// One `<hash>`.
#[derive(Debug, Default)]
struct File {
    path: String,
    previous: Option<String>,
    c4: Option<C4>,
}

impl History {
    /// The history of `root`, which has no generations if nobody began one.
    pub(super) fn read(root: &Path) -> Result<Self, MhlError> {
        alone(root)?;
        let folder = root.join(FOLDER);
        let path = folder.join(CHAIN);
        let mut unlisted = manifests(&folder).map_err(MhlError::disk(&folder))?;
        let mut history = Self::default();
        if path.try_exists().map_err(MhlError::disk(&path))? {
            history.chain =
                text(&path).and_then(|(text, _)| chain(&text).map_err(MhlError::history(&path)))?;
        }
        let mut known = BTreeMap::new();
        for (name, id) in &history.chain {
            let path = folder.join(name);
            unlisted.remove(name);
            let (text, found) = text(&path)?;
            if found != *id {
                return Err(MhlError::history(&path)("is not what the chain says".into()));
            }
            let manifest = manifest(&text).map_err(MhlError::history(&path))?;
            history.ignored = manifest.ignored;
            remember(&mut known, manifest.files)?;
        }
        // Also what a run left that was killed between manifest and chain.
        if let Some(name) = unlisted.pop_first() {
            return Err(MhlError::history(&folder.join(name))("is in no chain; move it away".into()));
        }
        let files = known.into_iter().map(|(path, id)| match id {
            Some(id) => Ok((path, id)),
            None => Err(MhlError::OtherHash(path)),
        });
        history.files = files.collect::<Result<_, _>>()?;
        Ok(history)
    }
}

/// Nobody began a history below `root`: the files there would belong to that one.
fn alone(root: &Path) -> Result<(), MhlError> {
    // A folder that may not be looked into holds none of our files.
    let mut below = WalkDir::new(root).min_depth(2).into_iter().filter_map(Result::ok);
    match below.find(|entry| entry.file_name() == FOLDER && entry.file_type().is_dir()) {
        Some(entry) => Err(MhlError::Nested(entry.into_path())),
        None => Ok(()),
    }
}

/// Names of all manifests in `folder`; those that begin with `._` are what macOS leaves on foreign disks.
fn manifests(folder: &Path) -> io::Result<BTreeSet<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        entries => entries?,
    };
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let is_manifest = |name: &String| name.ends_with(".mhl") && !name.starts_with("._");
    names.filter(|name| name.as_ref().map_or(true, is_manifest)).collect()
}

fn text(path: &Path) -> Result<(String, C4), MhlError> {
    let bytes = sink::read_bounded(path, LIMIT).map_err(MhlError::disk(path))?;
    let id = c4(&bytes);
    let text = String::from_utf8(bytes).map_err(|_| MhlError::history(path)("is not UTF-8".into()))?;
    Ok((text, id))
}

/// Add the files of the next generation.
fn remember(known: &mut BTreeMap<String, Option<C4>>, files: Vec<File>) -> Result<(), MhlError> {
    for file in files {
        check_name(&file.path)?;
        let renamed = file.previous.and_then(|previous| known.remove(&previous)).flatten();
        let id = known.entry(file.path).or_insert(renamed);
        *id = id.or(file.c4);
    }
    Ok(())
}

/// Name and id of every manifest that the chain `text` lists.
fn chain(text: &str) -> Result<Vec<(String, C4)>, String> {
    let mut reader = Reader::from_str(text);
    let mut found: Vec<(String, Option<C4>)> = Vec::new();
    while let Some(start) = next(&mut reader)? {
        match (start.local_name().as_ref(), found.last_mut()) {
            ("hashlist", _) => found.push(Default::default()),
            ("path", Some((name, _))) => *name = inside(&mut reader, &start)?,
            ("c4", Some((_, id))) => *id = Some(id_inside(&mut reader, &start)?),
            _ => {}
        }
    }
    for (number, (name, _)) in (1_usize..).zip(&found) {
        let stands_here = name.split('_').next().is_some_and(|digits| digits.parse() == Ok(number));
        if !stands_here || name.contains(['/', '\\']) {
            return Err(format!("does not have generation {number} in its place"));
        }
    }
    let whole = found.into_iter().map(|(name, id)| id.map(|id| (name, id)));
    whole.collect::<Option<_>>().ok_or_else(|| "has a generation without a C4 hash".into())
}

/// The files of the manifest `text`.
fn manifest(text: &str) -> Result<Manifest, String> {
    let mut reader = Reader::from_str(text);
    let mut found = Manifest::default();
    while let Some(start) = next(&mut reader)? {
        match (start.local_name().as_ref(), found.files.last_mut()) {
            ("pattern", _) => found.ignored.push(inside(&mut reader, &start)?),
            ("hash", _) => found.files.push(File::default()),
            // Folders follow from the files, and the rest is not about files.
            ("creatorinfo" | "roothash" | "directoryhash" | "metadata" | "references", _) => {
                reader.read_to_end(start.name()).map_err(|error| error.to_string())?;
            }
            ("path", Some(file)) => file.path = inside(&mut reader, &start)?,
            ("previousPath", Some(file)) => file.previous = Some(inside(&mut reader, &start)?),
            ("c4", Some(file)) => file.c4 = Some(id_inside(&mut reader, &start)?),
            _ => {}
        }
    }
    Ok(found)
}

/// The next element that begins.
fn next<'a>(reader: &mut Reader<&'a [u8]>) -> Result<Option<BytesStart<'a>>, String> {
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(start) => return Ok(Some(start)),
            Event::Eof => return Ok(None),
            _ => {}
        }
    }
}

/// The text inside the element that `start` began.
fn inside(reader: &mut Reader<&[u8]>, start: &BytesStart<'_>) -> Result<String, String> {
    let raw = reader.read_text(start.name()).map_err(|error| error.to_string())?.into_inner();
    if raw.contains('<') {
        return Err(format!("has more than text inside <{}>", start.name().as_ref()));
    }
    quick_xml::escape::unescape(&raw).map(|text| text.into_owned()).map_err(|error| error.to_string())
}

fn id_inside(reader: &mut Reader<&[u8]>, start: &BytesStart<'_>) -> Result<C4, String> {
    inside(reader, start)?.parse().map_err(|error: NotC4| error.to_string())
}

/// No manifest is read that is longer: about 700 thousand files.
const LIMIT: u64 = 1 << 28;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use super::*;

    #[test]
    fn other_spellings_are_read() {
        let id = c4(b"x");
        let text = format!(
            "<m:hashlist xmlns:m='urn:ASC:MHL:v2.0'><m:ignore><m:pattern>*.tmp</m:pattern></m:ignore><m:hashes>\
             <m:directoryhash><m:path>d</m:path><m:content><m:c4>{id}</m:c4></m:content></m:directoryhash>\
             <!-- no --><m:hash><m:path size='1'>d/&#x41; &amp; b</m:path><m:md5>0</m:md5><m:c4>{id}</m:c4>\
             <m:previousPath>old</m:previousPath></m:hash></m:hashes></m:hashlist>"
        );
        let found = manifest(&text).unwrap();
        assert_eq!(found.ignored, ["*.tmp"]);
        assert_eq!(found.files.len(), 1);
        let file = &found.files[0];
        assert_eq!(
            (file.path.as_str(), file.previous.as_deref(), file.c4),
            ("d/A & b", Some("old"), Some(id))
        );
    }

    #[test]
    fn hostile_documents_are_errors() {
        for wrong in [
            "<hash><path>a",
            "<hash><path>a</c4></hash>",
            "<hash><path><![CDATA[a]]></path></hash>",
            "<!DOCTYPE x [<!ENTITY e 'e'>]><hash><path>&e;</path></hash>",
            "<hash><c4>c4</c4></hash>",
        ] {
            assert!(manifest(wrong).is_err(), "{wrong}");
        }
        let id = c4(b"x");
        for name in ["0002_x.mhl", "../0001_x.mhl", "0001_x/../../y.mhl", "x.mhl"] {
            let text = format!("<d><hashlist><path>{name}</path><c4>{id}</c4></hashlist></d>");
            assert!(chain(&text).is_err(), "{name}");
        }
    }
}
