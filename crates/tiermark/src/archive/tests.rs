//! What the archive promises, over drawings made here.

#![allow(clippy::unwrap_used, reason = "a test may stop")]

use std::fs;
use std::path::Path;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use tiermark_signal::fingerprint::Framing;
use tiermark_signal::{Plane, Size};

use super::*;

/// Cards over a shaded ground; every `variant` is another drawing.
fn drawing(variant: u64) -> RgbImage {
    let mut dice = fastrand::Rng::with_seed(variant);
    let mut picture = RgbImage::from_fn(480, 270, |x, y| Rgb([90 + (x / 8) as u8, 120, 140 + (y / 6) as u8]));
    for _ in 0..220 {
        let (left, top) = (dice.u32(0..470), dice.u32(0..260));
        let colour = Rgb([dice.u8(..), dice.u8(..), dice.u8(..)]);
        for y in top..(top + dice.u32(4..30)).min(270) {
            for x in left..(left + 5 + colour.0[0] as u32 / 8).min(480) {
                picture.put_pixel(x, y, colour);
            }
        }
    }
    picture
}

fn luma(picture: &RgbImage) -> Plane {
    let size = Size::new(picture.width() as usize, picture.height() as usize).unwrap();
    Plane::from_fn(size, |x, y| {
        let Rgb([r, g, b]) = *picture.get_pixel(x as u32, y as u32);
        0.299 * f32::from(r) + 0.587 * f32::from(g) + 0.114 * f32::from(b)
    })
}

fn fresh(sights: &Sights, folder: &Path, number: u64, picture: &RgbImage) -> Fresh {
    let mut bytes = std::io::Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(picture.clone()).write_to(&mut bytes, ImageFormat::Png).unwrap();
    let bytes = bytes.into_inner();
    let path = folder.join(format!("{number}.png"));
    fs::write(&path, &bytes).unwrap();
    let sha256 = Digest::of(&bytes);
    let frame = Frame::decode(bytes, &Limits::default()).unwrap();
    let pix = Digest::from_bytes(frame.pixel_digest());
    Fresh {
        path,
        sha256,
        pix,
        content: Digest::of(&number.to_le_bytes()),
        size: frame.size(),
        sight: sights.of(&number.to_string(), pix, &frame),
    }
}

fn record(folder: &Path, numbers: std::ops::Range<u64>) -> Archive {
    let before = Archive::open(folder).unwrap();
    let sights = Sights::new(before.as_ref());
    let all: Vec<Fresh> = numbers.map(|number| fresh(&sights, folder, number, &drawing(number))).collect();
    append(folder, &all.iter().collect::<Vec<_>>(), None, u64::MAX, 7).unwrap();
    Archive::open(folder).unwrap().unwrap()
}

#[test]
fn whole_pictures_and_parts_are_found() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Archive::open(folder.path()).unwrap().is_none());
    record(folder.path(), 0..6);
    let archive = record(folder.path(), 4..12);
    assert_eq!(archive.len(), 12, "what was recorded is not recorded again");
    let host = drawing(9);
    let small = image::imageops::resize(&host, 120, 68, image::imageops::FilterType::Triangle);
    let candidates = archive.candidates(&luma(&small), 5);
    assert_eq!((candidates[0].entry.index, candidates.len()), (9, 5));
    assert!(matches!(candidates[0].how, How::Whole { variant } if variant.framing == Framing::Full));
    assert!(candidates[0].likeness > 0.95 && candidates[1].likeness < 0.7);
    let part = image::imageops::crop_imm(&host, 130, 60, 200, 150).to_image();
    for (picture, want) in [(part.clone(), false), (image::imageops::flip_horizontal(&part), true)] {
        let candidates = archive.candidates(&luma(&picture), 5);
        let How::Part { votes, map, mirrored, negative } = candidates[0].how else {
            unreachable!("{:?}", candidates[0])
        };
        assert_eq!((candidates[0].entry.index, mirrored, negative), (9, want, false));
        assert!(votes >= 10, "{votes}");
        let corner = map.apply([130.0, 60.0]);
        assert!(corner.iter().all(|v| v.abs() < 4.0), "{corner:?}");
    }
    let loaded = archive.load(&candidates[0].entry, &Limits::default()).unwrap();
    assert_eq!(loaded.pixel_digest(), *candidates[0].entry.pix.as_bytes());
    assert_eq!(archive.of_pix(candidates[0].entry.pix).unwrap(), candidates[0].entry);
    assert!(archive.of_pix(Digest::of(b"another")).is_none());
}

#[test]
fn one_drawing_under_two_contents_is_two_originals_with_one_description() {
    let folder = tempfile::tempdir().unwrap();
    let archive = record(folder.path(), 0..1);
    let sights = Sights::new(Some(&archive));
    let again =
        Fresh { content: Digest::of(b"another shot"), ..fresh(&sights, folder.path(), 0, &drawing(0)) };
    let appended = append(folder.path(), &[&again, &again], None, u64::MAX, 7).unwrap();
    assert_eq!(appended.new, [true, false]);
    let archive = Archive::open(folder.path()).unwrap().unwrap();
    assert_eq!((archive.len(), archive.counts().drawings), (2, 1));
    let both = archive.candidates(&luma(&drawing(0)), 9);
    assert_eq!(both.len(), 2, "both are told, for their marks are bound to different things");
}

/// Any bytes are an archive, an error or nothing, and nothing that is found in them is out of bounds.
#[test]
fn hostile_archives_are_errors_or_harmless() {
    let folder = tempfile::tempdir().unwrap();
    record(folder.path(), 0..3);
    let home = folder.path().join(FOLDER);
    let names = [state::STATE, NAMES, VECTORS, HASHES, LOCALS, DRAWINGS, RECORDS];
    let whole: Vec<Vec<u8>> = names.iter().map(|name| fs::read(home.join(name)).unwrap()).collect();
    let found = luma(&image::imageops::crop_imm(&drawing(1), 100, 60, 160, 120).to_image());
    let mut dice = fastrand::Rng::with_seed(1);
    for _ in 0..60 {
        for (name, bytes) in names.iter().zip(&whole) {
            let mut bytes = bytes.clone();
            match dice.u8(0..5) {
                0 => bytes.truncate(dice.usize(0..=bytes.len())),
                1 => (0..20).for_each(|_| {
                    let place = dice.usize(0..bytes.len());
                    bytes[place] = dice.u8(..);
                }),
                2 => bytes.extend(std::iter::repeat_n(0xff, 700)),
                _ => {}
            }
            fs::write(home.join(name), bytes).unwrap();
        }
        let Ok(Some(archive)) = Archive::open(folder.path()) else { continue };
        let _ = archive.candidates(&found, 9);
        let _ = archive.counts();
        let _ = archive.verify(&Limits::default(), &Silent);
        assert!(archive.original(usize::MAX).is_err());
    }
    let huge = format!(
        r#"{{"version":1,"entries":{0},"drawings":{0},"features":{0},"names":{0},"kept":[],"moves":[]}}"#,
        u64::MAX
    );
    for (name, bytes) in names.iter().zip(&whole) {
        fs::write(home.join(name), bytes).unwrap();
    }
    fs::write(home.join(state::STATE), huge).unwrap();
    let archive = Archive::open(folder.path()).unwrap().unwrap();
    assert_eq!(archive.len(), 3);
    assert!(!archive.candidates(&found, 3).is_empty());
}

struct Silent;
impl Watch for Silent {}
