//! Small files of every kind.

use std::io::Write;

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

fn words(samples: &[u16]) -> Vec<u8> {
    samples.iter().flat_map(|v| v.to_be_bytes()).collect()
}

/// A PNG file, made by hand.
pub(crate) struct Png {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) depth: u8,
    pub(crate) colour: u8,
    pub(crate) interlaced: bool,
    /// Chunks before and after the pixels.
    pub(crate) before: Vec<(&'static [u8; 4], Vec<u8>)>,
    pub(crate) after: Vec<(&'static [u8; 4], Vec<u8>)>,
}

impl Png {
    pub(crate) fn new(depth: u8, colour: u8) -> Self {
        Self { width: 19, height: 13, depth, colour, interlaced: false, before: vec![], after: vec![] }
    }

    pub(crate) fn channels(&self) -> usize {
        [1, 0, 3, 1, 2, 0, 4][usize::from(self.colour)]
    }

    pub(crate) fn samples(&self) -> Vec<u16> {
        let all = samples(self.width, self.height, self.channels());
        if self.colour >= 4 { with_alpha(all, self.channels()) } else { all }
    }

    pub(crate) fn file(&self) -> Vec<u8> {
        let samples = self.samples();
        let raw = if self.depth == 16 { words(&samples) } else { bytes(&samples) };
        self.file_of(&raw)
    }

    /// From unpacked rows of whole bytes; below 8 bits they are packed here.
    pub(crate) fn file_of(&self, raw: &[u8]) -> Vec<u8> {
        let step = self.channels() * usize::from(self.depth.div_ceil(8));
        let passes: &[[usize; 4]] = match self.interlaced {
            true => &[
                [0, 0, 8, 8],
                [4, 0, 8, 8],
                [0, 4, 4, 8],
                [2, 0, 4, 4],
                [0, 2, 2, 4],
                [1, 0, 2, 2],
                [0, 1, 1, 2],
            ],
            false => &[[0, 0, 1, 1]],
        };
        let mut filtered = Vec::new();
        for [x0, y0, dx, dy] in passes {
            for y in (*y0..self.height).step_by(*dy) {
                let row: Vec<u8> = (*x0..self.width)
                    .step_by(*dx)
                    .flat_map(|x| raw[(y * self.width + x) * step..][..step].to_vec())
                    .collect();
                if !row.is_empty() {
                    filtered.push(0);
                    filtered.extend(pack_bits(&row, self.depth));
                }
            }
        }
        let mut header = Vec::new();
        header.extend((self.width as u32).to_be_bytes());
        header.extend((self.height as u32).to_be_bytes());
        header.extend([self.depth, self.colour, 0, 0, u8::from(self.interlaced)]);
        let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
        file.extend(chunk(b"IHDR", &header));
        self.before.iter().for_each(|(kind, body)| file.extend(chunk(kind, body)));
        for part in zlib(&filtered).chunks(300) {
            file.extend(chunk(b"IDAT", part));
        }
        self.after.iter().for_each(|(kind, body)| file.extend(chunk(kind, body)));
        file.extend(chunk(b"IEND", &[]));
        file
    }
}

fn pack_bits(row: &[u8], depth: u8) -> Vec<u8> {
    match depth {
        8 | 16 => row.to_vec(),
        _ => {
            let in_byte = usize::from(8 / depth);
            let pack = |part: &[u8]| {
                let full = part.iter().fold(0u8, |sum, v| sum << depth | (v & ((1 << depth) - 1)));
                full << (usize::from(depth) * (in_byte - part.len()))
            };
            row.chunks(in_byte).map(pack).collect()
        }
    }
}

/// A PNG chunk with its checksum.
pub(crate) fn chunk(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(kind);
    crc.update(body);
    [&(body.len() as u32).to_be_bytes()[..], kind, body, &crc.sum().to_be_bytes()].concat()
}

pub(crate) fn zlib(raw: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(raw).unwrap();
    packer.finish().unwrap()
}

/// A TIFF file, made by hand.
#[derive(Clone)]
pub(crate) struct Tiff {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) big: bool,
    pub(crate) bits: u16,
    pub(crate) colours: usize,
    /// Value of ExtraSamples, if there is one channel more.
    pub(crate) extra: Option<u16>,
    pub(crate) compression: u16,
    pub(crate) predictor: bool,
    pub(crate) photometric: u16,
    /// Side of the tiles, or rows of a strip.
    pub(crate) tile: Option<usize>,
    pub(crate) rows: usize,
    /// Byte counts as 16-bit numbers.
    pub(crate) short_counts: bool,
    /// Further entries: tag, type, count, value (of four bytes, or behind the end).
    pub(crate) entries: Vec<(u16, u16, u32, Vec<u8>)>,
    pub(crate) next: u32,
}

impl Tiff {
    pub(crate) fn new(bits: u16, colours: usize) -> Self {
        Self {
            width: 19,
            height: 13,
            big: false,
            bits,
            colours,
            extra: None,
            compression: 1,
            predictor: false,
            photometric: if colours == 1 { 1 } else { 2 },
            tile: None,
            rows: 5,
            short_counts: false,
            entries: vec![],
            next: 0,
        }
    }

    pub(crate) fn channels(&self) -> usize {
        self.colours + usize::from(self.extra.is_some())
    }

    pub(crate) fn samples(&self) -> Vec<u16> {
        let all = samples(self.width, self.height, self.channels());
        if self.extra.is_some() { with_alpha(all, self.channels()) } else { all }
    }

    fn u16(&self, value: u16) -> [u8; 2] {
        if self.big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    fn u32(&self, value: u32) -> [u8; 4] {
        if self.big { value.to_be_bytes() } else { value.to_le_bytes() }
    }

    /// Strips or tiles, packed.
    fn chunks(&self) -> Vec<Vec<u8>> {
        let samples = self.samples();
        let (wide, tall) = self.tile.map_or((self.width, self.rows), |side| (side, side));
        let mut chunks = Vec::new();
        for y0 in (0..self.height).step_by(tall) {
            for x0 in (0..self.width).step_by(wide) {
                let rows = if self.tile.is_some() { tall } else { tall.min(self.height - y0) };
                let mut raw = Vec::new();
                for y in y0..y0 + rows {
                    let mut left = vec![0u16; self.channels()];
                    for x in x0..x0 + wide {
                        for (channel, left) in left.iter_mut().enumerate() {
                            let inside = x < self.width && y < self.height;
                            let at = (y * self.width + x) * self.channels() + channel;
                            let value = if inside { samples[at] } else { 0 };
                            let value = if self.bits == 8 { value >> 8 } else { value };
                            let stored = if self.predictor { value.wrapping_sub(*left) } else { value };
                            *left = value;
                            match self.bits {
                                8 => raw.push(stored as u8),
                                _ => raw.extend(self.u16(stored)),
                            }
                        }
                    }
                }
                chunks.push(self.pack(&raw));
            }
        }
        chunks
    }

    fn pack(&self, raw: &[u8]) -> Vec<u8> {
        match self.compression {
            5 => weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8).encode(raw).unwrap(),
            8 | 32946 => zlib(raw),
            32773 => raw.chunks(128).flat_map(|part| [&[(part.len() - 1) as u8], part].concat()).collect(),
            _ => raw.to_vec(),
        }
    }

    /// Header, pixels, directory, long values: the pixels stand in front, as many writers do it.
    pub(crate) fn file(&self) -> Vec<u8> {
        let mut file = if self.big { b"MM\0\x2a".to_vec() } else { b"II\x2a\0".to_vec() };
        file.extend([0; 4]);
        let (mut offsets, mut counts) = (Vec::new(), Vec::new());
        for packed in self.chunks() {
            offsets.push(file.len() as u32);
            counts.push(packed.len() as u32);
            file.extend(packed);
            file.resize(file.len().next_multiple_of(2), 0);
        }
        let longs = |values: &[u32]| values.iter().flat_map(|v| self.u32(*v)).collect::<Vec<u8>>();
        let shorts = |values: &[u16]| values.iter().flat_map(|v| self.u16(*v)).collect::<Vec<u8>>();
        let count = offsets.len() as u32;
        let mut entries = vec![
            (256, 3, 1, shorts(&[self.width as u16])),
            (257, 3, 1, shorts(&[self.height as u16])),
            (258, 3, self.channels() as u32, shorts(&vec![self.bits; self.channels()])),
            (259, 3, 1, shorts(&[self.compression])),
            (262, 3, 1, shorts(&[self.photometric])),
            (277, 3, 1, shorts(&[self.channels() as u16])),
        ];
        let lengths = match self.short_counts {
            true => (3, shorts(&counts.iter().map(|v| *v as u16).collect::<Vec<_>>())),
            false => (4, longs(&counts)),
        };
        match self.tile {
            Some(side) => entries.extend([
                (322, 3, 1, shorts(&[side as u16])),
                (323, 3, 1, shorts(&[side as u16])),
                (324, 4, count, longs(&offsets)),
                (325, lengths.0, count, lengths.1),
            ]),
            None => entries.extend([
                (273, 4, count, longs(&offsets)),
                (278, 3, 1, shorts(&[self.rows as u16])),
                (279, lengths.0, count, lengths.1),
            ]),
        }
        if self.predictor {
            entries.push((317, 3, 1, shorts(&[2])));
        }
        if let Some(extra) = self.extra {
            entries.push((338, 3, 1, shorts(&[extra])));
        }
        entries.extend(self.entries.clone());
        entries.sort_by_key(|entry| entry.0);
        let start = file.len();
        let mut behind = start + 2 + 12 * entries.len() + 4;
        let mut values = Vec::new();
        file.extend(self.u16(entries.len() as u16));
        for (tag, kind, count, mut value) in entries {
            file.extend(self.u16(tag));
            file.extend(self.u16(kind));
            file.extend(self.u32(count));
            if value.len() <= 4 {
                value.resize(4, 0);
                file.extend(value);
            } else {
                file.extend(self.u32(behind as u32));
                behind += value.len();
                values.extend(value);
            }
        }
        file.extend(self.u32(self.next));
        file.extend(values);
        file[4..8].copy_from_slice(&self.u32(start as u32));
        file
    }
}

/// A TGA file of 19 x 13, made by hand.
pub(crate) fn tga(bits: u8, packed: bool, descriptor: u8, tail: bool) -> Vec<u8> {
    let (width, height, step) = (19usize, 13usize, usize::from(bits / 8));
    let kind = if bits == 8 { 3 } else { 2 } + if packed { 8 } else { 0 };
    let mut file =
        vec![5, 0, kind, 0, 0, 0, 0, 0, 0, 0, 0, 0, width as u8, 0, height as u8, 0, bits, descriptor];
    file.extend(b"an id");
    let all = samples(width, height, step);
    let raw = bytes(&if step == 4 { with_alpha(all, 4) } else { all });
    match packed {
        false => file.extend(&raw),
        true => {
            // Literals of seven pixels, and runs where two are equal; they cross rows, as old writers do.
            let pixels: Vec<&[u8]> = raw.chunks_exact(step).collect();
            for part in pixels.chunks(7) {
                match part.iter().all(|pixel| pixel == &part[0]) {
                    true => {
                        file.push(0x80 | (part.len() - 1) as u8);
                        file.extend(part[0]);
                    }
                    false => {
                        file.push((part.len() - 1) as u8);
                        file.extend(part.concat());
                    }
                }
            }
        }
    }
    if tail {
        file.extend(tga_tail(file.len()));
    }
    file
}

/// Extension area with a postage stamp and a row table, developer directory and footer.
fn tga_tail(start: usize) -> Vec<u8> {
    let mut area = vec![0; 495];
    area[..2].copy_from_slice(&495u16.to_le_bytes());
    area[2..9].copy_from_slice(b"Shepher");
    area[486..490].copy_from_slice(&((start + 495) as u32).to_le_bytes());
    area[490..494].copy_from_slice(&77u32.to_le_bytes());
    area[494] = 3;
    let stamp = [1, 1, 0xaa, 0xbb, 0xcc, 0xdd];
    let developer = start + 495 + stamp.len();
    let mut directory = vec![1, 0, 9, 0];
    directory.extend(((developer - 4) as u32).to_le_bytes());
    directory.extend(4u32.to_le_bytes());
    let mut tail = [&area[..], &stamp, &directory].concat();
    tail.extend((start as u32).to_le_bytes());
    tail.extend((developer as u32).to_le_bytes());
    tail.extend(b"TRUEVISION-XFILE.\0");
    tail
}

/// A BMP file of 19 x 13, made by hand; `masks` makes it a BITFIELDS file of red, green, blue, alpha.
pub(crate) fn bmp(bits: u16, masks: Option<[u32; 4]>, top_down: bool) -> Vec<u8> {
    let (width, height, step) = (19i32, 13i32, usize::from(bits / 8));
    let header: u32 = if masks.is_some() { 108 } else { 40 };
    let row = (19 * step).next_multiple_of(4);
    let data = 14 + header + 6;
    let mut file = b"BM".to_vec();
    file.extend((data + (row * 13) as u32).to_le_bytes());
    file.extend([1, 2, 3, 4]);
    file.extend(data.to_le_bytes());
    file.extend(header.to_le_bytes());
    file.extend(width.to_le_bytes());
    file.extend((if top_down { -height } else { height }).to_le_bytes());
    file.extend(1u16.to_le_bytes());
    file.extend(bits.to_le_bytes());
    file.extend((if masks.is_some() { 3u32 } else { 0 }).to_le_bytes());
    file.extend([0; 4]);
    file.extend(2835u32.to_le_bytes());
    file.extend(2835u32.to_le_bytes());
    file.extend([0; 8]);
    file.extend(masks.unwrap_or_default().iter().flat_map(|mask| mask.to_le_bytes()));
    file.resize(data as usize - 6, 0x5a);
    file.extend(b"space!");
    for line in bytes(&with_alpha(samples(19, 13, step), step)).chunks_exact(19 * step) {
        file.extend(line);
        file.resize(file.len() + row - 19 * step, 0xee);
    }
    file
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
    let lzw = Tiff { compression: 5, predictor: true, extra: Some(2), ..Tiff::new(8, 3) };
    let tiles = Tiff { compression: 8, tile: Some(16), big: true, ..Tiff::new(16, 1) };
    vec![
        ("png", Png::new(8, 6).file()),
        ("png 16", Png { interlaced: true, ..Png::new(16, 2) }.file()),
        ("png palette", Png { before: vec![(b"PLTE", vec![9; 48])], ..Png::new(4, 3) }.file()),
        ("tiff", lzw.file()),
        ("tiff tiles", tiles.file()),
        ("tiff runs", Tiff { compression: 32773, ..Tiff::new(8, 3) }.file()),
        ("tga", tga(32, true, 8, true)),
        ("tga raw", tga(24, false, 0x20, false)),
        ("bmp", bmp(32, Some([0xff, 0xff00, 0xff_0000, 0xff00_0000]), false)),
        ("webp", webp(4, true)),
        ("jpeg", jpeg((35, 27), 3, 90, jpeg_encoder::SamplingFactor::F_2_2, false)),
        ("jpeg progressive", jpeg((35, 27), 3, 60, jpeg_encoder::SamplingFactor::F_2_1, true)),
    ]
}
