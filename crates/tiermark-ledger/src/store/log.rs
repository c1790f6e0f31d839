//! Our log: one leaf for every document that the registry keeps, and what was shown of it.

use super::{Registry, StoreError, Trouble};
use crate::log::tree::{self, Nodes};
use crate::log::{Leaf, LeafKind, SignedCheckpoint, TlogProof};
use crate::{Digest, DocId, Kid, Moment, document::merkle};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

/// The log as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogStatus {
    /// Its name.
    pub origin: String,
    /// Leaves.
    pub size: u64,
    /// The root over them.
    pub root: Digest,
    /// The largest size that a checkpoint was signed for.
    pub signed: Option<u64>,
    /// The largest size that somebody else is known to have seen.
    pub seen: Option<u64>,
}

/// The nodes in a database.
struct Stored<'a>(&'a Connection);

impl Nodes for Stored<'_> {
    type Error = rusqlite::Error;

    fn node(&self, level: u8, index: u64) -> rusqlite::Result<Digest> {
        let sql = "SELECT hash FROM node WHERE level = ?1 AND idx = ?2";
        self.0.prepare_cached(sql)?.query_row(params![level, index], |row| row.get(0))
    }
}

/// Appends a leaf, on the disk with the transaction that it is part of; a thing that is in there stays where it is.
pub(super) fn append(t: &Transaction<'_>, thing: Digest, kind: &str, at: Moment) -> Result<(), Trouble> {
    let there = "SELECT 1 FROM leaf WHERE doc = ?1";
    if t.prepare_cached(there)?.query_row([thing], |_| Ok(())).optional()?.is_some() {
        return Ok(());
    }
    let index = size(t)?;
    not_forked(t, index)?;
    let kind = LeafKind::named(kind).expect("every kind of document has its leaf");
    let leaf = Leaf { at, id: thing, kind }.bytes();
    t.prepare_cached("INSERT INTO leaf (idx, doc, bytes) VALUES (?1, ?2, ?3)")?
        .execute(params![index, thing, leaf])?;
    for (level, node, hash) in tree::completed(&Stored(t), index, merkle::leaf(&leaf))? {
        t.prepare_cached("INSERT INTO node (level, idx, hash) VALUES (?1, ?2, ?3)")?
            .execute(params![level, node, hash])?;
    }
    Ok(())
}

fn size(connection: &Connection) -> rusqlite::Result<u64> {
    connection.prepare_cached("SELECT ifnull(max(idx) + 1, 0) FROM leaf")?.query_row([], |row| row.get(0))
}

/// The word for a document's type: `handover` of `tiermark:handover/v1`.
fn word_of(kind: &str) -> &str {
    kind.trim_start_matches("tiermark:").trim_end_matches("/v1")
}

/// A log of which somebody has seen more than is here must not go on.
fn not_forked(t: &Transaction<'_>, here: u64) -> Result<(), Trouble> {
    match seen(t)? {
        Some(seen) if seen > here => Err(StoreError::Forked { seen, here }.into()),
        _ => Ok(()),
    }
}

fn seen(connection: &Connection) -> rusqlite::Result<Option<u64>> {
    setting(connection, "seen").map(|text| text.and_then(|text| text.parse().ok()))
}

pub(super) fn setting(connection: &Connection, name: &str) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT value FROM setting WHERE name = ?1";
    connection.prepare_cached(sql)?.query_row([name], |row| row.get(0)).optional()
}

pub(super) fn set(t: &Transaction<'_>, name: &str, value: &str) -> rusqlite::Result<usize> {
    t.execute("INSERT OR REPLACE INTO setting (name, value) VALUES (?1, ?2)", [name, value])
}

impl Registry {
    /// The log of the party with this root, as it is now.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn log_status(&self, root: Kid) -> Result<LogStatus, StoreError> {
        let origin = self.log_origin(root)?;
        self.read(|connection| {
            let size = size(connection)?;
            let signed = "SELECT max(size) FROM note WHERE origin = ?1";
            Ok(LogStatus {
                size,
                root: tree::root(&Stored(connection), size)?,
                signed: connection.query_row(signed, [&origin], |row| row.get(0))?,
                seen: seen(connection)?,
                origin,
            })
        })
    }

    /// The name of our log: the usual one, or that of a later epoch.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn log_origin(&self, root: Kid) -> Result<String, StoreError> {
        let usual = crate::chain::log_origin(root);
        let epoch = self.read(|connection| setting(connection, "epoch"))?;
        Ok(epoch.map_or_else(|| usual.clone(), |epoch| format!("{usual}/epoch{epoch}")))
    }

    /// Begins a new log under a new name; the old one ends where it is.
    ///
    /// Its first leaf is the hash of the old log's last state, so that nobody can say the old one went on.
    ///
    /// # Errors
    /// When the registry cannot be written to.
    pub fn new_log_epoch(&self, root: Kid, at: Moment) -> Result<String, StoreError> {
        let old = self.log_status(root)?;
        self.keep_own_proofs(&old.origin)?;
        self.write(|t| {
            let epoch: u32 = setting(t, "epoch")?.and_then(|text| text.parse().ok()).unwrap_or(1) + 1;
            let last = format!("{}\n{}\n{}\n", old.origin, old.size, old.root);
            t.execute_batch("DELETE FROM leaf; DELETE FROM node; DELETE FROM sent; DELETE FROM setting WHERE name = 'seen'")?;
            set(t, "epoch", &epoch.to_string())?;
            t.execute("DELETE FROM setting WHERE name = 'origin'", [])?;
            append(t, Digest::of(last.as_bytes()), "anchor", at)
        })?;
        self.log_origin(root)
    }

    /// What the log proves of documents until now, kept as the proofs of any other log.
    fn keep_own_proofs(&self, origin: &str) -> Result<(), StoreError> {
        for bytes in self.leaves()? {
            let Ok(leaf) = Leaf::parse(&bytes) else { continue };
            let Some((index, _)) = self.leaf_of(leaf.id)? else { continue };
            let Some(checkpoint) = self.note_over(origin, index)? else { continue };
            let path = self.inclusion(index, checkpoint.checkpoint().size)?;
            let proof = TlogProof { index, path, checkpoint };
            self.keep_proof(DocId::from_bytes(*leaf.id.as_bytes()), origin, &bytes, &proof.to_text())?;
        }
        Ok(())
    }

    /// A leaf, with its index, of a thing that the log holds.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn leaf_of(&self, thing: Digest) -> Result<Option<(u64, Vec<u8>)>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT idx, bytes FROM leaf WHERE doc = ?1";
            let both = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
            connection.prepare_cached(sql)?.query_row([thing], both).optional()
        })
    }

    /// All leaves, in order.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn leaves(&self) -> Result<Vec<Vec<u8>>, StoreError> {
        self.read(|connection| {
            connection
                .prepare_cached("SELECT bytes FROM leaf ORDER BY idx")?
                .query_map([], |row| row.get(0))?
                .collect()
        })
    }

    /// Logs every document that is not in the log: those of a registry from before there was one.
    ///
    /// # Errors
    /// When the registry cannot be written to.
    pub fn log_the_rest(&self, at: Moment) -> Result<(), StoreError> {
        self.write(|t| {
            let rest: Vec<(Digest, String)> = t
                .prepare(
                    "SELECT id, type FROM doc WHERE NOT EXISTS (SELECT 1 FROM leaf WHERE leaf.doc = doc.id)",
                )?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<rusqlite::Result<_>>()?;
            rest.iter().try_for_each(|(id, kind)| append(t, *id, word_of(kind), at))
        })
    }

    /// Appends the hash of something that is no document: a time stamp's token.
    ///
    /// # Errors
    /// When the registry cannot be written to.
    pub fn append_anchor(&self, token: Digest, at: Moment) -> Result<(), StoreError> {
        self.write(|t| append(t, token, "anchor", at))
    }

    /// The path from a leaf to the root over the first `size` leaves.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Digest>, StoreError> {
        self.read(|connection| tree::inclusion(&Stored(connection), index, size))
    }

    /// The proof that the first `old` leaves stayed as they were.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn consistency(&self, old: u64, new: u64) -> Result<Vec<Digest>, StoreError> {
        self.read(|connection| tree::consistency(&Stored(connection), old, new))
    }

    /// The root over the first `size` leaves.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn root_at(&self, size: u64) -> Result<Digest, StoreError> {
        self.read(|connection| tree::root(&Stored(connection), size))
    }

    /// Keeps a checkpoint, with the cosignatures that are new on it.
    ///
    /// # Errors
    /// When another checkpoint of this log and size is kept, or the registry cannot be written to.
    pub fn keep_note(&self, note: &SignedCheckpoint) -> Result<(), StoreError> {
        let (origin, size) = (&note.checkpoint().origin, note.checkpoint().size);
        let kept = self.note(origin, size)?;
        let whole = match kept {
            Some(mut kept) => match kept.merge(note) {
                Ok(()) => kept,
                Err(_) => return Err(StoreError::SplitView { origin: origin.clone(), size }),
            },
            None => note.clone(),
        };
        let (signers, text) = (whole.signers().len(), whole.to_text());
        self.write(|t| {
            let sql = "INSERT OR REPLACE INTO note (origin, size, signers, text) VALUES (?1, ?2, ?3, ?4)";
            t.execute(sql, params![origin, size, signers as i64, text])?;
            Ok(())
        })
    }

    /// Keeps a checkpoint of our own log, and remembers the log's name.
    ///
    /// # Errors
    /// As [`Registry::keep_note`].
    pub fn keep_own_note(&self, note: &SignedCheckpoint) -> Result<(), StoreError> {
        self.write(|t| set(t, "origin", &note.checkpoint().origin).map(drop).map_err(Trouble::from))?;
        self.keep_note(note)
    }

    /// The checkpoint of a log at a size.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn note(&self, origin: &str, size: u64) -> Result<Option<SignedCheckpoint>, StoreError> {
        let sql = "SELECT text FROM note WHERE origin = ?1 AND size = ?2";
        self.a_note(sql, params![origin, size])
    }

    /// The largest checkpoint of a log.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn newest_note(&self, origin: &str) -> Result<Option<SignedCheckpoint>, StoreError> {
        self.a_note("SELECT text FROM note WHERE origin = ?1 ORDER BY size DESC LIMIT 1", params![origin])
    }

    /// The largest checkpoint of every log that we have seen.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn newest_notes(&self) -> Result<Vec<SignedCheckpoint>, StoreError> {
        let origins: Vec<String> = self.read(|connection| {
            connection
                .prepare_cached("SELECT DISTINCT origin FROM note ORDER BY origin")?
                .query_map([], |row| row.get(0))?
                .collect()
        })?;
        let newest = origins.iter().map(|origin| self.newest_note(origin));
        Ok(newest.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    /// The sizes of a log of which checkpoints are kept, smallest first.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn note_sizes(&self, origin: &str) -> Result<Vec<u64>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT size FROM note WHERE origin = ?1 ORDER BY size";
            connection.prepare_cached(sql)?.query_map([origin], |row| row.get(0))?.collect()
        })
    }

    /// The checkpoint of a log that shows a leaf best: the smallest that others cosigned, else the smallest at all.
    pub(super) fn note_over(&self, origin: &str, index: u64) -> Result<Option<SignedCheckpoint>, StoreError> {
        let cosigned =
            "SELECT text FROM note WHERE origin = ?1 AND size > ?2 AND signers > 1 ORDER BY size LIMIT 1";
        match self.a_note(cosigned, params![origin, index])? {
            Some(note) => Ok(Some(note)),
            None => self.a_note(
                "SELECT text FROM note WHERE origin = ?1 AND size > ?2 ORDER BY size LIMIT 1",
                params![origin, index],
            ),
        }
    }

    fn a_note(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
    ) -> Result<Option<SignedCheckpoint>, StoreError> {
        let text: Option<String> = self.read(|connection| {
            connection.prepare_cached(sql)?.query_row(values, |row| row.get(0)).optional()
        })?;
        Ok(text.and_then(|text| SignedCheckpoint::parse(text.as_bytes()).ok()))
    }

    /// Remembers that a party was shown this size of our log.
    ///
    /// # Errors
    /// When the registry cannot be written to.
    pub fn sent(&self, recipient: Kid, size: u64) -> Result<(), StoreError> {
        self.write(|t| {
            t.execute(
                "INSERT OR IGNORE INTO sent (recipient, size) VALUES (?1, ?2)",
                params![recipient, size],
            )?;
            Ok(())
        })
    }

    /// The last sizes of our log that a party was shown.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn sizes_sent(&self, recipient: Kid) -> Result<Vec<u64>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT size FROM sent WHERE recipient = ?1 ORDER BY size DESC LIMIT 24";
            connection.prepare_cached(sql)?.query_map([recipient], |row| row.get(0))?.collect()
        })
    }

    /// Remembers that somebody has seen this size of our log; if that is more than is here, nothing more is appended.
    ///
    /// # Errors
    /// When the registry cannot be written to.
    pub fn log_was_seen(&self, size: u64) -> Result<(), StoreError> {
        self.write(|t| {
            let most = seen(t)?.unwrap_or(0).max(size);
            set(t, "seen", &most.to_string())?;
            Ok(())
        })
    }

    /// Keeps what another log proves of a document.
    ///
    /// # Errors
    /// When the registry cannot be written to.
    pub fn keep_proof(
        &self,
        document: DocId,
        origin: &str,
        leaf: &[u8],
        proof: &str,
    ) -> Result<(), StoreError> {
        self.write(|t| {
            let sql = "INSERT OR REPLACE INTO proof (doc, origin, leaf, text) VALUES (?1, ?2, ?3, ?4)";
            t.execute(sql, params![document, origin, leaf, proof])?;
            Ok(())
        })
    }
}
