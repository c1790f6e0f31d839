//! From found pixels to the nodes of the original's cells.

use tiermark_signal::align::row_places;
use tiermark_signal::whiten::whitened;
use tiermark_signal::{Plane, Size, Wide, widest};

use super::Laid;
use super::residual::Part;
use crate::carrier::CellGrid;
use crate::layout::NODE;

/// Whatever a hostile map does, a pixel reaches no further than so many nodes.
const FURTHEST: usize = 24;
const MOST: usize = 2 * FURTHEST + 1;

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
        let to_nodes = 1.0 / (grid.scale * NODE);
        let reach = pixel_in_nodes(laid, part.left.size(), to_nodes).max(1.0);
        let mut both = vec![[0.0; 2]; grid.nodes.area()];
        let size = grid.nodes;
        // Most pixels reach no further than the nodes beside them.
        match reach {
            ..=1.0 => widest(Spread::<3> { part, laid, to_nodes, reach, size, both: &mut both }),
            ..=2.0 => widest(Spread::<5> { part, laid, to_nodes, reach, size, both: &mut both }),
            _ => widest(Spread::<MOST> { part, laid, to_nodes, reach, size, both: &mut both }),
        }
        let plane = |i: usize| {
            Plane::new(grid.nodes, both.iter().map(|both| both[i]).collect()).expect("one for each node")
        };
        Self { sum: plane(0), weight: plane(1) }
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
    if longest.is_finite() { longest.min(FURTHEST as f64) } else { 1.0 }
}

/// Pixels that reach `N` nodes at most.
struct Spread<'a, const N: usize> {
    part: &'a Part,
    laid: &'a Laid<'a>,
    to_nodes: f64,
    reach: f64,
    size: Size,
    /// Sum and weight of each node side by side.
    both: &'a mut [[f32; 2]],
}

impl<const N: usize> Wide for Spread<'_, N> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { part, laid, to_nodes, reach, size: nodes, both } = self;
        let size = part.left.size();
        let mut places = vec![[0.0; 2]; size.width];
        for y in 0..size.height {
            let (left, weight, slope) = (part.left.row(y), part.weight.row(y), part.slope.row(y));
            row_places(laid.place, y, &mut places);
            for (x, place) in places.iter().enumerate() {
                if weight[x] <= 0.0 || !place.iter().all(|v| v.is_finite()) {
                    continue;
                }
                // The border lies half a pixel outside of the first centre, and the first node one before the border.
                let [u, v] = place.map(|at| (at + 0.5) * to_nodes + 1.0);
                let sloped = weight[x] * slope[x];
                let add = [sloped * left[x], sloped * slope[x]];
                add_around(
                    both,
                    nodes,
                    [Share::<N>::of(u, reach, nodes.width), Share::of(v, reach, nodes.height)],
                    add,
                );
            }
        }
    }
}

/// The nodes of one axis that a pixel has a share in.
struct Share<const N: usize> {
    from: usize,
    count: usize,
    shares: [f32; N],
}

impl<const N: usize> Share<N> {
    /// By a tent about `at` that reaches so far to each side.
    #[inline(always)]
    fn of(at: f64, reach: f64, length: usize) -> Self {
        let from = (at - reach).ceil().clamp(0.0, length as f64) as usize;
        let to = (at + reach).floor().clamp(-1.0, length as f64 - 1.0) as i64;
        let count = ((to - from as i64 + 1).max(0) as usize).min(N);
        let mut shares = [0.0; N];
        for (i, share) in shares[..count].iter_mut().enumerate() {
            *share = ((1.0 - (at - (from + i) as f64).abs() / reach).max(0.0) / reach) as f32;
        }
        Self { from, count, shares }
    }
}

/// Add to the nodes around, by the product of both shares.
#[inline(always)]
fn add_around<const N: usize>(
    both: &mut [[f32; 2]],
    nodes: Size,
    [across, down]: [Share<N>; 2],
    [sum, weight]: [f32; 2],
) {
    // Beside all nodes a share begins nowhere.
    if across.count == 0 {
        return;
    }
    for (row, down) in down.shares[..down.count].iter().enumerate().map(|(j, share)| (down.from + j, share)) {
        let (sum, weight) = (down * sum, down * weight);
        let row = &mut both[row * nodes.width + across.from..][..across.count];
        for (node, share) in row.iter_mut().zip(&across.shares) {
            node[0] += share * sum;
            node[1] += share * weight;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_have_their_shares_and_none_beyond_the_nodes() {
        let nodes = Size { width: 6, height: 4 };
        let added = |u: f64, v: f64| {
            let mut both = vec![[0.0; 2]; nodes.area()];
            let shares = [Share::<3>::of(u, 1.0, nodes.width), Share::of(v, 1.0, nodes.height)];
            add_around(&mut both, nodes, shares, [1.0, 2.0]);
            both
        };
        let inside = added(2.25, 1.0);
        assert_eq!((inside[8], inside[9]), ([0.75, 1.5], [0.25, 0.5]));
        assert!((inside.iter().map(|both| both[0]).sum::<f32>() - 1.0).abs() < 1e-6);
        for (u, v) in [(7.5, 3.0), (-3.0, 0.0), (2.0, 9.0), (1e30, 3.0), (-1e30, -1e30), (6.2, 3.2)] {
            assert!(added(u, v).iter().all(|both| *both == [0.0; 2]), "({u}, {v})");
        }
    }
}
