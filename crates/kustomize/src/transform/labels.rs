//! Labels: `labels` entries and `commonLabels`.
//!
//! Source: kustomize `api/internal/target/kusttarget_configplugin.go`, `api/filters/labels`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::Config;
use crate::error::{Result, ResultExt as _};
use crate::field_spec::{Create, FieldSpec, FieldSpecs};
use crate::id::Gvk;
use crate::kustomization::{Field, Label};
use crate::links::Links;
use crate::node::{Node, Scalar, Style, Tag, require_mapping, require_scalar};
use crate::resource::{Keeper, Resource};
use crate::resources::Resources;

/// Sets `pairs` at every place that `specs` lead to; keys in order, values are strings.
pub(crate) fn transform(
    resources: &mut Resources,
    pairs: &BTreeMap<String, String>,
    specs: &FieldSpecs,
) -> Result<()> {
    if pairs.is_empty() {
        return Ok(());
    }
    for resource in resources.iter_mut() {
        let matching: Vec<&FieldSpec> = specs
            .iter()
            .filter(|spec| spec.matches(resource.gvk()))
            .collect();
        for (key, value) in pairs {
            let mut shared = None;
            let mut links = std::mem::take(&mut resource.history.links);
            let result = matching.iter().try_for_each(|spec| {
                let mut apply = |resource: &mut Resource| {
                    spec.apply(resource, Create::Mapping, &mut |node: &mut Node| {
                        set(node, key, value, &mut shared, &mut links)
                    })
                };
                // An object with a past has annotations, even if none are written.
                if spec.finds_annotations() {
                    resource.with_internal_annotations(Keeper::None, apply)
                } else {
                    apply(resource)
                }
            });
            resource.history.links = links;
            result?;
        }
    }
    Ok(())
}

/// The fields that a `labels` entry is for.
pub(crate) fn specs_of(entry: &Label, config: &Config) -> Result<FieldSpecs> {
    let mut specs = FieldSpecs::default();
    for field in &entry.fields {
        specs.add(to_spec(field))?;
    }
    let merge = |specs: &mut FieldSpecs, more: &FieldSpecs| {
        specs
            .add_all(more)
            .context(|| "failed to merge labels".to_owned())
    };
    merge(&mut specs, &config.labels)?;
    if entry.include_selectors {
        merge(&mut specs, &config.common_labels)?;
    } else {
        if entry.include_templates {
            merge(&mut specs, &config.template_labels)?;
        }
        specs.add(FieldSpec::any("metadata/labels", true))?;
    }
    Ok(specs)
}

/// A field spec from its written form.
pub(crate) fn to_spec(field: &Field) -> FieldSpec {
    let gvk = Gvk {
        group: &field.group,
        version: &field.version,
        kind: &field.kind,
    };
    FieldSpec::new(gvk, &field.path, field.create)
}

/// Sets an entry of a string map; all places where it is new share one scalar.
fn set(
    node: &mut Node,
    key: &str,
    value: &str,
    shared: &mut Option<Arc<Scalar>>,
    links: &mut Links,
) -> Result<()> {
    match node {
        // A setter without a name is one of the node itself.
        _ if key.is_empty() => require_scalar(node),
        Node::Mapping(_) => {
            let Some(fields) = node.as_mapping_mut() else {
                return Ok(());
            };
            if let Some(old) = fields.get_mut(key) {
                old.set_text(value, Tag::Str);
            } else {
                let new = || Scalar {
                    text: value.into(),
                    tag: Tag::Str,
                    style: Style::Plain,
                    link: 0,
                };
                let scalar = shared.get_or_insert_with(|| links.create(new()));
                fields.push(key, Node::Scalar(Arc::clone(scalar)));
            }
            Ok(())
        }
        other => require_mapping(other),
    }
}
