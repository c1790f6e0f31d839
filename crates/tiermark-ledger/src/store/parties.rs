//! Documents as they are, parties, vendors, projects.

use super::{Registry, StoreError, Trouble};
use crate::document::{Document, Envelope, Party, Vendor};
use crate::{Digest, DocId, Handle, Kid, Moment, PartyId};
use rusqlite::{OptionalExtension, Row, Transaction, params};
use uuid::Uuid;

/// A vendor as the registry lists it; what its record is worth, the rules of the chain say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VendorRow {
    /// The record, whose id also names the vendor in documents.
    pub record: DocId,
    /// What people call it.
    pub handle: Handle,
    /// When it was added.
    pub added_at: Moment,
}

/// What a vendor was given so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VendorCounts {
    /// Hand-overs.
    pub handovers: u32,
    /// Hand-overs that are still open.
    pub open: u32,
    /// Frames in them.
    pub frames: u32,
    /// Frames that have left.
    pub sealed: u32,
    /// The newest hand-over.
    pub last_issued_at: Option<Moment>,
}

/// A project and the epoch of its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// A random name that tells nothing.
    pub id: Uuid,
    /// Counts up when the secrets are renewed.
    pub epoch: u16,
    /// The commitment to the project's secret: a wrong root is noticed before it marks anything.
    pub node_commit: Digest,
}

impl VendorRow {
    /// The name under which the vendor stands in documents.
    pub fn party(&self) -> PartyId {
        self.record.into()
    }
}

impl Registry {
    /// Keeps a party document.
    ///
    /// # Errors
    /// When the registry cannot be written to.
    pub fn add_party(&self, envelope: &Envelope, party: &Party) -> Result<(), StoreError> {
        self.write(|transaction| add_party(transaction, envelope, party, party.made_at()).map(drop))
    }

    /// All documents of the party with this root, newest first.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn parties(&self, root: Kid) -> Result<Vec<Envelope>, StoreError> {
        self.read(|connection| {
            let sql =
                "SELECT payload, kid, sig FROM party JOIN doc ON doc = id WHERE root = ?1 ORDER BY seq DESC";
            connection.prepare_cached(sql)?.query_map([root], |row| envelope(row, 0))?.collect()
        })
    }

    /// Every party that is known, ourselves included: root and what it calls itself, by name.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn known_parties(&self) -> Result<Vec<(Kid, Handle)>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT root, handle FROM known_party ORDER BY folded";
            connection.prepare_cached(sql)?.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })
    }

    /// The parties that call themselves so, in whatever case or width.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn parties_named(&self, handle: &Handle) -> Result<Vec<Kid>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT root FROM known_party WHERE folded = ?1";
            connection.prepare_cached(sql)?.query_map([handle.folded()], |row| row.get(0))?.collect()
        })
    }

    /// The roots whose kid begins with these sixteen digits.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn roots(&self, kid16: &str) -> Result<Vec<Kid>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT root FROM known_party WHERE kid16 = ?1";
            connection.prepare_cached(sql)?.query_map([kid16], |row| row.get(0))?.collect()
        })
    }

    /// The document of this id, as it was stored; nothing about it has been checked.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn document(&self, id: DocId) -> Result<Option<Envelope>, StoreError> {
        self.read(|connection| {
            let mut statement =
                connection.prepare_cached("SELECT payload, kid, sig FROM doc WHERE id = ?1")?;
            statement.query_row([id], |row| envelope(row, 0)).optional()
        })
    }

    /// Keeps a project; the first one is the default.
    ///
    /// # Errors
    /// When the registry cannot be written to.
    pub fn add_project(&self, project: &Project) -> Result<(), StoreError> {
        self.write(|transaction| {
            let sql = "INSERT INTO project (id, epoch, node_commit) VALUES (?1, ?2, ?3)";
            let id = project.id.hyphenated().to_string();
            transaction.execute(sql, params![id, project.epoch, project.node_commit])?;
            Ok(())
        })
    }

    /// The project that is meant when nobody names one.
    ///
    /// # Errors
    /// When the registry cannot be read, or has none.
    pub fn default_project(&self) -> Result<Project, StoreError> {
        self.read(|connection| {
            let sql = "SELECT id, epoch, node_commit FROM project ORDER BY number LIMIT 1";
            connection.query_row(sql, [], |row| {
                Ok(Project { id: uuid(row, 0)?, epoch: row.get(1)?, node_commit: row.get(2)? })
            })
        })
    }

    /// Keeps the record of a new vendor.
    ///
    /// # Errors
    /// When a vendor of that name exists in any spelling, or the registry cannot be written to.
    pub fn add_vendor(&self, envelope: &Envelope, vendor: &Vendor) -> Result<VendorRow, StoreError> {
        self.write(|transaction| {
            let folded = vendor.handle.folded();
            let twin = "SELECT handle FROM vendor WHERE folded = ?1";
            if let Some(twin) = transaction.query_row(twin, [&folded], |row| row.get(0)).optional()? {
                return Err(StoreError::VendorExists(twin).into());
            }
            let record = add_document::<Vendor>(transaction, envelope, vendor.added_at)?;
            let sql = "INSERT INTO vendor (doc, handle, folded, added_at) VALUES (?1, ?2, ?3, ?4)";
            transaction.execute(sql, params![record, vendor.handle, folded, vendor.added_at])?;
            Ok(VendorRow { record, handle: vendor.handle.clone(), added_at: vendor.added_at })
        })
    }

    /// All vendors, by name.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn vendors(&self) -> Result<Vec<VendorRow>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT doc, handle, added_at FROM vendor ORDER BY folded";
            connection.prepare_cached(sql)?.query_map([], vendor_row)?.collect()
        })
    }

    /// The vendor of this name, in whatever case or width it is written.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn find_vendor(&self, handle: &Handle) -> Result<Option<VendorRow>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT doc, handle, added_at FROM vendor WHERE folded = ?1";
            connection.prepare_cached(sql)?.query_row([handle.folded()], vendor_row).optional()
        })
    }

    /// The vendor with this record.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn vendor(&self, record: DocId) -> Result<Option<VendorRow>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT doc, handle, added_at FROM vendor WHERE doc = ?1";
            connection.prepare_cached(sql)?.query_row([record], vendor_row).optional()
        })
    }

    /// What this party was given so far.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn counts(&self, recipient: PartyId) -> Result<VendorCounts, StoreError> {
        self.read(|connection| {
            let handovers = "SELECT count(*), count(*) FILTER (WHERE state = 'open'), ifnull(sum(frames), 0),
                max(issued_at) FROM handover WHERE recipient = ?1";
            let (handovers, open, frames, last_issued_at) =
                connection.query_row(handovers, [recipient], |r| {
                    Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?))
                })?;
            let sealed = "SELECT count(*) FROM frame JOIN handover ON handover = number
                WHERE recipient = ?1 AND frame.state = 'sealed'";
            let sealed = connection.query_row(sealed, [recipient], |row| row.get(0))?;
            Ok(VendorCounts { handovers, open, frames, sealed, last_issued_at })
        })
    }
}

/// Keeps a party document and the name that its newest one gives it; `false` if it was there already.
pub(super) fn add_party(
    t: &Transaction<'_>,
    envelope: &Envelope,
    party: &Party,
    logged_at: Moment,
) -> Result<bool, Trouble> {
    if is_kept(t, envelope.doc_id())? {
        return Ok(false);
    }
    let id = add_document::<Party>(t, envelope, logged_at)?;
    let root = party.root_kid();
    let taken = "SELECT 1 FROM party WHERE root = ?1 AND seq = ?2";
    if t.query_row(taken, params![root, party.seq], |_| Ok(())).optional()?.is_some() {
        return Err(StoreError::TwoDocuments { root, seq: party.seq }.into());
    }
    t.execute("INSERT INTO party (doc, root, seq) VALUES (?1, ?2, ?3)", params![id, root, party.seq])?;
    let newest: u32 = t.query_row("SELECT max(seq) FROM party WHERE root = ?1", [root], |row| row.get(0))?;
    if newest == party.seq {
        let kid16: String = root.to_string().chars().take(16).collect();
        let sql = "INSERT OR REPLACE INTO known_party (root, kid16, handle, folded) VALUES (?1, ?2, ?3, ?4)";
        t.execute(sql, params![root, kid16, party.handle, party.handle.folded()])?;
    }
    Ok(true)
}

/// Whether the document is there.
pub(super) fn is_kept(t: &Transaction<'_>, id: DocId) -> rusqlite::Result<bool> {
    Ok(t.prepare_cached("SELECT 1 FROM doc WHERE id = ?1")?.query_row([id], |_| Ok(())).optional()?.is_some())
}

/// Stores the document's bytes under its own name, and a leaf of our log that says when.
pub(super) fn add_document<D: Document>(
    t: &Transaction<'_>,
    envelope: &Envelope,
    logged_at: Moment,
) -> Result<DocId, Trouble> {
    let id = envelope.doc_id();
    let sql = "INSERT INTO doc (id, type, kid, payload, sig) VALUES (?1, ?2, ?3, ?4, ?5)";
    let parts = params![id, D::TYPE, envelope.claimed_kid(), envelope.payload(), envelope.signature()];
    t.prepare_cached(sql)?.execute(parts)?;
    super::log::append(t, Digest::from_bytes(*id.as_bytes()), D::KIND, logged_at)?;
    Ok(id)
}

/// The envelope in three columns from this one on: payload, kid, signature.
pub(super) fn envelope(row: &Row<'_>, first: usize) -> rusqlite::Result<Envelope> {
    let signature: [u8; 64] = row.get(first + 2)?;
    Ok(Envelope::from_parts(row.get(first)?, row.get(first + 1)?, signature))
}

pub(super) fn uuid(row: &Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    let text: String = row.get(column)?;
    let wrong =
        |e| rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(e));
    Uuid::parse_str(&text).map_err(wrong)
}

fn vendor_row(row: &Row<'_>) -> rusqlite::Result<VendorRow> {
    Ok(VendorRow { record: row.get(0)?, handle: row.get(1)?, added_at: row.get(2)? })
}
