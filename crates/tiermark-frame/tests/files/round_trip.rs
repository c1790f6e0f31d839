//! Unchanged colours come back unchanged, changed ones come back as told, alpha and what is under it stay.

use tiermark_frame::{Format, Frame, Limits, Painted, WriteOptions};
use tiermark_signal::Plane;

use crate::make::{self, Png, Tiff, bytes};

const KEEP: WriteOptions = WriteOptions { allow_depth_change: false };

fn read(file: &[u8]) -> Frame {
    Frame::decode(file.to_vec(), &Limits::default()).map_err(|error| error.to_string()).unwrap()
}

/// The law for files without loss; `wanted` are the samples that were put in, in the file's depth.
fn holds(name: &str, file: &[u8], wanted: &[u16], colours: usize, channels: usize) {
    let frame = read(file);
    let step = if frame.bits() == 16 { 257.0 } else { 1.0 };
    assert_eq!(frame.colours().len(), colours, "{name}");
    for (channel, plane) in frame.colours().iter().enumerate() {
        let stored = wanted.iter().skip(channel).step_by(channels).map(|v| f32::from(*v) / step);
        assert!(plane.samples().iter().copied().eq(stored), "{name}: decoded colours, channel {channel}");
    }

    let same = read(&frame.encode(&frame.colours(), &KEEP).unwrap());
    assert!(same.pixel_digest() == frame.pixel_digest(), "{name}: unchanged samples");

    let wish = changed(&frame.colours());
    let out = frame.encode(&wish, &KEEP).unwrap();
    assert!(out == frame.encode(&wish, &KEEP).unwrap(), "{name}: the same bytes every time");
    assert!(out == frame.encode_painted(vec![painted(&frame, &wish)], &KEEP).unwrap(), "{name}: row by row");
    let back = read(&out);
    assert_eq!(
        (back.format(), back.size(), back.bits()),
        (frame.format(), frame.size(), frame.bits()),
        "{name}"
    );
    assert_eq!(back.alpha(), frame.alpha(), "{name}: alpha");
    assert_eq!(back.colours(), expected(&frame, &wish, step), "{name}: changed samples");
    assert!(back.pixel_digest() != frame.pixel_digest(), "{name}: something has changed");
}

/// The same colours as [`changed`] gave, row by row; what the rows of a frame are is held against its planes on the way.
fn painted(frame: &Frame, wish: &[Plane]) -> Painted {
    let (mut painted, mut row) = (frame.painted(), vec![0.0; frame.size().width]);
    assert_eq!((frame.colour_count(), frame.has_alpha()), (wish.len(), frame.alpha().is_some()));
    for y in 0..frame.size().height {
        for (channel, plane) in frame.colours().iter().enumerate() {
            frame.colour_row(channel, y, &mut row);
            assert_eq!(row, plane.row(y));
        }
        frame.alpha_row(y, &mut row);
        assert!(row == frame.alpha().map_or(vec![1.0; row.len()], |alpha| alpha.row(y).to_vec()));
        painted.paint(y, &wish.iter().map(|plane| plane.row(y)).collect::<Vec<_>>());
    }
    painted
}

/// Other colours, in fractions of a step, some out of range.
fn changed(colours: &[Plane]) -> Vec<Plane> {
    let shift = |plane: &Plane, by: f32| {
        Plane::from_fn(plane.size(), |x, y| plane.at(x, y) + by * (((x * 7 + y * 13) % 11) as f32 - 5.0))
    };
    colours.iter().enumerate().map(|(channel, plane)| shift(plane, 0.37 + channel as f32)).collect()
}

/// The rule of `Frame::encode`, written down a second time, slow and plain.
fn expected(frame: &Frame, wish: &[Plane], step: f32) -> Vec<Plane> {
    let alpha = frame.alpha().unwrap_or_else(|| Plane::filled(frame.size(), 1.0));
    let rule = |old: f32, new: f32, alpha: f32| {
        let rounded = (new * step + 0.5).floor().clamp(0.0, 255.0 * step) / step;
        match alpha {
            0.0 => old,
            _ if frame.alpha_is_associated() => rounded.min(old.max((alpha * 255.0 * step).round() / step)),
            _ => rounded,
        }
    };
    let plane = |(old, new): (&Plane, &Plane)| {
        Plane::from_fn(old.size(), |x, y| rule(old.at(x, y), new.at(x, y), alpha.at(x, y)))
    };
    frame.colours().iter().zip(wish).map(plane).collect()
}

/// As the file stores them: upper bytes for 8 bits.
fn stored(samples: &[u16], bits: u16) -> Vec<u16> {
    samples.iter().map(|v| if bits == 8 { v >> 8 } else { *v }).collect()
}

#[test]
fn png() {
    for depth in [8, 16] {
        for colour in [0, 2, 4, 6] {
            for interlaced in [false, true] {
                let png = Png { interlaced, ..Png::new(depth, colour) };
                let wanted = stored(&png.samples(), depth.into());
                let colours = if colour & 2 == 0 { 1 } else { 3 };
                let name = format!("PNG {depth} bit, type {colour}, interlaced: {interlaced}");
                holds(&name, &png.file(), &wanted, colours, png.channels());
            }
        }
    }
}

#[test]
fn png_with_a_colour_that_means_nothing() {
    for (depth, colour) in [(8, 0), (8, 2), (16, 0), (16, 2)] {
        let mut png = Png::new(depth, colour);
        let wanted = stored(&png.samples(), depth.into());
        let key: Vec<u8> = wanted[..png.channels()].iter().flat_map(|v| v.to_be_bytes()).collect();
        png.before.push((b"tRNS", key));
        let frame = read(&png.file());
        let absent = frame.alpha().unwrap().samples().iter().filter(|v| **v == 0.0).count();
        assert!(absent > 0 && absent < 19 * 13, "{absent} pixels have the colour of the first");
        holds("PNG with tRNS", &png.file(), &wanted, if colour == 0 { 1 } else { 3 }, png.channels());

        let like_key: Vec<_> =
            frame.colours().iter().map(|plane| Plane::filled(plane.size(), plane.at(0, 0))).collect();
        let back = read(&frame.encode(&like_key, &KEEP).unwrap());
        assert_eq!(back.alpha(), frame.alpha(), "no pixel appears or vanishes");
    }
}

#[test]
fn tiff() {
    for bits in [8, 16] {
        for colours in [1, 3] {
            for extra in [None, Some(0), Some(1), Some(2)] {
                for (compression, predictor) in [(1, 1), (5, 1), (5, 2), (8, 1), (32946, 2), (32773, 1)] {
                    for (tile, big) in [(None, false), (Some(16), true), (Some(32), false), (None, true)] {
                        let tiff =
                            Tiff { extra, compression, predictor, tile, big, ..Tiff::new(bits, colours) };
                        let wanted = stored(&tiff.samples(), bits);
                        let name = format!(
                            "TIFF {bits} {colours} {extra:?} {compression} {predictor} {tile:?} {big}"
                        );
                        holds(&name, &tiff.file(), &wanted, colours, tiff.channels());
                    }
                }
            }
        }
    }
}

#[test]
fn tiff_says_which_alpha_it_has() {
    let with = |extra| read(&Tiff { extra: Some(extra), ..Tiff::new(8, 3) }.file());
    assert!(with(1).alpha_is_associated() && with(1).alpha().is_some());
    assert!(!with(2).alpha_is_associated() && with(2).alpha().is_some());
    assert!(!with(0).alpha_is_associated() && with(0).alpha().is_none());
}

#[test]
fn tiff_of_dark_numbers_is_read_as_light() {
    for bits in [8, 16] {
        let tiff = Tiff { photometric: 0, ..Tiff::new(bits, 1) };
        let white = if bits == 8 { 255 } else { 65535 };
        let wanted: Vec<u16> = stored(&tiff.samples(), bits).iter().map(|v| white - v).collect();
        holds("TIFF, white is zero", &tiff.file(), &wanted, 1, 1);
    }
}

#[test]
fn other_programs_read_the_same_samples() {
    for (name, file) in make::one_of_each() {
        let frame = read(&file);
        // Light is asked of others by tests/floats.rs and by the oracles of `tests/formats`.
        let others_read_it = !matches!(frame.format(), Format::Jpeg | Format::OpenExr | Format::Dpx);
        if !others_read_it || name == "tiff floats" || frame.writable(&KEEP).is_err() {
            continue;
        }
        let out = frame.encode(&changed(&frame.colours()), &KEEP).unwrap();
        let back = read(&out);
        let kind = image::guess_format(&out).unwrap_or(image::ImageFormat::Tga);
        let theirs = image::load_from_memory_with_format(&out, kind).unwrap();
        let [r, g, b] = match theirs.color().has_color() {
            true => [0, 1, 2],
            false => [0, 0, 0],
        };
        let pixels = theirs.to_rgb16();
        let ours = back.colours();
        for (x, y, pixel) in pixels.enumerate_pixels() {
            for (channel, value) in [r, g, b].into_iter().zip(pixel.0) {
                let own = ours[channel].at(x as usize, y as usize);
                assert!((own * 257.0).round() == f32::from(value), "{name}: {own} for {value} at {x}, {y}");
            }
        }
    }
}

#[test]
fn tga() {
    for bits in [8, 24, 32] {
        for packed in [false, true] {
            for (descriptor, tail) in [(0, false), (0x20, true), (0x10, false), (0x30, true)] {
                let channels = usize::from(bits / 8);
                let file = make::tga(bits, packed, descriptor | if bits == 32 { 8 } else { 0 }, tail);
                let stored = make::samples(19, 13, channels);
                let mut wanted = bytes(&if channels == 4 { make::with_alpha(stored, 4) } else { stored });
                let mut rows: Vec<Vec<Vec<u8>>> = wanted
                    .chunks(19 * channels)
                    .map(|row| row.chunks(channels).map(<[u8]>::to_vec).collect())
                    .collect();
                if descriptor & 0x20 == 0 {
                    rows.reverse();
                }
                if descriptor & 0x10 != 0 {
                    rows.iter_mut().for_each(|row| row.reverse());
                }
                wanted = rows.concat().concat();
                wanted
                    .chunks_mut(channels)
                    .filter(|pixel| pixel.len() > 1)
                    .for_each(|pixel| pixel.swap(0, 2));
                let wanted: Vec<u16> = wanted.into_iter().map(u16::from).collect();
                let name = format!("TGA {bits}, packed: {packed}, descriptor {descriptor:#x}");
                holds(&name, &file, &wanted, if bits == 8 { 1 } else { 3 }, channels);
            }
        }
    }
}

#[test]
fn bmp() {
    let rgba = [0xff, 0xff00, 0xff_0000, 0xff00_0000];
    let no_alpha = [0xff_0000, 0xff00, 0xff, 0];
    for (bits, masks, order) in [
        (24, None, [2, 1, 0]),
        (32, None, [2, 1, 0]),
        (32, Some(rgba), [0, 1, 2]),
        (32, Some(no_alpha), [2, 1, 0]),
    ] {
        for top_down in [false, true] {
            let step = usize::from(bits / 8u16);
            let raw = bytes(&make::with_alpha(make::samples(19, 13, step), step));
            let mut rows: Vec<&[u8]> = raw.chunks(19 * step).collect();
            if !top_down {
                rows.reverse();
            }
            let alpha = masks == Some(rgba);
            let wanted: Vec<u16> = rows
                .concat()
                .chunks(step)
                .flat_map(|pixel| {
                    order.into_iter().chain(alpha.then_some(3)).map(|place| pixel[place].into())
                })
                .collect();
            let name = format!("BMP {bits} {masks:?} top down: {top_down}");
            holds(&name, &make::bmp(bits, masks, top_down), &wanted, 3, if alpha { 4 } else { 3 });
        }
    }
}

#[test]
fn webp() {
    for channels in [3, 4] {
        for extended in [false, true] {
            let all = make::samples(19, 13, channels);
            let all = if channels == 4 { make::with_alpha(all, 4) } else { all };
            holds("WebP", &make::webp(channels, extended), &stored(&all, 8), 3, channels);
        }
    }
}

#[test]
fn jpeg_stays_what_it_was_and_comes_close_to_the_wish() {
    use jpeg_encoder::SamplingFactor as S;
    for (colours, sampling) in
        [(1, S::F_1_1), (3, S::F_1_1), (3, S::F_2_1), (3, S::F_2_2), (3, S::F_1_2), (3, S::F_4_1)]
    {
        for progressive in [false, true] {
            if sampling == S::F_4_1 && !progressive {
                continue; // the encoder of the tests writes a scan for each colour then, and those are not read
            }
            for size in [(64, 48), (35, 27), (1, 1), (17, 8)] {
                let file = make::jpeg(size, colours, 95, sampling, progressive);
                let frame = read(&file);
                assert_eq!(frame.colours().len(), colours);
                assert!(
                    frame.encode(&frame.colours(), &KEEP).unwrap() == file,
                    "unchanged pixels leave the file alone"
                );
                // A smooth change that fits into 4:2:0.
                let wish: Vec<_> =
                    frame.colours().into_iter().map(|plane| plane.map(|v| v * 0.9 + 8.0)).collect();
                let back = read(&frame.encode(&wish, &KEEP).unwrap());
                for (got, wanted) in back.colours().iter().zip(&wish) {
                    let pairs = got.samples().iter().zip(wanted.samples());
                    let mean =
                        pairs.map(|(a, b)| (a - b).powi(2)).sum::<f32>() / wanted.samples().len() as f32;
                    // Quality 95 has steps up to 12; chroma that is halved and doubled again adds its part.
                    assert!(mean < 12.0, "{colours} {sampling:?} {progressive} {size:?}: mean square {mean}");
                }
            }
        }
    }
}
