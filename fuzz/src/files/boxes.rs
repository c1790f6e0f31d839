//! Archives, documents and animations, walked to the end.

use std::io::Cursor;
use std::ops::ControlFlow;

use tiermark_frame::Limits;
use tiermark_frame::container::{Content, HEAD, Kind, walk};

/// Small enough that an input of a few kilobytes cannot take a second.
const LIMITS: Limits = Limits {
    max_pixels: 1 << 16,
    max_side: 4096,
    max_file_bytes: 1 << 20,
    max_metadata_bytes: 1 << 20,
    max_depth: 4,
    max_members: 64,
    max_unpacked_bytes: 4 << 20,
    max_frames: 8,
    max_clip_frames: 8,
    max_clip_seconds: 1,
};

/// Walks through the bytes as whichever container they are, and panics where a limit does not hold.
pub fn feed(bytes: &[u8]) {
    let Some(kind) = Kind::of(&bytes[..bytes.len().min(HEAD)]) else { return };
    // Another program opens those.
    if kind == Kind::Heif {
        return;
    }
    let (mut members, mut given) = (0, 0);
    let walked = walk(kind, &mut Cursor::new(bytes), &LIMITS, &mut |places, content| {
        members += 1;
        assert!(!places.is_empty() && places.len() <= LIMITS.max_depth as usize, "as deep as is granted");
        assert!(places.iter().all(|place| place.raw().is_none() || place.to_string().contains("\\x")));
        match content {
            Content::File(bytes) => {
                assert!(bytes.len() as u64 <= LIMITS.max_file_bytes, "no larger than a file may be");
                given += bytes.len() as u64;
            }
            Content::Picture(frame) => {
                assert!(frame.size().area() as u64 <= LIMITS.max_pixels, "no more pixels than are granted");
                frame.pixel_digest();
            }
            Content::Unreadable(reason) => assert!(!reason.is_empty(), "a reason"),
        }
        ControlFlow::Continue(())
    });
    assert!(members <= LIMITS.max_members, "as many as are granted");
    assert!(given <= LIMITS.max_unpacked_bytes, "as much as is granted");
    drop(walked);
}
