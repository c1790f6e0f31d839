//! The detector on a drawn cel: first what must not be found.

use tiermark_signal::resample::cubic;
use tiermark_signal::{Plane, Size};

use super::reading::least_log10;
use super::word::{OFFSETS, WEIGHTS};
use super::*;
use crate::embed::{Embedder, Strength};
use crate::evidence::FalseAlarm;
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
    Detector::new(&key(lattice), &tiers)
        .read(&picture, &Question { listed: 0, known, frames: &[SIZE], contents: &[], effort })
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
        ("as it was", found.clone(), 0.0, false),
        ("negative", found.map(|v| 255.0 - v), 0.0, false),
    ] {
        let readings = read(found, 1, &[2, 3], &[OTHER, PAYLOAD], Effort::KnownScales);
        assert_eq!(readings.len(), 1, "{name}");
        let reading = &readings[0];
        assert_eq!((reading.payload, reading.key, reading.known), (PAYLOAD, 1, true), "{name}");
        assert!(reading.false_alarm.log10() < -50.0, "{name}: {}", reading.false_alarm.log10());
        let geometry = reading.geometry;
        assert!((geometry.pixels_per_ref / 0.75 - 1.0).abs() < 2e-3, "{name}: {geometry:?}");
        let apart = (geometry.rotation_deg - degrees).rem_euclid(360.0);
        assert!(apart.min(360.0 - apart) < 0.1, "{name}: {geometry:?}");
        assert_eq!((geometry.flipped, geometry.negative), (flipped, name == "negative"), "{name}");
    }
}

#[test]
fn a_cutting_at_an_unknown_scale_is_found_by_the_whole_search() {
    let found = marked(Size { width: 1440, height: 810 }, PAYLOAD);
    let shrunk = Plane::from_fn(Size { width: 800, height: 520 }, |x, y| {
        cubic(&found, 77.0 + x as f32 / 0.7, 31.0 + y as f32 / 0.7)
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
    let asked = read(found.clone(), 1, &[3], &[PAYLOAD], Effort::KnownScales).remove(0);
    let unasked = read(found, 1, &[3], &[], Effort::KnownScales).remove(0);
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
    let weakened = |r: &Reading| Reading { false_alarm: FalseAlarm::of_one(7.0).over(1e4), ..r.clone() };
    let weak: Vec<Reading> = sure.iter().map(weakened).collect();
    assert!(certain(&sure) && !certain(&weak) && !certain(&[]));
    assert_eq!(least_log10(&surer(weak.clone(), sure.clone())), least_log10(&sure));
    assert_eq!(least_log10(&surer(sure.clone(), weak)), least_log10(&sure));
}

/// `from` read through the map `(x, y) -> (a x + b y, c x + d y) + shift`, white where there is nothing.
fn warped(from: &Plane, size: Size, [[a, b], [c, d]]: [[f32; 2]; 2], shift: [f32; 2]) -> Plane {
    Plane::from_fn(size, |x, y| {
        let (x, y) = (x as f32, y as f32);
        let (u, v) = (a * x + b * y + shift[0], c * x + d * y + shift[1]);
        let inside = u >= 0.0 && v >= 0.0 && u < from.width() as f32 && v < from.height() as f32;
        if inside { cubic(from, u, v) } else { 255.0 }
    })
}

#[test]
fn a_frame_pressed_into_another_shape_is_found_by_its_size() {
    let frame = marked(SIZE, PAYLOAD);
    let narrow = warped(&frame, Size { width: 864, height: 540 }, [[1.0 / 0.9, 0.0], [0.0, 1.0]], [0.0; 2]);
    let turned = warped(&frame, Size { width: 540, height: 864 }, [[0.0, 1.0 / 0.9], [1.0, 0.0]], [0.0; 2]);
    for found in [narrow, turned] {
        let readings = read(found, 1, &[3], &[PAYLOAD], Effort::KnownScales);
        assert!(readings.first().is_some_and(Reading::is_certain), "{readings:?}");
    }
}

#[test]
fn unequal_sides_and_shear_are_found() {
    let found = marked(SIZE, PAYLOAD);
    for map in [[[1.0, 0.0], [0.0, 1.25]], [[1.0, 0.15], [0.0, 1.0]], [[0.9, -0.5], [0.45, 1.0]]] {
        let changed = warped(&found, Size { width: 900, height: 500 }, map, [30.0, 10.0]);
        let readings = read(changed, 1, &[2, 3], &[OTHER, PAYLOAD], Effort::Full);
        assert!(
            readings.first().is_some_and(|r| r.payload == PAYLOAD && r.is_certain()),
            "{map:?}: {readings:?}"
        );
    }
}

#[test]
fn a_picture_pasted_into_a_larger_one_is_found_and_its_place_told() {
    let found = marked(Size { width: 1280, height: 720 }, PAYLOAD);
    // At 0.6 of its size, its corner at (500, 330) of a desktop with a bar and stripes.
    let pasted = Plane::from_fn(Size { width: 1400, height: 900 }, |x, y| {
        let (u, v) = ((x as f32 - 500.0) / 0.6, (y as f32 - 330.0) / 0.6);
        let inside = u >= 0.0 && v >= 0.0 && u < 1280.0 && v < 720.0;
        if inside {
            cubic(&found, u, v)
        } else if y < 40 || (x / 9 + y / 23).is_multiple_of(5) {
            60.0
        } else {
            205.0
        }
    });
    let readings = read(pasted, 1, &[2, 3], &[OTHER, PAYLOAD], Effort::Full);
    assert!(readings.first().is_some_and(|r| r.payload == PAYLOAD && r.is_certain()), "{readings:?}");
    let seen: Vec<&Patch> = readings[0].patches.iter().filter(|patch| patch.z > 5.0).collect();
    assert!(seen.len() >= 4, "{:?}", readings[0].patches);
    for patch in seen {
        let [x, y] = patch.centre;
        let reach = patch.side / 2.0;
        let inside = x > 500.0 - reach && x < 1268.0 + reach && y > 330.0 - reach && y < 762.0 + reach;
        assert!(inside, "{patch:?}");
    }
}

#[test]
fn two_pictures_side_by_side_are_both_read() {
    let size = Size { width: 1600, height: 900 };
    let left = marked(size, PAYLOAD);
    let embedder = Embedder::new(&key(1), &key(2), OTHER, Strength::STANDARD);
    let host = [Plane::from_fn(size, |x, y| 140.0 + (x as f32 - y as f32) / 40.0)];
    let picture = Picture { colours: &host, alpha: None, premultiplied: false };
    let right = embedder.embed(&picture, &ContentId([8; 32]))[0].clone().map(f32::round);
    let both = Plane::from_fn(size, |x, y| if x < 800 { left.at(x, y) } else { right.at(x, y) });
    let readings = read(both, 1, &[2, 3], &[OTHER, PAYLOAD], Effort::Full);
    let mut named: Vec<Payload> = readings.iter().filter(|r| r.is_certain()).map(|r| r.payload).collect();
    named.sort_unstable();
    assert_eq!(named, [PAYLOAD, OTHER]);
}

/// A frame of a shot in which the drawing moves, in noise that drowns the mark of a single frame.
fn frame_in_noise(index: u8) -> Plane {
    let host = [cel(SIZE)];
    let picture = Picture { colours: &host, alpha: None, premultiplied: false };
    let embedder = Embedder::new(&key(1), &key(3), PAYLOAD, Strength::STANDARD);
    let mut marked = embedder.embed(&picture, &ContentId([9; 32])).remove(0).map(f32::round);
    let mut stream = key(100 + index).stream("noise", b"");
    marked.samples_mut().iter_mut().for_each(|v| *v += (110.0 * (stream.unit() - 0.5)) as f32);
    marked
}

#[test]
fn a_shot_is_read_where_its_frames_alone_are_not() {
    let detector = Detector::new(&key(1), &[key(2), key(3)]);
    let question = Question {
        listed: 0,
        known: &[PAYLOAD, OTHER],
        frames: &[SIZE],
        contents: &[],
        effort: Effort::KnownScales,
    };
    let mut shot = Shot::default();
    let mut alone = 0;
    for index in 0..6 {
        let colours = [frame_in_noise(index)];
        let picture = Picture { colours: &colours, alpha: None, premultiplied: false };
        let frame = detector.read_frame(&picture, &question);
        alone += usize::from(frame.readings.iter().any(Reading::is_certain));
        shot.add(frame);
    }
    let readings = detector.read_shot(&shot, &question);
    assert!(
        readings.first().is_some_and(|r| r.payload == PAYLOAD && r.is_certain()),
        "{alone} alone; {readings:?}"
    );
    assert!(alone < 6, "the noise hides some frames");
    assert_eq!(shot.frames(), 6);
}

#[test]
fn decoys_stay_far_behind_the_real_key() {
    let colours = [marked(SIZE, PAYLOAD)];
    let picture = Picture { colours: &colours, alpha: None, premultiplied: false };
    let detector = Detector::new(&key(1), &[key(2), key(3)]);
    let question = Question {
        listed: 0,
        known: &[PAYLOAD],
        frames: &[SIZE],
        contents: &[],
        effort: Effort::KnownScales,
    };
    let readings = detector.read(&picture, &question);
    let decoys = detector.decoys(&picture, &readings[0], &key(77), 100);
    assert_eq!((decoys.rank(), decoys.decoys.len()), (1, 100));
    assert!((decoys.real - readings[0].z).abs() < 1e-6, "{} {}", decoys.real, readings[0].z);
    // The best of 64 places and 4 weightings: about 3 in the mean; 100 of them below 6.
    let strongest = decoys.strongest().unwrap_or(0.0);
    assert!((2.0..6.0).contains(&strongest), "{strongest}");
}

#[test]
fn a_known_content_is_read_where_the_lattice_was_erased() {
    let host = [cel(SIZE)];
    let picture = Picture { colours: &host, alpha: None, premultiplied: false };
    let without_lattice = Strength { lattice: 0.0, ..Strength::STANDARD };
    let content = ContentId([9; 32]);
    let embedder = Embedder::new(&key(1), &key(3), PAYLOAD, without_lattice);
    let marked = embedder.embed(&picture, &content).remove(0).map(f32::round);
    let half = Size { width: 480, height: 270 };
    let mirrored = Plane::from_fn(half, |x, y| {
        let (x, y) = (959.0 - 2.0 * x as f32 - 0.5, 2.0 * y as f32 + 0.5);
        cubic(&marked, x, y)
    });
    let colours = [mirrored];
    let picture = Picture { colours: &colours, alpha: None, premultiplied: false };
    let detector = Detector::new(&key(1), &[key(2), key(3)]);
    let read = |contents: &[ContentId]| {
        let question =
            Question { listed: 0, known: &[PAYLOAD], frames: &[SIZE], contents, effort: Effort::Exhaustive };
        detector.read(&picture, &question)
    };
    assert!(read(&[ContentId([8; 32])]).is_empty(), "another content lies elsewhere");
    let readings = read(&[ContentId([8; 32]), content]);
    assert!(readings.first().is_some_and(|r| r.payload == PAYLOAD && r.is_certain()), "{readings:?}");
    assert!(readings[0].geometry.flipped);
}

#[test]
fn a_further_tier_is_read_beside_the_first_and_another_key_reads_nothing() {
    let first = [marked(SIZE, PAYLOAD)];
    let picture = Picture { colours: &first, alpha: None, premultiplied: false };
    let further = Embedder::further(&key(1), &key(4), OTHER, Strength::STANDARD);
    let both = [further.embed(&picture, &ContentId([9; 32])).remove(0).map(f32::round)];
    let found = Picture { colours: &both, alpha: None, premultiplied: false };
    let question = Question {
        listed: 0,
        known: &[PAYLOAD, OTHER],
        frames: &[SIZE],
        contents: &[],
        effort: Effort::Full,
    };
    let readings = Detector::new(&key(1), &[key(3)]).read(&found, &question);
    assert!(readings[0].payload == PAYLOAD && readings[0].is_certain());
    let beside = |tier: u8| Detector::new(&key(1), &[key(tier)]).read_beside(&found, &readings[0], &question);
    assert!(beside(5).iter().all(|reading| !reading.is_certain()), "a key that nobody used");
    let lower = beside(4);
    assert!(
        lower.first().is_some_and(|reading| reading.payload == OTHER && reading.is_certain()),
        "{lower:?}"
    );
}

#[test]
fn a_listed_word_that_was_not_asked_for_has_a_bound_of_its_own() {
    let colours = [marked(SIZE, PAYLOAD)];
    let found = Picture { colours: &colours, alpha: None, premultiplied: false };
    let question = Question {
        listed: 100_000,
        known: &[OTHER],
        frames: &[SIZE],
        contents: &[],
        effort: Effort::KnownScales,
    };
    let readings = Detector::new(&key(1), &[key(3)]).read(&found, &question);
    let reading = readings.iter().find(|reading| reading.payload == PAYLOAD).expect("it is read");
    assert!(!reading.known);
    let apart = reading.false_alarm.log10() - reading.if_listed.log10();
    assert!((apart - (64.0 * libm::log10(2.0) - 5.0)).abs() < 1e-6, "{apart}");
}

#[test]
fn another_detectors_words_are_read_under_the_maps_of_the_first() {
    let colours = [marked(SIZE, PAYLOAD)];
    let found = Picture { colours: &colours, alpha: None, premultiplied: false };
    let question =
        Question { listed: 0, known: &[PAYLOAD], frames: &[SIZE], contents: &[], effort: Effort::Full };
    let (own, wrong) = (Detector::new(&key(1), &[key(3)]), Detector::new(&key(1), &[key(5)]));
    let (none, read) = wrong.read_or(&own, &found, &question, &question);
    assert!(none.iter().all(|reading| !reading.is_certain()));
    assert!(
        read.first().is_some_and(|reading| reading.payload == PAYLOAD && reading.is_certain()),
        "{read:?}"
    );
    let (first, none) = own.read_or(&wrong, &found, &question, &question);
    assert!(first[0].is_certain() && none.is_empty(), "what is found is enough");
    let blank = [cel(SIZE)];
    let unmarked = Picture { colours: &blank, alpha: None, premultiplied: false };
    let (first, second) = own.read_or(&wrong, &unmarked, &question, &question);
    assert!(first.iter().chain(&second).all(|reading| !reading.is_certain()), "no mark");
}
