//! The event that controllers post to the notification controller. Source: fluxcd/pkg `apis/event`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The object that an event is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ObjectReference {
    /// Group and version.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its version when the event was made.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub resource_version: String,
    /// Its identity.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub uid: String,
}

/// Good or bad news.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// For tracing.
    Trace,
    /// Something went as it should.
    Info,
    /// Something failed.
    Error,
}

/// An event as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// What it is about.
    pub involved_object: ObjectReference,
    /// Good or bad news.
    pub severity: Severity,
    /// When, RFC 3339.
    #[serde(with = "crate::meta::time")]
    pub timestamp: jiff::Timestamp,
    /// For people.
    pub message: String,
    /// One word for machines.
    pub reason: String,
    /// Revision and the like.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// The controller's name.
    pub reporting_controller: String,
    /// The host's name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reporting_instance: String,
}
