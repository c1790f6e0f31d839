//! The whole of what happens to a found file: is it a picture, a container of pictures, or neither?

use std::io::Cursor;
use std::ops::ControlFlow;

use tiermark_frame::container::{Content, HEAD, Kind, walk};
use tiermark_frame::{Frame, Limits, WriteOptions};

/// What one input may cost.
fn limits() -> Limits {
    Limits {
        max_pixels: 1 << 16,
        max_file_bytes: 1 << 20,
        max_metadata_bytes: 1 << 20,
        max_members: 16,
        max_unpacked_bytes: 2 << 20,
        max_frames: 4,
        ..Limits::default()
    }
}

/// Opens the bytes as `trace` does, and whatever lies in them.
pub fn feed(bytes: &[u8]) {
    match Kind::of(&bytes[..bytes.len().min(HEAD)]) {
        Some(kind) => {
            let _ = walk(kind, &mut Cursor::new(bytes), &limits(), &mut |_, content| {
                if let Content::File(bytes) = content {
                    picture(bytes);
                }
                ControlFlow::Continue(())
            });
        }
        None => picture(bytes.to_vec()),
    }
}

fn picture(bytes: Vec<u8>) {
    let Ok(frame) = Frame::decode(bytes, &limits()) else { return };
    assert!(frame.size().area() as u64 <= limits().max_pixels, "no more pixels than are granted");
    let colours = frame.colours();
    assert!(colours.iter().all(|plane| plane.size() == frame.size()), "planes of the frame's size");
    drop(frame.luma_on_white());
    for further in frame.further().take(4).flatten() {
        assert!(further.size().area() as u64 <= limits().max_pixels, "no more pixels than are granted");
        drop(further.luma_on_white());
    }
    let options = WriteOptions { allow_depth_change: true };
    // Most ways of packing are taken only where something changed.
    let turned: Vec<_> = colours.iter().cloned().map(|plane| plane.map(|v| 255.0 - v)).collect();
    for colours in [colours, turned] {
        let Ok(file) = frame.encode(&colours, &options) else { continue };
        let again = Frame::decode(file, &Limits::default()).expect("what was written is read");
        assert_eq!(again.size(), frame.size(), "it kept its size");
    }
}
