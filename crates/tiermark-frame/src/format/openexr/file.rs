//! The outside of an OpenEXR file: headers that are kept byte for byte, tables of offsets, and chunks.

use std::io::Cursor;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use exr::block::UncompressedBlock;
use exr::block::chunk::{
    Chunk, CompressedBlock, CompressedScanLineBlock, CompressedTileBlock, TileCoordinates,
};
use exr::compression::Compression;
use exr::error::Error;
use exr::math::Vec2;
use exr::meta::header::Header;
use exr::meta::{BlockDescription, MetaData, compute_chunk_count};

use crate::format::Format;
use crate::format::bytes::{Endian, array, u32_at};
use crate::format::zlib;
use crate::{FrameError, Limits};

/// A file whose headers were believed and whose chunks were found.
pub(super) struct File<'a> {
    bytes: &'a [u8],
    pub(super) meta: MetaData,
    /// Everything before the tables of offsets.
    head: Range<usize>,
    /// All chunks, in the order of the tables.
    chunks: Vec<Place>,
}

/// Where a chunk is.
pub(super) struct Place {
    /// Which part it belongs to.
    pub(super) part: usize,
    /// From its first number to its last byte.
    whole: Range<usize>,
    /// What is packed.
    packed: Range<usize>,
}

impl<'a> File<'a> {
    /// Read the headers and find the chunks.
    pub(super) fn open(bytes: &'a [u8], limits: &Limits) -> Result<Self, FrameError> {
        let read = || exr::block::read(Cursor::new(bytes), false).map(|reader| reader.into_meta_data());
        let meta = guarded(read)?.map_err(failure)?;
        let several = meta.requirements.has_multiple_layers;
        let end = end_of_headers(bytes, several).ok_or_else(|| FrameError::cut_off(Format::OpenExr))?;
        limits.metadata(end)?;
        let mut file = Self { bytes, meta, head: 0..end, chunks: Vec::new() };
        file.find_chunks(limits)?;
        Ok(file)
    }

    fn find_chunks(&mut self, limits: &Limits) -> Result<(), FrameError> {
        let mut at = self.head.end;
        for part in 0..self.meta.headers.len() {
            let header = &self.meta.headers[part];
            if header.deep {
                return Err(FrameError::NotSupported("an OpenEXR file with deep data".to_owned()));
            }
            let (width, height) = (header.layer_size.width() as u64, header.layer_size.height() as u64);
            limits.size(Format::OpenExr, width, height)?;
            if let BlockDescription::Tiles(tiles) = header.blocks {
                let (width, height) = (tiles.tile_size.width() as u64, tiles.tile_size.height() as u64);
                limits.size(Format::OpenExr, width, height)?;
            }
            if guarded(|| header.max_block_byte_size())? as u64 > limits.max_pixels.saturating_mul(8) {
                return Err(FrameError::OverLimit(
                    "blocks of more samples than a picture may have".to_owned(),
                ));
            }
            let counted = || compute_chunk_count(header.compression, header.layer_size, header.blocks);
            let count = guarded(counted)?;
            if count != header.chunk_count || count > self.bytes.len() / 8 {
                return Err(FrameError::damaged(
                    Format::OpenExr,
                    "another number of chunks than its size asks for",
                ));
            }
            for _ in 0..count {
                let place = self.place(part, at).ok_or_else(|| FrameError::cut_off(Format::OpenExr))?;
                self.chunks.push(place);
                at += 8;
            }
        }
        Ok(())
    }

    /// The chunk whose offset stands at `at`.
    fn place(&self, part: usize, at: usize) -> Option<Place> {
        let start = usize::try_from(u64::from_le_bytes(array(self.bytes, at)?)).ok()?;
        let several = self.meta.requirements.has_multiple_layers;
        let tiled = matches!(self.meta.headers[part].blocks, BlockDescription::Tiles(_));
        let number = start.checked_add(if several { 4 } else { 0 })?;
        if several && u32_at(self.bytes, start, Endian::Little)? as usize != part {
            return None;
        }
        let length = number.checked_add(if tiled { 16 } else { 4 })?;
        let packed = length.checked_add(4)?;
        let end = packed.checked_add(u32_at(self.bytes, length, Endian::Little)? as usize)?;
        (start >= self.head.end && end <= self.bytes.len()).then_some(Place {
            part,
            whole: start..end,
            packed: packed..end,
        })
    }

    /// All chunks, in the order of the tables.
    pub(super) fn chunks(&self) -> &[Place] {
        &self.chunks
    }

    /// The samples of a chunk; `None` if it belongs to a smaller copy of the picture.
    pub(super) fn unpack(&self, place: &Place) -> Result<Option<UncompressedBlock>, FrameError> {
        let header = &self.meta.headers[place.part];
        let packed = self.bytes[place.packed.clone()].to_vec();
        let before = place.packed.start;
        let number = |back: usize| u32_at(self.bytes, before - back, Endian::Little).unwrap_or(0);
        let compressed_block = match header.blocks {
            BlockDescription::ScanLines => CompressedBlock::ScanLine(CompressedScanLineBlock {
                y_coordinate: number(8) as i32,
                compressed_pixels_le: packed,
            }),
            BlockDescription::Tiles(_) => {
                let [x, y, across, down] = [20, 16, 12, 8].map(|back| number(back) as usize);
                if (across, down) != (0, 0) {
                    return Ok(None);
                }
                CompressedBlock::Tile(CompressedTileBlock {
                    coordinates: TileCoordinates { tile_index: Vec2(x, y), level_index: Vec2(0, 0) },
                    compressed_pixels_le: packed,
                })
            }
        };
        if !claims_fit(header, &compressed_block)? {
            return Err(FrameError::damaged(
                Format::OpenExr,
                "a chunk that claims more than its block holds",
            ));
        }
        let chunk = Chunk { layer_index: place.part, compressed_block };
        guarded(|| UncompressedBlock::decompress_chunk(chunk, &self.meta, false))?.map(Some).map_err(failure)
    }

    /// The same file with some chunks packed anew: `fresh` gives the samples of those that change. All others stay as they
    /// are, and the order of chunks in the file stays.
    pub(super) fn rewritten(
        &self,
        mut fresh: impl FnMut(&Place) -> Result<Option<UncompressedBlock>, FrameError>,
    ) -> Result<Vec<u8>, FrameError> {
        let mut order: Vec<usize> = (0..self.chunks.len()).collect();
        order.sort_by_key(|index| self.chunks[*index].whole.start);
        if order.windows(2).any(|pair| self.chunks[pair[0]].whole.end > self.chunks[pair[1]].whole.start) {
            return Err(FrameError::damaged(Format::OpenExr, "chunks that share bytes"));
        }
        let mut out = Vec::with_capacity(self.bytes.len() / 16 * 17);
        out.extend_from_slice(&self.bytes[self.head.clone()]);
        let table = out.len();
        out.resize(table + 8 * self.chunks.len(), 0);
        for index in order {
            let place = &self.chunks[index];
            let start = out.len() as u64;
            out[table + 8 * index..][..8].copy_from_slice(&start.to_le_bytes());
            match fresh(place)? {
                None => out.extend_from_slice(&self.bytes[place.whole.clone()]),
                Some(block) => self.pack(place, block, &mut out)?,
            }
        }
        Ok(out)
    }

    fn pack(&self, place: &Place, block: UncompressedBlock, out: &mut Vec<u8>) -> Result<(), FrameError> {
        let packed = match self.meta.headers[place.part].compression {
            // Of each sample the bytes as they stand here, which must be little-endian.
            Compression::ZIP1 | Compression::ZIP16 if cfg!(target_endian = "little") => zipped(block.data)?,
            _ => self.packed(block)?,
        };
        // Its place in the picture is told by the same numbers as before.
        out.extend_from_slice(&self.bytes[place.whole.start..place.packed.start - 4]);
        out.extend_from_slice(&(packed.len() as u32).to_le_bytes());
        out.extend_from_slice(&packed);
        Ok(())
    }

    fn packed(&self, block: UncompressedBlock) -> Result<Vec<u8>, FrameError> {
        let chunk = guarded(|| block.compress_to_chunk(&self.meta.headers))?
            .map_err(|error| FrameError::encoder(Format::OpenExr, error))?;
        match chunk.compressed_block {
            CompressedBlock::ScanLine(block) => Ok(block.compressed_pixels_le),
            CompressedBlock::Tile(block) => Ok(block.compressed_pixels_le),
            _ => Err(FrameError::encoder(Format::OpenExr, "deep data")),
        }
    }

    /// Whether a part has smaller copies of its picture inside.
    pub(super) fn has_copies(&self) -> bool {
        let one = |header: &Header| match header.blocks {
            BlockDescription::ScanLines => true,
            BlockDescription::Tiles(tiles) => tiles.level_mode == exr::meta::attribute::LevelMode::Singular,
        };
        !self.meta.headers.iter().all(one)
    }
}

/// A chunk packed by zlib: the first bytes of all pairs before the second ones, and of all these the differences (OpenEXR,
/// `ImfZip.cpp`). `exr` does the same with a packer that takes three times as long. What would not get smaller stays as it is.
fn zipped(raw: Vec<u8>) -> Result<Vec<u8>, FrameError> {
    let half = raw.len().div_ceil(2);
    let mut apart = vec![0; raw.len()];
    let (first, second) = apart.split_at_mut(half);
    first.iter_mut().zip(raw.iter().step_by(2)).for_each(|(to, from)| *to = *from);
    second.iter_mut().zip(raw.iter().skip(1).step_by(2)).for_each(|(to, from)| *to = *from);
    for at in (1..apart.len()).rev() {
        apart[at] = apart[at].wrapping_sub(apart[at - 1]).wrapping_add(128);
    }
    let packed = zlib::pack(&apart, ZIP_LEVEL, Format::OpenExr)?;
    Ok(if packed.len() < raw.len() { packed } else { raw })
}

/// As `exr` packs.
const ZIP_LEVEL: i32 = 4;

/// Where the headers end: attributes of name, type, length and value, until an empty name; several headers end so, too.
fn end_of_headers(bytes: &[u8], several: bool) -> Option<usize> {
    let mut at = 8; // magic number and version
    loop {
        if bytes.get(at)? == &0 {
            return Some(at + 1);
        }
        while bytes.get(at)? != &0 {
            at = end_of_text(bytes, at)?;
            at = end_of_text(bytes, at)?;
            at = at.checked_add(4)?.checked_add(u32_at(bytes, at, Endian::Little)? as usize)?;
        }
        at += 1;
        if !several {
            return Some(at);
        }
    }
}

fn end_of_text(bytes: &[u8], start: usize) -> Option<usize> {
    bytes.get(start..)?.iter().position(|byte| *byte == 0).map(|length| start + length + 1)
}

/// Do the sizes that a chunk of DWA claims fit its block? `exr` takes the memory for them before it looks at what is there,
/// and a want of memory ends the program.
fn claims_fit(header: &Header, block: &CompressedBlock) -> Result<bool, FrameError> {
    let packed = match block {
        _ if !matches!(header.compression, Compression::DWAA(_) | Compression::DWAB(_)) => return Ok(true),
        CompressedBlock::ScanLine(block) => &block.compressed_pixels_le,
        CompressedBlock::Tile(block) => &block.compressed_pixels_le,
        _ => return Ok(true),
    };
    let place = || header.get_absolute_block_pixel_coordinates(header.get_block_data_indices(block)?);
    let size = guarded(place)?.map_err(failure)?.size;
    let bytes = |width: usize, height: usize| width * height * header.channels.bytes_per_pixel;
    if packed.len() == bytes(size.x(), size.y()) {
        return Ok(true); // stored as it is, because packing would not have made it smaller
    }
    // The cosine transform fills squares of 8 by 8; packing by runs may double what has none.
    let most = 2 * bytes(size.x().next_multiple_of(8), size.y().next_multiple_of(8)) as u64 + 1024;
    // Bytes of what is not transformed, of runs before and after they are undone; and numbers of 16 bits.
    let claims = [(1, 1), (6, 1), (7, 1), (8, 2), (9, 2)];
    let claim = |number: usize| array(packed, 8 * number).map_or(0, u64::from_le_bytes);
    Ok(claims.iter().all(|(number, width)| claim(*number) <= most / width))
}

/// A call into `exr`. Some damaged files meet an assertion, an index or an overflow there instead of an error; nothing that
/// was half done is used afterwards.
fn guarded<T>(call: impl FnOnce() -> T) -> Result<T, FrameError> {
    catch_unwind(AssertUnwindSafe(call))
        .map_err(|_| FrameError::damaged(Format::OpenExr, "its numbers do not fit together"))
}

/// Whose fault it is that `exr` gave up.
pub(super) fn failure(error: Error) -> FrameError {
    match error {
        Error::NotSupported(what) => {
            FrameError::NotSupported(format!("an OpenEXR file that needs more ({what})"))
        }
        Error::Io(_) => FrameError::cut_off(Format::OpenExr),
        other => FrameError::damaged(Format::OpenExr, other),
    }
}
