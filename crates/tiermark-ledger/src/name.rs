//! Names that people give: of studios and vendors, of files and shots.
//!
//! A name is kept in one Unicode form (NFC), so that a document written on one system is the same text on
//! another, and two names that a reader cannot tell apart are one name.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// The name by which people call a party, in any script.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Handle(String);

/// A name that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// Nothing is left after trimming.
    #[error("a name needs at least one letter")]
    Empty,
    /// Longer than a name may be.
    #[error("a name may have at most {MAX_CHARACTERS} characters")]
    TooLong,
    /// Characters that change what a reader sees.
    #[error("a name may not contain control characters or marks that change the direction of text")]
    Invisible,
}

const MAX_CHARACTERS: usize = 120;

impl Handle {
    /// The name as written, in NFC, with single spaces between its words.
    ///
    /// # Errors
    /// When it is empty, too long, or contains characters that cannot be seen.
    pub fn new(text: &str) -> Result<Self, BadName> {
        // Bounded before any work: the text may come from a file.
        if text.chars().nth(4 * MAX_CHARACTERS).is_some() {
            return Err(BadName::TooLong);
        }
        let words: Vec<String> = text.split_whitespace().map(nfc).collect();
        let name = words.join(" ");
        match name.chars().count() {
            0 => Err(BadName::Empty),
            n if n > MAX_CHARACTERS => Err(BadName::TooLong),
            _ if name.chars().any(is_invisible) => Err(BadName::Invisible),
            _ => Ok(Self(name)),
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same for all spellings that differ only in case or width: what must be unique.
    ///
    /// Up and down again, because some letters meet only there: `ß` and `SS`, `ς` and `σ`.
    pub fn folded(&self) -> String {
        let wide: String = self.0.nfkc().collect();
        wide.to_uppercase().to_lowercase().nfkc().collect()
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Handle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Handle {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let handle = Self::new(&text).map_err(de::Error::custom)?;
        if handle.0 == text {
            Ok(handle)
        } else {
            Err(de::Error::custom("a name that is not in its one form"))
        }
    }
}

/// The text in NFC; macOS hands out file names in NFD, everybody else in NFC.
pub fn nfc(text: &str) -> String {
    if is_nfc(text) { text.to_owned() } else { text.nfc().collect() }
}

/// Control characters, and the marks that let a name look like another one (Unicode TR 36, 3.1 and 3.5).
///
/// Zero-width joiner and non-joiner (U+200C, U+200D) stay: Persian and Indic spelling needs them.
fn is_invisible(c: char) -> bool {
    let hidden = matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    c.is_control() || hidden
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]
    use super::*;

    #[test]
    fn spellings_that_read_alike_are_one_name() {
        let pairs = [
            ("Shepherd Boy", "shepherd  BOY "),
            ("Straße", "STRASSE"),
            ("スタジオ", "ｽﾀｼﾞｵ"),
            ("Ателье", "АТЕЛЬЕ"),
            ("Caf\u{e9}", "CAFE\u{301}"),
            ("ΟΔΟΣ", "οδος"),
        ];
        for (one, other) in pairs {
            assert_eq!(
                Handle::new(one).unwrap().folded(),
                Handle::new(other).unwrap().folded(),
                "{one} {other}"
            );
        }
        assert_ne!(Handle::new("Lion").unwrap().folded(), Handle::new("Lions").unwrap().folded());
    }

    #[test]
    fn names_that_deceive_are_refused() {
        assert_eq!(Handle::new("  "), Err(BadName::Empty));
        assert_eq!(Handle::new(&"x".repeat(121)), Err(BadName::TooLong));
        assert_eq!(Handle::new(&"x".repeat(1_000_000)), Err(BadName::TooLong));
        for text in ["Li\u{202e}on", "Li\u{0}on", "Li\u{200b}on", "\u{feff}Lion"] {
            assert_eq!(Handle::new(text), Err(BadName::Invisible), "{text:?}");
        }
        assert_eq!(Handle::new("  羊飼い  ").unwrap().as_str(), "羊飼い");
    }
}
