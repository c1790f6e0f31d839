//! Whether the frames of a clip are shown in equal steps.

use std::io::{BufRead, BufReader};
use std::path::Path;

use super::probe::{Clip, asked};
use super::process::{Ends, Tool, address, words};
use crate::{FrameError, Limits};

/// When the frames of a clip are shown: one after the other in equal steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steady {
    /// How many there are in the file.
    pub frames: u64,
    /// The longest way from one frame that needs no other to the next.
    pub group: u64,
}

impl Clip {
    /// Look at the times of all frames, without decoding any.
    ///
    /// # Errors
    /// [`FrameError::ReadOnly`] if they are not in equal steps: a pipe of pictures carries no times. Else as
    /// [`Clip::probe`].
    pub fn steady(&self, path: &Path, limits: &Limits) -> Result<Steady, FrameError> {
        let mut arguments = asked(self.container());
        let stream = self.stream().to_string();
        arguments.extend(words(["-select_streams", &stream, "-show_entries", "packet=pts,flags"]));
        arguments.extend(words(["-of", "csv=p=0", "-i"]));
        arguments.push(address(path));
        let tool = Tool::start("ffprobe", &arguments, &Ends::Output, limits.max_clip_seconds)?;
        let (mut times, mut group, mut since) = (Vec::new(), 1, 0);
        if let Some(output) = tool.output() {
            for line in BufReader::new(output).lines() {
                let line = line.map_err(|error| FrameError::Clip(error.to_string()))?;
                if line.is_empty() {
                    continue;
                }
                if times.len() as u64 == limits.max_clip_frames {
                    return Err(FrameError::OverLimit(format!(
                        "a clip of more than {} frames; --max-clip-frames allows more",
                        limits.max_clip_frames
                    )));
                }
                let mut parts = line.split(',');
                times.push(parts.next().and_then(|pts| pts.parse::<i64>().ok()));
                since = if parts.next().is_some_and(|flags| flags.starts_with('K')) { 1 } else { since + 1 };
                group = group.max(since);
            }
        }
        tool.finish()?;
        let frames = times.len() as u64;
        if self.is_even(times) {
            return Ok(Steady { frames, group });
        }
        Err(FrameError::ReadOnly {
            what: "a clip of varying frame rate".to_owned(),
            way_out: "give it one rate first (ffmpeg -fps_mode cfr), or stamp its frames as pictures",
        })
    }

    /// Whether these times, of which some may be missing, are those of the stated rate.
    fn is_even(&self, times: Vec<Option<i64>>) -> bool {
        let (frames, seconds) = self.picture.rate;
        let (part, whole) = self.picture.ticks;
        // AVI tells no times: its frames are even by definition.
        if times.iter().all(Option::is_none) {
            return true;
        }
        let Some(mut times) = times.into_iter().collect::<Option<Vec<i64>>>() else { return false };
        if frames == 0 || seconds == 0 || part == 0 || whole == 0 {
            return false;
        }
        times.sort_unstable();
        let step = seconds as f64 / frames as f64 * whole as f64 / part as f64;
        let first = times.first().copied().unwrap_or(0);
        // A Matroska file rounds times to milliseconds.
        let even = |(i, time): (usize, &i64)| ((time - first) as f64 - i as f64 * step).abs() <= 1.01;
        times.iter().enumerate().all(even)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use super::super::probe::tests::clip;

    #[test]
    fn steps_are_even_or_they_are_not() {
        let clip = clip(|_| {}).unwrap();
        let even = |times: &[i64]| clip.is_even(times.iter().copied().map(Some).collect());
        assert!(even(&[0, 1001, 2002, 3003]));
        assert!(even(&[2002, 0, 3003, 1001]), "as coded");
        assert!(!even(&[0, 1001, 2102, 3003]));
        assert!(!even(&[0, 1001, 3003]), "a hole");
        assert!(clip.is_even(vec![None, None]));
        assert!(!clip.is_even(vec![Some(0), None]));
    }
}
