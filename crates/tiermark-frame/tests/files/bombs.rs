//! Containers that mean harm: no more time, depth, members and bytes than the limits grant, and an answer in the end.

use std::io::Cursor;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use tiermark_frame::container::{ContainerError, Content, Kind, walk};
use tiermark_frame::{Frame, Limits};

use crate::boxes::{all, found, picture, size};
use crate::fuzz::seeded;
use crate::make;
use crate::make::boxes::{Drawn, Layer, gz, pdf, psd, seven, tar, zip};

#[test]
fn depth_members_and_bytes_end_at_their_limits() {
    let png = picture("png");
    let deep = (0..6).fold(zip(&[(b"a.png", &png)]), |inner, _| zip(&[(b"inner.zip", &inner)]));
    let found_in = |file: &[u8], limits: Limits| found(file, &limits);
    let (found, walked) = found_in(&deep, Limits::default());
    assert!(walked.is_ok() && found.len() == 1 && found[0].1.contains("--max-depth"), "{found:?}");
    let (found, walked) = found_in(&deep, Limits { max_depth: 7, ..Limits::default() });
    assert!(walked.is_ok() && found[0].1 == size(&png), "{found:?}");
    let many = zip(&[(b"a.png", &png), (b"b.png", &png), (b"c.png", &png)]);
    let (found, walked) = found_in(&many, Limits { max_members: 2, ..Limits::default() });
    assert_eq!(found.len(), 2);
    assert!(walked.unwrap_err().to_string().contains("--max-members"));
    let (found, walked) =
        found_in(&many, Limits { max_unpacked_bytes: png.len() as u64 * 2 + 10, ..Limits::default() });
    assert_eq!(found.len(), 2);
    assert!(walked.unwrap_err().to_string().contains("--max-unpacked"));
    // Whoever has seen enough sees no more, however deep.
    let nested = zip(&[(b"many.zip", &many), (b"a.png", &png)]);
    let mut seen = 0;
    let walked = walk(Kind::Zip, &mut Cursor::new(nested), &Limits::default(), &mut |_, _| {
        seen += 1;
        if seen == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!((seen, walked), (2, Err(ContainerError::Stopped)));
    // A picture that is too large for memory is passed, and what lies behind it is not.
    let small = Limits { max_file_bytes: png.len() as u64, ..Limits::default() };
    let large = [&png[..], &[0; 100]].concat();
    let (found, walked) = found_in(&zip(&[(b"large.png", &large), (b"a.png", &png)]), small);
    assert!(walked.is_ok() && found[0].1.contains("too large") && found[1].1 == size(&png), "{found:?}");
}

#[test]
fn bombs_cost_no_more_than_is_granted() {
    let begun = Instant::now();
    // 64 MiB of zeros are 64 kB, packed again 300 bytes; each is no picture, and is not unpacked beyond its beginning.
    let zeros = vec![0; 64 << 20];
    let bomb = zip(&[(b"zeros", &zeros)]);
    assert!(all(&zip(&[(b"0", &bomb), (b"1", &bomb), (b"2", &bomb)])).is_empty());
    // One that begins as a picture is unpacked up to the limit.
    let mut like_a_png = zeros;
    like_a_png[..8].copy_from_slice(b"\x89PNG\r\n\x1a\n");
    let bomb = zip(&[(b"a.png", &like_a_png)]);
    let limits = Limits { max_file_bytes: 1 << 20, ..Limits::default() };
    let (found, _) = found(&bomb, &limits);
    assert!(found[0].1.contains("too large"), "{found:?}");
    let limits = Limits { max_unpacked_bytes: 1 << 20, ..Limits::default() };
    let bombs = [gz(&like_a_png), gz(&tar(&[(b"a.png", &like_a_png)])), bomb];
    for bomb in bombs {
        let (_, walked) = self::found(&bomb, &limits);
        assert!(matches!(walked, Err(ContainerError::OverLimit(_))), "{walked:?}");
    }
    // A thousand entries of the directory that all point to one member.
    let one = zip(&[(b"a.png", &picture("png"))]);
    let directory = one.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    let entry = &one[directory..one.len() - 22];
    let mut many = [&one[..directory], &entry.repeat(1000)].concat();
    let end = [&b"PK\x05\x06\0\0\0\0\0\0\0\0"[..], &(entry.len() as u32 * 1000).to_le_bytes()].concat();
    many.extend([&end[..], &(directory as u32).to_le_bytes(), &[0, 0]].concat());
    let (found, walked) = self::found(&many, &Limits { max_members: 100, ..Limits::default() });
    assert!(found.len() == 100 && matches!(walked, Err(ContainerError::OverLimit(_))));
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn a_layer_as_large_as_numbers_go_is_too_large() {
    let flat = vec![200; 20 * 10 * 3];
    let layer = Layer { name: "a", size: (20, 10), channels: 3, samples: &flat };
    let mut file = psd(&[layer], &Layer { name: "", size: (20, 10), channels: 3, samples: &flat });
    let rectangle =
        file.windows(16).position(|window| window == [[0; 8], [0, 0, 0, 10, 0, 0, 0, 20]].concat());
    let rectangle = rectangle.unwrap();
    let corners = [i32::MIN, i32::MIN, i32::MAX, i32::MAX].map(i32::to_be_bytes).concat();
    file[rectangle..rectangle + 16].copy_from_slice(&corners);
    let found = all(&file);
    assert!(found[0].1.contains("4294967295 x 4294967295"), "{found:?}");
    assert_eq!(found[1].1, "20x10");
}

#[test]
fn a_member_with_a_size_at_the_end_of_numbers_is_the_last() {
    let mut file = b"PK\x03\x04\x14\0\x08\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    file.extend([0xff; 8]);
    file.extend([1, 0, 20, 0, b'a', 1, 0, 16, 0]);
    file.extend([0xff; 16]);
    file.extend(picture("png"));
    let (found, walked) = found(&file, &Limits::default());
    assert!(found.len() == 1 && matches!(walked, Err(ContainerError::Damaged { .. })), "{found:?}");
}

#[test]
fn words_that_begin_objects_over_and_over_cost_little() {
    let begun = Instant::now();
    let many = [
        b"endobj ".repeat(300_000),
        b"trailer ".repeat(300_000),
        b"1 0 obj [".repeat(300_000),
        b"1 0 obj <</A 1 0 R>> stream ".repeat(100_000),
        b"1 0 obj (".repeat(300_000),
    ];
    for text in many {
        let _ = found(&[&b"%PDF-1.4\n"[..], &text].concat(), &Limits::default());
    }
    assert!(begun.elapsed() < Duration::from_secs(40), "{:?}", begun.elapsed());
}

/// One of each kind, small.
fn one_of_each() -> Vec<(&'static str, Vec<u8>)> {
    let (png, mut jpeg) = (picture("png"), Vec::new());
    let encoder = jpeg_encoder::Encoder::new(&mut jpeg, 50);
    encoder.encode(&[90; 16 * 16], 16, 16, jpeg_encoder::ColorType::Luma).unwrap();
    let samples: Vec<u8> = (0..20 * 10 * 4).map(|i| (i * i / 7 % 251) as u8).collect();
    let layer = |channels, samples| Layer { name: "a", size: (20, 10), channels, samples };
    let layers = [layer(4, &samples[..]), layer(4, &samples[..]), layer(3, &samples[..600])];
    vec![
        ("zip", zip(&[(b"a.png", &png), (b"b.jpg", &jpeg)])),
        ("tar", tar(&[(b"a.png", &png), (&b"b".repeat(120), &jpeg)])),
        ("gzip", gz(&tar(&[(b"a.png", &png)]))),
        ("7z", seven("a.png", &png)),
        ("psd", psd(&layers, &layers[2])),
        ("pdf", pdf(&[Drawn::Jpeg((8, 8), &jpeg), Drawn::Rgb((20, 10), &samples[..600])])),
    ]
}

#[test]
fn cut_at_every_byte_and_bent_everywhere_is_an_answer() {
    let limits = Limits {
        max_pixels: 1 << 16,
        max_file_bytes: 1 << 20,
        max_unpacked_bytes: 4 << 20,
        max_members: 50,
        ..Limits::default()
    };
    let touch = |file: &[u8]| {
        let Some(kind) = Kind::of(&file[..file.len().min(4096)]) else { return };
        let _ = walk(kind, &mut Cursor::new(file), &limits, &mut |places, content| {
            places.iter().for_each(|place| drop(place.to_string()));
            if let Content::File(bytes) = content {
                let _ = Frame::decode(bytes, &limits);
            }
            ControlFlow::Continue(())
        });
    };
    let mut state = 20_261_126_u64;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for (name, file) in one_of_each() {
        assert!(!all(&file).is_empty(), "{name}");
        let step = 1 + file.len() / 3000;
        (0..file.len()).step_by(step).for_each(|length| touch(&file[..length]));
        for _ in 0..3000 {
            let mut other = file.clone();
            for _ in 0..=next(4) {
                let at = next(other.len());
                other[at] = match next(4) {
                    0 => 0,
                    1 => 0xff,
                    2 => other[at] ^ 1 << next(8),
                    _ => next(256) as u8,
                };
            }
            touch(&other);
        }
    }
}

#[test]
fn one_of_each_kind_is_a_seed_of_the_fuzz_targets() {
    let mut found = make::one_of_each();
    found.extend(make::floats_and_film());
    for (target, files) in [("boxes", one_of_each()), ("open", found)] {
        seeded(target, files.into_iter().filter(|(_, file)| file.len() < 16_384));
    }
}
