//! YAML as Go's parsers read it and as Go's emitters print it.
//!
//! Kubernetes tools written in Go use two libraries at once. kyaml reads and edits documents with
//! yaml **v3**, a node tree under mostly YAML 1.2 rules; sigs.k8s.io/yaml decodes configuration and
//! prints objects with yaml **v2** under YAML 1.1 rules. Both share libyaml's grammar. Output that
//! agrees byte for byte therefore needs both sets of rules over one parser.
//!
//! A text becomes [`Node`]s ([`parse_documents`]); nodes are typed, and printed, in [`v3`] and
//! [`v2`]. Comments are kept where a text is to be written again ([`parse_document`]).

mod base64;
mod compose;
mod decoded;
mod document;
mod emit;
mod error;
mod json;
mod node;
mod number;
mod parser;
mod reader;
mod resolve;
mod scanner;
mod timestamp;
pub mod v2;
pub mod v3;

pub use compose::MAX_DEPTH;
pub use decoded::DecodeError;
pub use document::Document;
pub use error::ParseError;
pub use json::{write_json, write_json_string};
pub use node::{Kind, Mapping, MergeError, Node, Scalar, ScalarStyle, Sequence, Tag, Text};

use compose::{Extent, compose, compose_document};
use error::Version;
use reader::Input;

/// Reads every document of a stream as go-yaml v3 does.
///
/// Aliases are replaced by copies; merge keys stay, see [`Node::inflate_merges`]. An empty stream
/// has no documents, an empty document is a null.
///
/// # Errors
///
/// The first fault of the stream, in go-yaml's words.
pub fn parse_documents(text: &str) -> Result<Vec<Node>, ParseError> {
    compose(&Input::from_str(text), Version::V3, Extent::All)
}

/// Reads the first document of a stream as go-yaml v3 does; none if there is not any.
///
/// # Errors
///
/// The first fault up to the start of the next document, in go-yaml's words.
pub fn parse_first(text: &str) -> Result<Option<Node>, ParseError> {
    compose(&Input::from_str(text), Version::V3, Extent::First)
        .map(|nodes| nodes.into_iter().next())
}

/// As [`parse_first`], with the comments.
///
/// # Errors
///
/// As [`parse_first`].
pub fn parse_document(text: &str) -> Result<Option<Document>, ParseError> {
    compose_document(&Input::from_str(text))
}

/// As [`parse_first`], for bytes that may be UTF-16 with a byte order mark or no text at all.
///
/// # Errors
///
/// As [`parse_first`].
pub fn parse_first_bytes(bytes: &[u8]) -> Result<Option<Node>, ParseError> {
    let input = Input::from_bytes(bytes);
    compose(&input, Version::V3, Extent::First).map(|nodes| nodes.into_iter().next())
}
