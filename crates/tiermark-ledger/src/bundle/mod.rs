//! What an outsider needs to check an answer, as a folder of small files, and the check.
//!
//! ```text
//! README.txt            how to check it with openssl and sha256sum alone
//! finding.dsse.json     the signed exhibit; names the hash of every other file
//! report.html, report.json, custody.jsonl, found.sha256
//! docs/*.dsse.json      the documents of these chains
//! keys/*.pub.pem        the public keys that they declare, for OpenSSL
//! log/*.tlog-proof, log/*.leaf, log/*.tsr
//! frames/*.json         single lines of frame lists, each with its path to the signed root
//! contrib/              the check by openssl and coreutils (check.sh), and by a second implementation (verify.py)
//! ```
//!
//! A bundle is hostile until it is checked: bounded, nothing outside its folder is read, and nothing in it is believed but by
//! signature, starting from the one root that the reader brings along.

mod check;
mod load;
mod readme;
mod write;

pub use check::{Check, Checked, check};
pub use load::{Bundle, BundleError};
pub use write::{Contents, write};

/// The second implementation of the check, which rides along in every bundle.
pub const VERIFY_PY: &str = include_str!("../../../../contrib/verify.py");

/// The same as far as OpenSSL and coreutils go.
pub const CHECK_SH: &str = include_str!("../../../../contrib/check.sh");
