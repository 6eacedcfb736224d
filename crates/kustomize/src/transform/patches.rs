//! Patches: `patches`, `patchesStrategicMerge` and `patchesJson6902`.
//!
//! A patch text is tried as resources, which makes it a strategic merge patch, and as a list of
//! operations. Strategic patches with a target take another road than those without: their labels
//! and annotations become strings first, so that a null there is set instead of removed.
//! Source: kustomize `api/internal/builtins/Patch*Transformer.go`, `api/resmap` (api 0.21.1).

use crate::error::{Error, Result, ResultExt as _};
use crate::kustomization::{Patch, Selector};
use crate::load::Loader;
use crate::merge::json6902::{self, Operation};
use crate::merge::schema::Schemas;
use crate::merge::strategic;
use crate::node::Node;
use crate::parse;
use crate::resource::{Keeper, Resource};
use crate::resources::Resources;
use crate::selector::Matcher;

/// A patch, read and understood.
pub(crate) struct Prepared {
    source: String,
    target: Option<Selector>,
    content: Content,
}

enum Content {
    Strategic(Vec<Resource>),
    Json(Vec<Operation>),
}

/// Strategic merge patches that find their objects by id: `patchesStrategicMerge`.
pub(crate) struct StrategicPatches(Vec<Resource>);

/// An entry of `patchesJson6902`.
pub(crate) struct JsonPatch {
    target: Selector,
    operations: Vec<Operation>,
}

impl Prepared {
    /// Reads an entry of `patches`.
    pub(crate) fn new(patch: &Patch, loader: &Loader<'_>) -> Result<Self> {
        let inline = patch.inline.trim();
        let (content, source) = match (inline.is_empty(), patch.path.is_empty()) {
            (true, true) => return Err(Error::invalid("must specify one of patch and path")),
            (false, false) => {
                return Err(Error::invalid(
                    "patch and path can't be set at the same time",
                ));
            }
            (false, true) => (inline.as_bytes().into(), format!("[patch: {inline:?}]")),
            (true, false) => {
                let content = loader.load(&patch.path).context(|| {
                    format!("failed to get the patch file from path({})", patch.path)
                })?;
                (content, format!("[path: {:?}]", patch.path))
            }
        };
        let strategic = parse::resources(&content);
        let operations = operations_of(&content);
        let both =
            matches!((&strategic, &operations), (Ok(a), Ok(b)) if !a.is_empty() && !b.is_empty());
        if both {
            return Err(Error::invalid(format!(
                "illegally qualifies as both an SM and JSON patch: {source}"
            )));
        }
        let content = match (strategic, operations) {
            (Ok(nodes), _) => Content::Strategic(
                nodes
                    .into_iter()
                    .map(|node| {
                        let mut resource = Resource::new(node, loader.scopes());
                        let options = &patch.options;
                        resource.history.allow_name_change = options.allow_name_change;
                        resource.history.allow_kind_change = options.allow_kind_change;
                        if options.allow_name_change || options.allow_kind_change {
                            // Upstream keeps the option among the patch's annotations, which
                            // become text for it, and so a null there removes nothing.
                            resource.stringify("annotations");
                        }
                        resource
                    })
                    .collect(),
            ),
            (Err(_), Ok(operations)) => Content::Json(operations),
            (Err(_), Err(_)) => {
                return Err(Error::invalid(format!(
                    "unable to parse SM or JSON patch from {source}"
                )));
            }
        };
        Ok(Self {
            source,
            target: patch.target.clone(),
            content,
        })
    }

    pub(crate) fn apply(&self, resources: &mut Resources, schemas: &Schemas) -> Result<()> {
        match (&self.content, &self.target) {
            (Content::Strategic(patches), Some(target)) => match patches.as_slice() {
                [] => Ok(()),
                [patch] => {
                    let selected = select(resources, target)?;
                    apply_strategic(resources, &selected, patch, schemas)
                }
                _ => Err(Error::invalid(format!(
                    "Multiple Strategic-Merge Patches in one `patches` entry is not allowed to set `patches.target` field: {}",
                    self.source
                ))),
            },
            (Content::Strategic(patches), None) => patches.iter().try_for_each(|patch| {
                let id = patch.id();
                let index = resources
                    .by_any_id(id)
                    .context(|| format!("no resource matches strategic merge patch \"{id}\""))?;
                resources
                    .edit(index, |resource| merge_into(resource, patch, schemas))
                    .unwrap_or(Ok(()))
            }),
            (Content::Json(_), None) => Err(Error::invalid(format!(
                "must specify a target for JSON patch {}",
                self.source
            ))),
            (Content::Json(operations), Some(target)) => select(resources, target)?
                .into_iter()
                .try_for_each(|index| {
                    let apply = |resource: &mut Resource| {
                        resource.remember_id();
                        apply_operations(resource, operations)
                    };
                    resources.edit(index, apply).unwrap_or(Ok(()))
                }),
        }
    }
}

impl StrategicPatches {
    /// Reads `paths`, each a patch in place or a file of them, and then the documents of `inline`.
    pub(crate) fn new(paths: &[String], inline: &str, loader: &Loader<'_>) -> Result<Self> {
        let new = |node| Resource::new(node, loader.scopes());
        let mut patches = Vec::new();
        for path in paths {
            let nodes = if let Ok(nodes) = parse::resources(path) {
                nodes
            } else {
                let content = loader.load(path)?;
                parse::resources(content).map_err(|error| error.in_file(path))?
            };
            patches.extend(nodes.into_iter().map(new));
        }
        if !inline.is_empty() {
            patches.extend(parse::resources(inline)?.into_iter().map(new));
        }
        if patches.is_empty() {
            return Err(Error::invalid(format!(
                "patch appears to be empty; files=[{}], Patch={inline}",
                paths.join(" ")
            )));
        }
        Ok(Self(patches))
    }

    /// Applies each patch to the one resource that has its id.
    pub(crate) fn apply(&self, resources: &mut Resources, schemas: &Schemas) -> Result<()> {
        for patch in &self.0 {
            let index = resources.by_any_id(patch.id())?;
            apply_strategic(resources, &[index], patch, schemas)?;
        }
        Ok(())
    }
}

impl JsonPatch {
    /// Reads a patch whose target must have a name.
    pub(crate) fn new(patch: &Patch, loader: &Loader<'_>) -> Result<Self> {
        let Some(target) = patch.target.clone() else {
            return Err(Error::invalid("must specify a target for JSON patch"));
        };
        if target.name.is_empty() {
            return Err(Error::invalid("must specify the target name"));
        }
        let content = match (patch.inline.is_empty(), patch.path.is_empty()) {
            (true, true) => return Err(Error::invalid("empty file path and empty jsonOp")),
            (false, false) => {
                return Err(Error::invalid(
                    "must specify a file path or jsonOp, not both",
                ));
            }
            (false, true) => patch.inline.as_bytes().into(),
            (true, false) => loader.load(&patch.path)?,
        };
        if content.is_empty() {
            return Err(Error::invalid(format!(
                "patch file '{}' empty seems to be empty",
                patch.path
            )));
        }
        let operations = operations_of(&content)?;
        if operations.is_empty() {
            return Err(Error::invalid(format!(
                "patch appears to be empty; file={}, JsonOp={}",
                patch.path,
                String::from_utf8_lossy(&content)
            )));
        }
        Ok(Self { target, operations })
    }

    pub(crate) fn apply(&self, resources: &mut Resources) -> Result<()> {
        select(resources, &self.target)?
            .into_iter()
            .try_for_each(|index| {
                resources
                    .edit(index, |resource| {
                        apply_operations(resource, &self.operations)
                    })
                    .unwrap_or(Ok(()))
            })
    }
}

/// Reads operations: JSON when the text starts like a list, else the first YAML document.
fn operations_of(content: &[u8]) -> Result<Vec<Operation>> {
    let document = if content.starts_with(b"[") {
        parse::strict_json(content)?
    } else {
        parse::json(content)?
    };
    json6902::parse(&document)
}

fn select(resources: &Resources, target: &Selector) -> Result<Vec<usize>> {
    let matcher = Matcher::new(target)?;
    resources.try_positions(|resource| matcher.targets(resource))
}

/// Applies a patch to the selected resources, and drops what it deletes.
fn apply_strategic(
    resources: &mut Resources,
    selected: &[usize],
    patch: &Resource,
    schemas: &Schemas,
) -> Result<()> {
    for index in selected {
        let mut copy = patch.clone();
        copy.stringify("labels");
        copy.stringify("annotations");
        let merge = |resource: &mut Resource| {
            copy.set_api_version(&resource.gvk().api_version());
            merge_into(resource, &copy, schemas)
        };
        resources.edit(*index, merge).unwrap_or(Ok(()))?;
    }
    resources.drop_empty();
    resources.check_unique()
}

/// Merges a patch into one resource, whose id stays unless the patch may change it.
fn merge_into(resource: &mut Resource, patch: &Resource, schemas: &Schemas) -> Result<()> {
    let (name, namespace, kind) = (
        resource.name().to_owned(),
        resource.namespace().to_owned(),
        resource.kind().to_owned(),
    );
    let history = &patch.history;
    if history.allow_name_change || history.allow_kind_change {
        resource.remember_id();
    }
    let merge = |resource: &mut Resource| {
        let dest = std::mem::replace(resource.node_mut(), Node::null());
        if let Some(merged) = strategic::merge(dest, patch.node().clone(), schemas)? {
            *resource.node_mut() = merged;
        }
        Ok(())
    };
    if removes_annotations(patch.node()) {
        resource.with_internal_annotations(Keeper::None, merge)?;
    } else {
        merge(resource)?;
    }
    if resource.node().is_nil_or_empty() {
        return Ok(());
    }
    if !history.allow_kind_change {
        resource.set_kind(&kind);
    }
    if !history.allow_name_change {
        resource.set_name(&name);
    }
    resource.set_namespace(&namespace);
    Ok(())
}

/// Whether a strategic patch may take away annotations that it does not name.
fn removes_annotations(patch: &Node) -> bool {
    let Some(metadata) = patch.get("metadata") else {
        return false;
    };
    let removes = |node: &Node| node.is_null() || node.get("$patch").is_some();
    removes(metadata) || metadata.get("annotations").is_some_and(removes)
}

fn apply_operations(resource: &mut Resource, operations: &[Operation]) -> Result<()> {
    let apply = |resource: &mut Resource| {
        let mut document = parse::to_json(resource.node())?;
        json6902::apply(&mut document, operations)?;
        if !document.is_object() {
            return Err(Error::invalid("a JSON patch must leave an object"));
        }
        *resource.node_mut() = parse::from_json(&document, parse::Numbers::Float);
        Ok(())
    };
    if operations.iter().any(Operation::concerns_annotations) {
        resource.with_internal_annotations(Keeper::History, apply)?;
    } else {
        apply(resource)?;
    }
    resource.stringify("annotations");
    Ok(())
}
