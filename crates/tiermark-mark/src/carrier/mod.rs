//! The keyed patterns: the lattice that all tiers share, and the word that each tier adds.

mod lattice;
mod tile;
mod word;

pub(crate) use lattice::{LatticeCarrier, Line};
pub(crate) use tile::{SignField, Tile, crossing};
pub(crate) use word::{BandCarrier, WordCarrier};
