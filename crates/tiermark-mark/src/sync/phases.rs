//! The sync lines' amplitudes in each block of a view, and how far they agree under a map.

use tiermark_signal::{Complex, Wide, widest};

use super::map::LatticeMap;
use super::view::View;
use crate::carrier::Line;
use crate::layout::TILE;

/// Side of a block, samples.
const BLOCK: usize = 64;
/// A block's line counts at most as this many times its usual amplitude.
const LIMIT: f32 = 2.5;

/// `q = conj(S_l) sum y(x) e^{-2 pi i k_l . X(x) / TILE}` over each block, over its usual size for the line; X is the
/// linear map `start`, and other maps are told apart by how they differ from it at the blocks' centres.
///
/// All lines count alike: weighted by what the picture leaves of them, the lattice stood out 10 to 20 % less.
#[derive(Clone)]
pub(super) struct Phases {
    pub(super) start: LatticeMap,
    /// Blocks across and down.
    pub(super) grid: [usize; 2],
    pub(super) blocks: Vec<Block>,
    /// 1.0, or -1.0 for those of the negative.
    pub(super) sign: f32,
}

#[derive(Clone)]
pub(super) struct Block {
    /// Centre, found pixels.
    pub(super) place: [f64; 2],
    pub(super) lines: Vec<Complex<f32>>,
}

impl Phases {
    pub(super) fn of(view: &View, lines: &[Line], start: LatticeMap) -> Self {
        let cuts = [cuts(view.plane.width()), cuts(view.plane.height())];
        let grid = [cuts[0].len() - 1, cuts[1].len() - 1];
        let sums = widest(Sums { view, lines, start: &start, cuts: &cuts });
        let [columns, rows] = &cuts;
        let middle = |cut: &[usize]| (cut[0] + cut[1]) as f64 / 2.0 * view.factor;
        let places = rows.windows(2).flat_map(|row| {
            columns
                .windows(2)
                .map(move |column| [view.area.left + middle(column), view.area.top + middle(row)])
        });
        let block = |(i, place): (usize, [f64; 2])| Block {
            place,
            lines: sums.iter().skip(i).step_by(grid[0] * grid[1]).copied().collect(),
        };
        let blocks = places.enumerate().map(block).collect();
        Self { start, grid, blocks, sign: 1.0 }
    }

    /// The same times `sign`, 1.0 or -1.0.
    pub(super) fn signed(&self, sign: f32) -> Self {
        let mut signed = self.clone();
        signed.blocks.iter_mut().flat_map(|block| &mut block.lines).for_each(|q| *q *= sign);
        signed.sign *= sign;
        signed
    }

    /// The same under the map turned by half around the centre: the spectrum of a real plane cannot tell them apart.
    pub(super) fn half_turn(&self, lines: &[Line]) -> Self {
        let start = self.start.half_turn();
        let turned = |(q, line): (&Complex<f32>, &Line)| (q * line.phase).conj() * line.phase.conj();
        let block = |block: &Block| Block {
            place: block.place,
            lines: block.lines.iter().zip(lines).map(turned).collect(),
        };
        Self { start, grid: self.grid, blocks: self.blocks.iter().map(block).collect(), sign: self.sign }
    }

    /// The phases that are left under `map`, block by block: all real and positive where it is right.
    pub(super) fn under(&self, map: &LatticeMap, lines: &[Line]) -> Vec<Complex<f32>> {
        let mut turned = Vec::with_capacity(self.blocks.len() * lines.len());
        for block in &self.blocks {
            let (from, to) = (self.start.apply(block.place), map.apply(block.place));
            let delta = [0, 1].map(|axis| (to[axis] - from[axis]) / TILE as f64);
            turned.extend(lines.iter().zip(&block.lines).map(|(line, q)| {
                q * unit(-(f64::from(line.wave.0) * delta[0] + f64::from(line.wave.1) * delta[1]))
            }));
        }
        turned
    }
}

/// The limited amplitudes of each line in each block, line after line.
struct Sums<'a> {
    view: &'a View,
    lines: &'a [Line],
    start: &'a LatticeMap,
    cuts: &'a [Vec<usize>; 2],
}

impl Wide for Sums<'_> {
    type Output = Vec<Complex<f32>>;

    #[inline(always)]
    fn run(self) -> Vec<Complex<f32>> {
        let Self { view, lines, start, cuts: [columns, rows] } = self;
        let (across_count, blocks) = (columns.len() - 1, (columns.len() - 1) * (rows.len() - 1));
        let mut sums = vec![Complex::<f32>::default(); lines.len() * blocks];
        let matrix = start.matrix();
        let origin = start.apply([view.area.left, view.area.top]);
        for (line, sums) in lines.iter().zip(sums.chunks_exact_mut(blocks)) {
            let (kx, ky) = (f64::from(line.wave.0) / TILE as f64, f64::from(line.wave.1) / TILE as f64);
            let turn = [0, 1].map(|axis| (matrix[0][axis] * kx + matrix[1][axis] * ky) * view.factor);
            let across = waves(view.plane.width(), turn[0], origin[0] * kx + origin[1] * ky);
            let down = waves(view.plane.height(), turn[1], 0.0);
            for (rows, sums) in rows.windows(2).zip(sums.chunks_exact_mut(across_count)) {
                for (sum, cut) in sums.iter_mut().zip(columns.windows(2)) {
                    *sum = self.block([cut[0], cut[1]], [rows[0], rows[1]], &across, &down);
                }
            }
            let usual = (sums.iter().map(Complex::norm_sqr).sum::<f32>() / sums.len() as f32).sqrt();
            let scale = if usual > 0.0 { 1.0 / usual } else { 0.0 };
            sums.iter_mut().for_each(|q| *q = limited(*q * line.phase.conj() * scale));
        }
        sums
    }
}

impl Sums<'_> {
    /// The amplitude of a wave in one block, columns and rows from and to: eight partial sums that are added up at its end.
    #[inline(always)]
    fn block(&self, columns: [usize; 2], rows: [usize; 2], across: &Waves, down: &Waves) -> Complex<f32> {
        let (mut re, mut im) = ([0.0_f32; LANES], [0.0_f32; LANES]);
        for y in rows[0]..rows[1] {
            let (a, b) = across.dot(&self.view.plane.row(y)[columns[0]..columns[1]], columns[0]);
            let (turn_re, turn_im) = (down.re[y], down.im[y]);
            for i in 0..LANES {
                re[i] += a[i] * turn_re - b[i] * turn_im;
                im[i] += a[i] * turn_im + b[i] * turn_re;
            }
        }
        Complex::new(re.iter().sum(), im.iter().sum())
    }
}

/// `length` cut into blocks of about `BLOCK`.
fn cuts(length: usize) -> Vec<usize> {
    let blocks = (length / BLOCK).max(1);
    (0..=blocks).map(|i| i * length / blocks).collect()
}

/// `e^{2 pi i turns}`; single precision is a hundred thousand times finer than any phase here.
pub(super) fn unit(turns: f64) -> Complex<f32> {
    let (sin, cos) = libm::sincosf((2.0 * std::f64::consts::PI * (turns - libm::floor(turns))) as f32);
    Complex::new(cos, sin)
}

/// `e^{-2 pi i (turn (n + 1/2) + start)}` for n in 0..`length`.
fn waves(length: usize, turn: f64, start: f64) -> Waves {
    let values = (0..length).map(|n| unit(-(turn * (n as f64 + 0.5) + start)));
    let (re, im) = values.map(|v| (v.re, v.im)).unzip();
    Waves { re, im }
}

/// Partial sums side by side.
const LANES: usize = 8;

/// Samples of a wave, real and imaginary parts apart so that sums over them run on whole vectors.
struct Waves {
    re: Vec<f32>,
    im: Vec<f32>,
}

impl Waves {
    /// The sums of `samples` times the wave from `first` on, real and imaginary.
    #[inline(always)]
    fn dot(&self, samples: &[f32], first: usize) -> ([f32; LANES], [f32; LANES]) {
        let (re, im) = (&self.re[first..][..samples.len()], &self.im[first..][..samples.len()]);
        (lanes(samples, re), lanes(samples, im))
    }
}

/// Products of the two, summed in `LANES` sums.
#[inline(always)]
fn lanes(a: &[f32], b: &[f32]) -> [f32; LANES] {
    let mut sums = [0.0_f32; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for i in 0..LANES {
            sums[i] += a[i] * b[i];
        }
    }
    for (sum, (a, b)) in sums.iter_mut().zip(a_rest.iter().zip(b_rest)) {
        *sum += a * b;
    }
    sums
}

fn limited(q: Complex<f32>) -> Complex<f32> {
    let size = q.norm();
    if size > LIMIT { q * (LIMIT / size) } else { q }
}
