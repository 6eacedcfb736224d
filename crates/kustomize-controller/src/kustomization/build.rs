//! From a snapshot to objects.

use std::sync::Arc;

use api::kustomize::{
    Kustomization, KustomizationSpec,
    kustomization::{BuildMetadata, Selector},
};
use apply::{CommonMetadata, Object, Owner, normalise};
use kube::ResourceExt;
use kustomize::{ReadSet, flux};
use serde_json::Value;
use snapshot::{Snapshot, digest};

use super::post_build::{self, PostBuild};
use crate::{configs::Input, context::Context};

/// What a build comes to.
pub(super) struct Prepared {
    /// Ready to be applied.
    pub(super) objects: Vec<Object>,
    /// Digest of the objects as YAML.
    pub(super) digest: String,
    /// What was read.
    pub(super) read_set: Arc<ReadSet>,
    /// What variables were taken from.
    pub(super) inputs: Arc<[Input]>,
}

/// Why there are no objects.
#[derive(Debug)]
pub(super) enum BuildError {
    /// The source has no such directory.
    Path(String),
    /// Anything else.
    Failed(String),
}

/// Builds what `object` wants of `snapshot`, on a thread of its own: a build computes.
pub(super) async fn build(
    context: &Context,
    object: &Kustomization,
    snapshot: Snapshot,
) -> Result<Prepared, BuildError> {
    let spec = spec(&object.spec);
    let path = object.spec.path.clone().unwrap_or_default();
    let parsed = Arc::clone(&context.parsed);
    let owner = Owner {
        namespace: object.namespace().unwrap_or_default(),
        name: object.name_any(),
    };
    let common = object.spec.common_metadata.as_ref();
    let common = common.map_or_else(CommonMetadata::default, |common| CommonMetadata {
        labels: common.labels.clone(),
        annotations: common.annotations.clone(),
    });
    let remote = context.remote.session();
    let post_build = post_build::read(context, object).await;
    let work = move || {
        let given = Given {
            remote: &remote,
            parsed: &parsed,
            post_build,
        };
        build_blocking(&snapshot, &path, &spec, given, &owner, &common)
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(built) => built,
        Err(error) => Err(BuildError::Failed(format!(
            "kustomize build failed: {error}"
        ))),
    }
}

/// What a build is given beside the snapshot and the spec.
struct Given<'a> {
    remote: &'a dyn kustomize::Remote,
    parsed: &'a kustomize::ParseCache,
    post_build: Option<PostBuild>,
}

fn build_blocking(
    snapshot: &Snapshot,
    path: &str,
    spec: &flux::Spec,
    given: Given<'_>,
    owner: &Owner,
    common: &CommonMetadata,
) -> Result<Prepared, BuildError> {
    let dir = snapshot::path::join("", path);
    if snapshot.entry(&dir).is_none() {
        return Err(BuildError::Path(format!(
            "kustomization path not found: stat {path}: no such file or directory"
        )));
    }
    let failed = |text: String| BuildError::Failed(text);
    let options = kustomize::Options {
        remote: Some(given.remote),
        ..kustomize::Options::default()
    };
    let mut built = flux::build(snapshot, &dir, spec, &options, given.parsed)
        .map_err(|failure| failed(format!("kustomize build failed: {}", failure.error.chain())))?;
    for warning in &built.warnings {
        tracing::debug!(warning, "kustomize");
    }
    let mut inputs = Vec::new();
    if let Some(post_build) = given.post_build {
        let variables = post_build.variables.as_ref().map_err(String::as_str);
        flux::substitute(&mut built, variables).map_err(|e| failed(e.chain().to_string()))?;
        inputs = post_build.inputs;
    }
    let mut yaml = Vec::new();
    let mut objects = Vec::with_capacity(built.resources.len());
    for (at, resource) in built.resources.iter().enumerate() {
        if at > 0 {
            yaml.extend_from_slice(b"---\n");
        }
        resource
            .write_yaml(&mut yaml)
            .map_err(|e| failed(format!("kustomize build failed: {e}")))?;
        for json in flattened(resource.to_json()) {
            objects.push(normalise(json, owner, common).map_err(|e| failed(e.to_string()))?);
        }
    }
    let digest = digest::Algorithm::Sha256.digest(&yaml).to_string();
    Ok(Prepared {
        objects,
        digest,
        read_set: Arc::new(built.read_set),
        inputs: inputs.into(),
    })
}

/// What a list holds counts as if it stood alone, and a kustomization is no object. Source: fluxcd/pkg
/// `ssa/utils` `ReadObjects`.
fn flattened(json: Value) -> Vec<Value> {
    match json {
        Value::Object(mut map) if map.get("items").is_some_and(Value::is_array) => {
            match map.remove("items") {
                Some(Value::Array(items)) => items.into_iter().flat_map(flattened).collect(),
                _ => Vec::new(),
            }
        }
        Value::Object(map) => {
            let text = |key: &str| map.get(key).and_then(Value::as_str).unwrap_or_default();
            let is_kustomization = text("kind") == "Kustomization"
                && text("apiVersion").starts_with("kustomize.config.k8s.io/");
            if is_kustomization {
                Vec::new()
            } else {
                vec![Value::Object(map)]
            }
        }
        _ => Vec::new(),
    }
}

fn spec(spec: &KustomizationSpec) -> flux::Spec {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let selector = |selector: &Selector| flux::Selector {
        group: text(&selector.group),
        version: text(&selector.version),
        kind: text(&selector.kind),
        name: text(&selector.name),
        namespace: text(&selector.namespace),
        label_selector: text(&selector.label_selector),
        annotation_selector: text(&selector.annotation_selector),
    };
    flux::Spec {
        target_namespace: text(&spec.target_namespace),
        name_prefix: text(&spec.name_prefix),
        name_suffix: text(&spec.name_suffix),
        patches: spec
            .patches
            .iter()
            .map(|patch| flux::Patch {
                patch: patch.patch.clone(),
                target: patch.target.as_ref().map(selector),
            })
            .collect(),
        components: spec.components.clone(),
        ignore_missing_components: spec.ignore_missing_components,
        images: spec
            .images
            .iter()
            .map(|image| flux::Image {
                name: image.name.clone(),
                new_name: text(&image.new_name),
                new_tag: text(&image.new_tag),
                digest: text(&image.digest),
            })
            .collect(),
        build_metadata: spec
            .build_metadata
            .iter()
            .map(|metadata| {
                let name = match metadata {
                    BuildMetadata::OriginAnnotations => "originAnnotations",
                    BuildMetadata::TransformerAnnotations => "transformerAnnotations",
                };
                name.to_owned()
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_are_flattened_and_kustomizations_dropped() {
        let object = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
        let cases = [
            (object("a"), vec![object("a")]),
            (
                json!({"apiVersion": "v1", "kind": "List", "items": [object("a"), object("b")]}),
                vec![object("a"), object("b")],
            ),
            (
                json!({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}),
                vec![],
            ),
            (json!("text"), vec![]),
        ];
        for (json, expected) in cases {
            assert_eq!(flattened(json.clone()), expected, "{json}");
        }
    }
}
