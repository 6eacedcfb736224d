//! The namespace transformer.
//!
//! Sets `metadata.namespace` on all that is not certainly cluster-scoped, renames v1 Namespaces,
//! and touches the subjects of role bindings as far as its mode says; other subjects follow by
//! name reference.
//! Source: kustomize `api/filters/namespace`, `api/internal/builtins/NamespaceTransformer.go`.

use crate::error::{Error, Result, ResultExt as _};
use crate::field_spec::{Create, FieldSpec, FieldSpecs};
use crate::node::{Node, Tag, require_mapping, require_scalar, wrong_kind};
use crate::resource::Resource;
use crate::resources::Resources;

/// Which subjects of role bindings get the namespace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Subjects {
    /// Those named `default`.
    #[default]
    DefaultOnly,
    /// All of kind `ServiceAccount`.
    AllServiceAccounts,
    /// None.
    None,
}

/// What the transformer does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) subjects: Subjects,
    /// Leave a namespace that is there.
    pub(crate) unset_only: bool,
}

impl Subjects {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        match text {
            "" | "defaultOnly" => Ok(Self::DefaultOnly),
            "allServiceAccounts" => Ok(Self::AllServiceAccounts),
            "none" => Ok(Self::None),
            other => Err(Error::invalid(format!(
                "invalid value \"{other}\" for setRoleBindingSubjects: must be one of \"allServiceAccounts\", \"defaultOnly\" or \"none\""
            ))),
        }
    }
}

pub(crate) fn transform(
    resources: &mut Resources,
    options: Options<'_>,
    specs: &FieldSpecs,
) -> Result<()> {
    if options.namespace.is_empty() {
        return Ok(());
    }
    for resource in resources.iter_mut() {
        resource.remember_id();
        set_in(resource, options, specs)?;
    }
    resources.check_unique().map_err(|error| match error {
        Error::DuplicateId(id) => Error::invalid(format!(
            "namespace transformation produces ID conflict: {id}"
        )),
        other => other,
    })
}

/// Sets the namespace in one resource.
pub(crate) fn set_in(
    resource: &mut Resource,
    options: Options<'_>,
    specs: &FieldSpecs,
) -> Result<()> {
    let mut set = |node: &mut Node| -> Result<()> {
        require_scalar(node)?;
        if !options.unset_only || node.is_null() || node.value().is_empty() {
            node.set_text(options.namespace, Tag::Str);
        }
        Ok(())
    };
    if !resource.id().is_cluster_scoped {
        FieldSpec::any("metadata/namespace", true).apply(resource, Create::Scalar, &mut set)?;
    }
    let is_binding = matches!(resource.kind(), "RoleBinding" | "ClusterRoleBinding");
    if is_binding {
        set_subjects(resource, options.subjects, &mut set)?;
    }
    let core = resource.api_version() == "v1";
    for spec in specs.iter() {
        let skip = match &*spec.path {
            "metadata/namespace" => true,
            "metadata/name" => !core,
            "subjects/namespace" => {
                is_binding && matches!(&*spec.kind, "RoleBinding" | "ClusterRoleBinding")
            }
            _ => false,
        };
        if !skip {
            spec.apply(resource, Create::String, &mut set)
                .context(|| "namespace field specs must target scalar nodes".to_owned())?;
        }
    }
    Ok(())
}

fn set_subjects(
    resource: &mut Resource,
    mode: Subjects,
    set: &mut impl FnMut(&mut Node) -> Result<()>,
) -> Result<()> {
    let (field, wanted) = match mode {
        Subjects::None => return Ok(()),
        Subjects::DefaultOnly => ("name", "default"),
        Subjects::AllServiceAccounts => ("kind", "ServiceAccount"),
    };
    let Some(subjects) = resource.node_mut().get_mut("subjects") else {
        return Ok(());
    };
    if subjects.is_null() {
        return Ok(());
    }
    let outer = || "setting namespace on (cluster)role binding subjects".to_owned();
    let got = subjects.kind_name();
    let Some(items) = subjects.as_sequence_mut() else {
        return Err(wrong_kind("SequenceNode", got).context(outer()));
    };
    for subject in items {
        require_mapping(subject)
            .and_then(|()| subject.get(field).map_or(Ok(()), require_scalar))
            .context(|| format!("looking up {field} on (cluster)role binding subject"))
            .context(outer)?;
        if subject
            .get(field)
            .is_some_and(|value| value.value() == wanted)
        {
            let Some(fields) = subject.as_mapping_mut() else {
                continue;
            };
            if fields.get("namespace").is_none() {
                fields.push("namespace", Node::untagged(""));
            }
            if let Some(namespace) = fields.get_mut("namespace") {
                set(namespace).context(outer)?;
            }
        }
    }
    Ok(())
}
