//! From found pixels to the nodes of the original's cells.

use tiermark_signal::whiten::whitened;
use tiermark_signal::{Plane, Size, Wide, widest};

use super::Laid;
use super::residual::Part;
use crate::carrier::CellGrid;
use crate::layout::NODE;

/// What is left at each node, and how much is known there.
pub(super) struct Nodes {
    /// Sum of weight times slope times what is left.
    pub(super) sum: Plane,
    /// Sum of weight times slope squared: inverse variance of the mark's amplitude.
    pub(super) weight: Plane,
}

impl Nodes {
    /// Spread what is left over the nodes around each found pixel.
    pub(super) fn spread(part: &Part, laid: &Laid<'_>, grid: &CellGrid) -> Self {
        let empty = || Plane::filled(grid.nodes, 0.0);
        let mut nodes = Self { sum: empty(), weight: empty() };
        let to_nodes = 1.0 / (grid.scale * NODE);
        let reach = pixel_in_nodes(laid, part.left.size(), to_nodes).max(1.0);
        widest(Spread { part, laid, to_nodes, reach, nodes: &mut nodes });
        nodes
    }

    /// The nodes weighed by how strong a mark is at each, where the noise is white already.
    pub(super) fn grown(self, growth: &Plane) -> Plane {
        let mut sum = self.sum;
        sum.samples_mut().iter_mut().zip(growth.samples()).for_each(|(v, growth)| *v *= growth);
        sum
    }

    /// The nodes matched to a mark: in units of noise, that noise made white, and weighed by how strong the mark is and how much
    /// is known of it at each place.
    pub(super) fn matched(self, growth: &Plane) -> Plane {
        let Self { sum, weight } = self;
        let root = weight.map(f32::sqrt);
        let mut unit = sum;
        unit.samples_mut()
            .iter_mut()
            .zip(root.samples())
            .for_each(|(v, w)| *v = if *w > 0.0 { *v / w } else { 0.0 });
        let mut white = whitened(&unit);
        let strength = root.samples().iter().zip(growth.samples());
        white.samples_mut().iter_mut().zip(strength).for_each(|(v, (w, growth))| *v *= w * growth);
        white
    }
}

/// Distance of neighbouring found pixels at the picture's middle, nodes.
fn pixel_in_nodes(laid: &Laid<'_>, size: Size, to_nodes: f64) -> f64 {
    let middle = [size.width as f64 / 2.0, size.height as f64 / 2.0];
    let here = (laid.place)(middle);
    let beside = [[1.0, 0.0], [0.0, 1.0]].map(|[dx, dy]| {
        let there = (laid.place)([middle[0] + dx, middle[1] + dy]);
        libm::hypot(there[0] - here[0], there[1] - here[1]) * to_nodes
    });
    let longest = beside[0].max(beside[1]);
    // Whatever a hostile map does, a pixel reaches no further than this.
    const FURTHEST: f64 = 24.0;
    if longest.is_finite() { longest.min(FURTHEST) } else { 1.0 }
}

struct Spread<'a> {
    part: &'a Part,
    laid: &'a Laid<'a>,
    to_nodes: f64,
    reach: f64,
    nodes: &'a mut Nodes,
}

impl Wide for Spread<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { part, laid, to_nodes, reach, nodes } = self;
        let size = part.left.size();
        for y in 0..size.height {
            let (left, weight, slope) = (part.left.row(y), part.weight.row(y), part.slope.row(y));
            for x in 0..size.width {
                if weight[x] <= 0.0 {
                    continue;
                }
                let place = (laid.place)([x as f64, y as f64]);
                // The border lies half a pixel outside of the first centre, and the first node one before the border.
                let [u, v] = place.map(|at| (at + 0.5) * to_nodes + 1.0);
                let sloped = weight[x] * slope[x];
                add(nodes, [u, v], reach, sloped * left[x], sloped * slope[x]);
            }
        }
    }
}

/// Add to the nodes around (u, v), by a pyramid that reaches so far to each side.
#[inline(always)]
fn add(nodes: &mut Nodes, [u, v]: [f64; 2], reach: f64, sum: f32, weight: f32) {
    let size = nodes.sum.size();
    let span = |at: f64, length: usize| {
        let from = libm::ceil(at - reach).max(0.0) as usize;
        let to = (libm::floor(at + reach) as i64).min(length as i64 - 1);
        (from, to)
    };
    let ((left, right), (top, bottom)) = (span(u, size.width), span(v, size.height));
    let share = |at: f64, node: i64| (1.0 - (at - node as f64).abs() / reach).max(0.0) as f32;
    for row in top as i64..=bottom {
        let down = share(v, row) / reach as f32;
        let sums = nodes.sum.row_mut(row as usize);
        for column in left as i64..=right {
            sums[column as usize] += down * share(u, column) / reach as f32 * sum;
        }
        let weights = nodes.weight.row_mut(row as usize);
        for column in left as i64..=right {
            weights[column as usize] += down * share(u, column) / reach as f32 * weight;
        }
    }
}

/// A plane of the original at its nodes.
pub(super) fn at_nodes(plane: &Plane, grid: &CellGrid) -> Plane {
    let pixel = |node: usize, length: usize| {
        let place = (node as f64 - 1.0) * NODE * grid.scale - 0.5;
        libm::round(place).clamp(0.0, (length - 1) as f64) as usize
    };
    let columns: Vec<usize> = (0..grid.nodes.width).map(|node| pixel(node, plane.width())).collect();
    let rows: Vec<usize> = (0..grid.nodes.height).map(|node| pixel(node, plane.height())).collect();
    Plane::from_fn(grid.nodes, |x, y| plane.at(columns[x], rows[y]))
}
