//! What is asked of bodies: JSON of a certain shape, and form fields. As Go's decoder judges them: what is absent or
//! null is fine, what has another type is not.

use serde_json::{Deserializer, Value};

/// A body that is not what its sender is known to send.
#[derive(Debug, thiserror::Error)]
pub(super) enum PayloadError {
    #[error("not JSON at line {}, column {}", .0.line(), .0.column())]
    Syntax(serde_json::Error),
    #[error("no JSON in the body")]
    Empty,
    #[error("{0} is not of the expected type")]
    Type(&'static str),
}

/// The first JSON value of a body; what follows it is not looked at.
pub(super) fn first(body: &[u8]) -> Result<Value, PayloadError> {
    match Deserializer::from_slice(body).into_iter().next() {
        Some(value) => value.map_err(PayloadError::Syntax),
        None => Err(PayloadError::Empty),
    }
}

/// The JSON value that a body is.
pub(super) fn only(body: &[u8]) -> Result<Value, PayloadError> {
    serde_json::from_slice(body).map_err(PayloadError::Syntax)
}

/// The text at a path of field names; empty when there is none.
pub(super) fn text<'a>(
    value: &'a Value,
    path: &'static [&'static str],
) -> Result<&'a str, PayloadError> {
    match field(value, path)? {
        Value::Null => Ok(""),
        Value::String(text) => Ok(text),
        _ => Err(PayloadError::Type(
            path.last().copied().unwrap_or("the body"),
        )),
    }
}

/// Checks that there is a list of texts at a path of field names, or nothing.
pub(super) fn texts(value: &Value, path: &'static [&'static str]) -> Result<(), PayloadError> {
    let is_text = |item: &Value| item.is_string() || item.is_null();
    match field(value, path)? {
        Value::Null => Ok(()),
        Value::Array(items) if items.iter().all(is_text) => Ok(()),
        _ => Err(PayloadError::Type(
            path.last().copied().unwrap_or("the body"),
        )),
    }
}

/// The value at a path of field names; null when there is none.
fn field<'a>(value: &'a Value, path: &[&'static str]) -> Result<&'a Value, PayloadError> {
    let mut value = value;
    let mut at = "the body";
    for name in path {
        value = match value {
            Value::Null => return Ok(value),
            Value::Object(fields) => fields.get(*name).unwrap_or(&Value::Null),
            _ => return Err(PayloadError::Type(at)),
        };
        at = name;
    }
    Ok(value)
}

/// A form that is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed form")]
pub(super) struct FormError;

/// The first value of a field of an URL-encoded form; empty when there is none. The whole form must be well-formed.
/// Source: Go `url.ParseQuery`.
pub(super) fn form_field(body: &[u8], name: &str) -> Result<Vec<u8>, FormError> {
    let mut found = None;
    for pair in body.split(|b| *b == b'&') {
        if pair.contains(&b';') {
            return Err(FormError);
        }
        if pair.is_empty() {
            continue;
        }
        let (key, value) = match pair.iter().position(|b| *b == b'=') {
            Some(at) => pair.split_at(at),
            None => (pair, &b"="[..]),
        };
        let key = unescape(key)?;
        let value = unescape(value.strip_prefix(b"=").unwrap_or_default())?;
        if found.is_none() && key == name.as_bytes() {
            found = Some(value);
        }
    }
    Ok(found.unwrap_or_default())
}

fn unescape(text: &[u8]) -> Result<Vec<u8>, FormError> {
    let digit = |byte: Option<&u8>| {
        let digit = byte.and_then(|byte| char::from(*byte).to_digit(16));
        digit
            .and_then(|digit| u8::try_from(digit).ok())
            .ok_or(FormError)
    };
    let mut bytes = text.iter();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => digit(bytes.next())? << 4 | digit(bytes.next())?,
            byte => *byte,
        });
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_judged_as_go_judges_them() {
        const PATH: &[&str] = &["a", "b"];
        for (body, expected) in [
            (r#"{"a": {"b": "x"}}"#, Some("x")),
            (r#"{"a": {"b": "x"}} rest"#, Some("x")),
            (r#"{"a": {}}"#, Some("")),
            (r#"{"a": null}"#, Some("")),
            ("null", Some("")),
            (r#"{"a": {"b": 1}}"#, None),
            (r#"{"a": "b"}"#, None),
            ("[]", None),
            ("\"a\"", None),
            ("{", None),
            ("", None),
        ] {
            let value = first(body.as_bytes());
            let found = value.and_then(|value| Ok(text(&value, PATH)?.to_owned()));
            assert_eq!(found.ok().as_deref(), expected, "{body}");
        }
        for (body, expected) in [
            (r#"{"a": ["x", null]}"#, true),
            (r#"{"a": null}"#, true),
            ("{}", true),
            (r#"{"a": ["x", 1]}"#, false),
            (r#"{"a": "x"}"#, false),
        ] {
            let value = only(body.as_bytes()).expect("JSON");
            assert_eq!(texts(&value, &["a"]).is_ok(), expected, "{body}");
        }
        assert!(only(b"{} rest").is_err());
    }

    #[test]
    fn forms_are_read_as_go_reads_them() {
        for (body, expected) in [
            ("payload=%7B%22a%22%3A+1%7d", Ok("{\"a\": 1}")),
            ("a=b&payload=1&payload=2", Ok("1")),
            ("p%61yload=x=y", Ok("x=y")),
            ("payload", Ok("")),
            ("", Ok("")),
            ("&&a=b", Ok("")),
            ("payload=1;a=b", Err(FormError)),
            ("payload=1&a=%zz", Err(FormError)),
            ("payload=%7", Err(FormError)),
        ] {
            let expected = expected.map(|text| text.as_bytes().to_vec());
            assert_eq!(form_field(body.as_bytes(), "payload"), expected, "{body}");
        }
    }
}
