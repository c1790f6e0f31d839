//! Delivery lists of other programs: CSV, and cuts in OpenTimelineIO.

use std::cell::RefCell;
use std::fs;

use tempfile::TempDir;
use tiermark::inputs::Links;
use tiermark::wanted::Wanted;

thread_local! {
    static FOLDER: RefCell<Option<TempDir>> = const { RefCell::new(None) };
}

/// Finds what a list names, in a folder where some of it is.
pub fn feed(bytes: &[u8]) {
    FOLDER.with_borrow_mut(|folder| {
        let folder = folder.get_or_insert_with(|| {
            let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder");
            fs::create_dir(folder.path().join("sc01")).expect("our own folder");
            for name in ["a.1001.png", "sc01/a.1001.png", "sc01/a.1002.png"] {
                fs::write(folder.path().join(name), b"x").expect("our own folder");
            }
            folder
        });
        let list = folder.path().join("list");
        fs::write(&list, bytes).expect("our own folder");
        let meant = Wanted { lists: vec![list], ..Wanted::default() }.find(&[], Links::Follow);
        let inputs = &meant.inputs;
        assert!(!inputs.files.is_empty() || !inputs.unreadable.is_empty(), "a list is answered");
        assert!(inputs.files.iter().all(|file| file.path.is_file()), "only files are inputs");
    });
}
