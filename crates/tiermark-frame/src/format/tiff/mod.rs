//! TIFF: strips and tiles are packed anew where they stood, or behind the end; all other bytes stay.

mod codec;
mod directory;
mod shape;

use std::ops::Range;

use half::f16;

use self::directory::Directory;
use self::shape::{Shape, tag};
use super::{Decoded, Format, Writing, other};
use crate::limits::room;
use crate::picture::{Picture, Samples};
use crate::{FrameError, Limits};

/// Read the first picture of a TIFF file.
pub(crate) fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, FrameError> {
    let directory = Directory::first(bytes)?;
    let shape = match Shape::of(bytes, &directory, limits)? {
        Ok(shape) => shape,
        Err(what) => return unusual(bytes, limits, what),
    };
    let size = limits.size(Format::Tiff, shape.width as u64, shape.height as u64)?;
    let stride = shape.width * shape.layout.channels;
    drop(room::<u8>(size.height, stride.saturating_mul((shape.bits / 8).into()))?);
    let count = size.height * stride;
    let mut samples = match (shape.bits, shape.float) {
        (8, _) => Samples::Byte(vec![0; count]),
        (16, false) => Samples::Word(vec![0; count]),
        (16, true) => Samples::Half(vec![f16::ZERO; count]),
        _ => Samples::Float(vec![0.0; count]),
    };
    for (number, range) in shape.chunks.iter().enumerate() {
        let area = shape.area(number);
        let raw = shape.unpack(&bytes[range.clone()], number)?;
        for (y, row) in area.rows.clone().zip(raw.chunks_exact(shape.packed_row())) {
            let row = shape.samples_of(row);
            let start = (y * shape.width + area.columns.start) * shape.layout.channels;
            let wanted = &row[..area.columns.len() * shape.layout.channels];
            match &mut samples {
                Samples::Byte(values) => fill(&mut values[start..], wanted, |v| v as u8),
                Samples::Word(values) => fill(&mut values[start..], wanted, |v| v as u16),
                Samples::Half(values) => fill(&mut values[start..], wanted, |v| f16::from_bits(v as u16)),
                Samples::Float(values) => fill(&mut values[start..], wanted, f32::from_bits),
            }
        }
    }
    let picture = Picture::new(size, shape.layout, samples).expect("as many samples as size and layout say");
    Ok(Decoded { picture, writing: writing(&directory, &shape) })
}

fn fill<T>(values: &mut [T], bits: &[u32], of: impl Fn(u32) -> T) {
    values.iter_mut().zip(bits).for_each(|(to, from)| *to = of(*from));
}

/// Put the pixels of `picture` into the TIFF file `bytes`.
pub(crate) fn encode(bytes: &[u8], picture: &Picture) -> Result<Vec<u8>, FrameError> {
    let directory = Directory::first(bytes)?;
    // What was decoded under limits is not larger now.
    let unlimited = Limits { max_pixels: u64::MAX, max_side: u32::MAX, ..Limits::default() };
    let shape = Shape::of(bytes, &directory, &unlimited)?
        .map_err(|what| FrameError::encoder(Format::Tiff, format!("it is {what}")))?;
    let mut out = bytes.to_vec();
    // Nothing of the pixels that were may stay, not even where the new ones need less room.
    shape.chunks.iter().for_each(|range| out[range.clone()].fill(0));
    let in_place = shape.chunks_are_apart();
    let mut places = Vec::with_capacity(shape.chunks.len());
    for (number, old) in shape.chunks.iter().enumerate() {
        let packed = shape.pack(rows_of_chunk(&shape, picture, number))?;
        places.push(place(&mut out, &packed, in_place.then_some(old.clone())));
    }
    let (offsets, counts) = shape.tags();
    let starts: Vec<usize> = places.iter().map(|range| range.start).collect();
    let lengths: Vec<usize> = places.iter().map(Range::len).collect();
    directory.replace(&mut out, offsets, &starts)?;
    directory.replace(&mut out, counts, &lengths)?;
    Ok(out)
}

/// Copy `packed` to the old place if it fits, else behind the end.
fn place(out: &mut Vec<u8>, packed: &[u8], old: Option<Range<usize>>) -> Range<usize> {
    if let Some(old) = old.filter(|old| packed.len() <= old.len()) {
        let new = old.start..old.start + packed.len();
        out[new.clone()].copy_from_slice(packed);
        return new;
    }
    out.resize(out.len().next_multiple_of(2), 0); // offsets are even, says the specification
    let start = out.len();
    out.extend_from_slice(packed);
    start..out.len()
}

/// The rows of one strip or tile; what a tile has beyond the picture repeats the last column and row.
fn rows_of_chunk(shape: &Shape, picture: &Picture, number: usize) -> impl Iterator<Item = Vec<u32>> {
    let area = shape.area(number);
    let channels = shape.layout.channels;
    (0..area.packed_height).map(move |row| {
        let y = (area.rows.start + row).min(area.rows.end - 1);
        let start = (y * shape.width + area.columns.start) * channels;
        let wanted = start..start + area.columns.len() * channels;
        let mut samples = Vec::with_capacity(area.packed_width * channels);
        match &picture.samples {
            Samples::Byte(values) => samples.extend(values[wanted].iter().map(|v| u32::from(*v))),
            Samples::Word(values) => samples.extend(values[wanted].iter().map(|v| u32::from(*v))),
            Samples::Half(values) => samples.extend(values[wanted].iter().map(|v| u32::from(v.to_bits()))),
            Samples::Float(values) => samples.extend(values[wanted].iter().map(|v| v.to_bits())),
        }
        let last = samples.len() - channels;
        for _ in area.columns.len()..area.packed_width {
            samples.extend_from_within(last..last + channels);
        }
        samples
    })
}

/// Layouts that are read for tracing, as far as the `image` crate knows them.
fn unusual(bytes: &[u8], limits: &Limits, what: &'static str) -> Result<Decoded, FrameError> {
    let picture = other::decode(bytes, Format::Tiff, limits).map_err(|error| match error {
        FrameError::NotSupported(_) => FrameError::NotSupported(what.into()),
        other => other,
    })?;
    Ok(Decoded { picture, writing: Writing::never(what, CONVERT) })
}

/// Pictures beside the first would leave without a mark; and a directory that changes while it is written is no longer the
/// one that was read.
fn writing(directory: &Directory, shape: &Shape) -> Writing {
    if directory.has_next() {
        return Writing::never("a TIFF of several pages", "split it into single pages first");
    }
    if directory.has(tag::SUB_DIRECTORIES) {
        return Writing::never("a TIFF with further pictures inside", CONVERT);
    }
    if directory.has(tag::PHOTOSHOP_LAYERS) {
        return Writing::never("a TIFF with Photoshop layers", "save it flat, without layers, first");
    }
    if directory.reaches_beyond() {
        // A copy with larger strips may be long enough for them to count.
        return Writing::never("a TIFF with entries beyond its end", ANEW);
    }
    if directory.is_tangled(shape.tags().into()) {
        return Writing::never("a TIFF whose directory lies over itself", ANEW);
    }
    Writing::Same
}

const ANEW: &str = "save it anew first, which writes its directory afresh";

const CONVERT: &str = "convert it to a flat RGB or grey TIFF of 8 or 16 bits, or of floats, first";
