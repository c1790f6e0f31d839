//! Pictures of a document that bear no mark, in words that are the same wherever they are said.

use serde::Serialize;

/// What is smaller is a logo or a bullet; nothing is promised below it.
pub(super) const LEAST_SIDE: usize = 120;

/// Pictures that are called by name in a sentence; the rest is counted.
const NAMED: usize = 3;

/// A picture in a document that bears no mark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unmarked {
    /// Where it is in the document.
    pub place: String,
    /// Whether it is smaller than anything that a mark is promised for.
    pub small: bool,
    /// Why it bears none, as in "is in CMYK".
    pub why: String,
}

impl Unmarked {
    /// One that is too small, or of a size that nobody knows or that would do.
    pub(super) fn new(place: String, least_side: Option<usize>, why: impl Into<String>) -> Self {
        Self { place, small: least_side.is_some_and(|side| side < LEAST_SIDE), why: why.into() }
    }

    /// These pictures in words: how many, the first large ones by name; `None` if there are none.
    pub fn told(pictures: &[Self]) -> Option<String> {
        let large: Vec<&Self> = pictures.iter().filter(|picture| !picture.small).collect();
        let small = pictures.len() - large.len();
        let mut parts = Vec::new();
        if !large.is_empty() {
            let named: Vec<String> = large
                .iter()
                .take(NAMED)
                .map(|picture| format!("{} ({})", picture.place, picture.why))
                .collect();
            let more = large.len() - named.len();
            let more = if more > 0 { format!(", and {more} more") } else { String::new() };
            parts.push(format!("{}: {}{more}", counted(large.len(), "picture"), named.join(", ")));
        }
        if small > 0 {
            parts.push(format!("{} below {LEAST_SIDE} lines", counted(small, "picture")));
        }
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_ones_are_named_and_the_rest_is_counted() {
        let large = |n: usize| Unmarked::new(format!("object {n}"), Some(LEAST_SIDE), "is in CMYK");
        let small = Unmarked::new("object 9".to_owned(), Some(LEAST_SIDE - 1), "is small");
        assert_eq!(Unmarked::told(&[]), None);
        assert_eq!(
            Unmarked::told(std::slice::from_ref(&small)).as_deref(),
            Some("1 picture below 120 lines")
        );
        let all: Vec<Unmarked> = (0..5).map(large).chain([small.clone(), small]).collect();
        assert_eq!(
            Unmarked::told(&all).as_deref(),
            Some(
                "5 pictures: object 0 (is in CMYK), object 1 (is in CMYK), object 2 (is in CMYK), and 2 more; 2 pictures below 120 \
                 lines"
            )
        );
    }

    #[test]
    fn a_size_that_nobody_knows_is_large() {
        assert!(!Unmarked::new("a.svg".to_owned(), None, "is SVG").small);
    }
}
