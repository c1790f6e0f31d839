//! From the phases of the sync lines to the place of the lattice, and a map bent until all blocks agree.

use tiermark_signal::filter::normalise_locally;
use tiermark_signal::transform::fft::inverse_square;
use tiermark_signal::{Complex, Plane, Size};

use super::map::{LatticeMap, TERMS};
use crate::carrier::Line;
use crate::layout::TILE;

/// A fitted map and how well the phases agree with it.
#[derive(Clone, Debug)]
pub(crate) struct Fit {
    /// Found pixels to ref px, modulo the tile.
    pub(crate) map: LatticeMap,
    /// Sum of aligned phases over its deviation under noise. It steers, and never decides: a sheet's own regular
    /// structure may raise it.
    pub(crate) strength: f64,
}

/// The plane in which lines are looked for: waves of about 4 to 40 samples.
pub(crate) fn normalised(plane: &Plane) -> Plane {
    normalise_locally(plane, 1.0, 12.0, 18.0)
}

/// What each term of a higher order must add to the log-likelihood, `strength^2 / 2`. Fitting noise adds a half; a weak
/// lattice bent after noise costs the payload a fifth of its z.
const PRICE: f64 = 1.5;
/// Side of a block, samples.
const BLOCK: usize = 64;
/// A block's line counts at most as this many times its usual amplitude.
const LIMIT: f32 = 2.5;

/// Fits maps to one normalised plane of a found picture.
pub(crate) struct PhaseFitter<'a> {
    plane: &'a Plane,
    /// Found pixels on a side of one sample.
    factor: f64,
    found: Size,
    lines: &'a [Line],
}

/// The lines' amplitudes in each block, over their usual size, with the carrier's own phases taken out.
struct Phases {
    blocks: Vec<Block>,
}

struct Block {
    /// Centre, found pixels.
    place: [f64; 2],
    lines: Vec<Complex<f32>>,
}

impl<'a> PhaseFitter<'a> {
    /// A fitter for `plane`, each sample of which covers `factor` pixels of a found picture of size `found`.
    pub(crate) fn new(plane: &'a Plane, factor: f64, found: Size, lines: &'a [Line]) -> Self {
        Self { plane, factor, found, lines }
    }

    /// The better of the fits that start at `matrix` and at its half turn; ref px per found pixel.
    pub(crate) fn fit(&self, matrix: [[f64; 2]; 2]) -> Fit {
        let start = LatticeMap::linear(self.found, matrix);
        let phases = self.phases(&start);
        let turned = Phases {
            blocks: phases
                .blocks
                .iter()
                .map(|block| {
                    let raw = |(q, line): (&Complex<f32>, &Line)| (q * line.phase).conj() * line.phase.conj();
                    Block { place: block.place, lines: block.lines.iter().zip(self.lines).map(raw).collect() }
                })
                .collect(),
        };
        let half_turn = LatticeMap::linear(self.found, matrix.map(|row| row.map(|v| -v)));
        let (a, b) = (self.fit_to(&start, &phases), self.fit_to(&half_turn, &turned));
        if a.strength >= b.strength { a } else { b }
    }

    /// `q = conj(S_l) sum y(x) e^{-2 pi i k_l . X(x) / TILE}` over each block, over its usual size for the line.
    ///
    /// All lines count alike: weighted by what the picture leaves of them, the lattice stood out 10 to 20 % less.
    fn phases(&self, start: &LatticeMap) -> Phases {
        let (width, height) = (self.plane.width(), self.plane.height());
        let columns = cuts(width);
        let rows = cuts(height);
        let mut sums =
            vec![Complex::<f32>::default(); self.lines.len() * (columns.len() - 1) * (rows.len() - 1)];
        let matrix = start.matrix();
        let origin = start.apply([0.0, 0.0]);
        for (line, sums) in
            self.lines.iter().zip(sums.chunks_exact_mut((columns.len() - 1) * (rows.len() - 1)))
        {
            let (kx, ky) = (f64::from(line.wave.0) / TILE as f64, f64::from(line.wave.1) / TILE as f64);
            let turn = [matrix[0][0] * kx + matrix[1][0] * ky, matrix[0][1] * kx + matrix[1][1] * ky];
            let start = origin[0] * kx + origin[1] * ky;
            let across = waves(width, turn[0] * self.factor, start);
            let down = waves(height, turn[1] * self.factor, 0.0);
            for (j, rows) in rows.windows(2).enumerate() {
                for (y, down) in down.iter().enumerate().take(rows[1]).skip(rows[0]) {
                    let row = self.plane.row(y);
                    for (i, cut) in columns.windows(2).enumerate() {
                        let sum = dot(&row[cut[0]..cut[1]], &across[cut[0]..cut[1]]);
                        sums[j * (columns.len() - 1) + i] += sum * down;
                    }
                }
            }
            let usual = (sums.iter().map(Complex::norm_sqr).sum::<f32>() / sums.len() as f32).sqrt();
            let scale = if usual > 0.0 { 1.0 / usual } else { 0.0 };
            sums.iter_mut().for_each(|q| *q = limited(*q * line.phase.conj() * scale));
        }
        self.gathered(&sums, &columns, &rows)
    }

    fn gathered(&self, sums: &[Complex<f32>], columns: &[usize], rows: &[usize]) -> Phases {
        let count = (columns.len() - 1) * (rows.len() - 1);
        let middle = |cut: &[usize]| (cut[0] + cut[1]) as f64 / 2.0 * self.factor;
        let places = rows
            .windows(2)
            .flat_map(|row| columns.windows(2).map(move |column| [middle(column), middle(row)]));
        let block = |(i, place): (usize, [f64; 2])| Block {
            place,
            lines: sums.iter().skip(i).step_by(count).copied().collect(),
        };
        Phases { blocks: places.enumerate().map(block).collect() }
    }

    fn fit_to(&self, start: &LatticeMap, phases: &Phases) -> Fit {
        let fits = self.best_shifts(phases).into_iter().map(|shift| self.fit_from(start, shift, phases));
        fits.max_by(|a, b| a.strength.total_cmp(&b.strength)).expect("there is a best shift")
    }

    fn fit_from(&self, start: &LatticeMap, shift: [f64; 2], phases: &Phases) -> Fit {
        let mut map = start.clone();
        map.terms[0][0] += shift[0];
        map.terms[1][0] += shift[1];
        let mut best = Fit { strength: self.strength(start, &map, phases), map };
        // Shift, then affine, then bend: each order starts where the last one ended, and stays only if it pays.
        for terms in [1, 3, TERMS] {
            let bent = self.climbed(start, best.clone(), phases, terms);
            let gained = 0.5 * (bent.strength * bent.strength - best.strength * best.strength);
            if terms == 1 || gained >= PRICE * (2 * terms) as f64 {
                best = bent;
            }
        }
        best
    }

    /// Gauss-Newton steps on the first `terms` terms while the strength grows.
    fn climbed(&self, start: &LatticeMap, mut best: Fit, phases: &Phases, terms: usize) -> Fit {
        for turn in 0..12 {
            let coarse_only = terms > 1 && turn < 4;
            let map = self.step(start, &best.map, phases, terms, coarse_only);
            let strength = self.strength(start, &map, phases);
            if strength <= best.strength + 1e-3 {
                break;
            }
            best = Fit { map, strength };
        }
        best
    }

    /// The shifts in 0..TILE ref px that align the sums over all blocks best, best first.
    ///
    /// In a weak lattice the right one may rank behind until the map is bent; they are at least 6 ref px apart, less
    /// than which the fit covers by itself.
    fn best_shifts(&self, phases: &Phases) -> Vec<[f64; 2]> {
        const KEEP: usize = 4;
        const APART: usize = 6;
        let mut bins = vec![Complex::default(); TILE * TILE];
        for (l, line) in self.lines.iter().enumerate() {
            let sum: Complex<f32> = phases.blocks.iter().map(|block| block.lines[l]).sum();
            // sum Re(q e^{-2 pi i k d / TILE}) = Re of the inverse transform of conj(q).
            let (kx, ky) = line.wave;
            let place = ky.rem_euclid(TILE as i32) as usize * TILE + kx.rem_euclid(TILE as i32) as usize;
            bins[place] = sum.conj();
        }
        let agreement = inverse_square(bins, TILE);
        let mut shifts: Vec<[usize; 2]> = Vec::with_capacity(KEEP);
        let round = |a: usize, b: usize| a.abs_diff(b).min(TILE - a.abs_diff(b));
        while shifts.len() < KEEP {
            let free = |x: usize, y: usize| {
                shifts.iter().all(|s: &[usize; 2]| round(s[0], x) >= APART || round(s[1], y) >= APART)
            };
            let places = agreement.samples().iter().enumerate().filter(|(i, _)| free(i % TILE, i / TILE));
            let Some((best, _)) = places.max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0))) else { break };
            shifts.push([best % TILE, best / TILE]);
        }
        shifts.into_iter().map(|s| s.map(|v| v as f64)).collect()
    }

    /// `sum Re(q e^{-i k . delta}) / sqrt(sum |q|^2 / 2)`, delta being the distance of `map` from `start`.
    fn strength(&self, start: &LatticeMap, map: &LatticeMap, phases: &Phases) -> f64 {
        let (mut sum, mut power) = (0.0, 0.0);
        self.for_each_turned(start, map, phases, |_, _, q| {
            sum += f64::from(q.re);
            power += f64::from(q.norm_sqr());
        });
        if power > 0.0 { sum / (power / 2.0).sqrt() } else { 0.0 }
    }

    /// One Gauss-Newton step on the first `terms` terms of both rows, for the largest sum of aligned phases.
    fn step(
        &self,
        start: &LatticeMap,
        map: &LatticeMap,
        phases: &Phases,
        terms: usize,
        coarse_only: bool,
    ) -> LatticeMap {
        let mut means = vec![0.0; self.lines.len()];
        self.for_each_turned(start, map, phases, |_, l, q| means[l] += f64::from(q.re));
        let count = phases.blocks.len() as f64;
        let mut normal = Normal::new(2 * terms);
        self.for_each_turned(start, map, phases, |block, l, q| {
            let line = &self.lines[l];
            let radius = crate::layout::radius(line.wave);
            // Fine lines turn so quickly that they mislead until the coarse ones have settled.
            let trust = if coarse_only { 1.0 / (1.0 + libm::pow(radius / 12.0, 4.0)) } else { 1.0 };
            let basis = map.basis(block.place);
            let turn = 2.0 * std::f64::consts::PI / TILE as f64;
            let slope: Vec<f64> = [line.wave.0, line.wave.1]
                .iter()
                .flat_map(|&k| basis[..terms].iter().map(move |b| f64::from(k) * turn * b))
                .collect();
            normal.add(&slope, trust * (means[l] / count).max(0.02), trust * f64::from(q.im));
        });
        let mut moved = map.clone();
        for (i, v) in normal.solved().into_iter().enumerate() {
            moved.terms[i / terms][i % terms] += v;
        }
        moved
    }

    fn for_each_turned(
        &self,
        start: &LatticeMap,
        map: &LatticeMap,
        phases: &Phases,
        mut each: impl FnMut(&Block, usize, Complex<f32>),
    ) {
        for block in &phases.blocks {
            let (from, to) = (start.apply(block.place), map.apply(block.place));
            let delta = [to[0] - from[0], to[1] - from[1]];
            for (l, (line, q)) in self.lines.iter().zip(&block.lines).enumerate() {
                let turns =
                    (f64::from(line.wave.0) * delta[0] + f64::from(line.wave.1) * delta[1]) / TILE as f64;
                each(block, l, q * unit(-turns));
            }
        }
    }
}

/// Normal equations of a least-squares step.
struct Normal {
    size: usize,
    matrix: Vec<f64>,
    right: Vec<f64>,
}

impl Normal {
    fn new(size: usize) -> Self {
        Self { size, matrix: vec![0.0; size * size], right: vec![0.0; size] }
    }

    fn add(&mut self, slope: &[f64], weight: f64, pull: f64) {
        for (i, a) in slope.iter().enumerate() {
            self.right[i] += a * pull;
            for (j, b) in slope.iter().enumerate() {
                self.matrix[i * self.size + j] += weight * a * b;
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

/// `length` cut into blocks of about `BLOCK`.
fn cuts(length: usize) -> Vec<usize> {
    let blocks = (length / BLOCK).max(1);
    (0..=blocks).map(|i| i * length / blocks).collect()
}

/// `e^{-2 pi i (turn (n + 1/2) + start)}` for n in 0..`length`.
fn waves(length: usize, turn: f64, start: f64) -> Vec<Complex<f32>> {
    (0..length).map(|n| unit(-(turn * (n as f64 + 0.5) + start))).collect()
}

fn unit(turns: f64) -> Complex<f32> {
    let angle = 2.0 * std::f64::consts::PI * (turns - libm::floor(turns));
    Complex::new(libm::cos(angle) as f32, libm::sin(angle) as f32)
}

fn dot(samples: &[f32], waves: &[Complex<f32>]) -> Complex<f32> {
    let (mut re, mut im) = (0.0, 0.0);
    for (v, wave) in samples.iter().zip(waves) {
        re += v * wave.re;
        im += v * wave.im;
    }
    Complex::new(re, im)
}

fn limited(q: Complex<f32>) -> Complex<f32> {
    let size = q.norm();
    if size > LIMIT { q * (LIMIT / size) } else { q }
}
