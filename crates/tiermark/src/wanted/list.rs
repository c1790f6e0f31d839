//! Lists of a delivery from other programs: CSV manifests of studios, and cuts in OpenTimelineIO.

use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::sink::read_bounded;

/// Longer lists than any delivery has.
const LONGEST: u64 = 64 << 20;
/// More frames than one reference has.
const MOST_FRAMES: i64 = 1_000_000;

/// The files that a list names, as paths that begin where the list lies; names may leave the number open.
pub(super) fn read(list: &Path) -> Result<Vec<PathBuf>, String> {
    let bytes = read_bounded(list, LONGEST).map_err(|error| crate::inputs::why(list, &error))?;
    let base = list.parent().unwrap_or(Path::new(""));
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
    let listed = if first == Some(&b'{') { cut(text, base)? } else { table(text, base)? };
    if listed.is_empty() {
        return Err("names no files".to_owned());
    }
    Ok(listed)
}

/// A table with columns `Filename` and, perhaps, `Relative Path`.
fn table(text: &[u8], base: &Path) -> Result<Vec<PathBuf>, String> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text);
    let headers = reader.headers().map_err(|error| format!("is no list: {error}"))?.clone();
    let column = |wanted: &str| headers.iter().position(|name| name.trim().eq_ignore_ascii_case(wanted));
    let name = column("Filename").ok_or(
        "is no list that is known: a CSV needs a column Filename in its first line, and OpenTimelineIO begins with {",
    )?;
    let folder = column("Relative Path");
    let mut listed = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|error| format!("breaks off: {error}"))?;
        let field = |column: usize| row.get(column).unwrap_or_default().trim();
        if !field(name).is_empty() {
            listed.push(base.join(folder.map_or("", field)).join(field(name)));
        }
    }
    Ok(listed)
}

/// All media that a cut refers to.
fn cut(text: &[u8], base: &Path) -> Result<Vec<PathBuf>, String> {
    let value: Value =
        serde_json::from_slice(text).map_err(|error| format!("is no OpenTimelineIO: {error}"))?;
    let mut listed = Vec::new();
    collect(&value, base, &mut listed)?;
    Ok(listed)
}

fn collect(value: &Value, base: &Path, listed: &mut Vec<PathBuf>) -> Result<(), String> {
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| collect(item, base, listed)),
        Value::Object(fields) => {
            let schema = fields.get("OTIO_SCHEMA").and_then(Value::as_str).unwrap_or_default();
            if schema.starts_with("ImageSequenceReference.") {
                return frames(value, base, listed);
            }
            if schema.starts_with("ExternalReference.") {
                listed.push(base.join(path_of(text_of(value, "target_url")?)));
                return Ok(());
            }
            fields.values().try_for_each(|field| collect(field, base, listed))
        }
        _ => Ok(()),
    }
}

/// The frames of a reference; as a name with an open number where it does not say how many.
fn frames(value: &Value, base: &Path, listed: &mut Vec<PathBuf>) -> Result<(), String> {
    let number = |name: &str, default: i64| value.get(name).and_then(Value::as_i64).unwrap_or(default);
    let folder = base.join(path_of(text_of(value, "target_url_base")?));
    let (prefix, suffix) = (text_of(value, "name_prefix")?, text_of(value, "name_suffix")?);
    let padding = usize::try_from(number("frame_zero_padding", 0)).unwrap_or(0).min(18);
    let Some(count) = value.pointer("/available_range/duration/value").and_then(Value::as_f64) else {
        listed.push(folder.join(format!("{prefix}%0{padding}d{suffix}")));
        return Ok(());
    };
    let (start, step) = (number("start_frame", 1), number("frame_step", 1).max(1));
    let count = count as i64 / step; // `as` stops at the ends of the range
    if !(0..=MOST_FRAMES).contains(&count) || start.abs() > MOST_FRAMES * 1000 {
        return Err(format!("refers to more than {MOST_FRAMES} frames at once"));
    }
    listed.extend((0..count).map(|i| folder.join(format!("{prefix}{:0padding$}{suffix}", start + i * step))));
    Ok(())
}

fn text_of<'a>(value: &'a Value, name: &str) -> Result<&'a str, String> {
    value.get(name).and_then(Value::as_str).ok_or_else(|| format!("has a reference without {name}"))
}

/// The path in an address: a plain one, or `file:` with percent signs.
fn path_of(url: &str) -> PathBuf {
    let Some(rest) = url.strip_prefix("file:") else { return PathBuf::from(url) };
    let path = rest.strip_prefix("//localhost").or_else(|| rest.strip_prefix("//")).unwrap_or(rest);
    PathBuf::from(percent_decode_str(path).decode_utf8_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_become_paths() {
        assert_eq!(path_of("file:///a/b%20c.png"), Path::new("/a/b c.png"));
        assert_eq!(path_of("file://localhost/a.png"), Path::new("/a.png"));
        assert_eq!(path_of("sc01/a.png"), Path::new("sc01/a.png"));
    }
}
