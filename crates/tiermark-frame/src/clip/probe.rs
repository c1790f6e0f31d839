//! What ffprobe says of a clip.

use std::ffi::OsString;
use std::io::Read;
use std::path::Path;

use serde_json::Value;
use tiermark_signal::Size;

use super::Container;
use super::pixels::Pixels;
use super::process::{Ends, Tool, address, words};
use crate::{FrameError, Limits};

/// A clip, as far as it is known without its frames.
#[derive(Clone, Debug)]
pub struct Clip {
    container: Container,
    size: Size,
    pixels: String,
    pub(super) picture: Picture,
    /// All streams but the picture, in their order.
    pub(super) others: Vec<Other>,
    pub(super) brand: String,
    /// Whether the file has tags that only QuickTime's own way of writing keeps.
    pub(super) free_tags: bool,
    /// Why it cannot be written back, if nothing that the caller allows would help.
    trouble: Option<(String, &'static str)>,
}

/// The stream of pictures that is marked.
#[derive(Clone, Debug, Default)]
pub(super) struct Picture {
    pub(super) index: u64,
    pub(super) codec: String,
    pub(super) profile: String,
    /// The four letters by which a container names the codec.
    pub(super) tag: String,
    /// Frames a second, as a fraction.
    pub(super) rate: (u64, u64),
    pub(super) bit_rate: Option<u64>,
    pub(super) b_frames: u64,
    /// Ticks a second that its times are told in.
    pub(super) ticks: (u64, u64),
    /// When it begins, seconds after the file.
    pub(super) start: f64,
    pub(super) aspect: Option<String>,
    pub(super) range: Option<String>,
    pub(super) space: Option<String>,
    pub(super) transfer: Option<String>,
    pub(super) primaries: Option<String>,
    pub(super) chroma_place: Option<String>,
    pub(super) timecode: Option<String>,
    /// What it is marked as, by ffmpeg's words.
    pub(super) disposition: Vec<String>,
}

/// A stream that is copied.
#[derive(Clone, Debug)]
pub(super) struct Other {
    pub(super) index: u64,
    /// Whether the muxer makes it anew, from a tag or the chapters.
    pub(super) remade: bool,
    pub(super) disposition: Vec<String>,
}

impl Clip {
    /// Ask ffprobe what the clip is.
    ///
    /// # Errors
    /// If ffprobe is missing, the file is damaged or has no pictures that move, or they are larger than `limits` allow.
    pub fn probe(path: &Path, container: Container, limits: &Limits) -> Result<Self, FrameError> {
        let mut arguments = asked(container);
        arguments.extend(words(["-show_streams", "-show_format", "-of", "json", "-i"]));
        arguments.push(address(path));
        let tool = Tool::start("ffprobe", &arguments, &Ends::Output, limits.max_clip_seconds)?;
        let mut told = Vec::new();
        if let Some(output) = tool.output() {
            let read = output.take(limits.max_metadata_bytes + 1).read_to_end(&mut told);
            read.map_err(|error| FrameError::Clip(error.to_string()))?;
            limits.metadata(told.len())?; // before ffprobe is waited for: it may not have come to its end
        }
        tool.finish()?;
        Self::answered(&told, container, limits)
    }

    /// The clip that an answer of ffprobe's describes: JSON with `streams` and `format`.
    ///
    /// # Errors
    /// As [`Clip::probe`], as far as an answer alone can tell.
    pub fn answered(json: &[u8], container: Container, limits: &Limits) -> Result<Self, FrameError> {
        limits.metadata(json.len())?;
        let told = serde_json::from_slice(json).map_err(|error| FrameError::Clip(error.to_string()))?;
        Self::told(&told, container, limits)
    }

    /// What `told` says, as ffprobe writes it.
    fn told(told: &Value, container: Container, limits: &Limits) -> Result<Self, FrameError> {
        let none = Vec::new();
        let streams = told["streams"].as_array().unwrap_or(&none);
        let moves = |stream: &&Value| {
            text(stream, "codec_type") == "video" && stream["disposition"]["attached_pic"] != 1
        };
        let Some(picture) = streams.iter().find(moves) else {
            return Err(FrameError::NotSupported("a clip without moving pictures".into()));
        };
        let side = |name: &str| picture[name].as_u64().unwrap_or(0);
        let size = limits.clip_size(side("width"), side("height"))?;
        let index = side("index");
        let others =
            streams.iter().filter(|stream| stream["index"].as_u64() != Some(index)).map(|stream| Other {
                index: stream["index"].as_u64().unwrap_or(0),
                remade: is_remade(stream),
                disposition: disposition(stream),
            });
        let format = &told["format"]["tags"];
        let second = streams.iter().filter(moves).count() > 1;
        let mut clip = Self {
            container,
            size,
            pixels: text(picture, "pix_fmt").to_owned(),
            picture: Picture::told(picture),
            others: others.collect(),
            brand: text(format, "major_brand").to_owned(),
            free_tags: format.as_object().is_some_and(|tags| tags.keys().any(|tag| tag.contains('.'))),
            trouble: None,
        };
        // The original is shifted so that it begins at 0 as a whole.
        clip.picture.start -= text(&told["format"], "start_time").parse().unwrap_or(0.0);
        clip.trouble = second
            .then(|| ("a clip with several picture streams".to_owned(), "split it into one file for each"))
            .or_else(|| trouble_with(picture));
        Ok(clip)
    }

    /// Which container it is.
    pub fn container(&self) -> Container {
        self.container
    }

    /// Width and height as stored: a wish to be rotated is not heeded.
    pub fn size(&self) -> Size {
        self.size
    }

    /// The number of the picture stream.
    pub(super) fn stream(&self) -> u64 {
        self.picture.index
    }

    /// The codec's name, as ffmpeg has it.
    pub fn codec(&self) -> &str {
        &self.picture.codec
    }

    /// The timecode of the first frame.
    pub fn timecode(&self) -> Option<&str> {
        self.picture.timecode.as_deref()
    }

    /// Frames a second.
    pub fn frame_rate(&self) -> f64 {
        let (frames, seconds) = self.picture.rate;
        if frames == 0 || seconds == 0 { 25.0 } else { frames as f64 / seconds as f64 }
    }

    /// Whether luma uses all code values.
    pub fn is_full(&self) -> bool {
        match self.picture.range.as_deref() {
            Some("pc") => true,
            Some("tv") => false,
            _ => Pixels::named(&self.pixels).is_some_and(|pixels| pixels.full),
        }
    }

    /// The format in which its frames run through the pipe.
    ///
    /// # Errors
    /// If they are not luma and chroma in planes.
    pub fn pixels(&self) -> Result<Pixels, FrameError> {
        // ffmpeg reads ProRes 4444 with 12 bits and writes it from 10: coefficients are what is stored.
        let name = match (self.codec(), self.pixels.as_str()) {
            ("prores", "yuv444p12le") => "yuv444p10le",
            ("prores", "yuva444p12le") => "yuva444p10le",
            (_, name) => name,
        };
        Pixels::named(name).ok_or_else(|| FrameError::ReadOnly {
            what: format!("a clip of {} pixels", if name.is_empty() { "unknown" } else { name }),
            way_out: "stamp its frames as pictures, or a ProRes, DNxHR, H.264 or H.265 of it",
        })
    }

    /// Would [`super::ClipWriter`] refuse this clip whatever codec is asked for?
    ///
    /// # Errors
    /// [`FrameError::ReadOnly`] with the reason.
    pub(super) fn keepable(&self) -> Result<(), FrameError> {
        match &self.trouble {
            Some((what, way_out)) => Err(FrameError::ReadOnly { what: what.clone(), way_out }),
            None if self.container == Container::Mxf => Err(FrameError::ReadOnly {
                what: "an MXF file".to_owned(),
                way_out: "wrap it as MOV, which needs no new coding",
            }),
            None if matches!(self.container, Container::Jpeg2000 | Container::JpegXl) => {
                Err(FrameError::ReadOnly { what: "a still picture".to_owned(), way_out: "convert it to PNG" })
            }
            None => Ok(()),
        }
    }

    /// What of this clip is not in a copy of it, if anything is: streams, size, rate, timecode, and what is said of its
    /// colours.
    pub fn lost_in(&self, copy: &Self) -> Option<String> {
        let count = |clip: &Self| clip.others.iter().filter(|other| !other.remade).count();
        let (mine, theirs) = (&self.picture, &copy.picture);
        let lost = [
            ("its size", self.size == copy.size),
            ("some of its streams", count(self) == count(copy)),
            ("its frame rate", mine.rate == theirs.rate),
            ("its timecode", mine.timecode == theirs.timecode),
            ("its range of luma", self.is_full() == copy.is_full()),
            ("its colour matrix", mine.space.is_none() || mine.space == theirs.space),
            ("its transfer curve", mine.transfer.is_none() || mine.transfer == theirs.transfer),
            ("its primaries", mine.primaries.is_none() || mine.primaries == theirs.primaries),
        ];
        let gone = lost.iter().filter(|(_, kept)| !kept).map(|(what, _)| *what).collect::<Vec<_>>();
        (!gone.is_empty()).then(|| format!("the copy has lost {}", gone.join(", ")))
    }
}

/// What is always asked.
pub(super) fn asked(container: Container) -> Vec<OsString> {
    words(["-v", "error", "-protocol_whitelist", "file,pipe", "-f", container.demuxer()])
}

impl Picture {
    fn told(stream: &Value) -> Self {
        let known = |name: &str| Some(text(stream, name)).filter(|word| is_word(word)).map(str::to_owned);
        let tags = &stream["tags"];
        let timecode = [text(tags, "timecode"), text(tags, "TIMECODE")].into_iter().find(|t| !t.is_empty());
        Self {
            index: stream["index"].as_u64().unwrap_or(0),
            codec: text(stream, "codec_name").to_owned(),
            profile: text(stream, "profile").to_owned(),
            tag: text(stream, "codec_tag_string").to_owned(),
            rate: fraction(text(stream, "r_frame_rate"), '/'),
            bit_rate: text(stream, "bit_rate").parse().ok(),
            b_frames: stream["has_b_frames"].as_u64().unwrap_or(0),
            ticks: fraction(text(stream, "time_base"), '/'),
            start: text(stream, "start_time").parse().unwrap_or(0.0),
            aspect: Some(fraction(text(stream, "sample_aspect_ratio"), ':'))
                .filter(|(across, down)| *across > 0 && *down > 0)
                .map(|(across, down)| format!("{across}/{down}")),
            range: known("color_range"),
            space: known("color_space"),
            transfer: known("color_transfer"),
            primaries: known("color_primaries"),
            chroma_place: known("chroma_location"),
            timecode: timecode.map(str::to_owned),
            disposition: disposition(stream),
        }
    }
}

/// Whether a word of ffprobe's says something, and can be said back.
fn is_word(word: &str) -> bool {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    !word.is_empty() && !["unknown", "unspecified", "reserved"].contains(&word) && word.chars().all(plain)
}

/// What of a picture stream would be lost.
fn trouble_with(stream: &Value) -> Option<(String, &'static str)> {
    let order = text(stream, "field_order");
    if !["", "progressive", "unknown"].contains(&order) {
        return Some((format!("an interlaced clip ({order})"), "deinterlace it first"));
    }
    // This ffmpeg writes no rotation with pictures that it codes.
    if stream["side_data_list"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|data| !matches!(data["rotation"].as_i64(), None | Some(0)))
    {
        return Some(("a clip that is shown rotated".to_owned(), "rotate its pictures first"));
    }
    let data = stream["side_data_list"].as_array().into_iter().flatten();
    let lost = data
        .map(|data| text(data, "side_data_type"))
        .find(|kind| !["Display Matrix", "CPB properties", ""].contains(kind))?;
    Some((format!("a clip with {lost} beside its pictures"), "stamp its frames as pictures"))
}

/// Whether the muxer makes a stream anew: a track of timecode from its tag, one of chapter names from the chapters.
fn is_remade(stream: &Value) -> bool {
    text(stream, "codec_type") == "data"
        && (text(stream, "codec_tag_string") == "tmcd" || text(stream, "codec_name") == "bin_data")
}

fn disposition(stream: &Value) -> Vec<String> {
    let all = stream["disposition"].as_object().into_iter().flatten();
    all.filter(|(name, set)| **set == 1 && is_word(name)).map(|(name, _)| name.clone()).collect()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or("")
}

/// Two numbers; zeros where there are none.
fn fraction(text: &str, between: char) -> (u64, u64) {
    let parts = text.split_once(between).and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
    parts.unwrap_or((0, 0))
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use serde_json::json;

    use super::*;

    pub(in crate::clip) fn clip(change: impl FnOnce(&mut Value)) -> Result<Clip, FrameError> {
        let mut told = json!({
            "streams": [
                {"index": 0, "codec_type": "audio", "codec_name": "aac", "disposition": {"default": 1}},
                {"index": 1, "codec_type": "video", "codec_name": "prores", "profile": "HQ", "pix_fmt": "yuv422p10le",
                 "width": 64, "height": 36, "r_frame_rate": "24000/1001", "time_base": "1/24000",
                 "color_range": "tv", "color_space": "bt709", "color_primaries": "unknown",
                 "field_order": "progressive", "tags": {"timecode": "01:00:00:00"}, "disposition": {"default": 1}},
                {"index": 2, "codec_type": "data", "codec_tag_string": "tmcd"}
            ],
            "format": {"tags": {"major_brand": "qt  "}}
        });
        change(&mut told);
        Clip::told(&told, Container::Mov, &Limits::default())
    }

    #[test]
    fn what_is_told_is_kept() {
        let clip = clip(|_| {}).unwrap();
        assert_eq!((clip.stream(), clip.codec(), clip.timecode()), (1, "prores", Some("01:00:00:00")));
        assert_eq!(clip.picture.space.as_deref(), Some("bt709"));
        assert_eq!(clip.picture.primaries, None);
        assert_eq!(clip.others.iter().map(|other| other.remade).collect::<Vec<_>>(), [false, true]);
        assert!(!clip.is_full());
        clip.keepable().unwrap();
    }

    #[test]
    fn what_would_be_lost_is_refused_by_name() {
        let refused = |change: fn(&mut Value)| clip(change).unwrap().keepable().unwrap_err().to_string();
        assert!(refused(|told| told["streams"][1]["field_order"] = json!("tt")).contains("interlaced"));
        let turned = refused(|told| {
            told["streams"][1]["side_data_list"] =
                json!([{"side_data_type": "Display Matrix", "rotation": -90}]);
        });
        assert!(turned.contains("rotated"), "{turned}");
        let hdr = refused(|told| {
            told["streams"][1]["side_data_list"] = json!([{"side_data_type": "Mastering display metadata"}]);
        });
        assert!(hdr.contains("Mastering display metadata"), "{hdr}");
        let two = refused(|told| {
            let mut second = told["streams"][1].clone();
            second["index"] = json!(3);
            told["streams"].as_array_mut().unwrap().push(second);
        });
        assert!(two.contains("several"), "{two}");
        let pixels = clip(|told| told["streams"][1]["pix_fmt"] = json!("rgb24")).unwrap().pixels();
        assert!(matches!(pixels, Err(FrameError::ReadOnly { .. })));
    }

    #[test]
    fn sizes_that_lie_and_files_without_pictures_end_in_errors() {
        let huge = clip(|told| told["streams"][1]["width"] = json!(10_000_000));
        assert!(matches!(huge, Err(FrameError::OverLimit(_))));
        let flat = clip(|told| told["streams"][1]["height"] = json!(0));
        assert!(matches!(flat, Err(FrameError::Clip(_))));
        assert!(clip(|told| told["streams"] = json!([])).is_err());
        assert!(clip(|told| *told = json!(7)).is_err());
        let cover = clip(|told| told["streams"][1]["disposition"]["attached_pic"] = json!(1));
        assert!(matches!(cover, Err(FrameError::NotSupported(_))));
    }
}
