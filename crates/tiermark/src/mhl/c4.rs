//! The hash that histories name files by.

use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

use sha2::{Digest, Sha512};

/// A C4 id (SMPTE ST 2114): the SHA-512 of a file, written `c4` and 88 digits to the base 58.
///
/// Ids are in the order of their bytes, which is that of their letters too: all have one length, and the alphabet
/// is in the order of ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct C4([u8; 64]);

/// The text is not a C4 id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a C4 id is `c4` and 88 digits of base 58")]
pub struct NotC4;

/// The C4 id of `bytes`.
pub fn c4(bytes: &[u8]) -> C4 {
    C4(Sha512::digest(bytes).into())
}

impl C4 {
    /// The C4 id of all that `source` gives, which is never held as a whole.
    ///
    /// # Errors
    /// What `source` says.
    pub fn read(mut source: impl Read) -> io::Result<Self> {
        let mut hash = Sha512::new();
        let mut piece = vec![0; PIECE];
        loop {
            match source.read(&mut piece) {
                Ok(0) => return Ok(Self(hash.finalize().into())),
                Ok(length) => hash.update(&piece[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The id of a file or folder under its name, for the structure of the folder that holds it.
    pub(super) fn named(self, name: &str) -> Self {
        Self(Sha512::new().chain_update(name).chain_update(self.0).finalize().into())
    }

    /// The id of a list of ids; their order does not count.
    pub(super) fn of_all(mut ids: Vec<Self>) -> Self {
        ids.sort_unstable();
        let mut hash = Sha512::new();
        ids.iter().for_each(|id| hash.update(id.0));
        Self(hash.finalize().into())
    }
}

impl fmt::Display for C4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; DIGITS];
        for byte in self.0 {
            multiply_add(&mut digits, 58, 256, u32::from(byte));
        }
        f.write_str("c4")?;
        digits.iter().try_for_each(|digit| write!(f, "{}", char::from(ALPHABET[usize::from(*digit)])))
    }
}

impl FromStr for C4 {
    type Err = NotC4;

    fn from_str(text: &str) -> Result<Self, NotC4> {
        let digits = text.strip_prefix("c4").filter(|digits| digits.len() == DIGITS).ok_or(NotC4)?;
        let mut bytes = [0; 64];
        for letter in digits.bytes() {
            let digit = (0..).zip(ALPHABET).find(|(_, other)| **other == letter).ok_or(NotC4)?.0;
            // 88 digits hold more than 64 bytes: what is over belongs to no hash.
            if multiply_add(&mut bytes, 256, 58, digit) != 0 {
                return Err(NotC4);
            }
        }
        Ok(Self(bytes))
    }
}

/// `number * factor + more` in place, the highest digit first; what no digit takes is returned.
fn multiply_add(number: &mut [u8], base: u32, factor: u32, more: u32) -> u32 {
    number.iter_mut().rev().fold(more, |carry, digit| {
        let value = u32::from(*digit) * factor + carry;
        *digit = (value % base) as u8;
        value / base
    })
}

/// 58^88 is 2^515.5: enough for 512 bits.
const DIGITS: usize = 88;

/// No `0`, `O`, `I` and `l`, which look like others.
const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// Bytes read at a time.
const PIECE: usize = 1 << 16;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use super::*;

    /// Of nothing: SMPTE ST 2114 and every implementation.
    const EMPTY: &str =
        "c459dsjfscH38cYeXXYogktxf4Cd9ibshE3BHUo6a58hBXmRQdZrAkZzsWcbWtDg5oQstpDuni4Hirj75GEmTc1sFT";

    #[test]
    fn ids_are_those_of_the_standard() {
        assert_eq!(c4(b"").to_string(), EMPTY);
        // By the reference tool: `printf 'a\n' >a; ascmhl-debug hash -h c4 a`.
        let a = "c41Shy18FZhatSXQUeMY2uNTk1DzWeA6H4fX1argjohqPE4dzAjSnFBSjM7HjnhYVhTc9pZWz5hXzpahcYKmb98kyj";
        assert_eq!(c4(b"a\n").to_string(), a);
        let long = vec![7; 3 * PIECE + 5];
        assert_eq!(C4::read(&long[..]).unwrap(), c4(&long), "read in pieces");
    }

    #[test]
    fn an_id_comes_back_from_its_letters() {
        for id in [c4(b""), c4(b"a"), C4([0; 64]), C4([255; 64]), C4(std::array::from_fn(|i| i as u8))] {
            assert_eq!(id.to_string().len(), 90);
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        assert!(C4([0; 64]).to_string() < C4([1; 64]).to_string());
        let too_much = format!("c4{}", "z".repeat(88));
        let (short, zero) = (&EMPTY[..89], EMPTY.replace("c45", "c40"));
        for wrong in ["", "c4", short, &zero, &too_much, &EMPTY.replace("c4", "C4")] {
            assert_eq!(wrong.parse::<C4>(), Err(NotC4), "{wrong}");
        }
    }
}
