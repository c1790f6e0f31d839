//! What a person may say of the two journeys, stamp and trace.

use std::path::PathBuf;

use clap::Args;

use super::strength;
use crate::bounds::{Bounds, Keeping};
use crate::which::Which;

#[derive(Args)]
pub(crate) struct TraceArguments {
    /// Found files, folders and shots (walk.####.exr), archives and documents; numbered files of one name are also read as a shot
    #[arg(required_unless_present = "manifest")]
    pub(crate) found: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) which: Which,
    /// Look at each part of a picture by itself, too: slow
    #[arg(long)]
    pub(crate) exhaustive: bool,
    /// Try N keys that nobody used beside each that is found, on the same picture
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    pub(crate) decoys: u32,
    /// Compare with this original, and with no other; without it the archive is asked
    #[arg(long, value_name = "FILE")]
    pub(crate) original: Option<PathBuf>,
    /// Test only these recipients where an original is at hand: fewer names, a tighter bound
    #[arg(long, value_name = "NAME", num_args = 1.., value_delimiter = ',')]
    pub(crate) recipients: Vec<String>,
    /// Leave pictures there: found and original laid over each other, what is left x16, where the evidence is
    #[arg(long, value_name = "DIR")]
    pub(crate) explain: Option<PathBuf>,
    /// Incoming inspection: every file must bear this vendor's mark and no undeclared one; exit status 1 if any does not
    #[arg(long, value_name = "VENDOR")]
    pub(crate) expect: Option<String>,
    #[command(flatten)]
    pub(crate) bounds: Bounds,
    #[command(flatten)]
    pub(crate) keeping: Keeping,
    /// Of clips, look at one frame of so many and at no fewer; without it, at two a second
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) every: Option<u64>,
    #[command(flatten)]
    pub(crate) clips: ClipLimits,
}

/// What a clip may ask for.
#[derive(Args)]
pub(crate) struct ClipLimits {
    /// Refuse clips of more frames
    #[arg(long, value_name = "N", default_value_t = 400_000)]
    pub(crate) max_clip_frames: u64,
    /// Give up on a clip that keeps ffmpeg busy for longer
    #[arg(long, value_name = "SECONDS", default_value_t = 43_200)]
    pub(crate) max_clip_seconds: u64,
}

#[derive(Args)]
pub(crate) struct StampArguments {
    /// The vendor or delegate that will get the copies
    #[arg(long, value_name = "VENDOR", required_unless_present = "back")]
    pub(crate) to: Option<String>,
    /// Mark work that goes back up to whoever delegated to us
    #[arg(long = "return", conflicts_with = "to")]
    pub(crate) back: bool,
    /// New drawings belong to the project of this producer, which delegated to us
    #[arg(long = "for", value_name = "PRODUCER")]
    pub(crate) project_of: Option<String>,
    /// The episode, where the delegation is limited to some
    #[arg(long, value_name = "NAME")]
    pub(crate) episode: Option<String>,
    /// The kind of material, where the delegation is limited to some
    #[arg(long, value_name = "NAME")]
    pub(crate) kind: Option<String>,
    /// Write a history of ASC MHL beside the copies
    #[arg(long)]
    pub(crate) mhl: bool,
    /// Keep a copy of each original here, now and from now on, beside what the archive records of it
    #[arg(long, value_name = "DIR")]
    pub(crate) archive: Option<PathBuf>,
    /// Record nothing of the originals
    #[arg(long, conflicts_with = "archive")]
    pub(crate) no_archive: bool,
    /// The folder they are written to
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Files, folders and shots (walk.####.exr, walk.%04d.png [1001-1010]); originals are opened for reading only
    #[arg(required_unless_present = "manifest", value_name = "IN")]
    pub(crate) inputs: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) which: Which,
    /// Replace outputs that are there and different
    #[arg(long)]
    pub(crate) force: bool,
    /// Sign and write nothing, but say what would happen and how strong the marks would be
    #[arg(long, short = 'n')]
    pub(crate) dry_run: bool,
    /// How strong the marks are: 50 dB and more, 45, or 42; what has left for a vendor keeps the strength it left with
    #[arg(long, value_name = "NAME", default_value = "standard", value_parser = strength())]
    pub(crate) strength: String,
    /// For cels that are yet to be painted: flat colour stays as it is, so that a bucket at zero tolerance fills the same
    /// regions; only what lies between is marked, which is much weaker, and how much is said before
    #[arg(long)]
    pub(crate) paint_safe: bool,
    /// Let copies leave whose mark will hardly survive anything
    #[arg(long)]
    pub(crate) allow_weak: bool,
    /// Draw the pages of PDF documents at so many dots per inch (50 to 600; 150 if none are given) and let a PDF of these pictures
    /// leave in their place: no text, links or names stay; needs pdftoppm
    #[arg(long, value_name = "DPI", num_args = 0..=1, require_equals = true, default_missing_value = "150",
        value_parser = clap::value_parser!(u32).range(50..=600))]
    pub(crate) rasterise: Option<u32>,
    /// Write palettes and grey below 8 bit as 8-bit RGB or grey, and give two-tone pictures more tones
    #[arg(long)]
    pub(crate) allow_depth_change: bool,
    /// An encoder of ffmpeg's and its options for clips, as in "libx264 -crf 18"; without it, each clip's own codec
    #[arg(long, value_name = "ARGUMENTS", allow_hyphen_values = true)]
    pub(crate) codec: Option<String>,
    #[command(flatten)]
    pub(crate) clips: ClipLimits,
    /// Refuse pictures of more megapixels; each takes about 35 bytes of memory to a pixel
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) max_megapixels: u64,
}
