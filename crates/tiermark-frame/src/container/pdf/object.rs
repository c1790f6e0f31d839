//! The objects of a PDF (ISO 32000-2, 7.3), as far as pictures need them.

use std::collections::BTreeMap;

/// Arrays and dictionaries inside each other: documents have about ten.
const MOST_DEPTH: u32 = 40;

/// The text of one object: the list of a hundred thousand pages has 2 MB.
const MOST_BYTES: usize = 4 << 20;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Object {
    /// `null`, `true`, `false`, and whatever is not understood.
    Word(Vec<u8>),
    Number(f64),
    Name(Vec<u8>),
    Text(Vec<u8>),
    Array(Vec<Self>),
    Dictionary(Dictionary),
    /// Another object, by its number.
    Reference(u32),
}

/// Values by name.
pub(super) type Dictionary = BTreeMap<Vec<u8>, Object>;

impl Object {
    pub(super) fn dictionary(&self) -> Option<&Dictionary> {
        if let Self::Dictionary(dictionary) = self { Some(dictionary) } else { None }
    }

    pub(super) fn array(&self) -> Option<&[Self]> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    pub(super) fn name(&self) -> Option<&[u8]> {
        if let Self::Name(name) = self { Some(name) } else { None }
    }

    pub(super) fn number(&self) -> Option<f64> {
        if let Self::Number(number) = self { Some(*number) } else { None }
    }

    /// A count or size.
    pub(super) fn whole(&self) -> Option<u64> {
        self.number().filter(|number| (0.0..=1e15).contains(number)).map(|number| number as u64)
    }

    pub(super) fn is_name(&self, wanted: &[u8]) -> bool {
        self.name() == Some(wanted)
    }
}

/// Reads objects at a place in a file.
pub(super) struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at, end: bytes.len().min(at.saturating_add(MOST_BYTES)) }
    }

    /// How far it has come.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The next object, if it is one.
    pub(super) fn object(&mut self) -> Option<Object> {
        self.value(0)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes[..self.end].get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// Pass spaces and comments.
    pub(super) fn space(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b'%' => while self.next().is_some_and(|byte| byte != b'\n' && byte != b'\r') {},
                _ if is_space(byte) => self.at += 1,
                _ => return,
            }
        }
    }

    fn value(&mut self, depth: u32) -> Option<Object> {
        if depth > MOST_DEPTH {
            return None;
        }
        self.space();
        match self.peek()? {
            b'/' => {
                self.at += 1;
                Some(Object::Name(self.name()))
            }
            b'(' => self.text(),
            b'<' if self.bytes.get(self.at + 1) == Some(&b'<') => self.dictionary(depth),
            b'<' => self.hex(),
            b'[' => self.array(depth),
            b'0'..=b'9' | b'+' | b'-' | b'.' => self.number_or_reference(),
            byte if is_delimiter(byte) => None,
            _ => Some(Object::Word(self.word().to_vec())),
        }
    }

    /// Bytes up to a space or delimiter.
    pub(super) fn word(&mut self) -> &'a [u8] {
        let from = self.at;
        while self.peek().is_some_and(|byte| !is_space(byte) && !is_delimiter(byte)) {
            self.at += 1;
        }
        &self.bytes[from..self.at]
    }

    fn name(&mut self) -> Vec<u8> {
        let raw = self.word();
        let mut name = Vec::with_capacity(raw.len());
        let mut rest = raw;
        while let Some((&byte, later)) = rest.split_first() {
            match (byte, later) {
                (b'#', [a, b, after @ ..]) if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => {
                    name.push(digit(*a) << 4 | digit(*b));
                    rest = after;
                }
                _ => {
                    name.push(byte);
                    rest = later;
                }
            }
        }
        name
    }

    fn number_or_reference(&mut self) -> Option<Object> {
        let number = number(self.word())?;
        let back = self.at;
        if number >= 0.0 && number <= f64::from(u32::MAX) && number.fract() == 0.0 {
            self.space();
            if self.word().iter().all(u8::is_ascii_digit) && self.at > back {
                self.space();
                if self.word() == b"R" {
                    return Some(Object::Reference(number as u32));
                }
            }
        }
        self.at = back;
        Some(Object::Number(number))
    }

    fn array(&mut self, depth: u32) -> Option<Object> {
        self.at += 1;
        let mut items = Vec::new();
        loop {
            self.space();
            if self.peek()? == b']' {
                self.at += 1;
                return Some(Object::Array(items));
            }
            items.push(self.value(depth + 1)?);
        }
    }

    fn dictionary(&mut self, depth: u32) -> Option<Object> {
        self.at += 2;
        let mut dictionary = Dictionary::new();
        loop {
            self.space();
            match self.next()? {
                b'/' => {
                    let name = self.name();
                    dictionary.insert(name, self.value(depth + 1)?);
                }
                b'>' if self.peek() == Some(b'>') => {
                    self.at += 1;
                    return Some(Object::Dictionary(dictionary));
                }
                _ => return None,
            }
        }
    }

    fn text(&mut self) -> Option<Object> {
        self.at += 1;
        let (mut text, mut open) = (Vec::new(), 1_u32);
        loop {
            match self.next()? {
                b'(' => {
                    open += 1;
                    text.push(b'(');
                }
                b')' => {
                    open -= 1;
                    if open == 0 {
                        return Some(Object::Text(text));
                    }
                    text.push(b')');
                }
                b'\\' => self.escape(&mut text)?,
                byte => text.push(byte),
            }
        }
    }

    fn escape(&mut self, text: &mut Vec<u8>) -> Option<()> {
        match self.next()? {
            b'n' => text.push(b'\n'),
            b'r' => text.push(b'\r'),
            b't' => text.push(b'\t'),
            b'b' => text.push(8),
            b'f' => text.push(12),
            b'\r' if self.peek() == Some(b'\n') => self.at += 1,
            b'\n' | b'\r' => {}
            first @ b'0'..=b'7' => {
                let mut code = u32::from(first - b'0');
                for _ in 0..2 {
                    let Some(more @ b'0'..=b'7') = self.peek() else { break };
                    code = code * 8 + u32::from(more - b'0');
                    self.at += 1;
                }
                text.push(code as u8);
            }
            other => text.push(other),
        }
        Some(())
    }

    fn hex(&mut self) -> Option<Object> {
        self.at += 1;
        let mut digits = Vec::new();
        loop {
            match self.next()? {
                b'>' => break,
                byte if byte.is_ascii_hexdigit() => digits.push(digit(byte)),
                _ => {}
            }
        }
        let pairs = digits.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).unwrap_or(&0));
        Some(Object::Text(pairs.collect()))
    }
}

pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, 0 | 9 | 10 | 12 | 13 | 32)
}

fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%')
}

/// The value of a hexadecimal digit.
pub(super) fn digit(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        _ => byte.wrapping_sub(b'A') + 10,
    }
}

fn number(word: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(word).ok().filter(|text| text.len() <= 40)?;
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use super::*;

    #[test]
    fn objects_are_read_as_the_standard_has_them() {
        let text = b"<< /A#20B [1 -2.5 3 0 R (x\\(\\101) <4 1>] % comment\n /C true /D << >> >> rest";
        let read = Lexer::new(text, 0).object().unwrap();
        let dictionary = read.dictionary().unwrap();
        let items = dictionary[&b"A B"[..]].array().unwrap();
        assert_eq!(items[0], Object::Number(1.0));
        assert_eq!(items[1], Object::Number(-2.5));
        assert_eq!(items[2], Object::Reference(3));
        assert_eq!(items[3], Object::Text(b"x(A".to_vec()));
        assert_eq!(items[4], Object::Text(vec![0x41]));
        assert_eq!(dictionary[&b"C"[..]], Object::Word(b"true".to_vec()));
    }

    #[test]
    fn nests_without_end_are_no_objects() {
        assert_eq!(Lexer::new(&b"[".repeat(100_000), 0).object(), None);
        assert_eq!(Lexer::new(&b"<</A".repeat(100_000), 0).object(), None);
        assert_eq!(Lexer::new(b"(never closed", 0).object(), None);
    }
}
