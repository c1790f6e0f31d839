//! One document: its raster pictures, each marked at a place of its own, the whole written beside and read back.
//!
//! A document is one file and one line of the hand-over, as a clip is. What the patterns of its pictures are bound to follows from
//! that line and the number of each in the document (`content_in_sheet`): decision 0027.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tiermark_frame::sheet::{HEAD, PassedOver, Sheet, looks_like_one};
use tiermark_frame::{Frame, FrameError};
use tiermark_ledger::Digest;
use tiermark_ledger::document::Source;
use tiermark_mark::Embedder;
use tiermark_signal::Size;

use super::press::{CHANGED, Press, ReadBack, cannot_write, carries, digest_of, done, mark_at, psnr};
use super::scan::{Scanned, status};
use super::unmarked::LEAST_SIDE;
use super::{Job, Options, Outcome, Stamper, Status, Unmarked};
use crate::endurance::Endurance;
use crate::inputs::{Input, why};
use crate::secrets::content_in_sheet;
use crate::sink::{Part, head_of_file, read_bounded};

/// The pictures of a document.
#[derive(Clone)]
pub(super) struct Leaves {
    /// Those that bear a mark, by their numbers for [`Sheet::picture`], in ascending order.
    bearers: Vec<usize>,
    /// The others.
    pub(super) unmarked: Vec<Unmarked>,
}

/// Whether a file may be a document, by its first bytes.
pub(super) fn begins(path: &Path) -> bool {
    head_of_file(path, HEAD).is_ok_and(|head| looks_like_one(&head))
}

/// Read a document once before anything is signed; `None` if it is none.
pub(super) fn scan(input: &Input, options: &Options) -> Result<Option<Scanned>, Box<Outcome>> {
    let refused = |error: FrameError| Outcome::not(status(&error), input.path.clone(), error.to_string());
    let (sha256, sheet) = open(input, options)?;
    let Some(sheet) = sheet.map_err(refused)? else { return Ok(None) };
    let (mut bearers, mut unmarked, mut pix, mut largest) =
        (Vec::new(), passed_over(&sheet), Sha256::new(), None);
    for picture in 0..sheet.pictures() {
        let frame = match bearer(&sheet, picture, options) {
            Ok(frame) => frame,
            Err(other) => {
                unmarked.push(other);
                continue;
            }
        };
        bearers.push(picture);
        pix.update(frame.pixel_digest());
        largest = largest.max(Some((frame.size().area(), frame.size().width, frame.size().height)));
    }
    let leaves = Leaves { bearers, unmarked };
    let (_, w, h) = leaves.may_leave(largest, &sheet, options).map_err(|reason| {
        let unmarked = leaves.unmarked.clone();
        Outcome { unmarked, ..*Outcome::not(Status::Refused, input.path.clone(), reason) }
    })?;
    let name = input.name.clone();
    let pix = Digest::from_bytes(pix.finalize().into());
    // Limits bound the sides far below 2^32.
    let (w, h) = (w as u32, h as u32);
    let source = Source { shot: name.clone(), name, sha256, pix, w, h, up: None, csc: None };
    let input = input.clone();
    Ok(Some(Scanned { input, source, sight: None, reel: None, leaves: Some(leaves) }))
}

/// Those that nobody can put back.
fn passed_over(sheet: &Sheet) -> Vec<Unmarked> {
    let one = |picture: &PassedOver| {
        let side = picture.size.map(least_side);
        Unmarked::new(picture.place.clone(), side, picture.why.clone())
    };
    sheet.passed_over().iter().map(one).collect()
}

/// A picture that is worth a mark and can be written back with it.
fn bearer(sheet: &Sheet, picture: usize, options: &Options) -> Result<Frame, Unmarked> {
    let unmarked = |side: Option<usize>, why: String| Unmarked::new(sheet.place(picture), side, why);
    let frame = sheet.picture(picture, &options.limits).map_err(|error| unmarked(None, error.to_string()))?;
    let side = least_side(frame.size());
    if side < LEAST_SIDE {
        return Err(unmarked(Some(side), format!("is below {LEAST_SIDE} lines")));
    }
    frame.writable(&options.write).map_err(|error| unmarked(Some(side), error.to_string()))?;
    Ok(frame)
}

fn least_side(size: Size) -> usize {
    size.width.min(size.height)
}

impl Leaves {
    /// `largest`, if there is one and no other picture that is worth a mark would leave without.
    fn may_leave<T>(&self, largest: Option<T>, sheet: &Sheet, options: &Options) -> Result<T, String> {
        let told = Unmarked::told(&self.unmarked);
        let drawing = match sheet.may_be_drawn() {
            true => "--rasterise makes pictures of its pages",
            false => "exported as PDF, --rasterise makes pictures of its pages",
        };
        let Some(largest) = largest else {
            let told = told.map_or_else(String::new, |told| format!(" ({told})"));
            return Err(format!("has no pictures that can bear a mark{told}; {drawing}"));
        };
        match told.filter(|_| self.unmarked.iter().any(|picture| !picture.small) && !options.allow_weak) {
            None => Ok(largest),
            Some(told) => Err(format!(
                "has pictures that cannot bear a mark ({told}); {drawing}, --allow-weak lets it leave with these as they are"
            )),
        }
    }
}

/// Read an input, and look through it.
#[expect(clippy::type_complexity, reason = "the disk's errors and the file's")]
fn open(
    input: &Input,
    options: &Options,
) -> Result<(Digest, Result<Option<Sheet>, FrameError>), Box<Outcome>> {
    let bytes = read_bounded(&input.path, options.limits.max_file_bytes)
        .map_err(|error| Outcome::not(Status::Failed, input.path.clone(), why(&input.path, &error)))?;
    let digest = Digest::of(&bytes);
    // The digest is that of the file as it came, which is what a rerun finds again and what is checked before it is marked; pages are
    // drawn of these very bytes, each time anew.
    if let Some(dpi) = options.rasterise
        && let Some(drawn) = Sheet::drawn(&bytes, dpi, &options.limits).transpose()
    {
        return Ok((digest, drawn.map(Some)));
    }
    let sheet = Sheet::open(bytes, &options.limits);
    if options.rasterise.is_some() && matches!(sheet, Ok(Some(_))) {
        let why = "is an office file, and pages are drawn of PDF alone; export it as PDF first";
        return Err(Outcome::not(Status::Refused, input.path.clone(), why));
    }
    Ok((digest, sheet))
}

impl Stamper {
    /// Deal with one document.
    pub(super) fn press_sheet(
        &self,
        job: &Job,
        leaves: &Leaves,
        press: &Press,
        path: &Path,
        options: &Options,
    ) -> Result<Outcome, Box<Outcome>> {
        let not = |status: Status, reason: String| Outcome::not(status, job.input.path.clone(), reason);
        let (sha256, sheet) = open(&job.input, options)?;
        let Ok(Some(sheet)) = sheet else { return Err(not(Status::Failed, CHANGED.to_owned())) };
        if sha256 != job.record.sha256 {
            return Err(not(Status::Failed, CHANGED.to_owned()));
        }
        let mut last = None;
        for embedder in press.embedders(job) {
            let bytes = marked(&sheet, leaves, embedder, job, options)
                .map_err(|error| not(status(&error), error.to_string()))?;
            match self.leave(job, (&sheet, leaves), bytes, press, (path.to_path_buf(), options)) {
                Err(refused) if refused.predicted_z.is_some() => last = Some(refused),
                settled => return settled,
            }
        }
        let refused = last.expect("there is an embedder for every document");
        if !options.dry_run {
            self.refuse(job).map_err(|error| not(Status::Failed, error.to_string()))?;
        }
        Err(refused)
    }

    /// Write under a hidden name, read back, seal, name; in a dry run only read back.
    fn leave(
        &self,
        job: &Job,
        (sheet, leaves): (&Sheet, &Leaves),
        bytes: Vec<u8>,
        press: &Press,
        (path, options): (PathBuf, &Options),
    ) -> Result<Outcome, Box<Outcome>> {
        let not = |status: Status, reason: String| Outcome::not(status, job.input.path.clone(), reason);
        let failed = |reason: String| not(Status::Failed, reason);
        let on_disk = |error: std::io::Error| failed(cannot_write(&path, &error));
        let digest = Digest::of(&bytes);
        if !options.force && !options.dry_run && digest_of(&path).is_some_and(|there| there != digest) {
            let there = format!("{} is there already and different; --force replaces it", path.display());
            return Err(not(Status::Refused, there));
        }
        let (part, bytes) = match options.dry_run {
            true => (None, bytes),
            false => {
                let part = Part::write(&path, &bytes).map_err(on_disk)?;
                let written = part.read_back().map_err(on_disk)?;
                (Some(part), written)
            }
        };
        if Digest::of(&bytes) != digest {
            return Err(failed(format!(
                "{}: the disk gave back other bytes than were written",
                path.display()
            )));
        }
        let (read, unread) = read_back(sheet, leaves, bytes, press, options)
            .map_err(|reason| failed(format!("could not be read back: {reason}")))?;
        if let Err(reason) = carries(&read, options) {
            return Err(Box::new(read.measured(*not(Status::Refused, reason))));
        }
        if let Some(part) = part {
            self.seal(job, read.output(job, digest)).map_err(|error| failed(error.to_string()))?;
            part.commit().map_err(on_disk)?;
        }
        let unmarked = [&leaves.unmarked[..], &unread[..]].concat();
        Ok(Outcome { unmarked, ..done(job, path, &read) })
    }
}

/// The document with a mark in each of its pictures.
fn marked(
    sheet: &Sheet,
    leaves: &Leaves,
    embedder: &Embedder,
    job: &Job,
    options: &Options,
) -> Result<Vec<u8>, FrameError> {
    let mut fresh = Vec::with_capacity(leaves.bearers.len());
    for &picture in &leaves.bearers {
        let frame = sheet.picture(picture, &options.limits)?;
        let content = content_in_sheet(&job.record, sheet.number(picture));
        fresh.push((picture, mark_at(&frame, embedder, content, job, options)?));
    }
    sheet.with(&fresh)
}

/// Take the pictures out of what was written: how far the mark took the one that it took farthest, how the surest one reads, and
/// which do not read at all. These are blank, or flat: nothing to refuse a document for.
fn read_back(
    hosts: &Sheet,
    leaves: &Leaves,
    bytes: Vec<u8>,
    press: &Press,
    options: &Options,
) -> Result<(ReadBack, Vec<Unmarked>), String> {
    let limits = &options.limits;
    let copy = Sheet::open(bytes, limits).map_err(|error| error.to_string())?;
    let copy =
        copy.filter(|copy| copy.pictures() == hosts.pictures()).ok_or("the copy has other pictures")?;
    let (mut pix, mut psnr_db, mut surest, mut unread) =
        (Sha256::new(), f64::INFINITY, None::<Endurance>, Vec::new());
    for &picture in &leaves.bearers {
        let place = |error: FrameError| format!("{}: {error}", hosts.place(picture));
        let host = hosts.picture(picture, limits).map_err(place)?;
        let marked = copy.picture(picture, limits).map_err(place)?.to_be_looked_at();
        let far = psnr(&host, &marked).filter(|_| copy.number(picture) == hosts.number(picture));
        psnr_db = psnr_db.min(far.ok_or("the copy has another shape")?);
        drop(host);
        pix.update(marked.pixel_digest());
        let read = Endurance::of(&marked, press.payload, &press.detector, options.dry_run);
        if !read.readable {
            let why = format!("is blank or flat: the mark does not read in it, z {:.1}", read.z);
            unread.push(Unmarked::new(hosts.place(picture), None, why));
        }
        let rank = |read: &Endurance| (read.lasting, read.readable);
        let surer = surest.is_none_or(|best| (rank(&read), read.z) > (rank(&best), best.z));
        surest = if surer { Some(read) } else { surest };
    }
    let endurance = surest.ok_or("the copy has no pictures")?;
    let read = ReadBack { psnr_db, pix: Digest::from_bytes(pix.finalize().into()), endurance };
    Ok((read, unread))
}
