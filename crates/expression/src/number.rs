//! Numbers as Go reads, converts and prints them.
//!
//! Source: Go `strconv`; cel-go `common/types/overflow.go` (0.27).

/// The int that a double is, without a loss.
pub(crate) fn whole_int(double: f64) -> Option<i64> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "the comparison is what tells a loss"
    )]
    #[expect(clippy::float_cmp, reason = "a loss of any size counts")]
    to_int(double).filter(|&int| int as f64 == double)
}

/// The uint that a double is, without a loss.
pub(crate) fn whole_uint(double: f64) -> Option<u64> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "the comparison is what tells a loss"
    )]
    #[expect(clippy::float_cmp, reason = "a loss of any size counts")]
    to_uint(double).filter(|&uint| uint as f64 == double)
}

/// The whole part of a double, if it is within the range; cel-go takes the lowest int for outside.
pub(crate) fn to_int(double: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    (double > -LIMIT && double < LIMIT).then_some(double as i64)
}

/// The whole part of a double, if it is within the range.
pub(crate) fn to_uint(double: f64) -> Option<u64> {
    const LIMIT: f64 = 18_446_744_073_709_551_616.0;
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
    #[expect(clippy::cast_sign_loss, reason = "the range is checked")]
    (0.0..LIMIT).contains(&double).then_some(double as u64)
}

/// Go's `%g` and `%v` with the fewest digits: an exponent below 1e-4 and from 1e+06 on.
pub(crate) fn format_general(double: f64) -> String {
    let Some(Digits { digits, exponent }) = Digits::of(double) else {
        return not_finite(double);
    };
    if (-4..6).contains(&exponent) {
        return format_positional(double);
    }
    format!("{}{}", sign(double), scientific(&digits, exponent))
}

/// Go's `%f` with the fewest digits.
pub(crate) fn format_positional(double: f64) -> String {
    let Some(Digits { digits, exponent }) = Digits::of(double) else {
        return not_finite(double);
    };
    let sign = sign(double);
    let Ok(before) = usize::try_from(exponent + 1) else {
        let width = usize::try_from(-exponent - 1).unwrap_or(0) + digits.len();
        return format!("{sign}0.{digits:0>width$}");
    };
    match digits.split_at_checked(before) {
        None | Some((_, "")) => format!("{sign}{digits:0<before$}"),
        Some(("", fraction)) => format!("{sign}0.{fraction}"),
        Some((whole, fraction)) => format!("{sign}{whole}.{fraction}"),
    }
}

/// Go's `%.Ne`.
pub(crate) fn format_scientific(double: f64, precision: usize) -> String {
    let text = format!("{double:.precision$e}");
    match text.split_once('e') {
        Some((mantissa, exponent)) => {
            let exponent: i32 = exponent.parse().unwrap_or(0);
            format!("{mantissa}{}", exponent_suffix(exponent))
        }
        None => text,
    }
}

/// Reads an int as `strconv.ParseInt` does.
pub(crate) fn parse_int(text: &str) -> Option<i64> {
    text.parse().ok()
}

/// Reads a uint as `strconv.ParseUint` does, which takes no sign.
pub(crate) fn parse_uint(text: &str) -> Option<u64> {
    (!text.starts_with('+')).then(|| text.parse().ok())?
}

/// Reads a double as `strconv.ParseFloat` does, without its hexadecimal form; what is too large is no number.
pub(crate) fn parse_double(text: &str) -> Option<f64> {
    let double: f64 = text.parse().ok()?;
    let named = text.bytes().any(|byte| matches!(byte, b'n' | b'N'));
    // Go takes a sign before infinity only.
    let signed_nan = double.is_nan() && text.starts_with(['+', '-']);
    ((double.is_finite() || named) && !signed_nan).then_some(double)
}

/// Reads a bool as `strconv.ParseBool` does.
pub(crate) fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// The fewest digits that tell a double from its neighbours: `d.ddd` times ten to the exponent.
struct Digits {
    digits: String,
    exponent: i32,
}

impl Digits {
    fn of(double: f64) -> Option<Self> {
        if !double.is_finite() {
            return None;
        }
        let text = format!("{:e}", double.abs());
        let shortest = Self::read(&text)?;
        // Of two texts equally short and equally near Go takes the even one.
        let precision = shortest.digits.len().saturating_sub(1);
        let rounded = format!("{:.precision$e}", double.abs());
        if rounded.parse() == Ok(double.abs()) {
            Self::read(&rounded)
        } else {
            Some(shortest)
        }
    }

    fn read(text: &str) -> Option<Self> {
        let (mantissa, exponent) = text.split_once('e')?;
        Some(Self {
            digits: mantissa.replace('.', ""),
            exponent: exponent.parse().ok()?,
        })
    }
}

fn scientific(digits: &str, exponent: i32) -> String {
    let (first, rest) = digits.split_at_checked(1).unwrap_or((digits, ""));
    let point = if rest.is_empty() { "" } else { "." };
    format!("{first}{point}{rest}{}", exponent_suffix(exponent))
}

/// The exponent with a sign and at least two digits.
fn exponent_suffix(exponent: i32) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("e{sign}{:02}", exponent.unsigned_abs())
}

const fn sign(double: f64) -> &'static str {
    if double.is_sign_negative() { "-" } else { "" }
}

fn not_finite(double: f64) -> String {
    if double.is_nan() {
        "NaN"
    } else if double > 0.0 {
        "+Inf"
    } else {
        "-Inf"
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_floats_as_go_does() {
        for (text, want) in [
            ("1.5", Some(1.5)),
            (".5", Some(0.5)),
            ("1e400", None),
            ("Inf", Some(f64::INFINITY)),
            ("-infinity", Some(f64::NEG_INFINITY)),
            ("+NaN", None),
            ("1_0", None),
            ("", None),
        ] {
            assert_eq!(parse_double(text), want, "{text}");
        }
    }
}
