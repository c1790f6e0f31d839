//! Originals that were stamped before there was an archive, or elsewhere.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use serde::Serialize;
use tiermark_frame::{Frame, Limits};
use tiermark_ledger::document::{FrameRecord, Source};
use tiermark_ledger::{Digest, Studio};
use time::OffsetDateTime;

use super::{Archive, ArchiveError, Fresh, Sights, Watch, append};
use crate::inputs::{Input, Inputs, why};
use crate::secrets::{content_digest, shot_of_still};
use crate::sink::read_bounded;

/// What became of a file that was to be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AddedStatus {
    /// It is in the archive now.
    Added,
    /// It was there before.
    Known,
    /// It is the marked copy of somebody, and no original.
    Refused,
    /// It cannot be read.
    Failed,
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Added {
    /// The file.
    pub file: String,
    /// What became of it.
    pub status: AddedStatus,
    /// Why, where it was not added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Add originals to the archive of a studio, and with `keep` copies of them to a folder; in the order of the inputs,
/// unreadable ones first.
///
/// What a mark is bound to is taken from what was signed about the file; where nothing was, it is what stamping the same
/// inputs would give. Runs on the threads of the pool it is called in.
///
/// # Errors
/// When the archive cannot be read or written. What happens to single files is in their lines.
pub fn add(
    studio: Studio,
    inputs: Inputs,
    keep: Option<&std::path::Path>,
    limits: &Limits,
    now: OffsetDateTime,
    watch: &dyn Watch,
) -> Result<Vec<Added>, ArchiveError> {
    let inputs = inputs.without_papers();
    let unreadable = inputs.unreadable.iter();
    let mut lines: Vec<Added> =
        unreadable.map(|one| line(&one.path, AddedStatus::Failed, Some(one.reason.clone()))).collect();
    watch.begin(inputs.files.len());
    let sights = Sights::new(Archive::open(studio.folder())?.as_ref());
    let folder = studio.folder().to_path_buf();
    let studio = Mutex::new(studio);
    // In parts: each is on the disk before the next is begun, so that a run of hours that is killed keeps them.
    for some in inputs.files.chunks(AT_ONCE) {
        let looked: Vec<_> = some
            .par_iter()
            .map(|input| {
                let looked = look(&studio, &sights, input, limits);
                watch.step();
                looked
            })
            .collect();
        let fresh: Vec<&Fresh> = looked.iter().flatten().flatten().collect();
        let appended = append(&folder, &fresh, keep, limits.max_file_bytes, now.unix_timestamp())?;
        let mut new = appended.new.into_iter();
        for (input, looked) in some.iter().zip(&looked) {
            lines.push(match looked {
                Ok(all) => {
                    // All of them are taken, also behind the first that is new.
                    let added = new.by_ref().take(all.len()).filter(|one| *one).count() > 0;
                    line(&input.path, if added { AddedStatus::Added } else { AddedStatus::Known }, None)
                }
                Err((status, why)) => line(&input.path, *status, Some(why.clone())),
            });
        }
    }
    Ok(lines)
}

const AT_ONCE: usize = 256;

fn line(path: &std::path::Path, status: AddedStatus, reason: Option<String>) -> Added {
    Added { file: path.to_string_lossy().into_owned(), status, reason }
}

/// What is to be recorded of one file: once for each content that its marks are bound to.
fn look(
    studio: &Mutex<Studio>,
    sights: &Sights,
    input: &Input,
    limits: &Limits,
) -> Result<Vec<Fresh>, (AddedStatus, String)> {
    let failed = |why: String| (AddedStatus::Failed, why);
    let path: PathBuf = input.path.clone();
    let bytes = read_bounded(&path, limits.max_file_bytes).map_err(|error| failed(why(&path, &error)))?;
    let sha256 = Digest::of(&bytes);
    let frame = Frame::decode(bytes, limits).map_err(|error| failed(error.to_string()))?;
    let pix = Digest::from_bytes(frame.pixel_digest());
    let shot = input.shot().unwrap_or_else(|| shot_of_still(pix.as_bytes()));
    let size = frame.size();
    let (w, h) = (size.width as u32, size.height as u32);
    let source =
        Source { name: input.name.clone(), sha256, pix, w, h, shot: shot.clone(), up: None, csc: None };
    let contents = contents(&studio.lock().unwrap_or_else(PoisonError::into_inner), &source)?;
    let sight = sights.of(&shot, pix, &frame);
    let fresh = |content| Fresh { path: path.clone(), sha256, pix, content, size, sight: sight.clone() };
    Ok(contents.into_iter().map(fresh).collect())
}

/// What the marks of a file are bound to.
fn contents(studio: &Studio, source: &Source) -> Result<Vec<Digest>, (AddedStatus, String)> {
    let failed = |error: tiermark_ledger::store::StoreError| (AddedStatus::Failed, error.to_string());
    let registry = studio.registry();
    let us = studio.root();
    let signed = registry.records_of(source.sha256).map_err(failed)?;
    let mut contents: Vec<Digest> = signed.iter().map(content_digest).collect();
    for (id, row) in registry.find_output(source.sha256, source.pix).map_err(failed)? {
        let handover = registry.handover_by_mark(id.mark_id()).map_err(failed)?;
        let Some((handover, _)) = handover else { continue };
        if handover.issuer == us && contents.is_empty() {
            let why = "is the marked copy of a recipient; add the unmarked original instead".to_owned();
            return Err((AddedStatus::Refused, why));
        }
        if handover.recipient == us.into() {
            contents.push(content_digest(&row.record));
        }
    }
    if contents.is_empty() {
        let named = registry.find_received(us.into(), &source.name, (source.w, source.h)).map_err(failed)?;
        let row = named.map(|(id, i)| registry.frame(id, i)).transpose().map_err(failed)?;
        contents.extend(row.flatten().map(|row| content_digest(&row.record)));
    }
    if contents.is_empty() {
        contents.push(content_digest(&FrameRecord::new(0, source)));
    }
    contents.sort_unstable_by_key(|content| *content.as_bytes());
    contents.dedup();
    Ok(contents)
}
