//! A place to play a journey in: a folder of its own, drawn pictures, and the program.

use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage};
use serde_json::Value;
use tempfile::TempDir;

/// The passphrase of every studio here; no output may ever hold it.
pub const PASSPHRASE: &str = "a lion in the meadow";

/// One test's folder, with a studio in it.
pub struct Scene {
    folder: TempDir,
}

/// What a run of the program gave.
pub struct Run {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Scene {
    /// A folder with a studio and a vendor called Shepherd Boy.
    pub fn new() -> Self {
        let scene = Self::empty();
        assert_eq!(scene.run(&["init", "--name", "Lion Studio"]).status, 0);
        assert_eq!(scene.run(&["vendor", "add", "Shepherd Boy"]).status, 0);
        scene
    }

    /// A folder with nothing but a passphrase file.
    pub fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("passphrase"), format!("{PASSPHRASE}\n")).unwrap();
        Self { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program, ready to run in the scene's folder.
    pub fn program(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tiermark"));
        command.current_dir(self.folder.path()).env_clear().env("TIERMARK_PASSPHRASE_FILE", "passphrase");
        command.timeout(std::time::Duration::from_secs(300));
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        Run::of(&self.program().args(arguments).output().unwrap())
    }

    /// Write a file, and the folders it needs.
    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Write a picture.
    pub fn draw(&self, name: &str, picture: &DynamicImage) -> PathBuf {
        let format = ImageFormat::from_path(name).unwrap();
        self.write(name, &encoded(picture, format))
    }

    /// A file's bytes.
    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// A picture's samples.
    pub fn look(&self, name: &str) -> DynamicImage {
        image::load_from_memory(&self.read(name)).unwrap()
    }

    /// All files below a folder, hidden ones too, in order.
    pub fn files(&self, folder: &str) -> Vec<String> {
        let mut names = Vec::new();
        collect(&self.path(folder), &self.path(folder), &mut names);
        names.sort();
        names
    }

    /// The hand-overs of a vendor.
    pub fn handovers(&self, vendor: &str) -> Vec<Value> {
        let shown = self.run(&["vendor", "show", vendor, "--json"]);
        shown.lines()[0]["handovers"].as_array().unwrap().clone()
    }
}

fn collect(root: &Path, folder: &Path, names: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, names);
        } else {
            names.push(path.strip_prefix(root).unwrap().to_string_lossy().into_owned());
        }
    }
}

impl Run {
    pub fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let run = Self {
            status: output.status.code().unwrap_or(-1),
            out: text(&output.stdout),
            err: text(&output.stderr),
        };
        assert!(!run.out.contains(PASSPHRASE) && !run.err.contains(PASSPHRASE), "the passphrase was shown");
        assert!(!run.err.contains("panicked"), "{}", run.err);
        run
    }

    /// Standard output as JSON lines.
    pub fn lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The line about the file whose path ends so.
    pub fn about(&self, end: &str) -> Value {
        let found = self.lines().into_iter().find(|line| line["file"].as_str().unwrap().ends_with(end));
        found.unwrap_or_else(|| panic!("nothing about {end} in {}\n{}", self.out, self.err))
    }
}

/// The bytes of a picture's file.
pub fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// Flat colours with outlines over a slow gradient; every `variant` is another drawing.
pub fn cel(width: u32, height: u32, variant: u32) -> DynamicImage {
    let unit = height as f32 / 540.0;
    DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, |x, y| {
        let (x, y) = (x as f32 / unit, y as f32 / unit);
        let distance = ((x - 300.0 - 40.0 * variant as f32).powi(2) + (y - 250.0).powi(2)).sqrt();
        match distance {
            d if d < 140.0 => Rgb([230, 190, 150]),
            d if d < 144.0 => Rgb([20, 16, 24]),
            _ if y > 400.0 => Rgb([70, 120, 60]),
            _ => Rgb([120 + (y / 12.0) as u8, 170 + (y / 16.0) as u8, 220]),
        }
    }))
}

/// Ink lines on white paper, in grey.
pub fn line_art(width: u32, height: u32) -> DynamicImage {
    DynamicImage::ImageLuma8(GrayImage::from_fn(width, height, |x, y| {
        let wave = (f64::from(x) / 40.0).sin() * 60.0 + 200.0;
        let away = (f64::from(y) - wave).abs();
        let ink = away < 2.0 || (x / 3 + y) % 211 < 3;
        // A third tone, seldom: lines of two would be refused.
        Luma([if ink {
            10
        } else if away < 2.1 {
            128
        } else {
            255
        }])
    }))
}
