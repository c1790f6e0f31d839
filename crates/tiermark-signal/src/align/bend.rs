//! What displacement is left, window by window; and a field that follows it.
//!
//! In each window least squares for a local gain and offset of the tones and a displacement in x and y, as in the solve for
//! the whole picture. Windows that overlap smoothly give the field; windows that do not tell how wrong a pose is: their
//! noise is independent, so the mean product of neighbours' displacements holds only what they share.

use super::agree::{Blocks, Grain};
use super::level::Level;
use super::pose::{Bend, Pose};
use super::refine::Tone;
use crate::filter::gaussian;
use crate::{Plane, Size};

/// The upper triangle of four by four.
const PAIRS: [(usize, usize); 10] =
    [(0, 0), (0, 1), (0, 2), (0, 3), (1, 1), (1, 2), (1, 3), (2, 2), (2, 3), (3, 3)];
/// Sums of the products of (1, o, gx, gy) and with f: ten and four.
const SUMS: usize = 14;

/// Weighted sums over the cells of a level.
struct Cells {
    size: Size,
    sums: Vec<Plane>,
}

impl Cells {
    /// Cells of `side` px of the level, from every `stride`-th px; only blocks that are alike take part.
    fn of(level: &Level, pose: &Pose, tone: &Tone, side: usize, stride: usize, grain: Grain) -> Self {
        let (found, warped) = (&level.found, level.warped(pose));
        let blocks = Blocks::compare(found, &warped, [0, 0], grain);
        let sign = blocks.sign();
        let size = Size { width: found.width().div_ceil(side), height: found.height().div_ceil(side) };
        let mut sums = vec![Plane::filled(size, 0.0); SUMS];
        for y in (0..found.height()).step_by(stride) {
            for x in (0..found.width()).step_by(stride) {
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
        for (i, (a, b)) in PAIRS.into_iter().enumerate() {
            (m[a][b], m[b][a]) = (sum(i), sum(i));
        }
        m.iter_mut().enumerate().for_each(|(a, row)| row[4] = sum(10 + a));
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
    let products = PAIRS.into_iter().map(|(a, b)| row[a] * row[b]).chain(row.iter().map(|v| v * value));
    sums.iter_mut().zip(products).for_each(|(sum, v)| sum.row_mut(y)[x] += (weight * v) as f32);
}

/// The unknowns of four equations, the right side last, by elimination; not finite if there is no answer.
fn eliminated(mut m: [[f64; 5]; 4]) -> [f64; 4] {
    for i in 0..4 {
        for j in i + 1..4 {
            let share = m[j][i] / m[i][i];
            let above = m[i];
            m[j].iter_mut().zip(above).skip(i).for_each(|(v, a)| *v -= share * a);
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
pub(super) fn left(level: &Level, pose: &Pose, tone: &Tone, grain: Grain) -> Left {
    // Half the rows and columns of a large picture tell as much.
    let stride = if level.found.size().area() > 500_000 { 2 } else { 1 };
    let cells = Cells::of(level, pose, tone, WINDOW, stride, grain);
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
    let cells = Cells::of(level, pose, tone, side / factor, 1, Grain::COARSE);
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

#[cfg(test)]
mod tests {
    use super::super::sample::blobs;
    use super::super::{Alignment, Prepared, warp};
    use super::*;
    use crate::Homography;

    #[test]
    fn a_field_follows_a_wave_and_leaves_little() {
        let size = Size { width: 640, height: 480 };
        let picture = blobs(size, 900, 3);
        let cells = Size { width: 40, height: 30 };
        let wave = |x: usize, _: usize| 0.8 * libm::sinf(x as f32 * 0.2);
        let shift = [Plane::from_fn(cells, wave), Plane::from_fn(cells, |x, y| wave(y, x))];
        let truth =
            Alignment { bend: Some(Bend { side: 16, shift }), ..Alignment::exact(Homography::IDENTITY) };
        let (original, found) = (Prepared::new(&picture), Prepared::from(warp(&picture, &truth, size)));
        let mut pose = Pose::of(&Homography::IDENTITY, size).expect("it moves nothing");
        let level = Level::new(&original, &found, 1, &pose).expect("they overlap");
        let tone = Tone([128.0, 128.0, 0.0, 0.0]);
        let before = left(&level, &pose, &tone, Grain::COARSE);
        assert!((0.4..1.0).contains(&before.shared), "{before:?}");
        for _ in 0..4 {
            pose = followed(&level, &pose, &tone, size, 16);
        }
        let after = left(&level, &pose, &tone, Grain::COARSE);
        assert!(after.shared < 0.15 && after.shared < 0.3 * before.shared, "{after:?}");
    }

    #[test]
    fn four_equations_are_solved() {
        let m = [
            [4.0, 1.0, 0.0, 0.5, 1.0],
            [1.0, 3.0, 0.2, 0.0, 2.0],
            [0.0, 0.2, 2.0, 0.1, 3.0],
            [0.5, 0.0, 0.1, 5.0, 4.0],
        ];
        let x = eliminated(m);
        for row in m {
            let sum: f64 = row[..4].iter().zip(x).map(|(a, x)| a * x).sum();
            assert!((sum - row[4]).abs() < 1e-12);
        }
    }
}
