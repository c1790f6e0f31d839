//! Sync lines: pure waves by which a detector finds scale, angle and place of the lattice.

use tiermark_signal::Complex;

use super::Tile;
use crate::key::{MarkKey, Stream};
use crate::layout::{FIELD, Harmonic, LINE_DISTANCE, RING_LINES, SYNC_RINGS, TILE, radius};
use crate::payload::ContentId;

/// One wave of the lattice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    /// Cycles per tile.
    pub(crate) wave: Harmonic,
    /// `e^{i phase}` at the origin of the tile.
    pub(crate) phase: Complex<f32>,
}

/// The lattice of a project: 32 keyed waves, common to all its tiers, so that one geometry serves them all.
pub(crate) struct LatticeCarrier {
    key: MarkKey,
    lines: Vec<Line>,
}

impl LatticeCarrier {
    /// The lattice under `key`.
    pub(crate) fn new(key: &MarkKey) -> Self {
        let mut stream = key.stream("lattice-lines", b"");
        let mut lines = Vec::with_capacity(SYNC_RINGS.len() * RING_LINES);
        for ring in 0..SYNC_RINGS.len() {
            for sector in 0..RING_LINES {
                let wave = draw_wave(&mut stream, ring, sector, &lines);
                let angle = 2.0 * std::f64::consts::PI * stream.unit();
                lines.push(Line {
                    wave,
                    phase: Complex::new(libm::cos(angle) as f32, libm::sin(angle) as f32),
                });
            }
        }
        Self { key: key.clone(), lines }
    }

    /// The 32 waves, coarse ring first.
    pub(crate) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Whether a harmonic belongs to the lattice and carries no payload.
    pub(crate) fn holds(&self, wave: Harmonic) -> bool {
        self.lines.iter().any(|line| line.wave == wave)
    }

    /// Where the origin of a content lies in the sign field, ref px in 0.0..2048.0.
    ///
    /// Keyed by the content, so that the mean of many drawings shows no pattern (it did at one common origin: the
    /// mean of 32 frames correlated 0.96 with the mark).
    pub(crate) fn shift(&self, content: &ContentId) -> [f64; 2] {
        let mut stream = self.key.stream("lattice-shift", &content.0);
        let period = (TILE * FIELD) as f64;
        [period * stream.unit(), period * stream.unit()]
    }

    /// The sync tiles for flat and for textured places, each of unit power.
    pub(crate) fn tiles(&self) -> [Tile; 2] {
        let power = |ring: usize| [SYNC_RINGS[ring].flat, SYNC_RINGS[ring].textured];
        std::array::from_fn(|texture| {
            Tile::of(self.lines.iter().enumerate().map(|(i, line)| {
                let amplitude = libm::sqrt(power(i / RING_LINES)[texture] / (2.0 * RING_LINES as f64));
                (line.wave, line.phase * amplitude as f32)
            }))
        })
    }
}

/// A wave in a ring and sector, its radius even by area, away from all earlier ones.
fn draw_wave(stream: &mut Stream, ring: usize, sector: usize, lines: &[Line]) -> Harmonic {
    let (from, to) = (SYNC_RINGS[ring].from, SYNC_RINGS[ring].to);
    loop {
        let length = libm::sqrt(from * from + (to * to - from * from) * stream.unit());
        let angle = std::f64::consts::PI * (sector as f64 + stream.unit()) / RING_LINES as f64;
        let wave =
            (libm::round(length * libm::cos(angle)) as i32, libm::round(length * libm::sin(angle)) as i32);
        let upper_half = wave.1 > 0 || (wave.1 == 0 && wave.0 > 0);
        let apart = |line: &Line| radius((line.wave.0 - wave.0, line.wave.1 - wave.1)) >= LINE_DISTANCE;
        if upper_half && (from..to).contains(&radius(wave)) && lines.iter().all(apart) {
            return wave;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_rings_and_their_distance() {
        for seed in 0..50 {
            let lattice = LatticeCarrier::new(&MarkKey::new([seed; 32]));
            let lines = lattice.lines();
            assert_eq!(lines.len(), 32);
            for (i, line) in lines.iter().enumerate() {
                let ring = &SYNC_RINGS[i / RING_LINES];
                assert!((ring.from..ring.to).contains(&radius(line.wave)), "key {seed}, line {i}");
                let near =
                    |other: &Line| radius((other.wave.0 - line.wave.0, other.wave.1 - line.wave.1)) < 3.0;
                assert_eq!(lines.iter().filter(|other| near(other)).count(), 1, "key {seed}, line {i}");
            }
        }
    }

    #[test]
    fn contents_have_their_own_place() {
        let lattice = LatticeCarrier::new(&MarkKey::new([1; 32]));
        let places = [0, 1, 2].map(|content| lattice.shift(&ContentId([content; 32])));
        assert!(places.iter().flatten().all(|v| (0.0..2048.0).contains(v)));
        assert_ne!(places[0], places[1]);
        assert_ne!(places[1], places[2]);
    }
}
