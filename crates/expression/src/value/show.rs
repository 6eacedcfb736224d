//! Values in error messages: Go's `%v`, cut short.
//!
//! A message may be absorbed and made again any number of times, so it must cost next to nothing whatever the
//! value weighs.

use super::Value;
use crate::number;

/// The most bytes that a message shows of a value.
const MOST: usize = 1024;

/// The value as cel-go's messages show it; what is longer than anybody reads ends in `...`.
pub(crate) fn show(value: &Value<'_>) -> String {
    let mut out = String::new();
    write(&mut out, value);
    if out.len() > MOST {
        out.truncate(out.floor_char_boundary(MOST));
        out.push_str("...");
    }
    out
}

/// Writes a value, and stops soon after [`MOST`].
fn write(out: &mut String, value: &Value<'_>) {
    if out.len() > MOST {
        return;
    }
    match value {
        // cel-go's null is a number of an enumeration.
        Value::Null => out.push('0'),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Int(int) => out.push_str(&int.to_string()),
        Value::Uint(uint) => out.push_str(&uint.to_string()),
        Value::Double(double) => out.push_str(&number::format_general(*double)),
        Value::String(text) => {
            let shown = text.floor_char_boundary(MOST + 1);
            out.push_str(text.get(..shown).unwrap_or_default());
            if shown < text.len() {
                out.push_str("...");
            }
        }
        Value::Bytes(bytes) => write_parts(out, ['[', ']'], " ", bytes.iter(), |out, byte| {
            out.push_str(&byte.to_string());
        }),
        Value::Timestamp(timestamp) => out.push_str(&timestamp.show()),
        Value::Duration(nanoseconds) => {
            out.push_str(&api::meta::Duration::from_nanos(*nanoseconds).to_string());
        }
        Value::Type(name) => out.push_str(name),
        Value::Optional(None) => out.push_str("optional.none()"),
        Value::Optional(Some(value)) => {
            out.push_str("optional(");
            write(out, value);
            out.push(')');
        }
        Value::List(list) => {
            write_parts(out, ['[', ']'], ", ", list.iter(), |out, value| {
                write(out, &value);
            });
        }
        Value::Map(map) => {
            let entries = map.first_entries(MOST).into_iter();
            write_parts(out, ['{', '}'], ", ", entries, |out, (key, value)| {
                write(out, &key);
                out.push_str(": ");
                write(out, &value);
            });
        }
    }
}

fn write_parts<T>(
    out: &mut String,
    [open, close]: [char; 2],
    separator: &str,
    parts: impl Iterator<Item = T>,
    write: impl Fn(&mut String, T),
) {
    out.push(open);
    for (index, part) in parts.enumerate() {
        if out.len() > MOST {
            return;
        }
        if index > 0 {
            out.push_str(separator);
        }
        write(out, part);
    }
    out.push(close);
}
