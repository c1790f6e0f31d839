//! The rules under which a mark may be given a name.
//!
//!  1. The envelope has one signature, which holds strictly over the text; only then is the text believed.
//!  2. The key that signed is declared by a document of the issuer, self-signed by the issuer's root, and counts at the time
//!     the text names.
//!  3. What rests on something revoked counts only if a log held it below the revocation's cut-off.
//!  4. Every delegation leads up to the one root that the verifier brings along.
//!  5. From step to step depth, rights, scope and window can only shrink.
//!  6. The mark leads to exactly one hand-over, whose id begins with it; its issuer may give at that depth, and the recipient
//!     is the one whose record or delegation the issuer signed.
//!  7. The frames are those that were signed.
//!  8. A lower hand-over names the upper one as `upstream`, and its issuer is the upper one's recipient ([`lineage`]).
//!  9. A log held the hand-over, under a checkpoint that another party cosigned.
//! 10. The recipient signed a receipt.
//!
//! Rules 1 to 8 decide whether anybody may be named; 9 and 10 raise the [`Grade`]. Whatever a registry says beside the signed
//! texts is compared and never believed.

mod delegations;
mod documents;
pub(crate) mod evidence;
mod handovers;
mod issuer;
mod lineage;
mod rules;

pub(crate) use delegations::may_be_delegated;
pub use delegations::{VerifiedDelegation, verify_delegation};
pub use documents::{Documents, Listed, LoggedLeaf};
pub use evidence::{Logged, log_origin, witness_name};
pub use handovers::{VerifiedHandover, verify_handover};
pub(crate) use handovers::{may_be_issued, verify_document};
pub(crate) use issuer::{Issuer, opened};
pub use lineage::{Link, lineage};
pub use rules::RuleBroken;

/// The deepest place that a mark may have.
pub const MOST_TIERS: u8 = 7;
/// As many delegations may rest on one another.
const MOST_STEPS: usize = MOST_TIERS as usize;

/// What the documents behind a reading are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub enum Grade {
    /// Nothing was detected; which never means that no mark is there.
    G0,
    /// A mark of a party, its document unknown: an unreported hand-over.
    G1,
    /// Identified: rules 1 to 8 hold.
    G2,
    /// Recorded before the find: rule 9 holds, too.
    G3,
    /// Acknowledged by the recipient: rule 10 holds, too.
    G4,
}

impl std::fmt::Display for Grade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}
