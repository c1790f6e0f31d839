//! Hand-overs and their frames.

use super::parties::{add_document, envelope, uuid};
use super::{Registry, StoreError, Trouble};
use crate::document::{Envelope, FrameList, FrameRecord, Handover, Up};
use crate::keys::tree::Direction;
use crate::{Digest, DocId, Kid, MarkId, Moment, PartyId};
use rusqlite::{OptionalExtension, Row, Transaction, params};
use uuid::Uuid;

/// A hand-over as the registry lists it; what its document is worth, the rules of the chain say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandoverRow {
    /// The document.
    pub id: DocId,
    /// What its frames carry.
    pub mark: MarkId,
    /// The receiver.
    pub recipient: PartyId,
    /// The project.
    pub project: Uuid,
    /// The epoch of its secrets.
    pub epoch: u16,
    /// Down or back up.
    pub direction: Direction,
    /// The slot of the mark.
    pub depth: u8,
    /// How many frames it has.
    pub frames: u32,
    /// When the giver says it was.
    pub issued_at: Moment,
    /// Open or closed.
    pub state: HandoverState,
    /// The root kid of the giver; ourselves, unless it was filed for somebody else.
    pub issuer: Kid,
}

/// Whether all frames of a hand-over are dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandoverState {
    /// Some may still have to leave.
    Open,
    /// Every frame was sealed or refused.
    Closed,
}

/// A frame of a hand-over, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameRow {
    /// What was signed about it.
    pub record: FrameRecord,
    /// What became of it.
    pub state: FrameState,
    /// The file that left, once it is sealed.
    pub output: Option<Output>,
}

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameState {
    /// Nothing yet: not marked, or the program was stopped before it was recorded.
    Pending,
    /// Marked, recorded, free to leave.
    Sealed,
    /// It cannot carry a mark and must not leave.
    Refused,
}

/// The file that left for a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Output {
    /// Its place in the list.
    pub i: u32,
    /// The digest of the marked file.
    pub sha256: Digest,
    /// The digest of the values in it.
    pub pix: Digest,
    /// What the mark cost, in hundredths of a decibel.
    pub psnr_centi_db: i64,
    /// How strongly it was read back, in thousandths.
    pub z_milli: i64,
}

const HANDOVER: &str = "handover.doc, handover.mark, handover.recipient, handover.project, handover.epoch,
    handover.direction, handover.depth, handover.frames, handover.issued_at, handover.state, handover.issuer";
const FRAME: &str = "frame.i, frame.name, frame.sha256, frame.pix, frame.w, frame.h, frame.shot, frame.hop,
    frame.state, frame.out_sha256, frame.psnr_centi_db, frame.z_milli, frame.out_pix, frame.up_handover,
    frame.up_i, frame.content, frame.csc";
const HANDOVER_COLUMNS: usize = 11;

impl Registry {
    /// Keeps a signed hand-over with all its frames, or nothing of it.
    ///
    /// # Errors
    /// When its mark is taken (sign again with a new nonce), or the registry cannot be written to.
    pub fn add_handover(
        &self,
        envelope: &Envelope,
        handover: &Handover,
        frames: &FrameList,
    ) -> Result<HandoverRow, StoreError> {
        self.write(|transaction| add_handover(transaction, envelope, handover, frames, handover.issued_at))
    }

    /// The first hand-over to this party that holds this very file under this name, and its line there; with `pix`, only one
    /// in which it had these pixels.
    ///
    /// This is how a stopped run goes on and a repeated run makes the same bytes again.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn find_source(
        &self,
        recipient: PartyId,
        name: &str,
        sha256: Digest,
        pix: Option<Digest>,
    ) -> Result<Option<(HandoverRow, FrameRow)>, StoreError> {
        let sql = format!(
            "SELECT {HANDOVER}, {FRAME} FROM frame JOIN handover ON frame.handover = handover.number
             WHERE frame.sha256 = ?1 AND frame.name = ?2 AND handover.recipient = ?3
                 AND (?4 IS NULL OR frame.pix = ?4)
             ORDER BY handover.number LIMIT 1"
        );
        let name = crate::name::nfc(name);
        let both = |row: &Row<'_>| Ok((handover_row(row)?, frame_row(row, HANDOVER_COLUMNS)?));
        self.read(|connection| {
            connection.prepare_cached(&sql)?.query_row(params![sha256, name, recipient, pix], both).optional()
        })
    }

    /// What was signed about this very file, in all hand-overs and under all names; the newest first, a thousand at most.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn records_of(&self, sha256: Digest) -> Result<Vec<FrameRecord>, StoreError> {
        let sql = format!(
            "SELECT {FRAME} FROM frame WHERE frame.sha256 = ?1 ORDER BY frame.handover DESC, frame.i LIMIT 1000"
        );
        self.read(|connection| {
            let record = |row: &Row<'_>| Ok(frame_row(row, 0)?.record);
            connection.prepare_cached(&sql)?.query_map([sha256], record)?.collect()
        })
    }

    /// The hand-over that a mark leads to, with its document as stored; nothing about it has been checked.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn handover_by_mark(&self, mark: MarkId) -> Result<Option<(HandoverRow, Envelope)>, StoreError> {
        let sql = format!(
            "SELECT {HANDOVER}, doc.payload, doc.kid, doc.sig FROM handover JOIN doc ON handover.doc = doc.id
             WHERE mark = ?1"
        );
        let both = |row: &Row<'_>| Ok((handover_row(row)?, envelope(row, HANDOVER_COLUMNS)?));
        self.read(|connection| connection.prepare_cached(&sql)?.query_row([mark], both).optional())
    }

    /// All hand-overs, oldest first.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn handovers(&self) -> Result<Vec<HandoverRow>, StoreError> {
        let sql = format!("SELECT {HANDOVER} FROM handover ORDER BY number");
        self.read(|connection| connection.prepare_cached(&sql)?.query_map([], handover_row)?.collect())
    }

    /// The frames of a hand-over, in order.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn frames(&self, handover: DocId) -> Result<Vec<FrameRow>, StoreError> {
        let sql = format!(
            "SELECT {FRAME} FROM frame JOIN handover ON frame.handover = handover.number
             WHERE handover.doc = ?1 ORDER BY frame.i LIMIT {}",
            FrameList::MAX_FRAMES + 1
        );
        self.read(|connection| {
            connection.prepare_cached(&sql)?.query_map([handover], |row| frame_row(row, 0))?.collect()
        })
    }

    /// Records that these frames are marked: all of them or none, on the disk before this returns.
    ///
    /// Only then may the files leave. Recording the same output again changes nothing.
    ///
    /// # Errors
    /// When a frame is unknown, has left before with other bytes, or the registry cannot be written to.
    pub fn seal_frames(&self, handover: DocId, outputs: &[Output]) -> Result<(), StoreError> {
        self.write(|transaction| {
            outputs.iter().try_for_each(|output| seal_frame(transaction, handover, output))
        })
    }

    /// Records that a frame cannot carry a mark and stays here.
    ///
    /// # Errors
    /// When the frame is unknown or has left already, or the registry cannot be written to.
    pub fn refuse_frame(&self, handover: DocId, i: u32) -> Result<(), StoreError> {
        self.write(|transaction| match frame_state(transaction, handover, i)? {
            (_, Some(_)) => Err(StoreError::SealedOtherwise { handover, i }.into()),
            (number, None) => {
                let sql = "UPDATE frame SET state = 'refused' WHERE handover = ?1 AND i = ?2";
                transaction.execute(sql, params![number, i])?;
                Ok(())
            }
        })
    }

    /// Closes a hand-over if every frame was sealed or refused, and says how many were not.
    ///
    /// # Errors
    /// When the registry cannot be written to.
    pub fn close_handover(&self, handover: DocId) -> Result<u32, StoreError> {
        self.write(|transaction| {
            let pending = "SELECT count(*) FROM frame JOIN handover ON frame.handover = handover.number
                WHERE handover.doc = ?1 AND frame.state = 'pending'";
            let pending: u32 = transaction.query_row(pending, [handover], |row| row.get(0))?;
            if pending == 0 {
                transaction.execute("UPDATE handover SET state = 'closed' WHERE doc = ?1", [handover])?;
            }
            Ok(pending)
        })
    }
}

/// A hand-over with its frames, all still to be marked; logged at this time.
pub(super) fn add_handover(
    transaction: &Transaction<'_>,
    envelope: &Envelope,
    handover: &Handover,
    frames: &FrameList,
    logged_at: Moment,
) -> Result<HandoverRow, Trouble> {
    let mark = envelope.doc_id().mark_id();
    let twin = "SELECT 1 FROM handover WHERE mark = ?1";
    if transaction.query_row(twin, [mark], |_| Ok(())).optional()?.is_some() {
        return Err(StoreError::TwinMark(mark).into());
    }
    let id = add_document::<Handover>(transaction, envelope, logged_at)?;
    let row = row_of(id, handover);
    let number = insert_handover(transaction, &row)?;
    insert_frames(transaction, number, frames)?;
    Ok(row)
}

fn row_of(id: DocId, handover: &Handover) -> HandoverRow {
    HandoverRow {
        id,
        mark: id.mark_id(),
        recipient: handover.recipient,
        project: handover.project,
        epoch: handover.epoch,
        direction: handover.direction,
        depth: handover.depth,
        frames: handover.frames.count,
        issued_at: handover.issued_at,
        state: HandoverState::Open,
        issuer: handover.issuer,
    }
}

/// The text that asks for one frame of a hand-over: its document, then the place in the list.
pub(super) fn one_frame() -> String {
    format!(
        "SELECT {FRAME} FROM frame JOIN handover ON frame.handover = handover.number
         WHERE handover.doc = ?1 AND frame.i = ?2"
    )
}

fn insert_handover(transaction: &Transaction<'_>, row: &HandoverRow) -> rusqlite::Result<i64> {
    let sql = "INSERT INTO handover
        (doc, mark, recipient, project, epoch, direction, depth, frames, issued_at, state, issuer)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    let project = row.project.hyphenated().to_string();
    transaction.execute(
        sql,
        params![
            row.id,
            row.mark,
            row.recipient,
            project,
            row.epoch,
            row.direction,
            row.depth,
            row.frames,
            row.issued_at,
            row.state,
            row.issuer
        ],
    )?;
    Ok(transaction.last_insert_rowid())
}

fn insert_frames(transaction: &Transaction<'_>, number: i64, frames: &FrameList) -> rusqlite::Result<()> {
    let mut insert = transaction.prepare(
        "INSERT INTO frame (handover, i, name, sha256, pix, w, h, shot, hop, state, up_handover, up_i, content,
         csc) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'pending', ?10, ?11, ?12, ?13)",
    )?;
    let mut sizes = std::collections::BTreeMap::<(u32, u32), u32>::new();
    for f in frames.records() {
        let up = f.up.as_ref();
        let (handover, i, content) = (up.map(|up| up.handover), up.map(|up| up.i), up.map(|up| up.content));
        insert.execute(params![
            number, f.i, f.name, f.sha256, f.pix, f.w, f.h, f.shot, f.hop, handover, i, content, f.csc
        ])?;
        *sizes.entry((f.w, f.h)).or_default() += 1;
    }
    let mut count = transaction.prepare_cached(
        "INSERT INTO frame_size VALUES (?1, ?2, ?3) ON CONFLICT (w, h) DO UPDATE SET frames = frames + ?3",
    )?;
    for ((w, h), frames) in sizes {
        count.execute([w, h, frames])?;
    }
    Ok(())
}

fn seal_frame(transaction: &Transaction<'_>, handover: DocId, output: &Output) -> Result<(), Trouble> {
    let Output { i, sha256, pix, psnr_centi_db, z_milli } = *output;
    let (number, left) = frame_state(transaction, handover, i)?;
    match left {
        Some(left) if left == sha256 => Ok(()),
        Some(_) => Err(StoreError::SealedOtherwise { handover, i }.into()),
        None => {
            let sql = "UPDATE frame SET state = 'sealed', out_sha256 = ?3, psnr_centi_db = ?4, z_milli = ?5,
                out_pix = ?6 WHERE handover = ?1 AND i = ?2";
            transaction.prepare_cached(sql)?.execute(params![
                number,
                i,
                sha256,
                psnr_centi_db,
                z_milli,
                pix
            ])?;
            Ok(())
        }
    }
}

/// The number of the hand-over, and what has left for this frame.
fn frame_state(t: &Transaction<'_>, handover: DocId, i: u32) -> Result<(i64, Option<Digest>), Trouble> {
    let sql = "SELECT handover.number, frame.out_sha256 FROM handover JOIN frame ON frame.handover = handover.number
        WHERE handover.doc = ?1 AND frame.i = ?2";
    let row = t.prepare_cached(sql)?.query_row(params![handover, i], |row| Ok((row.get(0)?, row.get(1)?)));
    row.optional()?.ok_or_else(|| StoreError::UnknownFrame { handover, i }.into())
}

fn handover_row(row: &Row<'_>) -> rusqlite::Result<HandoverRow> {
    Ok(HandoverRow {
        id: row.get(0)?,
        mark: row.get(1)?,
        recipient: row.get(2)?,
        project: uuid(row, 3)?,
        epoch: row.get(4)?,
        direction: row.get(5)?,
        depth: row.get(6)?,
        frames: row.get(7)?,
        issued_at: row.get(8)?,
        state: row.get(9)?,
        issuer: row.get(10)?,
    })
}

pub(super) fn frame_row(row: &Row<'_>, first: usize) -> rusqlite::Result<FrameRow> {
    let record = FrameRecord {
        i: row.get(first)?,
        name: row.get(first + 1)?,
        sha256: row.get(first + 2)?,
        pix: row.get(first + 3)?,
        w: row.get(first + 4)?,
        h: row.get(first + 5)?,
        shot: row.get(first + 6)?,
        hop: row.get(first + 7)?,
        up: match row.get(first + 13)? {
            None => None,
            Some(handover) => Some(Up { handover, i: row.get(first + 14)?, content: row.get(first + 15)? }),
        },
        csc: row.get(first + 16)?,
    };
    let output = match row.get(first + 9)? {
        None => None,
        Some(sha256) => Some(Output {
            i: record.i,
            sha256,
            psnr_centi_db: row.get(first + 10)?,
            z_milli: row.get(first + 11)?,
            // Copies of before this column: their bytes are known, the values in them are not.
            pix: row.get::<_, Option<Digest>>(first + 12)?.unwrap_or(sha256),
        }),
    };
    Ok(FrameRow { record, state: row.get(first + 8)?, output })
}
