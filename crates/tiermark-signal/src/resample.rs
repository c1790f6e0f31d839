//! Planes on other grids: block means, and cubic samples between the pixels.

use crate::{Plane, Size, Wide, widest};

/// Means over blocks of `factor` by `factor` samples; a rest at the right and lower border is left out.
///
/// # Panics
/// If `factor` is zero or larger than a side.
pub fn block_mean(plane: &Plane, factor: usize) -> Plane {
    if factor == 1 {
        return plane.clone();
    }
    let size =
        Size::new(plane.width() / factor, plane.height() / factor).expect("a block fits into the plane");
    let share = 1.0 / (factor * factor) as f32;
    let mut mean = Plane::filled(size, 0.0);
    for y in 0..size.height {
        for j in 0..factor {
            let blocks = plane.row(y * factor + j).chunks_exact(factor);
            mean.row_mut(y)
                .iter_mut()
                .zip(blocks)
                .for_each(|(v, block)| *v += block.iter().sum::<f32>() * share);
        }
    }
    mean
}

/// Means over blocks of `factor` by `factor` samples; those at the right and lower border may be smaller.
///
/// # Panics
/// If `factor` is zero.
pub fn cell_mean(plane: &Plane, factor: usize) -> Plane {
    widest(CellMean { plane, factor })
}

struct CellMean<'a> {
    plane: &'a Plane,
    factor: usize,
}

impl Wide for CellMean<'_> {
    type Output = Plane;

    #[inline(always)]
    fn run(self) -> Plane {
        let Self { plane, factor } = self;
        let size = Size { width: plane.width().div_ceil(factor), height: plane.height().div_ceil(factor) };
        let mut mean = Plane::filled(size, 0.0);
        let mut sums = vec![0.0_f32; plane.width()];
        for y in 0..size.height {
            let rows = y * factor..((y + 1) * factor).min(plane.height());
            let count = rows.len();
            sums.fill(0.0);
            rows.for_each(|y| sums.iter_mut().zip(plane.row(y)).for_each(|(sum, v)| *sum += v));
            for (v, cell) in mean.row_mut(y).iter_mut().zip(sums.chunks(factor)) {
                *v = cell.iter().sum::<f32>() / (cell.len() * count) as f32;
            }
        }
        mean
    }
}

/// Means over cells of `factor` by `factor` samples, which need not be a whole number; a rest at the right and lower
/// border is left out.
///
/// # Panics
/// If `factor` is below 1.0 or larger than a side.
pub fn area_mean(plane: &Plane, factor: f64) -> Plane {
    assert!(factor >= 1.0, "cells are no smaller than samples");
    let cells = |length: usize| (length as f64 / factor) as usize;
    let size = Size::new(cells(plane.width()), cells(plane.height())).expect("a cell fits into the plane");
    let (columns, rows) =
        (covers(size.width, factor, plane.width()), covers(size.height, factor, plane.height()));
    let mut across = Plane::filled(Size { width: size.width, height: plane.height() }, 0.0);
    for (y, row) in plane.rows().enumerate() {
        for (v, cover) in across.row_mut(y).iter_mut().zip(&columns) {
            *v = row[cover.first..].iter().zip(&cover.shares).map(|(s, share)| s * share).sum();
        }
    }
    let mut mean = Plane::filled(size, 0.0);
    for (y, cover) in rows.iter().enumerate() {
        for (j, share) in cover.shares.iter().enumerate() {
            let row = across.row(cover.first + j);
            mean.row_mut(y).iter_mut().zip(row).for_each(|(v, s)| *v += share * s);
        }
    }
    mean
}

/// The samples under one cell, and the share that each has in its mean.
struct Cover {
    first: usize,
    shares: Vec<f32>,
}

fn covers(cells: usize, factor: f64, length: usize) -> Vec<Cover> {
    let cover = |i: usize| {
        let (from, to) = (i as f64 * factor, (i + 1) as f64 * factor);
        let last = (to.ceil() as usize).min(length);
        let first = from as usize;
        let share = |n: usize| (((n + 1) as f64).min(to) - (n as f64).max(from)) / factor;
        Cover { first, shares: (first..last).map(|n| share(n).max(0.0) as f32).collect() }
    };
    (0..cells).map(cover).collect()
}

/// The sample at (`x`, `y`), pixel centres at whole numbers, by Catmull-Rom interpolation.
///
/// Outside, the border is repeated. Keys, "Cubic convolution interpolation", IEEE ASSP 29(6), 1981, a = -1/2.
#[inline(always)]
pub fn cubic(plane: &Plane, x: f32, y: f32) -> f32 {
    // Further out nothing changes, and whole numbers could not hold it.
    let (x, y) = (x.clamp(-4.0, plane.width() as f32 + 4.0), y.clamp(-4.0, plane.height() as f32 + 4.0));
    let (x0, y0) = (x.floor(), y.floor());
    let (across, down) = (cubic_weights(x - x0), cubic_weights(y - y0));
    let (x0, y0) = (x0 as isize - 1, y0 as isize - 1);
    let inside = x0 >= 0 && y0 >= 0 && x0 + 4 <= plane.width() as isize && y0 + 4 <= plane.height() as isize;
    let column = |i: usize| (x0 + i as isize).clamp(0, plane.width() as isize - 1) as usize;
    // Down first, four columns side by side; then across, once.
    let mut columns = [0.0_f32; 4];
    for (j, weight) in down.iter().enumerate() {
        let row = plane.row((y0 + j as isize).clamp(0, plane.height() as isize - 1) as usize);
        if inside {
            let four = &row[x0 as usize..][..4];
            for k in 0..4 {
                columns[k] += weight * four[k];
            }
        } else {
            for k in 0..4 {
                columns[k] += weight * row[column(k)];
            }
        }
    }
    let [a, b, c, d] = columns;
    (a * across[0] + b * across[1]) + (c * across[2] + d * across[3])
}

/// The samples at several places, bit for bit those of [`cubic`]: side by side where all of them lie inside the plane, of
/// fewer than 2^31 samples.
#[inline(always)]
pub fn cubics<const N: usize>(plane: &Plane, xs: &[f32; N], ys: &[f32; N]) -> [f32; N] {
    // One before and two behind; and no numbers that are none. Loops, not closures: only what is inlined runs on wide vectors.
    let (right, bottom) = (plane.width() as f32 - 2.0, plane.height() as f32 - 2.0);
    let mut inside = true;
    for i in 0..N {
        inside &= (xs[i] >= 1.0) & (xs[i] < right) & (ys[i] >= 1.0) & (ys[i] < bottom);
    }
    let mut values = [0.0; N];
    if !inside {
        for i in 0..N {
            values[i] = cubic(plane, xs[i], ys[i]);
        }
        return values;
    }
    let (width, samples) = (plane.width(), plane.samples());
    let (mut across, mut down, mut first) = ([[0.0; N]; 4], [[0.0; N]; 4], [0_i32; N]);
    for i in 0..N {
        let (x0, y0) = (xs[i].floor(), ys[i].floor());
        let (x_weights, y_weights) = (cubic_weights(xs[i] - x0), cubic_weights(ys[i] - y0));
        for j in 0..4 {
            (across[j][i], down[j][i]) = (x_weights[j], y_weights[j]);
        }
        first[i] = (y0 as i32 - 1) * width as i32 + x0 as i32 - 1;
    }
    let mut columns = [[0.0; 4]; N];
    for i in 0..N {
        let above = &samples[first[i] as usize..][..3 * width + 4];
        for j in 0..4 {
            let row = &above[j * width..][..4];
            for k in 0..4 {
                columns[i][k] += down[j][i] * row[k];
            }
        }
    }
    for i in 0..N {
        let [a, b, c, d] = columns[i];
        values[i] = (a * across[0][i] + b * across[1][i]) + (c * across[2][i] + d * across[3][i]);
    }
    values
}

/// Weights of the four neighbours at -1, 0, 1, 2 for a place `t` in 0.0..1.0 between the middle two.
#[inline(always)]
pub fn cubic_weights(t: f32) -> [f32; 4] {
    let (t2, t3) = (t * t, t * t * t);
    [
        0.5 * (-t3 + 2.0 * t2 - t),
        0.5 * (3.0 * t3 - 5.0 * t2 + 2.0),
        0.5 * (-3.0 * t3 + 4.0 * t2 + t),
        0.5 * (t3 - t2),
    ]
}

/// A coarse plane read at the places of a fine one: row after row, straight lines between block centres.
///
/// For maps that vary slowly (masks, headroom) this is all the precision there is.
pub struct Blocks<'a> {
    coarse: &'a Plane,
    factor: usize,
    /// For each fine column, the block to its left and its share of the way to the next.
    columns: Vec<(u32, f32)>,
    /// Two rows of blocks at all fine columns: fine rows that follow on each other lie between the same two.
    stretched: [Stretched; 2],
}

/// One row of blocks at all fine columns.
struct Stretched {
    row: Option<usize>,
    values: Vec<f32>,
}

impl<'a> Blocks<'a> {
    /// `coarse` holds one value for each block of `factor` by `factor` samples of a plane `width` wide.
    pub fn new(coarse: &'a Plane, factor: usize, width: usize) -> Self {
        let column = |x: usize| {
            let (left, share) = between(x, factor, coarse.width());
            (left as u32, share)
        };
        let stretched = [(); 2].map(|()| Stretched { row: None, values: vec![0.0; width] });
        Self { coarse, factor, columns: (0..width).map(column).collect(), stretched }
    }

    /// Write the values at fine row `y` to `row`; quickest from the top down.
    #[inline(always)]
    pub fn row(&mut self, y: usize, row: &mut [f32]) {
        let (upper, t) = between(y, self.factor, self.coarse.height());
        let lower = (upper + 1).min(self.coarse.height() - 1);
        if self.stretched[1].row == Some(upper) {
            self.stretched.swap(0, 1);
        }
        for (stretched, block) in self.stretched.iter_mut().zip([upper, lower]) {
            if stretched.row != Some(block) {
                stretched.row = Some(block);
                stretch(self.coarse.row(block), &self.columns, &mut stretched.values);
            }
        }
        let [upper, lower] = &self.stretched;
        for (v, (a, b)) in row.iter_mut().zip(upper.values.iter().zip(&lower.values)) {
            *v = a + t * (b - a);
        }
    }
}

/// A row of blocks at all fine columns; the last block goes on behind itself.
#[inline(always)]
fn stretch(blocks: &[f32], columns: &[(u32, f32)], values: &mut [f32]) {
    let last = blocks.len() - 1;
    for (v, &(x, t)) in values.iter_mut().zip(columns) {
        let (a, b) = (blocks[x as usize], blocks[(x as usize + 1).min(last)]);
        *v = a + t * (b - a);
    }
}

/// The block left of fine place `i`, and how far the place lies towards the next block.
fn between(i: usize, factor: usize, blocks: usize) -> (usize, f32) {
    let place = ((i as f32 + 0.5) / factor as f32 - 0.5).clamp(0.0, (blocks - 1) as f32);
    (place as usize, place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_of_any_size_take_the_mean_of_what_they_cover() {
        let plane = Plane::from_fn(Size { width: 31, height: 17 }, |x, y| (3 * x + 5 * y) as f32);
        assert_eq!(area_mean(&plane, 1.0), plane);
        let whole = area_mean(&plane, 2.0);
        let blocks = block_mean(&plane, 2);
        whole.samples().iter().zip(blocks.samples()).for_each(|(a, b)| assert!((a - b).abs() < 1e-4));
        // On a slope, a mean over a cell is the value at its centre.
        let cells = area_mean(&plane, 2.5);
        assert_eq!(cells.size(), Size { width: 12, height: 6 });
        for (x, y) in [(0, 0), (7, 3), (11, 5)] {
            let centre = |i: usize| (i as f32 + 0.5) * 2.5 - 0.5;
            // The ends of a cell are cut samples, which count whole in place: off by less than an eighth of the slope.
            let want = 3.0 * centre(x) + 5.0 * centre(y);
            assert!((cells.at(x, y) - want).abs() < 1.0, "{x},{y}: {} {want}", cells.at(x, y));
        }
    }

    #[test]
    fn block_means_leave_the_rest_out() {
        let plane = Plane::from_fn(Size { width: 5, height: 4 }, |x, y| (x + 10 * y) as f32);
        let mean = block_mean(&plane, 2);
        assert_eq!(mean.size(), Size { width: 2, height: 2 });
        assert_eq!(mean.samples(), [5.5, 7.5, 25.5, 27.5]);
    }

    #[test]
    fn cubic_is_exact_on_straight_ramps_and_at_pixels() {
        let plane = Plane::from_fn(Size { width: 9, height: 7 }, |x, y| 2.0 * x as f32 - 3.0 * y as f32);
        for (x, y) in [(3.25_f32, 2.5_f32), (4.0, 3.0), (1.75, 4.125)] {
            assert!((cubic(&plane, x, y) - (2.0 * x - 3.0 * y)).abs() < 1e-5, "{x},{y}");
        }
        for (x, y, border) in
            [(-4.0, 0.0, 0.0), (-1e30, 0.0, 0.0), (f32::INFINITY, 3.0, 7.0), (4.0, 1e30, -10.0)]
        {
            assert_eq!(cubic(&plane, x, y), border, "{x},{y}: the border is repeated");
        }
        assert!(cubic(&plane, f32::NAN, 0.0).is_nan());
    }

    #[test]
    fn side_by_side_they_are_the_same_bits() {
        let plane =
            Plane::from_fn(Size { width: 19, height: 11 }, |x, y| ((x * 7 + y * 13) % 11) as f32 * 0.731);
        for left in [-2.0_f32, 1.0, 4.3, 14.6, -1e30, f32::NAN] {
            let xs: [f32; 8] = std::array::from_fn(|i| left + 0.31 * i as f32);
            let ys: [f32; 8] = std::array::from_fn(|i| 1.0 + 0.97 * i as f32);
            let want = std::array::from_fn(|i| cubic(&plane, xs[i], ys[i]).to_bits());
            assert_eq!(cubics(&plane, &xs, &ys).map(f32::to_bits), want, "from {left}");
        }
    }

    #[test]
    fn blocks_keep_a_ramp() {
        let coarse = Plane::from_fn(Size { width: 4, height: 3 }, |x, y| (x * 3 + y * 6) as f32);
        let mut blocks = Blocks::new(&coarse, 3, 13);
        let mut row = [0.0; 13];
        blocks.row(4, &mut row);
        // Fine place 4 is the centre of block 1 in both directions.
        assert_eq!((row[4], row[5], row[12]), (9.0, 10.0, 15.0));
    }
}
