//! The frames of a GIF, of a WebP animation and of an animated PNG, each as it is seen.

use std::io::Cursor;

use image::codecs::{gif::GifDecoder, png::PngDecoder, webp::WebPDecoder};
use image::{AnimationDecoder, DynamicImage, Frames, ImageDecoder, ImageError};

use super::walker::Walker;
use super::{ContainerError, Kind, Place};
use crate::format::other::{failure, image_limits, picture};
use crate::{Format, FrameError, Limits};

/// Every frame, up to the limit.
pub(super) fn walk(kind: Kind, bytes: &[u8], walker: &mut Walker<'_>) -> Result<(), ContainerError> {
    let (frames, area) = match frames(kind, bytes, walker.limits) {
        Ok(frames) => frames,
        Err(error) => return Err(ContainerError::damaged(kind, error)),
    };
    let mut number = 0_u32;
    for frame in frames {
        number = number.saturating_add(1);
        if number > walker.limits.max_frames {
            let most = walker.limits.max_frames;
            return Err(ContainerError::OverLimit(format!(
                "more than {most} frames, --max-frames allows more"
            )));
        }
        let seen = match frame {
            Ok(frame) => picture(DynamicImage::ImageRgba8(frame.into_buffer())),
            Err(error) => return Err(ContainerError::damaged(kind, error)),
        };
        walker.spend(area.saturating_mul(4))?;
        walker.picture(Place::Frame(number), seen.ok_or(FrameError::NotAPicture))?;
    }
    if number == 0 {
        return Err(ContainerError::damaged(kind, "it has no frames"));
    }
    Ok(())
}

/// The frames, and how many pixels one has.
fn frames<'a>(kind: Kind, bytes: &'a [u8], limits: &Limits) -> Result<(Frames<'a>, u64), FrameError> {
    let failed = |error: ImageError| failure(Format::Part, error);
    let file = Cursor::new(bytes);
    match kind {
        Kind::WebP => {
            let mut decoder = WebPDecoder::new(file).map_err(failed)?;
            let area = fitted(&mut decoder, limits)?;
            Ok((decoder.into_frames(), area))
        }
        Kind::Apng => {
            let mut decoder = PngDecoder::new(file).map_err(failed)?;
            let area = fitted(&mut decoder, limits)?;
            Ok((decoder.apng().map_err(failed)?.into_frames(), area))
        }
        _ => {
            let mut decoder = GifDecoder::new(file).map_err(failed)?;
            let area = fitted(&mut decoder, limits)?;
            Ok((decoder.into_frames(), area))
        }
    }
}

/// The pixels of a frame, if they may be believed.
fn fitted(decoder: &mut impl ImageDecoder, limits: &Limits) -> Result<u64, FrameError> {
    let (width, height) = decoder.dimensions();
    limits.size(Format::Part, width.into(), height.into())?;
    decoder.set_limits(image_limits(limits)).map_err(|error| failure(Format::Part, error))?;
    Ok(u64::from(width) * u64::from(height))
}
