//! References to the objects that alerts listen to and receivers notify.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// An object, or with name `*` several, of a Flux kind in this or another namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CrossNamespaceObjectReference {
    /// Group and version. Alerts do not compare it; receivers know it for some kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// The kind.
    #[schemars(schema_with = "kind_schema")]
    pub kind: String,
    /// With name `*`, the labels of the objects meant. Empty takes all; absent differs by user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_labels: Option<BTreeMap<String, String>>,
    /// The name, or `*`.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// The namespace: that of the object with the reference when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub namespace: Option<String>,
}

impl CrossNamespaceObjectReference {
    /// Whether it may mean more than one object.
    pub fn is_wildcard(&self) -> bool {
        self.name == "*"
    }

    /// The namespace that is meant where the object with the reference is in `own`.
    pub fn namespace_or<'a>(&'a self, own: &'a str) -> &'a str {
        match self.namespace.as_deref() {
            None | Some("") => own,
            Some(namespace) => namespace,
        }
    }
}

fn kind_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "enum": [
            "Bucket", "GitRepository", "Kustomization", "HelmRelease", "HelmChart", "HelmRepository",
            "ImageRepository", "ImagePolicy", "ImageUpdateAutomation", "OCIRepository",
            "ArtifactGenerator", "ExternalArtifact",
        ],
    })
}
