//! What an evaluation runs: names and functions resolved, patterns compiled, conversions of literals done.
//!
//! Source: cel-go `interpreter/planner.go`, `interpreter/decorators.go` with `OptOptimize` (0.27).

mod build;

use crate::function::Function;
use crate::regex::Pattern;
use crate::value::Constant;

pub(crate) use build::build;

#[derive(Debug)]
pub(crate) enum Plan {
    Constant(Constant),
    Variable(Variable),
    /// The variable of a macro, counted from the outermost.
    Local(usize),
    Qualify(Box<Qualify>),
    Conditional(Box<[Plan; 3]>),
    And(Box<[Plan; 2]>),
    Or(Box<[Plan; 2]>),
    Equal {
        operands: Box<[Plan; 2]>,
        negated: bool,
    },
    Call {
        function: &'static Function,
        arguments: Vec<Plan>,
    },
    /// A function that is not there, which only running it tells.
    Unknown {
        name: Box<str>,
        arguments: Vec<Plan>,
    },
    /// `matches` with a literal pattern.
    Matches {
        text: Box<Plan>,
        pattern: Box<Pattern>,
    },
    List(Vec<Element>),
    Map(Vec<Entry>),
    Fold(Box<Fold>),
    OptionalMap(Box<OptionalMap>),
    /// `optional.or(other)`, `optional.orValue(other)`
    OptionalOr {
        operands: Box<[Plan; 2]>,
        unwrap: bool,
    },
}

#[derive(Debug)]
pub(crate) struct Variable {
    pub(crate) name: Box<str>,
    /// The type that the name stands for if there is no such variable.
    pub(crate) type_name: Option<&'static str>,
    /// What is said to be missing: the name and the fields that are asked of it.
    pub(crate) missing: Box<str>,
}

/// A field, element or entry of something.
#[derive(Debug)]
pub(crate) struct Qualify {
    pub(crate) operand: Plan,
    pub(crate) key: Plan,
    pub(crate) mode: Mode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Required,
    Optional,
    /// Only whether it is there.
    Test,
}

#[derive(Debug)]
pub(crate) struct Element {
    pub(crate) value: Plan,
    pub(crate) optional: bool,
}

#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: Plan,
    pub(crate) value: Plan,
    pub(crate) optional: bool,
}

#[derive(Debug)]
pub(crate) struct Fold {
    pub(crate) range: Plan,
    pub(crate) step: Step,
}

#[derive(Debug)]
pub(crate) enum Step {
    All(Plan),
    Exists(Plan),
    ExistsOne(Plan),
    Collect {
        predicate: Option<Plan>,
        /// The element itself, if there is nothing to make of it.
        result: Option<Plan>,
    },
}

#[derive(Debug)]
pub(crate) struct OptionalMap {
    pub(crate) target: Plan,
    pub(crate) body: Plan,
    pub(crate) flat: bool,
}
