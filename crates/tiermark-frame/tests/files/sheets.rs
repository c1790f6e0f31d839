//! Documents: their pictures change, and nothing else does.

use std::io::{Cursor, Write};

use crate::fuzz::seeded;
use crate::make::boxes::{Drawn, pdf, pdf_with_table};
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use image::{DynamicImage, ImageFormat, Rgb};
use tiermark_frame::sheet::Sheet;
use tiermark_frame::{Frame, FrameError, Limits, WriteOptions};

/// A member of an office file, and how it is packed.
#[derive(Clone)]
struct Member {
    name: &'static str,
    bytes: Vec<u8>,
    packed: bool,
    /// Sizes behind the data: with a mark before them, or without.
    behind: Option<bool>,
}

fn member(name: &'static str, bytes: &[u8], packed: bool) -> Member {
    Member { name, bytes: bytes.to_vec(), packed, behind: None }
}

/// An archive as office programs write it: times, extra fields, comments, sizes behind the data.
fn office(members: &[Member], flags: u16) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (n, member) in members.iter().enumerate() {
        let mut packer = DeflateEncoder::new(Vec::new(), Compression::default());
        packer.write_all(&member.bytes).unwrap();
        let data = if member.packed { packer.finish().unwrap() } else { member.bytes.clone() };
        let mut crc = Crc::new();
        crc.update(&member.bytes);
        let sizes = [crc.sum(), data.len() as u32, member.bytes.len() as u32].map(u32::to_le_bytes).concat();
        let flags = flags | if member.behind.is_some() { 8 } else { 0 };
        let method = if member.packed { 8_u16 } else { 0 };
        let common =
            [&[20, 0][..], &flags.to_le_bytes(), &method.to_le_bytes(), &[n as u8, 1, 2, 3]].concat();
        let at = file.len() as u32;
        let name = (member.name.len() as u16).to_le_bytes();
        file.extend([&b"PK\x03\x04"[..], &common].concat());
        file.extend(if member.behind.is_some() { vec![0; 12] } else { sizes.clone() });
        file.extend([&name[..], &[6, 0], member.name.as_bytes(), b"\x99\x99\x02\0hi", &data].concat());
        match member.behind {
            Some(true) => file.extend([&b"PK\x07\x08"[..], &sizes].concat()),
            Some(false) => file.extend(&sizes),
            None => {}
        }
        directory.extend([&b"PK\x01\x02\x14\x03"[..], &common, &sizes, &name, &[0, 0, 4, 0]].concat());
        directory.extend([0; 8]);
        directory.extend([&at.to_le_bytes()[..], member.name.as_bytes(), b"said"].concat());
    }
    let at = file.len() as u32;
    let (count, length) = ((members.len() as u16).to_le_bytes(), directory.len() as u32);
    file.extend(&directory);
    file.extend([&b"PK\x05\x06\0\0\0\0"[..], &count, &count, &length.to_le_bytes()].concat());
    file.extend([&at.to_le_bytes()[..], &[3, 0], b"end"].concat());
    file
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn drawn(width: u32, height: u32) -> DynamicImage {
    let colour = |x: u32, y: u32| Rgb([(x * 3) as u8, (y * 5) as u8, (x ^ y) as u8]);
    DynamicImage::ImageRgb8(image::RgbImage::from_fn(width, height, colour))
}

const TYPES: &str = "[Content_Types].xml";

fn document() -> Vec<Member> {
    let picture = |name, packed, behind| Member {
        behind,
        ..member(name, &encoded(&drawn(40, 30), ImageFormat::Png), packed)
    };
    vec![
        member(TYPES, b"<Types/>", true),
        Member { behind: Some(true), ..member("word/document.xml", &b"<w:document/>".repeat(40), true) },
        picture("word/media/image1.png", false, None),
        picture("word/media/image2.png", true, Some(true)),
        member("word/media/image3.jpeg", &encoded(&drawn(64, 48), ImageFormat::Jpeg), true),
        picture("word/media/image4.png", true, Some(false)),
        member("word/media/image5.emf", b"not for us", false),
        member("docProps/app.xml", b"<Properties/>", true),
    ]
}

/// The document with each picture one value brighter.
fn brighter(bytes: &[u8]) -> Vec<u8> {
    let sheet = Sheet::open(bytes.to_vec(), &Limits::default()).unwrap().unwrap();
    let brighter = |picture: usize| {
        let frame = sheet.picture(picture, &Limits::default()).unwrap();
        let mut painted = frame.painted();
        for y in 0..frame.size().height {
            let mut rows = vec![vec![0.0; frame.size().width]; frame.colour_count()];
            for (channel, row) in rows.iter_mut().enumerate() {
                frame.colour_row(channel, y, row);
                row.iter_mut().for_each(|v| *v = (*v + 1.0).min(255.0));
            }
            painted.paint(y, &rows.iter().map(|row| &row[..]).collect::<Vec<_>>());
        }
        (picture, frame.encode_painted(vec![painted], &WriteOptions::default()).unwrap())
    };
    sheet.with(&(0..sheet.pictures()).map(brighter).collect::<Vec<_>>()).unwrap()
}

fn first_values(bytes: &[u8]) -> Vec<Vec<f32>> {
    let sheet = Sheet::open(bytes.to_vec(), &Limits::default()).unwrap().unwrap();
    let frames = (0..sheet.pictures()).map(|picture| sheet.picture(picture, &Limits::default()).unwrap());
    frames.map(|frame: Frame| frame.colours()[0].samples()[..8].to_vec()).collect()
}

#[test]
fn an_office_file_changes_in_its_pictures_alone() {
    let members = document();
    let before = office(&members, 0);
    let after = brighter(&before);
    let sheet = Sheet::open(after.clone(), &Limits::default()).unwrap().unwrap();
    assert_eq!((0..4).map(|n| sheet.number(n)).collect::<Vec<_>>(), [2, 3, 4, 5]);
    assert_eq!(sheet.place(1), "word/media/image2.png");
    let (old, new) = (first_values(&before), first_values(&after));
    for picture in [0, 1, 3] {
        let all = new[picture].iter().zip(&old[picture]);
        assert!(all.clone().all(|(new, old)| *new == old + 1.0), "{picture}");
    }
    // The same file put together by hand, with what the pictures became.
    let fresh = |member: &Member, n: usize| {
        let Some(picture) = (0..4).find(|picture| sheet.number(*picture) == n as u64) else {
            return member.clone();
        };
        Member { bytes: file_of(&after, sheet.place(picture).as_str()), ..member.clone() }
    };
    let expected: Vec<Member> = members.iter().enumerate().map(|(n, member)| fresh(member, n)).collect();
    assert!(after == office(&expected, 0));
    for member in document().iter().filter(|member| !member.name.contains("media")) {
        assert_eq!(packed_of(&after, member.name), packed_of(&before, member.name));
    }
    // Nothing of the old pictures is left.
    for member in members.iter().filter(|member| member.name.ends_with("png")) {
        let old = packed_of(&before, member.name);
        assert!(!after.windows(64).any(|window| window == &old[old.len() / 2..][..64]), "{}", member.name);
    }
    // Nothing changed, nothing written.
    let sheet = Sheet::open(before.clone(), &Limits::default()).unwrap().unwrap();
    assert!(sheet.with(&[]).unwrap() == before);
}

/// The packed bytes of a member, found through the directory.
fn packed_of(bytes: &[u8], name: &str) -> Vec<u8> {
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let half = |at: usize| usize::from(u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap()));
    let mut at = word(bytes.len() - 25 + 16);
    loop {
        assert!(bytes[at..].starts_with(b"PK\x01\x02"), "{name} is listed");
        if &bytes[at + 46..at + 46 + half(at + 28)] == name.as_bytes() {
            let (header, packed) = (word(at + 42), word(at + 20));
            let data = header + 30 + half(header + 26) + half(header + 28);
            let flags = half(header + 6);
            let sizes = &bytes[at + 16..at + 28];
            let behind = &bytes[data + packed..];
            let told = match (flags & 8 != 0, behind.starts_with(b"PK\x07\x08")) {
                (false, _) => &bytes[header + 14..header + 26],
                (true, true) => &behind[4..16],
                (true, false) => &behind[..12],
            };
            assert_eq!(told, sizes, "{name}");
            return bytes[data..data + packed].to_vec();
        }
        at += 46 + half(at + 28) + half(at + 30) + half(at + 32);
    }
}

/// A member, unpacked and its check sum compared.
fn file_of(bytes: &[u8], name: &str) -> Vec<u8> {
    use std::io::Read;
    let packed = packed_of(bytes, name);
    let stored = packed.starts_with(b"\x89PNG") || packed.starts_with(b"\xff\xd8");
    let mut file = Vec::new();
    match stored {
        true => file = packed,
        false => drop(flate2::read::DeflateDecoder::new(&packed[..]).read_to_end(&mut file).unwrap()),
    }
    let mut crc = Crc::new();
    crc.update(&file);
    assert!(bytes.windows(4).any(|window| window == crc.sum().to_le_bytes()), "{name}");
    file
}

#[test]
fn office_files_that_cannot_be_kept_are_refused_by_name() {
    let refusal = |bytes: Vec<u8>| match Sheet::open(bytes, &Limits::default()) {
        Err(error @ FrameError::ReadOnly { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(refusal(office(&document(), 1)).contains("encrypted"));
    let with = |name, bytes: &[u8]| office(&[document(), vec![member(name, bytes, true)]].concat(), 0);
    assert!(refusal(with("_xmlsignatures/sig1.xml", b"<Signature/>")).contains("signed"));
    assert!(refusal(with("META-INF/manifest.xml", b"<m:encryption-data/>")).contains("encrypted"));
    let mut hiding = office(&document(), 0);
    // A member that the directory does not list: the offset of the next one tells.
    let entry = hiding.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    let length = 46 + TYPES.len() + 4;
    hiding.drain(entry..entry + length);
    let end = hiding.len() - 25;
    let directory = u32::from_le_bytes(hiding[end + 12..end + 16].try_into().unwrap()) - length as u32;
    hiding[end + 12..end + 16].copy_from_slice(&directory.to_le_bytes());
    assert!(Sheet::open(hiding.clone(), &Limits::default()).unwrap().is_none(), "nor is it an office file");
    let again = [vec![member("a.xml", b"<a/>", true)], document()].concat();
    let mut hiding = office(&again, 0);
    let entry = hiding.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    let length = 46 + "a.xml".len() + 4;
    hiding.drain(entry..entry + length);
    let end = hiding.len() - 25;
    let directory = u32::from_le_bytes(hiding[end + 12..end + 16].try_into().unwrap()) - length as u32;
    hiding[end + 12..end + 16].copy_from_slice(&directory.to_le_bytes());
    assert!(refusal(hiding).contains("does not tell all"));
}

#[test]
fn archives_that_are_no_documents_are_left_to_others() {
    let pictures = &document()[2..];
    assert!(Sheet::open(office(pictures, 0), &Limits::default()).unwrap().is_none());
    let open =
        [vec![member("mimetype", b"application/vnd.oasis.opendocument.text", false)], pictures.to_vec()];
    // Its first member has no extra field, as OpenDocument asks; ours has one, and so is none.
    assert!(Sheet::open(office(&open.concat(), 0), &Limits::default()).unwrap().is_none());
    for end in 0..400 {
        let bytes = office(&document(), 0);
        let cut = bytes.len() - end.min(bytes.len());
        drop(Sheet::open(bytes[..cut].to_vec(), &Limits::default()));
    }
}

#[test]
fn bitten_office_files_end_in_words() {
    let bytes = office(&document(), 0);
    for at in 0..bytes.len() {
        let mut bitten = bytes.clone();
        bitten[at] ^= 0xff;
        let Ok(Some(sheet)) = Sheet::open(bitten, &Limits::default()) else { continue };
        if at % 16 == 0 {
            drop(sheet.with(&(0..sheet.pictures()).map(|n| (n, vec![1, 2, 3])).collect::<Vec<_>>()));
        }
    }
}

/// Two pages: bare samples, and a JPEG.
fn book() -> Vec<u8> {
    let picture = drawn(40, 30).into_rgb8();
    let jpeg = encoded(&drawn(64, 48), ImageFormat::Jpeg);
    pdf_with_table(&[Drawn::Rgb((40, 30), &picture), Drawn::Jpeg((64, 48), &jpeg)])
}

/// The same with its table of places as a stream, which is never packed here.
fn book_with_stream() -> Vec<u8> {
    let mut file = book();
    let table = file.windows(5).position(|window| window == b"xref\n").unwrap();
    let text = String::from_utf8(file[table..].to_vec()).unwrap();
    file.truncate(table);
    let lines: Vec<&str> = text.lines().skip(3).take_while(|line| *line != "trailer").collect();
    let (mut index, mut data) = ("20 1".to_owned(), [1, 0, 0, 0, 0, 0, 0].to_vec());
    data[1..5].copy_from_slice(&(table as u32).to_be_bytes());
    for pair in lines.chunks(2) {
        let number = pair[0].split(' ').next().unwrap();
        index += &format!(" {number} 1");
        data.push(1);
        data.extend(pair[1][..10].parse::<u32>().unwrap().to_be_bytes());
        data.extend([0, 0]);
    }
    let length = data.len();
    file.extend(format!("20 0 obj\n<< /Type /XRef /W [1 4 2] /Root 1 0 R /Size 21 /Index [{index}] /Length {length} >>\nstream\n").bytes());
    file.extend(&data);
    file.extend(format!("\nendstream\nendobj\nstartxref\n{table}\n%%EOF\n").bytes());
    file
}

#[test]
fn a_pdf_changes_in_its_pictures_alone() {
    for before in [book(), book_with_stream()] {
        let after = brighter(&before);
        let (old, new) = (first_values(&before), first_values(&after));
        assert!(new[0].iter().zip(&old[0]).all(|(new, old)| *new == old + 1.0));
        assert_ne!(new[1], old[1]);
        let sheet = Sheet::open(after.clone(), &Limits::default()).unwrap().unwrap();
        assert_eq!([sheet.number(0), sheet.number(1)], [11, 13]);
        assert_eq!(sheet.place(0), "object 11");
        // All that was there is there, but for the old pictures, of which nothing is.
        let mut at = 0;
        while at < before.len() {
            assert!(after[at] == before[at] || after[at] == 0, "{at}");
            at += 1;
        }
        for (picture, dictionary) in [(0, &b"/FlateDecode"[..]), (1, b"/DCTDecode")] {
            let found = before.windows(dictionary.len()).position(|window| window == dictionary).unwrap();
            let data =
                found + before[found..].windows(7).position(|window| window == b"stream\n").unwrap() + 7;
            let end = data + before[data..].windows(10).position(|window| window == b"\nendstream").unwrap();
            assert!(after[data..end].iter().all(|byte| *byte == 0), "{picture}");
        }
        // And once more, as a lower tier does.
        let twice = first_values(&brighter(&after));
        assert!(twice[0].iter().zip(&new[0]).all(|(twice, new)| *twice == new + 1.0));
    }
}

#[test]
fn pdfs_that_cannot_be_kept_are_refused_by_name() {
    let refusal = |bytes: Vec<u8>| match Sheet::open(bytes, &Limits::default()) {
        Err(error @ FrameError::ReadOnly { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(refusal([&book()[..], b"% /ByteRange [0 1 2 3]\n"].concat()).contains("signed"));
    let locked = String::from_utf8_lossy(&book()).replace("/Root 1 0 R", "/Root 1 0 R /Encrypt 3 0 R");
    assert!(refusal(locked.into_bytes()).contains("encrypted"));
    assert!(refusal(pdf(&[])).contains("no table of its objects"));
}

#[test]
fn pictures_whose_colours_say_more_than_colour_stay() {
    let samples = drawn(40, 30).into_rgb8();
    let shape = "/Width 40 /Height 30 /BitsPerComponent 8";
    let count = |more: &str| {
        let dictionary = format!("{shape} {more}");
        let bytes = pdf_with_table(&[Drawn::Other(&dictionary, &samples)]);
        Sheet::open(bytes, &Limits::default()).unwrap().unwrap().pictures()
    };
    assert_eq!(count("/ColorSpace /DeviceRGB"), 1);
    assert_eq!(count("/ColorSpace [/CalRGB << >>] /Decode [0 1 0 1 0 1]"), 1);
    for stays in [
        "/ColorSpace /DeviceRGB /Mask [0 1 0 1 0 1]",
        "/ColorSpace /DeviceRGB /Decode [1 0 1 0 1 0]",
        "/ColorSpace /DeviceCMYK",
        "/ColorSpace [/Indexed /DeviceRGB 1 <000000FFFFFF>]",
        "/ImageMask true",
    ] {
        assert_eq!(count(stays), 0, "{stays}");
    }
}

#[test]
fn bitten_pdfs_end_in_words() {
    let bytes = book_with_stream();
    for at in (0..bytes.len()).step_by(3) {
        let mut bitten = bytes.clone();
        bitten[at] ^= 0xff;
        let Ok(Some(sheet)) = Sheet::open(bitten, &Limits::default()) else { continue };
        drop(sheet.with(&(0..sheet.pictures()).map(|n| (n, vec![1, 2, 3])).collect::<Vec<_>>()));
        (0..sheet.pictures()).for_each(|n| drop(sheet.picture(n, &Limits::default())));
    }
}

#[test]
fn one_of_each_kind_is_a_seed_of_the_fuzz_target() {
    seeded(
        "sheet",
        [("office", office(&document(), 0)), ("pdf", book()), ("pdf-stream", book_with_stream())],
    );
}

/// A PDF whose pages are these entries and instructions.
fn pages(pages: &[(&str, &str)]) -> Vec<u8> {
    let mut objects = vec!["<< /Type /Catalog /Pages 2 0 R >>".to_owned()];
    let kids: String = (0..pages.len()).map(|n| format!("{} 0 R ", 3 + 2 * n)).collect();
    objects.push(format!("<< /Type /Pages /Count {} /Kids [{kids}] >>", pages.len()));
    for (n, (entries, paints)) in pages.iter().enumerate() {
        objects.push(format!("<< /Type /Page /Parent 2 0 R {entries} /Contents {} 0 R >>", 4 + 2 * n));
        objects.push(format!("<< /Length {} >>\nstream\n{paints}\nendstream", paints.len()));
    }
    let (mut file, mut table) = (b"%PDF-1.7\n".to_vec(), "0000000000 65535 f \n".to_owned());
    for (n, object) in objects.iter().enumerate() {
        table += &format!("{:010} 00000 n \n", file.len());
        file.extend(format!("{} 0 obj\n{object}\nendobj\n", n + 1).bytes());
    }
    let (at, size) = (file.len(), objects.len() + 1);
    file.extend(
        format!("xref\n0 {size}\n{table}trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{at}\n%%EOF\n")
            .bytes(),
    );
    file
}

/// The colour at a pixel.
fn colour(frame: &Frame, x: usize, y: usize) -> [u8; 3] {
    [0, 1, 2].map(|channel| {
        let mut row = vec![0.0; frame.size().width];
        frame.colour_row(channel, y, &mut row);
        row[x] as u8
    })
}

#[test]
fn pages_are_drawn_as_a_reader_sees_them() {
    const RED: [u8; 3] = [255, 0, 0];
    const WHITE: [u8; 3] = [255; 3];
    // A red square in the lower left corner of what is to be seen, 60 points wide.
    let seen = "/MediaBox [0 0 600 400] /CropBox [100 100 500 300]";
    let paints = "1 0 0 rg 100 100 60 60 re f 0 0 1 rg 0 0 90 400 re f";
    let turned = |by: u32| format!("{seen} /Rotate {by}");
    let all: Vec<String> = [0, 90, 180, 270].map(turned).into();
    let bytes = pages(&all.iter().map(|page| (&page[..], paints)).collect::<Vec<_>>());
    let limits = Limits::default();
    let sheet = Sheet::drawn(&bytes, 72, &limits).unwrap().unwrap();
    assert_eq!(sheet.pictures(), 4);
    // Left or right, above or below.
    for (page, (right, below)) in
        [(false, true), (false, false), (true, false), (true, true)].into_iter().enumerate()
    {
        let frame = sheet.picture(page, &limits).unwrap();
        let (w, h) = (frame.size().width, frame.size().height);
        assert_eq!((w, h), if page % 2 == 0 { (400, 200) } else { (200, 400) });
        let (x, y) = (if right { w - 20 } else { 20 }, if below { h - 20 } else { 20 });
        assert_eq!(colour(&frame, x, y), RED, "page {page}");
        assert_eq!(colour(&frame, w - x, h - y), WHITE, "page {page}");
        assert_eq!(sheet.place(page), format!("page {}", page + 1));
    }
    // What is written is a document of the same pages, with nothing of the old one, and always the same.
    let plain = sheet.with(&[]).unwrap();
    assert!(plain == Sheet::drawn(&bytes, 72, &limits).unwrap().unwrap().with(&[]).unwrap());
    assert!(!plain.windows(5).any(|window| window == b"/Crop" || window == b"/Info"));
    let again = Sheet::open(plain, &limits).unwrap().unwrap();
    for page in 0..4 {
        assert_eq!(again.number(page), sheet.number(page));
        let [one, other] = [&sheet, &again].map(|sheet| sheet.picture(page, &limits).unwrap().pixel_digest());
        assert_eq!(one, other);
    }
    let finer = Sheet::drawn(&bytes, 144, &limits).unwrap().unwrap();
    assert_eq!(finer.picture(0, &limits).unwrap().size().width, 800);
}

#[test]
fn pages_that_are_not_drawn_are_refused_by_name() {
    let limits = Limits::default();
    let bytes = pages(&[("/MediaBox [0 0 600 400]", "")]);
    let why =
        |bytes: &[u8], dpi: u32, limits: &Limits| Sheet::drawn(bytes, dpi, limits).unwrap_err().to_string();
    let locked = String::from_utf8_lossy(&bytes).replace("/Root 1 0 R", "/Root 1 0 R /Encrypt 3 0 R");
    assert!(why(locked.as_bytes(), 72, &limits).contains("encrypted"));
    assert!(why(&bytes, 10, &limits).contains("50 to 600"));
    let small = Limits { max_pixels: 600 * 400 - 1, ..limits };
    assert!(why(&bytes, 72, &small).contains("--max-megapixels"));
    assert!(why(b"%PDF-1.7\nnothing of the kind", 72, &limits).contains("pdftoppm gave up on"));
    assert!(Sheet::drawn(b"PK\x03\x04", 72, &limits).unwrap().is_none());
}
