//! Where the objects of a PDF are.
//!
//! Its own table of places is not asked: it is often wrong in files that were repaired, joined or cut off, and may lie. Instead
//! the file is looked through once from front to back; of two objects of one number the later counts, as the standard has it.

use std::collections::BTreeMap;
use std::ops::Range;

use super::filter;
use super::object::{Dictionary, Lexer, Object, is_space};
use crate::container::walker::Walker;
use crate::container::{ContainerError, Kind};

/// More than the standard lets a document have is 8,388,607; real ones have some thousands.
const MOST_OBJECTS: usize = 2_000_000;

/// Text that is read into objects, over and over: so many times the file, and no more than 4 GiB. Bounds the time.
const MOST_READINGS: usize = 16;

/// Objects that are packed together are held unpacked.
const MOST_PACKED: u64 = 256 << 20;

/// A document.
pub(super) struct File<'a> {
    bytes: &'a [u8],
    objects: BTreeMap<u32, Whereabouts>,
    /// Streams of packed objects, unpacked.
    packed: Vec<Vec<u8>>,
    /// The object from which all pages hang.
    pub(super) root: Option<Object>,
    /// Pictures in the order of the file.
    pub(super) images: Vec<u32>,
    /// Streams that later objects of their number took the place of.
    former: Vec<(u32, Range<usize>)>,
    /// Whether a stream or a text has no end: what is written behind the file would be taken for more of it.
    pub(super) endless: bool,
    work: usize,
}

#[derive(Clone, Debug)]
enum Whereabouts {
    /// In the file: the text, and the data of a stream behind it.
    File(usize, Option<Range<usize>>),
    /// In a packed stream: its number, and where in it. The stream's own place in the file says which object is later.
    Packed(usize, usize, usize),
}

impl<'a> File<'a> {
    /// Look through a file.
    pub(super) fn open(bytes: &'a [u8], walker: &mut Walker<'_>) -> Result<Self, ContainerError> {
        let (objects, packed, images) = (BTreeMap::new(), Vec::new(), Vec::new());
        let mut file =
            Self { bytes, objects, packed, root: None, images, former: Vec::new(), endless: false, work: 0 };
        let streams = file.scan()?;
        for number in streams {
            file.unpack(number, walker)?;
        }
        Ok(file)
    }

    /// The object of this number.
    pub(super) fn get(&mut self, number: u32) -> Result<Option<Object>, ContainerError> {
        let Some(whereabouts) = self.objects.get(&number) else { return Ok(None) };
        let (bytes, at) = match whereabouts {
            Whereabouts::File(at, _) => (self.bytes, *at),
            Whereabouts::Packed(stream, at, _) => (&self.packed[*stream][..], *at),
        };
        let mut lexer = Lexer::new(bytes, at);
        let object = lexer.object();
        let read = lexer.at() - at;
        self.spend(read)?;
        Ok(object)
    }

    /// What an object stands for: a reference is followed, once and again.
    pub(super) fn follow(&mut self, object: Option<Object>) -> Result<Option<Object>, ContainerError> {
        let mut object = object;
        // References to references are odd; circles of them end here.
        for _ in 0..8 {
            match object {
                Some(Object::Reference(number)) => object = self.get(number)?,
                other => return Ok(other),
            }
        }
        Ok(None)
    }

    /// The value of a name, followed.
    pub(super) fn value(&mut self, of: &Dictionary, name: &[u8]) -> Result<Option<Object>, ContainerError> {
        self.follow(of.get(name).cloned())
    }

    /// The dictionary and the packed data of a stream.
    pub(super) fn stream(&mut self, number: u32) -> Result<Option<(Dictionary, &'a [u8])>, ContainerError> {
        let Some(Whereabouts::File(_, Some(range))) = self.objects.get(&number).cloned() else {
            return Ok(None);
        };
        let object = self.get(number)?;
        Ok(match object {
            Some(Object::Dictionary(dictionary)) => self.bytes.get(range).map(|data| (dictionary, data)),
            _ => None,
        })
    }

    /// Where the text and the data of a stream are.
    pub(super) fn place(&self, number: u32) -> Option<(usize, Range<usize>)> {
        match self.objects.get(&number)? {
            Whereabouts::File(at, Some(data)) => Some((*at, data.clone())),
            _ => None,
        }
    }

    /// The data of the streams that had this number before.
    pub(super) fn former(&self, number: u32) -> Vec<Range<usize>> {
        self.former.iter().filter(|(of, _)| *of == number).map(|(_, data)| data.clone()).collect()
    }

    /// The largest number of an object.
    pub(super) fn largest(&self) -> u32 {
        self.objects.last_key_value().map_or(0, |(number, _)| *number)
    }

    /// Whether this word stands anywhere, in packed objects too.
    pub(super) fn says(&self, word: &[u8]) -> bool {
        find(self.bytes, word).is_some() || self.packed.iter().any(|packed| find(packed, word).is_some())
    }

    fn spend(&mut self, bytes: usize) -> Result<(), ContainerError> {
        self.work += bytes + 16;
        let most = self.bytes.len().saturating_mul(MOST_READINGS).clamp(64 << 20, 4 << 30);
        if self.work > most {
            let reason = "its objects refer to each other too often to be followed";
            return Err(ContainerError::damaged(Kind::Pdf, reason));
        }
        Ok(())
    }

    /// Find all objects of the file; the numbers of the streams that hold more.
    fn scan(&mut self) -> Result<Vec<u32>, ContainerError> {
        let (mut at, mut streams) = (0, Vec::new());
        // Where no stream ends any more, none is looked for again.
        let mut ends = true;
        while let Some(found) = find(&self.bytes[at..], b"obj").map(|found| at + found) {
            at = found + 3;
            let Some(number) = number_before(self.bytes, found) else { continue };
            let mut lexer = Lexer::new(self.bytes, at);
            let object = lexer.object();
            let text_end = lexer.at();
            self.spend(text_end - at)?;
            let Some(object) = object else {
                self.endless |= text_end >= self.bytes.len();
                continue;
            };
            let mut data = None;
            if let Object::Dictionary(dictionary) = &object {
                data = stream_data(self.bytes, text_end, dictionary, &mut ends);
                self.remember(number, dictionary, data.is_some(), &mut streams)?;
            }
            let former = self.objects.insert(number, Whereabouts::File(at, data.clone()));
            if let Some(Whereabouts::File(_, Some(data))) = former {
                self.former.push((number, data));
            }
            if self.objects.len().max(self.former.len()) > MOST_OBJECTS {
                return Err(ContainerError::damaged(Kind::Pdf, "more objects than a document has"));
            }
            at = data.map_or(text_end, |data| data.end);
        }
        self.endless |= !ends;
        self.trailers()?;
        streams.dedup();
        Ok(streams)
    }

    /// Where the last trailer says that the pages are.
    fn trailers(&mut self) -> Result<(), ContainerError> {
        let mut at = 0;
        while let Some(found) = find(&self.bytes[at..], b"trailer") {
            at += found + 7;
            let mut lexer = Lexer::new(self.bytes, at);
            let object = lexer.object();
            self.spend(lexer.at() - at)?;
            let Some(trailer) = object.as_ref().and_then(Object::dictionary) else { continue };
            let Some(root) = trailer.get(&b"Root"[..]) else { continue };
            if trailer.contains_key(&b"Encrypt"[..]) {
                return Err(encrypted());
            }
            self.root = Some(root.clone());
        }
        Ok(())
    }

    fn remember(
        &mut self,
        number: u32,
        dictionary: &Dictionary,
        has_data: bool,
        streams: &mut Vec<u32>,
    ) -> Result<(), ContainerError> {
        let is = |key: &[u8], wanted: &[u8]| dictionary.get(key).is_some_and(|value| value.is_name(wanted));
        if dictionary.contains_key(&b"Encrypt"[..]) {
            return Err(encrypted());
        }
        if is(b"Type", b"Catalog") {
            self.root.get_or_insert(Object::Reference(number));
        }
        if has_data && is(b"Type", b"XRef") {
            self.root = dictionary.get(&b"Root"[..]).cloned().or(self.root.take());
        }
        if has_data && is(b"Type", b"ObjStm") {
            streams.push(number);
        }
        if has_data && is(b"Subtype", b"Image") {
            self.images.push(number);
        }
        Ok(())
    }

    /// Take the objects out of a stream that holds them.
    fn unpack(&mut self, number: u32, walker: &mut Walker<'_>) -> Result<(), ContainerError> {
        let Some(Whereabouts::File(stream_at, _)) = self.objects.get(&number).cloned() else { return Ok(()) };
        let Some((dictionary, data)) = self.stream(number)? else { return Ok(()) };
        let held: usize = self.packed.iter().map(Vec::len).sum();
        let most = MOST_PACKED.saturating_sub(held as u64).min(walker.unspent());
        let filters = filter::chain(self, &dictionary)?;
        let Ok(filter::Unpacked { data, left: None }) = filter::unpack(data, &filters, most) else {
            return Ok(());
        };
        walker.spend(data.len() as u64)?;
        let whole = |name: &[u8]| dictionary.get(name).and_then(Object::whole).unwrap_or(0) as usize;
        let (count, first) = (whole(b"N"), whole(b"First"));
        let mut lexer = Lexer::new(&data, 0);
        let stream = self.packed.len();
        for _ in 0..count.min(data.len()) {
            let (Some(number), Some(offset)) = (lexer.object(), lexer.object()) else { break };
            let (Some(number), Some(offset)) = (number.whole(), offset.whole()) else { break };
            let (Ok(number), at) = (u32::try_from(number), first.saturating_add(offset as usize)) else {
                break;
            };
            if at >= data.len() {
                continue;
            }
            let later = match self.objects.get(&number) {
                Some(Whereabouts::File(at, _) | Whereabouts::Packed(_, _, at)) => *at <= stream_at,
                None => true,
            };
            if later {
                self.objects.insert(number, Whereabouts::Packed(stream, at, stream_at));
            }
        }
        self.spend(data.len())?;
        self.packed.push(data);
        Ok(())
    }
}

/// What is said of a document that needs a password, or had one to restrict its use.
pub(super) fn encrypted() -> ContainerError {
    ContainerError::Closed {
        what: "an encrypted PDF document".to_owned(),
        way_out: "print it into a new PDF, or save it without encryption",
    }
}

/// The first place of `wanted`.
pub(super) fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut at = 0;
    loop {
        at += bytes[at..].iter().position(|byte| *byte == first)?;
        if bytes[at..].starts_with(wanted) {
            return Some(at);
        }
        at += 1;
    }
}

/// The number of the object whose `obj` stands at `at`: `12 0 obj`.
fn number_before(bytes: &[u8], at: usize) -> Option<u32> {
    let before = |at: usize, holds: fn(u8) -> bool, most: usize| {
        let count = bytes[..at].iter().rev().take(most).take_while(|byte| holds(**byte)).count();
        at - count
    };
    let is_digit = |byte: u8| byte.is_ascii_digit();
    let after_generation = before(at, is_space, 8);
    let generation = before(after_generation, is_digit, 6);
    let after_number = before(generation, is_space, 8);
    let number = before(after_number, is_digit, 11);
    if generation == after_generation || after_number == generation {
        return None;
    }
    std::str::from_utf8(&bytes[number..after_number]).ok()?.parse().ok()
}

/// The data of the stream whose dictionary ends at `at`.
fn stream_data(bytes: &[u8], at: usize, dictionary: &Dictionary, ends: &mut bool) -> Option<Range<usize>> {
    let mut lexer = Lexer::new(bytes, at);
    lexer.space();
    if lexer.word() != b"stream" {
        return None;
    }
    let mut from = lexer.at();
    if bytes.get(from) == Some(&b'\r') {
        from += 1;
    }
    if bytes.get(from) == Some(&b'\n') {
        from += 1;
    }
    if let Some(length) = dictionary.get(&b"Length"[..]).and_then(Object::whole) {
        let to = from.saturating_add(length as usize);
        let mut behind = Lexer::new(bytes, to);
        if to <= bytes.len() {
            behind.space();
            if behind.at() - to <= 4 && behind.word() == b"endstream" {
                return Some(from..to);
            }
        }
    }
    // The length stands elsewhere, or is wrong.
    let found = if *ends { find(&bytes[from..], b"endstream") } else { None };
    *ends = found.is_some();
    let to = found.map_or(bytes.len(), |found| from + found);
    let line_end = match &bytes[from..to] {
        [.., b'\r', b'\n'] => 2,
        [.., b'\r' | b'\n'] => 1,
        _ => 0,
    };
    Some(from..to - line_end)
}
