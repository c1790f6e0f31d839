//! The seeds of the fuzz targets for what this room reads itself, cut and bent; what libFuzzer found goes first.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may stop")]

use std::fs;
use std::path::{Path, PathBuf};

#[path = "../../../fuzz/src/studio/archive.rs"]
#[allow(unreachable_pub, reason = "the fuzz targets are another crate")]
mod archive;
#[path = "../../../fuzz/src/studio/wanted.rs"]
#[allow(unreachable_pub, reason = "the fuzz targets are another crate")]
mod wanted;

#[test]
fn lists_of_deliveries_cut_and_bent_are_answers() {
    hostile("wanted", 300, wanted::feed);
}

#[test]
fn archives_cut_and_bent_are_answers() {
    hostile("archive", 100, archive::feed);
}

fn hostile(target: &str, times: usize, feed: impl Fn(&[u8])) {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    files(&fuzz.join("findings").join(target)).iter().for_each(|file| feed(&fs::read(file).unwrap()));
    let seeds = files(&fuzz.join("seeds").join(target));
    assert!(!seeds.is_empty(), "no seeds for {target}");
    let mut dice = fastrand::Rng::with_seed(20_261_126);
    for seed in seeds {
        let seed = fs::read(seed).unwrap();
        feed(&seed);
        (0..32).for_each(|cut| feed(&seed[..seed.len() * cut / 32]));
        for _ in 0..times {
            let mut bent = seed.clone();
            bent[dice.usize(..seed.len())] ^= 1 << dice.u8(..8);
            feed(&bent);
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}
