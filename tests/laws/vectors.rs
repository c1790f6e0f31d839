//! One stamped plane, fixed for ever: a second implementation of the embedder must give the same samples, and so must
//! this one on every machine.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop")]

use std::path::Path;

use sha2::{Digest, Sha256};
use tiermark_mark::{ContentId, Embedder, MarkKey, Payload, Picture, Strength};
use tiermark_signal::{Plane, Size};

/// The host of the vector: flat colour, paper white, ink black, a ramp and a texture, by whole numbers only.
fn host() -> Plane {
    Plane::from_fn(Size { width: 480, height: 360 }, |x, y| match (x / 96, y) {
        (0, _) => 255.0,
        (1, _) => 0.0,
        (2, _) => 128.0,
        (3, y) => (y / 2) as f32,
        _ => 90.0 + ((x * 37 + y * 53) % 41) as f32,
    })
}

fn value(text: &str, name: &str) -> String {
    let line =
        text.lines().find(|line| line.split(' ').next() == Some(name)).expect("the vector has this line");
    line[name.len() + 1..].to_owned()
}

fn bytes<const N: usize>(text: &str, name: &str) -> [u8; N] {
    let hex = data_encoding::HEXLOWER.decode(value(text, name).as_bytes()).unwrap();
    hex.try_into().unwrap()
}

#[test]
fn the_stamped_plane_is_that_of_the_vector() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors/v1/stamped-plane.txt");
    let text = std::fs::read_to_string(path).unwrap();
    let host = [host()];
    let picture = Picture { colours: &host, alpha: None, premultiplied: false };
    let (lattice, tier) = (MarkKey::new(bytes(&text, "lattice-key")), MarkKey::new(bytes(&text, "tier-key")));
    let embedder = Embedder::new(&lattice, &tier, Payload(bytes(&text, "payload")), Strength::STANDARD);
    let marked = embedder.embed(&picture, &ContentId(bytes(&text, "content-id")));
    let samples: Vec<u8> = marked[0].samples().iter().map(|v| v.round() as u8).collect();
    let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(&samples));
    assert_eq!(digest, value(&text, "sha256-of-8-bit-samples"));
    let first: Vec<String> = samples[480 * 100 + 192..][..32].iter().map(u8::to_string).collect();
    assert_eq!(first.join(" "), value(&text, "row-100-from-column-192"));
    // Not only rounded: single bits of the floating-point samples as well.
    let raw: Vec<u8> = marked[0].samples().iter().flat_map(|v| v.to_be_bytes()).collect();
    assert_eq!(
        data_encoding::HEXLOWER.encode(&Sha256::digest(&raw)),
        value(&text, "sha256-of-f32-big-endian")
    );
}

#[test]
fn the_plane_with_the_closed_set_is_that_of_the_vector() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../vectors/v1/stamped-plane.txt");
    let text = std::fs::read_to_string(path).unwrap();
    // Red, green and blue apart by whole numbers, so that there are tints.
    let host = [0.0, 3.0, 9.0].map(|less| host().map(|v| (v - less).max(0.0)));
    let picture = Picture { colours: &host, alpha: None, premultiplied: false };
    let (lattice, tier) = (MarkKey::new(bytes(&text, "lattice-key")), MarkKey::new(bytes(&text, "tier-key")));
    let embedder = Embedder::new(&lattice, &tier, Payload(bytes(&text, "payload")), Strength::STANDARD);
    let (content, closed) = (ContentId(bytes(&text, "content-id")), MarkKey::new(bytes(&text, "closed-key")));
    let marked = embedder.embed_closed(&picture, &content, &closed);
    let raw: Vec<u8> =
        marked.iter().flat_map(|plane| plane.samples().iter().flat_map(|v| v.to_be_bytes())).collect();
    let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(&raw));
    assert_eq!(digest, value(&text, "closed-sha256-of-three-planes-f32-big-endian"));
}
