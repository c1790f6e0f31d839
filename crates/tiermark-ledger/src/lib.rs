//! Who was given what, and who can prove it?
//!
//! Keys of a studio, signed documents about its hand-overs, and the registry that keeps them. A mark in a
//! frame is eight bytes: the beginning of a hash over a signed hand-over. This room writes that hand-over
//! before anything leaves, finds it again by those eight bytes, and names a recipient only after every rule
//! of the chain held ([`chain::verify_handover`]).
//!
//! Start at [`Studio`]: the folder with keys and registry. The documents are DSSE envelopes over in-toto
//! statements, verifiable with OpenSSL alone; the registry is one SQLite file.
//!
//! No clock: whoever calls says what time it is. Randomness in two places only, [`keys::fresh`] and
//! [`document::Nonce::draw`].
//!
//! This room never looks at the pictures themselves: frames are names and hashes here. `tiermark-frame` reads
//! and writes them, `tiermark-mark` hides the eight bytes in them, `tiermark` joins the three.

#![forbid(unsafe_code)]

pub mod bundle;
pub mod chain;
pub mod custody;
pub mod document;
pub mod id;
pub mod keys;
pub mod log;
pub mod moment;
pub mod name;
pub mod packet;
pub mod store;
pub mod studio;

pub use chain::{Grade, RuleBroken, VerifiedHandover, verify_handover};
pub use document::{FrameRecord, Handover};
pub use id::{Commitment, Digest, DocId, Kid, MarkId, PartyId};
pub use keys::Passphrase;
pub use moment::Moment;
pub use name::Handle;
pub use packet::Packet;
pub use store::Registry;
pub use studio::{Secrets, Studio, StudioError};
