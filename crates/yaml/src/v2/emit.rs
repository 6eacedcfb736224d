//! Objects as sigs.k8s.io/yaml prints them.
//!
//! kustomize prints an object through JSON: the tree is decoded by version 3, encoded by Go's
//! `encoding/json`, read by version 2 and printed by it. What that changes is done here at once:
//! types are those of version 3, a float that JSON writes as an integer becomes one, and text that
//! version 2 cannot read in JSON fails. Only block style is ever printed.
//!
//! Source: encode.go and emitterc.go of go.yaml.in/yaml/v2 2.4.2; `JSONToYAML` in sigs.k8s.io/yaml
//! 1.5.0.

use std::borrow::Cow;

use serde_json::Value;

use crate::compose::{Extent, compose};
use crate::decoded::DecodeError;
use crate::emit::{Analysis, Place, Writer, choose_style, write_scalar};
use crate::error::{ParseError, Version};
use crate::json::{number_text, write_json, write_json_string};
use crate::node::{Node, ScalarStyle};
use crate::number::{self, Number, format_json, format_yaml};
use crate::reader::Input;
use crate::resolve::{Resolved, resolve_plain};
use crate::v3::{Position, Typed, type_scalar};

use super::key_order::sort_by_key;

/// Longest key that is written without `?`, in bytes.
const MAX_SIMPLE_KEY: usize = 128;

/// Longest key, quoted, that version 2 recognises in JSON, in characters.
const MAX_JSON_KEY: usize = 1024;

/// Why an object cannot be printed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmitError {
    /// The tree has no JSON.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// Version 2 cannot read the JSON.
    #[error(transparent)]
    Json(#[from] ParseError),
}

/// Appends a document as kustomize prints an object. On an error `out` is as before.
///
/// # Errors
///
/// See [`EmitError`].
pub fn emit_node(node: &Node, out: &mut Vec<u8>) -> Result<(), EmitError> {
    let length = out.len();
    if !matches!(node, Node::Scalar(_)) && emit_document(node, out).is_ok() {
        return Ok(());
    }
    // Merge keys and everything that fails take the way that Go takes, for its errors.
    out.truncate(length);
    let value = crate::v3::to_json(node)?;
    emit_value(&value, out)
}

/// Appends a JSON value as sigs.k8s.io/yaml prints it. On an error `out` is as before.
///
/// # Errors
///
/// [`EmitError::Json`] if version 2 cannot read a string of it.
pub fn emit_value(value: &Value, out: &mut Vec<u8>) -> Result<(), EmitError> {
    let length = out.len();
    let result = emit_document(value, out);
    if result.is_err() {
        out.truncate(length);
    }
    result.map_err(|Unfit| json_fault(value).into())
}

/// As [`emit_value`], into a new buffer.
///
/// # Errors
///
/// As [`emit_value`].
pub fn emit(value: &Value) -> Result<Vec<u8>, EmitError> {
    let mut out = Vec::new();
    emit_value(value, &mut out)?;
    Ok(out)
}

/// The direct way does not do: the value needs [`crate::v3::to_json`], or cannot be printed.
struct Unfit;

/// What version 2 finds wrong in the JSON of `value`.
fn json_fault(value: &Value) -> ParseError {
    let mut json = Vec::new();
    write_json(value, &mut json);
    match compose(&Input::from_bytes(&json), Version::V2, Extent::First) {
        Err(error) => error,
        Ok(_) => ParseError::without_line("unknown problem parsing YAML content"),
    }
}

/// What can be printed.
trait Model: Sized {
    fn view(&self, place: ModelPlace) -> Result<View<'_, Self>, Unfit>;
}

#[derive(Clone, Copy)]
struct ModelPlace {
    root: bool,
    flow: bool,
}

enum View<'a, M> {
    /// Null, a bool or a number.
    Plain(Cow<'a, str>),
    Text(Cow<'a, str>),
    Sequence {
        items: &'a [M],
        flow: bool,
    },
    Mapping {
        entries: Vec<(&'a str, &'a M)>,
        flow: bool,
    },
}

impl Model for Value {
    fn view(&self, _: ModelPlace) -> Result<View<'_, Self>, Unfit> {
        Ok(match self {
            Self::Null => View::Plain(Cow::Borrowed("null")),
            Self::Bool(true) => View::Plain(Cow::Borrowed("true")),
            Self::Bool(false) => View::Plain(Cow::Borrowed("false")),
            Self::Number(number) => View::Plain(Cow::Owned(reread_number(number_text(number)))),
            Self::String(text) => View::Text(Cow::Borrowed(text)),
            Self::Array(items) => View::Sequence { items, flow: false },
            Self::Object(map) => View::Mapping {
                entries: map
                    .iter()
                    .map(|(key, value)| (key.as_str(), value))
                    .collect(),
                flow: false,
            },
        })
    }
}

impl Model for Node {
    fn view(&self, ModelPlace { root, flow }: ModelPlace) -> Result<View<'_, Self>, Unfit> {
        Ok(match self {
            Self::Scalar(scalar) => {
                let position = Position { flow, key: false };
                match type_scalar(scalar, position).map_err(|_| Unfit)? {
                    Typed::Null => View::Plain(Cow::Borrowed("null")),
                    Typed::Bool(true) => View::Plain(Cow::Borrowed("true")),
                    Typed::Bool(false) => View::Plain(Cow::Borrowed("false")),
                    Typed::Number(Number::Int(int)) => View::Plain(int.to_string().into()),
                    Typed::Number(Number::Uint(uint)) => View::Plain(uint.to_string().into()),
                    Typed::Number(Number::Float(float)) if float.is_finite() => {
                        View::Plain(reread_number(format_json(float)).into())
                    }
                    Typed::Timestamp(time) if time.has_printable_offset() => {
                        View::Text(Cow::Owned(time.to_string()))
                    }
                    Typed::Text(text) | Typed::TaggedText(text) => View::Text(text),
                    Typed::Number(_) | Typed::Timestamp(_) | Typed::Merge => {
                        return Err(Unfit);
                    }
                }
            }
            Self::Sequence(sequence) => View::Sequence {
                items: &sequence.items,
                flow: flow || sequence.flow,
            },
            Self::Mapping(mapping) => {
                let flow = flow || mapping.flow;
                let mut entries = Vec::with_capacity(mapping.len());
                for (key, value) in mapping.iter() {
                    let Self::Scalar(scalar) = key else {
                        return Err(Unfit);
                    };
                    match type_scalar(scalar, Position { flow, key: true }) {
                        Ok(Typed::Text(_)) => {}
                        Ok(Typed::Bool(_) | Typed::Number(_) | Typed::Timestamp(_)) if root => {}
                        _ => return Err(Unfit),
                    }
                    entries.push((scalar.text.as_str(), value));
                }
                View::Mapping { entries, flow }
            }
        })
    }
}

/// Version 2 reads JSON's number as an integer if it can.
fn reread_number(text: String) -> String {
    match number::parse(&text, false) {
        Some(Number::Int(int)) => int.to_string(),
        Some(Number::Uint(uint)) => uint.to_string(),
        Some(Number::Float(float)) => format_yaml(float),
        None => text,
    }
}

fn emit_document<M: Model>(model: &M, out: &mut Vec<u8>) -> Result<(), Unfit> {
    let mut emitter = Emitter {
        writer: Writer::new(out, Version::V2),
        json: Vec::new(),
    };
    let place = ModelPlace {
        root: true,
        flow: false,
    };
    emitter.value(model, place, None, false)?;
    emitter.writer.put_indent(0);
    Ok(())
}

struct Emitter<'a> {
    writer: Writer<'a>,
    /// Scratch space for a string's JSON.
    json: Vec<u8>,
}

impl Emitter<'_> {
    /// Prints a value inside a collection at column `indent`.
    fn value<M: Model>(
        &mut self,
        model: &M,
        place: ModelPlace,
        indent: Option<usize>,
        in_mapping: bool,
    ) -> Result<(), Unfit> {
        let deeper = indent.map_or(0, |indent| indent + 2);
        match model.view(place)? {
            View::Plain(text) => {
                self.writer.put_space();
                self.writer.put_suffix(&text);
            }
            View::Text(text) => self.text(&text, Context::Value(indent))?,
            View::Sequence { items: [], .. } => {
                self.writer.put_open("[");
                self.writer.put_suffix("]");
            }
            View::Sequence { items, flow } => {
                let indent = match indent {
                    Some(indent) if in_mapping && !self.writer.indention => indent,
                    _ => deeper,
                };
                let place = ModelPlace { root: false, flow };
                for item in items {
                    self.writer.put_indent(indent);
                    self.writer.put_indicator("-", true);
                    self.value(item, place, Some(indent), false)?;
                }
            }
            View::Mapping { entries, .. } if entries.is_empty() => {
                self.writer.put_open("{");
                self.writer.put_suffix("}");
            }
            View::Mapping { mut entries, flow } => {
                sort_by_key(&mut entries, |(key, _)| key);
                // Equal keys need not stand side by side only if the order contradicts itself.
                if entries.is_sorted_by(|(a, _), (b, _)| a != b) {
                    self.entries(&entries, ModelPlace { root: false, flow }, deeper)?;
                } else {
                    return Err(Unfit);
                }
            }
        }
        Ok(())
    }

    fn entries<M: Model>(
        &mut self,
        entries: &[(&str, &M)],
        place: ModelPlace,
        indent: usize,
    ) -> Result<(), Unfit> {
        for (key, value) in entries {
            self.writer.put_indent(indent);
            if key.len() <= MAX_SIMPLE_KEY && !Analysis::of(key, Version::V2).multiline {
                self.text(key, Context::SimpleKey)?;
                self.writer.put_suffix(":");
            } else {
                self.writer.put_indicator("?", true);
                self.text(key, Context::ComplexKey(indent))?;
                self.writer.put_indent(indent);
                self.writer.put_indicator(":", true);
            }
            self.value(*value, place, Some(indent), true)?;
        }
        Ok(())
    }

    fn text(&mut self, text: &str, context: Context) -> Result<(), Unfit> {
        let reread = self.through_json(text, context)?;
        let text = reread.as_deref().unwrap_or(text);
        let analysis = Analysis::of(text, Version::V2);
        let wish = if analysis.multiline && text.contains('\n') {
            ScalarStyle::Literal
        } else if resolve_plain(text, Version::V2) == Resolved::Str && !is_base_60(text) {
            ScalarStyle::Plain
        } else {
            ScalarStyle::DoubleQuoted
        };
        let (simple_key, indent) = match context {
            Context::SimpleKey => (true, 0),
            Context::ComplexKey(indent) => (false, indent + 2),
            Context::Value(indent) => (false, indent.map_or(2, |indent| indent + 2)),
        };
        let place = Place {
            flow: false,
            simple_key,
            indent,
        };
        let style = choose_style(text, analysis, wish, place);
        write_scalar(&mut self.writer, text, analysis, style, place, "");
        Ok(())
    }

    /// What version 2 reads when Go's JSON encoder has written `text`; nothing if it is the same.
    fn through_json(&mut self, text: &str, context: Context) -> Result<Option<String>, Unfit> {
        let is_key = !matches!(context, Context::Value(_));
        let long_key = is_key && text.len() * 6 + 2 > MAX_JSON_KEY;
        if !long_key && !text.bytes().any(|byte| matches!(byte, 0x7F | 0xC2 | 0xEF)) {
            return Ok(None);
        }
        self.json.clear();
        write_json_string(text, &mut self.json);
        let json = std::str::from_utf8(&self.json).unwrap_or_default();
        let input = Input::from_str(json);
        let spans_lines = text.contains('\u{85}');
        if input.problem.is_some()
            || (is_key && (spans_lines || json.chars().count() > MAX_JSON_KEY))
        {
            return Err(Unfit);
        }
        if !spans_lines {
            return Ok(None);
        }
        let nodes = compose(&input, Version::V2, Extent::First).map_err(|_| Unfit)?;
        Ok(nodes.first().and_then(Node::as_str).map(str::to_owned))
    }
}

#[derive(Clone, Copy)]
enum Context {
    SimpleKey,
    /// After `?` at this column.
    ComplexKey(usize),
    /// In a collection at this column.
    Value(Option<usize>),
}

/// `[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?`, a number of YAML 1.1 in base 60.
fn is_base_60(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let Some((first, rest)) = unsigned.split_once(':') else {
        return false;
    };
    let is_first_digit = first.as_bytes().first().is_some_and(u8::is_ascii_digit);
    if !is_first_digit
        || !first
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'_')
    {
        return false;
    }
    let (groups, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    fraction
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'_')
        && groups
            .split(':')
            .all(|group| matches!(group.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']))
}

#[cfg(test)]
mod tests {
    use super::is_base_60;

    #[test]
    fn knows_base_60() {
        for text in [
            "1:30",
            "12:30:45",
            "-1:0",
            "+1_0:59.5_",
            "190:20:30.15",
            "1:2.",
        ] {
            assert!(is_base_60(text), "{text}");
        }
        for text in [
            "1:60", "1:", ":1", "1:2:", "a:1", "1", "_1:2", "1:123", "1:2.a",
        ] {
            assert!(!is_base_60(text), "{text}");
        }
    }
}
