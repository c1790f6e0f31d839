//! How much change each place can bear.
//!
//! Two questions: how busy the picture is around a place (change hides in texture, not on a flat cel beside a line),
//! and how far paper white and ink black leave room (a code value cannot leave its range).

use tiermark_signal::filter::{box_mean, gaussian};
use tiermark_signal::resample::Blocks;
use tiermark_signal::{Plane, Size, Wide, widest};

use crate::layout::pixels_per_ref;

/// Activity of the luma around each place, code values per pixel: 0.0 on flat colour and beside single lines.
pub(crate) struct Activity {
    blocks: Plane,
    factor: usize,
    width: usize,
}

impl Activity {
    /// Measure the activity of `luma`.
    ///
    /// Kept on blocks of about half a ref px: it is smoothed over eight times that.
    pub(crate) fn of(luma: &Plane) -> Self {
        let scale = pixels_per_ref(luma.size());
        let factor = block_side(2.0 * scale, luma.size());
        let steep = steepness(luma, factor);
        let per_ref = scale / factor as f64;
        let radius = (5.0 * per_ref) as usize;
        let mean = box_mean(&steep, radius);
        let quietest = quietest_corner(&mean, radius as isize + 1);
        let mut blocks = gaussian(&quietest, (4.0 * per_ref) as f32);
        let here = box_mean(&steep, 1);
        blocks.samples_mut().iter_mut().zip(here.samples()).for_each(|(v, here)| *v = v.min(NEARBY * here));
        Self { blocks, factor, width: luma.width() }
    }

    /// Mean square of `1 + min(gain - 1, slope * activity)` over the picture.
    pub(crate) fn mean_square_growth(&self, slope: f32, gain: f32) -> f64 {
        let square = |&v: &f32| {
            let grown = f64::from(grown(v, slope, gain));
            grown * grown
        };
        self.blocks.samples().iter().map(square).sum::<f64>() / self.blocks.samples().len() as f64
    }

    /// A reader of whole rows.
    pub(crate) fn rows(&self) -> Blocks<'_> {
        Blocks::new(&self.blocks, self.factor, self.width)
    }
}

/// How often the activity of the surroundings may exceed that of the block itself and its neighbours: a flat patch
/// amid texture stays flat.
const NEARBY: f32 = 3.0;

/// By how much the mark grows at a place of this activity.
#[inline(always)]
pub(crate) fn grown(activity: f32, slope: f32, gain: f32) -> f32 {
    1.0 + (slope * activity).min(gain - 1.0)
}

/// Mean over blocks of the steeper of the two steps from each pixel, what exceeds 1.5 and at most 10.
fn steepness(luma: &Plane, factor: usize) -> Plane {
    let size = blocks_over(luma.size(), factor);
    let mut sums = Plane::filled(size, 0.0);
    let mut steps = vec![0.0; luma.width()];
    for y in 0..luma.height() {
        let (row, below) = (luma.row(y), luma.row((y + 1).min(luma.height() - 1)));
        widest(Steeper { row, below, steps: &mut steps });
        let blocks = steps.chunks(factor).map(|block| block.iter().sum::<f32>());
        sums.row_mut(y / factor).iter_mut().zip(blocks).for_each(|(sum, v)| *sum += v);
    }
    divide_by_cover(sums, luma.size(), factor)
}

/// The steeper of the two steps from each pixel of a row.
struct Steeper<'a> {
    row: &'a [f32],
    below: &'a [f32],
    steps: &'a mut [f32],
}

impl Wide for Steeper<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { row, below, steps } = self;
        // 1.5: rounding and light grain are no texture. 10: one hard line is not ten soft ones.
        let counted = |step: f32| (step - 1.5).clamp(0.0, 10.0);
        let (Some((last, steps)), Some((at_end, under))) =
            (steps.split_last_mut(), row.last().zip(below.last()))
        else {
            return;
        };
        *last = counted((under - at_end).abs());
        for ((step, pair), below) in steps.iter_mut().zip(row.windows(2)).zip(below) {
            *step = counted((pair[1] - pair[0]).abs().max((below - pair[0]).abs()));
        }
    }
}

/// Sums over blocks become means; blocks at the right and lower border are smaller.
fn divide_by_cover(mut sums: Plane, size: Size, factor: usize) -> Plane {
    let cover = |i: usize, length: usize| (length - i * factor).min(factor) as f32;
    for y in 0..sums.height() {
        let rows = cover(y, size.height);
        sums.row_mut(y).iter_mut().enumerate().for_each(|(x, v)| *v /= rows * cover(x, size.width));
    }
    sums
}

/// The least of the four means centred `reach` away in the diagonals: an isolated line is seen by some of them only,
/// so the flat colour beside it stays flat.
fn quietest_corner(mean: &Plane, reach: isize) -> Plane {
    let (width, height) = (mean.width() as isize, mean.height() as isize);
    let mut least = Plane::filled(mean.size(), f32::MAX);
    for y in 0..height {
        for dy in [-reach, reach] {
            let from = mean.row((y + dy).clamp(0, height - 1) as usize);
            for (x, v) in least.row_mut(y as usize).iter_mut().enumerate() {
                let x = x as isize;
                let left = from[(x - reach).clamp(0, width - 1) as usize];
                let right = from[(x + reach).clamp(0, width - 1) as usize];
                *v = v.min(left).min(right);
            }
        }
    }
    least
}

/// How far a channel may move up and down without leaving 0.0..255.0 where it is near one end.
///
/// The local *mean* of near-white (near-black) samples sets the room, not the sample: with the sample itself each later
/// mark would shrink the ones before (measured: the first of three fell from z 23 to 10).
pub(crate) struct Headroom {
    white: Plane,
    black: Plane,
    factor: usize,
    width: usize,
}

/// From here on a sample counts as near white; below `255 - NEAR_WHITE` as near black.
const NEAR_WHITE: f32 = 240.0;

impl Headroom {
    /// Readers of whole rows: the local mean of near-white and of near-black samples.
    pub(crate) fn rows(&self) -> (Blocks<'_>, Blocks<'_>) {
        let blocks = |plane| Blocks::new(plane, self.factor, self.width);
        (blocks(&self.white), blocks(&self.black))
    }
}

/// Where colour can go one way only, as paper white and ink black can.
#[derive(Clone, Copy)]
pub(crate) struct OneWay {
    /// How far at most, code values.
    pub(crate) most: f32,
    /// Whether there may be a mark already that went this way.
    pub(crate) further: bool,
}

/// Room above and below `sample` within `cap`, given the local means of near-white and near-black samples. What the end of
/// the range takes on one side is given on the other, up to `paper.most`.
///
/// The mean of paper sinks by half of that, and once: where a further mark finds it there it has as much room on both sides. Sunk
/// again by each of three marks, nearly all of it lay two values down and told little
/// (`docs/decisions/0034-paper-sinks-once.md`).
#[inline(always)]
pub(crate) fn room(sample: f32, white: f32, black: f32, cap: f32, paper: OneWay) -> (f32, f32) {
    let near_end = |left: f32| {
        let toward = cap.min(left);
        let first = cap.max(paper.most.min(2.0 * cap - toward));
        let further = toward + (paper.most - 2.0 * left).max(0.0);
        (toward, if paper.further { further } else { first })
    };
    let (up, from_white) = near_end(255.0 - white);
    let (down, from_black) = near_end(black);
    if sample >= NEAR_WHITE {
        (up, from_white)
    } else if sample <= 255.0 - NEAR_WHITE {
        (from_black, down)
    } else {
        (cap, cap)
    }
}

/// One channel on its way to its [`Headroom`], row by row from the top.
pub(crate) struct Ends {
    white: NearSums,
    black: NearSums,
    size: Size,
    factor: usize,
}

impl Ends {
    /// Nothing seen yet of a channel of this size.
    pub(crate) fn new(size: Size) -> Self {
        let factor = block_side(8.0 * pixels_per_ref(size), size);
        let near = |from, to| NearSums::new(size, factor, [from, to]);
        Self {
            white: near(NEAR_WHITE, f32::INFINITY),
            black: near(f32::NEG_INFINITY, 255.0 - NEAR_WHITE),
            size,
            factor,
        }
    }

    /// Row `y`, which follows on the one before.
    pub(crate) fn add(&mut self, y: usize, row: &[f32]) {
        widest(NextRow { ends: self, row });
        if (y + 1).is_multiple_of(self.factor) || y + 1 == self.size.height {
            [&mut self.white, &mut self.black]
                .into_iter()
                .for_each(|near| near.close(y / self.factor, self.factor));
        }
    }

    /// What was seen of all rows.
    pub(crate) fn headroom(self) -> Headroom {
        // A window of 80 ref px.
        let radius = (40.0 * pixels_per_ref(self.size) / self.factor as f64) as usize;
        let (white, black) = (self.white.mean(radius, 255.0), self.black.mean(radius, 0.0));
        Headroom { white, black, factor: self.factor, width: self.size.width }
    }
}

/// Sum and number, in each block, of the samples within a range, both ends of it included.
struct NearSums {
    range: [f32; 2],
    /// Of the columns of the blocks that are being read.
    columns: [Vec<f32>; 2],
    blocks: [Plane; 2],
}

impl NearSums {
    fn new(size: Size, factor: usize, range: [f32; 2]) -> Self {
        let columns = [(); 2].map(|()| vec![0.0; size.width]);
        let blocks = [(); 2].map(|()| Plane::filled(blocks_over(size, factor), 0.0));
        Self { range, columns, blocks }
    }

    #[inline(always)]
    fn add(&mut self, row: &[f32]) {
        let ([from, to], [sums, counts]) = (self.range, &mut self.columns);
        for ((sum, count), &v) in sums.iter_mut().zip(counts).zip(row) {
            let counted = if (v >= from) & (v <= to) { 1.0 } else { 0.0 };
            *sum += counted * v;
            *count += counted;
        }
    }

    /// Put the columns together, and begin anew.
    fn close(&mut self, block: usize, factor: usize) {
        for (columns, blocks) in self.columns.iter_mut().zip(&mut self.blocks) {
            let totals = blocks.row_mut(block).iter_mut().zip(columns.chunks(factor));
            totals.for_each(|(v, columns)| *v = columns.iter().sum());
            columns.fill(0.0);
        }
    }

    /// The mean of those samples over windows of blocks; `without` where there are none.
    fn mean(self, radius: usize, without: f32) -> Plane {
        let [mut mean, counts] = self.blocks.map(|sums| box_mean(&sums, radius));
        let mean_of =
            |(sum, &count): (&mut f32, &f32)| *sum = if count > 0.0 { *sum / count } else { without };
        mean.samples_mut().iter_mut().zip(counts.samples()).for_each(mean_of);
        mean
    }
}

/// The next row of a channel.
struct NextRow<'a> {
    ends: &'a mut Ends,
    row: &'a [f32],
}

impl Wide for NextRow<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        self.ends.white.add(self.row);
        self.ends.black.add(self.row);
    }
}

/// A whole block side near `pixels` that fits into the plane.
fn block_side(pixels: f64, size: Size) -> usize {
    (libm::round(pixels) as usize).clamp(1, size.short_side())
}

fn blocks_over(size: Size, factor: usize) -> Size {
    Size { width: size.width.div_ceil(factor), height: size.height.div_ceil(factor) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { width: 400, height: 300 };

    fn activity_at(plane: &Plane, x: usize, y: usize) -> f32 {
        let activity = Activity::of(plane);
        let mut row = vec![0.0; plane.width()];
        activity.rows().row(y, &mut row);
        row[x]
    }

    #[test]
    fn texture_is_active_and_a_single_line_is_not() {
        let line = Plane::from_fn(SIZE, |x, _| if (198..201).contains(&x) { 0.0 } else { 255.0 });
        // 0.14 would raise the strength beside a line by 5 %: nobody sees that.
        assert!(activity_at(&line, 203, 150) < 0.14, "{}", activity_at(&line, 203, 150));
        let grain = Plane::from_fn(SIZE, |x, y| 100.0 + ((x * 7 + y * 13) % 9) as f32 * 4.0);
        assert!(activity_at(&grain, 200, 150) > 3.0);
        assert_eq!(activity_at(&Plane::filled(SIZE, 9.0), 10, 10), 0.0);
    }

    #[test]
    fn white_paper_has_no_room_above_and_marked_paper_keeps_its_own() {
        let of = |channel: &Plane, x: usize, further: bool| {
            let mut ends = Ends::new(channel.size());
            channel.rows().enumerate().for_each(|(y, row)| ends.add(y, row));
            let headroom = ends.headroom();
            let (mut white, mut black) = headroom.rows();
            let (mut w, mut b) = (vec![0.0; channel.width()], vec![0.0; channel.width()]);
            white.row(150, &mut w);
            black.row(150, &mut b);
            room(channel.at(x, 150), w[x], b[x], 1.25, OneWay { most: 2.0, further })
        };
        let at = |channel: &Plane, x: usize| of(channel, x, false);
        let paper = Plane::from_fn(SIZE, |x, _| if x == 200 { 3.0 } else { 255.0 });
        assert_eq!(at(&paper, 100), (0.0, 2.0));
        assert_eq!(at(&paper, 200), (1.25, 1.25), "ink at 3 has room both ways");
        // Half the samples at 254, half at 255: both move within the same bounds.
        let marked = Plane::from_fn(SIZE, |x, y| 254.0 + ((x + y) % 2) as f32);
        let (a, b) = (at(&marked, 100), at(&marked, 101));
        assert!((a.0 - 0.5).abs() < 0.01 && (a.0 - b.0).abs() < 1e-6, "{a:?} {b:?}");
        assert_eq!(at(&Plane::filled(SIZE, 0.0), 5), (2.0, 0.0));
        assert_eq!(at(&Plane::filled(SIZE, 128.0), 5), (1.25, 1.25));
        // It sinks once: a further mark moves it as far up as down, and as a first one where it has not sunk.
        let sunk = |value: f32| of(&Plane::filled(SIZE, value), 5, true);
        assert_eq!([sunk(254.0), sunk(1.0)], [(1.0, 1.0), (1.0, 1.0)]);
        assert_eq!([sunk(255.0), sunk(0.0)], [(0.0, 2.0), (2.0, 0.0)]);
        assert_eq!([sunk(250.0), sunk(128.0)], [(1.25, 1.25), (1.25, 1.25)]);
    }
}
