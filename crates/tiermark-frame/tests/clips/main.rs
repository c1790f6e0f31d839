//! Clips through ffmpeg: what comes out of the pipe is what is stored, what goes back is all that was there, and hostile
//! files end in errors.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

mod hostile;
mod round_trip;

use std::path::{Path, PathBuf};
use std::process::Command;

use tiermark_frame::clip::{Clip, HEAD, looks_like_one};
use tiermark_frame::{FrameError, Limits};

/// Frames of each clip that is made here.
const FRAMES: u64 = 18;

/// Run ffmpeg or ffprobe, and give what it writes.
fn run(program: &str, arguments: &[&str], folder: &Path) -> String {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder);
    let output = command.output().expect("these tests need ffmpeg and ffprobe: apt-get install ffmpeg");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A moving picture of [`FRAMES`], with sound, made by ffmpeg with these settings.
fn make(folder: &Path, name: &str, settings: &[&str]) -> PathBuf {
    let picture = "testsrc2=size=322x180:rate=24:duration=0.75";
    let mut all = vec!["-v", "error", "-y", "-f", "lavfi", "-i", picture];
    all.extend(["-f", "lavfi", "-i", "sine=frequency=440:duration=0.75"]);
    all.extend(settings);
    all.push(name);
    run("ffmpeg", &all, folder);
    folder.join(name)
}

fn probe(path: &Path) -> Result<Clip, FrameError> {
    let head = std::fs::read(path).unwrap();
    let container = looks_like_one(&head[..HEAD.min(head.len())]).ok_or(FrameError::NotAPicture)?;
    Clip::probe(path, container, &Limits::default())
}
