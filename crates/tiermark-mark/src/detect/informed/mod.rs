//! Found picture and original to a score for each recipient.
//!
//! What the original became is subtracted, and what is left is summed over keyed cells. Everything up to the sums is a
//! function of the two pictures alone: for a recipient whose key had no part in them its cells are independent fair signs, so
//! that the score has a variance known exactly and a tail bounded rigorously, whatever the picture and whatever was done to
//! it (`docs/spec/mark-v1.md`, "The closed set").

mod block;
mod nodes;
mod operated;
mod quantised;
mod residual;
mod score;
mod word;

use tiermark_signal::align::row_places;
use tiermark_signal::filter::gaussian;
use tiermark_signal::{Plane, Size};

use crate::carrier::{CellGrid, ClosedPattern};
use crate::embed::Probe;
use crate::key::MarkKey;
use crate::layout::{CELL_PLANES, CellPlane, Component, NODE};
use nodes::Nodes;
use operated::Operated;
use quantised::Expected;
use residual::{Part, Residual, Unquantised};
pub use score::{Profile, Scores};
pub use word::WordEvidence;

/// Ways in which a found picture can be asked. Each counts in the bound, whichever are taken: that depends on what was found.
pub const WAYS: usize = 3;

/// A found picture and its original, the latter laid over the former.
pub struct Laid<'a> {
    /// The found picture's channels, one or three, code values 0.0 to 255.0.
    pub found: &'a [Plane],
    /// The channels of [`Original::base`] on the found grid.
    pub original: &'a [Plane],
    /// 1.0 where the original lies under a found pixel, 0.0 elsewhere.
    pub valid: &'a Plane,
    /// Where the centre of a found pixel lies in the original, px.
    pub place: &'a (dyn Fn([f64; 2]) -> [f64; 2] + Sync),
    /// The quantiser steps of luma, if the found picture is a JPEG.
    pub steps: Option<&'a [u16; 64]>,
}

/// What one or several found pictures say of the cells of one content, before any key is asked.
#[derive(Clone, Debug)]
pub struct CellEvidence {
    cells: Vec<Vec<f32>>,
}

/// A way of asking a found picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// As it is, its tones and its blur undone.
    Plain,
    /// Through the quantiser of its JPEG.
    Quantised,
    /// Through what extracted its lines, or cut its colours to steps.
    Operated,
}

/// What a found picture says of both layers of a mark, in one way of asking it.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The way.
    pub way: Way,
    /// Of the closed set.
    pub cells: CellEvidence,
    /// Of the open word.
    pub word: WordEvidence,
}

impl Evidence {
    /// What each place of an original of this size says of one recipient: above 0.0 for it, below against it, in units of what
    /// places say by chance. At the nodes of the original, 2 ref px apart; a map to look at.
    pub fn map(&self, key: &MarkKey, size: Size) -> Plane {
        let grid = CellGrid::of(size);
        let pattern = ClosedPattern::on(key, &grid);
        let mut product = self.word.nodes.clone();
        product.samples_mut().iter_mut().zip(pattern.nodes().samples()).for_each(|(v, p)| *v *= p);
        let product = gaussian(&product, 10.0);
        let square: f64 = product.samples().iter().map(|v| f64::from(v * v)).sum();
        let usual = (square / product.size().area() as f64).sqrt().max(f64::MIN_POSITIVE) as f32;
        product.map(|v| v / usual)
    }

    /// Add what another picture of the same content says, asked in the same way.
    pub fn add(&mut self, other: &Self) {
        self.cells.add(&other.cells);
        self.word.add(&other.word);
    }
}

/// An original, and how strong a mark is at each of its places.
pub struct Original {
    size: Size,
    grid: CellGrid,
    growth: Plane,
    coloured: bool,
    base: Vec<Plane>,
}

impl Original {
    /// Look at the channels of an original, one or three, and its alpha if it has one: laid on white paper.
    pub fn new(colours: &[Plane], alpha: Option<&Plane>) -> Self {
        let size = colours[0].size();
        let grid = CellGrid::of(size);
        let Probe { base, response, coloured } = Probe::of(colours);
        let mut growth = nodes::at_nodes(&response, &grid);
        if let Some(alpha) = alpha {
            let solid = nodes::at_nodes(alpha, &grid);
            growth.samples_mut().iter_mut().zip(solid.samples()).for_each(|(v, a)| *v *= a);
        }
        Self { size, grid, growth, coloured, base }
    }

    /// Width and height.
    pub fn size(&self) -> Size {
        self.size
    }

    /// The channels that a found picture is to be compared with, on the original's grid: where a mark can go one way only, as on
    /// white paper, its mean is taken into account.
    pub fn base(&self) -> &[Plane] {
        &self.base
    }

    /// What `laid` says of the cells, in each way that it can be asked, [`WAYS`] at most: as it is, for a JPEG through its
    /// quantiser, and where lines were extracted or colours cut to steps through that operator.
    pub fn evidence(&self, laid: &Laid<'_>) -> Vec<Evidence> {
        let residual = Residual::of(laid);
        let plain = self.plain(&residual, laid);
        let quantised = laid.steps.map(|steps| self.quantised(residual.unquantised(), laid, steps));
        let operated = operated::left(laid).map(|operated| self.operated(&operated, laid));
        std::iter::once(plain).chain(quantised).chain(operated).collect()
    }

    /// What the luma of a JPEG says through its quantiser, on a grid of its own: that of a large picture, which is asked in the other
    /// ways on a coarser one. `found` is luma alone; nothing if there are no steps.
    pub fn quantised_evidence(&self, laid: &Laid<'_>) -> Option<Evidence> {
        let steps = laid.steps?;
        Some(self.quantised(Unquantised::of(laid), laid, steps))
    }

    fn operated(&self, operated: &Operated, laid: &Laid<'_>) -> Evidence {
        let nodes = Nodes::spread(&operated.part, laid, &self.grid);
        let nodes = if operated.is_white { nodes.grown(&self.growth) } else { nodes.matched(&self.growth) };
        Evidence { way: Way::Operated, cells: self.luma_cells(&nodes), word: WordEvidence { nodes } }
    }

    /// The cells of luma alone.
    fn luma_cells(&self, nodes: &Plane) -> CellEvidence {
        let luma = |(p, plane): (usize, &CellPlane)| match plane.component {
            Component::Luma => capped(self.grid.gather(p, nodes)),
            _ => Vec::new(),
        };
        CellEvidence { cells: CELL_PLANES.iter().enumerate().map(luma).collect() }
    }

    fn plain(&self, residual: &Residual, laid: &Laid<'_>) -> Evidence {
        let spread = |part: &Part| Nodes::spread(part, laid, &self.grid).matched(&self.growth);
        let luma = spread(&residual.luma);
        let chroma =
            residual.chroma.as_ref().filter(|_| self.coloured).map(|parts| parts.each_ref().map(spread));
        let cells = CELL_PLANES.iter().enumerate().map(|(p, plane)| {
            let nodes = match (plane.component, &chroma) {
                (Component::Luma, _) => &luma,
                (Component::Cb, Some([cb, _])) => cb,
                (Component::Cr, Some([_, cr])) => cr,
                (_, None) => return Vec::new(),
            };
            capped(self.grid.gather(p, nodes))
        });
        let cells = CellEvidence { cells: cells.collect() };
        Evidence { way: Way::Plain, cells, word: WordEvidence { nodes: luma } }
    }

    fn quantised(&self, luma: Unquantised, laid: &Laid<'_>, steps: &[u16; 64]) -> Evidence {
        let Unquantised { expected, found, sigma, slope } = luma;
        let grown = self.grown_slope(&slope, laid);
        let expected = Expected { luma: &expected, slope: &grown, steps };
        let mut left = expected.compare(&found, laid, &self.grid);
        drop((found, grown));
        if sigma > 0.0 {
            left = gaussian(&left, sigma);
        }
        let part = Part { weight: Plane::filled(left.size(), 1.0), left, slope };
        let nodes = Nodes::spread(&part, laid, &self.grid).grown(&self.growth);
        let cells = self.luma_cells(&nodes);
        Evidence { way: Way::Quantised, cells, word: WordEvidence { nodes } }
    }

    /// The slope times how much a mark grew at each found pixel.
    fn grown_slope(&self, slope: &Plane, laid: &Laid<'_>) -> Plane {
        let to_nodes = 1.0 / (self.grid.scale * NODE);
        let nodes = self.growth.size();
        let nearest =
            |at: f64, length: usize| ((at + 0.5) * to_nodes + 1.5).clamp(0.0, (length - 1) as f64) as usize;
        let mut grown = slope.clone();
        let mut places = vec![[0.0; 2]; grown.width()];
        for y in 0..grown.height() {
            row_places(laid.place, y, &mut places);
            for (v, [u, w]) in grown.row_mut(y).iter_mut().zip(&places) {
                *v *= self.growth.row(nearest(*w, nodes.height))[nearest(*u, nodes.width)];
            }
        }
        grown
    }
}

/// No single cell decides: what exceeds 20 times the usual is cut.
fn capped(mut cells: Vec<f32>) -> Vec<f32> {
    let square: f64 = cells.iter().map(|g| f64::from(g * g)).sum();
    let cap = 20.0 * (square / cells.len().max(1) as f64).sqrt() as f32;
    cells.iter_mut().for_each(|g| *g = if g.is_finite() { g.clamp(-cap, cap) } else { 0.0 });
    cells
}

impl CellEvidence {
    /// Add what another picture of the same content says.
    ///
    /// Their cells are the same, so they are summed before any key is asked: scores of theirs would not be independent.
    pub fn add(&mut self, other: &Self) {
        for (sum, cells) in self.cells.iter_mut().zip(&other.cells) {
            if sum.is_empty() {
                sum.clone_from(cells);
            } else if sum.len() == cells.len() {
                sum.iter_mut().zip(cells).for_each(|(a, b)| *a += b);
            }
        }
    }
}
