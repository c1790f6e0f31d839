//! Documents through the program: the pictures in them leave marked, and name the recipient when they come back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]
#![allow(unreachable_pub, dead_code, reason = "the scene is shared between test programs")]

#[path = "../../crates/tiermark-frame/tests/files/make/boxes.rs"]
mod boxes;
mod scene;

use std::path::Path;

use boxes::{Drawn, pdf_with_table, zip};
use image::{DynamicImage, ImageFormat, imageops::FilterType};
use scene::{Run, Scene, cel, encoded};
use serde_json::Value;

/// A sample, small.
fn sample(name: &str) -> DynamicImage {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples").join(name);
    image::open(path).unwrap().resize_exact(960, 540, FilterType::Triangle).to_rgb8().into()
}

fn stamp(scene: &Scene, more: &[&str]) -> Run {
    let arguments = [&["stamp", "--to", "Shepherd Boy", "--out", "out", "in", "--json"], more].concat();
    scene.run(&arguments)
}

fn is_named(finding: &Value) -> bool {
    finding["verdict"] == "attributed" && finding["marks"][0]["recipient"] == "Shepherd Boy"
}

/// Pieces of `secret` that stand in `bytes`; runs of flat colour, which look the same packed, are not counted.
fn pieces(secret: &[u8], bytes: &[u8]) -> usize {
    let there: std::collections::BTreeSet<&[u8]> = bytes.windows(64).collect();
    let says_something = |piece: &&[u8]| std::collections::BTreeSet::from_iter(*piece).len() >= 40;
    secret.chunks_exact(64).filter(says_something).filter(|piece| there.contains(piece)).count()
}

#[test]
fn a_letter_leaves_with_its_pictures_marked_and_names_the_recipient() {
    let scene = Scene::new();
    let beach = encoded(&sample("cel/oca_beach.png"), ImageFormat::Png);
    let notes = encoded(&sample("doc/amp_layout_notes.png"), ImageFormat::Jpeg);
    let logo = encoded(&cel(100, 60, 1), ImageFormat::Png);
    let text = b"<w:document>a lion in the meadow</w:document>".repeat(20);
    let letter = zip(&[
        (b"[Content_Types].xml", b"<Types/>"),
        (b"word/media/image1.png", &beach),
        (b"word/document.xml", &text),
        (b"word/media/image2.jpeg", &notes),
        (b"docProps/app.xml", b"<Properties/>"),
        (b"word/media/image3.png", &logo),
    ]);
    scene.write("in/ep/letter.docx", &letter);
    let dry = stamp(&scene, &["--dry-run"]);
    assert_eq!(dry.status, 0, "{}{}", dry.out, dry.err);
    assert!(!scene.path("out").exists(), "a dry run writes nothing");
    let done = stamp(&scene, &[]);
    assert_eq!(done.status, 0, "{}{}", done.out, done.err);
    let line = done.about("letter.docx");
    assert!(line["psnr_db"].as_f64().unwrap() >= 44.0, "{line}");
    assert!(line["predicted_z"].as_f64().unwrap() > 8.0, "{line}");
    let marked = scene.read("out/ep/letter.docx");
    assert_eq!(pieces(&beach[64..], &marked), 0, "nothing of the unmarked picture is left");
    assert!(marked.windows(logo.len()).any(|window| window == logo), "a logo stays as it is");
    assert!(scene.files("out").iter().all(|name| !name.contains(".tiermark-part")));
    // By whatever name.
    std::fs::copy(scene.path("out/ep/letter.docx"), scene.path("leak.txt")).unwrap();
    let findings = scene.run(&["trace", "leak.txt", "--json"]).lines();
    let named: Vec<String> = findings
        .iter()
        .filter(|finding| is_named(finding))
        .map(|finding| finding["inside"][0].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(named, ["word/media/image1.png", "word/media/image2.jpeg"], "{findings:?}");
    let unmarked = scene.run(&["trace", "in/ep/letter.docx", "--json"]).lines();
    assert!(unmarked.iter().all(|finding| finding["verdict"] == "no-mark"), "{unmarked:?}");
    // The same order again.
    std::fs::remove_file(scene.path("out/ep/letter.docx")).unwrap();
    assert_eq!(stamp(&scene, &[]).status, 0);
    assert!(marked == scene.read("out/ep/letter.docx"), "the same bytes");
    assert_eq!(scene.handovers("Shepherd Boy").len(), 1);
}

#[test]
fn pages_leave_with_their_pictures_marked_and_name_the_recipient() {
    let scene = Scene::new();
    assert_eq!(scene.run(&["vendor", "add", "Fox and Sons"]).status, 0);
    let beach = sample("cel/oca_beach.png").to_rgb8();
    let notes = encoded(&sample("doc/amp_layout_notes.png"), ImageFormat::Jpeg);
    let book = pdf_with_table(&[Drawn::Rgb((960, 540), &beach), Drawn::Jpeg((960, 540), &notes)]);
    scene.write("in/book.pdf", &book);
    let signed = [&book[..], b"% /ByteRange [0 1 2 3]\n"].concat();
    scene.write("other/signed.pdf", &signed);
    scene.write("other/bare.pdf", &pdf_with_table(&[]));
    let done = stamp(&scene, &[]);
    assert_eq!(done.status, 0, "{}{}", done.out, done.err);
    let marked = scene.read("out/book.pdf");
    // Behind the old document stands the marked JPEG, which is packed as before wherever the mark moved nothing.
    assert_eq!(pieces(&notes[700..], &marked[..book.len()]), 0, "nothing of the unmarked picture is left");
    let findings = scene.run(&["trace", "out/book.pdf", "--json"]).lines();
    assert_eq!(findings.iter().filter(|finding| is_named(finding)).count(), 2, "{findings:?}");
    let unmarked = scene.run(&["trace", "in/book.pdf", "--json"]).lines();
    assert!(unmarked.iter().all(|finding| finding["verdict"] == "no-mark"), "{unmarked:?}");
    let refused = scene.run(&["stamp", "--to", "Fox and Sons", "--out", "none", "other", "--json"]);
    let reason = |name: &str| refused.about(name)["reason"].as_str().expect(name).to_owned();
    assert!(reason("signed.pdf").contains("signed"), "{}", reason("signed.pdf"));
    assert!(reason("bare.pdf").contains("no pictures that can bear a mark"), "{}", reason("bare.pdf"));
}

#[test]
fn documents_that_cannot_bear_a_mark_are_refused_by_name() {
    let scene = Scene::new();
    let logo = encoded(&cel(100, 60, 1), ImageFormat::Png);
    let with =
        |name: &'static str, bytes: &[u8]| zip(&[(b"[Content_Types].xml", b""), (name.as_bytes(), bytes)]);
    scene.write("in/logo.docx", &with("word/media/image1.png", &logo));
    scene.write("in/signed.xlsx", &with("_xmlsignatures/sig1.xml", b"<Signature/>"));
    scene.write("in/plain.zip", &zip(&[(b"a.png", &logo)]));
    let run = stamp(&scene, &[]);
    assert_eq!(run.status, 3, "{}", run.out);
    let reason = |name: &str| run.about(name)["reason"].as_str().expect(name).to_owned();
    assert!(reason("logo.docx").contains("no pictures that can bear a mark"), "{}", reason("logo.docx"));
    assert!(reason("signed.xlsx").contains("signed"), "{}", reason("signed.xlsx"));
    assert!(reason("plain.zip").contains("ZIP archive"), "{}", reason("plain.zip"));
    assert!(scene.files("out").iter().all(|name| name.ends_with(".json")), "{:?}", scene.files("out"));
}

#[test]
fn pictures_that_would_leave_unmarked_are_named_and_hold_the_document_back() {
    let scene = Scene::new();
    let beach = encoded(&sample("cel/oca_beach.png"), ImageFormat::Png);
    let palette = encoded(&cel(320, 240, 1), ImageFormat::Gif);
    let logo = encoded(&cel(100, 60, 1), ImageFormat::Png);
    let metafile = |side: u32| {
        let bounds = [0, 0, side - 1, side - 1].map(u32::to_le_bytes).concat();
        [&[1, 0, 0, 0, 88, 0, 0, 0][..], &bounds, &[0; 16], b" EMF", &[0; 44]].concat()
    };
    let (large, small) = (metafile(400), metafile(64));
    let pages = [
        (&b"[Content_Types].xml"[..], &b"<Types/>"[..]),
        (b"ppt/media/image1.png", &beach),
        (b"ppt/media/image2.gif", &palette),
        (b"ppt/media/image3.emf", &large),
        (b"ppt/media/image4.emf", &small),
        (b"ppt/media/image5.png", &logo),
        (b"ppt/media/media1.mp3", b"ID3"),
    ];
    scene.write("in/show.pptx", &zip(&pages));
    let cmyk = "/Width 200 /Height 150 /BitsPerComponent 8 /ColorSpace /DeviceCMYK";
    let rgb = sample("cel/oca_beach.png").to_rgb8();
    let book = [Drawn::Rgb((960, 540), &rgb), Drawn::Other(cmyk, &[7; 200 * 150 * 4])];
    scene.write("in/book.pdf", &pdf_with_table(&book));
    for more in [&["--dry-run"][..], &[]] {
        let held = stamp(&scene, more);
        assert_eq!(held.status, 3, "{}{}", held.out, held.err);
        let reason = |name: &str| held.about(name)["reason"].as_str().expect(name).to_owned();
        let show = reason("show.pptx");
        let told = "2 pictures: ppt/media/image2.gif (is GIF), ppt/media/image3.emf (is a file of the kind .emf); 2 pictures below \
                    120 lines";
        assert!(show.contains(told) && show.contains("--allow-weak"), "{show}");
        assert!(held.err.contains(&show), "the same words for people: {}", held.err);
        assert!(reason("book.pdf").contains("1 picture: object 13 (is in CMYK)"), "{}", reason("book.pdf"));
    }
    assert!(!scene.path("out/show.pptx").exists() && !scene.path("out/book.pdf").exists());
    let done = stamp(&scene, &["--allow-weak"]);
    assert_eq!(done.status, 0, "{}{}", done.out, done.err);
    let unmarked = done.about("show.pptx")["unmarked"].as_array().unwrap().clone();
    let places: Vec<(&str, bool)> = unmarked
        .iter()
        .map(|picture| (picture["place"].as_str().unwrap(), picture["small"].as_bool().unwrap()))
        .collect();
    let wanted = [("image2.gif", false), ("image3.emf", false), ("image4.emf", true), ("image5.png", true)];
    assert_eq!(places.len(), wanted.len(), "{unmarked:?}");
    for (name, small) in wanted {
        assert!(places.contains(&(format!("ppt/media/{name}").as_str(), small)), "{name}: {unmarked:?}");
    }
    assert!(done.err.contains("unmarked: ") && done.err.contains("object 13 (is in CMYK)"), "{}", done.err);
    let findings = scene.run(&["trace", "out/book.pdf", "--json"]).lines();
    assert_eq!(findings.iter().filter(|finding| is_named(finding)).count(), 1, "{findings:?}");
}

/// Two pages of text and lines and no picture.
fn board() -> Vec<u8> {
    let mut paints = String::from("BT /F 24 Tf 60 360 Td (The lion walks in the meadow) Tj ET 2 w ");
    for n in 0..40 {
        let (x, y) = (40 + n * 13, 60 + n * n % 97);
        paints += &format!("0.{n:02} 0.5 0.7 rg {x} {y} {} 90 re f {x} 300 m {} {y} l S ", 6 + n % 5, x + 30);
    }
    let font = "/Resources << /Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>";
    let page = |more: &str| {
        format!("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 400] {font} /Contents 5 0 R {more} >>")
    };
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Count 2 /Kids [3 0 R 4 0 R] >>".to_owned(),
        page(""),
        page("/Rotate 90 /CropBox [50 40 550 390]"),
        format!("<< /Length {} >>\nstream\n{paints}\nendstream", paints.len()),
    ];
    let (mut file, mut table) = (b"%PDF-1.7\n".to_vec(), "0000000000 65535 f \n".to_owned());
    for (n, object) in objects.iter().enumerate() {
        table += &format!("{:010} 00000 n \n", file.len());
        file.extend(format!("{} 0 obj\n{object}\nendobj\n", n + 1).bytes());
    }
    let at = file.len();
    file.extend(
        format!("xref\n0 6\n{table}trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n{at}\n%%EOF\n").bytes(),
    );
    file
}

#[test]
fn pages_of_text_leave_as_pictures_where_that_is_asked_for() {
    let scene = Scene::new();
    scene.write("in/board.pdf", &board());
    let beach = encoded(&sample("cel/oca_beach.png"), ImageFormat::Png);
    let letter = [(&b"[Content_Types].xml"[..], &b"<Types/>"[..]), (b"word/media/image1.png", &beach)];
    scene.write("other/letter.docx", &zip(&letter));
    let refused = stamp(&scene, &[]);
    let reason = refused.about("board.pdf")["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("--rasterise"), "{reason}");
    let dry = stamp(&scene, &["--rasterise", "--dry-run"]);
    assert_eq!((dry.status, scene.path("out/board.pdf").exists()), (0, false), "{}{}", dry.out, dry.err);
    let done = stamp(&scene, &["--rasterise"]);
    assert_eq!(done.status, 0, "{}{}", done.out, done.err);
    let marked = scene.read("out/board.pdf");
    assert!(!marked.windows(5).any(|window| window == b"/Font"), "no text is left");
    let trace = |path: &str| scene.run(&["trace", path, "--json"]).lines();
    let findings = trace("out/board.pdf");
    assert_eq!(findings.iter().filter(|finding| is_named(finding)).count(), 2, "{findings:?}");
    // A page of it, as somebody saves it from a viewer.
    let shown = std::process::Command::new("pdftoppm")
        .args(["-r", "150", "-png", "out/board.pdf", "page"])
        .current_dir(scene.path("."))
        .status()
        .expect("this test needs pdftoppm: apt-get install poppler-utils");
    assert!(shown.success());
    let page = image::open(scene.path("page-2.png")).unwrap().to_rgb8();
    assert!(page.height() > page.width(), "the second page is turned");
    let mut jpeg = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 75).encode_image(&page).unwrap();
    scene.write("leak.jpg", &jpeg);
    assert!(is_named(&trace("leak.jpg")[0]), "{:?}", trace("leak.jpg"));
    // The same order again; and coarser, which is another file.
    std::fs::remove_file(scene.path("out/board.pdf")).unwrap();
    assert_eq!(stamp(&scene, &["--rasterise"]).status, 0);
    assert!(marked == scene.read("out/board.pdf"), "the same bytes");
    assert_eq!(scene.handovers("Shepherd Boy").len(), 1);
    let coarse =
        scene.run(&["stamp", "--to", "Shepherd Boy", "--out", "coarse", "in", "--rasterise=100", "--json"]);
    assert_eq!(coarse.status, 0, "{}{}", coarse.out, coarse.err);
    assert!(scene.read("coarse/board.pdf").len() < marked.len());
    assert_eq!(scene.handovers("Shepherd Boy").len(), 2);
    let office =
        scene.run(&["stamp", "--to", "Shepherd Boy", "--out", "none", "other", "--rasterise", "--json"]);
    let reason = office.about("letter.docx")["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("export it as PDF first"), "{reason}");
}
