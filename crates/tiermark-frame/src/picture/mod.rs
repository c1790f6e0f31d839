//! Samples as a file stores them, and the planes that they are looked at as.

mod curve;
mod float;
mod regions;
mod whole;

use std::ops::Range;

use half::f16;
use sha2::{Digest, Sha256};
use tiermark_signal::{Plane, Size};

use crate::FrameError;

/// The samples of one picture, row by row, channels side by side: colours first, then alpha, then the rest.
#[derive(Clone, PartialEq)]
pub(crate) struct Picture {
    pub(crate) size: Size,
    pub(crate) layout: Layout,
    pub(crate) samples: Samples,
}

/// What the channels of a pixel mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// 1 (grey) or 3 (red, green, blue).
    pub(crate) colours: usize,
    /// What tells how solid a pixel is.
    pub(crate) alpha: Alpha,
    /// All channels, those included that mean nothing to us.
    pub(crate) channels: usize,
}

/// What tells how solid a pixel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alpha {
    /// Nothing: all pixels are solid.
    None,
    /// The channel behind the colours.
    Straight,
    /// The same, and the colours are already multiplied by it.
    Associated,
    /// Pixels of exactly this colour are not there (grey: the first of the three).
    Key([u16; 3]),
}

/// Samples of one depth.
#[derive(Clone, PartialEq)]
pub(crate) enum Samples {
    /// 8 bits each.
    Byte(Vec<u8>),
    /// 16 bits each.
    Word(Vec<u16>),
    /// Numbers proportional to light, of 16 bits.
    Half(Vec<f16>),
    /// The same, of 32 bits.
    Float(Vec<f32>),
}

impl Samples {
    fn len(&self) -> usize {
        match self {
            Self::Byte(values) => values.len(),
            Self::Word(values) => values.len(),
            Self::Half(values) => values.len(),
            Self::Float(values) => values.len(),
        }
    }
}

impl Layout {
    /// Grey or RGB, with a channel behind if `alpha` needs one.
    pub(crate) fn new(colours: usize, alpha: Alpha) -> Self {
        let behind = matches!(alpha, Alpha::Straight | Alpha::Associated);
        Self { colours, alpha, channels: colours + usize::from(behind) }
    }
}

impl Picture {
    /// A picture, if there are as many samples as size and layout say.
    pub(crate) fn new(size: Size, layout: Layout, samples: Samples) -> Option<Self> {
        (samples.len() == size.area() * layout.channels).then_some(Self { size, layout, samples })
    }

    /// 8, 16 or 32.
    pub(crate) fn bits(&self) -> u8 {
        match self.samples {
            Samples::Byte(_) => 8,
            Samples::Word(_) | Samples::Half(_) => 16,
            Samples::Float(_) => 32,
        }
    }

    /// Are the colours, as they are seen, multiplied by alpha? Light is seen without it.
    pub(crate) fn seems_associated(&self) -> bool {
        self.layout.alpha == Alpha::Associated && matches!(self.samples, Samples::Byte(_) | Samples::Word(_))
    }

    /// The colour channels as planes.
    pub(crate) fn colours(&self) -> Vec<Plane> {
        (0..self.layout.colours)
            .map(|channel| self.plane(|y, row| self.colour_row(channel, y, row)))
            .collect()
    }

    /// How solid each pixel is, 0.0 to 1.0; `None` if all are and the file has no word for it.
    pub(crate) fn alpha(&self) -> Option<Plane> {
        (self.layout.alpha != Alpha::None).then(|| self.plane(|y, row| self.alpha_row(y, row)))
    }

    /// What the eye sees of the picture on white paper, in grey.
    pub(crate) fn luma_on_white(&self) -> Plane {
        let row = || vec![0.0; self.size.width];
        let (mut green, mut blue, mut alpha) = (row(), row(), row());
        let associated = self.seems_associated();
        self.plane(|y, luma| {
            self.colour_row(0, y, luma);
            if self.layout.colours == 3 {
                self.colour_row(1, y, &mut green);
                self.colour_row(2, y, &mut blue);
                let others = green.iter().zip(&blue);
                luma.iter_mut().zip(others).for_each(|(r, (g, b))| *r = 0.299 * *r + 0.587 * g + 0.114 * b);
            }
            if self.layout.alpha != Alpha::None {
                self.alpha_row(y, &mut alpha);
                for (v, &a) in luma.iter_mut().zip(&alpha) {
                    *v = 255.0 * (1.0 - a) + if associated { *v } else { a * *v };
                }
            }
        })
    }

    fn plane(&self, mut fill: impl FnMut(usize, &mut [f32])) -> Plane {
        let mut plane = Plane::filled(self.size, 0.0);
        (0..self.size.height).for_each(|y| fill(y, plane.row_mut(y)));
        plane
    }

    /// Row `y` of one colour.
    pub(crate) fn colour_row(&self, channel: usize, y: usize, row: &mut [f32]) {
        match &self.samples {
            Samples::Byte(values) => whole::pick(&values[self.at(y)], self.layout.channels, channel, row),
            Samples::Word(values) => whole::pick(&values[self.at(y)], self.layout.channels, channel, row),
            Samples::Half(values) => float::pick(&values[self.at(y)], self.layout, channel, row),
            Samples::Float(values) => float::pick(&values[self.at(y)], self.layout, channel, row),
        }
    }

    /// How solid the pixels of row `y` are.
    pub(crate) fn alpha_row(&self, y: usize, row: &mut [f32]) {
        match (self.layout.alpha, &self.samples) {
            (Alpha::None, _) => row.fill(1.0),
            (_, Samples::Half(values)) => float::solid(&values[self.at(y)], self.layout, row),
            (_, Samples::Float(values)) => float::solid(&values[self.at(y)], self.layout, row),
            (Alpha::Straight | Alpha::Associated, _) => {
                self.colour_row(self.layout.colours, y, row);
                row.iter_mut().for_each(|v| *v /= 255.0);
            }
            (Alpha::Key(_), Samples::Byte(values)) => whole::solid(&values[self.at(y)], self.layout, row),
            (Alpha::Key(_), Samples::Word(values)) => whole::solid(&values[self.at(y)], self.layout, row),
        }
    }

    /// Where the samples of row `y` stand.
    fn at(&self, y: usize) -> Range<usize> {
        let stride = self.size.width * self.layout.channels;
        y * stride..(y + 1) * stride
    }

    /// Give row `y` other colours, as [`Picture::with_colours`] does.
    pub(crate) fn paint(&mut self, y: usize, colours: &[&[f32]]) {
        let (at, layout) = (self.at(y), self.layout);
        match &mut self.samples {
            Samples::Byte(values) => whole::repaint(&mut values[at], layout, colours),
            Samples::Word(values) => whole::repaint(&mut values[at], layout, colours),
            Samples::Half(values) => float::repaint(&mut values[at], layout, colours),
            Samples::Float(values) => float::repaint(&mut values[at], layout, colours),
        }
    }

    /// Take back changes to `before` until the regions of one colour are those that it had.
    pub(crate) fn hold_regions(&mut self, before: &Self) {
        regions::hold(before, self);
    }

    /// Two colours, and nothing between them.
    pub(crate) fn is_two_tone(&self) -> bool {
        regions::is_two_tone(self)
    }

    /// SHA-256 of size, channels, depth and all samples, as the record of a delivery wants it.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update((self.size.width as u32).to_be_bytes());
        hash.update((self.size.height as u32).to_be_bytes());
        hash.update([self.layout.channels as u8, self.bits()]);
        match &self.samples {
            Samples::Byte(values) => hash.update(values),
            Samples::Word(values) => big_endian(values).for_each(|block| hash.update(block)),
            Samples::Half(values) => {
                values.chunks(1 << 15).for_each(|block| hash.update(bytes_of(block, |v| v.to_be_bytes())));
            }
            Samples::Float(values) => {
                values.chunks(1 << 15).for_each(|block| hash.update(bytes_of(block, |v| v.to_be_bytes())));
            }
        }
        hash.finalize().into()
    }

    /// This picture with other colours: rounded to its depth, and only where it is not wholly transparent.
    pub(crate) fn with_colours(&self, planes: &[Plane]) -> Result<Self, FrameError> {
        if planes.len() != self.layout.colours {
            return Err(FrameError::Planes(format!("{} planes for {}", planes.len(), self.layout.colours)));
        }
        if let Some(other) = planes.iter().map(Plane::size).find(|size| *size != self.size) {
            let (own, theirs) = (self.size, other);
            return Err(FrameError::Planes(format!(
                "{} x {} for {} x {}",
                theirs.width, theirs.height, own.width, own.height
            )));
        }
        let mut fresh = self.clone();
        for y in 0..self.size.height {
            let rows: Vec<&[f32]> = planes.iter().map(|plane| plane.row(y)).collect();
            fresh.paint(y, &rows);
        }
        Ok(fresh)
    }
}

/// Words as big-endian bytes, a block at a time, so that a large picture is not held twice.
pub(crate) fn big_endian(values: &[u16]) -> impl Iterator<Item = Vec<u8>> {
    values.chunks(1 << 15).map(|block| bytes_of(block, |v| v.to_be_bytes()))
}

fn bytes_of<V: Copy, const BYTES: usize>(values: &[V], bytes: impl Fn(V) -> [u8; BYTES]) -> Vec<u8> {
    values.iter().flat_map(|v| bytes(*v)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use super::*;

    fn row(layout: Layout, samples: Samples) -> Picture {
        Picture::new(Size { width: samples.len() / layout.channels, height: 1 }, layout, samples).unwrap()
    }

    fn bytes(picture: &Picture) -> &[u8] {
        match &picture.samples {
            Samples::Byte(values) => values,
            _ => &[],
        }
    }

    #[test]
    fn every_16_bit_sample_survives_the_way_through_a_plane() {
        let all = row(Layout::new(1, Alpha::None), Samples::Word((0..=u16::MAX).collect()));
        assert!(all.with_colours(&all.colours()).unwrap() == all);
    }

    #[test]
    fn colours_are_rounded_to_the_nearest_and_held_in_range() {
        let four = row(Layout::new(1, Alpha::None), Samples::Byte(vec![9; 5]));
        let wish = Plane::new(four.size, vec![-3.0, 7.49, 7.51, 300.0, f32::NAN]).unwrap();
        assert_eq!(bytes(&four.with_colours(&[wish]).unwrap()), [0, 7, 8, 255, 9]);
    }

    #[test]
    fn pixels_that_are_not_there_keep_their_colours() {
        let two = row(Layout::new(1, Alpha::Straight), Samples::Byte(vec![10, 0, 20, 1]));
        let marked = two.with_colours(&[Plane::filled(two.size, 99.0)]).unwrap();
        assert_eq!(bytes(&marked), [10, 0, 99, 1]);
    }

    #[test]
    fn multiplied_colours_stay_under_alpha_but_a_glow_may_stay() {
        let three = row(Layout::new(1, Alpha::Associated), Samples::Byte(vec![10, 20, 90, 20, 90, 20]));
        let wish = Plane::new(three.size, vec![30.0, 95.0, 50.0]).unwrap();
        assert_eq!(bytes(&three.with_colours(&[wish]).unwrap()), [20, 20, 90, 20, 50, 20]);
    }

    #[test]
    fn a_marked_pixel_never_takes_the_colour_that_means_nothing() {
        let layout = Layout::new(3, Alpha::Key([5, 6, 7]));
        let two = row(layout, Samples::Byte(vec![5, 6, 7, 5, 9, 7]));
        let wish: Vec<_> = [5.0, 6.0, 7.0].map(|v| Plane::filled(two.size, v)).into();
        let marked = two.with_colours(&wish).unwrap();
        assert_eq!(bytes(&marked), [5, 6, 7, 5, 7, 7]);
        assert_eq!(marked.alpha().unwrap().samples(), [0.0, 1.0]);
    }

    #[test]
    fn planes_of_another_frame_are_refused() {
        let one = row(Layout::new(3, Alpha::None), Samples::Byte(vec![0; 3]));
        assert!(matches!(one.with_colours(&[]), Err(FrameError::Planes(_))));
        let wide = vec![Plane::filled(Size { width: 2, height: 1 }, 0.0); 3];
        assert!(matches!(one.with_colours(&wide), Err(FrameError::Planes(_))));
    }

    #[test]
    fn the_digest_is_the_one_of_the_written_rule() {
        let one = row(Layout::new(1, Alpha::None), Samples::Word(vec![0x0102, 0x0304]));
        let by_hand = Sha256::digest([0, 0, 0, 2, 0, 0, 0, 1, 1, 16, 1, 2, 3, 4]);
        assert_eq!(one.digest(), *by_hand);
    }
}
