//! Who imports whom, held against the table of the house.
//!
//! Borders are read from what the manifests declare, not from what a build resolves: an optional dependency, or
//! one for another platform, is an arrow all the same.

use std::fmt;

use serde_json::Value;

use crate::house::{self, Exception, Room, SPOKEN_ALL_THE_SAME};
use crate::{Outcome, tree, words};

/// Every arrow between our crates is in the table, and no room says a word it must not.
pub(crate) fn run() -> Outcome {
    let metadata = tree::metadata()?;
    let mut found: Vec<String> = trespasses(&metadata)?.iter().map(ToString::to_string).collect();
    found.extend(words::spoken(&metadata)?);
    if found.is_empty() {
        for Exception { room, name, reason } in SPOKEN_ALL_THE_SAME {
            println!("borders: {room} may say `{name}`: {reason}");
        }
        println!("borders: every arrow is in the table, and every room keeps to its words");
        return Ok(());
    }
    found.push("The table and the way to change it: ARCHITECTURE.md, xtask/src/house.rs".into());
    Err(found.join("\n"))
}

/// An arrow that the table does not have.
#[derive(Debug, PartialEq, Eq)]
enum Trespass {
    /// A package of ours that the table does not know.
    NoRow { package: String },
    /// A room that imports one it must not see.
    Arrow { from: String, to: String, kind: String },
}

impl fmt::Display for Trespass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRow { package } => write!(f, "{package} has no row in the table of rooms"),
            Self::Arrow { from, to, kind } => write!(f, "{from} must not import {to} (a {kind} dependency)"),
        }
    }
}

/// All trespasses in the output of `cargo metadata --no-deps`.
fn trespasses(metadata: &Value) -> Result<Vec<Trespass>, String> {
    let packages = metadata["packages"].as_array().ok_or("metadata lists no packages")?;
    let mut found = Vec::new();
    for package in packages {
        let name = package["name"].as_str().ok_or("a package has no name")?;
        match house::room(name) {
            None => found.push(Trespass::NoRow { package: name.into() }),
            Some(room) => found.extend(arrows(room, package)?),
        }
    }
    Ok(found)
}

/// The arrows of one room that the table does not have.
///
/// Dev-dependencies count as well: the tests of a room that need another room belong to the package of tests.
fn arrows(room: &Room, package: &Value) -> Result<Vec<Trespass>, String> {
    let dependencies = package["dependencies"].as_array().ok_or("a package lists no dependencies")?;
    let mut found = Vec::new();
    for dependency in dependencies {
        // `name` is the package itself even where the manifest renames it.
        let to = dependency["name"].as_str().ok_or("a dependency has no name")?;
        let ours = house::room(to).is_some() || dependency["path"].is_string();
        if ours && !room.imports.contains(&to) {
            let kind = dependency["kind"].as_str().unwrap_or("normal").into();
            found.push(Trespass::Arrow { from: room.name.into(), to: to.into(), kind });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop")]

    use serde_json::json;

    use super::*;

    fn arrow(from: &str, to: &str, kind: &str) -> Trespass {
        Trespass::Arrow { from: from.into(), to: to.into(), kind: kind.into() }
    }

    fn planted(from: &str, to: &str, kind: &Value) -> Vec<Trespass> {
        let dependency = json!({ "name": to, "kind": kind, "rename": "harmless", "optional": true });
        let metadata = json!({ "packages": [{ "name": from, "dependencies": [dependency] }] });
        trespasses(&metadata).unwrap()
    }

    #[test]
    fn an_arrow_of_the_table_passes() {
        assert_eq!(planted("tiermark-mark", "tiermark-signal", &Value::Null), []);
        assert_eq!(planted("tiermark", "tiermark-ledger", &json!("build")), []);
        assert_eq!(planted("tiermark-tests", "tiermark-frame", &json!("dev")), []);
    }

    #[test]
    fn an_arrow_that_points_up_or_sideways_is_caught_in_every_kind() {
        for (kind, word) in [(Value::Null, "normal"), (json!("build"), "build"), (json!("dev"), "dev")] {
            for (from, to) in [
                ("tiermark-signal", "tiermark-mark"),
                ("tiermark-mark", "tiermark-frame"),
                ("tiermark-ledger", "tiermark-signal"),
                ("tiermark-cli", "tiermark-frame"),
                ("tiermark", "tiermark-cli"),
            ] {
                assert_eq!(planted(from, to, &kind), [arrow(from, to, word)]);
            }
        }
    }

    #[test]
    fn the_crates_of_others_are_no_business_of_borders() {
        assert_eq!(planted("tiermark-signal", "rustfft", &Value::Null), []);
    }

    #[test]
    fn a_room_without_a_row_is_caught_as_importer_and_as_import() {
        let back_door =
            json!({ "name": "tiermark-utils", "kind": null, "path": "/elsewhere/tiermark-utils" });
        let metadata = json!({ "packages": [
            { "name": "tiermark-utils", "dependencies": [] },
            { "name": "tiermark-mark", "dependencies": [back_door] },
        ]});
        let expected = [
            Trespass::NoRow { package: "tiermark-utils".into() },
            arrow("tiermark-mark", "tiermark-utils", "normal"),
        ];
        assert_eq!(trespasses(&metadata).unwrap(), expected);
    }

    #[test]
    fn metadata_that_is_not_metadata_is_an_error_and_not_a_pass() {
        for wrong in [json!({}), json!({ "packages": [{}] }), json!({ "packages": [{ "name": "xtask" }] })] {
            assert!(trespasses(&wrong).is_err(), "{wrong}");
        }
    }
}
