//! From a place in the found picture to its place in the original: what bends, then the lens, then the homography.

use crate::{Homography, Plane, Size};

/// Radial distortion of the found picture: `y = x + d (k_0 r^2 + k_1 r^4)`, where `d = x - centre` and `r = |d| / unit`.
///
/// The first of Brown's terms ("Decentering distortion of lenses", Photogrammetric Engineering 32(3), 1966), on the found
/// side, so that the way to the original needs no inverse. Phones: `k_0` of -0.1 to 0.05.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lens {
    /// Where the axis meets the picture: its middle, px.
    pub centre: [f64; 2],
    /// Half of the longer side, px.
    pub unit: f64,
    /// 0.0 for none.
    pub k: [f64; 2],
}

impl Lens {
    /// No distortion of a picture of `size`.
    pub fn none(size: Size) -> Self {
        let middle = |n: usize| 0.5 * (n as f64 - 1.0);
        Self {
            centre: [size.width, size.height].map(middle),
            unit: 0.5 * size.long_side() as f64,
            k: [0.0; 2],
        }
    }

    /// Where the found `point` would be without the distortion, px.
    #[inline]
    pub fn straight(&self, point: [f64; 2]) -> [f64; 2] {
        if self.is_none() {
            return point;
        }
        let [x, y] = self.offset(point);
        let r = x * x + y * y;
        let stretch = (self.k[0] + self.k[1] * r) * r * self.unit;
        [point[0] + x * stretch, point[1] + y * stretch]
    }

    /// Whether it distorts nothing.
    pub fn is_none(&self) -> bool {
        self.k == [0.0; 2]
    }

    /// From the centre, in units.
    #[inline]
    pub(super) fn offset(&self, point: [f64; 2]) -> [f64; 2] {
        [(point[0] - self.centre[0]) / self.unit, (point[1] - self.centre[1]) / self.unit]
    }
}

/// Small displacements on the found grid that no lens explains: paper, screens, rolling shutters.
#[derive(Clone, Debug, PartialEq)]
pub struct Bend {
    /// Side of a cell, px.
    pub side: usize,
    /// Added to x and y, px, one sample for each cell; straight lines between the centres of cells.
    pub shift: [Plane; 2],
}

impl Bend {
    /// What is added at a found `point`, px.
    pub fn at(&self, point: [f64; 2]) -> [f64; 2] {
        let size = self.shift[0].size();
        let cell = |v: f64, cells: usize| {
            let place = ((v + 0.5) / self.side as f64 - 0.5).clamp(0.0, (cells - 1) as f64);
            (place as usize, (place as usize + 1).min(cells - 1), place.fract())
        };
        let (x0, x1, t) = cell(point[0], size.width);
        let (y0, y1, s) = cell(point[1], size.height);
        [0, 1].map(|i| {
            let v = |x: usize, y: usize| f64::from(self.shift[i].at(x, y));
            let line = |y: usize| v(x0, y) + t * (v(x1, y) - v(x0, y));
            line(y0) + s * (line(y1) - line(y0))
        })
    }
}

/// All of it.
#[derive(Clone, Debug)]
pub(super) struct Pose {
    /// Straight found px to original px.
    pub(super) back: Homography,
    pub(super) lens: Lens,
    pub(super) bend: Option<Bend>,
}

impl Pose {
    /// The pose of a plain homography onto a found picture of `size`; nothing if it flattens the plane.
    pub(super) fn of(map: &Homography, size: Size) -> Option<Self> {
        Some(Self { back: map.inverse()?, lens: Lens::none(size), bend: None })
    }

    /// Without bend and lens.
    #[inline]
    pub(super) fn straight(&self, found: [f64; 2]) -> [f64; 2] {
        let found = match &self.bend {
            None => found,
            Some(bend) => {
                let [dx, dy] = bend.at(found);
                [found[0] + dx, found[1] + dy]
            }
        };
        self.lens.straight(found)
    }

    #[inline]
    pub(super) fn original_at(&self, found: [f64; 2]) -> [f64; 2] {
        self.back.apply(self.straight(found))
    }

    /// A 9 by 9 grid over a found picture of `size`, with the places in an original, only those within it.
    pub(super) fn grid(&self, size: Size, original: Size) -> Vec<([f64; 2], [f64; 2])> {
        let at = |i: usize, n: usize| (i as f64 + 0.5) / 9.0 * n as f64 - 0.5;
        let points = (0..81).map(|i| [at(i % 9, size.width), at(i / 9, size.height)]);
        let inside = |[x, y]: [f64; 2]| {
            let within = |v: f64, n: usize| (-0.5..n as f64 - 0.5).contains(&v);
            within(x, original.width) && within(y, original.height)
        };
        points.map(|p| (p, self.original_at(p))).filter(|(_, q)| inside(*q)).collect()
    }

    /// Found px for each original px, along both axes of the original, in the middle of what both show.
    pub(super) fn scale(&self, size: Size, original: Size) -> Option<[f64; 2]> {
        let grid = self.grid(size, original);
        let n = grid.len() as f64;
        let middle = [0, 1].map(|k| grid.iter().map(|(p, _)| p[k]).sum::<f64>() / n);
        let [[a, b], [c, d]] = self.back.jacobian(self.straight(middle));
        let area = (a * d - b * c).abs();
        // The columns of the inverse.
        let scale = [(d * d + c * c).sqrt() / area, (b * b + a * a).sqrt() / area];
        (!grid.is_empty() && scale.iter().all(|s| s.is_finite() && (1e-3..1e3).contains(s))).then_some(scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lens_moves_corners_and_not_the_centre() {
        let lens = Lens { k: [-0.03, 0.0], ..Lens::none(Size { width: 2048, height: 1536 }) };
        assert_eq!(lens.straight([1023.5, 767.5]), [1023.5, 767.5]);
        let [x, y] = lens.straight([2047.5, 767.5]);
        assert!((x - (2047.5 - 0.03 * 1024.0)).abs() < 1e-9 && y == 767.5);
    }

    #[test]
    fn scales_are_those_of_the_map() {
        let size = |width, height| Size { width, height };
        let (large, small) = (size(400, 300), size(100, 150));
        let pose = Pose::of(&Homography::stretch(large, small), small).expect("a stretch");
        let [x, y] = pose.scale(small, large).expect("they overlap");
        assert!((x - 0.25).abs() < 1e-9 && (y - 0.5).abs() < 1e-9);
        let away = Homography { rows: [[1.0, 0.0, 9e3], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]] };
        assert!(Pose::of(&away, small).expect("a shift").scale(small, large).is_none());
    }

    #[test]
    fn bends_are_straight_between_cells() {
        let ramp = Plane::from_fn(Size { width: 4, height: 2 }, |x, _| x as f32);
        let bend = Bend { side: 10, shift: [ramp.clone(), ramp.map(|v| -v)] };
        assert_eq!(bend.at([14.5, 3.0]), [1.0, -1.0]);
        assert_eq!(bend.at([19.5, 3.0]), [1.5, -1.5]);
        assert_eq!(bend.at([-5.0, 900.0]), [0.0, 0.0]);
    }
}
