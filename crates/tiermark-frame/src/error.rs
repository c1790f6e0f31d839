//! Why a file was not read, or not written.

use crate::Format;

/// What stood in the way, said without the path: the caller puts it in front.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The bytes are of no kind that this room has heard of.
    #[error("not a picture")]
    NotAPicture,
    /// A known kind of file, or a flavour of one, that is not read yet.
    #[error("is {0}, which is not supported yet")]
    NotSupported(String),
    /// The file breaks the rules of its own format.
    #[error("is a damaged {format} file: {reason}")]
    Damaged {
        /// What the file begins as.
        format: Format,
        /// What is wrong, and where.
        reason: String,
    },
    /// The file asks for more than [`crate::Limits`] grants, or than the machine has.
    #[error("is too large: {0}; raise the limit if you trust the file")]
    OverLimit(String),
    /// Writing would need another depth or kind of samples than the file has.
    #[error("is {what}, which cannot hold new colours; --allow-depth-change writes it as {becomes}")]
    WouldChangeDepth {
        /// The file as it is.
        what: String,
        /// The file as it would be written.
        becomes: &'static str,
    },
    /// The file can be read, but not written back without harm.
    #[error("is {what}, which cannot be written back unharmed; {way_out}")]
    ReadOnly {
        /// The file as it is.
        what: String,
        /// What to do instead.
        way_out: &'static str,
    },
    /// A clip that ffmpeg cannot read or write, in its words.
    #[error("is a clip that ffmpeg gave up on: {0}")]
    Clip(String),
    /// The programs that open clips are not there.
    #[error("needs ffmpeg and ffprobe; install Debian's package ffmpeg, or put both on the PATH")]
    NeedsFfmpeg,
    /// A document whose pages cannot be drawn, in the words of the program that draws them.
    #[error("is a PDF document whose pages pdftoppm gave up on: {0}")]
    Pages(String),
    /// The program that draws pages is not there.
    #[error("needs pdftoppm; install Debian's package poppler-utils, or put it on the PATH")]
    NeedsPdftoppm,
    /// The caller's planes are not this frame's: another number, or another size.
    #[error("the new colours do not fit the frame: {0}")]
    Planes(String),
    /// An encoder failed on a picture that it should have taken.
    #[error("could not be written as {format}: {reason}")]
    Encoder {
        /// What was being written.
        format: Format,
        /// In the encoder's words.
        reason: String,
    },
}

impl FrameError {
    /// The file's fault, in `reason`'s words.
    #[expect(clippy::needless_pass_by_value, reason = "other crates' errors end here, and so do literals")]
    pub(crate) fn damaged(format: Format, reason: impl ToString) -> Self {
        Self::Damaged { format, reason: reason.to_string() }
    }

    /// The shortest way to say that a file ends too early.
    pub(crate) fn cut_off(format: Format) -> Self {
        Self::damaged(format, "it ends too early; copy or download it again")
    }

    /// Not the file's fault.
    #[expect(clippy::needless_pass_by_value, reason = "other crates' errors end here, and so do literals")]
    pub(crate) fn encoder(format: Format, reason: impl ToString) -> Self {
        Self::Encoder { format, reason: reason.to_string() }
    }
}
