//! What a file may ask for.

use tiermark_signal::Size;

use crate::{Format, FrameError};

/// Bounds that hold before a file is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Width times height, as the header claims it: bounds the memory for samples (at most 8 bytes each here,
    /// and twice that while they are unpacked).
    pub max_pixels: u64,
    /// Width, and height: bounds what a row or column costs.
    pub max_side: u32,
    /// The file itself: bounds what the caller holds, and what is copied when it is written back.
    pub max_file_bytes: u64,
    /// Everything in the file that is not pixels: profiles, text, thumbnails, private chunks.
    pub max_metadata_bytes: u64,
    /// Containers inside each other, the file itself counted: bounds what is held at once.
    pub max_depth: u32,
    /// Members of a container, those of containers inside it counted.
    pub max_members: u64,
    /// What comes out of a container in all: bounds the time that a small file can ask for.
    pub max_unpacked_bytes: u64,
    /// Frames of one animation that are looked at.
    pub max_frames: u32,
    /// Frames of a clip: bounds how long one file keeps the machine busy, and what is noted of each frame.
    pub max_clip_frames: u64,
    /// Seconds that one run of ffmpeg may take: what hangs is ended.
    pub max_clip_seconds: u64,
}

impl Default for Limits {
    /// A 16384 x 16384 picture (four times an 8k frame each way) in a file of 2 GiB, or 100,000 of them in archives that lie
    /// four deep and hold 8 GiB.
    fn default() -> Self {
        Self {
            max_pixels: 16_384 * 16_384,
            max_side: 65_535,
            max_file_bytes: 2 << 30,
            max_metadata_bytes: 256 << 20,
            max_depth: 4,
            max_members: 100_000,
            max_unpacked_bytes: 8 << 30,
            max_frames: 100,
            // Over four hours at 24 a second, and the time to look at them.
            max_clip_frames: 400_000,
            max_clip_seconds: 12 * 3600,
        }
    }
}

impl Limits {
    /// The size that a header claims, if it may be believed.
    pub(crate) fn size(&self, format: Format, width: u64, height: u64) -> Result<Size, FrameError> {
        if width == 0 || height == 0 {
            return Err(FrameError::damaged(format, format!("a size of {width} x {height}")));
        }
        if width.max(height) > u64::from(self.max_side) {
            return Err(FrameError::OverLimit(format!(
                "{width} x {height} pixels, and a side may have {}",
                self.max_side
            )));
        }
        if width.saturating_mul(height) > self.max_pixels {
            return Err(FrameError::OverLimit(format!(
                "{width} x {height} pixels, and a picture may have {}; --max-megapixels allows more",
                self.max_pixels
            )));
        }
        Ok(Size { width: width as usize, height: height as usize })
    }

    /// The size of a clip's frames, if it may be believed.
    pub(crate) fn clip_size(&self, width: u64, height: u64) -> Result<Size, FrameError> {
        if width == 0 || height == 0 {
            return Err(FrameError::Clip(format!("its frames have a size of {width} x {height}")));
        }
        // The format is named in errors of sizes that are 0 alone.
        self.size(Format::Png, width, height)
    }

    /// Refuse a file that is too long.
    pub(crate) fn file(&self, bytes: usize) -> Result<(), FrameError> {
        if bytes as u64 > self.max_file_bytes {
            return Err(FrameError::OverLimit(format!(
                "{bytes} bytes, and a file may have {}",
                self.max_file_bytes
            )));
        }
        Ok(())
    }

    /// Refuse a file that carries too much besides its pixels.
    pub(crate) fn metadata(&self, bytes: usize) -> Result<(), FrameError> {
        if bytes as u64 > self.max_metadata_bytes {
            return Err(FrameError::OverLimit(format!(
                "{bytes} bytes besides the pixels, and a file may have {}",
                self.max_metadata_bytes
            )));
        }
        Ok(())
    }
}

/// An empty vector with room for `rows` times `row` items, or an error where a plain vector would end the program.
pub(crate) fn room<T>(rows: usize, row: usize) -> Result<Vec<T>, FrameError> {
    let too_much = || FrameError::OverLimit("more samples than this machine has memory for".into());
    let mut items = Vec::new();
    items.try_reserve_exact(rows.checked_mul(row).ok_or_else(too_much)?).map_err(|_| too_much())?;
    Ok(items)
}

/// `rows` times `row` zero bytes, or an error where a plain vector would end the program.
///
/// The probe for room goes first because only `vec![0; n]` gets pages from the system that cost nothing until they
/// are written to: a header that lies about its pixels stays cheap.
pub(crate) fn zeros(rows: usize, row: usize) -> Result<Vec<u8>, FrameError> {
    drop(room::<u8>(rows, row)?);
    Ok(vec![0; rows * row])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use super::*;

    #[test]
    fn a_size_is_believed_up_to_the_limit_and_not_beyond() {
        let limits = Limits { max_pixels: 100, max_side: 20, ..Limits::default() };
        assert_eq!(limits.size(Format::Png, 5, 20).unwrap(), Size { width: 5, height: 20 });
        assert!(matches!(limits.size(Format::Png, 6, 20), Err(FrameError::OverLimit(_))));
        assert!(matches!(limits.size(Format::Png, 1, 21), Err(FrameError::OverLimit(_))));
        assert!(matches!(limits.size(Format::Png, 0, 3), Err(FrameError::Damaged { .. })));
        assert!(matches!(limits.size(Format::Png, u64::MAX, u64::MAX), Err(FrameError::OverLimit(_))));
    }

    #[test]
    fn more_than_the_machine_has_is_an_error() {
        assert!(zeros(usize::MAX, 2).is_err());
        assert!(zeros(usize::MAX / 4, 1).is_err());
        assert_eq!(zeros(2, 3).unwrap(), [0; 6]);
    }
}
