//! Which types have no namespace.
//!
//! The types of the built-in schema are known once and for all. Others have a namespace unless the
//! paths of a schema of the user's own say otherwise; as a layer may bring that schema in the
//! middle of a build, all resources share one answer that may still come.
//! Source: kyaml 0.21.1 `openapi/openapi.go`.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use crate::id::Gvk;
use crate::merge::schema;

const TYPE: &str = "x-kubernetes-group-version-kind";
const NAMESPACE_PARAMETER: &str = "namespaces/{namespace}";

/// What is known about the types of a build; clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scopes(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    /// Whether a type has a namespace, by apiVersion and kind, as the user's schema says.
    custom: OnceLock<HashMap<(String, String), bool>>,
    asked_beyond_built_in: AtomicBool,
}

impl Scopes {
    /// Whether the type certainly has no namespace.
    pub(crate) fn is_cluster_scoped(&self, api_version: &str, kind: &str) -> bool {
        if is_built_in_cluster_scoped(Gvk::new(api_version, kind)) {
            return true;
        }
        if schema::is_built_in(api_version, kind) {
            return false;
        }
        match self.0.custom.get() {
            None => {
                self.0.asked_beyond_built_in.store(true, Ordering::Relaxed);
                false
            }
            Some(custom) if custom.is_empty() => false,
            Some(custom) => custom
                .get(&(api_version.to_owned(), kind.to_owned()))
                .is_some_and(|namespaced| !namespaced),
        }
    }

    /// Whether a type was asked for that the built-in schema does not know, before there was
    /// another schema.
    pub(crate) fn asked_beyond_built_in(&self) -> bool {
        self.0.asked_beyond_built_in.load(Ordering::Relaxed)
    }

    /// Takes over what the paths of an OpenAPI document say; only the first document counts.
    pub(crate) fn learn(&self, document: &Value) {
        let mut namespaced: HashMap<(String, String), bool> = HashMap::new();
        let paths = document.get("paths").and_then(Value::as_object);
        for (path, item) in paths.into_iter().flatten() {
            let Some(object) = item.pointer(&format!("/get/{TYPE}")) else {
                continue;
            };
            let text = |field: &str| object.get(field).and_then(Value::as_str).unwrap_or("");
            let api_version = match text("group") {
                "" => text("version").to_owned(),
                group => format!("{group}/{}", text("version")),
            };
            let entry = namespaced
                .entry((api_version, text("kind").to_owned()))
                .or_default();
            *entry |= path.contains(NAMESPACE_PARAMETER);
        }
        self.0.custom.get_or_init(|| namespaced);
    }
}

/// Whether the built-in schema (Kubernetes 1.21) says that the type has no namespace.
fn is_built_in_cluster_scoped(gvk: Gvk<'_>) -> bool {
    let kinds: &[&str] = match (gvk.group, gvk.version) {
        ("", "v1") => &[
            "ComponentStatus",
            "Namespace",
            "Node",
            "NodeProxyOptions",
            "PersistentVolume",
        ],
        ("admissionregistration.k8s.io", "v1" | "v1beta1") => &[
            "MutatingWebhookConfiguration",
            "ValidatingWebhookConfiguration",
        ],
        ("apiextensions.k8s.io", "v1" | "v1beta1") => &["CustomResourceDefinition"],
        ("apiregistration.k8s.io", "v1" | "v1beta1") => &["APIService"],
        ("certificates.k8s.io", "v1" | "v1beta1") => &["CertificateSigningRequest"],
        ("flowcontrol.apiserver.k8s.io", "v1beta1") => {
            &["FlowSchema", "PriorityLevelConfiguration"]
        }
        ("networking.k8s.io", "v1" | "v1beta1") => &["IngressClass"],
        ("node.k8s.io", "v1" | "v1beta1") => &["RuntimeClass"],
        ("policy", "v1beta1") => &["PodSecurityPolicy"],
        ("rbac.authorization.k8s.io", "v1" | "v1beta1") => &["ClusterRole", "ClusterRoleBinding"],
        ("scheduling.k8s.io", "v1" | "v1beta1") => &["PriorityClass"],
        ("storage.k8s.io", "v1" | "v1beta1") => {
            &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"]
        }
        _ => return false,
    };
    kinds.contains(&gvk.kind)
}

#[cfg(test)]
mod tests {
    use super::Scopes;

    #[test]
    fn a_schema_of_the_users_own_adds_to_the_built_in_types() {
        let scopes = Scopes::default();
        let of_resource = scopes.clone();
        assert!(!of_resource.is_cluster_scoped("apps/v1", "Deployment"));
        assert!(of_resource.is_cluster_scoped("v1", "Node"));
        assert!(!scopes.asked_beyond_built_in());
        assert!(!of_resource.is_cluster_scoped("example.org/v1", "Widget"));
        assert!(scopes.asked_beyond_built_in());
        let get = |kind: &str| {
            let object =
                serde_json::json!({ "group": "example.org", "version": "v1", "kind": kind });
            serde_json::json!({ "get": { "x-kubernetes-group-version-kind": object } })
        };
        scopes.learn(&serde_json::json!({ "paths": {
            "/apis/example.org/v1/widgets/{name}": get("Widget"),
            "/apis/example.org/v1/gadgets": get("Gadget"),
            "/apis/example.org/v1/namespaces/{namespace}/gadgets/{name}": get("Gadget"),
        }}));
        assert!(of_resource.is_cluster_scoped("example.org/v1", "Widget"));
        assert!(!of_resource.is_cluster_scoped("example.org/v1", "Gadget"));
        assert!(!of_resource.is_cluster_scoped("example.org/v2", "Widget"));
    }
}
