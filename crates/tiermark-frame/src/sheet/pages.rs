//! The pages of a PDF as pictures, drawn by the system's `pdftoppm`, and a PDF that is nothing but these.
//!
//! The program gets the bytes through a pipe, without a shell and without a path, and is ended when it takes too long. What it draws is
//! 8-bit RGB on white, cropped and turned as a reader sees it. What is written has pages of these sizes with a picture on each:
//! no text, no names, no dates, nothing of the old document, and the same bytes for the same pictures.

use std::ffi::OsString;
use std::io::{BufReader, Read, Write};
use std::thread;

use tiermark_signal::Size;

use super::pdf::{packed, told};
use crate::clip::process::{Ends, Tool};
use crate::container::pdf;
use crate::container::pdf::stored::{self, Document};
use crate::limits::zeros;
use crate::{Format, FrameError, Limits};

/// Dots per inch that pages are drawn at.
pub(super) const DPI: std::ops::RangeInclusive<u32> = 50..=600;

/// A film's storyboard has some hundreds.
const MOST_PAGES: usize = 2_000;

/// For all pages together; one of text takes a tenth of a second.
const MOST_SECONDS: u64 = 1_800;

/// A page: its picture packed as [`super::pdf`] does it.
struct Page<'a> {
    size: Size,
    packed: std::borrow::Cow<'a, [u8]>,
}

/// Draw a document, and look through what became of it.
pub(super) fn draw(bytes: &[u8], dpi: u32, limits: &Limits) -> Result<(Vec<u8>, Document), FrameError> {
    if !DPI.contains(&dpi) {
        return Err(FrameError::OverLimit(format!("{dpi} dots per inch, and pages are drawn at 50 to 600")));
    }
    pdf::look_through(bytes, limits).map_err(told)?;
    let pages = drawn(bytes, dpi, limits).map_err(in_its_words)?;
    let plain = plain(&pages, dpi);
    limits.file(plain.len())?;
    let document = stored::open(&plain, limits).map_err(told)?;
    if document.pictures.len() != pages.len() {
        return Err(FrameError::OverLimit(format!("{} pages of these sizes", pages.len())));
    }
    Ok((plain, document))
}

/// The drawn document with other pictures on its pages.
pub(super) fn with(document: &Document, dpi: u32, bytes: &[u8], fresh: &[(usize, Vec<u8>)]) -> Vec<u8> {
    let page = |(at, picture): (usize, &stored::Stored)| {
        let packed = match fresh.binary_search_by_key(&at, |(picture, _)| *picture) {
            Ok(found) => packed(&fresh[found].1, picture.size.width * 3, 3).into(),
            Err(_) => bytes[picture.data.clone()].into(),
        };
        Page { size: picture.size, packed }
    };
    plain(&document.pictures.iter().enumerate().map(page).collect::<Vec<_>>(), dpi)
}

fn drawn(bytes: &[u8], dpi: u32, limits: &Limits) -> Result<Vec<Page<'static>>, FrameError> {
    let last = (MOST_PAGES + 1).to_string();
    let arguments = ["-q", "-r", &dpi.to_string(), "-cropbox", "-l", &last, "-"].map(OsString::from);
    let tool = Tool::start("pdftoppm", &arguments, &Ends::Both, MOST_SECONDS)?;
    let (input, output) = (tool.input(), tool.output());
    let pages = thread::scope(|scope| {
        scope.spawn(move || {
            // Whoever stops reading says why when it ends.
            let _ = input.map(|mut input| input.write_all(bytes));
        });
        let pages = output.map_or(Ok(Vec::new()), |output| read(BufReader::new(output), limits));
        if pages.is_err() {
            tool.end();
        }
        pages
    })?;
    tool.finish()?;
    if pages.is_empty() {
        return Err(FrameError::Clip("it has no pages".to_owned()));
    }
    Ok(pages)
}

/// Pictures one after the other, as PPM.
fn read(mut from: impl Read, limits: &Limits) -> Result<Vec<Page<'static>>, FrameError> {
    let (mut pages, mut held) = (Vec::new(), 0);
    while let Some(magic) = word(&mut from) {
        let mut number = || word(&mut from)?.parse().ok();
        let (Some(width), Some(height), Some(255), "P6") = (number(), number(), number(), &magic[..]) else {
            return Err(FrameError::Clip("it wrote no picture".to_owned()));
        };
        if pages.len() == MOST_PAGES {
            return Err(FrameError::OverLimit(format!("more than {MOST_PAGES} pages")));
        }
        let size = limits.size(Format::Part, width, height)?;
        let mut samples = zeros(size.area(), 3)?;
        from.read_exact(&mut samples).map_err(|_| FrameError::Clip("a page breaks off".to_owned()))?;
        let packed = packed(&samples, size.width * 3, 3);
        held += packed.len();
        limits.file(held)?;
        pages.push(Page { size, packed: packed.into() });
    }
    Ok(pages)
}

/// A word and the white space behind it; `None` at the end, or where it is longer than any of a header.
fn word(from: &mut impl Read) -> Option<String> {
    let (mut word, mut byte) = (String::new(), [0]);
    while word.len() < 10 && from.read_exact(&mut byte).is_ok() {
        match byte[0] {
            white if white.is_ascii_whitespace() => return Some(word),
            other => word.push(char::from(other)),
        }
    }
    None
}

/// A document of nothing but pictures, each as large as its page.
fn plain(pages: &[Page<'_>], dpi: u32) -> Vec<u8> {
    let mut out = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n".to_vec();
    let mut places = Vec::new();
    let mut object = |out: &mut Vec<u8>, text: &str, data: Option<&[u8]>| {
        places.push(out.len());
        out.extend_from_slice(format!("{} 0 obj\n{text}\n", places.len()).as_bytes());
        if let Some(data) = data {
            out.extend_from_slice(&[&b"stream\n"[..], data, b"\nendstream\n"].concat());
        }
        out.extend_from_slice(b"endobj\n");
    };
    let kids: String = (0..pages.len()).map(|page| format!("{} 0 R ", 3 * page + 3)).collect();
    object(&mut out, "<< /Type /Catalog /Pages 2 0 R >>", None);
    object(&mut out, &format!("<< /Type /Pages /Count {} /Kids [{kids}] >>", pages.len()), None);
    for (number, page) in pages.iter().enumerate() {
        let Size { width, height } = page.size;
        let points = |pixels: usize| format!("{:.3}", pixels as f64 * 72.0 / f64::from(dpi));
        let (across, up) = (points(width), points(height));
        let (paints, picture) = (3 * number + 4, 3 * number + 5);
        let text = format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {across} {up}] /Contents {paints} 0 R \
             /Resources << /XObject << /P {picture} 0 R >> >> >>"
        );
        object(&mut out, &text, None);
        let paints = format!("{across} 0 0 {up} 0 0 cm /P Do");
        object(&mut out, &format!("<< /Length {} >>", paints.len()), Some(paints.as_bytes()));
        let text = format!(
            "<< /Type /XObject /Subtype /Image /Width {width} /Height {height} /ColorSpace /DeviceRGB /BitsPerComponent 8 \
             /Filter /FlateDecode /DecodeParms << /Predictor 15 /Colors 3 /BitsPerComponent 8 /Columns {width} >> /Length {} >>",
            page.packed.len()
        );
        object(&mut out, &text, Some(&page.packed));
    }
    let (table, size) = (out.len(), places.len() + 1);
    out.extend_from_slice(format!("xref\n0 {size}\n0000000000 65535 f \n").as_bytes());
    places.iter().for_each(|at| out.extend_from_slice(format!("{at:010} 00000 n \n").as_bytes()));
    let tail = format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n");
    out.extend_from_slice(tail.as_bytes());
    out
}

/// Errors of programs are worded for clips.
fn in_its_words(error: FrameError) -> FrameError {
    match error {
        FrameError::NeedsFfmpeg => FrameError::NeedsPdftoppm,
        FrameError::Clip(why) => FrameError::Pages(why),
        FrameError::OverLimit(what) if what.contains("--max-clip-seconds") => {
            FrameError::OverLimit(format!("pages that take more than {MOST_SECONDS} seconds to draw"))
        }
        other => other,
    }
}
