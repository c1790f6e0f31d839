//! What a person may say.

use std::path::PathBuf;

use clap::builder::TypedValueParser;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

const EXIT: &str = "Exit status: 0 done, for trace a mark was attributed; 1 ran well and the answer is no; \
2 could not do the work; 3 partly, some inputs failed or were refused.";

/// More threads than any machine of a farm has; a slip of the finger must not ask the system for millions.
const MOST_JOBS: i64 = 1024;

/// An invisible mark for animation: whose copy is this, and who can check the answer?
#[derive(Parser)]
#[command(name = "tiermark", version, after_help = EXIT, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What all verbs share.
#[derive(Args)]
pub(crate) struct Common {
    /// The studio folder; else the nearest .tiermark upward from here
    #[arg(long, global = true, env = "TIERMARK_STUDIO", value_name = "DIR")]
    pub(crate) studio: Option<PathBuf>,
    /// A file whose first line is the passphrase; without it the terminal is asked
    #[arg(long, global = true, env = "TIERMARK_PASSPHRASE_FILE", value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// One JSON object to a line on standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// No progress, no summary; what fails or is refused is still said
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Frames worked on at once; 0 takes all cores
    #[arg(
        long,
        short,
        global = true,
        value_name = "N",
        default_value_t = 0,
        value_parser = clap::value_parser!(u16).range(..=MOST_JOBS),
        env = "TIERMARK_JOBS",
        hide_env = true
    )]
    pub(crate) jobs: u16,
}

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Make a studio: keys, registry, and its own party document
    #[command(
        after_help = "Example:\n  tiermark init --name \"Lion Studio\"\n\nMakes ./.tiermark, or the folder named by --studio."
    )]
    Init {
        /// What the studio is called
        #[arg(long)]
        name: String,
    },
    /// Those who are handed copies
    #[command(subcommand, after_help = "Example:\n  tiermark vendor add \"Shepherd Boy\"")]
    Vendor(VendorVerb),
    /// Write marked copies for one vendor
    #[command(
        after_help = "Example:\n  tiermark stamp --to \"Shepherd Boy\" --out to-shepherd/ layouts/ bg/sky.png\n\n\
        A run that was stopped is run again: what is done is skipped, the rest comes out as it would have."
    )]
    Stamp(StampArguments),
    /// Say whose copies found files are
    #[command(after_help = "Example:\n  tiermark trace found/ frame.jpg\n\n\
        \"No mark\" is not the same as innocent.")]
    Trace(TraceArguments),
    /// Measure on your own pictures what survives which change; each folder is a class
    #[command(
        after_help = "Examples:\n  tiermark bench frames/\n  tiermark bench frames/ --attacks full --tiers 3 --out bench-out\n\n\
        With --out every reading is kept at once: a run that was stopped is run again and goes on. There it leaves\n\
        index.html, table.md, table.csv and results.jsonl. Codecs for clips need ffmpeg; without it their rows are left out."
    )]
    Bench(BenchArguments),
    /// Measure false alarms on pictures that bear no mark
    #[command(after_help = "Example:\n  tiermark selftest --null frames/ --keys 70\n\n\
        Nothing of a studio is used: keys and words are drawn from the seed. Exit status 1 if anybody was named, or the\n\
        statistics have a heavier tail than the bounds are made from.")]
    Selftest(SelftestArguments),
    /// Show the main job on sample frames: stamp, leak, trace
    #[command(after_help = "Example, at the root of a clone:\n  tiermark demo")]
    Demo {
        /// Where the sample frames are
        #[arg(long, default_value = "samples", value_name = "DIR")]
        samples: PathBuf,
        /// Where everything that is made can be looked at afterwards
        #[arg(long, default_value = "demo-out", value_name = "DIR")]
        out: PathBuf,
    },
    /// Completions for a shell
    #[command(after_help = "Example:\n  tiermark completions bash > /etc/bash_completion.d/tiermark")]
    Completions {
        /// Which shell
        shell: Shell,
    },
}

#[derive(Subcommand)]
pub(crate) enum VendorVerb {
    /// Add a vendor; it needs neither keys nor tiermark
    #[command(after_help = "Example:\n  tiermark vendor add \"Shepherd Boy\" --note \"layouts, season 2\"")]
    Add {
        /// What it is called
        name: String,
        /// Something to remember; it stands in the signed record
        #[arg(long)]
        note: Option<String>,
    },
    /// All vendors
    #[command(after_help = "Example:\n  tiermark vendor list --json")]
    List,
    /// One vendor and what it was given
    #[command(after_help = "Example:\n  tiermark vendor show \"Shepherd Boy\"")]
    Show {
        /// What it is called
        name: String,
    },
}

/// The names of strengths.
fn strength() -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(tiermark::Strength::NAMED.map(|(name, _)| name))
}

#[derive(Args)]
pub(crate) struct BenchArguments {
    /// Files and folders
    #[arg(required = true)]
    pub(crate) pictures: Vec<PathBuf>,
    /// Keys, words and chance follow from it
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// What is done to the copies: basic, full, or short names with commas between
    #[arg(long, default_value = "basic", value_name = "LIST")]
    pub(crate) attacks: String,
    /// Marks on the same pixels
    #[arg(long, default_value_t = 1, value_parser = clap::builder::PossibleValuesParser::new(["1", "3"]).map(|n| n.parse::<u8>().unwrap_or(1)))]
    pub(crate) tiers: u8,
    /// How strong they are
    #[arg(long, value_name = "NAME", default_value = "standard", value_parser = strength())]
    pub(crate) strength: String,
    /// Folder for the journal, the tables and the page with plots
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// A Markdown file whose part between `<!-- bench -->` and `<!-- /bench -->` becomes the table
    #[arg(long, value_name = "FILE")]
    pub(crate) into: Vec<PathBuf>,
}

#[derive(Args)]
pub(crate) struct SelftestArguments {
    /// Unmarked files and folders: trace all of them under keys that nobody used
    #[arg(long, required = true, num_args = 1.., value_name = "PICTURES")]
    pub(crate) null: Vec<PathBuf>,
    /// Keys that each picture is traced with, a lattice and 16 tiers each
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) keys: u32,
    /// Words that a registry would know
    #[arg(long, default_value_t = 1000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) words: u32,
    /// Keys and words follow from it
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

#[derive(Args)]
pub(crate) struct TraceArguments {
    /// Found files and folders; numbered files of one name are also read as a shot
    #[arg(required = true)]
    pub(crate) found: Vec<PathBuf>,
    /// Look at each part of a picture by itself, too: slow
    #[arg(long)]
    pub(crate) exhaustive: bool,
    /// Try N keys that nobody used beside each that is found, on the same picture
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    pub(crate) decoys: u32,
    /// Refuse pictures of more megapixels; each takes about 25 bytes of memory to a pixel
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) max_megapixels: u64,
}

#[derive(Args)]
pub(crate) struct StampArguments {
    /// The vendor that will get the copies
    #[arg(long, value_name = "VENDOR")]
    pub(crate) to: String,
    /// The folder they are written to
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Files and folders; originals are opened for reading only
    #[arg(required = true, value_name = "IN")]
    pub(crate) inputs: Vec<PathBuf>,
    /// Replace outputs that are there and different
    #[arg(long)]
    pub(crate) force: bool,
    /// Sign and write nothing, but say what would happen and how strong the marks would be
    #[arg(long, short = 'n')]
    pub(crate) dry_run: bool,
    /// How strong the marks are: 50 dB and more, 45, or 42; what has left for a vendor keeps the strength it left with
    #[arg(long, value_name = "NAME", default_value = "standard", value_parser = strength())]
    pub(crate) strength: String,
    /// Let copies leave whose mark will hardly survive anything
    #[arg(long)]
    pub(crate) allow_weak: bool,
    /// Write palettes and grey below 8 bit as 8-bit RGB or grey
    #[arg(long)]
    pub(crate) allow_depth_change: bool,
    /// Refuse pictures of more megapixels; each takes about 35 bytes of memory to a pixel
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) max_megapixels: u64,
}
