//! Flavours that are read for tracing only, by the `image` crate.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader};

use super::Format;
use crate::picture::{Alpha, Layout, Picture, Samples};
use crate::{FrameError, Limits};

/// Read a palette, packed or otherwise unusual file of a kind that `image` knows.
pub(crate) fn decode(bytes: &[u8], format: Format, limits: &Limits) -> Result<Picture, FrameError> {
    let damaged = |error| failure(format, error);
    let unusual = || FrameError::NotSupported(format!("an unusual {format} file"));
    let reader = ImageReader::with_format(Cursor::new(bytes), theirs(format).ok_or_else(unusual)?);
    let mut decoder = reader.into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    limits.size(format, width.into(), height.into())?;
    decoder.set_limits(image_limits(limits)).map_err(damaged)?;
    picture(DynamicImage::from_decoder(decoder).map_err(damaged)?)
        .ok_or_else(|| FrameError::NotSupported(format!("a {format} file with samples of an unusual kind")))
}

/// Whose fault it is that `image` gave up.
pub(crate) fn failure(format: Format, error: ImageError) -> FrameError {
    match error {
        ImageError::Unsupported(error) => {
            FrameError::NotSupported(format!("an unusual {format} file ({error})"))
        }
        ImageError::Limits(error) => FrameError::OverLimit(error.to_string()),
        other => FrameError::damaged(format, other),
    }
}

/// Our limits in the words of `image`: 8 bytes a pixel for the result, and as much for the way.
pub(crate) fn image_limits(limits: &Limits) -> image::Limits {
    let mut theirs = image::Limits::default();
    theirs.max_image_width = Some(limits.max_side);
    theirs.max_image_height = Some(limits.max_side);
    theirs.max_alloc = Some(limits.max_pixels.saturating_mul(16));
    theirs
}

fn theirs(format: Format) -> Option<ImageFormat> {
    Some(match format {
        Format::Png => ImageFormat::Png,
        Format::Jpeg => ImageFormat::Jpeg,
        Format::Tiff => ImageFormat::Tiff,
        Format::Tga => ImageFormat::Tga,
        Format::Bmp => ImageFormat::Bmp,
        Format::WebP => ImageFormat::WebP,
        Format::Part => ImageFormat::Gif,
        Format::OpenExr | Format::Dpx => return None,
    })
}

/// Samples as ours.
pub(crate) fn picture(decoded: DynamicImage) -> Option<Picture> {
    let size = tiermark_signal::Size::new(decoded.width() as usize, decoded.height() as usize)?;
    let (colours, alpha, samples) = match decoded {
        DynamicImage::ImageLuma8(image) => (1, Alpha::None, Samples::Byte(image.into_raw())),
        DynamicImage::ImageLumaA8(image) => (1, Alpha::Straight, Samples::Byte(image.into_raw())),
        DynamicImage::ImageRgb8(image) => (3, Alpha::None, Samples::Byte(image.into_raw())),
        DynamicImage::ImageRgba8(image) => (3, Alpha::Straight, Samples::Byte(image.into_raw())),
        DynamicImage::ImageLuma16(image) => (1, Alpha::None, Samples::Word(image.into_raw())),
        DynamicImage::ImageLumaA16(image) => (1, Alpha::Straight, Samples::Word(image.into_raw())),
        DynamicImage::ImageRgb16(image) => (3, Alpha::None, Samples::Word(image.into_raw())),
        DynamicImage::ImageRgba16(image) => (3, Alpha::Straight, Samples::Word(image.into_raw())),
        _ => return None,
    };
    Picture::new(size, Layout::new(colours, alpha), samples)
}
