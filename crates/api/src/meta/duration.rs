//! Spans of time as Go reads and prints them: `1h2m3.5s`.
//!
//! A span is a signed count of nanoseconds in 64 bits, about ±292 years. Parsing, printing and
//! error texts are Go's, because durations and their errors appear in statuses and messages. One
//! thing is not: a negative text is refused, because no field and no flag has a use for it; only
//! a difference can be negative.
//! Source: Go `time.ParseDuration`, `time.Duration.String`; Kubernetes `meta/v1` `Duration`.

use std::{borrow::Cow, fmt, str::FromStr, time};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

const NANOSECOND: u64 = 1;
const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// A signed span of time with Go's text form.
///
/// ```
/// let span: api::meta::Duration = "90m0.5s".parse().unwrap();
/// assert_eq!(span.to_string(), "1h30m0.5s");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(i64);

/// A text is no duration. Prints as Go's error does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseDurationError {
    /// The text has the wrong form, or is beyond what 64 bits of nanoseconds hold.
    #[error("time: invalid duration {}", quote(.0))]
    Invalid(String),
    /// A number stands without a unit.
    #[error("time: missing unit in duration {}", quote(.0))]
    MissingUnit(String),
    /// A number has a unit that is none.
    #[error("time: unknown unit {} in duration {}", quote(.unit), quote(.text))]
    UnknownUnit {
        /// The unit.
        unit: String,
        /// The whole text.
        text: String,
    },
}

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// The longest span.
    pub const MAX: Self = Self(i64::MAX);

    /// A span of `seconds`; ends at the longest span either way.
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000_000))
    }

    /// A span of `nanoseconds`.
    pub const fn from_nanos(nanoseconds: i64) -> Self {
        Self(nanoseconds)
    }

    /// The span in nanoseconds.
    pub const fn as_nanos(self) -> i64 {
        self.0
    }

    /// The span as a timer takes it; a negative one is zero.
    pub const fn to_std(self) -> time::Duration {
        if self.0 < 0 {
            time::Duration::ZERO
        } else {
            time::Duration::from_nanos(self.0.unsigned_abs())
        }
    }

    /// The difference to `other`; ends at the longest span either way.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl From<Duration> for time::Duration {
    /// A negative span is zero.
    fn from(span: Duration) -> Self {
        span.to_std()
    }
}

impl From<time::Duration> for Duration {
    /// Ends at the longest span.
    fn from(span: time::Duration) -> Self {
        Self(i64::try_from(span.as_nanos()).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.0.unsigned_abs();
        if total == 0 {
            return f.write_str("0s");
        }
        if self.0 < 0 {
            f.write_str("-")?;
        }
        if total < SECOND {
            let (unit, name) = match total {
                ..MICROSECOND => (NANOSECOND, "ns"),
                MICROSECOND..MILLISECOND => (MICROSECOND, "µs"),
                _ => (MILLISECOND, "ms"),
            };
            return write_number(f, total, unit, name);
        }
        if total >= HOUR {
            write!(f, "{}h", total / HOUR)?;
        }
        if total >= MINUTE {
            write!(f, "{}m", total % HOUR / MINUTE)?;
        }
        write_number(f, total % MINUTE, SECOND, "s")
    }
}

/// Writes `value` in `unit`, with as much fraction as there is.
fn write_number(f: &mut fmt::Formatter<'_>, value: u64, unit: u64, name: &str) -> fmt::Result {
    let fraction = value % unit;
    if fraction == 0 {
        return write!(f, "{}{name}", value / unit);
    }
    let digits = unit.ilog10() as usize;
    let fraction = format!("{fraction:0digits$}");
    write!(
        f,
        "{}.{}{name}",
        value / unit,
        fraction.trim_end_matches('0')
    )
}

impl FromStr for Duration {
    type Err = ParseDurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text, Overflow::Fails)
    }
}

/// What becomes of a span that is too long.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Overflow {
    Fails,
    Saturates,
}

fn parse(text: &str, overflow: Overflow) -> Result<Duration, ParseDurationError> {
    let invalid = || ParseDurationError::Invalid(text.to_owned());
    let (negative, magnitude) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    if magnitude == "0" {
        return Ok(Duration::ZERO);
    }
    if magnitude.is_empty() {
        return Err(invalid());
    }
    let mut rest = magnitude;
    let mut total: Option<u64> = Some(0);
    while !rest.is_empty() {
        let (whole, after) = split_digits(rest);
        let (fraction, after) = match after.strip_prefix('.') {
            Some(after) => split_digits(after),
            None => ("", after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let whole = number(whole);
        if whole.is_none() && overflow == Overflow::Fails {
            return Err(invalid());
        }
        let end = after
            .find(|c: char| c == '.' || c.is_ascii_digit())
            .unwrap_or(after.len());
        let (name, after) = after.split_at_checked(end).ok_or_else(invalid)?;
        if name.is_empty() {
            return Err(ParseDurationError::MissingUnit(text.to_owned()));
        }
        let unit = unit(name).ok_or_else(|| ParseDurationError::UnknownUnit {
            unit: name.to_owned(),
            text: text.to_owned(),
        })?;
        let part = whole
            .and_then(|whole| whole.checked_mul(unit))
            .and_then(|part| part.checked_add(scale(fraction, unit)));
        total = total
            .zip(part)
            .and_then(|(total, part)| total.checked_add(part))
            .filter(|number| fits(*number));
        if total.is_none() && overflow == Overflow::Fails {
            return Err(invalid());
        }
        rest = after;
    }
    if negative && total != Some(0) {
        return Err(invalid());
    }
    match total.map(i64::try_from) {
        Some(Ok(total)) => Ok(Duration(total)),
        _ if overflow == Overflow::Fails => Err(invalid()),
        _ => Ok(Duration::MAX),
    }
}

/// Whether a magnitude is at most 2^63, up to which Go counts before it looks at the sign.
fn fits(total: u64) -> bool {
    total <= i64::MIN.unsigned_abs()
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn number(digits: &str) -> Option<u64> {
    if digits.is_empty() {
        Some(0)
    } else {
        digits.parse().ok().filter(|number| fits(*number))
    }
}

fn unit(name: &str) -> Option<u64> {
    Some(match name {
        "ns" => NANOSECOND,
        // The micro sign and the Greek letter.
        "us" | "\u{b5}s" | "\u{3bc}s" => MICROSECOND,
        "ms" => MILLISECOND,
        "s" => SECOND,
        "m" => MINUTE,
        "h" => HOUR,
        _ => return None,
    })
}

/// The fraction `0.<digits>` of `unit`, cut to whole nanoseconds through a double as in Go; digits
/// beyond what 63 bits hold don't count.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "Go computes with doubles, and the product is positive and below 2^53"
)]
fn scale(digits: &str, unit: u64) -> u64 {
    let (mut value, mut power) = (0_u64, 1.0_f64);
    for digit in digits
        .bytes()
        .map(|byte| u64::from(byte.saturating_sub(b'0')))
    {
        let next = value
            .checked_mul(10)
            .and_then(|value| value.checked_add(digit))
            .filter(|number| fits(*number));
        let Some(next) = next else { break };
        value = next;
        power *= 10.0;
    }
    (value as f64 * (unit as f64 / power)) as u64
}

/// Go's quoting in the errors of package time: bytes that aren't printable ASCII become `\x..`.
fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for byte in text.bytes() {
        match byte {
            b'"' | b'\\' => quoted.extend(['\\', char::from(byte)]),
            b' '..=b'~' | 0x7f => quoted.push(char::from(byte)),
            _ => {
                let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or('0');
                quoted.extend(['\\', 'x', digit(byte >> 4), digit(byte & 15)]);
            }
        }
    }
    quoted.push('"');
    quoted
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Differs from Go on purpose in one point: a span that is too long becomes the longest one. The
/// CRDs' patterns let such values through, and one unreadable object would end the watch for all.
impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        parse(&text, Overflow::Saturates).map_err(D::Error::custom)
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$" })
    }
}

/// As [`Duration`]'s, without hours: the schema of a source's `timeout`.
pub(crate) fn timeout_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string", "pattern": r"^([0-9]+(\.[0-9]+)?(ms|s|m))+$", "default": "60s"
    })
}

#[cfg(test)]
mod tests;
