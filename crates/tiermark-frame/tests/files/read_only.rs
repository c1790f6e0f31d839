//! What cannot be written back is read, and refused by name.

use tiermark_frame::{Frame, FrameError, Limits, WriteOptions};

use crate::make::{self, Png, Tiff, chunk};

const KEEP: WriteOptions = WriteOptions { allow_depth_change: false };
const WIDEN: WriteOptions = WriteOptions { allow_depth_change: true };

fn read(file: Vec<u8>) -> Frame {
    Frame::decode(file, &Limits::default()).map_err(|error| error.to_string()).unwrap()
}

/// The refusal, and that `encode` says the same.
fn refusal(frame: &Frame, options: &WriteOptions) -> FrameError {
    let error = frame.writable(options).unwrap_err();
    assert_eq!(frame.encode(&frame.colours(), options).unwrap_err(), error);
    error
}

#[test]
fn palettes_and_small_grey_need_leave_to_become_deeper() {
    let palette: Vec<u8> = (0..16).flat_map(|v: u8| [v * 3, v, 200]).collect();
    for (png, becomes) in [
        (Png { before: vec![(b"PLTE", palette)], ..Png::new(4, 3) }, "RGB"),
        (Png::new(1, 0), "8-bit grey"),
        (Png::new(2, 0), "8-bit grey"),
        (Png { before: vec![(b"tRNS", vec![0, 1])], ..Png::new(4, 0) }, "8-bit grey"),
    ] {
        let raw: Vec<u8> = (0..19 * 13).map(|v| (v % 16) as u8).collect();
        let frame = read(png.file_of(&raw));
        let error = refusal(&frame, &KEEP);
        assert!(matches!(error, FrameError::WouldChangeDepth { .. }));
        assert!(error.to_string().ends_with(&format!("--allow-depth-change writes it as {becomes}")));
        let out = frame.encode(&frame.colours(), &WIDEN).unwrap();
        let back = read(out.clone());
        // Two tones that nothing was put between are two tones still.
        let two_tone = back.colours()[0].samples().iter().all(|v| [0.0, 255.0].contains(v));
        assert_eq!(back.writable(&KEEP).is_err(), two_tone, "it needs no leave a second time");
        assert_eq!(back.colours(), frame.colours());
        assert_eq!(back.alpha(), frame.alpha());
        image::load_from_memory(&out).unwrap();
    }
}

#[test]
fn a_frame_without_its_file_is_only_looked_at() {
    let raw: Vec<u8> = (0..19 * 13).map(|v| v as u8).collect();
    let frame = read(Png::new(8, 0).file_of(&raw));
    let (pixels, painted) = (frame.pixel_digest(), frame.painted());
    let frame = frame.to_be_looked_at();
    assert_eq!(frame.pixel_digest(), pixels);
    assert!(matches!(refusal(&frame, &KEEP), FrameError::ReadOnly { .. }));
    assert!(frame.encode_painted(vec![painted], &KEEP).is_err());
}

#[test]
fn small_grey_spans_black_to_white() {
    let raw: Vec<u8> = (0..19 * 13).map(|v| (v % 2) as u8).collect();
    let frame = read(Png::new(1, 0).file_of(&raw));
    assert_eq!(frame.colours()[0].row(0)[..2], [0.0, 255.0]);
    assert_eq!(frame.bits(), 8);
}

#[test]
fn animations_pages_and_layers_would_leave_without_a_mark() {
    let mut apng = Png::new(8, 2);
    apng.before.push((b"acTL", vec![0, 0, 0, 1, 0, 0, 0, 0]));
    apng.before.push((
        b"fcTL",
        [&[0; 4][..], &[0, 0, 0, 19, 0, 0, 0, 13], &[0; 12], &[0, 1, 0, 1]].concat()[..26].to_vec(),
    ));
    let layers = (37724, 7, 8, b"Adobe Ph".to_vec());
    let inside = (330, 4, 1, 8u32.to_le_bytes().to_vec());
    let mut two = make::jpeg((16, 16), 3, 80, jpeg_encoder::SamplingFactor::F_1_1, false);
    two.extend(two.clone());
    for (file, name) in [
        (apng.file(), "an animated PNG"),
        (Tiff { next: 8, ..Tiff::new(8, 3) }.file(), "a TIFF of several pages"),
        (Tiff { entries: vec![layers], ..Tiff::new(8, 3) }.file(), "a TIFF with Photoshop layers"),
        (Tiff { entries: vec![inside], ..Tiff::new(8, 3) }.file(), "a TIFF with further pictures inside"),
        (two, "a JPEG with a second picture behind the first"),
    ] {
        let frame = read(file);
        for options in [KEEP, WIDEN] {
            let error = refusal(&frame, &options).to_string();
            assert!(
                error.starts_with(&format!("is {name}, which cannot be written back unharmed; ")),
                "{error}"
            );
        }
    }
}

#[test]
fn a_lossy_webp_is_read_only() {
    let frame = read(LOSSY_WEBP.to_vec());
    assert_eq!((frame.size().width, frame.size().height), (1, 1));
    assert!(refusal(&frame, &KEEP).to_string().contains("a lossy WebP"));
}

#[test]
fn palettes_of_tga_and_bmp_are_read_only() {
    let mut tga = vec![0, 1, 1, 0, 0, 2, 0, 24, 0, 0, 0, 0, 2, 0, 1, 0, 8, 0x20];
    tga.extend([10, 20, 30, 40, 50, 60, 0, 1]);
    let mut bmp = b"BM\0\0\0\0\0\0\0\0".to_vec();
    bmp.extend(62u32.to_le_bytes());
    bmp.extend(40u32.to_le_bytes());
    bmp.extend(2u32.to_le_bytes());
    bmp.extend(1u32.to_le_bytes());
    bmp.extend([1, 0, 8, 0]);
    bmp.extend([0; 16]);
    bmp.extend(2u32.to_le_bytes());
    bmp.extend([0; 4]);
    bmp.extend([10, 20, 30, 0, 40, 50, 60, 0, 0, 1, 0, 0]);
    for file in [tga, bmp] {
        let frame = read(file);
        assert_eq!(frame.colours()[0].samples(), [30.0, 60.0]);
        assert_eq!(frame.colours()[2].samples(), [10.0, 40.0]);
        assert!(refusal(&frame, &KEEP).to_string().contains("with a palette"));
    }
}

#[test]
fn kinds_of_jpeg_that_are_not_read_are_called_by_name() {
    let file = make::jpeg((16, 16), 3, 80, jpeg_encoder::SamplingFactor::F_1_1, false);
    let frame_header = file.windows(2).position(|window| window == [0xff, 0xc0]).unwrap();
    for (marker, depth, name) in [
        (0xc3, 8, "a lossless JPEG"),
        (0xc9, 8, "an arithmetic-coded JPEG"),
        (0xc1, 12, "a JPEG of 12 bits"),
        (0xc5, 8, "a hierarchical JPEG"),
    ] {
        let mut other = file.clone();
        other[frame_header + 1] = marker;
        other[frame_header + 4] = depth;
        let error = Frame::decode(other, &Limits::default()).err().unwrap();
        assert_eq!(error, FrameError::NotSupported(name.into()));
    }
}

#[test]
fn a_jpeg_that_the_decoder_misreads_is_not_read() {
    // 32 x 32 with little tables: zune-jpeg 0.5.15 gives a mean square error of 7000, Pillow gives 0.7.
    let mut file = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut file, 95);
    encoder.set_optimized_huffman_tables(true);
    let pixels: Vec<u8> = (0..32 * 32 * 3).map(|i: u32| (60 + i % 96 + i / 96) as u8).collect();
    encoder.encode(&pixels, 32, 32, jpeg_encoder::ColorType::Rgb).unwrap();
    let error = Frame::decode(file, &Limits::default()).err().unwrap();
    assert_eq!(
        error.to_string(),
        "is a baseline JPEG with a scan for each colour, which is not supported yet"
    );
}

#[test]
fn kinds_of_tiff_that_are_not_read_are_called_by_name() {
    let planes = read(separate_planes());
    assert_eq!(planes.colours().len(), 3);
    assert!(refusal(&planes, &KEEP).to_string().contains("a TIFF with separate planes"));
    let palette =
        Frame::decode(Tiff { photometric: 3, ..Tiff::new(8, 1) }.file(), &Limits::default()).err().unwrap();
    assert_eq!(palette, FrameError::NotSupported("a TIFF with a palette".into()));
}

/// A TIFF whose three colours stand one behind the other, a strip each.
fn separate_planes() -> Vec<u8> {
    let entries = vec![(284, 3, 1, 2u16.to_le_bytes().to_vec())];
    let mut file = Tiff { entries, rows: 13, ..Tiff::new(8, 3) }.file();
    let start = u32::from_le_bytes(file[4..8].try_into().unwrap()) as usize;
    let count = usize::from(u16::from_le_bytes([file[start], file[start + 1]]));
    for entry in (0..count).map(|number| start + 2 + 12 * number) {
        let values: [u32; 3] = match u16::from_le_bytes([file[entry], file[entry + 1]]) {
            273 => [8, 8 + 19 * 13, 8 + 2 * 19 * 13],
            279 => [19 * 13; 3],
            _ => continue,
        };
        let behind = file.len() as u32;
        file[entry + 4..entry + 8].copy_from_slice(&3u32.to_le_bytes());
        file[entry + 8..entry + 12].copy_from_slice(&behind.to_le_bytes());
        file.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    }
    file
}

#[test]
fn a_chunk_made_here_has_a_right_checksum() {
    // IEND has the same bytes in every PNG there is.
    assert_eq!(chunk(b"IEND", &[]), [0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xae, 0x42, 0x60, 0x82]);
}

/// The smallest lossy WebP that browsers are tested for with.
const LOSSY_WEBP: &[u8] = &[
    0x52, 0x49, 0x46, 0x46, 0x22, 0x00, 0x00, 0x00, 0x57, 0x45, 0x42, 0x50, 0x56, 0x50, 0x38, 0x20, 0x16,
    0x00, 0x00, 0x00, 0x30, 0x01, 0x00, 0x9d, 0x01, 0x2a, 0x01, 0x00, 0x01, 0x00, 0x0e, 0xc0, 0xfe, 0x25,
    0xa4, 0x00, 0x03, 0x70, 0x00, 0x00, 0x00, 0x00,
];
