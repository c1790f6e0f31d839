//! Frames and pictures as the rows that the mark is put into and looked for in.

use image::RgbImage;
use tiermark_frame::clip::ClipFrame;
use tiermark_frame::{Frame, Painted};
use tiermark_mark::{Rows, RowsMut};
use tiermark_signal::Size;

/// A frame to be looked at.
pub(crate) struct Found<'a>(pub(crate) &'a Frame);

impl Rows for Found<'_> {
    fn size(&self) -> Size {
        self.0.size()
    }

    fn channels(&self) -> usize {
        self.0.colour_count()
    }

    fn colour_row(&self, channel: usize, y: usize, row: &mut [f32]) {
        self.0.colour_row(channel, y, row);
    }

    fn has_alpha(&self) -> bool {
        self.0.has_alpha()
    }

    fn alpha_row(&self, y: usize, row: &mut [f32]) {
        self.0.alpha_row(y, row);
    }

    fn premultiplied(&self) -> bool {
        self.0.alpha_is_associated()
    }
}

/// A frame, and what it is painted over with.
pub(crate) struct Painting<'a> {
    host: Found<'a>,
    painted: Painted,
}

impl<'a> Painting<'a> {
    /// The frame as it is.
    pub(crate) fn of(frame: &'a Frame) -> Self {
        Self { host: Found(frame), painted: frame.painted() }
    }

    /// What it has become.
    pub(crate) fn painted(self) -> Painted {
        self.painted
    }
}

impl Rows for Painting<'_> {
    fn size(&self) -> Size {
        self.host.size()
    }

    fn channels(&self) -> usize {
        self.host.channels()
    }

    fn colour_row(&self, channel: usize, y: usize, row: &mut [f32]) {
        self.host.colour_row(channel, y, row);
    }

    fn has_alpha(&self) -> bool {
        self.host.has_alpha()
    }

    fn alpha_row(&self, y: usize, row: &mut [f32]) {
        self.host.alpha_row(y, row);
    }

    fn premultiplied(&self) -> bool {
        self.host.premultiplied()
    }
}

impl RowsMut for Painting<'_> {
    fn paint(&mut self, y: usize, colours: &[&[f32]]) {
        self.painted.paint(y, colours);
    }
}

/// A frame of a clip: its luma, which is painted over in place.
pub(crate) struct Luma<'a>(pub(crate) &'a mut ClipFrame);

impl Rows for Luma<'_> {
    fn size(&self) -> Size {
        self.0.size()
    }

    fn channels(&self) -> usize {
        1
    }

    fn colour_row(&self, _: usize, y: usize, row: &mut [f32]) {
        self.0.luma_row(y, row);
    }

    fn has_alpha(&self) -> bool {
        self.0.has_alpha()
    }

    fn alpha_row(&self, y: usize, row: &mut [f32]) {
        self.0.alpha_row(y, row);
    }

    fn premultiplied(&self) -> bool {
        false
    }
}

impl RowsMut for Luma<'_> {
    fn paint(&mut self, y: usize, colours: &[&[f32]]) {
        colours.iter().for_each(|row| self.0.paint_luma(y, row));
    }
}

/// An 8-bit picture without alpha.
pub(crate) struct Paper(pub(crate) RgbImage);

impl Rows for Paper {
    fn size(&self) -> Size {
        Size { width: self.0.width() as usize, height: self.0.height() as usize }
    }

    fn channels(&self) -> usize {
        3
    }

    fn colour_row(&self, channel: usize, y: usize, row: &mut [f32]) {
        let pixels = self.0.as_chunks::<3>().0[y * row.len()..].iter();
        row.iter_mut().zip(pixels).for_each(|(v, pixel)| *v = f32::from(pixel[channel]));
    }

    fn has_alpha(&self) -> bool {
        false
    }

    fn alpha_row(&self, _: usize, row: &mut [f32]) {
        row.fill(1.0);
    }

    fn premultiplied(&self) -> bool {
        false
    }
}
