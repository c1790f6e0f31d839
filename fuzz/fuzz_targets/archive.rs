#![no_main]

#[path = "../src/studio/archive.rs"]
mod archive;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| archive::feed(bytes));
