//! ConfigMaps and Secrets that Kustomizations take variables from.
//!
//! Those with a label are watched, by their metadata; a change wakes who names them. Of the others nothing is known until
//! they are read.

use std::sync::Arc;

use api::kustomize::{
    Kustomization,
    kustomization::{SubstituteKind, SubstituteReference},
};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::{ResourceExt, core::PartialObjectMeta};
use runtime::{
    ObjectKey,
    cache::{Cache, Change, Selection},
    client::ResourceRef,
};
use tokio_util::sync::CancellationToken;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Config {
    pub(crate) kind: SubstituteKind,
    pub(crate) key: ObjectKey,
}

/// One that a build used: what it was then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Input {
    pub(crate) config: Config,
    /// The version that the watch showed before it was read; `None` if it showed none.
    pub(crate) seen: Option<String>,
    /// The version that was read; `None` if there was none.
    pub(crate) read: Option<String>,
}

impl Config {
    /// What `reference` of an object in `namespace` names.
    pub(crate) fn of(namespace: &str, reference: &SubstituteReference) -> Self {
        Self {
            kind: reference.kind,
            key: ObjectKey::new(namespace, &reference.name),
        }
    }

    pub(crate) fn resource(&self) -> ResourceRef {
        let (kind, plural) = match self.kind {
            SubstituteKind::ConfigMap => ("ConfigMap", "configmaps"),
            SubstituteKind::Secret => ("Secret", "secrets"),
        };
        ResourceRef::namespaced("v1", kind, plural)
    }
}

/// What `object` takes variables from, in its order.
pub(crate) fn of(object: &Kustomization) -> impl Iterator<Item = Config> {
    let namespace = object.namespace().unwrap_or_default();
    let post_build = object.spec.post_build.iter();
    post_build
        .flat_map(|post_build| &post_build.substitute_from)
        .map(move |reference| Config::of(&namespace, reference))
}

/// The watched ones.
pub(crate) struct Configs {
    config_maps: Cache<PartialObjectMeta<ConfigMap>>,
    secrets: Cache<PartialObjectMeta<Secret>>,
}

impl Configs {
    /// Watches those with `labels`, or all when that is empty, and tells `on_change` of each that changes.
    pub(crate) fn watch(
        kube: &kube::Client,
        namespace: Option<&str>,
        labels: &str,
        stop: &CancellationToken,
        on_change: impl Fn(&Config) + Send + Sync + 'static,
    ) -> Self {
        let selection = Selection {
            labels: (!labels.is_empty()).then(|| labels.to_owned()),
        };
        let on_change = Arc::new(on_change);
        let (maps, secrets) = (Arc::clone(&on_change), on_change);
        let kube = || kube.clone();
        Self {
            config_maps: Cache::watch(kube(), namespace, &selection, stop.clone(), move |change| {
                maps(&changed(SubstituteKind::ConfigMap, &change));
            }),
            secrets: Cache::watch(kube(), namespace, &selection, stop.clone(), move |change| {
                secrets(&changed(SubstituteKind::Secret, &change));
            }),
        }
    }

    /// Waits until all are known.
    pub(crate) async fn synced(&self) {
        tokio::join!(self.config_maps.synced(), self.secrets.synced());
    }

    /// The version that the watch shows.
    pub(crate) fn version(&self, config: &Config) -> Option<String> {
        match config.kind {
            SubstituteKind::ConfigMap => self.config_maps.get(&config.key)?.resource_version(),
            SubstituteKind::Secret => self.secrets.get(&config.key)?.resource_version(),
        }
    }
}

fn changed<K: ResourceExt>(kind: SubstituteKind, change: &Change<K>) -> Config {
    Config {
        kind,
        key: ObjectKey::of(&**change.latest()),
    }
}
