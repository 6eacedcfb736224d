//! `Alert` v1beta3.

use std::collections::BTreeMap;

use kube::CustomResource;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::CrossNamespaceObjectReference;
use crate::{event::Severity, meta::LocalObjectReference};

/// Which events go to a provider.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "notification.toolkit.fluxcd.io",
    version = "v1beta3",
    kind = "Alert",
    plural = "alerts",
    category = "all",
    category = "fluxcd",
    category = "fluxcd-notifications",
    namespaced,
    derive = "PartialEq",
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    )
)]
#[serde(rename_all = "camelCase")]
pub struct AlertSpec {
    /// Metadata to add to the events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_metadata: Option<BTreeMap<String, String>>,
    /// The severity to take; info takes all.
    #[serde(default = "info")]
    #[schemars(schema_with = "severity_schema")]
    pub event_severity: Severity,
    /// The objects to listen to.
    pub event_sources: Vec<CrossNamespaceObjectReference>,
    /// Regular expressions: a message that one matches is dropped.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclusion_list: Vec<String>,
    /// Regular expressions, of which one must match the message; all messages when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inclusion_list: Vec<String>,
    /// The provider, in the same namespace.
    pub provider_ref: LocalObjectReference,
    /// A description of the impact: deprecated, `eventMetadata` says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub summary: Option<String>,
    /// Whether to stay silent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,
}

fn info() -> Severity {
    Severity::Info
}

fn severity_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": ["info", "error"], "default": "info" })
}
