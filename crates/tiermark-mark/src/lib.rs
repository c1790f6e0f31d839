//! How is a message hidden in numbers, and how sure are we that it is there?

mod carrier;
mod code;
mod detect;
mod embed;
mod evidence;
mod key;
mod layout;
mod mask;
mod payload;
mod sync;

pub use detect::{Detector, Effort, Geometry, Question, Reading};
pub use embed::{Embedder, Picture, Strength};
pub use evidence::FalseAlarm;
pub use key::MarkKey;
pub use layout::pixels_per_ref;
pub use payload::{ContentId, Payload};
