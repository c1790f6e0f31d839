//! Files that lie, break off, or would lead elsewhere.

use std::time::Instant;

use tiermark_frame::clip::{Clip, Container, Frames, Want};
use tiermark_frame::{FrameError, Limits};

use super::{FRAMES, make, probe};

const H264: &[&str] = &["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-c:a", "aac"];

/// Read all that can be read; how many frames, and how it ended.
fn read(path: &std::path::Path, limits: &Limits) -> (u64, Result<(), FrameError>) {
    let clip = match probe(path) {
        Ok(clip) => clip,
        Err(error) => return (0, Err(error)),
    };
    let mut frames = match Frames::open(path, &clip, Want::Grey, limits) {
        Ok(frames) => frames,
        Err(error) => return (0, Err(error)),
    };
    loop {
        match frames.next_frame() {
            Ok(Some(_)) => {}
            Ok(None) => return (frames.count(), Ok(())),
            Err(error) => return (frames.count(), Err(error)),
        }
    }
}

#[test]
fn playlists_are_no_clips_whatever_they_are_called() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path(), "secret.mp4", H264);
    for (name, text) in [
        ("list.mp4", "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nsecret.mp4\n#EXT-X-ENDLIST\n"),
        ("list.mov", "ffconcat version 1.0\nfile secret.mp4\n"),
        ("list.mkv", "<?xml version=\"1.0\"?><MPD><BaseURL>secret.mp4</BaseURL></MPD>"),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        assert_eq!(probe(&path).unwrap_err(), FrameError::NotAPicture);
        // Nor if somebody took it for one: the demuxer is fixed.
        for container in [Container::Mov, Container::Matroska, Container::Avi, Container::Mxf] {
            assert!(Clip::probe(&path, container, &Limits::default()).is_err(), "{name} as {container:?}");
        }
    }
}

#[test]
fn broken_clips_end_in_errors_and_soon() {
    let folder = tempfile::tempdir().unwrap();
    let start = Instant::now();
    for name in ["a.mp4", "a.mkv"] {
        let path = make(folder.path(), name, H264);
        let whole = std::fs::read(&path).unwrap();
        for part in [20, 64, whole.len() / 3, whole.len() - 100] {
            std::fs::write(&path, &whole[..part]).unwrap();
            let (frames, _) = read(&path, &Limits::default());
            assert!(frames <= FRAMES, "{name} to {part}");
        }
        for at in (64..whole.len()).step_by(whole.len() / 5) {
            let mut bad = whole.clone();
            bad[at..].iter_mut().take(200).for_each(|byte| *byte ^= 0x5a);
            std::fs::write(&path, &bad).unwrap();
            let (frames, _) = read(&path, &Limits::default());
            assert!(frames <= FRAMES + 4, "{name} with damage at {at}: {frames}");
        }
    }
    assert!(start.elapsed().as_secs() < 60);
}

#[test]
fn limits_hold() {
    let folder = tempfile::tempdir().unwrap();
    let path = make(folder.path(), "a.mp4", H264);
    let few = Limits { max_clip_frames: 10, ..Limits::default() };
    let (frames, end) = read(&path, &few);
    assert_eq!(frames, 10);
    assert!(end.unwrap_err().to_string().contains("more than 10 frames"));
    let clip = probe(&path).unwrap();
    assert!(matches!(clip.steady(&path, &few), Err(FrameError::OverLimit(_))));
    let small = Limits { max_pixels: 1000, ..Limits::default() };
    assert!(matches!(Clip::probe(&path, Container::Mov, &small), Err(FrameError::OverLimit(_))));
}

#[test]
fn a_name_is_never_an_option_or_an_address() {
    let folder = tempfile::tempdir().unwrap();
    let plain = make(folder.path(), "a.mp4", H264);
    for name in ["-i.mp4", "http:a.mp4", "concat:a.mp4", "a b;c%d'\".mp4", "%03d.mp4"] {
        let path = folder.path().join(name);
        std::fs::copy(&plain, &path).unwrap();
        assert_eq!(read(&path, &Limits::default()), (FRAMES, Ok(())), "{name}");
    }
}
