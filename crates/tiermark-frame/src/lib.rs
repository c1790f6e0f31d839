//! How do numbers come out of files and go back without harm?
//!
//! A [`Frame`] is a decoded picture together with the file it came from. Writing it back keeps the file's bytes
//! and replaces the pixels only: colour profiles, text, EXIF, XMP, resolution and chunks nobody has heard of stay
//! as they were, because they are never parsed into anything else. What cannot be written back without harm is
//! refused by name ([`Frame::writable`]); what can be read is read, so that a found copy can be looked at.
//!
//! Files are hostile here: sizes are checked against [`Limits`] before anything is allocated, and a damaged file
//! ends in an error that says what is wrong with it. The same frame and planes give the same bytes every time.
//!
//! ```
//! use tiermark_frame::{Frame, Limits, WriteOptions};
//! # let mut bytes = Vec::new();
//! # let mut writer = png::Encoder::new(&mut bytes, 3, 1).write_header()?;
//! # writer.write_image_data(&[7, 9, 12])?;
//! # writer.finish()?;
//! let frame = Frame::decode(bytes, &Limits::default())?;
//! let brighter: Vec<_> = frame.colours().into_iter().map(|plane| plane.map(|v| v + 1.0)).collect();
//! let file = frame.encode(&brighter, &WriteOptions::default())?;
//! assert_eq!(Frame::decode(file, &Limits::default())?.colours()[0].samples(), [8.0, 10.0, 13.0]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Files that hold pictures of their own, such as archives, documents and animations, are walked by [`container`].
//!
//! This room knows no keys, no messages and no parties, opens no files and walks no folders: `tiermark` brings the
//! bytes, and `tiermark-mark` decides what the samples become. The one exception is [`clip`]: a clip is too long to be
//! brought as bytes, so there `ffmpeg` is started on a path that the caller gives; and pages
//! of a PDF are drawn by `pdftoppm`, which gets the bytes through a pipe.

#![forbid(unsafe_code)]

pub mod clip;
pub mod container;
mod error;
mod format;
mod frame;
mod limits;
mod picture;
mod sequence;
pub mod sheet;

pub use error::FrameError;
pub use format::{Format, probe};
pub use frame::{Frame, Painted, WriteOptions};
pub use limits::Limits;
pub use sequence::{FrameSet, HashReading, NumberedName, Pattern, numbered};
