//! The tables, and what marks a file as a registry.

/// "tmrk": lets `file` and us tell a registry from other SQLite files.
pub(super) const APPLICATION_ID: i32 = 0x746d_726b;

/// The schema below. A change gets the next number and a step from the one before.
pub(super) const VERSION: i64 = 1;

/// Version 1.
///
/// Hashes are blobs, times are text, hand-overs are numbered in the order they were made. `frame` counts a
/// million rows in a large studio, so it names its hand-over by that number and not by 32 bytes.
/// `psnr_centi_db` and `z_milli` are hundredths and thousandths: documents know no floats, nor do we.
pub(super) const TABLES: &str = "
CREATE TABLE doc (
    id BLOB PRIMARY KEY, type TEXT NOT NULL, kid BLOB NOT NULL, payload BLOB NOT NULL, sig BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE party (
    doc BLOB PRIMARY KEY REFERENCES doc (id), root BLOB NOT NULL, seq INTEGER NOT NULL, UNIQUE (root, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE project (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, epoch INTEGER NOT NULL, node_commit BLOB NOT NULL
) STRICT;

CREATE TABLE vendor (
    doc BLOB PRIMARY KEY REFERENCES doc (id), handle TEXT NOT NULL, folded TEXT NOT NULL UNIQUE,
    added_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE handover (
    number INTEGER PRIMARY KEY, doc BLOB NOT NULL UNIQUE REFERENCES doc (id), mark BLOB NOT NULL UNIQUE,
    recipient BLOB NOT NULL, project TEXT NOT NULL, epoch INTEGER NOT NULL, direction TEXT NOT NULL,
    depth INTEGER NOT NULL, frames INTEGER NOT NULL, issued_at TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'closed'))
) STRICT;
CREATE INDEX handover_of_recipient ON handover (recipient);

CREATE TABLE frame (
    handover INTEGER NOT NULL REFERENCES handover (number), i INTEGER NOT NULL, name TEXT NOT NULL,
    sha256 BLOB NOT NULL, pix BLOB NOT NULL, w INTEGER NOT NULL, h INTEGER NOT NULL, shot TEXT NOT NULL,
    hop INTEGER NOT NULL, out_sha256 BLOB, psnr_centi_db INTEGER, z_milli INTEGER,
    state TEXT NOT NULL CHECK (state IN ('pending', 'sealed', 'refused')),
    PRIMARY KEY (handover, i)
) STRICT, WITHOUT ROWID;
CREATE INDEX frame_of_source ON frame (sha256, name);
";
