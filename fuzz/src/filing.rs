//! A studio that is sent something: filing, receiving, accepting.

use super::script::{self, Reader};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;
use tiermark_ledger::studio::FiledLine;
use tiermark_ledger::{Handle, Moment, Packet, Passphrase, Secrets, Studio};
use time::OffsetDateTime;

/// A studio that is as new before every input, so that a finding is a finding again.
struct Desk {
    secrets: Secrets,
    registry: Vec<u8>,
    folder: PathBuf,
    reader: Reader,
    _temporary: TempDir,
}

thread_local! {
    // Its keys cost memory and time on purpose, so it is made once.
    static DESK: RefCell<Option<Desk>> = const { RefCell::new(None) };
}

/// How deep an input went.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// What was refused, and why.
    pub refused: Vec<String>,
    /// Whether a delegation in it was accepted.
    pub accepted: bool,
    /// Whether a hand-over in it was received and answered.
    pub received: bool,
}

/// Files a packet, or a script of documents that hostile parties signed.
pub fn feed(bytes: &[u8]) -> Option<Reached> {
    let text = || Some(Input::Script(std::str::from_utf8(bytes).ok()?));
    let input = Packet::parse(bytes).ok().map(Input::Packet).or_else(text)?;
    DESK.with_borrow_mut(|desk| Some(desk.get_or_insert_with(Desk::new).feed(input)))
}

enum Input<'a> {
    Packet(Packet),
    Script(&'a str),
}

fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_772_442_060).expect("2026")
}

impl Desk {
    fn new() -> Self {
        let temporary = super::scratch();
        let folder = temporary.path().join("studio");
        let passphrase = Passphrase::new(b"x".to_vec()).expect("one character");
        let handle = Handle::new("Reader").expect("a name");
        let made = now() - time::Duration::minutes(1);
        let studio = Studio::create(&folder, &handle, &passphrase, made).expect("an empty folder");
        let secrets = studio.unlock(&passphrase).expect("our own passphrase");
        let reader = Reader { root: studio.root(), sealing: studio.party().sealing_key() };
        drop(studio);
        let registry = fs::read(folder.join("registry.db")).expect("a registry");
        Self { secrets, registry, folder, reader, _temporary: temporary }
    }

    fn feed(&self, input: Input<'_>) -> Reached {
        let packet = match input {
            Input::Packet(packet) => packet,
            Input::Script(text) => script::play(text, &self.reader).packet,
        };
        let packet = Packet::parse(&packet.to_json()).expect("what we wrote");
        let (studio, mut reached) = (self.as_new(), Reached::default());
        let filed =
            || studio.file(&packet, now()).expect("what is hostile is refused; the registry is our own");
        let (lines, again) = (filed(), filed());
        assert_eq!(again.len(), lines.len(), "the same packet has the same lines");
        reached.refused = lines.into_iter().filter_map(FiledLine::refused).collect();
        asked(&studio, &packet);
        reached.accepted = studio.accept(&self.secrets, &packet, None, now()).is_ok();
        reached.received = self.received(&studio, packet);
        let _ = (studio.grounds(&self.secrets).is_ok(), studio.export_party().is_ok());
        reached
    }

    /// The registry as it was when the studio was made.
    fn as_new(&self) -> Studio {
        let path = self.folder.join("registry.db");
        for beside in ["registry.db-wal", "registry.db-shm"] {
            let _ = fs::remove_file(self.folder.join(beside));
        }
        fs::write(&path, &self.registry).expect("our own folder");
        Studio::open(&self.folder).expect("a studio of our own")
    }

    fn received(&self, studio: &Studio, packet: Packet) -> bool {
        let Ok(what) = studio.to_receive(packet, now()) else { return false };
        let there: BTreeMap<_, _> = what.files.iter().cloned().collect();
        let seen = what.compare(&there);
        studio.receive(&self.secrets, &what, &seen, now()).is_ok_and(|received| received.mark == what.mark())
    }
}

/// Follows every hand-over from every root that is known.
fn asked(studio: &Studio, packet: &Packet) {
    let ids: Vec<_> = packet.documents.iter().map(|envelope| envelope.doc_id()).collect();
    let roots = studio.registry().known_parties().expect("a registry of our own");
    for (root, _) in roots.iter().take(4) {
        let verified: Vec<_> =
            ids.iter().take(8).filter_map(|id| studio.verify_from(id.mark_id(), *root).ok()).collect();
        for handover in &verified {
            assert!(handover.issued_at() >= Moment::EPOCH);
            let _ = (handover.grade(), handover.missing());
        }
        let _ = studio.lineage(&verified, *root);
    }
    for id in ids.iter().take(8) {
        let _ = studio.packet_of(*id);
    }
}
