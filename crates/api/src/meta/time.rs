//! Points in time as Kubernetes writes them: RFC 3339, UTC, whole seconds, `Z`.
//!
//! For `#[serde(with = "crate::meta::time")]` on a `jiff::Timestamp`. Reading takes any RFC 3339
//! offset and drops the fraction, so that a value read equals the value that was written.
//! Source: Kubernetes `meta/v1` `Time`.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serializer, de::Error};

/// Drops the fraction of a second.
pub fn whole_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(
        time.as_nanosecond()
            .div_euclid(1_000_000_000)
            .try_into()
            .unwrap_or(0),
    )
    .unwrap_or(time)
}

/// Writes `time` to the second.
pub fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&whole_second(*time))
}

/// Reads an RFC 3339 time.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    let text = Cow::<'de, str>::deserialize(deserializer)?;
    let time: Timestamp = text.parse().map_err(D::Error::custom)?;
    Ok(whole_second(time))
}
