//! From an object as a build made it to an object as it is applied.
//!
//! Flux converts objects of built-in kinds to their Go types and back; what of that can be seen in
//! the cluster is done here on the JSON, and nothing else: a field that the API server knows and we
//! don't is passed on. Source: fluxcd/pkg `ssa/normalize`, kustomize-controller
//! `internal/controller/kustomization_controller.go` (apply).

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use crate::{
    control,
    object::{self, InvalidObject, Object, ObjectId},
};

/// Who applies: what the owner labels say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The Kustomization's namespace.
    pub namespace: String,
    /// The Kustomization's name.
    pub name: String,
}

impl Owner {
    /// The owner labels, as key and value.
    pub fn labels(&self) -> [(String, &str); 2] {
        [
            (format!("{}/name", control::GROUP), &self.name),
            (format!("{}/namespace", control::GROUP), &self.namespace),
        ]
    }

    /// Whether the live `object` carries both owner labels.
    pub fn owns(&self, object: &Value) -> bool {
        let labels = object.pointer("/metadata/labels");
        self.labels().iter().all(|(key, value)| {
            labels
                .and_then(|labels| labels.get(key))
                .is_some_and(|found| found == value)
        })
    }
}

/// What is set on every object: `spec.commonMetadata`. It wins over the objects' own and over the
/// owner labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommonMetadata {
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
}

/// An object cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NormaliseError {
    /// It lacks what every object has.
    #[error(transparent)]
    Invalid(#[from] InvalidObject),
    /// It is a Secret that is still encrypted.
    #[error(
        "{0} is SOPS encrypted, configuring decryption is required for this secret to be \
         reconciled"
    )]
    Encrypted(ObjectId),
}

/// Makes `json` ready to be applied for `owner`.
///
/// # Errors
/// When it is no object, or an encrypted Secret.
pub fn normalise(
    mut json: Value,
    owner: &Owner,
    common: &CommonMetadata,
) -> Result<Object, NormaliseError> {
    let (id, _) = object::identify(&json)?;
    let is_secret = id.group.is_empty() && id.kind == "Secret";
    if is_secret && json.get("sops").is_some() && !control::says(&json, "decrypt", "disabled") {
        return Err(NormaliseError::Encrypted(id));
    }
    for (key, value) in owner.labels() {
        set(&mut json, "labels", &key, value);
    }
    clean(&mut json, &id);
    default_protocols(&mut json, &id);
    if is_secret {
        merge_string_data(&mut json);
    }
    if id.group == "apiextensions.k8s.io" && id.kind == "CustomResourceDefinition" {
        drop_invalid_ca_bundle(&mut json);
    }
    for (key, value) in &common.labels {
        set(&mut json, "labels", key, value);
    }
    for (key, value) in &common.annotations {
        set(&mut json, "annotations", key, value);
    }
    Ok(Object::new(json)?)
}

fn set(json: &mut Value, place: &str, key: &str, value: &str) {
    let Some(metadata) = json.get_mut("metadata").and_then(Value::as_object_mut) else {
        return;
    };
    let map = metadata.entry(place).or_insert(Value::Null);
    if map.is_null() {
        *map = Value::Object(Map::new());
    }
    if let Some(map) = map.as_object_mut() {
        map.insert(key.to_owned(), value.into());
    }
}

/// Removes what the server alone may say. Definitions keep their `status`: it is part of many
/// released manifests, and the server ignores it.
fn clean(json: &mut Value, id: &ObjectId) {
    let Some(object) = json.as_object_mut() else {
        return;
    };
    if id.kind != "CustomResourceDefinition" {
        object.remove("status");
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("creationTimestamp");
        metadata.remove("managedFields");
    }
}

/// Ports are told apart by number and protocol, so that server-side apply wants the protocol said.
fn default_protocols(json: &mut Value, id: &ObjectId) {
    let ports = match (id.group.as_str(), id.kind.as_str()) {
        ("", "Service") => json
            .pointer_mut("/spec/ports")
            .and_then(Value::as_array_mut)
            .into_iter()
            .collect(),
        ("", "Pod") => container_ports(json, "/spec/containers"),
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") | ("batch", "Job") => {
            container_ports(json, "/spec/template/spec/containers")
        }
        ("batch", "CronJob") => {
            container_ports(json, "/spec/jobTemplate/spec/template/spec/containers")
        }
        _ => Vec::new(),
    };
    for port in ports.into_iter().flatten().filter_map(Value::as_object_mut) {
        let protocol = port.entry("protocol").or_insert(Value::Null);
        if protocol.is_null() || *protocol == "" {
            *protocol = "TCP".into();
        }
    }
}

fn container_ports<'a>(json: &'a mut Value, pointer: &str) -> Vec<&'a mut Vec<Value>> {
    let containers = json.pointer_mut(pointer).and_then(Value::as_array_mut);
    let ports = containers
        .into_iter()
        .flatten()
        .filter_map(|container| container.get_mut("ports"));
    ports.filter_map(Value::as_array_mut).collect()
}

/// Encodes `stringData` into `data`. What is not a map of texts is left to the server to refuse.
fn merge_string_data(json: &mut Value) {
    let Some(object) = json.as_object_mut() else {
        return;
    };
    let Some(plain) = object.get("stringData").and_then(Value::as_object) else {
        return;
    };
    let encoded: Option<Vec<_>> = plain
        .iter()
        .map(|(key, value)| Some((key.clone(), STANDARD.encode(value.as_str()?).into())))
        .collect();
    let data_fits = object
        .get("data")
        .is_none_or(|data| data.is_object() || data.is_null());
    if let (Some(encoded), true) = (encoded, data_fits) {
        object.remove("stringData");
        let data = object.entry("data").or_insert(Value::Null);
        if data.is_null() {
            *data = json!({});
        }
        if let Some(data) = data.as_object_mut() {
            data.extend(encoded);
        }
    }
}

/// A placeholder in place of a CA bundle is for an injector to replace; the server would refuse it.
fn drop_invalid_ca_bundle(json: &mut Value) {
    let config = json.pointer_mut("/spec/conversion/webhook/clientConfig");
    let Some(config) = config.and_then(Value::as_object_mut) else {
        return;
    };
    let Some(bundle) = config.get("caBundle").and_then(Value::as_str) else {
        return;
    };
    if !STANDARD
        .decode(bundle)
        .is_ok_and(|pem| holds_certificate(&pem))
    {
        config.remove("caBundle");
    }
}

/// Whether `pem` holds a certificate block whose content is a DER sequence.
fn holds_certificate(pem: &[u8]) -> bool {
    const DER_SEQUENCE: u8 = 0x30;
    let text = String::from_utf8_lossy(pem);
    let Some((_, rest)) = text.split_once("-----BEGIN CERTIFICATE-----") else {
        return false;
    };
    let Some((content, _)) = rest.split_once("-----END CERTIFICATE-----") else {
        return false;
    };
    let compact: String = content.split_whitespace().collect();
    STANDARD
        .decode(compact)
        .is_ok_and(|der| der.first() == Some(&DER_SEQUENCE))
}

#[cfg(test)]
mod tests;
