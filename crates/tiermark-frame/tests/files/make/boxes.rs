//! Containers, made byte by byte: what others' programs write, in its plainest form.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

/// A name and what is under it.
pub type Member<'a> = (&'a [u8], &'a [u8]);

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A ZIP archive; members of odd number are stored, others packed.
pub fn zip(members: &[Member<'_>]) -> Vec<u8> {
    zip_with(members, 0)
}

/// The same with these flags in every header: 1 says encrypted.
pub fn zip_with(members: &[Member<'_>], flags: u16) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (n, (name, bytes)) in members.iter().enumerate() {
        let (method, data) = if n % 2 == 1 { (0_u16, bytes.to_vec()) } else { (8, deflated(bytes)) };
        let at = file.len() as u32;
        let mut common = Vec::new();
        common.extend([20, 0]);
        common.extend(flags.to_le_bytes());
        common.extend(method.to_le_bytes());
        common.extend([0; 8]); // time, date and a checksum that nobody asks for
        common.extend((data.len() as u32).to_le_bytes());
        common.extend((bytes.len() as u32).to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0; 2]);
        file.extend(b"PK\x03\x04");
        file.extend(&common);
        file.extend(*name);
        file.extend(&data);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(at.to_le_bytes());
        directory.extend(*name);
    }
    let at = file.len() as u32;
    file.extend(&directory);
    file.extend(b"PK\x05\x06\0\0\0\0");
    let count = (members.len() as u16).to_le_bytes();
    file.extend([count, count].concat());
    file.extend((directory.len() as u32).to_le_bytes());
    file.extend(at.to_le_bytes());
    file.extend([0, 0]);
    file
}

/// A TAR archive, with the long names of GNU where they are needed.
pub fn tar(members: &[Member<'_>]) -> Vec<u8> {
    let mut file = Vec::new();
    for (name, bytes) in members {
        if name.len() > 100 {
            tar_member(&mut file, b"././@LongLink", b'L', &[name, &b"\0"[..]].concat());
        }
        tar_member(&mut file, name, b'0', bytes);
    }
    file.extend([0; 1024]);
    file
}

fn tar_member(file: &mut Vec<u8>, name: &[u8], kind: u8, bytes: &[u8]) {
    let mut header = [0; 512];
    let short = &name[..name.len().min(100)];
    header[..short.len()].copy_from_slice(short);
    header[124..136].copy_from_slice(format!("{:011o}\0", bytes.len()).as_bytes());
    header[156] = kind;
    header[257..265].copy_from_slice(b"ustar  \0");
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    file.extend(header);
    file.extend(bytes);
    file.resize(file.len().next_multiple_of(512), 0);
}

/// Packed by gzip, without a name.
pub fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A 7z archive of one member that is stored as it is.
pub fn seven(name: &str, bytes: &[u8]) -> Vec<u8> {
    let size = |value: usize| {
        // The number of leading ones says how many bytes follow; all here have four.
        [&[0xf0][..], &(value as u32).to_le_bytes()].concat()
    };
    let mut header = vec![1, 4, 6, 0, 1, 9];
    header.extend(size(bytes.len()));
    header.extend([0, 7, 0x0b, 1, 0, 1, 1, 0, 0x0c]);
    header.extend(size(bytes.len()));
    header.extend([0, 8, 0, 0, 5, 1, 0x11]);
    let name: Vec<u8> = name.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
    header.push(name.len() as u8 + 1);
    header.push(0);
    header.extend(&name);
    header.extend([0, 0]);
    let mut start = (bytes.len() as u64).to_le_bytes().to_vec();
    start.extend((header.len() as u64).to_le_bytes());
    start.extend(crc(&header).to_le_bytes());
    let mut file = b"7z\xbc\xaf\x27\x1c\0\x04".to_vec();
    file.extend(crc(&start).to_le_bytes());
    file.extend(&start);
    file.extend(bytes);
    file.extend(&header);
    file
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// A layer of a Photoshop document: name, width, height, and RGB or RGBA samples side by side.
pub struct Layer<'a> {
    pub name: &'a str,
    pub size: (u32, u32),
    pub channels: usize,
    pub samples: &'a [u8],
}

impl Layer<'_> {
    fn plane(&self, channel: usize) -> Vec<u8> {
        self.samples.iter().skip(channel).step_by(self.channels).copied().collect()
    }
}

/// A Photoshop document of 8-bit RGB: layers packed one after the other in each of the four ways, and all together by PackBits.
pub fn psd(layers: &[Layer<'_>], together: &Layer<'_>) -> Vec<u8> {
    let mut records = (layers.len() as u16).to_be_bytes().to_vec();
    let mut data = Vec::new();
    for (n, layer) in layers.iter().enumerate() {
        let (width, height) = layer.size;
        records.extend([0, 0, height, width].map(u32::to_be_bytes).concat());
        records.extend((layer.channels as u16).to_be_bytes());
        for channel in 0..layer.channels {
            let packed = psd_channel(&layer.plane(channel), width as usize, n as u16 % 4);
            let id = if channel == 3 { -1_i16 } else { channel as i16 };
            records.extend(id.to_be_bytes());
            records.extend((packed.len() as u32).to_be_bytes());
            data.extend(packed);
        }
        records.extend(b"8BIMnorm\xff\0\0\0");
        let mut extra = vec![0; 8];
        extra.extend([1, b'x', 0, 0]);
        let name: Vec<u8> = layer.name.encode_utf16().flat_map(u16::to_be_bytes).collect();
        extra.extend(b"8BIMluni");
        extra.extend((name.len() as u32 + 4).to_be_bytes());
        extra.extend((name.len() as u32 / 2).to_be_bytes());
        extra.extend(name);
        records.extend((extra.len() as u32).to_be_bytes());
        records.extend(extra);
    }
    records.extend(data);
    let (width, height) = together.size;
    let mut file = b"8BPS\0\x01\0\0\0\0\0\0".to_vec();
    file.extend((together.channels as u16).to_be_bytes());
    file.extend([height, width].map(u32::to_be_bytes).concat());
    file.extend([0, 8, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0]);
    file.extend((records.len() as u32 + 4).to_be_bytes());
    file.extend((records.len() as u32).to_be_bytes());
    file.extend(records);
    file.extend([0, 1]);
    let rows: Vec<Vec<u8>> = (0..together.channels)
        .flat_map(|channel| {
            let plane = together.plane(channel);
            plane.chunks(width as usize).map(pack_bits).collect::<Vec<_>>()
        })
        .collect();
    rows.iter().for_each(|row| file.extend((row.len() as u16).to_be_bytes()));
    rows.iter().for_each(|row| file.extend(row));
    file
}

fn psd_channel(plane: &[u8], width: usize, how: u16) -> Vec<u8> {
    let mut packed = how.to_be_bytes().to_vec();
    match how {
        0 => packed.extend(plane),
        1 => {
            let rows: Vec<Vec<u8>> = plane.chunks(width).map(pack_bits).collect();
            rows.iter().for_each(|row| packed.extend((row.len() as u16).to_be_bytes()));
            rows.iter().for_each(|row| packed.extend(row));
        }
        2 => packed.extend(zlib(plane)),
        _ => {
            let differences = plane.chunks(width).flat_map(|row| {
                let before = std::iter::once(0).chain(row.iter().copied());
                row.iter().zip(before).map(|(one, before)| one.wrapping_sub(before)).collect::<Vec<_>>()
            });
            packed.extend(zlib(&differences.collect::<Vec<_>>()));
        }
    }
    packed
}

/// Runs of four and more as runs, the rest as it is.
fn pack_bits(row: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut rest = row;
    while let Some(&first) = rest.first() {
        let run = rest.iter().take(128).take_while(|byte| **byte == first).count();
        if run >= 4 {
            packed.extend([(257 - run) as u8, first]);
            rest = &rest[run..];
        } else {
            let count = rest.len().min(16);
            packed.push(count as u8 - 1);
            packed.extend(&rest[..count]);
            rest = &rest[count..];
        }
    }
    packed
}

/// A picture on a page of a PDF.
pub enum Drawn<'a> {
    /// A JPEG file.
    Jpeg((u32, u32), &'a [u8]),
    /// Samples of 8-bit RGB.
    Rgb((u32, u32), &'a [u8]),
    /// Any other: its dictionary without filter and length, and its samples.
    Other(&'a str, &'a [u8]),
}

/// A PDF with one picture to a page, and without the table of places that nobody asks for.
pub fn pdf(pages: &[Drawn<'_>]) -> Vec<u8> {
    let mut file = b"%PDF-1.7\n".to_vec();
    let kids: Vec<String> = (0..pages.len()).map(|n| format!("{} 0 R", 10 + 2 * n)).collect();
    let mut object = |number: usize, text: &str, data: Option<&[u8]>| {
        file.extend(format!("{number} 0 obj\n{text}\n").bytes());
        if let Some(data) = data {
            file.extend(b"stream\n");
            file.extend(data);
            file.extend(b"\nendstream\n");
        }
        file.extend(b"endobj\n");
    };
    object(1, "<< /Type /Catalog /Pages 2 0 R >>", None);
    let tree = format!("<< /Type /Pages /Count {} /Kids [{}] >>", pages.len(), kids.join(" "));
    object(2, &tree, None);
    for (n, page) in pages.iter().enumerate() {
        let (at, image) = (10 + 2 * n, 11 + 2 * n);
        let text = format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 400] /Resources << /XObject << /Im0 {image} 0 R >> >> >>"
        );
        object(at, &text, None);
        let (dictionary, filter, data) = match page {
            Drawn::Jpeg((w, h), bytes) => (rgb(*w, *h), "DCTDecode", bytes.to_vec()),
            Drawn::Rgb((w, h), bytes) => (rgb(*w, *h), "FlateDecode", zlib(bytes)),
            Drawn::Other(text, bytes) => ((*text).to_owned(), "FlateDecode", zlib(bytes)),
        };
        let text = format!(
            "<< /Type /XObject /Subtype /Image {dictionary} /Filter /{filter} /Length {} >>",
            data.len()
        );
        object(image, &text, Some(&data));
    }
    file.extend(b"trailer\n<< /Root 1 0 R >>\n%%EOF\n");
    file
}

/// The same with the table of places that writers need.
pub fn pdf_with_table(pages: &[Drawn<'_>]) -> Vec<u8> {
    let mut file = pdf(pages);
    let trailer = file.windows(8).rposition(|window| window == b"trailer\n").unwrap();
    file.truncate(trailer);
    let numbers = [1, 2].into_iter().chain(10..10 + 2 * pages.len());
    let mut table = "xref\n0 1\n0000000000 65535 f \n".to_owned();
    for number in numbers {
        let head = format!("\n{number} 0 obj\n");
        let at = file.windows(head.len()).position(|window| window == head.as_bytes()).unwrap() + 1;
        table += &format!("{number} 1\n{at:010} 00000 n \n");
    }
    let size = 10 + 2 * pages.len();
    table += &format!("trailer\n<< /Root 1 0 R /Size {size} >>\nstartxref\n{trailer}\n%%EOF\n");
    file.extend(table.bytes());
    file
}

fn rgb(width: u32, height: u32) -> String {
    format!("/Width {width} /Height {height} /BitsPerComponent 8 /ColorSpace /DeviceRGB")
}
