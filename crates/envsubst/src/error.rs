//! What can be wrong with a template, or with what it is given.

/// A template that cannot be read. Texts are Flux's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// An operator is followed by something that it does not take.
    #[error("bad substitution")]
    BadSubstitution,
    /// What follows a name is no operator.
    #[error("missing closing brace")]
    MissingClosingBrace,
    /// There is no name after `${`.
    #[error("unable to parse variable name")]
    VariableName,
    /// An operator's argument is missing.
    #[error("unable to parse substitution within function")]
    Argument,
    /// Substitutions within substitutions, too many.
    #[error("substitutions are nested more than {} deep", crate::limit::DEEPEST)]
    TooDeep,
}

/// Why a template has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A variable that is not there, and nothing to take in its place.
    #[error("variable not set (strict mode): {0:?}")]
    NotSet(String),
    /// `${name:position:length}` ends before it begins.
    #[error("the length of a part of {0:?} is negative")]
    NegativeLength(String),
    /// The text becomes too long.
    #[error("the text becomes longer than {} bytes", crate::limit::LONGEST)]
    TooLong,
    /// Patterns and values that take too much work to compare.
    #[error("the patterns take too long to compare with the values")]
    TooMuchWork,
}
