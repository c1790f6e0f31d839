//! One original, read and made ready to be laid under found pictures.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;

use tiermark_frame::Frame;
use tiermark_ledger::Digest;
use tiermark_mark::{ContentId, Evidence, Laid, Original};
use tiermark_signal::align::{Alignment, Prepared, coverage, warp, warp_all};
use tiermark_signal::compare::Tone;
use tiermark_signal::filter::box_mean;
use tiermark_signal::resample::block_mean;
use tiermark_signal::{Homography, Plane, Size};

/// A found picture of more samples is looked at on a coarser grid: marks are slow.
const MOST_SAMPLES: usize = 4_500_000;

/// An original that was read.
pub(super) struct Ready {
    pub(super) known: Known,
    /// Its luma, and of that what registration asks for: worked out when it is first needed, and kept.
    prepared: Prepared<'static>,
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
    /// An original that was laid there, before anything is taken away.
    pub(super) fn only_laid(ready: &Arc<Ready>, alignment: Alignment, found: &FoundPicture) -> Self {
        Self { ready: ready.clone(), alignment, factor: found.factor, evidence: Vec::new() }
    }

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
    /// Luma as it was found, where a quantiser's grid must stay whole and the rest is looked at on a coarser one.
    fine: Option<Plane>,
    pub(super) factor: usize,
}

impl FoundPicture {
    pub(super) fn of(frame: &Frame) -> Self {
        let steps = frame.luma_steps();
        let area = frame.size().area();
        let factor = (1..).find(|f| area <= MOST_SAMPLES * f * f).unwrap_or(1);
        let (colours, luma) = (frame.colours_on_white(), frame.luma_on_white());
        if factor == 1 {
            return Self { colours, luma, steps, fine: None, factor };
        }
        let smaller = |plane: &Plane| block_mean(plane, factor);
        let colours = colours.iter().map(smaller).collect();
        let coarse = smaller(&luma);
        // A quantiser's grid must stay whole: at 4K and JPEG 10 it is worth everything (z 36 against nothing). Only where that would
        // cost too much is it given up.
        let fine = (steps.is_some() && factor == 2).then_some(luma);
        Self { colours, luma: coarse, steps, fine, factor }
    }
}

impl Ready {
    pub(super) fn of(known: Known, frame: &Frame) -> Self {
        let prepared = Prepared::from(frame.luma_on_white());
        let alpha = frame.alpha();
        let original = Original::new(&frame.colours_on_white(), alpha.as_ref());
        Self { known, prepared, original }
    }

    pub(super) fn prepared(&self) -> &Prepared<'static> {
        &self.prepared
    }

    /// The original's luma on the found grid, in the found picture's tones, and where it is.
    fn expected(&self, alignment: &Alignment, found: &FoundPicture) -> (Plane, Plane) {
        let size = found.luma.size();
        let expected = [warp(self.prepared.luma(), alignment, size)];
        let valid = coverage(self.prepared.size(), alignment, size);
        let tone = Tone::fit(&expected, std::slice::from_ref(&found.luma), &valid);
        (tone.apply(&expected).remove(0), valid)
    }

    /// The same in all channels.
    fn became(&self, alignment: &Alignment, found: &FoundPicture) -> (Vec<Plane>, Plane) {
        let size = found.luma.size();
        let laid = warp_all(self.original.base(), alignment, size);
        let valid = coverage(self.prepared.size(), alignment, size);
        (Tone::fit(&laid, &found.colours, &valid).apply(&laid), valid)
    }

    /// How far the original is from the found picture where it lies, code values: square roots, so that paint does not decide.
    pub(super) fn misfit(&self, alignment: &Alignment, found: &FoundPicture) -> f64 {
        let (expected, valid) = self.expected(alignment, found);
        let pairs = expected.samples().iter().zip(found.luma.samples()).zip(valid.samples());
        let apart =
            pairs.filter(|(_, valid)| **valid > 0.0).map(|((a, b), _)| f64::from((a - b).abs().sqrt()));
        let (sum, count) = apart.fold((0.0, 0_usize), |(sum, n), v| (sum + v, n + 1));
        sum / count.max(1) as f64
    }

    /// What is left of a found picture when this original is taken away.
    pub(super) fn taken_away(self: &Arc<Self>, alignment: Alignment, found: &FoundPicture) -> Under {
        let steps = found.steps.as_ref();
        let mut evidence =
            self.laid(&alignment, &found.colours, steps.filter(|_| found.factor == 1), &|laid| {
                self.original.evidence(laid)
            });
        if let Some(fine) = &found.fine {
            let finer = alignment.finer(found.factor, self.known.size, fine.size());
            let quantised = self.laid(&finer, std::slice::from_ref(fine), steps, &|laid| {
                self.original.quantised_evidence(laid)
            });
            evidence.extend(quantised);
        }
        Under { ready: self.clone(), alignment, factor: found.factor, evidence }
    }
}

impl Ready {
    /// Lay the original under these channels, and ask.
    fn laid<T>(
        &self,
        alignment: &Alignment,
        found: &[Plane],
        steps: Option<&[u16; 64]>,
        ask: &dyn Fn(&Laid<'_>) -> T,
    ) -> T {
        let (size, base) = (found[0].size(), self.original.base());
        let exact = size == self.known.size && is_identity(alignment);
        let original = if exact { Cow::Borrowed(base) } else { Cow::Owned(warp_all(base, alignment, size)) };
        let valid = coverage(self.known.size, alignment, size);
        let place = |at: [f64; 2]| alignment.original_at(at);
        ask(&Laid { found, original: &original, valid: &valid, place: &place, steps })
    }
}

/// What copies say that lie on their original as they are: the original is there, so nothing has to be found or registered.
pub(crate) fn at_hand(host: &Frame, found: &[&Frame]) -> Vec<Vec<Evidence>> {
    let zero = Digest::from_bytes([0; 32]);
    let known = Known { pix: zero, content: None, path: PathBuf::new(), size: host.size() };
    let ready = Arc::new(Ready::of(known, host));
    let taken_away = |found: &&Frame| {
        let found = FoundPicture::of(found);
        let (scale, shift) = (1.0 / found.factor as f64, 0.5 / found.factor as f64 - 0.5);
        let rows = [[scale, 0.0, shift], [0.0, scale, shift], [0.0, 0.0, 1.0]];
        ready.taken_away(Alignment::exact(Homography { rows }), &found).evidence
    };
    found.iter().map(taken_away).collect()
}

fn is_identity(alignment: &Alignment) -> bool {
    alignment.lens.is_none() && alignment.bend.is_none() && alignment.map == Homography::IDENTITY
}
