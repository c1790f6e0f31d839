//! Why a container was not read to its end.

use std::io;

use super::Kind;

/// What stood in the way, said without the path: the caller puts it in front.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContainerError {
    /// The file breaks the rules of its own format.
    #[error("is a damaged {kind}: {reason}; what could be read of it was looked at")]
    Damaged {
        /// What the file begins as.
        kind: Kind,
        /// What is wrong.
        reason: String,
    },
    /// A flavour that cannot be opened.
    #[error("is {what}; {way_out}")]
    Closed {
        /// The file as it is.
        what: String,
        /// What to do instead.
        way_out: &'static str,
    },
    /// It asks for more than [`crate::Limits`] grants.
    #[error("asks for too much: {0}; what came before was looked at")]
    OverLimit(String),
    /// The visitor had enough.
    #[error("was not looked at to its end")]
    Stopped,
}

impl ContainerError {
    /// The file's fault, in `reason`'s words.
    #[expect(clippy::needless_pass_by_value, reason = "other crates' errors end here, and so do literals")]
    pub(super) fn damaged(kind: Kind, reason: impl ToString) -> Self {
        Self::Damaged { kind, reason: reason.to_string() }
    }

    /// What reading a container's own bytes gave.
    pub(super) fn io(kind: Kind, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::cut_off(kind),
            _ => Self::damaged(kind, error),
        }
    }

    /// The shortest way to say that a file ends too early.
    pub(super) fn cut_off(kind: Kind) -> Self {
        Self::damaged(kind, "it ends too early")
    }
}
