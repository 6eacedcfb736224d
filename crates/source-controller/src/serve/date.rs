//! Dates in headers, to the second. Source: RFC 9110 §5.6.7.

use std::time::SystemTime;

use axum::http::HeaderValue;
use jiff::{Timestamp, fmt::rfc2822};

/// Whole seconds since 1970; times before count as zero.
pub(super) fn seconds(time: SystemTime) -> i64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .ok()
        .and_then(|age| i64::try_from(age.as_secs()).ok())
        .unwrap_or(0)
}

/// Writes a time as headers have it.
pub(super) fn format(seconds: i64) -> Option<HeaderValue> {
    let time = Timestamp::from_second(seconds).ok()?;
    let text = rfc2822::DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&time)
        .ok()?;
    HeaderValue::from_str(&text).ok()
}

/// Reads a time; none for anything malformed.
pub(super) fn parse(text: &str) -> Option<i64> {
    rfc2822::DateTimeParser::new()
        .parse_timestamp(text)
        .ok()
        .map(Timestamp::as_second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_read_as_they_are_written() {
        let value = format(784_111_777).unwrap();
        assert_eq!(value, "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(parse(value.to_str().unwrap()), Some(784_111_777));
        assert_eq!(parse("yesterday"), None);
    }
}
