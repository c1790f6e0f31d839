//! Where the lattice lies in a found picture.
//!
//! Two steps: [`search`] looks for the 32 sync lines in the power spectrum, over scales, angles, mirrors and shears, and over perspective of whole frames;
//! [`phase`] finds the place from their phases and bends the map until all blocks agree. Both are steered by the lattice
//! key alone, so however much they search, it costs the payload's false-alarm bound nothing but the maps passed on.

mod affine;
mod map;
mod near;
mod phase;
mod phases;
mod search;
mod similarities;
mod spectrum;
mod tilted;
mod trust;
mod view;

pub(crate) use affine::affine;
pub(crate) use map::{Area, LatticeMap};
pub(crate) use near::nearly_upright;
pub(crate) use phase::{Fit, PhaseFitter};
pub(crate) use search::{Linear, Scorer};
pub(crate) use similarities::{similarities, uprights};
pub(crate) use spectrum::LineSpectrum;
pub(crate) use tilted::{Pane, Tilted, tilted};
pub(crate) use trust::Trust;
pub(crate) use view::View;
