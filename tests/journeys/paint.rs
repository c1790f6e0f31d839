//! Cels that are yet to be painted: a bucket fills the same regions before and after, or the file does not leave.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop")]
#![allow(unreachable_pub, reason = "the scene is shared between test programs")]
#![allow(dead_code, reason = "the scene is shared between test programs")]

mod scene;

use std::collections::BTreeMap;
use std::path::Path;

use image::{DynamicImage, GrayImage, Luma, RgbaImage};
use scene::Scene;

fn sample(name: &str) -> DynamicImage {
    image::open(Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples").join(name)).unwrap()
}

/// The region of each pixel, filled by a bucket at zero tolerance from the first pixel that none has reached; and which
/// regions touch.
fn regions(picture: &RgbaImage) -> (Vec<u32>, BTreeMap<(u32, u32), usize>) {
    let (width, height) = picture.dimensions();
    let beside = |i: usize| {
        let (x, y) = (i as u32 % width, i as u32 / width);
        let near = [(x.wrapping_sub(1), y), (x + 1, y), (x, y.wrapping_sub(1)), (x, y + 1)];
        near.into_iter()
            .filter(move |(x, y)| *x < width && *y < height)
            .map(move |(x, y)| (y * width + x) as usize)
    };
    let pixels = picture.as_raw().as_chunks::<4>().0;
    let mut region = vec![u32::MAX; pixels.len()];
    let mut count = 0;
    for start in 0..pixels.len() {
        if region[start] != u32::MAX {
            continue;
        }
        let mut open = vec![start];
        region[start] = count;
        while let Some(at) = open.pop() {
            for next in beside(at) {
                if region[next] == u32::MAX && pixels[next] == pixels[start] {
                    region[next] = count;
                    open.push(next);
                }
            }
        }
        count += 1;
    }
    let mut touching = BTreeMap::new();
    for at in 0..pixels.len() {
        for next in beside(at).filter(|next| region[*next] > region[at]) {
            *touching.entry((region[at], region[next])).or_insert(0) += 1;
        }
    }
    (region, touching)
}

#[test]
fn a_bucket_fills_the_same_regions_and_the_copy_names_its_recipient() {
    let scene = Scene::new();
    let names = ["cel/oca_beach.png", "cel/oca_cats_alpha.png", "line/oca_glove_gray.png"];
    for name in names {
        scene.draw(&format!("in/{name}"), &sample(name));
    }
    let stamp = ["stamp", "--to", "Shepherd Boy", "--paint-safe", "--out", "out", "in"];
    let said = scene.run(&stamp);
    assert_eq!(said.status, 0, "{}", said.err);
    assert!(
        said.err.contains("flat colour stays as it is") && said.err.contains("instead of"),
        "{}",
        said.err
    );
    for name in names {
        let (host, marked) = (scene.look(&format!("in/{name}")), scene.look(&format!("out/{name}")));
        assert_ne!(host, marked, "{name}");
        let (before, after) = (regions(&host.into_rgba8()), regions(&marked.into_rgba8()));
        assert!(before.1.len() > 1_000 && before == after, "{name}: another region graph");
    }
    let traced = scene.run(&["trace", "--json", "out"]);
    let named = traced.lines().iter().filter(|line| line["verdict"] == "attributed").count();
    assert_eq!((traced.status, named), (0, 3), "{}", traced.out);
}

#[test]
fn what_has_nothing_between_its_flats_does_not_leave() {
    let scene = Scene::new();
    let lines = sample("line/oca_glove_gray.png").into_luma8();
    let two_tone = GrayImage::from_fn(lines.width(), lines.height(), |x, y| {
        Luma([if lines.get_pixel(x, y)[0] > 127 { 255 } else { 0 }])
    });
    scene.draw("two/lines.png", &two_tone.clone().into());
    let said = scene.run(&["stamp", "--to", "Shepherd Boy", "--out", "out", "two", "--json"]);
    assert_eq!((said.status, said.about("lines.png")["status"].as_str()), (3, Some("refused")));
    assert!(said.err.contains("two tones"), "{}", said.err);

    // The same lines, its regions filled with flat colours: nothing may change, so nothing can be borne.
    let (region, _) = regions(&DynamicImage::from(two_tone.clone()).into_rgba8());
    let filled = GrayImage::from_fn(two_tone.width(), two_tone.height(), |x, y| {
        Luma([(40 + 53 * region[(y * two_tone.width() + x) as usize] % 200) as u8])
    });
    scene.draw("flat/cel.png", &filled.into());
    let said =
        scene.run(&["stamp", "--to", "Shepherd Boy", "--paint-safe", "--out", "out", "flat", "--json"]);
    assert_eq!((said.status, said.about("cel.png")["status"].as_str()), (3, Some("refused")), "{}", said.err);
    assert!(!scene.path("out").join("cel.png").exists());
}
