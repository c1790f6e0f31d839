//! Guesses that need no features: the whole frame, stretched, with or without its borders, mirrored or turned.
//!
//! They are the usual case, and the only one that works when most of a frame is painted over.

use super::Prepared;
use super::agree::{self, Blocks, Count, Grain};
use super::level::Level;
use super::pose::Pose;
use crate::{Homography, Plane, Size};

/// The guesses at which the two pictures have most in common, best first.
pub(super) fn guesses(original: &Prepared, found: &Prepared, grain: Grain) -> Vec<Homography> {
    let long = found.size().long_side();
    // Small windows need all the detail there is: paint leaves slivers.
    let side = if grain == Grain::COARSE { COARSE } else { 2 * COARSE };
    let factor = (0..super::HALVINGS).map(|k| 1_usize << k).find(|f| long <= side * f).unwrap_or(64);
    let mut ranked: Vec<(Count, Homography)> = hypotheses(original.size(), found)
        .into_iter()
        .filter_map(|map| Some((promise(original, found, factor, &map, grain)?, map)))
        .collect();
    ranked.sort_by(|a, b| b.0.share().total_cmp(&a.0.share()));
    ranked.into_iter().take(TRIED).map(|(_, map)| map).collect()
}

/// What a guess has in common, if that is more than elsewhere.
fn promise(
    original: &Prepared,
    found: &Prepared,
    factor: usize,
    map: &Homography,
    grain: Grain,
) -> Option<Count> {
    let pose = Pose::of(map, found.size())?;
    let level = Level::new(original, found, factor, &pose)?;
    let warped = level.warped(&pose);
    let count = Blocks::compare(&level.found, &warped, [0, 0], grain).count();
    let chance = agree::by_chance(&level.found, &warped, grain);
    (count.alike >= 4 && count.share() > 1.2 * chance.share()).then_some(count)
}

/// Stretched over all of the found picture and over what uniform borders leave of it, in eight orientations.
fn hypotheses(original: Size, found: &Prepared) -> Vec<Homography> {
    let whole = Rect { left: 0, top: 0, size: found.size() };
    // Borders of a large picture are looked for on a smaller one; refinement finds the last pixels.
    let times =
        (0..super::HALVINGS).find(|k| found.size().long_side() >> k <= 4096).unwrap_or(super::HALVINGS);
    let inner = match without_borders(&found.halved(times)) {
        rect if rect.size == found.halved(times).size() => whole,
        Rect { left, top, size } => {
            let size = Size { width: size.width << times, height: size.height << times };
            Rect { left: left << times, top: top << times, size }
        }
    };
    let mut maps = Vec::new();
    for rect in if inner == whole { vec![whole] } else { vec![whole, inner] } {
        for quarter in 0..4 {
            for mirror in [false, true] {
                maps.extend(stretched(original, rect, quarter, mirror));
            }
        }
    }
    maps
}

/// The original turned by quarters, clockwise, then mirrored, then stretched over `rect`; not if that were absurd.
fn stretched(original: Size, rect: Rect, quarters: usize, mirror: bool) -> Option<Homography> {
    let (w, h) = (original.width as f64, original.height as f64);
    let turn = |rows: [[f64; 3]; 2]| Homography { rows: [rows[0], rows[1], [0.0, 0.0, 1.0]] };
    let turned = if quarters.is_multiple_of(2) {
        original
    } else {
        Size { width: original.height, height: original.width }
    };
    let map = match quarters {
        0 => Homography::IDENTITY,
        1 => turn([[0.0, -1.0, h - 1.0], [1.0, 0.0, 0.0]]),
        2 => turn([[-1.0, 0.0, w - 1.0], [0.0, -1.0, h - 1.0]]),
        _ => turn([[0.0, 1.0, 0.0], [-1.0, 0.0, w - 1.0]]),
    };
    let mirrored = match mirror {
        false => map,
        true => map.then(&turn([[-1.0, 0.0, turned.width as f64 - 1.0], [0.0, 1.0, 0.0]])),
    };
    let aspect = |s: Size| s.width as f64 / s.height as f64;
    let squeezed = aspect(rect.size) / aspect(turned);
    let place = turn([[1.0, 0.0, rect.left as f64], [0.0, 1.0, rect.top as f64]]);
    (1.0 / SQUEEZE..SQUEEZE)
        .contains(&squeezed)
        .then(|| mirrored.then(&Homography::stretch(turned, rect.size)).then(&place))
}

/// Part of a picture, px.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Rect {
    left: usize,
    top: usize,
    size: Size,
}

/// What is left when lines of one colour are taken away at all four sides; everything if that were too little.
fn without_borders(luma: &Plane) -> Rect {
    let turned = luma.transposed();
    let (top, bottom) = (uniform_rows(luma.rows()), uniform_rows(luma.rows().rev()));
    let (left, right) = (uniform_rows(turned.rows()), uniform_rows(turned.rows().rev()));
    let inner = |n: usize, a: usize, b: usize| n.saturating_sub(a + b);
    let (width, height) = (inner(luma.width(), left, right), inner(luma.height(), top, bottom));
    match Size::new(width, height) {
        Some(size) if size.short_side() >= 32 && 20 * size.area() > luma.size().area() => {
            Rect { left, top, size }
        }
        _ => Rect { left: 0, top: 0, size: luma.size() },
    }
}

/// How many rows at the start are of the colour that the first one has.
fn uniform_rows<'a>(rows: impl Iterator<Item = &'a [f32]>) -> usize {
    let mut rows = rows.peekable();
    let Some(first) = rows.peek() else { return 0 };
    let colour = super::solve::median(&mut first.to_vec());
    // Compression speckles a border; a tenth of the range is no picture.
    let is_border = |row: &&[f32]| {
        let strange = row.len() - row.iter().filter(|v| (*v - colour).abs() < 25.0).count();
        50 * strange <= row.len()
    };
    rows.take_while(is_border).count()
}

/// Longer side of the grid on which guesses are compared, px.
const COARSE: usize = 480;
/// Guesses that go on to be refined.
const TRIED: usize = 3;
/// Largest change of proportions, and one over it: 4:3 on 16:9 is 1.33.
const SQUEEZE: f64 = 1.5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_and_mirrors_bring_corners_to_corners() {
        let original = Size { width: 40, height: 30 };
        let corner = |quarters: usize, mirror| {
            let size = if quarters.is_multiple_of(2) { original } else { Size { width: 30, height: 40 } };
            let rect = Rect { left: 5, top: 7, size };
            let map = stretched(original, rect, quarters, mirror).expect("no squeeze");
            map.apply([0.0, 0.0])
        };
        assert_eq!(corner(0, false), [5.0, 7.0]);
        assert_eq!(corner(1, false), [34.0, 7.0]);
        assert_eq!(corner(2, false), [44.0, 36.0]);
        assert_eq!(corner(3, false), [5.0, 46.0]);
        assert_eq!(corner(0, true), [44.0, 7.0]);
        assert_eq!(corner(1, true), [5.0, 7.0]);
        assert!(stretched(original, Rect { left: 0, top: 0, size: original }, 1, false).is_none());
    }

    #[test]
    fn borders_are_found_and_paper_is_not_all_border() {
        let size = Size { width: 120, height: 100 };
        let boxed = Plane::from_fn(size, |x, y| {
            let inside = (10..120).contains(&x) && (20..85).contains(&y);
            if inside { ((x * 7 + y * 13) % 200) as f32 + 40.0 } else { ((x + y) % 3) as f32 }
        });
        let rect = without_borders(&boxed);
        assert_eq!((rect.left, rect.top, rect.size), (10, 20, Size { width: 110, height: 65 }));
        let paper = without_borders(&Plane::filled(size, 250.0));
        assert_eq!(paper.size, size);
    }
}
