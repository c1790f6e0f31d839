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
    assert_eq!(pieces(&notes[700..], &marked), 0, "nothing of the unmarked picture is left");
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
