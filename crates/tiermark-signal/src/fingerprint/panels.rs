//! The pictures on a sheet: contact sheets, storyboards, windows on a screen.
//!
//! Even rows part a sheet, even columns each of its bands, and so on: the recursive X-Y cut of Nagy and Seth,
//! "Hierarchical representation of optically scanned documents", ICPR 1984. A drawing on paper as white as the sheet has no
//! border of its own; it gets that of the raster in which its neighbours stand.

use super::Whole;
use super::looks::{EVEN, Line};
use super::raster;
use crate::resample::block_mean;
use crate::{Plane, Size};

/// What may be one picture among others in a found picture, and what it looks like.
#[derive(Clone, Copy, Debug)]
pub struct Panel {
    /// Its left and upper edge, found pixels.
    pub at: [usize; 2],
    /// Its width and height, found pixels.
    pub size: Size,
    /// What it looks like.
    pub whole: Whole,
}

/// At most 36 panels of a found picture, the cells of a raster first, then the largest; none where nothing even parts it.
///
/// Whatever the cuts leave is among them, bands and columns as well: which of it is a picture shows when it is looked for.
pub fn panels(luma: &Plane) -> Vec<Panel> {
    let factor = (luma.size().long_side() / LONG_SIDE).clamp(1, luma.size().short_side());
    let sheet = block_mean(luma, factor);
    let whole = Part { from: [0, 0], to: [sheet.width(), sheet.height()] };
    let mut cuts = Cuts { ground: ground(&sheet), sheet: &sheet, parts: Vec::new(), leaves: Vec::new() };
    cuts.cut(whole, Axis::Down, false, DEPTH);
    let slack = sheet.size().long_side() / 100 + 1;
    cuts.parts.sort_by_key(|part| (usize::MAX - part.size().area(), part.from));
    let mut kept: Vec<Part> = Vec::new();
    for part in cells(&cuts.leaves, &whole, slack).into_iter().chain(cuts.parts) {
        if part.may_be_a_picture(&sheet) && !kept.iter().any(|other| part.is_near(other, slack / 2)) {
            kept.push(part);
        }
        if kept.len() == MOST {
            break;
        }
    }
    let panel = |part: Part| Panel {
        at: part.from.map(|v| v * factor),
        size: Size { width: part.size().width * factor, height: part.size().height * factor },
        whole: Whole::of(&part.of(&sheet)),
    };
    kept.into_iter().map(panel).collect()
}

/// A rectangle of the sheet: its first samples across and down, and those behind its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    from: [usize; 2],
    to: [usize; 2],
}

/// Which way lines follow each other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Axis {
    Across,
    Down,
}

impl Axis {
    fn other(self) -> Self {
        if self == Self::Across { Self::Down } else { Self::Across }
    }
}

impl Part {
    fn size(&self) -> Size {
        Size { width: self.to[0] - self.from[0], height: self.to[1] - self.from[1] }
    }

    fn of(&self, sheet: &Plane) -> Plane {
        Plane::from_fn(self.size(), |x, y| sheet.at(self.from[0] + x, self.from[1] + y))
    }

    fn may_be_a_picture(&self, sheet: &Plane) -> bool {
        let Size { width, height } = self.size();
        let all = sheet.size().area();
        // A part that is nearly everything is looked for as the whole.
        width.min(height) >= SMALLEST
            && width.max(height) <= 4 * width.min(height)
            && width * height * LEAST_SHARE >= all
            && 20 * width * height < 19 * all
    }

    fn is_near(&self, other: &Self, slack: usize) -> bool {
        (0..2).all(|i| {
            self.from[i].abs_diff(other.from[i]) <= slack && self.to[i].abs_diff(other.to[i]) <= slack
        })
    }
}

/// The cells of the raster in which parts of a sheet stand; those without any are left out.
fn cells(leaves: &[Part], sheet: &Part, slack: usize) -> Vec<Part> {
    // Letters stand in rasters of their own.
    let drawn = |leaf: &&Part| leaf.size().short_side() >= SMALLEST / 2;
    let leaves: Vec<Part> = leaves.iter().filter(drawn).copied().collect();
    let along = |i: usize| {
        let sides: Vec<_> = leaves.iter().map(|leaf| [leaf.from[i], leaf.to[i]]).collect();
        let parts: Vec<_> =
            sides.iter().zip(&leaves).map(|(side, leaf)| (*side, leaf.size().area())).collect();
        let cells = raster::cells(&parts, SMALLEST, slack);
        // Only one row or column: the cells are as long as the sheet's content.
        let ends = [sides.iter().map(|side| side[0]).min(), sides.iter().map(|side| side[1]).max()];
        if cells.is_empty() { vec![ends.map(Option::unwrap_or_default)] } else { cells }
    };
    let (columns, rows) = (along(0), along(1));
    let cell = |[top, bottom]: [usize; 2], [left, right]: [usize; 2]| Part {
        from: [left, top],
        to: [right.min(sheet.to[0]), bottom.min(sheet.to[1])],
    };
    let all = rows.iter().flat_map(|row| columns.iter().map(move |column| cell(*row, *column)));
    let holds = |cell: &Part| {
        leaves.iter().any(|leaf| (0..2).all(|i| leaf.from[i] < cell.to[i] && cell.from[i] < leaf.to[i]))
    };
    all.filter(holds).collect()
}

struct Cuts<'a> {
    sheet: &'a Plane,
    /// The mean of the sheet's border, where that is even.
    ground: Option<f32>,
    /// What the cuts left.
    parts: Vec<Part>,
    /// Of that what was not cut again.
    leaves: Vec<Part>,
}

impl Cuts<'_> {
    fn cut(&mut self, part: Part, axis: Axis, other_failed: bool, depth: usize) {
        let i = usize::from(axis == Axis::Down);
        let pieces = between(&self.lines(part, axis), self.ground);
        let uncut = pieces.len() == 1 && pieces[0] == (0, part.to[i] - part.from[i]);
        if depth == 0 || (uncut && other_failed) || self.parts.len() >= MOST_PARTS {
            self.leaves.push(part);
            return;
        }
        for (from, to) in pieces {
            let mut piece = part;
            (piece.from[i], piece.to[i]) = (part.from[i] + from, part.from[i] + to);
            if !uncut {
                self.parts.push(piece);
            }
            self.cut(piece, axis.other(), uncut, depth - 1);
        }
    }

    fn lines(&self, part: Part, axis: Axis) -> Vec<Line> {
        let ([left, top], [right, bottom]) = (part.from, part.to);
        let rows = (top..bottom).map(|y| &self.sheet.row(y)[left..right]);
        if axis == Axis::Down {
            return rows.map(|row| Line::of(row.iter().copied())).collect();
        }
        let mut sums = vec![[0.0_f64; 2]; right - left];
        for row in rows {
            for ([sum, squares], v) in sums.iter_mut().zip(row) {
                let v = f64::from(*v);
                *sum += v;
                *squares += v * v;
            }
        }
        let count = (bottom - top) as f64;
        sums.into_iter().map(|[sum, squares]| Line::of_sums(count, sum, squares)).collect()
    }
}

/// The mean of the first row, or else the first column, that is even.
fn ground(sheet: &Plane) -> Option<f32> {
    let row = Line::of(sheet.row(0).iter().copied());
    let column = Line::of((0..sheet.height()).map(|y| sheet.at(0, y)));
    [row, column].iter().find(|line| line.spread <= EVEN).map(|line| line.mean)
}

/// What lies between gutters: from, and behind the last.
fn between(lines: &[Line], ground: Option<f32>) -> Vec<(usize, usize)> {
    let mut pieces = Vec::new();
    let mut from = 0;
    for (start, end) in gutters(lines, ground) {
        if start > from {
            pieces.push((from, start));
        }
        from = end;
    }
    if from < lines.len() {
        pieces.push((from, lines.len()));
    }
    pieces
}

/// Runs of even lines that are alike. Where a flat sky or ground of a picture touches a gutter, the gutter is what has the
/// sheet's colour, or else the longest run.
fn gutters(lines: &[Line], ground: Option<f32>) -> Vec<(usize, usize)> {
    let mut gutters = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        while at < lines.len() && lines[at].spread <= EVEN {
            let alike = |line: &&Line| line.spread <= EVEN && (line.mean - lines[at].mean).abs() <= EVEN;
            // What is no number is not even like itself.
            let length = lines[at..].iter().take_while(alike).count().max(1);
            runs.push((at, at + length));
            at += length;
        }
        runs.retain(|(start, end)| end - start >= THIN);
        let is_ground =
            |run: &&(usize, usize)| ground.is_some_and(|ground| (lines[run.0].mean - ground).abs() <= EVEN);
        if runs.iter().any(|run| is_ground(&run)) {
            gutters.extend(runs.iter().filter(is_ground));
        } else {
            gutters.extend(runs.iter().max_by_key(|(start, end)| (end - start, usize::MAX - start)));
        }
        at += 1;
    }
    gutters
}

/// Panels of a found picture: each is looked for among all originals.
pub(super) const MOST: usize = 36;
/// Pixels of the grid on which a sheet is cut; at least, along the longer side. A gutter of four pixels is left of a 4K sheet's.
const LONG_SIDE: usize = 960;
/// Lines that make a gutter: one alone may be an outline.
const THIN: usize = 2;
/// Shortest side of a panel, pixels of the grid: a description has 36 rows.
const SMALLEST: usize = 36;
/// A panel has at least this part of the sheet: eight by eight with captions.
const LEAST_SHARE: usize = 100;
/// Cuts one after the other: a window on a screen, its picture, a sheet in it, its rows and its columns.
const DEPTH: usize = 8;
/// Parts at which cutting ends: a page of text has thousands.
const MOST_PARTS: usize = 1000;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use super::super::tests::drawing;
    use super::*;

    const CELL: Size = Size { width: 288, height: 162 };

    /// Three by three pictures with captions under them.
    fn sheet(pictures: &[Plane], ground: f32) -> (Plane, Vec<[usize; 2]>) {
        let mut sheet = Plane::filled(Size { width: 960, height: 640 }, ground);
        let places: Vec<[usize; 2]> = (0..9).map(|i| [24 + i % 3 * 312, 20 + i / 3 * 204]).collect();
        for (picture, [left, top]) in pictures.iter().zip(&places) {
            for y in 0..CELL.height {
                sheet.row_mut(top + y)[*left..left + CELL.width].copy_from_slice(picture.row(y));
            }
            for letter in 0..9 {
                (0..12).for_each(|y| sheet.row_mut(top + 174 + y)[left + 20 * letter] = 128.0);
            }
        }
        (sheet, places)
    }

    fn has(panels: &[Panel], picture: &Plane, place: [usize; 2]) -> bool {
        let whole = Whole::of(picture);
        panels.iter().any(|panel| {
            (0..2).all(|i| panel.at[i].abs_diff(place[i]) < 4) && panel.whole.likeness(whole.vector()) > 0.97
        })
    }

    #[test]
    fn all_pictures_of_a_sheet_are_panels() {
        let pictures: Vec<Plane> = (0..9).map(|i| drawing(CELL, i)).collect();
        for ground in [0.0, 128.0, 250.0] {
            let (sheet, places) = sheet(&pictures, ground);
            let panels = panels(&sheet);
            assert!(panels.len() <= MOST);
            for (picture, place) in pictures.iter().zip(places) {
                assert!(has(&panels, picture, place), "{place:?} on {ground}");
            }
        }
    }

    #[test]
    fn a_drawing_on_the_sheets_own_white_gets_its_rasters_borders() {
        let mut pictures: Vec<Plane> = (0..9).map(|i| drawing(CELL, i)).collect();
        let figure = drawing(CELL, 9);
        pictures[4] = Plane::from_fn(CELL, |x, y| {
            let inside = (60..120).contains(&x) || (150..220).contains(&x);
            if inside && (40..130).contains(&y) { figure.at(x, y) } else { 250.0 }
        });
        let (sheet, places) = sheet(&pictures, 250.0);
        assert!(has(&panels(&sheet), &pictures[4], places[4]));
    }

    #[test]
    fn sheets_of_any_size_and_pictures_that_are_none_do_no_harm() {
        assert!(panels(&Plane::filled(Size { width: 1920, height: 1080 }, 7.0)).is_empty());
        let whole = drawing(Size { width: 1920, height: 1080 }, 3);
        assert!(panels(&whole).iter().all(|panel| panel.size.area() < whole.size().area()));
        for (width, height) in [(1, 1), (9000, 3), (3, 9000), (40, 40)] {
            let size = Size { width, height };
            panels(&Plane::from_fn(size, |x, y| ((x * 37 + y * 91) % 255) as f32));
            panels(&Plane::filled(size, f32::NAN));
        }
        // Lines of writing: very many parts, few panels.
        let page = Plane::from_fn(Size { width: 1200, height: 1600 }, |x, y| {
            if (x / 4 + y / 7 * 3).is_multiple_of(3) && (y / 7).is_multiple_of(2) { 20.0 } else { 255.0 }
        });
        assert!(panels(&page).len() <= MOST);
    }
}
