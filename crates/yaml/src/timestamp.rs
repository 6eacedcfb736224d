//! Points in time as go-yaml recognises them and as Go prints them.
//!
//! Source: `parseTimestamp` in resolve.go of go.yaml.in/yaml v3 3.0.3; time.Parse in Go 1.26.

use std::fmt;

/// A date, or a date and a time of day with an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timestamp {
    year: u32,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    nanosecond: u32,
    /// Minutes east of UTC.
    offset: i32,
}

impl Timestamp {
    /// Reads `Y-M-D`, `Y-M-DTh:m:s[.f]zone` (also with `t`) or `Y-M-D h:m:s[.f]`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut input = Input(text.as_bytes());
        let bytes = text.as_bytes();
        if bytes.len() < 6 || !bytes.iter().take(4).all(u8::is_ascii_digit) {
            return None;
        }
        let year = text.get(..4)?.parse().ok()?;
        input.0 = bytes.get(4..)?;
        input.expect(b'-')?;
        let month = input.number(1..=12)?;
        input.expect(b'-')?;
        let day = input.number(1..=days_in(year, month))?;
        let date = Self {
            year,
            month,
            day,
            hour: 0,
            minute: 0,
            second: 0,
            nanosecond: 0,
            offset: 0,
        };
        let zoned = match input.next() {
            None => return Some(date),
            Some(b'T' | b't') => true,
            Some(b' ') => {
                // Go takes any number of blanks for one in its layout.
                input.0 = input.0.trim_ascii_start();
                false
            }
            Some(_) => return None,
        };
        let hour = input.number(0..=23)?;
        input.expect(b':')?;
        let minute = input.number(0..=59)?;
        input.expect(b':')?;
        let second = input.number(0..=59)?;
        let nanosecond = input.fraction();
        let offset = if zoned { input.zone()? } else { 0 };
        let timestamp = Self {
            hour,
            minute,
            second,
            nanosecond,
            offset,
            ..date
        };
        input.0.is_empty().then_some(timestamp)
    }

    /// Whether RFC 3339 can say the offset; Go refuses to print it as JSON otherwise.
    pub(crate) const fn has_printable_offset(&self) -> bool {
        self.offset.abs() < 24 * 60
    }
}

/// RFC 3339 with as many digits of the second as needed.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
            ..
        } = self;
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        )?;
        if self.nanosecond > 0 {
            let digits = format!("{:09}", self.nanosecond);
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        if self.offset == 0 {
            return f.write_str("Z");
        }
        let sign = if self.offset < 0 { '-' } else { '+' };
        let minutes = self.offset.unsigned_abs();
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

const fn days_in(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn next(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    /// One or two digits.
    fn number(&mut self, range: std::ops::RangeInclusive<u32>) -> Option<u32> {
        let first = self.digit()?;
        let number = match self.0.first() {
            Some(byte) if byte.is_ascii_digit() => first * 10 + self.digit()?,
            _ => first,
        };
        range.contains(&number).then_some(number)
    }

    fn digit(&mut self) -> Option<u32> {
        char::from(self.next()?).to_digit(10)
    }

    /// A dot or comma with digits, of which nine count; 0 without.
    fn fraction(&mut self) -> u32 {
        let [b'.' | b',', b'0'..=b'9', ..] = self.0 else {
            return 0;
        };
        self.next();
        let (mut nanosecond, mut scale) = (0, 100_000_000);
        while let Some(byte) = self.0.first().filter(|byte| byte.is_ascii_digit()) {
            nanosecond += u32::from(byte - b'0') * scale;
            scale /= 10;
            self.next();
        }
        nanosecond
    }

    /// `Z` or `±hh:mm`, in minutes. Go lets 24 hours and 60 minutes pass.
    fn zone(&mut self) -> Option<i32> {
        let sign = match self.next()? {
            b'Z' => return Some(0),
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        let hours = self.digit()? * 10 + self.digit()?;
        self.expect(b':')?;
        let minutes = self.digit()? * 10 + self.digit()?;
        if hours > 24 || minutes > 60 {
            return None;
        }
        Some(sign * i32::try_from(hours * 60 + minutes).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_four_forms_and_prints_rfc_3339() {
        let cases = [
            ("2020-01-01", Some("2020-01-01T00:00:00Z")),
            ("2020-1-2", Some("2020-01-02T00:00:00Z")),
            ("2020-02-29", Some("2020-02-29T00:00:00Z")),
            (
                "2001-12-14t21:59:43.10-05:00",
                Some("2001-12-14T21:59:43.1-05:00"),
            ),
            ("2001-12-14T21:59:43Z", Some("2001-12-14T21:59:43Z")),
            (
                "2001-12-14 21:59:43.123456789",
                Some("2001-12-14T21:59:43.123456789Z"),
            ),
            ("2001-12-14 1:2:3", Some("2001-12-14T01:02:03Z")),
            ("2020-13-01", None),
            ("2021-02-29", None),
            ("2001-12-14T21:59:43", None),
            ("2001-12-14 21:59:43Z", None),
            ("2001-12-14 21:59", None),
            ("2020-01", None),
            ("12020-01-01", None),
        ];
        for (text, expected) in cases {
            let printed = Timestamp::parse(text).map(|timestamp| timestamp.to_string());
            assert_eq!(printed.as_deref(), expected, "{text}");
        }
    }
}
