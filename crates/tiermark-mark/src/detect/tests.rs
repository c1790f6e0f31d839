//! The detector on a drawn cel: first what must not be found.

use tiermark_signal::Plane;

use super::*;
use crate::embed::{Embedder, Strength};
use crate::payload::ContentId;

const PAYLOAD: Payload = Payload([0x1d, 0xc9, 0xfb, 0xb9, 0xc9, 0xc1, 0x13, 0xd2]);
const OTHER: Payload = Payload([0x65, 0xd3, 0xa3, 0x92, 0x3c, 0xc3, 0x18, 0x2d]);

fn key(byte: u8) -> MarkKey {
    MarkKey::new([byte; 32])
}

/// Flat colours with outlines and a soft gradient, as a cel over a background.
fn cel(size: Size) -> Plane {
    let scale = size.short_side() as f32 / 540.0;
    Plane::from_fn(size, |x, y| {
        let (x, y) = (x as f32 / scale, y as f32 / scale);
        let disc = libm::hypotf(x - 420.0, y - 260.0);
        let stripe = ((x + 0.5 * y) as usize / 90).is_multiple_of(2);
        match disc {
            d if d < 150.0 => 225.0,
            d if d < 154.0 => 20.0,
            _ if stripe => 90.0 + y / 30.0,
            _ => 255.0,
        }
    })
}

fn marked(size: Size, payload: Payload) -> Plane {
    let host = [cel(size)];
    let picture = Picture { colours: &host, alpha: None, premultiplied: false };
    let embedder = Embedder::new(&key(1), &key(3), payload, Strength::STANDARD);
    embedder.embed(&picture, &ContentId([9; 32]))[0].clone().map(f32::round)
}

fn read(found: Plane, lattice: u8, tiers: &[u8], known: &[Payload], effort: Effort) -> Vec<Reading> {
    let tiers: Vec<MarkKey> = tiers.iter().map(|&t| key(t)).collect();
    let colours = [found];
    let picture = Picture { colours: &colours, alpha: None, premultiplied: false };
    Detector::new(&key(lattice), &tiers).read(&picture, &Question { known, scales: &[0.75], effort })
}

const SIZE: Size = Size { width: 960, height: 540 };

#[test]
fn nothing_is_read_without_mark_under_wrong_keys_and_of_other_words() {
    assert!(read(cel(SIZE), 1, &[2, 3], &[PAYLOAD], Effort::Full).is_empty(), "no mark");
    let found = marked(SIZE, PAYLOAD);
    assert!(read(found.clone(), 7, &[2, 3], &[PAYLOAD], Effort::KnownScales).is_empty(), "another lattice");
    assert!(read(found.clone(), 1, &[2, 4], &[PAYLOAD], Effort::Full).is_empty(), "another tier");
    let readings = read(found, 1, &[3], &[OTHER], Effort::KnownScales);
    assert!(readings.iter().all(|r| r.payload == PAYLOAD && !r.known), "an unknown word is no known one");
}

#[test]
fn the_word_is_read_however_the_picture_is_turned() {
    let found = marked(SIZE, PAYLOAD);
    let mirrored = Plane::from_fn(SIZE, |x, y| found.at(SIZE.width - 1 - x, y));
    let half_turn = Plane::from_fn(SIZE, |x, y| found.at(SIZE.width - 1 - x, SIZE.height - 1 - y));
    // Turned clockwise, the upper left corner comes to the upper right.
    let turned = Plane::from_fn(Size { width: 540, height: 960 }, |x, y| found.at(y, SIZE.height - 1 - x));
    for (name, found, degrees, flipped) in [
        ("mirrored", mirrored, 0.0, true),
        ("half turn", half_turn, 180.0, false),
        ("quarter turn", turned, 90.0, false),
        ("as it was", found, 0.0, false),
    ] {
        let readings = read(found, 1, &[2, 3], &[OTHER, PAYLOAD], Effort::KnownScales);
        assert_eq!(readings.len(), 1, "{name}");
        let reading = readings[0];
        assert_eq!((reading.payload, reading.key, reading.known), (PAYLOAD, 1, true), "{name}");
        assert!(reading.false_alarm.log10() < -50.0, "{name}: {}", reading.false_alarm.log10());
        let geometry = reading.geometry;
        assert!((geometry.pixels_per_ref / 0.75 - 1.0).abs() < 2e-3, "{name}: {geometry:?}");
        let apart = (geometry.rotation_deg - degrees).rem_euclid(360.0);
        assert!(apart.min(360.0 - apart) < 0.1, "{name}: {geometry:?}");
        assert_eq!(geometry.flipped, flipped, "{name}");
    }
}

#[test]
fn a_cutting_at_an_unknown_scale_is_found_by_the_whole_search() {
    let found = marked(Size { width: 1440, height: 810 }, PAYLOAD);
    let shrunk = Plane::from_fn(Size { width: 800, height: 520 }, |x, y| {
        tiermark_signal::resample::cubic(&found, 77.0 + x as f32 / 0.7, 31.0 + y as f32 / 0.7)
    });
    let readings = read(shrunk, 1, &[3], &[PAYLOAD], Effort::Full);
    assert!(
        readings.first().is_some_and(|r| r.payload == PAYLOAD && r.false_alarm.log10() < -30.0),
        "{readings:?}"
    );
}

#[test]
fn a_word_that_nobody_asked_for_is_read_with_its_own_bound() {
    let found = marked(SIZE, PAYLOAD);
    let asked = read(found.clone(), 1, &[3], &[PAYLOAD], Effort::KnownScales)[0];
    let unasked = read(found, 1, &[3], &[], Effort::KnownScales)[0];
    assert_eq!((unasked.payload, unasked.known), (PAYLOAD, false));
    // 2^64 words instead of one: 64 log10(2) = 19.3.
    assert!((unasked.false_alarm.log10() - asked.false_alarm.log10() - 19.27).abs() < 0.5);
}

#[test]
fn small_and_empty_pictures_are_looked_at_without_harm() {
    for (width, height) in [(1, 1), (3, 900), (25, 25), (64, 40)] {
        for value in [0.0, 255.0] {
            let plane = Plane::filled(Size { width, height }, value);
            assert!(read(plane, 1, &[3], &[PAYLOAD], Effort::Full).is_empty(), "{width}x{height}");
        }
    }
}

#[test]
fn statistics_of_an_unmarked_picture_are_standard_normal() {
    let colours = [cel(SIZE)];
    let picture = Picture { colours: &colours, alpha: None, premultiplied: false };
    let tiers: Vec<MarkKey> = (10..30).map(key).collect();
    let z = Detector::new(&key(1), &tiers).statistics(&picture, PAYLOAD);
    assert_eq!(z.len(), 20 * OFFSETS * WEIGHTS.len());
    let mean = z.iter().sum::<f64>() / z.len() as f64;
    let variance = z.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / z.len() as f64;
    // 20 keys of which each gives about 64 independent values: deviation of the mean 1/36, of the variance 1/25.
    assert!(mean.abs() < 5.0 / 36.0, "{mean}");
    assert!((variance - 1.0).abs() < 5.0 / 25.0, "{variance}");
}

#[test]
fn a_weak_reading_gives_way_to_a_surer_one_and_does_not_end_the_search() {
    let found = marked(SIZE, PAYLOAD);
    let sure = read(found, 1, &[3], &[PAYLOAD], Effort::KnownScales);
    let weak: Vec<Reading> =
        sure.iter().map(|r| Reading { false_alarm: FalseAlarm::of_one(7.0).over(1e4), ..*r }).collect();
    assert!(certain(&sure) && !certain(&weak) && !certain(&[]));
    assert_eq!(least_log10(&surer(weak.clone(), sure.clone())), least_log10(&sure));
    assert_eq!(least_log10(&surer(sure.clone(), weak)), least_log10(&sure));
}
