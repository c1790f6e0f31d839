//! 7z archives, by the crate `sevenz-rust2`: LZMA, LZMA2 and what stands before them; no other packing, no password.

use sevenz_rust2::{Archive, BlockDecoder, Error, Password};

use super::walker::Walker;
use super::{ContainerError, Kind, Place, Source};

/// For the directory and its own dictionary, which `py7zr` makes 16 MiB large. An entry takes a hundred times more memory than its
/// two bytes there: this much is the most that a hostile one may ask for.
const MOST_DIRECTORY_KB: usize = 32 << 10;

/// For the dictionary of a stream: what `7z -mx=9` asks for (64 MiB), eight times.
const MOST_MEMORY_KB: usize = 512 << 10;

/// Everything in an archive.
pub(super) fn walk(source: &mut dyn Source, walker: &mut Walker<'_>) -> Result<(), ContainerError> {
    let password = Password::empty();
    let mut source = source;
    let archive =
        Archive::read_with_memory_limit(&mut source, &password, MOST_DIRECTORY_KB).map_err(closed)?;
    let mut trouble = None;
    for block in 0..archive.blocks.len() {
        let mut stopped = None;
        let decoder =
            BlockDecoder::new_with_memory_limit(1, MOST_MEMORY_KB, block, &archive, &password, &mut source);
        let walked = decoder.for_each_entries(&mut |entry, reader| {
            let place = Place::Entry(entry.name.clone().into_bytes());
            let looked = walker.member(place, reader).and_then(|()| {
                // In a solid block the next one lies behind this one; what is passed over counts.
                walker.drain(Kind::SevenZip, reader)
            });
            let goes_on = looked.is_ok();
            stopped = looked.err();
            Ok(goes_on)
        });
        match stopped {
            Some(limit) if walker.exhausted => return Err(limit),
            other => trouble = trouble.or(other).or(walked.err().map(closed)),
        }
    }
    trouble.map_or(Ok(()), Err)
}

fn closed(error: Error) -> ContainerError {
    let way_out = "unpack it first, and look at the files";
    let what = match error {
        Error::PasswordRequired | Error::MaybeBadPassword(_) => "an encrypted 7z archive".to_owned(),
        Error::UnsupportedCompressionMethod(method) if method.contains("AES") => {
            "an encrypted 7z archive".to_owned()
        }
        Error::UnsupportedCompressionMethod(method) => format!("a 7z archive packed by {method}"),
        Error::MaxMemLimited { .. } => "a 7z archive that asks for too much memory".to_owned(),
        other => return ContainerError::damaged(Kind::SevenZip, other),
    };
    ContainerError::Closed { what, way_out }
}
