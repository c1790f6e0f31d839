//! How well the mark stands up to what leaks do, on a person's own pictures.
//!
//! No studio and no files written: each picture is marked in memory for one of two recipients, changed, and read
//! blindly. Beside it run the pictures without a mark and with the mark of another studio, which must give nothing.

mod attack;
mod table;

pub use attack::{Attack, BASIC};
pub use table::{Cell, Table};

use std::path::PathBuf;

use image::DynamicImage;
use rayon::prelude::*;
use tiermark_frame::{Frame, Limits};
use tiermark_mark::{
    ContentId, Detector, Effort, Embedder, MarkKey, Payload, Picture, Question, Reading, Strength,
};
use tiermark_mark::{FalseAlarm, pixels_per_ref};
use tiermark_signal::{Size, quality};

pub(crate) use attack::{jpeg_bytes, on_white, picture_of_frame, planes_of};

use crate::endurance::Endurance;
use crate::inputs::{Input, why};
use crate::sink::read_bounded;
use crate::verdict::ATTRIBUTION;

/// Frames below this many lines are counted apart: their pattern comes near the pixel grid.
pub const SMALL: usize = 450;

/// What was measured on one picture.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The picture.
    pub input: Input,
    /// Its class: the folder it lies in; small pictures are a class of their own.
    pub class: String,
    /// Peak signal-to-noise ratio of the mark, dB.
    pub psnr_db: f64,
    /// Largest change on flat colour, code values of 8 bits.
    pub flat_change: Option<f32>,
    /// File size of the marked copy over that of the original.
    pub growth: f64,
    /// The statistic of the copy as it is, where it is so low that `stamp` would refuse it.
    pub refused_at: Option<f64>,
    /// One outcome to each attack, then the two controls; of a refused copy only the controls.
    pub outcomes: Vec<(String, Outcome)>,
}

/// What was read after an attack.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// The right recipient.
    Named {
        /// Detection statistic.
        z: f64,
        /// log10 of the false-alarm bound.
        log10: f64,
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
}

/// A picture that could not be measured, and why.
pub type Failed = (PathBuf, String);

/// The keys and words of a run: everything follows from the seed.
pub struct Bench {
    studio: Keys,
    stranger: Keys,
    known: [Payload; 2],
    attacks: Vec<Attack>,
}

struct Keys {
    lattice: MarkKey,
    hops: Vec<MarkKey>,
    detector: Detector,
}

impl Keys {
    fn from_seed(seed: u64, purpose: &str) -> Self {
        use sha2::Digest as _;
        let key = |n: u8| {
            let text = format!("tiermark bench {purpose} {seed} {n}");
            MarkKey::new(sha2::Sha256::digest(text.as_bytes()).into())
        };
        let (lattice, hops) = (key(255), (0..16).map(key).collect::<Vec<_>>());
        let detector = Detector::new(&lattice, &hops);
        Self { lattice, hops, detector }
    }
}

impl Bench {
    /// A run with these attacks.
    pub fn new(seed: u64, attacks: &[Attack]) -> Self {
        let word = |n: u8| {
            Payload(std::array::from_fn(|i| (seed >> (8 * i)) as u8 ^ (n.wrapping_mul(91) + 7 * i as u8)))
        };
        Self {
            studio: Keys::from_seed(seed, "studio"),
            stranger: Keys::from_seed(seed, "stranger"),
            known: [word(1), word(2)],
            attacks: attacks.to_vec(),
        }
    }

    /// Measure all pictures on as many threads as the pool has; `each` is told of every one as it is done.
    pub fn run(&self, inputs: &[Input], each: &(dyn Fn(&Input) + Sync)) -> (Vec<Measured>, Vec<Failed>) {
        let results: Vec<Result<Measured, Failed>> = inputs
            .par_iter()
            .enumerate()
            .map(|(index, input)| {
                let result = self.measure(index, input).map_err(|reason| (input.path.clone(), reason));
                each(input);
                result
            })
            .collect();
        let (mut measured, mut failed) = (Vec::new(), Vec::new());
        for result in results {
            match result {
                Ok(one) => measured.push(one),
                Err(one) => failed.push(one),
            }
        }
        (measured, failed)
    }

    fn measure(&self, index: usize, input: &Input) -> Result<Measured, String> {
        let limits = Limits::default();
        let bytes =
            read_bounded(&input.path, limits.max_file_bytes).map_err(|error| why(&input.path, &error))?;
        let size = bytes.len() as f64;
        let frame = Frame::decode(bytes, &limits).map_err(|error| error.to_string())?;
        let host = frame.colours();
        let content = ContentId(frame.pixel_digest());
        let (hop, recipient) = (index % self.studio.hops.len(), self.known[index % 2]);
        let mark = |keys: &Keys| {
            let embedder = Embedder::new(&keys.lattice, &keys.hops[hop], recipient, Strength::STANDARD);
            let alpha = frame.alpha();
            let picture =
                Picture { colours: &host, alpha: alpha.as_ref(), premultiplied: frame.alpha_is_associated() };
            let file =
                frame.encode(&embedder.embed(&picture, &content), &tiermark_frame::WriteOptions::default());
            file.map_err(|error| error.to_string())
        };
        let file = mark(&self.studio)?;
        let growth = file.len() as f64 / size;
        let marked = Frame::decode(file, &limits).map_err(|error| error.to_string())?;
        let values = marked.colours();
        let endurance = Endurance::of(&marked, recipient, &self.studio.detector);
        let refused_at = (!endurance.lasting).then_some(endurance.z);
        let foreign = Frame::decode(mark(&self.stranger)?, &limits).map_err(|error| error.to_string())?;
        let mut outcomes = Vec::new();
        if refused_at.is_none() {
            outcomes.extend(self.attacked(&marked, recipient)?);
        }
        outcomes.extend(self.controls(&frame, &foreign));
        Ok(Measured {
            input: input.clone(),
            class: class_of(input, frame.size()),
            psnr_db: quality::psnr(&host, &values),
            flat_change: quality::flat_change(&host, &values),
            growth,
            refused_at,
            outcomes,
        })
    }

    fn attacked(&self, marked: &Frame, recipient: Payload) -> Result<Vec<(String, Outcome)>, String> {
        let scales = [pixels_per_ref(marked.size())];
        let picture = picture_of_frame(marked);
        let outcome = |attack: &Attack| {
            let found = attack.apply(&picture).map_err(|error| error.to_string())?;
            Ok((attack.to_string(), judged(&self.read(&found, &scales), Some(recipient))))
        };
        self.attacks.iter().map(outcome).collect()
    }

    /// The picture without a mark, and with the mark of another studio: nobody must be named.
    fn controls(&self, host: &Frame, foreign: &Frame) -> [(String, Outcome); 2] {
        let scales = [pixels_per_ref(host.size())];
        [("unmarked", host), ("another studio's", foreign)].map(|(name, frame)| {
            (name.to_owned(), judged(&self.read(&picture_of_frame(frame), &scales), None))
        })
    }

    fn read(&self, found: &DynamicImage, scales: &[f64]) -> Vec<Reading> {
        let (colours, alpha) = planes_of(found);
        let picture = Picture { colours: &colours, alpha: alpha.as_ref(), premultiplied: false };
        let question = Question { known: &self.known, scales, contents: &[], effort: Effort::Full };
        self.studio.detector.read(&picture, &question)
    }
}

fn judged(readings: &[Reading], recipient: Option<Payload>) -> Outcome {
    let certain = |reading: &&Reading| reading.false_alarm.log10() <= ATTRIBUTION;
    let named: Vec<&Reading> = readings.iter().filter(certain).collect();
    if let Some(wrong) = named.iter().find(|reading| Some(reading.payload) != recipient) {
        return Outcome::Wrong { z: wrong.z };
    }
    match named.first() {
        Some(reading) => Outcome::Named { z: reading.z, log10: FalseAlarm::log10(reading.false_alarm) },
        None => Outcome::Nothing { z: readings.first().map(|reading| reading.z) },
    }
}

fn class_of(input: &Input, size: Size) -> String {
    let folder = input.path.parent().and_then(|folder| folder.file_name());
    let class = folder.map_or_else(|| "pictures".to_owned(), |name| name.to_string_lossy().into_owned());
    if size.short_side() < SMALL { format!("{class} (small)") } else { class }
}
