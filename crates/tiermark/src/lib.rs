//! The two journeys: [`stamp`] marks frames before they leave, [`trace`] says whose copy a found file is.

pub mod bench;
pub mod demo;
pub mod inputs;
mod ordered;
mod secrets;
mod sink;
pub mod stamp;
pub mod trace;
pub mod verdict;

pub use stamp::Stamper;
pub use tiermark_frame::{Limits, WriteOptions};
pub use tiermark_ledger as ledger;
pub use trace::Tracer;
