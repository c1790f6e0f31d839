//! WebP: lossless goes back lossless, and all other chunks stay.

use std::io::Cursor;

use image_webp::{ColorType, WebPDecoder, WebPEncoder};

use super::bytes::{Endian, array, u32_at};
use super::{Decoded, Format, Writing};
use crate::limits::zeros;
use crate::picture::{Alpha, Layout, Picture, Samples};
use crate::{FrameError, Limits};

/// Read a WebP file.
pub(crate) fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, FrameError> {
    let mut besides = 0;
    let mut lossless = None;
    let mut animated = false;
    for chunk in Chunks::of(bytes) {
        let chunk = chunk?;
        match &chunk.kind {
            b"VP8L" if lossless.is_none() => lossless = Some(chunk.whole),
            b"VP8L" | b"VP8 " | b"ALPH" | b"ANMF" => {}
            b"ANIM" => animated = true,
            _ => besides += chunk.whole.len(),
        }
    }
    limits.metadata(besides)?;
    match lossless {
        Some(chunk) if !animated => {
            Ok(Decoded { picture: unpack(&bare(chunk), limits)?, writing: Writing::Same })
        }
        _ => {
            let writing = match animated {
                true => Writing::never("an animated WebP", "split it into single frames first"),
                false => Writing::never("a lossy WebP", "convert it to PNG or lossless WebP first"),
            };
            Ok(Decoded { picture: unpack(bytes, limits)?, writing })
        }
    }
}

/// Put the pixels of `picture` into the lossless WebP file `bytes`.
pub(crate) fn encode(bytes: &[u8], picture: &Picture) -> Result<Vec<u8>, FrameError> {
    let pixels = pack(picture)?;
    let mut out = bytes[..HEADER].to_vec();
    let mut waiting = true;
    let mut chunks = Chunks::of(bytes);
    for chunk in chunks.by_ref() {
        let chunk = chunk?;
        if &chunk.kind == b"VP8L" && waiting {
            out.extend_from_slice(&pixels);
            waiting = false;
        } else {
            out.extend_from_slice(chunk.whole);
        }
    }
    let length =
        u32::try_from(out.len() - 8).map_err(|_| FrameError::encoder(Format::WebP, "4 GiB are full"))?;
    out[4..8].copy_from_slice(&length.to_le_bytes());
    out.extend_from_slice(chunks.behind);
    Ok(out)
}

/// The chunks of a RIFF file; `behind` is what stands after the length that the file gives itself.
struct Chunks<'a> {
    rest: &'a [u8],
    behind: &'a [u8],
    cut_off: bool,
}

struct Chunk<'a> {
    kind: [u8; 4],
    /// Kind, length, body and padding.
    whole: &'a [u8],
}

impl<'a> Chunks<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        let told = u32_at(bytes, 4, Endian::Little).unwrap_or(0) as usize;
        let inside = told.saturating_add(8).max(HEADER);
        match bytes.split_at_checked(inside) {
            Some((file, behind)) => Self { rest: &file[HEADER..], behind, cut_off: file.len() == HEADER },
            None => Self { rest: &[], behind: &[], cut_off: true },
        }
    }

    fn split(&mut self) -> Option<Chunk<'a>> {
        let kind = array(self.rest, 0)?;
        let body = u32_at(self.rest, 4, Endian::Little)? as usize;
        let whole = body.checked_add(8 + body % 2)?;
        // Some writers leave the last padding byte away.
        let whole = if whole == self.rest.len() + 1 { self.rest.len() } else { whole };
        let (whole, rest) = self.rest.split_at_checked(whole)?;
        self.rest = rest;
        Some(Chunk { kind, whole })
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Result<Chunk<'a>, FrameError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() && !self.cut_off {
            return None;
        }
        let chunk = self.split();
        if chunk.is_none() {
            (self.rest, self.cut_off) = (&[], false);
        }
        Some(chunk.ok_or_else(|| FrameError::cut_off(Format::WebP)))
    }
}

/// One VP8L chunk as a file of its own: what it says about alpha then holds, whatever an outer header says.
fn bare(chunk: &[u8]) -> Vec<u8> {
    let mut file = b"RIFF".to_vec();
    file.extend_from_slice(&(chunk.len() as u32).saturating_add(4).to_le_bytes());
    file.extend_from_slice(b"WEBP");
    file.extend_from_slice(chunk);
    file
}

fn unpack(bytes: &[u8], limits: &Limits) -> Result<Picture, FrameError> {
    let damaged = |error: image_webp::DecodingError| FrameError::damaged(Format::WebP, error);
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    let size = limits.size(Format::WebP, width.into(), height.into())?;
    decoder.set_memory_limit(limits.max_pixels.saturating_mul(4) as usize);
    let layout = match decoder.has_alpha() {
        true => Layout::new(3, Alpha::Straight),
        false => Layout::new(3, Alpha::None),
    };
    let mut samples = zeros(size.area(), layout.channels)?;
    decoder.read_image(&mut samples).map_err(damaged)?;
    Picture::new(size, layout, Samples::Byte(samples))
        .ok_or_else(|| FrameError::damaged(Format::WebP, "the number of its samples"))
}

/// The VP8L chunk for `picture`.
fn pack(picture: &Picture) -> Result<Vec<u8>, FrameError> {
    let Samples::Byte(samples) = &picture.samples else {
        return Err(FrameError::encoder(Format::WebP, "it has 8 bits only"));
    };
    let colour = if picture.layout.channels == 4 { ColorType::Rgba8 } else { ColorType::Rgb8 };
    let mut file = Vec::new();
    WebPEncoder::new(&mut file)
        .encode(samples, picture.size.width as u32, picture.size.height as u32, colour)
        .map_err(|error| FrameError::encoder(Format::WebP, error))?;
    Ok(file.split_off(HEADER))
}

/// `RIFF`, length, `WEBP`.
const HEADER: usize = 12;
