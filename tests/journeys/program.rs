//! The two journeys through the program, as a producer and an investigator would make them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]
#![allow(unreachable_pub, reason = "the scene is shared between test programs")]

mod scene;

use image::imageops::FilterType;
use image::{DynamicImage, ImageFormat};
use scene::{PASSPHRASE, Scene, cel, encoded, line_art};

const TO: [&str; 5] = ["stamp", "--to", "Shepherd Boy", "--out", "out"];

fn stamp(scene: &Scene, more: &[&str]) -> scene::Run {
    scene.run(&[&TO[..], more].concat())
}

/// A folder of three drawings, one of them a frame of a shot in a folder below.
fn drawings(scene: &Scene) {
    scene.draw("in/cel.png", &cel(960, 540, 0));
    scene.draw("in/deep/shot.0001.png", &cel(960, 540, 2));
    scene.draw("in/선화.png", &line_art(960, 540));
}

#[test]
fn a_damaged_copy_names_its_vendor_with_a_signature_that_checks() {
    let scene = Scene::new();
    drawings(&scene);
    assert_eq!(scene.run(&["vendor", "add", "Fox and Sons"]).status, 0);
    let run = stamp(&scene, &["--json", "in"]);
    assert_eq!(run.status, 0, "{}", run.err);
    assert_eq!(scene.files("out"), ["cel.png", "deep/shot.0001.png", "선화.png"]);
    for line in run.lines() {
        assert_eq!(line["status"], "stamped");
        assert!(
            line["psnr_db"].as_f64().unwrap() >= 45.0 && line["predicted_z"].as_f64().unwrap() > 20.0,
            "{line}"
        );
        let keys: Vec<&String> = line.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["file", "out", "predicted_z", "psnr_db", "status", "z_after_jpeg75"]);
    }
    let copy = scene.look("out/cel.png");
    scene.write("found/a.jpg", &encoded(&copy, ImageFormat::Jpeg));
    scene.draw("found/b.png", &copy.resize_exact(480, 270, FilterType::Triangle).fliph());
    scene.draw("found/c.png", &scene.look("out/선화.png").crop_imm(150, 60, 700, 420));
    scene.draw("found/d.png", &cel(960, 540, 0));
    let run = scene.run(&["trace", "found", "--json"]);
    assert_eq!(run.status, 0, "{}", run.err);
    for name in ["a.jpg", "b.png", "c.png"] {
        let finding = run.about(name);
        assert_eq!(finding["verdict"], "attributed", "{finding}");
        let mark = &finding["marks"][0];
        assert_eq!((&mark["recipient"], &mark["signature"]), (&"Shepherd Boy".into(), &"valid".into()));
        assert_eq!(mark["handover"], scene.handovers("Shepherd Boy")[0]["handover"]);
        assert!(mark["log10_false_alarm"].as_f64().unwrap() <= -9.0 && mark["issued_at"].is_string());
        assert_eq!(
            (&mark["tier"], &mark["frames"], &mark["detector"]),
            (&1.into(), &1.into(), &"informed".into())
        );
    }
    let keys = |object: &serde_json::Value| object.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let finding = run.about("a.jpg");
    assert_eq!(
        keys(&finding),
        ["chains", "file", "frames", "geometry", "marks", "original", "reason", "sha256", "verdict"]
    );
    let of_a_mark = [
        "detector",
        "direction",
        "document",
        "frames",
        "from",
        "grade",
        "handover",
        "issued_at",
        "layer",
        "log10_false_alarm",
        "recipient",
        "seconded",
        "signature",
        "tier",
        "trials",
        "where",
        "z",
    ];
    assert_eq!(keys(&finding["marks"][0]), of_a_mark);
    let geometry = &run.about("b.png")["geometry"];
    assert!(
        (geometry["scale"].as_f64().unwrap() - 0.5).abs() < 0.005 && geometry["flipped"] == true,
        "{geometry}"
    );
    assert_eq!(run.about("d.png")["verdict"], "no-mark");
    let human = scene.run(&["trace", "found"]);
    assert!(
        human.out.contains("Shepherd Boy") && human.err.contains("not the same as innocent"),
        "{}",
        human.err
    );
}

#[test]
fn unmarked_frames_and_another_studios_give_nobody_and_exit_1() {
    let scene = Scene::new();
    drawings(&scene);
    assert_eq!(stamp(&scene, &["in"]).status, 0);
    let stranger = Scene::new();
    stranger.write("found/marked.png", &scene.read("out/cel.png"));
    stranger.draw("found/unmarked.png", &line_art(960, 540));
    let run = stranger.run(&["trace", "found", "--json"]);
    assert_eq!(run.status, 1, "{}", run.err);
    assert!(
        run.lines().iter().all(|line| line["verdict"] == "no-mark" && line["marks"] == serde_json::json!([]))
    );
}

#[test]
fn tracing_leaves_the_evidence_and_the_studio_as_they_were() {
    let scene = Scene::new();
    drawings(&scene);
    assert_eq!(stamp(&scene, &["in/cel.png"]).status, 0);
    // SQLite puts an empty journal beside a registry that is open to look only, and cannot take it away again.
    let journal = |name: &String| name.ends_with("registry.db-wal") || name.ends_with("registry.db-shm");
    let names = || scene.files(".").into_iter().filter(|name| !journal(name)).collect::<Vec<_>>();
    let before: Vec<_> = names().into_iter().map(|name| (scene.read(&name), name)).collect();
    assert_eq!(scene.run(&["trace", "out"]).status, 0);
    assert_eq!(names().len(), before.len(), "{:?}", names());
    for (bytes, name) in before {
        assert!(scene.read(&name) == bytes, "{name} was changed");
    }
    let wal = scene.path(".tiermark/registry.db-wal");
    assert!(std::fs::metadata(wal).map_or(0, |wal| wal.len()) == 0, "the journal holds lines");
}

#[test]
fn a_bench_needs_no_studio_and_names_nobody_wrongly() {
    let scene = Scene::empty();
    scene.draw("cels/a.png", &cel(960, 540, 0));
    scene.write("cels/letter.png", b"Dear Sir or Madam");
    let run = scene.run(&["bench", "cels", "--json"]);
    assert_eq!(run.status, 3, "{}", run.err);
    let lines = run.lines();
    assert_eq!(lines.iter().filter(|line| line["named"] == "right").count(), 8, "{}", run.out);
    for control in ["unmarked", "another-studios"] {
        let line = lines.iter().find(|line| line["attack"] == control).unwrap();
        assert_eq!((&line["named"], &line["class"]), (&"nobody".into(), &"cels".into()));
    }
    assert_eq!(lines.len(), 10);
    assert!(run.err.contains("letter.png: not a picture"), "{}", run.err);
    assert_eq!(scene.files(".").len(), 3, "nothing is written");
}

#[test]
fn the_same_command_again_changes_nothing_and_new_files_get_their_own_handover() {
    let scene = Scene::new();
    drawings(&scene);
    assert_eq!(stamp(&scene, &["in"]).status, 0);
    let first = scene.read("out/cel.png");
    std::fs::remove_file(scene.path("out/cel.png")).unwrap();
    assert_eq!(stamp(&scene, &["in", "--jobs", "1"]).status, 0);
    assert_eq!(scene.read("out/cel.png"), first, "the same bytes on one thread and on several");
    assert_eq!(scene.handovers("Shepherd Boy").len(), 1);
    scene.draw("in/new.png", &cel(960, 540, 5));
    assert_eq!(stamp(&scene, &["in"]).status, 0);
    assert_eq!(scene.read("out/cel.png"), first);
    let handovers = scene.handovers("Shepherd Boy");
    assert_eq!(handovers.len(), 2);
    assert_eq!((&handovers[0]["frames"], &handovers[1]["frames"]), (&3.into(), &1.into()));
}

#[test]
fn reports_have_the_order_of_the_inputs_on_any_number_of_threads() {
    let scene = Scene::new();
    for n in 0..6 {
        // Large and small in turn: done out of order, if anything is.
        let side = if n % 2 == 0 { 1280 } else { 640 };
        scene.draw(&format!("in/{n}.png"), &cel(side, side / 2 + 160, n));
    }
    scene.write("in/3b.png", b"");
    let order = |jobs: &str, out: &str| {
        let run = scene.run(&["stamp", "--to", "Shepherd Boy", "--out", out, "--json", "--jobs", jobs, "in"]);
        assert_eq!(run.status, 3);
        run.lines().iter().map(|line| line["file"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let one = order("1", "one");
    assert_eq!(one, order("4", "four"));
    assert_eq!(one.len(), 7);
    for n in 0..6 {
        assert_eq!(scene.read(&format!("one/{n}.png")), scene.read(&format!("four/{n}.png")));
    }
}

#[test]
fn depth_alpha_and_what_lies_under_it_are_kept() {
    let scene = Scene::new();
    let deep = DynamicImage::ImageRgb16(cel(960, 540, 1).to_rgb16());
    let mut layer = cel(960, 540, 1).to_rgba8();
    layer
        .enumerate_pixels_mut()
        .for_each(|(x, _, pixel)| pixel.0[3] = if x < 200 { 0 } else { 255 - (x % 3) as u8 });
    let layer = DynamicImage::ImageRgba8(layer);
    scene.draw("in/deep.png", &deep);
    scene.draw("in/deep.tiff", &deep);
    scene.draw("in/layer.png", &layer);
    let run = stamp(&scene, &["in"]);
    assert_eq!(run.status, 0, "{}", run.err);
    for name in ["out/deep.png", "out/deep.tiff"] {
        let DynamicImage::ImageRgb16(marked) = scene.look(name) else { panic!("{name} is not 16 bit") };
        let low_bits = marked.pixels().filter(|pixel| pixel.0[0] % 257 != 0).count();
        assert!(low_bits > 1000, "{name}: the mark uses the depth");
    }
    let (host, marked) = (layer.to_rgba8(), scene.look("out/layer.png").to_rgba8());
    assert_ne!(host, marked);
    for (before, after) in host.pixels().zip(marked.pixels()) {
        assert_eq!(before.0[3], after.0[3]);
        assert!(before.0[3] > 0 || before == after);
    }
    assert_eq!(scene.run(&["trace", "out"]).status, 0);
}

#[test]
fn a_dry_run_signs_and_writes_nothing() {
    let scene = Scene::new();
    drawings(&scene);
    let run = stamp(&scene, &["--dry-run", "--json", "in"]);
    assert_eq!(run.status, 0, "{}", run.err);
    assert!(run.lines().iter().all(|line| line["predicted_z"].as_f64().unwrap() > 20.0));
    assert!(scene.files("out").is_empty());
    assert!(scene.handovers("Shepherd Boy").is_empty());
}

#[test]
fn help_completions_and_the_empty_studio() {
    let scene = Scene::empty();
    let help = scene.run(&["--help"]);
    assert!(help.status == 0 && help.out.contains("Exit status"));
    for verb in ["init", "vendor", "stamp", "trace", "bench", "selftest", "demo", "completions"] {
        let help = scene.run(&[verb, "--help"]);
        assert!(help.out.contains("Example"), "{verb}: {}", help.out);
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(scene.run(&["completions", shell]).out.contains("tiermark"));
    }
    let run = scene.run(&["trace", "passphrase"]);
    assert!(run.status == 2 && run.err.contains("tiermark init"), "{}", run.err);
    assert_eq!(scene.run(&["stamp"]).status, 2);
    assert_eq!(scene.run(&["init", "--name", "Lion", "--studio", "here"]).status, 0);
    let run = scene.run(&["init", "--name", "Lion", "--studio", "here"]);
    assert!(run.status == 2 && run.err.contains("already"), "{}", run.err);
    let list = scene.run(&["vendor", "list", "--json", "--studio", "here"]);
    assert!(list.status == 0 && list.out.is_empty());
}

#[test]
fn passphrases_come_from_a_file_and_are_never_waited_for() {
    let scene = Scene::new();
    drawings(&scene);
    scene.write("wrong", b"a lion in the zoo\n");
    let wrong = stamp(&scene, &["in", "--passphrase-file", "wrong"]);
    assert!(wrong.status == 2 && wrong.err.contains("passphrase is wrong"), "{}", wrong.err);
    let output = scene.program().env_remove("TIERMARK_PASSPHRASE_FILE").args(TO).arg("in").output().unwrap();
    let none = scene::Run::of(&output);
    assert!(none.status == 2 && none.err.contains("--passphrase-file"), "{}", none.err);
    assert!(scene.files("out").is_empty());
    assert!(!scene.run(&["vendor", "list"]).out.contains(PASSPHRASE));
}
