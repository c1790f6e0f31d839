//! From the samples of a picture on a page to a picture.

use super::file::File;
use super::filter;
use super::object::{Dictionary, Object};
use crate::container::ContainerError;
use crate::container::walker::Walker;
use crate::limits::zeros;
use crate::picture::{Alpha, Layout, Picture, Samples};
use crate::{Format, FrameError};

/// What an image object holds.
pub(super) enum Image {
    /// A file by itself.
    File(Vec<u8>),
    /// Bare samples.
    Picture(Picture),
    /// A stencil, which is no picture.
    Nothing,
}

/// What the numbers of a pixel mean.
#[derive(Debug)]
pub(super) enum Space {
    Grey,
    Rgb,
    Cmyk,
    /// Numbers of colours in this list.
    Indexed(Box<Space>, Vec<u8>),
}

impl Space {
    fn channels(&self) -> usize {
        match self {
            Self::Grey | Self::Indexed(..) => 1,
            Self::Rgb => 3,
            Self::Cmyk => 4,
        }
    }

    /// How many colours our pictures have of it.
    fn colours(&self) -> usize {
        match self {
            Self::Grey => 1,
            Self::Indexed(base, _) => base.colours(),
            Self::Rgb | Self::Cmyk => 3,
        }
    }

    /// One pixel of 8-bit samples as ours.
    fn put(&self, pixel: &[u8], ours: &mut [u8]) {
        match self {
            Self::Grey | Self::Rgb => ours.copy_from_slice(pixel),
            Self::Cmyk => {
                let ink = |at: usize| 255 - u32::from(pixel[at]);
                (0..3).for_each(|at| ours[at] = (ink(at) * ink(3) / 255) as u8);
            }
            Self::Indexed(base, colours) => {
                let (index, channels) = (usize::from(pixel[0]), base.channels());
                // What the list lacks is black (8.6.6.3 leaves it open).
                match colours.get(index * channels..(index + 1) * channels) {
                    Some(colour) => base.put(colour, ours),
                    None => ours.fill(0),
                }
            }
        }
    }
}

/// The picture of an image object.
pub(super) fn read(
    file: &mut File<'_>,
    dictionary: &Dictionary,
    data: &[u8],
    walker: &mut Walker<'_>,
) -> Result<Result<Image, FrameError>, ContainerError> {
    if file.value(dictionary, b"ImageMask")? == Some(Object::Word(b"true".to_vec())) {
        return Ok(Ok(Image::Nothing));
    }
    let filters = filter::chain(file, dictionary)?;
    // The samples of the largest picture, of four channels of 16 bits; a JPEG is smaller.
    let largest = walker.limits.max_pixels.saturating_mul(8).saturating_add(1 << 20);
    let most = walker.unspent().min(walker.limits.max_file_bytes).min(largest);
    let unpacked = match filter::unpack(data, &filters, most) {
        Ok(unpacked) => unpacked,
        Err(reason) => return Ok(Err(FrameError::NotSupported(format!("a picture that {reason}")))),
    };
    walker.spend(unpacked.data.len() as u64)?;
    match unpacked.left.as_deref() {
        None => {}
        Some(b"DCTDecode" | b"DCT" | b"JPXDecode") => return Ok(Ok(Image::File(unpacked.data))),
        Some(other) => {
            let name = String::from_utf8_lossy(other);
            return Ok(Err(FrameError::NotSupported(format!("a picture packed by {name}"))));
        }
    }
    let space = match file.value(dictionary, b"ColorSpace")? {
        None => file.value(dictionary, b"CS")?,
        space => space,
    };
    let space = match space_of(file, space, walker, 0)? {
        Ok(space) => space,
        Err(name) => return Ok(Err(FrameError::NotSupported(format!("a picture in the colours of {name}")))),
    };
    let mut number = |long: &[u8], short: &[u8]| -> Result<u64, ContainerError> {
        let value = match file.value(dictionary, long)? {
            None => file.value(dictionary, short)?,
            value => value,
        };
        Ok(value.as_ref().and_then(Object::whole).unwrap_or(0))
    };
    let (width, height) = (number(b"Width", b"W")?, number(b"Height", b"H")?);
    let bits = number(b"BitsPerComponent", b"BPC")?;
    let inverted = is_inverted(file.value(dictionary, b"Decode")?.as_ref());
    Ok(picture(&unpacked.data, (width, height), bits, &space, inverted, walker).map(Image::Picture))
}

/// The colour space, or its name where it is none of ours.
pub(super) fn space_of(
    file: &mut File<'_>,
    object: Option<Object>,
    walker: &mut Walker<'_>,
    depth: u32,
) -> Result<Result<Space, String>, ContainerError> {
    let parts = match file.follow(object)? {
        Some(Object::Array(parts)) => parts,
        Some(name) => vec![name],
        None => return Ok(Err("no space that is named".to_owned())),
    };
    let name = match file.follow(parts.first().cloned())? {
        Some(Object::Name(name)) if depth < 4 => name,
        _ => return Ok(Err("a space without a name".to_owned())),
    };
    Ok(Ok(match &name[..] {
        b"DeviceGray" | b"G" | b"CalGray" => Space::Grey,
        b"DeviceRGB" | b"RGB" | b"CalRGB" => Space::Rgb,
        b"DeviceCMYK" | b"CMYK" => Space::Cmyk,
        b"ICCBased" => {
            let profile = file.follow(parts.get(1).cloned())?;
            let count =
                profile.as_ref().and_then(Object::dictionary).and_then(|profile| profile.get(&b"N"[..]));
            match count.and_then(Object::whole) {
                Some(1) => Space::Grey,
                Some(3) => Space::Rgb,
                Some(4) => Space::Cmyk,
                _ => return Ok(Err("a profile of an unusual number of colours".to_owned())),
            }
        }
        b"Indexed" | b"I" => {
            let base = match space_of(file, parts.get(1).cloned(), walker, depth + 1)? {
                Ok(Space::Indexed(..)) => return Ok(Err("a palette of a palette".to_owned())),
                Ok(base) => base,
                Err(name) => return Ok(Err(name)),
            };
            Space::Indexed(Box::new(base), palette(file, parts.get(3).cloned(), walker)?)
        }
        other => return Ok(Err(String::from_utf8_lossy(other).into_owned())),
    }))
}

/// The colours of a palette: text, or a stream.
fn palette(
    file: &mut File<'_>,
    object: Option<Object>,
    walker: &mut Walker<'_>,
) -> Result<Vec<u8>, ContainerError> {
    /// 256 colours of four channels.
    const MOST: u64 = 1024;
    if let Some(Object::Reference(number)) = object
        && let Some((dictionary, data)) = file.stream(number)?
    {
        let filters = filter::chain(file, &dictionary)?;
        // Writers pad it; what is beyond the limit is no colour.
        let unpacked = filter::unpack(data, &filters, MOST + 1024);
        walker.spend(MOST)?;
        return Ok(unpacked.map_or_else(|_| Vec::new(), |unpacked| unpacked.data));
    }
    Ok(match file.follow(object)? {
        Some(Object::Text(text)) => text,
        _ => Vec::new(),
    })
}

/// Whether white and black are exchanged: `/Decode [1 0 ...]`.
fn is_inverted(decode: Option<&Object>) -> bool {
    let numbers = decode.and_then(Object::array).unwrap_or(&[]);
    matches!((numbers.first().and_then(Object::number), numbers.get(1).and_then(Object::number)),
        (Some(from), Some(to)) if from > to)
}

fn picture(
    data: &[u8],
    (width, height): (u64, u64),
    bits: u64,
    space: &Space,
    inverted: bool,
    walker: &Walker<'_>,
) -> Result<Picture, FrameError> {
    let size = walker.limits.size(Format::Part, width, height)?;
    if ![1, 2, 4, 8, 16].contains(&bits) {
        return Err(FrameError::damaged(Format::Part, format!("a picture in a PDF of {bits} bits a sample")));
    }
    let (channels, colours, bits) = (space.channels(), space.colours(), bits as usize);
    let stride = (size.width * channels * bits).div_ceil(8);
    if data.len() < stride {
        return Err(FrameError::damaged(Format::Part, "a picture in a PDF without samples"));
    }
    let mut samples = zeros(size.area(), colours)?;
    let mut row = vec![0; size.width * channels];
    let is_index = matches!(space, Space::Indexed(..));
    let ours = samples.chunks_exact_mut(size.width * colours);
    // Rows that are cut off stay black.
    for (ours, packed) in ours.zip(data.chunks_exact(stride)) {
        widen(packed, bits, is_index, &mut row);
        if inverted && !is_index {
            row.iter_mut().for_each(|sample| *sample = 255 - *sample);
        }
        let pixels = ours.chunks_exact_mut(colours).zip(row.chunks_exact(channels));
        pixels.for_each(|(ours, pixel)| space.put(pixel, ours));
    }
    let layout = Layout::new(colours, Alpha::None);
    Picture::new(size, layout, Samples::Byte(samples))
        .ok_or_else(|| FrameError::damaged(Format::Part, "the number of its samples"))
}

/// Samples of any depth as 8 bits: numbers of colours as they are, others as far from white.
fn widen(packed: &[u8], bits: usize, is_index: bool, row: &mut [u8]) {
    for (at, sample) in row.iter_mut().enumerate() {
        *sample = match bits {
            8 => packed[at],
            16 => packed[at * 2 + usize::from(is_index)],
            _ => {
                let first = at * bits;
                let value = packed[first / 8] >> (8 - bits - first % 8) & ((1 << bits) - 1);
                if is_index { value } else { (u16::from(value) * 255 / ((1 << bits) - 1)) as u8 }
            }
        };
    }
}
