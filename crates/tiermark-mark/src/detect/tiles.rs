//! A found picture laid on the lattice, tile by tile, as amplitudes of the payload's harmonics.

use std::borrow::Cow;

use tiermark_signal::filter::{gaussian, normalise_locally};
use tiermark_signal::resample::{cell_mean, cubics};
use tiermark_signal::transform::SquareTransform;
use tiermark_signal::{Complex, Plane, Size, Wide, widest};

use super::front::Gentle;
use crate::carrier::{SignField, WordCarrier};
use crate::layout::{BANDS, Band, CROSSFADE, FIELD, TILE, radius};
use crate::sync::{Area, Fit, LatticeMap};

/// Samples that the shortest wave of a band keeps on the band's own grid.
const SAMPLES_PER_WAVE: usize = 4;
/// Ref px on a side of one canonical sample: the grid of the finest band, whose shortest wave is 8 ref px.
const GRID: usize = 2;
/// Canonical samples on a side of a tile.
const SIDE: usize = TILE / GRID;
/// Tiles that are read at most, those around the best place: a 4 to 1 pan has 45. Wrong maps have hundreds.
const MOST_TILES: usize = 48;

/// What is mapped further than this is a wrong map: a pan of 65,000 pixels at 120 lines has 1,500.
const MOST_ALONG: usize = 2000;

/// Amplitudes of the payload's harmonics in each tile of a found picture.
pub(crate) struct Tiles {
    /// Column and row of each tile in the lattice; the lattice's own place in the sign field is not known yet.
    pub(crate) places: Vec<[i64; 2]>,
    /// For each band, for each tile, one amplitude to a wave, over what is usual at its radius.
    pub(crate) bands: [Vec<Vec<Complex<f32>>>; 3],
}

/// Standard deviations of the Gaussians between which a band lies, and of the one over its power: parts of its shortest wave.
const PASS: [f32; 3] = [0.2, 0.8, 1.2];

impl Tiles {
    /// Lay the gentle plane on the lattice by a fitted map, each place as far as it is trusted; `None` if the map leads
    /// nowhere.
    pub(crate) fn of(gentle: &Gentle, fit: &Fit, carrier: &WordCarrier) -> Option<Self> {
        let canvas =
            Canvas::over(&fit.trust.extent(), &fit.map)?.cut_around(fit.map.apply(fit.trust.best_place()));
        let (plane, valid) = canvas.lay(gentle, fit);
        let mut tiles = Self { places: canvas.places(), bands: Default::default() };
        for (i, (band, carrier)) in BANDS.iter().zip(&carrier.bands).enumerate() {
            let grid = BandGrid::of(band);
            // A longer wave needs no finer samples than a shorter one: means over cells, whose fall the waves' usual power undoes.
            let (plane, valid) = (grid.seen(&plane), grid.seen(&valid));
            let [fine, coarse, spread] = PASS.map(|part| part * SAMPLES_PER_WAVE as f32);
            let mut normal = normalise_locally(&plane, fine, coarse, spread);
            normal.samples_mut().iter_mut().zip(valid.samples()).for_each(|(v, ok)| *v *= ok);
            tiles.bands[i] = canvas.amplitudes(&normal, &grid, &carrier.waves);
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
        let factor = gentle.factor as f64;
        // Exact places on a coarse mesh, straight lines between them: the map hardly bends over 16 samples.
        let node = |i: usize, j: usize| {
            let at =
                |axis: usize, n: usize| (self.first[axis] * TILE as i64) as f64 + (n * MESH * GRID) as f64;
            let found = fit.map.inverse([at(0, i), at(1, j)], fit.map.centre());
            let [x, y] = found.map(|v| (v / factor - 0.5) as f32);
            [x, y, fit.trust.at(found)]
        };
        let cells = self.tiles.map(|count| count * SIDE / MESH);
        let nodes = (0..=cells[1]).flat_map(|j| (0..=cells[0]).map(move |i| (i, j)));
        widest(Laying {
            source: &smoothed(gentle, fit),
            cells,
            nodes: nodes.map(|(i, j)| node(i, j)).collect(),
        })
    }

    /// Amplitudes of `waves` in each tile, two tiles to a transform.
    fn amplitudes(&self, plane: &Plane, grid: &BandGrid, waves: &[(i32, i32)]) -> Vec<Vec<Complex<f32>>> {
        let count = self.tiles[0] * self.tiles[1];
        let (side, window) = (grid.side(), grid.window());
        let transform = SquareTransform::new(side);
        let cell = |tile: usize, x: usize, y: usize| {
            if tile >= count {
                return 0.0;
            }
            let (column, row) = (tile % self.tiles[0], tile / self.tiles[0]);
            plane.row(row * side + y)[column * side + x] * window[x] * window[y]
        };
        let mut amplitudes = Vec::with_capacity(count);
        for tile in (0..count).step_by(2) {
            let cells = (0..side * side)
                .map(|i| Complex::new(cell(tile, i % side, i / side), cell(tile + 1, i % side, i / side)))
                .collect();
            let bins = transform.forward(cells);
            let bin = |kx: i32, ky: i32| {
                bins[kx.rem_euclid(side as i32) as usize * side + ky.rem_euclid(side as i32) as usize]
            };
            // Two real planes as one complex: F1 = (F(k) + conj F(-k)) / 2, F2 = (F(k) - conj F(-k)) / 2i.
            let pairs =
                waves.iter().map(|&(kx, ky)| (grid.half_sample(kx, ky), bin(kx, ky), bin(-kx, -ky).conj()));
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

/// Canonical samples between two places that are reckoned exactly.
const MESH: usize = 16;

/// A plane being laid on the canonical grid.
struct Laying<'a> {
    source: &'a Plane,
    /// Cells of the mesh across and down.
    cells: [usize; 2],
    /// Place in the source, samples, and trust at each corner of the mesh, row by row.
    nodes: Vec<[f32; 3]>,
}

impl Wide for Laying<'_> {
    type Output = (Plane, Plane);

    #[inline(always)]
    fn run(self) -> (Plane, Plane) {
        let [across, down] = self.cells;
        let size = Size { width: across * MESH, height: down * MESH };
        let (mut plane, mut valid) = (Plane::filled(size, 0.0), Plane::filled(size, 0.0));
        let (right, bottom) = (self.source.width() as f32 - 0.5, self.source.height() as f32 - 0.5);
        for j in 0..down {
            for i in 0..across {
                let [upper, lower] = [0, 1].map(|k| &self.nodes[(j + k) * (across + 1) + i..][..2]);
                for y in 0..MESH {
                    let t = (y as f32 + 0.5) / MESH as f32;
                    // Place and trust of each sample, side by side.
                    let [mut xs, mut ys, mut trust] = [[0.0; MESH]; 3];
                    for (axis, values) in [&mut xs, &mut ys, &mut trust].into_iter().enumerate() {
                        for (x, v) in values.iter_mut().enumerate() {
                            let s = (x as f32 + 0.5) / MESH as f32;
                            let above = upper[0][axis] + s * (upper[1][axis] - upper[0][axis]);
                            let below = lower[0][axis] + s * (lower[1][axis] - lower[0][axis]);
                            *v = above + t * (below - above);
                        }
                    }
                    let values = cubics(self.source, &xs, &ys);
                    let plane = &mut plane.row_mut(j * MESH + y)[i * MESH..][..MESH];
                    let valid = &mut valid.row_mut(j * MESH + y)[i * MESH..][..MESH];
                    for x in 0..MESH {
                        let inside = (xs[x] >= -0.5) & (ys[x] >= -0.5) & (xs[x] <= right) & (ys[x] <= bottom);
                        (plane[x], valid[x]) = if inside { (values[x], trust[x]) } else { (0.0, 0.0) };
                    }
                }
            }
        }
        (plane, valid)
    }
}

/// The grid that one band is seen on: as coarse as its shortest wave allows.
struct BandGrid {
    /// Ref px on a side of one sample.
    step: usize,
}

impl BandGrid {
    fn of(band: &Band) -> Self {
        Self { step: (TILE as f64 / band.to) as usize / SAMPLES_PER_WAVE }
    }

    /// A canonical plane on this grid.
    fn seen<'a>(&self, canonical: &'a Plane) -> Cow<'a, Plane> {
        match self.step / GRID {
            1 => Cow::Borrowed(canonical),
            factor => Cow::Owned(cell_mean(canonical, factor)),
        }
    }

    /// Samples on a side of a tile.
    fn side(&self) -> usize {
        TILE / self.step
    }

    /// Sample 0 lies half a sample, `step / 2` ref px, inside its tile: `e^{-2 pi i (kx + ky) step / 2 / TILE}`.
    fn half_sample(&self, kx: i32, ky: i32) -> Complex<f32> {
        let angle = -std::f64::consts::PI * (f64::from(kx) + f64::from(ky)) * self.step as f64 / TILE as f64;
        Complex::new(libm::cos(angle) as f32, libm::sin(angle) as f32)
    }

    /// Fades out over the crossfade of the sign field, where two signs meet.
    fn window(&self) -> Vec<f32> {
        let (side, fade) = (self.side(), CROSSFADE / self.step as f64 / 2.0);
        (0..side)
            .map(|i| {
                let inside = (i.min(side - 1 - i) as f64 + 0.5) / fade;
                let sine = libm::sin(std::f64::consts::FRAC_PI_4 * (1.0 + inside.min(1.0)));
                (sine * sine) as f32
            })
            .collect()
    }
}

/// The plane without waves finer than the canonical grid, the positive of a negative.
fn smoothed<'a>(gentle: &'a Gentle, fit: &Fit) -> Cow<'a, Plane> {
    let [[a, b], [c, d]] = fit.map.matrix();
    let ref_per_sample = (a * d - b * c).abs().sqrt() * gentle.factor as f64;
    let shrink = GRID as f64 / ref_per_sample.max(1e-6);
    let smooth = match shrink > 1.0 {
        true => Cow::Owned(gaussian(&gentle.plane, (0.45 * shrink) as f32)),
        false => Cow::Borrowed(&gentle.plane),
    };
    if fit.sign < 0.0 { Cow::Owned(smooth.into_owned().map(|v| -v)) } else { smooth }
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
        assert_eq!(cut([-1, 2], [9, 5], [3.0, 3.0]), ([-1, 2], [9, 5]), "few enough");
        assert_eq!(cut([0, 0], [100, 4], [50.5, 2.0]), ([44, 0], [12, 4]), "a pan keeps its height");
        assert_eq!(cut([0, 0], [100, 4], [99.5, 2.0]), ([88, 0], [12, 4]), "at its end");
        let (first, tiles) = cut([0, 0], [30, 30], [10.5, 20.5]);
        assert!(tiles[0] * tiles[1] <= MOST_TILES && tiles[0] >= 6 && tiles[1] >= 6, "{tiles:?}");
        assert!(first[0] <= 10 && first[1] <= 20, "{first:?}");
    }
}
