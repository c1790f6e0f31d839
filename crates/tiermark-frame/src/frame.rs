//! A picture, and the file it came from.

use std::fmt;

use tiermark_signal::{Plane, Size};

use crate::format::{self, Decoded, Writing};
use crate::picture::{Alpha, Picture};
use crate::{Format, FrameError, Limits};

/// A decoded picture with all that is needed to write it back.
pub struct Frame {
    format: Format,
    /// The file, as far as [`format::encode`] needs it.
    bytes: Vec<u8>,
    picture: Picture,
    writing: Writing,
    /// How many the file has that bear a mark; `picture` is the first.
    pictures: usize,
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (format, size, bits) = (self.format, self.picture.size, self.picture.bits());
        f.debug_struct("Frame")
            .field("format", &format)
            .field("size", &size)
            .field("bits", &bits)
            .finish_non_exhaustive()
    }
}

/// What the caller allows when a frame is written back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteOptions {
    /// Palette pictures and grey below 8 bit may become 8-bit RGB or grey, and pictures of two tones get more.
    pub allow_depth_change: bool,
}

impl Frame {
    /// Read a file.
    ///
    /// Anything readable is read, also what [`Frame::writable`] will refuse: a palette picture, a lossy WebP, the
    /// first page or frame of several.
    ///
    /// # Errors
    /// If the bytes are no picture, of a kind not supported, damaged, or larger than `limits` allow.
    pub fn decode(bytes: Vec<u8>, limits: &Limits) -> Result<Self, FrameError> {
        limits.file(bytes.len())?;
        let format = format::probe(&bytes)?;
        let Decoded { picture, mut writing } = format::decode(format, &bytes, limits)?;
        if matches!(writing, Writing::Same) && picture.is_two_tone() {
            writing = Writing::Deeper { what: "of two tones and none between", becomes: "many tones" };
        }
        let pictures = format::pictures(format, &bytes);
        Ok(Self { format, bytes: format::kept(format, bytes), picture, writing, pictures })
    }

    /// A picture that another file holds as bare samples.
    pub(crate) fn part(picture: Picture) -> Self {
        let writing = Writing::never("a picture inside another file", "export it as a file of its own");
        Self { format: Format::Part, bytes: Vec::new(), picture, writing, pictures: 1 }
    }

    /// A picture that another file holds as bare samples of 8 bits and takes back: [`Frame::encode_painted`] gives the samples.
    pub(crate) fn bare(picture: Picture) -> Self {
        let writing = match picture.is_two_tone() {
            true => Writing::never("a picture of two tones and none between", "leave it as it is"),
            false => Writing::Same,
        };
        Self { format: Format::Part, bytes: Vec::new(), picture, writing, pictures: 1 }
    }

    /// The same without what is needed to write it back.
    #[must_use]
    pub fn to_be_looked_at(self) -> Self {
        let writing = Writing::never("a frame without its file", "read it anew");
        Self { bytes: Vec::new(), writing, pictures: 1, ..self }
    }

    /// What kind of file it came from, and will be written as.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The steps to which a JPEG rounded the cosine transform of each 8 by 8 luma samples, row by row from slow waves to fast;
    /// `None` for other files.
    pub fn luma_steps(&self) -> Option<[u16; 64]> {
        format::luma_steps(self.format, &self.bytes)
    }

    /// Width and height as stored: a rotation wish in the metadata is kept, not applied.
    pub fn size(&self) -> Size {
        self.picture.size
    }

    /// Bits of a stored sample, 8, 16 or 32; smaller ones are read as 8, those between as 16.
    pub fn bits(&self) -> u8 {
        self.picture.bits()
    }

    /// Grey, or red, green and blue, in code values of an 8-bit file (a 16-bit sample divided by 257).
    ///
    /// Values are the stored ones: not linearised, and with associated alpha not divided by it. Only floating-point samples,
    /// which are proportional to light, are seen behind the curve of sRGB, without alpha, and between black and white.
    pub fn colours(&self) -> Vec<Plane> {
        self.picture.colours()
    }

    /// How solid each pixel is, 0.0 to 1.0; `None` if the file has no word for it.
    pub fn alpha(&self) -> Option<Plane> {
        self.picture.alpha()
    }

    /// How many colours there are: 1 (grey) or 3.
    pub fn colour_count(&self) -> usize {
        self.picture.layout.colours
    }

    /// Row `y` of one colour, as it stands in [`Frame::colours`]: a large picture need not be in memory as planes.
    ///
    /// # Panics
    /// If there is no such row or colour.
    pub fn colour_row(&self, channel: usize, y: usize, row: &mut [f32]) {
        assert!(channel < self.colour_count(), "a colour of this frame");
        self.picture.colour_row(channel, y, row);
    }

    /// Whether the file has a word for how solid its pixels are.
    pub fn has_alpha(&self) -> bool {
        self.picture.layout.alpha != Alpha::None
    }

    /// Row `y` of [`Frame::alpha`]; 1.0 all along where the file has no word for it.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn alpha_row(&self, y: usize, row: &mut [f32]) {
        self.picture.alpha_row(y, row);
    }

    /// The colours of the picture laid on white paper.
    pub fn colours_on_white(&self) -> Vec<Plane> {
        let mut colours = self.colours();
        let Some(alpha) = self.alpha() else { return colours };
        let associated = self.alpha_is_associated();
        for plane in &mut colours {
            for (v, a) in plane.samples_mut().iter_mut().zip(alpha.samples()) {
                *v = 255.0 * (1.0 - a) + if associated { *v } else { a * *v };
            }
        }
        colours
    }

    /// Luma of the picture laid on white paper: `.299 R + .587 G + .114 B` (ITU-R BT.601, as JPEG and most video).
    pub fn luma_on_white(&self) -> Plane {
        self.picture.luma_on_white()
    }

    /// Are the colours, as they are seen, already multiplied by alpha?
    pub fn alpha_is_associated(&self) -> bool {
        self.picture.seems_associated()
    }

    /// SHA-256 of width, height (u32 big-endian), channels, bits (one byte each) and all samples (big-endian), row by
    /// row with the channels of a pixel side by side, alpha included: `pix` in the record of a delivery. Of a file with
    /// several pictures, that of the first.
    pub fn pixel_digest(&self) -> [u8; 32] {
        self.picture.digest()
    }

    /// Would [`Frame::encode`] refuse this frame, and why?
    ///
    /// # Errors
    /// [`FrameError::WouldChangeDepth`] if only `options` stand in the way, [`FrameError::ReadOnly`] otherwise.
    pub fn writable(&self, options: &WriteOptions) -> Result<(), FrameError> {
        match &self.writing {
            Writing::Same => Ok(()),
            Writing::Deeper { .. } if options.allow_depth_change => Ok(()),
            Writing::Deeper { what, becomes } => {
                Err(FrameError::WouldChangeDepth { what: (*what).into(), becomes })
            }
            Writing::Never { what, way_out } => Err(FrameError::ReadOnly { what: what.to_string(), way_out }),
        }
    }

    /// The same file with these colours.
    ///
    /// They are rounded to the file's depth. Alpha stays, and so do the samples under alpha 0. Associated colours are
    /// limited to alpha, or to what they were if that was more. All that is not pixels stays byte for byte, as far
    /// as the new pixels leave it true.
    ///
    /// # Errors
    /// As [`Frame::writable`]; [`FrameError::Planes`] if number or size of `colours` is not the frame's.
    pub fn encode(&self, colours: &[Plane], options: &WriteOptions) -> Result<Vec<u8>, FrameError> {
        self.writable(options)?;
        self.encode_painted(vec![Painted(self.picture.with_colours(colours)?)], options)
    }

    /// The file's further pictures that have a mark of their own to bear: layers and views of an OpenEXR file. They can be
    /// looked at and painted; what they became is given to [`Frame::encode_painted`] behind the first.
    ///
    /// One is in memory at a time.
    pub fn further(&self) -> impl Iterator<Item = Result<Self, FrameError>> {
        (1..self.pictures).map(|number| {
            let picture = format::further(self.format, &self.bytes, number)?;
            let writing = Writing::never("a layer without its file", "write the whole file");
            Ok(Self { format: self.format, bytes: Vec::new(), picture, writing, pictures: 1 })
        })
    }

    /// A copy of the pixels, to be painted over row by row and given to [`Frame::encode_painted`].
    pub fn painted(&self) -> Painted {
        Painted(self.picture.clone())
    }

    /// As [`Frame::encode`], with pixels that were painted over: the frame's own, then those of [`Frame::further`] in their
    /// order. Pictures for which none are given stay as they are.
    ///
    /// # Errors
    /// As [`Frame::writable`]; [`FrameError::Planes`] if they are those of a frame of another shape.
    pub fn encode_painted(
        &self,
        painted: Vec<Painted>,
        options: &WriteOptions,
    ) -> Result<Vec<u8>, FrameError> {
        self.writable(options)?;
        let mut fresh = painted.into_iter().map(|painted| painted.0);
        let Some(first) = fresh.next() else { return Ok(self.bytes.clone()) };
        let further: Vec<Picture> = fresh.collect();
        let shape = |picture: &Picture| (picture.size, picture.layout, picture.bits());
        if shape(&first) != shape(&self.picture) || further.len() >= self.pictures {
            return Err(FrameError::Planes("the pixels of another frame".to_owned()));
        }
        // Packing pixels of a lossy file again would cost quality for nothing.
        if self.format == Format::Jpeg && first == self.picture {
            return Ok(self.bytes.clone());
        }
        format::encode(self.format, &self.bytes, first, &further)
    }
}

/// The pixels of a frame on their way to other colours.
pub struct Painted(Picture);

impl Painted {
    /// Take back changes of `host`, whose pixels these were, until a bucket at zero tolerance fills the same regions in both:
    /// flat colour stays as it was, and nothing between flats becomes the same as its neighbour.
    pub fn hold_regions(&mut self, host: &Frame) {
        if (self.0.size, self.0.layout) == (host.picture.size, host.picture.layout) {
            self.0.hold_regions(&host.picture);
        }
    }

    /// Give row `y` these colours, under the rules of [`Frame::encode`].
    ///
    /// # Panics
    /// If there is no such row, or another number of colours or columns.
    pub fn paint(&mut self, y: usize, colours: &[&[f32]]) {
        assert_eq!(colours.len(), self.0.layout.colours, "as many colours");
        assert!(colours.iter().all(|row| row.len() == self.0.size.width), "rows of this width");
        self.0.paint(y, colours);
    }
}
