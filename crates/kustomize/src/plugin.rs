//! Built-in plugins with a configuration of their own: `generators`, `transformers`, `validators`.
//!
//! An entry is a configuration in place, a file, or a directory that builds to configurations. Their
//! fields are read leniently and bring no default field specs. Anything that is not a built-in is
//! refused: no program is started.
//! Source: kustomize `api/internal/plugins/loader`, `api/internal/plugins/builtinhelpers`.

pub(crate) mod config;
pub(crate) mod crds;
mod transformer;

use std::sync::Arc;

use serde_json::Value;

use crate::accumulate::{Accumulator, Layer};
use crate::error::{Error, Result, ResultExt as _};
use crate::generate;
use crate::kustomization::GeneratorArgs;
use crate::kustomization::decode::{Decode as _, Mode, Place};
use crate::origin::{ConfiguredBy, Origin};
use crate::parse;
use crate::resource::Resource;
use crate::resources::Resources;
use crate::scope::Scopes;

pub(crate) use transformer::Transformer;

/// Runs the generators that a layer lists.
pub(crate) fn generate(
    layer: &Layer<'_>,
    entries: &[String],
    into: &mut Accumulator,
) -> Result<()> {
    for plugin in load(layer, entries).context(|| "loading generator plugins".to_owned())? {
        let kind = plugin.kind().to_owned();
        let (mut args, mut options) = generator_args(&plugin)?;
        if args.name.is_empty() {
            plugin.name().clone_into(&mut args.name);
        }
        if args.namespace.is_empty() {
            plugin.namespace().clone_into(&mut args.namespace);
        }
        let mut resource = match kind.as_str() {
            "ConfigMapGenerator" => generate::config_map::generate(&args, &options, &layer.loader)?,
            "SecretGenerator" => generate::secret::generate(&args, &options, &layer.loader)?,
            "IAMPolicyGenerator" => iam_policy(&plugin, layer.loader.scopes())?,
            "HelmChartInflationGenerator" => {
                return Err(layer.helm_refusal());
            }
            other => return Err(Error::Disabled(format!("unable to load builtin {other}"))),
        };
        options.labels.clear();
        resource.origin = origin_of(layer, &plugin);
        into.resources
            .absorb(resource)
            .context(|| "merging from generator".to_owned())?;
    }
    Ok(())
}

/// Reads the transformers that a layer lists.
pub(crate) fn load_transformers(layer: &Layer<'_>, entries: &[String]) -> Result<Vec<Transformer>> {
    load(layer, entries)?
        .iter()
        .map(|plugin| Transformer::new(layer, plugin))
        .collect()
}

/// Runs validators: transformers that must leave the resources as they are.
pub(crate) fn validate(
    layer: &Layer<'_>,
    entries: &[String],
    into: &mut Accumulator,
) -> Result<()> {
    const LABEL: &str = "validated-by";
    for validator in load_transformers(layer, entries)? {
        let before: Vec<_> = into
            .resources
            .iter()
            .map(|resource| resource.node().clone())
            .collect();
        validator.run(layer, &mut into.resources)?;
        let unchanged = before.len() == into.resources.len()
            && into
                .resources
                .iter()
                .zip(&before)
                .all(|(resource, before)| {
                    let mut after = resource.node().clone();
                    if let Some(labels) = after
                        .get_mut("metadata")
                        .and_then(|metadata| metadata.get_mut("labels"))
                        .and_then(|labels| labels.as_mapping_mut())
                    {
                        labels.remove(LABEL);
                    }
                    after == *before
                });
        if !unchanged {
            return Err(Error::invalid(
                "validator shouldn't modify the resource map",
            ));
        }
    }
    Ok(())
}

/// Reads plugin configurations, in place first, then those behind paths.
fn load(layer: &Layer<'_>, entries: &[String]) -> Result<Vec<Resource>> {
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let mut configs = Accumulator::default();
    let mut paths = Vec::new();
    let mut in_place = Resources::default();
    for entry in entries {
        match parse::resources(entry) {
            Ok(nodes) => {
                for node in nodes {
                    let mut resource = Resource::new(node, layer.loader.scopes());
                    resource.origin = layer
                        .origin
                        .as_ref()
                        .map(|origin| Arc::new(origin.append(&layer.file_name)));
                    in_place
                        .append(resource)
                        .context(|| "configuring external plugin".to_owned())?;
                }
            }
            Err(_) => paths.push(entry.clone()),
        }
    }
    configs.resources = in_place;
    layer.gather(&mut configs, &paths)?;
    let configs = configs.resources.into_vec();
    for plugin in &configs {
        if plugin.api_version() != "builtin" {
            return Err(layer.plugin_refusal(plugin.kind()));
        }
    }
    Ok(configs)
}

/// A plugin's configuration as a value.
fn value_of(plugin: &Resource) -> Result<Value> {
    parse::to_json(plugin.node())
}

fn generator_args(
    plugin: &Resource,
) -> Result<(GeneratorArgs, crate::kustomization::GeneratorOptions)> {
    let value = value_of(plugin)?;
    let mut args = GeneratorArgs::decode(&value, &Place::root(Mode::Lenient, "GeneratorArgs"))
        .map_err(Error::Invalid)?;
    if !args.env.is_empty() {
        args.envs.push(std::mem::take(&mut args.env));
    }
    let options = args.merged_options(None);
    Ok((args, options))
}

/// The service account that a workload identity needs on Google's cloud.
fn iam_policy(plugin: &Resource, scopes: &Scopes) -> Result<Resource> {
    let value = value_of(plugin)?;
    let text = |pointer: &str| {
        value
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or("")
            .to_owned()
    };
    if text("/cloud") != "gke" {
        return Err(Error::invalid(format!(
            "cloud provider {} not supported",
            text("/cloud")
        )));
    }
    let email = format!(
        "{}@{}.iam.gserviceaccount.com",
        text("/serviceAccount/name"),
        text("/serviceAccount/projectId")
    );
    let mut metadata = serde_json::Map::new();
    metadata.insert(
        "annotations".to_owned(),
        serde_json::json!({ "iam.gke.io/gcp-service-account": email }),
    );
    metadata.insert("name".to_owned(), text("/kubernetesService/name").into());
    let namespace = text("/kubernetesService/namespace");
    if !namespace.is_empty() {
        metadata.insert("namespace".to_owned(), namespace.into());
    }
    let object =
        serde_json::json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata });
    Ok(Resource::new(
        parse::from_json(&object, parse::Numbers::Exact),
        scopes,
    ))
}

/// The origin of what a plugin made.
fn origin_of(layer: &Layer<'_>, plugin: &Resource) -> Option<Arc<Origin>> {
    let here = layer.origin.as_ref()?;
    let file = plugin.origin.as_deref().unwrap_or(here);
    Some(Arc::new(Origin {
        path: String::new(),
        configured_in: file.path.clone(),
        configured_by: Some(ConfiguredBy {
            api_version: plugin.api_version().to_owned(),
            kind: plugin.kind().to_owned(),
            name: plugin.name().to_owned(),
            namespace: plugin.namespace().to_owned(),
        }),
        ..file.clone()
    }))
}
