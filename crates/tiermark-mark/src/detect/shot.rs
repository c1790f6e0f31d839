//! Evidence summed over the frames of a shot.
//!
//! All frames of a shot carry one pattern. Where they also lie alike (a clip scaled or cut as a whole) their gentle planes
//! add up: the mark stands and the moving drawing fades. Where each lies elsewhere (a filmed screen) its tiles add up
//! under its own map. Both sums are read once; every map of every frame is counted.

use super::front::Gentle;
use super::look::Look;
use super::places::Words;
use super::reading::{Reading, surer, together};
use super::tiles::Tiles;
use super::{Detector, Question};
use crate::embed::Picture;
use crate::layout::TILE;
use crate::sync::Fit;

/// What one frame says, alone and for its shot.
pub struct FrameEvidence {
    /// The words in the frame alone, as [`Detector::read`] would give them.
    pub readings: Vec<Reading>,
    gentle: Gentle,
    /// Its tiles under the map in which the lattice stood best.
    tiles: Option<(Tiles, Fit)>,
    /// Maps that it could be read under.
    maps: usize,
}

/// What the frames of one shot add up to. Its size does not grow with their number.
#[derive(Default)]
pub struct Shot {
    frames: usize,
    /// The sum of the gentle planes of frames of the first one's size, and how many there were.
    sum: Option<(Gentle, usize)>,
    /// Tiles folded into the sign field, under the first frame's map.
    folded: Option<(Tiles, Fit)>,
    /// Maps that the frames themselves were read under.
    maps: usize,
    /// The best of the readings of single frames.
    best: Vec<Reading>,
}

impl Shot {
    /// Frames added.
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// Add the next frame; the sums depend on the order only in their last bits, so keep to one.
    pub fn add(&mut self, frame: FrameEvidence) {
        self.frames += 1;
        self.maps += frame.maps;
        self.best = surer(std::mem::take(&mut self.best), frame.readings);
        if let Some((tiles, fit)) = frame.tiles {
            self.add_tiles(tiles, fit);
        }
        self.add_plane(frame.gentle);
    }

    fn add_plane(&mut self, gentle: Gentle) {
        match &mut self.sum {
            None => self.sum = Some((gentle, 1)),
            Some((sum, count)) if sum.plane.size() == gentle.plane.size() && sum.factor == gentle.factor => {
                let planes = sum.plane.samples_mut().iter_mut().zip(gentle.plane.samples());
                planes.for_each(|(a, b)| *a += b);
                *count += 1;
            }
            Some(_) => {}
        }
    }

    fn add_tiles(&mut self, tiles: Tiles, fit: Fit) {
        match &mut self.folded {
            None => self.folded = Some((tiles, fit)),
            Some((sum, first)) => {
                if let Some(apart) = whole_tiles_apart(first, &fit) {
                    sum.add(&tiles.folded(apart));
                }
            }
        }
    }
}

/// How many whole tiles a frame's map leads further than the first one's: each is known only up to whole tiles.
fn whole_tiles_apart(first: &Fit, other: &Fit) -> Option<[i64; 2]> {
    let middle = first.map.centre();
    let (a, b) = (first.map.apply(middle), other.map.apply(middle));
    let alike = {
        let (m, n) = (first.map.matrix(), other.map.matrix());
        let inner: f64 = m.iter().flatten().zip(n.iter().flatten()).map(|(a, b)| a * b).sum();
        let size = |m: [[f64; 2]; 2]| m.iter().flatten().map(|v| v * v).sum::<f64>().sqrt();
        inner > 0.9 * size(m) * size(n)
    };
    alike.then(|| [0, 1].map(|axis| libm::round((b[axis] - a[axis]) / TILE as f64) as i64))
}

impl Detector {
    /// Read one frame of a shot.
    pub fn read_frame(&self, found: &Picture<'_>, question: &Question<'_>) -> FrameEvidence {
        let layers = found.layers();
        let words = self.words(question);
        let gentle = Gentle::on(found, None);
        let readings = self.search(&gentle, question, &words, layers as f64);
        let fit = match readings.iter().find(|reading| reading.is_certain()) {
            Some(reading) => Some(reading.fit.clone()),
            None => Look::at(&gentle, &self.lattice).and_then(|look| look.strongest(question.frames)),
        };
        let tiles = fit.zip(self.tiers.first()).and_then(|(fit, tier)| {
            let tiles = Tiles::of(&gentle, &fit, &tier.carrier)?;
            Some((tiles.folded([0, 0]), fit))
        });
        let readings = self.or_layer(readings, found, question, &words);
        FrameEvidence { readings, gentle, tiles, maps: layers * question.maps() }
    }

    /// The words in a shot as a whole: those of its best frame and those of the sums, all trials of all frames counted.
    pub fn read_shot(&self, shot: &Shot, question: &Question<'_>) -> Vec<Reading> {
        // The sums are read under all maps of a search, and under one more.
        let maps = (shot.maps + question.maps() + 1) as f64;
        let words = self.words(question);
        let recounted = |reading: &Reading| Self::recounted(reading.clone(), &words, maps);
        let all: Vec<Reading> = shot.best.iter().map(recounted).collect();
        together(all, self.read_sums(shot, question, &words, maps))
    }

    /// The words in the sums alone.
    fn read_sums(&self, shot: &Shot, question: &Question<'_>, words: &Words<'_>, maps: f64) -> Vec<Reading> {
        let mut all = Vec::new();
        if let Some((sum, count)) = &shot.sum
            && *count > 1
        {
            let searches = maps / question.maps() as f64;
            all = together(all, self.search(&mean(sum, *count), question, words, searches));
        }
        if let Some((tiles, fit)) = shot.folded.as_ref().filter(|_| shot.frames > 1) {
            all = together(all, self.read_tiles(tiles, fit, words, maps));
        }
        all
    }

    /// The words of these tiers in a shot in which another tier's word was read: under its map, in both sums.
    pub fn read_shot_beside(&self, shot: &Shot, first: &Reading, question: &Question<'_>) -> Vec<Reading> {
        const MAPS: f64 = 2.0;
        let words = self.words(question);
        let mut all = Vec::new();
        if let Some((sum, count)) = &shot.sum {
            all = self.read_map(&mean(sum, *count), &first.fit, &words, MAPS);
        }
        if let Some((tiles, fit)) = &shot.folded {
            all = together(all, self.read_tiles(tiles, fit, &words, MAPS));
        }
        all
    }
}

fn mean(sum: &Gentle, count: usize) -> Gentle {
    let share = 1.0 / count as f32;
    Gentle { plane: sum.plane.clone().map(|v| v * share), factor: sum.factor }
}
