//! A plane in which the lattice is looked for, and the part of the found picture that it covers.

use tiermark_signal::filter::normalise_locally;
use tiermark_signal::{Plane, Size};

use super::map::Area;

/// Waves of about 4 to 40 samples, in units of their usual size, over an area of a found picture.
pub(crate) struct View {
    pub(super) plane: Plane,
    /// Found pixels on a side of one sample.
    pub(super) factor: f64,
    pub(super) area: Area,
}

impl View {
    /// The view of a whole picture, `plane` holding one sample for `factor` by `factor` found pixels.
    pub(crate) fn of(plane: &Plane, factor: f64) -> Self {
        let area = Area {
            left: 0.0,
            top: 0.0,
            width: plane.width() as f64 * factor,
            height: plane.height() as f64 * factor,
        };
        Self { plane: normalise_locally(plane, 1.0, 12.0, 18.0), factor, area }
    }

    /// Nine overlapping parts, each half as wide and high: the cells of a sheet, a picture pasted into another.
    pub(crate) fn windows(&self) -> Vec<Self> {
        let size = Size { width: self.plane.width() / 2, height: self.plane.height() / 2 };
        let place = |i: usize| {
            (i % 3 * (self.plane.width() - size.width) / 2, i / 3 * (self.plane.height() - size.height) / 2)
        };
        (0..9).map(|i| self.part(place(i), size)).collect()
    }

    fn part(&self, (left, top): (usize, usize), size: Size) -> Self {
        let area = Area {
            left: self.area.left + left as f64 * self.factor,
            top: self.area.top + top as f64 * self.factor,
            width: size.width as f64 * self.factor,
            height: size.height as f64 * self.factor,
        };
        let plane = Plane::from_fn(size, |x, y| self.plane.at(left + x, top + y));
        Self { plane, factor: self.factor, area }
    }

    /// What of the found picture it covers.
    pub(crate) fn area(&self) -> Area {
        self.area
    }

    /// Found pixels on a side of one sample.
    pub(crate) fn factor(&self) -> f64 {
        self.factor
    }

    /// Samples across and down.
    pub(crate) fn size(&self) -> Size {
        self.plane.size()
    }

    /// A map in samples of this view as one in found pixels.
    pub(crate) fn in_found_pixels(&self, matrix: [[f64; 2]; 2]) -> [[f64; 2]; 2] {
        matrix.map(|row| row.map(|v| v / self.factor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_the_view_and_know_where_they_lie() {
        let view = View::of(
            &Plane::from_fn(Size { width: 80, height: 60 }, |x, y| ((x * 7 + y * 3) % 11) as f32),
            2.0,
        );
        let windows = view.windows();
        let area = |i: usize| windows[i].area;
        assert_eq!(area(0), Area { left: 0.0, top: 0.0, width: 80.0, height: 60.0 });
        assert_eq!(area(8), Area { left: 80.0, top: 60.0, width: 80.0, height: 60.0 });
        assert_eq!(windows[4].plane.at(3, 5), view.plane.at(20 + 3, 15 + 5));
    }
}
