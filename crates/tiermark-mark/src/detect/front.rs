//! From a found picture to a plane in which the mark stands out.
//!
//! A drawing's own lines are a thousand times stronger than the mark, but they are few and steep: every step of luma
//! above a threshold is set to nothing and the field of steps put together again (Poisson's equation, least squares).
//! What is left is slow: the mark, grain, and soft shading. Measured on line art, z of a clean frame rose 6 to 46 times
//! against plain whitening.

use tiermark_signal::statistics::quantile;
use tiermark_signal::{Plane, Size, Wide, poisson, widest};

use crate::embed::Picture;

/// A plane of the gentle steps of a found picture, smaller by a whole factor.
pub(crate) struct Gentle {
    /// Code values, mean zero.
    pub(crate) plane: Plane,
    /// Found pixels on a side of one sample.
    pub(crate) factor: usize,
}

/// Samples worth looking at, a 1080p frame at half size and a little: finer ones hold no more of waves of 8 ref px and longer,
/// and 4K frames read as they do on a grid of twice as many.
const MOST_SAMPLES: usize = 600_000;
/// A long pan keeps this many rows, so that its waves stay above the pixel grid.
const SHORT_SIDE: usize = 480;
/// A step at least this steep belongs to the drawing, code values.
const STEEP: f32 = 6.0;

impl Gentle {
    /// The gentle steps of `luma`; where `valid` is given, only between two samples that are both above zero.
    pub(crate) fn of(luma: &Plane, valid: Option<&Plane>) -> Self {
        let factor = block_factor(luma.size());
        let steep = Steepness::of(luma);
        let (dx, dy) = widest(BlockSteps { luma, valid, factor, steep: &steep });
        Self { plane: poisson::integrate(&dx, &dy), factor }
    }

    /// The gentle steps of a picture: laid on white paper or, with its alpha given, as the layer it is.
    pub(crate) fn on(found: &Picture<'_>, alpha: Option<&Plane>) -> Self {
        match alpha {
            None => Self::of(&found.luma_on_white(), None),
            Some(alpha) => Self::of(&found.luma(), Some(alpha)),
        }
    }
}

fn block_factor(size: Size) -> usize {
    let fits = |factor: &usize| size.area() <= MOST_SAMPLES * factor * factor;
    (1..).find(fits).expect("some factor is large enough").min(size.short_side() / SHORT_SIDE).max(1)
}

impl Gentle {
    /// The middle of a long pan, twice as long as wide; `None` if the picture is not longer than that.
    ///
    /// The number of scales and angles to tell apart grows with the square of the length: a strip of 65,000 pixels would
    /// be searched for hours, and its middle holds enough of the mark.
    pub(crate) fn middle(&self) -> Option<Self> {
        let size = self.plane.size();
        let long = 2 * size.short_side().max(SHORT_SIDE);
        if size.long_side() <= long {
            return None;
        }
        let (width, height) = (size.width.min(long), size.height.min(long));
        let (left, top) = ((size.width - width) / 2, (size.height - height) / 2);
        let plane = Plane::from_fn(Size { width, height }, |x, y| self.plane.at(left + x, top + y));
        Some(Self { plane, factor: self.factor })
    }

    /// Size of what the plane covers, found pixels.
    pub(crate) fn found_size(&self) -> Size {
        let size = self.plane.size();
        Size { width: size.width * self.factor, height: size.height * self.factor }
    }
}

/// Above which step a place belongs to the drawing: `max(6, 3 sigma)`, sigma from the median step around, since in noise
/// and texture steps are steep without any line.
///
/// Around, not over the whole picture: on white paper beside a painting, or in a sheet of many pictures, the median step
/// of all is that of the flat parts, and nothing of the painting would be left.
struct Steepness {
    /// Samples on a side of one cell.
    cell: usize,
    columns: usize,
    limits: Vec<f32>,
}

/// Cells along the shorter side.
const CELLS: usize = 8;
/// A median needs some steps, samples on a side.
const LEAST_CELL: usize = 32;

impl Steepness {
    fn of(luma: &Plane) -> Self {
        let cell = (luma.size().short_side() / CELLS).max(LEAST_CELL);
        let (columns, rows) = (luma.width().div_ceil(cell), luma.height().div_ceil(cell));
        let limit = |i: usize| {
            let (left, top) = (i % columns * cell, i / columns * cell);
            let right = (left + cell).min(luma.width());
            // Every fourth row tells the median well enough.
            let rows = (top..(top + cell).min(luma.height())).step_by(4);
            let steps =
                rows.flat_map(|y| luma.row(y)[left..right].windows(2).map(|pair| (pair[1] - pair[0]).abs()));
            STEEP.max(3.0 * 1.4826 * quantile(steps, 0.5, 32.0))
        };
        Self { cell, columns, limits: (0..columns * rows).map(limit).collect() }
    }

    /// The limits along row `y`, each with the columns that it holds for.
    fn along(&self, y: usize, width: usize) -> impl Iterator<Item = (std::ops::Range<usize>, f32)> {
        let row = &self.limits[y / self.cell * self.columns..][..self.columns];
        row.iter()
            .enumerate()
            .map(move |(i, limit)| (i * self.cell..((i + 1) * self.cell).min(width), *limit))
    }
}

/// The steps between means over blocks, from the gentle steps between samples.
///
/// The step from one block mean to the next is a sum over all sample steps between them, those in the middle counted
/// most (a triangle of `2 factor - 1` weights): so a large picture is put together again on a small grid at once.
struct BlockSteps<'a> {
    luma: &'a Plane,
    valid: Option<&'a Plane>,
    factor: usize,
    steep: &'a Steepness,
}

impl Wide for BlockSteps<'_> {
    type Output = (Plane, Plane);

    #[inline(always)]
    fn run(self) -> (Plane, Plane) {
        let Self { luma, valid, factor, steep } = self;
        let size = Size::new(luma.width() / factor, luma.height() / factor).expect("a block fits");
        let share = 1.0 / (factor * factor) as f32;
        let (mut dx, mut dy) = (Plane::filled(size, 0.0), Plane::filled(size, 0.0));
        let mut steps = vec![0.0; luma.width()];
        let mut blocks = vec![0.0; size.width];
        for y in 0..size.height * factor {
            let (row, mask) = (luma.row(y), valid.map(|v| v.row(y)));
            for (part, steep) in steep.along(y, row.len() - 1) {
                let mask = mask.map(|m| (&m[part.clone()], &m[part.start + 1..=part.end]));
                gentle(&row[part.clone()], &row[part.start + 1..=part.end], mask, steep, &mut steps[part]);
            }
            add_triangles(&steps[..row.len() - 1], factor, share, dx.row_mut(y / factor));
            if y + 1 < luma.height() {
                let below = valid.map(|v| v.row(y + 1));
                for (part, steep) in steep.along(y, row.len()) {
                    let mask = mask.zip(below).map(|(m, b)| (&m[part.clone()], &b[part.clone()]));
                    gentle(&row[part.clone()], &luma.row(y + 1)[part.clone()], mask, steep, &mut steps[part]);
                }
                for (sum, block) in blocks.iter_mut().zip(steps.chunks_exact(factor)) {
                    *sum = block.iter().sum::<f32>() * share;
                }
                let (block, inside) = (y / factor, y % factor);
                add_scaled(dy.row_mut(block), &blocks, (inside + 1) as f32);
                if block > 0 {
                    add_scaled(dy.row_mut(block - 1), &blocks, (factor - 1 - inside) as f32);
                }
            }
        }
        (dx, dy)
    }
}

#[inline(always)]
fn add_scaled(sums: &mut [f32], blocks: &[f32], weight: f32) {
    sums.iter_mut().zip(blocks).for_each(|(sum, v)| *sum += weight * v);
}

/// Steps from `from` to `to` that are not steep and lead between valid samples; 0.0 for the others.
#[inline(always)]
fn gentle(from: &[f32], to: &[f32], valid: Option<(&[f32], &[f32])>, steep: f32, steps: &mut [f32]) {
    for (step, (a, b)) in steps.iter_mut().zip(from.iter().zip(to)) {
        let d = b - a;
        *step = if d.abs() > steep { 0.0 } else { d };
    }
    let Some((from, to)) = valid else { return };
    for (step, (a, b)) in steps.iter_mut().zip(from.iter().zip(to)) {
        *step = if *a > 0.0 && *b > 0.0 { *step } else { 0.0 };
    }
}

/// For each block but the last, the triangle over the steps from its first sample on.
#[inline(always)]
fn add_triangles(steps: &[f32], factor: usize, share: f32, sums: &mut [f32]) {
    let blocks = sums.len();
    for (block, sum) in sums[..blocks - 1].iter_mut().enumerate() {
        let reach = &steps[block * factor..][..2 * factor - 1];
        let rising = reach[..factor].iter().enumerate().map(|(i, v)| (i + 1) as f32 * v).sum::<f32>();
        let falling =
            reach[factor..].iter().enumerate().map(|(i, v)| (factor - 1 - i) as f32 * v).sum::<f32>();
        *sum += (rising + falling) * share;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tiermark_signal::resample::block_mean;

    #[test]
    fn a_gentle_picture_comes_back_as_its_block_means() {
        // 1.3 megapixels are looked at in blocks of 2.
        let luma = Plane::from_fn(Size { width: 1300, height: 1001 }, |x, y| {
            100.0 + 20.0 * libm::sinf(x as f32 / 30.0) + 15.0 * libm::cosf(y as f32 / 41.0 + x as f32 / 50.0)
        });
        let gentle = Gentle::of(&luma, None);
        assert_eq!(gentle.factor, 2);
        let want = block_mean(&luma, 2);
        let mean = want.samples().iter().sum::<f32>() / want.samples().len() as f32;
        for (want, got) in want.samples().iter().zip(gentle.plane.samples()) {
            assert!((want - mean - got).abs() < 0.02, "{want} {got}");
        }
    }

    #[test]
    fn a_line_disappears_and_a_soft_blob_beside_it_stays() {
        let blob = |x: usize, y: usize| {
            let (dx, dy) = (x as f32 - 300.0, y as f32 - 200.0);
            2.0 * libm::expf(-(dx * dx + dy * dy) / 800.0)
        };
        let luma = Plane::from_fn(Size { width: 600, height: 400 }, |x, y| {
            if (340..344).contains(&x) { 0.0 } else { 250.0 + blob(x, y) }
        });
        let plane = Gentle::of(&luma, None).plane;
        assert!((plane.at(300, 200) - plane.at(100, 50) - 2.0).abs() < 0.15, "{}", plane.at(300, 200));
        assert!(plane.samples().iter().all(|v| v.abs() < 3.0), "the line is gone");
    }

    #[test]
    fn only_the_middle_of_a_strip_is_searched() {
        let strip = Gentle { plane: Plane::filled(Size { width: 5000, height: 100 }, 1.0), factor: 3 };
        let middle = strip.middle().map(|middle| middle.found_size());
        assert_eq!(middle, Some(Size { width: 2880, height: 300 }));
        assert!(
            Gentle { plane: Plane::filled(Size { width: 900, height: 500 }, 1.0), factor: 1 }
                .middle()
                .is_none()
        );
    }

    #[test]
    fn steps_over_invalid_samples_do_not_count() {
        let luma = Plane::from_fn(Size { width: 64, height: 64 }, |x, _| if x < 32 { 3.0 } else { 5.0 });
        let valid = Plane::from_fn(luma.size(), |x, _| if x == 31 { 0.0 } else { 1.0 });
        assert!(Gentle::of(&luma, Some(&valid)).plane.samples().iter().all(|v| v.abs() < 1e-4));
        assert!(Gentle::of(&luma, None).plane.samples().iter().any(|v| v.abs() > 0.9));
    }
}
