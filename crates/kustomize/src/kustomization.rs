//! The kustomization file.
//!
//! Decoding keeps what later steps must know and nothing else: deprecated fields are folded into
//! the ones that replaced them where kustomize does so at load, and their use is a warning.
//! Source: kustomize `api/types` (api 0.21.1).

pub(crate) mod decode;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::error::{Error, Result};
use decode::{Mode, Place, decode_struct};

/// The recognised file names, in the order in which they are looked for.
pub(crate) const FILE_NAMES: [&str; 3] =
    ["kustomization.yaml", "kustomization.yml", "Kustomization"];

pub(crate) const COMPONENT: &str = "Component";
const KUSTOMIZATION: &str = "Kustomization";
const VERSION: &str = "kustomize.config.k8s.io/v1beta1";
const COMPONENT_VERSION: &str = "kustomize.config.k8s.io/v1alpha1";

/// Deprecated fields with the end of their warning.
const DEPRECATED: [(&str, &str); 6] = [
    (
        "bases",
        "'bases' is deprecated. Please use 'resources' instead.",
    ),
    (
        "commonLabels",
        "'commonLabels' is deprecated. Please use 'labels' instead.",
    ),
    (
        "imageTags",
        "'imageTags' is deprecated. Please use 'images' instead.",
    ),
    (
        "patchesJson6902",
        "'patchesJson6902' is deprecated. Please use 'patches' instead.",
    ),
    (
        "patchesStrategicMerge",
        "'patchesStrategicMerge' is deprecated. Please use 'patches' instead.",
    ),
    (
        "vars",
        "'vars' is deprecated. Please use 'replacements' instead.",
    ),
];
const FIX_HINT: &str = "Run 'kustomize edit fix' to update your Kustomization automatically.";
const VARS_HINT: &str =
    "[EXPERIMENTAL] Run 'kustomize edit fix' to update your Kustomization automatically.";

/// A layer's instructions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kustomization {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    metadata: Metadata,
    pub(crate) resources: Vec<String>,
    bases: Vec<String>,
    pub(crate) components: Vec<String>,
    pub(crate) crds: Vec<String>,
    pub(crate) openapi: BTreeMap<String, String>,
    pub(crate) name_prefix: String,
    pub(crate) name_suffix: String,
    pub(crate) namespace: String,
    pub(crate) common_labels: BTreeMap<String, String>,
    pub(crate) labels: Vec<Label>,
    pub(crate) common_annotations: BTreeMap<String, String>,
    pub(crate) patches: Vec<Patch>,
    pub(crate) patches_strategic_merge: Vec<String>,
    pub(crate) patches_json6902: Vec<Patch>,
    pub(crate) images: Vec<Image>,
    image_tags: Vec<Image>,
    pub(crate) replicas: Vec<Replica>,
    pub(crate) replacements: Vec<ReplacementField>,
    pub(crate) vars: Vec<Var>,
    pub(crate) config_map_generator: Vec<GeneratorArgs>,
    pub(crate) secret_generator: Vec<GeneratorArgs>,
    pub(crate) generator_options: Option<GeneratorOptions>,
    helm_globals: Option<HelmGlobals>,
    pub(crate) helm_charts: Vec<HelmChart>,
    pub(crate) helm_chart_inflation_generator: Vec<Value>,
    pub(crate) configurations: Vec<String>,
    pub(crate) generators: Vec<String>,
    pub(crate) transformers: Vec<String>,
    pub(crate) validators: Vec<String>,
    pub(crate) build_metadata: Vec<String>,
    pub(crate) sort_options: Option<SortOptions>,
    /// Warnings about deprecated fields, in the order in which kustomize prints them.
    pub(crate) warnings: Vec<String>,
}

/// An entry of `labels`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Label {
    pub(crate) pairs: BTreeMap<String, String>,
    pub(crate) include_selectors: bool,
    pub(crate) include_templates: bool,
    pub(crate) fields: Vec<Field>,
}

/// A field spec as users write it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Field {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) path: String,
    pub(crate) create: bool,
}

/// An entry of `patches` or `patchesJson6902`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Patch {
    pub(crate) path: String,
    pub(crate) inline: String,
    pub(crate) target: Option<Selector>,
    pub(crate) options: PatchOptions,
}

/// What a patch may change of an id.
#[derive(Debug, Clone, Default)]
pub(crate) struct PatchOptions {
    pub(crate) allow_name_change: bool,
    pub(crate) allow_kind_change: bool,
}

/// Which resources a patch or replacement is for. Empty parts match any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Selector {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) labels: String,
    pub(crate) annotations: String,
}

/// An entry of `images`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Image {
    pub(crate) name: String,
    pub(crate) new_name: String,
    pub(crate) tag_suffix: String,
    pub(crate) new_tag: String,
    pub(crate) digest: String,
}

/// An entry of `replicas`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Replica {
    pub(crate) name: String,
    pub(crate) count: i64,
}

/// An entry of `replacements`: a file of them, or one in place.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReplacementField {
    pub(crate) path: String,
    pub(crate) source: Option<ReplacementSource>,
    pub(crate) source_value: Option<String>,
    pub(crate) targets: Vec<ReplacementTarget>,
}

/// Where a replacement's value comes from.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReplacementSource {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) field_path: String,
    pub(crate) options: Option<ReplacementOptions>,
}

/// Where a replacement's value goes.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReplacementTarget {
    pub(crate) select: Option<Selector>,
    pub(crate) reject: Vec<Selector>,
    pub(crate) field_paths: Vec<String>,
    pub(crate) options: Option<ReplacementOptions>,
}

/// How a value is cut and put in.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReplacementOptions {
    pub(crate) delimiter: String,
    pub(crate) index: i64,
    encoding: String,
    pub(crate) create: bool,
}

/// An entry of `vars`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Var {
    pub(crate) name: String,
    pub(crate) objref: VarTarget,
    pub(crate) fieldref: VarField,
}

/// The object that a variable reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct VarTarget {
    pub(crate) api_version: String,
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) namespace: String,
}

/// The field that a variable reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct VarField {
    pub(crate) field_path: String,
}

/// An entry of `configMapGenerator` or `secretGenerator`.
#[derive(Debug, Clone, Default)]
pub(crate) struct GeneratorArgs {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) behavior: String,
    pub(crate) literals: Vec<String>,
    pub(crate) files: Vec<String>,
    pub(crate) envs: Vec<String>,
    pub(crate) env: String,
    pub(crate) options: Option<GeneratorOptions>,
    /// Of Secrets only.
    pub(crate) secret_type: String,
}

/// What generators add to their objects.
#[derive(Debug, Clone, Default)]
pub(crate) struct GeneratorOptions {
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) disable_name_suffix_hash: bool,
    pub(crate) immutable: bool,
}

/// The order of the output.
#[derive(Debug, Clone, Default)]
pub(crate) struct SortOptions {
    pub(crate) order: String,
    pub(crate) legacy: Option<LegacySortOptions>,
}

/// The lists of the legacy order.
#[derive(Debug, Clone, Default)]
pub(crate) struct LegacySortOptions {
    pub(crate) first: Vec<String>,
    pub(crate) last: Vec<String>,
}

#[derive(Debug, Clone, Default)]
struct Metadata {
    name: String,
    namespace: String,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default)]
struct HelmGlobals {
    chart_home: String,
    config_home: String,
}

/// An entry of `helmCharts`: decoded so that mistakes are found, never run.
#[expect(
    clippy::struct_excessive_bools,
    reason = "the fields are those of the file"
)]
#[derive(Debug, Clone, Default)]
pub(crate) struct HelmChart {
    name: String,
    version: String,
    repo: String,
    release_name: String,
    namespace: String,
    additional_values_files: Vec<String>,
    values_file: String,
    values_inline: Value,
    values_merge: String,
    include_crds: bool,
    skip_hooks: bool,
    api_versions: Vec<String>,
    kube_version: String,
    name_template: String,
    skip_tests: bool,
    debug: bool,
    devel: bool,
}

decode_struct!(Kustomization, "Kustomization", {
    "apiVersion" => api_version, "kind" => kind, "metadata" => metadata,
    "resources" => resources, "bases" => bases, "components" => components, "crds" => crds,
    "openapi" => openapi, "namePrefix" => name_prefix, "nameSuffix" => name_suffix,
    "namespace" => namespace, "commonLabels" => common_labels, "labels" => labels,
    "commonAnnotations" => common_annotations, "patches" => patches,
    "patchesStrategicMerge" => patches_strategic_merge, "patchesJson6902" => patches_json6902,
    "images" => images, "imageTags" => image_tags, "replicas" => replicas,
    "replacements" => replacements, "vars" => vars,
    "configMapGenerator" => config_map_generator, "secretGenerator" => secret_generator,
    "generatorOptions" => generator_options, "helmGlobals" => helm_globals,
    "helmCharts" => helm_charts, "helmChartInflationGenerator" => helm_chart_inflation_generator,
    "configurations" => configurations, "generators" => generators,
    "transformers" => transformers, "validators" => validators,
    "buildMetadata" => build_metadata, "sortOptions" => sort_options,
});
decode_struct!(Label, "Label", {
    "pairs" => pairs, "includeSelectors" => include_selectors,
    "includeTemplates" => include_templates, "fields" => fields,
});
decode_struct!(Field, "FieldSpec", {
    "group" => group, "version" => version, "kind" => kind, "path" => path, "create" => create,
});
decode_struct!(Patch, "Patch", {
    "path" => path, "patch" => inline, "target" => target, "options" => options,
});
decode_struct!(PatchOptions, "PatchArgs", {
    "allowNameChange" => allow_name_change, "allowKindChange" => allow_kind_change,
});
decode_struct!(Selector, "Selector", {
    "group" => group, "version" => version, "kind" => kind, "name" => name,
    "namespace" => namespace, "labelSelector" => labels,
    "annotationSelector" => annotations,
});
decode_struct!(Image, "Image", {
    "name" => name, "newName" => new_name, "tagSuffix" => tag_suffix, "newTag" => new_tag,
    "digest" => digest,
});
decode_struct!(Replica, "Replica", { "name" => name, "count" => count });
decode_struct!(ReplacementField, "ReplacementField", {
    "path" => path, "source" => source, "sourceValue" => source_value, "targets" => targets,
});
decode_struct!(ReplacementSource, "SourceSelector", {
    "group" => group, "version" => version, "kind" => kind, "name" => name,
    "namespace" => namespace, "fieldPath" => field_path, "options" => options,
});
decode_struct!(ReplacementTarget, "TargetSelector", {
    "select" => select, "reject" => reject, "fieldPaths" => field_paths, "options" => options,
});
decode_struct!(ReplacementOptions, "FieldOptions", {
    "delimiter" => delimiter, "index" => index, "encoding" => encoding, "create" => create,
});
decode_struct!(Var, "Var", { "name" => name, "objref" => objref, "fieldref" => fieldref });
decode_struct!(VarTarget, "Target", {
    "apiVersion" => api_version, "group" => group, "version" => version, "kind" => kind,
    "name" => name, "namespace" => namespace,
});
decode_struct!(VarField, "FieldSelector", { "fieldPath" => field_path });
decode_struct!(GeneratorArgs, "SecretArgs", {
    "name" => name, "namespace" => namespace, "behavior" => behavior, "literals" => literals,
    "files" => files, "envs" => envs, "env" => env, "options" => options,
    "type" => secret_type,
});
decode_struct!(GeneratorOptions, "GeneratorOptions", {
    "labels" => labels, "annotations" => annotations,
    "disableNameSuffixHash" => disable_name_suffix_hash, "immutable" => immutable,
});
decode_struct!(SortOptions, "SortOptions", { "order" => order, "legacySortOptions" => legacy });
decode_struct!(LegacySortOptions, "LegacySortOptions", {
    "orderFirst" => first, "orderLast" => last,
});
decode_struct!(Metadata, "ObjectMeta", {
    "name" => name, "namespace" => namespace, "labels" => labels, "annotations" => annotations,
});
decode_struct!(HelmGlobals, "HelmGlobals", {
    "chartHome" => chart_home, "configHome" => config_home,
});
decode_struct!(HelmChart, "HelmChart", {
    "name" => name, "version" => version, "repo" => repo, "releaseName" => release_name,
    "namespace" => namespace, "additionalValuesFiles" => additional_values_files,
    "valuesFile" => values_file, "valuesInline" => values_inline, "valuesMerge" => values_merge,
    "includeCRDs" => include_crds, "skipHooks" => skip_hooks, "apiVersions" => api_versions,
    "kubeVersion" => kube_version, "nameTemplate" => name_template, "skipTests" => skip_tests,
    "debug" => debug, "devel" => devel,
});

impl Kustomization {
    /// Decodes and completes a kustomization file.
    pub(crate) fn decode(document: &Value, mode: Mode) -> Result<Self> {
        let place = Place::root(mode, KUSTOMIZATION);
        let mut this = if document.is_null() {
            Self::default()
        } else {
            <Self as decode::Decode>::decode(document, &place)
                .map_err(Error::InvalidKustomization)?
        };
        if let Some(args) = this
            .config_map_generator
            .iter()
            .find(|args| !args.secret_type.is_empty())
        {
            // The struct is shared with Secrets; a ConfigMap has no such field.
            if mode == Mode::Strict {
                let _ = args;
                return Err(Error::InvalidKustomization(
                    "json: unknown field \"type\"".to_owned(),
                ));
            }
        }
        this.warn_of_deprecated(document);
        this.complete();
        Ok(this)
    }

    /// Whether the file says nothing: every field but kind and apiVersion has its zero value.
    ///
    /// A list that is written but empty is not a zero value, unless it is folded into another.
    pub(crate) fn is_zero(document: &Value) -> bool {
        let Some(fields) = document.as_object() else {
            return true;
        };
        fields.iter().all(|(key, value)| {
            let folded = ["bases", "imageTags", "helmChartInflationGenerator"]
                .iter()
                .any(|name| key.eq_ignore_ascii_case(name));
            match value {
                Value::Null => true,
                Value::String(text) => {
                    text.is_empty()
                        || ["kind", "apiVersion"]
                            .iter()
                            .any(|n| key.eq_ignore_ascii_case(n))
                }
                Value::Array(items) => folded && items.is_empty(),
                _ => false,
            }
        })
    }

    /// Checks kind and apiVersion. `directory` is named in the error.
    pub(crate) fn check_type(&self, directory: &str) -> Result<()> {
        let mut errors = Vec::new();
        if self.kind != KUSTOMIZATION && self.kind != COMPONENT {
            errors.push(format!("kind should be {KUSTOMIZATION} or {COMPONENT}"));
        }
        let required = if self.kind == COMPONENT {
            COMPONENT_VERSION
        } else {
            VERSION
        };
        if self.api_version != required {
            errors.push(format!("apiVersion for {} should be {required}", self.kind));
        }
        if errors.is_empty() {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "Failed to read kustomization file under {directory}:\n{}",
            errors.join("\n")
        )))
    }

    fn warn_of_deprecated(&mut self, document: &Value) {
        let Some(fields) = document.as_object() else {
            return;
        };
        for (name, text) in DEPRECATED {
            let used = fields
                .iter()
                .any(|(key, value)| key.eq_ignore_ascii_case(name) && !value.is_null());
            if used {
                let hint = if name == "vars" { VARS_HINT } else { FIX_HINT };
                self.warnings.push(format!("# Warning: {text} {hint}"));
            }
        }
    }

    /// Folds deprecated fields into the ones that replaced them and fills in the type.
    pub(crate) fn complete(&mut self) {
        if self.kind.is_empty() {
            KUSTOMIZATION.clone_into(&mut self.kind);
        }
        if self.api_version.is_empty() {
            let version = if self.kind == COMPONENT {
                COMPONENT_VERSION
            } else {
                VERSION
            };
            version.clone_into(&mut self.api_version);
        }
        self.resources.append(&mut self.bases);
        self.images.append(&mut self.image_tags);
        for args in self
            .config_map_generator
            .iter_mut()
            .chain(&mut self.secret_generator)
        {
            if !args.env.is_empty() {
                args.envs.push(std::mem::take(&mut args.env));
            }
        }
    }
}

impl Patch {
    /// The entry as kustomize shows it in messages, the text in place under `inline`.
    pub(crate) fn to_yaml(&self, inline: &str) -> String {
        let fields = |pairs: &[(&str, &str)]| -> serde_json::Map<String, Value> {
            pairs
                .iter()
                .filter(|(_, value)| !value.is_empty())
                .map(|(key, value)| ((*key).to_owned(), Value::from(*value)))
                .collect()
        };
        let mut root = fields(&[("path", &self.path), (inline, &self.inline)]);
        if let Some(target) = &self.target {
            let target = fields(&[
                ("group", &target.group),
                ("version", &target.version),
                ("kind", &target.kind),
                ("name", &target.name),
                ("namespace", &target.namespace),
                ("labelSelector", &target.labels),
                ("annotationSelector", &target.annotations),
            ]);
            root.insert("target".to_owned(), Value::Object(target));
        }
        shown(root)
    }
}

impl GeneratorArgs {
    /// The options of one generator, completed from the layer's.
    pub(crate) fn merged_options(&self, layer: Option<&GeneratorOptions>) -> GeneratorOptions {
        let mut options = self.options.clone().unwrap_or_default();
        if let Some(layer) = layer {
            for (from, to) in [
                (&layer.labels, &mut options.labels),
                (&layer.annotations, &mut options.annotations),
            ] {
                for (key, value) in from {
                    to.entry(key.clone()).or_insert_with(|| value.clone());
                }
            }
            options.disable_name_suffix_hash |= layer.disable_name_suffix_hash;
            options.immutable |= layer.immutable;
        }
        options
    }
}

impl Kustomization {
    /// The entries of `patchesStrategicMerge` as kustomize shows them in messages.
    pub(crate) fn strategic_merge_yaml(entries: &[String]) -> String {
        let mut root = serde_json::Map::new();
        root.insert("paths".to_owned(), Value::from(entries.to_vec()));
        shown(root)
    }
}

/// A configuration in a message; a text that YAML cannot carry is left out.
fn shown(config: serde_json::Map<String, Value>) -> String {
    let mut out = Vec::new();
    drop(crate::parse::emit(&Value::Object(config), &mut out));
    String::from_utf8_lossy(&out).into_owned()
}
