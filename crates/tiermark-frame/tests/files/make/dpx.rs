//! DPX, number by number.

/// A DPX file of one element, made by hand, and the samples in it.
pub(crate) fn dpx(bits: u8, packing: u16, descriptor: u8, big: bool) -> (Vec<u8>, Vec<u32>) {
    let (width, height) = (19_usize, 13_usize);
    let channels = match descriptor {
        6 => 1,
        50 => 3,
        _ => 4,
    };
    let u32s = |v: u32| if big { v.to_be_bytes() } else { v.to_le_bytes() };
    let u16s = |v: u16| if big { v.to_be_bytes() } else { v.to_le_bytes() };
    let mut file = vec![0xff_u8; 2048];
    file[..4].copy_from_slice(if big { b"SDPX" } else { b"XPDS" });
    file[4..8].copy_from_slice(&u32s(2048));
    file[770..772].copy_from_slice(&u16s(1));
    file[772..776].copy_from_slice(&u32s(width as u32));
    file[776..780].copy_from_slice(&u32s(height as u32));
    file[780..784].copy_from_slice(&u32s(0));
    file[800..804].copy_from_slice(&[descriptor, 1, 1, bits]);
    file[804..806].copy_from_slice(&u16s(packing));
    file[806..808].copy_from_slice(&u16s(0));
    file[808..812].copy_from_slice(&u32s(2048));
    let samples: Vec<u32> = super::samples(width, height, channels)
        .iter()
        .map(|v| u32::from(*v) >> (16 - u32::from(bits)))
        .collect();
    for row in samples.chunks(width * channels) {
        match (bits, packing) {
            (8, _) => file.extend(row.iter().map(|v| *v as u8)),
            (10 | 12, 0) => {
                let bit = |at: usize| {
                    row.get(at / usize::from(bits)).map_or(0, |v| v >> (at % usize::from(bits)) & 1)
                };
                let words = (row.len() * usize::from(bits)).div_ceil(32);
                (0..words).for_each(|w| file.extend(u32s((0..32).fold(0, |v, i| v | bit(32 * w + i) << i))));
            }
            (10, _) => {
                let low = if packing == 1 { 2 } else { 0 };
                for three in row.chunks(3) {
                    let word =
                        three.iter().enumerate().fold(0, |word, (i, v)| word | v << (low + 20 - 10 * i));
                    file.extend(u32s(word | if packing == 1 { 1 } else { 1 << 31 }));
                }
            }
            (12, _) => {
                row.iter().for_each(|v| file.extend(u16s((*v as u16) << if packing == 1 { 4 } else { 0 })));
            }
            _ => row.iter().for_each(|v| file.extend(u16s(*v as u16))),
        }
        file.resize(file.len().next_multiple_of(4), 0x5a);
    }
    file.extend(b"user data behind");
    (file, samples)
}
