//! OpenEXR: the chunks that hold colours are packed anew, all other bytes stay; the crate `exr` packs and unpacks them.
//!
//! A picture is what lies in the display window: overscan around it stays as it is, and cutting it off does not shift the
//! mark. Only where most of a picture lies outside of it (elements, textures) the data window counts instead.

mod file;
mod groups;

use exr::block::UncompressedBlock;
use exr::block::lines::LineIndex;
use exr::math::Vec2;
use exr::meta::attribute::SampleType;
use half::f16;
use tiermark_signal::Size;

use self::file::File;
use self::groups::{Group, groups};
use super::{Decoded, Format, Writing};
use crate::limits::{room, zeros};
use crate::picture::{Alpha, Layout, Picture, Samples};
use crate::{FrameError, Limits};

/// Read the first picture of an OpenEXR file.
pub(crate) fn decode(bytes: &[u8], limits: &Limits) -> Result<Decoded, FrameError> {
    let file = File::open(bytes, limits)?;
    let groups = groups(&file.meta.headers);
    let none =
        || FrameError::NotSupported("an OpenEXR file without colours, only data such as depth".to_owned());
    let picture = picture(&file, groups.first().ok_or_else(none)?, limits)?;
    // The further ones are believed later; that they are of one file does not make them of one size.
    for group in &groups {
        let (_, size) = canvas(&file, group);
        limits.size(Format::OpenExr, size.x() as u64, size.y() as u64)?;
    }
    let writing = match file.has_copies() {
        true => Writing::never(
            "an OpenEXR texture with smaller copies inside",
            "save it without mip levels first",
        ),
        false => Writing::Same,
    };
    Ok(Decoded { picture, writing })
}

/// How many pictures the file has.
pub(crate) fn pictures(bytes: &[u8]) -> usize {
    File::open(bytes, &believed()).map_or(1, |file| groups(&file.meta.headers).len().max(1))
}

/// Picture `number` of the file.
pub(crate) fn further(bytes: &[u8], number: usize) -> Result<Picture, FrameError> {
    let file = File::open(bytes, &believed())?;
    let groups = groups(&file.meta.headers);
    let group = groups.get(number).ok_or_else(|| FrameError::damaged(Format::OpenExr, "no such layer"))?;
    picture(&file, group, &believed())
}

/// Put the pixels of `pictures` into the OpenEXR file `bytes`.
pub(crate) fn encode<'a>(
    bytes: &[u8],
    pictures: impl Iterator<Item = &'a Picture>,
) -> Result<Vec<u8>, FrameError> {
    let file = File::open(bytes, &believed())?;
    let groups = groups(&file.meta.headers);
    let painted: Vec<(&Group, &Picture)> = groups.iter().zip(pictures).collect();
    file.rewritten(|place| {
        let here: Vec<_> = painted.iter().filter(|(group, _)| group.part == place.part).collect();
        if here.is_empty() {
            return Ok(None);
        }
        let Some(mut block) = file.unpack(place)? else { return Ok(None) };
        let mut changed = false;
        for (group, picture) in here {
            changed |= put(&file, group, picture, &mut block);
        }
        Ok(changed.then_some(block))
    })
}

/// What was decoded under limits is not larger now.
fn believed() -> Limits {
    Limits { max_pixels: u64::MAX, max_side: u32::MAX, max_metadata_bytes: u64::MAX, ..Limits::default() }
}

/// The part of the plane that is the picture: where it begins, and its size.
fn canvas(file: &File<'_>, group: &Group) -> (Vec2<i32>, Vec2<usize>) {
    let header = &file.meta.headers[group.part];
    let display = header.shared_attributes.display_window;
    let data = (header.own_attributes.layer_position, header.layer_size);
    let shared = |from: i32, length: usize, other: i32, other_length: usize| {
        let end = (i64::from(from) + length as i64).min(i64::from(other) + other_length as i64);
        (end - i64::from(from.max(other))).max(0) as u64
    };
    let across = shared(display.position.x(), display.size.x(), data.0.x(), data.1.x());
    let down = shared(display.position.y(), display.size.y(), data.0.y(), data.1.y());
    match 2 * u128::from(across) * u128::from(down) >= data.1.x() as u128 * data.1.y() as u128 {
        true => (display.position, display.size),
        false => data,
    }
}

/// Unpack one picture.
fn picture(file: &File<'_>, group: &Group, limits: &Limits) -> Result<Picture, FrameError> {
    let (_, size) = canvas(file, group);
    let size = limits.size(Format::OpenExr, size.x() as u64, size.y() as u64)?;
    let alpha = if group.alpha.is_some() { Alpha::Associated } else { Alpha::None };
    let layout = Layout::new(group.colours.len(), alpha);
    let mut picture = blank(size, layout, group.half)?;
    for place in file.chunks().iter().filter(|place| place.part == group.part) {
        if let Some(block) = file.unpack(place)? {
            take(file, group, &block, &mut picture);
        }
    }
    Ok(picture)
}

/// Nothing, of the right size.
fn blank(size: Size, layout: Layout, half: bool) -> Result<Picture, FrameError> {
    let count = size.area() * layout.channels;
    drop(zeros(size.area(), layout.channels * if half { 2 } else { 4 })?);
    let samples = match half {
        true => Samples::Half(vec![f16::ZERO; count]),
        false => {
            drop(room::<f32>(size.area(), layout.channels)?);
            Samples::Float(vec![0.0; count])
        }
    };
    Ok(Picture::new(size, layout, samples).expect("as many samples as size and layout say"))
}

/// A row of one channel, as far as a block and the picture both have it.
struct Run {
    /// Where its samples begin in the block, bytes.
    from: usize,
    kind: SampleType,
    /// Where they go: index of the first, and from one to the next.
    first: usize,
    step: usize,
    count: usize,
}

fn runs(file: &File<'_>, group: &Group, block: &UncompressedBlock, picture: &Picture) -> Vec<Run> {
    let header = &file.meta.headers[group.part];
    let (origin, _) = canvas(file, group);
    let by = |data: i32, canvas: i32| i64::from(data) - i64::from(canvas);
    let (right, down) = (
        by(header.own_attributes.layer_position.x(), origin.x()),
        by(header.own_attributes.layer_position.y(), origin.y()),
    );
    let step = picture.layout.channels;
    let run = |(bytes, line): (std::ops::Range<usize>, LineIndex)| {
        let mut ours = group.colours.iter().chain(&group.alpha);
        let channel = ours.position(|channel| *channel == line.channel)?;
        let kind = header.channels.list[line.channel].sample_type;
        let x = line.position.x() as i64 + right;
        let y = usize::try_from(line.position.y() as i64 + down).ok().filter(|y| *y < picture.size.height)?;
        let skipped = usize::try_from(-x).unwrap_or(0);
        let start = usize::try_from(x).unwrap_or(0);
        let count = line.sample_count.saturating_sub(skipped).min(picture.size.width.saturating_sub(start));
        let first = (y * picture.size.width + start) * step + channel;
        (count > 0).then_some(Run {
            from: bytes.start + skipped * kind.bytes_per_sample(),
            kind,
            first,
            step,
            count,
        })
    };
    LineIndex::lines_in_block(block.index, &header.channels).filter_map(run).collect()
}

/// Copy what a block has of the picture.
fn take(file: &File<'_>, group: &Group, block: &UncompressedBlock, picture: &mut Picture) {
    for run in runs(file, group, block, picture) {
        let stored = &block.data[run.from..][..run.count * run.kind.bytes_per_sample()];
        match (&mut picture.samples, run.kind) {
            (Samples::Half(out), _) => {
                let out = out[run.first..].iter_mut().step_by(run.step);
                out.zip(stored.as_chunks().0).for_each(|(v, raw)| *v = f16::from_ne_bytes(*raw));
            }
            (Samples::Float(out), SampleType::F16) => {
                let out = out[run.first..].iter_mut().step_by(run.step);
                out.zip(stored.as_chunks().0).for_each(|(v, raw)| *v = f16::from_ne_bytes(*raw).to_f32());
            }
            (Samples::Float(out), _) => {
                let out = out[run.first..].iter_mut().step_by(run.step);
                out.zip(stored.as_chunks().0).for_each(|(v, raw)| *v = f32::from_ne_bytes(*raw));
            }
            (Samples::Byte(_) | Samples::Word(_), _) => {}
        }
    }
}

/// Copy what the picture has of a block; did anything change?
fn put(file: &File<'_>, group: &Group, picture: &Picture, block: &mut UncompressedBlock) -> bool {
    let mut changed = false;
    for run in runs(file, group, block, picture) {
        let stored = &mut block.data[run.from..][..run.count * run.kind.bytes_per_sample()];
        match (&picture.samples, run.kind) {
            (Samples::Half(fresh), _) => {
                let fresh = fresh[run.first..].iter().step_by(run.step);
                stored
                    .as_chunks_mut()
                    .0
                    .iter_mut()
                    .zip(fresh)
                    .for_each(|(raw, v)| changed |= replaced(raw, v.to_ne_bytes()));
            }
            (Samples::Float(fresh), SampleType::F16) => {
                let fresh = fresh[run.first..].iter().step_by(run.step);
                for (raw, v) in stored.as_chunks_mut().0.iter_mut().zip(fresh) {
                    // A number that is none may not survive the way through 32 bits, and need not.
                    if f16::from_ne_bytes(*raw).to_f32() != *v && !v.is_nan() {
                        changed |= replaced(raw, f16::from_f32(*v).to_ne_bytes());
                    }
                }
            }
            (Samples::Float(fresh), _) => {
                let fresh = fresh[run.first..].iter().step_by(run.step);
                stored
                    .as_chunks_mut()
                    .0
                    .iter_mut()
                    .zip(fresh)
                    .for_each(|(raw, v)| changed |= replaced(raw, v.to_ne_bytes()));
            }
            (Samples::Byte(_) | Samples::Word(_), _) => {}
        }
    }
    changed
}

fn replaced<const BYTES: usize>(old: &mut [u8; BYTES], new: [u8; BYTES]) -> bool {
    let changed = *old != new;
    *old = new;
    changed
}
