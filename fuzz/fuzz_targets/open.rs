#![no_main]

#[path = "../src/files/open.rs"]
mod open;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| open::feed(bytes));
