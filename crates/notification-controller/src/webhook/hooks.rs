//! The receivers by the path of their webhook, as the cache last saw them.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, OnceLock, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
};

use api::{
    meta::{
        ConditionStatus,
        condition::{READY, RECONCILING, STALLED},
    },
    notification::Receiver,
};
use jiff::Timestamp;
use kube::ResourceExt;
use runtime::{ObjectKey, cache::Change};

use crate::receiver::{Filters, Rules};

/// A receiver that has a path.
pub(crate) struct Hook {
    pub(crate) key: ObjectKey,
    pub(crate) receiver: Arc<Receiver>,
    programs: Arc<Programs>,
}

/// The receiver's expressions, compiled when first needed and kept while its spec is.
#[derive(Default)]
struct Programs {
    filters: OnceLock<Result<Filters, String>>,
    rules: OnceLock<Vec<Result<Rules, String>>>,
}

/// Why a hook does not take calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Closed {
    #[error("receiver is suspended")]
    Suspended,
    #[error("receiver is not ready")]
    NotReady,
}

impl Hook {
    /// Whether it takes calls.
    pub(crate) fn open(&self) -> Result<(), Closed> {
        if self.receiver.spec.suspend {
            return Err(Closed::Suspended);
        }
        let is_true = |kind: &str| {
            let conditions = self
                .receiver
                .status
                .iter()
                .flat_map(|status| &status.conditions);
            let mut of_kind = conditions.filter(|condition| condition.r#type == kind);
            of_kind.any(|condition| condition.status == ConditionStatus::True)
        };
        if is_true(READY) && !is_true(RECONCILING) && !is_true(STALLED) {
            Ok(())
        } else {
            Err(Closed::NotReady)
        }
    }

    /// Its filters, or why they do not compile.
    pub(crate) fn filters(&self) -> Result<&Filters, &str> {
        let compile = || Filters::compile(&self.receiver.spec).map_err(|error| error.to_string());
        let filters = self.programs.filters.get_or_init(compile);
        filters.as_ref().map_err(String::as_str)
    }

    /// The rules of its provider at `index`, or why they do not compile.
    pub(crate) fn rules(&self, index: usize) -> Option<Result<&Rules, &str>> {
        let rules = self.programs.rules.get_or_init(|| {
            let providers = self.receiver.spec.oidc_providers.iter();
            let compile = |provider| Rules::compile(provider).map_err(|error| error.to_string());
            providers.map(compile).collect()
        });
        Some(rules.get(index)?.as_ref().map_err(String::as_str))
    }
}

/// Who may claim a path first: the older object, so that nobody takes a path over by choosing a name that runs
/// together with a namespace like another's.
type Rank = (Option<Timestamp>, ObjectKey);

/// See the module.
#[derive(Default)]
pub(crate) struct Hooks {
    by_path: RwLock<HashMap<String, BTreeMap<Rank, Arc<Hook>>>>,
    complete: AtomicBool,
}

impl Hooks {
    /// Whose path this is.
    pub(crate) fn get(&self, path: &str) -> Option<Arc<Hook>> {
        let by_path = self.by_path.read().unwrap_or_else(PoisonError::into_inner);
        by_path.get(path)?.values().next().cloned()
    }

    /// Whether all receivers are known, so that a path without one has none.
    pub(crate) fn is_complete(&self) -> bool {
        self.complete.load(Ordering::Acquire)
    }

    /// Notes that all receivers are known.
    pub(crate) fn set_complete(&self) {
        self.complete.store(true, Ordering::Release);
    }

    /// Takes in a change of a receiver.
    pub(crate) fn update(&self, change: &Change<Receiver>) {
        let mut by_path = self.by_path.write().unwrap_or_else(PoisonError::into_inner);
        let (old, new) = match change {
            Change::Added(new) => (None, Some(new)),
            Change::Updated { old, new } => (Some(old), Some(new)),
            Change::Deleted(old) => (Some(old), None),
        };
        let mut programs = Arc::default();
        if let Some((old, path)) = old.and_then(|old| Some((old, path(old)?)))
            && let Some(claims) = by_path.get_mut(path)
        {
            let hook = claims.remove(&rank(old));
            if claims.is_empty() {
                by_path.remove(path);
            }
            if let Some((hook, new)) = hook.zip(new)
                && old.spec == new.spec
            {
                programs = Arc::clone(&hook.programs);
            }
        }
        if let Some((new, path)) = new.and_then(|new| Some((new, path(new)?))) {
            let hook = Hook {
                key: ObjectKey::of(&**new),
                receiver: Arc::clone(new),
                programs,
            };
            let claims = by_path.entry(path.to_owned()).or_default();
            claims.insert(rank(new), Arc::new(hook));
        }
    }
}

fn path(receiver: &Receiver) -> Option<&str> {
    let path = receiver.status.as_ref()?.webhook_path.as_deref()?;
    (!path.is_empty()).then_some(path)
}

fn rank(receiver: &Receiver) -> Rank {
    let created = receiver.creation_timestamp().map(|time| time.0);
    (created, ObjectKey::of(receiver))
}

#[cfg(test)]
mod tests;
