//! What is wrong with a pattern, in Go's words.

/// A pattern that does not compile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {fault}: `{part}`")]
pub struct InvalidPattern {
    fault: Fault,
    /// The part that is at fault, or the whole pattern.
    part: String,
}

impl InvalidPattern {
    pub(crate) fn new(fault: Fault, part: &str) -> Self {
        Self {
            fault,
            part: part.to_owned(),
        }
    }
}

/// Source: Go's package `regexp/syntax`, type `ErrorCode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("invalid character class range")]
    ClassRange,
    #[error("invalid escape sequence")]
    Escape,
    #[error("invalid named capture")]
    GroupName,
    #[error("invalid or unsupported Perl syntax")]
    PerlSyntax,
    #[error("invalid nested repetition operator")]
    NestedRepeat,
    #[error("invalid repeat count")]
    RepeatCount,
    #[error("missing closing ]")]
    ClassUnclosed,
    #[error("missing closing )")]
    GroupUnclosed,
    #[error("missing argument to repetition operator")]
    RepeatsNothing,
    #[error("trailing backslash at end of expression")]
    TrailingBackslash,
    #[error("unexpected )")]
    GroupUnopened,
    #[error("expression nests too deeply")]
    TooDeep,
    #[error("expression too large")]
    TooLarge,
}
