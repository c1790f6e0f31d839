//! With the originals at hand, through the program: real frames stamped, damaged beyond what is read blindly, and named.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]
#![allow(unreachable_pub, reason = "the scene is shared between test programs")]
#![allow(dead_code, reason = "the scene is shared between test programs")]

mod scene;

use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageFormat, RgbImage};
use scene::{Scene, cel, encoded};
use serde_json::Value;

const VENDORS: [&str; 3] = ["Shepherd Boy", "Fox and Sons", "Wolf"];

/// A studio that gave the same two real frames to three vendors.
fn studio() -> Scene {
    let scene = Scene::new();
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("samples");
    for name in ["cel/oca_beach.png", "line/oca_owl.png"] {
        scene.write(
            &format!("in/{}", &name[name.find('/').unwrap() + 1..]),
            &std::fs::read(samples.join(name)).unwrap(),
        );
    }
    for vendor in &VENDORS[1..] {
        assert_eq!(scene.run(&["vendor", "add", vendor]).status, 0);
    }
    for (i, vendor) in VENDORS.iter().enumerate() {
        let run = scene.run(&["stamp", "--to", vendor, "--out", &format!("out{i}"), "in", "-q"]);
        assert_eq!(run.status, 0, "{}", run.err);
    }
    scene
}

fn rgb(scene: &Scene, name: &str) -> RgbImage {
    scene.look(name).into_rgb8()
}

fn jpeg(picture: &RgbImage, quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(picture).unwrap();
    bytes
}

/// Sample by sample.
fn mixed(pictures: &[&RgbImage], mix: impl Fn(&[i32]) -> i32) -> RgbImage {
    let mut out = pictures[0].clone();
    for (i, v) in out.iter_mut().enumerate() {
        let samples: Vec<i32> = pictures.iter().map(|picture| i32::from(picture.as_raw()[i])).collect();
        *v = mix(&samples).clamp(0, 255) as u8;
    }
    out
}

fn traced(scene: &Scene, arguments: &[&str]) -> (i32, Vec<Value>) {
    let run = scene.run(&[&["trace", "--json"], arguments].concat());
    (run.status, run.lines())
}

fn recipients(finding: &Value) -> Vec<&str> {
    let mut names: Vec<&str> =
        finding["marks"].as_array().unwrap().iter().filter_map(|mark| mark["recipient"].as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[test]
fn what_is_lost_to_a_blind_eye_is_read_once_the_original_is_taken_away() {
    let scene = studio();
    // JPEG 10 of a cutting: nothing is left for a blind reading.
    let marked = scene.look("out1/oca_beach.png");
    let part = marked.crop_imm(300, 200, 1200, 640).into_rgb8();
    scene.write("found/part.jpg", &jpeg(&part, 10));
    let (status, found) = traced(&scene, &["found"]);
    assert_eq!((status, found[0]["verdict"].as_str()), (0, Some("attributed")), "{}", found[0]);
    assert_eq!(recipients(&found[0]), ["Fox and Sons"]);
    assert_eq!(found[0]["marks"][0]["detector"], "informed");
    assert!(found[0]["original"].as_str().unwrap().ends_with("in/oca_beach.png"), "{}", found[0]);
    let scale = found[0]["geometry"]["scale"].as_f64().unwrap();
    assert!((scale - 1.0).abs() < 0.01, "{scale}");
    // The original named by hand says the same; without any, nothing is read.
    let (status, named) = traced(&scene, &["found", "--original", "in/oca_beach.png"]);
    assert_eq!((status, recipients(&named[0])), (0, vec!["Fox and Sons"]));
    std::fs::rename(scene.path(".tiermark/archive"), scene.path("away")).unwrap();
    let (status, blind) = traced(&scene, &["found"]);
    assert_eq!((status, blind[0]["verdict"].as_str()), (1, Some("no-mark")), "{}", blind[0]);
}

#[test]
fn everybody_in_a_mean_of_copies_is_named_and_nobody_else() {
    let scene = studio();
    let copies: Vec<RgbImage> = (0..3).map(|i| rgb(&scene, &format!("out{i}/oca_beach.png"))).collect();
    let mean = mixed(&[&copies[0], &copies[2]], |v| (v[0] + v[1] + 1) / 2);
    scene.write("found/mean.jpg", &jpeg(&mean, 60));
    let least = mixed(&[&copies[0], &copies[1], &copies[2]], |v| *v.iter().min().unwrap());
    scene.write("found/least.png", &encoded(&DynamicImage::ImageRgb8(least), ImageFormat::Png));
    let (_, found) = traced(&scene, &["found"]);
    assert_eq!(recipients(&found[1]), ["Shepherd Boy", "Wolf"], "{}", found[1]);
    assert_eq!(found[1]["verdict"], "coalition");
    assert_eq!(recipients(&found[0]), ["Fox and Sons", "Shepherd Boy", "Wolf"], "{}", found[0]);
    for mark in found.iter().flat_map(|finding| finding["marks"].as_array().unwrap()) {
        assert!(mark["log10_false_alarm"].as_f64().unwrap() <= -9.0, "{mark}");
    }
    // A closed set that leaves one of them out names the other in it; words are read all the same.
    let (_, found) = traced(&scene, &["found/mean.jpg", "--recipients", "Fox and Sons"]);
    let cells =
        found[0]["marks"].as_array().unwrap().iter().filter(|mark| mark["layer"] == "closed-set").count();
    assert_eq!(cells, 0, "{}", found[0]);
}

#[test]
fn a_mark_that_was_lifted_from_another_picture_names_nobody() {
    let scene = studio();
    let (owl, marked) = (rgb(&scene, "in/oca_owl.png"), rgb(&scene, "out0/oca_owl.png"));
    let beach = rgb(&scene, "in/oca_beach.png");
    let (width, height) = (owl.width().min(beach.width()), owl.height().min(beach.height()));
    let cut = |picture: &RgbImage| image::imageops::crop_imm(picture, 0, 0, width, height).to_image();
    let (owl, marked, mut onto) = (cut(&owl), cut(&marked), beach);
    let with = mixed(&[&cut(&onto), &marked, &owl], |v| v[0] + 2 * (v[1] - v[2]));
    image::imageops::replace(&mut onto, &with, 0, 0);
    scene.write("found/lifted.png", &encoded(&DynamicImage::ImageRgb8(onto), ImageFormat::Png));
    let (status, found) = traced(&scene, &["found"]);
    assert_eq!((status, found[0]["verdict"].as_str()), (1, Some("tampered")), "{}", found[0]);
    assert!(recipients(&found[0]).is_empty());
    assert!(found[0]["reason"].as_str().unwrap().contains("transplanted"));
    assert!(found[0]["chains"].as_array().unwrap().is_empty());
}

#[test]
fn originals_and_strangers_bear_no_mark_and_a_missing_original_is_said() {
    let scene = studio();
    scene.write("found/original.jpg", &jpeg(&rgb(&scene, "in/oca_beach.png"), 80));
    scene.draw("found/stranger.png", &cel(960, 540, 4));
    let (status, found) = traced(&scene, &["found"]);
    assert_eq!(status, 1);
    assert!(found.iter().all(|finding| finding["verdict"] == "no-mark"), "{found:?}");
    assert!(found[0]["original"].as_str().is_some() && found[1]["original"].is_null(), "{found:?}");
    // What was never handed over is no original.
    let run = scene.run(&["trace", "found", "--original", "found/stranger.png"]);
    assert_eq!(run.status, 2);
    assert!(run.err.contains("stranger.png") && run.err.contains("nothing was handed over"), "{}", run.err);
    std::fs::rename(scene.path("in"), scene.path("moved")).unwrap();
    scene.write("found/marked.jpg", &jpeg(&rgb(&scene, "out0/oca_beach.png"), 80));
    let (status, found) = traced(&scene, &["found/marked.jpg"]);
    assert_eq!((status, recipients(&found[0])), (0, vec!["Shepherd Boy"]), "blindly, all the same");
    assert_eq!(found[0]["marks"][0]["detector"], "blind");
    assert!(found[0]["reason"].as_str().unwrap().contains("rebase"), "{}", found[0]);
}

#[test]
fn explain_leaves_three_pictures_of_each_comparison() {
    let scene = studio();
    scene.write("found/a.jpg", &jpeg(&rgb(&scene, "out0/oca_beach.png"), 50));
    let (status, _) = traced(&scene, &["found", "--explain", "shown"]);
    assert_eq!(status, 0);
    let files = scene.files("shown");
    assert_eq!(files.len(), 3, "{files:?}");
    for (file, what) in files.iter().zip(["evidence", "left", "overlay"]) {
        assert!(file.ends_with(&format!("-0-{what}.png")), "{file}");
    }
    // The evidence is for the recipient: warm places outweigh cold ones.
    let map = rgb(&scene, &format!("shown/{}", files[0]));
    let (warm, cold) = map.pixels().fold((0_i64, 0_i64), |(warm, cold), pixel| {
        (warm + i64::from(255 - pixel[2]), cold + i64::from(255 - pixel[0]))
    });
    assert!(warm > 2 * cold, "{warm} {cold}");
}

#[test]
fn more_frames_never_worsen_a_right_answer() {
    let scene = Scene::new();
    for frame in 0..6 {
        scene.draw(&format!("in/walk.{:04}.png", frame + 1), &cel(960, 540, frame));
    }
    let run = scene.run(&["stamp", "--to", "Shepherd Boy", "--out", "out", "in", "-q"]);
    assert_eq!(run.status, 0, "{}", run.err);
    for frame in 1..=6 {
        let name = format!("walk.{frame:04}");
        let small =
            scene.look(&format!("out/{name}.png")).resize_exact(480, 270, FilterType::Triangle).into_rgb8();
        scene.write(&format!("found/{name}.jpg"), &jpeg(&small, 50));
    }
    let (_, found) = traced(&scene, &["found"]);
    let together = found.iter().find(|finding| finding["frames"] == 6).expect("the shot as a whole");
    let least = |finding: &Value| {
        let marks = finding["marks"].as_array().unwrap();
        marks.iter().map(|mark| mark["log10_false_alarm"].as_f64().unwrap()).fold(0.0, f64::min)
    };
    let single = found.iter().filter(|finding| finding["frames"] == 1).map(least).fold(0.0, f64::min);
    assert_eq!(recipients(together), ["Shepherd Boy"], "{together}");
    // The best frame of six, with half of the bound: 12 times.
    assert!(least(together) <= single + 12.0_f64.log10() + 0.1, "{} {single}", least(together));
}

#[test]
fn a_bench_with_the_originals_names_everybody_and_no_innocent() {
    let scene = Scene::empty();
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("samples");
    scene.write("cels/beach.png", &std::fs::read(samples.join("cel/oca_beach.png")).unwrap());
    let rows = "jpeg-10,painted-over-60,crop-to-5,mean-of-3-copies-jpeg-50";
    let bench = |more: &[&str]| {
        scene.run(&[&["bench", "--informed", "30", "--attacks", rows], more, &["cels"]].concat())
    };
    let run = bench(&["--json", "--out", "b"]);
    assert_eq!(run.status, 0, "{}", run.err);
    let lines = run.lines();
    let named =
        |line: &&Value| line["named"] == "right" && line["log10_false_alarm"].as_f64().unwrap() <= -9.0;
    assert_eq!(lines.iter().filter(named).count(), 4, "{}", run.out);
    assert_eq!(lines.iter().filter(|line| line["named"] == "nobody").count(), 2, "the controls: {}", run.out);
    // What was measured is there: nothing is measured again, and the table says how the innocents' scores lie.
    let again = bench(&["--out", "b"]);
    assert!(again.out.contains("scores of recipients who had no part: mean"), "{}", again.out);
    let blind = scene.run(&["bench", "cels", "--attacks", rows, "--out", "b"]);
    assert!(blind.status == 2 && blind.err.contains("other settings"), "{}", blind.err);
}
