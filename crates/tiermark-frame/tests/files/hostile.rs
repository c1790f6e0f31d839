//! Bytes that mean harm: an error, never a panic, never more memory than the limits allow.

use std::time::{Duration, Instant};

use tiermark_frame::{Frame, FrameError, Limits, WriteOptions};

use crate::make::{self, Png, Tiff, chunk, zlib};

/// Read it; if that works, write it back as well.
fn touch(file: Vec<u8>) -> bool {
    let limits = Limits { max_pixels: 1 << 20, ..Limits::default() };
    let Ok(frame) = Frame::decode(file, &limits) else { return false };
    let wish: Vec<_> = frame.colours().into_iter().map(|plane| plane.map(|v| 255.0 - v)).collect();
    frame.alpha();
    frame.pixel_digest();
    let _ = frame.encode(&wish, &WriteOptions { allow_depth_change: true });
    true
}

#[test]
fn every_beginning_of_a_file_is_an_error() {
    for (name, file) in make::one_of_each() {
        assert!(touch(file.clone()), "{name}");
        // What stands behind the end of the picture may go; of a TGA the whole tail, of a TIFF the last values.
        let needed = match name {
            "webp" => file.len() - 6,
            "dpx" => file.len() - 16,
            "tga" => file.len() - (495 + 6 + 14 + 26),
            "tiff" | "tiff tiles" | "tiff runs" => file.len() - 24,
            _ => file.len(),
        };
        let step = 1 + needed / 4000;
        for length in (0..needed).step_by(step) {
            assert!(!touch(file[..length].to_vec()), "{name}: {length} of {} bytes", file.len());
        }
        for length in needed..file.len() {
            touch(file[..length].to_vec());
        }
    }
}

#[test]
fn changed_bytes_never_end_the_program() {
    let mut state = 20_261_125u64;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut read = 0;
    for (_, file) in make::one_of_each() {
        for round in 0..1500 {
            let mut other = file.clone();
            for _ in 0..=next(4) {
                // Headers are worth more attention than pixels.
                let reach = if round % 3 == 0 { other.len() } else { other.len().min(200) };
                let at = if round % 5 == 4 { other.len() - 1 - next(reach) } else { next(reach) };
                other[at] = match next(4) {
                    0 => 0,
                    1 => 0xff,
                    2 => other[at] ^ 1 << next(8),
                    _ => next(256) as u8,
                };
            }
            read += usize::from(touch(other));
        }
    }
    assert!(read > 1000, "only {read} changed files were still readable: the test looks at the wrong bytes");
}

#[test]
fn a_png_with_right_checksums_and_wrong_contents_never_ends_the_program() {
    // Checksums would stop most changes above before they matter.
    let bodies: [&[u8]; 5] = [&[], &[0], &[0xff; 3], &[0xff; 13], &[7; 800]];
    for kind in
        [b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"acTL", b"fcTL", b"fdAT", b"iCCP", b"bKGD", b"sBIT"]
    {
        for body in bodies {
            for (depth, colour) in [(8, 2), (16, 0), (4, 3)] {
                let mut png = Png::new(depth, colour);
                png.before.push((kind, body.to_vec()));
                touch(png.file());
                png.before.insert(0, (b"PLTE", vec![1; 48]));
                png.after.push((kind, body.to_vec()));
                touch(png.file());
            }
        }
    }
}

#[test]
fn a_header_that_claims_too_much_is_refused_at_once() {
    let start = Instant::now();
    let mut header = 60_000u32.to_be_bytes().to_vec();
    header.extend(60_000u32.to_be_bytes());
    header.extend([16, 6, 0, 0, 0]);
    let png = [
        b"\x89PNG\r\n\x1a\n",
        &chunk(b"IHDR", &header)[..],
        &chunk(b"IDAT", &zlib(&[0; 99])),
        &chunk(b"IEND", &[]),
    ]
    .concat();
    let mut tiff = Tiff::new(16, 3);
    tiff.rows = 13;
    let mut tiff = tiff.file();
    let start_of = |file: &[u8], tag: u16| {
        file.windows(4).rposition(|window| window[..2] == tag.to_le_bytes() && window[2..] == [3, 0]).unwrap()
    };
    for tag in [256, 257] {
        let at = start_of(&tiff, tag) + 8;
        tiff[at..at + 2].copy_from_slice(&60_000u16.to_le_bytes());
    }
    let mut tga = make::tga(32, true, 8, true);
    tga[12..16].copy_from_slice(&[0x60, 0xea, 0x60, 0xea]);
    let mut bmp = make::bmp(24, None, false);
    bmp[18..22].copy_from_slice(&60_000u32.to_le_bytes());
    bmp[22..26].copy_from_slice(&60_000u32.to_le_bytes());
    let mut jpeg = make::jpeg((16, 16), 3, 80, jpeg_encoder::SamplingFactor::F_1_1, false);
    let at = jpeg.windows(2).position(|window| window == [0xff, 0xc0]).unwrap();
    jpeg[at + 5..at + 9].copy_from_slice(&[0xea, 0x60, 0xea, 0x60]);
    for file in [png, tiff, tga, bmp, jpeg] {
        let error = Frame::decode(file, &Limits::default()).err().unwrap();
        assert!(matches!(&error, FrameError::OverLimit(why) if why.contains("60000 x 60000")), "{error}");
        assert!(error.to_string().contains("raise the limit"));
    }
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[test]
fn a_picture_that_is_promised_but_not_there_costs_little() {
    // 16384 x 16384 x 8 bytes are promised, within the limits; a few hundred are there.
    let start = Instant::now();
    let mut header = 16_384u32.to_be_bytes().to_vec();
    header.extend(16_384u32.to_be_bytes());
    header.extend([16, 6, 0, 0, 0]);
    let png = [
        b"\x89PNG\r\n\x1a\n",
        &chunk(b"IHDR", &header)[..],
        &chunk(b"IDAT", &zlib(&[0; 99])),
        &chunk(b"IEND", &[]),
    ]
    .concat();
    let mut tga = make::tga(32, true, 8, false);
    tga[12..16].copy_from_slice(&[0, 0x40, 0, 0x40]);
    for file in [png, tga] {
        assert!(matches!(Frame::decode(file, &Limits::default()), Err(FrameError::Damaged { .. })));
    }
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn a_bomb_does_not_outgrow_its_header() {
    // A small picture whose packed data unpacks to a hundred megabytes.
    let bomb = zlib(&vec![0; 100 << 20]);
    let mut png = Png::new(8, 2);
    png.after = vec![];
    let mut header = 19u32.to_be_bytes().to_vec();
    header.extend(13u32.to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    let file =
        [b"\x89PNG\r\n\x1a\n", &chunk(b"IHDR", &header)[..], &chunk(b"IDAT", &bomb), &chunk(b"IEND", &[])]
            .concat();
    let start = Instant::now();
    touch(file);
    // The same as a text that nobody asked for.
    let mut text = Png::new(8, 2);
    text.before.push((b"zTXt", [b"Comment\0\0", &bomb[..]].concat()));
    text.before.push((b"iCCP", [b"profile\0\0", &bomb[..]].concat()));
    assert!(touch(text.file()));
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}

#[test]
fn metadata_and_file_have_limits_too() {
    let mut png = Png::new(8, 2);
    png.before.push((b"stUd", vec![1; 5000]));
    let tight = Limits { max_metadata_bytes: 4000, ..Limits::default() };
    assert!(matches!(Frame::decode(png.file(), &tight), Err(FrameError::OverLimit(_))));
    let mut jpeg = make::jpeg((16, 16), 3, 80, jpeg_encoder::SamplingFactor::F_1_1, false);
    assert!(matches!(Frame::decode(jpeg.clone(), &tight), Err(FrameError::OverLimit(_))));
    jpeg.truncate(0);
    let short = Limits { max_file_bytes: 500, ..Limits::default() };
    assert!(matches!(Frame::decode(png.file(), &short), Err(FrameError::OverLimit(_))));
    assert_eq!(Frame::decode(jpeg, &short).err(), Some(FrameError::NotAPicture));
}

#[test]
fn pixels_may_not_lie_in_the_directory() {
    let tiff = Tiff { rows: 13, ..Tiff::new(8, 1) };
    let file = tiff.file();
    let directory = u32::from_le_bytes(file[4..8].try_into().unwrap());
    for place in [0, 4, directory - 3, directory + 2] {
        let mut other = file.clone();
        // The one strip's offset stands in its entry.
        let at = other.windows(12).rposition(|w| w[..8] == [0x11, 1, 4, 0, 1, 0, 0, 0]).unwrap() + 8;
        other[at..at + 4].copy_from_slice(&place.to_le_bytes());
        assert!(Frame::decode(other, &Limits::default()).is_err(), "{place}");
    }
}
