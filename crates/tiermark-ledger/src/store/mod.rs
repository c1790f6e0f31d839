//! The registry: one SQLite file with every document, hand-over and frame of a studio.
//!
//! What a method of [`Registry`] has written when it returns survives a power cut: the journal is a
//! write-ahead log with `synchronous = FULL`, because a lost line after the files have left is a leak without
//! a name (`NORMAL` may lose the last commits). Several programs on one host may work at once; a network
//! share is no place for it.
//!
//! The registry finds and keeps. It believes nothing: what a stored document is worth, the rules in
//! [`chain`](crate::chain) say.

mod columns;
mod filed;
mod handovers;
mod log;
mod marks;
mod open;
mod parties;
mod schema;

pub use filed::Filed;
pub use handovers::{FrameRow, FrameState, HandoverRow, HandoverState, Output};
pub use log::LogStatus;
pub use parties::{Project, VendorCounts, VendorRow};

use crate::{DocId, Handle, Kid, MarkId};
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use std::path::{Path, PathBuf};

/// An open registry.
pub struct Registry {
    path: PathBuf,
    connection: Connection,
}

/// Why the registry could not do something.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file is not there, or the disk refuses.
    #[error("{}: {source}", .path.display())]
    Disk {
        /// The registry.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The file is damaged.
    #[error("{}: the registry is damaged ({why}); put back your last backup of it", .path.display())]
    Damaged {
        /// The registry.
        path: PathBuf,
        /// What was wrong.
        why: String,
    },
    /// The file is something else.
    #[error("{}: not a registry of tiermark", .path.display())]
    NotARegistry {
        /// The file.
        path: PathBuf,
    },
    /// A newer program wrote it.
    #[error(
        "{}: written by a newer tiermark (schema {found}, this program knows {known}); install that one",
        .path.display()
    )]
    TooNew {
        /// The registry.
        path: PathBuf,
        /// The schema in the file.
        found: i64,
        /// The newest schema this program knows.
        known: i64,
    },
    /// There is a file already.
    #[error("{}: there is a file already, and registries are never overwritten", .path.display())]
    AlreadyThere {
        /// The file.
        path: PathBuf,
    },
    /// Another program has been writing for longer than we wait.
    #[error("{}: another program is writing to the registry; try again when it is done", .path.display())]
    Busy {
        /// The registry.
        path: PathBuf,
    },
    /// It cannot be written to.
    #[error("{}: the registry can only be read here", .path.display())]
    ReadOnly {
        /// The registry.
        path: PathBuf,
    },
    /// Committed lines stand in a journal beside the file that cannot be read where it lies.
    #[error("{}: an unfinished journal lies beside it; copy the whole folder to a writable place", .path.display())]
    JournalLeft {
        /// The registry.
        path: PathBuf,
    },
    /// A mark with this id has been handed out already.
    #[error("mark {0} is taken already; sign again with a new nonce")]
    TwinMark(MarkId),
    /// A vendor of this name is there already, perhaps in another spelling.
    #[error("there is a vendor called {0} already")]
    VendorExists(Handle),
    /// A party has signed two documents with one number: it speaks with two tongues, or its key is stolen.
    #[error(
        "the party with root {root} has signed two documents with number {seq}; ask it which one holds, by telephone"
    )]
    TwoDocuments {
        /// The party.
        root: Kid,
        /// The number.
        seq: u32,
    },
    /// Two checkpoints of one log and size that differ: its owner shows different people different logs.
    #[error("log {origin} has shown two different states of {size} lines; keep both, and ask its owner")]
    SplitView {
        /// The log.
        origin: String,
        /// The size of both.
        size: u64,
    },
    /// Somebody has seen more of our log than is here.
    #[error(
        "somebody has seen {seen} lines of our log, and here are {here}: this registry is older than what was shown. \
         To go on would be two logs; begin a new one with `tiermark restore --new-epoch`"
    )]
    Forked {
        /// The largest size that somebody has seen.
        seen: u64,
        /// The size here.
        here: u64,
    },
    /// No such hand-over, or it has no such frame.
    #[error("hand-over {handover} has no frame {i}")]
    UnknownFrame {
        /// The hand-over.
        handover: DocId,
        /// The frame.
        i: u32,
    },
    /// The frame has left before with other bytes.
    #[error(
        "frame {i} of hand-over {handover} has left already with other bytes, as another version or strength makes them; \
         nothing was changed. Use the copy that left, or hand the frame out under another name"
    )]
    SealedOtherwise {
        /// The hand-over.
        handover: DocId,
        /// The frame.
        i: u32,
    },
}

impl Registry {
    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a whole, consistent copy to a new file, while others may go on working.
    ///
    /// # Errors
    /// When there is a file already, or the disk refuses.
    pub fn copy_to(&self, path: &Path) -> Result<(), StoreError> {
        if path.exists() {
            return Err(StoreError::AlreadyThere { path: path.to_owned() });
        }
        let text = path.to_string_lossy();
        self.connection.execute("VACUUM INTO ?1", [text]).map_err(|e| named(path, e))?;
        let copied = Connection::open(path).map_err(|e| named(path, e))?;
        copied.pragma_update(None, "journal_mode", "WAL").map_err(|e| named(path, e))
    }

    /// Runs one writing transaction; when this returns `Ok`, its lines are on the disk.
    ///
    /// `IMMEDIATE` takes the write lock first: a transaction that begins by reading and then finds the lock
    /// taken would fail without waiting.
    fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T, Trouble>) -> Result<T, StoreError> {
        let run = || {
            let transaction = Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        };
        run().map_err(|trouble| self.named(trouble))
    }

    fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        work(&self.connection).map_err(|e| named(&self.path, e))
    }

    fn named(&self, trouble: Trouble) -> StoreError {
        match trouble {
            Trouble::Sqlite(e) => named(&self.path, e),
            Trouble::Refused(e) => e,
        }
    }
}

/// Why a transaction is rolled back: SQLite failed, or we will not do it.
enum Trouble {
    Sqlite(rusqlite::Error),
    Refused(StoreError),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Refused(error)
    }
}

/// SQLite's errors, by who is at fault.
fn named(path: &Path, source: rusqlite::Error) -> StoreError {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            StoreError::Damaged { path, why: source.to_string() }
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy { path },
        Some(ErrorCode::ReadOnly) => StoreError::ReadOnly { path },
        // Not from SQLite itself: a value that no program of ours has written. So are strings beyond the limit.
        None | Some(ErrorCode::TooBig) => StoreError::Damaged { path, why: source.to_string() },
        Some(_) => StoreError::Disk { path, source },
    }
}
