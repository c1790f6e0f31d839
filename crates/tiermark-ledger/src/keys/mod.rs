//! Keys of a studio: Ed25519 for signatures, and the root of all watermark secrets.
//!
//! `root` names the party and signs its own document; `sign` signs everything else; `log` signs checkpoints of the own log
//! and `witness` those of others; to `box` others seal secrets; `WR` is the root of the [`tree`] of watermark secrets. Signing keys are never derived from one another: whoever is above in the
//! chain can imitate a watermark of those below, but no signature.
//!
//! Nothing here can be printed. Every secret is zeroed when it is dropped, and none is part of an error.

mod file;
mod passphrase;
mod sealed;
mod signature;
pub mod tree;

pub(crate) use file::sync_folder_of;
pub use file::{KeyError, read_signer, read_watermark_root, write_signer, write_watermark_root};
pub use passphrase::{EmptyPassphrase, Passphrase};
pub use sealed::{NotASealingKey, NotForUs, Opener, SealingKey};
pub use signature::{NotAKey, PublicKey, Signer, WrongSignature};
pub use tree::WatermarkRoot;

use zeroize::Zeroizing;

/// The operating system has no randomness to give.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no randomness: {0}")]
pub struct NoRandomness(String);

/// New secret bytes from the operating system: one of the two places with randomness in this crate.
///
/// For keys, for the salts of their files, and for names that must not collide; documents take theirs from
/// [`Nonce::draw`](crate::document::Nonce::draw).
///
/// # Errors
/// When the operating system has none.
pub fn fresh<const N: usize>() -> Result<Zeroizing<[u8; N]>, NoRandomness> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(bytes.as_mut()).map_err(|e| NoRandomness(e.to_string()))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::{Opener, Passphrase, Signer, WatermarkRoot, tree};
    use crate::Secrets;

    /// Two ways to ask the same of a type that has `Debug`, one of a type that has none.
    trait Unprintable<Way> {
        fn holds() {}
    }
    impl<T> Unprintable<()> for T {}
    impl<T: std::fmt::Debug> Unprintable<u8> for T {}

    #[test]
    fn no_secret_can_be_printed() {
        // With `Debug` on any of them this is ambiguous and does not compile.
        <Passphrase as Unprintable<_>>::holds();
        <Signer as Unprintable<_>>::holds();
        <Opener as Unprintable<_>>::holds();
        <WatermarkRoot as Unprintable<_>>::holds();
        <tree::NodeSecret as Unprintable<_>>::holds();
        <tree::LatticeSecret as Unprintable<_>>::holds();
        <tree::SlotSecret as Unprintable<_>>::holds();
        <tree::HopSecret as Unprintable<_>>::holds();
        <Secrets as Unprintable<_>>::holds();
    }
}
