//! The keyed patterns: the lattice that all tiers share, the word that each tier adds, the cells of each recipient.

mod cells;
mod lattice;
mod tile;
mod word;

pub(crate) use cells::{CellGrid, ClosedPattern, ClosedRows, cell_bits};
pub(crate) use lattice::{LatticeCarrier, Line};
pub(crate) use tile::{SignField, Tile, crossing};
pub(crate) use word::{BandCarrier, WordCarrier};
