//! What a person types to open the key files.

use zeroize::Zeroizing;

/// A passphrase; it cannot be printed and is zeroed when it is dropped.
///
/// Its bytes are taken as they are, without any Unicode form, as OpenSSL takes them.
pub struct Passphrase(Zeroizing<Vec<u8>>);

/// Nothing was given where a passphrase is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the passphrase is empty; give at least one character")]
pub struct EmptyPassphrase;

impl Passphrase {
    /// The passphrase made of exactly these bytes, which are taken over and zeroed later.
    ///
    /// # Errors
    /// When there are none.
    pub fn new(bytes: Vec<u8>) -> Result<Self, EmptyPassphrase> {
        let bytes = Zeroizing::new(bytes);
        if bytes.is_empty() { Err(EmptyPassphrase) } else { Ok(Self(bytes)) }
    }

    /// The first line of a passphrase file, as `openssl -passin file:...` reads it.
    ///
    /// # Errors
    /// When that line is empty.
    pub fn first_line(file: Vec<u8>) -> Result<Self, EmptyPassphrase> {
        let file = Zeroizing::new(file);
        let line = file.split(|&b| b == b'\n').next().unwrap_or_default();
        Self::new(line.strip_suffix(b"\r").unwrap_or(line).to_vec())
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]
    use super::*;

    #[test]
    fn only_the_first_line_counts() {
        for file in ["open sesame\n", "open sesame\r\nmore\n", "open sesame"] {
            assert_eq!(Passphrase::first_line(file.into()).unwrap().as_bytes(), b"open sesame");
        }
        assert!(Passphrase::first_line(b"\nsecond".to_vec()).is_err());
        assert!(Passphrase::new(Vec::new()).is_err());
    }
}
