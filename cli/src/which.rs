//! Which files: the arguments that several verbs share.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use tiermark::inputs::{Inputs, Links};
use tiermark::wanted::{Meant, Wanted};
use tiermark::{FrameSet, HashReading};

use crate::args::Common;
use crate::report::{self, Trouble};

/// Frames, shots and lists.
#[derive(Args)]
pub(crate) struct Which {
    /// A list of a delivery: CSV with a column Filename (and Relative Path), or OpenTimelineIO; may be repeated
    #[arg(long, value_name = "FILE")]
    manifest: Vec<PathBuf>,
    /// Only these frames: 1001-1010, 1-10x2 (every second), 1,5,7; files without a number are left out
    #[arg(long, value_name = "RANGES", allow_hyphen_values = true)]
    frames: Option<FrameSet>,
    /// What #### in the name of a shot means: a digit each (nuke), or four (oiio); without it both are tried, in this order
    #[arg(long, value_name = "HABIT")]
    hash_padding: Option<HashPadding>,
    /// A shot with missing frames counts as unreadable; else they are only listed
    #[arg(long)]
    strict: bool,
}

/// Whose habit of `#`.
#[derive(Clone, Copy, ValueEnum)]
enum HashPadding {
    /// A digit each.
    Nuke,
    /// Four digits each.
    Oiio,
}

impl Which {
    /// All that is meant; nothing at all is a slip, not an answer.
    pub(crate) fn find(&self, common: &Common, named: &[PathBuf], links: Links) -> Result<Inputs, Trouble> {
        let wanted = Wanted {
            lists: self.manifest.clone(),
            frames: self.frames.clone(),
            hashes: self.hash_padding.map(|habit| match habit {
                HashPadding::Nuke => HashReading::OneEach,
                HashPadding::Oiio => HashReading::FourEach,
            }),
            strict: self.strict,
        };
        let Meant { inputs, notes } = wanted.find(named, links);
        if !common.quiet {
            notes.iter().for_each(|note| report::complain(note));
        }
        if inputs.files.is_empty() && inputs.unreadable.is_empty() {
            let ranges = if self.frames.is_some() { ", or have other numbers than --frames" } else { "" };
            return Err(Trouble(format!(
                "there are no files in what was named; hidden ones are left out unless named themselves{ranges}"
            )));
        }
        Ok(inputs)
    }
}
