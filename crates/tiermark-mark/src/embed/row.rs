//! One row of pixels while it is marked: where it lies in the pattern, and how far each sample may move.

use tiermark_signal::resample::cubic_weights;
use tiermark_signal::{Plane, Size};

use super::Strength;
use crate::carrier::{ClosedPattern, ClosedRows, crossing};
use crate::earlier::{Earlier, FLAT, allowed, flat_row};
use crate::layout::{FIELD, TILE, pixels_per_ref};
use crate::mask::{OneWay, room};

/// Largest change of a sample that equals its neighbours: rounded, two code values.
const FLAT_CAP: f32 = 2.45;
/// Activity from which on the pattern is that for texture, code values.
const TEXTURED: f32 = 1.5;

/// Where the columns of a frame lie in the pattern.
pub(super) struct Columns {
    /// Of each pixel: the first of the four ref columns around it, and their weights.
    pixels: Vec<(u32, [f32; 4])>,
    /// Each ref column that a row needs.
    refs: Vec<RefColumn>,
    /// Place of the first of them in a row of a tile.
    cell: usize,
    scale: f64,
    top: f64,
}

struct RefColumn {
    /// The tiles of the field that meet here, and the share of the second.
    tiles: [u8; 2],
    share: f32,
    /// The pixel column it is nearest to.
    pixel: u32,
}

impl Columns {
    pub(super) fn new(size: Size, shift: [f64; 2]) -> Self {
        let scale = 1.0 / pixels_per_ref(size);
        let place = |x: usize| (x as f64 + 0.5) * scale + shift[0];
        // Cubic interpolation reaches one column to the left and two to the right.
        let first = libm::floor(place(0)) as i64 - 1;
        let last = libm::floor(place(size.width - 1)) as i64 + 2;
        let pixel = |x: usize| {
            let base = libm::floor(place(x));
            ((base as i64 - 1 - first) as u32, cubic_weights((place(x) - base) as f32))
        };
        let column = |at: i64| {
            let (left, right, share) = crossing(at as f64);
            let nearest = libm::round((at as f64 - shift[0]) / scale - 0.5);
            RefColumn {
                tiles: [left, right].map(|tile| tile.rem_euclid(FIELD as i64) as u8),
                share,
                pixel: nearest.clamp(0.0, (size.width - 1) as f64) as u32,
            }
        };
        Self {
            pixels: (0..size.width).map(pixel).collect(),
            refs: (first..=last).map(column).collect(),
            cell: first.rem_euclid(TILE as i64) as usize,
            scale,
            top: shift[1],
        }
    }

    /// A reader of the closed set at these columns.
    pub(super) fn closed<'a>(&self, pattern: &'a ClosedPattern) -> ClosedRows<'a> {
        pattern.rows((0..self.pixels.len()).map(|x| (x as f64 + 0.5) * self.scale))
    }

    /// Height of pixel row `y` in the lattice, ref px.
    pub(super) fn ref_row(&self, y: usize) -> f64 {
        self.picture_row(y) + self.top
    }

    /// Height of pixel row `y` in the picture, ref px.
    fn picture_row(&self, y: usize) -> f64 {
        (y as f64 + 0.5) * self.scale
    }
}

/// The tiles along one row, for flat colour and for texture, and the signs of the field there.
pub(super) struct Carriers<'a> {
    pub(super) word: [[f32; TILE]; 2],
    pub(super) lattice: [[f32; TILE]; 2],
    pub(super) signs: [f32; FIELD],
    pub(super) strength: &'a Strength,
}

/// What is known along one row of pixels.
pub(super) struct Row {
    pub(super) activity: Vec<f32>,
    pub(super) pattern: Vec<f32>,
    pub(super) cap: Vec<f32>,
    pub(super) white: Vec<f32>,
    pub(super) black: Vec<f32>,
    /// Room on paper white and ink black.
    paper: OneWay,
    /// Change by earlier marks.
    pub(super) earlier: Vec<f32>,
    /// Whether luma is flat.
    flat: Vec<bool>,
    /// Whether earlier marks limit this one on flat colour.
    limited: bool,
    /// On the ref grid: the pattern, what it is on flat colour and in texture, and how much of the latter is meant.
    refs: Vec<f32>,
    flat_refs: Vec<f32>,
    busy_refs: Vec<f32>,
    textured: Vec<f32>,
    /// The closed set: all 0.0 where there is none.
    closed: Vec<f32>,
    /// Its colour differences, and what they do to each pixel of the channel at hand.
    tints: [Vec<f32>; 2],
    channel: Vec<f32>,
    /// Whether there are colour differences.
    pub(super) tinted: bool,
}

impl Row {
    pub(super) fn new(columns: &Columns, strength: &Strength) -> Self {
        let (row, refs) = (|| vec![0.0; columns.pixels.len()], || vec![0.0; columns.refs.len()]);
        Self {
            activity: row(),
            pattern: row(),
            cap: row(),
            white: row(),
            black: row(),
            paper: OneWay { most: strength.paper, further: false },
            earlier: row(),
            flat: vec![false; columns.pixels.len()],
            limited: false,
            refs: refs(),
            flat_refs: refs(),
            busy_refs: refs(),
            textured: refs(),
            closed: row(),
            tints: [row(), row()],
            channel: row(),
            tinted: false,
        }
    }

    /// Read the closed set along row `y`, of unit growth.
    #[inline(always)]
    pub(super) fn read_closed(&mut self, columns: &Columns, closed: Option<&mut ClosedRows<'_>>, y: usize) {
        let Some(closed) = closed else { return };
        closed.read(columns.picture_row(y), &mut self.closed, &mut self.tints);
        self.tinted = closed.is_tinted();
    }

    /// Let the colour differences grow as the rest of the pattern: its cap tells by how much.
    #[inline(always)]
    pub(super) fn grow_tint(&mut self, flat_cap: f32, amplitude: f32) {
        for tint in &mut self.tints {
            for (v, cap) in tint.iter_mut().zip(&self.cap) {
                *v *= amplitude * cap / flat_cap;
            }
        }
    }

    /// Get ready for channel `c` of red, green and blue.
    #[inline(always)]
    pub(super) fn tint(&mut self, c: usize) {
        if !self.tinted {
            return;
        }
        // ITU-R BT.601, as in JPEG.
        const OF_CB: [f32; 3] = [0.0, -0.344_136, 1.772];
        const OF_CR: [f32; 3] = [1.402, -0.714_136, 0.0];
        let [cb, cr] = &self.tints;
        let both = cb.iter().zip(cr);
        for ((v, luma), (cb, cr)) in self.channel.iter_mut().zip(&self.pattern).zip(both) {
            *v = luma + OF_CB[c] * cb + OF_CR[c] * cr;
        }
    }

    /// The pattern for the channel at hand.
    #[inline(always)]
    fn of_channel(&self) -> &[f32] {
        if self.tinted { &self.channel } else { &self.pattern }
    }

    /// The pattern of unit growth: put together on the ref grid, read between its columns, and the closed set added.
    #[inline(always)]
    pub(super) fn lay(&mut self, columns: &Columns, carriers: &Carriers<'_>) {
        let Carriers { word, lattice, signs, strength } = carriers;
        for ((v, textured), column) in self.refs.iter_mut().zip(&mut self.textured).zip(&columns.refs) {
            let (a, b) = (signs[usize::from(column.tiles[0])], signs[usize::from(column.tiles[1])]);
            *v = strength.word * (a + column.share * (b - a));
            *textured = (self.activity[column.pixel as usize] / TEXTURED).min(1.0);
        }
        // The sign comes with the word alone: first that, then the lattice.
        for (tiles, signed) in [(word, true), (lattice, false)] {
            repeat(&tiles[0], columns.cell, &mut self.flat_refs);
            repeat(&tiles[1], columns.cell, &mut self.busy_refs);
            let parts = self.flat_refs.iter().zip(&self.busy_refs).zip(&self.textured);
            for (v, ((flat, busy), textured)) in self.refs.iter_mut().zip(parts) {
                let mixed = flat + textured * (busy - flat);
                *v = if signed { *v * mixed } else { *v + strength.lattice * mixed };
            }
        }
        between(&self.refs, &columns.pixels, &mut self.pattern);
        for (v, closed) in self.pattern.iter_mut().zip(&self.closed) {
            *v += strength.cells * closed;
        }
    }

    /// Where luma equals that of all four neighbours nothing masks: at most two code values, whatever is around.
    #[inline(always)]
    pub(super) fn spare_flats(&mut self, luma: &Plane, y: usize) {
        flat_row(luma, y, 0.0, &mut self.flat);
        for (cap, flat) in self.cap.iter_mut().zip(&self.flat) {
            *cap = if *flat { cap.min(FLAT_CAP) } else { *cap };
        }
    }

    /// Where luma is flat but for earlier marks, they limit this one.
    #[inline(always)]
    pub(super) fn heed(&mut self, earlier: &Earlier, luma: &Plane, y: usize) {
        self.earlier.copy_from_slice(earlier.row(y));
        flat_row(luma, y, FLAT, &mut self.flat);
        self.limited = true;
        self.paper.further = true;
    }

    /// Add the pattern to the samples of one channel, as far as each has room.
    #[inline(always)]
    pub(super) fn add_to(&self, samples: &mut [f32], alpha: Option<&[f32]>, premultiplied: bool) {
        match alpha {
            None if self.limited => self.each_limited(samples),
            None => self.each(samples),
            Some(alpha) => {
                for (x, (v, &alpha)) in samples.iter_mut().zip(alpha).enumerate() {
                    if alpha <= 0.0 {
                        continue;
                    }
                    let (sample, share) = if premultiplied { (*v / alpha, alpha) } else { (*v, 1.0) };
                    let change = bent(
                        sample,
                        self.of_channel()[x],
                        self.cap[x],
                        self.white[x],
                        self.black[x],
                        self.paper,
                    );
                    *v += share * self.within(x, sample, change);
                }
            }
        }
    }

    // In the next two all slices are cut to one length first: only without a check at each sample they are reckoned eight at a time.
    #[inline(always)]
    fn each(&self, samples: &mut [f32]) {
        let n = samples.len();
        let (pattern, cap) = (&self.of_channel()[..n], &self.cap[..n]);
        let (white, black) = (&self.white[..n], &self.black[..n]);
        for (x, v) in samples.iter_mut().enumerate() {
            *v += bent(*v, pattern[x], cap[x], white[x], black[x], self.paper);
        }
    }

    #[inline(always)]
    fn each_limited(&self, samples: &mut [f32]) {
        let n = samples.len();
        let (pattern, cap) = (&self.of_channel()[..n], &self.cap[..n]);
        let (white, black) = (&self.white[..n], &self.black[..n]);
        let (earlier, flat) = (&self.earlier[..n], &self.flat[..n]);
        for (x, v) in samples.iter_mut().enumerate() {
            let change = bent(*v, pattern[x], cap[x], white[x], black[x], self.paper);
            let allowed = allowed(change, earlier[x], *v, white[x], black[x]);
            *v += if flat[x] { allowed } else { change };
        }
    }

    /// A change as far as earlier marks leave it.
    #[inline(always)]
    fn within(&self, x: usize, sample: f32, change: f32) -> f32 {
        let allowed = allowed(change, self.earlier[x], sample, self.white[x], self.black[x]);
        if self.limited & self.flat[x] { allowed } else { change }
    }
}

/// The row of a tile over and over again, from place `first` on.
#[inline(always)]
fn repeat(tile: &[f32; TILE], first: usize, row: &mut [f32]) {
    let (rest, whole) = row.split_at_mut((TILE - first).min(row.len()));
    rest.copy_from_slice(&tile[first..][..rest.len()]);
    whole.chunks_mut(TILE).for_each(|part| part.copy_from_slice(&tile[..part.len()]));
}

/// Each place of `to` read between the four of `from` around it.
#[inline(always)]
fn between(from: &[f32], taps: &[(u32, [f32; 4])], to: &mut [f32]) {
    for (v, (first, weights)) in to.iter_mut().zip(taps) {
        let around = &from[*first as usize..][..4];
        *v =
            weights[0] * around[0] + weights[1] * around[1] + weights[2] * around[2] + weights[3] * around[3];
    }
}

/// The pattern bent into the room that a sample has; centred between the two ends of that room.
#[inline(always)]
fn bent(sample: f32, pattern: f32, cap: f32, white: f32, black: f32, paper: OneWay) -> f32 {
    let (up, down) = room(sample, white, black, cap, paper);
    let half = 0.5 * (up + down);
    let change = 0.5 * (up - down) + half * soft_limit(pattern / half.max(f32::MIN_POSITIVE));
    if half > 0.0 { change } else { 0.0 }
}

/// `tanh` to within 0.024, by its continued fraction cut short: the same on every machine, and quick.
#[inline(always)]
pub(super) fn soft_limit(x: f32) -> f32 {
    let x = x.clamp(-3.0, 3.0);
    x * (27.0 + x * x) / (27.0 + 9.0 * x * x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soft_limit_is_nearly_tanh() {
        for i in -40..=40 {
            let x = i as f32 / 10.0;
            assert!((soft_limit(x) - libm::tanhf(x)).abs() < 0.024, "{x}");
        }
    }
}
