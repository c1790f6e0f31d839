//! Files that grew beyond one idea.

use crate::{Outcome, tree};

/// The longest file that still counts as one idea. Layout tables and the arguments of the program may pass it.
const LONGEST: usize = 400;

/// Names the files over the limit; they are a reason to look, not an error.
pub(crate) fn run() -> Outcome {
    let metadata = tree::metadata()?;
    let root = tree::root(&metadata)?;
    let mut long = Vec::new();
    for (_, folder) in tree::packages(&metadata)? {
        for file in tree::rust_files(&folder)? {
            let lines = tree::read(&file)?.lines().count();
            if lines > LONGEST {
                long.push((lines, file.strip_prefix(&root).unwrap_or(&file).display().to_string()));
            }
        }
    }
    long.sort_by(|one, other| other.cmp(one));
    for (lines, file) in &long {
        println!("{lines:6} {file}");
    }
    println!("rooms: {} files over {LONGEST} lines", long.len());
    Ok(())
}
