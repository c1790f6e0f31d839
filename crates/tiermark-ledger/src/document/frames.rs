//! The list of frames in a hand-over: one line each, one root over all.

use super::{jcs, merkle};
use crate::keys::tree::Hop;
use crate::{Commitment, Digest, name::nfc};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashSet};

/// A file that is about to be handed over, as the one who read it describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its name, relative to the root of the hand-over, with `/` between folders.
    pub name: String,
    /// The digest of the file.
    pub sha256: Digest,
    /// The digest of the values in it.
    pub pix: Digest,
    /// Width.
    pub w: u32,
    /// Height.
    pub h: u32,
    /// The shot it belongs to; for a still its own name will do.
    pub shot: String,
    /// Where it came from, if it was handed down.
    pub up: Option<Up>,
    /// The commitment to its secret in the closed set, if it gets a pattern there.
    pub csc: Option<Commitment>,
}

/// The frame of an earlier hand-over that this one came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Up {
    /// That hand-over.
    pub handover: crate::DocId,
    /// The frame's place in its list.
    pub i: u32,
    /// What the pattern of the first mark was bound to: all later ones lie on the same lattice.
    pub content: Digest,
}

/// One line of `frames.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameRecord {
    /// Its place in the list, from 0.
    pub i: u32,
    /// Its name, relative to the root of the hand-over, in NFC.
    pub name: String,
    /// The digest of the source file.
    pub sha256: Digest,
    /// The digest of the values in it.
    pub pix: Digest,
    /// Width.
    pub w: u32,
    /// Height.
    pub h: u32,
    /// The shot it belongs to, in NFC.
    pub shot: String,
    /// The hop of that shot.
    pub hop: Hop,
    /// Where it came from, if it was handed down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up: Option<Up>,
    /// The commitment to its secret in the closed set, if it has a pattern there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub csc: Option<Commitment>,
}

/// The frames of one hand-over, numbered from 0, each name once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameList {
    records: Vec<FrameRecord>,
    lines: Vec<u8>,
    root: Digest,
}

/// Frames that cannot stand in one hand-over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadFrames {
    /// No frames at all.
    #[error("a hand-over needs at least one frame")]
    Empty,
    /// More frames than a hand-over may have.
    #[error("a hand-over may have at most {} frames; split it", FrameList::MAX_FRAMES)]
    TooMany,
    /// A name or shot that is empty or longer than any file system allows.
    #[error("frame {i} has a name or shot that is empty or longer than {MAX_NAME} bytes")]
    Name {
        /// Its place in the list.
        i: u32,
    },
    /// Two frames with one name.
    #[error("two frames are called {name}")]
    Twice {
        /// The name.
        name: String,
    },
}

/// Linux ends a path at 4096 bytes.
const MAX_NAME: usize = 4096;

impl FrameRecord {
    /// The record of this file at this place of the list.
    pub fn new(i: u32, source: &Source) -> Self {
        let shot = nfc(&source.shot);
        let hop = Hop::of_shot(&shot);
        let Source { sha256, pix, w, h, csc, .. } = *source;
        Self { i, name: nfc(&source.name), sha256, pix, w, h, shot, hop, up: source.up.clone(), csc }
    }

    /// Its line in the file, without the line's end; only for records that [`check_names`] has seen.
    fn line(&self) -> Vec<u8> {
        jcs::canonical(self).expect("names are in NFC, numbers below 2^32")
    }
}

impl FrameList {
    /// Most frames of one hand-over: eleven hours of film at 24 a second.
    pub const MAX_FRAMES: usize = 1_000_000;

    /// The list of these files, in this order.
    ///
    /// # Errors
    /// When it is empty or too long, or a name is missing, too long, or there twice.
    pub fn new(sources: &[Source]) -> Result<Self, BadFrames> {
        let records = (0..).zip(sources).map(|(i, source)| FrameRecord::new(i, source));
        Self::from_records(records.collect())
    }

    /// The list of these records, as a registry kept them.
    ///
    /// # Errors
    /// As [`FrameList::new`].
    pub fn from_records(mut records: Vec<FrameRecord>) -> Result<Self, BadFrames> {
        match records.len() {
            0 => return Err(BadFrames::Empty),
            n if n > Self::MAX_FRAMES => return Err(BadFrames::TooMany),
            _ => {}
        }
        for record in &mut records {
            check_names(record)?;
        }
        let mut names = HashSet::new();
        if let Some(twin) = records.iter().find(|record| !names.insert(record.name.as_str())) {
            return Err(BadFrames::Twice { name: twin.name.clone() });
        }
        let (lines, root) = write(&records);
        Ok(Self { records, lines, root })
    }

    /// No frames: where a bundle shows none. No hand-over is signed over this.
    pub fn none() -> Self {
        let (lines, root) = write(&[]);
        Self { records: Vec::new(), lines, root }
    }

    /// The list in the text of `frames.jsonl`, if it is one.
    pub fn parse(text: &str) -> Option<Self> {
        let records: Vec<FrameRecord> =
            text.lines().map(serde_json::from_str).collect::<Result<_, _>>().ok()?;
        // A registry keeps frames by number: another numbering would come back in another order, or not at all.
        let numbered = (0..).zip(&records).all(|(i, record)| record.i == i);
        let list = numbered.then(|| Self::from_records(records))?.ok()?;
        (list.lines == text.as_bytes()).then_some(list)
    }

    /// The hash of each line, which the root is over.
    pub fn leaves(&self) -> Vec<Digest> {
        self.records.iter().map(|record| merkle::leaf(&record.line())).collect()
    }

    /// The hand-overs that frames came from, each once.
    pub fn upstream(&self) -> BTreeSet<crate::DocId> {
        self.records.iter().filter_map(|record| record.up.as_ref()).map(|up| up.handover).collect()
    }

    /// The records, in order.
    pub fn records(&self) -> &[FrameRecord] {
        &self.records
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        u32::try_from(self.records.len()).expect("at most MAX_FRAMES")
    }

    /// The whole file `frames.jsonl`.
    pub fn file(&self) -> &[u8] {
        &self.lines
    }

    /// The root over its lines.
    pub fn root(&self) -> Digest {
        self.root
    }

    /// The hops that occur, in order.
    pub fn hops(&self) -> BTreeSet<Hop> {
        self.records.iter().map(|record| record.hop).collect()
    }
}

fn check_names(record: &mut FrameRecord) -> Result<(), BadFrames> {
    let fits = |text: &str| (1..=MAX_NAME).contains(&text.len());
    if !fits(&record.name) || !fits(&record.shot) {
        return Err(BadFrames::Name { i: record.i });
    }
    // Records may come from a registry that somebody edited; the form is part of what is compared.
    record.name = nfc(&record.name);
    record.shot = nfc(&record.shot);
    Ok(())
}

fn write(records: &[FrameRecord]) -> (Vec<u8>, Digest) {
    let mut lines = Vec::new();
    let mut leaves = Vec::with_capacity(records.len());
    for record in records {
        let line = record.line();
        leaves.push(merkle::leaf(&line));
        lines.extend_from_slice(&line);
        lines.push(b'\n');
    }
    (lines, merkle::root(&leaves))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]
    use super::*;

    fn source(name: &str, shot: &str) -> Source {
        let (sha256, pix) = (Digest::of(name.as_bytes()), Digest::of(b"values"));
        Source {
            name: name.to_owned(),
            sha256,
            pix,
            w: 1920,
            h: 1080,
            shot: shot.to_owned(),
            up: None,
            csc: None,
        }
    }

    #[test]
    fn a_line_is_canonical_and_ends_nowhere() {
        let line = FrameRecord::new(3, &source("e\u{301}.png", "EP03-034")).line();
        let text = String::from_utf8(line).unwrap();
        assert!(text.starts_with(r#"{"h":1080,"hop":4,"i":3,"name":"é.png","pix":""#), "{text}");
        assert!(text.ends_with(r#""shot":"EP03-034","w":1920}"#), "{text}");
    }

    #[test]
    fn one_root_for_one_list() {
        let (a, b) = (source("a", "1"), source("b", "1"));
        let root = |sources: &[Source]| FrameList::new(sources).unwrap().root();
        assert_ne!(root(&[a.clone(), b.clone()]), root(&[b.clone(), a.clone()]));
        assert_ne!(root(&[a.clone(), b]), root(std::slice::from_ref(&a)));
        let other = Source { w: 1921, ..a.clone() };
        assert_ne!(root(&[a]), root(&[other]));
    }

    #[test]
    fn lists_that_mean_nothing_are_refused() {
        assert_eq!(FrameList::new(&[]), Err(BadFrames::Empty));
        assert_eq!(FrameList::new(&[source("", "1")]), Err(BadFrames::Name { i: 0 }));
        assert_eq!(FrameList::new(&[source("a", "1"), source("b", "")]), Err(BadFrames::Name { i: 1 }));
        let twice = [source("\u{e9}", "1"), source("e\u{301}", "1")];
        assert_eq!(FrameList::new(&twice), Err(BadFrames::Twice { name: "é".to_owned() }));
    }
}
