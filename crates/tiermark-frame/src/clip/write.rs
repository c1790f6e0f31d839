//! The same clip with other luma.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::ChildStdin;

use super::picture::ClipFrame;
use super::probe::Clip;
use super::process::{Ends, Tool, address, words};
use super::steady::Steady;
use super::{Container, codec, read};
use crate::{FrameError, Limits};

/// Writes a clip's frames back; everything else is copied from the original. Dropped before
/// [`ClipWriter::finish`], it stops and leaves a broken file.
pub struct ClipWriter {
    tool: Tool,
    input: Option<ChildStdin>,
}

impl ClipWriter {
    /// Would this clip be refused, and why?
    ///
    /// # Errors
    /// [`FrameError::ReadOnly`] with the reason.
    pub fn writable(clip: &Clip, steady: Steady, codec: Option<&str>) -> Result<(), FrameError> {
        clip.keepable()?;
        clip.pixels()?;
        codec::settings(clip, steady, codec).map(|_| ())
    }

    /// Start writing `target`, which is overwritten. `codec` is an encoder of ffmpeg's with its options, in place of the
    /// clip's own.
    ///
    /// # Errors
    /// As [`ClipWriter::writable`]; if ffmpeg is missing.
    pub fn start(
        original: &Path,
        target: &Path,
        (clip, steady): (&Clip, Steady),
        codec: Option<&str>,
        limits: &Limits,
    ) -> Result<Self, FrameError> {
        Self::writable(clip, steady, codec)?;
        let mut arguments = words(["-v", "error", "-hide_banner", "-y"]);
        arguments.extend(pipe(clip)?);
        arguments.extend(read::input(original, clip, limits));
        let place = streams(clip, &mut arguments);
        // First, so that the caller's own words overrule them.
        arguments.extend(tags(clip, place)?);
        let mut settings = codec::settings(clip, steady, codec)?.into_iter();
        arguments.extend(words(["-c", "copy", &format!("-c:{place}"), &settings.next().unwrap_or_default()]));
        // A cover picture is a video stream too, and copied.
        let narrowed = |word: String| match word.strip_suffix(":v").filter(|word| word.starts_with('-')) {
            Some(option) => format!("{option}:{place}"),
            None => word,
        };
        arguments.extend(settings.map(narrowed).map(OsString::from));
        arguments.extend(muxer(clip));
        arguments.push(address(target));
        let tool = Tool::start("ffmpeg", &arguments, &Ends::Input, limits.max_clip_seconds)?;
        let input = tool.input();
        Ok(Self { tool, input })
    }

    /// Write the next frame.
    ///
    /// # Errors
    /// In ffmpeg's words, if it stopped.
    pub fn write(mut self, frame: &ClipFrame) -> Result<Self, FrameError> {
        let written = match &mut self.input {
            Some(input) => input.write_all(frame.bytes()),
            None => Ok(()),
        };
        match written {
            Ok(()) => Ok(self),
            // Its own last words say more than the broken pipe.
            Err(error) => {
                self.finish()?;
                Err(FrameError::Clip(error.to_string()))
            }
        }
    }

    /// Wait until the file is whole.
    ///
    /// # Errors
    /// In ffmpeg's words, if it could not be written.
    pub fn finish(mut self) -> Result<(), FrameError> {
        drop(self.input.take());
        self.tool.finish()
    }
}

/// The pictures: as they come out of the other pipe.
fn pipe(clip: &Clip) -> Result<Vec<OsString>, FrameError> {
    let size = format!("{}x{}", clip.size().width, clip.size().height);
    let (frames, seconds) = clip.picture.rate;
    let (rate, start) = (format!("{frames}/{seconds}"), format!("{:.6}", clip.picture.start));
    let mut arguments = words(["-f", "rawvideo", "-pix_fmt", clip.pixels()?.name, "-video_size", &size]);
    arguments.extend(words(["-framerate", &rate, "-thread_queue_size", "64"]));
    if clip.picture.start.abs() > 0.000_5 {
        arguments.extend(words(["-itsoffset", &start]));
    }
    arguments.extend(words(["-i", "pipe:0"]));
    Ok(arguments)
}

/// Every stream in its old place, the pictures from the pipe and all others from the original, each with its own tags.
/// Gives the place of the pictures.
fn streams(clip: &Clip, arguments: &mut Vec<OsString>) -> usize {
    let own = [(clip.picture.index, true, &clip.picture.disposition)];
    let others = clip.others.iter().filter(|other| !other.remade);
    let mut all: Vec<(u64, bool, &Vec<String>)> =
        own.into_iter().chain(others.map(|other| (other.index, false, &other.disposition))).collect();
    all.sort_by_key(|(index, _, _)| *index);
    let own = all.iter().position(|(_, is_picture, _)| *is_picture).unwrap_or(0);
    for (place, (index, is_picture, disposition)) in all.into_iter().enumerate() {
        let from = if is_picture { "0:0".to_owned() } else { format!("1:{index}") };
        let disposition = if disposition.is_empty() { "0".to_owned() } else { disposition.join("+") };
        arguments.extend(words(["-map", &from]));
        arguments.extend(words([&format!("-map_metadata:s:{place}"), &format!("1:s:{index}")]));
        arguments.extend(words([&format!("-disposition:{place}"), &disposition]));
    }
    arguments.extend(words(["-map_metadata", "1", "-map_chapters", "1"]));
    own
}

/// What is said about the pictures: nothing may be converted on the way, only told.
fn tags(clip: &Clip, place: usize) -> Result<Vec<OsString>, FrameError> {
    let picture = &clip.picture;
    let mut set = Vec::new();
    let mut arguments = words(["-pix_fmt", clip.pixels()?.name]);
    for (option, filter, value) in [
        ("-color_range", "range", &picture.range),
        ("-colorspace", "colorspace", &picture.space),
        ("-color_trc", "color_trc", &picture.transfer),
        ("-color_primaries", "color_primaries", &picture.primaries),
    ] {
        if let Some(value) = value {
            arguments.extend(words([option, value]));
            set.push(format!("{filter}={value}"));
        }
    }
    if let Some(place) = &picture.chroma_place {
        arguments.extend(words(["-chroma_sample_location", place]));
    }
    // Encoders look at the options or at the frames, each as it likes.
    let mut filters = Vec::new();
    filters.extend((!set.is_empty()).then(|| format!("setparams={}", set.join(":"))));
    filters.extend(picture.aspect.as_ref().map(|aspect| format!("setsar={aspect}")));
    if !filters.is_empty() {
        arguments.extend(words([&format!("-filter:{place}"), &filters.join(",")]));
    }
    let tag = format!("-metadata:s:{place}");
    if let Some(timecode) = &picture.timecode {
        arguments.extend(words([&tag, &format!("timecode={timecode}")]));
    }
    Ok(arguments)
}

/// The container, so that the same frames give the same bytes.
fn muxer(clip: &Clip) -> Vec<OsString> {
    let mut arguments = words(["-fflags", "+bitexact", "-flags:v", "+bitexact"]);
    let name = match clip.container() {
        Container::Mov if matches!(clip.brand.trim(), "qt" | "") => "mov",
        Container::Mov => "mp4",
        other => other.demuxer(),
    };
    if clip.container() == Container::Mov {
        if let (1, ticks) = clip.picture.ticks {
            arguments.extend(words(["-video_track_timescale", &ticks.to_string()]));
        }
        if clip.free_tags {
            arguments.extend(words(["-movflags", "use_metadata_tags"]));
        }
    }
    arguments.extend(words(["-f", name]));
    arguments
}
