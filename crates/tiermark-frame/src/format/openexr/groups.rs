//! Which channels of an OpenEXR file are colours to look at.
//!
//! A channel is called `R`, or `layer.R`; parts and views have channels of their own. What is not a colour must not change by
//! a bit: depth, vectors, identities, masks. So a group counts only if all three of R, G, B are there (or Y alone), all of
//! them floating point, and nothing in its name says that it is data. Cryptomatte calls its numbers `.r`, `.g`, `.b`, too.

use exr::meta::attribute::{AttributeValue, SampleType, Text};
use exr::meta::header::Header;

/// The channels of one picture.
pub(super) struct Group {
    /// Which part of the file.
    pub(super) part: usize,
    /// Channels of that part: grey, or red, green, blue.
    pub(super) colours: Vec<usize>,
    /// The channel that these colours are multiplied by.
    pub(super) alpha: Option<usize>,
    /// Whether all of them are of 16 bits.
    pub(super) half: bool,
    /// `R`, not `layer.R`.
    plain: bool,
}

/// All pictures of the file. The first is the one that a player shows: plain channels go before those of a layer.
pub(super) fn groups(headers: &[Header]) -> Vec<Group> {
    let mut groups: Vec<Group> = headers
        .iter()
        .enumerate()
        .filter(|(_, header)| !is_data(header))
        .flat_map(|(part, header)| in_part(part, header))
        .collect();
    groups.sort_by_key(|group| !group.plain);
    groups.truncate(MOST);
    groups
}

fn in_part(part: usize, header: &Header) -> Vec<Group> {
    let names: Vec<String> = header.channels.list.iter().map(|channel| channel.name.to_string()).collect();
    let part_name = text(header.own_attributes.layer_name.as_ref());
    let mut layers: Vec<&str> = names.iter().map(|name| split(name).0).collect();
    layers.sort_unstable();
    layers.dedup();
    let float =
        |index: usize| matches!(header.channels.list[index].sample_type, SampleType::F16 | SampleType::F32);
    let find = |layer: &str, wanted: &[&str]| {
        let fits = |name: &String| {
            split(name).0 == layer && wanted.iter().any(|w| split(name).1.eq_ignore_ascii_case(w))
        };
        names.iter().position(fits).filter(|index| float(*index))
    };
    let group = |layer: &str| {
        if says_data(layer) || says_data(&part_name) {
            return None;
        }
        let rgb: Option<Vec<usize>> =
            [["R", "red"], ["G", "green"], ["B", "blue"]].iter().map(|wanted| find(layer, wanted)).collect();
        let others = ["X", "Z", "RY", "BY", "U", "V"].iter().any(|other| find(layer, &[other]).is_some());
        let grey = find(layer, &["Y"]).filter(|_| !others).map(|index| vec![index]);
        let colours = rgb.or(grey)?;
        let alpha = find(layer, &["A", "alpha"]).or_else(|| find("", &["A"]));
        let half = colours
            .iter()
            .chain(&alpha)
            .all(|index| header.channels.list[*index].sample_type == SampleType::F16);
        Some(Group { part, colours, alpha, half, plain: layer.is_empty() })
    };
    layers.into_iter().filter_map(group).collect()
}

/// Layer and channel of a name.
fn split(name: &str) -> (&str, &str) {
    name.rsplit_once('.').unwrap_or(("", name))
}

/// Does the part say that it holds no colours (`colorInteropID` of OpenEXR 3.4)?
fn is_data(header: &Header) -> bool {
    let said = |text: &Text| text.to_string().eq_ignore_ascii_case("data");
    let own = header.own_attributes.other.iter().chain(&header.shared_attributes.other);
    own.into_iter().any(|(name, value)| {
        *name == *"colorInteropID" && matches!(value, AttributeValue::Text(value) if said(value))
    })
}

/// Names by which renderers call what is no colour, whole words and beginnings of words.
fn says_data(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let mut words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.any(|word| {
        let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
        WORDS.contains(&word) || BEGINNINGS.iter().any(|beginning| word.starts_with(beginning))
    })
}

const WORDS: &[&str] =
    &["n", "p", "z", "uv", "st", "id", "ids", "pos", "pref", "pworld", "nworld", "vec", "mv", "stmap"];
const BEGINNINGS: &[&str] = &[
    "crypto",
    "uint",
    "normal",
    "position",
    "velocity",
    "motion",
    "vector",
    "depth",
    "mask",
    "matte",
    "objectid",
    "materialid",
    "index",
    "variance",
    "worldp",
    "worldn",
    "objid",
    "disparity",
];

/// Each costs a picture's memory while it is marked.
const MOST: usize = 64;

fn text(text: Option<&Text>) -> String {
    text.map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_told_from_colours_by_name() {
        for data in [
            "N",
            "crypto_object00",
            "ViewLayer.CryptoObject01",
            "ViewLayer.Normal",
            "uv",
            "motionVector",
            "Depth",
            "mask_a",
            "id2",
        ] {
            assert!(says_data(data), "{data}");
        }
        for colours in [
            "",
            "diffuse",
            "ViewLayer.Combined",
            "left",
            "specular_direct",
            "keyLight",
            "beauty",
            "Paint",
            "street",
        ] {
            assert!(!says_data(colours), "{colours}");
        }
    }
}
