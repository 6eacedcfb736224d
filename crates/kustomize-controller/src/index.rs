//! Who uses which source, who depends on whom, and who takes variables from where.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use api::kustomize::{
    Kustomization,
    kustomization::{Dependency, SourceKind},
};
use kube::ResourceExt;
use runtime::ObjectKey;

use crate::configs::{self, Config};

/// Reverse lookups over the cached Kustomizations, kept by the watch.
#[derive(Default)]
pub(crate) struct Index(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    references: BTreeMap<ObjectKey, References>,
    by_source: BTreeMap<ObjectKey, BTreeSet<ObjectKey>>,
    dependents: BTreeMap<ObjectKey, BTreeSet<ObjectKey>>,
    readers: BTreeMap<ObjectKey, BTreeSet<ObjectKey>>,
    by_config: BTreeMap<Config, BTreeSet<ObjectKey>>,
}

#[derive(Default, PartialEq)]
struct References {
    source: Option<ObjectKey>,
    dependencies: BTreeSet<ObjectKey>,
    /// Those of the dependencies that an expression reads.
    read: BTreeSet<ObjectKey>,
    configs: BTreeSet<Config>,
}

/// The dependencies of `object`, in its order.
pub(crate) fn dependencies(object: &Kustomization) -> impl Iterator<Item = ObjectKey> {
    let own = object.namespace().unwrap_or_default();
    object.spec.depends_on.iter().map(move |dependency| {
        let namespace = dependency.namespace.as_deref().filter(|ns| !ns.is_empty());
        ObjectKey::new(namespace.unwrap_or(&own), &dependency.name)
    })
}

/// Whether the user says when `dependency` is ready.
pub(crate) fn has_expression(dependency: &Dependency) -> bool {
    dependency
        .ready_expr
        .as_ref()
        .is_some_and(|source| !source.is_empty())
}

/// The Git repository of `object`, if its source is one.
pub(crate) fn source(object: &Kustomization) -> Option<ObjectKey> {
    (object.spec.source_ref.kind == SourceKind::GitRepository)
        .then(|| ObjectKey::new(&object.source_namespace(), &object.spec.source_ref.name))
}

impl Index {
    /// Takes in the references of `object` as it is now.
    pub(crate) fn update(&self, key: &ObjectKey, object: &Kustomization) {
        let references = References {
            source: source(object),
            dependencies: dependencies(object).collect(),
            read: dependencies(object)
                .zip(&object.spec.depends_on)
                .filter(|(_, dependency)| has_expression(dependency))
                .map(|(key, _)| key)
                .collect(),
            configs: configs::of(object).collect(),
        };
        let mut inner = self.lock();
        if inner.references.get(key) != Some(&references) {
            inner.remove(key);
            inner.insert(key.clone(), references);
        }
    }

    /// Forgets `key`.
    pub(crate) fn remove(&self, key: &ObjectKey) {
        self.lock().remove(key);
    }

    /// The Kustomizations that use `source`.
    pub(crate) fn users(&self, source: &ObjectKey) -> Vec<ObjectKey> {
        self.lock()
            .by_source
            .get(source)
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }

    /// The Kustomizations that depend on `key`.
    pub(crate) fn dependents(&self, key: &ObjectKey) -> Vec<ObjectKey> {
        self.lock()
            .dependents
            .get(key)
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }

    /// The Kustomizations that depend on `key` by an expression, to which anything in it may matter.
    pub(crate) fn readers(&self, key: &ObjectKey) -> Vec<ObjectKey> {
        self.lock()
            .readers
            .get(key)
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }

    /// The Kustomizations that take variables from `config`.
    pub(crate) fn config_users(&self, config: &Config) -> Vec<ObjectKey> {
        self.lock()
            .by_config
            .get(config)
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn insert(&mut self, key: ObjectKey, references: References) {
        if let Some(source) = &references.source {
            self.by_source
                .entry(source.clone())
                .or_default()
                .insert(key.clone());
        }
        for dependency in &references.dependencies {
            self.dependents
                .entry(dependency.clone())
                .or_default()
                .insert(key.clone());
        }
        for dependency in &references.read {
            self.readers
                .entry(dependency.clone())
                .or_default()
                .insert(key.clone());
        }
        for config in &references.configs {
            self.by_config
                .entry(config.clone())
                .or_default()
                .insert(key.clone());
        }
        self.references.insert(key, references);
    }

    fn remove(&mut self, key: &ObjectKey) {
        let Some(references) = self.references.remove(key) else {
            return;
        };
        if let Some(source) = &references.source {
            drop_member(&mut self.by_source, source, key);
        }
        for dependency in &references.dependencies {
            drop_member(&mut self.dependents, dependency, key);
        }
        for dependency in &references.read {
            drop_member(&mut self.readers, dependency, key);
        }
        for config in &references.configs {
            drop_member(&mut self.by_config, config, key);
        }
    }
}

fn drop_member<K: Ord>(sets: &mut BTreeMap<K, BTreeSet<ObjectKey>>, of: &K, member: &ObjectKey) {
    if let Some(set) = sets.get_mut(of) {
        set.remove(member);
        if set.is_empty() {
            sets.remove(of);
        }
    }
}

#[cfg(test)]
mod tests {
    use api::kustomize::kustomization::SubstituteKind;

    use super::*;

    /// With dependencies by name; those that end in `?` have an expression.
    fn kustomization(source: &str, dependencies: &[&str]) -> Kustomization {
        serde_json::from_value(serde_json::json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": "x", "namespace": "apps"},
            "spec": {
                "interval": "1m", "prune": true,
                "sourceRef": {"kind": "GitRepository", "name": source},
                "dependsOn": dependencies
                    .iter()
                    .map(|name| match name.strip_suffix('?') {
                        Some(name) => serde_json::json!({"name": name, "readyExpr": "true"}),
                        None => serde_json::json!({"name": name}),
                    })
                    .collect::<Vec<_>>(),
            },
        }))
        .unwrap()
    }

    #[test]
    fn lookups_follow_what_an_object_refers_to_now() {
        let index = Index::default();
        let key = |name: &str| ObjectKey::new("apps", name);
        index.update(&key("a"), &kustomization("repo", &["infra"]));
        index.update(&key("b"), &kustomization("repo", &[]));
        assert_eq!(index.users(&key("repo")), [key("a"), key("b")]);
        assert_eq!(index.dependents(&key("infra")), [key("a")]);

        assert_eq!(index.readers(&key("infra")), []);

        index.update(&key("a"), &kustomization("other", &["b?"]));
        assert_eq!(index.readers(&key("b")), [key("a")]);
        assert_eq!(index.users(&key("repo")), [key("b")]);
        assert_eq!(index.users(&key("other")), [key("a")]);
        assert_eq!(index.dependents(&key("infra")), []);
        assert_eq!(index.dependents(&key("b")), [key("a")]);

        let config = |name| Config {
            kind: SubstituteKind::Secret,
            key: key(name),
        };
        let mut object = kustomization("other", &["b?"]);
        object.spec.post_build = serde_json::from_value(serde_json::json!({
            "substituteFrom": [{"kind": "Secret", "name": "s"}, {"kind": "ConfigMap", "name": "t"}],
        }))
        .unwrap();
        index.update(&key("a"), &object);
        assert_eq!(index.config_users(&config("s")), [key("a")]);
        assert_eq!(index.config_users(&config("t")), []);

        index.remove(&key("a"));
        assert_eq!(index.config_users(&config("s")), []);
        assert_eq!(index.users(&key("other")), []);
        assert_eq!(index.readers(&key("b")), []);
        assert_eq!(index.dependents(&key("b")), []);
    }
}
