//! ZIP archives (APPNOTE 6.3.10), office files among them.
//!
//! The directory at the end is believed where there is one; where it is lost or damaged, the members' own headers are followed
//! from the front. Sizes are those that unpacking gives, whatever the headers say.

use std::io::{self, Read, SeekFrom};

use flate2::read::DeflateDecoder;

use super::walker::Walker;
use super::{ContainerError, Kind, Place, Source};
use crate::format::bytes::{Endian, array, u16_at, u32_at};

const END: [u8; 4] = *b"PK\x05\x06";
const END_64: [u8; 4] = *b"PK\x06\x06";
const LOCATOR_64: [u8; 4] = *b"PK\x06\x07";
const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const LOCAL: [u8; 4] = *b"PK\x03\x04";
const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";

/// The end record with the longest comment (4.3.16), and the locator before it.
const MOST_END: u64 = 22 + 65_535 + 20;

/// What a header says of a member.
struct Member {
    name: Vec<u8>,
    encrypted: bool,
    /// Sizes stand behind the data.
    trailing: bool,
    method: u16,
    packed: u64,
    /// Where its own header is.
    at: u64,
}

/// Where the directory is.
struct Directory {
    at: u64,
    length: u64,
    /// Bytes before the archive that its own offsets do not count, as in a program that unpacks itself.
    before: u64,
}

/// Everything in an archive.
pub(super) fn walk(source: &mut dyn Source, walker: &mut Walker<'_>) -> Result<(), ContainerError> {
    let Some(directory) = directory(source).map_err(|error| ContainerError::io(Kind::Zip, &error))? else {
        return along(source, walker, "its directory is missing");
    };
    let most = walker.limits.max_metadata_bytes;
    if directory.length > most {
        return Err(ContainerError::OverLimit(format!(
            "a directory of {} bytes, and a file may have {most}",
            directory.length
        )));
    }
    let Ok(entries) = read_at(source, directory.at, directory.length) else {
        return along(source, walker, "its directory is cut off");
    };
    if entries.len() as u64 != directory.length || (!entries.is_empty() && !entries.starts_with(&CENTRAL)) {
        return along(source, walker, "its directory is not where it should be");
    }
    let mut at = 0;
    while at < entries.len() {
        let Some((mut member, next)) = central(&entries, at) else {
            return Err(ContainerError::damaged(Kind::Zip, "its directory breaks off"));
        };
        member.at = member.at.saturating_add(directory.before);
        listed(source, walker, member)?;
        at = next;
    }
    Ok(())
}

fn read_at(source: &mut dyn Source, at: u64, length: u64) -> io::Result<Vec<u8>> {
    source.seek(SeekFrom::Start(at))?;
    let mut bytes = Vec::new();
    source.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The directory that the last end record tells of.
fn directory(source: &mut dyn Source) -> io::Result<Option<Directory>> {
    let length = source.seek(SeekFrom::End(0))?;
    let from = length.saturating_sub(MOST_END);
    let tail = read_at(source, from, MOST_END)?;
    let Some(end) = tail.windows(4).rposition(|window| window == END) else { return Ok(None) };
    let Some(short) = short_end(&tail, end) else { return Ok(None) };
    let end_at = from + end as u64;
    if let Some(long_at) = end.checked_sub(20).filter(|at| tail[*at..].starts_with(&LOCATOR_64)) {
        let record = read_at(source, u64_at(&tail, long_at + 8).unwrap_or(u64::MAX), 56)?;
        if record.starts_with(&END_64) {
            let (size, at) = (u64_at(&record, 40), u64_at(&record, 48));
            return Ok(size.zip(at).map(|(length, at)| Directory { at, length, before: 0 }));
        }
    }
    let (size, claimed) = short;
    let Some(at) = end_at.checked_sub(size) else { return Ok(None) };
    // The directory ends where its end record begins; what its own offset lacks stands before the archive.
    Ok(Some(Directory { at, length: size, before: at.saturating_sub(claimed) }))
}

/// Size and offset of the directory.
fn short_end(tail: &[u8], at: usize) -> Option<(u64, u64)> {
    let size = u32_at(tail, at + 12, Endian::Little)?;
    let offset = u32_at(tail, at + 16, Endian::Little)?;
    Some((size.into(), offset.into()))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_le_bytes)
}

/// The entry of the directory at `at`, and where the next one begins.
fn central(bytes: &[u8], at: usize) -> Option<(Member, usize)> {
    let header = bytes.get(at..at + 46).filter(|header| header.starts_with(&CENTRAL))?;
    let half = |at| u16_at(header, at, Endian::Little);
    let word = |at| u32_at(header, at, Endian::Little);
    let (flags, method) = (half(8)?, half(10)?);
    let [name, extra, comment] = [half(28)?, half(30)?, half(32)?].map(usize::from);
    let name_at = at + 46;
    let extra_at = name_at + name;
    let next = extra_at + extra + comment;
    let extra = bytes.get(extra_at..extra_at + extra)?;
    let (packed, size, offset) = (word(20)?, word(24)?, word(42)?);
    let mut long = long_sizes(extra);
    // Those that do not fit stand in this order in the extra field (4.5.3).
    let mut wide =
        |short: u32| if short == u32::MAX { long.next().unwrap_or(u64::MAX) } else { short.into() };
    let (_, packed, at) = (wide(size), wide(packed), wide(offset));
    let member = Member {
        name: bytes.get(name_at..extra_at)?.to_vec(),
        encrypted: flags & 1 != 0,
        trailing: flags & 8 != 0,
        method,
        packed,
        at,
    };
    (next <= bytes.len()).then_some((member, next))
}

/// The numbers of the ZIP64 extra field.
fn long_sizes(extra: &[u8]) -> impl Iterator<Item = u64> + '_ {
    let mut at = 0;
    let mut found: &[u8] = &[];
    while let (Some(id), Some(length)) =
        (u16_at(extra, at, Endian::Little), u16_at(extra, at + 2, Endian::Little))
    {
        let end = at + 4 + usize::from(length);
        if id == 1 {
            found = extra.get(at + 4..end).unwrap_or(&[]);
        }
        at = end;
    }
    found.chunks_exact(8).filter_map(|chunk| u64_at(chunk, 0))
}

/// A member that the directory lists.
fn listed(source: &mut dyn Source, walker: &mut Walker<'_>, member: Member) -> Result<(), ContainerError> {
    if member.name.ends_with(b"/") && member.packed == 0 {
        return Ok(());
    }
    let header = read_at(source, member.at, 30).unwrap_or_default();
    let (Some(name), Some(extra), true) = (
        u16_at(&header, 26, Endian::Little),
        u16_at(&header, 28, Endian::Little),
        header.starts_with(&LOCAL),
    ) else {
        return walker
            .unreadable(Place::Entry(member.name), "is listed in the archive, but not where it says");
    };
    let data = member.at + 30 + u64::from(name) + u64::from(extra);
    if let Err(error) = source.seek(SeekFrom::Start(data)) {
        return walker.unreadable(Place::Entry(member.name), &error.to_string());
    }
    unpacked(&mut source.take(member.packed), walker, member)
}

/// A member whose packed bytes are next.
fn unpacked(packed: &mut dyn Read, walker: &mut Walker<'_>, member: Member) -> Result<(), ContainerError> {
    let place = Place::Entry(member.name);
    if member.encrypted {
        return walker
            .unreadable(place, "is encrypted; unpack the archive with its password and look at the files");
    }
    match member.method {
        0 => walker.member(place, packed),
        8 => walker.member(place, &mut DeflateDecoder::new(packed)),
        other => walker.unreadable(place, &foreign(other)),
    }
}

fn foreign(method: u16) -> String {
    let name = match method {
        9 => "Deflate64",
        12 => "bzip2",
        14 => "LZMA",
        93 => "Zstandard",
        95 => "XZ",
        98 => "PPMd",
        _ => return format!("is packed by method {method}, which is not read; unpack the archive first"),
    };
    format!("is packed by {name}, which is not read; unpack the archive first")
}

/// An archive without a directory that holds: its members from the front, as far as they follow each other.
fn along(source: &mut dyn Source, walker: &mut Walker<'_>, reason: &str) -> Result<(), ContainerError> {
    let mut at = 0;
    while let Some((member, data)) = local(source, at) {
        let known = !member.trailing || member.packed > 0;
        let (method, trailing) = (member.method, member.trailing);
        if source.seek(SeekFrom::Start(data)).is_err() {
            break;
        }
        at = if known {
            let end = data.saturating_add(member.packed);
            unpacked(&mut source.take(member.packed), walker, member)?;
            end
        } else if method == 8 && !member.encrypted {
            let mut packed = DeflateDecoder::new(&mut *source);
            walker.member(Place::Entry(member.name), &mut packed)?;
            match walker.drain(Kind::Zip, &mut packed) {
                Err(limit) if walker.exhausted => return Err(limit),
                Err(_) => break,
                Ok(()) => data + packed.total_in(),
            }
        } else {
            // Stored without a size: where it ends, nobody says.
            break;
        };
        at = at.saturating_add(if trailing { descriptor(source, at) } else { 0 });
    }
    Err(ContainerError::damaged(Kind::Zip, reason))
}

/// The member whose own header is at `at`, and where its data begin.
fn local(source: &mut dyn Source, at: u64) -> Option<(Member, u64)> {
    let header = read_at(source, at, 30).ok().filter(|header| header.starts_with(&LOCAL))?;
    let half = |at| u16_at(&header, at, Endian::Little);
    let (flags, method) = (half(6)?, half(8)?);
    let (name, extra) = (u64::from(half(26)?), u64::from(half(28)?));
    let both =
        read_at(source, at + 30, name + extra).ok().filter(|both| both.len() as u64 == name + extra)?;
    let (name, extra) = both.split_at(name as usize);
    let packed = match u32_at(&header, 18, Endian::Little)? {
        u32::MAX => long_sizes(extra).nth(1)?,
        short => short.into(),
    };
    let data = at + 30 + both.len() as u64;
    let (encrypted, trailing) = (flags & 1 != 0, flags & 8 != 0);
    Some((Member { name: name.to_vec(), encrypted, trailing, method, packed, at }, data))
}

/// How long the sizes are that stand behind a member's data: with a mark or without, and perhaps of eight bytes.
fn descriptor(source: &mut dyn Source, at: u64) -> u64 {
    let bytes = read_at(source, at, 28).unwrap_or_default();
    let mark = if bytes.starts_with(&DESCRIPTOR) { 4 } else { 0 };
    let ends = |length: usize| {
        bytes.get(mark + length..).is_some_and(|next| next.starts_with(&LOCAL) || next.starts_with(&CENTRAL))
    };
    let length = if ends(20) { 20 } else { 12 };
    (mark + length) as u64
}
