//! What looking through the archive costs: `cargo bench -p tiermark-signal --bench archive`.
//!
//! On one core, over signs drawn by chance, which is as slow as any: the scan looks at all of them, whatever they are.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tiermark_signal::fingerprint::{Whole, looks, scan};
use tiermark_signal::{Plane, Size, align};

/// 46 hours of film at 24 frames a second.
const FRAMES: usize = 4_000_000;

fn signs(count: usize) -> Vec<[u8; 32]> {
    let mut state = 1_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut one = || std::array::from_fn::<[u8; 8], 4, _>(|_| next()).as_flattened().try_into();
    (0..count).map(|_| one().expect("four words of eight bytes")).collect()
}

fn drawing(size: Size) -> Plane {
    let unit = size.height / 90;
    Plane::from_fn(size, |x, y| {
        let (cell_x, cell_y) = (x / (9 * unit), y / (7 * unit));
        let line = x % (9 * unit) < unit / 2 || y % (7 * unit) < unit / 2;
        if line { 12.0 } else { (60 + (cell_x * 37 + cell_y * 53) % 180) as f32 }
    })
}

fn scanning(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("scan of 4 million frames");
    let all = signs(FRAMES);
    group.throughput(Throughput::Elements(FRAMES as u64));
    for variants in [1, 4, 24] {
        let sought: Vec<[u64; 4]> = (0..variants).map(|i| [i * 0x1234_5678_9abc, !i, i << 33, 7]).collect();
        group.bench_function(BenchmarkId::new("variants", variants), |b| {
            b.iter(|| scan(black_box(&all), black_box(&sought), 1000));
        });
    }
    group.finish();
}

fn describing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("describe a 1080p frame");
    let luma = drawing(Size { width: 1920, height: 1080 });
    group.bench_function("whole", |b| b.iter(|| Whole::of(black_box(&luma))));
    group.bench_function("all variants of a found one", |b| b.iter(|| looks(black_box(&luma))));
    group.bench_function("300 local features", |b| b.iter(|| align::features(black_box(&luma), 300)));
    group.finish();
}

criterion_group! {
    name = archive;
    config = Criterion::default().sample_size(10).measurement_time(Duration::from_secs(4));
    targets = scanning, describing
}
criterion_main!(archive);
