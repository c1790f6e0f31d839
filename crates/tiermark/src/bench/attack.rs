//! What leaks do to pictures, as functions from picture to picture.

use image::imageops::FilterType;
use image::{DynamicImage, GenericImageView, Rgb, RgbImage, RgbaImage};
use tiermark_frame::Frame;
use tiermark_signal::{Plane, Size};

/// One way to change a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Attack {
    /// The copy as it was handed out.
    None,
    /// JPEG of this quality, 4:4:4, transparent pictures on white.
    Jpeg(u8),
    /// Resampled to this share of its width and height.
    Resize(f64),
    /// The middle, of this share of the area.
    Crop(f64),
    /// Left and right exchanged.
    Mirror,
    /// A quarter turn clockwise.
    QuarterTurn,
    /// Half size, then JPEG 75.
    HalfAndJpeg,
}

/// What the first table is made of.
pub const BASIC: [Attack; 8] = [
    Attack::None,
    Attack::Jpeg(75),
    Attack::Resize(0.5),
    Attack::Resize(1.5),
    Attack::Crop(0.5),
    Attack::Mirror,
    Attack::QuarterTurn,
    Attack::HalfAndJpeg,
];

impl std::fmt::Display for Attack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Jpeg(quality) => write!(f, "JPEG {quality}"),
            Self::Resize(share) => write!(f, "resize {:.0} %", share * 100.0),
            Self::Crop(area) => write!(f, "crop to {:.0} % of the area", area * 100.0),
            Self::Mirror => f.write_str("mirror"),
            Self::QuarterTurn => f.write_str("90 degrees"),
            Self::HalfAndJpeg => f.write_str("resize 50 % + JPEG 75"),
        }
    }
}

impl Attack {
    /// A short name for a file.
    pub fn slug(&self) -> String {
        let keep = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        self.to_string()
            .replace(" % of the area", "")
            .chars()
            .map(keep)
            .collect::<String>()
            .trim_matches('-')
            .to_owned()
    }

    /// The picture after the attack.
    ///
    /// # Errors
    /// If the JPEG encoder refuses the picture.
    pub fn apply(&self, picture: &DynamicImage) -> Result<DynamicImage, image::ImageError> {
        let (width, height) = picture.dimensions();
        let scaled = |share: f64| {
            let side = |n: u32| ((f64::from(n) * share).round() as u32).max(1);
            on_white(picture).resize_exact(side(width), side(height), FilterType::Lanczos3)
        };
        Ok(match *self {
            Self::None => picture.clone(),
            Self::Jpeg(quality) => jpeg(&on_white(picture), quality)?,
            Self::Resize(share) => scaled(share),
            Self::Crop(area) => {
                let side = |n: u32| ((f64::from(n) * area.sqrt()) as u32).max(1);
                let (w, h) = (side(width), side(height));
                on_white(picture).crop_imm((width - w) / 2, (height - h) / 2, w, h)
            }
            Self::Mirror => picture.fliph(),
            Self::QuarterTurn => picture.rotate90(),
            Self::HalfAndJpeg => jpeg(&scaled(0.5), 75)?,
        })
    }
}

/// The bytes of a JPEG file.
pub(crate) fn jpeg_bytes(picture: &DynamicImage, quality: u8) -> Result<Vec<u8>, image::ImageError> {
    let mut bytes = Vec::new();
    picture.write_with_encoder(image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality))?;
    Ok(bytes)
}

fn jpeg(picture: &DynamicImage, quality: u8) -> Result<DynamicImage, image::ImageError> {
    image::load_from_memory(&jpeg_bytes(picture, quality)?)
}

/// The picture as 8-bit RGB on white paper: what a JPEG or a viewer's screenshot holds.
pub(crate) fn on_white(picture: &DynamicImage) -> DynamicImage {
    if !picture.color().has_alpha() {
        return DynamicImage::ImageRgb8(picture.to_rgb8());
    }
    let rgba = picture.to_rgba8();
    DynamicImage::ImageRgb8(RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [r, g, b, a] = rgba.get_pixel(x, y).0.map(u16::from);
        Rgb([r, g, b].map(|v| ((v * a + 255 * (255 - a) + 127) / 255) as u8))
    }))
}

/// Planes as an 8-bit picture.
pub(crate) fn picture_of(colours: &[Plane], alpha: Option<&Plane>) -> DynamicImage {
    let Size { width, height } = colours[0].size();
    let sample = |channel: usize, x: u32, y: u32| {
        let plane = &colours[channel.min(colours.len() - 1)];
        plane.at(x as usize, y as usize).round().clamp(0.0, 255.0) as u8
    };
    let rgb = |x: u32, y: u32| [0, 1, 2].map(|channel| sample(channel, x, y));
    let (width, height) = (width as u32, height as u32);
    match alpha {
        None => DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, |x, y| Rgb(rgb(x, y)))),
        Some(alpha) => DynamicImage::ImageRgba8(RgbaImage::from_fn(width, height, |x, y| {
            let [r, g, b] = rgb(x, y);
            image::Rgba([r, g, b, (alpha.at(x as usize, y as usize) * 255.0).round() as u8])
        })),
    }
}

/// A picture as colour planes and alpha.
pub(crate) fn planes_of(picture: &DynamicImage) -> (Vec<Plane>, Option<Plane>) {
    let size = Size { width: picture.width() as usize, height: picture.height() as usize };
    let rgba = picture.to_rgba8();
    let plane = |channel: usize, unit: f32| {
        Plane::from_fn(size, |x, y| f32::from(rgba.get_pixel(x as u32, y as u32).0[channel]) * unit)
    };
    let alpha = picture.color().has_alpha().then(|| plane(3, 1.0 / 255.0));
    (vec![plane(0, 1.0), plane(1, 1.0), plane(2, 1.0)], alpha)
}

/// A decoded frame as an 8-bit picture.
pub(crate) fn picture_of_frame(frame: &Frame) -> DynamicImage {
    picture_of(&frame.colours(), frame.alpha().as_ref())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use super::*;

    #[test]
    fn attacks_do_what_they_say() {
        let picture = DynamicImage::ImageRgba8(RgbaImage::from_fn(40, 20, |x, _| {
            image::Rgba([if x < 20 { 0 } else { 200 }, 50, 50, if x < 10 { 0 } else { 255 }])
        }));
        let size = |attack: Attack| attack.apply(&picture).unwrap().dimensions();
        assert_eq!(size(Attack::Resize(0.5)), (20, 10));
        assert_eq!(size(Attack::Crop(0.25)), (20, 10));
        assert_eq!(size(Attack::QuarterTurn), (20, 40));
        assert_eq!(Attack::Mirror.apply(&picture).unwrap().get_pixel(0, 0).0[0], 200);
        assert_eq!(on_white(&picture).get_pixel(0, 0).0, [255, 255, 255, 255]);
        let (colours, alpha) = planes_of(&picture);
        assert_eq!(picture_of(&colours, alpha.as_ref()).to_rgba8(), picture.to_rgba8());
        assert_eq!(Attack::Crop(0.5).slug(), "crop-to-50");
    }
}
