//! PDF documents (ISO 32000-2, 7.5.6): pictures are put back by an incremental update.
//!
//! The update holds the new pictures and a table of their places, of the kind that the document has; what is before it stays byte for
//! byte but for the data of the old pictures, which become zeros: a viewer never looks at them, and whoever does finds nothing.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::refused;
use crate::container::ContainerError;
use crate::container::pdf::stored::{self, Document, Stored, entries_but};
use crate::{FrameError, Limits};

/// Look through a document.
pub(super) fn open(bytes: &[u8], limits: &Limits) -> Result<Document, FrameError> {
    stored::open(bytes, limits).map_err(told)
}

/// Why a document is refused.
pub(super) fn told(error: ContainerError) -> FrameError {
    match error {
        ContainerError::Closed { what, way_out } => refused(what, way_out),
        ContainerError::OverLimit(what) => FrameError::OverLimit(what),
        ContainerError::Damaged { reason, .. } => {
            refused(format!("a damaged PDF document ({reason})"), "print it into a new one")
        }
        ContainerError::Stopped => refused("a PDF document that nobody looked at to its end", "try again"),
    }
}

/// The document with other pictures.
pub(super) fn with(
    document: &Document,
    bytes: &[u8],
    fresh: &[(usize, Vec<u8>)],
) -> Result<Vec<u8>, FrameError> {
    let mut out = bytes.to_vec();
    if fresh.is_empty() {
        return Ok(out);
    }
    let mut places = Vec::with_capacity(fresh.len() + 1);
    out.push(b'\n');
    for (picture, file) in fresh {
        let picture = &document.pictures[*picture];
        for old in picture.former.iter().chain([&picture.data]) {
            out[old.clone()].fill(0);
        }
        places.push((picture.number, picture.generation, out.len()));
        put(picture, bytes, file, &mut out)?;
    }
    let table = out.len();
    let (old, kept) = (&document.table, &document.table.kept);
    if old.is_stream {
        places.push((old.free, 0, table));
        stream(old.free, kept, old.at, &places, &mut out);
    } else {
        out.extend_from_slice(b"xref\n");
        for (number, generation, at) in places {
            out.extend_from_slice(format!("{number} 1\n{at:010} {generation:05} n \n").as_bytes());
        }
        out.extend_from_slice(b"trailer\n<< ");
        out.extend_from_slice(kept);
        out.extend_from_slice(format!("/Size {} /Prev {} >>\n", old.free, old.at).as_bytes());
    }
    out.extend_from_slice(format!("startxref\n{table}\n%%EOF\n").as_bytes());
    if out.len() as u64 >= 10_000_000_000 {
        return Err(FrameError::OverLimit("a PDF document of more than ten digits".to_owned()));
    }
    understood(document, &out)?;
    Ok(out)
}

/// In a damaged document the old end may take in what was written behind it: it is read again as it leaves.
fn understood(document: &Document, written: &[u8]) -> Result<(), FrameError> {
    let numbers =
        |document: &Document| document.pictures.iter().map(|picture| picture.number).collect::<Vec<_>>();
    // It was opened under the limits that hold; now it is larger by what was put in.
    let generous = Limits {
        max_pixels: u64::MAX,
        max_file_bytes: u64::MAX,
        max_metadata_bytes: u64::MAX,
        max_members: u64::MAX,
        max_unpacked_bytes: u64::MAX,
        ..Limits::default()
    };
    match stored::open(written, &generous) {
        Ok(again) if numbers(&again) == numbers(document) => Ok(()),
        _ => Err(refused(
            "a damaged PDF document (its end takes in what is written behind it)",
            "print it into a new one",
        )),
    }
}

/// A picture's object, with other data.
fn put(picture: &Stored, bytes: &[u8], file: &[u8], out: &mut Vec<u8>) -> Result<(), FrameError> {
    const NAMES: [&[u8]; 4] = [b"Length", b"Filter", b"DecodeParms", b"DL"];
    let kept = entries_but(bytes, picture.at, &NAMES).ok_or_else(|| {
        refused("a damaged PDF document (a picture's dictionary)", "print it into a new one")
    })?;
    let (width, colours) = (picture.size.width, picture.colours);
    let (filter, data) = match picture.is_jpeg() {
        true => ("/Filter /DCTDecode".to_owned(), file.to_vec()),
        false => {
            let rows = format!("/Predictor 15 /Colors {colours} /BitsPerComponent 8 /Columns {width}");
            (
                format!("/Filter /FlateDecode /DecodeParms << {rows} >>"),
                packed(file, width * colours, colours),
            )
        }
    };
    out.extend_from_slice(format!("{} {} obj\n<< ", picture.number, picture.generation).as_bytes());
    out.extend_from_slice(&kept);
    out.extend_from_slice(format!("{filter} /Length {} >>\nstream\n", data.len()).as_bytes());
    out.extend_from_slice(&data);
    out.extend_from_slice(b"\nendstream\nendobj\n");
    Ok(())
}

/// The table of places as a stream: kind, place and generation in 1, 5 and 2 bytes.
fn stream(number: u32, kept: &[u8], before: usize, places: &[(u32, u16, usize)], out: &mut Vec<u8>) {
    let mut places = places.to_vec();
    places.sort_unstable();
    let index: String = places.iter().map(|(number, ..)| format!("{number} 1 ")).collect();
    let entry = |(_, generation, at): &(u32, u16, usize)| {
        [&[1][..], &(*at as u64).to_be_bytes()[3..], &generation.to_be_bytes()].concat()
    };
    let data: Vec<u8> = places.iter().flat_map(entry).collect();
    out.extend_from_slice(format!("{number} 0 obj\n<< /Type /XRef ").as_bytes());
    out.extend_from_slice(kept);
    let size = number.saturating_add(1);
    let tail = format!("/Size {size} /Prev {before} /W [1 5 2] /Index [{index}] /Length {} >>\n", data.len());
    out.extend_from_slice(tail.as_bytes());
    out.extend_from_slice(b"stream\n");
    out.extend_from_slice(&data);
    out.extend_from_slice(b"\nendstream\nendobj\n");
}

/// Samples, each row less its left or upper neighbours where that is smaller (the filters 0 to 2 of PNG), and packed.
pub(super) fn packed(samples: &[u8], row: usize, step: usize) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    let mut above = vec![0; row];
    for row in samples.chunks_exact(row) {
        let left = |at: usize| if at < step { 0 } else { row[at - step] };
        let less = |from: &dyn Fn(usize) -> u8| -> Vec<u8> {
            (0..row.len()).map(|at| row[at].wrapping_sub(from(at))).collect()
        };
        let tries = [less(&|_| 0), less(&left), less(&|at| above[at])];
        let cost =
            |tried: &Vec<u8>| tried.iter().map(|v| u64::from(v.cast_signed().unsigned_abs())).sum::<u64>();
        let best = (0..3).min_by_key(|kind| cost(&tries[*kind])).unwrap_or(0);
        // Memory does not fail to be written to.
        let _ = encoder.write_all(&[best as u8]).and_then(|()| encoder.write_all(&tries[best]));
        above = row.to_vec();
    }
    encoder.finish().unwrap_or_default()
}
