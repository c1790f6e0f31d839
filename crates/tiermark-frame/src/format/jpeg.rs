//! JPEG: all APPn and COM segments stay; tables and scans are made anew, with the file's own quantisation.

use std::io::Cursor;

use image::ImageDecoder;
use image::codecs::jpeg::JpegDecoder;
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, QuantizationTableType, SamplingFactor};

use super::bytes::{Endian, u16_at};
use super::other::{failure, image_limits};
use super::{Decoded, Format, Writing};
use crate::limits::zeros;
use crate::picture::{Alpha, Layout, Picture, Samples};
use crate::{FrameError, Limits};

/// Read a JPEG file.
pub(crate) fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, FrameError> {
    let header = Header::of(bytes)?;
    limits.size(Format::Jpeg, header.width.into(), header.height.into())?;
    limits.metadata(header.besides)?;
    let damaged = |error| failure(Format::Jpeg, error);
    let mut decoder = JpegDecoder::new(Cursor::new(bytes)).map_err(damaged)?;
    decoder.set_limits(image_limits(limits)).map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    let size = limits.size(Format::Jpeg, width.into(), height.into())?;
    let colours = usize::from(decoder.color_type().channel_count());
    let mut samples = zeros(size.area(), colours)?;
    decoder.read_image(&mut samples).map_err(damaged)?;
    let picture = Picture::new(size, Layout::new(colours, Alpha::None), Samples::Byte(samples))
        .filter(|picture| matches!(picture.layout.colours, 1 | 3))
        .ok_or_else(|| FrameError::NotSupported("a JPEG with an unusual number of channels".into()))?;
    Ok(Decoded { picture, writing: header.writing(bytes) })
}

/// Put the pixels of `picture` into the JPEG file `bytes`.
pub(crate) fn encode(bytes: &[u8], picture: &Picture) -> Result<Vec<u8>, FrameError> {
    let header = Header::of(bytes)?;
    let pixels = header.pack(picture)?;
    let mut out = Vec::with_capacity(bytes.len().saturating_add(bytes.len() / 4));
    out.extend_from_slice(&SOI);
    for segment in Segments::of(bytes) {
        let segment = segment?;
        if segment.is_kept() {
            out.extend_from_slice(segment.whole);
        }
    }
    out.extend_from_slice(&pixels);
    out.extend_from_slice(&bytes[header.end..]);
    Ok(out)
}

/// Quantiser steps of luma, row by row from slow to fast waves; `None` if the file stores red, green and blue.
pub(crate) fn luma_steps(bytes: &[u8]) -> Option<[u16; 64]> {
    let header = Header::of(bytes).ok()?;
    let first = header.components.first()?;
    if header.components.len() == 3 && header.is_rgb() {
        return None;
    }
    let zigzag = header.tables.get(usize::from(first.table)).copied().flatten()?;
    let mut natural = [0; 64];
    zigzag.iter().zip(ZIGZAG).for_each(|(step, place)| natural[place] = (*step).max(1));
    Some(natural)
}

/// What the segments say, read once and without unpacking anything.
struct Header {
    width: u16,
    height: u16,
    components: Vec<Component>,
    progressive: bool,
    /// Quantisation tables in zigzag order, by their destination.
    tables: [Option<[u16; 64]>; 4],
    /// Colour transform of an Adobe segment, if there is one.
    transform: Option<u8>,
    /// Bytes that are not pixels.
    besides: usize,
    /// Behind the last marker of the picture; what follows is kept.
    end: usize,
}

#[derive(Clone, Copy)]
struct Component {
    id: u8,
    horizontal: u8,
    vertical: u8,
    table: u8,
}

impl Header {
    fn of(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut found = Self {
            width: 0,
            height: 0,
            components: Vec::new(),
            progressive: false,
            tables: [None; 4],
            transform: None,
            besides: 0,
            end: 0,
        };
        let mut segments = Segments::of(bytes);
        for segment in segments.by_ref() {
            let segment = segment?;
            match segment.marker {
                DQT => found.read_tables(segment.body)?,
                0xc0..=0xcf if !matches!(segment.marker, DHT | JPG | DAC) => found.read_frame(&segment)?,
                SOS if !found.progressive && found.misses_components(&segment) => {
                    return Err(FrameError::NotSupported(SEPARATE_SCANS.into()));
                }
                APP14 if segment.body.starts_with(b"Adobe") => {
                    found.transform = segment.body.get(11).copied();
                }
                _ => {}
            }
            if segment.is_kept() {
                found.besides += segment.whole.len();
            }
        }
        found.end = segments.at;
        found.besides = found.besides.saturating_add(bytes.len() - found.end);
        if found.components.is_empty() {
            return Err(FrameError::damaged(Format::Jpeg, "it has no frame header"));
        }
        Ok(found)
    }

    /// A DQT segment: any number of tables, of 8 or 16 bits.
    fn read_tables(&mut self, mut body: &[u8]) -> Result<(), FrameError> {
        let broken = || FrameError::damaged(Format::Jpeg, "a broken quantisation table");
        while let [head, rest @ ..] = body {
            let wide = usize::from(head >> 4) + 1;
            let (values, next) = rest.split_at_checked(64 * wide).ok_or_else(broken)?;
            let mut table = [0; 64];
            for (entry, value) in table.iter_mut().zip(values.chunks_exact(wide)) {
                *entry = value.iter().fold(0, |sum: u16, byte| sum << 8 | u16::from(*byte));
            }
            *self.tables.get_mut(usize::from(head & 15)).filter(|_| wide <= 2).ok_or_else(broken)? =
                Some(table);
            body = next;
        }
        Ok(())
    }

    /// A SOF segment.
    fn read_frame(&mut self, segment: &Segment<'_>) -> Result<(), FrameError> {
        match segment.marker {
            0xc0..=0xc2 => {}
            0xc3 | 0xc7 => return Err(FrameError::NotSupported("a lossless JPEG".into())),
            0xc9..=0xcf => return Err(FrameError::NotSupported("an arithmetic-coded JPEG".into())),
            _ => return Err(FrameError::NotSupported("a hierarchical JPEG".into())),
        }
        let broken = || FrameError::damaged(Format::Jpeg, "a broken frame header");
        let [depth, _, _, _, _, count, rest @ ..] = segment.body else { return Err(broken()) };
        if *depth != 8 {
            return Err(FrameError::NotSupported(format!("a JPEG of {depth} bits")));
        }
        if !self.components.is_empty() {
            return Err(FrameError::damaged(Format::Jpeg, "it has two frame headers"));
        }
        self.progressive = segment.marker == 0xc2;
        self.height = u16_at(segment.body, 1, Endian::Big).ok_or_else(broken)?;
        self.width = u16_at(segment.body, 3, Endian::Big).ok_or_else(broken)?;
        self.components = rest
            .chunks_exact(3)
            .take(usize::from(*count))
            .map(|c| Component { id: c[0], horizontal: c[1] >> 4, vertical: c[1] & 15, table: c[2] })
            .collect();
        if self.components.len() != usize::from(*count) || !matches!(count, 1 | 3 | 4) {
            return Err(broken());
        }
        Ok(())
    }

    fn misses_components(&self, scan: &Segment<'_>) -> bool {
        scan.body.first().is_some_and(|count| usize::from(*count) < self.components.len())
    }

    fn writing(&self, bytes: &[u8]) -> Writing {
        if self.components.len() == 4 {
            return Writing::never("a CMYK JPEG", "convert it to RGB first");
        }
        // Cameras and phones put whole previews behind the end: they would leave without a mark.
        if bytes[self.end..].windows(3).any(|three| three == [0xff, 0xd8, 0xff]) {
            return Writing::never(
                "a JPEG with a second picture behind the first",
                "save it as a single picture first",
            );
        }
        Writing::Same
    }

    /// Do the three components hold red, green and blue as they are?
    fn is_rgb(&self) -> bool {
        match self.transform {
            Some(transform) => transform == 0,
            None => self.components.iter().map(|component| component.id).eq(*b"RGB"),
        }
    }

    /// Frame header, tables and scans for `picture`, up to the end marker.
    fn pack(&self, picture: &Picture) -> Result<Vec<u8>, FrameError> {
        let failed = |error: jpeg_encoder::EncodingError| FrameError::encoder(Format::Jpeg, error);
        let Samples::Byte(samples) = &picture.samples else {
            return Err(FrameError::encoder(Format::Jpeg, "it has 8 bits only"));
        };
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, 100);
        let [luma, chroma] = self.quantisation();
        encoder.set_quantization_tables(luma, chroma);
        encoder.set_sampling_factor(self.sampling());
        encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
        encoder.set_progressive(self.progressive);
        // Optimised tables would save about a tenth, but the encoder then writes a scan for each component, which
        // we refuse to read (see `SEPARATE_SCANS`).
        encoder.set_optimized_huffman_tables(self.progressive);
        // Samples that are handed over as YCbCr are stored as they are.
        let colour = match (picture.layout.colours, self.is_rgb()) {
            (1, _) => ColorType::Luma,
            (_, true) => ColorType::Ycbcr,
            (_, false) => ColorType::Rgb,
        };
        encoder.encode(samples, self.width, self.height, colour).map_err(failed)?;
        self.renamed(&file)
    }

    /// What the encoder wrote without its own APP segments, and with the file's own component names.
    fn renamed(&self, file: &[u8]) -> Result<Vec<u8>, FrameError> {
        let mut out = Vec::with_capacity(file.len());
        let mut segments = Segments::of(file);
        for segment in segments.by_ref() {
            let segment = segment?;
            let start = out.len();
            let (first, step) = match segment.marker {
                0xe0..=0xef => continue,
                // The encoder gives grey a second table for nothing.
                DQT if self.components.len() == 1
                    && segment.body.first().is_some_and(|head| head & 15 != 0) =>
                {
                    continue;
                }
                0xc0..=0xc2 => (10, 3),
                SOS => (5, 2),
                _ => (0, 0),
            };
            out.extend_from_slice(segment.whole);
            if step == 0 {
                continue;
            }
            let named = usize::from(segment.whole[first - 1]);
            for place in (0..named).map(|number| start + first + step * number) {
                if let Some(component) = self.components.get(usize::from(out[place])) {
                    out[place] = component.id;
                }
            }
        }
        out.extend_from_slice(&EOI);
        Ok(out)
    }

    /// Tables for the first and for the other components; where two shared one place, the finer step of both.
    fn quantisation(&self) -> [QuantizationTableType; 2] {
        let table = |component: &Component| {
            self.tables.get(usize::from(component.table)).copied().flatten().unwrap_or([1; 64])
        };
        let first = self.components.first().map_or([1; 64], table);
        let others = self.components.iter().skip(1).map(table);
        let finest = others.reduce(|one, two| std::array::from_fn(|i| one[i].min(two[i]))).unwrap_or(first);
        [first, finest].map(|zigzag| {
            let mut natural = [0; 64];
            for (value, place) in zigzag.iter().zip(ZIGZAG) {
                // The encoder writes 8-bit tables; a step of 255 is finer than what stood there.
                natural[place] = (*value).clamp(1, 255);
            }
            QuantizationTableType::Custom(Box::new(natural))
        })
    }

    /// How much finer the first component is than the finest other, where the encoder can do that; else 1 x 1.
    ///
    /// Chroma of a quarter is written as chroma of half: the encoder has one scan for all components only up to there.
    fn sampling(&self) -> SamplingFactor {
        let [first, others @ ..] = self.components.as_slice() else { return SamplingFactor::F_1_1 };
        let ratio = |of: fn(&Component) -> u8| {
            let finest = others.iter().map(of).max().unwrap_or(1).max(1);
            of(first).is_multiple_of(finest).then_some((of(first) / finest).min(2))
        };
        ratio(|c| c.horizontal)
            .zip(ratio(|c| c.vertical))
            .filter(|_| others.len() == 2)
            .and_then(|(across, down)| SamplingFactor::from_factors(across, down))
            .unwrap_or(SamplingFactor::F_1_1)
    }
}

/// The segments of a file up to the end marker; a scan's packed data belongs to its SOS segment.
struct Segments<'a> {
    bytes: &'a [u8],
    at: usize,
    ended: bool,
}

struct Segment<'a> {
    marker: u8,
    body: &'a [u8],
    /// Marker, length, body, and for SOS the scan.
    whole: &'a [u8],
}

impl Segment<'_> {
    /// Is this one copied as it is?
    fn is_kept(&self) -> bool {
        matches!(self.marker, 0xe0..=0xef | COM)
    }
}

impl<'a> Segments<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 2, ended: false }
    }

    /// The next segment; `Ok(None)` at the end marker.
    fn split(&mut self) -> Option<Option<Segment<'a>>> {
        while *self.bytes.get(self.at)? != 0xff || matches!(self.bytes.get(self.at + 1)?, 0xff | 0) {
            self.at += 1; // fill bytes, and dirt between segments
        }
        let (start, marker) = (self.at, *self.bytes.get(self.at + 1)?);
        if marker == EOI[1] {
            self.at += 2;
            return Some(None);
        }
        let alone = matches!(marker, 0x01 | 0xd0..=0xd8);
        let length = if alone { 0 } else { usize::from(u16_at(self.bytes, start + 2, Endian::Big)?).max(2) };
        let mut end = start + 2 + length;
        let body = self.bytes.get((start + 4).min(end)..end)?;
        if marker == SOS {
            end = self.scan_end(end)?;
        }
        self.at = end;
        Some(Some(Segment { marker, body, whole: &self.bytes[start..end] }))
    }

    /// Behind the packed data that begins at `at`: the next marker that is no restart.
    fn scan_end(&self, mut at: usize) -> Option<usize> {
        loop {
            at += self.bytes.get(at..)?.iter().position(|byte| *byte == 0xff)?;
            if !matches!(self.bytes.get(at + 1)?, 0 | 0xff | 0xd0..=0xd7) {
                return Some(at);
            }
            at += 1;
        }
    }
}

impl<'a> Iterator for Segments<'a> {
    type Item = Result<Segment<'a>, FrameError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        match self.split() {
            Some(Some(segment)) => Some(Ok(segment)),
            Some(None) => {
                self.ended = true;
                None
            }
            None => {
                self.ended = true;
                Some(Err(FrameError::cut_off(Format::Jpeg)))
            }
        }
    }
}

/// zune-jpeg 0.5.15 silently reads wrong colours from some of these files (zune-image issues 419, 422, 448): a pixel
/// that is not what the file says is worse than no pixel. Hardly any program writes them.
const SEPARATE_SCANS: &str = "a baseline JPEG with a scan for each colour";

const SOI: [u8; 2] = [0xff, 0xd8];
const EOI: [u8; 2] = [0xff, 0xd9];
const DHT: u8 = 0xc4;
const JPG: u8 = 0xc8;
const DAC: u8 = 0xcc;
const DQT: u8 = 0xdb;
const SOS: u8 = 0xda;
const APP14: u8 = 0xee;
const COM: u8 = 0xfe;

/// Natural place of each value of a table in zigzag order (ITU-T T.81, figure A.6).
const ZIGZAG: [usize; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
    14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39,
    46, 53, 60, 61, 54, 47, 55, 62, 63,
];
