//! Where two pictures on one grid show the same, and whether that could be chance.

use crate::{Plane, Size};

/// Side of a block of the mask, px of the grid it was measured on.
pub(super) const BLOCK: usize = 8;
/// Side of the cells whose sums are shared by the windows of neighbouring blocks.
const CELL: usize = BLOCK / 2;
/// Least correlation that counts as the same.
const ALIKE: f32 = 0.6;
/// Least variance of the original in a window that counts as texture, code values squared.
const TEXTURE: f32 = 4.0;

/// What one block says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Says {
    /// The original is not there.
    Outside,
    /// There is nothing to compare.
    Flat,
    /// The normalised correlation of both in 16 by 16 px about the block.
    Textured(f32),
}

/// All blocks of a grid.
#[derive(Clone, Debug)]
pub(super) struct Blocks {
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
    pub(super) fn compare(found: &Plane, warped: &Plane, shift: [isize; 2]) -> Self {
        let sums = Sums::of(found, warped, shift);
        let size = Size { width: found.width().div_ceil(BLOCK), height: found.height().div_ceil(BLOCK) };
        let says = (0..size.area()).map(|i| sums.window(i % size.width, i / size.width).says()).collect();
        Self { size, says }
    }

    /// Correlations of the commoner sign count as alike: a negative is one everywhere.
    pub(super) fn count(&self) -> Count {
        let sign = self.sign();
        let alike = self.says.iter().filter(|s| matches!(s, Says::Textured(c) if sign * c > ALIKE)).count();
        let textured = self.says.iter().filter(|s| matches!(s, Says::Textured(_))).count();
        Count { alike, textured }
    }

    /// 1.0, or -1.0 for a negative.
    pub(super) fn sign(&self) -> f32 {
        let beyond = |c: f32| if c.abs() > ALIKE { c } else { 0.0 };
        let sum: f32 =
            self.says.iter().map(|s| if let Says::Textured(c) = s { beyond(*c) } else { 0.0 }).sum();
        1.0_f32.copysign(sum)
    }

    /// Whether the block over pixel (`x`, `y`) of the grid is textured and alike.
    pub(super) fn alike_at(&self, x: usize, y: usize, sign: f32) -> bool {
        let i = y / BLOCK * self.size.width + x / BLOCK;
        matches!(self.says.get(i), Some(Says::Textured(c)) if sign * c > ALIKE)
    }
}

/// Sums over a cell or window: number, found, original, and their products.
#[derive(Clone, Copy, Default)]
struct Sum([f32; 6]);

impl Sum {
    fn says(self) -> Says {
        let [n, f, o, ff, oo, fo] = self.0;
        // Half of the window must be there.
        if n < 2.0 * (CELL * CELL) as f32 {
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
    fn of(found: &Plane, warped: &Plane, [dx, dy]: [isize; 2]) -> Self {
        let size = Size { width: found.width().div_ceil(CELL), height: found.height().div_ceil(CELL) };
        let mut cells = vec![Sum::default(); size.area()];
        for y in 0..warped.height() {
            let Some(from) = y.checked_add_signed(dy).filter(|&y| y < found.height()) else { continue };
            let (row, other) = (found.row(from), warped.row(y));
            let cells = &mut cells[y / CELL * size.width..][..size.width];
            for (x, &o) in other.iter().enumerate() {
                let f = x.checked_add_signed(dx).and_then(|x| row.get(x));
                let (Some(&f), false) = (f, o.is_nan()) else { continue };
                // About the middle of the range: sums of squares in single precision stay exact enough.
                let (f, o) = (f - 128.0, o - 128.0);
                let add = [1.0, f, o, f * f, o * o, f * o];
                cells[x / CELL].0.iter_mut().zip(add).for_each(|(s, v)| *s += v);
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
pub(super) fn by_chance(found: &Plane, warped: &Plane) -> Count {
    let shifts = [[3, 1], [-1, 3], [-3, -1], [1, -3], [5, 5], [-5, 5], [0, 7], [7, 0]];
    let count =
        |[x, y]: [isize; 2]| Blocks::compare(found, warped, [x * BLOCK as isize, y * BLOCK as isize]).count();
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
        let same = Blocks::compare(&a, &a, [0, 0]);
        assert_eq!((same.count().share(), same.sign()), (1.0, 1.0));
        let negative = Blocks::compare(&a.clone().map(|v| 255.0 - 0.5 * v), &a, [0, 0]);
        assert_eq!((negative.count().share(), negative.sign()), (1.0, -1.0));
        assert_eq!(Blocks::compare(&a, &b, [0, 0]).count().alike, 0);
        assert_eq!(by_chance(&a, &a).alike, 0);
        assert!(same.alike_at(202, 149, 1.0));
    }

    #[test]
    fn flat_and_outside_are_neither() {
        let size = Size { width: 64, height: 64 };
        let flat = Plane::filled(size, 200.0);
        let count = Blocks::compare(&noise(size, 3), &flat, [0, 0]).count();
        assert_eq!((count.alike, count.textured), (0, 0));
        let outside = Plane::filled(size, f32::NAN);
        assert!(Blocks::compare(&flat, &outside, [0, 0]).says.iter().all(|s| *s == Says::Outside));
        let painted = Blocks::compare(&flat, &noise(size, 3), [0, 0]).count();
        assert_eq!((painted.alike, painted.textured), (0, 64));
    }
}
