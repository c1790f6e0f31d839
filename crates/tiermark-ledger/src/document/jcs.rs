//! Canonical JSON (RFC 8785) for the documents of this house.
//!
//! Three house rules make it short: keys are ASCII, numbers are integers below 2^53, strings are NFC. What
//! breaks a rule is refused, never repaired in silence.

use super::DocumentError;
use serde::Serialize;
use serde_json::Value;
use unicode_normalization::is_nfc;

/// The one way to write this value.
pub(crate) fn canonical(value: &impl Serialize) -> Result<Vec<u8>, DocumentError> {
    let value =
        serde_json::to_value(value).map_err(|_| DocumentError::NotCanonical("a value that is not JSON"))?;
    let mut text = Vec::new();
    write(&value, &mut text)?;
    Ok(text)
}

fn write(value: &Value, text: &mut Vec<u8>) -> Result<(), DocumentError> {
    match value {
        Value::Null => text.extend_from_slice(b"null"),
        Value::Bool(value) => text.extend_from_slice(if *value { b"true" } else { b"false" }),
        Value::Number(number) => match number.as_i64() {
            Some(n) if n.unsigned_abs() < 1 << 53 => text.extend_from_slice(n.to_string().as_bytes()),
            _ => return Err(DocumentError::NotCanonical("a number that is no integer below 2^53")),
        },
        Value::String(string) => write_string(string, text)?,
        Value::Array(items) => write_list(items, (b'[', b']'), text, write)?,
        Value::Object(members) => {
            // Sorted here: whether `serde_json` sorts depends on a feature that any crate may switch on.
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(key, _)| *key);
            write_list(&members, (b'{', b'}'), text, write_member)?;
        }
    }
    Ok(())
}

fn write_list<T>(
    items: &[T],
    (open, close): (u8, u8),
    text: &mut Vec<u8>,
    item: impl Fn(&T, &mut Vec<u8>) -> Result<(), DocumentError>,
) -> Result<(), DocumentError> {
    text.push(open);
    for (i, value) in items.iter().enumerate() {
        if i > 0 {
            text.push(b',');
        }
        item(value, text)?;
    }
    text.push(close);
    Ok(())
}

fn write_member((key, value): &(&String, &Value), text: &mut Vec<u8>) -> Result<(), DocumentError> {
    if !key.is_ascii() {
        return Err(DocumentError::NotCanonical("a key that is not ASCII"));
    }
    write_string(key, text)?;
    text.push(b':');
    write(value, text)
}

/// `serde_json` escapes strings as RFC 8785, 3.2.2.2 wants it: the short escapes, then lower-case `\u00xx`.
fn write_string(string: &str, text: &mut Vec<u8>) -> Result<(), DocumentError> {
    if !is_nfc(string) {
        return Err(DocumentError::NotCanonical("text that is not in Unicode form NFC"));
    }
    serde_json::to_writer(text, string).map_err(|_| DocumentError::NotCanonical("text that is not JSON"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_sorted_and_strings_escaped_as_the_rfc_says() {
        let value = json!({"b": [1, -2, null, true], "a": "\u{20ac}$\u{f}\n'\"\\/\u{7f}", "A": {}});
        let expected =
            r#"{"A":{},"a":"€$\u000f\n'\"\\/"#.to_owned() + "\u{7f}" + r#"","b":[1,-2,null,true]}"#;
        assert_eq!(String::from_utf8(canonical(&value).unwrap()).unwrap(), expected);
    }

    #[test]
    fn what_has_no_single_form_is_refused() {
        for value in [json!(0.5), json!(1_u64 << 53), json!(u64::MAX), json!({"é": 1}), json!("e\u{301}")] {
            assert!(canonical(&value).is_err(), "{value}");
        }
        assert_eq!(canonical(&json!((1_u64 << 53) - 1)).unwrap(), b"9007199254740991");
    }
}
