//! Will a marked copy still say whose it is after its first leak?

use tiermark_frame::Frame;
use tiermark_mark::{Detector, Effort, OnWhite, Payload, Question};

use crate::bench::{jpeg_bytes, paper_of_frame};
use crate::rows::{Found, Paper};
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
}
