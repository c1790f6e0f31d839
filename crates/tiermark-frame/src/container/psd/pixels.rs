//! Channels as a Photoshop document packs them, put together to pictures.

use std::io::Read;

use flate2::read::ZlibDecoder;
use tiermark_signal::Size;

use super::reader::Reader;
use crate::limits::{room, zeros};
use crate::picture::{Layout, Picture, Samples};
use crate::{Format, FrameError};

/// Samples of several channels, put side by side.
pub(super) struct Planes {
    size: Size,
    depth: usize,
    layout: Layout,
    bytes: Vec<u8>,
}

impl Planes {
    pub(super) fn new(size: Size, depth: usize, layout: Layout) -> Result<Self, FrameError> {
        Ok(Self { size, depth, layout, bytes: zeros(size.area(), layout.channels * depth)? })
    }

    pub(super) fn put(&mut self, channel: usize, plane: &[u8]) {
        let (depth, step) = (self.depth, self.depth * self.layout.channels);
        for (pixel, sample) in self.bytes.chunks_exact_mut(step).zip(plane.chunks_exact(depth)) {
            pixel[channel * depth..(channel + 1) * depth].copy_from_slice(sample);
        }
    }

    pub(super) fn picture(self) -> Result<Picture, FrameError> {
        let samples = match self.depth {
            1 => Samples::Byte(self.bytes),
            _ => {
                let mut words = room(self.bytes.len() / 2, 1)?;
                words.extend(self.bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])));
                Samples::Word(words)
            }
        };
        Picture::new(self.size, self.layout, samples).ok_or_else(cut_off)
    }
}

/// One channel, packed `how`.
pub(super) fn plane(
    data: &mut Reader<'_>,
    how: u16,
    size: Size,
    depth: usize,
) -> Result<Vec<u8>, FrameError> {
    let length = size.area() * depth;
    match how {
        0 => Ok(data.take(length as u64).ok_or_else(cut_off)?.to_vec()),
        1 => {
            let each = if data.large { 4 } else { 2 };
            let lengths = data.take((size.height * each) as u64).ok_or_else(cut_off)?;
            unpacked_rows(data, lengths, size, depth)
        }
        2 | 3 => {
            let mut plane = zeros(length, 1)?;
            ZlibDecoder::new(data.bytes).read_exact(&mut plane).map_err(|_| cut_off())?;
            if how == 3 {
                plane.chunks_exact_mut(size.width * depth).for_each(|row| undo_differences(row, depth));
            }
            Ok(plane)
        }
        other => Err(packing(other)),
    }
}

/// Each sample is stored as what it has more than the one to its left.
fn undo_differences(row: &mut [u8], depth: usize) {
    let mut before = 0_u16;
    for sample in row.chunks_exact_mut(depth) {
        if let [high, low] = sample {
            before = before.wrapping_add(u16::from_be_bytes([*high, *low]));
            [*high, *low] = before.to_be_bytes();
        } else if let [byte] = sample {
            before = before.wrapping_add((*byte).into());
            *byte = before as u8;
        }
    }
}

/// Rows packed by PackBits, after the list of their lengths.
pub(super) fn unpacked_rows(
    data: &mut Reader<'_>,
    lengths: &[u8],
    size: Size,
    depth: usize,
) -> Result<Vec<u8>, FrameError> {
    let mut plane = zeros(size.area(), depth)?;
    let rows = plane.chunks_exact_mut(size.width * depth);
    for (row, length) in rows.zip(lengths.chunks_exact(lengths.len() / size.height)) {
        let length = length.iter().fold(0_u64, |length, byte| length << 8 | u64::from(*byte));
        unpack_bits(data.take(length).ok_or_else(cut_off)?, row).ok_or_else(cut_off)?;
    }
    Ok(plane)
}

/// PackBits into all of `row`.
fn unpack_bits(mut packed: &[u8], mut row: &mut [u8]) -> Option<()> {
    while !row.is_empty() {
        let (&head, rest) = packed.split_first()?;
        packed = rest;
        match head {
            0..=127 => {
                let count = usize::from(head) + 1;
                let (mine, later) = row.split_at_mut_checked(count)?;
                mine.copy_from_slice(packed.get(..count)?);
                (packed, row) = (&packed[count..], later);
            }
            128 => {}
            129..=255 => {
                let (mine, later) = row.split_at_mut_checked(257 - usize::from(head))?;
                mine.fill(*packed.first()?);
                (packed, row) = (&packed[1..], later);
            }
        }
    }
    Some(())
}

pub(super) fn cut_off() -> FrameError {
    FrameError::damaged(Format::Part, "a Photoshop document whose pixels end too early")
}

pub(super) fn packing(how: u16) -> FrameError {
    FrameError::NotSupported(format!("a Photoshop layer packed by method {how}"))
}
