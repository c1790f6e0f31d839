//! What earlier marks have done to flat colour, seen without the host.
//!
//! Each mark stays within two code values of what it finds. Three of them would reach six where their waves meet: so a
//! later one looks how far the colour already is from what it was, and goes no further than two from there. What it cannot
//! know is the colour of a patch smaller than a wave: `docs/decisions/0012-tiers-together.md` counts the samples that reach
//! three.

use tiermark_signal::{Plane, Wide, widest};

use crate::layout::pixels_per_ref;

/// How far flat colour lies from what it was, which is what earlier marks have done.
pub(crate) struct Earlier(Plane);

/// Marks change flat colour by no more than this together, code values: with half a value of rounding, and as much again
/// that the estimate may be off, two are left.
const TOGETHER: f32 = 1.3;
/// Neighbours closer than this hang together, code values: of 8 bits, one apart.
const NEAR: f32 = 2.0;
/// Neighbours further apart than two marks at their most are no flat colour.
pub(crate) const FLAT: f32 = 4.5;
/// Standard deviation of the window that a colour is averaged in, ref px. Of 9 to 20: a narrower one takes the marks' longest
/// waves for colour, a wider one takes shading for marks.
const WINDOW: f64 = 15.0;
/// Paper whose near-white samples have at least this mean was white before it was marked, and black the same way.
const PAPER: f32 = 252.8;
/// The lowest value of marked white paper, before rounding.
const LOWEST_PAPER: f32 = 252.55;

impl Earlier {
    /// Look at the luma of a marked picture.
    ///
    /// Marks leave the mean of a colour where it was. The mean is taken over what hangs together with each sample by small
    /// steps, so that it does not mix the colours on both sides of a line: Gastal and Oliveira, "Domain transform for
    /// edge-aware image and video processing", ACM Trans. Graphics 30(4), 2011, recursive filter, twice each way.
    pub(crate) fn of(luma: &Plane) -> Self {
        let mut change = luma.clone();
        for share in [0.894, 0.447] {
            let sigma = share * WINDOW * pixels_per_ref(luma.size());
            let feedback = libm::exp(-core::f64::consts::SQRT_2 / sigma) as f32;
            widest(Smooth { mean: &mut change, luma, feedback });
        }
        change.samples_mut().iter_mut().zip(luma.samples()).for_each(|(mean, v)| *mean = v - *mean);
        Self(change)
    }

    /// Change by earlier marks along row `y`, code values.
    pub(crate) fn row(&self, y: usize) -> &[f32] {
        self.0.row(y)
    }
}

/// One recursive pass right, left, down and up, which small steps let through and others stop.
struct Smooth<'a> {
    mean: &'a mut Plane,
    luma: &'a Plane,
    feedback: f32,
}

/// Rows that are smoothed side by side: along one row each sample waits for the one before.
const ROWS: usize = 8;

impl Wide for Smooth<'_> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        let (width, height) = (self.luma.width(), self.luma.height());
        let (mut values, mut shares) = (vec![[0.0; ROWS]; width], vec![[0.0; ROWS]; width]);
        for top in (0..height).step_by(ROWS) {
            self.across(top, &mut values, &mut shares);
            // Down at once, while the rows are at hand.
            for y in top.max(1)..(top + ROWS).min(height) {
                self.toward(y - 1, y);
            }
        }
        for y in (1..height).rev() {
            self.toward(y, y - 1);
        }
    }
}

impl Smooth<'_> {
    /// Right and left along the rows from `top` on.
    #[inline(always)]
    fn across(&mut self, top: usize, values: &mut [[f32; ROWS]], shares: &mut [[f32; ROWS]]) {
        let rows = ROWS.min(self.luma.height() - top);
        for row in 0..rows {
            let colours = self.luma.row(top + row);
            for (to, v) in values.iter_mut().zip(self.mean.row(top + row)) {
                to[row] = *v;
            }
            for (to, pair) in shares[1..].iter_mut().zip(colours.windows(2)) {
                to[row] = share(self.feedback, pair[0], pair[1]);
            }
        }
        for x in 1..values.len() {
            for row in 0..ROWS {
                values[x][row] += shares[x][row] * (values[x - 1][row] - values[x][row]);
            }
        }
        for x in (1..values.len()).rev() {
            for row in 0..ROWS {
                values[x - 1][row] += shares[x][row] * (values[x][row] - values[x - 1][row]);
            }
        }
        for row in 0..rows {
            for (v, from) in self.mean.row_mut(top + row).iter_mut().zip(&*values) {
                *v = from[row];
            }
        }
    }

    /// Row `y` takes over from the neighbouring row `from`.
    #[inline(always)]
    fn toward(&mut self, from: usize, y: usize) {
        let width = self.luma.width();
        let (above, below) = self.mean.samples_mut().split_at_mut(from.max(y) * width);
        let above = &mut above[from.min(y) * width..];
        let (before, row) = if from < y { (above, below) } else { (below, above) };
        let colours = self.luma.row(y).iter().zip(self.luma.row(from));
        for ((v, before), (a, b)) in row[..width].iter_mut().zip(&before[..width]).zip(colours) {
            *v += share(self.feedback, *a, *b) * (*before - *v);
        }
    }
}

/// What a sample takes over from its neighbour.
#[inline(always)]
fn share(feedback: f32, a: f32, b: f32) -> f32 {
    if (a - b).abs() < NEAR { feedback } else { 0.0 }
}

/// Whether each sample of row `y` lies within `most` of its four neighbours.
#[inline(always)]
pub(crate) fn flat_row(luma: &Plane, y: usize, most: f32, flat: &mut [bool]) {
    let (row, last) = (luma.row(y), luma.width() - 1);
    let (above, below) = (luma.row(y.saturating_sub(1)), luma.row((y + 1).min(luma.height() - 1)));
    let near = |v: f32, [a, b, c, d]: [f32; 4]| {
        ((a - v).abs() <= most) & ((b - v).abs() <= most) & ((c - v).abs() <= most) & ((d - v).abs() <= most)
    };
    for x in [0, last] {
        flat[x] = near(row[x], [above[x], below[x], row[x.saturating_sub(1)], row[(x + 1).min(last)]]);
    }
    if last < 2 {
        return;
    }
    let beside = row[..last - 1].iter().zip(&row[2..]);
    let over = above[1..last].iter().zip(&below[1..last]);
    let inner = flat[1..last].iter_mut().zip(&row[1..last]).zip(beside.zip(over));
    inner.for_each(|((flat, v), ((left, right), (above, below)))| {
        *flat = near(*v, [*above, *below, *left, *right]);
    });
}

/// The change that a flat sample may still take, of what a mark asks for.
#[inline(always)]
pub(crate) fn allowed(asked: f32, earlier: f32, sample: f32, white: f32, black: f32) -> f32 {
    let paper = (sample > 240.0) & (white >= PAPER);
    let ink = (sample < 15.0) & (black <= 255.0 - PAPER);
    let lowest = if paper { LOWEST_PAPER - sample } else { f32::MIN };
    let highest = if ink { 255.0 - LOWEST_PAPER - sample } else { f32::MAX };
    let low = lowest.max(-(TOGETHER + earlier)).min(0.0);
    let high = highest.min(TOGETHER - earlier).max(0.0);
    // Not `clamp`, which looks first whether its bounds are in order: this runs over whole rows at once.
    asked.max(low).min(high)
}

#[cfg(test)]
mod tests {
    use tiermark_signal::Size;

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
