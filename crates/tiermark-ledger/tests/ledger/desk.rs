//! A studio on a desk that is cleared afterwards.

use std::path::PathBuf;
use tempfile::TempDir;
use tiermark_ledger::document::Source;
use tiermark_ledger::store::VendorRow;
use tiermark_ledger::studio::Issued;
use tiermark_ledger::{Digest, Handle, Passphrase, Secrets, Studio};
use time::OffsetDateTime;

pub(crate) struct Desk {
    pub(crate) name: String,
    pub(crate) folder: TempDir,
    pub(crate) studio: Studio,
    pub(crate) secrets: Secrets,
}

/// 2026-03-02, 09:00 UTC.
pub(crate) fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_772_442_000).unwrap()
}

pub(crate) fn passphrase() -> Passphrase {
    Passphrase::new(b"open sesame".to_vec()).unwrap()
}

pub(crate) fn handle(name: &str) -> Handle {
    Handle::new(name).unwrap()
}

pub(crate) fn source(name: &str, shot: &str) -> Source {
    let pix = Digest::of(format!("values of {name}").as_bytes());
    Source {
        name: name.to_owned(),
        sha256: Digest::of(name.as_bytes()),
        pix,
        w: 1920,
        h: 1080,
        shot: shot.to_owned(),
        up: None,
        csc: None,
    }
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self::named("Lion Studio")
    }

    pub(crate) fn named(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let studio =
            Studio::create(&folder.path().join("studio"), &handle(name), &passphrase(), now()).unwrap();
        let secrets = studio.unlock(&passphrase()).unwrap();
        Self { name: name.to_owned(), folder, studio, secrets }
    }

    /// The same studio, opened again: after its keys have changed.
    pub(crate) fn reopened(&self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let studio = Studio::open(self.studio.folder()).unwrap();
        let secrets = studio.unlock(&passphrase()).unwrap();
        Self { name: self.name.clone(), folder, studio, secrets }
    }

    pub(crate) fn vendor(&self, name: &str) -> VendorRow {
        self.studio.add_vendor(&self.secrets, &handle(name), None, now()).unwrap()
    }

    pub(crate) fn hand_over(&self, vendor: &VendorRow, names: &[&str]) -> Issued {
        let sources: Vec<Source> = names.iter().map(|name| source(name, "EP03-034")).collect();
        self.studio.hand_over(&self.secrets, vendor, &sources, now()).unwrap()
    }

    pub(crate) fn registry_path(&self) -> PathBuf {
        self.studio.registry().path().to_owned()
    }

    /// The same to as many rows as it meets.
    pub(crate) fn tamper_all(&self, sql: &str, values: impl rusqlite::Params) {
        let connection = rusqlite::Connection::open(self.registry_path()).unwrap();
        assert!(connection.execute(sql, values).unwrap() > 0, "{sql}");
    }

    /// What somebody with `sqlite3` can do.
    pub(crate) fn tamper(&self, sql: &str, values: impl rusqlite::Params) {
        let connection = rusqlite::Connection::open(self.registry_path()).unwrap();
        assert_eq!(connection.execute(sql, values).unwrap(), 1, "{sql}");
    }
}
