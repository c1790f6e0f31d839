#![no_main]

#[path = "../src/studio/wanted.rs"]
mod wanted;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| wanted::feed(bytes));
