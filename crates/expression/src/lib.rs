//! CEL, the Common Expression Language, as Flux compiles and runs it.
//!
//! An [`Expression`] is parsed, checked against the variables of an [`Environment`] and planned once; it then runs on
//! JSON without copying it. Values, types and error texts are those of cel-go in the environment that Flux sets up, which
//! the tests hold against cel-go itself; what differs is that every evaluation has a budget, so that no expression can
//! hold a worker.
//!
//! The parser is the `cel` crate's; checker and evaluation are ours, because that crate checks nothing, bounds
//! nothing and differs in functions and errors.
//!
//! Source: fluxcd/pkg `runtime/cel` (0.110); cel-go 0.27.

mod ast;
mod budget;
mod check;
mod depth;
mod environment;
mod error;
mod evaluate;
mod expression;
mod failure;
mod format;
mod function;
mod issue;
mod number;
mod parse;
mod plan;
mod regex;
mod static_type;
mod value;

pub use environment::{Environment, Numbers};
pub use error::{CompileError, EvaluateError};
pub use expression::{Expression, Type, Variables};
