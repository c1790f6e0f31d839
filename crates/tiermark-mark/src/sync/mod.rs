//! Where the lattice lies in a found picture.
//!
//! Two steps: [`search`] looks for the 32 sync lines in the power spectrum, over scales, angles and mirrors; [`phase`]
//! finds the place from their phases and bends the map until all blocks agree. Both are steered by the lattice key
//! alone, so however much they search, it costs the payload's false-alarm bound nothing but the maps passed on.

mod map;
mod phase;
mod search;
mod spectrum;

pub(crate) use map::LatticeMap;
pub(crate) use phase::{Fit, PhaseFitter, normalised};
pub(crate) use search::{Linear, refined, scored, similarities};
pub(crate) use spectrum::LineSpectrum;
