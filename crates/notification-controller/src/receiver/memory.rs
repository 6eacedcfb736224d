//! The status writes that the cache may not show yet, by receiver.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use api::notification::ReceiverStatus;
use runtime::{ObjectKey, held::Held};

/// See the module. Lost with the process: it saves writes, it decides nothing.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<BTreeMap<ObjectKey, Held<ReceiverStatus>>>);

impl Memory {
    /// Hands out what was written; a run puts it back. The queue runs an object once at a time.
    pub(super) fn take(&self, key: &ObjectKey) -> Option<Held<ReceiverStatus>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(key)
    }

    /// Takes it back.
    pub(super) fn put(&self, key: &ObjectKey, held: Held<ReceiverStatus>) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key.clone(), held);
    }
}
