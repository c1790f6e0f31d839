//! The name of a shot with a mark where the number stands, as render settings and trackers write it.

use super::{FrameSet, numbered};

/// A file name in which a number is left open.
///
/// | written | digits |
/// |---|---|
/// | `shot.%04d.exr`, `shot.%d.exr` | four, one |
/// | `shot.@@@@.exr` | one to each `@` |
/// | `shot.$F4.exr`, `shot.$F.exr` | four, one |
/// | `shot.#.exr` | four |
/// | `shot.####.exr` | four in Nuke and most trackers, sixteen in OpenImageIO and fileseq: see [`HashReading`] |
/// | `shot.1001-1010#.exr`, `shot.[1001-1010].exr`, `shot.%04d.exr [1001-1010]` | the same, of these frames |
///
/// Numbers have at least so many digits, and more only where they need them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    before: String,
    after: String,
    digits: usize,
    /// Whether the number was written with two or more `#`.
    hashes: bool,
    frames: Option<FrameSet>,
}

/// What several `#` mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashReading {
    /// A digit each.
    OneEach,
    /// Four digits each.
    FourEach,
}

impl Pattern {
    /// Read a file name (no folder); `None` if it leaves no number open.
    ///
    /// # Errors
    /// A range in it that is none.
    pub fn parse(name: &str) -> Result<Option<Self>, String> {
        let (name, behind) = match name.strip_suffix(']').and_then(|rest| rest.rsplit_once(" [")) {
            Some((name, range)) => (name, Some(range.parse::<FrameSet>()?)),
            None => (name, None),
        };
        if let Some(found) = bracketed(name)? {
            return Ok(Some(found));
        }
        let Some((at, length, digits)) = place(name) else { return Ok(None) };
        let hashes = name[at..].starts_with("##");
        // `1001-1010x2#`: a range directly before the mark.
        let range = name[..at].rsplit(['.', '_']).next().unwrap_or_default();
        let inside = (!range.is_empty()).then(|| range.parse::<FrameSet>().ok()).flatten();
        let before = match inside {
            Some(_) => &name[..at - range.len()],
            None => &name[..at],
        };
        let frames = behind.or(inside);
        let after = name[at + length..].to_owned();
        Ok(Some(Self { before: before.to_owned(), after, digits, hashes, frames }))
    }

    /// Whether the number of digits depends on how `#` is read.
    pub fn is_ambiguous(&self) -> bool {
        self.hashes
    }

    /// The same with `#` read so.
    #[must_use]
    pub fn read_as(&self, reading: HashReading) -> Self {
        let digits = match reading {
            HashReading::FourEach if self.hashes => 4 * self.digits,
            _ => self.digits,
        };
        Self { digits, ..self.clone() }
    }

    /// The number in a name that this pattern stands for.
    pub fn number(&self, name: &str) -> Option<i64> {
        let middle = name.strip_prefix(&self.before)?.strip_suffix(&self.after)?;
        let enough = middle.len() == self.digits || (middle.len() > self.digits && !middle.starts_with('0'));
        if !enough || middle.len() > 18 || !middle.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let number = middle.parse().ok()?;
        self.frames.as_ref().is_none_or(|frames| frames.contains(number)).then_some(number)
    }

    /// The frames that it was limited to.
    pub fn frames(&self) -> Option<&FrameSet> {
        self.frames.as_ref()
    }
}

/// `shot.[1001-1010].exr`, as plates are listed; the digits are those of the first number.
fn bracketed(name: &str) -> Result<Option<Pattern>, String> {
    let Some((before, rest)) = name.split_once(".[") else { return Ok(None) };
    let Some((range, after)) = rest.split_once(']') else { return Ok(None) };
    let frames: FrameSet = range.parse()?;
    let digits = range.bytes().take_while(u8::is_ascii_digit).count().max(1);
    Ok(Some(Pattern {
        before: format!("{before}."),
        after: after.to_owned(),
        digits,
        hashes: false,
        frames: Some(frames),
    }))
}

/// Where the open number stands: from, how long, and how many digits.
fn place(name: &str) -> Option<(usize, usize, usize)> {
    let run = |mark: char| {
        let at = name.rfind(mark)?;
        let start = name[..=at].trim_end_matches(mark).len();
        Some((start, at + 1 - start))
    };
    if let Some((at, length)) = run('#') {
        return Some((at, length, if length == 1 { 4 } else { length }));
    }
    if let Some((at, length)) = run('@') {
        return Some((at, length, length));
    }
    let width = |from: usize| {
        let digits = name[from..].bytes().take_while(u8::is_ascii_digit).count();
        (digits, name[from..from + digits].parse::<usize>().unwrap_or(1).clamp(1, 18))
    };
    if let Some(at) = name.rfind('%') {
        let (length, digits) = width(at + 1);
        return name[at + 1 + length..].starts_with('d').then_some((at, length + 2, digits));
    }
    let at = name.rfind("$F")?;
    let (length, digits) = width(at + 2);
    Some((at, length + 2, digits))
}

impl FrameSet {
    /// Whether a file is one of these frames, by the number in its name.
    pub fn has_file(&self, name: &str) -> bool {
        numbered(name)
            .and_then(|name| i64::try_from(name.number).ok())
            .is_some_and(|number| self.contains(number))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use super::*;

    fn number(pattern: &str, name: &str) -> Option<i64> {
        Pattern::parse(pattern).unwrap().unwrap().number(name)
    }

    #[test]
    fn every_spelling_finds_its_files() {
        for (pattern, name, want) in [
            ("shot.%04d.exr", "shot.0012.exr", Some(12)),
            ("shot.%04d.exr", "shot.10012.exr", Some(10012)),
            ("shot.%04d.exr", "shot.012.exr", None),
            ("shot.%04d.exr", "shot.00012.exr", None),
            ("shot.%d.exr", "shot.7.exr", Some(7)),
            ("shot.@@@.exr", "shot.012.exr", Some(12)),
            ("shot.$F4.exr", "shot.1001.exr", Some(1001)),
            ("shot.$F.exr", "shot.3.exr", Some(3)),
            ("shot.#.exr", "shot.1001.exr", Some(1001)),
            ("shot.####.exr", "shot.1001.exr", Some(1001)),
            ("shot.1001-1010#.exr", "shot.1005.exr", Some(1005)),
            ("shot.1001-1010x2#.exr", "shot.1004.exr", None),
            ("shot.[1001-1003].exr", "shot.1002.exr", Some(1002)),
            ("shot.[1001-1003].exr", "shot.1004.exr", None),
            ("shot.%04d.exr [1001-1003]", "shot.1003.exr", Some(1003)),
            ("shot_v002.####.exr", "shot_v002.1001.exr", Some(1001)),
            ("shot_v002.####.exr", "shot_v003.1001.exr", None),
            ("絵.####.png", "絵.0001.png", Some(1)),
            ("shot.####.exr", "shot.####.exr", None),
        ] {
            assert_eq!(number(pattern, name), want, "{pattern} {name}");
        }
    }

    #[test]
    fn hashes_have_two_readings() {
        let pattern = Pattern::parse("a.##.png").unwrap().unwrap();
        assert!(pattern.is_ambiguous());
        assert_eq!(pattern.read_as(HashReading::OneEach).number("a.12.png"), Some(12));
        let four = pattern.read_as(HashReading::FourEach);
        assert_eq!((four.number("a.12.png"), four.number("a.00000012.png")), (None, Some(12)));
        assert!(!Pattern::parse("a.#.png").unwrap().unwrap().is_ambiguous());
    }

    #[test]
    fn plain_names_leave_nothing_open_and_wrong_ranges_are_errors() {
        for name in ["", "a.png", "100%.png", "a.$Q.png", "]", "x [1-2]", "[]", "絵"] {
            assert_eq!(Pattern::parse(name).unwrap_or(None), None, "{name}");
        }
        assert!(Pattern::parse("a.[1-x].exr").is_err());
        assert!(Pattern::parse("a.%04d.exr [x]").is_err());
    }
}
