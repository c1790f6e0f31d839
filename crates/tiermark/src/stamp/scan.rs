//! Every input read once before anything is signed: what it is, and whether it can be written back.

use std::sync::Mutex;
use std::sync::PoisonError;

use rayon::iter::{ParallelBridge, ParallelIterator};
use tiermark_frame::{Frame, FrameError};
use tiermark_ledger::Digest;
use tiermark_ledger::document::Source;

use super::clip::{self, Reel};
use super::sheet::{self, Leaves};
use super::{Options, Outcome, Status, Watch};
use crate::archive::{Sight, Sights};
use crate::inputs::{Input, why};
use crate::secrets::shot_of_still;
use crate::sink::read_bounded;

/// An input that can be marked as far as its file goes.
pub(super) struct Scanned {
    pub(super) input: Input,
    pub(super) source: Source,
    /// What it looks like, where it is to be recorded.
    pub(super) sight: Option<Sight>,
    /// Its shots, where it is a clip.
    pub(super) reel: Option<Reel>,
    /// Its pictures, where it is a document.
    pub(super) leaves: Option<Leaves>,
}

impl Scanned {
    /// Whether it is neither a clip nor a document.
    pub(super) fn is_one_picture(&self) -> bool {
        self.reel.is_none() && self.leaves.is_none()
    }
}

/// Scan all inputs; results in their order.
pub(super) fn all(
    inputs: Vec<Input>,
    options: &Options,
    sights: Option<&Sights>,
    watch: &dyn Watch,
) -> Vec<Result<Scanned, Box<Outcome>>> {
    watch.scanning(inputs.len());
    let results = Mutex::new(Vec::with_capacity(inputs.len()));
    inputs.into_iter().enumerate().par_bridge().for_each(|(index, input)| {
        let result = one(input, options, sights);
        watch.scanned();
        results.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

fn one(input: Input, options: &Options, sights: Option<&Sights>) -> Result<Scanned, Box<Outcome>> {
    if let Some(container) = clip::begins(&input.path) {
        return clip::scan(input, container, options);
    }
    if sheet::begins(&input.path)
        && let Some(scanned) = sheet::scan(&input, options)?
    {
        return Ok(scanned);
    }
    let (sha256, frame) = open(&input, options)?;
    if let Err(error) = frame.writable(&options.write) {
        return Err(Outcome::not(status(&error), input.path, error.to_string()));
    }
    let pix = frame.pixel_digest();
    let shot = input.shot().unwrap_or_else(|| shot_of_still(&pix));
    let sight = sights.map(|sights| sights.of(&shot, Digest::from_bytes(pix), &frame));
    // Limits bound the sides far below 2^32.
    let (w, h) = (frame.size().width as u32, frame.size().height as u32);
    let source = Source {
        name: input.name.clone(),
        sha256,
        pix: Digest::from_bytes(pix),
        w,
        h,
        shot,
        up: None,
        csc: None,
    };
    Ok(Scanned { input, source, sight, reel: None, leaves: None })
}

/// Read and decode an input.
pub(super) fn open(input: &Input, options: &Options) -> Result<(Digest, Frame), Box<Outcome>> {
    let bytes = read_bounded(&input.path, options.limits.max_file_bytes)
        .map_err(|error| Outcome::not(Status::Failed, input.path.clone(), why(&input.path, &error)))?;
    let sha256 = Digest::of(&bytes);
    let frame = Frame::decode(bytes, &options.limits)
        .map_err(|error| Outcome::not(status(&error), input.path.clone(), error.to_string()))?;
    Ok((sha256, frame))
}

/// Whether a file is at fault, or merely not for us.
pub(super) fn status(error: &FrameError) -> Status {
    match error {
        FrameError::Damaged { .. } | FrameError::Planes(_) | FrameError::Encoder { .. } => Status::Failed,
        FrameError::Clip(_) | FrameError::Pages(_) => Status::Failed,
        FrameError::NeedsFfmpeg | FrameError::NeedsPdftoppm => Status::Failed,
        _ => Status::Refused,
    }
}
