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
    /// 1 (none), 2 (differences) or 3 (planes of bytes).
    pub(crate) predictor: u16,
    /// Floating point.
    pub(crate) float: bool,
    /// BigTIFF.
    pub(crate) wide: bool,
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
            predictor: 1,
            float: false,
            wide: false,
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

    /// The bits of a sample as it is stored.
    fn stored(&self, sample: u16) -> u32 {
        match (self.bits, self.float) {
            (8, _) => u32::from(sample >> 8),
            (16, false) => u32::from(sample),
            (16, true) => u32::from(half::f16::from_f32(f32::from(sample) / 40_000.0).to_bits()),
            _ => (f32::from(sample) / 40_000.0).to_bits(),
        }
    }

    /// Strips or tiles, packed.
    fn chunks(&self) -> Vec<Vec<u8>> {
        let samples = self.samples();
        let (wide, tall) = self.tile.map_or((self.width, self.rows), |side| (side, side));
        let mut chunks = Vec::new();
        for y0 in (0..self.height).step_by(tall) {
            for x0 in (0..self.width).step_by(wide) {
                let rows = if self.tile.is_some() { tall } else { tall.min(self.height - y0) };
                let inside = |x: usize, y: usize| x < self.width && y < self.height;
                let sample = |x: usize, y: usize, channel: usize| match inside(x, y) {
                    true => self.stored(samples[(y * self.width + x) * self.channels() + channel]),
                    false => 0,
                };
                let row = |y: usize| {
                    (x0..x0 + wide)
                        .flat_map(move |x| (0..self.channels()).map(move |c| (x, c)))
                        .map(|(x, c)| sample(x, y, c))
                        .collect::<Vec<u32>>()
                };
                let raw: Vec<u8> = (y0..y0 + rows).flat_map(|y| self.row(&row(y))).collect();
                chunks.push(self.pack(&raw));
            }
        }
        chunks
    }

    /// The bytes of a row of samples.
    fn row(&self, samples: &[u32]) -> Vec<u8> {
        let channels = self.channels();
        if self.predictor == 3 {
            let bytes = usize::from(self.bits / 8);
            let planes: Vec<u8> = (0..bytes)
                .flat_map(|b| samples.iter().map(move |v| (v >> (8 * (bytes - 1 - b))) as u8))
                .collect();
            let left = |i: usize| if i < channels { 0 } else { planes[i - channels] };
            return (0..planes.len()).map(|i| planes[i].wrapping_sub(left(i))).collect();
        }
        let left = |i: usize| if i < channels || self.predictor == 1 { 0 } else { samples[i - channels] };
        let written = samples.iter().enumerate().map(|(i, v)| v.wrapping_sub(left(i)));
        match self.bits {
            8 => written.map(|v| v as u8).collect(),
            16 => written.flat_map(|v| self.u16(v as u16)).collect(),
            _ => written.flat_map(|v| self.u32(v)).collect(),
        }
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
        let mut file = if self.big { b"MM".to_vec() } else { b"II".to_vec() };
        file.extend(self.u16(if self.wide { 43 } else { 42 }));
        match self.wide {
            true => file.extend([&self.u16(8)[..], &[0; 10]].concat()),
            false => file.extend([0; 4]),
        }
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
        if self.predictor > 1 {
            entries.push((317, 3, 1, shorts(&[self.predictor])));
        }
        if self.float {
            entries.push((339, 3, self.channels() as u32, shorts(&vec![3; self.channels()])));
        }
        if let Some(extra) = self.extra {
            entries.push((338, 3, 1, shorts(&[extra])));
        }
        entries.extend(self.entries.clone());
        entries.sort_by_key(|entry| entry.0);
        self.with_directory(file, entries)
    }

    fn with_directory(&self, mut file: Vec<u8>, entries: Vec<(u16, u16, u32, Vec<u8>)>) -> Vec<u8> {
        let number = |v: usize| match (self.wide, self.big) {
            (true, true) => (v as u64).to_be_bytes().to_vec(),
            (true, false) => (v as u64).to_le_bytes().to_vec(),
            _ => self.u32(v as u32).to_vec(),
        };
        let (head, step, room) = if self.wide { (8, 20, 8) } else { (2, 12, 4) };
        let start = file.len();
        let mut behind = start + head + step * entries.len() + room;
        let mut values = Vec::new();
        match self.wide {
            true => file.extend(number(entries.len())),
            false => file.extend(self.u16(entries.len() as u16)),
        }
        for (tag, kind, count, mut value) in entries {
            file.extend(self.u16(tag));
            file.extend(self.u16(kind));
            file.extend(number(count as usize));
            if value.len() <= room {
                value.resize(room, 0);
                file.extend(value);
            } else {
                file.extend(number(behind));
                behind += value.len();
                values.extend(value);
            }
        }
        file.extend(number(self.next as usize));
        file.extend(values);
        let at = if self.wide { 8 } else { 4 };
        file[at..at + room].copy_from_slice(&number(start));
        file
    }
}
