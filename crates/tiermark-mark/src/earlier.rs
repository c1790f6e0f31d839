//! What earlier marks have done to flat colour, seen without the host.
//!
//! Each mark stays within two code values of what it finds. Three of them would reach six where their waves meet: so a
//! later one looks how far the colour already is from what it was, and goes no further than two from there. Beside lines
//! and texture the estimate is off now and then: on samples of all classes 2 to 7 flat samples in a thousand reach three.

use tiermark_signal::filter::box_mean;
use tiermark_signal::resample::Blocks;
use tiermark_signal::{Plane, Size};

use crate::detect::Gentle;
use crate::layout::pixels_per_ref;

/// How far flat colour lies from its surroundings' mean, which earlier marks leave where it was.
pub(crate) struct Earlier {
    change: Plane,
    factor: usize,
    size: Size,
}

/// Marks change flat colour by no more than this together, code values: half a value of rounding, and as much again that
/// the estimate may be off, leave two.
const TOGETHER: f32 = 1.4;
/// Neighbours further apart than this are no flat colour, marked or not.
const NEAR: f32 = 2.5;
/// Paper whose near-white samples have at least this mean was white before it was marked, and black the same way.
const PAPER: f32 = 252.8;
/// The lowest value of marked white paper, before rounding.
const LOWEST_PAPER: f32 = 252.55;

impl Earlier {
    /// Look at the luma of a marked picture.
    ///
    /// Its gentle steps put together again are the marks and slow shading without the drawing's colours; what stands out
    /// of a window of 80 ref px, wider than the marks' longest wave, is the marks.
    pub(crate) fn of(luma: &Plane) -> Self {
        let Gentle { plane, factor } = Gentle::of(luma, None);
        let radius = (40.0 * pixels_per_ref(luma.size()) / factor as f64) as usize;
        let mut change = plane;
        let mean = box_mean(&change, radius);
        change.samples_mut().iter_mut().zip(mean.samples()).for_each(|(v, m)| *v -= m);
        Self { change, factor, size: luma.size() }
    }

    /// A reader of whole rows: change by earlier marks, code values.
    pub(crate) fn rows(&self) -> Blocks<'_> {
        Blocks::new(&self.change, self.factor, self.size.width)
    }
}

/// Whether each sample of row `y` differs little from its four neighbours.
#[inline(always)]
pub(crate) fn flat_row(luma: &Plane, y: usize, flat: &mut [bool]) {
    let (row, last) = (luma.row(y), luma.width() - 1);
    let (above, below) = (luma.row(y.saturating_sub(1)), luma.row((y + 1).min(luma.height() - 1)));
    for (x, flat) in flat.iter_mut().enumerate() {
        let around = [above[x], below[x], row[x.saturating_sub(1)], row[(x + 1).min(last)]];
        *flat = around.iter().all(|v| (v - row[x]).abs() < NEAR);
    }
}

/// The change that a flat sample may still take, of what a mark asks for.
#[inline(always)]
pub(crate) fn allowed(asked: f32, earlier: f32, sample: f32, white: f32, black: f32) -> f32 {
    let (mut low, mut high) = (-(TOGETHER + earlier).max(0.0), (TOGETHER - earlier).max(0.0));
    if sample > 240.0 && white >= PAPER {
        low = low.max(LOWEST_PAPER - sample).min(0.0);
    }
    if sample < 15.0 && black <= 255.0 - PAPER {
        high = high.min(255.0 - LOWEST_PAPER - sample).max(0.0);
    }
    asked.clamp(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::{Embedder, Picture, Strength};
    use crate::key::MarkKey;
    use crate::payload::{ContentId, Payload};

    #[test]
    fn three_marks_change_flat_colour_by_two_values() {
        let size = Size { width: 640, height: 480 };
        // Paper white, ink black, and two colours beside each other.
        let host = [Plane::from_fn(size, |x, y| match (x < 320, y < 240) {
            (true, true) => 255.0,
            (false, true) => 0.0,
            (true, false) => 140.0,
            (false, false) => 90.0,
        })];
        let key = |byte: u8| MarkKey::new([byte; 32]);
        let mut marked = host.to_vec();
        for tier in 0..3 {
            let (lattice, own, word) = (key(1), key(10 + tier), Payload([tier; 8]));
            let embedder = match tier {
                0 => Embedder::new(&lattice, &own, word, Strength::STANDARD),
                _ => Embedder::further(&lattice, &own, word, Strength::STANDARD),
            };
            let picture = Picture { colours: &marked, alpha: None, premultiplied: false };
            let next =
                embedder.embed(&picture, &ContentId([7; 32])).remove(0).map(|v| v.round().clamp(0.0, 255.0));
            assert_ne!(next, marked[0], "tier {tier} is there");
            marked = vec![next];
        }
        let apart = |y: usize, x: usize| (marked[0].at(x, y) - host[0].at(x, y)).abs();
        let inner = |x: usize, y: usize| !(300..340).contains(&x) && !(220..260).contains(&y);
        let most = (0..480).flat_map(|y| (0..640).map(move |x| (x, y)));
        let most = most.filter(|&(x, y)| inner(x, y)).map(|(x, y)| apart(y, x)).fold(0.0, f32::max);
        assert!(most <= 2.0, "{most}");
    }
}
