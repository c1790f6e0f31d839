//! Hostile bytes: every seed of the fuzz targets through the same parsers, cut, bent, and with numbers at the borders.
//!
//! What libFuzzer found is beside the seeds, under the name of the bug, and comes through here first.

#[path = "../../../../fuzz/src/lib.rs"]
#[allow(unreachable_pub, dead_code, reason = "the fuzz targets are another crate, which uses all of it")]
mod parsers;

use parsers::mutate::{BORDERS, numbers, replaced};
use parsers::{bundle, checkpoint, custody, envelope, filing, lists, names, packet, proof};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tiermark_ledger::document::{FrameList, OutputList};

/// How often a seed is cut, bent, and given other numbers.
#[derive(Clone, Copy)]
struct Dose {
    cuts: usize,
    flips: usize,
    numbers: usize,
}

const FULL: Dose = Dose { cuts: 64, flips: 200, numbers: 64 };
/// For what writes a registry or a folder each time: milliseconds, where a parser takes microseconds.
const SMALL: Dose = Dose { cuts: 8, flips: 24, numbers: 8 };

/// One hang of libFuzzer: an input of 64 kB takes no longer, on a busy machine either.
const MOST: Duration = Duration::from_secs(2);

#[test]
fn what_was_found_stays_found_and_seeds_bent_are_errors() {
    hostile("envelope", FULL, envelope::feed);
    hostile("packet", FULL, packet::feed);
    hostile("lists", FULL, lists::feed);
    hostile("checkpoint", FULL, checkpoint::feed);
    hostile("proof", FULL, proof::feed);
    hostile("custody", FULL, custody::feed);
    hostile("names", FULL, names::feed);
}

#[test]
fn a_studio_bears_bent_packets() {
    hostile("filing", SMALL, |bytes| drop(filing::feed(bytes)));
}

#[test]
fn a_bent_bundle_is_an_answer() {
    hostile("bundle", SMALL, |bytes| drop(bundle::feed(bytes)));
}

#[test]
fn frames_numbered_otherwise_are_no_list() {
    let text = text("findings/lists/frames-numbered-otherwise");
    assert_eq!(FrameList::parse(&text), None, "a registry cannot keep two frames of one number");
    assert!(FrameList::parse(&self::text("seeds/lists/frames-up.jsonl")).is_some());
}

#[test]
fn outputs_with_a_number_beyond_2_53_are_no_list() {
    assert_eq!(OutputList::parse(&text("findings/lists/outputs-number-beyond-2-53")), None);
    assert!(OutputList::parse(&text("seeds/lists/outputs-one.jsonl")).is_some());
}

#[test]
fn lines_of_unknown_witnesses_cost_no_time() {
    let begun = Instant::now();
    let checked = bundle::feed(text("findings/bundle/witness-lines-without-end").as_bytes()).unwrap();
    assert!(begun.elapsed() < MOST, "4000 lines, each looked up among all parties: {:?}", begun.elapsed());
    assert!(
        checked.checks.iter().any(|check| check.detail.ends_with("G4")),
        "the known witness still counts"
    );
}

#[test]
fn a_checkpoint_beyond_63_bits_is_refused_and_the_registry_not_called_damaged() {
    let reached = filing::feed(text("findings/filing/checkpoint-beyond-63-bits").as_bytes()).unwrap();
    assert_eq!(reached.refused, ["checkpoint ?: not a checkpoint"]);
}

#[test]
fn a_delivery_of_frames_that_are_not_there_is_refused_and_the_rest_is_filed() {
    let ends = [("not-listed", "it is a tiermark:vendor/v1"), ("beyond-the-list", "has no frame 7")];
    for (finding, end) in ends {
        let text = text(&format!("findings/filing/delivery-of-frames-{finding}"));
        let reached = filing::feed(text.as_bytes()).unwrap();
        let wrong: Vec<&String> = reached.refused.iter().filter(|why| why.starts_with("delivery")).collect();
        assert!(wrong.len() == 1 && wrong[0].ends_with(end), "{reached:?}");
    }
}

#[test]
fn a_delivery_of_anothers_handover_is_refused() {
    let reached = filing::feed(text("findings/filing/delivery-of-anothers-handover").as_bytes()).unwrap();
    let [why] = &reached.refused[..] else { panic!("{reached:?}") };
    assert!(why.starts_with("delivery") && why.ends_with("somebody else gave these frames"), "{why}");
}

#[test]
fn the_seeds_go_deep() {
    let reached = filing::feed(text("seeds/filing/one-tier.script").as_bytes()).unwrap();
    assert_eq!(reached, filing::Reached { refused: Vec::new(), accepted: true, received: true });
    let reached = filing::feed(text("seeds/filing/two-tiers.script").as_bytes()).unwrap();
    assert_eq!(reached, filing::Reached { refused: Vec::new(), accepted: true, received: true });
    for (seed, hops) in [("one-tier.script", 2), ("two-tiers-revoked.script", 3), ("real.files", 3)] {
        let checked = bundle::feed(&bytes(&folder().join("seeds/bundle").join(seed))).unwrap();
        let wrong: Vec<_> =
            checked.checks.iter().filter(|check| !check.holds).map(|check| check.what.as_str()).collect();
        // No seed holds every file that its finding names: the report alone is a megabyte.
        assert_eq!((wrong, checked.chains[0].len()), (vec!["files"], hops), "{seed}");
    }
}

fn hostile(target: &str, dose: Dose, feed: impl Fn(&[u8])) {
    let findings = files(&folder().join("findings").join(target));
    findings.iter().for_each(|finding| feed(&bytes(finding)));
    let seeds = files(&folder().join("seeds").join(target));
    assert!(!seeds.is_empty(), "no seeds for {target}");
    for (n, seed) in seeds.iter().enumerate() {
        let seed = bytes(seed);
        feed(&seed);
        bent(&seed, n as u64, dose, &feed);
    }
}

fn bent(seed: &[u8], n: u64, dose: Dose, feed: impl Fn(&[u8])) {
    (0..dose.cuts).for_each(|cut| feed(&seed[..seed.len() * cut / dose.cuts]));
    let mut chance = fastrand::Rng::with_seed(n);
    for _ in 0..dose.flips {
        let mut bent = seed.to_vec();
        bent[chance.usize(..seed.len())] ^= 1 << chance.u32(..8);
        feed(&bent);
    }
    let numbers = numbers(seed);
    for (k, number) in numbers.iter().cycle().take(dose.numbers).enumerate() {
        // Ten borders and a cycle through the numbers: over all seeds each kind of number meets each border.
        feed(&replaced(seed, number, BORDERS[(k + k / numbers.len()) % BORDERS.len()]));
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn bytes(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap()
}

fn text(name: &str) -> String {
    String::from_utf8(bytes(&folder().join(name))).unwrap()
}
