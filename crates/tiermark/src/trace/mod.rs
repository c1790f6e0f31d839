//! The second journey: a found file in, a verdict out.

mod all;
mod blind;
mod chain;
mod clip;
mod closed;
mod expect;
mod explain;
mod heard;
mod informed;
mod inside;
mod open;
mod originals;
mod reader;
mod ready;
mod results;
mod tell;
mod twins;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;

use data_encoding::HEXLOWER;
use tiermark_frame::{Frame, Limits};
use tiermark_ledger::store::StoreError;
use tiermark_ledger::{Digest, Kid, MarkId, PartyId, Secrets, Studio, StudioError, VerifiedHandover};
pub use tiermark_mark::Effort;
use tiermark_mark::{ContentId, FrameEvidence, Question, Shot};
use tiermark_signal::Size;

use crate::inputs::Input;
use crate::secrets::content_of;
use crate::shots::Place;
use crate::verdict::{Finding, FoundGeometry};
use closed::Line;
pub use expect::{Expectation, expectation};
use heard::Heard;
use informed::{Said, Sums};
pub(crate) use originals::Originals;
use reader::{Asking, Reader, Seen};
use ready::FoundPicture;
pub(crate) use ready::at_hand;
pub use results::{Results, ResultsError};

/// Sizes that frames of the studio have had, which are tried before all other scales and shapes.
const MOST_SIZES: usize = 16;

/// How to trace.
#[derive(Clone, Debug)]
pub struct Options {
    /// What a found file may ask of the machine.
    pub limits: Limits,
    /// Seconds after which a container is not looked into any further; what depends on it depends on the machine.
    pub max_seconds: Option<u64>,
    /// How far to look.
    pub effort: Effort,
    /// Keys that nobody used, to be tried beside each that is found.
    pub decoys: usize,
    /// Compare with this original, and with no other.
    pub original: Option<PathBuf>,
    /// Recipients that the closed set is limited to; all, if none is named.
    pub recipients: Vec<String>,
    /// Where pictures are left that show what was compared.
    pub explain: Option<PathBuf>,
    /// Of clips, look at every frame of so many; without it, at two a second.
    pub every: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            max_seconds: None,
            effort: Effort::Full,
            decoys: 0,
            original: None,
            recipients: Vec::new(),
            explain: None,
            every: None,
        }
    }
}

/// Reads the marks of one studio, and of everybody below it.
pub struct Tracer {
    readers: Vec<Reader>,
    searches: f64,
    frames: Vec<Size>,
    /// The newest of what was handed out; asked for by an exhaustive search only.
    contents: Vec<ContentId>,
    options: Options,
    originals: Originals,
    lines: Vec<Line>,
    /// The rules of the chain, asked once for each mark and root.
    ledger: Mutex<Ledger>,
}

/// The studio, and what the rules said of each mark.
struct Ledger {
    studio: Studio,
    checked: BTreeMap<(MarkId, Kid), Checked>,
}

/// What the rules said of one mark.
type Checked = Result<VerifiedHandover, String>;

impl Tracer {
    /// A tracer for everything the studio's registry knows now.
    ///
    /// # Errors
    /// When the registry cannot be read.
    pub fn new(studio: Studio, secrets: &Secrets, options: Options) -> Result<Self, StudioError> {
        let grounds = studio.grounds(secrets)?;
        let readers = grounds.iter().map(|ground| Reader::of(&studio, ground, options.effort));
        let readers: Vec<Reader> = readers.collect::<Result<_, _>>()?;
        let frames = usual_sizes(studio.registry().frame_sizes()?);
        let contents = match options.effort {
            Effort::Exhaustive => newest_contents(&studio)?,
            _ => Vec::new(),
        };
        let originals = Originals::open(studio.folder(), options.original.as_deref(), options.limits)?;
        let lines = grounds.iter().map(|ground| Line::of(&studio, ground)).collect::<Result<_, _>>()?;
        // Where there are originals, every slot is looked at once more with them.
        let informed = if originals.are_there() { readers.iter().map(Reader::slots).sum() } else { 0 };
        let searches = (readers.iter().map(Reader::searches).sum::<usize>() + informed) as f64;
        let ledger = Mutex::new(Ledger { studio, checked: BTreeMap::new() });
        let tracer = Self { readers, searches, frames, contents, options, originals, lines, ledger };
        match tracer.originals.named() {
            Some(named) if tracer.content_of(named.pix).is_none() => Err(StudioError::MayNot(format!(
                "{}: nothing was handed over from this original; name the unmarked file that was stamped",
                named.path.display()
            ))),
            _ => Ok(tracer),
        }
    }

    fn question(&self) -> Question<'_> {
        Question {
            known: &[],
            listed: 0,
            frames: &self.frames,
            contents: &self.contents,
            effort: self.options.effort,
        }
    }

    fn asking<'a>(
        &'a self,
        listed: &'a dyn Fn(MarkId) -> bool,
        recipient: &'a dyn Fn(MarkId, Kid) -> Option<PartyId>,
    ) -> Asking<'a> {
        Asking { question: self.question(), searches: self.searches, listed, recipient }
    }

    /// All marks of all projects that are read blindly in a picture or shot.
    fn read(&self, seen: &[Seen<'_>], asking: &Asking<'_>) -> Vec<Vec<Heard>> {
        let blind = |found| Heard::word(found, heard::Detector::Blind);
        let read =
            |(reader, seen): (&Reader, &Seen<'_>)| reader.read(seen, asking).into_iter().map(blind).collect();
        self.readers.iter().zip(seen).map(read).collect()
    }

    fn judge(&self, input: &Input, sha256: Digest, frame: &Frame, shot: Option<Place>) -> Traced {
        let (listed, recipient) = (|mark| self.is_listed(mark), |mark, root| self.recipient(mark, root));
        let asking = self.asking(&listed, &recipient);
        let (mut heard, evidence) = self.read_blindly(frame, shot.is_some(), &asking);
        let (said, original, trouble) = self.compare(frame, sha256, &mut heard, &asking);
        let mut finding = self.finding(input.path.clone(), &heard);
        finding.sha256 = Some(hex(sha256));
        finding.reason = finding.reason.take().or(trouble);
        if let Some((path, geometry)) = original {
            finding.original = Some(path);
            finding.geometry = Some(geometry);
        }
        if self.options.decoys > 0 {
            self.add_decoys(&mut finding, &heard, frame, sha256);
        }
        // Blind readings add up in their own way.
        heard.iter_mut().for_each(|heard| heard.retain(|one| one.reading.is_none()));
        Traced { finding, evidence, said, heard, shot }
    }

    /// Compare a picture with the originals that lie under it: marks are added to what was heard, or doubted.
    fn compare(
        &self,
        frame: &Frame,
        sha256: Digest,
        heard: &mut [Vec<Heard>],
        asking: &Asking<'_>,
    ) -> (Vec<Said>, Option<(String, FoundGeometry)>, Option<String>) {
        if !self.originals.are_there() {
            return (Vec::new(), None, None);
        }
        let found = FoundPicture::of(frame);
        let (mut under, mut trouble) = self.originals.under(&found);
        self.tell_transplants(heard, &under, &found);
        let shown = self.options.explain.as_ref().map(|folder| self.explain(folder, sha256, &under, &found));
        trouble = trouble.or(shown.and_then(Result::err));
        let said = self.said(&mut under);
        let informed = self.informed(&said, asking);
        for (heard, informed) in heard.iter_mut().zip(informed) {
            *heard = heard::merged(heard.drain(..).chain(informed).collect::<Vec<_>>());
        }
        let first = under.first().map(|under| {
            let path = under.known().path.to_string_lossy().into_owned();
            (path, FoundGeometry::laid(&under.found_from_original(), frame.size()))
        });
        (said, first, trouble)
    }

    /// Add a frame to the shot that is open; the shot's finding after its last frame.
    fn follow(&self, open: &mut Option<Open>, traced: Traced) -> Option<Finding> {
        let place = traced.shot?;
        if let Some(evidence) = traced.evidence {
            let shots = || self.readers.iter().map(|_| Shot::default()).collect();
            let fresh = || Open {
                shots: shots(),
                sums: Sums::default(),
                heard: vec![Vec::new(); self.readers.len()],
            };
            let open = open.get_or_insert_with(fresh);
            open.heard.iter_mut().zip(traced.heard).for_each(|(all, heard)| all.extend(heard));
            open.shots.iter_mut().zip(evidence).for_each(|(shot, evidence)| shot.add(evidence));
            open.sums.add(traced.said);
        }
        self.ended(open, place)
    }

    /// The finding of the shot that is open, if this was its last place.
    fn ended(&self, open: &mut Option<Open>, place: Place) -> Option<Finding> {
        if !place.last {
            return None;
        }
        let Open { shots, sums, heard } =
            open.take().filter(|open| open.shots.first().is_some_and(|shot| shot.frames() > 1))?;
        let seen: Vec<Seen<'_>> = shots.iter().map(Seen::Shot).collect();
        let (listed, recipient) = (|mark| self.is_listed(mark), |mark, root| self.recipient(mark, root));
        let asking = self.asking(&listed, &recipient);
        let blind = self.read(&seen, &asking);
        let informed = self.informed(&sums.into_said(), &asking);
        // A static ground leaves the same in every frame: the best frame may say more than all together. Each has half of the bound.
        let frames = shots[0].frames() as f64;
        let each = heard.into_iter().map(|heard| heard.into_iter().map(move |one| one.over(2.0 * frames)));
        let informed = informed.into_iter().map(|heard| heard.into_iter().map(|one| one.over(2.0)));
        let all = blind.into_iter().zip(informed).zip(each);
        let heard = all.map(|((blind, sum), each)| {
            let certain = sum.chain(each).filter(Heard::is_certain);
            heard::merged(blind.into_iter().chain(certain))
        });
        let heard: Vec<Vec<Heard>> = heard.collect();
        let mut finding = self.finding(place.name, &heard);
        finding.frames = shots[0].frames();
        for mark in &mut finding.marks {
            mark.frames = u32::try_from(finding.frames).unwrap_or(u32::MAX);
        }
        Some(finding)
    }
}

/// A shot whose frames are still coming.
struct Open {
    /// One to each project.
    shots: Vec<Shot>,
    sums: Sums,
    /// What single frames brought to light.
    heard: Vec<Vec<Heard>>,
}

/// Contents tried one by one by an exhaustive search, each a quarter of a second.
const MOST_CONTENTS: usize = 500;

fn newest_contents(studio: &Studio) -> Result<Vec<ContentId>, StoreError> {
    let mut contents = Vec::new();
    for mark in studio.registry().mark_ids()?.into_iter().rev() {
        let Ok(handover) = studio.verify(mark) else { continue };
        for record in handover.frames.records() {
            let content = content_of(record);
            if !contents.contains(&content) {
                contents.push(content);
            }
            if contents.len() == MOST_CONTENTS {
                return Ok(contents);
            }
        }
    }
    Ok(contents)
}

/// A finding, and what it says for its shot.
struct Traced {
    finding: Finding,
    /// One to each project.
    evidence: Option<Vec<FrameEvidence>>,
    /// What the originals under it say.
    said: Vec<Said>,
    /// What they brought to light in it, for each project.
    heard: Vec<Vec<Heard>>,
    shot: Option<Place>,
}

impl Traced {
    fn alone(finding: Finding) -> Self {
        Self { finding, evidence: None, said: Vec::new(), heard: Vec::new(), shot: None }
    }
}

/// The most frequent of the sizes that were handed out: width, height, and how many frames.
fn usual_sizes(mut sizes: Vec<(u32, u32, u32)>) -> Vec<Size> {
    sizes.sort_by_key(|&(width, height, frames)| (std::cmp::Reverse(frames), width, height));
    let sizes = sizes.into_iter().filter_map(|(width, height, _)| Size::new(width as usize, height as usize));
    sizes.take(MOST_SIZES).collect()
}

fn hex(digest: Digest) -> String {
    HEXLOWER.encode(digest.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_sizes_come_first() {
        let sizes = usual_sizes(vec![(1280, 720, 3), (1920, 1080, 5), (1080, 1920, 1), (0, 5, 9)]);
        assert_eq!(sizes.iter().map(|size| size.width).collect::<Vec<_>>(), [1920, 1280, 1080]);
    }
}
