//! Points that a picture keeps when it is scaled, turned, cropped and compressed.
//!
//! Extrema of differences of Gaussians: Lowe, "Distinctive image features from scale-invariant keypoints", IJCV 60(2),
//! 2004; his sections are cited below. The patent on them ended in March 2020.

use super::describe::{self, Feature, Spot};
use crate::filter::gaussian;
use crate::resample::{area_mean, cubic};
use crate::{Plane, Size};

/// At most `most` features of a picture's luma, strongest first.
///
/// They are looked for on a grid whose longer side is at most [`LONG_SIDE`]; pictures whose longer side is below
/// [`SMALL`] are looked at twice as large. Places are in pixels of `luma` all the same. Empty for strips and specks.
pub fn features(luma: &Plane, most: usize) -> Vec<Feature> {
    let Some((base, cell)) = working_grid(luma) else { return Vec::new() };
    // What a lens, or an area mean, has blurred already (section 3.3: 0.5); twice as large it is twice that.
    let blurred = if cell < 1.0 { 1.0 } else { 0.5 };
    let mut octaves = Vec::new();
    let mut spots = Vec::new();
    let mut next = gaussian(&base, (SIGMA * SIGMA - blurred * blurred).sqrt());
    while next.size().short_side() >= SHORT_SIDE && octaves.len() < OCTAVES {
        let bells = bells(next);
        spots.extend(extrema(&bells, octaves.len()));
        next = every_second(&bells[LAYERS]);
        octaves.push(bells);
    }
    strongest_first(&mut spots);
    spots.truncate(most);
    let describe = |spot: &Spot| describe::features(&octaves[spot.octave][spot.layer], spot);
    let mut features: Vec<Feature> = spots.iter().flat_map(describe).take(most).collect();
    for feature in &mut features {
        feature.at = feature.at.map(|v| (v + 0.5) * cell - 0.5);
        feature.scale *= cell as f32;
    }
    features
}

/// Longest side of the grid on which features are looked for, px.
pub const LONG_SIDE: usize = 1600;

/// Pictures with a shorter long side than this are looked at twice as large, px.
pub const SMALL: usize = 700;

/// The plane on which features are looked for, and the side of its pixels in pixels of `luma`.
fn working_grid(luma: &Plane) -> Option<(Plane, f64)> {
    let long = luma.size().long_side();
    let cell = if long < SMALL { 0.5 } else { (long as f64 / LONG_SIDE as f64).max(1.0) };
    if (luma.size().short_side() as f64) < SHORT_SIDE as f64 * cell {
        return None;
    }
    let base = match cell {
        1.0 => luma.clone(),
        1.0.. => area_mean(luma, cell),
        _ => {
            let size = Size { width: 2 * luma.width(), height: 2 * luma.height() };
            Plane::from_fn(size, |x, y| cubic(luma, 0.5 * x as f32 - 0.25, 0.5 * y as f32 - 0.25))
        }
    };
    Some((base, cell))
}

/// One octave: the picture at `SIGMA * 2^(i / LAYERS)`, i from 0 to `LAYERS + 2` (section 3).
fn bells(first: Plane) -> Vec<Plane> {
    let mut bells = vec![first];
    for i in 1..LAYERS + 3 {
        let [before, now] = [i - 1, i].map(sigma);
        bells.push(gaussian(&bells[i - 1], (now * now - before * before).sqrt()));
    }
    bells
}

fn sigma(layer: usize) -> f32 {
    SIGMA * libm::exp2f(layer as f32 / LAYERS as f32)
}

fn every_second(plane: &Plane) -> Plane {
    let size = Size { width: plane.width().div_ceil(2), height: plane.height().div_ceil(2) };
    Plane::from_fn(size, |x, y| plane.at(2 * x, 2 * y))
}

/// The extrema of one octave that are strong enough and no edges.
fn extrema(bells: &[Plane], octave: usize) -> Vec<Spot> {
    let differences: Vec<Plane> = bells
        .windows(2)
        .map(|pair| {
            let both = pair[1].samples().iter().zip(pair[0].samples());
            Plane::new(pair[0].size(), both.map(|(a, b)| a - b).collect()).expect("planes of one size")
        })
        .collect();
    let mut spots = Vec::new();
    for layer in 1..=LAYERS {
        let around = Around { differences: &differences, octave };
        for y in BORDER..differences[0].height().saturating_sub(BORDER) {
            around.row(layer, y, &mut spots);
        }
    }
    spots
}

struct Around<'a> {
    differences: &'a [Plane],
    octave: usize,
}

impl Around<'_> {
    fn row(&self, layer: usize, y: usize, spots: &mut Vec<Spot>) {
        let row = self.differences[layer].row(y);
        for x in BORDER..row.len().saturating_sub(BORDER) {
            let v = row[x];
            // Most are no extremum along their own row: that is asked first.
            let (low, high) = (row[x - 1].min(row[x + 1]), row[x - 1].max(row[x + 1]));
            if v.abs() > 0.5 * CONTRAST && (v > high || v < low) && self.is_extreme(layer, x, y, v) {
                spots.extend(self.settled([x, y, layer]));
            }
        }
    }

    /// Whether nothing among the 26 neighbours is beyond `v` (section 3.1).
    fn is_extreme(&self, layer: usize, x: usize, y: usize, v: f32) -> bool {
        let sign = 1.0_f32.copysign(v);
        let planes = [layer, layer - 1, layer + 1].map(|i| &self.differences[i]);
        let beyond = |w: &f32| sign * w > sign * v;
        let any = |plane: &Plane, y: usize| plane.row(y)[x - 1..=x + 1].iter().any(beyond);
        !planes.iter().any(|plane| (y - 1..=y + 1).any(|y| any(plane, y)))
    }

    /// The extremum between the samples (section 4), or nothing where it runs away, is faint, or lies on an edge.
    fn settled(&self, mut place: [usize; 3]) -> Option<Spot> {
        let size = self.differences[0].size();
        let last = [size.width - 1 - BORDER, size.height - 1 - BORDER, LAYERS];
        for _ in 0..5 {
            let (slope, bend) = self.derivatives(place);
            let step = solve(bend, slope.map(|v| -v))?;
            if step.iter().all(|v| v.abs() <= 0.5) {
                return self.spot(place, step, slope, bend);
            }
            for i in 0..3 {
                if step[i].abs() > 1e4 {
                    return None;
                }
                let next = place[i] as isize + step[i].round() as isize;
                place[i] = usize::try_from(next).ok()?;
                if place[i] < [BORDER, BORDER, 1][i] || place[i] > last[i] {
                    return None;
                }
            }
        }
        None
    }

    fn spot(&self, place: [usize; 3], step: [f32; 3], slope: [f32; 3], bend: [[f32; 3]; 3]) -> Option<Spot> {
        let [x, y, layer] = place;
        let rise: f32 = slope.iter().zip(step).map(|(g, s)| 0.5 * g * s).sum();
        let strength = (self.differences[layer].at(x, y) + rise).abs();
        let trace = bend[0][0] + bend[1][1];
        let determinant = bend[0][0] * bend[1][1] - bend[0][1] * bend[0][1];
        // Section 4.1: on an edge one curvature is more than r times the other.
        let edge = determinant <= 0.0 || trace * trace * EDGE >= (EDGE + 1.0) * (EDGE + 1.0) * determinant;
        if strength < CONTRAST || edge {
            return None;
        }
        let scale = SIGMA * libm::exp2f((layer as f32 + step[2]) / LAYERS as f32);
        let at = [x as f32 + step[0], y as f32 + step[1]];
        Some(Spot { octave: self.octave, layer, at, sigma: scale, strength })
    }

    /// Slope and curvatures of the differences in x, y and layer.
    fn derivatives(&self, [x, y, layer]: [usize; 3]) -> ([f32; 3], [[f32; 3]; 3]) {
        let d = |i: isize, j: isize, k: isize| {
            let plane = &self.differences[(layer as isize + k) as usize];
            plane.at((x as isize + i) as usize, (y as isize + j) as usize)
        };
        let twice = 2.0 * d(0, 0, 0);
        let slope = [d(1, 0, 0) - d(-1, 0, 0), d(0, 1, 0) - d(0, -1, 0), d(0, 0, 1) - d(0, 0, -1)];
        let xx = d(1, 0, 0) + d(-1, 0, 0) - twice;
        let yy = d(0, 1, 0) + d(0, -1, 0) - twice;
        let kk = d(0, 0, 1) + d(0, 0, -1) - twice;
        let xy = 0.25 * (d(1, 1, 0) - d(-1, 1, 0) - d(1, -1, 0) + d(-1, -1, 0));
        let xk = 0.25 * (d(1, 0, 1) - d(-1, 0, 1) - d(1, 0, -1) + d(-1, 0, -1));
        let yk = 0.25 * (d(0, 1, 1) - d(0, -1, 1) - d(0, 1, -1) + d(0, -1, -1));
        (slope.map(|v| 0.5 * v), [[xx, xy, xk], [xy, yy, yk], [xk, yk, kk]])
    }
}

/// `x` of `m x = v` by Cramer's rule; nothing if `m` is singular.
fn solve(m: [[f32; 3]; 3], v: [f32; 3]) -> Option<[f32; 3]> {
    let determinant = |m: [[f32; 3]; 3]| {
        let minor = |i: usize, j: usize| m[1][i] * m[2][j] - m[1][j] * m[2][i];
        m[0][0] * minor(1, 2) - m[0][1] * minor(0, 2) + m[0][2] * minor(0, 1)
    };
    let whole = determinant(m);
    let replaced = |column: usize| {
        let mut m = m;
        m.iter_mut().zip(v).for_each(|(row, v)| row[column] = v);
        determinant(m) / whole
    };
    (whole.abs() > 1e-12).then(|| [0, 1, 2].map(replaced))
}

/// Total order, so that the same picture gives the same list everywhere.
fn strongest_first(spots: &mut Vec<Spot>) {
    spots.sort_by(|a, b| {
        let place = |s: &Spot| (s.octave, s.layer, s.at.map(f32::to_bits));
        b.strength.total_cmp(&a.strength).then(place(a).cmp(&place(b)))
    });
    // Two starts can settle at one place.
    spots.dedup_by(|a, b| (a.octave, a.layer, a.at) == (b.octave, b.layer, b.at));
}

/// Layers of an octave in which extrema are looked for; 3 repeats best (section 3.2).
const LAYERS: usize = 3;
/// Blur of an octave's first plane, its pixels. Section 3.3 has 1.6 on a doubled picture, which is 0.8 on this; without
/// doubling, 1.2 finds half of the small features that doubling would at a quarter of its cost.
const SIGMA: f32 = 1.2;
/// Faintest extremum, code values: 0.01 of the range for an octave of differences, that is a third of it for each layer.
/// Lowe's 0.03 per layer loses pencil lines, and 0.02 left 37 features on a painted night.
const CONTRAST: f32 = 0.01 * 255.0 / LAYERS as f32;
/// Largest ratio of curvatures (section 4.1).
const EDGE: f32 = 10.0;
/// Samples at the border without extrema.
const BORDER: usize = 5;
/// Shortest side of an octave, px.
const SHORT_SIDE: usize = 16;
/// 1600 px are down to 12 by then.
const OCTAVES: usize = 8;

#[cfg(test)]
mod tests {
    use super::super::sample::blobs;
    use super::*;

    /// Share of the features of `a` whose nearest in `b` lies where `map` says.
    fn kept(a: &[Feature], b: &[Feature], map: impl Fn([f64; 2]) -> [f64; 2]) -> f64 {
        let right = a.iter().filter(|f| {
            let nearest = b.iter().min_by_key(|g| f.distance(g)).expect("there are some");
            let want = map(f.at);
            (nearest.at[0] - want[0]).abs() < 1.5 && (nearest.at[1] - want[1]).abs() < 1.5
        });
        right.count() as f64 / a.len() as f64
    }

    #[test]
    fn a_single_blob_is_found_at_its_centre_and_size() {
        let size = Size { width: 800, height: 200 };
        for sigma in [3.0_f32, 6.0, 12.0] {
            let blob = Plane::from_fn(size, |x, y| {
                let (dx, dy) = ((x as f32 - 400.3) / sigma, (y as f32 - 99.6) / sigma);
                200.0 * libm::expf(-0.5 * (dx * dx + dy * dy))
            });
            let found = features(&blob, 10);
            let first = found.first().expect("it is strong");
            assert!((first.at[0] - 400.3).abs() < 0.2 && (first.at[1] - 99.6).abs() < 0.2, "{:?}", first.at);
            assert!((first.scale / sigma - 1.0).abs() < 0.25, "{} for {sigma}", first.scale);
        }
    }

    #[test]
    fn features_survive_a_quarter_turn_and_a_smaller_scale() {
        let plane = blobs(Size { width: 960, height: 720 }, 600, 7);
        let all = features(&plane, 1000);
        assert!(all.len() > 200, "{}", all.len());
        let turned = features(&plane.transposed(), 4000);
        // A transposition is a quarter turn and a mirror.
        let mirrored: Vec<Feature> = turned.iter().map(|f| f.mirrored(720)).collect();
        let share = kept(&all, &mirrored, |[x, y]| [719.0 - y, x]);
        assert!(share > 0.9, "turned: {share}");
        let small = features(&area_mean(&plane, 1.7), 4000);
        let share = kept(&small, &all, |p| p.map(|v| (v + 0.5) * 1.7 - 0.5));
        assert!(share > 0.6, "smaller: {share}");
    }

    #[test]
    fn an_inverted_picture_has_inverted_features() {
        let plane = blobs(Size { width: 800, height: 400 }, 300, 7);
        let all = features(&plane, 500);
        let negative = features(&plane.map(|v| 255.0 - v), 500);
        let back: Vec<Feature> = negative.iter().map(Feature::inverted).collect();
        assert!(kept(&all, &back, |p| p) > 0.95);
    }

    #[test]
    fn nothing_is_found_where_nothing_is_and_strips_do_no_harm() {
        for (width, height) in [(1, 1), (9000, 3), (3, 9000), (40, 40), (2000, 2000)] {
            assert!(features(&Plane::filled(Size { width, height }, 90.0), 100).is_empty());
        }
        let wild =
            Plane::from_fn(
                Size { width: 64, height: 64 },
                |x, y| if (x * y) % 3 == 0 { f32::NAN } else { 9.0 },
            );
        features(&wild, 100);
    }
}
