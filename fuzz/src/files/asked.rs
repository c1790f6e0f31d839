//! What people ask for, and what ffprobe answers: sets of frames, names that leave a number open, clips.

use tiermark_frame::clip::{Clip, Container};
use tiermark_frame::{FrameSet, HashReading, Limits, Pattern, numbered};

/// Reads the bytes as each of them.
pub fn feed(bytes: &[u8]) {
    clip(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    set(first);
    name(first);
    if let Ok(Some(pattern)) = Pattern::parse(first) {
        // Once for all names, as callers do: a reading has a copy of the frames.
        let readings = [HashReading::OneEach, HashReading::FourEach].map(|reading| pattern.read_as(reading));
        lines.for_each(|line| readings.iter().for_each(|pattern| number(pattern, line)));
    }
}

fn set(text: &str) {
    let Ok(set) = text.parse::<FrameSet>() else { return };
    let written = set.to_string();
    assert_eq!(written.parse::<FrameSet>().unwrap_or_default(), set, "what is written is read");
    let holes = set.holes();
    assert!(holes.iter().all(|frame| !set.contains(frame)), "what is missing is not there");
}

fn name(text: &str) {
    let Some(name) = numbered(text) else { return };
    assert_eq!(name.stem.len(), text.len(), "one mark for each digit");
    assert!(text.contains(&format!("{:01$}", name.number, name.padding)), "the number stands in the name");
    // Marks that were in the name before make another pattern of it.
    if !text.contains(['#', '[', ']']) {
        let pattern = Pattern::parse(&name.stem).expect("no range").expect("a number left open");
        let reading =
            if name.padding == 1 { None } else { pattern.read_as(HashReading::OneEach).number(text) };
        assert!(name.padding == 1 || reading == i64::try_from(name.number).ok(), "a name fits its own shot");
    }
}

fn number(pattern: &Pattern, name: &str) {
    let Some(number) = pattern.number(name) else { return };
    assert!(number >= 0 && name.contains(&number.to_string()), "the number stands in the name");
    assert!(pattern.frames().is_none_or(|frames| frames.contains(number)), "one of the frames");
}

fn clip(bytes: &[u8]) {
    for container in [Container::Mov, Container::Mxf] {
        let limits = Limits { max_pixels: 1 << 24, ..Limits::default() };
        let Ok(clip) = Clip::answered(bytes, container, &limits) else { return };
        assert!(clip.size().area() as u64 <= limits.max_pixels, "no more pixels than are granted");
        assert!(clip.frame_rate().is_finite() && clip.frame_rate() > 0.0, "frames that follow each other");
        assert_eq!(clip.lost_in(&clip), None, "nothing is lost in itself");
        let _ = (clip.pixels(), clip.is_full(), clip.timecode(), clip.codec());
    }
}
