//! A file name taken apart: the shot, and the number of the frame in it.

/// A file name taken apart: the shot, and the frame's number in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NumberedName {
    /// The name of the shot: path and name with one `#` for each digit, as in `ep03/walk.####.png`.
    pub stem: String,
    /// The frame's number.
    pub number: u64,
    /// How many digits were written.
    pub padding: usize,
}

/// Take the name of a frame apart; `None` if it has no frame number.
///
/// The number is the last group of digits, directly before the extension, behind `.` or `_` or at the start. Behind a `v` it is a
/// version (`bg_v012.png`), and elsewhere in the name it is a name (`shot010.png`, `walk.0001.comp.png`).
/// Folders separated by `/` belong to the shot. A number longer than 18 digits is a hash or a date, not a frame.
///
/// Padding shows as the number of `#`: frames that outgrow it (`a.999.png`, `a.1000.png`) have two stems.
///
/// ```
/// let name = tiermark_frame::numbered("ep03/walk.0012.png").expect("it is numbered");
/// assert_eq!((name.stem.as_str(), name.number, name.padding), ("ep03/walk.####.png", 12, 4));
/// ```
pub fn numbered(name: &str) -> Option<NumberedName> {
    let file = name.rfind('/').map_or(0, |slash| slash + 1);
    let dot = file + name[file..].rfind('.')?;
    let before = &name[file..dot];
    let digits = before.len() - before.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let start = dot - digits;
    let behind = name[file..start].chars().next_back();
    if !(1..=18).contains(&digits) || !matches!(behind, None | Some('.' | '_')) {
        return None;
    }
    let stem = format!("{}{}{}", &name[..start], "#".repeat(digits), &name[dot..]);
    Some(NumberedName { stem, number: name[start..dot].parse().ok()?, padding: digits })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frame_numbers_are_found() {
        for (name, stem, number, padding) in [
            ("walk.0001.png", "walk.####.png", 1, 4),
            ("walk_0001.png", "walk_####.png", 1, 4),
            ("walk/0001.png", "walk/####.png", 1, 4),
            ("ep03/sc01/walk.0101.exr", "ep03/sc01/walk.####.exr", 101, 4),
            ("v2.1/walk.7.tga", "v2.1/walk.#.tga", 7, 1),
            ("shot_v002.1001.tif", "shot_v002.####.tif", 1001, 4),
            ("a_000123456789012345.png", "a_##################.png", 123_456_789_012_345, 18),
            ("絵_0003.png", "絵_####.png", 3, 4),
        ] {
            assert_eq!(numbered(name), Some(NumberedName { stem: stem.into(), number, padding }), "{name}");
        }
    }

    #[test]
    fn versions_names_and_dates_are_not_frame_numbers() {
        for name in [
            "",
            ".",
            ".png",
            "bg_v012.png",
            "bg.v012.png",
            "shot_v002.tmp.exr",
            "walk.0001.comp.png",
            "walk0001.png",
            "walk-0001.png",
            "walk.0001",
            "walk.0001/",
            "walk.0001/key.png",
            "a_1234567890123456789.png",
            "絵.png",
            "walk.١٢.png",
        ] {
            assert_eq!(numbered(name), None, "{name}");
        }
    }
}
