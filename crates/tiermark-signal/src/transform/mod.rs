//! Fourier and cosine transforms of planes, over `rustfft`.
//!
//! `rustfft` is built without its vector kernels: they sum in another order on each processor family,
//! and a detection statistic has to be the same number on every machine.

pub mod dct;
pub mod fft;

pub use dct::Cosine;
pub use fft::{Spectrum, SquareTransform, centred_power, comfortable_length};
