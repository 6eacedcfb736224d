//! What the API server says of a kind, as it says it: objects with the time of their arrival.
//!
//! A plain list and watch, so that a measurement depends on nobody's cache. Each event is stamped when
//! its bytes have been read and parsed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures::TryStreamExt;
use kube::api::{Api, DynamicObject, ListParams, WatchEvent, WatchParams};
use kube::{Client, ResourceExt};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub use kube::core::{ApiResource, GroupVersionKind};

/// Watches all objects of a kind in a namespace until it is dropped.
#[derive(Debug)]
pub struct Observer {
    state: Arc<Mutex<State>>,
    changed: watch::Receiver<u64>,
    task: JoinHandle<()>,
}

/// When objects first were in a certain state, since the tally began.
///
/// Each event costs one look at one object, whatever the number of objects.
#[derive(Debug, Clone)]
pub struct Tally {
    reached: Arc<Mutex<BTreeMap<String, Instant>>>,
    changed: watch::Receiver<u64>,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Sighting>,
    counters: Vec<Counter>,
}

struct Counter {
    counts: Box<dyn Fn(&DynamicObject) -> bool + Send>,
    /// Nobody is interested any more when the tally is gone.
    reached: Weak<Mutex<BTreeMap<String, Instant>>>,
}

/// An object as it was last seen.
#[derive(Debug, Clone)]
pub struct Sighting {
    /// The object.
    pub object: DynamicObject,
    /// When this state of it arrived.
    pub at: Instant,
}

impl Observer {
    /// Lists the objects and watches from there.
    ///
    /// # Errors
    /// If the first list fails.
    pub async fn start(client: Client, resource: &ApiResource, namespace: &str) -> Result<Self> {
        let api: Api<DynamicObject> = Api::namespaced_with(client, namespace, resource);
        let (notify, changed) = watch::channel(0);
        let state = Arc::new(Mutex::new(State::default()));
        let version = list(&api, &state)
            .await
            .with_context(|| format!("list {}", resource.plural))?;
        let task = tokio::spawn(follow(api, version, Arc::clone(&state), notify));
        Ok(Self {
            state,
            changed,
            task,
        })
    }

    /// The objects by name, as last seen.
    pub fn objects(&self) -> BTreeMap<String, Sighting> {
        lock(&self.state).objects.clone()
    }

    /// Begins to note when each object first is in the state that `counts` looks for; those that are
    /// in it already are noted with now.
    pub fn tally(&self, counts: impl Fn(&DynamicObject) -> bool + Send + 'static) -> Tally {
        let mut state = lock(&self.state);
        let now = Instant::now();
        let already = state
            .objects
            .iter()
            .filter(|(_, sighting)| counts(&sighting.object));
        let reached = Arc::new(Mutex::new(
            already.map(|(name, _)| (name.clone(), now)).collect(),
        ));
        state.counters.push(Counter {
            counts: Box::new(counts),
            reached: Arc::downgrade(&reached),
        });
        Tally {
            reached,
            changed: self.changed.clone(),
        }
    }

    /// Waits until `reached` returns something for the objects as last seen; it is asked after each
    /// change.
    ///
    /// # Errors
    /// If nothing was reached within the deadline.
    pub async fn until<T>(
        &self,
        deadline: Duration,
        mut reached: impl FnMut(&BTreeMap<String, Sighting>) -> Option<T>,
    ) -> Result<T> {
        until(self.changed.clone(), deadline, || {
            reached(&lock(&self.state).objects)
        })
        .await
    }
}

impl Tally {
    /// Returns the names that were in the state, with the time.
    pub fn reached(&self) -> BTreeMap<String, Instant> {
        lock(&self.reached).clone()
    }

    /// Returns how many were in the state.
    pub fn count(&self) -> usize {
        lock(&self.reached).len()
    }

    /// Waits until `count` objects have been in the state; returns when the last of them was.
    ///
    /// # Errors
    /// If they have not within the deadline.
    pub async fn wait(&self, count: usize, deadline: Duration) -> Result<Instant> {
        until(self.changed.clone(), deadline, || {
            let reached = lock(&self.reached);
            (reached.len() >= count)
                .then(|| reached.values().max().copied())
                .flatten()
        })
        .await
        .with_context(|| format!("{} of {count} objects", self.count()))
    }
}

async fn until<T>(
    mut changed: watch::Receiver<u64>,
    deadline: Duration,
    mut reached: impl FnMut() -> Option<T>,
) -> Result<T> {
    let wait = async {
        loop {
            changed.borrow_and_update();
            if let Some(answer) = reached() {
                return Ok(answer);
            }
            changed.changed().await.context("the watch has ended")?;
        }
    };
    match tokio::time::timeout(deadline, wait).await {
        Ok(answer) => answer,
        Err(_) => bail!("not reached within {deadline:?}"),
    }
}

impl State {
    fn insert(&mut self, object: DynamicObject, at: Instant) {
        let name = object.name_any();
        self.counters.retain(|counter| {
            let Some(reached) = counter.reached.upgrade() else {
                return false;
            };
            if (counter.counts)(&object) {
                lock(&reached).entry(name.clone()).or_insert(at);
            }
            true
        });
        self.objects.insert(name, Sighting { object, at });
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("objects", &self.objects)
            .finish_non_exhaustive()
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn list(api: &Api<DynamicObject>, state: &Mutex<State>) -> kube::Result<String> {
    let all = api.list(&ListParams::default()).await?;
    let at = Instant::now();
    let version = all.metadata.resource_version.unwrap_or_default();
    let mut state = lock(state);
    state.objects.clear();
    for object in all.items {
        state.insert(object, at);
    }
    Ok(version)
}

async fn follow(
    api: Api<DynamicObject>,
    mut version: String,
    state: Arc<Mutex<State>>,
    notify: watch::Sender<u64>,
) {
    loop {
        if watch_from(&api, &mut version, &state, &notify)
            .await
            .is_err()
        {
            // The server is away or has forgotten the version: begin again.
            tokio::time::sleep(Duration::from_millis(50)).await;
            if let Ok(newer) = list(&api, &state).await {
                version = newer;
                notify.send_modify(|count| *count += 1);
            }
        }
    }
}

/// Follows one watch until the server closes it.
async fn watch_from(
    api: &Api<DynamicObject>,
    version: &mut String,
    state: &Mutex<State>,
    notify: &watch::Sender<u64>,
) -> Result<()> {
    let events = api.watch(&WatchParams::default(), version).await?;
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.try_next().await? {
        let at = Instant::now();
        match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                *version = object.resource_version().unwrap_or_default();
                lock(state).insert(object, at);
            }
            WatchEvent::Deleted(object) => {
                *version = object.resource_version().unwrap_or_default();
                lock(state).objects.remove(&object.name_any());
            }
            WatchEvent::Bookmark(mark) => *version = mark.metadata.resource_version,
            WatchEvent::Error(status) => bail!("{}", status.message),
        }
        notify.send_modify(|count| *count += 1);
    }
    Ok(())
}
