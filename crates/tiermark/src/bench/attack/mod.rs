//! What leaks do to pictures, as functions from picture to picture.
//!
//! The ranges are those of the benchmarks that others publish (W-Bench, OmniSeal, StirMark), the rest is what happens to
//! animation: contact sheets, messengers, painting over, filming a screen. Chance comes from a seed, so that two runs do
//! the same.

mod codec;
mod colour;
mod filter;
mod geometry;
mod overlay;

use image::imageops::FilterType;
use image::{DynamicImage, GenericImageView, Rgb, RgbImage, RgbaImage};
use tiermark_frame::Frame;
use tiermark_signal::{Plane, Size};

pub use codec::Codec;

/// How much is asked of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Demand {
    /// Every frame.
    All,
    /// 95 of 100.
    Most,
    /// 70 of 100.
    Many,
    /// Nothing: shown for comparison.
    None,
}

impl Demand {
    /// The share of frames that must be named.
    pub fn share(self) -> f64 {
        match self {
            Self::All => 1.0,
            Self::Most => 0.95,
            Self::Many => 0.7,
            Self::None => 0.0,
        }
    }
}

/// One way to change a picture. Shares are of width and height unless they say area; angles are degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Attack {
    /// The copy as it was handed out.
    None,
    /// JPEG of this quality, 4:4:4.
    Jpeg(u8),
    /// JPEG of this quality, 4:2:0.
    JpegChroma(u8),
    /// Another codec at a quality of its own.
    Coded(Codec, u8),
    /// 256 colours, dithered.
    Gif,
    /// Resampled to this share.
    Resize(f64),
    /// Width alone resampled to this share.
    Aspect(f64),
    /// A cutting of this share of the area, anywhere.
    Crop(f64),
    /// Left and right exchanged.
    Mirror,
    /// A quarter turn clockwise.
    QuarterTurn,
    /// Turned on a larger white canvas.
    Rotate(f64),
    /// Sheared by this share.
    Shear(f64),
    /// Corners moved inward by up to this share.
    Perspective(f64),
    /// Smooth random displacement of up to this many pixels.
    Bend(f64),
    /// This share of rows and columns left out.
    DropRows(f64),
    /// Moved by this share on a white canvas of the same size.
    Shift(f64),
    /// Black bars to a square or twice as wide a canvas.
    Letterbox,
    /// In a viewer on a desktop, at this share of its size.
    Window(f64),
    /// Colours thrown away.
    Grayscale,
    /// `255 (v / 255)^gamma`.
    Gamma(f64),
    /// Around the middle.
    Contrast(f64),
    /// All values by a factor.
    Brightness(f64),
    /// Distance from grey by a factor.
    Saturation(f64),
    /// Hue turned.
    Hue(f64),
    /// Gaussian blur of this standard deviation, pixels.
    Blur(f64),
    /// Gaussian noise of this standard deviation, code values.
    Noise(f64),
    /// Median of 5 by 5.
    Median,
    /// Bilateral filter, 3 pixels and 25 code values.
    Bilateral,
    /// Non-local means.
    NonLocalMeans,
    /// What non-local means takes away, taken away one and a half times more: removal without the key.
    Subtracted,
    /// This many levels to a channel.
    Posterise(u8),
    /// Black where it is dark, white elsewhere.
    Threshold,
    /// An opaque block over this share of the area.
    Logo(f64),
    /// Notes in red pen.
    Annotations,
    /// Painted over with a soft brush, this share of the area.
    Repaint(f64),
    /// Once among nine pictures.
    ContactSheet,
    /// Filmed off a screen.
    Phone,
    /// Half size, then JPEG 75.
    HalfAndJpeg,
    /// 1280 pixels on the long side, then JPEG 70.
    Messenger,
    /// 720 lines, H.264 at crf 30, then JPEG 80.
    ReviewClip,
    /// JPEG, a cutting of 71 % of the area and half as bright again.
    JpegCropBright(u8),
    /// The mean with another recipient's copy.
    Average,
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

/// Rows in which every frame must be named.
const ALL: &[Attack] = &[
    Attack::None,
    Attack::Jpeg(90),
    Attack::Jpeg(75),
    Attack::Jpeg(50),
    Attack::JpegChroma(75),
    Attack::Coded(Codec::WebP, 75),
    Attack::Coded(Codec::Avif, 60),
    Attack::Resize(0.75),
    Attack::Resize(0.5),
    Attack::Resize(1.5),
    Attack::HalfAndJpeg,
    Attack::Aspect(0.9),
    Attack::Mirror,
    Attack::QuarterTurn,
    Attack::Crop(0.75),
    Attack::Crop(0.5),
    Attack::Grayscale,
    Attack::Gamma(0.67),
    Attack::Gamma(1.5),
    Attack::Contrast(0.7),
    Attack::Contrast(1.3),
    Attack::Brightness(0.7),
    Attack::Brightness(1.3),
    Attack::Saturation(0.5),
    Attack::Saturation(1.5),
    Attack::Hue(30.0),
    Attack::Blur(1.0),
    Attack::Noise(5.0),
    Attack::Logo(0.2),
    Attack::Annotations,
];

/// Rows in which 95 of 100 frames must be named.
const MOST: &[Attack] = &[
    Attack::Jpeg(30),
    Attack::Coded(Codec::WebP, 40),
    Attack::Coded(Codec::Avif, 40),
    Attack::Coded(Codec::H264, 23),
    Attack::Coded(Codec::H264, 28),
    Attack::Coded(Codec::Hevc, 28),
    Attack::Resize(0.33),
    Attack::Crop(0.25),
    Attack::Rotate(0.5),
    Attack::Rotate(2.0),
    Attack::Rotate(5.0),
    Attack::Rotate(15.0),
    Attack::Rotate(45.0),
    Attack::Shear(0.05),
    Attack::Shear(0.15),
    Attack::Perspective(0.05),
    Attack::Bend(3.0),
    Attack::DropRows(0.01),
    Attack::Shift(0.075),
    Attack::Letterbox,
    Attack::Window(0.6),
    Attack::Blur(2.0),
    Attack::Noise(10.0),
    Attack::Median,
    Attack::Bilateral,
    Attack::NonLocalMeans,
    Attack::Gif,
    Attack::Messenger,
    Attack::ReviewClip,
];

/// Rows in which 70 of 100 frames must be named.
const MANY: &[Attack] = &[
    Attack::Jpeg(20),
    Attack::Coded(Codec::H264, 35),
    Attack::Resize(0.25),
    Attack::Crop(0.1),
    Attack::ContactSheet,
    Attack::Repaint(0.5),
    Attack::Phone,
    Attack::Average,
];

/// Rows for comparison with the benchmarks of others, and beyond.
const SHOWN: &[Attack] = &[
    Attack::Jpeg(70),
    Attack::Jpeg(40),
    Attack::Jpeg(25),
    Attack::Jpeg(10),
    Attack::Blur(3.0),
    Attack::Blur(5.0),
    Attack::Noise(15.3),
    Attack::Noise(25.5),
    Attack::Brightness(1.5),
    Attack::Brightness(2.0),
    Attack::JpegCropBright(80),
    Attack::JpegCropBright(60),
    Attack::JpegCropBright(40),
    Attack::Perspective(0.1),
    Attack::Crop(0.05),
    Attack::Coded(Codec::Vp9, 35),
    Attack::Coded(Codec::H264, 40),
    Attack::Posterise(16),
    Attack::Threshold,
    Attack::Subtracted,
];

/// The whole table, in its order.
pub fn all() -> Vec<Attack> {
    [ALL, MOST, MANY, SHOWN].concat()
}

/// What an attacker holds.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// A marked copy.
    pub copy: &'a DynamicImage,
    /// Another recipient's copy of the same picture.
    pub second: Option<&'a DynamicImage>,
}

/// Why there is no picture after an attack.
#[derive(Debug, thiserror::Error)]
pub enum AttackError {
    /// It needs something that is not here.
    #[error("left out: {0}")]
    Skipped(String),
    /// It went wrong.
    #[error("{0}")]
    Failed(String),
}

impl From<image::ImageError> for AttackError {
    fn from(error: image::ImageError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl std::fmt::Display for Attack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let percent = |share: &f64| format!("{:.0} %", share * 100.0);
        let text = match self {
            Self::None => "none".to_owned(),
            Self::Jpeg(quality) => format!("JPEG {quality}"),
            Self::JpegChroma(quality) => format!("JPEG {quality}, 4:2:0"),
            Self::Coded(codec, quality) => codec.name(*quality),
            Self::Gif => "GIF".to_owned(),
            Self::Resize(share) => format!("resize {}", percent(share)),
            Self::Aspect(share) => format!("aspect x{share}"),
            Self::Crop(area) => format!("crop to {} of the area", percent(area)),
            Self::Mirror => "mirror".to_owned(),
            Self::QuarterTurn => "90 degrees".to_owned(),
            Self::Rotate(degrees) => format!("rotation {degrees} degrees"),
            Self::Shear(share) => format!("shear {}", percent(share)),
            Self::Perspective(share) => format!("perspective {}", percent(share)),
            Self::Bend(pixels) => format!("bends to {pixels} px"),
            Self::DropRows(share) => format!("{} of rows and columns left out", percent(share)),
            Self::Shift(share) => format!("translation {:.1} %", share * 100.0),
            Self::Letterbox => "letterbox".to_owned(),
            Self::Window(share) => format!("screenshot in a window at {}", percent(share)),
            Self::Grayscale => "grayscale".to_owned(),
            Self::Gamma(gamma) => format!("gamma {gamma}"),
            Self::Contrast(factor) => format!("contrast x{factor}"),
            Self::Brightness(factor) => format!("brightness x{factor}"),
            Self::Saturation(factor) => format!("saturation x{factor}"),
            Self::Hue(degrees) => format!("hue +{degrees} degrees"),
            Self::Blur(sigma) => format!("blur {sigma}"),
            Self::Noise(sigma) => format!("noise {sigma}"),
            Self::Median => "median 5".to_owned(),
            Self::Bilateral => "bilateral".to_owned(),
            Self::NonLocalMeans => "non-local means".to_owned(),
            Self::Subtracted => "denoised, residual subtracted 1.5 times".to_owned(),
            Self::Posterise(levels) => format!("posterise {levels}"),
            Self::Threshold => "black and white".to_owned(),
            Self::Logo(area) => format!("logo over {}", percent(area)),
            Self::Annotations => "annotations".to_owned(),
            Self::Repaint(area) => format!("painted over {}", percent(area)),
            Self::ContactSheet => "3 x 3 contact sheet".to_owned(),
            Self::Phone => "phone photo of a screen".to_owned(),
            Self::HalfAndJpeg => "resize 50 % + JPEG 75".to_owned(),
            Self::Messenger => "messenger, 1280 px + JPEG 70".to_owned(),
            Self::ReviewClip => "720p + H.264 crf 30 + JPEG 80".to_owned(),
            Self::JpegCropBright(quality) => format!("JPEG {quality} + crop 71 % + brightness x1.5"),
            Self::Average => "mean of two recipients' copies".to_owned(),
        };
        f.write_str(&text)
    }
}

impl Attack {
    /// A short name for a file.
    pub fn slug(&self) -> String {
        let keep = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        let dashed: String = self.to_string().replace(" % of the area", "").chars().map(keep).collect();
        dashed.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
    }

    /// How much is asked of this row.
    pub fn demand(&self) -> Demand {
        let asked = [(ALL, Demand::All), (MOST, Demand::Most), (MANY, Demand::Many)];
        asked.into_iter().find(|(rows, _)| rows.contains(self)).map_or(Demand::None, |(_, demand)| demand)
    }

    /// Whether the row is beyond physical reach on pure white paper: what lies between 254 and 255 is rounded away.
    pub fn erases_white(&self) -> bool {
        matches!(self, Self::Jpeg(quality) if *quality <= 20)
            || matches!(self, Self::Posterise(_) | Self::Threshold)
            || matches!(self, Self::Brightness(factor) | Self::Contrast(factor) if *factor > 1.0)
            || matches!(self, Self::JpegCropBright(_))
    }

    /// The picture after the attack; `seed` decides what is left to chance.
    ///
    /// # Errors
    /// If a codec refuses the picture, or something is missing: a program, or a second copy.
    pub fn apply(&self, scene: &Scene<'_>, seed: u64) -> Result<DynamicImage, AttackError> {
        let copy = scene.copy;
        // Alpha is kept only where a person would keep it.
        if let Some(kept) = match self {
            Self::None => Some(copy.clone()),
            Self::Mirror => Some(copy.fliph()),
            Self::QuarterTurn => Some(copy.rotate90()),
            _ => None,
        } {
            return Ok(kept);
        }
        let picture = on_white(copy);
        let mut dice = fastrand::Rng::with_seed(seed);
        if let Some(coded) = self.recoded(&picture)? {
            return Ok(coded);
        }
        let planes = planes_of(&picture).0;
        let changed = match *self {
            Self::Crop(area) => geometry::crop(&planes, area, &mut dice),
            Self::Rotate(degrees) => geometry::rotate(&planes, degrees),
            Self::Shear(share) => geometry::shear(&planes, share),
            Self::Perspective(share) => geometry::perspective(&planes, share, &mut dice),
            Self::Bend(pixels) => geometry::bend(&planes, pixels, &mut dice),
            Self::DropRows(share) => geometry::drop_rows(&planes, share, &mut dice),
            Self::Shift(share) => geometry::shift(&planes, share),
            Self::Letterbox => geometry::letterbox(&planes),
            Self::Window(share) => overlay::window(&planes, share),
            Self::Grayscale => colour::saturation(&planes, 0.0),
            Self::Gamma(gamma) => colour::gamma(&planes, gamma),
            Self::Contrast(factor) => colour::linear(&planes, factor, 128.0),
            Self::Brightness(factor) => colour::linear(&planes, factor, 0.0),
            Self::Saturation(factor) => colour::saturation(&planes, factor),
            Self::Hue(degrees) => colour::hue(&planes, degrees),
            Self::Posterise(levels) => colour::posterise(&planes, levels),
            Self::Threshold => colour::threshold(&planes),
            Self::Blur(sigma) => filter::blur(&planes, sigma),
            Self::Noise(sigma) => filter::noise(&planes, sigma, &mut dice),
            Self::Median => filter::median(&planes),
            Self::Bilateral => filter::bilateral(&planes),
            Self::NonLocalMeans => filter::non_local_means(&planes),
            Self::Subtracted => filter::subtracted(&planes, &filter::non_local_means(&planes), 1.5),
            Self::Logo(area) => overlay::logo(&planes, area, &mut dice),
            Self::Annotations => overlay::annotations(&planes, &mut dice),
            Self::Repaint(area) => overlay::repaint(&planes, area, &mut dice),
            Self::ContactSheet => overlay::contact_sheet(&planes, &mut dice),
            Self::Phone => return Ok(jpeg(&picture_of(&overlay::phone(&planes, &mut dice), None), 85)?),
            Self::Average => {
                let second = scene.second.ok_or_else(|| AttackError::Skipped("no second copy".to_owned()))?;
                colour::mean(&planes, &planes_of(&on_white(second)).0)
            }
            _ => planes,
        };
        Ok(picture_of(&changed, None))
    }

    /// The attacks that go through an encoder or a resampler of a library; `None` for all others.
    fn recoded(&self, picture: &DynamicImage) -> Result<Option<DynamicImage>, AttackError> {
        let scaled = |across: f64, down: f64| {
            let side = |n: u32, share: f64| ((f64::from(n) * share).round() as u32).max(1);
            let (width, height) = picture.dimensions();
            picture.resize_exact(side(width, across), side(height, down), FilterType::Lanczos3)
        };
        let at_most = |long: u32| {
            let share = f64::from(long) / f64::from(picture.width().max(picture.height()));
            scaled(share.min(1.0), share.min(1.0))
        };
        Ok(Some(match *self {
            Self::Jpeg(quality) => jpeg(picture, quality)?,
            Self::JpegChroma(quality) => codec::jpeg_chroma(picture, quality)?,
            Self::Coded(codec, quality) => codec.round_trip(picture, quality)?,
            Self::Gif => codec::gif(picture)?,
            Self::Resize(share) => scaled(share, share),
            Self::Aspect(share) => scaled(share, 1.0),
            Self::HalfAndJpeg => jpeg(&scaled(0.5, 0.5), 75)?,
            Self::Messenger => jpeg(&at_most(1280), 70)?,
            Self::ReviewClip => {
                let share = (720.0 / f64::from(picture.height())).min(1.0);
                jpeg(&Codec::H264.round_trip(&scaled(share, share), 30)?, 80)?
            }
            Self::JpegCropBright(quality) => {
                let planes = planes_of(&jpeg(picture, quality)?).0;
                let cut = geometry::crop(&planes, 0.71, &mut fastrand::Rng::with_seed(u64::from(quality)));
                picture_of(&colour::linear(&cut, 1.5, 0.0), None)
            }
            _ => return Ok(None),
        }))
    }
}

/// The bytes of a JPEG file.
pub(crate) fn jpeg_bytes(picture: &DynamicImage, quality: u8) -> Result<Vec<u8>, image::ImageError> {
    let mut bytes = Vec::new();
    picture.write_with_encoder(image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality))?;
    Ok(bytes)
}

pub(crate) fn jpeg(picture: &DynamicImage, quality: u8) -> Result<DynamicImage, image::ImageError> {
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

    fn drawing() -> DynamicImage {
        DynamicImage::ImageRgb8(RgbImage::from_fn(320, 200, |x, y| {
            let stripe = (x / 20 + y / 30) % 3;
            Rgb([60 * stripe as u8 + (x / 4) as u8, 90 + (y / 3) as u8, 200 - 50 * stripe as u8])
        }))
    }

    #[test]
    fn attacks_do_what_they_say() {
        let picture = DynamicImage::ImageRgba8(RgbaImage::from_fn(40, 20, |x, _| {
            image::Rgba([if x < 20 { 0 } else { 200 }, 50, 50, if x < 10 { 0 } else { 255 }])
        }));
        let scene = Scene { copy: &picture, second: None };
        let size = |attack: Attack| attack.apply(&scene, 1).unwrap().dimensions();
        assert_eq!(size(Attack::Resize(0.5)), (20, 10));
        assert_eq!(size(Attack::Crop(0.25)), (20, 10));
        assert_eq!(size(Attack::QuarterTurn), (20, 40));
        assert_eq!(Attack::Mirror.apply(&scene, 1).unwrap().get_pixel(0, 0).0[0], 200);
        assert_eq!(on_white(&picture).get_pixel(0, 0).0, [255, 255, 255, 255]);
        let (colours, alpha) = planes_of(&picture);
        assert_eq!(picture_of(&colours, alpha.as_ref()).to_rgba8(), picture.to_rgba8());
        assert_eq!(Attack::Crop(0.5).slug(), "crop-to-50");
        assert!(matches!(Attack::Average.apply(&scene, 1), Err(AttackError::Skipped(_))));
    }

    #[test]
    fn names_differ_and_every_attack_changes_the_picture_the_same_way_each_time() {
        let picture = drawing();
        let scene = Scene { copy: &picture, second: Some(&picture) };
        let mut slugs: Vec<String> = all().iter().map(Attack::slug).collect();
        let count = slugs.len();
        slugs.sort_unstable();
        slugs.dedup();
        assert_eq!(slugs.len(), count);
        for attack in all() {
            match attack.apply(&scene, 7) {
                Ok(once) => {
                    let changed = once.to_rgb8() != picture.to_rgb8();
                    let unchanged = matches!(attack, Attack::None | Attack::Average);
                    assert!(changed != unchanged, "{attack}");
                    assert_eq!(once.to_rgb8(), attack.apply(&scene, 7).unwrap().to_rgb8(), "{attack}");
                }
                Err(AttackError::Skipped(_)) => {}
                Err(error) => unreachable!("{attack}: {error}"),
            }
        }
        assert_eq!(Attack::Jpeg(75).demand(), Demand::All);
        assert_eq!(Attack::Phone.demand(), Demand::Many);
        assert_eq!(Attack::Jpeg(10).demand(), Demand::None);
    }
}
