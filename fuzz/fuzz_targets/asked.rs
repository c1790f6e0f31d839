#![no_main]

#[path = "../src/files/asked.rs"]
mod asked;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| asked::feed(bytes));
