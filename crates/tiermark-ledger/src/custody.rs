//! The custody of found files: what came, when, how, and what was done with it. Lines are only ever added.
//!
//! Each line of `custody.jsonl` carries the hash of the one before, so none can be changed, taken out or put in between
//! afterwards; what the last line's hash was, the signed finding says.

use crate::document::jcs;
use crate::name::nfc;
use crate::{Digest, Moment};
use serde::{Deserialize, Serialize};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The custody of one case.
#[derive(Debug, Clone)]
pub struct Custody {
    path: PathBuf,
    lines: Vec<CustodyLine>,
    text: Vec<u8>,
}

/// One line. Nothing else can stand in it: a line is what writing it again gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustodyLine {
    /// Counts from 0.
    pub n: u64,
    /// SHA-256 of the line before, without its end; zeros before the first.
    pub prev: Digest,
    /// When, by the clock of the machine.
    pub at: Moment,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "what")]
pub enum Event {
    /// The case began.
    New {
        /// Its name.
        case: String,
    },
    /// A file came, and was hashed before anything else opened it.
    Add {
        /// Its name as it was found.
        name: String,
        /// Where it lies.
        path: String,
        /// The digest of its bytes.
        sha256: Digest,
        /// Its length, bytes.
        size: u64,
        /// Who acquired it.
        by: String,
        /// How, and where from.
        how: String,
    },
    /// Something was written down.
    Note {
        /// What.
        text: String,
    },
    /// Nothing more can be added.
    Seal {},
}

/// Why a custody cannot be kept or believed.
#[derive(Debug, thiserror::Error)]
pub enum CustodyError {
    /// The disk refuses.
    #[error("{}: {source}", .path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// There is a case of this name.
    #[error("{}: there is a case of this name already", .0.display())]
    AlreadyThere(PathBuf),
    /// There is none.
    #[error("{}: there is no such case; begin it with `tiermark case new`", .0.display())]
    Missing(PathBuf),
    /// It was sealed.
    #[error("the case is sealed: nothing more can be added to it")]
    Sealed,
    /// A line was changed, taken out or put in.
    #[error("line {line} does not follow from the one before: the custody was changed")]
    Broken {
        /// Which, from 1.
        line: usize,
    },
    /// A name that no case can have.
    #[error("a case's name has letters, digits, hyphens and underscores, and is at most 80 long")]
    Name,
}

impl Custody {
    /// Begins a case: a folder of its name below `cases`, with the first line.
    ///
    /// # Errors
    /// When the name is none or taken, or the disk refuses.
    pub fn create(cases: &Path, name: &str, at: Moment) -> Result<Self, CustodyError> {
        let folder = folder_of(cases, name)?;
        let path = folder.join("custody.jsonl");
        if path.exists() {
            return Err(CustodyError::AlreadyThere(folder));
        }
        fs::create_dir_all(&folder).map_err(disk(&folder))?;
        let mut custody = Self { path, lines: Vec::new(), text: Vec::new() };
        custody.add(Event::New { case: name.to_owned() }, at)?;
        Ok(custody)
    }

    /// The case of this name.
    ///
    /// # Errors
    /// When there is none, or its lines do not follow from one another.
    pub fn open(cases: &Path, name: &str) -> Result<Self, CustodyError> {
        let folder = folder_of(cases, name)?;
        let path = folder.join("custody.jsonl");
        let text = match fs::read(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(CustodyError::Missing(folder)),
            read => read.map_err(disk(&path))?,
        };
        Ok(Self { path, lines: parse(&text)?, text })
    }

    /// The lines, in order.
    pub fn lines(&self) -> &[CustodyLine] {
        &self.lines
    }

    /// The whole file.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The name of the case.
    pub fn case(&self) -> &str {
        match self.lines.first() {
            Some(CustodyLine { event: Event::New { case }, .. }) => case,
            _ => "",
        }
    }

    /// Adds a line, on the disk before this returns.
    ///
    /// # Errors
    /// When the case is sealed, or the disk refuses.
    pub fn add(&mut self, event: Event, at: Moment) -> Result<(), CustodyError> {
        if self.lines.iter().any(|line| matches!(line.event, Event::Seal {})) {
            return Err(CustodyError::Sealed);
        }
        let line =
            CustodyLine { n: self.lines.len() as u64, prev: head(&self.text), at, event: composed(event) };
        let mut bytes =
            jcs::canonical(&line).map_err(|_| CustodyError::Broken { line: self.lines.len() + 1 })?;
        bytes.push(b'\n');
        let open = OpenOptions::new().append(true).create(true).open(&self.path);
        let written = open.and_then(|mut file| file.write_all(&bytes).and_then(|()| file.sync_all()));
        written.map_err(disk(&self.path))?;
        self.text.extend_from_slice(&bytes);
        self.lines.push(line);
        Ok(())
    }
}

/// The lines of a `custody.jsonl`.
///
/// # Errors
/// When one does not follow from the one before.
pub fn parse(text: &[u8]) -> Result<Vec<CustodyLine>, CustodyError> {
    let mut lines: Vec<CustodyLine> = Vec::new();
    let mut prev = Digest::from_bytes([0; 32]);
    let whole = text.strip_suffix(b"\n").ok_or(CustodyError::Broken { line: 1 })?;
    for (index, bytes) in whole.split(|&b| b == b'\n').enumerate() {
        let broken = CustodyError::Broken { line: index + 1 };
        let Ok(line) = serde_json::from_slice::<CustodyLine>(bytes) else { return Err(broken) };
        let canonical = jcs::canonical(&line).is_ok_and(|written| written == bytes);
        let sealed = lines.last().is_some_and(|line| matches!(line.event, Event::Seal {}));
        if !canonical || line.n != index as u64 || line.prev != prev || sealed {
            return Err(broken);
        }
        prev = Digest::of(bytes);
        lines.push(line);
    }
    Ok(lines)
}

/// The hash of the last line.
fn head(text: &[u8]) -> Digest {
    let last = text.strip_suffix(b"\n").and_then(|whole| whole.rsplit(|&b| b == b'\n').next());
    last.map_or(Digest::from_bytes([0; 32]), Digest::of)
}

fn composed(event: Event) -> Event {
    match event {
        Event::Add { name, path, sha256, size, by, how } => {
            Event::Add { name: nfc(&name), path: nfc(&path), sha256, size, by: nfc(&by), how: nfc(&how) }
        }
        Event::Note { text } => Event::Note { text: nfc(&text) },
        other => other,
    }
}

fn folder_of(cases: &Path, name: &str) -> Result<PathBuf, CustodyError> {
    let safe = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    let fits = (1..=80).contains(&name.chars().count()) && name.chars().all(safe);
    if fits { Ok(cases.join(name)) } else { Err(CustodyError::Name) }
}

fn disk(path: &Path) -> impl Fn(io::Error) -> CustodyError {
    let path = path.to_owned();
    move |source| CustodyError::Disk { path: path.clone(), source }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]
    use super::*;

    fn at() -> Moment {
        "2026-03-02T09:00:00Z".parse().unwrap()
    }

    fn case(folder: &Path) -> Custody {
        let mut custody = Custody::create(folder, "server-2024", at()).unwrap();
        for name in ["e\u{301}.jpg", "b.jpg"] {
            let (name, path) = (name.to_owned(), format!("/found/{name}"));
            let (sha256, by, how) = (Digest::of(name.as_bytes()), "K.".to_owned(), "disk image".to_owned());
            custody.add(Event::Add { name, path, sha256, size: 9, by, how }, at()).unwrap();
        }
        custody.add(Event::Note { text: "looked at".to_owned() }, at()).unwrap();
        custody
    }

    #[test]
    fn lines_are_only_added_and_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut custody = case(folder.path());
        let again = Custody::open(folder.path(), "server-2024").unwrap();
        assert_eq!(
            (again.lines(), again.text(), again.case()),
            (custody.lines(), custody.text(), "server-2024")
        );
        assert!(matches!(
            Custody::create(folder.path(), "server-2024", at()),
            Err(CustodyError::AlreadyThere(_))
        ));
        custody.add(Event::Seal {}, at()).unwrap();
        assert!(matches!(
            custody.add(Event::Note { text: "more".to_owned() }, at()),
            Err(CustodyError::Sealed)
        ));
        assert_eq!(Custody::open(folder.path(), "server-2024").unwrap().lines().len(), 5);
    }

    #[test]
    fn a_changed_line_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let text = case(folder.path()).text().to_vec();
        for i in 0..text.len() - 1 {
            let mut bent = text.clone();
            bent[i] ^= 1;
            // A change in the last line alone is seen by whoever knows its hash: the signed finding.
            let last = text[..text.len() - 1].iter().rposition(|&b| b == b'\n').unwrap();
            assert!(parse(&bent).is_err() || i > last, "byte {i}");
        }
        let lines: Vec<&[u8]> = text.split_inclusive(|&b| b == b'\n').collect();
        assert!(parse(&[lines[0], lines[2], lines[3]].concat()).is_err(), "one was taken out");
        assert!(parse(&[lines[0], lines[2], lines[1], lines[3]].concat()).is_err(), "two were exchanged");
        assert!(parse(&text[..text.len() - 1]).is_err() && parse(b"").is_err());
    }

    #[test]
    fn names_lead_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["", "..", "a/b", "a\\b", ".hidden", "a b", &"x".repeat(81)] {
            assert!(matches!(Custody::create(folder.path(), name, at()), Err(CustodyError::Name)), "{name}");
        }
    }
}
