//! Where a found picture lies on its original.
//!
//! ```text
//! trivial   the whole frame, stretched, mirrored, turned, without its borders ----+
//! cutting   a part at its own scale, by correlation ------------------------------+
//! features -> matches -> homographies that many agree on -> a lens, if they ask  -+
//!                                                                                 v
//!                    refine: samples against samples, coarse to fine, tones included
//!                    agree:  which blocks correlate, and how many would by chance
//!                    bend:   what displacement is left; a field, if there is any
//! ```
//!
//! The found picture is never resampled: its noise stays white and its compression grid in place. The original is brought
//! to the found grid by [`warp`].

mod agree;
mod axis;
mod bend;
mod cutting;
pub mod describe;
pub mod features;
mod grid;
mod lens;
mod level;
mod plain;
mod pose;
mod refine;
mod robust;
mod rows;
#[cfg(test)]
mod sample;
mod search;
mod solve;
mod trivial;

use std::borrow::Cow;
use std::sync::OnceLock;

pub use describe::{Feature, signature};
pub use features::features;
pub use grid::{coverage, warp, warp_all};
use pose::Pose;
pub use pose::{Bend, Lens};
pub use rows::row_places;
pub use search::register;

use crate::resample::block_mean;
use crate::{Homography, Plane, Size};

/// How a found picture lies on its original.
#[derive(Clone, Debug)]
pub struct Alignment {
    /// Original px to found px, as they would be without `lens` and `bend`.
    pub map: Homography,
    /// The way back.
    back: Homography,
    /// Radial distortion of the found picture.
    pub lens: Option<Lens>,
    /// What else is displaced.
    pub bend: Option<Bend>,
    /// Estimated error, rms found px; 0.0 for a geometry that was known.
    pub rms: f64,
    /// Share of the found picture that shows the original's area, 0.0 to 1.0.
    pub inside: f64,
    /// Share of textured blocks in which the two show the same, 0.0 to 1.0.
    pub alike: f64,
    /// The largest such share that moving the found picture away gave: what chance does.
    pub by_chance: f64,
    /// Where the two agree; nothing for a geometry that was known.
    pub gate: Option<Gate>,
}

impl Alignment {
    /// A geometry that is known, without doubt and without paint.
    ///
    /// # Panics
    /// If `map` flattens the plane.
    pub fn exact(map: Homography) -> Self {
        let back = map.inverse().expect("a map of one picture to another has a way back");
        Self {
            map,
            back,
            lens: None,
            bend: None,
            rms: 0.0,
            inside: 1.0,
            alike: 1.0,
            by_chance: 0.0,
            gate: None,
        }
    }

    /// Where the centre of a found pixel lies in the original, px; not finite beyond a horizon.
    #[inline]
    pub fn original_at(&self, found: [f64; 2]) -> [f64; 2] {
        self.back.apply(self.straight(found))
    }

    /// Where a place of the original is in the found picture, px.
    pub fn found_at(&self, original: [f64; 2]) -> [f64; 2] {
        let target = self.map.apply(original);
        // Distortions are gentle: the error shrinks by their slope, below a tenth, in each round.
        (0..12).fold(target, |x, _| {
            let y = self.straight(x);
            [x[0] + target[0] - y[0], x[1] + target[1] - y[1]]
        })
    }

    /// Original px under one found pixel, along both axes of the original; lens and bend left out.
    pub fn footprint(&self, found: [f64; 2]) -> [f64; 2] {
        self.back.jacobian(found).map(|[a, b]| (a * a + b * b).sqrt().clamp(1.0, LARGEST_FOOTPRINT))
    }

    /// The same on a grid of `factor` by `factor` px to each of this, on which the found picture has the size `found`.
    #[must_use]
    pub fn finer(&self, factor: usize, original: Size, found: Size) -> Self {
        let f = factor as f64;
        let scale = |s: f64| {
            let shift = 0.5 * (s - 1.0);
            Homography { rows: [[s, 0.0, shift], [0.0, s, shift], [0.0, 0.0, 1.0]] }
        };
        let lens = self.lens.map(|lens| Lens {
            centre: lens.centre.map(|at| (at + 0.5) * f - 0.5),
            unit: lens.unit * f,
            ..lens
        });
        let bend = self.bend.as_ref().map(|bend| Bend {
            side: bend.side * factor,
            shift: bend.shift.clone().map(|plane| plane.map(|v| v * factor as f32)),
        });
        let back = scale(1.0 / f).then(&self.back);
        let pose = Pose { back, lens: lens.unwrap_or(Lens::none(found)), bend: bend.clone() };
        let gate = self.gate.clone().map(|gate| Gate { side: gate.side * factor, ..gate });
        let finer =
            Self { map: self.map.then(&scale(f)), back, lens, bend, rms: self.rms * f, gate, ..*self };
        match plain::simplest(&pose, original, found).and_then(|map| Some((map, map.inverse()?))) {
            Some((map, back)) => Self { map, back, lens: None, ..finer },
            None => finer,
        }
    }

    /// Step and shift along x, and along y, of a map that stretches and moves, from found px to the original's; `None` if it does more.
    fn along_axes(&self) -> Option<[[f64; 2]; 2]> {
        let [[x, skew_x, left], [skew_y, y, top], last] = self.back.rows;
        let is_plain = skew_x == 0.0 && skew_y == 0.0 && last == [0.0, 0.0, 1.0];
        (is_plain && self.lens.is_none() && self.bend.is_none()).then_some([[x, left], [y, top]])
    }

    /// Whether the two agree around a found pixel; everywhere if the geometry was known.
    pub fn agrees_at(&self, x: usize, y: usize) -> bool {
        self.gate.as_ref().is_none_or(|gate| {
            let (x, y) = (x / gate.side, y / gate.side);
            x < gate.blocks.width() && y < gate.blocks.height() && gate.blocks.at(x, y) > 0.5
        })
    }

    /// Where the two agree, 1.0 or 0.0 for each pixel of a found picture of `size`.
    pub fn gate(&self, size: Size) -> Plane {
        Plane::from_fn(size, |x, y| f32::from(u8::from(self.agrees_at(x, y))))
    }

    #[inline]
    fn straight(&self, found: [f64; 2]) -> [f64; 2] {
        let bent = self.bend.as_ref().map_or([0.0; 2], |bend| bend.at(found));
        let found = [found[0] + bent[0], found[1] + bent[1]];
        self.lens.map_or(found, |lens| lens.straight(found))
    }
}

/// Blocks of the found grid in which both pictures show the same: also the mask of what was painted over.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    /// Side of a block, found px.
    pub side: usize,
    /// 1.0 where a textured block correlates, or a flat one has the colour that the tones of the rest promise; else 0.0.
    pub blocks: Plane,
}

/// A picture made ready once: halved sizes and features are worked out when first asked for, and kept.
pub struct Prepared<'a> {
    luma: Cow<'a, Plane>,
    halved: [OnceLock<Plane>; HALVINGS],
    features: OnceLock<Vec<Feature>>,
}

/// Original px under one found pixel at most: no map that was accepted comes near; beyond it nothing could be seen.
const LARGEST_FOOTPRINT: f64 = 64.0;
/// How often a picture can be halved: 100 megapixels are 156 px wide by then.
const HALVINGS: usize = 6;
/// Features of one picture.
const FEATURES: usize = 4000;

impl<'a> Prepared<'a> {
    /// A picture by its luma, code values 0.0 to 255.0.
    pub fn new(luma: &'a Plane) -> Self {
        Self { luma: Cow::Borrowed(luma), halved: Default::default(), features: OnceLock::new() }
    }

    /// The same with features that were found earlier.
    #[must_use]
    pub fn with_features(self, features: Vec<Feature>) -> Self {
        Self { features: features.into(), ..self }
    }

    /// Width and height, px.
    pub fn size(&self) -> Size {
        self.luma.size()
    }

    /// What it was made from.
    pub fn luma(&self) -> &Plane {
        &self.luma
    }

    /// At most 4000 features, strongest first.
    pub fn features(&self) -> &[Feature] {
        self.features.get_or_init(|| features(&self.luma, FEATURES))
    }

    /// Means over blocks of `2^times` px; as often as the picture and [`HALVINGS`] allow.
    fn halved(&self, times: usize) -> Cow<'_, Plane> {
        if times == 0 {
            return Cow::Borrowed(&self.luma);
        }
        let times = times.min(HALVINGS);
        let plane = self.halved[times - 1].get_or_init(|| {
            let finer = self.halved(times - 1);
            if finer.size().short_side() < 2 { finer.into_owned() } else { block_mean(&finer, 2) }
        });
        Cow::Borrowed(plane)
    }
}

impl From<Plane> for Prepared<'_> {
    fn from(luma: Plane) -> Self {
        Self { luma: Cow::Owned(luma), halved: Default::default(), features: OnceLock::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finer_grid_shows_the_same_places() {
        let (original, coarse, fine) = (
            Size { width: 3840, height: 2160 },
            Size { width: 1920, height: 1080 },
            Size { width: 3840, height: 2160 },
        );
        let whole = Alignment::exact(Homography::stretch(original, coarse));
        assert_eq!(whole.finer(2, original, fine).map, Homography::IDENTITY);
        let turned = Homography { rows: [[0.5, 0.01, 30.0], [-0.02, 0.6, 5.0], [1e-5, 0.0, 1.0]] };
        let lens = Lens { k: [-0.02, 0.0], ..Lens::none(coarse) };
        let shift = [1.0, -0.5].map(|v| Plane::from_fn(Size { width: 9, height: 7 }, |x, _| v * x as f32));
        let bend = Some(Bend { side: 200, shift });
        let bent = Alignment { lens: Some(lens), bend, ..Alignment::exact(turned) };
        let finer = bent.finer(2, original, fine);
        for [x, y] in [[0.0, 0.0], [700.0, 33.0], [1919.0, 1079.0]] {
            let (want, at) = (bent.original_at([x, y]), finer.original_at([2.0 * x + 0.5, 2.0 * y + 0.5]));
            assert!((0..2).all(|i| (at[i] - want[i]).abs() < 1e-6), "{at:?} {want:?}");
        }
    }
}
