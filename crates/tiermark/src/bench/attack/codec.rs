//! Through real encoders and back.

use std::io::Cursor;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use image::{DynamicImage, GenericImageView, RgbImage};

use super::AttackError;

/// A codec that `ffmpeg` runs, where it is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// Lossy WebP by quality.
    WebP,
    /// AVIF by quality.
    Avif,
    /// H.264 by constant rate factor.
    H264,
    /// HEVC by constant rate factor.
    Hevc,
    /// VP9 by constant quality.
    Vp9,
}

/// Frames of the clip that a still becomes, and the one that is taken out: behind the first group's settling.
const FRAMES: u32 = 12;
const TAKEN: u32 = 6;
/// An encoder that takes longer than this is stopped.
const PATIENCE: Duration = Duration::from_secs(180);

impl Codec {
    pub(super) fn name(self, quality: u8) -> String {
        match self {
            Self::WebP => format!("WebP {quality}"),
            Self::Avif => format!("AVIF {quality}"),
            Self::H264 => format!("H.264 crf {quality}"),
            Self::Hevc => format!("HEVC crf {quality}"),
            Self::Vp9 => format!("VP9 crf {quality}"),
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::WebP => "webp",
            Self::Avif => "avif",
            Self::H264 | Self::Hevc => "mp4",
            Self::Vp9 => "webm",
        }
    }

    fn is_video(self) -> bool {
        matches!(self, Self::H264 | Self::Hevc | Self::Vp9)
    }

    fn encoder(self, quality: u8) -> Vec<String> {
        let arguments = match self {
            Self::WebP => format!("-c:v libwebp -quality {quality}"),
            // libaom counts the other way, from 0 (best) to 63.
            Self::Avif => {
                // And with what libavif asks of it for stills.
                let crf = 63 - u32::from(quality) * 63 / 100;
                format!(
                    "-c:v libaom-av1 -still-picture 1 -usage allintra -tune ssim -cpu-used 6 -crf {crf} -b:v 0"
                )
            }
            Self::H264 => format!("-c:v libx264 -preset medium -crf {quality}"),
            Self::Hevc => format!("-c:v libx265 -preset fast -x265-params log-level=none -crf {quality}"),
            Self::Vp9 => format!("-c:v libvpx-vp9 -deadline good -cpu-used 4 -crf {quality} -b:v 0"),
        };
        arguments.split(' ').map(str::to_owned).collect()
    }

    /// Encode and decode a picture; its last odd row or column is repeated while it is in the codec.
    pub(super) fn round_trip(self, picture: &DynamicImage, quality: u8) -> Result<DynamicImage, AttackError> {
        if !ffmpeg_is_here() {
            return Err(AttackError::Skipped("ffmpeg is not installed".to_owned()));
        }
        let failed = |error: std::io::Error| AttackError::Failed(error.to_string());
        let folder = tempfile::tempdir().map_err(failed)?;
        let path = |name: &str| folder.path().join(name);
        let (source, coded, back) =
            (path("in.png"), path(&format!("coded.{}", self.extension())), path("out.png"));
        even(picture).save(&source)?;
        let clip = if self.is_video() {
            format!("-loop 1 -framerate 24 -t {}", f64::from(FRAMES) / 24.0)
        } else {
            String::new()
        };
        let mut arguments: Vec<String> = clip.split_whitespace().map(str::to_owned).collect();
        arguments.extend(["-i".to_owned(), text(&source)]);
        // Video and WebP hold 16 to 235.
        let range = if self == Self::Avif { "pc" } else { "tv" };
        arguments.extend(words(&format!(
            "-vf scale=out_color_matrix=bt709:out_range={range},format=yuv420p -colorspace bt709 -color_range {range}"
        )));
        arguments.extend(self.encoder(quality));
        arguments.push(text(&coded));
        run(&arguments)?;
        let mut arguments = vec!["-i".to_owned(), text(&coded)];
        let taken = if self.is_video() { format!("select=eq(n\\,{TAKEN}),") } else { String::new() };
        arguments.extend([
            "-vf".to_owned(),
            format!("{taken}scale=in_color_matrix=bt709:in_range={range},format=rgb24"),
        ]);
        arguments.extend(words("-frames:v 1"));
        arguments.push(text(&back));
        run(&arguments)?;
        let (width, height) = picture.dimensions();
        Ok(image::open(&back)?.crop_imm(0, 0, width, height))
    }
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(' ').map(str::to_owned)
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn ffmpeg_is_here() -> bool {
    static HERE: OnceLock<bool> = OnceLock::new();
    *HERE.get_or_init(|| {
        let mut ask = Command::new("ffmpeg");
        ask.arg("-version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        ask.status().is_ok_and(|status| status.success())
    })
}

fn run(arguments: &[String]) -> Result<(), AttackError> {
    let mut command = Command::new("ffmpeg");
    // One thread: the table has its own workers, and some encoders' output depends on the number of threads.
    command.args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-threads", "1"]).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let failed = |what: &str| AttackError::Failed(format!("ffmpeg {}: {what}", arguments.join(" ")));
    let mut child = command.spawn().map_err(|error| failed(&error.to_string()))?;
    let started = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(failed(&status.to_string())),
            Ok(None) if started.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(5)),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(failed("took too long"));
            }
            Err(error) => return Err(failed(&error.to_string())),
        }
    }
}

fn even(picture: &DynamicImage) -> RgbImage {
    let rgb = picture.to_rgb8();
    let (width, height) = rgb.dimensions();
    RgbImage::from_fn(width + width % 2, height + height % 2, |x, y| {
        *rgb.get_pixel(x.min(width - 1), y.min(height - 1))
    })
}

pub(super) fn jpeg_chroma(picture: &DynamicImage, quality: u8) -> Result<Vec<u8>, AttackError> {
    let rgb = picture.to_rgb8();
    let failed = |error: &dyn std::fmt::Display| AttackError::Failed(error.to_string());
    let side = |n: u32| u16::try_from(n).map_err(|error| failed(&error));
    let (width, height) = (side(rgb.width())?, side(rgb.height())?);
    let mut bytes = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, quality);
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_2_2);
    encoder.encode(&rgb, width, height, jpeg_encoder::ColorType::Rgb).map_err(|error| failed(&error))?;
    Ok(bytes)
}

/// Colours chosen for the picture, and errors handed on to neighbours (Floyd and Steinberg): what small GIFs hold.
pub(super) fn palette(picture: &DynamicImage, colours: usize) -> DynamicImage {
    let mut rgba = picture.to_rgba8();
    let chosen = color_quant::NeuQuant::new(10, colours, rgba.as_raw());
    image::imageops::dither(&mut rgba, &chosen);
    DynamicImage::ImageRgb8(DynamicImage::ImageRgba8(rgba).to_rgb8())
}

/// 256 colours chosen for the picture, as GIF has them.
pub(super) fn gif(picture: &DynamicImage) -> Result<DynamicImage, AttackError> {
    let mut bytes = Vec::new();
    image::codecs::gif::GifEncoder::new_with_speed(&mut bytes, 10)
        .encode_frame(image::Frame::new(picture.to_rgba8()))?;
    let decoder = image::codecs::gif::GifDecoder::new(Cursor::new(bytes))?;
    Ok(DynamicImage::ImageRgb8(DynamicImage::from_decoder(decoder)?.to_rgb8()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use super::*;

    #[test]
    fn codecs_keep_size_and_colours_nearly() {
        let picture = DynamicImage::ImageRgb8(RgbImage::from_fn(121, 67, |x, y| {
            image::Rgb([40 + x as u8, 200 - y as u8, if x < 60 { 90 } else { 160 }])
        }));
        let chroma = image::load_from_memory(&jpeg_chroma(&picture, 90).unwrap()).unwrap();
        let mut tried = vec![chroma, gif(&picture).unwrap(), palette(&picture, 64)];
        for (codec, quality) in
            [(Codec::WebP, 90), (Codec::Avif, 90), (Codec::H264, 15), (Codec::Hevc, 15), (Codec::Vp9, 15)]
        {
            match codec.round_trip(&picture, quality) {
                Ok(back) => tried.push(back),
                Err(AttackError::Skipped(_)) => {}
                Err(error) => unreachable!("{codec:?}: {error}"),
            }
        }
        for (i, back) in tried.iter().enumerate() {
            assert_eq!(back.dimensions(), picture.dimensions());
            let apart = |(a, b): (&u8, &u8)| f64::from(a.abs_diff(*b));
            let samples = picture.as_bytes().iter().zip(back.as_bytes());
            let mean = samples.map(apart).sum::<f64>() / (121.0 * 67.0 * 3.0);
            assert!(mean < 6.0, "{i}: {mean}");
        }
    }
}
