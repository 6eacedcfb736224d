//! Name references: fields that hold the name of another object follow when it is renamed.
//!
//! Runs once, over the final resources. Only objects that were renamed, moved or hashed can be
//! meant, and they are found by an index of their earlier names.
//! Source: kustomize `api/filters/nameref`, `api/internal/accumulator/namereferencetransformer.go`.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::Value;

use crate::config::{BackReference, Config};
use crate::error::{Error, Result, ResultExt as _};
use crate::field_spec::Create;
use crate::id::{CLUSTER, Gvk, Id};
use crate::node::{Node, Tag};
use crate::resource::Resource;
use crate::resources::Resources;

/// Rewrites every reference in `resources`.
pub(crate) fn transform(resources: &mut Resources, config: &Config) -> Result<()> {
    let mut updated = Vec::new();
    {
        let candidates = Candidates::new(resources);
        if candidates.by_name.is_empty() {
            // Fields are looked at, and may be wrong, whether or not there is anything to rewrite.
            return resources.iter().try_for_each(|resource| {
                let specs = config.references_of(resource.original_id().gvk);
                if specs.iter().any(|(_, spec)| spec.stumbles(resource.node())) {
                    candidates.fix(resource, config)?;
                }
                binding_namespaces(resource).map(drop)
            });
        }
        for (index, referrer) in resources.iter().enumerate() {
            if let Some(node) = candidates.fix(referrer, config)? {
                updated.push((index, node));
            }
        }
    }
    for (index, node) in updated {
        resources.edit(index, |resource| *resource.node_mut() = node);
    }
    Ok(())
}

/// All resources, indexed by what references look for.
struct Candidates<'a> {
    all: Vec<&'a Resource>,
    by_name: HashMap<&'a str, Vec<usize>>,
    /// By name and present namespace.
    by_place: HashMap<(&'a str, &'a str), Vec<usize>>,
    by_original_namespace: HashMap<&'a str, Vec<usize>>,
}

/// Who refers, and what it may see.
struct Referrer<'a> {
    resource: &'a Resource,
    id: Id<'a>,
    is_cluster_scoped: bool,
    /// Namespaces of the service accounts that a role binding names.
    binding_namespaces: HashSet<String>,
}

/// Which namespace a mapping reference names.
#[derive(Clone, Copy)]
enum Group<'n> {
    Any,
    Original(&'n str),
    Current(&'n str),
}

impl<'a> Candidates<'a> {
    fn new(resources: &'a Resources) -> Self {
        let all: Vec<&Resource> = resources.iter().collect();
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
        let mut by_place: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
        let mut by_original_namespace: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, resource) in all.iter().copied().enumerate() {
            let present = resource.id().effective_namespace();
            for id in resource.previous_ids() {
                let known = by_name.entry(id.name).or_default();
                if known.last() != Some(&index) {
                    known.push(index);
                    by_place.entry((id.name, present)).or_default().push(index);
                }
            }
            let namespace = resource.original_id().effective_namespace();
            by_original_namespace
                .entry(namespace)
                .or_default()
                .push(index);
        }
        Self {
            all,
            by_name,
            by_place,
            by_original_namespace,
        }
    }

    /// The referrer with its references rewritten; `None` when it has none that changed.
    fn fix(&self, resource: &'a Resource, config: &Config) -> Result<Option<Node>> {
        let specs = config.references_of(resource.original_id().gvk);
        if specs.is_empty() {
            return Ok(None);
        }
        let referrer = Referrer::new(resource)?;
        let mut node = resource.node().clone();
        let mut changed = false;
        for (target, spec) in specs {
            spec.visit(&mut node, Create::Never, &mut |field: &mut Node| {
                changed |= self.set(field, &referrer, target, &spec.path)?;
                Ok(())
            })
            .context(|| {
                format!(
                    "updating name reference in '{}' field of '{}'",
                    spec.path, referrer.id
                )
            })?;
        }
        Ok(changed.then_some(node))
    }

    fn set(
        &self,
        field: &mut Node,
        referrer: &Referrer<'_>,
        target: &BackReference,
        path: &str,
    ) -> Result<bool> {
        if field.is_null() {
            return Ok(false);
        }
        match field {
            Node::Scalar(_) => self.set_scalar(field, referrer, target, path),
            Node::Mapping(_) => self.set_mapping(field, referrer, target, path),
            Node::Sequence(items) => {
                let mut new = (**items).clone();
                let mut changed = false;
                for item in &mut new {
                    changed |= match item {
                        _ if item.is_null() => false,
                        Node::Scalar(_) => self.set_scalar(item, referrer, target, path)?,
                        Node::Mapping(_) => self.set_mapping(item, referrer, target, path)?,
                        Node::Sequence(_) => {
                            return Err(Error::invalid(
                                "node is expected to be either a string or a map of string",
                            ));
                        }
                    };
                }
                if changed {
                    *field = Node::sequence(new);
                }
                Ok(changed)
            }
        }
    }

    fn set_scalar(
        &self,
        field: &mut Node,
        referrer: &Referrer<'_>,
        target: &BackReference,
        path: &str,
    ) -> Result<bool> {
        let same = |a: &Resource, b: &Resource| a.name() == b.name();
        let Some(referral) =
            self.select(field.value(), Group::Any, referrer, target, path, same)?
        else {
            return Ok(false);
        };
        if referral.name() == field.value() {
            return Ok(false);
        }
        field.set_text(referral.name(), Tag::None);
        Ok(true)
    }

    fn set_mapping(
        &self,
        field: &mut Node,
        referrer: &Referrer<'_>,
        target: &BackReference,
        path: &str,
    ) -> Result<bool> {
        let Some(name) = field.get("name").map(|name| name.value().to_owned()) else {
            return Err(Error::invalid("path config error; no 'name' field in node"));
        };
        let namespace = field
            .get("namespace")
            .map(|namespace| namespace.value().to_owned());
        let group = namespace
            .as_deref()
            .map_or(Group::Any, |namespace| self.group(namespace, referrer));
        let same =
            |a: &Resource, b: &Resource| a.name() == b.name() && a.namespace() == b.namespace();
        let Some(referral) = self.select(&name, group, referrer, target, path, same)? else {
            return Ok(false);
        };
        if referral.name() == name && referral.namespace().is_empty() {
            return Ok(false);
        }
        field.set_field("name", referral.name(), Tag::None);
        if !referral.namespace().is_empty() {
            field.set_field("namespace", referral.namespace(), Tag::None);
        }
        Ok(true)
    }

    /// The original namespace if anything that the referrer sees came from it, else the present one.
    fn group<'n>(&self, namespace: &'n str, referrer: &Referrer<'_>) -> Group<'n> {
        let known = namespace != CLUSTER
            && self
                .by_original_namespace
                .get(namespace)
                .is_some_and(|members| {
                    members
                        .iter()
                        .filter_map(|index| self.all.get(*index))
                        .any(|resource| referrer.sees(resource))
                });
        if known {
            Group::Original(namespace)
        } else {
            Group::Current(namespace)
        }
    }

    /// What had the name, in order, as far as the referrer may see it at all.
    fn named(&self, name: &str, referrer: &Referrer<'_>) -> Vec<usize> {
        let Some(all) = self.by_name.get(name) else {
            return Vec::new();
        };
        if all.len() == 1 || referrer.is_cluster_scoped {
            return all.clone();
        }
        let namespaces: BTreeSet<&str> = [CLUSTER, referrer.id.effective_namespace()]
            .into_iter()
            .chain(referrer.binding_namespaces.iter().map(String::as_str))
            .collect();
        let mut indices: Vec<usize> = namespaces
            .into_iter()
            .filter_map(|namespace| self.by_place.get(&(name, namespace)))
            .flatten()
            .copied()
            .collect();
        indices.sort_unstable();
        indices
    }

    /// The one object that a name means; none when nothing fits.
    fn select(
        &self,
        name: &str,
        group: Group<'_>,
        referrer: &Referrer<'_>,
        target: &BackReference,
        path: &str,
        same: impl Fn(&Resource, &Resource) -> bool,
    ) -> Result<Option<&'a Resource>> {
        let indices = self.named(name, referrer);
        if indices.is_empty() {
            return Ok(None);
        }
        let role = if path.ends_with("roleRef/name") {
            role_ref(referrer.resource)
        } else {
            None
        };
        let mut found: Vec<&Resource> = indices
            .iter()
            .filter_map(|index| self.all.get(*index).copied())
            .filter(|candidate| {
                was(candidate, target.gvk())
                    && role.is_none_or(|role| was(candidate, role))
                    && group.holds(candidate)
                    && referrer.sees(candidate)
                    && referrer.may_mean(candidate)
            })
            .collect();
        if found.len() != 1 {
            found.retain(|candidate| same_affixes(candidate, referrer.resource, true));
            if found.len() > 1 {
                found.retain(|candidate| same_affixes(candidate, referrer.resource, false));
            }
        }
        match found.as_slice() {
            [] => Ok(None),
            [first, rest @ ..] if rest.iter().all(|other| same(first, other)) => Ok(Some(first)),
            several => {
                let ids: Vec<String> = several.iter().map(|r| r.id().to_string()).collect();
                Err(Error::invalid(format!(
                    "found multiple possible referrals: {}",
                    ids.join(", ")
                )))
            }
        }
    }
}

impl<'a> Referrer<'a> {
    fn new(resource: &'a Resource) -> Result<Self> {
        let id = resource.id();
        Ok(Self {
            resource,
            id,
            is_cluster_scoped: id.is_cluster_scoped,
            binding_namespaces: binding_namespaces(resource)?,
        })
    }

    fn sees(&self, candidate: &Resource) -> bool {
        self.is_cluster_scoped || {
            let id = candidate.id();
            id.is_cluster_scoped
                || id.effective_namespace() == self.id.effective_namespace()
                || self.binding_namespaces.contains(id.namespace)
        }
    }

    /// Objects in other namespaces are not meant, but for service accounts.
    fn may_mean(&self, candidate: &Resource) -> bool {
        self.is_cluster_scoped || {
            let id = candidate.id();
            id.is_cluster_scoped
                || id.gvk.kind == "ServiceAccount"
                || id.effective_namespace() == self.id.effective_namespace()
        }
    }
}

impl Group<'_> {
    fn holds(self, candidate: &Resource) -> bool {
        match self {
            Self::Any => true,
            Self::Original(namespace) => candidate.original_id().effective_namespace() == namespace,
            Self::Current(namespace) => {
                namespace != CLUSTER && candidate.id().effective_namespace() == namespace
            }
        }
    }
}

fn was(candidate: &Resource, gvk: Gvk<'_>) -> bool {
    candidate
        .previous_ids()
        .any(|id| id.gvk.is_selected_by(gvk))
}

fn role_ref(referrer: &Resource) -> Option<Gvk<'_>> {
    let role = referrer.node().get("roleRef")?;
    Some(Gvk {
        group: role.get("apiGroup")?.value(),
        version: "",
        kind: role.get("kind")?.value(),
    })
}

fn binding_namespaces(resource: &Resource) -> Result<HashSet<String>> {
    let mut namespaces = HashSet::new();
    if resource.kind() != "RoleBinding" {
        return Ok(namespaces);
    }
    let subjects = resource
        .node()
        .get("subjects")
        .and_then(Node::as_sequence)
        .unwrap_or_default();
    for subject in subjects {
        let Some(namespace) = subject.get("namespace") else {
            continue;
        };
        if subject
            .get("kind")
            .is_some_and(|kind| kind.value() == "ServiceAccount")
        {
            let is_text = matches!(crate::parse::to_json(namespace), Ok(Value::String(_)));
            if namespace.is_null() || !is_text {
                return Err(Error::invalid(format!(
                    "Invalid Input: namespace is blank for resource \"{}\"\n",
                    resource.id()
                )));
            }
            namespaces.insert(namespace.value().to_owned());
        }
    }
    Ok(namespaces)
}

/// Whether two resources were renamed in the same way, innermost names aside.
fn same_affixes(a: &Resource, b: &Resource, empty_matches: bool) -> bool {
    let (a, b) = (&a.history, &b.history);
    let compare = |a: &[std::sync::Arc<str>], b: &[std::sync::Arc<str>]| {
        if a.is_empty() || b.is_empty() {
            empty_matches || a.len() == b.len()
        } else {
            a.iter().rev().zip(b.iter().rev()).all(|(a, b)| a == b)
        }
    };
    compare(&a.prefixes, &b.prefixes) && compare(&a.suffixes, &b.suffixes)
}
