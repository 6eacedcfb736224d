//! `configurations`: files that add field specs.
//!
//! Source: kustomize `api/internal/plugins/builtinconfig` (api 0.21.1).

use std::sync::Arc;

use crate::config::{BackReference, Config};
use crate::error::{Error, Result};
use crate::field_spec::FieldSpecs;
use crate::kustomization::Field;
use crate::kustomization::decode::{Decode as _, Mode, Place, decode_struct};
use crate::load::Loader;
use crate::parse;
use crate::transform::labels::to_spec;

/// The defaults and what the files at `paths` add.
pub(crate) fn load(loader: &Loader<'_>, paths: &[String]) -> Result<Arc<Config>> {
    let defaults = Config::default_config();
    if paths.is_empty() {
        return Ok(defaults);
    }
    let mut added = Config::default();
    for path in paths {
        added = added.merge(&read(&loader.load(path)?)?)?;
    }
    defaults.merge(&added).map(Arc::new)
}

#[derive(Debug, Clone, Default)]
struct File {
    name_prefix: Vec<Field>,
    name_suffix: Vec<Field>,
    namespace: Vec<Field>,
    common_labels: Vec<Field>,
    labels: Vec<Field>,
    template_labels: Vec<Field>,
    common_annotations: Vec<Field>,
    name_reference: Vec<Reference>,
    var_reference: Vec<Field>,
    images: Vec<Field>,
    replicas: Vec<Field>,
}

#[derive(Debug, Clone, Default)]
struct Reference {
    group: String,
    version: String,
    kind: String,
    field_specs: Vec<Field>,
}

decode_struct!(File, "TransformerConfig", {
    "namePrefix" => name_prefix, "nameSuffix" => name_suffix, "namespace" => namespace,
    "commonLabels" => common_labels, "labels" => labels, "templateLabels" => template_labels,
    "commonAnnotations" => common_annotations, "nameReference" => name_reference,
    "varReference" => var_reference, "images" => images, "replicas" => replicas,
});
decode_struct!(Reference, "NameBackReferences", {
    "group" => group, "version" => version, "kind" => kind, "fieldSpecs" => field_specs,
});

fn read(content: &[u8]) -> Result<Config> {
    let document = parse::json_strict(content)?;
    let file = if document.is_null() {
        File::default()
    } else {
        File::decode(&document, &Place::root(Mode::Strict, "TransformerConfig")).map_err(
            |error| {
                Error::invalid(format!(
                    "error unmarshaling JSON: while decoding JSON: {error}"
                ))
            },
        )?
    };
    let specs = |fields: &[Field]| fields.iter().map(to_spec).collect::<FieldSpecs>();
    let mut config = Config {
        name_prefix: specs(&file.name_prefix),
        name_suffix: specs(&file.name_suffix),
        namespace: specs(&file.namespace),
        common_labels: specs(&file.common_labels),
        labels: specs(&file.labels),
        template_labels: specs(&file.template_labels),
        common_annotations: specs(&file.common_annotations),
        var_reference: specs(&file.var_reference),
        images: specs(&file.images),
        replicas: specs(&file.replicas),
        ..Config::default()
    };
    for reference in &file.name_reference {
        config.name_reference.push(BackReference {
            group: reference.group.as_str().into(),
            version: reference.version.as_str().into(),
            kind: reference.kind.as_str().into(),
            referrers: specs(&reference.field_specs),
        });
    }
    config.sort();
    Ok(config)
}
