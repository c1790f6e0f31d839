//! Making, opening and unlocking.

use crate::desk::{Desk, handle, now, passphrase};
use std::fs;
use tiermark_ledger::keys::KeyError;
use tiermark_ledger::store::StoreError;
use tiermark_ledger::{Passphrase, Studio, StudioError};
use time::Duration;

#[test]
fn what_is_created_opens_again() {
    let desk = Desk::new();
    let path = desk.studio.folder();
    let again = Studio::open(path).unwrap();
    assert_eq!(again.root(), desk.studio.root());
    assert_eq!(again.party().handle, handle("Lion Studio"));
    assert_eq!(again.project(), desk.studio.project());
    let looking = Studio::open_read_only(path).unwrap();
    assert_eq!(looking.registry().vendors().unwrap(), []);
    let beside: Vec<_> = fs::read_dir(desk.folder.path()).unwrap().collect();
    assert_eq!(beside.len(), 1, "the hidden folder is gone");
}

#[test]
#[cfg(unix)]
fn nobody_else_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new();
    let mode =
        |path: &str| fs::metadata(desk.studio.folder().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(""), mode("keys")), (0o700, 0o700));
    for key in ["root", "sign", "watermark"] {
        assert_eq!(mode(&format!("keys/{key}.pem")), 0o600);
    }
}

#[test]
fn a_taken_place_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("studio");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("film.mov"), "precious").unwrap();
    let refused = Studio::create(&path, &handle("Lion"), &passphrase(), now());
    assert!(matches!(refused.err(), Some(StudioError::AlreadyThere { .. })));
    assert_eq!(fs::read(path.join("film.mov")).unwrap(), b"precious");
    fs::remove_file(path.join("film.mov")).unwrap();
    assert!(Studio::create(&path, &handle("Lion"), &passphrase(), now()).is_ok(), "an empty folder is free");
    let twice = Studio::create(&path, &handle("Lion"), &passphrase(), now());
    assert!(matches!(twice.err(), Some(StudioError::AlreadyThere { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn where_nothing_can_be_made_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let refused = Studio::create(&folder.path().join("file/studio"), &handle("Lion"), &passphrase(), now());
    assert!(matches!(refused.err(), Some(StudioError::AlreadyThere { .. } | StudioError::Disk { .. })));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn no_studio_is_said_so() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Studio::open(folder.path()).err(), Some(StudioError::NotAStudio { .. })));
}

#[test]
fn a_wrong_passphrase_has_its_own_error() {
    let desk = Desk::new();
    let wrong = Passphrase::new(b"open barley".to_vec()).unwrap();
    let error = desk.studio.unlock(&wrong).err().unwrap();
    assert!(matches!(error, StudioError::Key(KeyError::WrongPassphrase { .. })), "{error}");
    assert!(!error.to_string().contains("barley"));
}

#[test]
fn keys_of_another_studio_are_noticed() {
    for key in ["keys/sign.pem", "keys/watermark.pem"] {
        let (ours, theirs) = (Desk::new(), Desk::new());
        fs::copy(theirs.studio.folder().join(key), ours.studio.folder().join(key)).unwrap();
        let error = ours.studio.unlock(&passphrase()).err().unwrap();
        assert!(matches!(error, StudioError::ForeignKey { .. }), "{error}");
    }
}

#[test]
fn an_edited_party_document_does_not_open() {
    let desk = Desk::new();
    let path = desk.studio.folder().join("party.json");
    let other = Desk::new();
    let json = fs::read_to_string(&path).unwrap();
    let theirs = fs::read_to_string(other.studio.folder().join("party.json")).unwrap();
    // Our text under their signature.
    let (ours, theirs) =
        (json.split_once("\"signatures\"").unwrap(), theirs.split_once("\"signatures\"").unwrap());
    fs::write(&path, format!("{}\"signatures\"{}", ours.0, theirs.1)).unwrap();
    assert!(matches!(Studio::open(desk.studio.folder()).err(), Some(StudioError::Party { .. })));
}

#[test]
fn a_clock_that_fell_behind_signs_nothing() {
    let desk = Desk::new();
    let early = now() - Duration::days(1);
    let error = desk.studio.add_vendor(&desk.secrets, &handle("Boy"), None, early).err().unwrap();
    assert!(matches!(error, StudioError::ClockBehind { .. }), "{error}");
}

#[test]
fn one_vendor_for_one_name() {
    let desk = Desk::new();
    desk.vendor("Straße");
    let twin = desk.studio.add_vendor(&desk.secrets, &handle("STRASSE"), None, now()).err().unwrap();
    assert!(matches!(twin, StudioError::Store(StoreError::VendorExists(name)) if name == handle("Straße")));
}
