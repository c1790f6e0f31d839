#![no_main]

#[path = "../src/files/sheet.rs"]
mod sheet;

use libfuzzer_sys::fuzz_target;

// `exr` panics on some damaged files, and the frame makes an error of that: a panic counts only where it comes out here, and
// then libFuzzer's crate aborts. Its own hook would abort before.
fuzz_target!(
    init: std::panic::set_hook(Box::new(|panic| {
        if !panic.location().is_some_and(|at| at.file().contains("/exr-")) {
            eprintln!("{panic}");
        }
    })),
    |bytes: &[u8]| sheet::feed(bytes)
);
