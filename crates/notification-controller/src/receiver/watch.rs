//! What wakes whom.
//!
//! A receiver runs when its spec changes, when a run is asked for, and when its Secret changes, if Secrets are
//! watched. Its own status writes wake nobody; they change what the webhook answers for.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use api::{meta::annotation::RECONCILE_REQUEST, notification::Receiver};
use k8s_openapi::api::core::v1::Secret;
use kube::{ResourceExt, core::PartialObjectMeta};
use queue::{Class, Queue};
use runtime::{
    ObjectKey,
    cache::{Cache, Change, Selection},
};
use tokio_util::sync::CancellationToken;

use crate::webhook::Hooks;

/// The watched Secrets: names and versions, without content.
pub(crate) type Secrets = Cache<PartialObjectMeta<Secret>>;

/// Turns changes into work.
pub(crate) struct Watch {
    queue: Queue<ObjectKey>,
    hooks: Arc<Hooks>,
    /// Who names a Secret.
    users: Mutex<BTreeMap<ObjectKey, BTreeSet<ObjectKey>>>,
}

impl Watch {
    /// A watch that queues and publishes.
    pub(crate) fn new(queue: Queue<ObjectKey>, hooks: Arc<Hooks>) -> Arc<Self> {
        Arc::new(Self {
            queue,
            hooks,
            users: Mutex::default(),
        })
    }

    /// Watches receivers, from before the lease is won: every replica answers webhooks.
    pub(crate) fn receivers(
        self: &Arc<Self>,
        kube: kube::Client,
        namespace: Option<&str>,
        stop: CancellationToken,
    ) -> Cache<Receiver> {
        let watch = Arc::clone(self);
        let on_change = move |change| watch.on_receiver(&change);
        Cache::watch(kube, namespace, &Selection::default(), stop, on_change)
    }

    /// Watches the metadata of Secrets with these labels; of all when empty.
    pub(crate) fn secrets(
        self: &Arc<Self>,
        kube: kube::Client,
        namespace: Option<&str>,
        labels: &str,
        stop: CancellationToken,
    ) -> Secrets {
        let watch = Arc::clone(self);
        let selection = Selection {
            labels: (!labels.is_empty()).then(|| labels.to_owned()),
        };
        let on_change = move |change| watch.on_secret(&change);
        Cache::watch(kube, namespace, &selection, stop, on_change)
    }

    fn on_receiver(&self, change: &Change<Receiver>) {
        self.hooks.update(change);
        let key = ObjectKey::of(&**change.latest());
        {
            let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
            match change {
                Change::Added(object) => link(&mut users, &key, object),
                Change::Updated { old, new } if old.spec.secret_ref != new.spec.secret_ref => {
                    unlink(&mut users, &key, old);
                    link(&mut users, &key, new);
                }
                Change::Updated { .. } => {}
                Change::Deleted(object) => unlink(&mut users, &key, object),
            }
        }
        match change {
            Change::Added(object) => self.queue.add(key, first(object)),
            Change::Updated { old, new } if relevant(old, new) => {
                self.queue.add(key, Class::Urgent);
            }
            Change::Updated { .. } => {}
            Change::Deleted(_) => self.queue.forget(&key),
        }
    }

    fn on_secret(&self, change: &Change<PartialObjectMeta<Secret>>) {
        let key = ObjectKey::of(&**change.latest());
        let users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        for user in users.get(&key).into_iter().flatten() {
            self.queue.add(user.clone(), Class::Urgent);
        }
    }
}

/// How urgent an object is that was not known before: one that is up to date, as all are at a restart, can wait.
fn first(object: &Receiver) -> Class {
    let status = object.status.as_ref();
    let observed = status.and_then(|status| status.observed_generation);
    let handled = status.and_then(|status| status.last_handled_reconcile_at.as_ref());
    if observed == object.metadata.generation && handled == requested(object) {
        Class::Interval
    } else {
        Class::Urgent
    }
}

/// Whether a change asks for a run.
fn relevant(old: &Receiver, new: &Receiver) -> bool {
    old.uid() != new.uid()
        || old.metadata.generation != new.metadata.generation
        || old.metadata.deletion_timestamp.is_some() != new.metadata.deletion_timestamp.is_some()
        || (requested(new).is_some() && requested(old) != requested(new))
}

fn requested(object: &Receiver) -> Option<&String> {
    object.annotations().get(RECONCILE_REQUEST)
}

type Users = BTreeMap<ObjectKey, BTreeSet<ObjectKey>>;

fn secret(key: &ObjectKey, object: &Receiver) -> Option<ObjectKey> {
    let reference = object.spec.secret_ref.as_ref()?;
    Some(ObjectKey::new(&key.namespace, &reference.name))
}

fn link(users: &mut Users, key: &ObjectKey, object: &Receiver) {
    if let Some(secret) = secret(key, object) {
        users.entry(secret).or_default().insert(key.clone());
    }
}

fn unlink(users: &mut Users, key: &ObjectKey, object: &Receiver) {
    let Some(secret) = secret(key, object) else {
        return;
    };
    if let Some(set) = users.get_mut(&secret) {
        set.remove(key);
        if set.is_empty() {
            users.remove(&secret);
        }
    }
}

#[cfg(test)]
mod tests;
