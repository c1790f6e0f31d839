//! With the originals at hand: which of them lies under a found picture, and what is left when it is taken away.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tiermark_frame::{Frame, Limits};
use tiermark_ledger::{Digest, StudioError};
use tiermark_mark::{ContentId, Evidence, Laid, Original};
use tiermark_signal::align::{Alignment, Feature, Prepared, coverage, register, warp};
use tiermark_signal::compare::Tone;
use tiermark_signal::filter::box_mean;
use tiermark_signal::resample::block_mean;
use tiermark_signal::{Homography, Plane, Size};

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
/// A found picture of more samples is looked at on a coarser grid: marks are slow.
const MOST_SAMPLES: usize = 4_500_000;

/// The originals of a studio.
pub(super) struct Originals {
    archive: Option<Archive>,
    named: Option<Arc<Ready>>,
    limits: Limits,
    ready: Mutex<Vec<Arc<Ready>>>,
}

/// An original that was read.
struct Ready {
    known: Known,
    luma: Plane,
    features: Vec<Feature>,
    original: Original,
}

/// What is known of an original.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// The digest of its values.
    pub(super) pix: Digest,
    /// What its marks are bound to, if the archive says so.
    pub(super) content: Option<Digest>,
    /// Where it is.
    pub(super) path: PathBuf,
    /// Width and height.
    pub(super) size: Size,
}

impl Known {
    pub(super) fn content_id(content: Digest) -> ContentId {
        ContentId(*content.as_bytes())
    }
}

/// An original that lies under a found picture, and what it leaves.
pub(super) struct Under {
    ready: Arc<Ready>,
    pub(super) alignment: Alignment,
    /// Found pixels on a side of one of the grid that was looked at.
    pub(super) factor: usize,
    pub(super) evidence: Vec<Evidence>,
}

impl Under {
    /// The map from the original to the found picture as it was found, lens and bends left out.
    pub(super) fn found_from_original(&self) -> Homography {
        let factor = self.factor as f64;
        let shift = 0.5 * (factor - 1.0);
        self.alignment
            .map
            .then(&Homography { rows: [[factor, 0.0, shift], [0.0, factor, shift], [0.0, 0.0, 1.0]] })
    }

    /// What is known of the original.
    pub(super) fn known(&self) -> &Known {
        &self.ready.known
    }

    /// Whether the found picture is this original, whole: not a cutting, and not one that only shares most of it, as an inbetween
    /// that is not in the archive, or the same figure further along.
    pub(super) fn is_this(&self, picture: &FoundPicture) -> bool {
        /// Code values, in the mean over seven by seven pixels: beyond grain and what quantisers leave.
        const APART: f32 = 20.0;
        /// Of what the original covers.
        const MOST: f64 = 0.002;
        if !self.is_whole(picture) {
            return false;
        }
        let (expected, valid) = self.ready.became(&self.alignment, picture);
        let apart = |(expected, found): (&Plane, &Plane)| {
            let mut apart = found.clone();
            apart.samples_mut().iter_mut().zip(expected.samples()).for_each(|(v, e)| *v -= e);
            box_mean(&apart, 3)
        };
        let apart: Vec<Plane> = expected.iter().zip(&picture.colours).map(apart).collect();
        let covered: Vec<usize> = (0..valid.samples().len()).filter(|&i| valid.samples()[i] > 0.0).collect();
        let is_far = |i: &&usize| apart.iter().any(|plane| plane.samples()[**i].abs() > APART);
        let (far, covered) = (covered.iter().filter(is_far).count(), covered.len());
        (far as f64) < MOST * covered as f64
    }

    /// Whether the borders of both lie on each other, to a fiftieth, unmirrored: two drawings may well be each other's mirror image.
    fn is_whole(&self, picture: &FoundPicture) -> bool {
        let (found, original) = (picture.luma.size(), self.ready.known.size);
        let whole = Homography::stretch(original, found);
        let [right, bottom] = [original.width, original.height].map(|v| v as f64 - 1.0);
        [[0.0, 0.0], [right, 0.0], [0.0, bottom], [right, bottom]].iter().all(|&corner| {
            let (at, wanted) = (self.alignment.found_at(corner), whole.apply(corner));
            (at[0] - wanted[0]).abs() <= 0.02 * found.width as f64
                && (at[1] - wanted[1]).abs() <= 0.02 * found.height as f64
        })
    }

    /// Where a found place, px, lies in the original, if both show the same there.
    pub(super) fn agreeing(&self, found: [f64; 2], picture: &FoundPicture) -> Option<[f64; 2]> {
        let size = picture.luma.size();
        let [x, y] = found.map(|at| at / self.factor as f64);
        let inside = x >= 0.0 && y >= 0.0 && x < size.width as f64 && y < size.height as f64;
        let [u, v] = self.original_at(found);
        let original = self.ready.known.size;
        let covered = u >= 0.0 && v >= 0.0 && u < original.width as f64 && v < original.height as f64;
        (inside && covered && self.alignment.agrees_at(x as usize, y as usize)).then_some([u, v])
    }

    /// The original's luma on the found grid, in the found picture's tones.
    pub(super) fn expected(&self, found: &FoundPicture) -> Plane {
        self.ready.expected(&self.alignment, found).0
    }

    /// Where the centre of a found pixel lies in the original, px.
    pub(super) fn original_at(&self, found: [f64; 2]) -> [f64; 2] {
        let factor = self.factor as f64;
        self.alignment.original_at(found.map(|at| (at + 0.5) / factor - 0.5))
    }
}

/// A found picture on the grid that it is looked at on.
pub(super) struct FoundPicture {
    pub(super) colours: Vec<Plane>,
    pub(super) luma: Plane,
    steps: Option<[u16; 64]>,
    factor: usize,
}

impl FoundPicture {
    pub(super) fn of(frame: &Frame) -> Self {
        let steps = frame.luma_steps();
        let area = frame.size().area();
        let factor = (1..).find(|f| area <= MOST_SAMPLES * f * f).unwrap_or(1);
        // A quantiser's grid must stay whole; only where that would cost too much is it given up.
        let factor = if steps.is_some() && factor <= 2 { 1 } else { factor };
        let smaller = |plane: &Plane| block_mean(plane, factor);
        if factor == 1 {
            return Self { colours: frame.colours_on_white(), luma: frame.luma_on_white(), steps, factor };
        }
        let colours = frame.colours_on_white().iter().map(smaller).collect();
        Self { colours, luma: smaller(&frame.luma_on_white()), steps: None, factor }
    }
}

impl Originals {
    /// The archive of a studio, or the one original that was named.
    ///
    /// # Errors
    /// When the archive or the named original cannot be read.
    pub(super) fn open(folder: &Path, named: Option<&Path>, limits: Limits) -> Result<Self, StudioError> {
        let not = |error: ArchiveError| StudioError::MayNot(error.to_string());
        let none = |archive| Self { archive, named: None, limits, ready: Mutex::default() };
        let Some(path) = named else { return Ok(none(Archive::open(folder).map_err(not)?)) };
        let bytes = read_bounded(path, limits.max_file_bytes)
            .map_err(|error| StudioError::MayNot(why(path, &error)))?;
        let frame = Frame::decode(bytes, &limits)
            .map_err(|error| StudioError::MayNot(format!("{}: {error}", path.display())))?;
        let known = Known {
            pix: Digest::from_bytes(frame.pixel_digest()),
            content: None,
            path: path.to_owned(),
            size: frame.size(),
        };
        Ok(Self { named: Some(Arc::new(Ready::of(known, &frame))), ..none(None) })
    }

    /// The original that was named, if one was.
    pub(super) fn named(&self) -> Option<&Known> {
        self.named.as_ref().map(|ready| &ready.known)
    }

    /// Whether there is anything to compare with.
    pub(super) fn are_there(&self) -> bool {
        self.named.is_some() || self.archive.as_ref().is_some_and(|archive| !archive.is_empty())
    }

    /// The originals under a found picture, and why some could not be looked at.
    pub(super) fn under(&self, found: &FoundPicture) -> (Vec<Under>, Option<String>) {
        let prepared = Prepared::new(&found.luma);
        if let Some(named) = &self.named {
            let laid = register(&named.prepared(), &prepared);
            return (laid.into_iter().map(|alignment| named.taken_away(alignment, found)).collect(), None);
        }
        let Some(archive) = &self.archive else { return (Vec::new(), None) };
        let candidates = archive.candidates(&found.luma, LISTED);
        let (mut laid, mut trouble): (Vec<(Arc<Ready>, Alignment, f64)>, _) = (Vec::new(), None);
        let mut tried = 0;
        for candidate in candidates.iter().filter(|candidate| is_likely(candidate)) {
            // Frames of one shot bear one mark: one of them that fits is enough, unless another fits better.
            let same = |(ready, ..): &&(Arc<Ready>, Alignment, f64)| {
                ready.known.content == Some(candidate.entry.content)
            };
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
            for alignment in register(&ready.prepared(), &prepared) {
                // A part that fits leaves room for others beside it.
                tried -= usize::from(alignment.inside < 0.5 && tried > 0);
                let misfit = ready.misfit(&alignment, found);
                laid.push((ready.clone(), alignment, misfit));
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
            let laid = register(&ready.prepared(), &prepared).into_iter();
            let under = |alignment| Under {
                ready: ready.clone(),
                alignment,
                factor: found.factor,
                evidence: Vec::new(),
            };
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
        How::Whole { .. } => candidate.likeness >= LEAST_LIKENESS,
        How::Part { votes, .. } => votes >= LEAST_VOTES,
    }
}

/// Of originals that lie over each other the one that fits best, and those that fit as well: they are the same where it
/// matters.
fn best(mut laid: Vec<(Arc<Ready>, Alignment, f64)>, found: &FoundPicture) -> Vec<(Arc<Ready>, Alignment)> {
    const AS_WELL: f64 = 1.02;
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

impl Ready {
    fn of(known: Known, frame: &Frame) -> Self {
        let luma = frame.luma_on_white();
        let features = Prepared::new(&luma).features().to_vec();
        let alpha = frame.alpha();
        let original = Original::new(&frame.colours_on_white(), alpha.as_ref());
        Self { known, luma, features, original }
    }

    fn prepared(&self) -> Prepared<'_> {
        Prepared::new(&self.luma).with_features(self.features.clone())
    }

    /// The original's luma on the found grid, in the found picture's tones, and where it is.
    fn expected(&self, alignment: &Alignment, found: &FoundPicture) -> (Plane, Plane) {
        let size = found.luma.size();
        let expected = [warp(&self.luma, alignment, size)];
        let valid = coverage(self.luma.size(), alignment, size);
        let tone = Tone::fit(&expected, std::slice::from_ref(&found.luma), &valid);
        (tone.apply(&expected).remove(0), valid)
    }

    /// The same in all channels.
    fn became(&self, alignment: &Alignment, found: &FoundPicture) -> (Vec<Plane>, Plane) {
        let size = found.luma.size();
        let laid: Vec<Plane> =
            self.original.base().iter().map(|plane| warp(plane, alignment, size)).collect();
        let valid = coverage(self.luma.size(), alignment, size);
        (Tone::fit(&laid, &found.colours, &valid).apply(&laid), valid)
    }

    /// How far the original is from the found picture where it lies, code values: square roots, so that paint does not decide.
    fn misfit(&self, alignment: &Alignment, found: &FoundPicture) -> f64 {
        let (expected, valid) = self.expected(alignment, found);
        let pairs = expected.samples().iter().zip(found.luma.samples()).zip(valid.samples());
        let apart =
            pairs.filter(|(_, valid)| **valid > 0.0).map(|((a, b), _)| f64::from((a - b).abs().sqrt()));
        let (sum, count) = apart.fold((0.0, 0_usize), |(sum, n), v| (sum + v, n + 1));
        sum / count.max(1) as f64
    }

    /// What is left of a found picture when this original is taken away.
    fn taken_away(self: &Arc<Self>, alignment: Alignment, found: &FoundPicture) -> Under {
        let size = found.luma.size();
        let base = self.original.base();
        let exact = size == self.known.size && is_identity(&alignment);
        let laid: Vec<Plane> = match exact {
            true => base.to_vec(),
            false => base.iter().map(|plane| warp(plane, &alignment, size)).collect(),
        };
        let valid = coverage(self.known.size, &alignment, size);
        let place = |at: [f64; 2]| alignment.original_at(at);
        let evidence = self.original.evidence(&Laid {
            found: &found.colours,
            original: &laid,
            valid: &valid,
            place: &place,
            steps: found.steps.as_ref(),
        });
        Under { ready: self.clone(), alignment, factor: found.factor, evidence }
    }
}

fn is_identity(alignment: &Alignment) -> bool {
    alignment.lens.is_none() && alignment.bend.is_none() && alignment.map == Homography::IDENTITY
}
