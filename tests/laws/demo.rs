//! The README's first command, through the library: every leaked copy of the shipped samples gets its right name.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop")]

use std::path::Path;

use tiermark::demo;
use tiermark::stamp::Status;
use tiermark::verdict::Signature;

#[test]
fn the_demo_names_every_vendor_and_nobody_else() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples");
    let out = tempfile::tempdir().unwrap();
    let shown = demo::run(&samples, &out.path().join("demo"), &|_| {}).unwrap();
    assert_eq!(shown.stamped.len(), 2 * 7);
    for stamped in &shown.stamped {
        assert_eq!(stamped.status, Status::Stamped, "{stamped:?}");
        assert!(stamped.psnr_db.unwrap() >= 45.0, "{stamped:?}");
    }
    assert_eq!(shown.leaks.len(), 7 * 5);
    for leak in &shown.leaks {
        assert!(leak.right(), "{} {}: {:?}", leak.sample, leak.attack, leak.finding);
        for mark in &leak.finding.marks {
            assert_eq!(mark.signature, Signature::Valid);
            assert!(mark.log10_false_alarm <= -9.0);
        }
    }
}
