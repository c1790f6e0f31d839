//! Small pictures for the page.

use std::path::Path;

use data_encoding::BASE64;
use image::ImageFormat;
use tiermark_frame::{Frame, Limits};

use crate::bench::{on_white, picture_of};
use crate::sink::read_bounded;

/// Longer side of a thumbnail, pixels.
const SIDE: u32 = 640;

/// A found picture as the page shows it.
pub(super) struct Shown {
    /// As a `data:` address.
    pub(super) address: String,
    /// Width and height of the whole picture.
    pub(super) size: (usize, usize),
}

/// The picture in a file, made small; none where it cannot be read.
pub(super) fn shown(path: &Path, limits: &Limits) -> Option<Shown> {
    let bytes = read_bounded(path, limits.max_file_bytes).ok()?;
    let frame = Frame::decode(bytes, limits).ok()?;
    let (colours, alpha) = (frame.colours(), frame.alpha());
    let picture = on_white(&picture_of(&colours, alpha.as_ref()));
    let small = picture.thumbnail(SIDE, SIDE).into_rgb8();
    let mut jpeg = std::io::Cursor::new(Vec::new());
    small.write_to(&mut jpeg, ImageFormat::Jpeg).ok()?;
    let address = format!("data:image/jpeg;base64,{}", BASE64.encode(jpeg.get_ref()));
    Some(Shown { address, size: (frame.size().width, frame.size().height) })
}

/// The size of a picture that is not to be shown.
pub(super) fn size_of(path: &Path, limits: &Limits) -> Option<(usize, usize)> {
    let bytes = read_bounded(path, limits.max_file_bytes).ok()?;
    let frame = Frame::decode(bytes, limits).ok()?;
    Some((frame.size().width, frame.size().height))
}
