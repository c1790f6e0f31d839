//! Files in, files out: laws for every format, and what must not happen with hostile bytes.
//!
//! All files are made here, byte by byte or with other people's encoders, never with our own.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop")]

mod bombs;
mod boxes;
mod floats;
mod fuzz;
mod hostile;
mod kept;
mod make;
mod read_only;
mod round_trip;
mod sheets;
