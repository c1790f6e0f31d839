//! What a found picture may have been before it was framed, mirrored or turned.

use super::Whole;
use crate::resample::block_mean;
use crate::{Plane, Size};

/// How the found picture lies in what it was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Framing {
    /// As it is.
    Full,
    /// Its even borders cut off: letterbox, pillarbox, a frame around it.
    WithoutBars,
    /// The middle of it, 4:3.
    Middle4To3,
    /// The middle of it, 16:9.
    Middle16To9,
}

/// How far it is turned, clockwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Turn {
    /// Not at all.
    None,
    /// By a quarter.
    Quarter,
    /// By a half.
    Half,
    /// By three quarters.
    ThreeQuarters,
}

/// What was undone before looking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Variant {
    /// What was cut off.
    pub framing: Framing,
    /// Whether left and right were exchanged; before the turn.
    pub mirrored: bool,
    /// How it was turned, after that.
    pub turn: Turn,
    /// Whether dark and bright were exchanged.
    pub negative: bool,
}

/// One variant of a found picture and its description.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// What was undone.
    pub variant: Variant,
    /// What it looks like then.
    pub whole: Whole,
}

/// The variants of a found picture, the likeliest first: upright and mirrored, whole and without bars, come before
/// crops and turns. Negatives are not among them: [`super::scan`] finds them under the same signs.
///
/// The second number says how many are the likeliest.
pub fn looks(luma: &Plane) -> (Vec<Look>, usize) {
    // No more than descriptions need: all that follows is done eight times.
    let luma = &block_mean(luma, (luma.size().long_side() / LONG_SIDE).clamp(1, luma.size().short_side()));
    let framed = framings(luma);
    let mut first = Vec::new();
    let mut later = Vec::new();
    for (framing, plane) in &framed {
        let likely = matches!(framing, Framing::Full | Framing::WithoutBars);
        let (upright, turned) = (Whole::of(plane), Whole::of(&quarter(plane)));
        let all = [
            (false, Turn::None, upright),
            (true, Turn::None, upright.mirrored()),
            (false, Turn::Half, upright.half_turned()),
            (true, Turn::Half, upright.mirrored().half_turned()),
            (false, Turn::Quarter, turned),
            (false, Turn::ThreeQuarters, turned.half_turned()),
            // A quarter turn after a mirror is a mirror after three quarters.
            (true, Turn::ThreeQuarters, turned.mirrored()),
            (true, Turn::Quarter, turned.mirrored().half_turned()),
        ];
        for (mirrored, turn, whole) in all {
            let variant = Variant { framing: *framing, mirrored, turn, negative: false };
            let into = if likely && turn == Turn::None { &mut first } else { &mut later };
            into.push(Look { variant, whole });
        }
    }
    let likeliest = first.len();
    first.extend(later);
    (first, likeliest)
}

/// The picture itself, without its bars if it has any, and its middle in the two usual shapes if it has another.
fn framings(luma: &Plane) -> Vec<(Framing, Plane)> {
    let mut framed = vec![(Framing::Full, luma.clone())];
    let cut = without_bars(luma);
    if let Some(cut) = &cut {
        framed.push((Framing::WithoutBars, cut.clone()));
    }
    let inner = cut.as_ref().unwrap_or(luma);
    for (framing, across, down) in [(Framing::Middle4To3, 4, 3), (Framing::Middle16To9, 16, 9)] {
        framed.extend(middle(inner, across, down).map(|plane| (framing, plane)));
    }
    framed
}

/// The largest middle of this shape; `None` if the plane has it already, within 3 %.
fn middle(plane: &Plane, across: usize, down: usize) -> Option<Plane> {
    let size = plane.size();
    let width = size.width.min(size.height * across / down);
    let height = size.height.min(size.width * down / across);
    let size = Size::new(width, height)?;
    let kept = size.area() as f64 / plane.size().area() as f64;
    (kept < 0.97).then(|| part(plane, (plane.width() - width) / 2, (plane.height() - height) / 2, size))
}

/// The plane without even borders; `None` if it has none, or nothing else.
fn without_bars(plane: &Plane) -> Option<Plane> {
    let rows: Vec<Line> = plane.rows().map(|row| Line::of(row.iter().copied())).collect();
    let (top, bottom) = bars(&rows);
    let height = plane.height() - top - bottom;
    let columns: Vec<Line> =
        (0..plane.width()).map(|x| Line::of((top..top + height).map(|y| plane.at(x, y)))).collect();
    let (left, right) = bars(&columns);
    let size = Size::new(plane.width() - left - right, height)?;
    let cut = size != plane.size() && 4 * size.width >= plane.width() && 4 * size.height >= plane.height();
    cut.then(|| part(plane, left, top, size))
}

/// How many lines at the beginning and the end are even and alike.
fn bars(lines: &[Line]) -> (usize, usize) {
    let count = |lines: &mut dyn Iterator<Item = &Line>| {
        let mut edge = None;
        for (bar, line) in lines.enumerate() {
            let mean = *edge.get_or_insert(line.mean);
            if line.spread > EVEN || (line.mean - mean).abs() > EVEN {
                return bar;
            }
        }
        // All of it is even: that is no bar but a blank picture.
        0
    };
    (count(&mut lines.iter()), count(&mut lines.iter().rev()))
}

/// A row or column.
pub(super) struct Line {
    pub(super) mean: f32,
    pub(super) spread: f32,
}

impl Line {
    pub(super) fn of(samples: impl Iterator<Item = f32>) -> Self {
        let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
        for v in samples {
            let v = f64::from(v);
            count += 1.0;
            sum += v;
            squares += v * v;
        }
        Self::of_sums(count, sum, squares)
    }

    /// Of so many samples with these sums of values and squares.
    pub(super) fn of_sums(count: f64, sum: f64, squares: f64) -> Self {
        let mean = sum / count;
        Self { mean: mean as f32, spread: (squares / count - mean * mean).max(0.0).sqrt() as f32 }
    }
}

fn part(plane: &Plane, left: usize, top: usize, size: Size) -> Plane {
    Plane::from_fn(size, |x, y| plane.at(left + x, top + y))
}

/// Turned by a quarter, clockwise.
fn quarter(plane: &Plane) -> Plane {
    let size = Size { width: plane.height(), height: plane.width() };
    Plane::from_fn(size, |x, y| plane.at(y, plane.height() - 1 - x))
}

/// Pixels of the grid on which bars are looked for; at least, along the longer side.
const LONG_SIDE: usize = 512;
/// Code values that a bar may spread and drift by: what JPEG and video leave in black.
pub(super) const EVEN: f32 = 5.0;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use super::super::tests::drawing;
    use super::*;

    const SIZE: Size = Size { width: 320, height: 180 };

    fn found(variants: &Plane, host: &Whole) -> Variant {
        let (looks, _) = looks(variants);
        let best = looks
            .iter()
            .max_by(|a, b| a.whole.likeness(host.vector()).total_cmp(&b.whole.likeness(host.vector())));
        let best = best.unwrap();
        assert!(best.whole.likeness(host.vector()) > 0.95, "{}", best.whole.likeness(host.vector()));
        best.variant
    }

    #[test]
    fn every_turn_and_mirror_is_undone() {
        let host = drawing(SIZE, 4);
        let whole = Whole::of(&host);
        let mirrored =
            |plane: &Plane| Plane::from_fn(plane.size(), |x, y| plane.at(plane.width() - 1 - x, y));
        let mut turned = host;
        for _ in 0..4 {
            assert!(!found(&turned, &whole).mirrored);
            assert!(found(&mirrored(&turned), &whole).mirrored);
            turned = quarter(&turned);
        }
        assert_eq!(found(&turned, &whole).turn, Turn::None);
    }

    #[test]
    fn bars_are_cut_off() {
        let host = drawing(SIZE, 8);
        let boxed = Plane::from_fn(Size { width: 400, height: 260 }, |x, y| {
            let inside = (30..350).contains(&x) && (50..230).contains(&y);
            if inside { host.at(x - 30, y - 50) } else { 16.0 + (x % 2) as f32 }
        });
        let variant = found(&boxed, &Whole::of(&host));
        assert_eq!((variant.framing, variant.turn), (Framing::WithoutBars, Turn::None));
    }

    #[test]
    fn blank_and_tiny_pictures_have_looks() {
        for size in [Size { width: 1, height: 1 }, Size { width: 2, height: 300 }, SIZE] {
            let (looks, likeliest) = looks(&Plane::filled(size, 255.0));
            assert!(likeliest >= 2 && looks.len() >= 8);
        }
    }
}
