//! What is not pixels stays, byte for byte.

use tiermark_frame::{Frame, Limits, WriteOptions};

use crate::make::{self, Png, Tiff};

/// The file with all colours a little brighter.
fn stamped(file: &[u8]) -> Vec<u8> {
    stamped_with(file, WriteOptions::default())
}

fn stamped_with(file: &[u8], options: WriteOptions) -> Vec<u8> {
    let frame = Frame::decode(file.to_vec(), &Limits::default()).map_err(|error| error.to_string()).unwrap();
    let wish: Vec<_> = frame.colours().into_iter().map(|plane| plane.map(|v| v * 0.97 + 3.0)).collect();
    frame.encode(&wish, &options).unwrap()
}

fn holds(file: &[u8], part: &[u8]) -> bool {
    file.windows(part.len()).any(|window| window == part)
}

/// Kinds and bodies of the chunks of a PNG.
fn png_chunks(file: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut at = 8;
    let mut chunks = Vec::new();
    while at + 12 <= file.len() {
        let length = u32::from_be_bytes(file[at..at + 4].try_into().unwrap()) as usize;
        chunks.push((file[at + 4..at + 8].to_vec(), file[at + 8..at + 12 + length].to_vec()));
        at += 12 + length;
    }
    chunks
}

fn busy_png(depth: u8, colour: u8) -> Png {
    let before = vec![
        (b"gAMA", 45455u32.to_be_bytes().to_vec()),
        (b"iCCP", [&b"studio\0\0"[..], &make::zlib(&[0; 200])].concat()),
        (b"bKGD", vec![0; if colour == 3 { 1 } else { 2 * Png::new(depth, colour).channels() }]),
        (b"pHYs", [&2835u32.to_be_bytes()[..], &2835u32.to_be_bytes(), &[1]].concat()),
        (b"tEXt", b"Software\0a paint program".to_vec()),
        (b"eXIf", b"II*\0\x08\0\0\0\0\0".to_vec()),
        (b"stUd", b"a private chunk".to_vec()),
    ];
    let after = vec![
        (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x:xmpmeta/>".to_vec()),
        (b"tIME", vec![7, 0xea, 1, 2, 3, 4, 5]),
    ];
    Png { before, after, ..Png::new(depth, colour) }
}

#[test]
fn png_chunks_stay_in_their_order() {
    for (depth, colour) in [(8, 0), (8, 2), (8, 6), (16, 2), (16, 4)] {
        let mut file = busy_png(depth, colour).file();
        let without_pixels = |file: &[u8]| {
            let mut chunks = png_chunks(file);
            chunks.dedup_by_key(|(kind, _)| kind.clone());
            chunks.iter_mut().filter(|(kind, _)| kind == b"IDAT").for_each(|(_, body)| body.clear());
            chunks
        };
        assert_eq!(without_pixels(&stamped(&file)), without_pixels(&file));
        file.extend(b"something behind the end");
        assert!(stamped(&file).ends_with(b"something behind the end"));
    }
}

#[test]
fn a_table_of_places_inside_the_pixels_goes_with_them() {
    let mut png = Png::new(8, 2);
    png.before.push((b"iDOT", vec![0; 28]));
    assert!(holds(&png.file(), b"iDOT") && !holds(&stamped(&png.file()), b"iDOT"));
}

#[test]
fn a_widened_palette_keeps_what_is_still_true() {
    let mut png = busy_png(8, 3);
    let palette: Vec<u8> = (0..=255).flat_map(|v: u8| [v, v / 2, 255 - v]).collect();
    png.before.insert(2, (b"PLTE", palette));
    png.before.insert(3, (b"tRNS", vec![0, 128]));
    let raw: Vec<u8> = (0..19 * 13).map(|v| v as u8).collect();
    let file = png.file_of(&raw);
    let out = stamped_with(&file, WriteOptions { allow_depth_change: true });
    let kinds: Vec<Vec<u8>> = png_chunks(&out).into_iter().map(|(kind, _)| kind).collect();
    let wanted =
        [b"IHDR", b"gAMA", b"iCCP", b"pHYs", b"tEXt", b"eXIf", b"stUd", b"IDAT", b"iTXt", b"tIME", b"IEND"];
    assert_eq!(kinds, wanted);
    let theirs = image::load_from_memory(&out).unwrap();
    assert_eq!(theirs.color(), image::ColorType::Rgba8);
    let alphas: Vec<u8> = theirs.to_rgba8().pixels().map(|pixel| pixel.0[3]).take(3).collect();
    assert_eq!(alphas, [0, 128, 255]);
}

#[test]
fn tiff_stays_except_for_strips_offsets_and_counts() {
    let icc = (34675, 7, 40, vec![0x77; 40]);
    let private = (65000, 2, 12, b"Shepherd Boy".to_vec());
    let description = (270, 2, 8, b"scene 3\0".to_vec());
    for (compression, short_counts) in [(1, false), (5, false), (5, true), (8, true), (32773, false)] {
        let entries = vec![icc.clone(), private.clone(), description.clone()];
        let tiff = Tiff { entries, compression, short_counts, ..Tiff::new(16, 3) };
        let file = tiff.file();
        let out = stamped(&file);
        let directory = u32::from_le_bytes(file[4..8].try_into().unwrap()) as usize;
        assert!(out[..8] == file[..8]);
        let differing = (directory..file.len()).filter(|at| file[*at] != out[*at]).count();
        // Three offsets and counts, and the type of the counts.
        assert!(differing <= 3 * 8 + 2, "{differing} bytes of {} differ", file.len() - directory);
        [icc.3.as_slice(), &private.3, &description.3].iter().for_each(|part| assert!(holds(&out, part)));
        if compression == 1 {
            assert!(out.len() == file.len() && differing == 0);
        }
    }
}

#[test]
fn no_pixel_of_the_unmarked_tiff_stays_in_the_file() {
    // Noise packs badly, so that the new strips do not fit and go behind the end.
    let tiff = Tiff { compression: 5, height: 12, rows: 4, ..Tiff::new(8, 3) };
    let file = tiff.file();
    let frame = Frame::decode(file.clone(), &Limits::default()).map_err(|error| error.to_string()).unwrap();
    let noise = |plane: tiermark_signal::Plane| {
        tiermark_signal::Plane::from_fn(plane.size(), |x, y| {
            ((x * x * 31 + y * 57 + x * y * 101) % 256) as f32
        })
    };
    let out = frame
        .encode(&frame.colours().into_iter().map(noise).collect::<Vec<_>>(), &WriteOptions::default())
        .unwrap();
    assert!(out.len() > file.len(), "the strips have moved");
    let directory = u32::from_le_bytes(file[4..8].try_into().unwrap()) as usize;
    let left = file[8..directory]
        .windows(8)
        .filter(|part| part.iter().any(|v| *v != 0) && holds(&out, part))
        .count();
    assert_eq!(left, 0, "pieces of eight bytes of the old strips");
}

#[test]
fn counts_that_outgrow_16_bits_become_32_bits() {
    // One strip, whose count stands in the entry, and two, whose counts go behind the end.
    for (height, rows) in [(180, 180), (360, 180)] {
        let small = Tiff { compression: 5, width: 300, height, rows, short_counts: true, ..Tiff::new(8, 1) };
        let frame =
            Frame::decode(small.file(), &Limits::default()).map_err(|error| error.to_string()).unwrap();
        let mut state = 3u32;
        let noise = tiermark_signal::Plane::from_fn(frame.size(), |_, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as f32
        });
        let out = frame.encode(std::slice::from_ref(&noise), &WriteOptions::default()).unwrap();
        let theirs = image::load_from_memory(&out).unwrap().to_luma8();
        assert!(
            theirs.as_raw().iter().zip(noise.samples()).all(|(value, wanted)| f32::from(*value) == *wanted)
        );
    }
}

#[test]
fn strips_that_share_their_bytes_become_strips_of_their_own() {
    let tiff = Tiff { height: 10, rows: 5, ..Tiff::new(8, 1) };
    let mut file = tiff.file();
    // Both strips point at the first.
    let second = (8u32 + 19 * 5 + 1).to_le_bytes();
    let at = file.windows(4).rposition(|window| window == second).unwrap();
    file[at..at + 4].copy_from_slice(&8u32.to_le_bytes());
    let frame = Frame::decode(file, &Limits::default()).map_err(|error| error.to_string()).unwrap();
    let wish = tiermark_signal::Plane::from_fn(frame.size(), |x, y| (x + 20 * y) as f32);
    let out = frame.encode(std::slice::from_ref(&wish), &WriteOptions::default()).unwrap();
    let back = Frame::decode(out, &Limits::default()).map_err(|error| error.to_string()).unwrap();
    assert_eq!(back.colours(), [wish]);
}

#[test]
fn a_directory_that_would_change_while_it_is_written_is_refused() {
    let tiff = Tiff { entries: vec![(270, 2, 12, b"Shepherd Boy".to_vec())], ..Tiff::new(8, 3) };
    let file = tiff.file();
    let directory = u32::from_le_bytes(file[4..8].try_into().unwrap()) as usize;
    let entry = |tag: u16| {
        let entries = (directory + 2..file.len()).step_by(12);
        entries.into_iter().find(|at| file[*at..*at + 2] == tag.to_le_bytes()).unwrap()
    };
    let refusal = |file: Vec<u8>| {
        let frame = Frame::decode(file, &Limits::default()).map_err(|error| error.to_string()).unwrap();
        frame.encode(&frame.colours(), &WriteOptions::default()).unwrap_err().to_string()
    };
    // The description among the offsets of the strips.
    let mut tangled = file.clone();
    tangled.copy_within(entry(273) + 8..entry(273) + 12, entry(270) + 8);
    assert!(refusal(tangled).contains("lies over itself"));
    // The description where a longer copy would end.
    let mut beyond = file.clone();
    beyond[entry(270) + 8..][..4].copy_from_slice(&(file.len() as u32 - 4).to_le_bytes());
    assert!(refusal(beyond).contains("beyond its end"));
}

#[test]
fn jpeg_segments_tables_and_sampling_stay() {
    use jpeg_encoder::SamplingFactor as S;
    let segments = |file: &[u8], wanted: fn(u8) -> bool| {
        let mut at = 2;
        let mut found = Vec::new();
        while file[at + 1] != 0xda {
            let length = 2 + usize::from(u16::from_be_bytes([file[at + 2], file[at + 3]]));
            if wanted(file[at + 1]) {
                found.push(file[at..at + length].to_vec());
            }
            at += length;
        }
        found
    };
    for (colours, sampling, progressive) in
        [(3, S::F_2_2, false), (3, S::F_2_1, true), (3, S::F_1_1, false), (1, S::F_1_1, false)]
    {
        let mut file = make::jpeg((40, 32), colours, 75, sampling, progressive);
        // A comment in front, components named as JFIF names them, and dirt behind the end.
        file.splice(2..2, *b"\xff\xfe\0\x09comment");
        file.extend(b"behind");
        let out = stamped(&file);
        let kept: fn(u8) -> bool = |marker| matches!(marker, 0xe0..=0xef | 0xfe);
        assert!(segments(&out, kept) == segments(&file, kept));
        assert!(segments(&file, kept).len() >= 6);
        for same in [(|marker| marker == 0xdb) as fn(u8) -> bool, |marker| matches!(marker, 0xc0..=0xc2)] {
            // Grey uses the first table only; the encoder of the tests gives two.
            let used = if colours == 1 { 1 } else { usize::MAX };
            let wanted: Vec<_> = segments(&file, same).into_iter().take(used).collect();
            assert_eq!(segments(&out, same), wanted);
        }
        assert!(out.ends_with(b"\xff\xd9behind") && out != file);
    }
}

#[test]
fn jpeg_of_red_green_and_blue_stays_one() {
    // Samples that the encoder takes for YCbCr are stored as they are; the Adobe segment says what they are.
    let mut file = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut file, 98);
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_1_1);
    encoder.add_app_segment(14, b"Adobe\0\x64\0\0\0\0\0".to_vec()).unwrap();
    let pixels: Vec<u8> = (0..32 * 32).flat_map(|i: u32| [200, (i % 32) as u8 * 4, 30]).collect();
    encoder.encode(&pixels, 32, 32, jpeg_encoder::ColorType::Ycbcr).unwrap();
    let before = image::load_from_memory(&file).unwrap().to_rgb8();
    let after = image::load_from_memory(&stamped(&file)).unwrap().to_rgb8();
    assert!(
        (i32::from(before.get_pixel(9, 9).0[0]) - 200).abs() < 4,
        "the decoder knows what the segment means"
    );
    for (old, new) in before.pixels().zip(after.pixels()) {
        for (old, new) in old.0.iter().zip(new.0) {
            assert!((f32::from(*old) * 0.97 + 3.0 - f32::from(new)).abs() < 6.0, "{old} became {new}");
        }
    }
}

#[test]
fn tga_keeps_its_id_and_finds_its_tail() {
    for (bits, packed) in [(24, true), (32, true), (24, false), (8, true)] {
        let file = make::tga(bits, packed, if bits == 32 { 8 } else { 0 }, true);
        let out = stamped(&file);
        assert_eq!(out[..23], file[..23], "header and id");
        let number =
            |file: &[u8], at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize;
        let area = number(&out, out.len() - 26);
        assert_eq!(out[area + 2..area + 9], *b"Shepher");
        let stamp = number(&out, area + 486);
        assert_eq!(out[stamp..stamp + 6], [1, 1, 0xaa, 0xbb, 0xcc, 0xdd]);
        let directory = number(&out, out.len() - 22);
        assert_eq!(out[directory..directory + 4], [1, 0, 9, 0]);
        assert_eq!(number(&out, directory + 4), directory - 4);
        let moved = out.len() != file.len();
        assert_eq!(
            number(&out, area + 490),
            if moved { 0 } else { 77 },
            "the table of rows is struck out if wrong"
        );
    }
}

#[test]
fn bmp_keeps_every_byte_that_is_not_a_colour() {
    for (bits, masks) in [(24, None), (32, None), (32, Some([0xff, 0xff00, 0xff_0000, 0xff00_0000]))] {
        let file = make::bmp(bits, masks, false);
        let out = stamped(&file);
        let data = u32::from_le_bytes(file[10..14].try_into().unwrap()) as usize;
        assert_eq!(out.len(), file.len());
        assert_eq!(out[..data], file[..data]);
        let step = usize::from(bits / 8);
        let row = (19 * step).next_multiple_of(4);
        for y in 0..13 {
            let line = data + y * row..data + (y + 1) * row;
            assert_eq!(out[line.clone()][19 * step..], file[line.clone()][19 * step..], "padding");
            if step == 4 {
                let fourth =
                    |file: &[u8]| file[line.clone()].iter().skip(3).step_by(4).copied().collect::<Vec<_>>();
                assert_eq!(fourth(&out), fourth(&file), "the fourth byte");
            }
        }
    }
}

#[test]
fn webp_keeps_its_other_chunks() {
    let file = make::webp(4, true);
    let out = stamped(&file);
    let until_pixels = file.windows(4).position(|window| window == b"VP8L").unwrap();
    assert_eq!(out[8..until_pixels], file[8..until_pixels]);
    let exif = |file: &[u8]| file.windows(4).rposition(|window| window == b"EXIF").unwrap();
    assert_eq!(out[exif(&out)..], file[exif(&file)..]);
    let told = u32::from_le_bytes(out[4..8].try_into().unwrap()) as usize + 8;
    assert_eq!(&out[told..], b"behind");
    assert!(image::load_from_memory(&out).is_ok());
}
