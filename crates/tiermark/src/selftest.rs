//! False alarms, counted: whole blind traces of pictures that bear no mark, under keys that nobody used.
//!
//! Two questions. How often does a trace name somebody? Never, and by the rule of three `n` traces without a case prove a
//! rate below `3 / n` at 95 %. And are the statistics, which every bound is made from, what the theorem says? Millions of
//! them are counted against the normal tail.

use std::path::PathBuf;

use rayon::prelude::*;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tiermark_frame::{Frame, Limits};
use tiermark_mark::{ATTRIBUTION, Detector, Effort, MarkKey, Payload, Picture, Question, Tail};
use tiermark_signal::statistics::{log10_normal_tail, log10_sign_tail};

use crate::inputs::{Input, why};
use crate::sink::read_bounded;

/// Keys that a studio has for its own hand-overs.
const HOPS: usize = 16;

/// What is run.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Keys and words follow from it.
    pub seed: u64,
    /// Keys that each picture is traced with.
    pub keys: u32,
    /// Words that a registry would know.
    pub words: u32,
}

/// What came out.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Whole blind traces.
    pub traces: u64,
    /// Those that named somebody, or would have: picture, key number and log10 of the bound.
    pub alarms: Vec<(PathBuf, u32, f64)>,
    /// log10 of the strongest bound of any trace.
    pub strongest: f64,
    /// The statistics.
    pub tail: Tail,
    /// Pictures that could not be read, and why.
    pub failed: Vec<(PathBuf, String)>,
}

/// The tail at one threshold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Beyond {
    /// The threshold.
    pub z: f64,
    /// Statistics at or beyond it.
    pub count: u64,
    /// Their share.
    pub share: f64,
    /// That of a standard normal variable.
    pub normal: f64,
    /// What the bound claims at most.
    pub claim: f64,
}

impl Outcome {
    /// The rate of false names that so many traces without one disprove, at 95 %; `None` where there was one.
    pub fn proven(&self) -> Option<f64> {
        (self.alarms.is_empty() && self.traces > 0).then(|| 3.0 / self.traces as f64)
    }

    /// The tail at whole and half thresholds, as far as ten statistics are expected there.
    pub fn beyond(&self) -> Vec<Beyond> {
        let total = self.tail.total() as f64;
        let at = |half: u32| {
            let z = f64::from(half) / 2.0;
            let count = self.tail.beyond(z);
            let [normal, claim] = [log10_normal_tail(z), log10_sign_tail(z)].map(|log| libm::pow(10.0, log));
            Beyond { z, count, share: count as f64 / total.max(1.0), normal, claim }
        };
        (2..).map(at).take_while(|beyond| beyond.normal * total >= 10.0).collect()
    }

    /// Whether nobody was named, and no tail is above its claim.
    pub fn holds(&self) -> bool {
        self.alarms.is_empty() && self.beyond().iter().all(|at| at.share <= at.claim)
    }
}

/// Run on the threads of the pool; `each` is told of every trace.
pub fn run(inputs: &[Input], settings: &Settings, each: &(dyn Fn() + Sync)) -> Outcome {
    let one = |input: &Input| match picture(input) {
        Ok(frame) => traced(input, &frame, settings, each),
        Err(reason) => Outcome { failed: vec![(input.path.clone(), reason)], ..Outcome::default() },
    };
    inputs.par_iter().map(one).collect::<Vec<Outcome>>().into_iter().fold(Outcome::default(), joined)
}

fn joined(mut all: Outcome, one: Outcome) -> Outcome {
    all.traces += one.traces;
    all.alarms.extend(one.alarms);
    all.strongest = all.strongest.min(one.strongest);
    all.tail.add(&one.tail);
    all.failed.extend(one.failed);
    all
}

fn picture(input: &Input) -> Result<Frame, String> {
    let limits = Limits::default();
    let bytes = read_bounded(&input.path, limits.max_file_bytes).map_err(|error| why(&input.path, &error))?;
    Frame::decode(bytes, &limits).map_err(|error| error.to_string())
}

fn traced(input: &Input, frame: &Frame, settings: &Settings, each: &(dyn Fn() + Sync)) -> Outcome {
    let (colours, alpha) = (frame.colours(), frame.alpha());
    let premultiplied = frame.alpha_is_associated();
    let picture = Picture { colours: &colours, alpha: alpha.as_ref(), premultiplied };
    let name = frame.pixel_digest();
    let mut outcome = Outcome::default();
    for number in 0..settings.keys {
        let drawn = |purpose: &str, n: usize| -> [u8; 32] {
            let text = format!("tiermark selftest {} {number} {purpose} {n} ", settings.seed);
            Sha256::new().chain_update(text.as_bytes()).chain_update(name).finalize().into()
        };
        let key = |purpose: &str, n: usize| MarkKey::new(drawn(purpose, n));
        let tiers: Vec<MarkKey> = (0..HOPS).map(|n| key("tier", n)).collect();
        let detector = Detector::new(&key("lattice", 0), &tiers);
        let word = |n| Payload(std::array::from_fn(|i| drawn("word", n)[i]));
        let known: Vec<Payload> = (0..settings.words as usize).map(word).collect();
        let question = Question {
            listed: 0,
            known: &known,
            frames: &[frame.size()],
            contents: &[],
            effort: Effort::Full,
        };
        // The surest of all readings, which need not be the one of the highest statistic.
        let bounds = detector.read(&picture, &question).into_iter().map(|r| r.false_alarm.log10());
        let strongest = bounds.fold(0.0, f64::min);
        outcome.traces += 1;
        outcome.strongest = outcome.strongest.min(strongest);
        if strongest <= ATTRIBUTION {
            outcome.alarms.push((input.path.clone(), number, strongest));
        }
        outcome.tail.add(&detector.null(&picture, &question, &key("null", 0), settings.words as usize));
        each();
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_alarm_proves_nothing_and_breaks_the_claim() {
        let quiet = Outcome { traces: 3000, ..Outcome::default() };
        assert_eq!((quiet.proven(), quiet.holds()), (Some(1e-3), true));
        let alarm = Outcome { alarms: vec![(PathBuf::from("a.png"), 0, -9.5)], ..quiet };
        assert_eq!((alarm.proven(), alarm.holds()), (None, false));
        assert_eq!(Outcome::default().proven(), None, "nothing was run");
    }
}
