//! PNG: all chunks stay, in their order; new IDAT takes the place of the old.

use std::io::Cursor;

use super::bytes::{Endian, array, u16_at, u32_at};
use super::{Decoded, Format, Writing};
use crate::limits::{room, zeros};
use crate::picture::{Alpha, Layout, Picture, Samples, big_endian};
use crate::{FrameError, Limits};

/// Read a PNG file.
pub(crate) fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, FrameError> {
    let contents = Contents::of(bytes, limits)?;
    let header = contents.header;
    limits.size(Format::Png, header.width.into(), header.height.into())?;
    let widen = header.needs_widening();

    let allowance = (limits.max_metadata_bytes as usize).saturating_add(ROWS_IN_FLIGHT);
    let mut decoder = ::png::Decoder::new_with_limits(Cursor::new(bytes), ::png::Limits { bytes: allowance });
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    decoder.set_transformations(match widen {
        true => ::png::Transformations::EXPAND,
        false => ::png::Transformations::IDENTITY,
    });
    let mut reader = decoder.read_info().map_err(damaged)?;
    let (colour, _) = reader.output_color_type();
    let samples = match header.depth {
        16 => Samples::Word(words(&mut reader)?),
        _ => Samples::Byte(frame(&mut reader)?),
    };
    let picture = picture(header, &contents, colour, samples)?;
    Ok(Decoded { picture, writing: contents.writing() })
}

/// What of the file is needed to write it back: all but the pixels, whose place an empty IDAT keeps.
pub(crate) fn kept(bytes: &[u8]) -> Vec<u8> {
    let mut out = bytes[..SIGNATURE].to_vec();
    let mut waiting = true;
    let mut chunks = Chunks::of(bytes);
    for chunk in chunks.by_ref().flatten() {
        match &chunk.kind {
            b"IDAT" if waiting => {
                out.extend_from_slice(b"\0\0\0\0IDAT\x35\xaf\x06\x1e");
                waiting = false;
            }
            b"IDAT" => {}
            _ => out.extend_from_slice(chunk.whole),
        }
    }
    out.extend_from_slice(chunks.rest);
    out
}

/// Put the pixels of `picture` into the PNG file `bytes`, of which [`kept`] is enough.
pub(crate) fn encode(bytes: &[u8], picture: Picture) -> Result<Vec<u8>, FrameError> {
    let (mut out, mut behind) = (bytes[..SIGNATURE].to_vec(), Vec::new());
    let mut widened = false;
    let mut waiting = true;
    let mut chunks = Chunks::of(bytes);
    for chunk in chunks.by_ref() {
        let chunk = chunk?;
        match &chunk.kind {
            b"IHDR" => {
                let header = Header::of(chunk.body)?;
                widened = header.needs_widening();
                out.extend_from_slice(&header.rewritten(&picture));
            }
            b"IDAT" => waiting = false,
            // Apple's table of places inside IDAT would send readers to wrong ones.
            b"iDOT" => {}
            // They speak of the palette, or in the units of the old depth.
            b"PLTE" | b"tRNS" | b"hIST" | b"sBIT" | b"bKGD" if widened => {}
            _ if waiting => out.extend_from_slice(chunk.whole),
            _ => behind.extend_from_slice(chunk.whole),
        }
    }
    append_pixels(&mut out, picture)?;
    out.extend_from_slice(&behind);
    out.extend_from_slice(chunks.rest);
    Ok(out)
}

/// What the chunks say, read once and without unpacking anything.
struct Contents<'a> {
    header: Header,
    transparency: Option<&'a [u8]>,
    animated: bool,
}

impl<'a> Contents<'a> {
    fn of(bytes: &'a [u8], limits: &Limits) -> Result<Self, FrameError> {
        let mut chunks = Chunks::of(bytes);
        let first = chunks.next().ok_or_else(|| FrameError::cut_off(Format::Png))??;
        if &first.kind != b"IHDR" {
            return Err(FrameError::damaged(Format::Png, "it does not begin with a header"));
        }
        let mut found = Self { header: Header::of(first.body)?, transparency: None, animated: false };
        let mut besides = 0;
        for chunk in chunks {
            let chunk = chunk?;
            match &chunk.kind {
                b"IDAT" => continue,
                b"PLTE" if chunk.body.is_empty() || chunk.body.len() % 3 != 0 || chunk.body.len() > 768 => {
                    return Err(FrameError::damaged(Format::Png, "its palette has a wrong length"));
                }
                b"tRNS" => found.transparency = Some(chunk.body),
                b"acTL" => found.animated = true,
                _ => {}
            }
            besides += chunk.whole.len();
        }
        limits.metadata(besides)?;
        Ok(found)
    }

    fn writing(&self) -> Writing {
        if self.animated {
            return Writing::never("an animated PNG", "split it into single frames first");
        }
        match (self.header.colour, self.header.depth) {
            (PALETTE, _) => Writing::Deeper { what: "a PNG with a palette", becomes: "RGB" },
            (_, 1..=4) => Writing::Deeper { what: "a grey PNG of less than 8 bits", becomes: "8-bit grey" },
            _ => Writing::Same,
        }
    }

    /// The colour that means "nothing", for pictures that were not widened.
    fn key(&self) -> Option<[u16; 3]> {
        let body = self.transparency?;
        let part = |index: usize| u16_at(body, 2 * index, Endian::Big);
        match self.header.colour {
            GREY => Some([part(0)?, 0, 0]),
            RGB => Some([part(0)?, part(1)?, part(2)?]),
            _ => None,
        }
    }
}

#[derive(Clone, Copy)]
struct Header {
    width: u32,
    height: u32,
    depth: u8,
    colour: u8,
}

impl Header {
    fn of(body: &[u8]) -> Result<Self, FrameError> {
        let [_, _, _, _, _, _, _, _, depth, colour, ..] = array::<13>(body, 0)
            .ok_or_else(|| FrameError::damaged(Format::Png, "its header is too short"))?;
        let number = |at| u32_at(body, at, Endian::Big).expect("thirteen bytes were seen");
        Ok(Self { width: number(0), height: number(4), depth, colour })
    }

    fn needs_widening(self) -> bool {
        self.colour == PALETTE || self.depth < 8
    }

    /// The IHDR chunk for `picture`: not interlaced, because we do not write that.
    fn rewritten(self, picture: &Picture) -> Vec<u8> {
        let mut body = Vec::with_capacity(17);
        body.extend_from_slice(b"IHDR");
        body.extend_from_slice(&self.width.to_be_bytes());
        body.extend_from_slice(&self.height.to_be_bytes());
        body.extend_from_slice(&[picture.bits(), colour_type(picture.layout) as u8, 0, 0, 0]);
        let mut crc = flate2::Crc::new();
        crc.update(&body);
        let mut chunk = 13u32.to_be_bytes().to_vec();
        chunk.extend_from_slice(&body);
        chunk.extend_from_slice(&crc.sum().to_be_bytes());
        chunk
    }
}

/// The chunks of a file, one after the other; after IEND, `rest` is what stands behind.
struct Chunks<'a> {
    rest: &'a [u8],
    ended: bool,
}

struct Chunk<'a> {
    kind: [u8; 4],
    body: &'a [u8],
    /// Length, kind, body and checksum.
    whole: &'a [u8],
}

impl<'a> Chunks<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        Self { rest: bytes.get(SIGNATURE..).unwrap_or_default(), ended: false }
    }

    fn split(&mut self) -> Option<Chunk<'a>> {
        let length = u32_at(self.rest, 0, Endian::Big)? as usize;
        let kind = array(self.rest, 4)?;
        let (whole, rest) = self.rest.split_at_checked(length.checked_add(12)?)?;
        self.rest = rest;
        Some(Chunk { kind, body: &whole[8..8 + length], whole })
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Result<Chunk<'a>, FrameError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let chunk = self.split();
        self.ended = chunk.as_ref().is_none_or(|chunk| &chunk.kind == b"IEND");
        Some(chunk.ok_or_else(|| FrameError::cut_off(Format::Png)))
    }
}

type Reader<'a> = ::png::Reader<Cursor<&'a [u8]>>;

/// All bytes of the picture.
fn frame(reader: &mut Reader<'_>) -> Result<Vec<u8>, FrameError> {
    let row = reader.output_line_size(reader.info().width).unwrap_or(usize::MAX);
    let mut raw = zeros(row, reader.info().height as usize)?;
    reader.next_frame(&mut raw).map_err(damaged)?;
    Ok(raw)
}

/// All 16-bit samples; row by row where rows come in order, so that a large picture is not held twice.
fn words(reader: &mut Reader<'_>) -> Result<Vec<u16>, FrameError> {
    let pair = |pair: &[u8; 2]| u16::from_be_bytes(*pair);
    if reader.info().interlaced {
        return Ok(frame(reader)?.as_chunks::<2>().0.iter().map(pair).collect());
    }
    let row = reader.output_line_size(reader.info().width).unwrap_or(usize::MAX);
    let mut samples = room(row / 2, reader.info().height as usize)?;
    while let Some(row) = reader.next_row().map_err(damaged)? {
        samples.extend(row.data().as_chunks::<2>().0.iter().map(pair));
    }
    Ok(samples)
}

fn picture(
    header: Header,
    contents: &Contents<'_>,
    colour: ::png::ColorType,
    samples: Samples,
) -> Result<Picture, FrameError> {
    let (colours, alpha) = match colour {
        ::png::ColorType::Grayscale => (1, contents.key().map_or(Alpha::None, Alpha::Key)),
        ::png::ColorType::Rgb => (3, contents.key().map_or(Alpha::None, Alpha::Key)),
        ::png::ColorType::GrayscaleAlpha => (1, Alpha::Straight),
        ::png::ColorType::Rgba => (3, Alpha::Straight),
        ::png::ColorType::Indexed => return Err(FrameError::damaged(Format::Png, "its palette")),
    };
    let size = tiermark_signal::Size { width: header.width as usize, height: header.height as usize };
    Picture::new(size, Layout::new(colours, alpha), samples)
        .ok_or_else(|| FrameError::damaged(Format::Png, "the number of its samples"))
}

/// Append the IDAT chunks for `picture`, checksums included.
fn append_pixels(out: &mut Vec<u8>, picture: Picture) -> Result<(), FrameError> {
    let failed = |error: ::png::EncodingError| FrameError::encoder(Format::Png, error);
    let start = out.len();
    // What it may grow to, with a 64th for the bytes of filters and blocks: four bytes too few, and it would be copied.
    out.reserve(picture.size.area() * picture.layout.channels * usize::from(picture.bits() / 8) / 64 * 65);
    let mut encoder = ::png::Encoder::new(&mut *out, picture.size.width as u32, picture.size.height as u32);
    encoder.set_color(colour_type(picture.layout));
    encoder.set_depth(if picture.bits() == 16 { ::png::BitDepth::Sixteen } else { ::png::BitDepth::Eight });
    // Measured on samples of all classes with a pattern of about two steps: 6 to 8 ms a megapixel, as long as reading
    // takes. flate2's level 1 packs line art 18 to 26 % smaller in twice to three times the time, level 6 in twenty.
    encoder.set_compression(::png::Compression::Fast);
    encoder.set_filter(::png::Filter::Adaptive);
    let raw = match picture.samples {
        Samples::Byte(values) => values,
        Samples::Word(values) => {
            let mut raw = Vec::with_capacity(2 * values.len());
            big_endian(&values).for_each(|block| raw.extend_from_slice(&block));
            raw
        }
        Samples::Half(_) | Samples::Float(_) => {
            return Err(FrameError::encoder(Format::Png, "it has whole numbers only"));
        }
    };
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(&raw).map_err(failed)?;
    writer.finish().map_err(failed)?;
    // The encoder writes a whole file; a second one to take the pixels from would be as large again.
    out.truncate(out.len() - END);
    out.drain(start..start + SIGNATURE + HEADER);
    Ok(())
}

fn colour_type(layout: Layout) -> ::png::ColorType {
    match (layout.colours, layout.channels) {
        (1, 1) => ::png::ColorType::Grayscale,
        (1, _) => ::png::ColorType::GrayscaleAlpha,
        (_, 3) => ::png::ColorType::Rgb,
        _ => ::png::ColorType::Rgba,
    }
}

fn damaged(error: ::png::DecodingError) -> FrameError {
    match error {
        ::png::DecodingError::LimitsExceeded => {
            FrameError::OverLimit("the rows or metadata of this PNG".into())
        }
        other => FrameError::damaged(Format::Png, other),
    }
}

const SIGNATURE: usize = 8;
/// The whole IHDR chunk, with which a file begins, and the whole IEND chunk.
const HEADER: usize = 12 + 13;
const END: usize = 12;

/// Colour types of IHDR (PNG specification, table 11.1).
const GREY: u8 = 0;
const RGB: u8 = 2;
const PALETTE: u8 = 3;

/// What the decoder may hold besides metadata: a few rows of 65535 pixels of 8 bytes, and its window.
const ROWS_IN_FLIGHT: usize = 64 << 20;
