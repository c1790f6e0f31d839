//! The map from a found picture to the lattice.

use tiermark_signal::Size;

use crate::layout::TILE;

/// A rectangle of a found picture, found pixels from the picture's corner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Area {
    /// First column.
    pub(crate) left: f64,
    /// First row.
    pub(crate) top: f64,
    /// Extent across.
    pub(crate) width: f64,
    /// Extent down.
    pub(crate) height: f64,
}

impl Area {
    /// All of a picture.
    pub(crate) fn whole(size: Size) -> Self {
        Self { left: 0.0, top: 0.0, width: size.width as f64, height: size.height as f64 }
    }

    /// Half as wide and half as high around the same middle.
    pub(crate) fn inner_half(&self) -> Self {
        Self {
            left: self.left + self.width / 4.0,
            top: self.top + self.height / 4.0,
            width: self.width / 2.0,
            height: self.height / 2.0,
        }
    }

    /// The middle.
    pub(crate) fn centre(&self) -> [f64; 2] {
        [self.left + self.width / 2.0, self.top + self.height / 2.0]
    }
}

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
    /// The map `matrix (x - centre)` around the centre of `area`; `matrix` in ref px per found pixel.
    pub(crate) fn linear(area: &Area, matrix: [[f64; 2]; 2]) -> Self {
        let reach = area.width.max(area.height) / 2.0;
        let row = |[a, b]: [f64; 2]| [0.0, a * reach, b * reach, 0.0, 0.0, 0.0];
        Self { centre: area.centre(), reach, terms: matrix.map(row) }
    }

    /// The map in perspective: `matrix u / (1 + fall u)` at `u` found pixels from the centre of `area`, as far as order two goes.
    pub(crate) fn tilted(area: &Area, matrix: [[f64; 2]; 2], fall: [f64; 2]) -> Self {
        let mut map = Self::linear(area, matrix);
        let square = map.reach * map.reach;
        for (terms, [a, b]) in map.terms.iter_mut().zip(matrix) {
            let bent = [a * fall[0], a * fall[1] + b * fall[0], b * fall[1]];
            terms[3..].iter_mut().zip(bent).for_each(|(term, v)| *term = -v * square);
        }
        map
    }

    /// The same turned by half around the centre.
    pub(crate) fn half_turn(&self) -> Self {
        let terms = self.terms.map(|row| row.map(|v| -v));
        Self { terms, ..self.clone() }
    }

    /// The linear map around the centre of `area` that touches this one at its own centre.
    pub(crate) fn tangent(&self, area: &Area) -> Self {
        let mut map = Self::linear(area, self.matrix());
        let (here, there) = (self.apply(self.centre), map.apply(self.centre));
        for axis in 0..2 {
            map.terms[axis][0] += here[axis] - there[axis];
        }
        map
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

    /// Whether both maps lay the lattice in the same way around a found place: it may be shifted by whole tiles.
    pub(crate) fn agrees_with(&self, other: &Self, place: [f64; 2]) -> bool {
        /// Difference of the derivatives, of their own size.
        const TURNED: f64 = 0.05;
        /// Ref px: less than half of the finest line's wave.
        const APART: f64 = 6.0;
        let (own, theirs) = (self.jacobian(place), other.jacobian(place));
        let size = |m: [[f64; 2]; 2]| libm::sqrt(m.iter().flatten().map(|v| v * v).sum());
        let turned: [[f64; 2]; 2] = [0, 1].map(|i| [0, 1].map(|j| own[i][j] - theirs[i][j]));
        let (own_at, their_at) = (self.apply(place), other.apply(place));
        let tile = TILE as f64;
        let apart = |axis: usize| {
            let apart = own_at[axis] - their_at[axis];
            (apart - tile * libm::round(apart / tile)).abs()
        };
        size(turned) <= TURNED * size(own) && (0..2).all(|axis| apart(axis) <= APART)
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
    fn a_tangent_agrees_where_it_touches() {
        let part = Area { left: 100.0, top: 50.0, width: 200.0, height: 120.0 };
        let mut map = LatticeMap::linear(&part, [[1.9, 0.3], [-0.2, 2.1]]);
        map.terms[0][3] = 2.0;
        let tangent = map.tangent(&Area::whole(Size { width: 640, height: 360 }));
        let near = |a: [f64; 2], b: [f64; 2]| (a[0] - b[0]).abs() < 1e-9 && (a[1] - b[1]).abs() < 1e-9;
        assert!(near(map.apply(part.centre()), tangent.apply(part.centre())));
        assert!(!near(map.apply([290.0, 60.0]), tangent.apply([290.0, 60.0])), "it does not bend");
    }

    #[test]
    fn maps_a_tile_apart_agree_and_others_do_not() {
        let area = Area::whole(Size { width: 640, height: 360 });
        let map = LatticeMap::linear(&area, [[1.9, 0.3], [-0.2, 2.1]]);
        let shifted = |by: f64| {
            let mut shifted = map.clone();
            shifted.terms[1][0] += by;
            shifted
        };
        assert!(map.agrees_with(&shifted(-(TILE as f64) + 3.0), [10.0, 300.0]));
        assert!(!map.agrees_with(&shifted(9.0), [10.0, 300.0]));
        let wider = LatticeMap::linear(&area, [[2.1, 0.3], [-0.2, 2.1]]);
        assert!(!map.agrees_with(&wider, map.centre()), "they meet in the middle alone");
    }

    #[test]
    fn inverse_leads_back() {
        let mut map =
            LatticeMap::linear(&Area::whole(Size { width: 640, height: 360 }), [[1.9, 0.3], [-0.2, 2.1]]);
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
