//! Decode and encode pictures and do nothing else: what `tiermark stamp` is measured against.
//!
//! `cargo run --release --example recode -- OUT IN...` reads every picture below IN, moves all samples by one, and writes the
//! file to OUT with the same code that `stamp` reads and writes with, on all cores.

#![allow(clippy::print_stderr, reason = "an example may speak")]

use std::path::PathBuf;

use rayon::prelude::*;
use tiermark::inputs::{Inputs, Links};
use tiermark_frame::{Frame, Limits, WriteOptions};

fn recode(
    input: &std::path::Path,
    out: &std::path::Path,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let frame = Frame::decode(std::fs::read(input)?, &Limits::default())?;
    let mut colours = frame.colours();
    // All of them: what does not change is not packed anew everywhere.
    let samples = colours.iter_mut().flat_map(|plane| plane.samples_mut());
    samples.for_each(|sample| *sample += if *sample > 128.0 { -1.0 } else { 1.0 });
    let bytes = frame.encode(&colours, &WriteOptions::default())?;
    std::fs::create_dir_all(out.parent().unwrap_or(out))?;
    let file = std::fs::File::create(out)?;
    std::io::Write::write_all(&mut &file, &bytes)?;
    Ok(file.sync_all()?)
}

fn main() {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let Some(out) = arguments.next() else {
        eprintln!("usage: recode OUT IN...");
        std::process::exit(2);
    };
    let inputs = Inputs::find(&arguments.collect::<Vec<_>>(), Links::Follow);
    let failed = inputs.files.par_iter().filter(|input| {
        let result = recode(&input.path, &out.join(&input.below));
        result.inspect_err(|error| eprintln!("{}: {error}", input.path.display())).is_err()
    });
    eprintln!("{} of {} failed", failed.count(), inputs.files.len());
}
