//! PNG, chunk by chunk.

use std::io::Write;

use super::{bytes, samples, with_alpha};

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

fn words(samples: &[u16]) -> Vec<u8> {
    samples.iter().flat_map(|v| v.to_be_bytes()).collect()
}
