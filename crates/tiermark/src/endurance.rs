//! Will a marked copy still say whose it is after its first leak?

use tiermark_frame::{Frame, Limits};
use tiermark_mark::{ContentId, Detector, Effort, Evidence, MarkKey, OnWhite, Payload, Question, WAYS};

use crate::bench::{jpeg_bytes, paper_of_frame};
use crate::rows::{Found, Paper};
use crate::trace::at_hand;
use crate::verdict::ATTRIBUTION;

/// From this statistic on, a copy needs no second look: on all samples such copies read after every change of the table.
const STRONG: f64 = 25.0;

/// How a marked copy reads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Endurance {
    /// Statistic of the copy as it is, laid on white.
    pub(crate) z: f64,
    /// The same after JPEG 75, where it was tried.
    pub(crate) z_after_jpeg: Option<f64>,
    /// Whether it can be attributed as it is.
    pub(crate) readable: bool,
    /// Whether it can be attributed after JPEG 75.
    pub(crate) lasting: bool,
}

impl Endurance {
    /// Read a marked frame as a leak would show it: laid on white, and after JPEG 75 where that is not strong or `always`.
    ///
    /// A mark that lives only as long as a layer stays transparent, or a file is not recompressed, is none.
    pub(crate) fn of(marked: &Frame, payload: Payload, detector: &Detector, always: bool) -> Self {
        let question = Question {
            listed: 0,
            known: &[payload],
            frames: &[marked.size()],
            contents: &[],
            effort: Effort::KnownScales,
        };
        let read = |found: &OnWhite| {
            let reading = detector.read_on_white(found, &question).into_iter().find(|r| r.payload == payload);
            reading.map_or((0.0, false), |reading| (reading.z, reading.false_alarm.log10() <= ATTRIBUTION))
        };
        let (z, readable) = read(&OnWhite::of(&Found(marked)));
        let jpeg = (always || (readable && z < STRONG)).then(|| {
            // Two statements: the picture is gone before the one that comes out of the JPEG is there.
            let bytes = jpeg_bytes(&paper_of_frame(marked), 75);
            let leaked = bytes.and_then(|bytes| image::load_from_memory(&bytes));
            leaked.map_or((0.0, false), |leaked| read(&OnWhite::of(&Paper(leaked.into_rgb8()))))
        });
        let lasting = readable && jpeg.is_none_or(|(_, lasting)| lasting);
        Self { z, z_after_jpeg: jpeg.map(|(z, _)| z), readable, lasting }
    }

    /// Read a marked frame with its host at hand, laid on white, and after JPEG 75: what marks come to that leave flat colour
    /// alone, which are all but lost to blind reading. Bounds count as many recipients as a large project has.
    pub(crate) fn with_host(host: &Frame, marked: &Frame, mark: &Mark<'_>) -> Self {
        let leaked = jpeg_bytes(&paper_of_frame(marked), 75).ok();
        let leaked = leaked.and_then(|bytes| Frame::decode(bytes, &Limits::default()).ok());
        let found: Vec<&Frame> = [marked].into_iter().chain(&leaked).collect();
        let read: Vec<(f64, bool)> =
            at_hand(host, &found).iter().map(|evidence| mark.surest(evidence)).collect();
        let (z, readable) = read[0];
        let after = read.get(1);
        let lasting = readable && after.is_some_and(|(_, lasting)| *lasting);
        Self { z, z_after_jpeg: after.map(|(z, _)| *z), readable, lasting }
    }
}

/// One mark, by which a copy is to be recognised: its word, and its recipient's pattern.
pub(crate) struct Mark<'a> {
    pub(crate) detector: &'a Detector,
    pub(crate) payload: Payload,
    pub(crate) content: ContentId,
    pub(crate) closed: &'a MarkKey,
}

impl Mark<'_> {
    /// The statistic of the layer that says most, and whether it is beyond chance.
    fn surest(&self, evidence: &[Evidence]) -> (f64, bool) {
        let question = Question {
            listed: 0,
            known: &[self.payload],
            frames: &[],
            contents: &[],
            effort: Effort::KnownScales,
        };
        let ways = WAYS as f64;
        let cells = evidence.iter().map(|evidence| {
            let scores = evidence.cells.scores(self.closed);
            (scores.best().1, scores.false_alarm().over(2.0 * RECIPIENTS * ways))
        });
        let words = evidence.iter().flat_map(|evidence| {
            let readings = self.detector.read_informed(&evidence.word, &self.content, &question, ways);
            let ours = readings.into_iter().filter(|reading| reading.payload == self.payload);
            ours.map(|reading| (reading.z, reading.false_alarm.over(2.0)))
        });
        let surest = cells.chain(words).min_by(|a, b| a.1.log10().total_cmp(&b.1.log10()));
        surest.map_or((0.0, false), |(z, false_alarm)| (z, false_alarm.log10() <= ATTRIBUTION))
    }
}

/// Recipients of one drawing that are reckoned with.
const RECIPIENTS: f64 = 10_000.0;
