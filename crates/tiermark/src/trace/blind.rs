//! What a picture says by itself, without an original; and what keys say of it that nobody used.

use tiermark_frame::Frame;
use tiermark_ledger::Digest;
use tiermark_mark::{Detector, FrameEvidence, MarkKey, Picture, Reading};
use tiermark_signal::Plane;

use super::Tracer;
use super::heard::Heard;
use super::reader::{Asking, Reader, Seen};
use crate::verdict::{DecoyTable, Finding};

impl Tracer {
    /// All marks of all projects that are read blindly in one picture, and of a frame of a shot what it says for that.
    pub(super) fn read_blindly(
        &self,
        frame: &Frame,
        in_shot: bool,
        asking: &Asking<'_>,
    ) -> (Vec<Vec<Heard>>, Option<Vec<FrameEvidence>>) {
        // The channels are let go before an original is looked at: at 4K they take 100 MB.
        let (colours, alpha) = (frame.colours(), frame.alpha());
        let picture = picture(frame, &colours, alpha.as_ref());
        let gather = |reader: &Reader| reader.evidence(&picture, &self.question());
        let evidence: Option<Vec<FrameEvidence>> = in_shot.then(|| self.readers.iter().map(gather).collect());
        let seen: Vec<Seen<'_>> = (0..self.readers.len())
            .map(|n| Seen::Picture(&picture, evidence.as_ref().map(|evidence| &evidence[n])))
            .collect();
        (self.read(&seen, asking), evidence)
    }

    /// The decoys of those marks that were read blindly.
    pub(super) fn add_decoys(
        &self,
        finding: &mut Finding,
        heard: &[Vec<Heard>],
        frame: &Frame,
        sha256: Digest,
    ) {
        let (colours, alpha) = (frame.colours(), frame.alpha());
        let picture = picture(frame, &colours, alpha.as_ref());
        let each = self
            .readers
            .iter()
            .zip(heard)
            .flat_map(|(reader, heard)| heard.iter().map(move |one| (reader, one)));
        for (mark, (reader, heard)) in finding.marks.iter_mut().zip(each) {
            if let Some(reading) = &heard.reading {
                mark.decoys = Some(self.decoys(reader.detector_at(&heard.place), &picture, reading, sha256));
            }
        }
    }

    /// Keys drawn from the file's own digest: anybody gets the same ones.
    fn decoys(
        &self,
        detector: &Detector,
        picture: &Picture<'_>,
        reading: &Reading,
        sha256: Digest,
    ) -> DecoyTable {
        let seed = MarkKey::new(*sha256.as_bytes());
        let decoys = detector.decoys(picture, reading, &seed, self.options.decoys);
        let to_hundredths = |z: f64| (z * 100.0).round() / 100.0;
        DecoyTable {
            tried: decoys.decoys.len(),
            rank: decoys.rank(),
            real: to_hundredths(decoys.real),
            strongest_decoy: to_hundredths(decoys.strongest().unwrap_or(0.0)),
        }
    }
}

fn picture<'a>(frame: &Frame, colours: &'a [Plane], alpha: Option<&'a Plane>) -> Picture<'a> {
    Picture { colours, alpha, premultiplied: frame.alpha_is_associated() }
}
