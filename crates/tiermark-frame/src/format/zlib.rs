//! What leaves packed by zlib: strips of TIFF, chunks of OpenEXR.

use libdeflater::{CompressionError, CompressionLvl, Compressor};

use crate::{Format, FrameError};

/// `raw` as a zlib stream, packed at `level`, 1 (fast) to 12 (small): the same bytes on every machine.
pub(super) fn pack(raw: &[u8], level: i32, format: Format) -> Result<Vec<u8>, FrameError> {
    let level = CompressionLvl::new(level).map_err(|_| FrameError::encoder(format, "no such level"))?;
    let mut packer = Compressor::new(level);
    let mut packed = vec![0; packer.zlib_compress_bound(raw.len())];
    let length = packer.zlib_compress(raw, &mut packed).map_err(|error| match error {
        CompressionError::InsufficientSpace => FrameError::encoder(format, "it packs to more than it can"),
    })?;
    packed.truncate(length);
    Ok(packed)
}
