//! Pictures that come row by row: a large one is never in memory as planes.
//!
//! The three planes of a colour picture take twelve bytes to a pixel, four times what 8-bit samples take. Marking and reading
//! need one of them whole, the luma.

use tiermark_signal::{Plane, Size};

use crate::embed::Picture;

/// A picture to be looked at, whose rows are made when they are asked for; what is said of [`Picture`] holds here too.
pub trait Rows {
    /// Width and height.
    fn size(&self) -> Size;
    /// One (grey) or three (R, G, B).
    fn channels(&self) -> usize;
    /// Write row `y` of a channel to `row`, code values 0.0 to 255.0.
    fn colour_row(&self, channel: usize, y: usize, row: &mut [f32]);
    /// Whether there is alpha.
    fn has_alpha(&self) -> bool;
    /// Write row `y` of alpha to `row`, 0.0 (clear) to 1.0 (opaque); without alpha nobody asks.
    fn alpha_row(&self, y: usize, row: &mut [f32]);
    /// Whether the colours are already multiplied by alpha.
    fn premultiplied(&self) -> bool;
}

/// A picture to be marked. Each row is looked at before it is painted, and not again.
pub trait RowsMut: Rows {
    /// Give row `y` these colours, one row for each channel.
    fn paint(&mut self, y: usize, colours: &[&[f32]]);
}

impl Rows for Picture<'_> {
    fn size(&self) -> Size {
        Picture::size(self)
    }

    fn channels(&self) -> usize {
        self.colours.len()
    }

    fn colour_row(&self, channel: usize, y: usize, row: &mut [f32]) {
        row.copy_from_slice(self.colours[channel].row(y));
    }

    fn has_alpha(&self) -> bool {
        self.alpha.is_some()
    }

    fn alpha_row(&self, y: usize, row: &mut [f32]) {
        match self.alpha {
            Some(alpha) => row.copy_from_slice(alpha.row(y)),
            None => row.fill(1.0),
        }
    }

    fn premultiplied(&self) -> bool {
        self.premultiplied
    }
}

/// Planes that are marked in place, with the rest of their picture.
pub(crate) struct Planes<'a> {
    pub(crate) colours: Vec<Plane>,
    pub(crate) alpha: Option<&'a Plane>,
    pub(crate) premultiplied: bool,
}

impl Planes<'_> {
    fn picture(&self) -> Picture<'_> {
        Picture { colours: &self.colours, alpha: self.alpha, premultiplied: self.premultiplied }
    }
}

impl Rows for Planes<'_> {
    fn size(&self) -> Size {
        self.colours[0].size()
    }

    fn channels(&self) -> usize {
        self.colours.len()
    }

    fn colour_row(&self, channel: usize, y: usize, row: &mut [f32]) {
        self.picture().colour_row(channel, y, row);
    }

    fn has_alpha(&self) -> bool {
        self.alpha.is_some()
    }

    fn alpha_row(&self, y: usize, row: &mut [f32]) {
        self.picture().alpha_row(y, row);
    }

    fn premultiplied(&self) -> bool {
        self.premultiplied
    }
}

impl RowsMut for Planes<'_> {
    fn paint(&mut self, y: usize, colours: &[&[f32]]) {
        self.colours.iter_mut().zip(colours).for_each(|(plane, row)| plane.row_mut(y).copy_from_slice(row));
    }
}

/// Luma of a picture laid on white paper, as most copies leak: all that a detector looks at there.
pub struct OnWhite {
    pub(crate) luma: Plane,
    /// As [`Picture::layers`] of that picture: all that it can be read as counts as trials.
    pub(crate) layers: usize,
}

impl OnWhite {
    /// Look at a picture.
    pub fn of(picture: &impl Rows) -> Self {
        let mut row = LumaRow::new(picture);
        let mut luma = Plane::filled(picture.size(), 0.0);
        for y in 0..luma.height() {
            row.read(picture, y);
            row.write(luma.row_mut(y));
            row.lay_on_white(picture, y, luma.row_mut(y));
        }
        Self { luma, layers: 1 + usize::from(picture.has_alpha()) }
    }
}

/// One row of a picture on its way to luma.
pub(crate) struct LumaRow {
    /// The colours.
    pub(crate) colours: Vec<Vec<f32>>,
    alpha: Vec<f32>,
}

impl LumaRow {
    pub(crate) fn new(picture: &impl Rows) -> Self {
        let row = vec![0.0; picture.size().width];
        Self { colours: vec![row.clone(); picture.channels()], alpha: row }
    }

    /// Bring the colours of row `y` in.
    pub(crate) fn read(&mut self, picture: &impl Rows, y: usize) {
        self.colours.iter_mut().enumerate().for_each(|(channel, row)| picture.colour_row(channel, y, row));
    }

    /// Their luma as they stand: the formula of [`Picture::luma`].
    pub(crate) fn write(&self, luma: &mut [f32]) {
        let [red, green, blue] = &self.colours[..] else { return luma.copy_from_slice(&self.colours[0]) };
        let colours = red.iter().zip(green.iter().zip(blue));
        luma.iter_mut().zip(colours).for_each(|(v, (r, (g, b)))| *v = 0.299 * r + 0.587 * g + 0.114 * b);
    }

    /// Luma of row `y` becomes that on white paper: the formula of [`Picture::luma_on_white`].
    pub(crate) fn lay_on_white(&mut self, picture: &impl Rows, y: usize, luma: &mut [f32]) {
        if !picture.has_alpha() {
            return;
        }
        picture.alpha_row(y, &mut self.alpha);
        let premultiplied = picture.premultiplied();
        for (v, &a) in luma.iter_mut().zip(&self.alpha) {
            *v = 255.0 * (1.0 - a) + if premultiplied { *v } else { a * *v };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_give_the_luma_of_planes() {
        let size = Size { width: 37, height: 5 };
        let plane = |k: usize| Plane::from_fn(size, |x, y| ((x * k + y * 31) % 256) as f32 / 1.003);
        let colours = [plane(7), plane(11), plane(13)];
        let alpha = Plane::from_fn(size, |x, y| ((x + y * 3) % 9) as f32 / 8.0);
        for colours in [&colours[..1], &colours] {
            for (alpha, premultiplied) in [(None, false), (Some(&alpha), false), (Some(&alpha), true)] {
                let picture = Picture { colours, alpha, premultiplied };
                let on_white = OnWhite::of(&picture);
                assert_eq!(on_white.luma, picture.luma_on_white());
                assert_eq!(on_white.layers, picture.layers());
            }
        }
    }
}
