//! What the controller remembers of each object between runs.
//!
//! All of it is lost with the process: it saves work, it decides nothing that the cluster does not tell as well.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use api::source::GitRepositoryStatus;
use runtime::{ObjectKey, held::Held};

/// What only the object's own runs look at.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// Status writes that the cache may not show yet.
    pub(super) held: Option<Held<GitRepositoryStatus>>,
    /// The connection pool of the last run, and what it was made from.
    pub(super) remote: Option<(String, git::Remote)>,
}

/// Notes by object.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<BTreeMap<ObjectKey, Notes>>);

impl Memory {
    /// Hands out the notes; a run puts them back. The queue runs an object once at a time.
    pub(super) fn take(&self, key: &ObjectKey) -> Notes {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(key)
            .unwrap_or_default()
    }

    /// Takes the notes back.
    pub(super) fn put(&self, key: &ObjectKey, notes: Notes) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key.clone(), notes);
    }
}
