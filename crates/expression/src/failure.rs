//! Why a part of an expression has no value.
//!
//! In CEL this is a value among others: `||`, `&&` and the quantifiers absorb it. Running out of budget is
//! not absorbed.

use std::fmt;
use std::rc::Rc;

#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// What cel-go says.
    Text(Rc<str>),
    /// A function has no overload for its arguments; the caller knows the words.
    Unmatched,
    /// The budget is used up.
    Exhausted,
}

impl Failure {
    pub(crate) fn text(text: impl Into<Rc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// An operand is of a wrong type.
    pub(crate) fn no_overload() -> Self {
        Self::text("no such overload")
    }

    /// Whether it ends the evaluation, whatever is around it.
    pub(crate) const fn is_final(&self) -> bool {
        matches!(self, Self::Exhausted)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Unmatched => f.write_str("no such overload"),
            Self::Exhausted => f.write_str("operation cancelled: actual cost limit exceeded"),
        }
    }
}
