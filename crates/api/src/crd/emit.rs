//! JSON as block YAML, for manifests that people read. Quotes whatever is not plainly plain.

use serde_json::Value;

/// Prints `value` as a YAML document.
pub(super) fn yaml(value: &Value) -> String {
    let mut out = String::from("---\n");
    block(value, 0, &mut out);
    out
}

fn block(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(map) => {
            for (key, child) in map {
                pad(indent, out);
                entry(key, child, indent, out);
            }
        }
        Value::Array(items) => {
            for item in items {
                pad(indent, out);
                out.push_str("- ");
                match item {
                    Value::Object(map) if !map.is_empty() => {
                        for (at, (key, child)) in map.iter().enumerate() {
                            if at > 0 {
                                pad(indent + 2, out);
                            }
                            entry(key, child, indent + 2, out);
                        }
                    }
                    item => {
                        scalar(item, out);
                        out.push('\n');
                    }
                }
            }
        }
        value => {
            scalar(value, out);
            out.push('\n');
        }
    }
}

fn entry(key: &str, child: &Value, indent: usize, out: &mut String) {
    text(key, out);
    out.push(':');
    match child {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            block(child, indent + 2, out);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            block(child, indent, out);
        }
        child => {
            out.push(' ');
            scalar(child, out);
            out.push('\n');
        }
    }
}

fn scalar(value: &Value, out: &mut String) {
    match value {
        Value::String(string) => text(string, out),
        Value::Object(_) => out.push_str("{}"),
        Value::Array(_) => out.push_str("[]"),
        value => out.push_str(&value.to_string()),
    }
}

/// JSON's double-quoted form is YAML's, so what is not surely plain is printed so.
fn text(string: &str, out: &mut String) {
    let plain = string.starts_with(|c: char| c.is_ascii_alphabetic())
        && string
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || " _-./".contains(c))
        && !string.ends_with(' ')
        && !matches!(
            string.to_ascii_lowercase().as_str(),
            "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
        );
    if plain {
        out.push_str(string);
    } else {
        out.push_str(&Value::from(string).to_string());
    }
}

fn pad(indent: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', indent));
}
