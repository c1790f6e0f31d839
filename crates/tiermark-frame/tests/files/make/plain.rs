//! TGA and BMP, byte by byte.

use super::{bytes, samples, with_alpha};

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
