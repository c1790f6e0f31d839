//! Containers: what lies in them, and where.

use std::io::Cursor;
use std::ops::ControlFlow;

use tiermark_frame::container::{ContainerError, Content, Kind, Place, walk};
use tiermark_frame::{Frame, Limits};

use crate::make;
use crate::make::boxes::{Drawn, Layer, gz, pdf, psd, seven, tar, zip, zip_with};

/// What a walk found: places in one line, and size in pixels or reason.
pub(crate) fn found(file: &[u8], limits: &Limits) -> (Vec<(String, String)>, Result<(), ContainerError>) {
    let kind = Kind::of(&file[..file.len().min(4096)]).unwrap();
    let mut found = Vec::new();
    let walked = walk(kind, &mut Cursor::new(file), limits, &mut |places, content| {
        let what = match content {
            Content::File(bytes) => match Frame::decode(bytes, limits) {
                Ok(frame) => format!("{}x{}", frame.size().width, frame.size().height),
                Err(error) => error.to_string(),
            },
            Content::Picture(frame) => format!("{}x{}", frame.size().width, frame.size().height),
            Content::Unreadable(reason) => reason,
        };
        let places: Vec<String> = places.iter().map(ToString::to_string).collect();
        found.push((places.join(" > "), what));
        ControlFlow::Continue(())
    });
    (found, walked)
}

pub(crate) fn all(file: &[u8]) -> Vec<(String, String)> {
    let (found, walked) = found(file, &Limits::default());
    walked.unwrap();
    found
}

fn named(found: &[(String, String)]) -> Vec<(&str, &str)> {
    found.iter().map(|(place, what)| (&place[..], &what[..])).collect()
}

pub(crate) fn picture(format: &str) -> Vec<u8> {
    make::one_of_each().into_iter().find(|(name, _)| *name == format).unwrap().1
}

pub(crate) fn size(file: &[u8]) -> String {
    let size = Frame::decode(file.to_vec(), &Limits::default()).unwrap().size();
    format!("{}x{}", size.width, size.height)
}

#[test]
fn archives_inside_archives_give_their_pictures_and_where_they_were() {
    let (png, jpeg) = (picture("png"), picture("jpeg"));
    let deck = zip(&[(b"ppt/slides/slide1.xml", b"<xml>"), (b"ppt/media/image3.bin", &png)]);
    let long = b"n".repeat(180);
    let folder =
        tar(&[(b"../../etc/passwd", b"root"), (&long, &jpeg), (b"deck.pptx", &deck), (b"a.png", &png)]);
    let file = zip(&[
        (b"/absolute.png", &png),
        (b"/absolute.png", &jpeg),
        (b"caf\xe9.png", &png),
        (b"old.tgz", &gz(&folder)),
        (b"x.7z", &seven("원화.png", &png)),
        (b"notes.txt", b"nothing to see"),
    ]);
    let (p, j) = (size(&png), size(&jpeg));
    let long = format!("old.tgz > unpacked > {}", "n".repeat(180));
    assert_eq!(
        named(&all(&file)),
        [
            ("/absolute.png", &p[..]),
            ("/absolute.png", &j),
            ("caf\\xe9.png", &p),
            (&long, &j),
            ("old.tgz > unpacked > deck.pptx > ppt/media/image3.bin", &p),
            ("old.tgz > unpacked > a.png", &p),
            ("x.7z > 원화.png", &p),
        ]
    );
    assert!(all(&zip(&[(b"a.txt", b"letters")])).is_empty());
}

#[test]
fn an_archive_whose_directory_is_lost_is_read_along_its_members() {
    let (png, jpeg) = (picture("png"), picture("jpeg"));
    let file = zip(&[(b"a.png", &png), (b"b.jpg", &jpeg), (b"c.png", &png)]);
    let directory = file.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    for cut in [directory, directory + 40, file.len() - 4] {
        let (found, walked) = found(&file[..cut], &Limits::default());
        assert_eq!(found.len(), 3, "cut at {cut}");
        assert!(matches!(walked, Err(ContainerError::Damaged { kind: Kind::Zip, .. })));
    }
    // Something before the archive, as in a program that unpacks itself, only where its beginning is still told.
    let (found, walked) = found(&[&b"PK\x03\x04stub"[..], &file].concat(), &Limits::default());
    assert!(walked.is_ok() && found.len() == 3, "{found:?} {walked:?}");
}

#[test]
fn encrypted_and_foreign_members_are_named_and_the_rest_goes_on() {
    let png = picture("png");
    let file = zip_with(&[(b"secret.png", &png)], 1);
    let (found, _) = found(&file, &Limits::default());
    assert!(found[0].0 == "secret.png" && found[0].1.contains("encrypted"), "{found:?}");
    let mut foreign = zip(&[(b"a.png", &png), (b"b.png", &png)]);
    let directory = foreign.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    foreign[directory + 10] = 9;
    let found = all(&foreign);
    assert!(found[0].1.contains("Deflate64") && found[1].1 == size(&png), "{found:?}");
}

#[test]
fn layers_come_one_by_one_and_all_together() {
    let samples: Vec<u8> = (0..20 * 10 * 4).map(|i| (i * i / 7 % 251) as u8).collect();
    let flat = vec![200; 20 * 10 * 3];
    let layer = |name, channels, samples| Layer { name, size: (20, 10), channels, samples };
    let layers = [
        layer("ground", 3, &flat[..]),
        layer("線画", 4, &samples[..]),
        layer("colour", 4, &samples[..]),
        layer("light", 4, &samples[..]),
    ];
    let file = psd(&layers, &layer("", 3, &flat[..]));
    let mut frames = Vec::new();
    walk(Kind::Photoshop, &mut Cursor::new(&file), &Limits::default(), &mut |places, content| {
        let Content::Picture(frame) = content else { panic!("{places:?}: {content:?}") };
        frames.push((places[0].clone(), frame));
        ControlFlow::Continue(())
    })
    .unwrap();
    let names: Vec<String> = frames.iter().map(|(place, _)| place.to_string()).collect();
    assert_eq!(
        names,
        ["layer 1: ground", "layer 2: 線画", "layer 3: colour", "layer 4: light", "all layers together"]
    );
    // Packed in four ways, and the same samples.
    for (place, frame) in &frames[1..4] {
        for (channel, plane) in frame.colours().iter().enumerate() {
            let wanted = samples.iter().skip(channel).step_by(4);
            assert!(
                plane.samples().iter().zip(wanted).all(|(got, want)| *got == f32::from(*want)),
                "{place}"
            );
        }
        assert!(!frame.alpha_is_associated() && frame.has_alpha());
        assert_eq!(frame.pixel_digest(), frames[1].1.pixel_digest());
    }
    assert_eq!(frames[0].1.pixel_digest(), frames[4].1.pixel_digest());
}

#[test]
fn pages_give_their_pictures_whatever_their_colours() {
    let jpeg = picture("jpeg");
    let rgb: Vec<u8> = (0..6 * 4 * 3).map(|i| (i * 3) as u8).collect();
    let shape = "/Width 6 /Height 4 /BitsPerComponent";
    let cmyk = format!("{shape} 8 /ColorSpace /DeviceCMYK");
    let palette = format!("{shape} 4 /ColorSpace [/Indexed /DeviceRGB 1 <102030 0a0b0c>]");
    let bits = format!("{shape} 1 /ColorSpace /DeviceGray /Decode [1 0]");
    let lab = format!("{shape} 8 /ColorSpace [/Lab << >>]");
    let drawn = [
        Drawn::Jpeg((8, 8), &jpeg),
        Drawn::Rgb((6, 4), &rgb),
        Drawn::Other(&cmyk, &[0; 96]),
        Drawn::Other(&palette, &[0x10; 12]),
        Drawn::Other(&bits, &[0; 4]),
        Drawn::Other(&lab, &[0; 72]),
    ];
    let mut pictures = Vec::new();
    walk(Kind::Pdf, &mut Cursor::new(pdf(&drawn)), &Limits::default(), &mut |places, content| {
        pictures.push((places[0].clone(), content));
        ControlFlow::Continue(())
    })
    .unwrap();
    for (n, (place, _)) in pictures.iter().enumerate() {
        assert_eq!(*place, Place::Page { page: Some(n as u32 + 1), object: 11 + 2 * n as u32 });
    }
    let first = |n: usize| match &pictures[n].1 {
        Content::Picture(frame) => frame.colours().iter().map(|plane| plane.samples()[1]).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert!(matches!(&pictures[0].1, Content::File(bytes) if *bytes == jpeg));
    assert_eq!(first(1), [9.0, 12.0, 15.0]);
    assert_eq!(first(2), [255.0; 3]);
    assert_eq!(first(3), [16.0, 32.0, 48.0], "0x10 is colour 1, then colour 0");
    assert_eq!(first(4), [255.0], "black and white exchanged");
    assert!(matches!(&pictures[5].1, Content::Unreadable(reason) if reason.contains("Lab")));
}

#[test]
fn circles_of_pages_and_forms_end() {
    let circle = b"%PDF-1.4\n1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n\
        2 0 obj << /Kids [2 0 R 3 0 R 2 0 R] /Resources 4 0 R >> endobj\n\
        3 0 obj << /Type /Page >> endobj\n\
        4 0 obj << /XObject << /A 5 0 R /B 6 0 R >> >> endobj\n\
        5 0 obj << /Subtype /Form /Resources 4 0 R /Length 6 0 R >> stream\nendstream endobj\n\
        6 0 obj 6 0 R endobj\n\
        7 0 obj << /Subtype /Image /Width 7 0 R /Filter 7 0 R /SMask 7 0 R >> stream\nendstream endobj";
    assert_eq!(all(circle), []);
}

#[test]
fn frames_of_an_animation_come_as_they_are_seen() {
    let mut gif = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut gif);
    for shade in [10, 90, 200_u8] {
        let frame = image::RgbaImage::from_pixel(12, 9, image::Rgba([shade, shade, shade, 255]));
        encoder.encode_frame(image::Frame::new(frame)).unwrap();
    }
    drop(encoder);
    assert_eq!(named(&all(&gif)), [("frame 1", "12x9"), ("frame 2", "12x9"), ("frame 3", "12x9")]);
    let (found, walked) = found(&gif, &Limits { max_frames: 2, ..Limits::default() });
    assert_eq!(found.len(), 2);
    assert!(matches!(walked, Err(ContainerError::OverLimit(_))));
    // Said to be an animation, and none.
    let mut webp = picture("webp");
    assert_eq!(&webp[12..16], b"VP8X");
    webp[20] |= 2;
    let (found, walked) = self::found(&webp, &Limits::default());
    assert!(found.is_empty() && matches!(walked, Err(ContainerError::Damaged { .. })), "{found:?}");
}

#[test]
fn what_other_programs_wrote_is_found() {
    let seeds = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds/boxes");
    for (name, wanted) in WRITTEN_BY_OTHERS {
        let file = std::fs::read(seeds.join(name)).unwrap();
        let (found, walked) = found(&file, &Limits::default());
        let mut found: Vec<String> = found.iter().map(|(place, what)| format!("{place}: {what}")).collect();
        found.extend(walked.err().map(|error| error.to_string()));
        let long = format!("{}/{}", "d".repeat(90), "n".repeat(60));
        let found: Vec<String> = found.iter().map(|line| line.replace(&long, "ddd/nnn")).collect();
        assert_eq!(found, *wanted, "{name}");
    }
}

/// Pillow, img2pdf, pikepdf, reportlab, psd-tools, py7zr, python-docx, and Python's own archives; names of 150 letters are cut.
const WRITTEN_BY_OTHERS: &[(&str, &[&str])] = &[
    (
        "img2pdf.pdf",
        &[
            "page 1, object 19: 24x16",
            "page 2, object 2: 24x16",
            "page 3, object 5: 24x16",
            "page 4, object 8: 24x16",
            "page 5, object 11: 24x16",
        ],
    ),
    (
        "pikepdf-object-streams.pdf",
        &[
            "page 1, object 19: 24x16",
            "page 2, object 11: 24x16",
            "page 3, object 13: 24x16",
            "page 4, object 15: 24x16",
            "page 5, object 17: 24x16",
        ],
    ),
    (
        "pikepdf-encrypted.pdf",
        &["is an encrypted PDF document; print it into a new PDF, or save it without encryption"],
    ),
    ("reportlab.pdf", &["page 1, object 3: 24x16", "page 3, object 7: 24x16"]),
    ("pillow.apng", &["frame 1: 24x16", "frame 2: 24x16", "frame 3: 24x16"]),
    ("pillow.gif", &["frame 1: 24x16", "frame 2: 24x16", "frame 3: 24x16"]),
    ("pillow.webp", &["frame 1: 24x16", "frame 2: 24x16", "frame 3: 24x16"]),
    (
        "psd-tools-L.psd",
        &[
            "layer 1: calque \\x8e 0: 24x16",
            "layer 2: calque \\x8e 1: 24x16",
            "layer 3: calque \\x8e 2: 24x16",
            "layer 4: calque \\x8e 3: 24x16",
            "all layers together: 24x16",
        ],
    ),
    (
        "psd-tools-RGB.psd",
        &[
            "layer 1: calque \\x8e 0: 24x16",
            "layer 2: calque \\x8e 1: 24x16",
            "layer 3: calque \\x8e 2: 24x16",
            "layer 4: calque \\x8e 3: 24x16",
            "all layers together: 24x16",
        ],
    ),
    ("py7zr.7z", &["dir/a.png: 24x16", "원화.jpg: 24x16"]),
    ("py7zr-encrypted.7z", &["is an encrypted 7z archive; unpack it first, and look at the files"]),
    ("python-docx.docx", &["word/media/image1.png: 24x16"]),
    ("tarfile-gnu.tar.gz", &["unpacked > ddd/nnnü.png: 24x16", "unpacked > b.jpg: 24x16"]),
    ("tarfile-pax.tar.gz", &["unpacked > ddd/nnnü.png: 24x16", "unpacked > b.jpg: 24x16"]),
    ("tarfile-ustar.tar.gz", &["unpacked > ddd/nnn.png: 24x16", "unpacked > b.jpg: 24x16"]),
    ("zipfile-bzip2.zip", &["a.png: is packed by bzip2, which is not read; unpack the archive first"]),
    ("zipfile-lzma.zip", &["a.png: is packed by LZMA, which is not read; unpack the archive first"]),
    ("zipfile-streamed.zip", &["a.png: 24x16", "b.jpg: 24x16"]),
];
