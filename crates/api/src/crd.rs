//! The manifests of the definitions.
//!
//! Generated from the types, then brought into the form that Flux publishes: no `nullable`, no
//! number formats that Go does not have, an open `metadata`, and the status default that says
//! that nothing was reconciled yet.

mod emit;

use kube::CustomResourceExt;
use serde_json::{Map, Value, json};

use crate::{kustomize::Kustomization, source::GitRepository};

/// The definition of `GitRepository`.
pub fn git_repository() -> Value {
    publish(serde_json::to_value(GitRepository::crd()).unwrap_or_default())
}

/// The definition of `Kustomization`.
pub fn kustomization() -> Value {
    let mut definition = publish(serde_json::to_value(Kustomization::crd()).unwrap_or_default());
    // Its description of variables must survive their substitution.
    definition["metadata"]["annotations"] =
        json!({ "kustomize.toolkit.fluxcd.io/substitute": "disabled" });
    definition
}

/// Every definition as a file name and YAML.
pub fn manifests() -> Vec<(String, String)> {
    [git_repository(), kustomization()]
        .iter()
        .map(|definition| {
            let name = definition["metadata"]["name"].as_str().unwrap_or_default();
            (format!("{name}.yaml"), emit::yaml(definition))
        })
        .collect()
}

fn publish(mut definition: Value) -> Value {
    let kind = definition["spec"]["names"]["kind"]
        .as_str()
        .unwrap_or_default();
    definition["spec"]["names"]["listKind"] = format!("{kind}List").into();
    if let Some(schema) = definition.pointer_mut("/spec/versions/0/schema/openAPIV3Schema") {
        clean(schema);
        if let Some(root) = schema.as_object_mut() {
            root.remove("required");
            root.remove("title");
        }
        schema["properties"]["apiVersion"] = json!({ "type": "string" });
        schema["properties"]["kind"] = json!({ "type": "string" });
        schema["properties"]["metadata"] = json!({ "type": "object" });
        schema["properties"]["status"]["default"] = json!({ "observedGeneration": -1 });
    }
    definition
}

/// Removes what the generator says and Kubernetes' own does not.
fn clean(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    object.remove("nullable");
    if let Some(minimum) = object.get_mut("minimum")
        && minimum.as_f64() == Some(0.0)
    {
        *minimum = 0.into();
    }
    if matches!(
        object.get("default"),
        Some(Value::Null | Value::Array(_) | Value::Object(_))
    ) {
        object.remove("default");
    }
    if object.get("type") == Some(&json!("object"))
        && object
            .get("properties")
            .and_then(Value::as_object)
            .is_some_and(Map::is_empty)
    {
        object.remove("properties");
    }
    for key in ["properties", "items", "additionalProperties"] {
        match object.get_mut(key) {
            Some(Value::Object(map)) if key == "properties" => {
                map.values_mut().for_each(clean);
            }
            Some(child) => clean(child),
            None => {}
        }
    }
}
