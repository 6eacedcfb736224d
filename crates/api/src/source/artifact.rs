//! What a source produces.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A revision of a source as an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Artifact {
    /// Digest of the file: `sha256:<hex>`.
    #[schemars(regex(pattern = r"^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$"))]
    pub digest: String,
    /// When it was written.
    #[serde(with = "crate::meta::time")]
    #[schemars(schema_with = "crate::meta::time_schema")]
    pub last_update_time: Timestamp,
    /// Upstream's annotations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// The file, relative to the storage's root.
    pub path: String,
    /// The upstream revision: `main@sha1:<hex>`.
    pub revision: String,
    /// Bytes of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// Where the file is served.
    pub url: String,
}
