//! The revocation: from here on something does not count any more.

use super::statement::nothing;
use super::{Document, statement};
use crate::{Digest, DocId, Kid, Moment};
use serde::{Deserialize, Serialize};

/// A key, delegation, hand-over or node secret that does not count any more.
///
/// What was logged below a cut-off of one of the named logs stands: a thief cannot have written it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// The root kid of the one who revokes: the party itself, or one above it.
    pub issuer: Kid,
    /// What kind of thing is revoked.
    pub target_kind: Target,
    /// Its kid or document: what the statement is about, and therefore its subject.
    #[serde(skip, default = "nothing")]
    pub target: Digest,
    /// Why, for people.
    pub reason: String,
    /// The sizes that logs had: what lies below them stands.
    pub log_cutoffs: Vec<Cutoff>,
    /// When.
    pub effective_at: Moment,
    /// What takes its place.
    pub successor: Option<DocId>,
}

/// What kind of thing is revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// A signing key, by its kid.
    Key,
    /// A delegation.
    Delegation,
    /// A hand-over.
    Handover,
    /// The node secret of a delegation: marks below it that are found later corroborate only.
    NodeSecret,
}

/// The size of a log when something was revoked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cutoff {
    /// The log.
    pub origin: String,
    /// Leaves with an index below this stand.
    pub size: u64,
    /// The root over them.
    pub root: Digest,
}

impl Document for Revocation {
    const TYPE: &'static str = "tiermark:revocation/v1";
    const KIND: &'static str = "revocation";
    const NAME: &'static str = "revocation";

    fn issuer(&self) -> Kid {
        self.issuer
    }

    fn made_at(&self) -> Moment {
        self.effective_at
    }
}

impl statement::sealed::Sealed for Revocation {
    fn subject(&self) -> (&'static str, Digest) {
        ("revoked", self.target)
    }

    fn about(self, digest: Digest) -> Option<Self> {
        Some(Self { target: digest, ..self })
    }
}
