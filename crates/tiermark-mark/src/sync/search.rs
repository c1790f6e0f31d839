//! How well the sync lines stand in a spectrum under a linear map, and the short list of the best maps.

use tiermark_signal::{Plane, Size};

use super::LineSpectrum;
use crate::carrier::Line;
use crate::layout::{TILE, radius};

/// A linear map from samples of a view to ref px, and how well the lines stand at its places.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Linear {
    /// Ref px per sample.
    pub(crate) matrix: [[f64; 2]; 2],
    /// How far the lines' limited power lies above what noise has: standard normal under noise.
    pub(crate) score: f32,
}

/// Samples for each ref px that are looked at: from an eighth of the stamped size of a 720-line frame to twice that of a
/// frame of 576 lines.
pub(super) const SCALES: (f64, f64) = (0.12, 1.6);
/// A line may count as this many times the usual power: one strong wave of the picture is no lattice.
const LIMIT: f32 = 12.0;
/// Waves beyond this are not trusted, cycles per sample.
pub(super) const FINEST: f64 = 0.45;
/// Fewer lines in reach than this tell nothing.
const LEAST_LINES: f32 = 12.0;
/// Root mean square radius of the lines, cycles per tile.
const RMS_RADIUS: f64 = 20.0;

/// Lines that are looked up side by side.
const LANES: usize = 8;

/// Scores maps in one spectrum.
pub(crate) struct Scorer<'a> {
    spectrum: &'a LineSpectrum,
    lines: &'a [Line],
    /// Longer side of the view, samples: it sets how fine a search must be for no line to slip between.
    pub(super) side: usize,
    /// The lines' waves, cycles per ref px, some side by side.
    waves: Vec<[[f32; LANES]; 2]>,
    steps: Steps,
}

/// Limited powers in whole steps: a fine search that stays in the cache, of which only the order of maps is kept.
struct Steps {
    /// Row by row, and a zero behind them.
    powers: Vec<u8>,
    size: Size,
}

impl Steps {
    /// Steps to a unit of power.
    const PER_UNIT: f32 = 21.0;

    fn of(power: &Plane) -> Self {
        let step = |v: &f32| (v.min(LIMIT) * Self::PER_UNIT + 0.5) as u8;
        let powers = power.samples().iter().map(step).chain([0]).collect();
        Self { powers, size: power.size() }
    }
}

/// Limited powers of some lines, in steps, and how many lines were in reach.
#[derive(Clone, Copy)]
pub(super) struct QuickSum {
    steps: u32,
    count: u32,
}

impl QuickSum {
    #[inline(always)]
    pub(super) fn add(&mut self, other: Self) {
        self.steps += other.steps;
        self.count += other.count;
    }

    /// Standard normal under noise.
    #[inline(always)]
    pub(super) fn score(self) -> f32 {
        standard(self.steps as f32 / Steps::PER_UNIT, self.count as f32)
    }
}

impl<'a> Scorer<'a> {
    /// A scorer of `lines` in the spectrum of a view of `side` samples.
    pub(crate) fn new(spectrum: &'a LineSpectrum, lines: &'a [Line], side: usize) -> Self {
        let steps = Steps::of(spectrum.power());
        // What fills the last one up is no number, and lies nowhere.
        let wave = |line: &Line| [line.wave.0, line.wave.1].map(|k| k as f32 / TILE as f32);
        let side_by_side = |lines: &[&Line]| {
            [0, 1].map(|axis| std::array::from_fn(|i| lines.get(i).map_or(f32::NAN, |line| wave(line)[axis])))
        };
        // Every second line first: either half holds coarse ones and fine ones.
        let halves: Vec<&Line> = lines.iter().step_by(2).chain(lines.iter().skip(1).step_by(2)).collect();
        Self { spectrum, lines, side, waves: halves.chunks(LANES).map(side_by_side).collect(), steps }
    }

    pub(super) fn lines(&self) -> &'a [Line] {
        self.lines
    }

    pub(super) fn spectrum(&self) -> &'a LineSpectrum {
        self.spectrum
    }

    /// An empty list for the `keep` best maps; two within two bins of each other at the rms radius are one.
    pub(crate) fn shortlist(&self, keep: usize) -> Shortlist {
        Shortlist { keep, near: 2.0 / self.side as f64, maps: Vec::with_capacity(keep + 1) }
    }

    /// A map with its score as it stands.
    pub(crate) fn scored(&self, matrix: [[f64; 2]; 2]) -> Linear {
        let powers = self.lines.iter().filter_map(|line| self.spectrum.between(frequency(matrix, line)));
        Linear { matrix, score: score(powers) }
    }

    /// The same from the nearest points of the grid.
    #[inline(always)]
    pub(super) fn quickly_scored(&self, matrix: [[f64; 2]; 2]) -> Linear {
        Linear { matrix, score: self.quick_sum(matrix).score() }
    }

    /// The same if half of the lines stand a little above noise: of maps that score 4.5 in all about 98 in 100 should (reckoned
    /// from the spread of the powers, not counted), and of those that chance makes less than half.
    #[inline(always)]
    pub(super) fn promising(&self, matrix: [[f64; 2]; 2]) -> Option<Linear> {
        /// Mean power of half of the lines; noise has 1 with a deviation of a quarter.
        const LEAST: f32 = 1.05;
        let (first, second) = self.waves.split_at(self.waves.len() / 2);
        let mut sum = self.sum_of(matrix, first);
        if (sum.steps as f32) < LEAST * Steps::PER_UNIT * sum.count as f32 {
            return None;
        }
        sum.add(self.sum_of(matrix, second));
        Some(Linear { matrix, score: sum.score() })
    }

    /// What the lines have in all, from the nearest points of the grid.
    #[inline(always)]
    pub(super) fn quick_sum(&self, matrix: [[f64; 2]; 2]) -> QuickSum {
        self.sum_of(matrix, &self.waves)
    }

    #[inline(always)]
    fn sum_of(&self, matrix: [[f64; 2]; 2], waves: &[[[f32; LANES]; 2]]) -> QuickSum {
        let Steps { powers, size } = &self.steps;
        let [width, height] = [size.width, size.height].map(|n| n as f32);
        let [[a, b], [c, d]] = matrix.map(|row| [row[0] as f32 * width, row[1] as f32 * height]);
        let [x0, y0] = [width, height].map(|n| 0.5 * n + 0.5);
        let (mut steps, mut count) = (0_u32, 0_u32);
        for [kx, ky] in waves {
            // The places first, side by side; then the powers that stand there. Behind the last one stands nothing.
            let (mut places, mut inside) = ([0_i32; LANES], [0_u32; LANES]);
            for i in 0..LANES {
                let (x, y) = (a * kx[i] + c * ky[i] + x0, b * kx[i] + d * ky[i] + y0);
                let within = (x >= 0.0) & (y >= 0.0) & (x < width) & (y < height);
                inside[i] = u32::from(within);
                let [x, y] = [x, y].map(|v| if within { v } else { 0.0 } as i32);
                let place = y * size.width as i32 + x;
                places[i] = if within { place } else { size.area() as i32 };
            }
            steps += places.iter().map(|place| u32::from(powers[*place as usize])).sum::<u32>();
            count += inside.iter().sum::<u32>();
        }
        QuickSum { steps, count }
    }

    /// `map` with its four entries moved to where the lines' power is largest.
    pub(crate) fn refined(&self, map: &Linear) -> Linear {
        // In steps of bins at the rms radius of the lines.
        let bin = bin(self.side as f64);
        let mut best = map.matrix;
        let mut power = self.log_power(best);
        for step in [1.0, 0.5, 0.25, 0.12] {
            let mut moved = true;
            let mut turns = 0;
            while moved && turns < 6 {
                moved = false;
                turns += 1;
                for entry in 0..4 {
                    for sign in [-1.0, 1.0] {
                        let mut tried = best;
                        tried[entry / 2][entry % 2] += sign * step * bin;
                        let tried_power = self.log_power(tried);
                        if tried_power > power {
                            (best, power, moved) = (tried, tried_power, true);
                        }
                    }
                }
            }
        }
        self.scored(best)
    }

    /// `sum log(1 + P)` over the lines: many fair ones count more than a few strong ones.
    pub(super) fn log_power(&self, matrix: [[f64; 2]; 2]) -> f64 {
        let power = |line: &Line| self.spectrum.between(frequency(matrix, line)).unwrap_or(0.0);
        self.lines.iter().map(|line| f64::from(libm::log1pf(power(line)))).sum()
    }
}

/// A bin of the spectrum of `side` samples at the rms radius of the lines, as the step of a map's entry.
pub(super) fn bin(side: f64) -> f64 {
    TILE as f64 / (RMS_RADIUS * side)
}

/// The longest of the lines, cycles per tile.
pub(super) fn longest(lines: &[Line]) -> f64 {
    lines.iter().map(|line| radius(line.wave)).fold(0.0, f64::max)
}

/// Where a line stands under a map, cycles per sample: `matrix^T k / TILE`.
fn frequency(matrix: [[f64; 2]; 2], line: &Line) -> [f64; 2] {
    let (kx, ky) = (f64::from(line.wave.0) / TILE as f64, f64::from(line.wave.1) / TILE as f64);
    [matrix[0][0] * kx + matrix[1][0] * ky, matrix[0][1] * kx + matrix[1][1] * ky]
}

/// Sum of limited powers as a standard normal variable under noise, where each is exponential of mean 1 and their sum
/// follows Gamma(n): `(sqrt 9n) ((sum / n)^(1/3) - 1 + 1 / 9n)` (Wilson and Hilferty, PNAS 17(12), 1931).
///
/// Over the plain deviations from the mean, maps with few lines in reach stood too high: their sums have longer tails.
fn score(powers: impl Iterator<Item = f32>) -> f32 {
    let (mut sum, mut count) = (0.0_f32, 0.0_f32);
    powers.for_each(|power| {
        sum += power.min(LIMIT);
        count += 1.0;
    });
    standard(sum, count)
}

#[inline(always)]
fn standard(sum: f32, count: f32) -> f32 {
    if count < LEAST_LINES {
        return 0.0;
    }
    (9.0 * count).sqrt() * (libm::cbrtf(sum / count) - 1.0 + 1.0 / (9.0 * count))
}

/// The best maps that are not neighbours of a better one.
pub(crate) struct Shortlist {
    keep: usize,
    /// Maps closer than this at the rms radius, cycles per sample, are one.
    near: f64,
    maps: Vec<Linear>,
}

impl Shortlist {
    pub(crate) fn offer(&mut self, map: Linear) {
        if self.maps.len() == self.keep && map.score <= self.maps.last().map_or(0.0, |m| m.score) {
            return;
        }
        if self.maps.iter().any(|other| other.score >= map.score && self.neighbours(other, &map)) {
            return;
        }
        let near = self.near;
        self.maps.retain(|other| !neighbours(other, &map, near));
        let place = self.maps.partition_point(|other| other.score >= map.score);
        self.maps.insert(place, map);
        self.maps.truncate(self.keep);
    }

    fn neighbours(&self, a: &Linear, b: &Linear) -> bool {
        neighbours(a, b, self.near)
    }

    pub(crate) fn sorted(self) -> Vec<Linear> {
        self.maps
    }
}

fn neighbours(a: &Linear, b: &Linear, near: f64) -> bool {
    let apart = |sign: f64| -> f64 {
        (0..4)
            .map(|i| a.matrix[i / 2][i % 2] - sign * b.matrix[i / 2][i % 2])
            .map(|d| d * d)
            .sum::<f64>()
            .sqrt()
    };
    apart(1.0).min(apart(-1.0)) * RMS_RADIUS / (TILE as f64) < near
}
