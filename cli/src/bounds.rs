//! What found files may ask for, and where results are kept: arguments of `tiermark trace`.

use std::path::PathBuf;

use clap::Args;
use tiermark::Limits;

/// What a found file may ask of the machine.
#[derive(Args)]
pub(crate) struct Bounds {
    /// Refuse pictures of more megapixels; each takes about 25 bytes of memory to a pixel
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) max_megapixels: u64,
    /// Open archives and documents inside each other so deep, the outermost counted
    #[arg(long, value_name = "N", default_value_t = Limits::default().max_depth, value_parser = clap::value_parser!(u32).range(1..=16))]
    max_depth: u32,
    /// Look at so many members of one archive or document, those inside its members counted
    #[arg(long, value_name = "N", default_value_t = Limits::default().max_members)]
    max_members: u64,
    /// Unpack so many GiB out of one archive or document
    #[arg(long, value_name = "GIB", default_value_t = Limits::default().max_unpacked_bytes >> 30)]
    max_unpacked: u64,
    /// Look at so many frames of an animated picture
    #[arg(long, value_name = "N", default_value_t = Limits::default().max_frames)]
    max_frames: u32,
    /// Leave an archive or document after so many seconds; the rest of it is then not looked at
    #[arg(long, value_name = "N")]
    pub(crate) max_seconds: Option<u64>,
}

impl Bounds {
    /// The same for the crate.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            max_depth: self.max_depth,
            max_members: self.max_members,
            max_unpacked_bytes: self.max_unpacked.saturating_mul(1 << 30),
            max_frames: self.max_frames,
            ..crate::trace::limits(self.max_megapixels)
        }
    }
}

/// Where results are kept.
#[derive(Args)]
pub(crate) struct Keeping {
    /// Write each finding there as it comes, a JSON object to a line; the table then shows only files with marks
    #[arg(long, value_name = "RESULTS.jsonl")]
    pub(crate) out: Option<PathBuf>,
    /// Go on where a run with the same --out was stopped
    #[arg(long, requires = "out")]
    pub(crate) resume: bool,
}
