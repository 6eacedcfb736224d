//! The event that controllers post to the notification controller.
//!
//! Read with the leniency of Go's decoder, since emitters are not ours alone: field names match whatever
//! their case, a missing field or `null` is the empty value, unknown fields are passed over, and any
//! severity is taken. Written with Go's order of fields.
//!
//! Source: fluxcd/pkg `apis/event` (0.27), Kubernetes `core/v1` `ObjectReference`, Go `encoding/json`.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// The object that an event is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ObjectReference {
    /// Its kind.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// Its namespace.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Its name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its identity.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub uid: String,
    /// Group and version.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub api_version: String,
    /// Its version when the event was made.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub resource_version: String,
    /// The part of it that is meant.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub field_path: String,
}

impl ObjectReference {
    /// The group of its API version; empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version
            .rsplit_once('/')
            .map_or("", |(group, _)| group)
    }
}

/// `Kind/namespace/name`.
impl fmt::Display for ObjectReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.kind, self.namespace, self.name)
    }
}

/// Good or bad news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Severity {
    /// For tracing.
    Trace,
    /// Something went as it should.
    Info,
    /// Something failed.
    Error,
    /// A word that Flux does not know; may be empty.
    Other(Box<str>),
}

impl Severity {
    /// The word.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Trace => "trace",
            Self::Info => "info",
            Self::Error => "error",
            Self::Other(word) => word,
        }
    }
}

impl From<&str> for Severity {
    fn from(word: &str) -> Self {
        match word {
            "trace" => Self::Trace,
            "info" => Self::Info,
            "error" => Self::Error,
            other => Self::Other(other.into()),
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Severity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Severity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::from(&*Cow::<'de, str>::deserialize(deserializer)?))
    }
}

/// Go's zero time, the year 1: what an event without a time has. Printed as `null`.
pub const NO_TIME: Timestamp = Timestamp::constant(-62_135_596_800, 0);

/// An event as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// What it is about.
    pub involved_object: ObjectReference,
    /// Good or bad news.
    pub severity: Severity,
    /// When, to the second; [`NO_TIME`] when the emitter does not say.
    #[serde(serialize_with = "time_or_null")]
    pub timestamp: Timestamp,
    /// For people.
    pub message: String,
    /// One word for machines.
    pub reason: String,
    /// Revision and the like.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// The controller's name.
    pub reporting_controller: String,
    /// The host's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reporting_instance: String,
}

fn time_or_null<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    if *time == NO_TIME {
        serializer.serialize_none()
    } else {
        crate::meta::time::serialize(time, serializer)
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Fields::deserialize(deserializer)?;
        Ok(Self {
            involved_object: fields.take("involvedObject")?.unwrap_or_default(),
            severity: fields
                .take("severity")?
                .unwrap_or_else(|| Severity::from("")),
            timestamp: fields
                .take::<Time, _>("timestamp")?
                .map_or(NO_TIME, |t| t.0),
            message: fields.text("message")?,
            reason: fields.text("reason")?,
            metadata: fields
                .take::<BTreeMap<String, Option<String>>, _>("metadata")?
                .unwrap_or_default()
                .into_iter()
                .map(|(key, value)| (key, value.unwrap_or_default()))
                .collect(),
            reporting_controller: fields.text("reportingController")?,
            reporting_instance: fields.text("reportingInstance")?,
        })
    }
}

impl<'de> Deserialize<'de> for ObjectReference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Fields::deserialize(deserializer)?;
        Ok(Self {
            kind: fields.text("kind")?,
            namespace: fields.text("namespace")?,
            name: fields.text("name")?,
            uid: fields.text("uid")?,
            api_version: fields.text("apiVersion")?,
            resource_version: fields.text("resourceVersion")?,
            field_path: fields.text("fieldPath")?,
        })
    }
}

#[derive(Deserialize)]
struct Time(#[serde(with = "crate::meta::time")] Timestamp);

/// The fields of a JSON object, found as Go finds them.
#[derive(Deserialize)]
struct Fields(Map<String, Value>);

impl Fields {
    /// Takes a field; `None` when it is missing or `null`. The exact spelling goes before others.
    fn take<T: serde::de::DeserializeOwned, E: serde::de::Error>(
        &mut self,
        name: &str,
    ) -> Result<Option<T>, E> {
        let value = self.0.remove(name).or_else(|| {
            let key = self.0.keys().find(|key| key.eq_ignore_ascii_case(name))?;
            let key = key.clone();
            self.0.remove(&key)
        });
        match value {
            None | Some(Value::Null) => Ok(None),
            Some(value) => T::deserialize(value)
                .map(Some)
                .map_err(|error| E::custom(format_args!("{name}: {error}"))),
        }
    }

    fn text<E: serde::de::Error>(&mut self, name: &str) -> Result<String, E> {
        Ok(self.take(name)?.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = r#"{"involvedObject":{"kind":"Kustomization","namespace":"ns","name":"apps","uid":"1","apiVersion":"kustomize.toolkit.fluxcd.io/v1","resourceVersion":"2","fieldPath":"x"},"severity":"info","timestamp":"2026-01-02T03:04:05Z","message":"m","reason":"r","metadata":{"a":"b"},"reportingController":"c","reportingInstance":"i"}"#;

    #[test]
    fn an_event_is_written_as_it_was_read() {
        let event: Event = serde_json::from_str(FULL).unwrap();
        assert_eq!(serde_json::to_string(&event).unwrap(), FULL);
        assert_eq!(event.involved_object.group(), "kustomize.toolkit.fluxcd.io");
        assert_eq!(event.involved_object.to_string(), "Kustomization/ns/apps");
    }

    #[test]
    fn reading_is_as_lenient_as_gos() {
        let empty = r#"{"involvedObject":{},"severity":"","timestamp":null,"message":"","reason":"","reportingController":""}"#;
        let cases = [
            ("{}", empty),
            (
                r#"{"involvedObject":null,"severity":null,"timestamp":null,"metadata":null,"message":null,"extra":[1]}"#,
                empty,
            ),
            (
                r#"{"SEVERITY":"odd","Message":"x","message":"y","metadata":{"a":null},"involvedobject":{"NAME":"n"}}"#,
                r#"{"involvedObject":{"name":"n"},"severity":"odd","timestamp":null,"message":"y","reason":"","metadata":{"a":""},"reportingController":""}"#,
            ),
            (
                r#"{"message":"a","message":"b","timestamp":"2026-01-02T03:04:05.9+01:00"}"#,
                r#"{"involvedObject":{},"severity":"","timestamp":"2026-01-02T02:04:05Z","message":"b","reason":"","reportingController":""}"#,
            ),
        ];
        for (text, expected) in cases {
            let event: Event = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&event).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_go_refuses_is_refused() {
        let cases = [
            "",
            "null x",
            "[]",
            "1",
            r#"{"message":1}"#,
            r#"{"metadata":{"a":1}}"#,
            r#"{"metadata":[]}"#,
            r#"{"involvedObject":"x"}"#,
            r#"{"timestamp":""}"#,
            r#"{"timestamp":"yesterday"}"#,
            r#"{"message":"x"}{}"#,
        ];
        for text in cases {
            assert!(serde_json::from_str::<Event>(text).is_err(), "{text}");
        }
    }
}
