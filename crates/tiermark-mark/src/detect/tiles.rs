//! A found picture laid on the lattice, tile by tile, as amplitudes of the payload's harmonics.

use tiermark_signal::filter::{gaussian, normalise_locally};
use tiermark_signal::resample::cubic;
use tiermark_signal::transform::SquareTransform;
use tiermark_signal::{Complex, Plane, Size};

use super::front::Gentle;
use crate::carrier::{SignField, WordCarrier};
use crate::layout::{BANDS, CROSSFADE, FIELD, TILE, radius};
use crate::sync::{Area, Fit, LatticeMap};

/// Ref px on a side of one canonical sample: the finest wave of 8 ref px keeps four samples.
const GRID: usize = 2;
/// Canonical samples on a side of a tile.
const SIDE: usize = TILE / GRID;
/// Tiles that are read at most, those around the best place: a 4 to 1 pan has 45. Wrong maps have hundreds.
const MOST_TILES: usize = 60;

/// What is mapped further than this is a wrong map: a pan of 65,000 pixels at 120 lines has 1,500.
const MOST_ALONG: usize = 2000;

/// Amplitudes of the payload's harmonics in each tile of a found picture.
pub(crate) struct Tiles {
    /// Column and row of each tile in the lattice; the lattice's own place in the sign field is not known yet.
    pub(crate) places: Vec<[i64; 2]>,
    /// For each band, for each tile, one amplitude to a wave, over what is usual at its radius.
    pub(crate) bands: [Vec<Vec<Complex<f32>>>; 3],
}

/// The band that is looked at for waves of `wave` canonical samples and longer: standard deviations of its Gaussians.
const PASS: (f32, f32) = (0.2, 0.8);

impl Tiles {
    /// Lay the gentle plane on the lattice by a fitted map, each place as far as it is trusted; `None` if the map leads
    /// nowhere.
    pub(crate) fn of(gentle: &Gentle, fit: &Fit, carrier: &WordCarrier) -> Option<Self> {
        let canvas =
            Canvas::over(&fit.trust.extent(), &fit.map)?.cut_around(fit.map.apply(fit.trust.best_place()));
        let (plane, valid) = canvas.lay(gentle, fit);
        let mut tiles = Self { places: canvas.places(), bands: Default::default() };
        let transform = SquareTransform::new(SIDE);
        let window = window();
        for (i, (band, carrier)) in BANDS.iter().zip(&carrier.bands).enumerate() {
            // The band's shortest wave, canonical samples.
            let wave = (TILE as f64 / band.to / GRID as f64) as f32;
            let mut normal = normalise_locally(&plane, PASS.0 * wave, PASS.1 * wave, 1.2 * wave);
            normal.samples_mut().iter_mut().zip(valid.samples()).for_each(|(v, ok)| *v *= ok);
            tiles.bands[i] = canvas.amplitudes(&normal, &window, &transform, &carrier.waves);
            over_usual(&mut tiles.bands[i], &carrier.waves);
        }
        Some(tiles)
    }
}

impl Tiles {
    /// The tiles that share a place of the sign field added together, their numbers lowered by `apart`.
    pub(crate) fn folded(&self, apart: [i64; 2]) -> Self {
        let period = FIELD as i64;
        let places = (0..period * period).map(|slot| [slot % period, slot / period]).collect();
        let mut bands = [0, 1, 2].map(|band: usize| {
            let waves = self.bands[band].first().map_or(0, Vec::len);
            vec![vec![Complex::default(); waves]; FIELD * FIELD]
        });
        for (tile, place) in self.places.iter().enumerate() {
            let [column, row] = [0, 1].map(|axis| (place[axis] - apart[axis]).rem_euclid(period) as usize);
            for (sums, band) in bands.iter_mut().zip(&self.bands) {
                let slot = &mut sums[row * FIELD + column];
                slot.iter_mut().zip(&band[tile]).for_each(|(sum, v)| *sum += v);
            }
        }
        Self { places, bands }
    }

    /// Add the amplitudes of tiles at the same places.
    pub(crate) fn add(&mut self, other: &Self) {
        for (sums, band) in self.bands.iter_mut().flatten().zip(other.bands.iter().flatten()) {
            sums.iter_mut().zip(band).for_each(|(sum, v)| *sum += v);
        }
    }

    /// The sign of each tile where the lattice lies at `at` in the sign field.
    pub(crate) fn signs(&self, field: &SignField, at: [i64; 2]) -> Vec<f32> {
        self.places.iter().map(|place| field.sign(place[0] + at[0], place[1] + at[1])).collect()
    }

    /// Middle and side of a tile in the found picture, found pixels; `None` where nothing of it was seen.
    pub(crate) fn found(&self, tile: usize, map: &LatticeMap) -> Option<([f64; 2], f64)> {
        let seen = self.bands.iter().any(|band| band[tile].iter().any(|v| v.norm_sqr() > 0.0));
        let middle = self.places[tile].map(|v| (v as f64 + 0.5) * TILE as f64);
        let [[a, b], [c, d]] = map.matrix();
        let side = TILE as f64 / (a * d - b * c).abs().sqrt().max(f64::MIN_POSITIVE);
        seen.then(|| (map.inverse(middle, map.centre()), side))
    }
}

/// The part of the lattice that a found picture covers, in whole tiles.
struct Canvas {
    /// First tile.
    first: [i64; 2],
    /// Tiles across and down.
    tiles: [usize; 2],
}

impl Canvas {
    fn over(area: &Area, map: &LatticeMap) -> Option<Self> {
        let rim = (0..=8).flat_map(|i| {
            let t = f64::from(i) / 8.0;
            [[t, 0.0], [t, 1.0], [0.0, t], [1.0, t]]
        });
        let found = |[s, t]: [f64; 2]| [area.left + s * area.width, area.top + t * area.height];
        let (mut low, mut high) = ([f64::MAX; 2], [f64::MIN; 2]);
        for place in rim.map(|part| map.apply(found(part))) {
            for axis in 0..2 {
                low[axis] = low[axis].min(place[axis]);
                high[axis] = high[axis].max(place[axis]);
            }
        }
        let first = low.map(|v| libm::floor(v / TILE as f64) as i64);
        let end = high.map(|v| libm::ceil(v / TILE as f64) as i64);
        let tiles = [0, 1].map(|axis| usize::try_from(end[axis].saturating_sub(first[axis])).unwrap_or(0));
        tiles.iter().all(|&count| (1..=MOST_ALONG).contains(&count)).then_some(Self { first, tiles })
    }

    /// No more than `MOST_TILES`, around a place of the lattice.
    fn cut_around(self, place: [f64; 2]) -> Self {
        let [columns, rows] = self.tiles;
        if columns * rows <= MOST_TILES {
            return self;
        }
        // The shorter side stays whole if it can.
        let shorter = columns.min(rows).min(MOST_TILES.isqrt());
        let most = |count: usize| count.min(MOST_TILES / shorter);
        let tiles = [most(columns), most(rows).min(MOST_TILES / most(columns))];
        let first = [0, 1].map(|axis| {
            let middle = libm::floor(place[axis] / TILE as f64) as i64;
            let spare = (self.tiles[axis] - tiles[axis]) as i64;
            self.first[axis] + (middle - tiles[axis] as i64 / 2 - self.first[axis]).clamp(0, spare)
        });
        Self { first, tiles }
    }

    fn places(&self) -> Vec<[i64; 2]> {
        let [columns, rows] = self.tiles;
        let place = |row: usize, column: usize| [self.first[0] + column as i64, self.first[1] + row as i64];
        (0..rows).flat_map(|row| (0..columns).map(move |column| place(row, column))).collect()
    }

    /// The plane on the canonical grid, and how far it is trusted there: 0.0 outside the found picture.
    fn lay(&self, gentle: &Gentle, fit: &Fit) -> (Plane, Plane) {
        let map = &fit.map;
        let size = Size { width: self.tiles[0] * SIDE, height: self.tiles[1] * SIDE };
        let factor = gentle.factor as f64;
        let source = smoothed(gentle, fit);
        let (mut plane, mut valid) = (Plane::filled(size, 0.0), Plane::filled(size, 0.0));
        // Exact places on a coarse mesh, straight lines between them: the map hardly bends over 16 samples.
        const MESH: usize = 16;
        let node = |i: usize, j: usize| {
            let at =
                |axis: usize, n: usize| (self.first[axis] * TILE as i64) as f64 + (n * MESH * GRID) as f64;
            let found = map.inverse([at(0, i), at(1, j)], map.centre());
            let [x, y] = found.map(|v| (v / factor - 0.5) as f32);
            [x, y, fit.trust.at(found)]
        };
        for j in 0..size.height / MESH {
            for i in 0..size.width / MESH {
                let corners = [node(i, j), node(i + 1, j), node(i, j + 1), node(i + 1, j + 1)];
                for y in 0..MESH {
                    for x in 0..MESH {
                        let (s, t) = ((x as f32 + 0.5) / MESH as f32, (y as f32 + 0.5) / MESH as f32);
                        let [px, py, trust] = [0, 1, 2].map(|axis| {
                            let line =
                                |a: usize| corners[a][axis] + s * (corners[a + 1][axis] - corners[a][axis]);
                            line(0) + t * (line(2) - line(0))
                        });
                        let inside = px >= -0.5
                            && py >= -0.5
                            && px <= source.width() as f32 - 0.5
                            && py <= source.height() as f32 - 0.5;
                        if inside {
                            plane.row_mut(j * MESH + y)[i * MESH + x] = cubic(&source, px, py);
                            valid.row_mut(j * MESH + y)[i * MESH + x] = trust;
                        }
                    }
                }
            }
        }
        (plane, valid)
    }

    /// Amplitudes of `waves` in each tile, two tiles to a transform.
    fn amplitudes(
        &self,
        plane: &Plane,
        window: &[f32],
        transform: &SquareTransform,
        waves: &[(i32, i32)],
    ) -> Vec<Vec<Complex<f32>>> {
        let count = self.tiles[0] * self.tiles[1];
        let cell = |tile: usize, x: usize, y: usize| {
            if tile >= count {
                return 0.0;
            }
            let (column, row) = (tile % self.tiles[0], tile / self.tiles[0]);
            plane.row(row * SIDE + y)[column * SIDE + x] * window[x] * window[y]
        };
        let mut amplitudes = Vec::with_capacity(count);
        for tile in (0..count).step_by(2) {
            let cells = (0..SIDE * SIDE)
                .map(|i| Complex::new(cell(tile, i % SIDE, i / SIDE), cell(tile + 1, i % SIDE, i / SIDE)))
                .collect();
            let bins = transform.forward(cells);
            let bin = |kx: i32, ky: i32| {
                bins[kx.rem_euclid(SIDE as i32) as usize * SIDE + ky.rem_euclid(SIDE as i32) as usize]
            };
            // Two real planes as one complex: F1 = (F(k) + conj F(-k)) / 2, F2 = (F(k) - conj F(-k)) / 2i.
            let pairs =
                waves.iter().map(|&(kx, ky)| (half_sample(kx, ky), bin(kx, ky), bin(-kx, -ky).conj()));
            let (first, second): (Vec<_>, Vec<_>) = pairs
                .map(|(turn, a, b)| ((a + b) * 0.5 * turn, (a - b) * Complex::new(0.0, -0.5) * turn))
                .unzip();
            amplitudes.push(first);
            if tile + 1 < count {
                amplitudes.push(second);
            }
        }
        amplitudes
    }
}

/// Canonical sample 0 lies half a sample, `GRID / 2` ref px, inside its tile: `e^{-2 pi i (kx + ky) GRID / 2 / TILE}`.
fn half_sample(kx: i32, ky: i32) -> Complex<f32> {
    let angle = -std::f64::consts::PI * (f64::from(kx) + f64::from(ky)) * GRID as f64 / TILE as f64;
    Complex::new(libm::cos(angle) as f32, libm::sin(angle) as f32)
}

/// The plane without waves finer than the canonical grid, the positive of a negative.
fn smoothed(gentle: &Gentle, fit: &Fit) -> Plane {
    let [[a, b], [c, d]] = fit.map.matrix();
    let ref_per_sample = (a * d - b * c).abs().sqrt() * gentle.factor as f64;
    let shrink = GRID as f64 / ref_per_sample.max(1e-6);
    let smooth =
        if shrink > 1.0 { gaussian(&gentle.plane, (0.45 * shrink) as f32) } else { gentle.plane.clone() };
    if fit.sign < 0.0 { smooth.map(|v| -v) } else { smooth }
}

/// Fades out over the crossfade of the sign field, where two signs meet.
fn window() -> Vec<f32> {
    let fade = CROSSFADE / GRID as f64 / 2.0;
    (0..SIDE)
        .map(|i| {
            let inside = (i.min(SIDE - 1 - i) as f64 + 0.5) / fade;
            let sine = libm::sin(std::f64::consts::FRAC_PI_4 * (1.0 + inside.min(1.0)));
            (sine * sine) as f32
        })
        .collect()
}

/// Divide by the root of the power, summed over tiles, that is usual among waves of about the same radius.
///
/// Weighting the waves within a band by what the mark is worth there, tried on 8 hard frames, moved z by less than 0.4
/// either way.
fn over_usual(tiles: &mut [Vec<Complex<f32>>], waves: &[(i32, i32)]) {
    const RINGS: usize = 34;
    let ring = |wave: &(i32, i32)| radius(*wave) as usize;
    let (mut power, mut count) = ([0.0_f32; RINGS], [0.0_f32; RINGS]);
    for (i, wave) in waves.iter().enumerate() {
        // A ring and its two neighbours.
        for r in ring(wave).saturating_sub(1)..=(ring(wave) + 1).min(RINGS - 1) {
            power[r] += tiles.iter().map(|tile| tile[i].norm_sqr()).sum::<f32>();
            count[r] += 1.0;
        }
    }
    let usual: Vec<f32> = waves.iter().map(|wave| (power[ring(wave)] / count[ring(wave)]).sqrt()).collect();
    let scales: Vec<f32> = usual.iter().map(|&u| if u > 0.0 { 1.0 / u } else { 0.0 }).collect();
    for tile in tiles {
        tile.iter_mut().zip(&scales).for_each(|(v, scale)| *v *= *scale);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_tiles_those_around_the_best_place_are_read() {
        let tile = TILE as f64;
        let cut = |first: [i64; 2], tiles: [usize; 2], at: [f64; 2]| {
            let canvas = Canvas { first, tiles }.cut_around(at.map(|v| v * tile));
            (canvas.first, canvas.tiles)
        };
        assert_eq!(cut([-1, 2], [9, 6], [3.0, 3.0]), ([-1, 2], [9, 6]), "few enough");
        assert_eq!(cut([0, 0], [100, 4], [50.5, 2.0]), ([43, 0], [15, 4]), "a pan keeps its height");
        assert_eq!(cut([0, 0], [100, 4], [99.5, 2.0]), ([85, 0], [15, 4]), "at its end");
        let (first, tiles) = cut([0, 0], [30, 30], [10.5, 20.5]);
        assert!(tiles[0] * tiles[1] <= MOST_TILES && tiles[0] >= 7 && tiles[1] >= 7, "{tiles:?}");
        assert!(first[0] <= 10 && first[1] <= 20, "{first:?}");
    }
}
