//! What each stage of marking and reading costs: `cargo bench`.
//!
//! The frames are drawn here, so that every machine measures the same: flat colours, lines, a shaded ground and a patch
//! of grain. Times are for one core; compare them with each other and not between machines.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tiermark_mark::{
    ContentId, Detector, Effort, Embedder, Laid, MarkKey, Original, Payload, Picture, Question, Strength,
};
use tiermark_signal::align::{Alignment, Prepared, register, warp_all};
use tiermark_signal::filter::{box_mean, gaussian, normalise_locally};
use tiermark_signal::{Homography, Plane, Size, poisson};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const HD: Size = Size { width: 1920, height: 1080 };
const UHD: Size = Size { width: 3840, height: 2160 };

fn frame(size: Size) -> Vec<Plane> {
    let unit = size.height / 135;
    let value = |x: usize, y: usize, channel: usize| {
        let (cell_x, cell_y) = (x / (12 * unit), y / (9 * unit));
        let ground = 90 + (cell_x * 37 + cell_y * 53 + channel * 29) % 150;
        let line = x % (12 * unit) < unit / 4 || y % (9 * unit) < unit / 4;
        let grain = if cell_y % 3 == 1 { (x * 7919 + y * 104_729) % 23 } else { 0 };
        let shade = if cell_y % 3 == 2 { x * 20 / size.width } else { 0 };
        if line { 12.0 } else { (ground + grain + shade) as f32 }
    };
    (0..3).map(|channel| Plane::from_fn(size, |x, y| value(x, y, channel))).collect()
}

fn key(byte: u8) -> MarkKey {
    MarkKey::new([byte; 32])
}

fn picture(colours: &[Plane]) -> Picture<'_> {
    Picture { colours, alpha: None, premultiplied: false }
}

const SIZES: [(&str, Size); 2] = [("1080p", HD), ("2160p", UHD)];
const CONTENT: ContentId = ContentId([7; 32]);
const WORD: Payload = Payload([5; 8]);

fn embedding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("embed");
    for (name, size) in SIZES {
        let host = frame(size);
        group.throughput(Throughput::Elements(size.area() as u64));
        let first = Embedder::new(&key(1), &key(2), WORD, Strength::STANDARD);
        group.bench_function(BenchmarkId::new("first tier", name), |b| {
            b.iter(|| first.embed(black_box(&picture(&host)), &CONTENT));
        });
        let further = Embedder::further(&key(1), &key(3), WORD, Strength::STANDARD);
        group.bench_function(BenchmarkId::new("further tier", name), |b| {
            b.iter(|| further.embed(black_box(&picture(&host)), &CONTENT));
        });
    }
    group.finish();
}

fn detection(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("detect");
    let tiers: Vec<MarkKey> = (2..18).map(key).collect();
    let detector = Detector::new(&key(1), &tiers);
    for (name, size) in SIZES {
        let host = frame(size);
        let marked: Vec<Plane> = Embedder::new(&key(1), &key(2), WORD, Strength::STANDARD)
            .embed(&picture(&host), &CONTENT)
            .into_iter()
            .map(|plane| plane.map(|v| v.round().clamp(0.0, 255.0)))
            .collect();
        let frames = [size];
        let question =
            |effort| Question { listed: 0, known: &[WORD], frames: &frames, contents: &[], effort };
        group.throughput(Throughput::Elements(size.area() as u64));
        for (case, planes, effort) in [
            ("same size", &marked, Effort::KnownScales),
            ("marked, all geometries", &marked, Effort::Full),
            ("unmarked, known scales", &host, Effort::KnownScales),
            ("unmarked, all geometries", &host, Effort::Full),
            ("unmarked, exhaustive", &host, Effort::Exhaustive),
        ] {
            group.bench_function(BenchmarkId::new(case, name), |b| {
                b.iter(|| detector.read(black_box(&picture(planes)), &question(effort)));
            });
        }
    }
    group.finish();
}

/// With the original at hand: registered, brought to the found grid, and taken away from a copy.
fn informed(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("informed");
    let host = frame(HD);
    let embedder = Embedder::new(&key(1), &key(2), WORD, Strength::STANDARD);
    let copy = embedder.embed_closed(&picture(&host), &CONTENT, &key(4));
    let copy: Vec<Plane> = copy.into_iter().map(|plane| plane.map(|v| v.round().clamp(0.0, 255.0))).collect();
    let (before, after) = (Prepared::new(&host[1]), &copy[1]);
    group.bench_function("register", |b| b.iter(|| register(&before, black_box(&Prepared::new(after)))));
    let half = Size { width: HD.width / 2, height: HD.height / 2 };
    for (name, skew) in [("warp, scaled", 0.0), ("warp, turned", 0.01)] {
        let map = Homography { rows: [[0.5, skew, -0.25], [-skew, 0.5, -0.25], [0.0, 0.0, 1.0]] };
        let alignment = Alignment::exact(map);
        group.bench_function(name, |b| b.iter(|| warp_all(black_box(&host), &alignment, half)));
    }
    let (original, valid, coarse) = (Original::new(&host, None), Plane::filled(HD, 1.0), [16; 64]);
    for (name, steps) in [("evidence", None), ("evidence of a JPEG", Some(&coarse))] {
        let base = original.base();
        let laid = Laid { found: &copy, original: base, valid: &valid, place: &|place| place, steps };
        group.bench_function(name, |b| b.iter(|| original.evidence(black_box(&laid))));
    }
    group.finish();
}

fn signal(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("signal");
    let plane = &frame(Size { width: 1280, height: 720 })[0];
    group.throughput(Throughput::Elements(plane.size().area() as u64));
    group.bench_function("box mean", |b| b.iter(|| box_mean(black_box(plane), 20)));
    group.bench_function("gaussian, sampled", |b| b.iter(|| gaussian(black_box(plane), 1.6)));
    group.bench_function("gaussian, three boxes", |b| b.iter(|| gaussian(black_box(plane), 12.0)));
    group.bench_function("normalise locally", |b| {
        b.iter(|| normalise_locally(black_box(plane), 1.6, 12.0, 24.0));
    });
    group.bench_function("poisson", |b| b.iter(|| poisson::integrate(black_box(plane), plane)));
    group.finish();
}

criterion_group! {
    name = stages;
    config = Criterion::default().sample_size(10).warm_up_time(Duration::from_millis(500));
    targets = embedding, detection, informed, signal
}
criterion_main!(stages);
