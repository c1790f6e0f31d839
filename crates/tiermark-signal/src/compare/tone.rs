//! How the colours of one picture became those of another.

use super::{Blur, HARDLY, MOST, MOSTLY, Trust, chosen, robust_weights};
use crate::filter::gaussian;
use crate::solve::Normal;
use crate::{Plane, Size, Wide, widest};

/// For each channel of the later picture a curve over one channel of the earlier, and shares of its other channels.
///
/// It follows grading by curves, mixing of channels, grey, inversion and posterising by more than a few levels.
#[derive(Clone, Debug, PartialEq)]
pub struct Tone {
    curves: Vec<Curve>,
}

/// Straight lines between nodes.
#[derive(Clone, Debug, PartialEq)]
struct Curve {
    nodes: [f32; NODES],
    others: [f32; 2],
}

/// Nodes of a curve, 16 code values apart.
const NODES: usize = 17;
const STEP: f32 = 16.0;
/// The share of a picture from which on a fit is not doubted.
const WELL: f64 = 0.8;
/// By how much more another must explain to be taken instead.
const BETTER: f64 = 1.25;
/// Rounds of reweighting.
const ROUNDS: usize = 6;

impl Tone {
    /// The tone that leads from `before` to `after`, by what is `valid`.
    ///
    /// Each has one channel or three. It is what was there, unchanged, where there is too little to tell.
    ///
    /// # Panics
    /// If the sizes differ or a picture has another number of channels.
    pub fn fit(before: &[Plane], after: &[Plane], valid: &Plane) -> Self {
        let places = chosen(valid, MOST, |_| true);
        let fit = |(c, to): (usize, &Plane)| {
            let sources = Sources::of(before, after.len(), c);
            Curve::fit(&sources, to, &places).unwrap_or_else(Curve::unchanged)
        };
        Self { curves: after.iter().enumerate().map(fit).collect() }
    }

    /// The same where the later picture may be blurred, too: a curve that is fitted to softened lines takes the contrast that they
    /// lost for its own.
    ///
    /// # Panics
    /// As [`Self::fit`].
    pub fn fit_softened(before: &[Plane], after: &[Plane], valid: &Plane) -> Self {
        /// By how much the curve behind a blur must come nearer.
        const NEARER: f64 = 0.8;
        let tone = Self::fit(before, after, valid);
        let (sharp, found) = (luma(before), luma(after));
        let sigma = Blur::softness(&sharp, &found, valid);
        if sigma == 0.0 {
            return tone;
        }
        let soft: Vec<Plane> = before.iter().map(|plane| gaussian(plane, sigma)).collect();
        let behind = Self::fit(&soft, after, valid);
        let toned = luma(&tone.apply(before));
        let plain = Blur::fit(&toned, &found, valid).apply(&toned);
        let apart = |made: &Plane| Blur::apart(&sharp, made, &found, valid);
        if apart(&luma(&behind.apply(&soft))) < NEARER * apart(&plain) { behind } else { tone }
    }

    /// What `before` becomes.
    pub fn apply(&self, before: &[Plane]) -> Vec<Plane> {
        let apply = |(c, curve): (usize, &Curve)| {
            let sources = Sources::of(before, self.curves.len(), c);
            widest(Apply { curve, sources })
        };
        self.curves.iter().enumerate().map(apply).collect()
    }

    /// How far a small step of all channels of `before` together moves the luma of what it becomes, at each place.
    pub fn luma_slope(&self, before: &[Plane]) -> Plane {
        let shares: &[f32] = if self.curves.len() == 3 { &[0.299, 0.587, 0.114] } else { &[1.0] };
        let mut slope = Plane::filled(before[0].size(), 0.0);
        for (c, (curve, share)) in self.curves.iter().zip(shares).enumerate() {
            let sources = Sources::of(before, self.curves.len(), c);
            let rise = curve.rises();
            // A grey step moves a luma source by itself, and differences of channels not at all.
            let others = curve.others.iter().sum::<f32>();
            let constant = if matches!(sources, Sources::Luma(_)) { 0.0 } else { others };
            for (i, v) in slope.samples_mut().iter_mut().enumerate() {
                *v += share * (constant + rise[place(sources.at(i)[0]).0]);
            }
        }
        slope
    }

    /// How far a small step of each colour difference moves that of what it becomes, roughly, over all the picture.
    pub fn chroma_gain(&self) -> f32 {
        if self.curves.len() < 3 {
            return 0.0;
        }
        // Less what the other channels take back.
        let own = |curve: &Curve| (curve.nodes[NODES - 2] - curve.nodes[1]) / (STEP * (NODES - 3) as f32);
        let gain = |curve: &Curve| own(curve) - 0.5 * curve.others.iter().sum::<f32>();
        self.curves.iter().map(gain).sum::<f32>() / 3.0
    }
}

/// What a channel is made of.
#[derive(Clone, Copy)]
enum Sources<'a> {
    /// One channel.
    One(&'a Plane),
    /// A channel, and the two others.
    Three([&'a Plane; 3]),
    /// Luma of red, green and blue, and by how much red and blue are above it.
    Luma([&'a Plane; 3]),
}

impl<'a> Sources<'a> {
    fn of(before: &'a [Plane], channels: usize, c: usize) -> Self {
        match (before, channels) {
            ([red, green, blue], 1) => Self::Luma([red, green, blue]),
            ([_, _, _], 3) => {
                let mut others = (0..3).filter(|&i| i != c).map(|i| &before[i]);
                let mut other = || others.next().expect("two of three");
                Self::Three([&before[c], other(), other()])
            }
            _ => Self::One(&before[0]),
        }
    }

    /// The main one, and the others.
    #[inline(always)]
    fn at(&self, i: usize) -> [f32; 3] {
        match self {
            Self::One(plane) => [plane.samples()[i], 0.0, 0.0],
            Self::Three(planes) => planes.map(|plane| plane.samples()[i]),
            Self::Luma(planes) => {
                let [red, green, blue] = planes.map(|plane| plane.samples()[i]);
                let luma = luma_of(red, green, blue);
                [luma, red - luma, blue - luma]
            }
        }
    }
}

/// `.299 R + .587 G + .114 B` of three channels, or the only one.
fn luma(colours: &[Plane]) -> Plane {
    let [red, green, blue] = colours else { return colours[0].clone() };
    let mut luma = red.clone();
    let others = green.samples().iter().zip(blue.samples());
    luma.samples_mut().iter_mut().zip(others).for_each(|(r, (g, b))| *r = luma_of(*r, *g, *b));
    luma
}

impl Sources<'_> {
    /// What a sample is the sum of: a node or a share, and how much of it.
    #[inline(always)]
    fn terms(&self, i: usize) -> [(usize, f64); 4] {
        let [main, one, other] = self.at(i);
        let (k, t) = place(main);
        let t = f64::from(t);
        [(k, 1.0 - t), (k + 1, t), (NODES, f64::from(one)), (NODES + 1, f64::from(other))]
    }
}

/// 1.0 where both pictures have an edge in the same direction, 0.0 elsewhere: no paint has the edges of what it covers.
fn common_edges(from: &Sources<'_>, to: &Plane, places: &[usize]) -> Vec<f64> {
    /// Code values over two pixels.
    const STEEP: f32 = 8.0;
    /// Cosine of the angle between them; a negative has them the other way round.
    const ALONG: f32 = 0.97;
    let Size { width, height } = to.size();
    let before = |i: usize| {
        let at = |i: usize| from.at(i)[0];
        [at(i + 1) - at(i - 1), at(i + width) - at(i - width)]
    };
    let after = |i: usize| {
        let v = to.samples();
        [v[i + 1] - v[i - 1], v[i + width] - v[i - width]]
    };
    let weight = |&i: &usize| {
        let (x, y) = (i % width, i / width);
        if x == 0 || y == 0 || x + 1 >= width || y + 1 >= height {
            return 0.0;
        }
        let ([ax, ay], [bx, by]) = (before(i), after(i));
        let (a, b, dot) = (ax * ax + ay * ay, bx * bx + by * by, ax * bx + ay * by);
        let steep = a.min(b) > STEEP * STEEP;
        f64::from(u8::from(steep && dot * dot > ALONG * ALONG * a * b))
    };
    places.iter().map(weight).collect()
}

#[inline(always)]
fn luma_of(red: f32, green: f32, blue: f32) -> f32 {
    0.299 * red + 0.587 * green + 0.114 * blue
}

/// The node below a value, and its share of the way to the next.
#[inline(always)]
fn place(v: f32) -> (usize, f32) {
    let at = (v / STEP).clamp(0.0, (NODES - 1) as f32 - 1e-3);
    (at as usize, at - (at as usize) as f32)
}

impl Curve {
    fn unchanged() -> Self {
        Self { nodes: std::array::from_fn(|i| i as f32 * STEP), others: [0.0; 2] }
    }

    /// `None` if there are too few places.
    ///
    /// Where more than half of the picture was drawn over, a fit to all of it fails. Then the fits count that begin with what
    /// is unchanged, or with the edges that both pictures have.
    fn fit(sources: &Sources<'_>, to: &Plane, places: &[usize]) -> Option<Self> {
        const LEAST: usize = 200;
        if places.len() < LEAST {
            return None;
        }
        let all_alike = vec![1.0; places.len()];
        let all = Self::fit_from(sources, to, places, (&all_alike, MOSTLY))?;
        let edges = common_edges(sources, to, places);
        // Paint of one colour is explained by that colour, but no edge is.
        let count = edges.iter().sum::<f64>() as usize;
        let judges = if count >= LEAST { &edges } else { &all_alike };
        let explains = |curve: &Self| curve.explains(sources, to, places, judges);
        let explained = explains(&all);
        if explained >= WELL {
            return Some(all);
        }
        let mut unchanged = vec![1.0; places.len()];
        robust_weights(&Self::unchanged().residuals(sources, to, places), HARDLY, &mut unchanged);
        let begun = std::iter::once(&unchanged).chain((count >= LEAST).then_some(&edges));
        let others = begun.filter_map(|first| Self::fit_from(sources, to, places, (first, HARDLY)));
        let rated = others.map(|curve| (explains(&curve), curve));
        let best = rated.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(share, _)| *share > BETTER * explained);
        Some(best.map_or(all, |(_, curve)| curve))
    }

    /// The fit to those places that come first, and from there to all.
    fn fit_from(
        sources: &Sources<'_>,
        to: &Plane,
        places: &[usize],
        (first, trust): (&[f64], Trust),
    ) -> Option<Self> {
        let mut curve = Self::unchanged();
        let mut weights = first.to_vec();
        for round in 0..ROUNDS {
            let mut normal = Normal::new(NODES + 2);
            for (&i, &weight) in places.iter().zip(&weights) {
                normal.add(&sources.terms(i), f64::from(to.samples()[i]), weight);
            }
            smooth(&mut normal, places.len());
            let solution = normal.solve()?;
            curve = Self {
                nodes: std::array::from_fn(|i| solution[i] as f32),
                others: [solution[NODES] as f32, solution[NODES + 1] as f32],
            };
            robust_weights(&curve.residuals(sources, to, places), trust, &mut weights);
            if round + 1 < ROUNDS / 2 {
                weights.iter_mut().zip(first).for_each(|(weight, first)| *weight *= first);
            }
        }
        Some(curve)
    }

    fn residuals(&self, sources: &Sources<'_>, to: &Plane, places: &[usize]) -> Vec<f64> {
        let value = |k: usize| f64::from(if k < NODES { self.nodes[k] } else { self.others[k - NODES] });
        let residual = |&i: &usize| {
            let made: f64 = sources.terms(i).iter().map(|(k, a)| a * value(*k)).sum();
            f64::from(to.samples()[i]) - made
        };
        places.iter().map(residual).collect()
    }

    /// How much of what the judges stand for it explains, 0.0 to 1.0: each place by how near it comes.
    fn explains(&self, sources: &Sources<'_>, to: &Plane, places: &[usize], judges: &[f64]) -> f64 {
        /// Code values from which a place counts less than half.
        const NEAR: f64 = 4.0;
        let near = |r: &f64| 1.0 / (1.0 + (r / NEAR) * (r / NEAR));
        let residuals = self.residuals(sources, to, places);
        let explained: f64 = residuals.iter().zip(judges).map(|(r, judge)| judge * near(r)).sum();
        explained / judges.iter().sum::<f64>()
    }

    /// The steepness after each node; the last counts as the one before.
    fn rises(&self) -> [f32; NODES] {
        std::array::from_fn(|i| {
            let i = i.min(NODES - 2);
            (self.nodes[i + 1] - self.nodes[i]) / STEP
        })
    }
}

/// Curves are smooth where there is nothing to tell otherwise, and shares of other channels small.
fn smooth(normal: &mut Normal, places: usize) {
    let ridge = 0.002 * places as f64;
    for i in 1..NODES - 1 {
        normal.add(&[(i - 1, 1.0), (i, -2.0), (i + 1, 1.0)], 0.0, ridge);
    }
    // Hold a curve of one colour to the slope of one, and shares to nothing.
    for i in 1..NODES {
        normal.add(&[(i - 1, -1.0), (i, 1.0)], f64::from(STEP), 1e-4 * places as f64 / NODES as f64);
    }
    for other in [NODES, NODES + 1] {
        normal.add(&[(other, 1.0)], 0.0, 0.1 * places as f64);
    }
}

struct Apply<'a> {
    curve: &'a Curve,
    sources: Sources<'a>,
}

impl Wide for Apply<'_> {
    type Output = Plane;

    #[inline(always)]
    fn run(self) -> Plane {
        let Self { curve, sources } = self;
        let rises: [f32; NODES] = curve.rises().map(|rise| rise * STEP);
        let made = |[main, one, other]: [f32; 3]| {
            let (k, t) = place(main);
            curve.nodes[k] + t * rises[k] + curve.others[0] * one + curve.others[1] * other
        };
        let (Sources::One(main) | Sources::Three([main, ..]) | Sources::Luma([main, ..])) = sources;
        let samples = (0..main.samples().len()).map(|i| made(sources.at(i)));
        Plane::new(main.size(), samples.collect()).expect("as many samples")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    const SIZE: Size = Size { width: 160, height: 120 };

    fn picture() -> [Plane; 3] {
        [7, 11, 13].map(|k| Plane::from_fn(SIZE, |x, y| ((x * k + y * 3 * k + x * y) % 251) as f32))
    }

    fn most_apart(a: &Plane, b: &Plane, except: impl Fn(usize) -> bool) -> f32 {
        let pairs = a.samples().iter().zip(b.samples()).enumerate().filter(|(i, _)| !except(*i));
        pairs.map(|(_, (a, b))| (a - b).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn a_grade_is_followed_through_what_was_drawn_over() {
        let before = picture();
        let grade = |v: f32| 255.0 * libm::powf(v / 255.0, 0.8) * 0.9 + 10.0;
        let over = |i: usize| i.is_multiple_of(4);
        let after = [0, 1, 2].map(|c| {
            let graded = before[c].samples().iter().enumerate();
            let samples = graded.map(|(i, v)| if over(i) { 255.0 } else { grade(*v) });
            Plane::new(SIZE, samples.collect()).expect("as many")
        });
        let tone = Tone::fit(&before, &after, &Plane::filled(SIZE, 1.0));
        let made = tone.apply(&before);
        for c in 0..3 {
            let most = most_apart(&made[c], &after[c], over);
            assert!(most < 5.0, "channel {c}: {most}");
        }
        let slope = tone.luma_slope(&before);
        let mean = slope.samples().iter().sum::<f32>() / SIZE.area() as f32;
        assert!((0.75..1.0).contains(&mean), "{mean}");
    }

    #[test]
    fn a_grade_is_followed_where_three_fifths_were_painted_over() {
        let before =
            [5, 9, 14].map(|k| Plane::from_fn(SIZE, |x, y| ((x / 7 * k + y / 5 * 3 * k) % 251) as f32));
        let over = |i: usize| i % SIZE.width >= 2 * SIZE.width / 5;
        for (factor, lift) in [(1.0, 0.0), (0.8, 25.0), (-1.0, 255.0)] {
            let after = [0, 1, 2].map(|c| {
                let graded = before[c].samples().iter().enumerate();
                let paint = |i: usize| [200.0, 40.0, 90.0][c] + (i / SIZE.width / 60 * 30) as f32;
                let samples = graded.map(|(i, v)| if over(i) { paint(i) } else { factor * v + lift });
                Plane::new(SIZE, samples.collect()).expect("as many")
            });
            let made = Tone::fit(&before, &after, &Plane::filled(SIZE, 1.0)).apply(&before);
            for c in 0..3 {
                let most = most_apart(&made[c], &after[c], over);
                assert!(most < 6.0, "x {factor}, channel {c}: {most}");
            }
        }
    }

    #[test]
    fn the_contrast_that_lines_lose_to_a_blur_is_not_taken_for_a_curve() {
        let paper = Plane::from_fn(SIZE, |x, y| if x % 37 < 3 || y % 53 < 2 { 20.0 } else { 240.0 });
        let after = gaussian(&paper, 4.0);
        let (before, after) = ([paper], [after]);
        let tone = Tone::fit_softened(&before, &after, &Plane::filled(SIZE, 1.0));
        let made = tone.apply(&before);
        for ([x, y], from) in [([20, 25], 240.0), ([0, 5], 20.0)] {
            let v = made[0].at(x, y);
            assert!((v - from).abs() < 8.0, "{from} became {v}");
        }
    }

    #[test]
    fn grey_and_inverted_copies_are_followed() {
        let before = picture();
        let inverted = luma(&before).map(|v| 255.0 - v);
        let tone = Tone::fit(&before, std::slice::from_ref(&inverted), &Plane::filled(SIZE, 1.0));
        let made = tone.apply(&before);
        assert!(most_apart(&made[0], &inverted, |_| false) < 1.0);
        let slope = tone.luma_slope(&before);
        assert!(slope.samples().iter().all(|s| (s + 1.0).abs() < 0.05));
    }

    #[test]
    fn nothing_to_tell_by_is_no_change() {
        let before = picture();
        let after = before.clone().map(|plane| plane.map(|v| 0.5 * v));
        let tone = Tone::fit(&before, &after, &Plane::filled(SIZE, 0.0));
        assert!(most_apart(&tone.apply(&before)[1], &before[1], |_| false) < 1e-3);
    }
}
