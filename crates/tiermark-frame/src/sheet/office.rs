//! Office files: ZIP archives (APPNOTE 6.3.10) in which some members are pictures.
//!
//! Reading what was found is forgiving (`container`), writing is not: an archive whose directory and members do not say the same, or
//! that holds bytes which nobody lists, is refused. Such bytes may be an older copy of a picture.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::ops::Range;

use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

use tiermark_signal::Size;

use super::{PassedOver, refused};
use crate::container::shown;
use crate::format::bytes::{Endian, u16_at, u32_at};
use crate::{Format, Frame, FrameError, Limits, probe};

const END: &[u8; 4] = b"PK\x05\x06";
const LOCATOR_64: &[u8; 4] = b"PK\x06\x07";
const CENTRAL: &[u8; 4] = b"PK\x01\x02";
const LOCAL: &[u8; 4] = b"PK\x03\x04";
const DESCRIPTOR: &[u8; 4] = b"PK\x07\x08";

/// How files of pictures end that are passed over unless they begin as ones that are read. Metafiles, drawings and pages may hold
/// rasters; movies are pictures, too.
const PICTURES: [&[u8]; 45] = [
    b"png", b"jpg", b"jpeg", b"jpe", b"jfif", b"tif", b"tiff", b"gif", b"bmp", b"dib", b"webp", b"tga",
    b"jp2", b"jpx", b"j2k", b"jpf", b"jxr", b"wdp", b"hdp", b"jxl", b"heic", b"heif", b"avif", b"ico",
    b"pcx", b"psd", b"emf", b"wmf", b"emz", b"wmz", b"svg", b"svm", b"pict", b"pct", b"eps", b"pdf", b"mp4",
    b"m4v", b"mov", b"avi", b"wmv", b"mpg", b"mpeg", b"webm", b"mkv",
];

const ANEW: &str = "save it anew from its program";

/// An office file.
pub(super) struct Office {
    /// In the order of the directory.
    members: Vec<Member>,
    /// Those that begin as pictures.
    pictures: Vec<usize>,
    passed_over: Vec<PassedOver>,
    directory: Range<usize>,
}

struct Member {
    name: Vec<u8>,
    /// Its entry in the directory.
    entry: usize,
    flags: u16,
    method: u16,
    /// Its own header.
    header: Range<usize>,
    /// Its data, packed.
    data: Range<usize>,
    /// What stands behind them, where sizes do (4.3.9).
    descriptor: Range<usize>,
}

/// Look through an archive; `None` if it is no office file.
pub(super) fn open(bytes: &[u8], limits: &Limits) -> Result<Option<Office>, FrameError> {
    let Some((end, directory)) = directory(bytes) else { return Ok(None) };
    limits.metadata(directory.len())?;
    let Some(entries) = entries(bytes, &directory) else { return Ok(None) };
    if !is_office(bytes, &entries) {
        return Ok(None);
    }
    if end.checked_sub(20).is_some_and(|at| bytes[at..].starts_with(LOCATOR_64)) {
        return Err(refused("an office file with sizes of 64 bits (ZIP64)", ANEW));
    }
    let signed = |entry: &Entry| {
        entry.name.starts_with(b"_xmlsignatures/") || entry.name.ends_with(b"documentsignatures.xml")
    };
    if entries.iter().any(signed) {
        return Err(refused("a signed office file", "stamp it before it is signed"));
    }
    if entries.iter().any(|entry| entry.flags & 1 != 0) {
        return Err(refused("an encrypted office file", "save it without a password"));
    }
    if entries.len() as u64 > limits.max_members {
        return Err(FrameError::OverLimit(format!("{} members", entries.len())));
    }
    let members = members(bytes, entries, directory.start).filter(|_| directory.end == end);
    let members = members
        .ok_or_else(|| refused("an office file whose directory does not tell all that is in it", ANEW))?;
    let mut office = Office { members, pictures: Vec::new(), passed_over: Vec::new(), directory };
    if office.is_encrypted(bytes, limits) {
        return Err(refused("an encrypted office file", "save it without a password"));
    }
    for member in 0..office.members.len() {
        let head = office.unpacked(bytes, member, 64);
        match probe(&head) {
            // TGA has no word by which it is told from other data, and office programs know none of it.
            Ok(format) if format != Format::Tga => office.pictures.push(member),
            other => office.passed_over.extend(office.members[member].passed_over(&head, other.err())),
        }
    }
    Ok(Some(office))
}

/// Where the end record and the directory before it are.
fn directory(bytes: &[u8]) -> Option<(usize, Range<usize>)> {
    let from = bytes.len().saturating_sub(22 + 65_535);
    let end = from + bytes[from..].windows(4).rposition(|window| window == END)?;
    let half = |at| u16_at(bytes, end + at, Endian::Little);
    let word = |at| u32_at(bytes, end + at, Endian::Little).map(|word| word as usize);
    let whole = end + 22 + usize::from(half(20)?) == bytes.len() && half(4)? == 0 && half(6)? == 0;
    let (length, at) = (word(12)?, word(16)?);
    // Of ZIP64 the offset may be all ones; the directory ends where its end record begins, or the other one does.
    let at = if at == u32::MAX as usize { end.checked_sub(length)? } else { at };
    let to = at.checked_add(length)?;
    (whole && to <= end).then_some((end, at..to))
}

/// What the directory says of a member.
struct Entry {
    at: usize,
    name: Vec<u8>,
    flags: u16,
    method: u16,
    packed: usize,
    header: usize,
}

fn entries(bytes: &[u8], directory: &Range<usize>) -> Option<Vec<Entry>> {
    let bytes = bytes.get(..directory.end)?;
    let (mut at, mut entries) = (directory.start, Vec::new());
    while at < directory.end {
        if !bytes[at..].starts_with(CENTRAL) {
            return None;
        }
        let half = |offset| u16_at(bytes, at + offset, Endian::Little);
        let word = |offset| u32_at(bytes, at + offset, Endian::Little).map(|word| word as usize);
        let [name, extra, comment] = [half(28)?, half(30)?, half(32)?].map(usize::from);
        entries.push(Entry {
            at,
            name: bytes.get(at + 46..at + 46 + name)?.to_vec(),
            flags: half(8)?,
            method: half(10)?,
            packed: word(20)?,
            header: word(42)?,
        });
        at += 46 + name + extra + comment;
    }
    (at == directory.end).then_some(entries)
}

/// Office Open XML has its list of types, OpenDocument says first what it is.
fn is_office(bytes: &[u8], entries: &[Entry]) -> bool {
    let first = |entry: &Entry| {
        let at = entry.header.checked_add(38).filter(|_| entry.name == b"mimetype" && entry.method == 0);
        at.and_then(|at| bytes.get(at..))
            .is_some_and(|data| data.starts_with(b"application/vnd.oasis.opendocument."))
    };
    entries.iter().any(|entry| entry.name == b"[Content_Types].xml") || entries.iter().any(first)
}

/// The members, if directory, headers and data fill the archive up to `end` without gap or overlap.
fn members(bytes: &[u8], entries: Vec<Entry>, end: usize) -> Option<Vec<Member>> {
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by_key(|index| entries[*index].header);
    let mut ends = vec![end; entries.len()];
    order.windows(2).for_each(|pair| ends[pair[0]] = entries[pair[1]].header);
    if entries[*order.first()?].header != 0 {
        return None;
    }
    entries.into_iter().zip(ends).map(|(entry, end)| member(bytes, entry, end)).collect()
}

fn member(bytes: &[u8], entry: Entry, end: usize) -> Option<Member> {
    let at = entry.header;
    let half = |offset| u16_at(bytes, at.checked_add(offset)?, Endian::Little);
    let name = usize::from(half(26)?);
    let data = at + 30 + name + usize::from(half(28)?);
    let data = data..data.checked_add(entry.packed)?;
    let same = bytes.get(at..)?.starts_with(LOCAL)
        && bytes.get(at + 30..at + 30 + name)? == entry.name
        && (half(6)?, half(8)?) == (entry.flags, entry.method);
    let descriptor = bytes.get(data.end..end)?;
    let lengths: &[usize] = match (entry.flags & 8 != 0, descriptor.starts_with(DESCRIPTOR)) {
        (false, _) => &[0],
        (true, false) => &[12],
        (true, true) => &[12, 16],
    };
    (same && lengths.contains(&descriptor.len())).then_some(Member {
        name: entry.name,
        entry: entry.at,
        flags: entry.flags,
        method: entry.method,
        header: at..data.start,
        descriptor: data.end..end,
        data,
    })
}

impl Office {
    /// The numbers of the members that begin as pictures.
    pub(super) fn pictures(&self) -> &[usize] {
        &self.pictures
    }

    pub(super) fn passed_over(&self) -> &[PassedOver] {
        &self.passed_over
    }

    pub(super) fn name(&self, picture: usize) -> &[u8] {
        &self.members[self.pictures[picture]].name
    }

    pub(super) fn picture(&self, bytes: &[u8], picture: usize, limits: &Limits) -> Result<Frame, FrameError> {
        let member = self.pictures[picture];
        let unpacked = self.unpacked(bytes, member, limits.max_file_bytes.saturating_add(1));
        Frame::decode(unpacked, limits)
    }

    /// Up to `most` bytes of a member; what breaks off is cut off.
    fn unpacked(&self, bytes: &[u8], member: usize, most: u64) -> Vec<u8> {
        let member = &self.members[member];
        let (packed, mut out) = (&bytes[member.data.clone()], Vec::new());
        // Decoding a picture that is cut off tells so.
        let _ = match member.method {
            0 => packed.take(most).read_to_end(&mut out),
            8 => DeflateDecoder::new(packed).take(most).read_to_end(&mut out),
            _ => Ok(0),
        };
        out
    }

    /// OpenDocument packs what it has encrypted as if it were not.
    fn is_encrypted(&self, bytes: &[u8], limits: &Limits) -> bool {
        let manifest = |member: &Member| member.name == b"META-INF/manifest.xml";
        let manifest = self.members.iter().position(manifest);
        let text = manifest.map(|member| self.unpacked(bytes, member, limits.max_metadata_bytes));
        text.is_some_and(|text| text.windows(16).any(|window| window == b":encryption-data"))
    }

    /// The archive with other pictures; all else is copied as it is.
    pub(super) fn with(&self, bytes: &[u8], fresh: &[(usize, Vec<u8>)]) -> Result<Vec<u8>, FrameError> {
        let mut order: Vec<usize> = (0..self.members.len()).collect();
        order.sort_by_key(|index| self.members[*index].header.start);
        let mut out = Vec::with_capacity(bytes.len());
        let mut entries = bytes[self.directory.clone()].to_vec();
        let fresh: BTreeMap<usize, &[u8]> =
            fresh.iter().map(|(picture, file)| (self.pictures[*picture], &file[..])).collect();
        for index in order {
            let member = &self.members[index];
            let entry = member.entry - self.directory.start;
            put(&mut entries, entry + 42, short(out.len())?);
            match fresh.get(&index) {
                None => out.extend_from_slice(&bytes[member.header.start..member.descriptor.end]),
                Some(file) => {
                    let words = member.write(bytes, file, &mut out)?;
                    (0..3).for_each(|word| put(&mut entries, entry + 16 + 4 * word, words[word]));
                }
            }
        }
        let directory = short(out.len())?;
        out.extend_from_slice(&entries);
        let end = out.len();
        out.extend_from_slice(&bytes[self.directory.end..]);
        put(&mut out, end + 16, directory);
        Ok(out)
    }
}

impl Member {
    /// What is said of it if it is called a picture, though it does not begin as one that is read.
    fn passed_over(&self, head: &[u8], error: Option<FrameError>) -> Option<PassedOver> {
        let dot = self.name.iter().rposition(|byte| *byte == b'.')?;
        let ending = self.name[dot + 1..].to_ascii_lowercase();
        PICTURES.contains(&&ending[..]).then(|| PassedOver {
            place: shown(&self.name),
            size: size_of_metafile(head),
            why: match error {
                Some(FrameError::NotSupported(kind)) => format!("is {kind}"),
                _ => format!("is a file of the kind .{}", shown(&ending)),
            },
        })
    }

    /// Write it with another file in it; its check sum, and its length packed and unpacked.
    fn write(&self, bytes: &[u8], file: &[u8], out: &mut Vec<u8>) -> Result<[u32; 3], FrameError> {
        let packed = match self.method {
            0 => file.to_vec(),
            _ => deflated(file),
        };
        let mut crc = Crc::new();
        crc.update(file);
        let words = [crc.sum(), short(packed.len())?, short(file.len())?];
        let header = out.len();
        out.extend_from_slice(&bytes[self.header.clone()]);
        // Where they stand behind the data, the header may have zeros, which stay.
        let ahead = bytes[self.header.start + 14..][..12].iter().any(|byte| *byte != 0);
        if self.flags & 8 == 0 || ahead {
            (0..3).for_each(|word| put(out, header + 14 + 4 * word, words[word]));
        }
        out.extend_from_slice(&packed);
        let descriptor = out.len();
        out.extend_from_slice(&bytes[self.descriptor.clone()]);
        let length = out.len() - descriptor;
        if length > 0 {
            (0..3).for_each(|word| put(out, descriptor + length - 12 + 4 * word, words[word]));
        }
        Ok(words)
    }
}

/// The bounds of an enhanced metafile, in pixels of the device it was drawn for (MS-EMF 2.3.4.2).
fn size_of_metafile(head: &[u8]) -> Option<Size> {
    let side = |from: usize, to: usize| {
        let at = |at| u32_at(head, at, Endian::Little).map(u32::cast_signed);
        usize::try_from(at(to)?.checked_sub(at(from)?)?).ok()?.checked_add(1)
    };
    let begins = head.starts_with(&[1, 0, 0, 0]) && head.get(40..44) == Some(b" EMF");
    begins.then(|| Size::new(side(8, 16)?, side(12, 20)?)).flatten()
}

fn deflated(file: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    // Memory does not fail to be written to.
    let _ = encoder.write_all(file);
    encoder.finish().unwrap_or_default()
}

fn put(bytes: &mut [u8], at: usize, word: u32) {
    bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
}

fn short(length: usize) -> Result<u32, FrameError> {
    u32::try_from(length)
        .ok()
        .filter(|length| *length < u32::MAX)
        .ok_or_else(|| FrameError::OverLimit("an office file of more than 4 GiB".to_owned()))
}
