//! The functions of the language: one table for the checker and the evaluation.
//!
//! A row is a name, how calls are told apart at run time, what it does, and its signatures in cel-go's order, of
//! which the first that fits gives the static type.
//! Source: cel-go `common/stdlib/standard.go`, `cel/library.go`, `ext/{strings,sets,encoders}.go` (0.27).

pub(crate) mod convert;
mod encoders;
mod operator;
mod optional;
mod sets;
mod signature;
mod strings;
mod time;

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::budget::Budget;
use crate::failure::Failure;
use crate::format;
use crate::value::Value;
pub(crate) use operator::lacks;
pub(crate) use signature::Overload;
pub(crate) use strings::search;

/// What a function does with its arguments, of which the first is the target of a member call.
pub(crate) type Apply = for<'a> fn(&mut Budget, &[Value<'a>]) -> Result<Value<'a>, Failure>;

#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) dispatch: Dispatch,
    pub(crate) apply: Apply,
    pub(crate) overloads: Vec<Overload>,
}

/// Which calls reach a function at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dispatch {
    /// Those with so many arguments; others are refused before there are values.
    Exactly(usize),
    /// All; the function looks for itself.
    Any,
    /// The planner makes a node of its own of it.
    Planned,
}

impl Function {
    /// Looks a function up by its name, qualified as it is written.
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        static FUNCTIONS: LazyLock<HashMap<&str, Function>> = LazyLock::new(|| {
            TABLE
                .iter()
                .map(|&(name, dispatch, apply, signatures)| {
                    let function = Function {
                        name,
                        dispatch,
                        apply,
                        overloads: signatures.iter().map(|text| Overload::read(text)).collect(),
                    };
                    (name, function)
                })
                .collect()
        });
        FUNCTIONS.get(name)
    }

    /// Whether calls on constants are calculated, and may fail, before there are variables.
    pub(crate) fn is_conversion(&self) -> bool {
        matches!(
            self.name,
            "bool"
                | "bytes"
                | "double"
                | "duration"
                | "dyn"
                | "int"
                | "string"
                | "timestamp"
                | "type"
                | "uint"
        )
    }

    /// Calls it.
    pub(crate) fn call<'a>(
        &self,
        budget: &mut Budget,
        arguments: &[Value<'a>],
    ) -> Result<Value<'a>, Failure> {
        (self.apply)(budget, arguments).map_err(|failure| match failure {
            Failure::Unmatched => {
                let types: Vec<_> = arguments.iter().map(Value::type_name).collect();
                Failure::text(format!(
                    "no such overload: {}({})",
                    self.name,
                    types.join(", ")
                ))
            }
            other => other,
        })
    }
}

type Row = (&'static str, Dispatch, Apply, &'static [&'static str]);

const UNARY: Dispatch = Dispatch::Exactly(1);
const BINARY: Dispatch = Dispatch::Exactly(2);

/// The signatures of the comparisons.
const ORDERED: &[&str] = &[
    "(bool, bool) -> bool",
    "(int, int) -> bool",
    "(int, double) -> bool",
    "(int, uint) -> bool",
    "(uint, uint) -> bool",
    "(uint, double) -> bool",
    "(uint, int) -> bool",
    "(double, double) -> bool",
    "(double, int) -> bool",
    "(double, uint) -> bool",
    "(string, string) -> bool",
    "(bytes, bytes) -> bool",
    "(timestamp, timestamp) -> bool",
    "(duration, duration) -> bool",
];

/// The signatures of the parts of a moment.
const PART: &[&str] = &["timestamp.() -> int", "timestamp.(string) -> int"];

/// The signatures of the parts that a span has, too.
const PART_OR_SPAN: &[&str] = &[
    "timestamp.() -> int",
    "timestamp.(string) -> int",
    "duration.() -> int",
];

#[rustfmt::skip]
const TABLE: &[Row] = &[
    // What the planner takes apart.
    ("_?_:_", Dispatch::Planned, planned, &["(bool, A, A) -> A"]),
    ("_&&_", Dispatch::Planned, planned, &["(bool, bool) -> bool"]),
    ("_||_", Dispatch::Planned, planned, &["(bool, bool) -> bool"]),
    ("_==_", Dispatch::Planned, planned, &["(A, A) -> bool"]),
    ("_!=_", Dispatch::Planned, planned, &["(A, A) -> bool"]),
    ("_[_]", Dispatch::Planned, planned, &[
        "(list(A), int) -> A",
        "(map(A, B), A) -> B",
        "(optional(list(V)), int) -> optional(V)",
        "(optional(map(K, V)), K) -> optional(V)",
    ]),
    ("_[?_]", Dispatch::Planned, planned, &[
        "(list(V), int) -> optional(V)",
        "(optional(list(V)), int) -> optional(V)",
        "(map(K, V), K) -> optional(V)",
        "(optional(map(K, V)), K) -> optional(V)",
    ]),
    ("or", Dispatch::Planned, planned, &["optional(V).(optional(V)) -> optional(V)"]),
    ("orValue", Dispatch::Planned, planned, &["optional(V).(V) -> V"]),

    // Operators.
    ("!_", UNARY, operator::not, &["(bool) -> bool"]),
    ("-_", UNARY, operator::negate, &["(double) -> double", "(int) -> int"]),
    ("_+_", BINARY, operator::add, &[
        "(bytes, bytes) -> bytes",
        "(double, double) -> double",
        "(duration, duration) -> duration",
        "(duration, timestamp) -> timestamp",
        "(timestamp, duration) -> timestamp",
        "(int, int) -> int",
        "(list(A), list(A)) -> list(A)",
        "(string, string) -> string",
        "(uint, uint) -> uint",
    ]),
    ("_-_", BINARY, operator::subtract, &[
        "(double, double) -> double",
        "(duration, duration) -> duration",
        "(int, int) -> int",
        "(timestamp, duration) -> timestamp",
        "(timestamp, timestamp) -> duration",
        "(uint, uint) -> uint",
    ]),
    ("_*_", BINARY, operator::multiply, &["(double, double) -> double", "(int, int) -> int", "(uint, uint) -> uint"]),
    ("_/_", BINARY, operator::divide, &["(double, double) -> double", "(int, int) -> int", "(uint, uint) -> uint"]),
    ("_%_", BINARY, operator::modulo, &["(int, int) -> int", "(uint, uint) -> uint"]),
    ("_<_", BINARY, operator::less, ORDERED),
    ("_<=_", BINARY, operator::less_equals, ORDERED),
    ("_>_", BINARY, operator::greater, ORDERED),
    ("_>=_", BINARY, operator::greater_equals, ORDERED),
    ("@in", BINARY, operator::contained, &["(A, list(A)) -> bool", "(A, map(A, B)) -> bool"]),

    // Sizes and conversions.
    ("size", UNARY, operator::size, &[
        "(bytes) -> int", "bytes.() -> int",
        "(list(A)) -> int", "list(A).() -> int",
        "(map(A, B)) -> int", "map(A, B).() -> int",
        "(string) -> int", "string.() -> int",
    ]),
    ("type", UNARY, convert::to_type, &["(A) -> type(A)"]),
    ("dyn", UNARY, convert::to_dyn, &["(A) -> dyn"]),
    ("bool", Dispatch::Any, convert::to_bool, &["(bool) -> bool", "(string) -> bool"]),
    ("bytes", Dispatch::Any, convert::to_bytes, &["(bytes) -> bytes", "(string) -> bytes"]),
    ("double", Dispatch::Any, convert::to_double, &[
        "(double) -> double", "(int) -> double", "(string) -> double", "(uint) -> double",
    ]),
    ("duration", Dispatch::Any, convert::to_duration, &[
        "(duration) -> duration", "(int) -> duration", "(string) -> duration",
    ]),
    ("int", Dispatch::Any, convert::to_int, &[
        "(int) -> int", "(double) -> int", "(duration) -> int",
        "(string) -> int", "(timestamp) -> int", "(uint) -> int",
    ]),
    ("string", Dispatch::Any, convert::to_string, &[
        "(string) -> string", "(bool) -> string", "(bytes) -> string", "(double) -> string",
        "(duration) -> string", "(int) -> string", "(timestamp) -> string", "(uint) -> string",
    ]),
    ("timestamp", Dispatch::Any, convert::to_timestamp, &[
        "(timestamp) -> timestamp", "(int) -> timestamp", "(string) -> timestamp",
    ]),
    ("uint", Dispatch::Any, convert::to_uint, &[
        "(uint) -> uint", "(double) -> uint", "(int) -> uint", "(string) -> uint",
    ]),

    // Texts.
    ("contains", BINARY, strings::contains, &["string.(string) -> bool"]),
    ("endsWith", BINARY, strings::ends_with, &["string.(string) -> bool"]),
    ("startsWith", BINARY, strings::starts_with, &["string.(string) -> bool"]),
    ("matches", BINARY, strings::matches, &["(string, string) -> bool", "string.(string) -> bool"]),
    ("charAt", BINARY, strings::char_at, &["string.(int) -> string"]),
    ("indexOf", Dispatch::Any, strings::index_of, &["string.(string) -> int", "string.(string, int) -> int"]),
    ("lastIndexOf", Dispatch::Any, strings::last_index_of, &["string.(string) -> int", "string.(string, int) -> int"]),
    ("lowerAscii", UNARY, strings::lower_ascii, &["string.() -> string"]),
    ("replace", Dispatch::Any, strings::replace, &[
        "string.(string, string) -> string", "string.(string, string, int) -> string",
    ]),
    ("split", Dispatch::Any, strings::split, &[
        "string.(string) -> list(string)", "string.(string, int) -> list(string)",
    ]),
    ("substring", Dispatch::Any, strings::substring, &["string.(int) -> string", "string.(int, int) -> string"]),
    ("trim", UNARY, strings::trim, &["string.() -> string"]),
    ("upperAscii", UNARY, strings::upper_ascii, &["string.() -> string"]),
    ("format", Dispatch::Any, format::format, &["string.(list(dyn)) -> string"]),
    ("strings.quote", UNARY, strings::quote, &["(string) -> string"]),
    ("join", Dispatch::Any, strings::join, &["list(string).() -> string", "list(string).(string) -> string"]),
    ("reverse", UNARY, strings::reverse, &["string.() -> string"]),
    ("base64.decode", UNARY, encoders::decode, &["(string) -> bytes"]),
    ("base64.encode", UNARY, encoders::encode, &["(bytes) -> string"]),

    // Sets.
    ("sets.contains", BINARY, sets::contains, &["(list(T), list(T)) -> bool"]),
    ("sets.equivalent", BINARY, sets::equivalent, &["(list(T), list(T)) -> bool"]),
    ("sets.intersects", BINARY, sets::intersects, &["(list(T), list(T)) -> bool"]),

    // Optionals.
    ("optional.of", UNARY, optional::of, &["(V) -> optional(V)"]),
    ("optional.ofNonZeroValue", UNARY, optional::of_non_zero_value, &["(V) -> optional(V)"]),
    ("optional.none", Dispatch::Any, optional::none, &["() -> optional(V)"]),
    ("optional.unwrap", UNARY, optional::unwrap, &["(list(optional(V))) -> list(V)"]),
    ("unwrapOpt", UNARY, optional::unwrap, &["list(optional(V)).() -> list(V)"]),
    ("value", UNARY, optional::value, &["optional(V).() -> V"]),
    ("hasValue", UNARY, optional::has_value, &["optional(V).() -> bool"]),
    ("first", UNARY, optional::first, &["list(V).() -> optional(V)"]),
    ("last", UNARY, optional::last, &["list(V).() -> optional(V)"]),

    // Moments and spans.
    ("getFullYear", Dispatch::Any, time::year, PART),
    ("getMonth", Dispatch::Any, time::month, PART),
    ("getDayOfYear", Dispatch::Any, time::day_of_year, PART),
    ("getDayOfMonth", Dispatch::Any, time::day_of_month, PART),
    ("getDate", Dispatch::Any, time::date, PART),
    ("getDayOfWeek", Dispatch::Any, time::day_of_week, PART),
    ("getHours", Dispatch::Any, time::hours, PART_OR_SPAN),
    ("getMinutes", Dispatch::Any, time::minutes, PART_OR_SPAN),
    ("getSeconds", Dispatch::Any, time::seconds, PART_OR_SPAN),
    ("getMilliseconds", Dispatch::Any, time::milliseconds, PART_OR_SPAN),
];

/// Stands in rows that the planner never calls.
fn planned<'a>(_: &mut Budget, _: &[Value<'a>]) -> Result<Value<'a>, Failure> {
    Err(Failure::Unmatched)
}

/// Whether a value fits the first element of a list argument, which is all that is looked at.
fn first_is(list: &crate::value::List<'_>, fits: impl Fn(&Value<'_>) -> bool) -> bool {
    list.get(0).is_none_or(|first| fits(&first))
}

#[cfg(test)]
mod tests {
    use super::{Function, TABLE};

    #[test]
    fn every_row_is_found_under_its_own_name() {
        for (name, _, _, signatures) in TABLE {
            let function = Function::find(name).unwrap();
            assert_eq!(function.name, *name);
            assert_eq!(function.overloads.len(), signatures.len());
        }
    }
}
