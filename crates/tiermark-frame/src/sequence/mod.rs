//! Which files are frames of one shot, and which frames somebody means.

mod name;
mod pattern;
mod set;

pub use name::{NumberedName, numbered};
pub use pattern::{HashReading, Pattern};
pub use set::FrameSet;
