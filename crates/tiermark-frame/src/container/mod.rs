//! What pictures does this file hold?
//!
//! Archives, office files (which are ZIP archives), PDF documents, Photoshop documents, HEIF files and animations are told apart
//! by content, never by name, and give their pictures one at a time: [`walk`] hands each to a visitor together with the
//! [`Place`]s that lead to it, and goes into containers inside containers down to a depth. Only one picture, and the containers
//! around it, are in memory at a time; together they are no larger than [`Limits::max_file_bytes`].
//!
//! Names of members are labels: nothing is ever written under them, so `..`, an absolute path or two of the same name
//! mean nothing. What is damaged, encrypted or too large is said of the member that it is true of, and the rest goes on.
//! A file inside that is no picture and holds none is passed over in silence.

mod animation;
mod error;
mod gzip;
mod heif;
mod kind;
pub(crate) mod pdf;
mod place;
mod psd;
mod seven;
mod tar;
mod walker;
mod zip;

use std::io::{Read, Seek};
use std::ops::ControlFlow;

pub use error::ContainerError;
pub use kind::{HEAD, Kind};
pub use place::{Place, shown};

use crate::{Frame, Limits};
use walker::Walker;

/// What lies at a place.
#[derive(Debug)]
pub enum Content {
    /// A file that begins as one that tiermark has heard of; [`Frame::decode`] tells more, of clips [`crate::clip`].
    File(Vec<u8>),
    /// A picture that is no file of its own: a layer, a frame of an animation, samples on a page.
    Picture(Box<Frame>),
    /// Something that cannot be looked at: why, and the way out.
    Unreadable(String),
}

/// What a container is read from: bytes in memory, or a file on the disk.
pub trait Source: Read + Seek {}

impl<T: Read + Seek> Source for T {}

/// Called with the way to a member, outermost container first, and what is there; says whether to go on.
pub type Visit<'a> = dyn FnMut(&[Place], Content) -> ControlFlow<()> + 'a;

/// Hand everything in a container that may be a picture to `visit`.
///
/// # Errors
/// When the container itself is damaged or asks for too much; what could be read was handed over before.
pub fn walk(
    kind: Kind,
    source: &mut dyn Source,
    limits: &Limits,
    visit: &mut Visit<'_>,
) -> Result<(), ContainerError> {
    Walker::new(limits, visit).inside(kind, source)
}
