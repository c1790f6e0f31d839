//! The map from a found picture to the lattice.

use tiermark_signal::Size;

/// Terms of the map: 1, u, v, u^2, uv, v^2.
pub(crate) const TERMS: usize = 6;

/// Found pixels to ref px: a polynomial of order two, which takes in affine maps whole and perspective, lens and bow
/// where they are mild.
///
/// Found pixels count from the picture's corner: the first pixel covers 0.0 to 1.0.
#[derive(Clone, Debug)]
pub(crate) struct LatticeMap {
    centre: [f64; 2],
    reach: f64,
    /// For lattice x and y.
    pub(crate) terms: [[f64; TERMS]; 2],
}

impl LatticeMap {
    /// The map `matrix (x - centre)` of a picture of `size`; `matrix` in ref px per found pixel.
    pub(crate) fn linear(size: Size, matrix: [[f64; 2]; 2]) -> Self {
        let reach = size.long_side() as f64 / 2.0;
        let row = |[a, b]: [f64; 2]| [0.0, a * reach, b * reach, 0.0, 0.0, 0.0];
        let centre = [size.width as f64 / 2.0, size.height as f64 / 2.0];
        Self { centre, reach, terms: matrix.map(row) }
    }

    /// The terms at a found place.
    pub(crate) fn basis(&self, place: [f64; 2]) -> [f64; TERMS] {
        let u = (place[0] - self.centre[0]) / self.reach;
        let v = (place[1] - self.centre[1]) / self.reach;
        [1.0, u, v, u * u, u * v, v * v]
    }

    /// Where a found place lies in the lattice, ref px.
    pub(crate) fn apply(&self, place: [f64; 2]) -> [f64; 2] {
        let basis = self.basis(place);
        self.terms.map(|row| row.iter().zip(&basis).map(|(a, b)| a * b).sum())
    }

    /// The derivative at a found place: ref px per found pixel.
    pub(crate) fn jacobian(&self, place: [f64; 2]) -> [[f64; 2]; 2] {
        let [_, u, v, ..] = self.basis(place);
        self.terms.map(|t| {
            [(t[1] + 2.0 * t[3] * u + t[4] * v) / self.reach, (t[2] + t[4] * u + 2.0 * t[5] * v) / self.reach]
        })
    }

    /// The derivative at the centre.
    pub(crate) fn matrix(&self) -> [[f64; 2]; 2] {
        self.jacobian(self.centre)
    }

    /// The found place of a point of the lattice, by Newton's method from `guess`.
    ///
    /// The map is nearly linear over a picture, so four steps reach far below a hundredth of a pixel.
    pub(crate) fn inverse(&self, point: [f64; 2], guess: [f64; 2]) -> [f64; 2] {
        let mut place = guess;
        for _ in 0..4 {
            let at = self.apply(place);
            let [[a, b], [c, d]] = self.jacobian(place);
            let det = a * d - b * c;
            if det.is_nan() || det.abs() <= 1e-9 {
                break;
            }
            let (x, y) = (point[0] - at[0], point[1] - at[1]);
            place = [place[0] + (d * x - b * y) / det, place[1] + (a * y - c * x) / det];
        }
        place
    }

    /// The middle of the picture, found pixels.
    pub(crate) fn centre(&self) -> [f64; 2] {
        self.centre
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inverse_leads_back() {
        let mut map = LatticeMap::linear(Size { width: 640, height: 360 }, [[1.9, 0.3], [-0.2, 2.1]]);
        map.terms[0][3] = 4.0;
        map.terms[1][4] = -3.0;
        for place in [[0.0, 0.0], [640.0, 10.0], [320.0, 180.0]] {
            let back = map.inverse(map.apply(place), map.centre());
            assert!(
                (back[0] - place[0]).abs() < 1e-6 && (back[1] - place[1]).abs() < 1e-6,
                "{place:?} {back:?}"
            );
        }
    }
}
