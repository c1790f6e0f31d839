//! Pictures for tests.

use crate::{Plane, Size};

/// Soft blobs of many sizes, placed by a fixed generator.
pub(super) fn blobs(size: Size, count: u64, seed: u64) -> Plane {
    let mut state = seed;
    let mut chance = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u64 << 24) as f32
    };
    let mut plane = Plane::filled(size, 128.0);
    for _ in 0..count {
        let (cx, cy) = (chance() * size.width as f32, chance() * size.height as f32);
        let (radius, tall, height) = (2.0 + 8.0 * chance(), 0.5 + chance(), 160.0 * (chance() - 0.5));
        let reach = 4.0 * radius;
        let span =
            |c: f32, end: usize| (c - reach).max(0.0) as usize..((c + reach).max(0.0) as usize).min(end);
        for y in span(cy, size.height) {
            for x in span(cx, size.width) {
                let (dx, dy) = ((x as f32 - cx) / radius, (y as f32 - cy) / (radius * tall));
                plane.row_mut(y)[x] += height * libm::expf(-0.5 * (dx * dx + dy * dy));
            }
        }
    }
    plane.map(|v| v.clamp(0.0, 255.0))
}
