//! From a kind to the resource under which the server serves it.
//!
//! Loaded at the first question and kept; asked again when a kind is not known, but not more often
//! than once in [`REFRESH_INTERVAL`], and by one caller at a time while the others wait for its
//! answer. A kind whose definition the caller has just applied can be [`learn`](Mapper::learn)ed
//! without any request. Source: controller-runtime `client/apiutil` lazy REST mapper.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use tokio::{sync::Mutex, time::Instant};

use super::{
    Client,
    discovery::{Catalogue, Known},
    error::ApiError,
    resource::{GroupVersionKind, ResourceRef},
};

/// The least time between two discoveries that unknown kinds cause.
pub const REFRESH_INTERVAL: Duration = Duration::from_secs(2);

/// How long a learned kind outlives a discovery that does not know it yet.
const LEARNED_FOR: Duration = Duration::from_secs(30);

/// Answers which resource serves a kind. Cheap to clone; clones share what they know.
#[derive(Clone)]
pub struct Mapper {
    client: Client,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// A std lock: held for lookups only.
    catalogue: RwLock<Catalogue>,
    /// Kinds that discovery may not tell of yet, and since when we know them.
    learned: std::sync::Mutex<Vec<(Instant, ResourceRef)>>,
    /// Held while asking the server, so that one asks and the others wait.
    refreshed: Mutex<Refreshed>,
}

#[derive(Default)]
struct Refreshed {
    at: Option<Instant>,
}

/// A question to the catalogue.
#[derive(Clone, Copy)]
enum Question<'a> {
    Exact(&'a GroupVersionKind),
    Preferred { group: &'a str, kind: &'a str },
}

impl Mapper {
    /// A mapper that knows nothing yet and asks with `client`.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            shared: Arc::default(),
        }
    }

    /// The same knowledge, asked for with another identity: discovery does not depend on who asks.
    #[must_use]
    pub fn with_client(&self, client: Client) -> Self {
        Self {
            client,
            shared: Arc::clone(&self.shared),
        }
    }

    /// The resource of exactly this group, version and kind.
    ///
    /// # Errors
    /// [`ApiError::NoMatch`] when the server does not serve it; others when it cannot be asked.
    pub async fn resource(&self, gvk: &GroupVersionKind) -> Result<Arc<ResourceRef>, ApiError> {
        match self.answer(Question::Exact(gvk)).await? {
            Some(resource) => Ok(resource),
            None => Err(ApiError::NoMatch {
                kind: gvk.kind.clone(),
                place: format!("version {:?}", gvk.api_version()),
            }),
        }
    }

    /// The resource of this group and kind in the version that the server prefers.
    ///
    /// # Errors
    /// As [`Mapper::resource`].
    pub async fn preferred(&self, group: &str, kind: &str) -> Result<Arc<ResourceRef>, ApiError> {
        match self.answer(Question::Preferred { group, kind }).await? {
            Some(resource) => Ok(resource),
            None => Err(ApiError::NoMatch {
                kind: kind.to_owned(),
                place: format!("group {group:?}"),
            }),
        }
    }

    /// Whether the server, when last asked, was certain to serve no version of the kind: its
    /// definition is gone, and with it all objects of the kind. Not so when an aggregated server is
    /// merely away, or when the server cannot tell.
    pub fn is_absent(&self, group: &str, kind: &str) -> bool {
        self.read().is_absent(group, kind)
    }

    /// The resource, if it is known without asking.
    pub fn known(&self, gvk: &GroupVersionKind) -> Option<Arc<ResourceRef>> {
        match self.look(Question::Exact(gvk)) {
            Known::Served(resource) => Some(resource),
            _ => None,
        }
    }

    /// Takes a kind that the server serves, as the caller knows from its established definition.
    pub fn learn(&self, resource: ResourceRef) {
        let mut learned = self
            .shared
            .learned
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        learned.retain(|(_, known)| *known != resource);
        learned.push((Instant::now(), resource.clone()));
        drop(learned);
        self.shared
            .catalogue
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .learn(resource);
    }

    /// Since when the kind has been [learned](Self::learn), if it was so lately that the server may not serve it yet.
    pub fn learned(&self, resource: &ResourceRef) -> Option<Instant> {
        let learned = self
            .shared
            .learned
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let known = learned.iter().find(|(_, known)| known == resource);
        known.map(|(since, _)| *since)
    }

    /// Drops a kind that turned out not to be served any more, so that the next question asks the
    /// server.
    pub fn forget(&self, resource: &ResourceRef) {
        let mut learned = self
            .shared
            .learned
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        learned.retain(|(_, known)| known != resource);
        drop(learned);
        self.shared
            .catalogue
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .forget(resource);
    }

    /// Makes the next unknown kind ask the server at once.
    pub async fn invalidate(&self) {
        self.shared.refreshed.lock().await.at = None;
    }

    async fn answer(&self, question: Question<'_>) -> Result<Option<Arc<ResourceRef>>, ApiError> {
        if let Known::Served(resource) = self.look(question) {
            return Ok(Some(resource));
        }
        let asked = Instant::now();
        let mut refreshed = self.shared.refreshed.lock().await;
        loop {
            match self.look(question) {
                Known::Served(resource) => return Ok(Some(resource)),
                Known::Ask { group, version } => self.ask(&group, &version).await?,
                Known::No => {
                    let fresh = refreshed
                        .at
                        .is_some_and(|at| at >= asked || at.elapsed() < REFRESH_INTERVAL);
                    if fresh {
                        return Ok(None);
                    }
                    let catalogue = Catalogue::load(&self.client).await?;
                    self.replace(catalogue);
                    refreshed.at = Some(Instant::now());
                }
            }
        }
    }

    async fn ask(&self, group: &str, version: &str) -> Result<(), ApiError> {
        let mut catalogue = self.read().clone();
        catalogue.ask(&self.client, group, version).await?;
        self.replace(catalogue);
        Ok(())
    }

    fn look(&self, question: Question<'_>) -> Known {
        let catalogue = self.read();
        match question {
            Question::Exact(gvk) => catalogue.exact(gvk),
            Question::Preferred { group, kind } => catalogue.preferred(group, kind),
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Catalogue> {
        self.shared
            .catalogue
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn replace(&self, mut catalogue: Catalogue) {
        let mut learned = self
            .shared
            .learned
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        learned.retain(|(since, _)| since.elapsed() < LEARNED_FOR);
        for (_, resource) in learned.iter() {
            catalogue.learn(resource.clone());
        }
        drop(learned);
        *self
            .shared
            .catalogue
            .write()
            .unwrap_or_else(PoisonError::into_inner) = catalogue;
    }
}
