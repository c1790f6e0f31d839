//! Sizes, and affine maps between pixel grids.
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
