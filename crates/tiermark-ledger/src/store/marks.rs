//! What a search asks before it looks: which marks there may be, and of which sizes frames were.

use super::{Registry, StoreError};
use crate::keys::tree::Direction;
use crate::{Kid, MarkId};
use rusqlite::params;

impl Registry {
    /// Every mark that was ever handed out, oldest first.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn mark_ids(&self) -> Result<Vec<MarkId>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT mark FROM handover ORDER BY number")?;
            statement.query_map([], |row| row.get(0))?.collect()
        })
    }

    /// The newest marks that a party handed out this way, newest first, and how many there are in all.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn marks_of(
        &self,
        issuer: Kid,
        direction: Direction,
        newest: usize,
    ) -> Result<(Vec<MarkId>, usize), StoreError> {
        self.read(|connection| {
            let sql = "SELECT mark FROM handover WHERE issuer = ?1 AND direction = ?2 ORDER BY number DESC LIMIT ?3";
            let mut statement = connection.prepare_cached(sql)?;
            let marks = statement.query_map(params![issuer, direction, newest as i64], |row| row.get(0))?;
            let marks: Vec<MarkId> = marks.collect::<rusqlite::Result<_>>()?;
            let sql = "SELECT count(*) FROM handover WHERE issuer = ?1 AND direction = ?2";
            let count: i64 = connection.prepare_cached(sql)?.query_row(params![issuer, direction], |row| row.get(0))?;
            Ok((marks, usize::try_from(count).unwrap_or(0)))
        })
    }

    /// Every width and height that frames have had when they were handed out, and how many had it.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn frame_sizes(&self) -> Result<Vec<(u32, u32, u32)>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT w, h, frames FROM frame_size")?;
            statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
        })
    }
}
