//! Matching features, and the homographies that many matches agree on.
//!
//! A match of two features alone tells scale, turn and place, so every good match is a guess; random samples of four, of
//! which all must be right, come second and only among the matches that agree with a guess. With one match in twenty
//! right, four random ones are so in one of 160 000 samples, one is in one of twenty.

use super::Feature;
use super::solve::Normal;
use crate::{Affine, Homography, Size, Wide, widest};

/// Two features that look alike.
#[derive(Clone, Debug)]
pub(super) struct Match {
    pub(super) original: [f64; 2],
    pub(super) found: [f64; 2],
    /// The similarity that takes the one to the other.
    guess: Affine,
    /// Squared distance over that of the second best elsewhere.
    ratio: f32,
}

/// For each found feature its nearest in the original, if the nearest elsewhere is clearly farther.
///
/// The ratio of distances is Lowe's 0.8 (IJCV 60(2), 2004, section 7.1). Best first.
pub(super) fn matches(original: &[Feature], found: &[Feature]) -> Vec<Match> {
    let numbers = |f: &Feature| f.descriptor.map(i16::from);
    let (a, b): (Vec<_>, Vec<_>) =
        (original.iter().map(numbers).collect(), found.iter().map(numbers).collect());
    let nearest = widest(Nearest { original: &a, found: &b });
    let mut matches: Vec<Match> = nearest
        .iter()
        .zip(found)
        .filter_map(|(near, f)| {
            let (best, o) = (near[0].0, original.get(near[0].1)?);
            let elsewhere = |&&(_, i): &&(i32, usize)| original.get(i).is_some_and(|p| apart(o, p));
            // Several directions at one place, or the same place an octave on, are no rivals.
            let second = near[1..].iter().find(elsewhere).map_or(i32::MAX, |n| n.0);
            let ratio = best.max(1) as f32 / second.max(1) as f32;
            (ratio < 0.8 * 0.8).then(|| Match { original: o.at, found: f.at, guess: guess(o, f), ratio })
        })
        .collect();
    matches.sort_by(|a, b| a.ratio.total_cmp(&b.ratio));
    matches
}

fn apart(a: &Feature, b: &Feature) -> bool {
    let (dx, dy) = (a.at[0] - b.at[0], a.at[1] - b.at[1]);
    dx * dx + dy * dy > f64::from(a.scale * a.scale).max(4.0)
}

fn guess(o: &Feature, f: &Feature) -> Affine {
    let scale = f64::from(f.scale / o.scale);
    let (sin, cos) = libm::sincos(f64::from(f.angle - o.angle));
    let matrix = [[scale * cos, -scale * sin], [scale * sin, scale * cos]];
    let there = Affine { matrix, shift: [0.0, 0.0] }.apply(o.at);
    Affine { matrix, shift: [f.at[0] - there[0], f.at[1] - there[1]] }
}

/// Squared distance and index of the four nearest, nearest first.
type Near = [(i32, usize); 4];

#[inline(always)]
fn product(a: &[i16; 128], b: &[i16; 128]) -> i32 {
    a.iter().zip(b).map(|(&a, &b)| i32::from(a) * i32::from(b)).sum()
}

struct Nearest<'a> {
    original: &'a [[i16; 128]],
    found: &'a [[i16; 128]],
}

impl Wide for Nearest<'_> {
    type Output = Vec<Near>;

    #[inline(always)]
    fn run(self) -> Vec<Near> {
        let lengths: Vec<i32> = self.original.iter().map(|a| product(a, a)).collect();
        let mut all = Vec::with_capacity(self.found.len());
        for b in self.found {
            let length = product(b, b);
            let mut near: Near = [(i32::MAX, usize::MAX); 4];
            for (i, a) in self.original.iter().enumerate() {
                let distance = lengths[i] + length - 2 * product(a, b);
                if distance < near[3].0 {
                    near[3] = (distance, i);
                    (1..4).rev().for_each(|j| {
                        if near[j].0 < near[j - 1].0 {
                            near.swap(j, j - 1);
                        }
                    });
                }
            }
            all.push(near);
        }
        all
    }
}

/// A homography and the matches within `tolerance` of it.
#[derive(Clone, Debug)]
pub(super) struct Model {
    pub(super) map: Homography,
    pub(super) inliers: Vec<usize>,
    score: f64,
}

/// The homographies from an original of size `size` that at least [`ENOUGH`] matches agree on, best first;
/// `tolerance` in found px.
pub(super) fn models(matches: &[Match], size: Size, tolerance: f64) -> Vec<Model> {
    let mut rest: Vec<usize> = (0..matches.len()).collect();
    let mut models = Vec::new();
    while models.len() < MODELS && rest.len() >= ENOUGH {
        let left: Vec<Match> = rest.iter().map(|&i| matches[i].clone()).collect();
        let Some(model) = (Search { matches: &left, size, tolerance }).best() else { break };
        let near = within(&left, &model.map, 2.0 * tolerance);
        let mut gone = near.iter().copied().peekable();
        let inliers = model.inliers.iter().map(|&i| rest[i]).collect();
        let kept = (0..rest.len()).filter(|i| gone.next_if_eq(i).is_none()).map(|i| rest[i]).collect();
        models.push(Model { inliers, ..model });
        rest = kept;
    }
    models
}

/// Indices of the matches that `map` brings within `tolerance`.
pub(super) fn within(matches: &[Match], map: &Homography, tolerance: f64) -> Vec<usize> {
    let near = |m: &Match| square(map.apply(m.original), m.found) < tolerance * tolerance;
    (0..matches.len()).filter(|&i| near(&matches[i])).collect()
}

fn square([ax, ay]: [f64; 2], [bx, by]: [f64; 2]) -> f64 {
    (ax - bx) * (ax - bx) + (ay - by) * (ay - by)
}

struct Search<'a> {
    matches: &'a [Match],
    size: Size,
    tolerance: f64,
}

impl Search<'_> {
    fn best(&self) -> Option<Model> {
        let mut guesses: Vec<(usize, usize)> =
            (0..self.matches.len().min(GUESSES)).map(|i| (self.supporters(i).len(), i)).collect();
        guesses.sort_by_key(|&(count, i)| (std::cmp::Reverse(count), i));
        let mut best: Option<Model> = None;
        for &(count, i) in guesses.iter().take(POLISHED) {
            let explained = best.as_ref().is_some_and(|b| b.inliers.contains(&i) && count <= b.inliers.len());
            if count < ENOUGH || explained {
                continue;
            }
            if let Some(model) = self.polished(self.supporters(i))
                && best.as_ref().is_none_or(|b| model.score > b.score)
            {
                best = Some(model);
            }
        }
        let best = self.resampled(best?);
        let distinct: std::collections::BTreeSet<_> =
            best.inliers.iter().map(|&i| self.matches[i].original.map(|v| v as i64 / 2)).collect();
        (distinct.len() >= ENOUGH).then_some(best)
    }

    /// The matches that one guess explains, the looser the farther they are.
    fn supporters(&self, i: usize) -> Vec<usize> {
        let seed = &self.matches[i];
        let near = |m: &Match| {
            let slack = 2.0 * self.tolerance + 0.15 * square(m.found, seed.found).sqrt();
            square(seed.guess.apply(m.original), m.found) < slack * slack
        };
        (0..self.matches.len()).filter(|&j| near(&self.matches[j])).collect()
    }

    /// Affine first, then perspective, while the tolerance narrows.
    fn polished(&self, mut inliers: Vec<usize>) -> Option<Model> {
        let mut map = Homography::from(affine(self.matches, &inliers)?);
        for slack in [6.0, 4.0] {
            inliers = within(self.matches, &map, slack * self.tolerance);
            map = Homography::from(affine(self.matches, &inliers)?);
        }
        let affine = self.scored(map);
        let mut best = affine;
        for slack in [4.0, 3.0, 2.0, 1.0, 1.0, 1.0] {
            inliers = within(self.matches, &map, slack * self.tolerance);
            let Some(next) = homography(self.matches, &inliers, &map) else { break };
            map = next;
            if let Some(model) = self.scored(map)
                && best.as_ref().is_none_or(|b| model.score > b.score)
            {
                best = Some(model);
            }
        }
        best
    }

    /// Better homographies through four random supporters (Chum, Matas and Kittler, "Locally optimized RANSAC", 2003).
    fn resampled(&self, mut best: Model) -> Model {
        let mut chance = SplitMix(best.inliers.len() as u64);
        for _ in 0..SAMPLES {
            let pool = &best.inliers;
            let sample: Vec<usize> = (0..6).map(|_| pool[chance.below(pool.len())]).collect();
            let Some(map) = homography(self.matches, &sample, &best.map) else { continue };
            let again = within(self.matches, &map, self.tolerance);
            let Some(map) = homography(self.matches, &again, &map) else { continue };
            if let Some(model) = self.scored(map)
                && model.score > best.score
            {
                best = model;
            }
        }
        best
    }

    /// The model of a sane map; each inlier counts the more the nearer it is.
    fn scored(&self, map: Homography) -> Option<Model> {
        if !is_sane(&map, self.size) {
            return None;
        }
        let inliers = within(self.matches, &map, self.tolerance);
        let limit = self.tolerance * self.tolerance;
        let credit =
            |&i: &usize| 1.0 - square(map.apply(self.matches[i].original), self.matches[i].found) / limit;
        let score = inliers.iter().map(credit).sum();
        Some(Model { map, inliers, score })
    }
}

/// Whether a picture could be seen so: no part behind the camera, no fold, no absurd foreshortening or size.
pub(super) fn is_sane(map: &Homography, size: Size) -> bool {
    let [w, h] = [size.width as f64 - 1.0, size.height as f64 - 1.0];
    let depth = |[x, y]: [f64; 2]| map.rows[2][0] * x + map.rows[2][1] * y + map.rows[2][2];
    let corners = [[0.0, 0.0], [w, 0.0], [w, h], [0.0, h]];
    let depths = corners.map(depth);
    let (near, far) =
        (depths.iter().copied().fold(f64::MAX, f64::min), depths.iter().copied().fold(0.0, f64::max));
    if near.is_nan() || near <= 0.0 || far > 4.0 * near {
        return false;
    }
    let fits = |corner: [f64; 2]| {
        let [[a, b], [c, d]] = map.jacobian(corner);
        let (area, spread) = ((a * d - b * c).abs(), a * a + b * b + c * c + d * d);
        // The squared axes of the ellipse sum to `spread`, their product is `area^2`: at most 5 to 1.
        (1.0 / 1600.0..400.0).contains(&area) && spread < 5.2 * area
    };
    corners.iter().all(|&corner| fits(corner))
}

/// Least squares for six unknowns, about the means.
fn affine(matches: &[Match], chosen: &[usize]) -> Option<Affine> {
    if chosen.len() < 3 {
        return None;
    }
    let frame = Frames::of(matches, chosen);
    let (mut nx, mut ny) = (Normal::<3>::new(), Normal::<3>::new());
    for &i in chosen {
        let ([x, y], [u, v]) = frame.inside(&matches[i]);
        nx.add(&[x, y, 1.0], u, 1.0);
        ny.add(&[x, y, 1.0], v, 1.0);
    }
    let ([a, b, c], [d, e, f]) = (nx.solve()?, ny.solve()?);
    let (o, t) = (frame.original, frame.found);
    let scale = t.unit / o.unit;
    let matrix = [[a * scale, b * scale], [d * scale, e * scale]];
    let moved = Affine { matrix, shift: [0.0, 0.0] }.apply(o.mean);
    Some(Affine { matrix, shift: [t.mean[0] + c * t.unit - moved[0], t.mean[1] + f * t.unit - moved[1]] })
}

/// Normalised direct linear transform (Hartley and Zisserman, "Multiple View Geometry", 2nd ed., algorithm 4.2) with the
/// last element held at 1, each equation divided by the depth that `before` gives it: distances then are those in the
/// found picture.
pub(super) fn homography(matches: &[Match], chosen: &[usize], before: &Homography) -> Option<Homography> {
    if chosen.len() < 4 {
        return None;
    }
    let frame = Frames::of(matches, chosen);
    let depth = |[x, y]: [f64; 2]| before.rows[2][0] * x + before.rows[2][1] * y + before.rows[2][2];
    let middle = depth(frame.original.mean);
    let mut normal = Normal::<8>::new();
    for &i in chosen {
        let ([x, y], [u, v]) = frame.inside(&matches[i]);
        let weight = middle / depth(matches[i].original);
        let weight = weight * weight;
        normal.add(&[x, y, 1.0, 0.0, 0.0, 0.0, -u * x, -u * y], u, weight);
        normal.add(&[0.0, 0.0, 0.0, x, y, 1.0, -v * x, -v * y], v, weight);
    }
    let [a, b, c, d, e, f, g, h] = normal.solve()?;
    let inner = Homography { rows: [[a, b, c], [d, e, f], [g, h, 1.0]] };
    Some(frame.original.inwards().then(&inner).then(&frame.found.outwards()))
}

/// Coordinates about the mean, in units of the spread.
#[derive(Clone, Copy)]
struct Frame {
    mean: [f64; 2],
    unit: f64,
}

struct Frames {
    original: Frame,
    found: Frame,
}

impl Frames {
    fn of(matches: &[Match], chosen: &[usize]) -> Self {
        let frame = |at: fn(&Match) -> [f64; 2]| {
            let n = chosen.len() as f64;
            let mean = [0, 1].map(|k| chosen.iter().map(|&i| at(&matches[i])[k]).sum::<f64>() / n);
            let spread = chosen.iter().map(|&i| square(at(&matches[i]), mean)).sum::<f64>() / n;
            Frame { mean, unit: spread.sqrt().max(1e-6) }
        };
        Self { original: frame(|m| m.original), found: frame(|m| m.found) }
    }

    fn inside(&self, m: &Match) -> ([f64; 2], [f64; 2]) {
        let inside = |f: &Frame, p: [f64; 2]| [(p[0] - f.mean[0]) / f.unit, (p[1] - f.mean[1]) / f.unit];
        (inside(&self.original, m.original), inside(&self.found, m.found))
    }
}

impl Frame {
    fn inwards(self) -> Homography {
        let ([x, y], s) = (self.mean, 1.0 / self.unit);
        Homography { rows: [[s, 0.0, -x * s], [0.0, s, -y * s], [0.0, 0.0, 1.0]] }
    }

    fn outwards(self) -> Homography {
        let ([x, y], s) = (self.mean, self.unit);
        Homography { rows: [[s, 0.0, x], [0.0, s, y], [0.0, 0.0, 1.0]] }
    }
}

/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014: the same numbers everywhere.
struct SplitMix(u64);

impl SplitMix {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end as u64) as usize
    }
}

/// Matches that must agree, at different places of the original.
pub(super) const ENOUGH: usize = 8;
/// Copies of one original in one found picture.
const MODELS: usize = 6;
/// Matches tried as guesses, best first.
const GUESSES: usize = 1000;
/// Guesses that are polished, those with most supporters first.
const POLISHED: usize = 24;
/// Random samples at the end.
const SAMPLES: usize = 60;

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const SIZE: Size = Size { width: 1000, height: 600 };

    /// `right` matches under `map`, each off by up to half a px, and `wrong` ones.
    pub(in super::super) fn made(map: &Homography, right: usize, wrong: usize, seed: u64) -> Vec<Match> {
        let mut chance = SplitMix(seed);
        let mut place = move |w: usize, h: usize| [chance.below(w) as f64, chance.below(h) as f64];
        let mut matches = Vec::new();
        for i in 0..right + wrong {
            let original = place(1000, 600);
            let off = place(100, 100).map(|v| v / 100.0 - 0.5);
            let there = map.apply(original);
            let found = if i < right { [there[0] + off[0], there[1] + off[1]] } else { place(900, 700) };
            let [[a, b], [c, d]] = map.jacobian(original);
            let linear = Affine { matrix: [[a, b], [c, d]], shift: [0.0; 2] };
            let moved = linear.apply(original);
            let guess = Affine { shift: [found[0] - moved[0], found[1] - moved[1]], ..linear };
            matches.push(Match { original, found, guess, ratio: 0.3 });
        }
        matches
    }

    #[test]
    fn one_map_is_found_among_ten_times_as_many_wrong_matches() {
        let map = Homography { rows: [[0.6, 0.05, 80.0], [-0.04, 0.7, 60.0], [1e-4, -5e-5, 1.0]] };
        let matches = made(&map, 60, 600, 3);
        let models = models(&matches, SIZE, 3.0);
        let first = models.first().expect("sixty agree");
        assert!((55..75).contains(&first.inliers.len()), "{}", first.inliers.len());
        for corner in [[0.0, 0.0], [999.0, 0.0], [999.0, 599.0], [0.0, 599.0]] {
            assert!(square(first.map.apply(corner), map.apply(corner)).sqrt() < 1.5);
        }
    }

    #[test]
    fn two_panels_are_two_maps_and_chance_is_none() {
        let panel = |x| Homography { rows: [[0.3, 0.0, x], [0.0, 0.3, 40.0], [0.0, 0.0, 1.0]] };
        let mut both = made(&panel(20.0), 40, 0, 1);
        both.extend(made(&panel(420.0), 30, 40, 2));
        let found = models(&both, SIZE, 3.0);
        let [first, second] = [0, 1].map(|i: usize| found[i].map.rows[0][2]);
        assert!((first - 20.0).abs() < 2.0 && (second - 420.0).abs() < 2.0, "{first} {second}");
        assert!(models(&made(&panel(20.0), 0, 500, 4), SIZE, 3.0).is_empty());
        assert!(models(&[], SIZE, 3.0).is_empty());
    }

    #[test]
    fn maps_that_no_camera_makes_are_refused() {
        let rows = |rows| is_sane(&Homography { rows }, SIZE);
        assert!(rows([[-0.5, 0.0, 500.0], [0.0, 0.5, 0.0], [0.0, 0.0, 1.0]]), "mirrors are");
        assert!(!rows([[1.0, 0.0, 0.0], [0.0, 0.1, 0.0], [0.0, 0.0, 1.0]]), "squeezed");
        assert!(!rows([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [-2e-3, 0.0, 1.0]]), "behind the camera");
        assert!(!rows([[0.01, 0.0, 0.0], [0.0, 0.01, 0.0], [0.0, 0.0, 1.0]]), "tiny");
        assert!(!rows([[f64::NAN, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]), "no number");
    }

    #[test]
    fn matches_take_the_clearly_nearest() {
        let feature = |at, seed: usize| Feature {
            at,
            scale: 2.0,
            angle: 0.1,
            descriptor: std::array::from_fn(|i| ((i * seed * 37) % 101) as u8),
        };
        let original = [feature([10.0, 10.0], 1), feature([50.0, 90.0], 2), feature([200.0, 30.0], 2)];
        let found = [feature([5.0, 5.0], 1), feature([25.0, 45.0], 2)];
        let matches = matches(&original, &found);
        assert_eq!(matches.len(), 1, "the second has two equals far apart");
        assert_eq!((matches[0].original, matches[0].found), ([10.0, 10.0], [5.0, 5.0]));
    }
}
