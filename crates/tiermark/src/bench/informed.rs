//! The same with the originals at hand: found in an archive, laid under what was found, taken away, and everybody asked for
//! whom a picture could have been handed to.
//!
//! What is measured is what [`crate::trace`] does, the search for the original included. Recipients who had no part are
//! asked for, too: nobody of them may be named, and their scores must be as the bound says.

use image::DynamicImage;
use rayon::prelude::*;
use std::path::PathBuf;
use std::time::Instant;

use tiermark_frame::{Frame, Limits};
use tiermark_ledger::Digest;
use tiermark_mark::{
    ContentId, Effort, Evidence, FalseAlarm, Payload, Picture, Profile, Question, Scores, WAYS,
};

use super::journal::Innocent;
use super::marks::Marks;
use super::{
    Attack, AttackError, CONTROLS, Failed, Journal, JournalError, Line, Outcome, Scene, Settings, Subject,
    Trouble, each_picture, picture_of, picture_of_frame,
};
use crate::archive::{ArchiveError, Fresh, Sights, append};
use crate::inputs::{Input, why};
use crate::sink::read_bounded;
use crate::trace::Originals;

/// Recipients that a picture is said to have been handed to: the bounds count them all, however many are asked for.
pub const RECIPIENTS: usize = 10_000;
/// Words that are asked for one by one, as a trace does with the newest.
const ASKED: usize = 128;

/// One run with the originals at hand.
pub struct Informed {
    settings: Settings,
    marks: Marks,
    stranger: Marks,
    /// Recipients who had no part and are asked for all the same.
    innocents: usize,
    asked: Vec<Payload>,
}

/// The archive of a run, in a folder that goes with it.
struct AtHand {
    originals: Originals,
    _folder: tempfile::TempDir,
}

/// What a found picture says of one recipient.
#[derive(Clone, Copy)]
struct Heard {
    z: f64,
    false_alarm: FalseAlarm,
}

impl Informed {
    /// A run of these settings, which ask for so many innocent recipients in every picture.
    pub fn new(settings: Settings, innocents: usize) -> Self {
        let marks = |purpose| Marks::from_seed(settings.seed, purpose, settings.tiers, settings.strength.1);
        let (marks, stranger) = (marks("studio"), marks("stranger"));
        let asked = (0..ASKED).map(|n| marks.recipient(n).first()).collect();
        Self { marks, stranger, settings, innocents, asked }
    }

    /// Readings of one picture: attacks and controls.
    pub fn rows(&self) -> usize {
        self.settings.attacks.len() + CONTROLS.len()
    }

    /// Put all pictures into an archive, and measure them on as many threads as the pool has, what the journal lacks; `each` is
    /// told of every reading.
    ///
    /// # Errors
    /// When the journal or the archive cannot be written. Pictures that fail are in the answer.
    pub fn run(
        &self,
        inputs: &[Input],
        journal: &Journal,
        each: &(dyn Fn() + Sync),
    ) -> Result<Vec<Failed>, InformedError> {
        let at_hand = self.archive(inputs)?;
        let measure = |input: &Input| self.measure(input, &at_hand.originals, journal, each);
        Ok(each_picture(inputs, measure)?)
    }

    /// The archive that stamping the inputs would have made; pictures that cannot be read are not in it.
    fn archive(&self, inputs: &[Input]) -> Result<AtHand, InformedError> {
        let folder = tempfile::tempdir().map_err(|error| InformedError::Folder(error.to_string()))?;
        let sights = Sights::new(None);
        let fresh: Vec<Fresh> = inputs.par_iter().filter_map(|input| fresh(input, &sights)).collect();
        let all: Vec<&Fresh> = fresh.iter().collect();
        append(folder.path(), &all, None, Limits::default().max_file_bytes, 0)?;
        let originals = Originals::open(folder.path(), None, Limits::default())
            .map_err(|error| InformedError::Folder(error.to_string()))?;
        Ok(AtHand { originals, _folder: folder })
    }

    fn measure(
        &self,
        input: &Input,
        originals: &Originals,
        journal: &Journal,
        each: &(dyn Fn() + Sync),
    ) -> Result<(), Trouble> {
        let frame = opened(input).map_err(Trouble::Picture)?;
        let subject = Subject::new(input, &frame);
        let missing: Vec<&Attack> =
            self.settings.attacks.iter().filter(|attack| !journal.has(&subject.id, &attack.slug())).collect();
        (missing.len()..self.settings.attacks.len()).for_each(|_| each());
        let copies = missing.iter().map(|attack| attack.copies()).max().unwrap_or(0);
        let copies: Vec<DynamicImage> = (0..copies).map(|n| self.copy(&self.marks, &frame, n)).collect();
        let scene = Scene { copies: &copies };
        let by_hand = Originals::by_hand(&input.path, &frame, Limits::default());
        let originals = [originals, &by_hand];
        for attack in missing {
            let line = subject.line(&attack.slug());
            let done = match attack.file(&scene, self.settings.seed ^ subject.chance()) {
                Ok(file) => self.judged(file, attack.copies(), originals, line)?,
                Err(AttackError::Skipped(_)) => line.of_outcome(Outcome::Skipped),
                Err(AttackError::Failed(reason)) => {
                    return Err(Trouble::Picture(format!("{attack}: {reason}")));
                }
            };
            journal.put(&subject.classed(done, attack.erases_white()))?;
            each();
        }
        for (n, row) in CONTROLS.iter().enumerate() {
            if !journal.has(&subject.id, row) {
                let found =
                    if n == 0 { picture_of_frame(&frame) } else { self.copy(&self.stranger, &frame, 0) };
                let file = Attack::None.file(&Scene { copies: &[found] }, 0);
                let file = file.map_err(|error| Trouble::Picture(error.to_string()))?;
                journal.put(&self.judged(file, 0, originals, subject.line(row))?)?;
            }
            each();
        }
        Ok(())
    }

    /// The copy of a recipient, as an 8-bit picture.
    fn copy(&self, marks: &Marks, frame: &Frame, recipient: usize) -> DynamicImage {
        let (host, alpha) = (frame.colours(), frame.alpha());
        let picture =
            Picture { colours: &host, alpha: alpha.as_ref(), premultiplied: frame.alpha_is_associated() };
        let content = ContentId(frame.pixel_digest());
        picture_of(&marks.planes(&picture, &content, &marks.recipient(recipient)), alpha.as_ref())
    }

    /// What is read from a found file in which the first `guilty` recipients had a part.
    fn judged(
        &self,
        file: Vec<u8>,
        guilty: usize,
        originals: [&Originals; 2],
        line: Line,
    ) -> Result<Line, Trouble> {
        let started = Instant::now();
        let found = Frame::decode(file, &Limits::default())
            .map_err(|error| Trouble::Picture(format!("the attacked file: {error}")))?;
        let [archive, by_hand] = originals;
        let mut said = archive.evidence(&found);
        // A person who sees what it is names the original.
        let helped = guilty > 0 && said.is_empty();
        if helped {
            said = by_hand.evidence(&found);
        }
        let everybody = guilty.max(2) + self.innocents;
        let heard: Vec<Option<Heard>> = (0..everybody).map(|n| self.heard(&said, n)).collect();
        let words = self.words(&said);
        let seconds = started.elapsed().as_secs_f64();
        let megapixels = found.size().area() as f64 / 1e6;
        let mut innocent = Innocent::default();
        for n in guilty..everybody {
            said.iter().for_each(|(content, evidence)| self.count(&mut innocent, content, evidence, n));
        }
        let outcome = outcome(&heard, &words, guilty);
        Ok(line.of_outcome(outcome).timed(seconds, megapixels).beside(innocent).helped(helped))
    }

    /// What the cells say of a recipient, after all recipients, ways, profiles and contents.
    fn heard(&self, said: &[(Digest, Vec<Evidence>)], recipient: usize) -> Option<Heard> {
        let tests = (RECIPIENTS * WAYS * said.len()) as f64;
        let of = |scores: Scores| Heard { z: scores.best().1, false_alarm: scores.false_alarm().over(tests) };
        let all = said.iter().flat_map(|(content, evidence)| self.scores(content, evidence, recipient));
        all.map(of).max_by(|a, b| a.z.total_cmp(&b.z))
    }

    fn scores<'a>(
        &self,
        content: &Digest,
        evidence: &'a [Evidence],
        recipient: usize,
    ) -> impl Iterator<Item = Scores> + use<'a> {
        let key =
            self.marks.first_closed_key(&self.marks.recipient(recipient), &ContentId(*content.as_bytes()));
        evidence.iter().map(move |evidence| evidence.cells.scores(&key))
    }

    fn count(&self, innocent: &mut Innocent, content: &Digest, evidence: &[Evidence], recipient: usize) {
        for scores in self.scores(content, evidence, recipient) {
            let z = scores.z(Profile::Energy);
            innocent.count(z, FalseAlarm::of_one(z).log10());
        }
    }

    /// The open words that are certain: whose, where one of the recipients asked for has it.
    fn words(&self, said: &[(Digest, Vec<Evidence>)]) -> Vec<(Option<usize>, Heard)> {
        let question = Question {
            known: &self.asked,
            listed: RECIPIENTS,
            frames: &[],
            contents: &[],
            effort: Effort::Full,
        };
        let ways = (WAYS * said.len().max(1)) as f64;
        let read = said.iter().flat_map(|(content, evidence)| {
            let content = ContentId(*content.as_bytes());
            evidence.iter().flat_map(move |evidence| {
                self.marks.detector.read_informed(&evidence.word, &content, &question, ways)
            })
        });
        let certain = read.filter(tiermark_mark::Reading::is_certain);
        certain
            .map(|reading| {
                let whose = (0..ASKED).find(|n| self.marks.recipient(*n).holds(&reading));
                (whose, Heard { z: reading.z, false_alarm: reading.if_listed })
            })
            .collect()
    }
}

/// What follows from cells and words: everybody who is in the copy, and nobody else.
fn outcome(heard: &[Option<Heard>], words: &[(Option<usize>, Heard)], guilty: usize) -> Outcome {
    let certain = |heard: &&Heard| heard.false_alarm.log10() <= tiermark_mark::ATTRIBUTION;
    let cells = heard.iter().enumerate().filter_map(|(n, heard)| Some((Some(n), (*heard)?)));
    let named: Vec<(Option<usize>, Heard)> =
        cells.filter(|(_, heard)| certain(&heard)).chain(words.iter().copied()).collect();
    let wrong = named.iter().find(|(n, _)| n.is_none_or(|n| n >= guilty));
    if let Some((_, heard)) = wrong {
        return Outcome::Wrong { z: heard.z };
    }
    let surest = |n: usize| {
        let of = named.iter().filter(move |(who, _)| *who == Some(n)).map(|(_, heard)| *heard);
        of.min_by(|a, b| a.false_alarm.log10().total_cmp(&b.false_alarm.log10()))
    };
    let all: Vec<Heard> = (0..guilty).filter_map(surest).collect();
    let weakest = all.iter().max_by(|a, b| a.false_alarm.log10().total_cmp(&b.false_alarm.log10()));
    match weakest {
        Some(heard) if all.len() == guilty => Outcome::Named { z: heard.z, log10: heard.false_alarm.log10() },
        Some(heard) => Outcome::Partly { tiers: all.len(), z: heard.z },
        None => {
            let strongest = heard.iter().take(guilty).flatten().map(|heard| heard.z);
            Outcome::Nothing { z: strongest.max_by(f64::total_cmp) }
        }
    }
}

/// Why a run with the originals at hand cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum InformedError {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The archive that the originals are looked up in.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The folder of that archive.
    #[error("the archive of this run: {0}")]
    Folder(String),
}

fn opened(input: &Input) -> Result<Frame, String> {
    let limits = Limits::default();
    let bytes = read_bounded(&input.path, limits.max_file_bytes).map_err(|error| why(&input.path, &error))?;
    Frame::decode(bytes, &limits).map_err(|error| error.to_string())
}

/// What the archive keeps of an original; every picture is a content of its own.
fn fresh(input: &Input, sights: &Sights) -> Option<Fresh> {
    let path: PathBuf = input.path.clone();
    let bytes = read_bounded(&path, Limits::default().max_file_bytes).ok()?;
    let sha256 = Digest::of(&bytes);
    let frame = Frame::decode(bytes, &Limits::default()).ok()?;
    let pix = Digest::from_bytes(frame.pixel_digest());
    let sight = sights.of(&input.name, pix, &frame);
    Some(Fresh { path, sha256, pix, content: pix, size: frame.size(), sight })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(z: f64) -> Heard {
        Heard { z, false_alarm: FalseAlarm::of_one(z) }
    }

    #[test]
    fn everybody_in_the_copy_and_nobody_else_is_to_be_named() {
        let cells = [Some(heard(20.0)), Some(heard(3.0)), Some(heard(1.0))];
        assert!(matches!(outcome(&cells, &[], 1), Outcome::Named { z: 20.0, .. }));
        assert!(matches!(outcome(&cells, &[], 2), Outcome::Partly { tiers: 1, z: 20.0 }));
        assert!(matches!(outcome(&cells, &[(Some(1), heard(9.0))], 2), Outcome::Named { z: 9.0, .. }));
        assert!(matches!(outcome(&cells, &[(None, heard(9.0))], 2), Outcome::Wrong { z: 9.0 }));
        assert!(matches!(outcome(&cells, &[], 0), Outcome::Wrong { z: 20.0 }));
        assert!(matches!(outcome(&cells[1..], &[], 1), Outcome::Nothing { z: Some(3.0) }));
        assert!(matches!(outcome(&[None], &[], 1), Outcome::Nothing { z: None }));
    }

    #[test]
    fn scores_of_innocents_are_counted_against_the_bound() {
        let mut innocent = Innocent::default();
        for z in [-1.0, 1.0, 3.9] {
            innocent.count(z, FalseAlarm::of_one(z).log10());
        }
        let both = innocent.with(&innocent);
        assert_eq!((both.scores, both.beyond, both.largest), (6, [2, 2, 0, 0], 3.9));
        assert!((both.mean_and_deviation().0 - 1.3).abs() < 1e-12);
    }
}
