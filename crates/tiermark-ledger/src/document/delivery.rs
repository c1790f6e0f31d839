//! The delivery: which files left for a hand-over, signed once all of them were marked.

use super::statement::nothing;
use super::{Document, DocumentError, FramesRoot, Standing, jcs, merkle, statement};
use crate::{Digest, DocId, Kid, Moment};
use serde::{Deserialize, Serialize};

/// What left for a hand-over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The root kid of the giver.
    pub issuer: Kid,
    /// The hand-over.
    pub handover: DocId,
    /// Count and root of the files.
    pub outputs: FramesRoot,
    /// The digest of `outputs.jsonl`: what the statement is about, and therefore its subject.
    #[serde(skip, default = "nothing")]
    pub outputs_file: Digest,
    /// What reading the copies back gave.
    pub self_check: SelfCheck,
    /// When the last file was marked.
    pub closed_at: Moment,
}

/// What reading the copies back gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelfCheck {
    /// Copies whose mark was read back before they left.
    pub read_back: u32,
    /// Frames that could not carry a mark and stayed.
    pub refused: u32,
}

/// One line of `outputs.jsonl`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputRecord {
    /// The frame's place in the list of the hand-over.
    pub i: u32,
    /// The digest of the file that left.
    pub out: Digest,
    /// The digest of the values in it: what the next tier will call `pix`.
    pub outpix: Digest,
    /// Peak signal-to-noise ratio of the mark, hundredths of a decibel.
    pub q: i64,
    /// Detection statistic when it was read back, thousandths.
    pub z: i64,
}

/// The files that left, in the order of the frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputList {
    records: Vec<OutputRecord>,
    lines: Vec<u8>,
    root: Digest,
}

impl OutputList {
    /// The list of these files.
    ///
    /// # Errors
    /// When a number has no canonical form: it comes from a packet, or from a registry that somebody edited.
    pub fn new(records: Vec<OutputRecord>) -> Result<Self, DocumentError> {
        let (mut lines, mut leaves) = (Vec::new(), Vec::with_capacity(records.len()));
        for record in &records {
            let line = jcs::canonical(record)?;
            leaves.push(merkle::leaf(&line));
            lines.extend_from_slice(&line);
            lines.push(b'\n');
        }
        Ok(Self { records, lines, root: merkle::root(&leaves) })
    }

    /// The list in the text of `outputs.jsonl`, if it is one.
    pub fn parse(text: &str) -> Option<Self> {
        let records: Vec<OutputRecord> =
            text.lines().map(serde_json::from_str).collect::<Result<_, _>>().ok()?;
        let list = Self::new(records).ok()?;
        (list.lines == text.as_bytes()).then_some(list)
    }

    /// The records, in order.
    pub fn records(&self) -> &[OutputRecord] {
        &self.records
    }

    /// The whole file `outputs.jsonl`.
    pub fn file(&self) -> &[u8] {
        &self.lines
    }

    /// Count and root.
    pub fn summary(&self) -> FramesRoot {
        FramesRoot { count: self.records.len() as u32, root: self.root }
    }
}

impl Delivery {
    /// Whether these are the files that left, to the last byte of every line.
    pub fn lists(&self, outputs: &OutputList) -> bool {
        self.outputs == outputs.summary() && self.outputs_file == Digest::of(outputs.file())
    }
}

impl Document for Delivery {
    const TYPE: &'static str = "tiermark:delivery/v1";
    const KIND: &'static str = "delivery";
    const NAME: &'static str = "delivery";

    fn issuer(&self) -> Kid {
        self.issuer
    }

    fn made_at(&self) -> Moment {
        self.closed_at
    }

    fn stands_by(&self) -> Standing {
        Standing::Giver(self.handover)
    }
}

impl statement::sealed::Sealed for Delivery {
    fn subject(&self) -> (&'static str, Digest) {
        ("outputs.jsonl", self.outputs_file)
    }

    fn about(self, digest: Digest) -> Option<Self> {
        Some(Self { outputs_file: digest, ..self })
    }
}
