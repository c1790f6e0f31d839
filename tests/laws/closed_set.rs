//! The closed set keeps its word: scores of those who had no part are standard normal, those who had one stand out, and a mark
//! stands where it was put.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop")]

use tiermark_mark::{
    ContentId, Detector, Effort, Embedder, Evidence, FalseAlarm, Laid, MarkKey, Original, Payload, Picture,
    Profile, Question, Scores, Strength, WAYS,
};
use tiermark_signal::{Plane, Size};

const SIZE: Size = Size { width: 960, height: 540 };
const CONTENT: ContentId = ContentId([5; 32]);

fn key(kind: u8, n: u32) -> MarkKey {
    let mut bytes = [kind; 32];
    bytes[..4].copy_from_slice(&n.to_be_bytes());
    MarkKey::new(bytes)
}

/// Flat colours with lines between them, and a strip of texture.
fn drawing() -> Vec<Plane> {
    let at = |shift: usize| {
        Plane::from_fn(SIZE, move |x, y| match (x / 120 + y / 90) % 3 {
            _ if x % 120 < 3 => 20.0,
            _ if y > 450 => 90.0 + ((x * 37 + y * 53) % 41) as f32,
            n => 110.0 + (40 * n + shift) as f32,
        })
    };
    vec![at(0), at(11), at(23)]
}

fn rounded(planes: Vec<Plane>) -> Vec<Plane> {
    planes.into_iter().map(|plane| plane.map(|v| v.round().clamp(0.0, 255.0))).collect()
}

/// The copy of recipient `n`.
fn copy(n: u32) -> Vec<Plane> {
    let host = drawing();
    let picture = Picture { colours: &host, alpha: None, premultiplied: false };
    let payload = Payload([n as u8; 8]);
    let embedder = Embedder::new(&key(8, 0), &key(7, 0), payload, Strength::STANDARD);
    rounded(embedder.embed_closed(&picture, &CONTENT, &key(9, n)))
}

fn left(found: &[Plane]) -> Vec<Evidence> {
    let original = Original::new(&drawing(), None);
    let valid = Plane::filled(SIZE, 1.0);
    let laid = Laid { found, original: original.base(), valid: &valid, place: &|place| place, steps: None };
    original.evidence(&laid)
}

/// Noise of about so many code values, the same every time for each number.
fn noisy(planes: Vec<Plane>, size: f32) -> Vec<Plane> {
    let mut state = u64::from(size.to_bits());
    let mut noise = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 40) as f32 / (1_u64 << 24) as f32 - 0.5) * 3.46 * size
    };
    rounded(
        planes
            .into_iter()
            .map(|mut plane| {
                plane.samples_mut().iter_mut().for_each(|v| *v += noise());
                plane
            })
            .collect(),
    )
}

fn best(evidence: &[Evidence], key: &MarkKey) -> f64 {
    evidence.iter().map(|evidence| evidence.cells.scores(key).best().1).fold(f64::MIN, f64::max)
}

#[test]
fn whoever_had_no_part_scores_as_chance_does() {
    let damaged =
        noisy(copy(1).into_iter().map(|plane| plane.map(|v| (v / 12.0).round() * 12.0)).collect(), 6.0);
    for (what, found) in
        [("unmarked", noisy(drawing(), 2.0)), ("another's", copy(1)), ("another's, damaged", damaged)]
    {
        let evidence = left(&found);
        assert!(evidence.len() <= WAYS);
        let keys = 3000;
        let z: Vec<f64> =
            (0..keys).map(|n| evidence[0].cells.scores(&key(3, n)).z(Profile::Energy)).collect();
        let mean = z.iter().sum::<f64>() / f64::from(keys);
        let square = z.iter().map(|z| z * z).sum::<f64>() / f64::from(keys);
        // Five standard deviations of 3000 standard normal numbers: 0.09 of the mean, 0.13 of the mean square.
        assert!(mean.abs() < 0.092 && (square - 1.0).abs() < 0.13, "{what}: {mean} {square}");
        let beyond = |t: f64| z.iter().filter(|z| **z > t).count() as f64 / f64::from(keys);
        for t in [2.0, 3.0] {
            assert!(
                beyond(t) <= 3.0 * 10.0_f64.powf(FalseAlarm::of_one(t).log10()),
                "{what}: {} beyond {t}",
                beyond(t)
            );
        }
    }
}

#[test]
fn everybody_in_a_mean_of_five_stands_out() {
    let copies: Vec<Vec<Plane>> = (0..5).map(copy).collect();
    let mean: Vec<Plane> = (0..3)
        .map(|c| {
            let mut sum = copies[0][c].clone();
            for other in &copies[1..] {
                sum.samples_mut().iter_mut().zip(other[c].samples()).for_each(|(a, b)| *a += b);
            }
            sum.map(|v| v / 5.0)
        })
        .collect();
    let evidence = left(&noisy(mean, 2.0));
    for n in 0..5 {
        assert!(best(&evidence, &key(9, n)) > 8.5, "recipient {n}: {}", best(&evidence, &key(9, n)));
    }
    let innocent = (5..2000).map(|n| best(&evidence, &key(9, n))).fold(0.0, f64::max);
    assert!(innocent < 6.0, "{innocent}");
}

#[test]
fn pictures_of_one_content_are_summed_and_contents_add_up() {
    let one = left(&noisy(copy(1), 40.0));
    let other = left(&noisy(copy(1), 39.0));
    let mut both = one[0].clone();
    both.add(&other[0]);
    let z = |evidence: &Evidence| evidence.cells.scores(&key(9, 1)).z(Profile::Energy);
    assert!(z(&one[0]) > 5.0 && z(&both) > z(&one[0]).max(z(&other[0])), "{} {}", z(&one[0]), z(&both));
    let mut scores = Scores::default();
    scores.add(&one[0].cells.scores(&key(9, 1)));
    assert_eq!(scores, one[0].cells.scores(&key(9, 1)));
    scores.add(&other[0].cells.scores(&key(9, 2)));
    assert!(scores.z(Profile::Energy) < z(&one[0]), "somebody else's picture says nothing for it");
}

#[test]
fn the_word_is_read_at_its_place_and_stands_nowhere_else() {
    let found = copy(1);
    let tier = key(7, 0);
    let detector = Detector::new(&key(8, 0), std::slice::from_ref(&tier));
    let known = [Payload([1; 8])];
    let question =
        Question { known: &known, listed: 1, frames: &[SIZE], contents: &[], effort: Effort::KnownScales };
    let informed = detector.read_informed(&left(&found)[0].word, &CONTENT, &question, WAYS as f64);
    assert!(informed[0].payload == known[0] && informed[0].z > 15.0, "{}", informed[0].z);
    let foreign = detector.read_informed(&left(&found)[0].word, &ContentId([6; 32]), &question, WAYS as f64);
    assert!(
        foreign.iter().all(|reading| !reading.is_certain()),
        "at another content's place there is nothing"
    );
    let picture = Picture { colours: &found, alpha: None, premultiplied: false };
    let blind = &detector.read(&picture, &question)[0];
    for place in [[100.0, 100.0], [700.0, 400.0]] {
        assert!(detector.stands_on(blind, place, (&CONTENT, place, SIZE)));
        assert!(!detector.stands_on(blind, place, (&ContentId([6; 32]), place, SIZE)));
        assert!(!detector.stands_on(blind, place, (&CONTENT, [place[0] + 40.0, place[1]], SIZE)));
    }
}
