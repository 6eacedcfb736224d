//! Durations as Go writes them.

use std::{borrow::Cow, fmt, str::FromStr, time};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A non-negative duration that reads and prints as Go's `time.Duration`: `1h30m0s`, `750ms`.
///
/// Nanosecond resolution; at most about 292 years, as in Go. What is printed is canonical, so text
/// that was read may print differently (`90s` prints as `1m30s`). Source: Go `time/format.go`,
/// `time/time.go`.
///
/// ```
/// # use api::meta::Duration;
/// let d: Duration = "1.5h".parse().unwrap();
/// assert_eq!(d.to_string(), "1h30m0s");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(time::Duration);

/// Text that is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseDurationError {
    /// Not of the form `<number><unit>…`.
    #[error("time: invalid duration {0:?}")]
    Invalid(String),
    /// A number without its unit.
    #[error("time: missing unit in duration {0:?}")]
    MissingUnit(String),
    /// A unit that Go does not know.
    #[error("time: unknown unit {unit:?} in duration {text:?}")]
    UnknownUnit {
        /// The unit.
        unit: String,
        /// The whole text.
        text: String,
    },
}

impl From<Duration> for time::Duration {
    fn from(duration: Duration) -> Self {
        duration.0
    }
}

impl From<time::Duration> for Duration {
    fn from(duration: time::Duration) -> Self {
        Self(duration)
    }
}

impl FromStr for Duration {
    type Err = ParseDurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || ParseDurationError::Invalid(text.to_owned());
        let mut rest = text.strip_prefix('+').unwrap_or(text);
        if rest == "0" {
            return Ok(Self::default());
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        let mut total: u128 = 0;
        while !rest.is_empty() {
            let (whole, after) = digits(rest);
            let (fraction, after) = match after.strip_prefix('.') {
                Some(after) => digits(after),
                None => ("", after),
            };
            if whole.is_empty() && fraction.is_empty() {
                return Err(invalid());
            }
            let end = after
                .find(|c: char| c == '.' || c.is_ascii_digit())
                .unwrap_or(after.len());
            let (unit, after) = after.split_at(end);
            let nanos: u128 = match unit {
                "" => return Err(ParseDurationError::MissingUnit(text.to_owned())),
                "ns" => 1,
                "us" | "µs" | "μs" => 1_000,
                "ms" => 1_000_000,
                "s" => 1_000_000_000,
                "m" => 60_000_000_000,
                "h" => 3_600_000_000_000,
                unit => {
                    return Err(ParseDurationError::UnknownUnit {
                        unit: unit.to_owned(),
                        text: text.to_owned(),
                    });
                }
            };
            let number = |digits: &str| match digits {
                "" => Some(0),
                digits => digits.parse::<u64>().ok().map(u128::from),
            };
            total += number(whole).ok_or_else(invalid)? * nanos;
            let fraction = fraction.get(..fraction.len().min(18)).unwrap_or(fraction);
            let scale = 10_u128.pow(u32::try_from(fraction.len()).unwrap_or(0));
            total += number(fraction).ok_or_else(invalid)? * nanos / scale;
            if total > i64::MAX as u128 {
                return Err(invalid());
            }
            rest = after;
        }
        u64::try_from(total)
            .map(|nanos| Self(time::Duration::from_nanos(nanos)))
            .map_err(|_| invalid())
    }
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(
        text.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len()),
    )
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        let (scale, unit) = match nanos {
            0 => return f.write_str("0s"),
            1..1_000 => (1, "ns"),
            1_000..1_000_000 => (1_000, "µs"),
            1_000_000..1_000_000_000 => (1_000_000, "ms"),
            _ => {
                let (minutes, nanos) = (nanos / 60_000_000_000, nanos % 60_000_000_000);
                let (hours, minutes) = (minutes / 60, minutes % 60);
                if hours > 0 {
                    write!(f, "{hours}h")?;
                }
                if hours > 0 || minutes > 0 {
                    write!(f, "{minutes}m")?;
                }
                return decimal(f, nanos, 1_000_000_000, "s");
            }
        };
        decimal(f, nanos, scale, unit)
    }
}

/// Prints `nanos / scale` without trailing zeros.
fn decimal(f: &mut fmt::Formatter<'_>, nanos: u128, scale: u128, unit: &str) -> fmt::Result {
    write!(f, "{}", nanos / scale)?;
    let fraction = nanos % scale;
    if fraction > 0 {
        let width = scale.ilog10() as usize;
        let digits = format!("{fraction:0width$}");
        write!(f, ".{}", digits.trim_end_matches('0'))?;
    }
    f.write_str(unit)
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
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
mod tests {
    use super::*;

    #[test]
    fn text_is_read_and_printed_as_go_does() {
        let cases = [
            ("0", "0s"),
            ("0s", "0s"),
            ("1h", "1h0m0s"),
            ("90s", "1m30s"),
            ("1.5h", "1h30m0s"),
            ("750ms", "750ms"),
            ("1m0.5s", "1m0.5s"),
            ("2h45m30.25s", "2h45m30.25s"),
            ("1500us", "1.5ms"),
            ("3ns", "3ns"),
            (".5s", "500ms"),
            ("100h", "100h0m0s"),
        ];
        for (text, printed) in cases {
            assert_eq!(
                text.parse::<Duration>().unwrap().to_string(),
                printed,
                "{text}"
            );
        }
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for text in [
            "",
            "1",
            "1d",
            "x",
            "-1s",
            "1h x",
            "9999999999h",
            ".s",
            "1.2.3s",
        ] {
            assert!(text.parse::<Duration>().is_err(), "{text}");
        }
    }
}
