//! Where two pictures on one grid show the same, and whether that could be chance.

use crate::{Plane, Size};

/// How large the windows are in which pictures are compared: four by four cells about a block of two by two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Grain {
    /// Side of a cell, px of the grid.
    cell: usize,
    /// Least correlation that counts as the same.
    alike: f32,
}

impl Grain {
    /// Windows of 16 px.
    pub(super) const COARSE: Self = Self { cell: 4, alike: 0.6 };
    /// Windows of 8 px, for what shows between strokes; so few samples are alike by chance more often.
    pub(super) const FINE: Self = Self { cell: 2, alike: 0.75 };
    /// Windows of 16 px that are the same but for noise: smooth slopes, which agree with each other everywhere, do not.
    pub(super) const SHARP: Self = Self { cell: 4, alike: 0.97 };

    /// Side of a block of the mask, px of the grid.
    pub(super) fn block(self) -> usize {
        2 * self.cell
    }
}

/// Least variance of the original in a window that counts as texture, code values squared.
const TEXTURE: f32 = 4.0;

/// What one block says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Says {
    /// The original is not there.
    Outside,
    /// There is nothing to compare.
    Flat,
    /// The normalised correlation of both in the window about the block.
    Textured(f32),
}

/// All blocks of a grid.
#[derive(Clone, Debug)]
pub(super) struct Blocks {
    pub(super) grain: Grain,
    pub(super) size: Size,
    pub(super) says: Vec<Says>,
}

/// How many textured blocks are alike.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Count {
    pub(super) alike: usize,
    pub(super) textured: usize,
}

impl Count {
    /// 0.0 to 1.0.
    pub(super) fn share(self) -> f64 {
        self.alike as f64 / self.textured.max(1) as f64
    }
}

impl Blocks {
    /// Compare `found`, moved by `shift` whole pixels, with the original `warped` to its grid, NaN where it is not.
    pub(super) fn compare(found: &Plane, warped: &Plane, shift: [isize; 2], grain: Grain) -> Self {
        let sums = Sums::of(found, warped, shift, grain.cell);
        let blocks = |n: usize| n.div_ceil(grain.block());
        let size = Size { width: blocks(found.width()), height: blocks(found.height()) };
        let says =
            (0..size.area()).map(|i| sums.window(i % size.width, i / size.width).says(grain.cell)).collect();
        Self { grain, size, says }
    }

    /// Correlations of the commoner sign count as alike: a negative is one everywhere.
    pub(super) fn count(&self) -> Count {
        let (sign, limit) = (self.sign(), self.grain.alike);
        let alike = self.says.iter().filter(|s| matches!(s, Says::Textured(c) if sign * c > limit)).count();
        let textured = self.says.iter().filter(|s| matches!(s, Says::Textured(_))).count();
        Count { alike, textured }
    }

    /// 1.0, or -1.0 for a negative.
    pub(super) fn sign(&self) -> f32 {
        let beyond = |c: f32| if c.abs() > self.grain.alike { c } else { 0.0 };
        let sum: f32 =
            self.says.iter().map(|s| if let Says::Textured(c) = s { beyond(*c) } else { 0.0 }).sum();
        1.0_f32.copysign(sum)
    }

    /// Share of all blocks in which the original is, 0.0 to 1.0.
    pub(super) fn inside(&self) -> f64 {
        let inside = self.says.iter().filter(|s| **s != Says::Outside).count();
        inside as f64 / self.says.len() as f64
    }

    /// Mean correlation of the blocks that are alike; 0.0 without any.
    pub(super) fn likeness(&self) -> f64 {
        let sign = self.sign();
        let beyond = self.says.iter().filter_map(|s| match s {
            Says::Textured(c) if sign * c > self.grain.alike => Some(f64::from(sign * c)),
            _ => None,
        });
        let (sum, count) = beyond.fold((0.0, 0.0), |(sum, count), c| (sum + c, count + 1.0));
        sum / f64::max(count, 1.0)
    }

    /// Whether the block over pixel (`x`, `y`) of the grid is textured and alike.
    pub(super) fn alike_at(&self, x: usize, y: usize, sign: f32) -> bool {
        let block = self.grain.block();
        let i = y / block * self.size.width + x / block;
        matches!(self.says.get(i), Some(Says::Textured(c)) if sign * c > self.grain.alike)
    }
}

/// Sums over a cell or window: number, found, original, and their products.
#[derive(Clone, Copy, Default)]
struct Sum([f32; 6]);

impl Sum {
    fn says(self, cell: usize) -> Says {
        let [n, f, o, ff, oo, fo] = self.0;
        // Half of the window must be there.
        if n < 8.0 * (cell * cell) as f32 {
            return Says::Outside;
        }
        let (f, o) = (f / n, o / n);
        let (vf, vo, c) = (ff / n - f * f, oo / n - o * o, fo / n - f * o);
        if vo < TEXTURE {
            return Says::Flat;
        }
        // A flat found window is occluded; a faint one may be of little contrast.
        Says::Textured(c / (vo * vf.max(0.25 * TEXTURE)).sqrt())
    }
}

struct Sums {
    cells: Vec<Sum>,
    size: Size,
}

impl Sums {
    fn of(found: &Plane, warped: &Plane, [dx, dy]: [isize; 2], cell: usize) -> Self {
        let size = Size { width: found.width().div_ceil(cell), height: found.height().div_ceil(cell) };
        let mut cells = vec![Sum::default(); size.area()];
        for y in 0..warped.height() {
            let Some(from) = y.checked_add_signed(dy).filter(|&y| y < found.height()) else { continue };
            let (row, other) = (found.row(from), warped.row(y));
            let cells = &mut cells[y / cell * size.width..][..size.width];
            for (x, &o) in other.iter().enumerate() {
                let f = x.checked_add_signed(dx).and_then(|x| row.get(x));
                let (Some(&f), false) = (f, o.is_nan()) else { continue };
                // About the middle of the range: sums of squares in single precision stay exact enough.
                let (f, o) = (f - 128.0, o - 128.0);
                let add = [1.0, f, o, f * f, o * o, f * o];
                cells[x / cell].0.iter_mut().zip(add).for_each(|(s, v)| *s += v);
            }
        }
        Self { cells, size }
    }

    /// Four by four cells about block (`x`, `y`).
    fn window(&self, x: usize, y: usize) -> Sum {
        let mut sum = Sum::default();
        for j in (2 * y).saturating_sub(1)..(2 * y + 3).min(self.size.height) {
            for i in (2 * x).saturating_sub(1)..(2 * x + 3).min(self.size.width) {
                sum.0.iter_mut().zip(self.cells[j * self.size.width + i].0).for_each(|(s, v)| *s += v);
            }
        }
        sum
    }
}

/// The most blocks that are alike when the found picture is moved where it cannot be right: what chance alone does with
/// these two pictures, their smooth slopes and parallel lines included.
pub(super) fn by_chance(found: &Plane, warped: &Plane, grain: Grain) -> Count {
    let shifts: [[isize; 2]; 6] = [[24, 8], [-8, 24], [-24, -8], [8, -24], [0, 56], [56, 0]];
    let count = |shift| Blocks::compare(found, warped, shift, grain).count();
    let most = shifts.map(count).into_iter().max_by(|a, b| a.share().total_cmp(&b.share()));
    most.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(size: Size, mut state: u32) -> Plane {
        Plane::from_fn(size, |_, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as f32
        })
    }

    #[test]
    fn a_picture_agrees_with_itself_and_its_negative_and_not_with_another() {
        let size = Size { width: 203, height: 150 };
        let (a, b) = (noise(size, 1), noise(size, 2));
        let same = Blocks::compare(&a, &a, [0, 0], Grain::COARSE);
        assert_eq!((same.count().share(), same.sign()), (1.0, 1.0));
        let negative = Blocks::compare(&a.clone().map(|v| 255.0 - 0.5 * v), &a, [0, 0], Grain::COARSE);
        assert_eq!((negative.count().share(), negative.sign()), (1.0, -1.0));
        assert_eq!(Blocks::compare(&a, &b, [0, 0], Grain::COARSE).count().alike, 0);
        assert_eq!(by_chance(&a, &a, Grain::FINE).alike, 0);
        assert!(same.alike_at(195, 143, 1.0));
    }

    #[test]
    fn flat_and_outside_are_neither() {
        let size = Size { width: 64, height: 64 };
        let flat = Plane::filled(size, 200.0);
        let count = Blocks::compare(&noise(size, 3), &flat, [0, 0], Grain::COARSE).count();
        assert_eq!((count.alike, count.textured), (0, 0));
        let outside = Plane::filled(size, f32::NAN);
        assert!(
            Blocks::compare(&flat, &outside, [0, 0], Grain::COARSE).says.iter().all(|s| *s == Says::Outside)
        );
        let painted = Blocks::compare(&flat, &noise(size, 3), [0, 0], Grain::COARSE).count();
        assert_eq!((painted.alike, painted.textured), (0, 64));
    }
}
