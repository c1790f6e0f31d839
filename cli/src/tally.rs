//! What a run of `trace` has come to: counted as findings come, so that a large folder needs no memory.

use std::path::PathBuf;

use tiermark::trace::{Expectation, Results};
use tiermark::verdict::{Finding, Verdict};

use crate::args::Common;
use crate::report::{Answer, Trouble};

/// How many findings there are of each kind.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    all: usize,
    unreadable: usize,
    attributed: usize,
}

impl Tally {
    pub(crate) fn add(&mut self, verdict: Verdict) {
        self.all += 1;
        self.unreadable += usize::from(verdict == Verdict::Unreadable);
        self.attributed += usize::from(matches!(verdict, Verdict::Attributed | Verdict::Coalition));
    }

    /// The exit status that belongs to it.
    pub(crate) fn answer(&self) -> Answer {
        match self.unreadable {
            n if n == self.all => Answer::Nothing,
            0 if self.attributed > 0 => Answer::Done,
            0 => Answer::No,
            _ => Answer::Partly,
        }
    }

    /// In one line.
    pub(crate) fn words(&self) -> String {
        let Self { all, unreadable, attributed } = self;
        format!("{all} findings: {attributed} attributed, {unreadable} unreadable")
    }
}

/// A run on its way.
pub(crate) struct Run {
    pub(crate) tally: Tally,
    /// What the table will show.
    pub(crate) shown: Vec<(Finding, Option<Expectation>)>,
    /// Why results could not be kept.
    pub(crate) trouble: Option<Trouble>,
    kept: Option<Results>,
    file: Option<PathBuf>,
}

impl Run {
    /// A run that goes on from these results.
    pub(crate) fn new(kept: Option<Results>) -> Self {
        let mut tally = Tally::default();
        kept.iter().flat_map(Results::verdicts).for_each(|verdict| tally.add(*verdict));
        Self { tally, shown: Vec::new(), trouble: None, kept, file: None }
    }

    /// Whether the file of this finding is another one than that of the finding before.
    pub(crate) fn is_another_file(&mut self, finding: &Finding) -> bool {
        let another = finding.frames <= 1 && self.file.as_ref() != Some(&finding.file);
        if another {
            self.file = Some(finding.file.clone());
        }
        another
    }

    /// Count a finding, write it down, and keep it for the table.
    pub(crate) fn add(&mut self, common: &Common, finding: &Finding, gate: Option<Expectation>) {
        self.tally.add(finding.verdict);
        if let Some(results) = &mut self.kept
            && self.trouble.is_none()
        {
            self.trouble = results.add(finding).err().map(Trouble::from);
        }
        let wanted = match (&gate, &self.kept) {
            // The gate counts what passes, too.
            (Some(_), _) => true,
            (None, _) if common.json => false,
            (None, Some(_)) => !finding.marks.is_empty(),
            (None, None) => true,
        };
        if wanted {
            let short =
                |finding: &Finding| Finding { marks: Vec::new(), chains: Vec::new(), ..finding.clone() };
            self.shown.push((if common.json { short(finding) } else { finding.clone() }, gate));
        }
    }
}
