//! The manifests of the definitions.
//!
//! Generated from the types, then brought into the form that Flux publishes: no `nullable`, no
//! number formats that Go does not have, an open `metadata`, and where there is a status, the
//! default that says that nothing was reconciled yet.

mod emit;

use kube::CustomResourceExt;
use serde_json::{Map, Value, json};

use crate::{
    kustomize::Kustomization,
    notification::{Alert, Provider, Receiver},
    source::GitRepository,
};

/// The definition of `GitRepository`.
pub fn git_repository() -> Value {
    definition::<GitRepository>()
}

/// The definition of `Kustomization`.
pub fn kustomization() -> Value {
    unsubstituted(definition::<Kustomization>())
}

/// The definition of `Provider`.
pub fn provider() -> Value {
    unsubstituted(definition::<Provider>())
}

/// The definition of `Alert`.
pub fn alert() -> Value {
    unsubstituted(definition::<Alert>())
}

/// The definition of `Receiver`.
pub fn receiver() -> Value {
    unsubstituted(definition::<Receiver>())
}

/// Every definition as a file name and YAML.
pub fn manifests() -> Vec<(String, String)> {
    [
        git_repository(),
        kustomization(),
        provider(),
        alert(),
        receiver(),
    ]
    .iter()
    .map(|definition| {
        let name = definition["metadata"]["name"].as_str().unwrap_or_default();
        (format!("{name}.yaml"), emit::yaml(definition))
    })
    .collect()
}

fn definition<K: CustomResourceExt>() -> Value {
    publish(serde_json::to_value(K::crd()).unwrap_or_default())
}

/// Keeps a definition that speaks of variables or of `$` in patterns from their substitution.
fn unsubstituted(mut definition: Value) -> Value {
    definition["metadata"]["annotations"] =
        json!({ "kustomize.toolkit.fluxcd.io/substitute": "disabled" });
    definition
}

fn publish(mut definition: Value) -> Value {
    let kind = definition["spec"]["names"]["kind"]
        .as_str()
        .unwrap_or_default();
    definition["spec"]["names"]["listKind"] = format!("{kind}List").into();
    if definition["spec"]["versions"][0]["subresources"].is_null() {
        definition["spec"]["versions"][0]["subresources"] = json!({});
    }
    if let Some(schema) = definition.pointer_mut("/spec/versions/0/schema/openAPIV3Schema") {
        clean(schema);
        if let Some(root) = schema.as_object_mut() {
            root.remove("required");
            root.remove("title");
        }
        schema["properties"]["apiVersion"] = json!({ "type": "string" });
        schema["properties"]["kind"] = json!({ "type": "string" });
        schema["properties"]["metadata"] = json!({ "type": "object" });
        if let Some(status) = schema.pointer_mut("/properties/status") {
            status["default"] = json!({ "observedGeneration": -1 });
        }
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
