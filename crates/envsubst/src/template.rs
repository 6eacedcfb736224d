//! What there is to use.

use crate::{Error, ParseError, evaluate, node::Node, parse};

/// A text with variables in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template<'a>(pub(crate) Vec<Node<'a>>);

impl<'a> Template<'a> {
    /// Reads `text`. What follows a NUL is not part of it.
    ///
    /// # Errors
    /// When a substitution in it cannot be read.
    pub fn parse(text: &'a str) -> Result<Self, ParseError> {
        parse::template(text).map(Self)
    }

    /// Whether it is its own value, apart from `$$`.
    pub fn is_plain(&self) -> bool {
        self.0.iter().all(|node| matches!(node, Node::Text(_)))
    }

    /// Puts in the variables' values, which `lookup` knows.
    ///
    /// # Errors
    /// When `lookup` does not know a variable that has no default, or a limit is passed.
    pub fn evaluate<'v>(
        &self,
        lookup: impl Fn(&str) -> Option<&'v [u8]>,
    ) -> Result<Vec<u8>, Error> {
        evaluate::template(&self.0, &lookup)
    }
}
