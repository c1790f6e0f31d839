//! TAR archives: as POSIX has them (pax), with the long names of GNU and of old ones without a magic number.

use std::io::{self, Read};

use super::walker::Walker;
use super::{ContainerError, Kind, Place};

const BLOCK: usize = 512;

/// The longest name, or list of attributes, that is believed.
const MOST_NAME: u64 = 1 << 20;

/// Whether the bytes begin with a header whose sum is right.
pub(super) fn is_header(head: &[u8]) -> bool {
    head.get(..BLOCK).is_some_and(|block| block[0] != 0 && sum_is_right(block))
}

fn sum_is_right(block: &[u8]) -> bool {
    let blank = |(at, byte): (usize, &u8)| if (148..156).contains(&at) { 32 } else { u64::from(*byte) };
    number(&block[148..156]) == Some(block.iter().enumerate().map(blank).sum())
}

/// Octal digits, or the base-256 of GNU.
fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        let digits = field.iter().enumerate().map(|(at, byte)| if at == 0 { byte & 0x7f } else { *byte });
        return digits
            .map(u64::from)
            .try_fold(0_u64, |value, digit| value.checked_mul(256)?.checked_add(digit));
    }
    let text = field.split(|byte| *byte == 0).next()?.trim_ascii();
    text.iter().try_fold(0_u64, |value, digit| match digit {
        b'0'..=b'7' => value.checked_mul(8)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}

/// What the headers before a member said of it.
#[derive(Default)]
struct Said {
    name: Option<Vec<u8>>,
    size: Option<u64>,
}

/// Everything in an archive.
pub(super) fn walk(source: &mut dyn Read, walker: &mut Walker<'_>) -> Result<(), ContainerError> {
    let mut said = Said::default();
    let mut block = [0; BLOCK];
    while next(source, &mut block)? {
        // Zeros end an archive; another may follow that was put behind it.
        if block.iter().all(|byte| *byte == 0) {
            continue;
        }
        let size = number(&block[124..136]).filter(|_| sum_is_right(&block));
        let Some(size) = size else {
            return Err(ContainerError::damaged(Kind::Tar, "a header does not add up"));
        };
        let kind = block[156];
        match kind {
            b'L' => {
                let long = text(source, size)?;
                said.name = long.split(|byte| *byte == 0).next().map(<[u8]>::to_vec);
            }
            b'x' => attributes(&text(source, size)?, &mut said),
            b'K' | b'g' => drop(text(source, size)?),
            _ => {
                let Said { name, size: longer } = std::mem::take(&mut said);
                let place = Place::Entry(name.unwrap_or_else(|| short_name(&block)));
                let size = longer.unwrap_or(size);
                let mut data = Read::take(&mut *source, size);
                match kind {
                    0 | b'0' | b'7' if size > 0 => walker.member(place, &mut data)?,
                    b'S' => walker.unreadable(place, "is stored with holes; unpack the archive first")?,
                    _ => {}
                }
                pass(&mut data)?;
                skip_padding(source, size)?;
            }
        }
    }
    Ok(())
}

/// The next block; nothing at the end.
fn next(source: &mut dyn Read, block: &mut [u8; BLOCK]) -> Result<bool, ContainerError> {
    let mut filled = 0;
    while filled < BLOCK {
        match source.read(&mut block[filled..]) {
            Ok(0) if filled == 0 => return Ok(false),
            Ok(0) => return Err(ContainerError::cut_off(Kind::Tar)),
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(ContainerError::io(Kind::Tar, &error)),
        }
    }
    Ok(true)
}

/// What stands in a member that describes the next one.
fn text(source: &mut dyn Read, size: u64) -> Result<Vec<u8>, ContainerError> {
    if size > MOST_NAME {
        return Err(ContainerError::damaged(Kind::Tar, format!("a name or its like of {size} bytes")));
    }
    let mut bytes = Vec::new();
    let read = source.take(size).read_to_end(&mut bytes);
    read.map_err(|error| ContainerError::io(Kind::Tar, &error))?;
    if bytes.len() as u64 != size {
        return Err(ContainerError::cut_off(Kind::Tar));
    }
    skip_padding(source, size)?;
    Ok(bytes)
}

fn skip_padding(source: &mut dyn Read, size: u64) -> Result<(), ContainerError> {
    let rest = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
    // Some writers leave the padding of the last member out.
    let skipped = io::copy(&mut source.take(rest), &mut io::sink());
    skipped.map(drop).map_err(|error| ContainerError::io(Kind::Tar, &error))
}

/// The rest of a member: nothing is unpacked here, so nothing is counted.
fn pass(data: &mut io::Take<impl Read>) -> Result<(), ContainerError> {
    io::copy(data, &mut io::sink()).map_err(|error| ContainerError::io(Kind::Tar, &error))?;
    if data.limit() > 0 { Err(ContainerError::cut_off(Kind::Tar)) } else { Ok(()) }
}

/// The attributes of pax: `length key=value\n`, the length counting itself.
fn attributes(mut text: &[u8], said: &mut Said) {
    while let Some(space) = text.iter().position(|byte| *byte == b' ') {
        let length = std::str::from_utf8(&text[..space]).ok().and_then(|digits| digits.parse::<usize>().ok());
        let Some(record) = length.filter(|length| *length > space + 1).and_then(|length| text.get(..length))
        else {
            return;
        };
        let pair = record[space + 1..].strip_suffix(b"\n").unwrap_or(&record[space + 1..]);
        if let Some(name) = pair.strip_prefix(b"path=") {
            said.name = Some(name.to_vec());
        } else if let Some(size) = pair.strip_prefix(b"size=") {
            said.size = std::str::from_utf8(size).ok().and_then(|digits| digits.parse().ok());
        }
        text = &text[record.len()..];
    }
}

fn short_name(block: &[u8; BLOCK]) -> Vec<u8> {
    let field = |range: std::ops::Range<usize>| block[range].split(|byte| *byte == 0).next().unwrap_or(&[]);
    let (name, prefix) = (field(0..100), field(345..500));
    // Only POSIX has a prefix there; GNU keeps times in its place.
    match &block[257..263] {
        b"ustar\0" if !prefix.is_empty() => [prefix, b"/", name].concat(),
        _ => name.to_vec(),
    }
}
