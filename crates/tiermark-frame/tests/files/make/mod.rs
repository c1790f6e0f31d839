//! Small files of every kind.

#[allow(unreachable_pub, reason = "journeys through the program use it too")]
pub(crate) mod boxes;
mod dpx;
mod openexr;
mod plain;
mod png;
mod tiff;

pub(crate) use dpx::dpx;
pub(crate) use openexr::{channels, openexr, openexr_of_one_part};
pub(crate) use plain::{bmp, tga};
pub(crate) use png::{Png, chunk, zlib};
pub(crate) use tiff::Tiff;

/// A picture with flat parts, a gradient and some noise, all values of all bytes.
pub(crate) fn samples(width: usize, height: usize, channels: usize) -> Vec<u16> {
    let mut state = 7u32;
    let mut out = Vec::new();
    for y in 0..height {
        for x in 0..width {
            for channel in 0..channels {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                out.push(match (x / 5 + y / 4) % 3 {
                    0 => 0x4242 + 0x1111 * channel as u16,
                    1 => (x * 2500 + y * 700 + channel * 90) as u16,
                    _ => (state >> 16) as u16,
                });
            }
        }
    }
    out
}

/// The same with a last channel of nothing, half and full in turn.
pub(crate) fn with_alpha(mut samples: Vec<u16>, channels: usize) -> Vec<u16> {
    for (index, pixel) in samples.chunks_exact_mut(channels).enumerate() {
        pixel[channels - 1] = [0, 0xffff, 0x8080, 0x0101][index % 4];
    }
    samples
}

/// The upper bytes of 16-bit samples.
pub(crate) fn bytes(samples: &[u16]) -> Vec<u8> {
    samples.iter().map(|v| (v >> 8) as u8).collect()
}

/// A lossless WebP file with chunks that few programs know.
pub(crate) fn webp(channels: usize, extended: bool) -> Vec<u8> {
    let all = samples(19, 13, channels);
    let all = bytes(&if channels == 4 { with_alpha(all, 4) } else { all });
    let colour = if channels == 4 { image_webp::ColorType::Rgba8 } else { image_webp::ColorType::Rgb8 };
    let mut simple = Vec::new();
    image_webp::WebPEncoder::new(&mut simple).encode(&all, 19, 13, colour).unwrap();
    if !extended {
        return simple;
    }
    let pixels = simple.split_off(12);
    let mut file = b"RIFF\0\0\0\0WEBP".to_vec();
    let flags = 0x20 | 0x08 | 0x04 | if channels == 4 { 0x10 } else { 0 };
    file.extend(riff(b"VP8X", &[flags, 0, 0, 0, 18, 0, 0, 12, 0, 0]));
    file.extend(riff(b"ICCP", b"a colour profile of 29 bytes!"));
    file.extend(pixels);
    file.extend(riff(b"EXIF", b"Exif II*"));
    file.extend(riff(b"XMP ", b"<x:xmpmeta/>"));
    file.extend(riff(b"STUD", b"odd"));
    let length = (file.len() - 8) as u32;
    file[4..8].copy_from_slice(&length.to_le_bytes());
    file.extend(b"behind");
    file
}

fn riff(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut out = [&kind[..], &(body.len() as u32).to_le_bytes(), body].concat();
    out.resize(out.len().next_multiple_of(2), 0);
    out
}

/// A JPEG file of a smooth picture.
pub(crate) fn jpeg(
    size: (u16, u16),
    colours: usize,
    quality: u8,
    sampling: jpeg_encoder::SamplingFactor,
    progressive: bool,
) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut file, quality);
    encoder.set_sampling_factor(sampling);
    encoder.set_progressive(progressive);
    encoder.set_density(jpeg_encoder::PixelDensity::dpi(300));
    encoder
        .add_app_segment(
            1,
            b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec(),
        )
        .unwrap();
    encoder.add_app_segment(1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta/>".to_vec()).unwrap();
    encoder.add_icc_profile(&[0x77; 70_000]).unwrap();
    let pixels: Vec<u8> = (0..usize::from(size.1))
        .flat_map(|y| (0..usize::from(size.0)).map(move |x| (x, y)))
        .flat_map(|(x, y)| (0..colours).map(move |c| (40 + x + y + 20 * c + 30 * usize::from(x > 20)) as u8))
        .collect();
    let colour = if colours == 1 { jpeg_encoder::ColorType::Luma } else { jpeg_encoder::ColorType::Rgb };
    encoder.encode(&pixels, size.0, size.1, colour).unwrap();
    file
}

/// One small file of each kind that can be written back, by name.
pub(crate) fn one_of_each() -> Vec<(&'static str, Vec<u8>)> {
    let lzw = Tiff { compression: 5, predictor: 2, extra: Some(2), ..Tiff::new(8, 3) };
    let tiles = Tiff { compression: 8, tile: Some(16), big: true, ..Tiff::new(16, 1) };
    vec![
        ("png", Png::new(8, 6).file()),
        ("png 16", Png { interlaced: true, ..Png::new(16, 2) }.file()),
        ("png palette", Png { before: vec![(b"PLTE", vec![9; 48])], ..Png::new(4, 3) }.file()),
        ("tiff", lzw.file()),
        ("tiff tiles", tiles.file()),
        ("tiff runs", Tiff { compression: 32773, ..Tiff::new(8, 3) }.file()),
        (
            "tiff floats",
            Tiff { float: true, predictor: 3, compression: 8, wide: true, ..Tiff::new(32, 3) }.file(),
        ),
        ("openexr", openexr(exr::prelude::Compression::ZIP16, false, 2)),
        ("openexr tiles", openexr(exr::prelude::Compression::PIZ, true, 0)),
        ("dpx", dpx(10, 1, 50, true).0),
        ("tga", tga(32, true, 8, true)),
        ("tga raw", tga(24, false, 0x20, false)),
        ("bmp", bmp(32, Some([0xff, 0xff00, 0xff_0000, 0xff00_0000]), false)),
        ("webp", webp(4, true)),
        ("jpeg", jpeg((35, 27), 3, 90, jpeg_encoder::SamplingFactor::F_2_2, false)),
        ("jpeg progressive", jpeg((35, 27), 3, 60, jpeg_encoder::SamplingFactor::F_2_1, true)),
    ]
}

/// Further ways of packing what film and renderers write: each has a decoder of its own.
pub(crate) fn floats_and_film() -> Vec<(&'static str, Vec<u8>)> {
    use exr::prelude::Compression as C;
    let float = Tiff { float: true, predictor: 3, compression: 8, ..Tiff::new(32, 3) };
    vec![
        ("openexr parts", openexr(C::ZIP16, false, -2)),
        ("openexr plain", openexr_of_one_part(C::Uncompressed, true)),
        ("openexr rle", openexr_of_one_part(C::RLE, false)),
        ("openexr zips", openexr_of_one_part(C::ZIP1, false)),
        ("openexr zip tiles", openexr_of_one_part(C::ZIP16, true)),
        ("openexr piz", openexr_of_one_part(C::PIZ, false)),
        ("openexr piz tiles", openexr_of_one_part(C::PIZ, true)),
        ("openexr pxr24", openexr_of_one_part(C::PXR24, false)),
        ("openexr b44", openexr_of_one_part(C::B44, false)),
        ("openexr b44a tiles", openexr_of_one_part(C::B44A, true)),
        ("openexr dwaa", openexr_of_one_part(C::DWAA(None), false)),
        ("openexr dwab", openexr_of_one_part(C::DWAB(None), false)),
        ("dpx 8", dpx(8, 0, 50, false).0),
        ("dpx 10 lsb", dpx(10, 2, 6, false).0),
        ("dpx 12", dpx(12, 1, 51, false).0),
        ("dpx 12 packed", dpx(12, 0, 50, true).0),
        ("dpx 16", dpx(16, 0, 51, true).0),
        ("tiff float 3", float.file()),
        ("tiff half", Tiff { float: true, compression: 5, extra: Some(1), ..Tiff::new(16, 3) }.file()),
        ("tiff big", Tiff { wide: true, ..Tiff::new(8, 3) }.file()),
        (
            "tiff big tiles",
            Tiff { wide: true, big: true, tile: Some(16), compression: 8, ..Tiff::new(16, 3) }.file(),
        ),
    ]
}
