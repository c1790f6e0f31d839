//! Host and payload to marked picture.

use tiermark_signal::resample::Blocks;
use tiermark_signal::{Plane, Size};

use crate::carrier::{LatticeCarrier, SignField, Tile, WordCarrier, crossing};
use crate::code::encode;
use crate::earlier::{Earlier, allowed, flat_row};
use crate::key::MarkKey;
use crate::layout::{FIELD, TILE, pixels_per_ref};
use crate::mask::{Activity, Headroom, grown, room};
use crate::payload::{ContentId, Payload, word};

/// A picture to be marked, or found: colour planes and, where there is one, its alpha.
#[derive(Clone, Copy)]
pub struct Picture<'a> {
    /// One plane (grey) or three (R, G, B), code values 0.0 to 255.0.
    pub colours: &'a [Plane],
    /// 0.0 (clear) to 1.0 (opaque).
    pub alpha: Option<&'a Plane>,
    /// Whether the colours are already multiplied by alpha.
    pub premultiplied: bool,
}

impl Picture<'_> {
    /// Width and height.
    ///
    /// # Panics
    /// If there is no colour plane.
    pub fn size(&self) -> Size {
        self.colours[0].size()
    }

    /// Pictures that this one can be read as: laid on white paper and, where there is alpha, as the layer it is.
    pub(crate) fn layers(&self) -> usize {
        1 + usize::from(self.alpha.is_some())
    }

    /// Luma of the picture laid on white paper: `.299 R + .587 G + .114 B` (ITU-R BT.601, as JPEG and most video).
    pub(crate) fn luma_on_white(&self) -> Plane {
        let mut luma = self.luma();
        let Some(alpha) = self.alpha else { return luma };
        for (v, &a) in luma.samples_mut().iter_mut().zip(alpha.samples()) {
            *v = 255.0 * (1.0 - a) + if self.premultiplied { *v } else { a * *v };
        }
        luma
    }

    /// Luma of the colours as they stand.
    pub(crate) fn luma(&self) -> Plane {
        let [red, green, blue] = self.colours else { return self.colours[0].clone() };
        let mut luma = red.clone();
        let others = green.samples().iter().zip(blue.samples());
        luma.samples_mut()
            .iter_mut()
            .zip(others)
            .for_each(|(r, (g, b))| *r = 0.299 * *r + 0.587 * g + 0.114 * b);
        luma
    }
}

/// How strong the mark is, in code values of an 8-bit file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Strength {
    /// Standard deviation of the word's pattern on flat colour.
    pub word: f32,
    /// Standard deviation of the lattice's pattern on flat colour.
    pub lattice: f32,
    /// Largest change on flat colour, before rounding.
    pub cap: f32,
    /// By how much the busiest texture may exceed flat colour.
    pub gain: f32,
    /// Peak signal-to-noise ratio that no picture goes below, dB: a picture that is busy all over gets less gain.
    pub psnr: f64,
}

impl Strength {
    /// What `stamp` uses: below the threshold of sight on a bright screen (`docs/spec/mark-v1.md`).
    pub const STANDARD: Self = Self { word: 0.55, lattice: 0.50, cap: 1.25, gain: 3.0, psnr: 45.3 };

    /// The gain that keeps a picture of this activity above `psnr`.
    fn affordable_gain(&self, activity: &Activity) -> f32 {
        // The soft limit leaves two thirds of the pattern's variance (measured on grain), rounding to 8 bits adds 1/12.
        let variance = 0.66 * f64::from(self.word * self.word + self.lattice * self.lattice);
        let budget = 255.0 * 255.0 / libm::pow(10.0, self.psnr / 10.0) - 1.0 / 12.0;
        let affordable = |gain: &f32| variance * activity.mean_square_growth(SLOPE, *gain) <= budget;
        // In steps of a sixteenth: finer ones could not be told apart.
        let steps = ((self.gain - 1.0) * 16.0) as u16;
        (0..=steps).rev().map(|step| 1.0 + f32::from(step) / 16.0).find(affordable).unwrap_or(1.0)
    }
}

/// Largest change of a sample that equals its neighbours: rounded, two code values.
const FLAT_CAP: f32 = 2.45;
/// Growth of the mark for each code value of activity.
const SLOPE: f32 = 0.35;

/// Writes one payload into pictures.
pub struct Embedder {
    lattice: LatticeCarrier,
    field: SignField,
    word_tiles: [Tile; 2],
    lattice_tiles: [Tile; 2],
    strength: Strength,
    layer: Layer,
}

/// Whether other marks of the project are there already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layer {
    First,
    Further,
}

impl Embedder {
    /// An embedder of `payload` under the key of a tier, on the lattice of a project.
    pub fn new(lattice: &MarkKey, tier: &MarkKey, payload: Payload, strength: Strength) -> Self {
        let lattice = LatticeCarrier::new(lattice);
        let carrier = WordCarrier::new(tier, &lattice);
        let word_tiles = carrier.tiles(&encode(&word(payload, tier)));
        let lattice_tiles = lattice.tiles();
        Self { lattice, field: carrier.field, word_tiles, lattice_tiles, strength, layer: Layer::First }
    }

    /// An embedder for pictures that carry a mark of the project already: it adds a word of its own under another key,
    /// on the lattice that is there, and leaves the marks together within two code values on flat colour.
    ///
    /// The content must be the one that the first mark was bound to. Three decibels less of the picture are spent than
    /// by the first mark, so that three marks stay three decibels below one.
    pub fn further(lattice: &MarkKey, tier: &MarkKey, payload: Payload, strength: Strength) -> Self {
        let strength = Strength { lattice: 0.0, psnr: strength.psnr + 3.0, ..strength };
        Self { layer: Layer::Further, ..Self::new(lattice, tier, payload, strength) }
    }

    /// The colour planes of `host` with the mark of `content`; rounding is left to the file's depth.
    ///
    /// Where alpha is 0.0 nothing changes. No sample leaves 0.0 to 255.0 that was inside.
    pub fn embed(&self, host: &Picture<'_>, content: &ContentId) -> Vec<Plane> {
        let size = host.size();
        let activity = Activity::of(&host.luma_on_white());
        let luma = host.luma();
        let gain = self.strength.affordable_gain(&activity);
        let columns = Columns::new(size, self.lattice.shift(content));
        let rooms: Vec<Headroom> = host.colours.iter().map(Headroom::of).collect();
        let readers: Vec<(Blocks<'_>, Blocks<'_>)> = rooms.iter().map(Headroom::rows).collect();
        let busy = activity.rows();
        let earlier = (self.layer == Layer::Further).then(|| Earlier::of(&host.luma_on_white()));
        let earlier_rows = earlier.as_ref().map(Earlier::rows);
        let mut marked = host.colours.to_vec();
        let mut line = Line::new(size.width);
        for y in 0..size.height {
            busy.row(y, &mut line.activity);
            self.pattern(&columns, y, gain, &mut line);
            line.spare_flats(&luma, y);
            if let Some(rows) = &earlier_rows {
                rows.row(y, &mut line.earlier);
                flat_row(&luma, y, &mut line.flat);
            }
            for (channel, (white, black)) in marked.iter_mut().zip(&readers) {
                white.row(y, &mut line.white);
                black.row(y, &mut line.black);
                line.add_to(channel.row_mut(y), host.alpha.map(|alpha| alpha.row(y)), host.premultiplied);
            }
        }
        marked
    }

    /// Fill in the pattern and its cap along row `y`, from the activity that is already there.
    fn pattern(&self, columns: &Columns, y: usize, gain: f32, line: &mut Line) {
        let height = columns.ref_row(y);
        let [word_flat, word_textured] = [0, 1].map(|i| self.word_tiles[i].row(height));
        let [sync_flat, sync_textured] = [0, 1].map(|i| self.lattice_tiles[i].row(height));
        let signs = self.field.row(height);
        let Strength { word, lattice, cap, .. } = self.strength;
        for (x, column) in columns.places.iter().enumerate() {
            let activity = line.activity[x];
            let grown = grown(activity, SLOPE, gain);
            let textured = (activity / 1.5).min(1.0);
            let mixed = |flat: &[f32], busy: &[f32]| {
                let flat = column.read(flat);
                if textured > 0.0 { flat + textured * (column.read(busy) - flat) } else { flat }
            };
            let word = word * column.sign(&signs) * mixed(&word_flat, &word_textured);
            line.pattern[x] = grown * (word + lattice * mixed(&sync_flat, &sync_textured));
            line.cap[x] = grown * cap;
        }
    }
}

/// Where each column of a frame lies in tile and field.
struct Columns {
    places: Vec<Column>,
    scale: f64,
    top: f64,
}

struct Column {
    /// First of the four samples of a tile row around the place.
    first: usize,
    weights: [f32; 4],
    tiles: (usize, usize),
    share: f32,
}

impl Columns {
    fn new(size: Size, shift: [f64; 2]) -> Self {
        let scale = 1.0 / pixels_per_ref(size);
        let places = (0..size.width).map(|x| Column::at((x as f64 + 0.5) * scale + shift[0])).collect();
        Self { places, scale, top: shift[1] }
    }

    /// Height of pixel row `y` in the lattice, ref px.
    fn ref_row(&self, y: usize) -> f64 {
        (y as f64 + 0.5) * self.scale + self.top
    }
}

impl Column {
    fn at(place: f64) -> Self {
        let base = libm::floor(place);
        let (left, right, share) = crossing(place);
        let tile = |index: i64| index.rem_euclid(FIELD as i64) as usize;
        Self {
            first: (base as i64).rem_euclid(TILE as i64) as usize,
            weights: tiermark_signal::resample::cubic_weights((place - base) as f32),
            tiles: (tile(left), tile(right)),
            share,
        }
    }

    fn read(&self, row: &[f32]) -> f32 {
        row[self.first..][..4].iter().zip(&self.weights).map(|(v, w)| v * w).sum()
    }

    fn sign(&self, signs: &[f32; FIELD]) -> f32 {
        let (a, b) = (signs[self.tiles.0], signs[self.tiles.1]);
        a + self.share * (b - a)
    }
}

/// What is known along one row of pixels.
struct Line {
    activity: Vec<f32>,
    pattern: Vec<f32>,
    cap: Vec<f32>,
    white: Vec<f32>,
    black: Vec<f32>,
    /// Change by earlier marks.
    earlier: Vec<f32>,
    /// Whether earlier marks limit this one; nowhere in the first.
    flat: Vec<bool>,
}

impl Line {
    fn new(width: usize) -> Self {
        let row = || vec![0.0; width];
        let flat = vec![false; width];
        Self { activity: row(), pattern: row(), cap: row(), white: row(), black: row(), earlier: row(), flat }
    }

    /// Where luma equals that of all four neighbours nothing masks: at most two code values, whatever is around.
    fn spare_flats(&mut self, luma: &Plane, y: usize) {
        let (row, last) = (luma.row(y), luma.width() - 1);
        let above = luma.row(y.saturating_sub(1));
        let below = luma.row((y + 1).min(luma.height() - 1));
        for (x, cap) in self.cap.iter_mut().enumerate() {
            let v = row[x];
            let around = [above[x], below[x], row[x.saturating_sub(1)], row[(x + 1).min(last)]];
            if around.iter().all(|other| *other == v) {
                *cap = cap.min(FLAT_CAP);
            }
        }
    }

    fn add_to(&self, samples: &mut [f32], alpha: Option<&[f32]>, premultiplied: bool) {
        for (x, v) in samples.iter_mut().enumerate() {
            let alpha = alpha.map_or(1.0, |row| row[x]);
            if alpha <= 0.0 {
                continue;
            }
            if premultiplied {
                *v += alpha * self.change(x, *v / alpha);
            } else {
                *v += self.change(x, *v);
            }
        }
    }

    /// The pattern at `x`, bent into the room that a sample there has; centred between the two ends of that room.
    fn change(&self, x: usize, sample: f32) -> f32 {
        let (up, down) = room(sample, self.white[x], self.black[x], self.cap[x]);
        let half = 0.5 * (up + down);
        if half <= 0.0 {
            return 0.0;
        }
        let change = 0.5 * (up - down) + half * soft_limit(self.pattern[x] / half);
        if self.flat[x] {
            allowed(change, self.earlier[x], sample, self.white[x], self.black[x])
        } else {
            change
        }
    }
}

/// `tanh` to within 0.024, by its continued fraction cut short: the same on every machine, and quick.
fn soft_limit(x: f32) -> f32 {
    let x = x.clamp(-3.0, 3.0);
    x * (27.0 + x * x) / (27.0 + 9.0 * x * x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tiermark_signal::quality::psnr;

    fn embedder() -> Embedder {
        let key = |byte: u8| MarkKey::new([byte; 32]);
        Embedder::new(&key(1), &key(2), Payload([5; 8]), Strength::STANDARD)
    }

    const CONTENT: ContentId = ContentId([7; 32]);
    const SIZE: Size = Size { width: 640, height: 480 };

    fn change(value: f32) -> (f32, f32, f64) {
        let host = [Plane::filled(SIZE, value)];
        let marked =
            embedder().embed(&Picture { colours: &host, alpha: None, premultiplied: false }, &CONTENT);
        let rounded = [marked[0].clone().map(f32::round)];
        let (mut least, mut most) = (f32::MAX, f32::MIN);
        rounded[0].samples().iter().for_each(|v| (least, most) = (least.min(v - value), most.max(v - value)));
        (least, most, psnr(&host, &rounded))
    }

    #[test]
    fn flat_colour_changes_by_one_code_value_and_paper_white_only_downwards() {
        assert_eq!((change(128.0).0, change(128.0).1), (-1.0, 1.0));
        assert_eq!((change(255.0).0, change(255.0).1), (-1.0, 0.0));
        assert_eq!((change(0.0).0, change(0.0).1), (0.0, 1.0));
        for value in [0.0, 128.0, 255.0] {
            assert!(change(value).2 > 47.0, "{value}: {} dB", change(value).2);
        }
    }

    #[test]
    fn nothing_changes_under_clear_alpha() {
        let host = [Plane::filled(SIZE, 50.0), Plane::filled(SIZE, 60.0), Plane::filled(SIZE, 70.0)];
        let alpha = Plane::from_fn(SIZE, |x, _| if x < 320 { 0.0 } else { 0.5 });
        for premultiplied in [false, true] {
            let picture = Picture { colours: &host, alpha: Some(&alpha), premultiplied };
            let marked = embedder().embed(&picture, &CONTENT);
            for (host, marked) in host.iter().zip(&marked) {
                for y in 0..SIZE.height {
                    assert_eq!(host.row(y)[..320], marked.row(y)[..320]);
                }
            }
            assert_ne!(host[0], marked[0]);
        }
    }

    #[test]
    fn contents_keys_and_payloads_change_the_pattern() {
        let host = [Plane::filled(SIZE, 128.0)];
        let picture = Picture { colours: &host, alpha: None, premultiplied: false };
        let marked = |tier: u8, payload: u8, content: u8| {
            let key = |byte: u8| MarkKey::new([byte; 32]);
            let embedder = Embedder::new(&key(1), &key(tier), Payload([payload; 8]), Strength::STANDARD);
            embedder.embed(&picture, &ContentId([content; 32]))
        };
        let base = marked(2, 5, 7);
        assert_eq!(base, marked(2, 5, 7));
        for other in [marked(3, 5, 7), marked(2, 6, 7), marked(2, 5, 8)] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn soft_limit_is_nearly_tanh() {
        for i in -40..=40 {
            let x = i as f32 / 10.0;
            assert!((soft_limit(x) - libm::tanhf(x)).abs() < 0.024, "{x}");
        }
    }
}
