//! What goes wrong: each with its own message, while the rest goes on and nothing is lost.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]
#![allow(unreachable_pub, dead_code, reason = "the scene is shared between test programs")]
#![allow(clippy::print_stderr, reason = "a skipped test says why")]

mod scene;

use std::time::{Duration, Instant};

use image::ImageFormat;
use scene::{Run, Scene, cel, encoded, line_art};

fn stamp(scene: &Scene, more: &[&str]) -> Run {
    scene.run(&[&["stamp", "--to", "Shepherd Boy", "--out", "out"], more].concat())
}

/// A PNG header that claims a size, with a correct checksum and no pixels.
fn claims(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = b"IHDR".to_vec();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    bytes.extend(13_u32.to_be_bytes());
    bytes.extend(&header);
    bytes.extend(crc(&header).to_be_bytes());
    bytes.extend(b"\0\0\0\x00IDAT\x35\xaf\x06\x1e\0\0\0\x00IEND\xae\x42\x60\x82");
    bytes
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 },
        )
    })
}

#[test]
fn every_kind_of_bad_file_has_its_message_and_the_good_one_is_stamped() {
    let scene = Scene::new();
    let good = encoded(&cel(960, 540, 0), ImageFormat::Png);
    scene.write("in/good.png", &good);
    scene.write("in/empty.png", b"");
    scene.write("in/cut.png", &good[..good.len() / 2]);
    scene.write("in/text.png", b"To whom it may concern: this is a letter.");
    scene.write("in/huge.png", &claims(60_000, 60_000));
    scene.write("in/really_a.jpg", &good);
    scene.draw("in/tiny.png", &cel(40, 30, 0));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("gone.png", scene.path("in/broken.png")).unwrap();
        std::os::unix::fs::symlink("..", scene.path("in/loop")).unwrap();
    }
    let run = stamp(&scene, &["--json", "in"]);
    assert_eq!(run.status, 3, "{}", run.err);
    for (name, status, word) in [
        ("empty.png", "failed", "is empty"),
        ("cut.png", "failed", "PNG"),
        ("text.png", "refused", "not a picture"),
        ("huge.png", "refused", "60000"),
        ("tiny.png", "refused", "predicted strength"),
        #[cfg(unix)]
        ("broken.png", "failed", "not there"),
        #[cfg(unix)]
        ("loop", "failed", "leads back"),
    ] {
        let line = run.about(name);
        assert_eq!(line["status"], status, "{line}");
        assert!(line["reason"].as_str().unwrap().contains(word), "{line}");
        assert!(run.err.contains(name), "{}", run.err);
    }
    // A name may lie about its kind; the file keeps both.
    assert_eq!(scene.files("out"), ["good.png", "really_a.jpg"]);
    assert_eq!(&scene.read("out/really_a.jpg")[1..4], b"PNG");
    let trace = scene.run(&["trace", "in", "--json"]);
    assert_eq!(trace.status, 3);
    assert_eq!(trace.about("huge.png")["verdict"], "unreadable");
    assert_eq!(trace.about("good.png")["verdict"], "no-mark");
    assert_eq!(scene.run(&["trace", "in/empty.png", "in/text.png"]).status, 2);
}

#[test]
fn names_in_any_script_go_through_and_cannot_command_the_terminal() {
    let scene = Scene::new();
    for name in ["in/원화 1.png", "in/фон.png", "in/two\nlines.png", "in/red\u{1b}[31m\u{202e}.png"] {
        scene.draw(name, &cel(960, 540, name.len() as u32 % 7));
    }
    let run = stamp(&scene, &["in"]);
    assert_eq!(run.status, 0, "{}", run.err);
    assert_eq!(scene.files("out").len(), 4);
    let human = scene.run(&["trace", "out"]);
    assert_eq!(human.status, 0);
    assert!(human.out.contains("원화 1.png") && human.out.contains("two\\nlines.png"), "{}", human.out);
    assert!(!human.out.contains(['\u{1b}', '\u{202e}']), "{}", human.out);
    // Nor can a folder's name pass for a message of the program.
    scene.write("x\ntiermark: all is well/letter.png", b"Dear Sir or Madam");
    let folder = "x\ntiermark: all is well";
    let run = scene.run(&["stamp", "--to", "Shepherd Boy", "--out", folder, folder]);
    assert!(run.status == 2 && run.err.lines().count() == 1, "{}", run.err);
}

#[test]
fn unknown_vendors_are_not_guessed_and_damaged_registries_not_used() {
    let scene = Scene::new();
    scene.draw("in/a.png", &cel(960, 540, 0));
    let run = scene.run(&["stamp", "--to", "Shepard Boy", "--out", "out", "in"]);
    assert!(run.status == 2 && run.err.contains("did you mean \"Shepherd Boy\"?"), "{}", run.err);
    let run = scene.run(&["vendor", "add", "shepherd boy"]);
    assert!(run.status == 2 && run.err.contains("already"), "{}", run.err);
    let mut registry = scene.read(".tiermark/registry.db");
    registry[..4096].fill(0x5a);
    scene.write(".tiermark/registry.db", &registry);
    let run = stamp(&scene, &["in"]);
    assert!(run.status == 2 && run.err.contains("registry"), "{}", run.err);
    assert!(scene.files("out").is_empty());
}

#[test]
fn inputs_and_outputs_never_mix() {
    let scene = Scene::new();
    scene.draw("in/a.png", &cel(960, 540, 0));
    scene.draw("also/a.png", &cel(960, 540, 1));
    for out in ["in", "in/out", "./in/../in"] {
        let run = scene.run(&["stamp", "--to", "Shepherd Boy", "--out", out, "in"]);
        assert!(run.status == 2 && run.err.contains("--out"), "{out}: {}", run.err);
    }
    let run = scene.run(&["stamp", "--to", "Shepherd Boy", "--out", ".", "in/a.png"]);
    assert_eq!(run.status, 0, "{}", run.err);
    let run = scene.run(&["stamp", "--to", "Shepherd Boy", "--out", "in", "in/a.png"]);
    assert!(run.status == 2, "a file onto itself: {}", run.err);
    let run = stamp(&scene, &["in", "also"]);
    assert!(run.status == 2 && run.err.contains("same place"), "{}", run.err);
    assert!(scene.files("out").is_empty());
}

#[test]
fn outputs_that_are_there_are_replaced_only_when_asked() {
    let scene = Scene::new();
    scene.draw("in/a.png", &cel(960, 540, 0));
    scene.write("out/a.png", b"somebody's work");
    let run = stamp(&scene, &["--json", "in"]);
    assert_eq!(run.status, 3);
    assert!(run.about("a.png")["reason"].as_str().unwrap().contains("--force"), "{}", run.out);
    assert_eq!(scene.read("out/a.png"), b"somebody's work");
    assert_eq!(stamp(&scene, &["--force", "in"]).status, 0);
    assert_ne!(scene.read("out/a.png"), b"somebody's work");
}

#[test]
fn weak_copies_leave_only_when_asked() {
    let scene = Scene::new();
    // Black ink whose drawing is all in its alpha: on white there is next to nothing to bear a mark.
    let layer = image::RgbaImage::from_fn(960, 540, |x, y| {
        let wave = (f64::from(x) / 40.0).sin() * 60.0 + f64::from(y % 270 * 6) - 600.0;
        image::Rgba([0, 0, 0, (50.0 * (14.0 - wave.abs())).clamp(0.0, 255.0) as u8])
    });
    scene.draw("in/ink.png", &layer.into());
    let run = stamp(&scene, &["--json", "in"]);
    let line = run.about("ink.png");
    assert_eq!((run.status, &line["status"]), (3, &"refused".into()), "{line}");
    assert!(line["reason"].as_str().unwrap().contains("predicted strength"), "{line}");
    assert!(scene.files("out").is_empty());
    assert_eq!(stamp(&scene, &["--allow-weak", "in"]).status, 0);
    let run = scene.run(&["trace", "out", "--json"]);
    assert_eq!(run.about("ink.png")["marks"][0]["recipient"], "Shepherd Boy");
}

#[cfg(unix)]
#[test]
fn a_killed_run_leaves_no_half_file_and_the_next_one_finishes_the_same() {
    let scene = Scene::new();
    for n in 0..8 {
        scene.draw(&format!("in/{n}.png"), &cel(960, 540, n));
    }
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_tiermark"))
        .current_dir(scene.path("."))
        .env("TIERMARK_PASSPHRASE_FILE", "passphrase")
        .args(["stamp", "--to", "Shepherd Boy", "--out", "out", "--jobs", "1", "--quiet", "in"])
        .spawn()
        .unwrap();
    let visible =
        |scene: &Scene| scene.files("out").into_iter().filter(|name| !name.starts_with('.')).count();
    let started = Instant::now();
    while visible(&scene) < 2 && started.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let left = visible(&scene);
    assert!((2..8).contains(&left), "killed in the middle: {left} of 8");
    // Whatever has its name is whole, and the registry knows it.
    let sealed = scene.run(&["vendor", "list", "--json"]).lines()[0]["sealed"].as_u64().unwrap();
    assert!(sealed >= left as u64, "{sealed} lines for {left} frames");
    let run = scene.run(&["trace", "out", "--json"]);
    assert!(run.lines().iter().all(|line| line["verdict"] == "attributed"), "{}", run.out);
    assert_eq!(stamp(&scene, &["in"]).status, 0);
    assert_eq!(scene.files("out").len(), 8, "no part is left: {:?}", scene.files("out"));
    let undisturbed = scene.run(&["stamp", "--to", "Shepherd Boy", "--out", "again", "in"]);
    assert_eq!(undisturbed.status, 0);
    for n in 0..8 {
        let name = format!("{n}.png");
        assert_eq!(scene.read(&format!("out/{name}")), scene.read(&format!("again/{name}")), "{name}");
    }
    assert_eq!(scene.handovers("Shepherd Boy").len(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_fails_the_file_and_leaves_no_half_of_it() {
    let scene = Scene::new();
    scene.draw("in/a.png", &line_art(960, 540));
    scene.draw("in/b.png", &cel(960, 540, 3));
    std::fs::create_dir(scene.path("out")).unwrap();
    let small = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=16k", "tmpfs"])
        .arg(scene.path("out"))
        .output();
    if !small.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: without the right to mount there is no full disk to be had");
        return;
    }
    let run = stamp(&scene, &["--json", "in"]);
    let left = scene.files("out");
    std::process::Command::new("umount").arg(scene.path("out")).status().unwrap();
    assert_eq!(run.status, 2, "{}{}", run.out, run.err);
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(run.about("a.png")["status"], "failed");
    assert_eq!(stamp(&scene, &["in"]).status, 0, "with room again the same command finishes");
    assert_eq!(scene.files("out"), ["a.png", "b.png"]);
}

#[test]
fn slips_of_the_hand_are_told_and_nothing_is_begun() {
    let scene = Scene::new();
    scene.draw("in/a.png", &cel(640, 480, 0));
    std::fs::create_dir(scene.path("nothing")).unwrap();
    scene.write("long", &[b'a'; 5000]);
    for (arguments, word) in [
        (&["stamp", "--to", "Shepherd Boy", "--out", "out", "nothing"][..], "there are no files"),
        (&["trace", "nothing"], "there are no files"),
        (&["bench", "nothing"], "there are no files"),
        (&["trace", "--jobs", "65535", "in"], "1024"),
        (&["trace", "--jobs=-1", "in"], "--jobs"),
        (&["trace", "--passphrase-file", "long", "in"], "longer than"),
        (&["trace", "--passphrase-file", "gone", "in"], "gone"),
        (&["trace", "--studio", "nothing", "in"], "nothing"),
        #[cfg(target_os = "linux")]
        (&["trace", "--passphrase-file", "/dev/zero", "in"], "longer than"),
    ] {
        let run = scene.run(arguments);
        assert!(run.status == 2 && run.err.contains(word), "{arguments:?}: {} {}", run.status, run.err);
        assert!(run.out.is_empty(), "{arguments:?}: {}", run.out);
    }
}

#[test]
fn quiet_runs_still_say_what_was_refused() {
    let scene = Scene::new();
    scene.draw("in/a.png", &cel(640, 480, 0));
    scene.write("in/letter.png", b"Dear Sir or Madam");
    let run = stamp(&scene, &["--quiet", "in"]);
    assert_eq!((run.status, run.err.lines().count()), (3, 1), "{}", run.err);
    assert!(run.out.is_empty() && run.err.contains("letter.png: not a picture"), "{}", run.err);
    let run = scene.run(&["trace", "--quiet", "in"]);
    assert_eq!((run.status, run.err.lines().count()), (3, 1), "{}", run.err);
}

/// A full disk behind `>` must not pass for a finished report, nor end in a panic.
#[cfg(target_os = "linux")]
#[test]
fn a_report_that_cannot_be_written_is_not_done() {
    let scene = Scene::new();
    scene.draw("in/a.png", &cel(640, 480, 0));
    let to = |stdout: std::process::Stdio, arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_tiermark"));
        command.current_dir(scene.path(".")).env("TIERMARK_PASSPHRASE_FILE", "passphrase").args(arguments);
        Run::of(
            &command
                .stdout(stdout)
                .stderr(std::process::Stdio::piped())
                .spawn()
                .unwrap()
                .wait_with_output()
                .unwrap(),
        )
    };
    for arguments in [&["completions", "bash"][..], &["vendor", "list"], &["trace", "--json", "in"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let run = to(full.into(), arguments);
        assert!(run.status == 2 && run.err.contains("standard output"), "{arguments:?}: {}", run.err);
        let (reader, closed) = std::io::pipe().unwrap();
        drop(reader);
        let run = to(closed.into(), arguments);
        assert!(run.status == 2 && run.err.is_empty(), "{arguments:?}: {}", run.err);
    }
}

#[cfg(unix)]
#[test]
fn what_may_not_be_read_is_told_and_links_in_found_folders_are_not_followed() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Scene::new();
    scene.draw("found/a.png", &cel(640, 480, 0));
    scene.draw("elsewhere/b.png", &cel(640, 480, 1));
    std::os::unix::fs::symlink("../elsewhere/b.png", scene.path("found/link.png")).unwrap();
    let run = scene.run(&["trace", "--json", "found"]);
    assert_eq!((run.status, run.lines().len()), (3, 2), "{}", run.out);
    assert_eq!(run.about("link.png")["verdict"], "unreadable");
    let locked = scene.draw("in/locked.png", &cel(640, 480, 2));
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::File::open(&locked).is_ok() {
        eprintln!("skipped: root may read every file");
        return;
    }
    let line = stamp(&scene, &["--json", "in"]).about("locked.png");
    assert_eq!(line["status"], "failed");
    assert!(line["reason"].as_str().unwrap().contains("may not be read"), "{line}");
}
