//! The frames of a clip, one after the other.

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::Path;
use std::process::ChildStdout;

use tiermark_signal::Size;

use super::cuts::{THUMB_HEIGHT, THUMB_WIDTH};
use super::picture::ClipFrame;
use super::pixels::GREY;
use super::probe::Clip;
use super::process::{Ends, Tool, address, words};
use crate::{FrameError, Limits};

/// As what frames are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// Every plane in the clip's own format.
    Native,
    /// Luma alone, 8 bits, black 0 and white 255, of any pixel format that there is.
    Grey,
    /// The same on the small grid that [`super::Cuts`] looks at.
    Small,
}

/// Reads a clip; ends with it.
pub struct Frames {
    tool: Option<Tool>,
    output: Option<ChildStdout>,
    frame: ClipFrame,
    read: u64,
    most: u64,
    /// Whether damage is an error: an original is marked as it is or not at all, a found copy is looked at as far as it goes.
    strict: bool,
}

impl Frames {
    /// Start reading a clip that was probed.
    ///
    /// # Errors
    /// If ffmpeg is missing, or a frame is too large, or (for [`Want::Native`]) of a format that is not known.
    pub fn open(path: &Path, clip: &Clip, want: Want, limits: &Limits) -> Result<Self, FrameError> {
        let frame = match want {
            Want::Native => ClipFrame::new(clip.size(), clip.pixels()?, clip.is_full())?,
            Want::Grey => ClipFrame::new(clip.size(), GREY, true)?,
            Want::Small => ClipFrame::new(Size { width: THUMB_WIDTH, height: THUMB_HEIGHT }, GREY, true)?,
        };
        let tool = Tool::start(
            "ffmpeg",
            &arguments(path, clip, want, limits)?,
            &Ends::Output,
            limits.max_clip_seconds,
        )?;
        let output = tool.output();
        Ok(Self {
            tool: Some(tool),
            output,
            frame,
            read: 0,
            most: limits.max_clip_frames,
            strict: want == Want::Native,
        })
    }

    /// The next frame; `None` after the last. It is overwritten by the one after it.
    ///
    /// # Errors
    /// If ffmpeg stops for another reason than the clip's end, or there are more frames than the limits grant.
    pub fn next_frame(&mut self) -> Result<Option<&mut ClipFrame>, FrameError> {
        let Some(output) = &mut self.output else { return Ok(None) };
        match read_whole(output, self.frame.bytes_mut()) {
            Ok(true) if self.read == self.most => Err(FrameError::OverLimit(format!(
                "a clip of more than {} frames; --max-clip-frames allows more",
                self.most
            ))),
            Ok(true) => {
                self.read += 1;
                Ok(Some(&mut self.frame))
            }
            Ok(false) => {
                self.output = None;
                self.end()?;
                Ok(None)
            }
            // Its own last words say more than the broken pipe.
            Err(error) => {
                self.output = None;
                self.end()?;
                Err(FrameError::Clip(error.to_string()))
            }
        }
    }

    fn end(&mut self) -> Result<(), FrameError> {
        let end = if self.strict { Tool::finish_without_complaint } else { Tool::finish };
        self.tool.take().map_or(Ok(()), end)
    }

    /// Frames read so far.
    pub fn count(&self) -> u64 {
        self.read
    }
}

/// Fill `frame`; false at the end of the stream.
fn read_whole(output: &mut impl Read, frame: &mut [u8]) -> io::Result<bool> {
    let mut filled = 0;
    while filled < frame.len() {
        match output.read(&mut frame[filled..]) {
            Ok(0) if filled == 0 => return Ok(false),
            Ok(0) => return Err(io::Error::other("it ends in the middle of a frame")),
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

fn arguments(path: &Path, clip: &Clip, want: Want, limits: &Limits) -> Result<Vec<OsString>, FrameError> {
    let mut arguments = words(["-v", "error", "-nostdin", "-hide_banner"]);
    arguments.extend(input(path, clip, limits));
    let stream = format!("0:{}", clip.stream());
    arguments.extend(words(["-map", &stream, "-an", "-sn", "-dn", "-vsync", "passthrough"]));
    match want {
        Want::Native => arguments.extend(words(["-pix_fmt", clip.pixels()?.name])),
        Want::Grey => arguments.extend(words(["-pix_fmt", GREY.name])),
        Want::Small => {
            let scale = format!("scale={THUMB_WIDTH}:{THUMB_HEIGHT}:flags=area");
            arguments.extend(words(["-vf", &scale, "-pix_fmt", GREY.name]));
        }
    }
    arguments.extend(words([
        "-sws_flags",
        "accurate_rnd+full_chroma_int+bitexact",
        "-f",
        "rawvideo",
        "pipe:1",
    ]));
    Ok(arguments)
}

/// How a clip is named to ffmpeg: no playlist, no network, no more pixels than granted, lying as it is stored.
pub(super) fn input(path: &Path, clip: &Clip, limits: &Limits) -> Vec<OsString> {
    let pixels = i32::try_from(limits.max_pixels).unwrap_or(i32::MAX).to_string();
    let mut arguments = words(["-protocol_whitelist", "file,pipe", "-noautorotate", "-max_pixels", &pixels]);
    arguments.extend(words(["-flags:v", "+bitexact", "-f", clip.container().demuxer(), "-i"]));
    arguments.push(address(path));
    arguments
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use super::*;

    #[test]
    fn a_frame_that_breaks_off_is_an_error_and_an_end_is_not() {
        let mut frame = [0; 4];
        let mut stream = &[1, 2, 3, 4, 5][..];
        assert!(read_whole(&mut stream, &mut frame).unwrap());
        assert_eq!(frame, [1, 2, 3, 4]);
        assert!(read_whole(&mut stream, &mut frame).is_err());
        assert!(!read_whole(&mut stream, &mut frame).unwrap());
    }
}
