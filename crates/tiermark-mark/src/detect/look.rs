//! A found picture prepared for the search of its lattice, and the maps that are worth reading.

mod elsewhere;

use std::cell::OnceCell;

use tiermark_signal::Size;
use tiermark_signal::resample::area_mean;

use super::front::Gentle;
use crate::carrier::{LatticeCarrier, Line};
use crate::layout::pixels_per_ref;
use crate::sync::{
    Area, Fit, LatticeMap, LineSpectrum, Linear, Pane, PhaseFitter, Scorer, Tilted, Trust, View, affine,
    nearly_upright, similarities, tilted, uprights,
};

/// How the maps of one step of the search are found, cheapest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// A whole frame of any size, upright, as most copies are: no spectrum is needed.
    Upright,
    /// Whole frames and cuttings at a known scale, mirrored or turned by quarters.
    KnownScales,
    /// Every scale, angle, mirror and mild shear, in the whole picture.
    Whole,
    /// The same in nine overlapping windows: sheets, collages, perspective.
    Windows,
    /// Each window by itself, at its own scale.
    EachWindow,
}

impl Stage {
    /// Maps passed on to the payload at most. Only these are trials of the payload, however many were scored.
    pub(super) const fn maps(self) -> usize {
        match self {
            Self::Upright => 1,
            Self::KnownScales => 2,
            Self::Whole | Self::Windows => 4,
            Self::EachWindow => 9,
        }
    }
}

/// Maps of other pictures beside one that was read: a page has up to nine cells.
const BESIDE: usize = 8;
/// Maps passed on besides, once a word was read: that word's own, made finer, and those of other pictures beside it.
pub(super) const FURTHER_MAPS: usize = 1 + BESIDE;

/// Maps for each content whose place is known.
pub(super) const PLACED_MAPS: usize = 4;

/// Lattice strength below which no map is read. The word's statistic is hardly above the lattice's (7 where it is 7, 17
/// where it is 13), and nothing is certain below 7.6; noise alone reaches 7.7 in 220 whole searches.
const LEAST_STRENGTH: f64 = 5.5;
/// The same in one window, which holds a quarter of the picture or all of a cell.
const LEAST_IN_WINDOW: f64 = 4.0;
/// The same of a whole frame in perspective, which may bend in many more ways: chance reached 8.9 on five.
const LEAST_ASIDE: f64 = 8.5;

/// Lattice strength that chance seldom reaches: there a reading is worth its time before anything else is tried.
const BEYOND_CHANCE: f64 = 8.0;

/// A found picture prepared for the search of its lattice.
pub(super) struct Look<'a> {
    gentle: &'a Gentle,
    coarse: View,
    /// Of `coarse`, once it is asked for.
    spectrum: OnceCell<LineSpectrum>,
    found: Size,
    lattice: &'a LatticeCarrier,
}

/// Samples of the plane that is searched first, 768 by 432: the lattice's lines are slower than the payload. Of a frame
/// turned by 45 degrees half the plane is background, and the lines must still stay below half a cycle per sample.
const SEARCHED: f64 = 330_000.0;
/// A picture narrower than this holds no lattice.
const LEAST_SIDE: usize = 24;
/// The window in the middle, those in the corners, those between them.
const OUTWARD: [usize; 9] = [4, 0, 2, 6, 8, 1, 3, 5, 7];
/// Maps near the upright one that are fitted besides those found anywhere.
const NEAR_UPRIGHT: usize = 4;
/// A picture whose windows would be narrower than this is one window itself, samples.
const LEAST_WINDOW: usize = 96;

impl<'a> Look<'a> {
    pub(super) fn at(gentle: &'a Gentle, lattice: &'a LatticeCarrier) -> Option<Self> {
        let size = gentle.plane.size();
        if size.short_side() < LEAST_SIDE {
            return None;
        }
        let shrink = (size.area() as f64 / SEARCHED).sqrt().max(1.0);
        let coarse = View::of(&area_mean(&gentle.plane, shrink), gentle.factor as f64 * shrink);
        Some(Self { gentle, coarse, spectrum: OnceCell::new(), found: gentle.found_size(), lattice })
    }

    /// The fits of a stage, best first; `frames` are the sizes of stamped frames.
    pub(super) fn fits(&self, stage: Stage, frames: &[Size]) -> Vec<Fit> {
        let mut fits = match stage {
            Stage::Upright => self.upright(),
            Stage::KnownScales => self.known_scales(frames),
            Stage::Whole => self.whole(),
            Stage::Windows => self.windows(),
            Stage::EachWindow => self.each_window(),
        };
        fits.retain(|fit| fit.strength >= LEAST_STRENGTH);
        fits.truncate(stage.maps());
        fits
    }

    /// What is looked at.
    pub(super) fn gentle(&self) -> &'a Gentle {
        self.gentle
    }

    /// The fit in which the lattice stands best, at a known scale or any other.
    pub(super) fn strongest(&self, frames: &[Size]) -> Option<Fit> {
        let stages = [Stage::Upright, Stage::KnownScales, Stage::Whole];
        stages.into_iter().find_map(|stage| self.fits(stage, frames).into_iter().next())
    }

    fn spectrum(&self) -> &LineSpectrum {
        self.spectrum.get_or_init(|| LineSpectrum::of(&self.coarse))
    }

    fn lines(&self) -> &[Line] {
        self.lattice.lines()
    }

    fn upright(&self) -> Vec<Fit> {
        let [upright, ..] = quarter_turns([720.0 / self.found.short_side() as f64; 2], [0.0; 2]);
        let fit = PhaseFitter::new(&self.coarse, self.lines()).fit(upright);
        if fit.strength >= BEYOND_CHANCE { vec![fit] } else { Vec::new() }
    }

    /// Fits at the scale of a whole frame, at the scales of stamped frames, and of those frames pressed into the shape of
    /// this one; mirrored or not, turned by a quarter or not.
    fn known_scales(&self, frames: &[Size]) -> Vec<Fit> {
        const TRIED: usize = 4;
        // A whole frame, made smaller or not; the second differs below 360 lines only.
        let mut all = vec![self.found.short_side() as f64 / 720.0];
        for scale in [self.found].iter().chain(frames).map(|&size| pixels_per_ref(size)) {
            if all.iter().all(|known| (known / scale - 1.0).abs() > 1e-3) {
                all.push(scale);
            }
        }
        let even = all.iter().flat_map(|scale| {
            quarter_turns([self.coarse.factor() / scale; 2], [self.coarse.factor() / scale; 2])
        });
        let pressed = frames.iter().flat_map(|&frame| self.pressed(frame));
        let scorer = self.scorer(self.spectrum(), &self.coarse);
        let mut maps: Vec<Linear> = even.chain(pressed).map(|matrix| scorer.scored(matrix)).collect();
        maps.sort_by(|a, b| b.score.total_cmp(&a.score));
        maps.truncate(TRIED);
        self.fitted(&self.coarse, &maps)
    }

    /// All of a stamped frame in the shape of the found picture, upright and turned, where that shape is near its own.
    fn pressed(&self, frame: Size) -> Vec<[[f64; 2]; 2]> {
        /// Ratio of the two axes' scales.
        const MOST: f64 = 1.4;
        const LEAST: f64 = 1.001;
        let in_ref = |pixels: usize| self.coarse.factor() * pixels as f64 / pixels_per_ref(frame);
        let over = |width: usize, height: usize| {
            [in_ref(frame.width) / width as f64, in_ref(frame.height) / height as f64]
        };
        let near = |[across, down]: [f64; 2]| (LEAST..MOST).contains(&(across / down).max(down / across));
        let (upright, turned) =
            (over(self.found.width, self.found.height), over(self.found.height, self.found.width));
        let [a, b, c, d] = quarter_turns(upright, turned);
        let both = [(near(upright), [a, b]), (near(turned), [c, d])];
        both.into_iter().filter(|(near, _)| *near).flat_map(|(_, maps)| maps).collect()
    }

    fn whole(&self) -> Vec<Fit> {
        const TRIED: usize = 12;
        let scorer = self.scorer(self.spectrum(), &self.coarse);
        let mut best = scorer.shortlist(TRIED + NEAR_UPRIGHT);
        candidates(&scorer, TRIED).into_iter().for_each(|map| best.offer(map));
        let upright = 720.0 * self.coarse.factor() / self.found.short_side() as f64;
        let near = nearly_upright(&scorer, self.coarse.size(), upright, NEAR_UPRIGHT);
        near.into_iter().for_each(|map| best.offer(map));
        self.fitted(&self.coarse, &best.sorted())
    }

    /// One search in the mean spectrum of all windows, then each window's own place for the best of its maps; besides, what
    /// stands upright in any of them, and the whole frame seen from aside.
    fn windows(&self) -> Vec<Fit> {
        const SCORED: usize = 12;
        const FITTED: usize = 8;
        let Some((fine, windows)) = self.cut() else { return Vec::new() };
        let spectra: Vec<LineSpectrum> = windows.iter().map(LineSpectrum::of).collect();
        let scorers = self.scorers(&windows, &spectra);
        let mean = LineSpectrum::mean_of(&spectra);
        let mut maps = candidates(&self.scorer(&mean, &windows[0]), SCORED);
        // In perspective the windows differ too much for their mean; then the middle one alone may do.
        let [middle, ..] = OUTWARD;
        maps.extend(candidates(&scorers[middle], SCORED));
        let mut places: Vec<(Linear, &View)> = Vec::new();
        for (window, scorer) in windows.iter().zip(&scorers) {
            places.extend(maps.iter().map(|map| (scorer.refined(map), window)));
        }
        let mut places = best_of(places, FITTED);
        places.extend(upright_in(&windows, &scorers));
        let mut fits = self.spread(&fine, &places);
        fits.extend(self.seen_from_aside(&fine, &windows, &scorers));
        fits.sort_by(|a, b| b.strength.total_cmp(&a.strength));
        fits
    }

    /// The whole frame in perspective.
    fn seen_from_aside(&self, fine: &View, windows: &[View], scorers: &[Scorer<'_>]) -> Vec<Fit> {
        const FITTED: usize = 2;
        let ([x, y], factor) = (fine.area().centre(), fine.factor());
        let pane = |i: usize| {
            let ([left, top], size) = (windows[i].area().centre(), windows[i].size());
            Pane {
                scorer: &scorers[i],
                middle: [(left - x) / factor, (top - y) / factor],
                sides: [size.width as f64, size.height as f64],
            }
        };
        let upright = 720.0 * factor / self.found.short_side() as f64;
        let fitter = PhaseFitter::new(fine, self.lines());
        let fitted = |tilted: Tilted| {
            let (matrix, fall) = (fine.in_found_pixels(tilted.matrix), tilted.fall.map(|v| v / factor));
            fitter.fit_bent(&LatticeMap::tilted(&fine.area(), matrix, fall))
        };
        let fits = tilted(&OUTWARD.map(pane), upright, FITTED).into_iter().map(fitted);
        fits.filter(|fit| fit.strength >= LEAST_ASIDE).collect()
    }

    /// A whole frame whose place in the lattice is known: upright or mirrored, and the same turned by half.
    pub(super) fn placed(&self, shift: [f64; 2]) -> [Fit; PLACED_MAPS] {
        let area = Area::whole(self.found);
        let stamped =
            [self.found.width, self.found.height].map(|v| v as f64 * 720.0 / self.found.short_side() as f64);
        let scale = stamped[0] / area.width;
        [[1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0], [1.0, -1.0]].map(|[across, down]| {
            let mut map = LatticeMap::linear(&area, [[across * scale, 0.0], [0.0, down * scale]]);
            // The frame's middle lies where it lay when it was stamped, whichever way it is turned.
            map.terms[0][0] += shift[0] + stamped[0] / 2.0;
            map.terms[1][0] += shift[1] + stamped[1] / 2.0;
            Fit { map, strength: 0.0, trust: Trust::even(area), sign: 1.0 }
        })
    }

    /// A map that stands, fitted once more at the full resolution of the search.
    pub(super) fn polished(&self, fit: &Fit) -> Fit {
        PhaseFitter::new(&self.fine(), self.lines()).spread(fit)
    }

    fn each_window(&self) -> Vec<Fit> {
        const EACH: usize = 4;
        let Some((fine, windows)) = self.cut() else { return Vec::new() };
        let spectra: Vec<LineSpectrum> = windows.iter().map(LineSpectrum::of).collect();
        let mut places: Vec<(Linear, &View)> = Vec::new();
        for (window, spectrum) in windows.iter().zip(&spectra) {
            let maps = candidates(&self.scorer(spectrum, window), EACH);
            places.extend(maps.into_iter().map(|map| (map, window)));
        }
        self.spread(&fine, &places)
    }

    /// The finest view there is, and its windows if they are large enough.
    fn cut(&self) -> Option<(View, Vec<View>)> {
        (self.gentle.plane.size().short_side() >= 2 * LEAST_WINDOW).then(|| {
            let fine = self.fine();
            let windows = fine.windows();
            (fine, windows)
        })
    }

    fn fine(&self) -> View {
        View::of(&self.gentle.plane, self.gentle.factor as f64)
    }

    /// Fit maps in their windows, and let the best of those grow over the whole picture.
    fn spread(&self, fine: &View, places: &[(Linear, &View)]) -> Vec<Fit> {
        let mut fits: Vec<Fit> = places
            .iter()
            .map(|(map, window)| {
                PhaseFitter::new(window, self.lines()).fit(window.in_found_pixels(map.matrix))
            })
            .collect();
        fits.retain(|fit| fit.strength >= LEAST_IN_WINDOW);
        fits.sort_by(|a, b| b.strength.total_cmp(&a.strength));
        fits.truncate(Stage::Windows.maps());
        let whole = PhaseFitter::new(fine, self.lines());
        fits.iter().map(|fit| whole.spread(fit)).collect()
    }

    fn scorers<'b>(&'b self, windows: &[View], spectra: &'b [LineSpectrum]) -> Vec<Scorer<'b>> {
        windows.iter().zip(spectra).map(|(window, spectrum)| self.scorer(spectrum, window)).collect()
    }

    fn scorer<'b>(&'b self, spectrum: &'b LineSpectrum, view: &View) -> Scorer<'b> {
        Scorer::new(spectrum, self.lines(), view.size().long_side())
    }

    fn fitted(&self, view: &View, maps: &[Linear]) -> Vec<Fit> {
        let fitter = PhaseFitter::new(view, self.lines());
        let mut fits: Vec<Fit> =
            maps.iter().map(|map| fitter.fit(view.in_found_pixels(map.matrix))).collect();
        fits.sort_by(|a, b| b.strength.total_cmp(&a.strength));
        fits
    }
}

/// What stands upright in some window.
fn upright_in<'b>(windows: &'b [View], scorers: &[Scorer<'_>]) -> Vec<(Linear, &'b View)> {
    const SCORED: usize = 3;
    const FITTED: usize = 4;
    let mut places = Vec::new();
    for (window, scorer) in windows.iter().zip(scorers) {
        let maps = uprights(scorer, SCORED);
        places.extend(maps.iter().map(|map| (scorer.refined(map), window)));
    }
    best_of(places, FITTED)
}

/// The best `keep` of some maps, best first.
fn best_of(mut places: Vec<(Linear, &View)>, keep: usize) -> Vec<(Linear, &View)> {
    places.sort_by(|a, b| b.0.score.total_cmp(&a.0.score));
    places.truncate(keep);
    places
}

/// The best maps of both searches, refined, best first: half of them similarities, since among the many more affine maps
/// chance finds better ones.
fn candidates(scorer: &Scorer<'_>, keep: usize) -> Vec<Linear> {
    let best = |maps: Vec<Linear>| {
        let mut best = scorer.shortlist(keep.div_ceil(2));
        maps.iter().for_each(|map| best.offer(scorer.refined(map)));
        best.sorted()
    };
    let mut both = best(similarities(scorer, 2 * keep));
    both.extend(best(affine(scorer, 2 * keep)));
    both.sort_by(|a, b| b.score.total_cmp(&a.score));
    both
}

/// The four maps that lay pixels on pixels, half turns apart: ref px for each sample across and down, `upright` and `turned`
/// by a quarter.
fn quarter_turns(upright: [f64; 2], turned: [f64; 2]) -> [[[f64; 2]; 2]; 4] {
    let ([across, down], [turned_across, turned_down]) = (upright, turned);
    [
        [[across, 0.0], [0.0, down]],
        [[-across, 0.0], [0.0, down]],
        [[0.0, turned_across], [-turned_down, 0.0]],
        [[0.0, turned_across], [turned_down, 0.0]],
    ]
}

#[cfg(test)]
mod tests {
    use tiermark_signal::resample::cubic;
    use tiermark_signal::{Plane, Size};

    use crate::{ContentId, Detector, Effort, Embedder, MarkKey, Payload, Picture, Question, Strength};

    /// A grainy frame with a mark, as a film has it, photographed from the left and below.
    fn seen_from_aside(size: Size, word: Payload) -> Plane {
        let keys = [1, 3].map(|byte| MarkKey::new([byte; 32]));
        let mut stream = MarkKey::new([99; 32]).stream("grain", b"");
        let host =
            [Plane::from_fn(size, |x, _| 90.0 + x as f32 / 12.0 + (GRAIN * (stream.unit() - 0.5)) as f32)];
        let picture = Picture { colours: &host, alpha: None, premultiplied: false };
        let embedder = Embedder::new(&keys[0], &keys[1], word, Strength::STANDARD);
        let marked = embedder.embed(&picture, &ContentId([9; 32]))[0].clone().map(f32::round);
        let (middle, fall) = ([size.width, size.height].map(|v| v as f32 / 2.0), [1.0e-4, -1.4e-4]);
        Plane::from_fn(size, |x, y| {
            let [u, v] = [x as f32 - middle[0], y as f32 - middle[1]];
            let away = 1.0 + fall[0] * u + fall[1] * v;
            let [u, v] = [(1.08 * u + 0.02 * v) / away + middle[0], (1.07 * v - 0.01 * u) / away + middle[1]];
            let inside = u >= 0.0 && v >= 0.0 && u < size.width as f32 && v < size.height as f32;
            if inside { cubic(&marked, u, v).round() } else { 255.0 }
        })
    }

    /// Code values from the darkest grain to the brightest: at 100 other searches find it too, at 160 none does.
    const GRAIN: f64 = 130.0;

    #[test]
    fn a_weak_mark_seen_from_aside_is_read() {
        let (size, word) = (Size { width: 1280, height: 720 }, Payload([0x1d; 8]));
        let colours = [seen_from_aside(size, word)];
        let found = Picture { colours: &colours, alpha: None, premultiplied: false };
        let (known, frames) = (&[word], &[size]);
        let question = Question { listed: 0, known, frames, contents: &[], effort: Effort::Full };
        let detector = Detector::new(&MarkKey::new([1; 32]), &[MarkKey::new([3; 32])]);
        let readings = detector.read(&found, &question);
        assert!(readings.first().is_some_and(|r| r.payload == word && r.is_certain()), "{readings:?}");
    }
}
