//! Numbers at the borders of our types: what chance is slow to find between the quotes of a JSON text.
//!
//! Measured: 14 million plain mutations of `outputs.jsonl` missed a number of 2^53, which ended in a panic.

use std::ops::Range;

/// 2^53 and its neighbour, the ends of the integer types, and what is no integer at all.
pub const BORDERS: [&str; 10] = [
    "9007199254740991",
    "9007199254740992",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "4294967295",
    "255",
    "0",
    "-1",
    "1e9",
];

/// Replaces one number of the text, one time in four; else nothing, and the caller bends the bytes as usual.
pub fn number(bytes: &mut [u8], size: usize, most: usize, seed: u32) -> Option<usize> {
    let seed = seed as usize;
    let numbers = numbers(&bytes[..size]);
    if !seed.is_multiple_of(4) || numbers.is_empty() {
        return None;
    }
    let border = BORDERS[seed / 4 % BORDERS.len()];
    let bent = replaced(&bytes[..size], &numbers[seed / 64 % numbers.len()], border);
    bytes.get_mut(..bent.len()).filter(|room| room.len() <= most)?.copy_from_slice(&bent);
    Some(bent.len())
}

/// The text with a border in place of one number.
pub fn replaced(bytes: &[u8], number: &Range<usize>, border: &str) -> Vec<u8> {
    [&bytes[..number.start], border.as_bytes(), &bytes[number.end..]].concat()
}

/// Where decimal numbers stand: after a colon, bracket, bar, space or line's end, so that hex is left alone.
pub fn numbers(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    while start < bytes.len() {
        let length = bytes[start..].iter().take_while(|b| b.is_ascii_digit()).count();
        let after_border = start == 0 || b":[|, \n".contains(&bytes[start - 1]);
        if length > 0 && after_border {
            found.push(start..start + length);
        }
        start += length.max(1);
    }
    found
}
