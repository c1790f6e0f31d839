//! What a person may say.

mod journeys;

use std::path::PathBuf;

use clap::builder::TypedValueParser;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::which::Which;
pub(crate) use journeys::{ClipLimits, StampArguments, TraceArguments};

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
    /// Who takes part, and by which keys
    #[command(subcommand, after_help = "Example:\n  tiermark party export --out lion.party.json")]
    Party(PartyVerb),
    /// Let a party with keys take part in a project: its secrets travel sealed in the file that is written
    #[command(after_help = "Example:\n  tiermark party import animate.party.json\n  \
        tiermark delegate \"Animate\" --episodes EP03 --max-depth 2 --until 2027-02-01 --checked video")]
    Delegate(DelegateArguments),
    /// Take part in a project by a delegation that was sent to this studio
    #[command(after_help = "Example:\n  tiermark accept \"Animate.delegation.json\" --root 5679a82b...\n\n\
        Compare the root's fingerprint with what the producer reads to you by telephone.")]
    Accept {
        /// The file
        file: PathBuf,
        /// The fingerprint of the producer's root, as the producer said it
        #[arg(long, value_name = "KID")]
        root: Option<String>,
    },
    /// Take back a key, delegation, hand-over or node secret; what logs held before stands
    #[command(after_help = "Example:\n  tiermark revoke key 95f2883b... --reason \"stolen laptop\"")]
    Revoke {
        /// What kind of thing
        #[arg(value_parser = clap::builder::PossibleValuesParser::new(["key", "delegation", "handover", "node-secret"]))]
        kind: String,
        /// Its fingerprint or id, 64 hex digits
        id: String,
        /// Why; everybody who files it reads this
        #[arg(long)]
        reason: String,
        /// Where the revocation is written for others
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// End the signing key and begin a new one; makes keys that an older studio does not have yet
    #[command(after_help = "Example:\n  tiermark rotate")]
    Rotate {
        /// Where the new party file is written for others
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Check a folder that was handed to this studio, and write the receipt
    #[command(
        after_help = "Example:\n  tiermark receive from-lion/\n\nSend the .receipt.json back to the giver."
    )]
    Receive {
        /// The folder with the files and their .handover.json
        folder: PathBuf,
        /// Answer also for a hand-over of which files are missing or changed; the receipt says how many
        #[arg(long)]
        incomplete: bool,
    },
    /// Keep documents that others signed: parties, hand-overs, receipts, revocations
    #[command(after_help = "Example:\n  tiermark file *.receipt.json animate-to-below.json\n\n\
        In any order, and as often as you like. What does not hold is refused, with the rule that failed.")]
    File {
        /// The files
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// The log of everything that was signed, which cannot be backdated
    #[command(subcommand, after_help = "Example:\n  tiermark log status")]
    Log(LogVerb),
    /// The custody of found files
    #[command(
        subcommand,
        after_help = "Example:\n  tiermark case new server-2024\n  tiermark case add server-2024 found/"
    )]
    Case(CaseVerb),
    /// Trace the files of a case, and write what an outsider needs to check the answer
    #[command(after_help = "Example:\n  tiermark report server-2024 --out bundle/")]
    Report(ReportArguments),
    /// Check a bundle: no studio, no secrets, no network
    #[command(after_help = "Example:\n  tiermark verify bundle/ --root producer-root.pub.pem")]
    Verify {
        /// The bundle
        bundle: PathBuf,
        /// The producer's root: a public key in PEM, or its fingerprint
        #[arg(long, value_name = "PEM|KID")]
        root: String,
    },
    /// Copy the studio: registry, keys as they are, party document
    #[command(after_help = "Example:\n  tiermark backup backups/2026-11-25")]
    Backup {
        /// A folder that does not exist yet
        out: PathBuf,
    },
    /// Make a studio from a backup; never one that would fork the log
    #[command(after_help = "Example:\n  tiermark restore backups/2026-11-25 --seen newest.receipt.json\n\n\
        Whatever others have seen of the log since then must not be written twice. Without files that prove how far\n\
        they saw, a new log begins, which says where the old one ended.")]
    Restore {
        /// The backup
        from: PathBuf,
        /// Packets and receipts from others: how far they have seen the log
        #[arg(long, num_args = 1.., value_name = "FILE")]
        seen: Vec<PathBuf>,
        /// Nothing was signed since the backup: go on with the same log
        #[arg(long)]
        same_log: bool,
    },
    /// Write marked copies for one vendor
    #[command(
        after_help = "Example:\n  tiermark stamp --to \"Shepherd Boy\" --out to-shepherd/ layouts/ bg/sky.png\n\n\
        A run that was stopped is run again: what is done is skipped, the rest comes out as it would have."
    )]
    Stamp(StampArguments),
    /// The originals: recorded as they are stamped, so that found pictures can be laid beside them
    #[command(subcommand, after_help = "Example:\n  tiermark archive add masters/")]
    Archive(ArchiveVerb),
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
pub(crate) enum PartyVerb {
    /// One party, or all that are known: fingerprints, keys, delegations
    Show {
        /// Its name, or the beginning of its fingerprint; all without
        name: Option<String>,
    },
    /// Write this studio's party file for others
    Export {
        /// The file
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Keep others' party files; compare fingerprints by telephone before you delegate
    Import {
        /// The files
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Write the key that opens what is sealed to this studio, for the `age` program; as secret as a key
    Identity {
        /// A file that does not exist yet
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

#[derive(Args)]
pub(crate) struct DelegateArguments {
    /// The party, by name or fingerprint
    pub(crate) name: String,
    /// What it may do
    #[arg(long, value_delimiter = ',', value_name = "RIGHTS", default_value = "receive,stamp,delegate,return",
        value_parser = clap::builder::PossibleValuesParser::new(["receive", "stamp", "delegate", "return"]))]
    pub(crate) rights: Vec<String>,
    /// Episodes; all without
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub(crate) episodes: Vec<String>,
    /// Kinds of material, as layout,key,bg; all without
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub(crate) kinds: Vec<String>,
    /// The deepest tier that may be reached below
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=7))]
    pub(crate) max_depth: Option<u8>,
    /// The last day
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) until: Option<String>,
    /// How you made sure whose fingerprint it is
    #[arg(long, value_name = "HOW", default_value = "none",
        value_parser = clap::builder::PossibleValuesParser::new(["in-person", "video", "notary", "phone-words", "none"]))]
    pub(crate) checked: String,
    /// In the project of this producer, which delegated to us; our own without
    #[arg(long = "for", value_name = "PRODUCER")]
    pub(crate) project_of: Option<String>,
    /// Where it is written
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Subcommand)]
pub(crate) enum LogVerb {
    /// How long it is, what was signed of it, who has seen how much
    Status,
    /// Sign its state
    Checkpoint {
        /// Where the signed note is written
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Read all of it again: every leaf, the tree, every checkpoint, and marks that two hand-overs share
    Audit,
    /// Cosign others' checkpoints that came in packets: each must have grown out of the last one that we saw
    Cosign {
        /// A packet or a signed note
        file: PathBuf,
        /// Where the cosigned note is written
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Write everything that proves a hand-over, for whoever is above us
    Export {
        /// The hand-over's mark, 16 hex digits
        mark: String,
        /// The file
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Have a checkpoint time-stamped (RFC 3161): write the request, or keep the answer
    Anchor {
        /// Where the request is written: send it to a time-stamp authority
        #[arg(long, value_name = "FILE", conflicts_with = "token", required_unless_present = "token")]
        request: Option<PathBuf>,
        /// The authority's answer; OpenSSL checks it
        #[arg(long, value_name = "FILE", requires = "ca")]
        token: Option<PathBuf>,
        /// The authority's certificates
        #[arg(long, value_name = "PEM")]
        ca: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
pub(crate) enum CaseVerb {
    /// Begin a case
    New {
        /// Its name
        name: String,
    },
    /// Hash files before anything opens them, and write down how they came
    Add {
        /// The case
        case: String,
        /// Files and folders
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Who acquired them
        #[arg(long, value_name = "WHO", default_value = "")]
        by: String,
        /// How, and where from
        #[arg(long, value_name = "TEXT", default_value = "")]
        how: String,
    },
    /// Write something down
    Note {
        /// The case
        case: String,
        /// What
        text: String,
    },
    /// Close the case: nothing more can be added
    Seal {
        /// The case
        case: String,
    },
}

#[derive(Subcommand)]
pub(crate) enum ArchiveVerb {
    /// Record originals that were stamped before there was an archive, or elsewhere
    #[command(after_help = "Example:\n  tiermark archive add masters/\n\n\
        Name the folder that was named to stamp: marks of frames of a shot are bound to its name below that folder.")]
    Add {
        /// Files, folders and shots (walk.####.exr)
        #[arg(required_unless_present = "manifest", value_name = "IN")]
        inputs: Vec<PathBuf>,
        #[command(flatten)]
        which: Which,
        /// Keep a copy of each here, now and from now on
        #[arg(long, value_name = "DIR")]
        archive: Option<PathBuf>,
        /// Refuse pictures of more megapixels
        #[arg(long, value_name = "N", default_value_t = 100)]
        max_megapixels: u64,
    },
    /// How many originals are recorded, and how many are in their places: a quick look at lengths and times
    #[command(after_help = "Example:\n  tiermark archive status --json")]
    Status,
    /// Read every original again and compare it with what was recorded
    #[command(after_help = "Example:\n  tiermark archive verify\n\n\
        Exit status 0: all are as they were; 1: some are missing or changed; 3: some could not be read.")]
    Verify {
        /// Refuse pictures of more megapixels
        #[arg(long, value_name = "N", default_value_t = 100)]
        max_megapixels: u64,
    },
    /// Originals were moved: what was recorded below OLD lies below NEW
    #[command(after_help = "Example:\n  tiermark archive rebase /mnt/old/masters /mnt/new/masters")]
    Rebase {
        /// The folder, or file, that it was
        old: PathBuf,
        /// The one that it is
        new: PathBuf,
        /// Change nothing, but say how many it would be
        #[arg(long, short = 'n')]
        dry_run: bool,
    },
}

#[derive(Args)]
pub(crate) struct ReportArguments {
    /// The case
    pub(crate) case: String,
    /// A folder that does not exist yet
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Keys that nobody used, tried beside each that is found
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    pub(crate) decoys: u32,
    /// Show the found pictures in the report
    #[arg(long)]
    pub(crate) pictures: bool,
    /// Originals to be shown beside them, found by name
    #[arg(long, value_name = "DIR")]
    pub(crate) originals: Option<PathBuf>,
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
    /// What is done to the copies: basic, full, informed, or short names with commas between
    #[arg(long, default_value = "basic", value_name = "LIST")]
    pub(crate) attacks: String,
    /// Marks on the same pixels
    #[arg(long, default_value_t = 1, value_parser = clap::builder::PossibleValuesParser::new(["1", "3"]).map(|n| n.parse::<u8>().unwrap_or(1)))]
    pub(crate) tiers: u8,
    /// How strong they are
    #[arg(long, value_name = "NAME", default_value = "standard", value_parser = strength())]
    pub(crate) strength: String,
    /// Read with the originals at hand, one recipient among 10,000; this many who had no part are asked for in every picture
    #[arg(long, value_name = "N", conflicts_with = "tiers")]
    pub(crate) informed: Option<usize>,
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
