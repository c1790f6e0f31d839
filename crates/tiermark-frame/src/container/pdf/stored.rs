//! Pictures of a document that can be put back: where each is, and how it is packed.
//!
//! Looking at what was found is forgiving; here a picture that is not understood to its last word is passed over, and stays as it is.

use std::collections::BTreeSet;
use std::ops::{ControlFlow, Range};

use tiermark_signal::Size;

use super::file::{File, find};
use super::filter::{self, Filter};
use super::image::{Space, space_of};
use super::masks;
use super::object::{Dictionary, Lexer, Object, is_space};
use crate::container::walker::Walker;
use crate::container::{ContainerError, Content, Kind, Place, shown};
use crate::picture::{Alpha, Layout, Picture, Samples};
use crate::sheet::PassedOver;
use crate::{Format, Frame, FrameError, Limits};

/// The pictures that can be put back, in the order of their numbers, those that cannot, and the last table of places.
pub(crate) struct Document {
    pub(crate) pictures: Vec<Stored>,
    pub(crate) passed_over: Vec<PassedOver>,
    pub(crate) table: Table,
}

/// One picture.
pub(crate) struct Stored {
    pub(crate) number: u32,
    pub(crate) generation: u16,
    /// Where its dictionary is.
    pub(crate) at: usize,
    /// Its data, and those of the objects of its number that came before it.
    pub(crate) data: Range<usize>,
    pub(crate) former: Vec<Range<usize>>,
    pub(crate) size: Size,
    /// 1 or 3.
    pub(crate) colours: usize,
    /// The steps that packed bare samples; none, where it is a JPEG.
    filters: Option<Vec<Filter>>,
}

/// The last table of places (7.5.4, 7.5.8).
pub(crate) struct Table {
    pub(crate) at: usize,
    /// Whether it is a stream.
    pub(crate) is_stream: bool,
    /// What its dictionary says of the document.
    pub(crate) kept: Vec<u8>,
    /// A number that no object has.
    pub(crate) free: u32,
}

/// Look through a document.
pub(crate) fn open(bytes: &[u8], limits: &Limits) -> Result<Document, ContainerError> {
    let mut nobody = |_: &[Place], _: Content| ControlFlow::Continue(());
    let mut walker = Walker::new(limits, &mut nobody);
    let mut file = File::open(bytes, &mut walker)?;
    if file.says(b"/ByteRange") {
        let way_out = "stamp it before it is signed, or print it into a new PDF";
        return Err(ContainerError::Closed { what: "a signed PDF document".to_owned(), way_out });
    }
    if file.endless {
        return Err(ContainerError::damaged(Kind::Pdf, "a stream or a text without an end"));
    }
    let mut table = table(bytes)
        .ok_or_else(|| ContainerError::damaged(Kind::Pdf, "no table of its objects at its end"))?;
    table.free = table.free.max(file.largest().saturating_add(1));
    let masks = masks(&mut file)?;
    let images: BTreeSet<u32> = file.images.iter().copied().collect();
    let (mut pictures, mut passed_over) = (Vec::new(), Vec::new());
    for number in images.into_iter().filter(|number| !masks.contains(number)) {
        match stored(bytes, &mut file, number, &mut walker)? {
            Some(Ok(picture)) => pictures.push(picture),
            Some(Err(other)) => passed_over.push(other),
            None => {}
        }
    }
    Ok(Document { pictures, passed_over, table })
}

/// One picture; `None` where the number stands for something else by now.
fn stored(
    bytes: &[u8],
    file: &mut File<'_>,
    number: u32,
    walker: &mut Walker<'_>,
) -> Result<Option<Result<Stored, PassedOver>>, ContainerError> {
    let (Some((at, data)), Some((dictionary, _))) = (file.place(number), file.stream(number)?) else {
        return Ok(None);
    };
    if !dictionary.get(&b"Subtype"[..]).is_some_and(|kind| kind.is_name(b"Image")) {
        return Ok(None);
    }
    let mut side = |name: &[u8]| -> Result<u64, ContainerError> {
        Ok(file.value(&dictionary, name)?.as_ref().and_then(Object::whole).unwrap_or(0))
    };
    let (width, height) = (side(b"Width")?, side(b"Height")?);
    let size = walker.limits.size(Format::Part, width, height);
    let packing = match packing(file, &dictionary, walker)? {
        Ok(packing) => size.clone().map(|size| (size, packing)).map_err(|error| error.to_string()),
        Err(why) => Err(why),
    };
    let generation = generation_before(bytes, at).ok_or("is an object without a generation".to_owned());
    let stored = packing.and_then(|(size, (colours, filters))| {
        let former = file.former(number);
        Ok(Stored { number, generation: generation?, at, data, former, size, colours, filters })
    });
    Ok(Some(stored.map_err(|why| PassedOver { place: format!("object {number}"), size: size.ok(), why })))
}

/// How many colours a picture has, and by which steps its samples are packed (none, where it is a JPEG); or what it is instead.
#[expect(clippy::type_complexity, reason = "the file's errors, and the picture's")]
fn packing(
    file: &mut File<'_>,
    dictionary: &Dictionary,
    walker: &mut Walker<'_>,
) -> Result<Result<(usize, Option<Vec<Filter>>), String>, ContainerError> {
    if let Some(tricky) = tricky(file, dictionary)? {
        return Ok(Err(tricky.to_owned()));
    }
    let filters = filter::chain(file, dictionary)?;
    let bits = file.value(dictionary, b"BitsPerComponent")?.as_ref().and_then(Object::whole).unwrap_or(0);
    let other = filters.iter().find(|filter| !filter.is_for_bytes());
    let filters = match (&filters[..], other) {
        ([only], Some(_)) if only.name == b"DCTDecode" && only.parameters.is_empty() => None,
        (steps, Some(_)) => {
            let names: Vec<String> = steps.iter().map(|step| shown(&step.name)).collect();
            return Ok(Err(format!("is packed by {}", names.join(" and "))));
        }
        _ => Some(filters),
    };
    let space = file.value(dictionary, b"ColorSpace")?;
    let colours = match space_of(file, space, walker, 0)? {
        Ok(Space::Grey) => 1,
        Ok(Space::Rgb) => 3,
        Ok(Space::Cmyk) => return Ok(Err("is in CMYK".to_owned())),
        Ok(Space::Indexed(..)) => return Ok(Err("has a palette".to_owned())),
        Err(name) => return Ok(Err(format!("is in the colours of {name}"))),
    };
    if filters.is_some() && bits != 8 {
        return Ok(Err(format!("has samples of {bits} bits")));
    }
    let plain: Vec<Object> = [0.0, 1.0].repeat(colours).into_iter().map(Object::Number).collect();
    if file.value(dictionary, b"Decode")?.is_some_and(|decode| decode != Object::Array(plain)) {
        return Ok(Err("has a /Decode of its own".to_owned()));
    }
    Ok(Ok((colours, filters)))
}

/// Why other colours would change more than colour, or the picture is not what its data say.
fn tricky(file: &mut File<'_>, dictionary: &Dictionary) -> Result<Option<&'static str>, ContainerError> {
    let has = |name: &[u8]| dictionary.contains_key(name);
    if has(b"F") || has(b"FFilter") {
        return Ok(Some("lies in another file"));
    }
    if has(b"Alternates") {
        return Ok(Some("has others in its place"));
    }
    if has(b"SMaskInData") {
        return Ok(Some("has its alpha in its data"));
    }
    if file.value(dictionary, b"ImageMask")? == Some(Object::Word(b"true".to_vec())) {
        return Ok(Some("is a stencil"));
    }
    if matches!(file.value(dictionary, b"Mask")?, Some(Object::Array(_))) {
        return Ok(Some("has colours that are not there"));
    }
    let mask = file.value(dictionary, b"SMask")?;
    let matte =
        mask.as_ref().and_then(Object::dictionary).is_some_and(|mask| mask.contains_key(&b"Matte"[..]));
    Ok(matte.then_some("is blended with a colour (/Matte)"))
}

impl Stored {
    /// Read it.
    pub(crate) fn picture(&self, bytes: &[u8], limits: &Limits) -> Result<Frame, FrameError> {
        let data = &bytes[self.data.clone()];
        let Some(filters) = &self.filters else {
            let frame = Frame::decode(data.to_vec(), limits)?;
            let same = frame.format() == Format::Jpeg && frame.colour_count() == self.colours;
            return if same { Ok(frame) } else { Err(other("a JPEG of other colours than the page says")) };
        };
        // Each row may have a byte before it that tells how it was filtered.
        let wanted = self.size.area() * self.colours;
        let most = (wanted + self.size.height) as u64;
        let mut samples = filter::unpack(data, filters, most.saturating_add(1 << 20))
            .map_err(|reason| FrameError::NotSupported(format!("a picture that {reason}")))?
            .data;
        if samples.len() < wanted {
            return Err(other("a picture whose samples break off"));
        }
        samples.truncate(wanted);
        let layout = Layout::new(self.colours, Alpha::None);
        let picture = Picture::new(self.size, layout, Samples::Byte(samples));
        picture.map(Frame::bare).ok_or_else(|| other("a picture of another number of samples"))
    }

    /// Whether it is a JPEG as it lies there.
    pub(crate) fn is_jpeg(&self) -> bool {
        self.filters.is_none()
    }
}

fn other(what: &str) -> FrameError {
    FrameError::NotSupported(what.to_owned())
}

/// What the dictionary at `at` says, as it stands there, without these names.
pub(crate) fn entries_but(bytes: &[u8], at: usize, names: &[&[u8]]) -> Option<Vec<u8>> {
    let mut lexer = Lexer::new(bytes, at);
    lexer.space();
    let from = lexer.at();
    let mut lexer = bytes.get(from..)?.starts_with(b"<<").then(|| Lexer::new(bytes, from + 2))?;
    let mut kept = Vec::new();
    loop {
        lexer.space();
        let from = lexer.at();
        if bytes.get(from..)?.starts_with(b">>") {
            return Some(kept);
        }
        let Object::Name(name) = lexer.object()? else { return None };
        lexer.object()?;
        if !names.contains(&&name[..]) {
            kept.extend_from_slice(&bytes[from..lexer.at()]);
            kept.push(b' ');
        }
    }
}

/// The table that the end of the file leads to.
fn table(bytes: &[u8]) -> Option<Table> {
    const NAMES: [&[u8]; 11] = [
        b"Size",
        b"Prev",
        b"XRefStm",
        b"Type",
        b"W",
        b"Index",
        b"Length",
        b"Filter",
        b"DecodeParms",
        b"DL",
        b"F",
    ];
    let tail = bytes.len().saturating_sub(4096);
    let end = tail + bytes[tail..].windows(9).rposition(|window| window == b"startxref")?;
    let at = usize::try_from(Lexer::new(bytes, end + 9).object()?.whole()?).ok().filter(|at| *at < end)?;
    let mut lexer = Lexer::new(bytes, at);
    lexer.space();
    let is_stream = !bytes[lexer.at()..].starts_with(b"xref");
    let dictionary = if is_stream {
        lexer.object()?.whole()?;
        lexer.object()?.whole()?;
        lexer.space();
        (lexer.word() == b"obj").then(|| lexer.at())?
    } else {
        at + find(&bytes[at..end], b"trailer")? + 7
    };
    let Object::Dictionary(says) = Lexer::new(bytes, dictionary).object()? else { return None };
    let is_table = !is_stream || says.get(&b"Type"[..]).is_some_and(|kind| kind.is_name(b"XRef"));
    let free = u32::try_from(says.get(&b"Size"[..])?.whole()?).ok()?;
    let kept = entries_but(bytes, dictionary, &NAMES)?;
    (is_table && says.contains_key(&b"Root"[..])).then_some(Table { at, is_stream, kept, free })
}

/// The generation in `12 0 obj`, behind which stands `at`.
fn generation_before(bytes: &[u8], at: usize) -> Option<u16> {
    let before = bytes.get(..at)?.strip_suffix(b"obj")?;
    let spaces = before.iter().rev().take_while(|byte| is_space(**byte)).count();
    let before = &before[..before.len() - spaces];
    let digits = before.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&before[before.len() - digits..]).ok()?.parse().ok()
}
