//! What stands behind a name: shots, decoys, places in the picture, strengths, and the bench that measures it all.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]
#![allow(unreachable_pub, reason = "the scene is shared between test programs")]
#![allow(dead_code, reason = "each test program uses its part of the scene")]

mod scene;

use image::DynamicImage;
use image::imageops::FilterType;
use scene::{Run, Scene, cel};
use serde_json::Value;

fn stamp(scene: &Scene, more: &[&str]) -> Run {
    scene.run(&[&["stamp", "--to", "Shepherd Boy", "--out", "out"], more].concat())
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn frames_of_a_shot_are_surer_together_than_one_by_one() {
    let scene = Scene::new();
    for frame in 0..6 {
        scene.draw(&format!("in/shot.{frame:04}.png"), &cel(960, 540, frame));
    }
    assert_eq!(stamp(&scene, &["in"]).status, 0);
    for frame in 0..6 {
        // The same cutting of each, smaller, through a hard JPEG.
        let copy = scene.look(&format!("out/shot.{frame:04}.png"));
        let small = copy.crop_imm(100, 60, 640, 400).resize_exact(480, 300, FilterType::Triangle);
        let mut jpeg = Vec::new();
        image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 60)
            .encode_image(&small.to_rgb8())
            .unwrap();
        scene.write(&format!("found/leak.{frame:04}.jpg"), &jpeg);
    }
    let run = scene.run(&["trace", "found", "--json"]);
    let shot = run.lines().into_iter().find(|line| line["frames"] == 6);
    let shot = shot.unwrap_or_else(|| panic!("no finding of the shot: {}", run.out));
    assert_eq!(
        (&shot["verdict"], &shot["marks"][0]["recipient"]),
        (&"attributed".into(), &"Shepherd Boy".into())
    );
    // Keys are drawn anew in each run: one frame may be lucky, their mean is not.
    let lines = run.lines();
    let alone: Vec<f64> = lines
        .iter()
        .filter(|line| line["frames"] == 1)
        .map(|line| line["marks"][0]["z"].as_f64().unwrap_or(0.0))
        .collect();
    let (together, mean) = (number(&shot["marks"][0]["z"]), alone.iter().sum::<f64>() / 6.0);
    assert!(alone.len() == 6 && together > mean, "{together} of all, {alone:?}");
}

#[test]
fn decoy_keys_on_the_very_file_come_nowhere_near() {
    let scene = Scene::new();
    scene.draw("in/cel.png", &cel(960, 540, 0));
    assert_eq!(stamp(&scene, &["in"]).status, 0);
    let run = scene.run(&["trace", "out", "--decoys", "200", "--json"]);
    assert_eq!(run.status, 0, "{}", run.err);
    let decoys = &run.lines()[0]["marks"][0]["decoys"];
    assert_eq!((&decoys["tried"], &decoys["rank"]), (&200.into(), &1.into()));
    assert!(number(&decoys["real"]) > 20.0, "{decoys}");
    // The best of 256 correlated normal statistics lies near 2.5, of 200 such near 4.5; 7 is out of reach.
    assert!((2.0..7.0).contains(&number(&decoys["strongest_decoy"])), "{decoys}");
    let again = scene.run(&["trace", "out", "--decoys", "200", "--json", "--jobs", "1"]);
    assert_eq!(run.out, again.out, "drawn from the file itself: the same for everybody");
}

#[test]
fn composites_of_two_copies_name_both_and_say_where() {
    let scene = Scene::new();
    assert_eq!(scene.run(&["vendor", "add", "Fox and Sons"]).status, 0);
    for (name, n) in COMPOSITES.iter().zip(0..) {
        scene.draw(&format!("in/{name}.png"), &cel(1280, 720, n));
        scene.draw(&format!("other/{name}.png"), &cel(1280, 720, n + 5));
    }
    assert_eq!(stamp(&scene, &["in"]).status, 0);
    assert_eq!(scene.run(&["stamp", "--to", "Fox and Sons", "--out", "fox", "other"]).status, 0);
    for name in COMPOSITES {
        let mut both = scene.look(&format!("out/{name}.png")).to_rgb8();
        let right = scene.look(&format!("fox/{name}.png")).to_rgb8();
        for (x, y, pixel) in both.enumerate_pixels_mut().filter(|(x, ..)| *x >= 640) {
            *pixel = *right.get_pixel(x, y);
        }
        scene.draw(&format!("found/{name}.png"), &DynamicImage::ImageRgb8(both));
    }
    let findings = scene.run(&["trace", "found", "--json"]).lines();
    assert_eq!(findings.len(), COMPOSITES.len());
    let (mut both, mut told) = (0, 0);
    for finding in &findings {
        let marks = finding["marks"].as_array().unwrap();
        let mine = |mark: &Value| mark["recipient"] == "Shepherd Boy" || mark["recipient"] == "Fox and Sons";
        assert!(!marks.is_empty() && marks.iter().all(mine), "{finding}");
        both += u32::from(finding["verdict"] == "coalition");
        for mark in marks {
            let places = mark["where"].as_array().unwrap().iter();
            let Some(strongest) = places.max_by(|a, b| number(&a["z"]).total_cmp(&number(&b["z"]))) else {
                continue; // read with its original alone, and not blindly
            };
            assert_eq!(number(&strongest["x"]) < 640.0, mark["recipient"] == "Shepherd Boy", "{finding}");
            told += 1;
        }
    }
    // The second of two was missed in 5 of 123 runs (SHORTCOMINGS.md): three or more of five in one of 1,000.
    assert!(both >= 3 && told >= 7, "{both} of 5, {told} places: {findings:?}");
}

/// Pictures put together of two.
const COMPOSITES: [&str; 5] = ["lion", "fox", "owl", "hare", "bear"];

#[test]
fn stronger_marks_read_stronger_and_a_dry_run_says_what_jpeg_leaves() {
    let scene = Scene::new();
    scene.draw("in/cel.png", &cel(960, 540, 0));
    let tried = |strength: &str| {
        let run = stamp(&scene, &["--dry-run", "--json", "--strength", strength, "in"]);
        assert_eq!(run.status, 0, "{}", run.err);
        let line = &run.lines()[0];
        [&line["psnr_db"], &line["z_after_jpeg75"]].map(number)
    };
    let [delivery, standard, hostile] = ["delivery", "standard", "hostile"].map(tried);
    assert!(delivery[0] >= 50.0 && standard[0] >= 45.0 && hostile[0] >= 42.0);
    assert!(delivery[0] > standard[0] && standard[0] > hostile[0]);
    assert!(delivery[1] < standard[1] && standard[1] < hostile[1], "{delivery:?} {standard:?} {hostile:?}");
    let wrong = stamp(&scene, &["--strength", "loud", "in"]);
    assert!(wrong.status == 2 && wrong.err.contains("hostile"), "{}", wrong.err);
}

#[test]
fn a_bench_goes_on_where_it_was_and_leaves_tables_and_plots() {
    let scene = Scene::empty();
    scene.draw("cels/a.png", &cel(960, 540, 0));
    scene.write("page.md", b"before\n<!-- bench -->\n<!-- /bench -->\nafter\n");
    let bench = |more: &[&str]| {
        let run = scene.run(
            &[&["bench", "cels", "--attacks", "none,jpeg-75", "--tiers", "3", "--out", "b"], more].concat(),
        );
        assert_eq!(run.status, 0, "{}", run.err);
    };
    bench(&["--into", "page.md"]);
    let page = scene.read("page.md");
    assert_eq!(scene.files("b"), ["index.html", "results.jsonl", "table.csv", "table.md"]);
    let journal = scene.read("b/results.jsonl");
    // Stopped in the middle of a line.
    scene.write("b/results.jsonl", &journal[..journal.len() * 2 / 3]);
    bench(&["--into", "page.md"]);
    assert_eq!(scene.read("page.md"), page);
    let measured = |bytes: &[u8]| {
        let lines = String::from_utf8(bytes.to_vec()).unwrap();
        let line = |line: &str| {
            let mut line: Value = serde_json::from_str(line).unwrap();
            line["seconds"] = Value::Null;
            line.to_string()
        };
        let mut lines: Vec<String> = lines.lines().map(line).collect();
        lines.sort();
        lines
    };
    assert_eq!(measured(&scene.read("b/results.jsonl")), measured(&journal));
    let page = String::from_utf8(scene.read("page.md")).unwrap();
    assert!(
        page.starts_with("before\n") && page.ends_with("after\n") && page.contains("| 100 % | 2 | 2/2"),
        "{page}"
    );
    let html = String::from_utf8(scene.read("b/index.html")).unwrap();
    assert!(html.contains("<svg") && html.contains("JPEG 75"));
    let other = scene.run(&["bench", "cels", "--attacks", "none", "--seed", "2", "--out", "b"]);
    assert!(other.status == 2 && other.err.contains("results.jsonl"), "{}", other.err);
}

#[test]
fn a_selftest_counts_traces_and_statistics() {
    let scene = Scene::empty();
    scene.draw("clean/a.png", &cel(640, 480, 0));
    let run = scene.run(&["selftest", "--null", "clean", "--keys", "2", "--words", "20", "--json"]);
    assert_eq!(run.status, 0, "{}", run.err);
    let line = &run.lines()[0];
    assert_eq!((&line["traces"], &line["alarms"]), (&2.into(), &0.into()));
    assert_eq!(line["statistics"], 2 * 16 * 64 * 4 * 20);
    assert_eq!(number(&line["proven_below"]), 1.5);
    let beyond = line["beyond"].as_array().unwrap();
    assert!(
        beyond.len() > 3 && beyond.iter().all(|at| number(&at["share"]) < number(&at["claim"])),
        "{line}"
    );
}
