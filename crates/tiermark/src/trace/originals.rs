//! With the originals at hand: which of them lies under a found picture, and what is left when it is taken away.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tiermark_frame::{Frame, Limits};
use tiermark_ledger::{Digest, StudioError};
use tiermark_mark::Evidence;
use tiermark_signal::align::{Alignment, Prepared, register};
use tiermark_signal::{Plane, Size};

use super::ready::{FoundPicture, Known, Ready, Under};
use crate::archive::{Archive, ArchiveError, Candidate, How};
use crate::inputs::why;
use crate::sink::read_bounded;

/// Originals that are looked at more closely for one found picture.
const TRIED: usize = 6;
/// Originals that the archive is asked for.
const LISTED: usize = 24;
/// Originals that may lie under one found picture, side by side.
const PANELS: usize = 9;
/// Below this likeness of whole pictures, and with fewer votes of parts, a candidate is not looked at.
const LEAST_LIKENESS: f32 = 0.55;
const LEAST_VOTES: usize = 5;
/// Originals that are kept ready.
const READY: usize = 6;

/// The originals of a studio.
pub(crate) struct Originals {
    archive: Option<Archive>,
    named: Option<Arc<Ready>>,
    limits: Limits,
    ready: Mutex<Vec<Arc<Ready>>>,
}

impl Originals {
    /// The archive of a studio, or the one original that was named.
    ///
    /// # Errors
    /// When the archive or the named original cannot be read.
    pub(crate) fn open(folder: &Path, named: Option<&Path>, limits: Limits) -> Result<Self, StudioError> {
        let not = |error: ArchiveError| StudioError::MayNot(error.to_string());
        let none = |archive| Self { archive, named: None, limits, ready: Mutex::default() };
        let Some(path) = named else { return Ok(none(Archive::open(folder).map_err(not)?)) };
        let bytes = read_bounded(path, limits.max_file_bytes)
            .map_err(|error| StudioError::MayNot(why(path, &error)))?;
        let frame = Frame::decode(bytes, &limits)
            .map_err(|error| StudioError::MayNot(format!("{}: {error}", path.display())))?;
        Ok(Self::by_hand(path, &frame, limits))
    }

    /// The original that was named, if one was.
    pub(super) fn named(&self) -> Option<&Known> {
        self.named.as_ref().map(|ready| &ready.known)
    }

    /// Whether there is anything to compare with.
    pub(super) fn are_there(&self) -> bool {
        self.named.is_some() || self.archive.as_ref().is_some_and(|archive| !archive.is_empty())
    }

    /// One original that was looked up by hand.
    pub(crate) fn by_hand(path: &Path, frame: &Frame, limits: Limits) -> Self {
        let pix = Digest::from_bytes(frame.pixel_digest());
        let known = Known { pix, content: None, path: path.to_owned(), size: frame.size() };
        let named = Some(Arc::new(Ready::of(known, frame)));
        Self { archive: None, named, limits, ready: Mutex::default() }
    }

    /// What the originals under a found picture say, by the digests of their values.
    pub(crate) fn evidence(&self, frame: &Frame) -> Vec<(Digest, Vec<Evidence>)> {
        let (under, _) = self.under(&FoundPicture::of(frame));
        under.into_iter().map(|under| (under.known().pix, under.evidence)).collect()
    }

    /// The originals under a found picture, and why some could not be looked at.
    pub(super) fn under(&self, found: &FoundPicture) -> (Vec<Under>, Option<String>) {
        let prepared = Prepared::new(&found.luma);
        if let Some(named) = &self.named {
            let laid = register(named.prepared(), &prepared);
            return (laid.into_iter().map(|alignment| named.taken_away(alignment, found)).collect(), None);
        }
        let Some(archive) = &self.archive else { return (Vec::new(), None) };
        let candidates = archive.candidates(&found.luma, LISTED);
        let (mut laid, mut trouble): (Vec<(Arc<Ready>, Alignment)>, _) = (Vec::new(), None);
        let mut tried = 0;
        for candidate in candidates.iter().filter(|candidate| is_likely(candidate)) {
            // Frames of one shot bear one mark: one of them that fits is enough, unless another fits better.
            let same =
                |(ready, _): &&(Arc<Ready>, Alignment)| ready.known.content == Some(candidate.entry.content);
            if tried == TRIED || laid.len() == PANELS || laid.iter().filter(same).count() > 1 {
                continue;
            }
            tried += 1;
            let ready = match self.ready(archive, candidate) {
                Ok(ready) => ready,
                Err(error) => {
                    trouble.get_or_insert_with(|| error.to_string());
                    continue;
                }
            };
            for alignment in register(ready.prepared(), &prepared) {
                // A part that fits leaves room for others beside it.
                tried -= usize::from(alignment.inside < 0.5 && tried > 0);
                laid.push((ready.clone(), alignment));
            }
        }
        (best(laid, found).into_iter().map(|(ready, laid)| ready.taken_away(laid, found)).collect(), trouble)
    }

    /// Whether an original of one of these contents lies under a part of a found picture: `holds` says for each content that is
    /// wanted and each way of laying it there.
    pub(super) fn lies_there(
        &self,
        found: &FoundPicture,
        [left, top, right, bottom]: [f64; 4],
        wanted: &dyn Fn(Digest) -> bool,
        holds: &dyn Fn(&Under) -> bool,
    ) -> bool {
        let Some(archive) = &self.archive else { return false };
        let size = found.luma.size();
        let within = |v: f64, most: usize| (v / found.factor as f64).clamp(0.0, most as f64) as usize;
        let (x, y) = (within(left, size.width), within(top, size.height));
        let part = Size::new(
            within(right, size.width).saturating_sub(x),
            within(bottom, size.height).saturating_sub(y),
        );
        let Some(part) = part else { return false };
        let part = Plane::from_fn(part, |dx, dy| found.luma.at(x + dx, y + dy));
        let both = [archive.candidates(&part, LISTED), archive.candidates(&found.luma, LISTED)];
        let prepared = Prepared::new(&found.luma);
        let mut likely: Vec<&Candidate> =
            both.iter().flatten().filter(|one| wanted(one.entry.content)).collect();
        likely.dedup_by_key(|one| one.entry.content);
        likely.iter().take(TRIED).any(|candidate| {
            let Ok(ready) = self.ready(archive, candidate) else { return false };
            let laid = register(ready.prepared(), &prepared).into_iter();
            let under = |alignment| Under::only_laid(&ready, alignment, found);
            laid.map(under).any(|under| holds(&under))
        })
    }

    fn ready(&self, archive: &Archive, candidate: &Candidate) -> Result<Arc<Ready>, ArchiveError> {
        let entry = &candidate.entry;
        let is =
            |ready: &&Arc<Ready>| (ready.known.pix, ready.known.content) == (entry.pix, Some(entry.content));
        if let Some(ready) = self.lock().iter().find(is) {
            return Ok(ready.clone());
        }
        let frame = archive.load(entry, &self.limits)?;
        let (pix, content, path) = (entry.pix, Some(entry.content), entry.path.clone());
        let ready = Arc::new(Ready::of(Known { pix, content, path, size: entry.size }, &frame));
        let mut kept = self.lock();
        if kept.len() == READY {
            kept.remove(0);
        }
        kept.push(ready.clone());
        Ok(ready)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Ready>>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_likely(candidate: &Candidate) -> bool {
    match candidate.how {
        How::Whole { .. } | How::Panel { .. } => candidate.likeness >= LEAST_LIKENESS,
        How::Part { votes, .. } => votes >= LEAST_VOTES,
    }
}

/// Of originals that lie over each other the one that fits best, and those that fit as well: they are the same where it
/// matters.
fn best(laid: Vec<(Arc<Ready>, Alignment)>, found: &FoundPicture) -> Vec<(Arc<Ready>, Alignment)> {
    const AS_WELL: f64 = 1.02;
    // One that is alone needs no comparison.
    if laid.len() < 2 {
        return laid;
    }
    let misfit = |(ready, alignment): (Arc<Ready>, Alignment)| {
        let misfit = ready.misfit(&alignment, found);
        (ready, alignment, misfit)
    };
    let mut laid: Vec<(Arc<Ready>, Alignment, f64)> = laid.into_iter().map(misfit).collect();
    laid.sort_by(|a, b| a.2.total_cmp(&b.2));
    let mut kept: Vec<(Arc<Ready>, Alignment, f64)> = Vec::new();
    for one in laid {
        let over = kept.iter().find(|other| overlap((&one.0, &one.1), (&other.0, &other.1), found));
        if over.is_none_or(|other| one.2 <= AS_WELL * other.2) && kept.len() < PANELS {
            kept.push(one);
        }
    }
    kept.into_iter().map(|(ready, alignment, _)| (ready, alignment)).collect()
}

/// Whether the middle of what one covers of the found picture is covered by the other.
fn overlap(one: (&Ready, &Alignment), other: (&Ready, &Alignment), found: &FoundPicture) -> bool {
    let covers = |(ready, alignment): (&Ready, &Alignment), at: [f64; 2]| {
        let [x, y] = alignment.original_at(at);
        let size = ready.known.size;
        (0.0..size.width as f64).contains(&x) && (0.0..size.height as f64).contains(&y)
    };
    let size = found.luma.size();
    let step = (size.long_side() / 24).max(1);
    let places =
        (0..size.height).step_by(step).flat_map(|y| (0..size.width).step_by(step).map(move |x| (x, y)));
    let (mut both, mut first, mut second) = (0, 0, 0);
    for (x, y) in places {
        let at = [x as f64, y as f64];
        let (a, b) = (covers(one, at), covers(other, at));
        first += usize::from(a);
        second += usize::from(b);
        both += usize::from(a && b);
    }
    2 * both >= first.min(second).max(1)
}
