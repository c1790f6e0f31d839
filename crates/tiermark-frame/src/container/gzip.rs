//! One file packed by gzip (RFC 1952).

use std::io::Read;

use flate2::read::MultiGzDecoder;

use super::walker::Walker;
use super::{ContainerError, Place};

/// The file in it, under the name that it had.
pub(super) fn walk(source: &mut dyn Read, walker: &mut Walker<'_>) -> Result<(), ContainerError> {
    let mut decoder = MultiGzDecoder::new(source);
    let name = decoder.header().and_then(|header| header.filename()).map(<[u8]>::to_vec);
    walker.member(name.filter(|name| !name.is_empty()).map_or(Place::Unpacked, Place::Entry), &mut decoder)
}
