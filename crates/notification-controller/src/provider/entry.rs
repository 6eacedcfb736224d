//! Providers as deliveries find them.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

use api::notification::Provider;
use runtime::{ObjectKey, cache::Change};

use super::commit_status::{self, StatusId};

/// A Provider, with what is made of its spec once.
pub(crate) struct Entry {
    pub(crate) key: ObjectKey,
    pub(crate) provider: Arc<Provider>,
    status_id: OnceLock<StatusId>,
}

impl Entry {
    /// An entry of its own, outside of any catalogue.
    pub(crate) fn new(provider: Arc<Provider>) -> Self {
        Self {
            key: ObjectKey::of(&*provider),
            provider,
            status_id: OnceLock::new(),
        }
    }

    /// How the Provider names commit statuses; compiled when it is first asked for.
    pub(crate) fn status_id(&self) -> &StatusId {
        self.status_id
            .get_or_init(|| commit_status::of(&self.provider))
    }
}

/// All Providers.
#[derive(Default)]
pub(crate) struct Providers(RwLock<BTreeMap<ObjectKey, Arc<Entry>>>);

impl Providers {
    /// Takes a change of a Provider in.
    pub(crate) fn on_change(&self, change: &Change<Provider>) {
        let provider = change.latest();
        let key = ObjectKey::of(&**provider);
        let mut entries = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Change::Deleted(_) = change {
            entries.remove(&key);
        } else {
            entries.insert(key, Arc::new(Entry::new(Arc::clone(provider))));
        }
    }

    /// The Provider of a name.
    pub(crate) fn get(&self, key: &ObjectKey) -> Option<Arc<Entry>> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .cloned()
    }
}
