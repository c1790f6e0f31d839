//! Originals through the program: recorded, moved, missed, found again.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]
#![allow(unreachable_pub, reason = "the scene is shared between test programs")]
#![allow(dead_code, reason = "the scene is shared between test programs")]

mod scene;

use image::DynamicImage;
use scene::{Run, Scene, cel, line_art};
use serde_json::Value;

const TO: [&str; 5] = ["stamp", "--to", "Shepherd Boy", "--out", "out"];

fn stamp(scene: &Scene, more: &[&str]) -> Run {
    let run = scene.run(&[&TO[..], more].concat());
    assert_eq!(run.status, 0, "{}", run.err);
    run
}

fn status(scene: &Scene) -> Value {
    let run = scene.run(&["archive", "status", "--json"]);
    assert_eq!(run.status, 0, "{}", run.err);
    run.lines().remove(0)
}

fn number(line: &Value, name: &str) -> u64 {
    line[name].as_u64().unwrap_or_else(|| panic!("{name} in {line}"))
}

/// Two drawings of a shot, one of them held for two frames, and a still.
fn drawings(scene: &Scene) {
    scene.draw("in/walk.0001.png", &cel(480, 270, 0));
    scene.draw("in/walk.0002.png", &cel(480, 270, 0));
    scene.draw("in/walk.0003.png", &cel(480, 270, 3));
    scene.draw("in/lines.png", &line_art(480, 270));
}

#[test]
fn stamp_records_its_originals_once_and_leaves_them_alone() {
    let scene = Scene::new();
    drawings(&scene);
    let before = scene.read("in/walk.0001.png");
    assert_eq!(scene.run(&["archive", "status"]).status, 2, "there is none before the first stamp");
    stamp(&scene, &["in", "--dry-run"]);
    assert!(!scene.path(".tiermark/archive").exists(), "a dry run writes nothing");
    stamp(&scene, &["in", "--no-archive", "--force"]);
    assert!(!scene.path(".tiermark/archive").exists(), "nor does --no-archive");
    stamp(&scene, &["in"]);
    let line = status(&scene);
    // Frames 1 and 2 hold the same values of one shot, and so are one original.
    assert_eq!((number(&line, "originals"), number(&line, "drawings")), (3, 3), "{line}");
    assert_eq!((number(&line, "here"), number(&line, "missing"), number(&line, "kept")), (3, 0, 0));
    stamp(&scene, &["in"]);
    assert_eq!(status(&scene), line, "the same again is nothing new");
    assert_eq!(scene.read("in/walk.0001.png"), before);
    let run = scene.run(&["archive", "add", "in", "--json"]);
    assert_eq!(run.status, 0, "{}", run.err);
    assert!(run.lines().iter().all(|line| line["status"] == "known"), "{}", run.out);
}

#[test]
fn held_frames_that_differ_in_a_sample_share_a_drawing_and_mouths_do_not() {
    let scene = Scene::new();
    let held = |name: &str, change: &dyn Fn(&mut image::RgbImage)| {
        let mut picture = cel(480, 270, 0).to_rgb8();
        change(&mut picture);
        scene.draw(name, &DynamicImage::ImageRgb8(picture));
    };
    held("in/a.0001.png", &|_| {});
    held("in/a.0002.png", &|picture| picture.get_pixel_mut(7, 7).0[0] ^= 1);
    held("in/a.0003.png", &|picture| {
        for (x, y, pixel) in picture.enumerate_pixels_mut() {
            if (140..164).contains(&x) && (140..148).contains(&y) {
                pixel.0 = [120, 20, 30];
            }
        }
    });
    let run = scene.run(&["archive", "add", "in", "--json"]);
    assert_eq!(run.status, 0, "{}", run.err);
    let line = status(&scene);
    assert_eq!((number(&line, "originals"), number(&line, "drawings")), (3, 2), "{line}");
}

#[test]
fn moved_originals_are_missed_and_found_again() {
    let scene = Scene::new();
    drawings(&scene);
    stamp(&scene, &["in"]);
    assert_eq!(scene.run(&["archive", "verify"]).status, 0);
    std::fs::rename(scene.path("in"), scene.path("elsewhere")).unwrap();
    assert_eq!(number(&status(&scene), "missing"), 3);
    let run = scene.run(&["archive", "verify", "--json"]);
    assert_eq!(run.status, 1, "{}", run.err);
    assert!(run.err.contains("archive rebase"), "the way out: {}", run.err);
    assert!(run.lines().iter().all(|line| line["condition"] == "missing"));
    let dry = scene.run(&["archive", "rebase", "in", "elsewhere", "--dry-run", "--json"]).lines().remove(0);
    assert_eq!((number(&dry, "originals"), number(&dry, "there")), (3, 3));
    assert_eq!(scene.run(&["archive", "verify"]).status, 1, "a dry run changes nothing");
    assert_eq!(scene.run(&["archive", "rebase", "nowhere", "elsewhere"]).status, 1);
    assert_eq!(scene.run(&["archive", "rebase", "in", "elsewhere"]).status, 0);
    let run = scene.run(&["archive", "verify"]);
    assert_eq!(run.status, 0, "{}", run.err);
    assert_eq!(number(&status(&scene), "here"), 3);
    // What is written over is told apart from what is gone.
    scene.draw("elsewhere/lines.png", &cel(480, 270, 5));
    let run = scene.run(&["archive", "verify", "--json"]);
    assert_eq!((run.status, &run.about("lines.png")["condition"]), (1, &"changed".into()));
    // What cannot be read is told apart from both.
    let bytes = scene.read("elsewhere/walk.0003.png");
    let cut = scene.write("elsewhere/walk.0003.png", b"");
    let run = scene.run(&["archive", "verify", "--json"]);
    assert_eq!((run.status, &run.about("walk.0003.png")["condition"]), (3, &"unreadable".into()));
    std::fs::write(cut, bytes).unwrap();
    // The same drawing at another place is taken in again where the old one is gone.
    scene.draw("third/lines.png", &line_art(480, 270));
    std::fs::remove_file(scene.path("elsewhere/lines.png")).unwrap();
    let run = scene.run(&["archive", "add", "third", "--json"]);
    assert_eq!(run.about("lines.png")["status"], "added", "{}", run.out);
    assert_eq!(scene.run(&["archive", "verify"]).status, 0);
    assert_eq!(number(&status(&scene), "originals"), 3);
}

#[test]
fn copies_are_kept_where_they_are_asked_for_and_stand_in_for_originals() {
    let scene = Scene::new();
    drawings(&scene);
    stamp(&scene, &["in/lines.png", "--archive", "masters"]);
    stamp(&scene, &["in"]);
    let line = status(&scene);
    assert_eq!(number(&line, "kept"), 3, "the folder is remembered: {line}");
    let kept = scene.files("masters");
    assert!(kept.iter().all(|name| name.len() == 67 && name.chars().nth(2) == Some('/')), "{kept:?}");
    std::fs::remove_dir_all(scene.path("in")).unwrap();
    assert_eq!(number(&status(&scene), "missing"), 3);
    let run = scene.run(&["archive", "verify"]);
    assert_eq!(run.status, 0, "{}", run.err);
    scene.write(&format!("masters/{}", kept[0]), b"not a picture");
    assert_eq!(scene.run(&["archive", "verify"]).status, 1);
}

#[test]
fn an_archive_that_cannot_be_written_stops_the_run_before_a_copy_leaves() {
    let scene = Scene::new();
    drawings(&scene);
    scene.write(".tiermark/archive", b"a file in the way");
    let run = scene.run(&[&TO[..], &["in"]].concat());
    assert_eq!(run.status, 2);
    assert!(run.err.contains("could not be recorded") && run.err.contains("--no-archive"), "{}", run.err);
    assert!(scene.files("out").is_empty());
    stamp(&scene, &["in", "--no-archive"]);
}

#[test]
fn a_marked_copy_is_no_original() {
    let scene = Scene::new();
    drawings(&scene);
    stamp(&scene, &["in"]);
    let run = scene.run(&["archive", "add", "out/lines.png", "--json"]);
    assert_eq!((run.status, &run.about("lines.png")["status"]), (2, &"refused".into()), "{}", run.out);
    assert_eq!(number(&status(&scene), "originals"), 3);
}

#[test]
fn a_run_that_was_killed_while_it_recorded_leaves_what_was_there() {
    let scene = Scene::new();
    drawings(&scene);
    stamp(&scene, &["in/lines.png"]);
    let archive = scene.path(".tiermark/archive");
    let read = |name: &str| std::fs::read(archive.join(name)).unwrap();
    let names = ["archive.json", "names", "vectors", "hashes", "local", "drawings", "entries"];
    let before = names.map(read);
    stamp(&scene, &["in"]);
    let after = names.map(read);
    // The files are written in this order, archive.json last: a kill leaves some whole, one cut anywhere, the rest as they were.
    for cut in 1..names.len() {
        for part in 0..8 {
            for (i, name) in names.iter().enumerate() {
                let (old, new) = (&before[i], &after[i]);
                let length = match i {
                    0 => old.len(),
                    i if i < cut => new.len(),
                    i if i > cut => old.len(),
                    _ => old.len() + (new.len() - old.len()) * part / 7,
                };
                let bytes = if i == 0 { old } else { &new[..length] };
                std::fs::write(archive.join(name), bytes).unwrap();
            }
            let line = status(&scene);
            assert_eq!(
                (number(&line, "originals"), number(&line, "damaged")),
                (1, 0),
                "{} {part}",
                names[cut]
            );
        }
    }
    stamp(&scene, &["in"]);
    // Running it again gives what it would have been, but for the times in the records.
    let again = names.map(read);
    assert!(again[1..6] == after[1..6] && again[6].len() == after[6].len());
    assert_eq!(scene.run(&["archive", "verify"]).status, 0);
}

#[test]
fn lost_ends_and_changed_bytes_are_told_and_never_a_panic() {
    let scene = Scene::new();
    drawings(&scene);
    stamp(&scene, &["in"]);
    let archive = scene.path(".tiermark/archive");
    for name in ["names", "vectors", "hashes", "local", "drawings", "entries"] {
        let bytes = std::fs::read(archive.join(name)).unwrap();
        let mut bent = bytes.clone();
        let middle = bent.len() / 2;
        bent[middle] ^= 0x10;
        std::fs::write(archive.join(name), &bent).unwrap();
        let run = scene.run(&["archive", "verify"]);
        assert_eq!(run.status, 3, "a changed byte of {name}: {}", run.err);
        std::fs::write(archive.join(name), &bytes).unwrap();
    }
    let whole = std::fs::read(archive.join("entries")).unwrap();
    for length in (0..whole.len()).step_by(61) {
        std::fs::write(archive.join("entries"), &whole[..length]).unwrap();
        let line = status(&scene);
        assert_eq!(number(&line, "originals"), length as u64 / 192, "{line}");
        assert_eq!(number(&line, "originals") + number(&line, "damaged"), 3);
    }
    let run = scene.run(&["archive", "verify"]);
    assert_eq!(run.status, 3, "{}", run.err);
    let run = scene.run(&["archive", "add", "in"]);
    assert_eq!(run.status, 0, "what was lost is taken in again: {}", run.err);
    assert_eq!(scene.run(&["archive", "verify"]).status, 0);
    scene.write(".tiermark/archive/archive.json", b"{\"version\": 9}");
    for arguments in [&["archive", "status"][..], &["archive", "verify"], &["archive", "rebase", "in", "on"]]
    {
        let run = scene.run(arguments);
        assert_eq!(run.status, 2);
        assert!(run.err.contains("no archive that this program reads"), "{}", run.err);
    }
}
