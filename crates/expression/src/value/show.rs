//! Values in error messages: Go's `%v`.

use std::fmt::Write as _;

use super::Value;
use crate::number;

/// The value as cel-go's messages show it.
pub(crate) fn show(value: &Value<'_>) -> String {
    let mut out = String::new();
    write(&mut out, value);
    out
}

fn write(out: &mut String, value: &Value<'_>) {
    let text = match value {
        // cel-go's null is a number of an enumeration.
        Value::Null => "0".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Int(int) => int.to_string(),
        Value::Uint(uint) => uint.to_string(),
        Value::Double(double) => number::format_general(*double),
        Value::String(text) => return out.push_str(text),
        Value::Bytes(bytes) => {
            let bytes: Vec<_> = bytes.iter().map(u8::to_string).collect();
            format!("[{}]", bytes.join(" "))
        }
        Value::Timestamp(timestamp) => timestamp.show(),
        Value::Duration(nanoseconds) => api::meta::Duration::from_nanos(*nanoseconds).to_string(),
        Value::Type(name) => (*name).to_owned(),
        Value::Optional(None) => "optional.none()".to_owned(),
        Value::Optional(Some(value)) => format!("optional({})", show(value)),
        Value::List(list) => return write_parts(out, ['[', ']'], list.iter().map(|v| show(&v))),
        Value::Map(map) => {
            let entries = map.entries().into_iter();
            let parts = entries.map(|(key, value)| format!("{}: {}", show(&key), show(&value)));
            return write_parts(out, ['{', '}'], parts);
        }
    };
    out.push_str(&text);
}

fn write_parts(out: &mut String, [open, close]: [char; 2], parts: impl Iterator<Item = String>) {
    out.push(open);
    for (index, part) in parts.enumerate() {
        let comma = if index > 0 { ", " } else { "" };
        write!(out, "{comma}{part}").unwrap_or_default();
    }
    out.push(close);
}
