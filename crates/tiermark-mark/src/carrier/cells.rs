//! The closed set: for each recipient of a content a pattern of its own, which only the original brings to light.
//!
//! Cells of +1 and -1 in three sizes of luma and two of each colour difference, independent and even: what a detector that
//! knows neither key nor recipient makes of a picture is a fixed number to each cell, and a recipient's score a sum of
//! independent signs (`docs/spec/mark-v1.md`, "The closed set").

use tiermark_signal::resample::{cubic, cubic_weights};
use tiermark_signal::{Plane, Size, Wide, widest};

use crate::key::MarkKey;
use crate::layout::{CELL_PLANES, CellPlane, Component, NODE, pixels_per_ref};

/// Cells that lie outside of the picture on each side and reach into it.
const MARGIN: usize = 2;

/// Where nodes and cells lie, for pictures of one size.
pub(crate) struct CellGrid {
    /// Columns and rows of nodes; the first lies [`NODE`] ref px before the border.
    pub(crate) nodes: Size,
    /// Image pixels for each ref px.
    pub(crate) scale: f64,
    planes: [PlaneGrid; CELL_PLANES.len()],
}

/// The cells of one plane, and what of them reaches each node.
struct PlaneGrid {
    cells: Size,
    across: Vec<Taps>,
    down: Vec<Taps>,
}

/// Four neighbours in a row, and their weights.
#[derive(Clone, Copy)]
struct Taps {
    first: usize,
    weights: [f32; 4],
}

impl CellGrid {
    /// The grid for a picture of this size.
    pub(crate) fn of(size: Size) -> Self {
        let scale = pixels_per_ref(size);
        let nodes = |length: usize| (length as f64 / scale / NODE) as usize + 4;
        let nodes = Size { width: nodes(size.width), height: nodes(size.height) };
        Self { nodes, scale, planes: CELL_PLANES.map(|plane| PlaneGrid::of(&plane, nodes)) }
    }

    /// Cells of plane `p`.
    pub(crate) fn cells(&self, p: usize) -> usize {
        self.planes[p].cells.area()
    }

    /// What `nodes` says of each cell of plane `p`: the adjoint of [`CellGrid::pattern`].
    pub(crate) fn gather(&self, p: usize, nodes: &Plane) -> Vec<f32> {
        widest(Gather { grid: &self.planes[p], nodes })
    }

    /// The pattern of one component under `key` at the nodes, of unit power.
    fn pattern(&self, component: Component, key: &MarkKey) -> Plane {
        let mut pattern = Plane::filled(self.nodes, 0.0);
        for (p, plane) in CELL_PLANES.iter().enumerate().filter(|(_, plane)| plane.component == component) {
            let signs = unpacked(&cell_bits(key, p, self.cells(p)), self.cells(p));
            let amplitude = plane.share.sqrt() / INTERPOLATED;
            widest(Spread { grid: &self.planes[p], signs: &signs, amplitude, pattern: &mut pattern });
        }
        pattern
    }
}

/// Standard deviation of signs read between their places by cubic interpolation, in both directions: the mean of the squared
/// weights over all places, 57/70 in each.
const INTERPOLATED: f32 = 57.0 / 70.0;

impl PlaneGrid {
    fn of(plane: &CellPlane, nodes: Size) -> Self {
        let axis = |count: usize| -> Vec<Taps> {
            let tap = |j: usize| {
                let place = NODE * (j as f64 - 1.0) / plane.side - 0.5;
                let base = libm::floor(place);
                let first = (base as i64 - 1 + MARGIN as i64) as usize;
                Taps { first, weights: cubic_weights((place - base) as f32) }
            };
            (0..count).map(tap).collect()
        };
        let (across, down) = (axis(nodes.width), axis(nodes.height));
        let count = |taps: &[Taps]| taps.last().map_or(0, |tap| tap.first + 4);
        Self { cells: Size { width: count(&across), height: count(&down) }, across, down }
    }
}

/// Signs spread over the nodes, added to a pattern.
struct Spread<'a> {
    grid: &'a PlaneGrid,
    signs: &'a [f32],
    amplitude: f32,
    pattern: &'a mut Plane,
}

impl Wide for Spread<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { grid, signs, amplitude, pattern } = self;
        let width = grid.cells.width;
        let mut row = vec![0.0; width];
        for (y, Taps { first, weights }) in grid.down.iter().enumerate() {
            row.fill(0.0);
            for (j, weight) in weights.iter().enumerate() {
                let cells = &signs[(first + j) * width..][..width];
                row.iter_mut().zip(cells).for_each(|(v, s)| *v += amplitude * weight * s);
            }
            for (v, Taps { first, weights: [a, b, c, d] }) in pattern.row_mut(y).iter_mut().zip(&grid.across)
            {
                let around = &row[*first..][..4];
                *v += a * around[0] + b * around[1] + c * around[2] + d * around[3];
            }
        }
    }
}

/// Nodes gathered into cells.
struct Gather<'a> {
    grid: &'a PlaneGrid,
    nodes: &'a Plane,
}

impl Wide for Gather<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn run(self) -> Vec<f32> {
        let Self { grid, nodes } = self;
        let width = grid.cells.width;
        let mut cells = vec![0.0; grid.cells.area()];
        let mut row = vec![0.0; width];
        for (y, Taps { first, weights }) in grid.down.iter().enumerate() {
            row.fill(0.0);
            for (v, tap) in nodes.row(y).iter().zip(&grid.across) {
                let around = &mut row[tap.first..][..4];
                around.iter_mut().zip(tap.weights).for_each(|(sum, weight)| *sum += weight * v);
            }
            for (j, weight) in weights.iter().enumerate() {
                let sums = &mut cells[(first + j) * width..][..width];
                sums.iter_mut().zip(&row).for_each(|(sum, v)| *sum += weight * v);
            }
        }
        cells
    }
}

/// The signs of the cells of plane `p`, 32 to a word: a set bit is -1.
pub(crate) fn cell_bits(key: &MarkKey, p: usize, cells: usize) -> Vec<u32> {
    key.stream("cells", &[p as u8]).words(cells.div_ceil(32))
}

fn unpacked(words: &[u32], cells: usize) -> Vec<f32> {
    (0..cells).map(|i| if words[i / 32] >> (i % 32) & 1 == 0 { 1.0 } else { -1.0 }).collect()
}

/// The pattern of one recipient on one content, ready to be laid on a picture.
pub(crate) struct ClosedPattern {
    luma: Plane,
    /// Cb and Cr.
    chroma: Option<[Plane; 2]>,
}

impl ClosedPattern {
    /// The pattern under `key` for a picture of this size, with colour differences where `coloured`.
    pub(crate) fn new(key: &MarkKey, size: Size, coloured: bool) -> Self {
        let grid = CellGrid::of(size);
        let chroma = coloured.then(|| [Component::Cb, Component::Cr].map(|c| grid.pattern(c, key)));
        Self { luma: grid.pattern(Component::Luma, key), chroma }
    }

    /// The luma pattern alone, on this grid.
    pub(crate) fn on(key: &MarkKey, grid: &CellGrid) -> Self {
        Self { luma: grid.pattern(Component::Luma, key), chroma: None }
    }

    /// The luma pattern at all nodes.
    pub(crate) fn nodes(&self) -> &Plane {
        &self.luma
    }

    /// The luma pattern at a place of the picture, px; the border goes on outside.
    pub(crate) fn luma_at(&self, place: [f64; 2], grid: &CellGrid) -> f32 {
        let [u, v] = place.map(|at| ((at + 0.5) / grid.scale / NODE + 1.0) as f32);
        cubic(&self.luma, u, v)
    }

    /// A reader of the pattern at the pixels of a picture, row after row; `columns` are the places of its pixels, ref px from
    /// the left border.
    pub(crate) fn rows(&self, columns: impl Iterator<Item = f64>) -> ClosedRows<'_> {
        let taps: Vec<_> = columns.map(node_taps).collect();
        let stretched =
            |nodes| NodeRows { nodes, first: None, rows: [(); 4].map(|()| vec![0.0; taps.len()]) };
        let chroma = self.chroma.as_ref().map(|chroma| chroma.each_ref().map(stretched));
        ClosedRows { luma: stretched(&self.luma), chroma, taps }
    }
}

/// The pattern of the closed set along the rows of a picture.
pub(crate) struct ClosedRows<'a> {
    luma: NodeRows<'a>,
    chroma: Option<[NodeRows<'a>; 2]>,
    /// Of each pixel column: the first of the four nodes around it, and their weights.
    taps: Vec<(usize, [f32; 4])>,
}

impl ClosedRows<'_> {
    /// Whether there are colour differences.
    pub(crate) fn is_tinted(&self) -> bool {
        self.chroma.is_some()
    }

    /// The pattern along height `y` ref px from the upper border, and its colour differences where there are any.
    #[inline(always)]
    pub(crate) fn read(&mut self, y: f64, luma: &mut [f32], tints: &mut [Vec<f32>; 2]) {
        let (first, weights) = node_taps(y);
        self.luma.read((first, weights), &self.taps, luma);
        for (rows, tint) in self.chroma.iter_mut().flatten().zip(tints) {
            rows.read((first, weights), &self.taps, tint);
        }
    }
}

/// Four rows of nodes at all pixel columns: pixel rows that follow on each other lie between the same four.
struct NodeRows<'a> {
    nodes: &'a Plane,
    /// The row of nodes that the first of `rows` is.
    first: Option<usize>,
    rows: [Vec<f32>; 4],
}

impl NodeRows<'_> {
    #[inline(always)]
    fn read(&mut self, (first, weights): (usize, [f32; 4]), taps: &[(usize, [f32; 4])], row: &mut [f32]) {
        self.reach(first, taps);
        let n = row.len();
        let [a, b, c, d] = self.rows.each_ref().map(|row| &row[..n]);
        for (x, v) in row.iter_mut().enumerate() {
            *v = weights[0] * a[x] + weights[1] * b[x] + weights[2] * c[x] + weights[3] * d[x];
        }
    }

    /// Get the four rows from `first` on ready, most of which are there.
    #[inline(always)]
    fn reach(&mut self, first: usize, taps: &[(usize, [f32; 4])]) {
        let there = self.first.and_then(|before| first.checked_sub(before)).filter(|&new| new < 4);
        let new = there.unwrap_or(4);
        self.rows.rotate_left(new % 4);
        for (j, row) in self.rows.iter_mut().enumerate().skip(4 - new) {
            let nodes = self.nodes.row(first + j);
            for (v, (x, [a, b, c, d])) in row.iter_mut().zip(taps) {
                let around = &nodes[*x..][..4];
                *v = a * around[0] + b * around[1] + c * around[2] + d * around[3];
            }
        }
        self.first = Some(first);
    }
}

/// The first of the four nodes around a place, ref px from the border, and their weights.
#[inline(always)]
fn node_taps(place: f64) -> (usize, [f32; 4]) {
    let place = place / NODE;
    let base = libm::floor(place);
    (base as usize, cubic_weights((place - base) as f32))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { width: 960, height: 540 };

    fn key(byte: u8) -> MarkKey {
        MarkKey::new([byte; 32])
    }

    #[test]
    fn patterns_have_unit_power_and_belong_to_their_key() {
        let grid = CellGrid::of(SIZE);
        let (one, other) = (grid.pattern(Component::Luma, &key(1)), grid.pattern(Component::Luma, &key(2)));
        let product = |a: &Plane, b: &Plane| -> f64 {
            let sum: f64 = a.samples().iter().zip(b.samples()).map(|(a, b)| f64::from(a * b)).sum();
            sum / a.size().area() as f64
        };
        assert!((product(&one, &one) - 1.0).abs() < 0.02, "{}", product(&one, &one));
        // The coarsest cells number 80 x 45, and each holds a third of the power: 5 / sqrt(3 * 3600) is five deviations.
        assert!(product(&one, &other).abs() < 0.05, "{}", product(&one, &other));
        assert_eq!(one, grid.pattern(Component::Luma, &key(1)));
    }

    #[test]
    fn gathering_is_the_adjoint_of_spreading() {
        let grid = CellGrid::of(SIZE);
        let nodes = Plane::from_fn(grid.nodes, |x, y| ((x * 37 + y * 101) % 23) as f32 - 11.0);
        for (p, plane) in CELL_PLANES.iter().enumerate() {
            let signs = unpacked(&cell_bits(&key(3), p, grid.cells(p)), grid.cells(p));
            let mut spread = Plane::filled(grid.nodes, 0.0);
            widest(Spread { grid: &grid.planes[p], signs: &signs, amplitude: 1.0, pattern: &mut spread });
            let there: f64 =
                spread.samples().iter().zip(nodes.samples()).map(|(a, b)| f64::from(a * b)).sum();
            let back: f64 = grid.gather(p, &nodes).iter().zip(&signs).map(|(g, s)| f64::from(g * s)).sum();
            assert!((there - back).abs() < 1e-3 * there.abs().max(1e3), "{}: {there} {back}", plane.side);
        }
    }

    #[test]
    fn a_proxy_carries_the_same_cells() {
        let count =
            |width, height| (0..7).map(|p| CellGrid::of(Size { width, height }).cells(p)).collect::<Vec<_>>();
        assert_eq!(count(1280, 720), count(3840, 2160));
        assert_eq!(count(1280, 720)[0], 325 * 185, "320 by 180, and what reaches in on each side");
    }
}
