//! OpenEXR, floating-point and big TIFF, DPX: what has a mark changes as told, and not a bit of the rest.

use std::collections::BTreeMap;

use exr::prelude::Compression;
use tiermark_frame::{Format, Frame, FrameError, Limits, Painted, WriteOptions};

use crate::make::{self, Tiff};

const KEEP: WriteOptions = WriteOptions { allow_depth_change: false };

fn read(file: &[u8]) -> Frame {
    Frame::decode(file.to_vec(), &Limits::default()).map_err(|error| error.to_string()).unwrap()
}

/// Every colour one and a half code values darker.
fn darker(frame: &Frame) -> Painted {
    let mut painted = frame.painted();
    let mut rows = vec![vec![0.0; frame.size().width]; frame.colour_count()];
    for y in 0..frame.size().height {
        rows.iter_mut().enumerate().for_each(|(channel, row)| frame.colour_row(channel, y, row));
        rows.iter_mut().flatten().for_each(|v| *v -= 1.5);
        painted.paint(y, &rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
    }
    painted
}

fn all_darker(frame: &Frame) -> Vec<u8> {
    let further = frame.further().map(|layer| darker(&layer.unwrap()));
    frame.encode_painted(std::iter::once(darker(frame)).chain(further).collect(), &KEEP).unwrap()
}

const LOSSLESS: [Compression; 5] =
    [Compression::Uncompressed, Compression::RLE, Compression::ZIP1, Compression::ZIP16, Compression::PIZ];

#[test]
fn of_an_openexr_file_only_colours_change_and_only_in_the_display_window() {
    for compression in LOSSLESS {
        for (tiles, overscan) in [(false, 0), (true, 0), (false, 2), (true, 2), (false, -2)] {
            let file = make::openexr(compression, tiles, overscan);
            let frame = read(&file);
            assert_eq!((frame.format(), frame.bits(), frame.further().count()), (Format::OpenExr, 16, 1));
            assert_eq!((frame.size().width, frame.size().height), (19, 13), "the display window");
            let out = all_darker(&frame);
            assert_eq!(out, all_darker(&frame), "the same bytes every time");
            let (before, after) = (make::channels(&file), make::channels(&out));
            let width = (19 + 2 * overscan) as usize;
            for ((name, before), (other, after)) in before.iter().zip(&after) {
                assert_eq!(name, other);
                let colour = name.starts_with("beauty/")
                    && matches!(name.rsplit(['.', '/']).next(), Some("R" | "G" | "B"));
                let may = colour && !name.contains("motion");
                assert_eq!(before != after, may, "{name} {compression:?} {tiles} {overscan}");
                let inside = |i: usize| {
                    let (x, y) = ((i % width) as i32 - overscan, (i / width) as i32 - overscan);
                    (0..19).contains(&x) && (0..13).contains(&y)
                };
                let outside = before.iter().zip(after).enumerate().filter(|(i, _)| !inside(*i));
                assert!(outside.into_iter().all(|(_, (a, b))| a == b), "{name}: overscan stays");
            }
        }
    }
}

#[test]
fn headers_of_openexr_stay_byte_for_byte_and_nothing_changes_under_no_alpha() {
    let file = make::openexr(Compression::ZIP16, false, 2);
    let out = all_darker(&read(&file));
    let chunks = file.windows(5).rposition(|w| w == b"Layer").unwrap_or(300);
    assert!(chunks > 200 && out[..chunks] == file[..chunks]);
    let (before, after): (BTreeMap<_, _>, BTreeMap<_, _>) =
        (make::channels(&file).into_iter().collect(), make::channels(&out).into_iter().collect());
    for name in ["beauty/R", "beauty/diffuse.G"] {
        let pairs = before[name].iter().zip(&after[name]).zip(&before["beauty/A"]);
        let clear: Vec<_> = pairs.filter(|(_, alpha)| **alpha == 0).collect();
        assert!(clear.len() > 50 && clear.iter().all(|((a, b), _)| a == b), "{name}");
    }
}

#[test]
fn a_change_is_as_large_as_told_whatever_the_light_and_alpha() {
    let file = make::openexr(Compression::ZIP1, true, 0);
    let (frame, back) = (read(&file), read(&all_darker(&read(&file))));
    let (alpha, mut seen) = (frame.alpha().unwrap(), 0);
    for (before, after) in frame.colours().iter().zip(&back.colours()) {
        for ((a, b), alpha) in before.samples().iter().zip(after.samples()).zip(alpha.samples()) {
            if *alpha > 0.0 && *a > 2.0 && *a < 255.0 {
                assert!((a - b - 1.5).abs() < 0.15, "{a} became {b}");
                seen += 1;
            }
        }
    }
    assert!(seen > 200, "{seen}");
    assert!(!frame.alpha_is_associated(), "light is seen without its alpha");
}

#[test]
fn an_unchanged_openexr_file_is_the_same_file() {
    for compression in LOSSLESS.into_iter().chain([Compression::PXR24, Compression::B44, Compression::B44A]) {
        let file = make::openexr(compression, false, 2);
        let frame = read(&file);
        assert!(frame.encode(&frame.colours(), &KEEP).unwrap() == file, "{compression:?}");
    }
}

#[test]
fn lossy_openexr_files_are_packed_as_they_were() {
    for compression in [
        Compression::PXR24,
        Compression::B44,
        Compression::B44A,
        Compression::DWAA(None),
        Compression::DWAB(None),
    ] {
        let file = make::openexr(compression, false, 0);
        let out = all_darker(&read(&file));
        let (before, after) = (read(&file).colours(), read(&out).colours());
        let sum: f32 = before
            .iter()
            .zip(&after)
            .flat_map(|(a, b)| a.samples().iter().zip(b.samples()))
            .map(|(a, b)| a - b)
            .sum();
        assert!(sum > 100.0, "{compression:?}: {sum}");
    }
}

#[test]
fn floating_point_tiff_of_every_kind() {
    for (bits, predictor, tile, extra) in [
        (16, 1, None, None),
        (32, 1, Some(16), Some(1)),
        (32, 2, None, Some(2)),
        (32, 3, Some(16), None),
        (16, 3, None, Some(1)),
        (32, 3, None, None),
    ] {
        for (compression, big, wide) in
            [(1, false, false), (8, true, true), (5, false, true), (32773, true, false)]
        {
            let tiff =
                Tiff { float: true, predictor, tile, extra, compression, big, wide, ..Tiff::new(bits, 3) };
            let file = tiff.file();
            let frame = read(&file);
            assert_eq!((frame.format(), u16::from(frame.bits())), (Format::Tiff, bits));
            assert!(frame.encode(&frame.colours(), &KEEP).unwrap().len() >= file.len());
            let same = read(&frame.encode(&frame.colours(), &KEEP).unwrap());
            assert!(same.pixel_digest() == frame.pixel_digest(), "{bits} {predictor} {compression}");
            let back = read(&all_darker(&frame));
            assert_eq!(back.alpha(), frame.alpha());
            assert!(back.pixel_digest() != frame.pixel_digest());
        }
    }
}

#[test]
fn big_tiff_of_whole_numbers() {
    for tiff in [
        Tiff { wide: true, ..Tiff::new(8, 3) },
        Tiff { wide: true, big: true, compression: 5, predictor: 2, tile: Some(16), ..Tiff::new(16, 1) },
    ] {
        let frame = read(&tiff.file());
        let classic = read(&Tiff { wide: false, ..tiff }.file());
        assert!(frame.pixel_digest() == classic.pixel_digest());
        assert!(read(&all_darker(&frame)).pixel_digest() == read(&all_darker(&classic)).pixel_digest());
    }
}

#[test]
fn dpx_keeps_everything_but_its_samples() {
    for (bits, packing) in [(8, 0), (10, 0), (10, 1), (10, 2), (12, 0), (12, 1), (12, 2), (16, 0)] {
        for (descriptor, big) in [(50, true), (50, false), (51, true), (52, false), (6, true)] {
            if bits == 10 && packing > 0 && descriptor == 6 {
                continue;
            }
            let (file, samples) = make::dpx(bits, packing, descriptor, big);
            let frame = read(&file);
            let channels = samples.len() / (19 * 13);
            let top = ((1_u32 << bits) - 1) as f32;
            let red = if descriptor == 52 { 3 } else { 0 };
            let stored: Vec<f32> =
                samples.iter().skip(red).step_by(channels).map(|v| *v as f32 / top * 255.0).collect();
            let apart = frame.colours()[0]
                .samples()
                .iter()
                .zip(&stored)
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f32::max);
            assert!(apart < 0.01, "{bits} {packing} {descriptor}: {apart}");
            assert!(
                frame.encode(&frame.colours(), &KEEP).unwrap() == file,
                "{bits} {packing} {descriptor}: unchanged"
            );
            let out = all_darker(&frame);
            assert_eq!((&out[..2048], &out[out.len() - 16..]), (&file[..2048], &file[file.len() - 16..]));
            assert!(out != file && read(&out).alpha() == frame.alpha());
        }
    }
}

#[test]
fn what_cannot_be_written_is_refused_by_name() {
    let (mut file, _) = make::dpx(10, 1, 50, true);
    file[800] = 100;
    let error = Frame::decode(file, &Limits::default()).unwrap_err();
    assert!(matches!(&error, FrameError::NotSupported(what) if what.contains("YCbCr")), "{error}");
}

#[test]
fn most_of_a_picture_outside_the_display_window_is_the_picture() {
    let frame = read(&make::openexr(Compression::PIZ, false, 6));
    assert_eq!((frame.size().width, frame.size().height), (31, 25));
}
