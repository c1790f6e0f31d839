//! Host and payload to marked picture.

mod probe;
mod row;
mod strength;

use tiermark_signal::resample::Blocks;
use tiermark_signal::{Plane, Size, Wide, widest};

use crate::carrier::{ClosedPattern, ClosedRows, LatticeCarrier, SignField, Tile, WordCarrier};
use crate::code::encode;
use crate::earlier::Earlier;
use crate::key::MarkKey;
use crate::mask::{Activity, Ends, Headroom, grown};
use crate::payload::{ContentId, Payload, word};
use crate::rows::{LumaRow, Planes, Rows, RowsMut};
pub(crate) use probe::Probe;
use row::{Carriers, Columns, Row};
pub use strength::Strength;
use strength::{SLOPE, TINT};

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
        let colours = red.samples().iter().zip(green.samples().iter().zip(blue.samples()));
        let luma = colours.map(|(r, (g, b))| 0.299 * r + 0.587 * g + 0.114 * b).collect();
        Plane::new(red.size(), luma).expect("planes of one size")
    }
}

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
        // Beside two or three words the closed set gets half: it is read with the original at hand, where half is plenty.
        let strength =
            Strength { lattice: 0.0, cells: 0.5 * strength.cells, psnr: strength.psnr + 3.0, ..strength };
        Self { layer: Layer::Further, ..Self::new(lattice, tier, payload, strength) }
    }

    /// The colour planes of `host` with the mark of `content`; rounding is left to the file's depth.
    ///
    /// Where alpha is 0.0 nothing changes. No sample leaves 0.0 to 255.0 that was inside.
    pub fn embed(&self, host: &Picture<'_>, content: &ContentId) -> Vec<Plane> {
        self.embedded(host, content, None)
    }

    /// The same, and with it the recipient's pattern of the closed set: `closed` is the key of this recipient and this content.
    pub fn embed_closed(&self, host: &Picture<'_>, content: &ContentId, closed: &MarkKey) -> Vec<Plane> {
        self.embedded(host, content, Some(closed))
    }

    fn embedded(&self, host: &Picture<'_>, content: &ContentId, closed: Option<&MarkKey>) -> Vec<Plane> {
        let (alpha, premultiplied) = (host.alpha, host.premultiplied);
        let mut planes = Planes { colours: host.colours.to_vec(), alpha, premultiplied };
        self.embed_rows(&mut planes, content, closed);
        planes.colours
    }

    /// The same in place and row by row: all that is held of the picture besides is its luma, and for a further mark what
    /// earlier ones did to it.
    pub fn embed_rows(&self, picture: &mut impl RowsMut, content: &ContentId, closed: Option<&MarkKey>) {
        let Survey { luma, on_white, rooms, coloured } = Survey::of(picture);
        // A further mark heeds what luma tells of earlier ones: tints would escape it, and add up.
        let tinted = coloured && self.layer == Layer::First;
        let closed = closed.map(|key| ClosedPattern::new(key, luma.size(), tinted));
        let (activity, earlier) = {
            let on_white = on_white.as_ref().unwrap_or(&luma);
            (Activity::of(on_white), (self.layer == Layer::Further).then(|| Earlier::of(on_white)))
        };
        drop(on_white);
        let cells = if closed.is_some() { self.strength.cells } else { 0.0 };
        let columns = Columns::new(luma.size(), self.lattice.shift(content));
        widest(Marking {
            embedder: self,
            closed: closed.as_ref().map(|pattern| columns.closed(pattern)),
            columns,
            gain: Strength { cells, ..self.strength }.affordable_gain(&activity),
            picture,
            luma: &luma,
            activity: activity.rows(),
            rooms: rooms.iter().map(Headroom::rows).collect(),
            earlier,
        });
    }
}

/// How far red and blue are from green along a row, together; 0.0 for grey.
fn colours_apart<R: AsRef<[f32]>>(rows: &[R]) -> f64 {
    let [red, green, blue] = rows else { return 0.0 };
    let rows = [red, green, blue].map(|row| row.as_ref());
    widest(Apart { rows })
}

/// The sum behind [`colours_apart`].
struct Apart<'a> {
    rows: [&'a [f32]; 3],
}

impl Wide for Apart<'_> {
    type Output = f64;

    #[inline(always)]
    fn run(self) -> f64 {
        let [red, green, blue] = self.rows;
        let apart = |r: &f32, g: &f32, b: &f32| (r - g).abs() + (b - g).abs();
        // Sums side by side: one alone waits for itself.
        let mut sums = [0.0_f32; 16];
        let [whole_red, whole_green, whole_blue] = self.rows.map(|row| row.as_chunks::<16>());
        for ((r, g), b) in whole_red.0.iter().zip(whole_green.0).zip(whole_blue.0) {
            (0..16).for_each(|i| sums[i] += apart(&r[i], &g[i], &b[i]));
        }
        let rest = red.len() / 16 * 16;
        let rest = red[rest..].iter().zip(green[rest..].iter().zip(&blue[rest..]));
        f64::from(sums.iter().sum::<f32>() + rest.map(|(r, (g, b))| apart(r, g, b)).sum::<f32>())
    }
}

/// Whether the closed set may tint a picture whose colours are so far apart in all: grey ones stay grey.
fn is_coloured(apart: f64, size: Size) -> bool {
    /// Far above what compression leaves in grey pictures, and far below the palest drawing.
    const LEAST: f64 = 1.0;
    apart / size.area() as f64 >= LEAST
}

/// What is to be known of a picture before its first row is marked.
struct Survey {
    luma: Plane,
    /// Luma laid on white paper, where there is alpha.
    on_white: Option<Plane>,
    /// Of each channel.
    rooms: Vec<Headroom>,
    /// Whether the closed set may tint it.
    coloured: bool,
}

impl Survey {
    fn of(picture: &impl Rows) -> Self {
        let size = picture.size();
        let plane = || Plane::filled(size, 0.0);
        let (mut luma, mut on_white) = (plane(), picture.has_alpha().then(plane));
        let mut ends: Vec<_> = (0..picture.channels()).map(|_| Ends::new(size)).collect();
        let (mut row, mut apart) = (LumaRow::new(picture), 0.0);
        for y in 0..size.height {
            row.read(picture, y);
            ends.iter_mut().zip(&row.colours).for_each(|(ends, row)| ends.add(y, row));
            apart += colours_apart(&row.colours);
            row.write(luma.row_mut(y));
            if let Some(on_white) = &mut on_white {
                on_white.row_mut(y).copy_from_slice(luma.row(y));
                row.lay_on_white(picture, y, on_white.row_mut(y));
            }
        }
        let coloured = is_coloured(apart, size);
        Self { luma, on_white, rooms: ends.into_iter().map(Ends::headroom).collect(), coloured }
    }
}

/// One picture being marked, row by row.
struct Marking<'a, P> {
    embedder: &'a Embedder,
    columns: Columns,
    gain: f32,
    picture: &'a mut P,
    luma: &'a Plane,
    activity: Blocks<'a>,
    rooms: Vec<(Blocks<'a>, Blocks<'a>)>,
    earlier: Option<Earlier>,
    closed: Option<ClosedRows<'a>>,
}

impl<P: RowsMut> Wide for Marking<'_, P> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        let mut row = Row::new(&self.columns, &self.embedder.strength);
        let samples = || vec![0.0; self.luma.width()];
        let mut colours: Vec<Vec<f32>> = self.rooms.iter().map(|_| samples()).collect();
        let mut alpha = self.picture.has_alpha().then(samples);
        let premultiplied = self.picture.premultiplied();
        for y in 0..self.luma.height() {
            self.activity.row(y, &mut row.activity);
            self.pattern(y, &mut row);
            row.spare_flats(self.luma, y);
            if let Some(earlier) = &self.earlier {
                row.heed(earlier, self.luma, y);
            }
            if let Some(alpha) = &mut alpha {
                self.picture.alpha_row(y, alpha);
            }
            for (channel, (samples, (white, black))) in colours.iter_mut().zip(&mut self.rooms).enumerate() {
                self.picture.colour_row(channel, y, samples);
                row.tint(channel);
                white.row(y, &mut row.white);
                black.row(y, &mut row.black);
                row.add_to(samples, alpha.as_deref(), premultiplied);
            }
            let marked: Vec<&[f32]> = colours.iter().map(Vec::as_slice).collect();
            self.picture.paint(y, &marked);
        }
    }
}

impl<P> Marking<'_, P> {
    /// Fill in the pattern and its cap along row `y`, from the activity that is already there.
    #[inline(always)]
    fn pattern(&mut self, y: usize, row: &mut Row) {
        let Embedder { word_tiles, lattice_tiles, field, strength, .. } = self.embedder;
        let height = self.columns.ref_row(y);
        let carriers = Carriers {
            word: [0, 1].map(|i| word_tiles[i].row(height)),
            lattice: [0, 1].map(|i| lattice_tiles[i].row(height)),
            signs: field.row(height),
            strength,
        };
        row.read_closed(&self.columns, self.closed.as_mut(), y);
        row.lay(&self.columns, &carriers);
        for (x, activity) in row.activity.iter().enumerate() {
            let grown = grown(*activity, SLOPE, self.gain);
            row.pattern[x] *= grown;
            row.cap[x] = grown * strength.cap;
        }
        if row.tinted {
            row.grow_tint(strength.cap, TINT * strength.cells);
        }
    }
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
    fn flat_colour_moves_by_one_code_value_to_each_side_and_paper_white_by_two_down() {
        assert_eq!((change(128.0).0, change(128.0).1), (-1.0, 1.0));
        assert_eq!((change(255.0).0, change(255.0).1), (-2.0, 0.0));
        assert_eq!((change(0.0).0, change(0.0).1), (0.0, 2.0));
        // A mean that lies one lower costs 3 dB by itself.
        for (value, least) in [(0.0, 46.0), (128.0, 49.0), (255.0, 46.0)] {
            assert!(change(value).2 > least, "{value}: {} dB", change(value).2);
        }
    }

    fn rounded(host: &[Plane]) -> Vec<Plane> {
        let picture = Picture { colours: host, alpha: None, premultiplied: false };
        let marked = embedder().embed(&picture, &CONTENT);
        marked.into_iter().map(|plane| plane.map(|v| v.round().clamp(0.0, 255.0))).collect()
    }

    #[test]
    fn a_gradient_keeps_its_shape() {
        use tiermark_signal::filter::box_mean;
        // A code value to each 16 pixels, with the steps that 8 bits make of it.
        let host = [Plane::from_fn(SIZE, |x, y| (60.0 + (x + y) as f32 / 16.0).round())];
        let marked = rounded(&host);
        let most = |a: &Plane, b: &Plane| {
            a.samples().iter().zip(b.samples()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
        };
        assert!(most(&host[0], &marked[0]) <= 1.0, "as on flat colour");
        // Over 48 pixels, two of its longer waves, nothing is left that would move a contour by half a step.
        let (before, after) = (box_mean(&host[0], 24), box_mean(&marked[0], 24));
        assert!(most(&before, &after) < 0.5, "{}", most(&before, &after));
    }

    #[test]
    fn beside_a_line_the_mark_is_that_of_flat_colour() {
        let line = |x: usize| (300..304).contains(&x);
        let host = [Plane::from_fn(SIZE, |x, _| if line(x) { 12.0 } else { 200.0 })];
        let marked = rounded(&host);
        for y in 0..SIZE.height {
            for x in (0..SIZE.width).filter(|&x| !line(x)) {
                // Right at an edge of 188 code values a second one is seen by nobody.
                let most = if (298..306).contains(&x) { 2.0 } else { 1.0 };
                assert!((marked[0].at(x, y) - 200.0).abs() <= most, "{x},{y}: {}", marked[0].at(x, y));
            }
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
}
