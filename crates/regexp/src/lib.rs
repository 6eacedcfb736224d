//! Go's regular expressions on Rust's engine.
//!
//! Where both have a syntax it often means something else: Go's `\d` and `\b` are ASCII, `[a&&b]`
//! is no intersection, `a**` is a fault. So patterns are read by a parser of Go's own syntax.

mod class;
mod fault;
mod parser;

use regex_automata::Input;
use regex_automata::meta::Regex;

pub use fault::InvalidPattern;

use fault::Fault;

/// The largest compiled pattern, in bytes.
const SIZE_LIMIT: usize = 10 << 20;

/// A compiled pattern.
#[derive(Debug, Clone)]
pub struct Pattern(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Any,
    Literal(Box<str>),
    Regex(Box<Regex>),
}

impl Pattern {
    /// Compiles a pattern that may match anywhere.
    ///
    /// # Errors
    /// When Go would not compile it, or it is too large.
    pub fn new(text: &str) -> Result<Self, InvalidPattern> {
        let config = regex_automata::meta::Config::new().nfa_size_limit(Some(SIZE_LIMIT));
        let regex = Regex::builder()
            .configure(config)
            .build_from_hir(&parser::parse(text)?)
            .map_err(|_| InvalidPattern::new(Fault::TooLarge, text))?;
        Ok(Self(Kind::Regex(Box::new(regex))))
    }

    /// Compiles a pattern that must match the whole text; an empty one matches anything.
    ///
    /// # Errors
    /// As [`Pattern::new`].
    pub fn anchored(text: &str) -> Result<Self, InvalidPattern> {
        if text.is_empty() {
            return Ok(Self(Kind::Any));
        }
        if text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'/'))
        {
            return Ok(Self(Kind::Literal(text.into())));
        }
        Self::new(&format!("^(?:{text})$"))
    }

    /// Whether the pattern is found in a text.
    pub fn is_match(&self, text: &str) -> bool {
        match &self.0 {
            Kind::Any => true,
            Kind::Literal(literal) => &**literal == text,
            // The engine's own `is_match` takes the earliest end, which may be a `\B` inside a
            // character, and then overlooks a match that begins before it.
            Kind::Regex(regex) => regex.search_half(&Input::new(text)).is_some(),
        }
    }
}
