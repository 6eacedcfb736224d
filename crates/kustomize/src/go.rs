//! Texts that must come out as Go prints them.

use serde_json::Value;

/// Formats with the fewest digits that give the same number back, exponent form when the exponent
/// is below -4 or at least 6: Go's `strconv.FormatFloat(f, 'g', -1, 64)`.
pub(crate) fn format_float(value: f64) -> String {
    shortest(&format!("{value:e}"), 6)
}

/// Formats as `%v` does: with an exponent from 21 on.
pub(crate) fn format_value(value: f64) -> String {
    shortest(&format!("{value:e}"), 21)
}

/// The same for 32 bits.
pub(crate) fn format_float32(value: f32) -> String {
    shortest(&format!("{value:e}"), 6)
}

/// A JSON value as Go indents it by two spaces: sorted keys, HTML-safe strings.
pub(crate) fn indented_json(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write_indented(&mut out, value, 0);
    out
}

/// A text in double quotes, as Go's `%q` prints it.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => out.extend(format!("\\x{:02x}", u32::from(c)).chars()),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn write_indented(out: &mut Vec<u8>, value: &Value, depth: usize) {
    let (open, close) = match value {
        Value::Array(items) if !items.is_empty() => (b'[', b']'),
        Value::Object(fields) if !fields.is_empty() => (b'{', b'}'),
        other => return yaml::write_json(other, out),
    };
    let line = |out: &mut Vec<u8>, depth: usize| {
        out.push(b'\n');
        out.extend(std::iter::repeat_n(b' ', 2 * depth));
    };
    let fields = value.as_object().map(|fields| {
        let mut fields: Vec<_> = fields.iter().collect();
        fields.sort_by_key(|(key, _)| *key);
        fields
    });
    let fields = fields
        .into_iter()
        .flatten()
        .map(|(key, value)| (Some(key), value));
    let items = value
        .as_array()
        .into_iter()
        .flatten()
        .map(|value| (None, value));
    out.push(open);
    for (index, (key, value)) in fields.chain(items).enumerate() {
        if index > 0 {
            out.push(b',');
        }
        line(out, depth + 1);
        if let Some(key) = key {
            yaml::write_json_string(key, out);
            out.extend_from_slice(b": ");
        }
        write_indented(out, value, depth + 1);
    }
    line(out, depth);
    out.push(close);
}

/// Turns `d.ddde±x` into Go's `g` form, with an exponent below -4 and from `limit` on.
fn shortest(scientific: &str, limit: i32) -> String {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = mantissa
        .strip_prefix('-')
        .map_or(("", mantissa), |rest| ("-", rest));
    if !(-4..limit).contains(&exponent) {
        let mark = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{mantissa}e{mark}{:02}", exponent.abs());
    }
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let shift = usize::try_from(exponent.unsigned_abs()).unwrap_or(0);
    if exponent < 0 {
        return format!("{sign}0.{}{digits}", "0".repeat(shift - 1));
    }
    let whole = shift + 1;
    if digits.len() <= whole {
        return format!("{sign}{digits}{}", "0".repeat(whole - digits.len()));
    }
    let (int, fraction) = digits.split_at(whole);
    format!("{sign}{int}.{fraction}")
}

#[cfg(test)]
mod tests {
    use super::{format_float, indented_json, quoted};

    #[test]
    fn floats() {
        for (value, want) in [
            (3.0, "3"),
            (0.5, "0.5"),
            (123_456.5, "123456.5"),
            (1_000_000.0, "1e+06"),
            (1_234_567.8, "1.2345678e+06"),
            (0.000_01, "1e-05"),
            (0.001, "0.001"),
            (-2.5, "-2.5"),
            (100.0, "100"),
        ] {
            assert_eq!(format_float(value), want);
        }
    }

    #[test]
    fn quotes() {
        assert_eq!(quoted("a \"b\"\n\u{7}"), r#""a \"b\"\n\x07""#);
    }

    #[test]
    fn indents_json() {
        let value = serde_json::json!({"b": [1, {"c": "<"}], "a": {}});
        let want =
            "{\n  \"a\": {},\n  \"b\": [\n    1,\n    {\n      \"c\": \"\\u003c\"\n    }\n  ]\n}";
        assert_eq!(String::from_utf8(indented_json(&value)).unwrap(), want);
    }
}
