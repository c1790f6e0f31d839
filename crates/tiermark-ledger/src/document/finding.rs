//! The finding: the examiner's signed exhibit, which a report is drawn from.

use super::statement::nothing;
use super::{Document, Tool, statement};
use crate::{Digest, DocId, Kid, MarkId, Moment};
use serde::{Deserialize, Serialize};

/// What an examiner found, and how.
///
/// Numbers are whole: `z` and `log10 p` in thousandths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The root kid of the examiner.
    pub examiner: Kid,
    /// The name of the case.
    pub case: String,
    /// The digest of `custody.jsonl`: what the statement is about, and therefore its subject.
    #[serde(skip, default = "nothing")]
    pub custody: Digest,
    /// The files that were examined.
    pub found: Vec<FoundFile>,
    /// The chain of hand-overs, nearest the producer first.
    pub chain: Vec<DocId>,
    /// What is asserted, and what is not spoken of.
    pub propositions: Propositions,
    /// What these figures cannot say.
    pub limits: Vec<String>,
    /// The other files of the bundle.
    pub files: Vec<NamedDigest>,
    /// The program.
    pub tool: Tool,
    /// When it was signed.
    pub made_at: Moment,
}

/// One examined file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundFile {
    /// Its name as it was found.
    pub name: String,
    /// The digest of its bytes, taken before anything opened it.
    pub sha256: Digest,
    /// Its length, bytes.
    pub size: u64,
    /// The verdict's word.
    pub verdict: String,
    /// The marks that were read.
    pub reads: Vec<Read>,
}

/// One mark that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// The place in the chain.
    pub depth: u8,
    /// The mark.
    pub mark: MarkId,
    /// The hand-over that it leads to.
    pub handover: Option<DocId>,
    /// Detection statistic, thousandths.
    pub z_milli: i64,
    /// log10 of the bound on its false alarm after all trials, thousandths.
    pub log10p_milli: i64,
    /// What the bound counts.
    pub trials: Trials,
    /// Keys that nobody used, on the same file.
    pub decoys: Option<Decoys>,
    /// What the documents behind it are worth.
    pub grade: String,
}

/// What the bound on a false alarm counts: the product is the number of hypotheses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trials {
    /// Keys tried on the file.
    pub keys: u64,
    /// Words asked for, or 2^64 (written 0) where the word was not one of them.
    pub words: u64,
    /// log10 of all hypotheses together, thousandths.
    pub log10_milli: i64,
}

/// The real key among decoys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decoys {
    /// How many.
    pub tried: u32,
    /// Place of the real key, 1 for the strongest of all.
    pub rank: u32,
    /// The strongest decoy's statistic, thousandths.
    pub strongest_milli: i64,
}

/// What is asserted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Propositions {
    /// What the findings support.
    pub h1: String,
    /// What it is compared with.
    pub h2: String,
    /// What they do not speak of.
    pub not_addressed: String,
}

/// A file of the bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedDigest {
    /// Its name in the bundle.
    pub name: String,
    /// The digest of its bytes.
    pub sha256: Digest,
}

impl Document for Finding {
    const TYPE: &'static str = "tiermark:finding/v1";
    const KIND: &'static str = "finding";
    const NAME: &'static str = "finding";

    fn issuer(&self) -> Kid {
        self.examiner
    }

    fn made_at(&self) -> Moment {
        self.made_at
    }

    /// Hundreds of found files.
    const MOST_BYTES: usize = 8 << 20;
}

impl statement::sealed::Sealed for Finding {
    fn subject(&self) -> (&'static str, Digest) {
        ("custody.jsonl", self.custody)
    }

    fn about(self, digest: Digest) -> Option<Self> {
        Some(Self { custody: digest, ..self })
    }
}
