//! Photoshop documents (Adobe Photoshop File Formats Specification, 2019): their layers one by one, and all together.
//!
//! Grey and RGB of 8 and 16 bits, stored plainly, by PackBits or by zip; other modes are refused by name. Masks, blending and
//! effects are not applied: each layer is looked at as it was painted.

mod pixels;
mod reader;

use tiermark_signal::Size;

use super::walker::Walker;
use super::{ContainerError, Kind, Place, shown};
use crate::picture::{Alpha, Layout, Picture};
use crate::{Format, FrameError};
use pixels::{Planes, cut_off, packing, plane, unpacked_rows};
use reader::Reader;

/// What the header says.
#[derive(Clone, Copy)]
struct Shape {
    size: Size,
    channels: usize,
    colours: usize,
    /// Bytes of a sample.
    depth: usize,
}

/// A layer: where its channels are stored comes later in the file.
struct Layer {
    name: String,
    /// Width and height; none for groups and adjustments, which have no pixels.
    size: Option<(u64, u64)>,
    /// What each channel means (0 to 2 colours, -1 alpha), and how long it is.
    channels: Vec<(i16, u64)>,
}

/// Everything in a document.
pub(super) fn walk(bytes: &[u8], walker: &mut Walker<'_>) -> Result<(), ContainerError> {
    let cut = || ContainerError::cut_off(Kind::Photoshop);
    let mut reader = Reader { bytes, large: bytes.get(5) == Some(&2) };
    let shape = header(&mut reader, walker)?;
    reader.short_section().and_then(|_| reader.short_section()).ok_or_else(cut)?;
    let mut section = reader.section().ok_or_else(cut)?;
    let (layers, merged_alpha) = layers(&mut section, shape, walker)?;
    composite(&mut reader, shape, merged_alpha, walker)?;
    if layers {
        Ok(())
    } else {
        Err(ContainerError::damaged(Kind::Photoshop, "its list of layers breaks off"))
    }
}

fn header(reader: &mut Reader<'_>, walker: &Walker<'_>) -> Result<Shape, ContainerError> {
    let cut = || ContainerError::cut_off(Kind::Photoshop);
    reader.take(12).ok_or_else(cut)?;
    let channels = reader.u16().ok_or_else(cut)?;
    let (height, width) = (reader.u32().ok_or_else(cut)?, reader.u32().ok_or_else(cut)?);
    let (bits, mode) = (reader.u16().ok_or_else(cut)?, reader.u16().ok_or_else(cut)?);
    let closed = |what: String| ContainerError::Closed { what, way_out: "save it as 8- or 16-bit RGB" };
    let colours = match mode {
        1 | 8 => 1,
        3 => 3,
        0 => return Err(closed("a Photoshop document of one bit".to_owned())),
        2 => return Err(closed("a Photoshop document with a palette".to_owned())),
        4 => return Err(closed("a CMYK Photoshop document".to_owned())),
        9 => return Err(closed("a Lab Photoshop document".to_owned())),
        other => return Err(closed(format!("a Photoshop document of colour mode {other}"))),
    };
    let depth = match bits {
        8 => 1,
        16 => 2,
        other => return Err(closed(format!("a Photoshop document of {other} bits a sample"))),
    };
    let size = walker.limits.size(Format::Part, width.into(), height.into());
    let size = size.map_err(|error| ContainerError::damaged(Kind::Photoshop, error))?;
    Ok(Shape { size, channels: channels.into(), colours, depth })
}

/// The layers; whether their list could be read to its end, and whether the picture of all together has alpha.
fn layers(
    section: &mut Reader<'_>,
    shape: Shape,
    walker: &mut Walker<'_>,
) -> Result<(bool, bool), ContainerError> {
    if section.bytes.is_empty() {
        return Ok((true, false));
    }
    let Some(info) = section.section() else { return Ok((false, false)) };
    if !info.bytes.is_empty() {
        return listed(info, shape, walker);
    }
    // Documents of 16 bits keep their layers among the blocks behind the global mask.
    let Some(_) = section.short_section() else { return Ok((true, false)) };
    match block(section, b"Lr16") {
        Some(info) => listed(info, shape, walker),
        None => Ok((true, false)),
    }
}

/// The tagged block of this name.
fn block<'a>(section: &mut Reader<'a>, wanted: &[u8; 4]) -> Option<Reader<'a>> {
    loop {
        let mark = section.take(4)?;
        // Blocks are padded to four bytes, whatever their lengths say.
        if mark[0] == 0 {
            continue;
        }
        if mark != b"8BIM" && mark != b"8B64" {
            return None;
        }
        let key = section.take(4)?;
        let content = if is_long(key) { section.section()? } else { section.short_section()? };
        if key == wanted {
            return Some(content);
        }
    }
}

/// Keys whose blocks have a length of eight bytes in large documents.
fn is_long(key: &[u8]) -> bool {
    const LONG: [&[u8; 4]; 13] = [
        b"LMsk", b"Lr16", b"Lr32", b"Layr", b"Mt16", b"Mt32", b"Mtrn", b"Alph", b"FMsk", b"lnk2", b"FEid",
        b"FXid", b"PxSD",
    ];
    LONG.iter().any(|long| key == *long)
}

fn listed(
    mut info: Reader<'_>,
    shape: Shape,
    walker: &mut Walker<'_>,
) -> Result<(bool, bool), ContainerError> {
    let Some(count) = info.u16().map(u16::cast_signed) else { return Ok((false, false)) };
    let merged_alpha = count < 0;
    let mut layers = Vec::new();
    for _ in 0..count.unsigned_abs() {
        match record(&mut info) {
            Some(layer) => layers.push(layer),
            None => return Ok((false, merged_alpha)),
        }
    }
    for (index, layer) in (1..).zip(layers) {
        let channels: Option<Vec<(i16, &[u8])>> =
            layer.channels.iter().map(|(id, length)| Some((*id, info.take(*length)?))).collect();
        let Some(channels) = channels else { return Ok((false, merged_alpha)) };
        let Some((width, height)) = layer.size else { continue };
        let place = Place::Layer { index, name: layer.name };
        let picture = match walker.limits.size(Format::Part, width, height) {
            Err(error) => Err(error),
            Ok(size) => {
                walker.spend((size.area() * shape.depth * (shape.colours + 1)) as u64)?;
                painted(size, shape, &channels, info.large)
            }
        };
        walker.picture(place, picture)?;
    }
    Ok((true, merged_alpha))
}

/// What the list says of one layer.
fn record(info: &mut Reader<'_>) -> Option<Layer> {
    let mut side = || info.u32().map(|side| i64::from(side.cast_signed()));
    let (top, left, bottom, right) = (side()?, side()?, side()?, side()?);
    let side = |from: i64, to: i64| u64::try_from(to - from).ok().filter(|side| *side > 0);
    let size = side(left, right).zip(side(top, bottom));
    // The specification has 56 at most.
    let count = info.u16().filter(|count| *count <= 64)?;
    let channels: Option<Vec<(i16, u64)>> =
        (0..count).map(|_| Some((info.u16()?.cast_signed(), info.length()?))).collect();
    info.take(12)?;
    let mut extra = info.short_section()?;
    Some(Layer { name: name(&mut extra).unwrap_or_default(), size, channels: channels? })
}

/// The layer's name: in Unicode, where the document has that.
fn name(extra: &mut Reader<'_>) -> Option<String> {
    extra.short_section()?;
    extra.short_section()?;
    let length = extra.u8()?;
    let short = extra.take(length.into())?;
    extra.take(u64::from((4 - (length + 1) % 4) % 4))?;
    let unicode = block(extra, b"luni").and_then(|mut block| {
        let count = block.u32()?;
        let units = block.take(u64::from(count) * 2)?;
        let units = units.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        Some(char::decode_utf16(units.filter(|unit| *unit != 0)).map(|c| c.unwrap_or('\u{fffd}')).collect())
    });
    Some(unicode.unwrap_or_else(|| shown(short)))
}

/// The pixels of a layer.
fn painted(size: Size, shape: Shape, channels: &[(i16, &[u8])], large: bool) -> Result<Picture, FrameError> {
    let of = |wanted: i16| channels.iter().find(|(id, _)| *id == wanted).map(|(_, data)| *data);
    let missing = || FrameError::damaged(Format::Part, "a Photoshop document, and a colour is missing");
    let colours: Option<Vec<&[u8]>> = (0..shape.colours as i16).map(of).collect();
    let mut wanted = colours.ok_or_else(missing)?;
    let alpha = if of(-1).is_some() { Alpha::Straight } else { Alpha::None };
    wanted.extend(of(-1));
    let mut planes = Planes::new(size, shape.depth, Layout::new(shape.colours, alpha))?;
    for (channel, data) in wanted.into_iter().enumerate() {
        let mut data = Reader { bytes: data, large };
        let how = data.u16().ok_or_else(cut_off)?;
        planes.put(channel, &plane(&mut data, how, size, shape.depth)?);
    }
    planes.picture()
}

/// All layers as they were last seen together.
fn composite(
    reader: &mut Reader<'_>,
    shape: Shape,
    alpha: bool,
    walker: &mut Walker<'_>,
) -> Result<(), ContainerError> {
    walker.spend((shape.size.area() * shape.depth * (shape.colours + 1)) as u64)?;
    let alpha = alpha && shape.channels > shape.colours;
    let picture = merged(reader, shape, if alpha { Alpha::Straight } else { Alpha::None });
    walker.picture(Place::Composite, picture)
}

fn merged(reader: &mut Reader<'_>, shape: Shape, alpha: Alpha) -> Result<Picture, FrameError> {
    let layout = Layout::new(shape.colours, alpha);
    if shape.channels < layout.channels {
        return Err(FrameError::damaged(Format::Part, "a Photoshop document, and a colour is missing"));
    }
    let mut planes = Planes::new(shape.size, shape.depth, layout)?;
    let how = reader.u16().ok_or_else(cut_off)?;
    let rows = shape.size.height;
    // The lengths of the packed rows of all channels stand before the first of them.
    let each = if reader.large { 4 } else { 2 };
    let mut lengths = match how {
        1 => reader.take((rows * shape.channels * each) as u64).ok_or_else(cut_off)?,
        _ => &[],
    };
    for channel in 0..layout.channels {
        let plane = match how {
            1 => {
                let (mine, rest) = lengths.split_at(rows * each);
                lengths = rest;
                unpacked_rows(reader, mine, shape.size, shape.depth)?
            }
            0 => plane(reader, 0, shape.size, shape.depth)?,
            other => return Err(packing(other)),
        };
        planes.put(channel, &plane);
    }
    planes.picture()
}
