//! Promises that no room can keep alone, each as a test from outside.
//!
//! `laws/` go through the libraries: false alarms on real frames, the demo, the vectors that a second implementation must
//! agree with. `journeys/` go through the program; cargo tells only tests of the program's own package where it is, so
//! `cli/Cargo.toml` lists them. This library is empty on purpose: what tests share lies beside them. Laws of one room
//! stand in that room.
