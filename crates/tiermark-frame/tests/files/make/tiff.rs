//! TIFF, entry by entry.

use super::{samples, with_alpha, zlib};

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
