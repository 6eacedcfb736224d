//! The query of a repository's address, and Go's durations.
//!
//! A query that does not parse counts as absent, and so does each value that does not.
//! Source: Go `net/url`, `strconv`, `time`.

use std::fmt;
use std::time::Duration;

const NANOS: u64 = 1_000_000_000;
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(27);

/// How a repository is fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) reference: String,
    pub(super) timeout: Duration,
    pub(super) submodules: bool,
}

/// A duration as Go prints it, such as `1m30s`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GoDuration(pub(crate) Duration);

impl Query {
    pub(super) fn parse(text: &str) -> Self {
        let pairs = pairs(text).unwrap_or_default();
        let get = |name: &str| {
            let found = pairs.iter().find(|(key, _)| key == name);
            found
                .map(|(_, value)| value.as_str())
                .filter(|value| !value.is_empty())
        };
        Self {
            reference: get("ref")
                .or_else(|| get("version"))
                .unwrap_or("")
                .to_owned(),
            timeout: get("timeout")
                .and_then(parse_timeout)
                .unwrap_or(DEFAULT_TIMEOUT),
            submodules: get("submodules").and_then(parse_bool).unwrap_or(true),
        }
    }
}

/// Decodes `a=b&c=d`; one bad part spoils all.
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    text.split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            if part.contains(';') {
                return None;
            }
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            Some((unescape(key)?, unescape(value)?))
        })
        .collect()
}

fn unescape(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            other => other,
        });
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}

/// Whole seconds, or a number with a unit; neither zero nor negative.
fn parse_timeout(text: &str) -> Option<Duration> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    let seconds = digits
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| digits.parse().ok())
        .flatten();
    let timeout = match seconds {
        Some(seconds) => Duration::from_secs(seconds),
        None => parse_duration(digits)?,
    };
    (!timeout.is_zero()
        && u64::try_from(timeout.as_nanos()).is_ok_and(|n| i64::try_from(n).is_ok()))
    .then_some(timeout)
}

/// Reads `1h30m`, `1.5s`, `300ms`: numbers, each with a unit.
fn parse_duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = 0_u64;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at_checked(end)?;
        let end = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at_checked(end)?;
        let unit = match unit {
            "ns" => 1,
            "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
            "ms" => 1_000_000,
            "s" => NANOS,
            "m" => 60 * NANOS,
            "h" => 3_600 * NANOS,
            _ => return None,
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
            return None;
        }
        let whole: u64 = if whole.is_empty() {
            0
        } else {
            whole.parse().ok()?
        };
        total = total.checked_add(whole.checked_mul(unit)?)?;
        let mut place = unit;
        for digit in fraction.bytes() {
            place /= 10;
            total = total.checked_add(u64::from(digit - b'0') * place)?;
        }
        rest = tail;
    }
    Some(Duration::from_nanos(total))
}

/// Go's `strconv.ParseBool`.
fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        let scaled = |f: &mut fmt::Formatter<'_>, unit: u128, name: &str| {
            let (whole, rest) = (nanos / unit, nanos % unit);
            let width = unit.ilog10() as usize;
            let fraction = format!("{rest:0width$}");
            match fraction.trim_end_matches('0') {
                "" => write!(f, "{whole}{name}"),
                digits => write!(f, "{whole}.{digits}{name}"),
            }
        };
        match nanos {
            0 => f.write_str("0s"),
            1..1_000 => write!(f, "{nanos}ns"),
            1_000..1_000_000 => scaled(f, 1_000, "\u{b5}s"),
            1_000_000..1_000_000_000 => scaled(f, 1_000_000, "ms"),
            _ => {
                let seconds = self.0.as_secs();
                let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
                if hours > 0 {
                    write!(f, "{hours}h")?;
                }
                if seconds >= 60 {
                    write!(f, "{minutes}m")?;
                }
                let seconds = Duration::new(seconds % 60, self.0.subsec_nanos());
                let fraction = format!("{:09}", seconds.subsec_nanos());
                match fraction.trim_end_matches('0') {
                    "" => write!(f, "{}s", seconds.as_secs()),
                    digits => write!(f, "{}.{digits}s", seconds.as_secs()),
                }
            }
        }
    }
}
