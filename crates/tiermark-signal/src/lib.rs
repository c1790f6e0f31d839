//! What is a picture, as numbers?
//!
//! Planes of samples, where things are on them, and the arithmetic that every other room needs:
//! transforms, filters, resampling, registration, what was done to a picture, re-integration of gradients, tails of
//! probability, distances, fingerprints.
//! Samples are `f32` in code values of an 8-bit file, 0.0 (black) to 255.0 (white), whatever the file's depth.
//!
//! Everything here gives the same bits on every machine: no clock, no files, no threads, no randomness,
//! and elementary functions come from `libm`, not from the platform.
//!
//! This room knows no keys, no messages, no parties and no file formats. `tiermark-mark` hides messages in
//! planes; `tiermark-frame` brings planes out of files.

#![forbid(unsafe_code)]

pub mod align;
pub mod compare;
pub mod filter;
pub mod fingerprint;
pub mod geometry;
pub mod plane;
pub mod poisson;
pub mod quality;
pub mod resample;
pub mod solve;
pub mod statistics;
pub mod transform;
pub mod whiten;
mod wide;

pub use geometry::{Affine, Homography, Size};
pub use plane::Plane;
pub use rustfft::num_complex::Complex;
pub use wide::{Wide, widest};
