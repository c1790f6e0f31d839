#![no_main]

#[path = "../src/files/boxes.rs"]
mod boxes;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| boxes::feed(bytes));
