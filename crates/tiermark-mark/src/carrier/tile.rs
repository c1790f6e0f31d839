//! Tiles of harmonics as planes, read row by row on the pixels of a frame.

use tiermark_signal::resample::cubic_weights;
use tiermark_signal::transform::fft::inverse_square;
use tiermark_signal::{Complex, Plane};

use crate::key::Stream;
use crate::layout::{CROSSFADE, FIELD, Harmonic, TILE};

/// A periodic pattern of `TILE` by `TILE` ref px.
pub(crate) struct Tile(Plane);

impl Tile {
    /// The sum of `2 Re (X e^{2 pi i k . x / TILE})` over waves k of complex amplitude X.
    pub(crate) fn of(waves: impl Iterator<Item = (Harmonic, Complex<f32>)>) -> Self {
        let mut bins = vec![Complex::default(); TILE * TILE];
        for ((kx, ky), amplitude) in waves {
            let place = ky.rem_euclid(TILE as i32) as usize * TILE + kx.rem_euclid(TILE as i32) as usize;
            bins[place] += amplitude * 2.0;
        }
        Self(inverse_square(bins, TILE))
    }

    /// The row of tile samples at height `y` ref px, between the grid rows by cubic interpolation.
    #[inline(always)]
    pub(crate) fn row(&self, y: f64) -> [f32; TILE] {
        let base = libm::floor(y);
        let weights = cubic_weights((y - base) as f32);
        let rows: [&[f32]; 4] = std::array::from_fn(|j| {
            self.0.row((base as i64 + j as i64 - 1).rem_euclid(TILE as i64) as usize)
        });
        let mut line = [0.0; TILE];
        for (x, v) in line.iter_mut().enumerate() {
            *v = weights[0] * rows[0][x]
                + weights[1] * rows[1][x]
                + weights[2] * rows[2][x]
                + weights[3] * rows[3][x];
        }
        line
    }
}

/// A keyed sign for each tile of the field, softly crossing over at the borders.
///
/// Without signs the mark is periodic: so is what rounding and quantisers add to it, and folding does not average
/// that out; and anybody can fold a frame and read the pattern.
pub(crate) struct SignField([f32; FIELD * FIELD]);

impl SignField {
    /// 64 signs from `stream`, row by row.
    pub(crate) fn draw(stream: &mut Stream) -> Self {
        Self(std::array::from_fn(|_| stream.sign()))
    }

    /// The sign of tile (`column`, `row`) of the endless field.
    pub(crate) fn sign(&self, column: i64, row: i64) -> f32 {
        self.0[row.rem_euclid(FIELD as i64) as usize * FIELD + column.rem_euclid(FIELD as i64) as usize]
    }

    /// The field along height `y` ref px, one value to each column of tiles.
    pub(crate) fn row(&self, y: f64) -> [f32; FIELD] {
        let (upper, lower, share) = crossing(y);
        std::array::from_fn(|x| {
            let (a, b) = (self.sign(x as i64, upper), self.sign(x as i64, lower));
            a + share * (b - a)
        })
    }
}

/// The two tiles that meet near a place along one axis, and the share of the second: `sin^2` over the crossfade.
pub(crate) fn crossing(place: f64) -> (i64, i64, f32) {
    let tile = TILE as f64;
    let index = libm::floor(place / tile);
    let inside = place - index * tile;
    let index = index as i64;
    let share = |t: f64| {
        let sine = libm::sin(std::f64::consts::FRAC_PI_2 * (t + 0.5));
        (sine * sine) as f32
    };
    if inside < CROSSFADE / 2.0 {
        (index - 1, index, share(inside / CROSSFADE))
    } else if inside > tile - CROSSFADE / 2.0 {
        (index, index + 1, share((inside - tile) / CROSSFADE))
    } else {
        (index, index + 1, 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::MarkKey;

    #[test]
    fn a_tile_is_the_sum_of_its_waves() {
        let waves = [((3, 5), Complex::new(0.4, -0.2)), ((-7, 2), Complex::new(-0.1, 0.3))];
        let tile = Tile::of(waves.into_iter());
        for (x, y) in [(0_usize, 0.0_f64), (17, 200.5), (255, 31.25), (100, -3.0)] {
            let want: f64 = waves
                .iter()
                .map(|&((kx, ky), amplitude)| {
                    let angle = 2.0 * std::f64::consts::PI * (f64::from(kx) * x as f64 + f64::from(ky) * y)
                        / TILE as f64;
                    2.0 * (f64::from(amplitude.re) * libm::cos(angle)
                        - f64::from(amplitude.im) * libm::sin(angle))
                })
                .sum();
            // Cubic interpolation of waves of 50 samples: error below (2 pi / 50)^3 / 10 of the amplitude.
            assert!((f64::from(tile.row(y)[x]) - want).abs() < 1e-3, "{x},{y}: {want}");
        }
    }

    #[test]
    fn signs_cross_over_smoothly() {
        assert_eq!(crossing(128.0), (0, 1, 0.0));
        let (upper, lower, share) = crossing(256.0);
        assert_eq!((upper, lower), (0, 1));
        assert!((share - 0.5).abs() < 1e-6);
        let (upper, lower, share) = crossing(-11.0);
        assert_eq!((upper, lower), (-1, 0));
        assert!(share < 0.02, "{share}");
        let field = SignField::draw(&mut MarkKey::new([1; 32]).stream("signs", b""));
        assert_eq!(field.sign(-1, 9), field.sign(7, 1));
        assert!(field.row(100.0).iter().all(|v| v.abs() == 1.0));
    }
}
