#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use tiermark_fuzz::mutate;

fuzz_target!(|bytes: &[u8]| tiermark_fuzz::custody::feed(bytes));
fuzz_mutator!(|bytes: &mut [u8], size: usize, most: usize, seed: u32| {
    mutate::number(bytes, size, most, seed).unwrap_or_else(|| fuzzer_mutate(bytes, size, most))
});
