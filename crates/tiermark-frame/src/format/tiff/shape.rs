//! What a directory says about its picture, as far as it can be written back.

use std::borrow::Cow;
use std::ops::Range;

use super::codec::{self, Compression, Predictor, Written};
use super::directory::Directory;
use crate::format::Format;
use crate::format::bytes::Endian;
use crate::picture::{Alpha, Layout};
use crate::{FrameError, Limits};

/// A picture of whole bytes or words, channels side by side, in strips or tiles.
pub(crate) struct Shape {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) layout: Layout,
    /// 8, 16 or 32.
    pub(crate) bits: u8,
    /// Numbers proportional to light, not whole numbers.
    pub(crate) float: bool,
    /// Where each strip or tile stands in the file.
    pub(crate) chunks: Vec<Range<usize>>,
    endian: Endian,
    white_is_zero: bool,
    compression: Compression,
    predictor: Predictor,
    tiled: bool,
    chunk_width: usize,
    chunk_height: usize,
}

/// Which part of the picture one strip or tile holds.
pub(crate) struct Area {
    pub(crate) columns: Range<usize>,
    pub(crate) rows: Range<usize>,
    /// What is packed: a tile may reach beyond the picture.
    pub(crate) packed_width: usize,
    pub(crate) packed_height: usize,
}

/// What has no place in [`Shape`], in words.
type Unusual = &'static str;

impl Shape {
    /// Read the directory; the inner error names a layout that can at best be looked at.
    pub(crate) fn of(
        bytes: &[u8],
        directory: &Directory,
        limits: &Limits,
    ) -> Result<Result<Self, Unusual>, FrameError> {
        let number = |tag| directory.number(bytes, tag);
        let claimed = |tag| number(tag).ok_or_else(|| FrameError::damaged(Format::Tiff, "it gives no size"));
        let size = limits.size(Format::Tiff, claimed(tag::WIDTH)?.into(), claimed(tag::HEIGHT)?.into())?;
        let (layout, bits, float) = match samples(bytes, directory) {
            Ok(found) => found,
            Err(what) => return Ok(Err(what)),
        };
        let compression = match Compression::of(number(tag::COMPRESSION).unwrap_or(1)) {
            Ok(found) => found,
            Err(what) => return Ok(Err(what)),
        };
        let predictor = match number(tag::PREDICTOR).unwrap_or(1) {
            1 => Predictor::None,
            2 => Predictor::Differences,
            3 if float => Predictor::Planes,
            _ => return Ok(Err("a TIFF with an unusual predictor")),
        };
        let tiled = directory.has(tag::TILE_WIDTH);
        let (chunk_width, chunk_height) = match tiled {
            true => (
                number(tag::TILE_WIDTH).unwrap_or(0) as usize,
                number(tag::TILE_HEIGHT).unwrap_or(0) as usize,
            ),
            false => {
                (size.width, number(tag::ROWS_PER_STRIP).unwrap_or(u32::MAX).min(size.height as u32) as usize)
            }
        };
        let mut shape = Self {
            width: size.width,
            height: size.height,
            layout,
            bits,
            float,
            chunks: Vec::new(),
            endian: directory.endian,
            white_is_zero: number(tag::PHOTOMETRIC) == Some(0),
            compression,
            predictor,
            tiled,
            chunk_width,
            chunk_height,
        };
        shape.check_chunk_size(limits)?;
        shape.chunks = shape.find_chunks(bytes, directory)?;
        let pixels: usize = shape.chunks.iter().map(Range::len).sum();
        limits.metadata(bytes.len().saturating_sub(pixels))?;
        Ok(Ok(shape))
    }

    /// Tiles count as if they were all inside, so that their padding is no way around the limit.
    fn check_chunk_size(&self, limits: &Limits) -> Result<(), FrameError> {
        if self.chunk_width == 0 || self.chunk_height == 0 {
            return Err(FrameError::damaged(Format::Tiff, "strips or tiles without a size"));
        }
        let padded = |side: usize, chunk: usize| side.div_ceil(chunk).saturating_mul(chunk) as u64;
        let area =
            padded(self.width, self.chunk_width).saturating_mul(padded(self.height, self.chunk_height));
        if self.tiled && area > limits.max_pixels {
            return Err(FrameError::OverLimit(format!(
                "{area} pixels with the padding of its tiles, and a picture may have {}",
                limits.max_pixels
            )));
        }
        Ok(())
    }

    fn find_chunks(&self, bytes: &[u8], directory: &Directory) -> Result<Vec<Range<usize>>, FrameError> {
        let wrong = |reason: &str| FrameError::damaged(Format::Tiff, reason);
        let (offsets, counts) = self.tags();
        let (starts, lengths) = (directory.numbers(bytes, offsets), directory.numbers(bytes, counts));
        let expected = self.across() * self.height.div_ceil(self.chunk_height);
        if starts.len() != expected || lengths.len() != expected {
            return Err(wrong("another number of strips or tiles than its size asks for"));
        }
        let occupied = directory.occupied();
        let range = |(start, length): (&u64, &u64)| {
            let start = usize::try_from(*start).ok()?;
            let range = start..start.checked_add(usize::try_from(*length).ok()?)?;
            (range.end <= bytes.len()).then_some(range)
        };
        let chunks: Option<Vec<_>> = starts.iter().zip(&lengths).map(range).collect();
        let chunks = chunks.ok_or_else(|| FrameError::cut_off(Format::Tiff))?;
        if overlap(
            chunks.iter().map(|range| (range, false)).chain(occupied.iter().map(|range| (range, true))),
        ) {
            return Err(wrong("pixels inside its own directory"));
        }
        Ok(chunks)
    }

    /// Entries that tell where strips or tiles begin, and how long they are.
    pub(crate) fn tags(&self) -> (u16, u16) {
        match self.tiled {
            true => (tag::TILE_OFFSETS, tag::TILE_COUNTS),
            false => (tag::STRIP_OFFSETS, tag::STRIP_COUNTS),
        }
    }

    /// No two strips or tiles share bytes of the file. (Some writers store equal tiles once.)
    pub(crate) fn chunks_are_apart(&self) -> bool {
        let mut sorted: Vec<_> = self.chunks.iter().collect();
        sorted.sort_by_key(|range| (range.start, range.end));
        sorted.windows(2).all(|pair| pair[0].end <= pair[1].start)
    }

    fn across(&self) -> usize {
        self.width.div_ceil(self.chunk_width)
    }

    /// Which pixels strip or tile `number` holds.
    pub(crate) fn area(&self, number: usize) -> Area {
        let x = number % self.across() * self.chunk_width;
        let y = number / self.across() * self.chunk_height;
        let columns = x..(x + self.chunk_width).min(self.width);
        let rows = y..(y + self.chunk_height).min(self.height);
        let packed_height = if self.tiled { self.chunk_height } else { rows.len() };
        Area { columns, rows, packed_width: self.chunk_width, packed_height }
    }

    /// The bytes of one strip or tile, of which each [`Shape::packed_row`] holds a row.
    pub(crate) fn unpack<'a>(&self, packed: &'a [u8], number: usize) -> Result<Cow<'a, [u8]>, FrameError> {
        let wanted = self.packed_row() * self.area(number).packed_height;
        codec::unpack(self.compression, packed, wanted).ok_or_else(|| {
            FrameError::damaged(Format::Tiff, format!("strip or tile {number} does not unpack"))
        })
    }

    /// Bytes of one row of a strip or tile. Strips may hold all of a picture: only rows become samples at once.
    pub(crate) fn packed_row(&self) -> usize {
        self.chunk_width * self.layout.channels * usize::from(self.bits / 8)
    }

    fn written(&self) -> Written {
        let (bits, endian, channels, predictor) =
            (self.bits, self.endian, self.layout.channels, self.predictor);
        Written { bits, endian, channels, predictor }
    }

    /// The samples in the bytes of one row: their bits.
    pub(crate) fn samples_of(&self, row: &[u8]) -> Vec<u32> {
        let mut samples = self.written().samples(row);
        self.turn_white(&mut samples);
        samples
    }

    /// One strip or tile of these rows.
    pub(crate) fn pack(&self, rows: impl Iterator<Item = Vec<u32>>) -> Result<Vec<u8>, FrameError> {
        let mut raw = Vec::with_capacity(self.packed_row() * rows.size_hint().0);
        for mut samples in rows {
            self.turn_white(&mut samples);
            raw.extend_from_slice(&self.written().bytes(samples));
        }
        codec::pack(self.compression, raw, self.packed_row())
    }

    /// Grey that counts darkness becomes grey that counts light, and back.
    fn turn_white(&self, samples: &mut [u32]) {
        let white = if self.bits == 8 { 0xff } else { 0xffff };
        if self.white_is_zero {
            samples.iter_mut().step_by(self.layout.channels).for_each(|v| *v = white - *v);
        }
    }
}

/// Layout and depth, or what is unusual about them.
fn samples(bytes: &[u8], directory: &Directory) -> Result<(Layout, u8, bool), Unusual> {
    let number = |tag, default| directory.number(bytes, tag).unwrap_or(default);
    let channels = number(tag::CHANNELS, 1) as usize;
    let colours = match number(tag::PHOTOMETRIC, 1) {
        0 | 1 => 1,
        2 => 3,
        3 => return Err("a TIFF with a palette"),
        5 => return Err("a CMYK TIFF"),
        6 => return Err("a YCbCr TIFF"),
        _ => return Err("a TIFF of unusual colours"),
    };
    if number(tag::PLANAR, 1) != 1 && channels > 1 {
        return Err("a TIFF with separate planes");
    }
    if number(tag::FILL_ORDER, 1) != 1 {
        return Err("a TIFF with reversed bits");
    }
    let formats = directory.numbers(bytes, tag::SAMPLE_FORMAT);
    let float = match formats.first() {
        None | Some(1) => false,
        Some(3) => true,
        Some(_) => return Err("a TIFF with signed samples"),
    };
    if formats.iter().any(|format| *format != formats[0]) || (float && number(tag::PHOTOMETRIC, 1) == 0) {
        return Err("a TIFF with samples of several kinds");
    }
    let depths = directory.numbers(bytes, tag::BITS);
    let bits = match (depths.first(), float) {
        (Some(8), false) => 8,
        (Some(16), _) => 16,
        (Some(32), true) => 32,
        (_, false) => return Err("a TIFF of neither 8 nor 16 bits"),
        (_, true) => return Err("a TIFF of floats of neither 16 nor 32 bits"),
    };
    if depths.iter().any(|depth| *depth != bits) || !(colours..=MOST_CHANNELS).contains(&channels) {
        return Err("a TIFF with unusual channels");
    }
    let alpha = match directory.number(bytes, tag::EXTRA_SAMPLES).filter(|_| channels > colours) {
        Some(1) => Alpha::Associated,
        Some(2) => Alpha::Straight,
        _ => Alpha::None,
    };
    Ok((Layout { colours, alpha, channels }, bits as u8, float))
}

/// Does a range of one kind share bytes with one of the other kind?
fn overlap<'a>(ranges: impl Iterator<Item = (&'a Range<usize>, bool)>) -> bool {
    let mut sorted: Vec<_> = ranges.filter(|(range, _)| !range.is_empty()).collect();
    sorted.sort_by_key(|(range, _)| range.start);
    let mut reach = [0, 0];
    sorted.into_iter().any(|(range, kind)| {
        let hit = range.start < reach[usize::from(!kind)];
        let own = &mut reach[usize::from(kind)];
        *own = range.end.max(*own);
        hit
    })
}

/// More channels than any layer stack we know; each costs memory.
const MOST_CHANNELS: usize = 8;

/// Numbers of entries (TIFF 6.0, and Adobe's supplements).
pub(crate) mod tag {
    pub(crate) const WIDTH: u16 = 256;
    pub(crate) const HEIGHT: u16 = 257;
    pub(crate) const BITS: u16 = 258;
    pub(crate) const COMPRESSION: u16 = 259;
    pub(crate) const PHOTOMETRIC: u16 = 262;
    pub(crate) const FILL_ORDER: u16 = 266;
    pub(crate) const STRIP_OFFSETS: u16 = 273;
    pub(crate) const CHANNELS: u16 = 277;
    pub(crate) const ROWS_PER_STRIP: u16 = 278;
    pub(crate) const STRIP_COUNTS: u16 = 279;
    pub(crate) const PLANAR: u16 = 284;
    pub(crate) const PREDICTOR: u16 = 317;
    pub(crate) const TILE_WIDTH: u16 = 322;
    pub(crate) const TILE_HEIGHT: u16 = 323;
    pub(crate) const TILE_OFFSETS: u16 = 324;
    pub(crate) const TILE_COUNTS: u16 = 325;
    pub(crate) const SUB_DIRECTORIES: u16 = 330;
    pub(crate) const EXTRA_SAMPLES: u16 = 338;
    pub(crate) const SAMPLE_FORMAT: u16 = 339;
    pub(crate) const PHOTOSHOP_LAYERS: u16 = 37724;
}
