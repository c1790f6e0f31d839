//! What else was pasted into a picture in which one mark was read: the other cells of a sheet, the other half of a collage.

use super::{BESIDE, LEAST_IN_WINDOW, Look, candidates};
use crate::sync::{Fit, LineSpectrum, Linear, PhaseFitter, View, uprights};

/// Mean trust in its middle below which a window belongs to something else: another place of the same lattice agrees by
/// chance up to 0.3.
const FOREIGN: f32 = 0.35;
/// The same below which it may: a map bends after another picture of the same scale and angle, and no other.
const DOUBTFUL: f32 = 0.5;
/// Maps that are looked at in each window.
const SCORED: usize = 8;
/// Those of them that are fitted.
const FITTED: usize = 2;

impl Look<'_> {
    /// Fits in windows that are no part of the picture which `known` is a fit of, strongest first, and of each such picture one.
    ///
    /// Every window has its own best, so that one picture that stands well does not fill the list.
    pub(in crate::detect) fn elsewhere(&self, known: &Fit) -> Vec<Fit> {
        let Some((fine, windows)) = self.cut() else { return Vec::new() };
        let fit_in = |window: &View| {
            let maps = match known.trust.mean_over(&window.area().inner_half()) {
                trust if trust < FOREIGN => self.maps_of(window, known),
                trust if trust < DOUBTFUL => vec![alike(window, known)],
                _ => return None,
            };
            let best = self.fitted(window, &maps).into_iter().next()?;
            (best.strength >= LEAST_IN_WINDOW).then(|| (best, window.area().centre()))
        };
        let mut fits: Vec<(Fit, [f64; 2])> = windows.iter().filter_map(fit_in).collect();
        fits.sort_by(|a, b| b.0.strength.total_cmp(&a.0.strength));
        let whole = PhaseFitter::new(&fine, self.lines());
        let mut grown: Vec<Fit> = Vec::new();
        for (fit, middle) in fits {
            // One picture fills several windows. By its map, not by its trust, which chance may give it elsewhere.
            let same = |other: &Fit| other.map.agrees_with(&fit.map, middle);
            if grown.len() < BESIDE && !same(known) && !grown.iter().any(same) {
                grown.push(whole.spread(&fit));
            }
        }
        grown
    }

    /// The maps that are tried in one window: at the scale and angle of what is `known`, since cells of a sheet often share
    /// them, and at its own.
    fn maps_of(&self, window: &View, known: &Fit) -> Vec<Linear> {
        let spectrum = LineSpectrum::of(window);
        let scorer = self.scorer(&spectrum, window);
        let mut maps: Vec<Linear> = candidates(&scorer, SCORED);
        maps.truncate(FITTED);
        maps.extend(uprights(&scorer, 1).iter().map(|map| scorer.refined(map)));
        maps.push(alike(window, known));
        maps
    }
}

/// The scale and angle of what is known, in samples of a window.
fn alike(window: &View, known: &Fit) -> Linear {
    Linear { matrix: known.map.matrix().map(|row| row.map(|v| v * window.factor())), score: 0.0 }
}

#[cfg(test)]
mod tests {
    use tiermark_signal::resample::cubic;
    use tiermark_signal::{Plane, Size};

    use crate::{ContentId, Detector, Effort, Embedder, MarkKey, Payload, Picture, Question, Strength};

    const CELL: Size = Size { width: 960, height: 540 };
    /// Where a cell's upper left corner lies on the page, and how many of its pixels are one there.
    const PLACES: [([f32; 2], f32); 6] = [
        ([20.0, 30.0], 1.6),
        ([660.0, 30.0], 1.6),
        ([1300.0, 30.0], 1.7),
        ([20.0, 500.0], 1.5),
        ([680.0, 500.0], 1.6),
        ([1300.0, 500.0], 1.6),
    ];

    /// A drawing of its own for each number, marked for somebody of its own.
    fn cell(number: u8) -> Plane {
        let host = [Plane::from_fn(CELL, |x, y| {
            let (x, y) = (x as f32 - 400.0 - 30.0 * f32::from(number), y as f32 - 250.0);
            match libm::hypotf(x, y) {
                d if d < 140.0 => 220.0,
                d if d < 144.0 => 20.0,
                _ => 90.0 + 12.0 * f32::from(number) + y / 30.0,
            }
        })];
        let picture = Picture { colours: &host, alpha: None, premultiplied: false };
        let keys = [1, 3].map(|byte| MarkKey::new([byte; 32]));
        let embedder = Embedder::new(&keys[0], &keys[1], word(number), Strength::STANDARD);
        embedder.embed(&picture, &ContentId([number; 32])).remove(0).map(f32::round)
    }

    fn word(number: u8) -> Payload {
        Payload([0x1d ^ number.wrapping_mul(37); 8])
    }

    #[test]
    fn all_cells_of_a_sheet_name_whose_they_are() {
        let mut page = Plane::filled(Size { width: 1920, height: 900 }, 250.0);
        for (number, ([left, top], shrink)) in (0..).zip(PLACES) {
            let cell = cell(number);
            for y in 0..(CELL.height as f32 / shrink) as usize {
                let row = &mut page.row_mut(top as usize + y)[left as usize..];
                for (x, v) in row.iter_mut().take((CELL.width as f32 / shrink) as usize).enumerate() {
                    *v = cubic(&cell, x as f32 * shrink, y as f32 * shrink).round();
                }
            }
        }
        let (colours, known) = ([page], [0, 1, 2, 3, 4, 5].map(word));
        let found = Picture { colours: &colours, alpha: None, premultiplied: false };
        let (known, frames) = (&known[..], &[CELL]);
        let question = Question { listed: 0, known, frames, contents: &[], effort: Effort::Full };
        let detector = Detector::new(&MarkKey::new([1; 32]), &[MarkKey::new([3; 32])]);
        let readings = detector.read(&found, &question);
        for word in known {
            let certain = readings.iter().any(|r| r.payload == *word && r.is_certain());
            assert!(certain, "{word:?}: {readings:?}");
        }
    }
}
