//! The seeds of the fuzz targets through what the targets do, cut and bent; what libFuzzer found goes first.

use std::fs;
use std::path::{Path, PathBuf};

use tiermark_frame::sheet::Sheet;
use tiermark_frame::{Frame, Limits, WriteOptions};

#[path = "../../../../fuzz/src/files/asked.rs"]
#[allow(unreachable_pub, reason = "the fuzz targets are another crate")]
mod asked;
#[path = "../../../../fuzz/src/files/boxes.rs"]
#[allow(unreachable_pub, reason = "the fuzz targets are another crate")]
mod boxes;
#[path = "../../../../fuzz/src/files/open.rs"]
#[allow(unreachable_pub, reason = "the fuzz targets are another crate")]
mod open;
#[path = "../../../../fuzz/src/files/sheet.rs"]
#[allow(unreachable_pub, reason = "the fuzz targets are another crate")]
mod sheet;

#[test]
fn documents_cut_and_bent_are_answers() {
    hostile("sheet", sheet::feed);
    hostile("boxes", sheet::feed);
}

#[test]
fn what_is_asked_for_cut_and_bent_is_an_answer() {
    hostile("asked", asked::feed);
}

#[test]
fn containers_cut_and_bent_are_answers() {
    hostile("boxes", boxes::feed);
}

#[test]
fn found_files_cut_and_bent_are_answers() {
    hostile("open", open::feed);
    hostile("boxes", open::feed);
}

#[test]
fn a_pdf_with_a_stream_or_a_text_without_end_is_not_written_behind() {
    // What was written behind it was read as more of that.
    for name in ["pdf-stream-without-end", "pdf-text-without-end"] {
        let finding = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/findings/sheet").join(name);
        let bytes = fs::read(finding).unwrap();
        sheet::feed(&bytes);
        let error = Sheet::open(bytes, &Limits::default()).unwrap_err().to_string();
        assert!(error.contains("without an end"), "{name}: {error}");
    }
}

#[test]
fn a_tga_whose_extension_or_footer_lies_among_its_pixels_keeps_its_pixels() {
    let findings = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/findings/open");
    for name in ["tga-extension-among-the-pixels", "tga-footer-among-the-pixels"] {
        open::feed(&fs::read(findings.join(name)).unwrap());
    }
}

#[test]
fn a_tiff_with_an_entry_beyond_its_end_is_not_written() {
    // Its strips share bytes, so that a copy is longer, and then the entry that was beyond the end counts.
    refused("tiff-entry-beyond-its-end", "entries beyond its end");
}

#[test]
fn an_openexr_chunk_that_claims_petabytes_costs_none() {
    let findings = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/findings/open");
    let bytes = fs::read(findings.join("openexr-dwa-claims-petabytes")).unwrap();
    let error = Frame::decode(bytes, &Limits::default()).unwrap_err().to_string();
    assert!(error.contains("claims more than its block holds"), "{error}");
}

/// A finding whose picture is read, but not written.
fn refused(name: &str, why: &str) {
    let findings = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/findings/open");
    let bytes = fs::read(findings.join(name)).unwrap();
    open::feed(&bytes);
    let frame = Frame::decode(bytes, &Limits::default()).unwrap();
    let error = frame.writable(&WriteOptions { allow_depth_change: true }).unwrap_err().to_string();
    assert!(error.contains(why), "{error}");
}

fn hostile(target: &str, feed: impl Fn(&[u8])) {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    files(&fuzz.join("findings").join(target)).iter().for_each(|file| feed(&fs::read(file).unwrap()));
    let seeds = files(&fuzz.join("seeds").join(target));
    assert!(!seeds.is_empty(), "no seeds for {target}");
    let mut state = 20_261_126_u64;
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for seed in seeds {
        let seed = fs::read(seed).unwrap();
        feed(&seed);
        (0..64).for_each(|cut| feed(&seed[..seed.len() * cut / 64]));
        for _ in 0..300 {
            let mut bent = seed.clone();
            bent[next(seed.len())] ^= 1 << next(8);
            feed(&bent);
        }
    }
}

/// Files that the tests make must be seeds of a target, byte for byte. `TIERMARK_WRITE_SEEDS=1` writes them: for a new kind, or
/// where an encoder has changed.
pub(crate) fn seeded(target: &str, made: impl IntoIterator<Item = (&'static str, Vec<u8>)>) {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    let writes = std::env::var_os("TIERMARK_WRITE_SEEDS").is_some();
    for (name, file) in made {
        let seed = seeds.join(name.replace(' ', "-"));
        if writes {
            fs::write(&seed, &file).unwrap();
        }
        let same = fs::read(&seed).is_ok_and(|seed| seed == file);
        assert!(
            same,
            "{name} is no seed of {target}: TIERMARK_WRITE_SEEDS=1 cargo test -p tiermark-frame seed"
        );
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}
