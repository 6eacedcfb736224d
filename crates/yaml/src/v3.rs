//! go.yaml.in/yaml/v3: what kyaml types and prints nodes with.
//!
//! kustomize prints an object by writing its tree as YAML, decoding that into generic values and
//! encoding those as JSON; [`to_json`] gives the same JSON without the text in between. [`emit`]
//! writes a tree as YAML in document order, with the styles it was read in; [`emit_document`] also writes the
//! comments before and after it.

mod decode;
mod emit;
mod scalar;

pub use decode::to_json;
pub use emit::{emit, emit_document};

pub(crate) use scalar::{Position, Typed, type_scalar};

use crate::error::Version;
use crate::node::Tag;
use crate::resolve::resolve_plain;

/// The type a plain text has without a tag: null, bool, int, float, timestamp or string.
pub fn resolve_tag(text: &str) -> Tag {
    resolve_plain(text, Version::V3).tag()
}
