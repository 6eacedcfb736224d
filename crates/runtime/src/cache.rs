//! A local copy of the objects of one kind, kept by a watch.
//!
//! Unlike `kube::runtime::reflector` it hands the handler the old object beside the new one, tells
//! it of deletions that a relist reveals, and shares objects instead of cloning them. The watch
//! itself (bookmarks, relist after 410, back-off, streaming lists) is `kube::runtime::watcher`.
//!
//! Invariants: the handler sees every change in the order of the watch, after the cache holds it;
//! `managedFields` are dropped before an object is stored; an object that its type cannot hold is
//! reported and counts as absent, and hides no other. Of a `PartialObjectMeta` only metadata travels.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fmt::Debug,
    sync::{Arc, PoisonError, RwLock},
};

use futures::StreamExt;
use kube::{
    Api, Resource, ResourceExt,
    core::{DeserializeGuard, NamespaceResourceScope, ObjectMeta},
    runtime::{WatchStreamExt, watcher},
};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::ObjectKey;

/// What happened to an object.
#[derive(Debug)]
pub enum Change<K> {
    /// It is new, or new to this process.
    Added(Arc<K>),
    /// It was replaced.
    Updated {
        /// The object as it was.
        old: Arc<K>,
        /// The object as it is.
        new: Arc<K>,
    },
    /// It is gone.
    Deleted(Arc<K>),
}

impl<K> Change<K> {
    /// The object as it is now, or as it last was.
    pub fn latest(&self) -> &Arc<K> {
        match self {
            Self::Added(object) | Self::Updated { new: object, .. } | Self::Deleted(object) => {
                object
            }
        }
    }
}

/// The objects of one kind, by key.
pub struct Cache<K> {
    objects: Arc<RwLock<BTreeMap<ObjectKey, Arc<K>>>>,
    synced: watch::Receiver<bool>,
}

impl<K> Clone for Cache<K> {
    fn clone(&self) -> Self {
        Self {
            objects: Arc::clone(&self.objects),
            synced: self.synced.clone(),
        }
    }
}

impl<K> Cache<K> {
    /// The object under `key`, as last seen.
    pub fn get(&self, key: &ObjectKey) -> Option<Arc<K>> {
        self.objects
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .cloned()
    }

    /// All objects, by namespace and name.
    pub fn list(&self) -> Vec<Arc<K>> {
        self.objects
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .cloned()
            .collect()
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.objects
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits until the first list is complete. Returns `false` when the watch ended before.
    pub async fn synced(&self) -> bool {
        self.synced.clone().wait_for(|synced| *synced).await.is_ok()
    }
}

/// Which objects a cache holds, and how it lists them.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Only objects with these labels, in the API's selector syntax.
    pub labels: Option<String>,
}

impl<K> Cache<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    K: Clone + DeserializeOwned + Debug + Send + Sync + 'static,
{
    /// Watches a namespace, or all, until `stop` is cancelled, telling `on_change` of every change.
    ///
    /// `on_change` runs on the watch's task: it may lock and enqueue, not wait.
    pub fn watch(
        client: kube::Client,
        namespace: Option<&str>,
        selection: &Selection,
        stop: CancellationToken,
        on_change: impl FnMut(Change<K>) + Send + 'static,
    ) -> Self {
        let api = match namespace {
            Some(namespace) => Api::namespaced(client, namespace),
            None => Api::all(client),
        };
        let mut config = watcher::Config::default();
        if let Some(labels) = &selection.labels {
            config = config.labels(labels);
        }
        let (synced_in, synced) = watch::channel(false);
        let objects = Arc::new(RwLock::new(BTreeMap::new()));
        let keeper = Keeper {
            objects: Arc::clone(&objects),
            listed: BTreeMap::new(),
            on_change,
        };
        tokio::spawn(async move {
            tokio::select! {
                () = keep(api, config, keeper, synced_in) => {}
                () = stop.cancelled() => {}
            }
        });
        Self { objects, synced }
    }
}

async fn keep<K, F>(
    api: Api<Guard<K>>,
    config: watcher::Config,
    mut keeper: Keeper<K, F>,
    synced: watch::Sender<bool>,
) where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + Sync + 'static,
    F: FnMut(Change<K>),
{
    let mut events = std::pin::pin!(watcher(api, config).default_backoff());
    while let Some(event) = events.next().await {
        match event {
            Ok(watcher::Event::Init) => keeper.listed.clear(),
            Ok(watcher::Event::InitApply(object)) => {
                if let Ok(object) = readable(object) {
                    keeper.list(object);
                }
            }
            Ok(watcher::Event::InitDone) => {
                keeper.replace();
                synced.send_replace(true);
            }
            Ok(watcher::Event::Apply(object)) => match readable(object) {
                Ok(object) => keeper.apply(object),
                Err(key) => keeper.delete(&key),
            },
            Ok(watcher::Event::Delete(object)) => keeper.delete(&ObjectKey::of(&object)),
            Err(error) => {
                let error = crate::log::chain(&error);
                tracing::error!(error, "watch failed, retrying");
            }
        }
    }
}

/// kube's guard of an object that may not be readable; but unlike kube's, it asks for metadata only
/// where the object's type does.
#[derive(Clone, Debug, Deserialize)]
#[serde(bound = "K: Resource + DeserializeOwned")]
struct Guard<K>(DeserializeGuard<K>);

impl<K: Resource> Resource for Guard<K> {
    type DynamicType = K::DynamicType;
    type Scope = K::Scope;

    fn metadata_api() -> bool {
        K::metadata_api()
    }

    fn kind(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::kind(dt)
    }

    fn group(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::group(dt)
    }

    fn version(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::version(dt)
    }

    fn plural(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::plural(dt)
    }

    fn meta(&self) -> &ObjectMeta {
        self.0.meta()
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        self.0.meta_mut()
    }
}

/// The object, or the key of one that cannot be read.
fn readable<K: Resource<DynamicType = ()>>(object: Guard<K>) -> Result<K, ObjectKey> {
    let key = ObjectKey::of(&object);
    object.0.0.map_err(|invalid| {
        tracing::error!(
            namespace = &*key.namespace,
            name = &*key.name,
            error = invalid.error,
            "unreadable object"
        );
        key
    })
}

struct Keeper<K, F> {
    objects: Arc<RwLock<BTreeMap<ObjectKey, Arc<K>>>>,
    /// The objects of a list under way; becomes the cache's content when the list is complete.
    listed: BTreeMap<ObjectKey, Arc<K>>,
    on_change: F,
}

impl<K: ResourceExt, F: FnMut(Change<K>)> Keeper<K, F> {
    fn list(&mut self, mut object: K) {
        object.managed_fields_mut().clear();
        self.listed.insert(ObjectKey::of(&object), Arc::new(object));
    }

    fn apply(&mut self, mut object: K) {
        object.managed_fields_mut().clear();
        let new = Arc::new(object);
        let old = self.write().insert(ObjectKey::of(&*new), Arc::clone(&new));
        (self.on_change)(match old {
            Some(old) => Change::Updated { old, new },
            None => Change::Added(new),
        });
    }

    fn delete(&mut self, key: &ObjectKey) {
        let removed = self.write().remove(key);
        if let Some(old) = removed {
            (self.on_change)(Change::Deleted(old));
        }
    }

    /// Makes the finished list the content, and reports the difference in key order.
    fn replace(&mut self) {
        let listed = std::mem::take(&mut self.listed);
        let mut changes = Vec::new();
        {
            let mut objects = self.write();
            for (key, new) in &listed {
                match objects.get(key) {
                    Some(old) if old.resource_version() == new.resource_version() => {}
                    Some(old) => changes.push((
                        key.clone(),
                        Change::Updated {
                            old: Arc::clone(old),
                            new: Arc::clone(new),
                        },
                    )),
                    None => changes.push((key.clone(), Change::Added(Arc::clone(new)))),
                }
            }
            for (key, old) in objects.iter().filter(|(key, _)| !listed.contains_key(*key)) {
                changes.push((key.clone(), Change::Deleted(Arc::clone(old))));
            }
            *objects = listed;
        }
        changes.sort_by(|(a, _), (b, _)| a.cmp(b));
        for (_, change) in changes {
            (self.on_change)(change);
        }
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, BTreeMap<ObjectKey, Arc<K>>> {
        self.objects.write().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;

    use super::*;

    fn object(name: &str, version: &str) -> ConfigMap {
        let mut map = ConfigMap::default();
        map.metadata.namespace = Some("ns".into());
        map.metadata.name = Some(name.into());
        map.metadata.resource_version = Some(version.into());
        map
    }

    fn describe(change: &Change<ConfigMap>) -> String {
        let kind = match change {
            Change::Added(_) => "added",
            Change::Updated { .. } => "updated",
            Change::Deleted(_) => "deleted",
        };
        let object = change.latest();
        format!(
            "{kind} {} {}",
            object.name_any(),
            object.resource_version().unwrap_or_default()
        )
    }

    #[test]
    fn a_relist_reports_exactly_the_difference() {
        let mut seen = Vec::new();
        let mut keeper = Keeper {
            objects: Arc::default(),
            listed: BTreeMap::new(),
            on_change: |change: Change<ConfigMap>| seen.push(describe(&change)),
        };
        for name in ["a", "b", "c"] {
            keeper.list(object(name, "1"));
        }
        keeper.replace();
        keeper.apply(object("a", "2"));
        keeper.delete(&ObjectKey::of(&object("missing", "1")));
        keeper.list(object("a", "2"));
        keeper.list(object("b", "3"));
        keeper.list(object("d", "1"));
        keeper.replace();
        assert_eq!(
            seen,
            [
                "added a 1",
                "added b 1",
                "added c 1",
                "updated a 2",
                "updated b 3",
                "deleted c 1",
                "added d 1",
            ]
        );
    }
}
