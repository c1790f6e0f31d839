//! The archive's files, as a disk or a stranger may leave them.

use std::cell::RefCell;
use std::fs;
use std::path::Path;

use tempfile::TempDir;
use tiermark::archive::{Archive, FOLDER, Fresh, Sights, append};
use tiermark::ledger::Digest;
use tiermark_frame::Frame;
use tiermark_signal::{Plane, Size};

/// The files, in the order of the numbers that name them.
const FILES: [&str; 7] = ["archive.json", "hashes", "vectors", "entries", "names", "drawings", "local"];

/// An archive of two drawings, its files as they were written, and where inputs are played.
struct Ground {
    folder: TempDir,
    files: Vec<Vec<u8>>,
    found: Plane,
}

thread_local! {
    static GROUND: RefCell<Option<Ground>> = const { RefCell::new(None) };
}

/// Opens an archive whose `archive.json` is this text, or of whose files these bytes are others: five a change, the file's number,
/// three of a place, the value; a place beyond the end cuts the file to that many bytes, counted anew from its beginning.
pub fn feed(bytes: &[u8]) {
    GROUND.with_borrow_mut(|ground| {
        let ground = ground.get_or_insert_with(recorded);
        let mut files = ground.files.clone();
        if bytes.starts_with(b"{") {
            files[0] = bytes.to_vec();
        } else {
            for change in bytes.chunks_exact(5).take(64) {
                let file = &mut files[usize::from(change[0]) % FILES.len()];
                let place = u32::from_be_bytes([0, change[1], change[2], change[3]]) as usize;
                match file.get_mut(place) {
                    Some(byte) => *byte = change[4],
                    None => file.truncate(place % (file.len() + 1)),
                }
            }
        }
        let archive = ground.folder.path().join(FOLDER);
        for (name, bytes) in FILES.iter().zip(&files) {
            fs::write(archive.join(name), bytes).expect("our own folder");
        }
        look(ground.folder.path(), &ground.found);
    });
}

fn look(folder: &Path, found: &Plane) {
    let Ok(Some(archive)) = Archive::open(folder) else { return };
    assert!(archive.len() <= 2, "no more records than were written");
    for index in 0..archive.len() + 1 {
        let Ok(entry) = archive.original(index) else { continue };
        assert_eq!(entry.index, index, "a record is in its place");
        assert_eq!(entry.content_id().0, *entry.content.as_bytes());
        let _ = (archive.of_pix(entry.pix), archive.all_of_pix(entry.pix).count());
    }
    let candidates = archive.candidates(found, 5);
    assert!(candidates.len() <= 5, "no more than were asked for");
    assert!(candidates.iter().all(|candidate| candidate.entry.index < archive.len()), "candidates are there");
    let _ = (archive.counts(), archive.lost(), archive.kept().count());
}

fn recorded() -> Ground {
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder");
    let size = Size::new(160, 120).expect("a size");
    let draw = |number: usize| {
        move |x: usize, y: usize| {
            ((x / 9 * 57 + y / 7 * 91 + (x / 13) * (y / 11) * (31 + number * 12)) % 256) as f32
        }
    };
    let sights = Sights::new(None);
    let fresh = |number: usize| {
        let pixel = draw(number);
        let row = |y: usize| (0..160).flat_map(|x| [pixel(x, y) as u8; 3]).collect::<Vec<u8>>();
        let bytes = tga(&(0..120).flat_map(row).collect::<Vec<u8>>());
        let path = folder.path().join(format!("{number}.tga"));
        fs::write(&path, &bytes).expect("our own folder");
        let sha256 = Digest::of(&bytes);
        let frame = Frame::decode(bytes, &tiermark::Limits::default()).expect("a picture of ours");
        let pix = Digest::from_bytes(frame.pixel_digest());
        let sight = sights.of(&number.to_string(), pix, &frame);
        Fresh { path, sha256, pix, content: Digest::of(&[number as u8]), size: frame.size(), sight }
    };
    let all = [fresh(0), fresh(1)];
    append(folder.path(), &all.iter().collect::<Vec<_>>(), None, u64::MAX, 7).expect("our own archive");
    let read = |name: &&str| fs::read(folder.path().join(FOLDER).join(name)).expect("what we wrote");
    let files = FILES.iter().map(read).collect();
    Ground { files, found: Plane::from_fn(size, draw(1)), folder }
}

/// 160 x 120 pixels from the top, uncompressed.
fn tga(pixels: &[u8]) -> Vec<u8> {
    [&[0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 160, 0, 120, 0, 24, 0x20][..], pixels].concat()
}
