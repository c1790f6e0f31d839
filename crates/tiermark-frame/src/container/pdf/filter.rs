//! How streams are packed (ISO 32000-2, 7.4), each step bounded.

use std::io::Read;

use flate2::read::ZlibDecoder;

use super::file::File;
use super::object::{Dictionary, Object, digit, is_space};
use crate::container::ContainerError;

/// One step, and its parameters.
pub(super) struct Filter {
    pub(super) name: Vec<u8>,
    pub(super) parameters: Dictionary,
}

impl Filter {
    /// Whether it packs any bytes, and knows of no pictures.
    pub(super) fn is_for_bytes(&self) -> bool {
        let names =
            [&b"FlateDecode"[..], b"LZWDecode", b"ASCIIHexDecode", b"ASCII85Decode", b"RunLengthDecode"];
        names.contains(&&self.name[..])
    }
}

/// What unpacking gave.
pub(super) struct Unpacked {
    pub(super) data: Vec<u8>,
    /// The step at which it stopped because it is one for pictures: the data are as that step wants them.
    pub(super) left: Option<Vec<u8>>,
}

/// Steps on top of each other: real ones have two.
const MOST_STEPS: usize = 4;

/// The steps that a stream's dictionary names.
pub(super) fn chain(file: &mut File<'_>, of: &Dictionary) -> Result<Vec<Filter>, ContainerError> {
    let names = list(match file.value(of, b"Filter")? {
        None => file.value(of, b"F")?,
        filter => filter,
    });
    let parameters = list(match file.value(of, b"DecodeParms")? {
        None => file.value(of, b"DP")?,
        parameters => parameters,
    });
    let mut chain = Vec::new();
    for (index, name) in names.into_iter().enumerate().take(MOST_STEPS + 1) {
        let Some(Object::Name(name)) = file.follow(Some(name))? else { continue };
        let parameters = match file.follow(parameters.get(index).cloned())? {
            Some(Object::Dictionary(parameters)) => parameters,
            _ => Dictionary::new(),
        };
        chain.push(Filter { name, parameters });
    }
    Ok(chain)
}

fn list(object: Option<Object>) -> Vec<Object> {
    match object {
        Some(Object::Array(items)) => items,
        Some(one) => vec![one],
        None => Vec::new(),
    }
}

/// Take the steps back, to at most `most` bytes each; why not, in words.
///
/// Data that break off give what came before, as a picture on a page is still worth a look.
pub(super) fn unpack(data: &[u8], filters: &[Filter], most: u64) -> Result<Unpacked, String> {
    if filters.len() > MOST_STEPS {
        return Err(format!("is packed more than {MOST_STEPS} times over"));
    }
    let mut data = std::borrow::Cow::Borrowed(data);
    for (index, filter) in filters.iter().enumerate() {
        let unpacked = match &filter.name[..] {
            b"FlateDecode" | b"Fl" => predicted(flate(&data, most)?, &filter.parameters)?,
            b"LZWDecode" | b"LZW" => predicted(lzw(&data, &filter.parameters, most)?, &filter.parameters)?,
            b"ASCIIHexDecode" | b"AHx" => hex(&data),
            b"ASCII85Decode" | b"A85" => ascii_85(&data),
            b"RunLengthDecode" | b"RL" => run_length(&data, most)?,
            last if index + 1 == filters.len() => {
                let left = Some(last.to_vec());
                return Ok(Unpacked { data: bounded(&data, most)?, left });
            }
            other => return Err(format!("is packed by {} and then again", String::from_utf8_lossy(other))),
        };
        data = unpacked.into();
    }
    let data = match data {
        std::borrow::Cow::Borrowed(data) => bounded(data, most)?,
        std::borrow::Cow::Owned(data) => data,
    };
    Ok(Unpacked { data, left: None })
}

fn too_much(most: u64) -> String {
    format!("holds more than the {most} bytes that it may")
}

fn bounded(data: &[u8], most: u64) -> Result<Vec<u8>, String> {
    if data.len() as u64 > most { Err(too_much(most)) } else { Ok(data.to_vec()) }
}

fn flate(data: &[u8], most: u64) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    // What breaks off is kept as far as it goes.
    let _ = ZlibDecoder::new(data).take(most.saturating_add(1)).read_to_end(&mut out);
    if out.len() as u64 > most { Err(too_much(most)) } else { Ok(out) }
}

fn lzw(data: &[u8], parameters: &Dictionary, most: u64) -> Result<Vec<u8>, String> {
    use weezl::{BitOrder, LzwStatus, decode::Configuration};
    let early = parameters.get(&b"EarlyChange"[..]).and_then(Object::whole) != Some(0);
    let configuration = match early {
        true => Configuration::with_tiff_size_switch(BitOrder::Msb, 8),
        false => Configuration::new(BitOrder::Msb, 8),
    };
    let mut decoder = configuration.build();
    let (mut input, mut out, mut buffer) = (data, Vec::new(), vec![0; 64 << 10]);
    loop {
        let step = decoder.decode_bytes(input, &mut buffer);
        input = &input[step.consumed_in..];
        out.extend_from_slice(&buffer[..step.consumed_out]);
        if out.len() as u64 > most {
            return Err(too_much(most));
        }
        let stuck = step.consumed_in == 0 && step.consumed_out == 0;
        if stuck || !matches!(step.status, Ok(LzwStatus::Ok)) {
            return Ok(out);
        }
    }
}

fn hex(data: &[u8]) -> Vec<u8> {
    let digits = data.iter().take_while(|byte| **byte != b'>').filter(|byte| byte.is_ascii_hexdigit());
    let digits: Vec<u8> = digits.map(|byte| digit(*byte)).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).unwrap_or(&0)).collect()
}

fn ascii_85(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() / 5 * 4);
    let mut group = Vec::with_capacity(5);
    for &byte in data.iter().take_while(|byte| **byte != b'~') {
        match byte {
            b'z' if group.is_empty() => out.extend([0; 4]),
            b'!'..=b'u' => group.push(byte - b'!'),
            _ if is_space(byte) => {}
            _ => break,
        }
        if group.len() == 5 {
            out.extend(from_85(&group));
            group.clear();
        }
    }
    if group.len() > 1 {
        let kept = group.len() - 1;
        group.resize(5, 84);
        out.extend(&from_85(&group)[..kept]);
    }
    out
}

fn from_85(group: &[u8]) -> [u8; 4] {
    group
        .iter()
        .fold(0_u32, |value, digit| value.wrapping_mul(85).wrapping_add((*digit).into()))
        .to_be_bytes()
}

fn run_length(mut data: &[u8], most: u64) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    while let Some((&head, rest)) = data.split_first() {
        data = rest;
        match head {
            128 => break,
            0..=127 => {
                let (run, later) = data.split_at((usize::from(head) + 1).min(data.len()));
                out.extend_from_slice(run);
                data = later;
            }
            _ => {
                let Some((&byte, later)) = data.split_first() else { break };
                out.resize(out.len() + 257 - usize::from(head), byte);
                data = later;
            }
        }
        if out.len() as u64 > most {
            return Err(too_much(most));
        }
    }
    Ok(out)
}

/// Undo what was done to rows before they were packed: the filters of PNG, or differences as in TIFF.
fn predicted(data: Vec<u8>, parameters: &Dictionary) -> Result<Vec<u8>, String> {
    let whole = |name: &[u8], usual: u64| parameters.get(name).and_then(Object::whole).unwrap_or(usual);
    let predictor = whole(b"Predictor", 1);
    if predictor < 2 {
        return Ok(data);
    }
    let (colours, bits, columns) = (whole(b"Colors", 1), whole(b"BitsPerComponent", 8), whole(b"Columns", 1));
    if !(1..=32).contains(&colours) || ![1, 2, 4, 8, 16].contains(&bits) || !(1..=1 << 24).contains(&columns)
    {
        return Err("is packed by differences of an impossible shape".to_owned());
    }
    let row = (colours * bits * columns).div_ceil(8) as usize;
    let step = (colours * bits).div_ceil(8) as usize;
    if predictor == 2 {
        if bits != 8 {
            return Err(format!("is packed by differences of {bits} bits"));
        }
        let mut data = data;
        for row in data.chunks_mut(row) {
            (step..row.len()).for_each(|at| row[at] = row[at].wrapping_add(row[at - step]));
        }
        return Ok(data);
    }
    Ok(as_png(&data, row, step))
}

/// Rows that begin with the number of a filter (PNG, 9.2).
fn as_png(data: &[u8], length: usize, step: usize) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(data.len());
    let mut above = vec![0; length];
    for packed in data.chunks(length + 1) {
        let (kind, packed) = (packed[0], &packed[1..]);
        let mut row = packed.to_vec();
        for at in 0..row.len() {
            let left = if at >= step { row[at - step] } else { 0 };
            let corner = if at >= step { above[at - step] } else { 0 };
            let guess = match kind {
                1 => left,
                2 => above[at],
                3 => (u16::from(left) + u16::from(above[at])).div_euclid(2) as u8,
                4 => paeth(left, above[at], corner),
                _ => 0,
            };
            row[at] = row[at].wrapping_add(guess);
        }
        out.extend_from_slice(&row);
        row.resize(length, 0);
        above = row;
    }
    out
}

fn paeth(left: u8, above: u8, corner: u8) -> u8 {
    let [a, b, c] = [left, above, corner].map(i16::from);
    let guess = a + b - c;
    let (to_a, to_b, to_c) = ((guess - a).abs(), (guess - b).abs(), (guess - c).abs());
    if to_a <= to_b && to_a <= to_c {
        left
    } else if to_b <= to_c {
        above
    } else {
        corner
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use super::*;

    fn filter(name: &[u8]) -> Vec<Filter> {
        vec![Filter { name: name.to_vec(), parameters: Dictionary::new() }]
    }

    #[test]
    fn text_packings_give_their_bytes() {
        let unpacked = |name: &[u8], data: &[u8]| unpack(data, &filter(name), 100).unwrap().data;
        assert_eq!(unpacked(b"ASCIIHexDecode", b"4 1 4a5>zz"), [0x41, 0x4a, 0x50]);
        assert_eq!(unpacked(b"ASCII85Decode", b"87cURD]i,\"Ebo80~>"), b"Hello World!");
        assert_eq!(unpacked(b"RunLengthDecode", &[2, 1, 2, 3, 254, 9, 128, 7]), [1, 2, 3, 9, 9, 9]);
    }

    #[test]
    fn bombs_end_at_the_limit() {
        let zeros = vec![0; 100_000];
        let mut packed = Vec::new();
        flate2::read::ZlibEncoder::new(&zeros[..], flate2::Compression::best())
            .read_to_end(&mut packed)
            .unwrap();
        assert_eq!(unpack(&packed, &filter(b"FlateDecode"), 100_000).unwrap().data.len(), 100_000);
        assert!(unpack(&packed, &filter(b"FlateDecode"), 99_999).is_err());
        assert!(unpack(&[129, 0].repeat(1000), &filter(b"RunLengthDecode"), 1000).is_err());
    }

    #[test]
    fn rows_filtered_as_in_png_come_back() {
        let rows = [1, 10, 5, 5, 2, 1, 1, 1, 4, 1, 1, 1];
        assert_eq!(as_png(&rows, 3, 1), [10, 15, 20, 11, 16, 21, 12, 17, 22]);
    }
}
