//! The rows of the table: every change by name, and what is asked of each.

use super::{Codec, Mix};

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
    /// So many colours, dithered: a small GIF.
    Palette(u8),
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
    /// Light and dark exchanged.
    Negative,
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
    /// A pencil filter: grey, dodged by its own blur of this standard deviation.
    Lines(f64),
    /// Channels mixed, gamma, lifted blacks, then JPEG 75.
    Graded,
    /// Gaussian blur of this standard deviation, then JPEG 75.
    BlurAndJpeg(f64),
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
    /// Resampled to this share, then JPEG 75.
    SmallAndJpeg(f64),
    /// 1280 pixels on the long side, then JPEG 70.
    Messenger,
    /// 720 lines, H.264 at crf 30, then JPEG 80.
    ReviewClip,
    /// JPEG, a cutting of 71 % of the area and half as bright again.
    JpegCropBright(u8),
    /// The mean with another recipient's copy.
    Average,
    /// So many recipients' copies mixed, then JPEG 50.
    Mixed(Mix, u8),
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
    Attack::SmallAndJpeg(0.5),
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
    Attack::SmallAndJpeg(0.5),
    Attack::Aspect(0.9),
    Attack::Mirror,
    Attack::QuarterTurn,
    Attack::Crop(0.75),
    Attack::Crop(0.5),
    Attack::Grayscale,
    Attack::Negative,
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

/// What is done to copies before they are read with the originals at hand.
const INFORMED: &[Attack] = &[
    Attack::SmallAndJpeg(0.25),
    Attack::Jpeg(10),
    Attack::BlurAndJpeg(4.0),
    Attack::Crop(0.05),
    Attack::Palette(64),
    Attack::Repaint(0.6),
    Attack::Window(0.55),
    Attack::Noise(25.0),
    Attack::Lines(5.0),
    Attack::Graded,
    Attack::Phone,
    Attack::ContactSheet,
    Attack::Coded(Codec::H264, 35),
    Attack::Mixed(Mix::Mean, 2),
    Attack::Mixed(Mix::Mean, 3),
    Attack::Mixed(Mix::Mean, 5),
    Attack::Mixed(Mix::Mean, 10),
    Attack::Mixed(Mix::Median, 3),
    Attack::Mixed(Mix::Extremes, 3),
    Attack::Mixed(Mix::Any, 3),
];

/// The table of what is read with the originals at hand, in its order.
pub fn informed() -> Vec<Attack> {
    INFORMED.to_vec()
}

/// The whole table of what is read blindly, in its order.
pub fn all() -> Vec<Attack> {
    [ALL, MOST, MANY, SHOWN].concat()
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
            Self::Negative => "negative".to_owned(),
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
            Self::SmallAndJpeg(share) => format!("resize {} + JPEG 75", percent(share)),
            Self::Messenger => "messenger, 1280 px + JPEG 70".to_owned(),
            Self::ReviewClip => "720p + H.264 crf 30 + JPEG 80".to_owned(),
            Self::JpegCropBright(quality) => format!("JPEG {quality} + crop 71 % + brightness x1.5"),
            Self::Average => "mean of two recipients' copies".to_owned(),
            Self::Palette(colours) => format!("GIF, {colours} colours"),
            Self::Lines(sigma) => format!("lines extracted, {sigma} px"),
            Self::Graded => "graded + JPEG 75".to_owned(),
            Self::BlurAndJpeg(sigma) => format!("blur {sigma} + JPEG 75"),
            Self::Mixed(mix, copies) => format!("{} of {copies} copies + JPEG 50", mix.name()),
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

    /// How much is asked of this row where the originals are at hand.
    pub fn informed_demand(&self) -> Demand {
        match self {
            Self::Phone | Self::ContactSheet => Demand::Many,
            Self::Coded(..) => Demand::None,
            Self::Mixed(Mix::Mean, 2 | 3) => Demand::Most,
            Self::Mixed(..) => Demand::None,
            attack if INFORMED.contains(attack) => Demand::Most,
            attack => attack.demand(),
        }
    }

    /// Whether the row is beyond physical reach on pure white paper: what lies between 254 and 255 is rounded away.
    pub fn erases_white(&self) -> bool {
        matches!(self, Self::Jpeg(quality) if *quality <= 20)
            || matches!(self, Self::Posterise(_) | Self::Threshold)
            || matches!(self, Self::Brightness(factor) | Self::Contrast(factor) if *factor > 1.0)
            || matches!(self, Self::JpegCropBright(_))
    }
}
