//! A found folder of two hundred files: archives in archives, broken ones, duplicates, marked and unmarked pictures, letters
//! and noise. Every verdict is told beforehand.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]
#![allow(unreachable_pub, dead_code, reason = "the scene is shared between test programs")]

#[path = "../../crates/tiermark-frame/tests/files/make/boxes.rs"]
mod boxes;
mod scene;

use std::collections::BTreeMap;
use std::path::Path;

use boxes::{Drawn, Layer, gz, pdf, psd, seven, tar, zip, zip_with};
use image::{DynamicImage, ImageFormat, imageops::FilterType};
use scene::{Scene, cel, encoded, line_art};
use serde_json::Value;

const SHEPHERD: &str = "attributed Shepherd Boy";
const FOX: &str = "attributed Fox and Sons";
const NO_MARK: &str = "no-mark";
const UNREADABLE: &str = "unreadable";

/// Place and verdict of everything that a trace must tell.
type Table = BTreeMap<String, String>;

/// A found folder on its way, and what must be told of it.
struct Found<'a> {
    scene: &'a Scene,
    table: Table,
    files: usize,
}

impl Found<'_> {
    /// A file, and what is told of it and of each place in it.
    fn add(&mut self, name: &str, bytes: &[u8], told: &[(&str, &str)]) {
        self.scene.write(&format!("found/{name}"), bytes);
        self.files += 1;
        for (inside, verdict) in told {
            let place = if inside.is_empty() { name.to_owned() } else { format!("{name} > {inside}") };
            assert!(self.table.insert(place, (*verdict).to_owned()).is_none(), "{name} twice");
        }
    }
}

/// A place and its verdict out of a line of JSON.
fn told(line: &Value) -> (String, String) {
    let file = line["file"].as_str().unwrap().strip_prefix("found/").unwrap().to_owned();
    let inside = line["inside"].as_array().into_iter().flatten().map(|place| place.as_str().unwrap());
    let place = std::iter::once(&file[..]).chain(inside).collect::<Vec<_>>().join(" > ");
    let recipient = line["marks"][0]["recipient"].as_str().map(|name| format!(" {name}"));
    let same = if line["same_as"].is_string() { ", same" } else { "" };
    (place, format!("{}{}{same}", line["verdict"].as_str().unwrap(), recipient.unwrap_or_default()))
}

fn table(lines: &[Value]) -> Table {
    let all: Vec<_> = lines.iter().map(told).collect();
    let table: Table = all.iter().cloned().collect();
    assert_eq!(table.len(), all.len(), "each place once");
    table
}

/// A sample, small.
fn sample(name: &str) -> DynamicImage {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples").join(name);
    image::open(path).unwrap().resize_exact(960, 540, FilterType::Triangle)
}

/// Two marked pictures, for two vendors.
fn marked(scene: &Scene) -> (DynamicImage, DynamicImage) {
    assert_eq!(scene.run(&["vendor", "add", "Fox and Sons"]).status, 0);
    scene.draw("in/shepherd/cel.png", &cel(960, 540, 0));
    scene.draw("in/fox/beach.png", &sample("cel/oca_beach.png").to_rgb8().into());
    for (vendor, folder) in [("Shepherd Boy", "shepherd"), ("Fox and Sons", "fox")] {
        let (from, to) = (format!("in/{folder}"), format!("out/{folder}"));
        let run = scene.run(&["stamp", "--to", vendor, "--no-archive", "--out", &to, &from]);
        assert_eq!(run.status, 0, "{}", run.err);
    }
    (scene.look("out/shepherd/cel.png"), scene.look("out/fox/beach.png"))
}

fn found(scene: &Scene) -> Found<'_> {
    let (shepherd, fox) = marked(scene);
    let (shepherd_png, fox_png) = (scene.read("out/shepherd/cel.png"), scene.read("out/fox/beach.png"));
    let shepherd_jpeg = encoded(&shepherd, ImageFormat::Jpeg);
    let fox_rgb = fox.to_rgb8().into_raw();
    let plain = encoded(&line_art(480, 270), ImageFormat::Png);
    let plain_jpeg = encoded(&cel(480, 270, 5), ImageFormat::Jpeg);
    let grey = vec![150; 64 * 48 * 3];
    let mut found = Found { scene, table: Table::new(), files: 0 };

    for n in 0..70 {
        let text = format!("Shot list, page {n}: nothing but words.");
        found.add(&format!("letters/page{n}.png"), text.as_bytes(), &[("", UNREADABLE)]);
    }
    for n in 0..50 {
        let same = if n == 0 { SHEPHERD.to_owned() } else { format!("{SHEPHERD}, same") };
        found.add(&format!("copies/copy-{n:02}x.png"), &shepherd_png, &[("", &same)]);
    }
    for n in 0..30 {
        let cut = &plain[..plain.len() - 40 - n];
        found.add(&format!("cut/cut{n}.png"), cut, &[("", UNREADABLE)]);
    }
    for n in 0..20 {
        let notes = zip(&[(b"readme.txt", format!("box {n}").as_bytes())]);
        found.add(&format!("empty/box{n}.png"), &notes, &[("", NO_MARK)]);
    }
    found.add("plain/a.png", &plain, &[("", NO_MARK)]);
    found.add("plain/b.jpg", &plain_jpeg, &[("", NO_MARK)]);
    found.add("plain/c.png", &plain, &[("", "no-mark, same")]);

    let docx = zip(&[(b"[Content_Types].xml", b"<Types/>"), (b"word/media/image1.png", &fox_png)]);
    found.add("boxes/a-letter.docx", &docx, &[("word/media/image1.png", FOX)]);
    let deck = zip(&[(b"ppt/slides/slide1.xml", b"<p/>"), (b"ppt/media/image3.png", &fox_png)]);
    let folder = tar(&[(b"a.txt", b"words"), (b"deck.pptx", &deck), (b"walk.jpg", &shepherd_jpeg)]);
    let outer = zip(&[
        (b"old.tgz", &gz(&folder)),
        (b"caf\xe9.png", &plain),
        (b"../../up.jpg", &plain_jpeg),
        (b"x.7z", &seven("원화.png", &shepherd_png)),
    ]);
    found.add(
        "boxes/b-nested.zip",
        &outer,
        &[
            ("old.tgz > unpacked > deck.pptx > ppt/media/image3.png", "attributed Fox and Sons, same"),
            ("old.tgz > unpacked > walk.jpg", SHEPHERD),
            ("caf\\xe9.png", NO_MARK),
            ("../../up.jpg", NO_MARK),
            ("x.7z > 원화.png", "attributed Shepherd Boy"),
        ],
    );
    // The first in the order of names is looked at, and these come before `copies` and `plain`.
    for (place, verdict) in [
        ("copies/copy-00x.png", "attributed Shepherd Boy, same"),
        ("plain/a.png", "no-mark, same"),
        ("plain/b.jpg", "no-mark, same"),
    ] {
        found.table.insert(place.to_owned(), verdict.to_owned());
    }
    let layer = |name, size, samples| Layer { name, size, channels: 3, samples };
    let layers = [layer("paper", (64, 48), &grey[..]), layer("beach", (960, 540), &fox_rgb[..])];
    found.add(
        "boxes/c-layers.psd",
        &psd(&layers, &layer("", (64, 48), &grey[..])),
        &[("layer 1: paper", NO_MARK), ("layer 2: beach", FOX), ("all layers together", "no-mark, same")],
    );
    let sheet = pdf(&[Drawn::Jpeg((960, 540), &shepherd_jpeg), Drawn::Rgb((960, 540), &fox_rgb)]);
    found.add(
        "boxes/d-sheet.pdf",
        &sheet,
        &[
            ("page 1, object 11", "attributed Shepherd Boy, same"),
            ("page 2, object 13", "attributed Fox and Sons, same"),
        ],
    );
    let broken = &outer[..outer.len() - 60];
    found.add(
        "boxes/e-broken.zip",
        broken,
        &[
            ("old.tgz > unpacked > deck.pptx > ppt/media/image3.png", "attributed Fox and Sons, same"),
            ("old.tgz > unpacked > walk.jpg", "attributed Shepherd Boy, same"),
            ("caf\\xe9.png", "no-mark, same"),
            ("../../up.jpg", "no-mark, same"),
            ("x.7z > 원화.png", "attributed Shepherd Boy, same"),
            ("", UNREADABLE),
        ],
    );
    let secret = zip_with(&[(b"secret.png", &shepherd_png)], 1);
    found.add("boxes/f-secret.zip", &secret, &[("secret.png", UNREADABLE)]);
    let cut_tar = &tar(&[(b"a.png", &plain), (b"b.png", &fox_png)])[..plain.len() + 4000];
    found.add(
        "boxes/g-cut.tar",
        cut_tar,
        &[("a.png", "no-mark, same"), ("b.png", UNREADABLE), ("", UNREADABLE)],
    );
    let deep = (0..5).fold(zip(&[(b"a.png", &plain)]), |inner, _| zip(&[(b"in.zip", &inner)]));
    found.add("boxes/h-deep.zip", &deep, &[("in.zip > in.zip > in.zip > in.zip", UNREADABLE)]);
    found.add("boxes/i-movie.bin", b"\0\0\0\x20ftypisom....", &[("", UNREADABLE)]);
    found.add("boxes/j-rar.zip", b"Rar!\x1a\x07\x01\0....", &[("", UNREADABLE)]);
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let name = std::ffi::OsStr::from_bytes(b"found/plain/\xff\xfe.png");
        std::fs::write(scene.path("").join(name), &plain).unwrap();
        found.files += 1;
        found.table.insert("plain/\\xff\\xfe.png".to_owned(), "no-mark, same".to_owned());
    }
    found
}

/// Every file below the folder, and its bytes.
fn contents(scene: &Scene) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let walk =
        |folder: std::path::PathBuf| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let folders = walk(scene.path("found"));
    let mut all: Vec<_> =
        folders.flat_map(walk).map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
    all.sort();
    all
}

#[test]
fn two_hundred_found_files_have_the_verdicts_that_were_told_beforehand() {
    let scene = Scene::new();
    let found = found(&scene);
    assert!(found.files >= 180, "{} files", found.files);
    let before = contents(&scene);
    let run = scene.run(&["trace", "--json", "--jobs", "2", "--out", "results.jsonl", "found"]);
    assert_eq!(run.status, 3, "{}", run.err);
    let lines = run.lines();
    let (got, want) = (table(&lines), &found.table);
    let wrong: Vec<_> = want.iter().filter(|(place, verdict)| got.get(*place) != Some(verdict)).collect();
    let wrong: Vec<_> = wrong.iter().map(|(place, verdict)| (place, verdict, got.get(*place))).collect();
    let more: Vec<_> = got.iter().filter(|(place, _)| !want.contains_key(*place)).collect();
    assert!(wrong.is_empty() && more.is_empty(), "wrong: {wrong:#?}\nnobody asked for: {more:#?}");

    // Where it was, whose file it was, and what its name was.
    let line = |end: &str| lines.iter().find(|line| told(line).0 == end).unwrap().clone();
    let inner = line("boxes/b-nested.zip > caf\\xe9.png");
    assert_eq!(inner["inside_bytes"], serde_json::json!(["636166e92e706e67"]));
    assert_ne!(inner["container_sha256"], inner["sha256"]);
    let copy = line("copies/copy-07x.png");
    assert_eq!(copy["same_as"], "found/boxes/b-nested.zip \u{25b8} x.7z \u{25b8} 원화.png");
    assert_eq!(copy["sha256"], line("boxes/b-nested.zip > x.7z > 원화.png")["sha256"]);
    let empty = line("empty/box3.png");
    assert!(empty["reason"].as_str().unwrap().contains("holds no pictures") && empty["frames"] == 0);
    #[cfg(unix)]
    assert_eq!(
        line("plain/\\xff\\xfe.png")["file_bytes"].as_str().unwrap().rfind("fffe2e706e67").map(|_| ()),
        Some(())
    );

    let run =
        scene.run(&["trace", "--json", "--jobs", "1", "--max-seconds", "0", "found/boxes/b-nested.zip"]);
    let lines_in_time = run.lines();
    assert!(
        run.status == 3 && lines_in_time.len() == 2,
        "one picture, and that there may be more: {}",
        run.out
    );
    assert!(lines_in_time[1]["reason"].as_str().unwrap().contains("--max-seconds"), "{}", run.out);

    goes_on(&scene, &lines);
    assert_eq!(contents(&scene), before, "nothing is changed or written beside the evidence");
}

/// A run that was stopped anywhere goes on to the same results.
fn goes_on(scene: &Scene, lines: &[Value]) {
    let whole = scene.read("results.jsonl");
    let kept: Vec<Value> =
        whole.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    assert_eq!(kept.len(), lines.len(), "every finding is kept");
    let again = scene.run(&["trace", "--out", "results.jsonl", "found"]);
    assert!(again.status == 2 && again.err.contains("--resume"), "{}", again.err);
    // In the middle of a line about a picture in an archive, so that all of the archive is looked at again.
    let text = String::from_utf8(whole.clone()).unwrap();
    let cut = text.find("g-cut.tar").unwrap() + 5;
    scene.write("results.jsonl", &whole[..cut]);
    let run = scene.run(&["trace", "--quiet", "--jobs", "2", "--out", "results.jsonl", "--resume", "found"]);
    assert_eq!(run.status, 3, "{}", run.err);
    let after = String::from_utf8(scene.read("results.jsonl")).unwrap();
    let resumed: Vec<Value> = after.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let verdict_of = |lines: &[Value]| {
        let all = lines.iter().map(|line| {
            let (place, verdict) = told(line);
            (place, verdict.replace(", same", ""))
        });
        all.collect::<Table>()
    };
    assert_eq!(verdict_of(&resumed), verdict_of(lines));
    assert_eq!(resumed.len(), lines.len(), "nothing twice");
    let run = scene.run(&["trace", "--out", "results.jsonl", "--resume", "found"]);
    assert!(run.status == 3 && run.err.contains("findings"), "nothing is left to do: {}", run.err);
    let run = scene.run(&["trace", "--out", "found/results.jsonl", "found"]);
    assert!(run.status == 2 && run.err.contains("beside"), "{}", run.err);
}
