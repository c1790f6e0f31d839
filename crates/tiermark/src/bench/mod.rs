//! How well the mark stands up to what leaks do, on a person's own pictures.
//!
//! No studio and no copies written: each picture is marked in memory for one of two recipients, changed, and read
//! blindly. Beside it run the pictures without a mark and with the mark of another studio, which must give nothing. Every
//! outcome is a line in a journal, so that a run that was stopped goes on where it was.

mod attack;
mod attackers;
mod informed;
mod journal;
mod marks;
mod report;
mod table;

pub use attack::{Attack, AttackError, BASIC, Codec, Demand, Mix, Scene, all, informed as informed_attacks};
pub use informed::{Informed, InformedError, RECIPIENTS};
pub use journal::{Innocent, Journal, JournalError, Line, Quality};
pub use marks::Tiers;
pub use report::{summary, write};
pub use table::{Cell, Table};

use std::path::PathBuf;
use std::time::Instant;

use image::DynamicImage;
use rayon::prelude::*;
use tiermark_frame::{Frame, Limits};
use tiermark_mark::{Effort, Picture, Question, Strength};
use tiermark_signal::{Plane, Size, quality};

pub(crate) use attack::{jpeg_bytes, on_white, paper_of_frame, picture_of, picture_of_frame, planes_of};

use crate::endurance::Endurance;
use crate::inputs::{Input, why};
use crate::sink::read_bounded;
use marks::{Marks, Truth};

/// Frames below this many lines are counted apart: their pattern comes near the pixel grid.
pub const SMALL: usize = 450;
/// A picture of which this share is white paper is counted apart where an attack rounds away what lies near white.
pub const WHITE_PAPER: f64 = 0.6;

/// What was read after an attack.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// Everybody who is in the copy.
    Named {
        /// Detection statistic of the weakest of them.
        z: f64,
        /// log10 of its false-alarm bound.
        log10: f64,
    },
    /// Some of the tiers.
    Partly {
        /// How many.
        tiers: usize,
        /// Detection statistic of the weakest of them.
        z: f64,
    },
    /// Nobody.
    Nothing {
        /// The strongest reading, if there was one.
        z: Option<f64>,
    },
    /// Somebody else.
    Wrong {
        /// Detection statistic.
        z: f64,
    },
    /// It was not tried: something is missing here.
    Skipped,
}

/// A picture that could not be measured, and why.
pub type Failed = (PathBuf, String);

/// What a run is made of; everything else follows from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Keys, words and chance.
    pub seed: u64,
    /// What is done to the copies.
    pub attacks: Vec<Attack>,
    /// Marks on the same pixels.
    pub tiers: Tiers,
    /// How strong they are, and what that is called.
    pub strength: (String, Strength),
    /// With the originals at hand: recipients who had no part and are asked for in every picture. `None` reads blindly.
    pub informed: Option<usize>,
}

impl Settings {
    /// How much is asked of a row.
    pub fn demand(&self, attack: &Attack) -> Demand {
        if self.informed.is_some() { attack.informed_demand() } else { attack.demand() }
    }
}

/// One run.
pub struct Bench {
    settings: Settings,
    marks: Marks,
    stranger: Marks,
}

impl Bench {
    /// A run of these settings.
    pub fn new(settings: Settings) -> Self {
        let marks = |purpose| Marks::from_seed(settings.seed, purpose, settings.tiers, settings.strength.1);
        Self { marks: marks("studio"), stranger: marks("stranger"), settings }
    }

    /// Readings of one picture: attacks and controls.
    pub fn rows(&self) -> usize {
        self.settings.attacks.len() + CONTROLS.len()
    }

    /// Measure all pictures on as many threads as the pool has, what the journal lacks; `each` is told of every reading.
    ///
    /// # Errors
    /// When the journal cannot be written. Pictures that fail are in the answer.
    pub fn run(
        &self,
        inputs: &[Input],
        journal: &Journal,
        each: &(dyn Fn() + Sync),
    ) -> Result<Vec<Failed>, JournalError> {
        let failed = each_picture(inputs, |input| self.measure(input, journal, each))?;
        if self.settings.attacks.len() > BASIC.len() {
            attackers::run(&self.marks, inputs, journal)?;
        }
        Ok(failed)
    }

    fn measure(&self, input: &Input, journal: &Journal, each: &(dyn Fn() + Sync)) -> Result<(), Trouble> {
        let limits = Limits::default();
        let picture = |error: &dyn std::fmt::Display| Trouble::Picture(error.to_string());
        let bytes = read_bounded(&input.path, limits.max_file_bytes)
            .map_err(|error| Trouble::Picture(why(&input.path, &error)))?;
        let original_bytes = bytes.len() as f64;
        let frame = Frame::decode(bytes, &limits).map_err(|error| picture(&error))?;
        let subject = Subject::new(input, &frame);
        let missing: Vec<&Attack> =
            self.settings.attacks.iter().filter(|attack| !journal.has(&subject.id, &attack.slug())).collect();
        (missing.len()..self.settings.attacks.len()).for_each(|_| each());
        let place = subject.place();
        let truth = self.marks.truth(place);
        let file = self.marks.file(&frame, &truth).map_err(Trouble::Picture)?;
        let growth = file.len() as f64 / original_bytes;
        let marked = Frame::decode(file, &limits).map_err(|error| picture(&error))?;
        let endurance = Endurance::of(&marked, truth.first(), &self.marks.detector, false);
        if !journal.has(&subject.id, QUALITY) {
            let measured = measured(&frame, &marked, growth, (!endurance.lasting).then_some(endurance.z));
            journal.put(&subject.line(QUALITY).of_quality(measured))?;
        }
        let second_truth = self.marks.truth(place + 1);
        let second = self.marks.file(&frame, &second_truth).map_err(Trouble::Picture)?;
        let second = Frame::decode(second, &limits).map_err(|error| picture(&error))?;
        let (copies, truths) =
            ([picture_of_frame(&marked), picture_of_frame(&second)], [truth.clone(), second_truth]);
        for attack in missing {
            let allowed = &truths[..attack.copies().min(truths.len())];
            let line = subject.line(&attack.slug());
            // A copy that `stamp` refuses does not leave.
            if endurance.lasting {
                let scene = Scene { copies: &copies };
                let done = match attack.apply(&scene, self.settings.seed ^ subject.chance()) {
                    Ok(found) => self.judged(&found, &frame, allowed, line),
                    Err(AttackError::Skipped(_)) => line.of_outcome(Outcome::Skipped),
                    Err(AttackError::Failed(reason)) => {
                        return Err(Trouble::Picture(format!("{attack}: {reason}")));
                    }
                };
                journal.put(&subject.classed(done, attack.erases_white()))?;
            }
            each();
        }
        self.controls(&frame, &truth, &subject, journal)?;
        CONTROLS.iter().for_each(|_| each());
        Ok(())
    }

    /// The picture without a mark, and with the mark of another studio: nobody must be named.
    fn controls(
        &self,
        frame: &Frame,
        truth: &Truth,
        subject: &Subject,
        journal: &Journal,
    ) -> Result<(), Trouble> {
        let foreign = || {
            let file = self.stranger.file(frame, truth).map_err(Trouble::Picture)?;
            Frame::decode(file, &Limits::default()).map_err(|error| Trouble::Picture(error.to_string()))
        };
        for name in CONTROLS {
            if journal.has(&subject.id, name) {
                continue;
            }
            let found =
                if name == CONTROLS[0] { picture_of_frame(frame) } else { picture_of_frame(&foreign()?) };
            journal.put(&self.judged(&found, frame, &[], subject.line(name)))?;
        }
        Ok(())
    }

    /// What is read from a found picture whose original has the size of `host`.
    fn judged(&self, found: &DynamicImage, host: &Frame, allowed: &[Truth], line: Line) -> Line {
        let (colours, alpha) = planes_of(found);
        let picture = Picture { colours: &colours, alpha: alpha.as_ref(), premultiplied: false };
        let question = Question {
            listed: 0,
            known: &self.marks.known,
            frames: &[host.size()],
            contents: &[],
            effort: Effort::Full,
        };
        let started = Instant::now();
        let readings = self.marks.detector.read(&picture, &question);
        let seconds = started.elapsed().as_secs_f64();
        let megapixels = f64::from(found.width()) * f64::from(found.height()) / 1e6;
        line.of_outcome(marks::judged(&readings, allowed)).timed(seconds, megapixels)
    }
}

/// Rows that must name nobody.
pub const CONTROLS: [&str; 2] = ["unmarked", "another-studios"];
/// The row that holds what was measured of the marked picture itself.
pub const QUALITY: &str = "quality";

/// Measure pictures side by side: those that fail are told, a journal that cannot be written ends it all.
fn each_picture(
    inputs: &[Input],
    measure: impl Fn(&Input) -> Result<(), Trouble> + Sync,
) -> Result<Vec<Failed>, JournalError> {
    let measured = |input: &Input| match measure(input) {
        Ok(()) => Ok(None),
        Err(Trouble::Picture(reason)) => Ok(Some((input.path.clone(), reason))),
        Err(Trouble::Journal(error)) => Err(error),
    };
    let results: Result<Vec<Option<Failed>>, JournalError> = inputs.par_iter().map(measured).collect();
    Ok(results?.into_iter().flatten().collect())
}

/// Why a picture was not measured to its end.
enum Trouble {
    Picture(String),
    Journal(JournalError),
}

impl From<JournalError> for Trouble {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

/// The picture that lines are about.
struct Subject {
    id: String,
    class: String,
    white: bool,
}

impl Subject {
    fn new(input: &Input, frame: &Frame) -> Self {
        let digest = data_encoding::HEXLOWER.encode(&frame.pixel_digest()[..8]);
        let folder = input.path.parent().and_then(|folder| folder.file_name());
        let mut class =
            folder.map_or_else(|| "pictures".to_owned(), |name| name.to_string_lossy().into_owned());
        if frame.size().short_side() < SMALL {
            class += " (small)";
        }
        let on_white = planes_of(&on_white(&picture_of_frame(frame))).0;
        Self { id: format!("{}:{digest}", input.name), class, white: white_share(&on_white) >= WHITE_PAPER }
    }

    fn line(&self, row: &str) -> Line {
        Line::new(&self.id, &self.class, row)
    }

    fn classed(&self, line: Line, erases_white: bool) -> Line {
        if self.white && erases_white {
            line.in_class(&format!("{} (white paper)", self.class))
        } else {
            line
        }
    }

    /// Which recipients it goes to: the same in any set of folders, so that a row can be read again by itself.
    fn place(&self) -> usize {
        (self.chance() >> 32) as usize
    }

    /// Chance of its own for each picture.
    fn chance(&self) -> u64 {
        use sha2::Digest as _;
        let digest = sha2::Sha256::digest(self.id.as_bytes());
        u64::from_be_bytes(std::array::from_fn(|i| digest[i]))
    }
}

/// Share of samples that are near white in every channel.
fn white_share(colours: &[Plane]) -> f64 {
    let count = colours[0].samples().len();
    let white = |i: &usize| colours.iter().all(|plane| plane.samples()[*i] >= 250.0);
    (0..count).filter(white).count() as f64 / count as f64
}

fn measured(host: &Frame, marked: &Frame, growth: f64, refused_at: Option<f64>) -> Quality {
    let (before, after) = (host.colours(), marked.colours());
    Quality {
        psnr_db: quality::psnr(&before, &after),
        ssim: quality::ssim(&luma(&before), &luma(&after)),
        ssimulacra2: ssimulacra2_of(&before, &after),
        flat_change: quality::flat_change(&before, &after),
        growth,
        refused_at,
    }
}

fn luma(colours: &[Plane]) -> Plane {
    let [r, g, b] = [0, 1, 2].map(|channel: usize| &colours[channel.min(colours.len() - 1)]);
    Plane::from_fn(r.size(), |x, y| 0.299 * r.at(x, y) + 0.587 * g.at(x, y) + 0.114 * b.at(x, y))
}

/// SSIMULACRA 2: 90 and above is visually lossless; `None` for pictures that it does not take.
fn ssimulacra2_of(before: &[Plane], after: &[Plane]) -> Option<f64> {
    use ssimulacra2::{ColorPrimaries, Rgb, TransferCharacteristic, compute_frame_ssimulacra2};
    let Size { width, height } = before[0].size();
    let picture = |planes: &[Plane]| {
        let channel = |i: usize, c: usize| planes[c.min(planes.len() - 1)].samples()[i] / 255.0;
        let pixels = (0..width * height).map(|i| [0, 1, 2].map(|c| channel(i, c))).collect();
        Rgb::new(pixels, width, height, TransferCharacteristic::SRGB, ColorPrimaries::BT709).ok()
    };
    compute_frame_ssimulacra2(picture(before)?, picture(after)?).ok()
}
