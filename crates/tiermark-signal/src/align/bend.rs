//! What displacement is left, window by window; and a field that follows it.
//!
//! In each window least squares for a local gain and offset of the tones and a displacement in x and y, as in the solve for
//! the whole picture. Windows that overlap smoothly give the field; windows that do not tell how wrong a pose is: their
//! noise is independent, so the mean product of neighbours' displacements holds only what they share.

use super::agree::Blocks;
use super::level::Level;
use super::pose::{Bend, Pose};
use super::refine::Tone;
use crate::filter::gaussian;
use crate::{Plane, Size};

/// Sums of the products of (1, o, gx, gy) and with f: ten and four.
const SUMS: usize = 14;

/// Weighted sums over the cells of a level.
struct Cells {
    size: Size,
    sums: Vec<Plane>,
}

impl Cells {
    /// Cells of `side` px of the level; only blocks that are alike take part.
    fn of(level: &Level, pose: &Pose, tone: &Tone, side: usize) -> Self {
        let (found, warped) = (&level.found, level.warped(pose));
        let blocks = Blocks::compare(found, &warped, [0, 0]);
        let sign = blocks.sign();
        let size = Size { width: found.width().div_ceil(side), height: found.height().div_ceil(side) };
        let mut sums = vec![Plane::filled(size, 0.0); SUMS];
        for y in 0..found.height() {
            for x in 0..found.width() {
                if !blocks.alike_at(x, y, sign) {
                    continue;
                }
                let straight = pose.straight(level.place(x, y));
                let Some([o, gx, gy]) = level.sample(pose, straight) else { continue };
                let (slope, o) = (tone.slope(o), tone.at(o));
                let f = f64::from(found.at(x, y));
                // Strokes over the picture and cut blocks count little.
                let rest = (f - o) / OUTLIER;
                let weight = 1.0 / (1.0 + rest * rest);
                let row = [1.0, (o - 128.0) / 128.0, slope * gx, slope * gy];
                add(&mut sums, x / side, y / side, &row, f - o, weight);
            }
        }
        Self { size, sums }
    }

    fn smoothed(self, sigma: f32) -> Self {
        Self { sums: self.sums.iter().map(|plane| gaussian(plane, sigma)).collect(), ..self }
    }

    /// Displacement of a cell, px of the found picture, and its weight, which is 0.0 where there is too little to see.
    fn solved(&self, x: usize, y: usize) -> ([f64; 2], f64) {
        let sum = |i: usize| f64::from(self.sums[i].at(x, y));
        if sum(0) < 8.0 {
            return ([0.0; 2], 0.0);
        }
        let mut m = [[0.0; 5]; 4];
        let mut i = 0;
        for a in 0..4 {
            for b in a..4 {
                (m[a][b], m[b][a]) = (sum(i), sum(i));
                i += 1;
            }
            m[a][4] = sum(10 + a);
        }
        m[1][1] += 1e-3 * sum(0);
        // Half a code value for each found px, so that flats stay where they are.
        m[2][2] += 0.25 * sum(0);
        m[3][3] += 0.25 * sum(0);
        let weight = m[2][2].min(m[3][3]) / sum(0);
        let x = eliminated(m);
        let sane = x[2].is_finite() && x[3].is_finite() && weight > 1.0;
        if sane { ([x[2], x[3]], weight) } else { ([0.0; 2], 0.0) }
    }
}

fn add(sums: &mut [Plane], x: usize, y: usize, row: &[f64; 4], value: f64, weight: f64) {
    let mut i = 0;
    for a in 0..4 {
        for b in a..4 {
            sums[i].row_mut(y)[x] += (weight * row[a] * row[b]) as f32;
            i += 1;
        }
        sums[10 + a].row_mut(y)[x] += (weight * row[a] * value) as f32;
    }
}

/// The unknowns of four equations, the right side last, by elimination; not finite if there is no answer.
fn eliminated(mut m: [[f64; 5]; 4]) -> [f64; 4] {
    for i in 0..4 {
        for j in i + 1..4 {
            let share = m[j][i] / m[i][i];
            for k in i..5 {
                m[j][k] -= share * m[i][k];
            }
        }
    }
    let mut x = [0.0; 4];
    for i in (0..4).rev() {
        let known: f64 = (i + 1..4).map(|j| m[i][j] * x[j]).sum();
        x[i] = (m[i][4] - known) / m[i][i];
    }
    x
}

/// What is left of displacements.
#[derive(Clone, Copy, Debug)]
pub(super) struct Left {
    /// Rms of what neighbouring windows share, found px.
    pub(super) shared: f64,
    /// Rms error that the noise of the windows leaves in eight numbers fitted to all of them, found px.
    pub(super) noise: f64,
}

/// Displacements that a pose leaves, in windows of [`WINDOW`] px of the level.
pub(super) fn left(level: &Level, pose: &Pose, tone: &Tone) -> Left {
    let cells = Cells::of(level, pose, tone, WINDOW);
    let (mut shared, mut pairs) = (0.0, 0.0);
    let (mut power, mut count) = (0.0, 0.0);
    for y in 0..cells.size.height {
        for x in 0..cells.size.width {
            let (d, weight) = cells.solved(x, y);
            if weight == 0.0 {
                continue;
            }
            power += d[0] * d[0] + d[1] * d[1];
            count += 1.0;
            for (i, j) in [(x + 1, y), (x, y + 1)] {
                if i < cells.size.width && j < cells.size.height {
                    let (e, other) = cells.solved(i, j);
                    // One window that is wrong must not decide: each pair has a limited voice.
                    let w = weight.min(other).min(100.0);
                    shared += w * (d[0] * e[0] + d[1] * e[1]).clamp(-4.0, 4.0);
                    pairs += w;
                }
            }
        }
    }
    let shared = if pairs > 0.0 { (shared / pairs).max(0.0).sqrt() } else { 0.0 };
    let noise = if count > 0.0 { (4.0 * power / count / count.max(4.0)).sqrt() } else { 1.0 };
    Left { shared, noise }
}

/// One round: the pose with its field moved towards what `level` shows.
pub(super) fn followed(level: &Level, pose: &Pose, tone: &Tone, found: Size, side: usize) -> Pose {
    let factor = level.factor;
    let cells = Cells::of(level, pose, tone, side / factor);
    // Two boxes of 49 px are a bell of 20.
    let sigma = 20.0 * factor as f32 / side as f32;
    let cells = cells.smoothed(sigma);
    let size = Size { width: found.width.div_ceil(side), height: found.height.div_ceil(side) };
    let limit = factor as f64;
    let mut moves = [(); 3].map(|()| Plane::filled(size, 0.0));
    for y in 0..size.height.min(cells.size.height) {
        for x in 0..size.width.min(cells.size.width) {
            let ([dx, dy], weight) = cells.solved(x, y);
            let weight = weight.min(100.0);
            for (plane, v) in moves.iter_mut().zip([dx.clamp(-limit, limit), dy.clamp(-limit, limit), 1.0]) {
                plane.row_mut(y)[x] = (weight * v) as f32;
            }
        }
    }
    let [dx, dy, weight] = moves.map(|plane| gaussian(&plane, SMOOTH));
    let mean = |sum: &Plane| {
        let pairs = sum.samples().iter().zip(weight.samples());
        Plane::new(size, pairs.map(|(s, w)| s / (w + 0.1)).collect()).expect("one size")
    };
    let mut shift = [mean(&dx), mean(&dy)];
    if let Some(before) = &pose.bend {
        for (plane, old) in shift.iter_mut().zip(&before.shift) {
            plane.samples_mut().iter_mut().zip(old.samples()).for_each(|(v, o)| *v += o);
        }
    }
    Pose { bend: Some(Bend { side, shift }), ..pose.clone() }
}

/// Side of the windows that tell what is left, px of the level.
const WINDOW: usize = 64;
/// Difference at which a sample counts half, code values.
const OUTLIER: f64 = 16.0;
/// Smoothing of each round, cells.
const SMOOTH: f32 = 0.75;
