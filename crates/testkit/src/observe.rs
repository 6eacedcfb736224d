//! What the API server says of a kind, as it says it: objects with the time of their arrival.
//!
//! A plain list and watch, so that a measurement depends on nobody's cache. Each event is stamped when
//! its bytes have been read and parsed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    state: Arc<Mutex<BTreeMap<String, Sighting>>>,
    changed: watch::Receiver<u64>,
    task: JoinHandle<()>,
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
        let state = Arc::new(Mutex::new(BTreeMap::new()));
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

    /// The objects by name, as last seen. Don't hold it across an await.
    pub fn objects(&self) -> MutexGuard<'_, BTreeMap<String, Sighting>> {
        lock(&self.state)
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
        let mut changed = self.changed.clone();
        let wait = async {
            loop {
                changed.borrow_and_update();
                if let Some(answer) = reached(&lock(&self.state)) {
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
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn list(
    api: &Api<DynamicObject>,
    state: &Mutex<BTreeMap<String, Sighting>>,
) -> kube::Result<String> {
    let all = api.list(&ListParams::default()).await?;
    let at = Instant::now();
    let version = all.metadata.resource_version.unwrap_or_default();
    *lock(state) = all
        .items
        .into_iter()
        .map(|object| (object.name_any(), Sighting { object, at }))
        .collect();
    Ok(version)
}

async fn follow(
    api: Api<DynamicObject>,
    mut version: String,
    state: Arc<Mutex<BTreeMap<String, Sighting>>>,
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
    state: &Mutex<BTreeMap<String, Sighting>>,
    notify: &watch::Sender<u64>,
) -> Result<()> {
    let events = api.watch(&WatchParams::default(), version).await?;
    let mut events = std::pin::pin!(events);
    while let Some(event) = events.try_next().await? {
        let at = Instant::now();
        match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => {
                *version = object.resource_version().unwrap_or_default();
                lock(state).insert(object.name_any(), Sighting { object, at });
            }
            WatchEvent::Deleted(object) => {
                *version = object.resource_version().unwrap_or_default();
                lock(state).remove(&object.name_any());
            }
            WatchEvent::Bookmark(mark) => *version = mark.metadata.resource_version,
            WatchEvent::Error(status) => bail!("{}", status.message),
        }
        notify.send_modify(|count| *count += 1);
    }
    Ok(())
}
