//! Clips through the program: stamped, with all that is in them, and named from what leaks.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]
#![allow(unreachable_pub, reason = "the scene is shared between test programs")]
#![allow(dead_code, reason = "the scene is shared between test programs")]

mod scene;

use std::process::Command;

use scene::{Scene, cel};
use serde_json::Value;

/// Run ffmpeg or ffprobe in the scene's folder, and give what it writes.
fn run(scene: &Scene, program: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(scene.path("."));
    let output = command.output().expect("these tests need ffmpeg and ffprobe: apt-get install ffmpeg");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Two shots of a second each, on twos, with sound and timecode.
fn draw(scene: &Scene, name: &str, codec: &[&str]) {
    for shot in 0..2 {
        for drawing in 0..6 {
            let picture = cel(640, 360, shot * 40 + drawing % 3);
            let picture = if shot == 0 { picture } else { picture.rotate180() };
            scene.draw(&format!("drawn/{:02}.png", shot * 6 + drawing), &picture);
        }
    }
    let pictures = ["-v", "error", "-y", "-framerate", "6", "-i", "drawn/%02d.png", "-f", "lavfi"];
    let sound = ["-i", "sine=frequency=330:duration=2", "-r", "24", "-timecode", "01:00:00:00"];
    let colours = [
        "-vf",
        "scale=out_color_matrix=bt709,setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709",
    ];
    std::fs::create_dir_all(scene.path(name).parent().unwrap()).unwrap();
    run(scene, "ffmpeg", &[&pictures[..], &sound, &colours, codec, &[name]].concat());
}

const H264: &[&str] = &["-c:v", "libx264", "-crf", "16", "-pix_fmt", "yuv420p", "-c:a", "aac"];
const PRORES: &[&str] =
    &["-c:v", "prores_ks", "-profile:v", "hq", "-pix_fmt", "yuv422p10le", "-c:a", "pcm_s24le"];

fn stamp(scene: &Scene, more: &[&str]) -> scene::Run {
    let arguments = [&["stamp", "--to", "Shepherd Boy", "--out", "out", "in", "--json"], more].concat();
    scene.run(&arguments)
}

fn trace(scene: &Scene, path: &str) -> Value {
    scene.run(&["trace", path, "--json"]).about(path.rsplit('/').next().unwrap())
}

fn names(finding: &Value) -> bool {
    finding["verdict"] == "attributed" && finding["marks"][0]["recipient"] == "Shepherd Boy"
}

#[test]
fn a_clip_leaves_whole_and_its_copies_name_the_recipient() {
    let scene = Scene::new();
    draw(&scene, "in/ep/walk.mov", H264);
    draw(&scene, "in/hq.mov", PRORES);
    let dry = stamp(&scene, &["--dry-run"]);
    assert_eq!(dry.status, 0, "{}", dry.err);
    assert!(!scene.path("out").exists(), "a dry run writes nothing");
    let done = stamp(&scene, &[]);
    assert_eq!(done.status, 0, "{}", done.err);
    for name in ["walk.mov", "hq.mov"] {
        let (line, promised) = (done.about(name), dry.about(name));
        assert_eq!(line["status"], "stamped");
        assert!(line["psnr_db"].as_f64().unwrap() >= 44.0, "{line}");
        assert!(promised["predicted_z"].as_f64().unwrap() > 8.0, "{promised}");
    }
    assert!(
        scene.files("out").iter().all(|name| !name.contains(".tiermark-part")),
        "{:?}",
        scene.files("out")
    );
    // All that is not luma is there.
    for (before, after) in [("in/ep/walk.mov", "out/ep/walk.mov"), ("in/hq.mov", "out/hq.mov")] {
        let what = "stream=codec_name,profile,pix_fmt,color_space,color_transfer,color_primaries,r_frame_rate,nb_frames:stream_tags=timecode";
        let told =
            |path| run(&scene, "ffprobe", &["-v", "error", "-show_entries", what, "-of", "compact", path]);
        assert_eq!(told(before), told(after));
        let sound = |path| {
            run(&scene, "ffmpeg", &["-v", "error", "-i", path, "-map", "0:a", "-c", "copy", "-f", "md5", "-"])
        };
        assert_eq!(sound(before), sound(after));
    }
    let whole = trace(&scene, "out/ep/walk.mov");
    assert!(names(&whole), "{whole}");
    assert_eq!(whole["shots"].as_array().unwrap().len(), 2, "{whole}");
    assert!(names(&trace(&scene, "out/hq.mov")));
    // Leaks: coded hard, and the second shot alone and smaller.
    let leak = |settings: &[&str], path: &str| {
        run(&scene, "ffmpeg", &[&["-v", "error", "-y", "-i", "out/ep/walk.mov"], settings, &[path]].concat());
        trace(&scene, path)
    };
    for (settings, path) in [
        (&["-crf", "28"][..], "leak/hard.mp4"),
        (&["-ss", "1.1", "-vf", "scale=480:-2", "-crf", "23"], "leak/late_and_small.mkv"),
    ] {
        std::fs::create_dir_all(scene.path("leak")).unwrap();
        let finding = leak(settings, path);
        assert!(names(&finding), "{path}: {finding}");
    }
    assert_eq!(trace(&scene, "in/ep/walk.mov")["verdict"], "no-mark");
    // The same in an archive, by whatever name.
    std::fs::copy(scene.path("leak/hard.mp4"), scene.path("leak/notes.txt")).unwrap();
    run(&scene, "tar", &["-cf", "leak.tar", "leak/notes.txt"]);
    let inside = trace(&scene, "leak.tar");
    assert!(names(&inside) && inside["inside"].to_string().contains("notes.txt"), "{inside}");
}

#[test]
fn the_same_order_again_gives_the_same_bytes() {
    let scene = Scene::new();
    draw(&scene, "in/walk.mov", H264);
    assert_eq!(stamp(&scene, &[]).status, 0);
    let first = scene.read("out/walk.mov");
    assert_eq!(stamp(&scene, &[]).status, 0);
    assert!(first == scene.read("out/walk.mov"));
    std::fs::remove_file(scene.path("out/walk.mov")).unwrap();
    assert_eq!(stamp(&scene, &[]).status, 0);
    assert!(first == scene.read("out/walk.mov"), "made anew");
    assert_eq!(scene.handovers("Shepherd Boy").len(), 1);
    let other = stamp(&scene, &["--codec", "libx264 -crf 30"]);
    assert_eq!(other.status, 0, "what left already stays: {}", other.err);
    assert!(first == scene.read("out/walk.mov"));
}

#[test]
fn clips_that_cannot_be_kept_or_read_are_refused_by_name() {
    let scene = Scene::new();
    draw(&scene, "in/old.mov", &["-c:v", "mpeg4", "-q:v", "2", "-c:a", "aac"]);
    scene.write("in/list.mov", b"ffconcat version 1.0\nfile old.mov\n");
    scene.write("in/broken.mov", &scene.read("in/old.mov")[..3000]);
    draw(&scene, "in/bitten.mov", H264);
    let mut bitten = scene.read("in/bitten.mov");
    scene.write("in/still.mov", b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf\0\0\0\x08mdat");
    let middle = bitten.len() / 3;
    bitten[middle..middle + 2000].iter_mut().for_each(|byte| *byte ^= 0x5a);
    scene.write("in/bitten.mov", &bitten);
    let run = stamp(&scene, &[]);
    assert_eq!(run.status, 3, "{}", run.out);
    let reason = |name: &str| run.about(name)["reason"].as_str().unwrap().to_owned();
    assert!(
        reason("old.mov").contains("mpeg4") && reason("old.mov").contains("--codec"),
        "{}",
        reason("old.mov")
    );
    assert_eq!(run.about("bitten.mov")["status"], "failed", "damage is not passed on: {}", run.out);
    assert!(reason("list.mov").contains("not a picture"), "{}", reason("list.mov"));
    assert!(reason("broken.mov").contains("ffmpeg gave up"), "{}", reason("broken.mov"));
    assert!(reason("still.mov").contains("AVIF"), "{}", reason("still.mov"));
    assert!(scene.files("out").is_empty());
    let found = scene.run(&["trace", "in", "--json"]);
    assert_eq!(found.about("old.mov")["verdict"], "no-mark");
    assert_eq!(found.about("broken.mov")["verdict"], "unreadable");
    assert_eq!(found.about("list.mov")["verdict"], "unreadable");
    let run = stamp(&scene, &["--codec", "libx264 -crf 16 -pix_fmt yuv420p"]);
    assert_eq!(run.about("old.mov")["status"], "stamped", "{}", run.err);
    assert_eq!(run.about("still.mov")["status"], "refused", "no clip is made of a picture: {}", run.out);
    assert!(names(&trace(&scene, "out/old.mov")));
}

#[test]
fn pictures_that_only_ffmpeg_opens_name_the_recipient() {
    let scene = Scene::new();
    scene.draw("in/cel.png", &cel(960, 540, 3));
    assert_eq!(stamp(&scene, &[]).status, 0);
    let leaks: [(&str, &[&str]); 4] = [
        ("leak.jp2", &["-c:v", "libopenjpeg", "-compression_level", "12"]),
        ("bare.j2k", &["-c:v", "libopenjpeg", "-format", "j2k"]),
        ("leak.jxl", &["-c:v", "libjxl", "-distance", "1"]),
        ("leak.avif", &["-c:v", "libaom-av1", "-still-picture", "1", "-crf", "8", "-pix_fmt", "yuv444p"]),
    ];
    for (name, codec) in leaks {
        let arguments = [&["-v", "error", "-y", "-i", "out/cel.png"][..], codec, &[name]].concat();
        run(&scene, "ffmpeg", &arguments);
        assert!(names(&trace(&scene, name)), "{name}");
        let refused = scene.run(&["stamp", "--to", "Shepherd Boy", "--out", "again", name, "--json"]);
        assert_eq!(refused.about(name)["status"], "refused", "{}", refused.out);
        let half = scene.read(name).len() / 2;
        scene.write(&format!("half {name}"), &scene.read(name)[..half]);
        let broken = trace(&scene, &format!("half {name}"));
        assert!(broken["verdict"] == "unreadable" || names(&broken), "{broken}");
    }
}

#[test]
fn a_heif_picture_names_the_recipient() {
    let scene = Scene::new();
    scene.draw("in/cel.png", &cel(1600, 900, 3));
    assert_eq!(stamp(&scene, &[]).status, 0);
    let mut encoder = Command::new("heif-enc");
    let encoder = encoder.args(["-q", "60", "out/cel.png", "-o", "leak.heic"]).current_dir(scene.path("."));
    let output = encoder.output().expect("this test needs heif-enc: apt-get install libheif-examples");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    scene.write("photo.bin", &scene.read("leak.heic"));
    assert!(names(&trace(&scene, "photo.bin")), "told by its content");
    let half = scene.read("leak.heic").len() / 2;
    scene.write("half.heic", &scene.read("leak.heic")[..half]);
    let broken = trace(&scene, "half.heic");
    assert_eq!(broken["verdict"], "unreadable", "{broken}");
    let large = scene.run(&["trace", "leak.heic", "--max-megapixels", "1", "--json"]).about("leak.heic");
    assert!(large["reason"].as_str().unwrap().contains("too much"), "{large}");
    let refused = scene.run(&["stamp", "--to", "Shepherd Boy", "--out", "again", "leak.heic", "--json"]);
    assert!(refused.about("leak.heic")["reason"].as_str().unwrap().contains("HEIF"), "{}", refused.out);
}

/// Luma of all frames, one after the other.
fn luma(scene: &Scene, path: &str, area: usize) -> Vec<Vec<u8>> {
    let mut command = Command::new("ffmpeg");
    let raw = ["-v", "error", "-i", path, "-map", "0:v", "-vf", "extractplanes=y", "-f", "rawvideo", "-"];
    let output = command.args(raw).current_dir(scene.path(".")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout.chunks(area).map(<[u8]>::to_vec).collect()
}

#[test]
fn nothing_flickers_in_a_shot_that_holds_still() {
    let scene = Scene::new();
    scene.draw("held.png", &cel(640, 360, 1));
    std::fs::create_dir_all(scene.path("in")).unwrap();
    // What a codec and film grain leave moving in a held drawing.
    for (name, grain) in [("held.mkv", "noise=alls=0"), ("grainy.mkv", "noise=alls=4:allf=t:all_seed=7")] {
        let still = [
            "-v",
            "error",
            "-loop",
            "1",
            "-framerate",
            "24",
            "-i",
            "held.png",
            "-frames:v",
            "8",
            "-vf",
            grain,
        ];
        let path = format!("in/{name}");
        run(&scene, "ffmpeg", &[&still[..], &["-c:v", "ffv1", "-pix_fmt", "yuv420p", &path]].concat());
    }
    let done = stamp(&scene, &[]);
    assert_eq!(done.status, 0, "{}", done.err);
    for (name, most) in [("held.mkv", 0), ("grainy.mkv", 1)] {
        let [host, marked] = ["in", "out"].map(|folder| luma(&scene, &format!("{folder}/{name}"), 640 * 360));
        assert_eq!((host.len(), marked.len()), (8, 8));
        let changes: Vec<Vec<i16>> = host
            .iter()
            .zip(&marked)
            .map(|(host, marked)| {
                host.iter().zip(marked).map(|(a, b)| i16::from(*b) - i16::from(*a)).collect()
            })
            .collect();
        assert!(changes.iter().all(|frame| frame.iter().any(|change| *change != 0)), "{name} is marked");
        let worst =
            changes.windows(2).flat_map(|pair| pair[0].iter().zip(&pair[1]).map(|(a, b)| (a - b).abs()));
        assert!(worst.max().unwrap() <= most, "{name}: what is marked differs from frame to frame");
    }
}

#[test]
fn a_clip_that_is_handed_on_bears_both_marks() {
    let scene = Scene::empty();
    draw(&scene, "in/walk.mov", H264);
    let ok = |studio: &str, arguments: &[&str]| {
        let folder = format!("{studio}/.tiermark");
        let run = scene.run(&[&["--studio", &folder], arguments].concat());
        assert_eq!(run.status, 0, "{studio} {arguments:?}: {}{}", run.out, run.err);
        run
    };
    for (studio, name) in [("p", "Producer"), ("a", "Animate")] {
        ok(studio, &["init", "--name", name]);
        ok(studio, &["party", "export", "--out", &format!("{studio}.party.json")]);
    }
    ok("p", &["party", "import", "a.party.json"]);
    ok("p", &["delegate", "Animate", "--out", "a.delegation.json", "--max-depth", "2", "--checked", "video"]);
    ok("a", &["accept", "a.delegation.json"]);
    ok("p", &["stamp", "--to", "Animate", "--out", "to-a", "in"]);
    ok("a", &["receive", "to-a"]);
    ok("a", &["vendor", "add", "Below"]);
    let handed = ok("a", &["stamp", "--to", "Below", "--for", "Producer", "--out", "to-b", "to-a", "--json"]);
    assert!(handed.about("walk.mov")["psnr_db"].as_f64().unwrap() > 44.0, "{}", handed.out);
    let leak = ["-v", "error", "-i", "to-b/walk.mov", "-an", "-c:v", "libx264", "-crf", "23", "leak.mp4"];
    run(&scene, "ffmpeg", &leak);
    let found = scene.run(&["--studio", "p/.tiermark", "trace", "leak.mp4", "--json"]).about("leak.mp4");
    let tiers: Vec<u64> =
        found["marks"].as_array().unwrap().iter().map(|mark| mark["tier"].as_u64().unwrap()).collect();
    assert_eq!(tiers, [1, 2], "{found}");
}
