//! Built-in plugins with a configuration of their own: `generators`, `transformers`, `validators`.
//!
//! An entry is a configuration in place, a file, or a directory that builds to configurations. Their
//! fields are read leniently and bring no default field specs. Anything that is not a built-in is
//! refused: no program is started.
//! Source: kustomize `api/internal/plugins/loader`, `api/internal/plugins/builtinhelpers`.

pub(crate) mod config;
pub(crate) mod crds;
mod transformer;
mod value_add;

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

const GENERATORS: [&str; 4] = [
    "ConfigMapGenerator",
    "HelmChartInflationGenerator",
    "IAMPolicyGenerator",
    "SecretGenerator",
];

/// Runs the generators that a layer lists.
pub(crate) fn generate(
    layer: &Layer<'_>,
    entries: &[String],
    into: &mut Accumulator,
) -> Result<()> {
    for plugin in load(layer, entries).context(|| "loading generator plugins".to_owned())? {
        let mut resource = run_generator(layer, &plugin)?;
        resource.origin = origin_of(layer, &plugin);
        into.resources
            .absorb(resource)
            .context(|| "merging from generator".to_owned())?;
    }
    Ok(())
}

fn run_generator(layer: &Layer<'_>, plugin: &Resource) -> Result<Resource> {
    let loading = || "loading generator plugins: failed to load generator".to_owned();
    let configured = |error| fails_configuration(error, plugin);
    match plugin.kind() {
        "ConfigMapGenerator" => {
            let (args, options) = generator_args(plugin)
                .map_err(configured)
                .context(loading)?;
            generate::config_map::generate(&args, &options, &layer.loader)
        }
        "SecretGenerator" => {
            let (args, options) = generator_args(plugin)
                .map_err(configured)
                .context(loading)?;
            generate::secret::generate(&args, &options, &layer.loader)
        }
        "IAMPolicyGenerator" => iam_policy(plugin, layer.loader.scopes()),
        "HelmChartInflationGenerator" => Err(layer
            .helm_refusal()
            .context(format!("plugin {} fails configuration", plugin.id())))
        .context(loading),
        _ => {
            // Anything else is a transformer or nothing at all.
            Transformer::new(layer, plugin)
                .map_err(configured)
                .context(loading)?;
            Err(Error::invalid(format!(
                "plugin {} not a generator",
                plugin.id()
            )))
            .context(loading)
        }
    }
}

/// Reads the transformers that a layer lists.
pub(crate) fn load_transformers(layer: &Layer<'_>, entries: &[String]) -> Result<Vec<Transformer>> {
    load(layer, entries)?
        .iter()
        .map(|plugin| {
            Transformer::new(layer, plugin).map_err(|error| fails_configuration(error, plugin))
        })
        .collect()
}

/// Names the plugin whose configuration is wrong.
fn fails_configuration(error: Error, plugin: &Resource) -> Error {
    match error {
        error @ Error::Disabled(_) => error,
        error => error.context(format!("plugin {} fails configuration", plugin.id())),
    }
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
                    let mut after = resource.clone();
                    let labels = resource.labels();
                    if labels.iter().any(|(key, _)| *key == LABEL) {
                        let others = labels
                            .into_iter()
                            .filter(|(key, _)| *key != LABEL)
                            .map(|(key, value)| (key.to_owned(), value.to_owned()))
                            .collect();
                        after.set_string_map("labels", others);
                    }
                    after.node() == before
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
    if args.name.is_empty() {
        plugin.name().clone_into(&mut args.name);
    }
    if args.namespace.is_empty() {
        plugin.namespace().clone_into(&mut args.namespace);
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
            "cloud provider {} not supported yet",
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
