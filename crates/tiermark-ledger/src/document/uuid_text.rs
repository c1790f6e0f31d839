//! A UUID in its one spelling, lower-case with hyphens.

use serde::{Deserialize, Deserializer, Serializer, de};
use uuid::Uuid;

pub(super) fn serialize<S: Serializer>(uuid: &Uuid, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&uuid.hyphenated())
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uuid, D::Error> {
    let text = String::deserialize(deserializer)?;
    let uuid = Uuid::parse_str(&text).map_err(de::Error::custom)?;
    let one = uuid.hyphenated().to_string() == text;
    if one { Ok(uuid) } else { Err(de::Error::custom("a UUID is written in lower case with hyphens")) }
}
