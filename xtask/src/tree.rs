//! Where the house stands, and the Rust files in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The `cargo` that runs us, or the one on the path.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// What `cargo metadata` says about our own packages.
pub(crate) fn metadata() -> Result<Value, String> {
    let output = cargo()
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .output()
        .map_err(|error| format!("cargo metadata did not start: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata is not JSON: {error}"))
}

/// The folder of the workspace.
pub(crate) fn root(metadata: &Value) -> Result<PathBuf, String> {
    metadata["workspace_root"].as_str().map(PathBuf::from).ok_or_else(|| "metadata names no workspace".into())
}

/// Name and folder of each of our packages.
pub(crate) fn packages(metadata: &Value) -> Result<Vec<(&str, PathBuf)>, String> {
    let packages = metadata["packages"].as_array().ok_or("metadata lists no packages")?;
    packages
        .iter()
        .map(|package| {
            let name = package["name"].as_str().ok_or("a package has no name")?;
            let manifest = package["manifest_path"].as_str().ok_or("a package has no manifest")?;
            let folder = Path::new(manifest).parent().ok_or("a manifest has no folder")?;
            Ok((name, folder.to_path_buf()))
        })
        .collect()
}

/// All `.rs` files under `folder`, sorted; none if there is no such folder.
pub(crate) fn rust_files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop().filter(|folder| folder.is_dir()) {
        let entries = std::fs::read_dir(&folder).map_err(|error| unreadable(&folder, &error))?;
        for entry in entries {
            let path = entry.map_err(|error| unreadable(&folder, &error))?.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The text of a source file.
pub(crate) fn read(file: &Path) -> Result<String, String> {
    std::fs::read_to_string(file).map_err(|error| unreadable(file, &error))
}

fn unreadable(path: &Path, error: &std::io::Error) -> String {
    format!("{} cannot be read: {error}", path.display())
}
