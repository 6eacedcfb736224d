//! Points in time, to the nanosecond, between the years 1 and 9999.
//!
//! A timestamp remembers the offset it was written with, because it prints with it; order and equality do not
//! look at it.
//! Source: cel-go `common/types/timestamp.go`, `common/stdlib/standard.go` (0.27); Go `time.Parse`.

use std::cmp::Ordering;

use jiff::tz::TimeZone;

use crate::failure::Failure;

/// The first second of the year 1.
const MIN_SECONDS: i64 = -62_135_596_800;
/// The last second of the year 9999.
const MAX_SECONDS: i64 = 253_402_300_799;
const NANOS_PER_SECOND: i64 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Timestamp {
    /// Since 1970, in UTC.
    seconds: i64,
    /// Less than a second.
    nanoseconds: i64,
    /// Seconds east of UTC.
    offset: i64,
}

/// A field of a timestamp.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    Year,
    /// From 0.
    Month,
    /// From 0.
    DayOfYear,
    /// From 0.
    DayOfMonth,
    /// From 1.
    Date,
    /// From Sunday, 0.
    DayOfWeek,
    Hours,
    Minutes,
    Seconds,
    Milliseconds,
}

impl Timestamp {
    /// The second `seconds` after 1970.
    pub(crate) fn at(seconds: i64) -> Result<Self, Failure> {
        if (MIN_SECONDS..=MAX_SECONDS).contains(&seconds) {
            Ok(Self {
                seconds,
                nanoseconds: 0,
                offset: 0,
            })
        } else {
            Err(overflow())
        }
    }

    /// Reads RFC 3339 as Go does; nothing if the text has another form.
    pub(crate) fn parse(text: &str) -> Option<Result<Self, Failure>> {
        let mut reader = Reader(text);
        let year = reader.number(4)?;
        reader.literal('-')?;
        let month = reader.number(2)?;
        reader.literal('-')?;
        let day = reader.number(2)?;
        reader.literal('T')?;
        let hour = reader.number(2).or_else(|| reader.number(1))?;
        reader.literal(':')?;
        let minute = reader.number(2)?;
        reader.literal(':')?;
        let second = reader.number(2)?;
        let nanoseconds = reader.fraction();
        let offset = reader.offset()?;
        let valid = (1..=12).contains(&month)
            && (1..=days_in(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60
            && reader.0.is_empty();
        if !valid {
            return None;
        }
        let days = days_before(year, month, day);
        let local = days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
        Some(Self::at(local - offset).map(|timestamp| Self {
            nanoseconds,
            offset,
            ..timestamp
        }))
    }

    /// Since 1970, in seconds.
    pub(crate) const fn seconds(self) -> i64 {
        self.seconds
    }

    /// Whether it is the first moment of the year 1, Go's zero.
    pub(crate) const fn is_zero(self) -> bool {
        self.seconds == MIN_SECONDS && self.nanoseconds == 0
    }

    /// `span` nanoseconds later.
    pub(crate) fn later(self, span: i64) -> Result<Self, Failure> {
        let nanoseconds = self.nanoseconds + span.rem_euclid(NANOS_PER_SECOND);
        let seconds = self.seconds
            + span.div_euclid(NANOS_PER_SECOND)
            + nanoseconds.div_euclid(NANOS_PER_SECOND);
        Ok(Self {
            nanoseconds: nanoseconds.rem_euclid(NANOS_PER_SECOND),
            offset: self.offset,
            ..Self::at(seconds)?
        })
    }

    /// How many nanoseconds it is after `other`.
    pub(crate) fn since(self, other: Self) -> Result<i64, Failure> {
        (self.seconds - other.seconds)
            .checked_mul(NANOS_PER_SECOND)
            .and_then(|span| span.checked_add(self.nanoseconds - other.nanoseconds))
            .ok_or_else(|| Failure::text("integer overflow"))
    }

    /// RFC 3339 with the offset it was written with and as many digits as it needs.
    pub(crate) fn format(self) -> String {
        let (date, time) = self.date_and_time();
        match self.offset {
            0 => format!("{date}T{time}Z"),
            _ => format!("{date}T{time}{}", self.offset_text(":")),
        }
    }

    /// As Go prints a time that nobody formats.
    pub(super) fn show(self) -> String {
        let (date, time) = self.date_and_time();
        let offset = self.offset_text("");
        let zone = if self.offset == 0 { "UTC" } else { &offset };
        format!("{date} {time} {offset} {zone}")
    }

    fn date_and_time(self) -> (String, String) {
        let local = self.seconds + self.offset;
        let (year, month, day) = date(local.div_euclid(SECONDS_PER_DAY));
        let of_day = local.rem_euclid(SECONDS_PER_DAY);
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        let mut time = format!("{hour:02}:{minute:02}:{second:02}");
        if self.nanoseconds != 0 {
            let digits = format!(".{:09}", self.nanoseconds);
            time.push_str(digits.trim_end_matches('0'));
        }
        (format!("{year:04}-{month:02}-{day:02}"), time)
    }

    fn offset_text(self, separator: &str) -> String {
        let sign = if self.offset < 0 { '-' } else { '+' };
        let minutes = self.offset.abs() / 60;
        format!("{sign}{:02}{separator}{:02}", minutes / 60, minutes % 60)
    }

    /// The same moment, to be printed in UTC.
    pub(crate) const fn utc(self) -> Self {
        Self { offset: 0, ..self }
    }

    /// A part of it, as a clock in `zone` shows it.
    pub(crate) fn part(self, part: Part, zone: Option<&str>) -> Result<i64, Failure> {
        let offset = match zone {
            None => 0,
            Some(zone) => offset(zone, self.seconds)?,
        };
        let local = self.seconds + offset;
        let days = local.div_euclid(SECONDS_PER_DAY);
        let of_day = local.rem_euclid(SECONDS_PER_DAY);
        let (year, month, day) = date(days);
        Ok(match part {
            Part::Year => year,
            Part::Month => month - 1,
            Part::DayOfYear => days - days_before(year, 1, 1),
            Part::DayOfMonth => day - 1,
            Part::Date => day,
            // 1970 began on a Thursday.
            Part::DayOfWeek => (days + 4).rem_euclid(7),
            Part::Hours => of_day / 3600,
            Part::Minutes => of_day / 60 % 60,
            Part::Seconds => of_day % 60,
            Part::Milliseconds => self.nanoseconds / 1_000_000,
        })
    }
}

impl PartialEq for Timestamp {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Timestamp {}

impl PartialOrd for Timestamp {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timestamp {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.seconds, self.nanoseconds).cmp(&(other.seconds, other.nanoseconds))
    }
}

fn overflow() -> Failure {
    Failure::text("timestamp overflow")
}

/// How far east of UTC `zone` is at a moment, in seconds: a name of the time zone database or `±hh:mm`.
fn offset(zone: &str, seconds: i64) -> Result<i64, Failure> {
    let Some((hours, minutes)) = zone.split_once(':') else {
        return named_offset(zone, seconds);
    };
    let negative = zone.starts_with('-');
    let (hours, minutes) = (atoi(hours)?, atoi(minutes)?);
    let minutes = if negative { -minutes } else { minutes };
    hours
        .checked_mul(60)
        .and_then(|hours| hours.checked_add(minutes)?.checked_mul(60))
        .filter(|offset| offset.abs() <= 100 * 365 * SECONDS_PER_DAY)
        .ok_or_else(overflow)
}

fn named_offset(zone: &str, seconds: i64) -> Result<i64, Failure> {
    if matches!(zone, "" | "UTC" | "Local") {
        return Ok(0);
    }
    if zone.contains("..") || zone.starts_with(['/', '\\']) || zone.contains('\\') {
        return Err(Failure::text("time: invalid location name"));
    }
    let unknown = || Failure::text(format!("unknown time zone {zone}"));
    let zone = TimeZone::get(zone).map_err(|_| unknown())?;
    let moment = jiff::Timestamp::from_second(seconds).map_err(|_| overflow())?;
    Ok(zone.to_offset(moment).seconds().into())
}

fn atoi(text: &str) -> Result<i64, Failure> {
    text.parse()
        .map_err(|_| Failure::text(format!("strconv.Atoi: parsing {text:?}: invalid syntax")))
}

/// Takes a text apart from the left.
struct Reader<'a>(&'a str);

impl Reader<'_> {
    /// Exactly `digits` digits.
    fn number(&mut self, digits: usize) -> Option<i64> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        self.0 = rest;
        number.parse().ok()
    }

    fn literal(&mut self, literal: char) -> Option<()> {
        self.0 = self.0.strip_prefix(literal)?;
        Some(())
    }

    /// A fraction of a second in nanoseconds; zero if there is none.
    fn fraction(&mut self) -> i64 {
        let Some(rest) = self.0.strip_prefix(['.', ',']) else {
            return 0;
        };
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return 0;
        }
        let mut nanoseconds = 0;
        for index in 0..9 {
            let digit = rest.as_bytes().get(index).filter(|_| index < digits);
            nanoseconds = nanoseconds * 10 + digit.map_or(0, |digit| i64::from(digit - b'0'));
        }
        self.0 = rest.get(digits..).unwrap_or_default();
        nanoseconds
    }

    /// `Z` or `±hh:mm`, in seconds.
    fn offset(&mut self) -> Option<i64> {
        if let Some(rest) = self.0.strip_prefix('Z') {
            self.0 = rest;
            return Some(0);
        }
        let sign = if self.0.starts_with('-') { -1 } else { 1 };
        self.0 = self.0.strip_prefix(['+', '-'])?;
        let hours = self.number(2)?;
        self.literal(':')?;
        let minutes = self.number(2)?;
        (hours <= 24 && minutes <= 60).then_some(sign * (hours * 60 + minutes) * 60)
    }
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from the start of 1970 to a date. Years are shifted to begin in March, so that the leap day is last.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day of a count of days since 1970: [`days_before`] backwards.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::{Timestamp, date, days_before};

    #[test]
    fn dates_and_days_are_inverse() {
        for days in (-719_162..2_932_896).step_by(97) {
            let (year, month, day) = date(days);
            assert_eq!(days_before(year, month, day), days);
        }
    }

    #[test]
    fn reads_and_prints_alike() {
        for text in [
            "0001-01-01T00:00:00Z",
            "2024-02-29T23:59:59.123456789+05:30",
            "9999-12-31T23:59:59.5-01:00",
        ] {
            let read = Timestamp::parse(text);
            assert_eq!(
                read.and_then(Result::ok).map(Timestamp::format).as_deref(),
                Some(text).filter(|text| !text.starts_with("9999")),
                "{text}"
            );
        }
    }
}
