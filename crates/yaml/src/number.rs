//! Numbers as Go's `strconv` reads and prints them.
//!
//! Source: strconv in Go 1.26; resolve.go of go.yaml.in/yaml v2 2.4.2 and v3 3.0.3.

/// A number that a scalar resolves to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Int(i64),
    Uint(u64),
    Float(f64),
}

/// Reads what YAML libraries written in Go take for an integer or a float: the text begins with a
/// digit, a sign or a dot. `octal_prefix` also allows the `0o` of YAML 1.2 after a minus sign.
pub(crate) fn parse(text: &str, octal_prefix: bool) -> Option<Number> {
    if text.starts_with('.') {
        return parse_float(&without_go_underscores(text)?).map(Number::Float);
    }
    let stripped;
    let plain = if text.contains('_') {
        stripped = text.replace('_', "");
        &stripped
    } else {
        text
    };
    if let Some(number) = parse_integer(plain) {
        return Some(number);
    }
    if let Some(float) = parse_float(plain) {
        return Some(Number::Float(float));
    }
    // A second sign after the prefix, as in `0b-1`, passes here.
    let radix_tail = |radix: u32, prefix: &str| {
        if let Some(digits) = plain.strip_prefix(prefix) {
            return parse_signed(digits, radix);
        }
        let digits = plain.strip_prefix('-')?.strip_prefix(prefix)?;
        parse_magnitude(digits, radix).and_then(|magnitude| to_signed(magnitude, true))
    };
    radix_tail(2, "0b").or_else(|| octal_prefix.then(|| radix_tail(8, "0o")).flatten())
}

/// An integer with Go's base prefixes: `0x`, `0b`, `0o` and the leading zero of octal.
fn parse_integer(text: &str) -> Option<Number> {
    let (negative, signed, digits) = match text.as_bytes() {
        [b'-', ..] => (true, true, text.get(1..)?),
        [b'+', ..] => (false, true, text.get(1..)?),
        _ => (false, false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', _, ..] => (16, digits.get(2..)?),
        [b'0', b'b' | b'B', _, ..] => (2, digits.get(2..)?),
        [b'0', b'o' | b'O', _, ..] => (8, digits.get(2..)?),
        [b'0', _, ..] => (8, digits.get(1..)?),
        _ => (10, digits),
    };
    let magnitude = parse_magnitude(digits, radix)?;
    to_signed(magnitude, negative).or_else(|| (!signed).then_some(Number::Uint(magnitude)))
}

fn parse_signed(digits: &str, radix: u32) -> Option<Number> {
    let (negative, signed, digits) = match digits.as_bytes() {
        [b'-', ..] => (true, true, digits.get(1..)?),
        [b'+', ..] => (false, true, digits.get(1..)?),
        _ => (false, false, digits),
    };
    let magnitude = parse_magnitude(digits, radix)?;
    to_signed(magnitude, negative).or_else(|| (!signed).then_some(Number::Uint(magnitude)))
}

fn parse_magnitude(digits: &str, radix: u32) -> Option<u64> {
    // `from_str_radix` takes a sign, which must not stand here.
    let bare = digits.as_bytes().first().is_some_and(u8::is_ascii_hexdigit);
    bare.then(|| u64::from_str_radix(digits, radix).ok())
        .flatten()
}

fn to_signed(magnitude: u64, negative: bool) -> Option<Number> {
    let wide = i128::from(magnitude);
    i64::try_from(if negative { -wide } else { wide })
        .ok()
        .map(Number::Int)
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn is_float(text: &str) -> bool {
    let digits = |bytes: &[u8]| {
        bytes
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    };
    let mut rest = text.as_bytes();
    if let [b'-' | b'+', tail @ ..] = rest {
        rest = tail;
    }
    let whole = digits(rest);
    rest = rest.get(whole..).unwrap_or_default();
    if let [b'.', tail @ ..] = rest {
        let fraction = digits(tail);
        if whole == 0 && fraction == 0 {
            return false;
        }
        rest = tail.get(fraction..).unwrap_or_default();
    } else if whole == 0 {
        return false;
    }
    if let [b'e' | b'E', tail @ ..] = rest {
        rest = tail
            .strip_prefix(b"-")
            .or_else(|| tail.strip_prefix(b"+"))
            .unwrap_or(tail);
        let exponent = digits(rest);
        return exponent > 0 && exponent == rest.len();
    }
    rest.is_empty()
}

/// Go's `ParseFloat`, for which too large a number is an error.
fn parse_float(text: &str) -> Option<f64> {
    is_float(text)
        .then(|| text.parse().ok().filter(|float: &f64| float.is_finite()))
        .flatten()
}

/// Removes underscores that separate digits; nothing if one stands elsewhere.
fn without_go_underscores(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    for (at, byte) in bytes.iter().enumerate() {
        if *byte == b'_' && !(at > 0 && digit(at - 1) && digit(at + 1)) {
            return None;
        }
    }
    Some(text.replace('_', ""))
}

/// Decimal digits and exponent of the shortest text that reads back as the same float:
/// `d.ddd × 10^exponent`.
struct Shortest {
    negative: bool,
    digits: String,
    exponent: i32,
}

fn shortest(float: f64) -> Shortest {
    let negative = float.is_sign_negative();
    let float = float.abs();
    let shortest = from_scientific(&format!("{float:e}"), negative);
    // Of two texts equally short and equally near Go takes the even one.
    let rounded = format!("{float:.*e}", shortest.digits.len().saturating_sub(1));
    if rounded.parse() == Ok(float) {
        from_scientific(&rounded, negative)
    } else {
        shortest
    }
}

fn from_scientific(text: &str, negative: bool) -> Shortest {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    Shortest {
        negative,
        digits: mantissa.replace('.', ""),
        exponent: exponent.parse().unwrap_or(0),
    }
}

impl Shortest {
    fn sign(&self) -> &'static str {
        if self.negative { "-" } else { "" }
    }

    /// `%e`, the exponent with sign and at least two digits.
    fn scientific(&self) -> String {
        let (first, rest) = self
            .digits
            .split_at_checked(1)
            .unwrap_or((&self.digits, ""));
        let point = if rest.is_empty() { "" } else { "." };
        let sign = if self.exponent < 0 { '-' } else { '+' };
        format!(
            "{}{first}{point}{rest}e{sign}{:02}",
            self.sign(),
            self.exponent.abs()
        )
    }

    /// `%f`
    fn positional(&self) -> String {
        let sign = self.sign();
        let Ok(before) = usize::try_from(self.exponent + 1) else {
            let zeros = usize::try_from(-self.exponent - 1).unwrap_or(0);
            return format!(
                "{sign}0.{:0>width$}",
                self.digits,
                width = zeros + self.digits.len()
            );
        };
        match self.digits.split_at_checked(before) {
            None | Some((_, "")) => format!("{sign}{:0<before$}", self.digits),
            Some(("", fraction)) => format!("{sign}0.{fraction}"),
            Some((whole, fraction)) => format!("{sign}{whole}.{fraction}"),
        }
    }
}

/// Go's `%g` with the shortest digits, which has an exponent below 1e-4 and from 1e+06 on: what the
/// YAML emitters print.
pub(crate) fn format_yaml(float: f64) -> String {
    format_general(float, &shortest(float))
}

/// As [`format_yaml`], with the digits that tell the number from its neighbours of 32 bits.
pub(crate) fn format_yaml_32(float: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "Go rounds so, too")]
    let single = float as f32;
    format_general(
        float,
        &from_scientific(&format!("{:e}", single.abs()), single.is_sign_negative()),
    )
}

fn format_general(float: f64, parts: &Shortest) -> String {
    if float.is_nan() {
        return ".nan".to_owned();
    }
    if float.is_infinite() {
        return if float < 0.0 { "-.inf" } else { ".inf" }.to_owned();
    }
    if parts.exponent < -4 || parts.exponent >= 6 {
        parts.scientific()
    } else {
        parts.positional()
    }
}

/// What `encoding/json` prints: an exponent below 1e-6 and from 1e21 on, without a leading zero.
pub(crate) fn format_json(float: f64) -> String {
    let parts = shortest(float);
    if float != 0.0 && (parts.exponent < -6 || parts.exponent >= 21) {
        let text = parts.scientific();
        match text.split_once("e-0") {
            Some((mantissa, digit)) => format!("{mantissa}e-{digit}"),
            None => text,
        }
    } else {
        parts.positional()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_go_reads() {
        let cases = [
            ("12", Some(Number::Int(12))),
            ("+12", Some(Number::Int(12))),
            ("-12", Some(Number::Int(-12))),
            ("0644", Some(Number::Int(420))),
            ("0o17", Some(Number::Int(15))),
            ("-0o17", Some(Number::Int(-15))),
            ("0x1F", Some(Number::Int(31))),
            ("0b101", Some(Number::Int(5))),
            ("1_000", Some(Number::Int(1000))),
            ("18446744073709551615", Some(Number::Uint(u64::MAX))),
            (
                "18446744073709551616",
                Some(Number::Float(18_446_744_073_709_551_616.0)),
            ),
            (
                "+18446744073709551615",
                Some(Number::Float(18_446_744_073_709_551_615.0)),
            ),
            ("-9223372036854775808", Some(Number::Int(i64::MIN))),
            ("08", Some(Number::Float(8.0))),
            ("1e3", Some(Number::Float(1000.0))),
            ("1.", Some(Number::Float(1.0))),
            (".5", Some(Number::Float(0.5))),
            (".5_5", Some(Number::Float(0.55))),
            ("._5", None),
            ("1e1000", None),
            ("0x", None),
            ("1.2.3", None),
            ("-", None),
            ("+-1", None),
            (".", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text, true), expected, "{text}");
        }
    }

    #[test]
    fn prints_what_go_prints() {
        let cases = [
            (0.0, "0", "0"),
            (1.5, "1.5", "1.5"),
            (123_456.5, "123456.5", "123456.5"),
            (1_234_567.8, "1.2345678e+06", "1234567.8"),
            (0.0001, "0.0001", "0.0001"),
            (0.00001, "1e-05", "0.00001"),
            (1e-7, "1e-07", "1e-7"),
            (1e20, "1e+20", "100000000000000000000"),
            (1e21, "1e+21", "1e+21"),
            (-2.5e-10, "-2.5e-10", "-2.5e-10"),
            (1.5e300, "1.5e+300", "1.5e+300"),
            (
                1_583_654_270_004_312.2,
                "1.5836542700043122e+15",
                "1583654270004312.2",
            ),
            (5e-324, "5e-324", "5e-324"),
        ];
        for (float, yaml, json) in cases {
            assert_eq!(format_yaml(float), yaml);
            assert_eq!(format_json(float), json);
        }
    }
}
