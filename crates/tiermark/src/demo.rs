//! The main job in one go, on sample frames: two vendors, leaked copies, and who they were handed to.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tiermark_frame::{Frame, Limits, WriteOptions};
use tiermark_ledger::keys::{EmptyPassphrase, KeyError};
use tiermark_ledger::name::BadName;
use tiermark_ledger::store::{StoreError, VendorRow};
use tiermark_ledger::{Handle, Passphrase, Studio, StudioError};
use time::OffsetDateTime;

use crate::bench::{Attack, Scene, picture_of_frame};
use crate::inputs::{Inputs, Links};
use crate::stamp::{Archiving, Options, Outcome, StampError, Stamper, Status, To, Watch};
use crate::trace::Tracer;
use crate::verdict::Finding;

/// The passphrase of the demo's studio. It guards nothing.
pub const PASSPHRASE: &str = "demo only";

const VENDORS: [&str; 2] = ["Shepherd Boy", "Fox and Sons"];
/// What happens to the copies on their way: untouched ones are easy, so only what a leak does.
const LEAKS: [Attack; 4] =
    [Attack::Jpeg(75), Attack::Resize(0.5), Attack::Crop(0.5), Attack::SmallAndJpeg(0.5)];
/// Lies in a folder that an earlier demo made, and may therefore be replaced.
const MARKER: &str = "made-by-tiermark-demo.txt";

/// One leaked copy and what was said of it.
#[derive(Clone, Debug)]
pub struct Leak {
    /// The sample it comes from.
    pub sample: String,
    /// Whose copy it was; `None` for a copy of the unmarked original.
    pub truth: Option<String>,
    /// What was done to it.
    pub attack: String,
    /// What trace says.
    pub finding: Finding,
}

impl Leak {
    /// Whether trace said what is true.
    pub fn right(&self) -> bool {
        let named = self.finding.marks.first().and_then(|mark| mark.recipient.clone());
        named == self.truth
    }
}

/// What the demo showed.
#[derive(Clone, Debug)]
pub struct Shown {
    /// What became of the samples, for both vendors.
    pub stamped: Vec<Outcome>,
    /// The leaked copies.
    pub leaks: Vec<Leak>,
}

/// Why the demo could not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DemoError {
    /// The output folder holds something else.
    #[error("{}: holds files that the demo did not make; choose another --out folder", .0.display())]
    Taken(PathBuf),
    /// There are no samples.
    #[error("{}: no pictures there; run the demo at the root of a clone, or name a folder with --samples", .0.display())]
    NoSamples(PathBuf),
    /// The disk refused.
    #[error("{}: {source}", .path.display())]
    Disk {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A copy could not be changed as a leak does.
    #[error("a leaked copy could not be made: {0}")]
    Attack(String),
    /// The studio.
    #[error(transparent)]
    Studio(#[from] StudioError),
    /// Stamping.
    #[error(transparent)]
    Stamp(#[from] StampError),
    /// The registry.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Keys.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A name.
    #[error(transparent)]
    Name(#[from] BadName),
    /// The passphrase.
    #[error(transparent)]
    Passphrase(#[from] EmptyPassphrase),
}

/// Stamp `samples` for two vendors, leak the copies, trace them; everything is left in `out` to look at.
///
/// # Errors
/// When a step cannot be done at all.
pub fn run(samples: &Path, out: &Path, say: &(dyn Fn(&str) + Sync)) -> Result<Shown, DemoError> {
    fresh_folder(out)?;
    let folder = out.join("studio");
    say("a studio with its keys and registry");
    let passphrase = || Passphrase::new(PASSPHRASE.as_bytes().to_vec());
    let now = OffsetDateTime::now_utc();
    let studio = Studio::create(&folder, &Handle::new("Lion Studio")?, &passphrase()?, now)?;
    let secrets = studio.unlock(&passphrase()?)?;
    let vendors = VENDORS.map(|name| Ok(studio.add_vendor(&secrets, &Handle::new(name)?, None, now)?));
    let vendors: Vec<VendorRow> = vendors.into_iter().collect::<Result<_, DemoError>>()?;
    let stamper = Stamper::new(studio, secrets)?;
    let mut stamped = Vec::new();
    for vendor in &vendors {
        say(&format!("the samples, stamped for {}", vendor.handle.as_str()));
        stamped.extend(stamp(&stamper, vendor, samples, out)?);
    }
    say("copies as leaks make them: JPEG 75, half size, a cut-out, both");
    let leaked = out.join("leaked");
    let truths = leak(&stamped, samples, out, &leaked)?;
    say("traced, blindly");
    let studio = Studio::open_read_only(&folder)?;
    let secrets = studio.unlock(&passphrase()?)?;
    let tracer = Tracer::new(studio, &secrets, crate::trace::Options::default())?;
    let leaks = trace(&tracer, truths);
    Ok(Shown { stamped, leaks })
}

fn stamp(
    stamper: &Stamper,
    vendor: &VendorRow,
    samples: &Path,
    out: &Path,
) -> Result<Vec<Outcome>, DemoError> {
    let inputs = pictures(samples)?;
    let options = Options {
        strength: tiermark_mark::Strength::STANDARD,
        mhl: false,
        out: out.join("for").join(vendor.handle.as_str()),
        force: false,
        dry_run: false,
        allow_weak: false,
        paint_safe: false,
        archive: Archiving::Leave,
        codec: None,
        rasterise: None,
        write: WriteOptions::default(),
        limits: Limits::default(),
    };
    struct Silent;
    impl Watch for Silent {}
    Ok(stamper.stamp(
        &To::named(vendor.handle.as_str()),
        inputs,
        &options,
        OffsetDateTime::now_utc(),
        &Silent,
    )?)
}

/// The pictures below `samples`: the note of their sources is no picture.
fn pictures(samples: &Path) -> Result<Inputs, DemoError> {
    let mut inputs = Inputs::find(&[samples.to_path_buf()], Links::Follow);
    inputs.files.retain(|file| file.path.extension().is_none_or(|extension| extension != "md"));
    if inputs.files.is_empty() { Err(DemoError::NoSamples(samples.to_path_buf())) } else { Ok(inputs) }
}

/// A leaked copy: sample, truth, attack, and where it lies.
type Truth = (String, Option<String>, String, PathBuf);

/// Write leaked copies: each sample once for each attack, the vendors in turn, and each original without a mark.
fn leak(stamped: &[Outcome], samples: &Path, out: &Path, leaked: &Path) -> Result<Vec<Truth>, DemoError> {
    fs::create_dir_all(leaked).map_err(disk(leaked))?;
    let originals = pictures(samples)?.files;
    let mut truths = Vec::new();
    for (at, original) in originals.iter().enumerate() {
        for (turn, attack) in LEAKS.iter().enumerate() {
            let vendor = VENDORS[(at + turn) % VENDORS.len()];
            let copy = out.join("for").join(vendor).join(&original.below);
            if !stamped.iter().any(|s| s.out.as_ref() == Some(&copy) && s.status == Status::Stamped) {
                continue;
            }
            let path = changed(&copy, *attack, leaked, truths.len())?;
            truths.push((original.name.clone(), Some(vendor.to_owned()), attack.to_string(), path));
        }
        let path = changed(&original.path, Attack::Jpeg(90), leaked, truths.len())?;
        truths.push((original.name.clone(), None, "JPEG 90 of the original".to_owned(), path));
    }
    Ok(truths)
}

fn changed(copy: &Path, attack: Attack, leaked: &Path, number: usize) -> Result<PathBuf, DemoError> {
    let bytes = fs::read(copy).map_err(disk(copy))?;
    let frame =
        Frame::decode(bytes, &Limits::default()).map_err(|error| DemoError::Attack(error.to_string()))?;
    let copy = picture_of_frame(&frame);
    let scene = Scene { copies: std::slice::from_ref(&copy) };
    let bytes = attack.file(&scene, number as u64).map_err(|error| DemoError::Attack(error.to_string()))?;
    let extension = if bytes.starts_with(&[0xff, 0xd8]) { "jpg" } else { "png" };
    let path = leaked.join(format!("found-{:02}.{extension}", number + 1));
    fs::write(&path, bytes).map_err(disk(&path))?;
    Ok(path)
}

fn trace(tracer: &Tracer, truths: Vec<Truth>) -> Vec<Leak> {
    use rayon::prelude::*;
    let traced = truths.into_par_iter().map(|(sample, truth, attack, path)| {
        let inputs = Inputs::find(&[path], Links::Report);
        let finding = inputs.files.first().map(|file| tracer.trace(file));
        finding.map(|finding| Leak { sample, truth, attack, finding })
    });
    traced.flatten().collect()
}

/// An empty folder of the demo's own.
fn fresh_folder(out: &Path) -> Result<(), DemoError> {
    let marker = out.join(MARKER);
    if marker.is_file() {
        fs::remove_dir_all(out).map_err(disk(out))?;
    }
    let taken = fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some());
    if taken {
        return Err(DemoError::Taken(out.to_path_buf()));
    }
    fs::create_dir_all(out).map_err(disk(out))?;
    let text = format!(
        "`tiermark demo` made this folder and replaces it when it runs again.\n\
         The passphrase of the studio in it is: {PASSPHRASE}\n"
    );
    fs::write(&marker, text).map_err(disk(&marker))
}

fn disk(path: &Path) -> impl FnOnce(io::Error) -> DemoError {
    let path = path.to_path_buf();
    |source| DemoError::Disk { path, source }
}
