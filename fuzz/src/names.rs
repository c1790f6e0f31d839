//! Names, times, hex, keys in PEM, and what is sealed to us: the small words inside all other texts.

use tiermark_ledger::keys::{Opener, PublicKey};
use tiermark_ledger::{Digest, Handle, MarkId, Moment};

/// Reads the bytes as each of them.
pub fn feed(bytes: &[u8]) {
    let _ = Opener::from_bytes(&[9; 32]).open(&String::from_utf8_lossy(bytes));
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(handle) = Handle::new(text) {
        assert_eq!(Handle::new(handle.as_str()).as_ref(), Ok(&handle), "a name has one form");
        let json = serde_json::to_string(&handle).expect("a string");
        assert_eq!(serde_json::from_str::<Handle>(&json).expect("what we wrote"), handle);
        let _ = handle.folded();
    }
    if let Ok(moment) = text.parse::<Moment>() {
        assert_eq!(moment.to_string(), text, "a time has one spelling");
        assert_eq!(Moment::from_unix(moment.unix()), Some(moment));
    }
    if let Ok(digest) = text.parse::<Digest>() {
        assert_eq!(digest.to_string(), text, "a digest has one spelling");
    }
    if let Ok(mark) = text.parse::<MarkId>() {
        assert_eq!(mark.to_string(), text, "a mark has one spelling");
    }
    if let Ok(key) = PublicKey::from_pem(text) {
        assert_eq!(PublicKey::from_bytes(key.as_bytes()).expect("what we read"), key);
        let _ = key.kid();
    }
    if let Some((seconds, _)) = bytes.split_first_chunk::<8>() {
        let _ = Moment::from_unix(u64::from_le_bytes(*seconds));
    }
}
