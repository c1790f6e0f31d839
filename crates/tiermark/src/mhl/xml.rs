//! Manifests and chains as they stand on the disk.
//!
//! The form is that of the schemas ASCMHL.xsd and ASCMHLDirectory.xsd, laid out as the reference tool does.

use std::collections::BTreeMap;

use quick_xml::escape::escape;
use tiermark_ledger::Moment;

use super::folders::{FolderHash, folders};
use super::history::History;
use super::{C4, DS_STORE, Entry, FOLDER, Hashes};

/// Who writes, and when.
pub(super) struct Creator<'a> {
    pub(super) author: Option<&'a str>,
    pub(super) tool_version: &'a str,
    pub(super) now: Moment,
}

/// The manifest of a generation after `history`.
pub(super) fn manifest(creator: &Creator<'_>, history: &History, hashes: &Hashes<'_>) -> String {
    let Creator { author, tool_version, now } = creator;
    let author = author.map(|name| format!("    <author>{}</author>\n", text(name))).unwrap_or_default();
    let version = text(tool_version);

    let mut all: BTreeMap<&str, C4> = history.files.iter().map(|(path, id)| (path.as_str(), *id)).collect();
    all.extend(hashes.iter().map(|(path, (entry, _))| (*path, entry.c4)));
    let mut folders = folders(&all);
    let root = folders.remove("").map(|hash| folder_hash(hash, *now)).unwrap_or_default();

    let patterns: String = patterns(history).map(|one| format!("      <pattern>{one}</pattern>\n")).collect();
    let files: String = hashes.values().map(|(entry, action)| file(entry, action, *now)).collect();
    let folders: String = folders.into_iter().map(|(path, hash)| folder(path, hash, *now)).collect();
    // The standard wants a host name. Ours is nobody's business outside: it stays empty.
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<hashlist version="2.0" xmlns="urn:ASC:MHL:v2.0">
  <creatorinfo>
    <creationdate>{now}</creationdate>
    <hostname></hostname>
    <tool version="{version}">tiermark</tool>
{author}  </creatorinfo>
  <processinfo>
    <process>transfer</process>
    <roothash>
{root}    </roothash>
    <ignore>
{patterns}    </ignore>
  </processinfo>
  <hashes>
{files}{folders}  </hashes>
</hashlist>
"#
    )
}

/// The chain of these generations.
pub(super) fn chain(generations: &[(String, C4)]) -> String {
    let line = |(number, (name, id)): (usize, &(String, C4))| {
        let name = text(name);
        format!(
            r#"  <hashlist sequencenr="{number}">
    <path>{name}</path>
    <c4>{id}</c4>
  </hashlist>
"#
        )
    };
    let generations: String = (1..).zip(generations).map(line).collect();
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<ascmhldirectory xmlns="urn:ASC:MHL:DIRECTORY:v2.0">
{generations}</ascmhldirectory>
"#
    )
}

/// Whether a text may hold `c`: XML cannot write most control characters, nor the last two code points of the first
/// plane.
pub(super) fn writes(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// The patterns that every history begins with, and those that somebody added to this one.
fn patterns(history: &History) -> impl Iterator<Item = String> {
    let standing = [DS_STORE, FOLDER, "ascmhl/"];
    let added = history.ignored.iter().map(String::as_str).filter(move |one| !standing.contains(one));
    standing.into_iter().chain(added).map(text)
}

fn file(entry: &Entry, action: &str, now: Moment) -> String {
    let Entry { path, size, modified, c4 } = entry;
    // A file from before 1970 was written under a clock that nobody had set.
    let date = modified.and_then(|modified| Moment::at(modified).ok());
    let date = date.map(|date| format!(r#" lastmodificationdate="{date}""#)).unwrap_or_default();
    let path = text(path);
    format!(
        r#"    <hash>
      <path size="{size}"{date}>{path}</path>
      <c4 action="{action}" hashdate="{now}">{c4}</c4>
    </hash>
"#
    )
}

fn folder(path: &str, hash: FolderHash, now: Moment) -> String {
    let (path, hash) = (text(path), folder_hash(hash, now));
    format!(
        r#"    <directoryhash>
      <path>{path}</path>
{hash}    </directoryhash>
"#
    )
}

fn folder_hash(FolderHash { content, structure }: FolderHash, now: Moment) -> String {
    format!(
        r#"      <content>
        <c4 hashdate="{now}">{content}</c4>
      </content>
      <structure>
        <c4 hashdate="{now}">{structure}</c4>
      </structure>
"#
    )
}

/// `raw` as XML has it, without what it cannot have.
fn text(raw: &str) -> String {
    escape(raw.replace(|c| !writes(c), "")).into_owned()
}
