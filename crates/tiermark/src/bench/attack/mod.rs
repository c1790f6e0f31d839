//! What leaks do to pictures, as functions from picture to picture.
//!
//! The ranges are those of the benchmarks that others publish (W-Bench, OmniSeal, StirMark), the rest is what happens to
//! animation: contact sheets, messengers, painting over, filming a screen. Chance comes from a seed, so that two runs do
//! the same.

mod catalogue;
mod codec;
mod colour;
mod filter;
mod geometry;
mod mixture;
mod overlay;

use image::imageops::FilterType;
use image::{DynamicImage, GenericImageView, Rgb, RgbImage, RgbaImage};
use tiermark_frame::Frame;
use tiermark_mark::{Picture, Rows};
use tiermark_signal::{Plane, Size};

pub use catalogue::{Attack, BASIC, Demand, all, informed};
pub use codec::Codec;
pub use mixture::Mix;

use crate::rows::Found;

/// What an attacker holds.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// Marked copies of one picture, one to a recipient. The first is what most attacks change.
    pub copies: &'a [DynamicImage],
}

/// What there is after an attack.
enum Done {
    /// A picture, which may be saved without loss.
    Picture(DynamicImage),
    /// The bytes of a JPEG file.
    Jpeg(Vec<u8>),
}

impl From<DynamicImage> for Done {
    fn from(picture: DynamicImage) -> Self {
        Self::Picture(picture)
    }
}

impl Done {
    fn picture(self) -> Result<DynamicImage, AttackError> {
        match self {
            Self::Picture(picture) => Ok(picture),
            Self::Jpeg(bytes) => Ok(image::load_from_memory(&bytes)?),
        }
    }

    fn file(self) -> Result<Vec<u8>, AttackError> {
        match self {
            Self::Jpeg(bytes) => Ok(bytes),
            Self::Picture(picture) => {
                let mut bytes = std::io::Cursor::new(Vec::new());
                picture.write_to(&mut bytes, image::ImageFormat::Png)?;
                Ok(bytes.into_inner())
            }
        }
    }
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

impl Attack {
    /// The picture after the attack; `seed` decides what is left to chance.
    ///
    /// # Errors
    /// If a codec refuses the picture, or something is missing: a program, or copies.
    pub fn apply(&self, scene: &Scene<'_>, seed: u64) -> Result<DynamicImage, AttackError> {
        self.done(scene, seed)?.picture()
    }

    /// The bytes of the file that an attacker leaves: a JPEG where that is the last step, a PNG otherwise.
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub fn file(&self, scene: &Scene<'_>, seed: u64) -> Result<Vec<u8>, AttackError> {
        self.done(scene, seed)?.file()
    }

    /// How many copies it needs.
    pub fn copies(&self) -> usize {
        match self {
            Self::Average => 2,
            Self::Mixed(_, copies) => usize::from(*copies),
            _ => 1,
        }
    }

    fn done(&self, scene: &Scene<'_>, seed: u64) -> Result<Done, AttackError> {
        let Some(copies) = scene.copies.get(..self.copies()) else {
            return Err(AttackError::Skipped(format!("it takes {} copies", self.copies())));
        };
        // Alpha is kept only where a person would keep it.
        if let Some(kept) = match self {
            Self::None => Some(copies[0].clone()),
            Self::Mirror => Some(copies[0].fliph()),
            Self::QuarterTurn => Some(copies[0].rotate90()),
            _ => None,
        } {
            return Ok(kept.into());
        }
        let picture = on_white(&copies[0]);
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
            Self::Negative => colour::linear(&planes, -1.0, 127.5),
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
            Self::Lines(sigma) => filter::lines(&planes, sigma),
            Self::Subtracted => filter::subtracted(&planes, &filter::non_local_means(&planes), 1.5),
            Self::Logo(area) => overlay::logo(&planes, area, &mut dice),
            Self::Annotations => overlay::annotations(&planes, &mut dice),
            Self::Repaint(area) => overlay::repaint(&planes, area, &mut dice),
            Self::ContactSheet => overlay::contact_sheet(&planes, &mut dice),
            Self::Phone => return jpeg_of(&overlay::phone(&planes, &mut dice), 85),
            Self::BlurAndJpeg(sigma) => return jpeg_of(&filter::blur(&planes, sigma), 75),
            Self::Graded => return jpeg_of(&colour::graded(&planes), 75),
            Self::Average => Mix::Mean.of(copies, &mut dice),
            Self::Mixed(mix, _) => return jpeg_of(&mix.of(copies, &mut dice), 50),
            _ => planes,
        };
        Ok(picture_of(&changed, None).into())
    }

    /// The attacks that go through an encoder or a resampler of a library; `None` for all others.
    fn recoded(&self, picture: &DynamicImage) -> Result<Option<Done>, AttackError> {
        let scaled = |across: f64, down: f64| {
            let side = |n: u32, share: f64| ((f64::from(n) * share).round() as u32).max(1);
            let (width, height) = picture.dimensions();
            picture.resize_exact(side(width, across), side(height, down), FilterType::Lanczos3)
        };
        let at_most = |long: u32| {
            let share = f64::from(long) / f64::from(picture.width().max(picture.height()));
            scaled(share.min(1.0), share.min(1.0))
        };
        let jpeg = |picture: &DynamicImage, quality| jpeg_bytes(picture, quality).map(Done::Jpeg);
        Ok(Some(match *self {
            Self::Jpeg(quality) => jpeg(picture, quality)?,
            Self::JpegChroma(quality) => Done::Jpeg(codec::jpeg_chroma(picture, quality)?),
            Self::Coded(codec, quality) => codec.round_trip(picture, quality)?.into(),
            Self::Gif => codec::gif(picture)?.into(),
            Self::Palette(colours) => codec::palette(picture, usize::from(colours)).into(),
            Self::Resize(share) => scaled(share, share).into(),
            Self::Aspect(share) => scaled(share, 1.0).into(),
            Self::SmallAndJpeg(share) => jpeg(&scaled(share, share), 75)?,
            Self::Messenger => jpeg(&at_most(1280), 70)?,
            Self::ReviewClip => {
                let share = (720.0 / f64::from(picture.height())).min(1.0);
                jpeg(&Codec::H264.round_trip(&scaled(share, share), 30)?, 80)?
            }
            Self::JpegCropBright(quality) => {
                let planes = planes_of(&jpeg(picture, quality)?.picture()?).0;
                let cut = geometry::crop(&planes, 0.71, &mut fastrand::Rng::with_seed(u64::from(quality)));
                picture_of(&colour::linear(&cut, 1.5, 0.0), None).into()
            }
            _ => return Ok(None),
        }))
    }
}

fn jpeg_of(planes: &[Plane], quality: u8) -> Result<Done, AttackError> {
    Ok(Done::Jpeg(jpeg_bytes(&picture_of(planes, None), quality)?))
}

/// The bytes of a JPEG file.
pub(crate) fn jpeg_bytes(picture: &DynamicImage, quality: u8) -> Result<Vec<u8>, image::ImageError> {
    let mut bytes = Vec::new();
    picture.write_with_encoder(image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality))?;
    Ok(bytes)
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
    picture_of_rows(&Picture { colours, alpha, premultiplied: false })
}

/// A decoded frame as an 8-bit picture.
pub(crate) fn picture_of_frame(frame: &Frame) -> DynamicImage {
    picture_of_rows(&Found(frame))
}

/// The same on white paper.
pub(crate) fn paper_of_frame(frame: &Frame) -> DynamicImage {
    let picture = picture_of_frame(frame);
    if frame.has_alpha() { on_white(&picture) } else { picture }
}

fn picture_of_rows(picture: &impl Rows) -> DynamicImage {
    let Size { width, height } = picture.size();
    let channels = 3 + usize::from(picture.has_alpha());
    let (mut samples, mut row) = (vec![0; width * height * channels], vec![0.0; width]);
    for (y, pixels) in samples.chunks_exact_mut(width * channels).enumerate() {
        for channel in 0..channels {
            if channel == 3 {
                picture.alpha_row(y, &mut row);
                row.iter_mut().for_each(|v| *v *= 255.0);
            } else {
                picture.colour_row(channel.min(picture.channels() - 1), y, &mut row);
            }
            let places = pixels.iter_mut().skip(channel).step_by(channels);
            places.zip(&row).for_each(|(to, v)| *to = v.round().clamp(0.0, 255.0) as u8);
        }
    }
    let (width, height) = (width as u32, height as u32);
    let picture = match channels {
        3 => RgbImage::from_raw(width, height, samples).map(DynamicImage::ImageRgb8),
        _ => RgbaImage::from_raw(width, height, samples).map(DynamicImage::ImageRgba8),
    };
    picture.expect("as many samples as the size says")
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
        let scene = Scene { copies: std::slice::from_ref(&picture) };
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
        let scene = Scene { copies: &vec![picture.clone(); 10] };
        let every = {
            let mut every = all();
            every.extend(informed().into_iter().filter(|attack| !all().contains(attack)));
            every
        };
        let mut slugs: Vec<String> = every.iter().map(Attack::slug).collect();
        let count = slugs.len();
        slugs.sort_unstable();
        slugs.dedup();
        assert_eq!(slugs.len(), count);
        for attack in every {
            match attack.apply(&scene, 7) {
                Ok(once) => {
                    let changed = once.to_rgb8() != picture.to_rgb8();
                    let unchanged = matches!(attack, Attack::None | Attack::Average);
                    let saved = image::load_from_memory(&attack.file(&scene, 7).unwrap()).unwrap();
                    assert_eq!(saved.to_rgb8(), once.to_rgb8(), "{attack}");
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
