//! From source to tree.
//!
//! The grammar is that of the `cel` crate, whose generated parser recovers from errors and words them as cel-go's does.
//! This is the only module that names the crate. Its parser recurses deeply, so it gets a thread of its own, with a
//! stack for the deepest source that [`depth`] lets through; a panic in it is an error, too.
//! Source: cel-go `parser/parser.go` (0.27).

mod syntax_error;
mod tree;

use std::thread;

use cel::Env;

use crate::ast::Node;
use crate::depth;
use crate::issue::{Issue, Issues};

/// How deep a tree may be.
pub(crate) const MAX_DEPTH: usize = 250;

/// How many characters a source may have.
const MAX_LENGTH: usize = 100_000;

/// Enough for the parser at [`MAX_DEPTH`]; without optimisation it needs twenty times as much. Only what is used is ever
/// backed by memory.
const STACK_SIZE: usize = if cfg!(debug_assertions) {
    128 << 20
} else {
    16 << 20
};

/// Parses and expands macros.
pub(crate) fn parse(source: &str) -> Result<Node, Issues> {
    let length = source.chars().count();
    if length > MAX_LENGTH {
        return Err(as_a_whole(
            source,
            format!("expression code point size exceeds limit: size: {length}, limit {MAX_LENGTH}"),
        ));
    }
    if depth::measure(source) > MAX_DEPTH {
        return Err(as_a_whole(
            source,
            format!("expression recursion limit exceeded: {MAX_DEPTH}"),
        ));
    }
    let parsed = thread::scope(|scope| {
        thread::Builder::new()
            .stack_size(STACK_SIZE)
            .spawn_scoped(scope, || parse_here(source))
            .map(thread::ScopedJoinHandle::join)
    });
    match parsed {
        Ok(Ok(parsed)) => parsed.map_err(|issues| Issues::new(source, issues)),
        Ok(Err(_)) => Err(as_a_whole(source, "the parser failed".to_owned())),
        Err(error) => Err(as_a_whole(
            source,
            format!("the parser cannot start: {error}"),
        )),
    }
}

fn parse_here(source: &str) -> Result<Node, Vec<Issue>> {
    let depth = u16::try_from(MAX_DEPTH + 2).unwrap_or(u16::MAX);
    // An environment without functions leaves macros as the calls they are written as.
    let parser = Env::default().parser().max_recursion_depth(depth);
    match parser.parse_with_source_info(source) {
        Ok((tree, places)) => tree::convert(source, tree, &places),
        Err(errors) => Err(syntax_error::convert(source, &errors)),
    }
}

fn as_a_whole(source: &str, message: String) -> Issues {
    Issues::new(
        source,
        vec![Issue {
            place: None,
            message,
        }],
    )
}
