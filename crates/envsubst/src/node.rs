//! A template as a tree.

use std::borrow::Cow;

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
