//! What kind of file is this? By content, never by name.

use super::{Format, bmp, tga};
use crate::FrameError;

/// What the bytes are, by their content; a name or extension is never asked.
///
/// Kinds that tiermark will read one day are told apart from what is no picture at all.
///
/// # Errors
/// [`FrameError::NotSupported`] with the kind's name, [`FrameError::NotAPicture`] for everything else.
pub fn probe(bytes: &[u8]) -> Result<Format, FrameError> {
    if let Some(format) = supported(bytes) {
        return Ok(format);
    }
    if let Some(name) = known(bytes) {
        return Err(FrameError::NotSupported(name.into()));
    }
    // TGA has no magic number, so everything that has one goes first.
    if tga::looks_like_one(bytes) {
        return Ok(Format::Tga);
    }
    Err(FrameError::NotAPicture)
}

fn supported(bytes: &[u8]) -> Option<Format> {
    Some(match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Format::Png,
        [0xff, 0xd8, 0xff, ..] => Format::Jpeg,
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Format::Tiff,
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Format::WebP,
        [0x76, 0x2f, 0x31, 0x01, ..] => Format::OpenExr,
        [b'S', b'D', b'P', b'X', ..] | [b'X', b'P', b'D', b'S', ..] => Format::Dpx,
        [b'B', b'M', ..] if bmp::looks_like_one(bytes) => Format::Bmp,
        _ => return None,
    })
}

/// Kinds that are recognised, so that the answer can be better than "not a picture".
fn known(bytes: &[u8]) -> Option<&'static str> {
    if bytes.get(4..8) == Some(b"ftyp") {
        return Some(boxed(bytes));
    }
    if bytes.starts_with(b"RIFF") {
        return (bytes.get(8..12) == Some(b"AVI ")).then_some("AVI");
    }
    MAGIC.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, name)| *name)
}

/// Which of the kinds that share the boxes of ISO 14496-12.
fn boxed(bytes: &[u8]) -> &'static str {
    match bytes.get(8..12) {
        Some(b"avif" | b"avis") => "AVIF (convert it to PNG)",
        _ if is_heif(bytes) => "HEIF (convert it to PNG)",
        Some(b"qt  ") => "a QuickTime movie",
        Some(b"crx ") => "a camera raw file",
        _ => "an MP4 movie",
    }
}

/// Whether a file begins as HEIF (ISO 23008-12, annex B), other than AVIF.
pub(crate) fn is_heif(bytes: &[u8]) -> bool {
    let brands: [&[u8]; 7] = [b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"];
    bytes.get(4..8) == Some(b"ftyp") && bytes.get(8..12).is_some_and(|brand| brands.contains(&brand))
}

const MAGIC: &[(&[u8], &str)] = &[
    (b"\x80\x2a\x5f\xd7", "Cineon"),
    (b"8BPS", "a Photoshop document"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"%PDF-", "PDF"),
    (b"\xff\x0a", "JPEG XL (convert it to PNG)"),
    (b"\0\0\0\x0cJXL ", "JPEG XL (convert it to PNG)"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000 (convert it to PNG)"),
    (b"\xff\x4f\xff\x51", "JPEG 2000 (convert it to PNG)"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"#?RGBE", "Radiance HDR"),
    (b"qoif", "QOI"),
    (b"farbfeld", "farbfeld"),
    (b"P4\n", "PBM"),
    (b"P5\n", "PGM"),
    (b"P6\n", "PPM"),
    (b"PF\n", "PFM"),
    (b"\x01\xda", "SGI"),
    (b"DDS ", "DDS"),
    (b"\0\0\x01\0", "an icon file"),
    (b"gimp xcf ", "a GIMP document"),
    (b"CSFCHUNK", "a Clip Studio document"),
    (b"PK\x03\x04", "a ZIP archive, perhaps an office file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x1f\x8b\x08", "a file packed by gzip"),
    (b"Rar!\x1a\x07", "a RAR archive (unpack it first)"),
    (b"BZh", "a file packed by bzip2 (unpack it first)"),
    (b"\xfd7zXZ\0", "a file packed by xz (unpack it first)"),
    (b"\x28\xb5\x2f\xfd", "a file packed by Zstandard (unpack it first)"),
    (b"\x1a\x45\xdf\xa3", "Matroska or WebM"),
    (b"\x06\x0e\x2b\x34", "MXF"),
    (b"\0\0\x01\xba", "an MPEG movie"),
    (b"\0\0\x01\xb3", "an MPEG movie"),
    (b"OggS", "Ogg"),
    (b"<svg", "SVG"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_that_are_not_read_are_called_by_name() {
        for (bytes, name) in [
            (&b"8BPS\0\x01"[..], "a Photoshop document"),
            (b"GIF89a\x01\0", "GIF"),
            (b"%PDF-1.7", "PDF"),
            (b"\0\0\0\x20ftypisom", "an MP4 movie"),
            (b"\0\0\0\x20ftypqt  ", "a QuickTime movie"),
            (b"RIFF\x10\0\0\0AVI LIST", "AVI"),
        ] {
            let error = probe(bytes).expect_err("it is not supported");
            assert_eq!(error.to_string(), format!("is {name}, which is not supported yet"));
        }
    }

    #[test]
    fn text_and_noise_are_no_pictures() {
        for bytes in [
            &b""[..],
            b"B",
            b"BM",
            b"BMW is a maker of cars, not of bitmaps.",
            b"Shot list, 2026\n",
            &[0; 600],
        ] {
            assert_eq!(probe(bytes), Err(FrameError::NotAPicture));
        }
    }
}
