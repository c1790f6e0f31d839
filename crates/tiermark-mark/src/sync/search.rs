//! Sync lines in the spectrum, over scales, angles and mirrors.

use super::LineSpectrum;
use crate::carrier::Line;
use crate::layout::TILE;

/// A linear map from samples of a plane to ref px, and how well the lines stand at its places.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Linear {
    /// Ref px per sample.
    pub(crate) matrix: [[f64; 2]; 2],
    /// Sum of the lines' limited power above its mean under noise, in standard deviations.
    pub(crate) score: f64,
}

/// Samples for each ref px that are looked at: a whole frame of 87 lines to a corner of a large one.
const SCALES: (f64, f64) = (0.12, 1.6);
/// A line may count as this many times the usual power: one strong wave of the picture is no lattice.
const LIMIT: f32 = 12.0;
/// Waves beyond this are not trusted, cycles per sample.
const FINEST: f64 = 0.45;
/// Fewer lines in reach than this tell nothing.
const LEAST_LINES: u32 = 12;

/// The best similarity maps (scale, angle, mirror; a half turn looks the same), best first, at most `keep`.
///
/// `side` is the longer side of the plane, samples: it sets how fine the grid must be for no line to slip between.
pub(crate) fn similarities(spectrum: &LineSpectrum, lines: &[Line], side: usize, keep: usize) -> Vec<Linear> {
    let mut best = Shortlist::new(keep, 2.0 / side as f64);
    let longest = lines.iter().map(|l| crate::layout::radius(l.wave)).fold(0.0, f64::max);
    let mut scale = SCALES.0;
    while scale < SCALES.1 {
        let finest = (longest / (TILE as f64 * scale)).min(FINEST);
        let step = 1.0 / (finest * side as f64);
        let angles = (std::f64::consts::PI / step).ceil() as usize;
        for i in 0..angles {
            let angle = std::f64::consts::PI * i as f64 / angles as f64;
            let (cos, sin) = (libm::cos(angle) / scale, libm::sin(angle) / scale);
            for matrix in [[[cos, -sin], [sin, cos]], [[-cos, -sin], [-sin, cos]]] {
                best.offer(Linear { matrix, score: quick_score(spectrum, lines, matrix) });
            }
        }
        scale *= 1.0 + step;
    }
    best.sorted()
}

/// `map` with its four entries moved to where the lines' power is largest.
pub(crate) fn refined(spectrum: &LineSpectrum, lines: &[Line], map: Linear, side: usize) -> Linear {
    // In steps of bins at the rms radius of the lines, about 20 cycles per tile.
    let bin = TILE as f64 / (20.0 * side as f64);
    let mut best = map.matrix;
    let mut power = log_power(spectrum, lines, best);
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
                    let tried_power = log_power(spectrum, lines, tried);
                    if tried_power > power {
                        (best, power, moved) = (tried, tried_power, true);
                    }
                }
            }
        }
    }
    Linear { matrix: best, score: fine_score(spectrum, lines, best) }
}

/// A map with its score as it stands.
pub(crate) fn scored(spectrum: &LineSpectrum, lines: &[Line], matrix: [[f64; 2]; 2]) -> Linear {
    Linear { matrix, score: fine_score(spectrum, lines, matrix) }
}

/// Where a line stands under a map, cycles per sample: `matrix^T k / TILE`.
fn frequency(matrix: [[f64; 2]; 2], line: &Line) -> [f64; 2] {
    let (kx, ky) = (f64::from(line.wave.0) / TILE as f64, f64::from(line.wave.1) / TILE as f64);
    [matrix[0][0] * kx + matrix[1][0] * ky, matrix[0][1] * kx + matrix[1][1] * ky]
}

fn quick_score(spectrum: &LineSpectrum, lines: &[Line], matrix: [[f64; 2]; 2]) -> f64 {
    score(lines.iter().filter_map(|line| spectrum.nearest(frequency(matrix, line))))
}

fn fine_score(spectrum: &LineSpectrum, lines: &[Line], matrix: [[f64; 2]; 2]) -> f64 {
    score(lines.iter().filter_map(|line| spectrum.between(frequency(matrix, line))))
}

/// Sum of limited powers, minus its mean and over its deviation under noise (both 1 to each line).
fn score(powers: impl Iterator<Item = f32>) -> f64 {
    let (mut sum, mut count) = (0.0_f64, 0_u32);
    powers.for_each(|power| {
        sum += f64::from(power.min(LIMIT));
        count += 1;
    });
    if count < LEAST_LINES { 0.0 } else { (sum - f64::from(count)) / f64::from(count).sqrt() }
}

fn log_power(spectrum: &LineSpectrum, lines: &[Line], matrix: [[f64; 2]; 2]) -> f64 {
    let power = |line: &Line| spectrum.between(frequency(matrix, line)).unwrap_or(0.0);
    lines.iter().map(|line| libm::log1p(f64::from(power(line)))).sum()
}

/// The best maps that are not neighbours of a better one.
struct Shortlist {
    keep: usize,
    /// Maps closer than this at the rms radius, cycles per sample, are one.
    near: f64,
    maps: Vec<Linear>,
}

impl Shortlist {
    fn new(keep: usize, near: f64) -> Self {
        Self { keep, near, maps: Vec::with_capacity(keep + 1) }
    }

    fn offer(&mut self, map: Linear) {
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

    fn sorted(self) -> Vec<Linear> {
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
    apart(1.0).min(apart(-1.0)) * 20.0 / (TILE as f64) < near
}
