//! The syntax tree that the checker and the planner walk.
//!
//! Macros are expanded already: a quantifier is a [`Fold`], `has` a [`Kind::Select`] that tests, so that no
//! later phase knows how they are written. The tree is at most [`crate::parse::MAX_DEPTH`] deep.

use crate::value::Constant;

/// An expression and where it starts.
#[derive(Debug)]
pub(crate) struct Node {
    /// Where cel-go would point to: an operator or opening bracket for calls, else the first
    /// character. Counted in characters of the source.
    pub(crate) position: usize,
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Literal(Constant),
    /// A variable or type; a leading dot asks for a global one.
    Identifier(String),
    Select(Select),
    /// `a.?b` and `a[?b]`.
    Optional(Box<Optional>),
    Call(Call),
    List(Vec<Element>),
    Map(Vec<Entry>),
    /// A message of this type; Flux knows none that a user could build.
    Message(String),
    Fold(Box<Fold>),
    OptionalMap(Box<OptionalMap>),
}

#[derive(Debug)]
pub(crate) struct Select {
    pub(crate) operand: Box<Node>,
    pub(crate) field: String,
    /// `has(operand.field)`
    pub(crate) test: bool,
}

#[derive(Debug)]
pub(crate) struct Optional {
    pub(crate) operand: Node,
    pub(crate) key: Node,
    /// Written as a field, `a.?b`.
    pub(crate) field: bool,
}

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) function: String,
    pub(crate) target: Option<Box<Node>>,
    pub(crate) arguments: Vec<Node>,
}

#[derive(Debug)]
pub(crate) struct Element {
    pub(crate) value: Node,
    pub(crate) optional: bool,
}

#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: Node,
    pub(crate) value: Node,
    pub(crate) optional: bool,
}

/// `range.all(variable, …)` and its relatives.
#[derive(Debug)]
pub(crate) struct Fold {
    pub(crate) range: Node,
    pub(crate) variable: String,
    pub(crate) step: Step,
}

/// What is done with each element.
#[derive(Debug)]
pub(crate) enum Step {
    All(Node),
    Exists(Node),
    ExistsOne(Node),
    Filter(Node),
    Map {
        /// Which elements to take; all, if there is none.
        predicate: Option<Node>,
        result: Node,
    },
}

/// `target.optMap(variable, body)`, `target.optFlatMap(variable, body)`.
#[derive(Debug)]
pub(crate) struct OptionalMap {
    pub(crate) target: Node,
    pub(crate) variable: String,
    pub(crate) body: Node,
    /// The body is an optional itself.
    pub(crate) flat: bool,
}
