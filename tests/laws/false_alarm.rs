//! The bound that every verdict carries rests on one claim: in a picture without a mark, each detection statistic is
//! standard normal under a key drawn at random. Here it is held to that, on real frames.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop")]

use std::path::{Path, PathBuf};

use tiermark_frame::{Frame, Limits};
use tiermark_mark::{Detector, MarkKey, Payload, Picture};

fn samples() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples");
    ["line/oca_owl.png", "cel/oca_beach.png", "cg/amp_house.png", "doc/amp_layout_notes.png"]
        .map(|name| root.join(name))
        .to_vec()
}

fn key(purpose: u8, number: u32) -> MarkKey {
    let mut bytes = [purpose; 32];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    MarkKey::new(bytes)
}

/// Statistics of a picture under 1,000 random keys: 64 places of the sign field and 4 weightings to each.
fn statistics(path: &Path) -> Vec<f64> {
    let frame = Frame::decode(std::fs::read(path).unwrap(), &Limits::default()).unwrap();
    let (colours, alpha) = (frame.colours(), frame.alpha());
    let picture = Picture { colours: &colours, alpha: alpha.as_ref(), premultiplied: false };
    let tiers: Vec<MarkKey> = (0..1000).map(|number| key(7, number)).collect();
    Detector::new(&key(8, 0), &tiers).statistics(&picture, Payload(*b"no mark!"))
}

#[test]
fn statistics_of_unmarked_frames_are_standard_normal_under_a_thousand_keys() {
    for path in samples() {
        let z = statistics(&path);
        assert_eq!(z.len(), 1000 * 64 * 4);
        let n = z.len() as f64;
        let mean = z.iter().sum::<f64>() / n;
        let variance = z.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n;
        // Keys are independent, the 256 values of one are not: with 1,000 keys the deviations of mean and variance are
        // at most 1/sqrt(1000) = 0.032 and sqrt(2/1000) = 0.045. Five of each.
        assert!(mean.abs() < 5.0 * 0.032, "{}: mean {mean}", path.display());
        assert!((variance - 1.0).abs() < 5.0 * 0.045, "{}: variance {variance}", path.display());
        for (threshold, normal) in [(2.0, 2.275e-2), (3.0, 1.350e-3), (4.0, 3.167e-5)] {
            let beyond = z.iter().filter(|v| **v >= threshold).count() as f64 / n;
            // The claim in use is 3.18 times the normal tail, which no law of the picture can break; the normal tail itself
            // is what is usual. A factor of 3 covers the scatter of 8 expected values at 4 standard deviations.
            assert!(
                beyond <= 3.0 * normal,
                "{}: {beyond:e} beyond {threshold}, normal {normal:e}",
                path.display()
            );
            assert!(beyond > 0.0 || threshold > 3.5, "{}: no tail at {threshold}", path.display());
        }
    }
}

#[test]
fn statistics_of_a_marked_frame_are_not() {
    use tiermark_mark::{ContentId, Embedder, Strength};
    let path = &samples()[1];
    let frame = Frame::decode(std::fs::read(path).unwrap(), &Limits::default()).unwrap();
    let host = frame.colours();
    let picture = Picture { colours: &host, alpha: None, premultiplied: false };
    let payload = Payload(*b"a mark!!");
    let embedder = Embedder::new(&key(8, 0), &key(7, 3), payload, Strength::STANDARD);
    let marked = embedder.embed(&picture, &ContentId([5; 32]));
    let found = Picture { colours: &marked, alpha: None, premultiplied: false };
    let question = tiermark_mark::Question {
        listed: 0,
        known: &[payload],
        frames: &[],
        contents: &[],
        effort: tiermark_mark::Effort::KnownScales,
    };
    let readings = Detector::new(&key(8, 0), &[key(7, 3)]).read(&found, &question);
    assert!(readings.first().is_some_and(|reading| reading.z > 20.0), "the same keys read what they wrote");
}
