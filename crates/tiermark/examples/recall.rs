//! How often does the archive find the original of a changed picture? Prints the table of docs/evidence/archive.md.
//!
//! `cargo run --release --example recall -- CLIPS STILLS [ROW...]`: `CLIPS` holds a folder of frames to each clip, `STILLS` pictures
//! in any folders. All become 960 x 540. To some stills come three that differ in one small spot; the others become shots of
//! 33 frames: a mouth on twos, a pan, a cycle of eight. 48 frames, drawn by a seed, are changed in each way and looked for.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a chore of ours, which prints its table and may stop"
)]

use std::path::{Path, PathBuf};
use std::time::Instant;

use image::imageops::FilterType;
use image::{DynamicImage, GenericImageView, Rgb, RgbImage};
use tiermark::archive::{Archive, Fresh, How, Sights, append};
use tiermark::bench::{Attack, Scene};
use tiermark::inputs::{Inputs, Links};
use tiermark::ledger::Digest;
use tiermark_frame::{Frame, Limits};
use tiermark_signal::{Plane, Size};

fn main() {
    let named: Vec<PathBuf> = std::env::args().skip(1).map(PathBuf::from).collect();
    let [clips, stills, only @ ..] = &named[..] else { panic!("recall CLIPS STILLS [ROW...]") };
    let mut dice = fastrand::Rng::with_seed(6);
    let frames = frames(clips, stills, &mut dice);
    let folder = tempfile::tempdir().unwrap();
    let archive = recorded(&frames, folder.path());
    let counts = archive.counts();
    println!(
        "{} frames of {} shots, {} distinct drawings, {} features\n",
        frames.len(),
        frames.iter().map(|frame| &frame.shot).collect::<std::collections::BTreeSet<_>>().len(),
        counts.drawings,
        counts.features
    );
    let mut all: Vec<usize> = (0..frames.len()).collect();
    dice.shuffle(&mut all);
    let sought = &all[..QUERIES];
    println!(
        "| change | recall@1 | recall@10 | recall@50 | right shot first | by parts, panels | likeness of the first, right / wrong shot | s a query |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let wanted =
        |name: &str| only.is_empty() || only.iter().any(|part| name.contains(&*part.to_string_lossy()));
    for (name, change) in changes().into_iter().filter(|(name, _)| wanted(name)) {
        row(name, &change, &archive, &frames, sought);
    }
}

const QUERIES: usize = 48;
const SIZE: (u32, u32) = (960, 540);

/// One frame of the archive.
struct Shown {
    shot: String,
    picture: RgbImage,
    luma: Plane,
}

impl Shown {
    fn new(shot: String, picture: RgbImage) -> Self {
        let luma = luma(&picture);
        Self { shot, picture, luma }
    }
}

fn luma(picture: &RgbImage) -> Plane {
    let size = Size::new(picture.width() as usize, picture.height() as usize).unwrap();
    Plane::from_fn(size, |x, y| {
        let Rgb([r, g, b]) = *picture.get_pixel(x as u32, y as u32);
        0.299 * f32::from(r) + 0.587 * f32::from(g) + 0.114 * f32::from(b)
    })
}

fn opened(path: &Path) -> Option<RgbImage> {
    let picture = image::open(path).ok()?;
    let mut white = RgbImage::from_pixel(picture.width(), picture.height(), Rgb([255; 3]));
    let layer = picture.to_rgba8();
    for (to, from) in white.pixels_mut().zip(layer.pixels()) {
        let a = u32::from(from.0[3]);
        let mix = |i: usize| ((u32::from(from.0[i]) * a + 255 * (255 - a)) / 255) as u8;
        *to = Rgb([0, 1, 2].map(mix));
    }
    let filled = DynamicImage::ImageRgb8(white).resize_to_fill(SIZE.0, SIZE.1, FilterType::CatmullRom);
    Some(filled.to_rgb8())
}

fn pictures(folder: &Path) -> Vec<PathBuf> {
    Inputs::find(&[folder.to_path_buf()], Links::Follow).files.into_iter().map(|file| file.path).collect()
}

fn frames(clips: &Path, stills: &Path, dice: &mut fastrand::Rng) -> Vec<Shown> {
    let mut frames = Vec::new();
    for path in pictures(clips) {
        let shot = path.parent().unwrap().to_string_lossy().into_owned();
        frames.extend(opened(&path).map(|picture| Shown::new(shot, picture)));
    }
    let stills: Vec<(PathBuf, RgbImage)> =
        pictures(stills).into_iter().filter_map(|path| Some((path.clone(), opened(&path)?))).collect();
    // A still belongs to one of the two, so that a shot is not to be found in another place.
    let (single, moving) = stills.split_at(stills.len().min(SINGLE));
    for (path, picture) in single {
        let shot = path.to_string_lossy().into_owned();
        for _ in 0..3 {
            let mut near = picture.clone();
            let at = [dice.i32(180..780), dice.i32(120..420)];
            spot(&mut near, at, (13, 7), Rgb([dice.u8(..), dice.u8(..), dice.u8(..)]));
            frames.push(Shown::new(shot.clone(), near));
        }
        frames.push(Shown::new(shot, picture.clone()));
    }
    for (number, (path, picture)) in moving.iter().enumerate() {
        let shot = path.to_string_lossy().into_owned();
        for i in 0..LENGTH {
            let mut frame = picture.clone();
            match number % 3 {
                // A mouth on twos.
                0 => spot(&mut frame, [480, 300], (18, 3 + 3 * ((i / 2) % 6) / 2), Rgb([150, 40, 50])),
                1 => frame = panned(picture, 4 * i),
                // A cycle of eight drawings.
                _ => spot(
                    &mut frame,
                    [360 + 30 * (i % 8), 330 + 9 * ((i % 8) % 3)],
                    (45, 75),
                    Rgb([230, 190, 150]),
                ),
            }
            frames.push(Shown::new(shot.clone(), frame));
        }
    }
    frames
}

const SINGLE: usize = 20;
const LENGTH: i32 = 33;

/// An ellipse with a dark outline.
fn spot(picture: &mut RgbImage, at: [i32; 2], (across, down): (i32, i32), colour: Rgb<u8>) {
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        let [dx, dy] = [(x as i32 - at[0]) as f32 / across as f32, (y as i32 - at[1]) as f32 / down as f32];
        match dx * dx + dy * dy {
            d if d < 0.8 => *pixel = colour,
            d if d < 1.0 => *pixel = Rgb([20, 16, 24]),
            _ => {}
        }
    }
}

/// A window of 80 % that moves over the picture.
fn panned(picture: &RgbImage, by: i32) -> RgbImage {
    let (width, height) = (SIZE.0 * 8 / 10, SIZE.1 * 8 / 10);
    let window = picture.view((by as u32).min(SIZE.0 - width), 30, width, height).to_image();
    image::imageops::resize(&window, SIZE.0, SIZE.1, FilterType::CatmullRom)
}

fn recorded(frames: &[Shown], folder: &Path) -> Archive {
    let sights = Sights::new(None);
    let start = Instant::now();
    let fresh: Vec<Fresh> = frames
        .iter()
        .enumerate()
        .map(|(number, shown)| {
            let path = folder.join(format!("{number}.png"));
            shown.picture.save(&path).unwrap();
            let bytes = std::fs::read(&path).unwrap();
            let sha256 = Digest::of(&bytes);
            let frame = Frame::decode(bytes, &Limits::default()).unwrap();
            let pix = Digest::from_bytes(frame.pixel_digest());
            Fresh {
                path,
                sha256,
                pix,
                content: Digest::of(&number.to_le_bytes()),
                size: frame.size(),
                sight: sights.of(&shown.shot, pix, &frame),
            }
        })
        .collect();
    let all: Vec<&Fresh> = fresh.iter().collect();
    append(folder, &all, None, u64::MAX, 0).unwrap();
    println!(
        "recorded in {:.1} s on one core, pictures written and read included",
        start.elapsed().as_secs_f64()
    );
    Archive::open(folder).unwrap().unwrap()
}

type Change = Box<dyn Fn(&DynamicImage, u64) -> DynamicImage>;

fn one(attack: Attack) -> Change {
    several(vec![attack])
}

fn several(attacks: Vec<Attack>) -> Change {
    Box::new(move |picture, seed| {
        attacks.iter().fold(picture.clone(), |picture, attack| {
            attack.apply(&Scene { copies: std::slice::from_ref(&picture) }, seed).unwrap()
        })
    })
}

fn changes() -> Vec<(&'static str, Change)> {
    vec![
        ("none", one(Attack::None)),
        ("JPEG q10", one(Attack::Jpeg(10))),
        ("10 % of the size (96 px), JPEG 80", several(vec![Attack::Resize(0.1), Attack::Jpeg(80)])),
        ("grey + posterised to 6", several(vec![Attack::Grayscale, Attack::Posterise(6)])),
        (
            "graded",
            several(vec![
                Attack::Gamma(1.6),
                Attack::Contrast(1.3),
                Attack::Saturation(1.5),
                Attack::Hue(15.0),
            ]),
        ),
        (
            "negative",
            Box::new(|picture, _| {
                let mut picture = DynamicImage::ImageRgb8(picture.to_rgb8());
                picture.invert();
                picture
            }),
        ),
        ("line extraction", Box::new(|picture, _| lines(picture))),
        ("letterbox", one(Attack::Letterbox)),
        ("crop, 80 % of the sides", one(Attack::Crop(0.64))),
        ("crop, 55 % of the sides", one(Attack::Crop(0.3))),
        ("crop, 23 % of the sides", one(Attack::Crop(0.05))),
        (
            "crop to 4:3, JPEG 70",
            Box::new(|picture, _| {
                let middle = picture.crop_imm(120, 0, 720, 540);
                Attack::Jpeg(70).apply(&Scene { copies: std::slice::from_ref(&middle) }, 0).unwrap()
            }),
        ),
        ("turned by 3 degrees", one(Attack::Rotate(3.0))),
        ("quarter turn", one(Attack::QuarterTurn)),
        ("mirrored", one(Attack::Mirror)),
        ("mirrored, crop 80 %", several(vec![Attack::Mirror, Attack::Crop(0.64)])),
        ("painted over, 30 %", one(Attack::Repaint(0.3))),
        ("painted over, 60 %", one(Attack::Repaint(0.6))),
        ("screenshot of a viewer", one(Attack::Window(0.6))),
        ("contact sheet of nine", one(Attack::ContactSheet)),
        ("perspective 10 %", one(Attack::Perspective(0.1))),
        ("photo of a screen", one(Attack::Phone)),
        ("messenger of half the size", several(vec![Attack::Resize(0.5), Attack::Messenger])),
    ]
}

/// Dark where the picture changes from pixel to pixel.
fn lines(picture: &DynamicImage) -> DynamicImage {
    let grey = picture.to_luma8();
    let soft = image::imageops::blur(&grey, 1.5);
    let line = |x, y| {
        let change = i32::from(grey.get_pixel(x, y).0[0]) - i32::from(soft.get_pixel(x, y).0[0]);
        image::Luma([(255 + 6 * change.min(0)).max(0) as u8])
    };
    DynamicImage::ImageLuma8(image::GrayImage::from_fn(grey.width(), grey.height(), line))
}

fn row(name: &str, change: &Change, archive: &Archive, frames: &[Shown], sought: &[usize]) {
    let (mut first, mut tenth, mut listed, mut shot, mut parts, mut panels) = (0, 0, 0, 0, 0, 0);
    let (mut right, mut wrong) = (f32::INFINITY, 0.0_f32);
    let mut seconds = 0.0;
    for &number in sought {
        let shown = &frames[number];
        let picture = change(&DynamicImage::ImageRgb8(shown.picture.clone()), number as u64).to_rgb8();
        let found = luma(&picture);
        let start = Instant::now();
        let candidates = archive.candidates(&found, 50);
        seconds += start.elapsed().as_secs_f64();
        let same = |other: usize| {
            frames[other].shot == shown.shot && difference(&frames[other].luma, &shown.luma) < 0.6
        };
        let place = candidates.iter().position(|candidate| same(candidate.entry.index));
        first += usize::from(place == Some(0));
        tenth += usize::from(place.is_some_and(|place| place < 10));
        listed += usize::from(place.is_some());
        let Some(best) = candidates.first() else { continue };
        let right_shot = frames[best.entry.index].shot == shown.shot;
        shot += usize::from(right_shot);
        match best.how {
            How::Part { .. } => parts += 1,
            How::Panel { .. } => panels += 1,
            How::Whole { .. } if right_shot => right = right.min(best.likeness),
            How::Whole { .. } => wrong = wrong.max(best.likeness),
        }
    }
    let share = |count: usize| format!("{:.2}", count as f64 / sought.len() as f64);
    let told = |v: f32| if v > 0.0 && v.is_finite() { format!("{v:.2}") } else { "-".to_owned() };
    println!(
        "| {name} | {} | {} | {} | {} | {parts}, {panels} | {} / {} | {:.2} |",
        share(first),
        share(tenth),
        share(listed),
        share(shot),
        told(right),
        told(wrong),
        seconds / sought.len() as f64
    );
}

/// Root of the mean squared difference, code values.
fn difference(a: &Plane, b: &Plane) -> f64 {
    let squares = a.samples().iter().zip(b.samples()).map(|(a, b)| f64::from((a - b) * (a - b)));
    (squares.sum::<f64>() / a.samples().len() as f64).sqrt()
}
