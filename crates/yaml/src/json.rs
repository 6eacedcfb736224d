//! JSON as Go's `encoding/json` prints it: keys sorted by bytes, `<`, `>`, `&` and the Unicode
//! line separators escaped, floats in Go's form.
//!
//! Source: encoding/json in Go 1.26.

use serde_json::{Number, Value};

use crate::number::format_json;

/// Appends `value` as Go's `json.Marshal` prints it: compact, HTML-escaped.
pub fn write_json(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => out.extend_from_slice(number_text(number).as_bytes()),
        Value::String(text) => write_json_string(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (number, item) in items.iter().enumerate() {
                if number > 0 {
                    out.push(b',');
                }
                write_json(item, out);
            }
            out.push(b']');
        }
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by(|a, b| a.0.cmp(b.0));
            out.push(b'{');
            for (number, (key, value)) in entries.into_iter().enumerate() {
                if number > 0 {
                    out.push(b',');
                }
                write_json_string(key, out);
                out.push(b':');
                write_json(value, out);
            }
            out.push(b'}');
        }
    }
}

/// Appends a quoted string.
pub fn write_json_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text;
    while let Some(at) = rest.find(needs_escape) {
        let (before, tail) = rest.split_at(at);
        out.extend_from_slice(before.as_bytes());
        let mut tail = tail.chars();
        match tail.next() {
            Some('"') => out.extend_from_slice(b"\\\""),
            Some('\\') => out.extend_from_slice(b"\\\\"),
            Some('\n') => out.extend_from_slice(b"\\n"),
            Some('\r') => out.extend_from_slice(b"\\r"),
            Some('\t') => out.extend_from_slice(b"\\t"),
            Some('\x08') => out.extend_from_slice(b"\\b"),
            Some('\x0C') => out.extend_from_slice(b"\\f"),
            Some(other) => {
                out.extend_from_slice(format!("\\u{:04x}", u32::from(other)).as_bytes());
            }
            None => {}
        }
        rest = tail.as_str();
    }
    out.extend_from_slice(rest.as_bytes());
    out.push(b'"');
}

/// A number's text; a float that is whole has no fraction.
pub(crate) fn number_text(number: &Number) -> String {
    if number.is_i64() || number.is_u64() {
        return number.to_string();
    }
    number.as_f64().map(format_json).unwrap_or_default()
}

const fn needs_escape(character: char) -> bool {
    matches!(
        character,
        '\0'..='\x1F' | '"' | '\\' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}'
    )
}

/// Roughly Go's `unicode.IsPrint` outside of ASCII: no control, format, space or private character.
const fn is_graphic(character: char) -> bool {
    !matches!(character,
        '\u{80}'..='\u{A0}' | '\u{AD}' | '\u{1680}' | '\u{2000}'..='\u{200F}'
        | '\u{2028}'..='\u{202F}' | '\u{205F}'..='\u{206F}' | '\u{3000}'
        | '\u{E000}'..='\u{F8FF}' | '\u{FEFF}' | '\u{FFF0}'..='\u{FFFB}' | '\u{FFFE}'
        | '\u{FFFF}' | '\u{E0000}'..)
}

/// Go's `%q`.
pub(crate) fn go_quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\x07' => quoted.push_str("\\a"),
            '\x08' => quoted.push_str("\\b"),
            '\x0C' => quoted.push_str("\\f"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '\x0B' => quoted.push_str("\\v"),
            ' '..='~' => quoted.push(character),
            '\0'..='\x7F' => quoted.extend(["\\x", &format!("{:02x}", u32::from(character))]),
            _ if is_graphic(character) => quoted.push(character),
            '\0'..='\u{FFFF}' => quoted.extend(["\\u", &format!("{:04x}", u32::from(character))]),
            _ => quoted.extend(["\\U", &format!("{:08x}", u32::from(character))]),
        }
    }
    quoted.push('"');
    quoted
}
