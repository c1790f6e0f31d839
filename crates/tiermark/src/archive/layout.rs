//! The records of the archive's files: docs/spec/archive-v1.md.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use tiermark_ledger::Digest;
use tiermark_signal::Size;
use tiermark_signal::align::Feature;
use tiermark_signal::fingerprint::VALUES;
use tiermark_signal::fingerprint::parts::Spot;

/// Bytes of a record of each file.
pub(super) const HASH: usize = 32;
pub(super) const VECTOR: usize = VALUES;
pub(super) const ENTRY: usize = 192;
pub(super) const DRAWING: usize = 48;
pub(super) const LOCAL: usize = 40;

/// What is recorded about one original, without what it looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) pix: Digest,
    pub(super) sha256: Digest,
    pub(super) content: Digest,
    pub(super) size: Size,
    pub(super) added_at: i64,
    pub(super) length: u64,
    pub(super) modified: i64,
    pub(super) path_at: u64,
    pub(super) path_length: u32,
    pub(super) drawing: u32,
}

/// What a record's checksum covers besides its own bytes.
pub(super) struct Beside<'a> {
    pub(super) index: u64,
    pub(super) vector: &'a [u8],
    pub(super) hash: &'a [u8],
    pub(super) path: &'a [u8],
}

impl Record {
    pub(super) fn to_bytes(&self, beside: &Beside<'_>) -> [u8; ENTRY] {
        let mut bytes = [0; ENTRY];
        let side = |v: usize| (v as u32).to_le_bytes();
        let fields: [&[u8]; 11] = [
            self.pix.as_bytes(),
            self.sha256.as_bytes(),
            self.content.as_bytes(),
            &side(self.size.width),
            &side(self.size.height),
            &self.added_at.to_le_bytes(),
            &self.length.to_le_bytes(),
            &self.modified.to_le_bytes(),
            &self.path_at.to_le_bytes(),
            &self.path_length.to_le_bytes(),
            &self.drawing.to_le_bytes(),
        ];
        let all = fields.concat();
        bytes[..all.len()].copy_from_slice(&all);
        let check = entry_check(&bytes, beside);
        bytes[ENTRY - CHECK..].copy_from_slice(&check);
        bytes
    }

    /// The record in these bytes, whose checksum has still to be looked at.
    pub(super) fn read(bytes: &[u8; ENTRY]) -> Option<Self> {
        let mut fields = Fields(bytes);
        Some(Self {
            pix: Digest::from_bytes(fields.take()),
            sha256: Digest::from_bytes(fields.take()),
            content: Digest::from_bytes(fields.take()),
            size: Size::new(fields.u32() as usize, fields.u32() as usize)?,
            added_at: fields.u64().cast_signed(),
            length: fields.u64(),
            modified: fields.u64().cast_signed(),
            path_at: fields.u64(),
            path_length: fields.u32(),
            drawing: fields.u32(),
        })
    }
}

/// Whether a record and what belongs to it are as they were written.
pub(super) fn entry_is_whole(bytes: &[u8; ENTRY], beside: &Beside<'_>) -> bool {
    bytes[ENTRY - CHECK..] == entry_check(bytes, beside)
}

fn entry_check(bytes: &[u8; ENTRY], beside: &Beside<'_>) -> [u8; CHECK] {
    let index = beside.index.to_le_bytes();
    check(&[
        b"tiermark/archive/v1/entry\0",
        &index,
        &bytes[..ENTRY - CHECK],
        beside.hash,
        beside.vector,
        beside.path,
    ])
}

/// Where the local features of a drawing are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DrawingRecord {
    pub(super) first: u64,
    pub(super) count: u32,
    pub(super) size: Size,
}

impl DrawingRecord {
    pub(super) fn to_bytes(self, features: &[u8]) -> [u8; DRAWING] {
        let mut bytes = [0; DRAWING];
        bytes[..8].copy_from_slice(&self.first.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.count.to_le_bytes());
        bytes[12..16].copy_from_slice(&(self.size.width as u32).to_le_bytes());
        bytes[16..20].copy_from_slice(&(self.size.height as u32).to_le_bytes());
        let check = drawing_check(&bytes, features);
        bytes[DRAWING - CHECK..].copy_from_slice(&check);
        bytes
    }

    pub(super) fn read(bytes: &[u8; DRAWING]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let (first, count) = (fields.u64(), fields.u32());
        Some(Self { first, count, size: Size::new(fields.u32() as usize, fields.u32() as usize)? })
    }
}

pub(super) fn drawing_is_whole(bytes: &[u8; DRAWING], features: &[u8]) -> bool {
    bytes[DRAWING - CHECK..] == drawing_check(bytes, features)
}

fn drawing_check(bytes: &[u8; DRAWING], features: &[u8]) -> [u8; CHECK] {
    check(&[b"tiermark/archive/v1/drawing\0", &bytes[..DRAWING - CHECK], features])
}

fn check(parts: &[&[u8]]) -> [u8; CHECK] {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    let digest: [u8; 32] = hash.finalize().into();
    std::array::from_fn(|i| digest[i])
}

/// One local feature: where it is in 65,536ths of the sides, its scale in sixteenths of a pixel, its angle in 65,536ths of
/// a turn, and its signature.
pub(super) fn local_bytes(feature: &Feature, size: Size) -> [u8; LOCAL] {
    let mut bytes = [0; LOCAL];
    let share = |at: f64, side: usize| ((at + 0.5) / side as f64 * UNITS).clamp(0.0, UNITS - 1.0) as u16;
    let turn = f64::from(feature.angle) / std::f64::consts::TAU;
    let numbers = [
        share(feature.at[0], size.width),
        share(feature.at[1], size.height),
        (feature.scale * 16.0).clamp(1.0, 65_535.0) as u16,
        ((turn - turn.floor()) * UNITS) as u32 as u16,
    ];
    for (to, number) in bytes.chunks_exact_mut(2).zip(numbers) {
        to.copy_from_slice(&number.to_le_bytes());
    }
    let signature = tiermark_signal::align::signature(feature);
    for (to, word) in bytes[8..].chunks_exact_mut(8).zip(signature) {
        to.copy_from_slice(&word.to_le_bytes());
    }
    bytes
}

/// The spot of a recorded feature in a picture of this size.
pub(super) fn local_spot(bytes: &[u8; LOCAL], size: Size) -> Spot {
    let number = |i: usize| f32::from(u16::from_le_bytes([bytes[2 * i], bytes[2 * i + 1]]));
    let at = |i: usize, side: usize| (number(i) + 0.5) / UNITS as f32 * side as f32 - 0.5;
    let turn = number(3) / UNITS as f32 * std::f32::consts::TAU;
    Spot { at: [at(0, size.width), at(1, size.height)], scale: number(2) / 16.0, angle: turn }
}

/// The signature of a recorded feature.
#[inline(always)]
pub(super) fn local_signature(bytes: &[u8; LOCAL]) -> [u64; 4] {
    let (words, _) = bytes[8..].as_chunks::<8>();
    std::array::from_fn(|i| u64::from_le_bytes(words[i]))
}

/// The 32 bytes of 256 signs.
pub(super) fn hash_bytes(signs: [u64; 4]) -> [u8; HASH] {
    let mut bytes = [0; HASH];
    bytes.chunks_exact_mut(8).zip(signs).for_each(|(to, word)| to.copy_from_slice(&word.to_le_bytes()));
    bytes
}

/// A path as bytes: as the system has it on Unix, UTF-8 elsewhere.
pub(super) fn path_bytes(path: &Path) -> Vec<u8> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        path.as_os_str().as_bytes().to_vec()
    }
    #[cfg(not(unix))]
    path.to_string_lossy().into_owned().into_bytes()
}

pub(super) fn path_of(bytes: &[u8]) -> PathBuf {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
    }
    #[cfg(not(unix))]
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}

/// Fields one after the other, low byte first.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (head, rest) =
            self.0.split_first_chunk::<N>().expect("the fields of a record are shorter than it");
        self.0 = rest;
        *head
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }
}

/// Half a SHA-256: chance and damage are to be seen, not forgers, who could write a whole archive.
const CHECK: usize = 16;
const UNITS: f64 = 65_536.0;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use super::*;

    fn record() -> Record {
        Record {
            pix: Digest::from_bytes([1; 32]),
            sha256: Digest::from_bytes([2; 32]),
            content: Digest::from_bytes([3; 32]),
            size: Size { width: 1920, height: 1080 },
            added_at: -5,
            length: 1 << 40,
            modified: 77,
            path_at: 9,
            path_length: 4,
            drawing: 6,
        }
    }

    #[test]
    fn records_come_back_and_every_changed_byte_is_seen() {
        let beside = Beside { index: 3, vector: &[5; VECTOR], hash: &[6; HASH], path: b"/a/b" };
        let bytes = record().to_bytes(&beside);
        assert_eq!(Record::read(&bytes).unwrap(), record());
        assert!(entry_is_whole(&bytes, &beside));
        for i in 0..ENTRY {
            let mut bent = bytes;
            bent[i] ^= 0x40;
            assert!(!entry_is_whole(&bent, &beside), "byte {i}");
        }
        assert!(!entry_is_whole(&bytes, &Beside { index: 4, ..beside }));
        assert!(!entry_is_whole(&bytes, &Beside { path: b"/a/c", ..beside }));
        assert!(!entry_is_whole(&[0; ENTRY], &beside));
    }

    #[test]
    fn features_come_back_to_a_fraction_of_a_pixel() {
        let size = Size { width: 3840, height: 1600 };
        for (at, angle) in [([0.0, 0.0], -3.1), ([3839.0, 1599.0], 3.1), ([1234.5, 77.25], 0.0)] {
            let feature = Feature { at, scale: 3.5, angle, descriptor: [40; 128] };
            let bytes = local_bytes(&feature, size);
            let spot = local_spot(&bytes, size);
            assert!(
                (f64::from(spot.at[0]) - at[0]).abs() < 0.1 && (f64::from(spot.at[1]) - at[1]).abs() < 0.1
            );
            let turn = (spot.angle - angle).rem_euclid(std::f32::consts::TAU);
            assert!(turn.min(std::f32::consts::TAU - turn) < 1e-3, "{} {angle}", spot.angle);
            assert_eq!(spot.scale, 3.5);
            assert_eq!(local_signature(&bytes), tiermark_signal::align::signature(&feature));
        }
    }
}
