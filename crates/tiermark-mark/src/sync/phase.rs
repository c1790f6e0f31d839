//! From the phases of the sync lines to the place of the lattice, and a map bent until all blocks agree.

use tiermark_signal::transform::fft::inverse_square;
use tiermark_signal::{Complex, Plane};

use super::map::{LatticeMap, TERMS};
use super::phases::Phases;
use super::trust::Trust;
use super::view::View;
use crate::carrier::Line;
use crate::layout::{TILE, radius};

/// A fitted map and how well the phases agree with it.
#[derive(Clone, Debug)]
pub(crate) struct Fit {
    /// Found pixels to ref px, modulo the tile.
    pub(crate) map: LatticeMap,
    /// Sum of aligned phases over its deviation under noise. It steers, and never decides: a sheet's own regular
    /// structure may raise it.
    pub(crate) strength: f64,
    /// Where they agree.
    pub(crate) trust: Trust,
    /// 1.0, or -1.0 where light and dark are exchanged and all waves with them: a negative.
    pub(crate) sign: f32,
}

/// What each term of a higher order must add to the log-likelihood, `strength^2 / 2`. Fitting noise adds a half; a weak
/// lattice bent after noise costs the payload a fifth of its z.
const PRICE: f64 = 1.5;
/// Shifts from which a fit starts. In a weak lattice the right one may rank behind until the map is bent.
const SHIFTS: usize = 4;
/// The same in the negative, besides: so a positive is read as it would be without them.
const NEGATIVE_SHIFTS: usize = 1;

/// Fits maps to one view of a found picture.
pub(crate) struct PhaseFitter<'a> {
    view: &'a View,
    lines: &'a [Line],
}

impl<'a> PhaseFitter<'a> {
    /// A fitter of `lines` in `view`.
    pub(crate) fn new(view: &'a View, lines: &'a [Line]) -> Self {
        Self { view, lines }
    }

    /// The best of the fits that start at `matrix`, ref px per found pixel, and at its half turn.
    pub(crate) fn fit(&self, matrix: [[f64; 2]; 2]) -> Fit {
        let map = LatticeMap::linear(&self.view.area, matrix);
        let (climb, phases) = self.fit_around(map.clone(), &map);
        self.fit_of(climb, &phases)
    }

    /// The best of the fits that start at the bent `map`, then block by block as far as they agree.
    pub(crate) fn fit_bent(&self, map: &LatticeMap) -> Fit {
        let (mut climb, phases) = self.fit_around(map.tangent(&self.view.area), map);
        for terms in [TERMS, TERMS] {
            let weights = self.weights(&climb, &phases);
            climb = self.climbed(self.measured(climb.map, &phases, &weights), &phases, &weights, terms);
        }
        self.fit_of(climb, &phases)
    }

    /// The best of the climbs from `map` and its half turn, in the positive and the negative, with the phases around `start`.
    fn fit_around(&self, start: LatticeMap, map: &LatticeMap) -> (Climb, Phases) {
        let upright = Phases::of(self.view, self.lines, start);
        let turned = upright.half_turn(self.lines);
        let sides = [(upright, map.clone()), (turned, map.half_turn())];
        let agreements =
            sides.each_ref().map(|(phases, map)| self.agreements(&phases.under(map, self.lines)));
        let best = |sign: f32, keep: usize| {
            let of_side =
                |(i, agreement)| best_shifts(agreement, sign, keep).into_iter().map(move |start| (start, i));
            let mut starts: Vec<(Start, usize)> = agreements.iter().enumerate().flat_map(of_side).collect();
            starts.sort_by(|a, b| b.0.agreement.total_cmp(&a.0.agreement));
            starts.truncate(keep);
            starts
        };
        let climbs = |sign: f32, keep: usize| {
            let sides = sides.each_ref().map(|(phases, map)| (phases.signed(sign), map));
            let climbs = best(sign, keep).into_iter().map(|(start, i)| {
                let (phases, map) = &sides[i];
                (self.fit_from(map, start.shift, phases), i)
            });
            let (climb, i) = climbs.max_by(|a, b| a.0.strength.total_cmp(&b.0.strength))?;
            let [upright, turned] = sides.map(|(phases, _)| phases);
            Some((climb, if i == 0 { upright } else { turned }))
        };
        let both = [climbs(1.0, SHIFTS), climbs(-1.0, NEGATIVE_SHIFTS)];
        let both = both.into_iter().flatten();
        both.max_by(|a, b| a.0.strength.total_cmp(&b.0.strength)).expect("there is a best shift")
    }

    /// The fit that grows from a map which holds in a part of the view: block by block as far as they agree.
    ///
    /// A sheet's cell ends where the trust ends; perspective, which no single affine map fits, is followed outward.
    pub(crate) fn spread(&self, part: &Fit) -> Fit {
        let start = part.map.tangent(&self.view.area);
        let phases = Phases::of(self.view, self.lines, start.clone()).signed(part.sign);
        let mut climb = self.measured(start, &phases, &self.even(&phases));
        for terms in [3, TERMS, TERMS] {
            let weights = self.weights(&climb, &phases);
            climb = self.climbed(self.measured(climb.map, &phases, &weights), &phases, &weights, terms);
        }
        self.fit_of(climb, &phases)
    }

    fn fit_of(&self, climb: Climb, phases: &Phases) -> Fit {
        let trust = Trust::of(phases.grid, self.agreement(&climb, phases), self.view.area);
        Fit { map: climb.map, strength: climb.strength, trust, sign: phases.sign }
    }

    fn fit_from(&self, start: &LatticeMap, shift: [f64; 2], phases: &Phases) -> Climb {
        let mut map = start.clone();
        map.terms[0][0] += shift[0];
        map.terms[1][0] += shift[1];
        let even = self.even(phases);
        let mut best = self.measured(map, phases, &even);
        // Shift, then affine, then bend: each order starts where the last one ended, and stays only if it pays.
        for terms in [1, 3, TERMS] {
            let bent = self.climbed(best.clone(), phases, &even, terms);
            let gained = 0.5 * (bent.strength * bent.strength - best.strength * best.strength);
            if terms == 1 || gained >= PRICE * (2 * terms) as f64 {
                best = bent;
            }
        }
        best
    }

    /// Gauss-Newton steps on the first `terms` terms while the strength grows.
    fn climbed(&self, mut best: Climb, phases: &Phases, weights: &[f32], terms: usize) -> Climb {
        for turn in 0..12 {
            // Fine lines turn so quickly that they mislead until the coarse ones have settled.
            let lines = if terms > 1 && turn < 4 { Lines::CoarseFirst } else { Lines::All };
            let next = self.measured(self.step(&best, phases, weights, terms, lines), phases, weights);
            if next.strength <= best.strength + 1e-3 {
                break;
            }
            best = next;
        }
        best
    }

    /// How far the sums over all blocks agree under each shift by whole cells.
    fn agreements(&self, left: &[Complex<f32>]) -> Plane {
        let mut bins = vec![Complex::default(); SIDE * SIDE];
        for (l, line) in self.lines.iter().enumerate() {
            let sum: Complex<f32> = left.iter().skip(l).step_by(self.lines.len()).sum();
            // sum Re(q e^{-2 pi i k d / TILE}) = Re of the inverse transform of conj(q).
            let [x, y] = [line.wave.0, line.wave.1].map(|k| k.rem_euclid(SIDE as i32) as usize);
            bins[y * SIDE + x] = sum.conj();
        }
        inverse_square(bins, SIDE)
    }

    fn even(&self, phases: &Phases) -> Vec<f32> {
        vec![1.0; phases.blocks.len()]
    }

    /// A map with the phases that are left under it, and its strength
    /// `sum w Re(q) / sqrt(sum w^2 |q|^2 / 2)` over blocks of weight w.
    fn measured(&self, map: LatticeMap, phases: &Phases, weights: &[f32]) -> Climb {
        let left = phases.under(&map, self.lines);
        let (mut sum, mut power) = (0.0, 0.0);
        for (block, weight) in left.chunks_exact(self.lines.len()).zip(weights) {
            sum += f64::from(weight * block.iter().map(|q| q.re).sum::<f32>());
            power += f64::from(weight * weight * block.iter().map(Complex::norm_sqr).sum::<f32>());
        }
        let strength = if power > 0.0 { sum / (power / 2.0).sqrt() } else { 0.0 };
        Climb { map, left, strength }
    }

    /// One Gauss-Newton step on the first `terms` terms of both rows, for the largest sum of aligned phases.
    ///
    /// A line's slope in term t of axis a is `2 pi k_a b_t / TILE` with b the basis at the block: the sums over lines
    /// are taken first, once to a block.
    fn step(&self, at: &Climb, phases: &Phases, weights: &[f32], terms: usize, lines: Lines) -> LatticeMap {
        let count: f32 = weights.iter().sum();
        let turn = 2.0 * std::f64::consts::PI / TILE as f64;
        let pulls: Vec<LinePull> = self
            .lines
            .iter()
            .enumerate()
            .map(|(l, line)| {
                let of_line = at.left.iter().skip(l).step_by(self.lines.len());
                let mean: f32 = of_line.zip(weights).map(|(q, w)| w * q.re).sum::<f32>() / count.max(1e-6);
                let k = [line.wave.0, line.wave.1].map(|k| f64::from(k) * turn);
                LinePull { k, trust: lines.trust(line), mean: f64::from(mean).max(0.02) }
            })
            .collect();
        let mut stiff = [0.0; 3];
        for pull in &pulls {
            let weight = pull.trust * pull.mean;
            stiff[0] += weight * pull.k[0] * pull.k[0];
            stiff[1] += weight * pull.k[0] * pull.k[1];
            stiff[2] += weight * pull.k[1] * pull.k[1];
        }
        let mut normal = Normal::new(2 * terms);
        let blocks = phases.blocks.iter().zip(at.left.chunks_exact(self.lines.len()).zip(weights));
        for (block, (left, &weight)) in blocks {
            let mut force = [0.0; 2];
            for (pull, q) in pulls.iter().zip(left) {
                force[0] += pull.trust * pull.k[0] * f64::from(q.im);
                force[1] += pull.trust * pull.k[1] * f64::from(q.im);
            }
            normal.add(&at.map.basis(block.place)[..terms], f64::from(weight), stiff, force);
        }
        let mut moved = at.map.clone();
        for (i, v) in normal.solved().into_iter().enumerate() {
            moved.terms[i / terms][i % terms] += v;
        }
        moved
    }

    /// Mean of the aligned phases in each block.
    fn agreement(&self, climb: &Climb, phases: &Phases) -> Vec<f32> {
        let mean = |block: &[Complex<f32>]| block.iter().map(|q| q.re).sum::<f32>() / self.lines.len() as f32;
        let means: Vec<f32> = climb.left.chunks_exact(self.lines.len()).map(mean).collect();
        debug_assert_eq!(means.len(), phases.blocks.len());
        means
    }

    fn weights(&self, climb: &Climb, phases: &Phases) -> Vec<f32> {
        let trust = Trust::of(phases.grid, self.agreement(climb, phases), self.view.area);
        phases.blocks.iter().map(|block| trust.at(block.place)).collect()
    }
}

/// Ref px on a side of one cell of shifts: a sixteenth of a turn of the finest line either way.
const CELL: usize = 2;
/// Cells on a side of the tile.
const SIDE: usize = TILE / CELL;

/// The shifts in 0..TILE ref px that align the sums over all blocks best, of phases times `sign`.
///
/// They are at least 6 ref px apart, less than which the fit covers by itself.
fn best_shifts(agreement: &Plane, sign: f32, keep: usize) -> Vec<Start> {
    const APART: usize = 3;
    let mut cells: Vec<[usize; 2]> = Vec::with_capacity(keep);
    let round = |a: usize, b: usize| a.abs_diff(b).min(SIDE - a.abs_diff(b));
    while cells.len() < keep {
        let free = |x: usize, y: usize| {
            cells.iter().all(|s: &[usize; 2]| round(s[0], x) >= APART || round(s[1], y) >= APART)
        };
        let places = agreement.samples().iter().enumerate().filter(|(i, _)| free(i % SIDE, i / SIDE));
        let higher = |a: &f32, b: &f32| (sign * a).total_cmp(&(sign * b));
        let Some((best, _)) = places.max_by(|a, b| higher(a.1, b.1).then(b.0.cmp(&a.0))) else { break };
        cells.push([best % SIDE, best / SIDE]);
    }
    let start = |[x, y]: [usize; 2]| Start {
        shift: [x, y].map(|v| (v * CELL) as f64),
        agreement: sign * agreement.at(x, y),
    };
    cells.into_iter().map(start).collect()
}

/// A shift to start from, ref px, and the sum of phases that it aligns.
struct Start {
    shift: [f64; 2],
    agreement: f32,
}

/// A map on its way up.
#[derive(Clone)]
struct Climb {
    map: LatticeMap,
    /// The phases left under it, lines of the first block first.
    left: Vec<Complex<f32>>,
    strength: f64,
}

/// Which lines a step listens to.
#[derive(Clone, Copy)]
enum Lines {
    CoarseFirst,
    All,
}

impl Lines {
    /// Half at 12 cycles per tile, the middle of the coarse ring, and falling with the fourth power.
    fn trust(self, line: &Line) -> f64 {
        let ratio = radius(line.wave) / 12.0;
        match self {
            Self::CoarseFirst => 1.0 / (1.0 + ratio * ratio * ratio * ratio),
            Self::All => 1.0,
        }
    }
}

/// What one line says about where to go.
struct LinePull {
    /// Radians for each ref px, across and down.
    k: [f64; 2],
    trust: f64,
    /// Mean aligned phase over the blocks: how much of it stands.
    mean: f64,
}

/// Normal equations of a least-squares step: the first axis' terms, then the second's.
struct Normal {
    size: usize,
    matrix: Vec<f64>,
    right: Vec<f64>,
}

impl Normal {
    fn new(size: usize) -> Self {
        Self { size, matrix: vec![0.0; size * size], right: vec![0.0; size] }
    }

    /// Add a block: `stiff` holds the sums over lines for the axes' pairs (x, x), (x, y), (y, y).
    fn add(&mut self, basis: &[f64], weight: f64, stiff: [f64; 3], force: [f64; 2]) {
        let terms = basis.len();
        for (i, a) in basis.iter().enumerate() {
            self.right[i] += weight * a * force[0];
            self.right[terms + i] += weight * a * force[1];
            for (j, b) in basis.iter().enumerate() {
                let both = weight * a * b;
                self.matrix[i * self.size + j] += both * stiff[0];
                self.matrix[(terms + i) * self.size + j] += both * stiff[1];
                self.matrix[i * self.size + terms + j] += both * stiff[1];
                self.matrix[(terms + i) * self.size + terms + j] += both * stiff[2];
            }
        }
    }

    /// The solution by Cholesky's method, a thousandth of each diagonal added so that there is one.
    fn solved(mut self) -> Vec<f64> {
        let n = self.size;
        for i in 0..n {
            self.matrix[i * n + i] = self.matrix[i * n + i] * 1.001 + 1e-12;
        }
        let m = &mut self.matrix;
        for i in 0..n {
            for j in 0..=i {
                let sum: f64 = (0..j).map(|k| m[i * n + k] * m[j * n + k]).sum();
                let rest = m[i * n + j] - sum;
                m[i * n + j] = if i == j { rest.max(1e-18).sqrt() } else { rest / m[j * n + j] };
            }
        }
        let mut x = self.right;
        for i in 0..n {
            let sum: f64 = (0..i).map(|k| m[i * n + k] * x[k]).sum();
            x[i] = (x[i] - sum) / m[i * n + i];
        }
        for i in (0..n).rev() {
            let sum: f64 = (i + 1..n).map(|k| m[k * n + i] * x[k]).sum();
            x[i] = (x[i] - sum) / m[i * n + i];
        }
        x
    }
}
