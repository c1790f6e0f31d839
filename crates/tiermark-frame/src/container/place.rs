//! Where in a container something lies.

use std::fmt;

/// One step from a container to what lies in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// A member of an archive, by its name as it stands there, in whatever encoding.
    Entry(Vec<u8>),
    /// What is left when one layer of compression is taken off, where nothing gives it a name.
    Unpacked,
    /// A picture of a PDF document.
    Page {
        /// The first page that shows it, counted from 1; none, where no page does.
        page: Option<u32>,
        /// The number of its object.
        object: u32,
    },
    /// A layer of a Photoshop document.
    Layer {
        /// Counted from 1, the lowest first.
        index: u32,
        /// As the document has it.
        name: String,
    },
    /// All layers of a Photoshop document as they were last seen together.
    Composite,
    /// A frame of an animation, counted from 1.
    Frame(u32),
}

impl Place {
    /// The name as it stands in the container, where that is no Unicode text.
    pub fn raw(&self) -> Option<&[u8]> {
        match self {
            Self::Entry(name) if std::str::from_utf8(name).is_err() => Some(name),
            _ => None,
        }
    }
}

impl fmt::Display for Place {
    /// Names as [`shown`] shows them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entry(name) => f.write_str(&shown(name)),
            Self::Unpacked => f.write_str("unpacked"),
            Self::Page { page: Some(page), object } => write!(f, "page {page}, object {object}"),
            Self::Page { page: None, object } => write!(f, "on no page, object {object}"),
            Self::Layer { index, name } => write!(f, "layer {index}: {name}"),
            Self::Composite => f.write_str("all layers together"),
            Self::Frame(number) => write!(f, "frame {number}"),
        }
    }
}

/// A name as text, so that no two names look the same: as it is, but bytes that are no Unicode as `\xe9`. In names that hold
/// such bytes, or look as if they did, a backslash stands twice.
pub fn shown(name: &[u8]) -> String {
    match std::str::from_utf8(name) {
        Ok(text) if !text.contains("\\x") => text.to_owned(),
        _ => name.utf8_chunks().fold(String::new(), |mut text, chunk| {
            text += &chunk.valid().replace('\\', "\\\\");
            chunk.invalid().iter().for_each(|byte| text += &format!("\\x{byte:02x}"));
            text
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_any_encoding_are_shown_without_loss() {
        assert_eq!(shown("원화/1.png".as_bytes()), "원화/1.png");
        assert_eq!(shown(b"caf\xe9.png"), "caf\\xe9.png");
        assert_eq!(shown(b"a\\xe9\xff.png"), "a\\\\xe9\\xff.png");
        assert_eq!(shown(b"caf\\xe9.png"), "caf\\\\xe9.png");
        assert_eq!(shown(b"sub\\a.png"), "sub\\a.png");
        assert_eq!(Place::Entry(b"caf\xe9".to_vec()).raw(), Some(&b"caf\xe9"[..]));
        assert_eq!(Place::Entry(b"cafe".to_vec()).raw(), None);
    }
}
