//! Where a found picture lies on its original.

pub mod describe;
pub mod features;

pub use describe::{Feature, signature};
pub use features::features;
