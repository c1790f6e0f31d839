//! A document: its pictures taken out, and put back.

use tiermark_frame::sheet::Sheet;
use tiermark_frame::{Limits, WriteOptions};

/// What one input may cost.
fn limits() -> Limits {
    Limits {
        max_pixels: 1 << 16,
        max_file_bytes: 1 << 20,
        max_metadata_bytes: 1 << 20,
        max_members: 64,
        max_unpacked_bytes: 2 << 20,
        max_frames: 4,
        ..Limits::default()
    }
}

/// Opens the bytes as `stamp` does, and puts every picture that can be written back as it is.
pub fn feed(bytes: &[u8]) {
    let Ok(Some(sheet)) = Sheet::open(bytes.to_vec(), &limits()) else { return };
    assert!(sheet.with(&[]).is_ok_and(|same| same == bytes), "nothing new, nothing changed");
    let places: Vec<String> = sheet.passed_over().iter().map(|picture| picture.place.clone()).collect();
    let (mut fresh, mut before) = (Vec::new(), Vec::new());
    for picture in 0..sheet.pictures().min(16) {
        assert!(!places.contains(&sheet.place(picture)), "a picture is put back or passed over");
        let Ok(frame) = sheet.picture(picture, &limits()) else { continue };
        assert!(frame.size().area() as u64 <= limits().max_pixels, "no more pixels than are granted");
        let options = WriteOptions { allow_depth_change: true };
        if frame.writable(&options).is_err() {
            continue;
        }
        let Ok(file) = frame.encode(&frame.colours(), &options) else { continue };
        fresh.push((picture, file));
        before.push((picture, frame.size()));
    }
    let Ok(written) = sheet.with(&fresh) else { return };
    // What is longer than the limits is not read back.
    let generous = Limits { max_file_bytes: 64 << 20, ..limits() };
    let again = Sheet::open(written, &generous);
    let Ok(Some(again)) = again else { panic!("what was written is no document: {again:?}") };
    assert_eq!(again.pictures(), sheet.pictures(), "as many pictures");
    for (picture, size) in before {
        assert_eq!(again.number(picture), sheet.number(picture), "the same number");
        let frame = again.picture(picture, &generous).expect("a picture of ours");
        assert_eq!(frame.size(), size, "the same size");
    }
}
