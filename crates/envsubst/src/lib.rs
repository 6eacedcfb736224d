//! Shell-like variables in text, as Flux substitutes them after a build.
//!
//! `${name}` becomes the variable's value; between the name and the brace an operator may ask for its length, another case, a part
//! of it, a replacement, or a default. `$$` stands for one `$`; a `$` before anything else is only that. A template is
//! [parsed](Template::parse) whole before anything is substituted. Values are bytes, because a part of a text may end within
//! a character. Pure; depth, length and work are limited, because templates and values are other people's.
//!
//! Source: fluxcd/pkg `envsubst` 1.7, its quirks included. Where that panics (a negative length), this is an error.

mod case;
mod error;
mod evaluate;
mod glob;
mod limit;
mod node;
mod operation;
mod parse;
mod template;

pub use error::{Error, ParseError};
pub use template::Template;
