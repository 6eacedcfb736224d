//! Parsed files, shared by builds and threads.
//!
//! Keyed by content hash, so an entry is never stale. When the budget is exceeded, the entries that
//! were not used since the last sweep go first. A cache only saves time: a build with an empty one
//! gives the same result.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use snapshot::Hash;

use crate::error::Result;
use crate::kustomization::Kustomization;
use crate::node::Node;

/// What an entry costs beside its content.
const OVERHEAD: usize = 256;
/// A parsed file takes about this many times the bytes of its text.
const FACTOR: usize = 4;

/// A cache of parsed files under a byte budget.
#[derive(Debug)]
pub struct ParseCache {
    budget: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    entries: HashMap<(Hash, Form), Entry>,
    used: usize,
    generation: u64,
}

#[derive(Debug)]
struct Entry {
    parsed: Parsed,
    cost: usize,
    generation: u64,
}

/// What a file was parsed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Form {
    Resources,
    Kustomization,
    LenientKustomization,
}

#[derive(Debug, Clone)]
enum Parsed {
    Resources(Arc<[Node]>),
    Kustomization(Arc<Kustomization>),
}

impl ParseCache {
    /// A cache that keeps about `budget` bytes; zero keeps nothing.
    pub fn new(budget: usize) -> Self {
        Self {
            budget,
            inner: Mutex::default(),
        }
    }

    /// About how many bytes the entries take.
    pub fn used_bytes(&self) -> usize {
        self.inner
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .used
    }

    pub(crate) fn resources(
        &self,
        hash: Hash,
        parse: impl FnOnce() -> Result<(Arc<[Node]>, usize)>,
    ) -> Result<Arc<[Node]>> {
        if let Some(Parsed::Resources(nodes)) = self.get(hash, Form::Resources) {
            return Ok(nodes);
        }
        let (nodes, bytes) = parse()?;
        self.put(
            hash,
            Form::Resources,
            Parsed::Resources(Arc::clone(&nodes)),
            bytes,
        );
        Ok(nodes)
    }

    pub(crate) fn kustomization(
        &self,
        hash: Hash,
        form: Form,
        parse: impl FnOnce() -> Result<(Arc<Kustomization>, usize)>,
    ) -> Result<Arc<Kustomization>> {
        if let Some(Parsed::Kustomization(found)) = self.get(hash, form) {
            return Ok(found);
        }
        let (parsed, bytes) = parse()?;
        self.put(
            hash,
            form,
            Parsed::Kustomization(Arc::clone(&parsed)),
            bytes,
        );
        Ok(parsed)
    }

    fn get(&self, hash: Hash, form: Form) -> Option<Parsed> {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let generation = inner.generation;
        let entry = inner.entries.get_mut(&(hash, form))?;
        entry.generation = generation;
        Some(entry.parsed.clone())
    }

    fn put(&self, hash: Hash, form: Form, parsed: Parsed, bytes: usize) {
        let cost = bytes.saturating_mul(FACTOR).saturating_add(OVERHEAD);
        if cost > self.budget {
            return;
        }
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.used + cost > self.budget {
            inner.sweep();
        }
        if inner.used + cost > self.budget {
            inner.entries.clear();
            inner.used = 0;
        }
        let generation = inner.generation;
        if let Some(old) = inner.entries.insert(
            (hash, form),
            Entry {
                parsed,
                cost,
                generation,
            },
        ) {
            inner.used -= old.cost;
        }
        inner.used += cost;
    }
}

impl Default for ParseCache {
    /// 64 MiB.
    fn default() -> Self {
        Self::new(64 << 20)
    }
}

impl Inner {
    /// Drops what was not used since the last sweep.
    fn sweep(&mut self) {
        let generation = self.generation;
        self.entries
            .retain(|_, entry| entry.generation == generation);
        self.used = self.entries.values().map(|entry| entry.cost).sum();
        self.generation += 1;
    }
}
