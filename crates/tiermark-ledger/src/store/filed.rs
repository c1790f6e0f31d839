//! Documents that speak of other things, and where the rules of the chain find them.

use super::handovers::add_handover;
use super::parties::{add_document, add_party, envelope, is_kept};
use super::{FrameRow, Output, Registry, StoreError};
use crate::chain::{Documents, Listed, LoggedLeaf};
use crate::document::{Delegation, Document, Envelope, FrameList, Handover, OutputRecord, Party};
use crate::log::TlogProof;
use crate::{Digest, DocId, Handle, Kid, MarkId, Moment};
use rusqlite::{OptionalExtension, params};

/// Whether a document that was to be filed was new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filed {
    /// It is kept now.
    New,
    /// It was there already.
    Before,
}

impl Filed {
    fn of(new: bool) -> Self {
        if new { Self::New } else { Self::Before }
    }
}

impl Registry {
    /// Keeps somebody's party document.
    ///
    /// # Errors
    /// When the party has signed another document with the same number, or the registry cannot be written to.
    pub fn file_party(&self, envelope: &Envelope, party: &Party, at: Moment) -> Result<Filed, StoreError> {
        self.write(|t| add_party(t, envelope, party, at).map(Filed::of))
    }

    /// Keeps a document that speaks of a thing.
    ///
    /// # Errors
    /// When the registry cannot be written to.
    pub fn file_about<D: Document>(
        &self,
        envelope: &Envelope,
        targets: &[Digest],
        at: Moment,
    ) -> Result<Filed, StoreError> {
        self.write(|t| {
            if is_kept(t, envelope.doc_id())? {
                return Ok(Filed::Before);
            }
            let id = add_document::<D>(t, envelope, at)?;
            for target in targets {
                t.execute(
                    "INSERT INTO about (target, kind, doc) VALUES (?1, ?2, ?3)",
                    params![target, D::KIND, id],
                )?;
            }
            Ok(Filed::New)
        })
    }

    /// Keeps somebody else's hand-over; its frames have left there, not here.
    ///
    /// # Errors
    /// When its mark is taken by another one, or the registry cannot be written to.
    pub fn file_handover(
        &self,
        envelope: &Envelope,
        handover: &Handover,
        frames: &FrameList,
        at: Moment,
    ) -> Result<Filed, StoreError> {
        self.write(|t| {
            if is_kept(t, envelope.doc_id())? {
                return Ok(Filed::Before);
            }
            let row = add_handover(t, envelope, handover, frames, at)?;
            t.execute("UPDATE handover SET state = 'closed' WHERE doc = ?1", [row.id])?;
            Ok(Filed::New)
        })
    }

    /// Keeps which files left for somebody else's hand-over.
    ///
    /// # Errors
    /// When a frame is unknown or has left with other bytes, or the registry cannot be written to.
    pub fn file_outputs(&self, handover: DocId, outputs: &[OutputRecord]) -> Result<(), StoreError> {
        let output = |record: &OutputRecord| Output {
            i: record.i,
            sha256: record.out,
            pix: record.outpix,
            psnr_centi_db: record.q,
            z_milli: record.z,
        };
        self.seal_frames(handover, &outputs.iter().map(output).collect::<Vec<_>>())
    }

    /// The frame that this very file is the marked copy of, with its hand-over: by its bytes or by the values in it.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn find_output(&self, sha256: Digest, pix: Digest) -> Result<Vec<(DocId, FrameRow)>, StoreError> {
        let by = |column: &str, digest: Digest| {
            let sql = format!(
                "SELECT handover.doc, frame.i FROM frame JOIN handover ON frame.handover = handover.number
                 WHERE frame.{column} = ?1 ORDER BY handover.number DESC LIMIT 8"
            );
            self.read(|connection| {
                let both = |row: &rusqlite::Row<'_>| Ok((row.get::<_, DocId>(0)?, row.get::<_, u32>(1)?));
                connection
                    .prepare_cached(&sql)?
                    .query_map([digest], both)?
                    .collect::<rusqlite::Result<Vec<_>>>()
            })
        };
        let mut places = by("out_sha256", sha256)?;
        if places.is_empty() {
            places = by("out_pix", pix)?;
        }
        let row = |(id, i)| Ok(self.frame(id, i)?.map(|row| (id, row)));
        places.into_iter().filter_map(|place| row(place).transpose()).collect()
    }

    /// Every frame that was made from this original, with its hand-over, those handed over last first: by the digest of the
    /// values in it and, for what was passed on, by the content that its marks are bound to.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn handed_over(
        &self,
        pix: Digest,
        content: Option<Digest>,
        most: usize,
    ) -> Result<Vec<(DocId, FrameRow)>, StoreError> {
        let places = self.read(|connection| {
            let sql =
                "SELECT handover.doc, frame.i FROM frame JOIN handover ON frame.handover = handover.number
                WHERE frame.pix = ?1 OR frame.content = ?3 ORDER BY handover.number DESC LIMIT ?2";
            let both = |row: &rusqlite::Row<'_>| Ok((row.get::<_, DocId>(0)?, row.get::<_, u32>(1)?));
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map(params![pix, most as i64, content], both)?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        let row = |(id, i)| Ok(self.frame(id, i)?.map(|row| (id, row)));
        places.into_iter().filter_map(|place| row(place).transpose()).collect()
    }

    /// Keeps the secret of a delegation to us, as it came: sealed.
    ///
    /// # Errors
    /// When the registry cannot be written to.
    pub fn keep_sealed(&self, delegation: DocId, text: &str, at: Moment) -> Result<(), StoreError> {
        self.write(|t| {
            let sql = "INSERT OR REPLACE INTO sealed (doc, text, at) VALUES (?1, ?2, ?3)";
            t.execute(sql, params![delegation, text, at])?;
            Ok(())
        })
    }

    /// Forgets a secret that turned out not to be one.
    ///
    /// # Errors
    /// When the registry cannot be written to.
    pub fn drop_sealed(&self, delegation: DocId) -> Result<(), StoreError> {
        self.write(|t| Ok(t.execute("DELETE FROM sealed WHERE doc = ?1", [delegation]).map(drop)?))
    }

    /// The secret of a delegation to us, sealed.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn sealed(&self, delegation: DocId) -> Result<Option<String>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT text FROM sealed WHERE doc = ?1";
            connection.prepare_cached(sql)?.query_row([delegation], |row| row.get(0)).optional()
        })
    }

    /// The newest hand-over to this party that lists a frame of this name and size, and its line there.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn find_received(
        &self,
        recipient: crate::PartyId,
        name: &str,
        (w, h): (u32, u32),
    ) -> Result<Option<(DocId, u32)>, StoreError> {
        self.read(|connection| {
            let sql =
                "SELECT handover.doc, frame.i FROM frame JOIN handover ON frame.handover = handover.number
                WHERE frame.name = ?1 AND frame.w = ?2 AND frame.h = ?3 AND handover.recipient = ?4
                ORDER BY handover.number DESC LIMIT 1";
            let both = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
            let name = crate::name::nfc(name);
            connection.prepare_cached(sql)?.query_row(params![name, w, h, recipient], both).optional()
        })
    }

    /// The delegations that name this party, with their ids, newest first.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn delegations_of(&self, party: Kid) -> Result<Vec<(DocId, Envelope)>, StoreError> {
        let filed = Documents::about(self, Digest::from_bytes(*party.as_bytes()), Delegation::KIND)?;
        Ok(filed.into_iter().map(|envelope| (envelope.doc_id(), envelope)).collect())
    }

    /// All delegations that are filed, with their ids.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn delegations(&self) -> Result<Vec<(DocId, Envelope)>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT id, payload, kid, sig FROM doc WHERE type = ?1";
            let both = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, envelope(row, 1)?));
            connection.prepare_cached(sql)?.query_map([Delegation::TYPE], both)?.collect()
        })
    }
}

impl Documents for Registry {
    fn document(&self, id: DocId) -> Result<Option<Envelope>, StoreError> {
        Self::document(self, id)
    }

    fn parties(&self, root: Kid) -> Result<Vec<Envelope>, StoreError> {
        Self::parties(self, root)
    }

    fn roots(&self, kid16: &str) -> Result<Vec<Kid>, StoreError> {
        Self::roots(self, kid16)
    }

    fn marked(&self, mark: MarkId) -> Result<Vec<(DocId, Envelope)>, StoreError> {
        Ok(self.handover_by_mark(mark)?.into_iter().map(|(row, envelope)| (row.id, envelope)).collect())
    }

    fn about(&self, target: Digest, kind: &str) -> Result<Vec<Envelope>, StoreError> {
        self.read(|connection| {
            let sql =
                "SELECT payload, kid, sig FROM about JOIN doc ON doc = id WHERE target = ?1 AND kind = ?2";
            connection
                .prepare_cached(sql)?
                .query_map(params![target, kind], |row| envelope(row, 0))?
                .collect()
        })
    }

    fn frames(&self, handover: DocId) -> Result<Option<Listed>, StoreError> {
        let records = Self::frames(self, handover)?.into_iter().map(|row| row.record).collect();
        Ok(FrameList::from_records(records).ok().map(Listed::All))
    }

    fn proofs(&self, document: DocId) -> Result<Vec<LoggedLeaf>, StoreError> {
        let mut all: Vec<LoggedLeaf> = self.read(|connection| {
            let sql = "SELECT leaf, text FROM proof WHERE doc = ?1 ORDER BY origin";
            let both = |row: &rusqlite::Row<'_>| Ok(LoggedLeaf { leaf: row.get(0)?, proof: row.get(1)? });
            connection.prepare_cached(sql)?.query_map([document], both)?.collect()
        })?;
        all.extend(self.own_proof(document)?);
        Ok(all)
    }

    fn position(&self, document: DocId) -> Result<Option<u64>, StoreError> {
        Ok(self.leaf_of(Digest::from_bytes(*document.as_bytes()))?.map(|(index, _)| index))
    }

    fn stored_name(&self, record: DocId) -> Result<Option<Option<Handle>>, StoreError> {
        Ok(Some(self.vendor(record)?.map(|row| row.handle)))
    }
}

impl Registry {
    /// What our own log proves of a document: under the smallest cosigned checkpoint that holds it, else the smallest.
    fn own_proof(&self, document: DocId) -> Result<Option<LoggedLeaf>, StoreError> {
        let Some((index, leaf)) = self.leaf_of(Digest::from_bytes(*document.as_bytes()))? else {
            return Ok(None);
        };
        let Some(note) = self.checkpoint_over(index)? else { return Ok(None) };
        let path = self.inclusion(index, note.checkpoint().size)?;
        let proof = TlogProof { index, path, checkpoint: note };
        Ok(Some(LoggedLeaf { leaf, proof: proof.to_text() }))
    }

    /// The checkpoint of our own log that shows this leaf best.
    fn checkpoint_over(&self, index: u64) -> Result<Option<crate::log::SignedCheckpoint>, StoreError> {
        let origin: Option<String> = self.read(|connection| super::log::setting(connection, "origin"))?;
        let Some(origin) = origin else { return Ok(None) };
        self.note_over(&origin, index)
    }

    /// One frame of a hand-over.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn frame(&self, handover: DocId, i: u32) -> Result<Option<FrameRow>, StoreError> {
        let sql = super::handovers::one_frame();
        self.read(|connection| {
            let row = |row: &rusqlite::Row<'_>| super::handovers::frame_row(row, 0);
            connection.prepare_cached(&sql)?.query_row(params![handover, i], row).optional()
        })
    }
}
