//! Built-in transformers with a configuration of their own.
//!
//! Source: kustomize `api/internal/builtins` (api 0.21.1).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::accumulate::{Layer, note_transformer};
use crate::error::{Error, Result};
use crate::field_spec::FieldSpecs;
use crate::generate::hash;
use crate::kustomization::decode::{Decode as _, Mode, Place, decode_struct};
use crate::kustomization::{
    Field, Image, Patch, PatchOptions, ReplacementField, Replica, Selector,
};
use crate::origin::Origin;
use crate::plugin::value_add::{ValueAdd, ValueTarget};
use crate::resource::Resource;
use crate::resources::Resources;
use crate::transform::names::End;
use crate::transform::namespace::{self, Subjects};
use crate::transform::patches::{JsonPatch, Prepared, StrategicPatches};
use crate::transform::{annotations, images, labels, names, replacements, replicas};

/// A transformer, configured.
pub(crate) struct Transformer {
    action: Action,
    origin: Option<Arc<Origin>>,
}

enum Action {
    Annotations(BTreeMap<String, String>, FieldSpecs),
    Labels(BTreeMap<String, String>, FieldSpecs),
    Hash,
    Image(Image, FieldSpecs),
    Namespace {
        namespace: String,
        subjects: Subjects,
        unset_only: bool,
        specs: FieldSpecs,
    },
    Patch(Box<Prepared>),
    StrategicPatches(StrategicPatches),
    JsonPatch(JsonPatch),
    Affixes {
        prefix: String,
        suffix: String,
        specs: FieldSpecs,
    },
    Replicas(Replica, FieldSpecs),
    Replacements(Vec<ReplacementField>),
    ValueAdd(ValueAdd),
}

#[derive(Debug, Clone, Default)]
struct Settings {
    annotations: BTreeMap<String, String>,
    labels: BTreeMap<String, String>,
    field_specs: Vec<Field>,
    image_tag: Image,
    namespace: String,
    metadata: MetadataNamespace,
    unset_only: bool,
    subjects: String,
    path: String,
    patch: String,
    target: Option<Selector>,
    options: PatchOptions,
    paths: Vec<String>,
    patches: String,
    json_op: String,
    prefix: String,
    suffix: String,
    replica: Replica,
    replacements: Vec<ReplacementField>,
    value: String,
    targets: Vec<ValueTarget>,
    target_file_path: String,
}

#[derive(Debug, Clone, Default)]
struct MetadataNamespace {
    namespace: String,
}

decode_struct!(Settings, "Plugin", {
    "annotations" => annotations, "labels" => labels, "fieldSpecs" => field_specs,
    "imageTag" => image_tag, "namespace" => namespace, "metadata" => metadata,
    "unsetOnly" => unset_only, "setRoleBindingSubjects" => subjects, "path" => path,
    "patch" => patch, "target" => target, "options" => options, "paths" => paths,
    "patches" => patches, "jsonOp" => json_op, "prefix" => prefix, "suffix" => suffix,
    "replica" => replica, "replacements" => replacements, "value" => value,
    "targets" => targets, "targetFilePath" => target_file_path,
});
decode_struct!(MetadataNamespace, "ObjectMeta", { "namespace" => namespace });

impl Transformer {
    pub(crate) fn new(layer: &Layer<'_>, plugin: &Resource) -> Result<Self> {
        let value = super::value_of(plugin)?;
        let kind = plugin.kind();
        let s = settings(&value, kind)?;
        let specs: FieldSpecs = s.field_specs.iter().map(labels::to_spec).collect();
        let action = match kind {
            "AnnotationsTransformer" => Action::Annotations(s.annotations, specs),
            "LabelTransformer" => Action::Labels(s.labels, specs),
            "HashTransformer" => Action::Hash,
            "ImageTagTransformer" => Action::Image(s.image_tag, specs),
            "NamespaceTransformer" => Action::Namespace {
                namespace: if s.namespace.is_empty() {
                    s.metadata.namespace
                } else {
                    s.namespace
                },
                subjects: Subjects::parse(&s.subjects)?,
                unset_only: s.unset_only,
                specs,
            },
            "PatchTransformer" => {
                let patch = Patch {
                    path: s.path,
                    inline: s.patch,
                    target: s.target,
                    options: s.options,
                };
                Action::Patch(Box::new(Prepared::new(&patch, &layer.loader)?))
            }
            "PatchStrategicMergeTransformer" => {
                if s.paths.is_empty() && s.patches.is_empty() {
                    return Err(Error::invalid("empty file path and empty patch content"));
                }
                Action::StrategicPatches(StrategicPatches::new(
                    &s.paths,
                    &s.patches,
                    &layer.loader,
                )?)
            }
            "PatchJson6902Transformer" => {
                let patch = Patch {
                    path: s.path,
                    inline: s.json_op,
                    target: s.target,
                    ..Patch::default()
                };
                Action::JsonPatch(JsonPatch::new(&patch, &layer.loader)?)
            }
            "PrefixTransformer" | "SuffixTransformer" | "PrefixSuffixTransformer" => {
                if s.field_specs.is_empty() {
                    return Err(Error::invalid("fieldSpecs is not expected to be nil"));
                }
                Action::Affixes {
                    prefix: s.prefix,
                    suffix: s.suffix,
                    specs,
                }
            }
            "ReplicaCountTransformer" => Action::Replicas(s.replica, specs),
            "ReplacementTransformer" => {
                Action::Replacements(replacements::load(&s.replacements, &layer.loader)?)
            }
            "ValueAddTransformer" => Action::ValueAdd(value_add(layer, s)?),
            kind if super::GENERATORS.contains(&kind) => {
                return Err(Error::Disabled(format!(
                    "plugin {} not a transformer",
                    plugin.id()
                )));
            }
            _ => {
                let gvk = plugin.id().gvk;
                return Err(Error::Disabled(format!("unable to load builtin {gvk}")));
            }
        };
        Ok(Self {
            action,
            origin: super::origin_of(layer, plugin),
        })
    }

    /// Runs over all resources of a layer.
    pub(crate) fn run(&self, layer: &Layer<'_>, resources: &mut Resources) -> Result<()> {
        match &self.action {
            Action::Annotations(pairs, specs) => annotations::transform(resources, pairs, specs)?,
            Action::Labels(pairs, specs) => labels::transform(resources, pairs, specs)?,
            Action::Hash => hash::transform(resources)?,
            Action::Image(image, specs) => images::transform(resources, image, specs)?,
            Action::Namespace {
                namespace,
                subjects,
                unset_only,
                specs,
            } => {
                let options = namespace::Options {
                    namespace,
                    subjects: *subjects,
                    unset_only: *unset_only,
                };
                namespace::transform(resources, options, specs)?;
            }
            Action::Patch(patch) => patch.apply(resources, &layer.build.schemas())?,
            Action::StrategicPatches(patches) => {
                patches.apply(resources, &layer.build.schemas())?;
            }
            Action::JsonPatch(patch) => patch.apply(resources)?,
            Action::Affixes {
                prefix,
                suffix,
                specs,
            } => {
                for (end, text) in [(End::Prefix, prefix), (End::Suffix, suffix)] {
                    if !text.is_empty() {
                        names::transform(resources, end, text, specs)?;
                    }
                }
            }
            Action::Replicas(replica, specs) => replicas::transform(resources, replica, specs)?,
            Action::Replacements(list) => replacements::transform(resources, list)?,
            Action::ValueAdd(add) => add.run(resources)?,
        }
        resources.settle();
        if let Some(origin) = self
            .origin
            .as_ref()
            .filter(|_| layer.build.track_transformations.get())
        {
            note_transformer(resources, origin);
        }
        Ok(())
    }
}

/// Reads the fields that `kind` has; a field of that name elsewhere may have another shape.
fn settings(value: &Value, kind: &str) -> Result<Settings> {
    let fields: &[&str] = match kind {
        "AnnotationsTransformer" => &["annotations", "fieldSpecs"],
        "LabelTransformer" => &["labels", "fieldSpecs"],
        "ImageTagTransformer" => &["imageTag", "fieldSpecs"],
        "NamespaceTransformer" => &[
            "metadata",
            "namespace",
            "fieldSpecs",
            "unsetOnly",
            "setRoleBindingSubjects",
        ],
        "PatchTransformer" => &["path", "patch", "target", "options"],
        "PatchStrategicMergeTransformer" => &["paths", "patches"],
        "PatchJson6902Transformer" => &["path", "jsonOp", "target"],
        "PrefixTransformer" | "SuffixTransformer" | "PrefixSuffixTransformer" => {
            &["prefix", "suffix", "fieldSpecs"]
        }
        "ReplicaCountTransformer" => &["replica", "fieldSpecs"],
        "ReplacementTransformer" => &["replacements"],
        "ValueAddTransformer" => &["value", "targets", "targetFilePath"],
        _ => &[],
    };
    let known: serde_json::Map<String, Value> = value
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, _)| fields.iter().any(|field| field.eq_ignore_ascii_case(key)))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    Settings::decode(&Value::Object(known), &Place::root(Mode::Lenient, "Plugin"))
        .map_err(Error::Invalid)
}

fn value_add(layer: &Layer<'_>, s: Settings) -> Result<ValueAdd> {
    let mut targets = s.targets;
    if !s.target_file_path.is_empty() {
        let document = crate::parse::json(layer.loader.load(&s.target_file_path)?)?;
        targets.extend(settings(&document, "ValueAddTransformer")?.targets);
    }
    let value = if s.value.is_empty() {
        crate::file::base_name(layer.loader.root()).to_owned()
    } else {
        s.value
    };
    ValueAdd::new(value, targets)
}
