//! Sizes, and affine and perspective maps between pixel grids.
//!
//! The centre of the first pixel is (0, 0); the picture covers -0.5 to width - 0.5.

/// Width and height in pixels, both at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Size {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

impl Size {
    /// A size; `None` if a side is zero.
    pub fn new(width: usize, height: usize) -> Option<Self> {
        (width > 0 && height > 0).then_some(Self { width, height })
    }

    /// Number of pixels.
    pub fn area(self) -> usize {
        self.width * self.height
    }

    /// The shorter side, px.
    pub fn short_side(self) -> usize {
        self.width.min(self.height)
    }

    /// The longer side, px.
    pub fn long_side(self) -> usize {
        self.width.max(self.height)
    }
}

/// `x' = matrix x + shift`, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    /// Row by row: `[[xx, xy], [yx, yy]]`.
    pub matrix: [[f64; 2]; 2],
    /// Where the origin goes.
    pub shift: [f64; 2],
}

impl Affine {
    /// The map that moves nothing.
    pub const IDENTITY: Self = Self { matrix: [[1.0, 0.0], [0.0, 1.0]], shift: [0.0, 0.0] };

    /// Where `point` goes.
    pub fn apply(&self, point: [f64; 2]) -> [f64; 2] {
        let [[a, b], [c, d]] = self.matrix;
        [a * point[0] + b * point[1] + self.shift[0], c * point[0] + d * point[1] + self.shift[1]]
    }

    /// First `self`, then `next`.
    pub fn then(&self, next: &Self) -> Self {
        let [[a, b], [c, d]] = next.matrix;
        let [[e, f], [g, h]] = self.matrix;
        Self {
            matrix: [[a * e + b * g, a * f + b * h], [c * e + d * g, c * f + d * h]],
            shift: next.apply(self.shift),
        }
    }

    /// Signed area of the image of the unit square.
    pub fn determinant(&self) -> f64 {
        self.matrix[0][0] * self.matrix[1][1] - self.matrix[0][1] * self.matrix[1][0]
    }

    /// The map back; `None` if this one flattens the plane.
    pub fn inverse(&self) -> Option<Self> {
        let det = self.determinant();
        if det.is_nan() || det.abs() <= 1e-12 {
            return None;
        }
        let [[a, b], [c, d]] = self.matrix;
        let matrix = [[d / det, -b / det], [-c / det, a / det]];
        let linear = Self { matrix, shift: [0.0, 0.0] };
        let back = linear.apply(self.shift);
        Some(Self { matrix, shift: [-back[0], -back[1]] })
    }
}

/// `x' = (a x + b y + c) / (g x + h y + i)`, and so for `y'`: what a plane does to another seen through a pinhole.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Homography {
    /// Row by row, the last element 1.0 wherever that is possible.
    pub rows: [[f64; 3]; 3],
}

impl Homography {
    /// The map that moves nothing.
    pub const IDENTITY: Self = Self { rows: [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]] };

    /// A picture of size `from` stretched over one of size `to`, border to border.
    pub fn stretch(from: Size, to: Size) -> Self {
        let [x, y] = [to.width as f64 / from.width as f64, to.height as f64 / from.height as f64];
        // Pixel centres are whole numbers, borders lie half a pixel outside.
        Self { rows: [[x, 0.0, 0.5 * (x - 1.0)], [0.0, y, 0.5 * (y - 1.0)], [0.0, 0.0, 1.0]] }
    }

    /// Where `point` goes; not finite where it goes to the horizon.
    #[inline(always)]
    pub fn apply(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [u, v, w] = self.rows.map(|[a, b, c]| a * x + b * y + c);
        [u / w, v / w]
    }

    /// First `self`, then `next`.
    #[must_use]
    pub fn then(&self, next: &Self) -> Self {
        let column = |j: usize| self.rows.map(|row| row[j]);
        let entry = |row: &[f64; 3], j: usize| row.iter().zip(column(j)).map(|(a, b)| a * b).sum();
        Self { rows: next.rows.map(|row| [0, 1, 2].map(|j| entry(&row, j))) }.scaled()
    }

    /// The map back; `None` if this one flattens the plane.
    pub fn inverse(&self) -> Option<Self> {
        let m = &self.rows;
        let minor = |i: usize, j: usize| {
            let (r, s) = ((i + 1) % 3, (i + 2) % 3);
            let (p, q) = ((j + 1) % 3, (j + 2) % 3);
            m[r][p] * m[s][q] - m[r][q] * m[s][p]
        };
        let det: f64 = (0..3).map(|j| m[0][j] * minor(0, j)).sum();
        if !det.is_finite() || det.abs() <= 1e-15 {
            return None;
        }
        Some(Self { rows: [0, 1, 2].map(|j| [0, 1, 2].map(|i| minor(i, j) / det)) }.scaled())
    }

    /// `d(x', y') / d(x, y)` at `point`, row by row.
    pub fn jacobian(&self, [x, y]: [f64; 2]) -> [[f64; 2]; 2] {
        let [u, v, w] = self.rows.map(|[a, b, c]| a * x + b * y + c);
        let [top, middle, last] = self.rows;
        [(top, u), (middle, v)].map(|(row, n)| [0, 1].map(|j| (row[j] * w - n * last[j]) / (w * w)))
    }

    fn scaled(self) -> Self {
        let last = self.rows[2][2];
        if last.abs() <= 1e-12 { self } else { Self { rows: self.rows.map(|row| row.map(|v| v / last)) } }
    }
}

impl From<Affine> for Homography {
    fn from(Affine { matrix: [[a, b], [c, d]], shift: [x, y] }: Affine) -> Self {
        Self { rows: [[a, b, x], [c, d, y], [0.0, 0.0, 1.0]] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_homography_and_its_inverse_leave_points_where_they_were() {
        let map = Homography { rows: [[0.9, 0.1, 12.0], [-0.08, 1.1, -7.0], [1e-4, -5e-5, 1.0]] };
        let back = map.inverse().expect("it is no shadow");
        let both = map.then(&back);
        for point in [[0.0, 0.0], [640.0, 0.0], [311.0, 470.0]] {
            let there = back.apply(map.apply(point));
            let id = both.apply(point);
            for i in [0, 1] {
                assert!((there[i] - point[i]).abs() < 1e-9 && (id[i] - point[i]).abs() < 1e-9);
            }
            let [px, py] = map.apply(point);
            let step = 1e-4;
            let [qx, qy] = map.apply([point[0] + step, point[1]]);
            let jacobian = map.jacobian(point);
            assert!(((qx - px) / step - jacobian[0][0]).abs() < 1e-5);
            assert!(((qy - py) / step - jacobian[1][0]).abs() < 1e-5);
        }
        assert!(Homography { rows: [[1.0, 2.0, 0.0], [2.0, 4.0, 0.0], [0.0, 0.0, 1.0]] }.inverse().is_none());
    }

    #[test]
    fn stretching_keeps_borders() {
        let size = |width, height| Size { width, height };
        let map = Homography::stretch(size(100, 50), size(25, 100));
        assert_eq!(map.apply([-0.5, -0.5]), [-0.5, -0.5]);
        assert_eq!(map.apply([99.5, 49.5]), [24.5, 99.5]);
    }
}
