//! A template as a tree.

use std::borrow::Cow;

use crate::{Error, ParseError, evaluate, parse};

/// A text with variables in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template<'a>(pub(crate) Vec<Node<'a>>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node<'a> {
    Text(Cow<'a, str>),
    Call(Call<'a>),
}

/// A variable, and what is done with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call<'a> {
    pub(crate) variable: &'a str,
    pub(crate) operator: Operator,
    pub(crate) arguments: Vec<Node<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    /// `${v}`, and `${v,^}`, which means nothing.
    Value,
    /// `${#v}`
    Length,
    /// `${v,}` `${v,,}` `${v^}` `${v^^}`
    Case { upper: bool, all: bool },
    /// `${v:position}` `${v:position:length}`
    Part,
    /// `${v#p}` `${v##p}` `${v%p}` `${v%%p}`
    Trim { suffix: bool, longest: bool },
    /// `${v/a/b}` `${v//a/b}` `${v/#a/b}` `${v/%a/b}`
    Replace(Replace),
    /// `${v=d}` and those with a colon: `=`, `-`, `?`, `+`, which all mean the same.
    Default,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replace {
    First,
    All,
    Prefix,
    Suffix,
}

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
