//! The tables, and what marks a file as a registry.

/// "tmrk": lets `file` and us tell a registry from other SQLite files.
pub(super) const APPLICATION_ID: i32 = 0x746d_726b;

/// The schema that the steps below lead to.
pub(super) const VERSION: i64 = 3;

/// From no schema to version 1, from there to version 2, and so on: a registry of any age is led through the rest.
pub(super) const STEPS: [&str; VERSION as usize] = [TABLES, CHAINS, CLOSED];

/// Version 3: the closed set. A found picture is looked up by its original.
const CLOSED: &str = "
ALTER TABLE frame ADD COLUMN csc BLOB;
CREATE INDEX frame_of_pix ON frame (pix);
CREATE INDEX frame_of_content ON frame (content) WHERE content IS NOT NULL;
";

/// Version 2: chains of several tiers, and the log.
///
/// `about` says which documents speak of a thing: a delegation of its delegate, a receipt of its hand-over, a revocation of a
/// key. `leaf` and `node` are the log, of which `node` holds complete subtrees only; `note` keeps checkpoints, our own and
/// others'; `proof` what others' logs prove of documents; `sealed` the secrets of our own
/// delegations, as they came: only our key opens them; `sent` which sizes of ours a party has been shown.
/// `frame_size` counts what `frame` holds, so that no search begins with a million rows.
const CHAINS: &str = "
ALTER TABLE handover ADD COLUMN issuer BLOB;
CREATE INDEX handover_of_issuer ON handover (issuer, direction);
UPDATE handover SET issuer = (SELECT root FROM party LIMIT 1);
ALTER TABLE frame ADD COLUMN out_pix BLOB;
ALTER TABLE frame ADD COLUMN up_handover BLOB;
ALTER TABLE frame ADD COLUMN up_i INTEGER;
ALTER TABLE frame ADD COLUMN content BLOB;
CREATE INDEX frame_of_output ON frame (out_sha256);
CREATE INDEX frame_of_values ON frame (out_pix);
CREATE INDEX frame_of_name ON frame (name);

CREATE TABLE frame_size (
    w INTEGER NOT NULL, h INTEGER NOT NULL, frames INTEGER NOT NULL, PRIMARY KEY (w, h)
) STRICT, WITHOUT ROWID;
INSERT INTO frame_size SELECT w, h, count(*) FROM frame GROUP BY w, h;

CREATE TABLE known_party (
    root BLOB PRIMARY KEY, kid16 TEXT NOT NULL, handle TEXT NOT NULL, folded TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO known_party SELECT root, substr(lower(hex(root)), 1, 16), handle, lower(handle) FROM (
    SELECT party.root AS root, json_extract(CAST(doc.payload AS TEXT), '$.predicate.handle') AS handle
    FROM party JOIN doc ON party.doc = doc.id
);
CREATE INDEX party_of_kid ON known_party (kid16);
CREATE INDEX party_of_name ON known_party (folded);

CREATE TABLE about (
    target BLOB NOT NULL, kind TEXT NOT NULL, doc BLOB NOT NULL REFERENCES doc (id),
    PRIMARY KEY (target, kind, doc)
) STRICT, WITHOUT ROWID;

CREATE TABLE leaf (
    idx INTEGER PRIMARY KEY, doc BLOB NOT NULL, bytes BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX leaf_of_doc ON leaf (doc);
CREATE TABLE node (
    level INTEGER NOT NULL, idx INTEGER NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (level, idx)
) STRICT, WITHOUT ROWID;
CREATE TABLE note (
    origin TEXT NOT NULL, size INTEGER NOT NULL, signers INTEGER NOT NULL, text TEXT NOT NULL,
    PRIMARY KEY (origin, size)
) STRICT, WITHOUT ROWID;
CREATE INDEX note_of_several ON note (origin, size) WHERE signers > 1;
CREATE TABLE proof (
    doc BLOB NOT NULL, origin TEXT NOT NULL, leaf BLOB NOT NULL, text TEXT NOT NULL, PRIMARY KEY (doc, origin)
) STRICT, WITHOUT ROWID;
CREATE TABLE sealed (
    doc BLOB PRIMARY KEY, text TEXT NOT NULL, at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE sent (
    recipient BLOB NOT NULL, size INTEGER NOT NULL, PRIMARY KEY (recipient, size)
) STRICT, WITHOUT ROWID;
CREATE TABLE setting (
    name TEXT PRIMARY KEY, value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
";

/// Version 1.
///
/// Hashes are blobs, times are text, hand-overs are numbered in the order they were made. `frame` counts a
/// million rows in a large studio, so it names its hand-over by that number and not by 32 bytes.
/// `psnr_centi_db` and `z_milli` are hundredths and thousandths: documents know no floats, nor do we.
const TABLES: &str = "
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
