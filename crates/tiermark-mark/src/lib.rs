//! How is a message hidden in numbers, and how sure are we that it is there?

pub mod key;
mod payload;
mod layout;
mod code;
mod carrier;
mod mask;
mod embed;

pub use embed::{Embedder, Picture, Strength};
pub use key::MarkKey;
pub use layout::pixels_per_ref;
pub use payload::{ContentId, Payload};
