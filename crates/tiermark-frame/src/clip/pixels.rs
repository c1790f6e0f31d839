//! How the samples of a clip's frames lie in memory.

use tiermark_signal::Size;

use crate::FrameError;

/// A planar pixel format of video: luma first, then two planes of chroma, then alpha.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pixels {
    /// What ffmpeg calls it.
    pub name: &'static str,
    /// Bits of a sample; above 8 it takes two bytes, the lower one first.
    pub bits: u8,
    /// How often width and height of chroma are halved; `None` without chroma.
    chroma: Option<(u32, u32)>,
    /// Whether there is a plane of alpha.
    pub alpha: bool,
    /// Whether the name itself says that luma uses all code values.
    pub full: bool,
}

const fn yuv(name: &'static str, bits: u8, across: u32, down: u32) -> Pixels {
    Pixels { name, bits, chroma: Some((across, down)), alpha: false, full: false }
}

const fn with_alpha(pixels: Pixels) -> Pixels {
    Pixels { alpha: true, ..pixels }
}

const fn full(pixels: Pixels) -> Pixels {
    Pixels { full: true, ..pixels }
}

const fn grey(name: &'static str, bits: u8) -> Pixels {
    Pixels { name, bits, chroma: None, alpha: false, full: true }
}

/// 8-bit grey, all code values: what is asked for where a clip is only looked at.
pub(super) const GREY: Pixels = grey("gray", 8);

const KNOWN: &[Pixels] = &[
    GREY,
    grey("gray10le", 10),
    grey("gray12le", 12),
    grey("gray16le", 16),
    yuv("yuv420p", 8, 1, 1),
    yuv("yuv422p", 8, 1, 0),
    yuv("yuv444p", 8, 0, 0),
    yuv("yuv411p", 8, 2, 0),
    full(yuv("yuvj420p", 8, 1, 1)),
    full(yuv("yuvj422p", 8, 1, 0)),
    full(yuv("yuvj444p", 8, 0, 0)),
    yuv("yuv420p10le", 10, 1, 1),
    yuv("yuv422p10le", 10, 1, 0),
    yuv("yuv444p10le", 10, 0, 0),
    yuv("yuv420p12le", 12, 1, 1),
    yuv("yuv422p12le", 12, 1, 0),
    yuv("yuv444p12le", 12, 0, 0),
    yuv("yuv420p16le", 16, 1, 1),
    yuv("yuv422p16le", 16, 1, 0),
    yuv("yuv444p16le", 16, 0, 0),
    with_alpha(yuv("yuva420p", 8, 1, 1)),
    with_alpha(yuv("yuva422p", 8, 1, 0)),
    with_alpha(yuv("yuva444p", 8, 0, 0)),
    with_alpha(yuv("yuva422p10le", 10, 1, 0)),
    with_alpha(yuv("yuva444p10le", 10, 0, 0)),
    with_alpha(yuv("yuva444p12le", 12, 0, 0)),
];

impl Pixels {
    /// The format that ffmpeg calls so, if it is one of luma and chroma in planes.
    pub fn named(name: &str) -> Option<Self> {
        KNOWN.iter().find(|pixels| pixels.name == name).copied()
    }

    /// Bytes of a sample.
    pub(super) fn wide(self) -> usize {
        if self.bits > 8 { 2 } else { 1 }
    }

    /// Bytes of a frame.
    pub(super) fn bytes(self, size: Size) -> Result<usize, FrameError> {
        let luma = size.width.checked_mul(size.height);
        let halved = |side: usize, times: u32| side.div_ceil(1 << times);
        let chroma = self.chroma.map_or(Some(0), |(across, down)| {
            halved(size.width, across).checked_mul(halved(size.height, down))?.checked_mul(2)
        });
        let all = luma.zip(chroma).and_then(|(luma, chroma)| {
            let alpha = if self.alpha { luma } else { 0 };
            luma.checked_add(chroma)?.checked_add(alpha)?.checked_mul(self.wide())
        });
        all.ok_or_else(|| FrameError::OverLimit("more samples than this machine has memory for".into()))
    }

    /// Where alpha begins, bytes.
    pub(super) fn alpha_at(self, size: Size) -> Result<usize, FrameError> {
        Ok(self.bytes(size)?.saturating_sub(size.area() * self.wide()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use super::*;

    #[test]
    fn frames_have_the_bytes_that_ffmpeg_gives_them() {
        let size = Size { width: 5, height: 3 };
        for (name, bytes) in [
            ("gray", 15),
            ("yuv420p", 15 + 2 * 6),
            ("yuv422p10le", 2 * (15 + 2 * 9)),
            ("yuv444p", 45),
            ("yuva444p12le", 2 * 60),
            ("yuv411p", 15 + 2 * 6),
        ] {
            assert_eq!(Pixels::named(name).unwrap().bytes(size).unwrap(), bytes, "{name}");
        }
        assert_eq!(Pixels::named("rgb24"), None);
        let huge = Size { width: usize::MAX / 2, height: 4 };
        assert!(GREY.bytes(huge).is_err());
    }
}
