//! One channel of a picture.

use crate::Size;

/// A row-major field of `f32` samples; size and samples agree by construction.
///
/// Colour and luma are in code values of an 8-bit file, 0.0 to 255.0; alpha is 0.0 to 1.0.
/// A plane has at least one sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    size: Size,
    samples: Vec<f32>,
}

impl Plane {
    /// A plane of one value.
    pub fn filled(size: Size, value: f32) -> Self {
        Self { size, samples: vec![value; size.area()] }
    }

    /// A plane over `samples`, row by row; `None` if their number is not the area of `size`.
    pub fn new(size: Size, samples: Vec<f32>) -> Option<Self> {
        (samples.len() == size.area()).then_some(Self { size, samples })
    }

    /// The plane whose sample in column `x` of row `y` is `at(x, y)`.
    pub fn from_fn(size: Size, mut at: impl FnMut(usize, usize) -> f32) -> Self {
        let mut samples = Vec::with_capacity(size.area());
        for y in 0..size.height {
            samples.extend((0..size.width).map(|x| at(x, y)));
        }
        Self { size, samples }
    }

    /// Width and height.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Number of columns.
    pub fn width(&self) -> usize {
        self.size.width
    }

    /// Number of rows.
    pub fn height(&self) -> usize {
        self.size.height
    }

    /// All samples, row by row.
    pub fn samples(&self) -> &[f32] {
        &self.samples
    }

    /// All samples, row by row.
    pub fn samples_mut(&mut self) -> &mut [f32] {
        &mut self.samples
    }

    /// The samples of row `y`.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, y: usize) -> &[f32] {
        &self.samples[y * self.size.width..][..self.size.width]
    }

    /// The samples of row `y`.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row_mut(&mut self, y: usize) -> &mut [f32] {
        &mut self.samples[y * self.size.width..][..self.size.width]
    }

    /// The rows, top to bottom.
    pub fn rows(&self) -> impl DoubleEndedIterator<Item = &[f32]> + ExactSizeIterator {
        self.samples.chunks_exact(self.size.width)
    }

    /// The sample in column `x` of row `y`.
    ///
    /// # Panics
    /// If it lies outside.
    pub fn at(&self, x: usize, y: usize) -> f32 {
        self.row(y)[x]
    }

    /// Apply `f` to each sample.
    pub fn map(mut self, f: impl Fn(f32) -> f32) -> Self {
        self.samples.iter_mut().for_each(|v| *v = f(*v));
        self
    }

    /// Columns and rows changed places: sample (x, y) moves to (y, x).
    pub fn transposed(&self) -> Self {
        let size = Size { width: self.size.height, height: self.size.width };
        Self::from_fn(size, |x, y| self.at(y, x))
    }
}
