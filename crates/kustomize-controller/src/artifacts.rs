//! The artifacts of the sources, each downloaded once and shared.
//!
//! A download runs on a task of its own, never on a worker. Whoever needs a snapshot asks
//! [`Artifacts::get`] and is told to wait; when the download ends, well or not, `on_end` hears of it and
//! wakes the users of the source. A slot holds the newest snapshot only: users keep the one they
//! work with alive.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use api::source::Artifact;
use futures::TryStreamExt;
use runtime::ObjectKey;
use snapshot::{
    BlobStore, Snapshot,
    digest::Digest,
    tarball::{self, Limits},
};
use tokio::{runtime::Handle, time::Instant};
use tokio_util::io::{StreamReader, SyncIoBridge};

/// How long connecting to a source controller may take.
pub(crate) const CONNECT: Duration = Duration::from_secs(10);
/// How long one attempt may take in all.
const ATTEMPT: Duration = Duration::from_mins(5);
/// A failure that is younger than this is reported; an older one is tried again.
const FRESH: Duration = Duration::from_secs(2);
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Why there is no snapshot. Printed as Flux words it.
#[derive(Clone, Debug)]
pub(crate) enum FetchError {
    /// The source controller does not have the file: it will announce another.
    NotFound,
    /// Anything else.
    Failed(String),
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("artifact not found"),
            Self::Failed(text) => f.write_str(text),
        }
    }
}

/// The answer to a request for a snapshot.
pub(crate) enum Fetch {
    /// Here it is.
    Ready(Snapshot),
    /// It is on its way; the users of the source will be woken.
    Pending,
    /// It could not be had.
    Failed(FetchError),
}

enum Slot {
    Fetching {
        digest: String,
        asked: Instant,
        previous: Option<Snapshot>,
    },
    Ready {
        digest: String,
        revision: String,
        asked: Instant,
        snapshot: Snapshot,
    },
    Failed {
        digest: String,
        error: FetchError,
        at: Instant,
        previous: Option<Snapshot>,
    },
}

impl Slot {
    fn digest(&self) -> &str {
        match self {
            Self::Fetching { digest, .. }
            | Self::Ready { digest, .. }
            | Self::Failed { digest, .. } => digest,
        }
    }

    /// When it was first asked for.
    fn asked(&self) -> Option<Instant> {
        match self {
            Self::Fetching { asked, .. } | Self::Ready { asked, .. } => Some(*asked),
            Self::Failed { .. } => None,
        }
    }

    /// The newest snapshot there is, of whatever revision.
    fn into_snapshot(self) -> Option<Snapshot> {
        match self {
            Self::Fetching { previous, .. } | Self::Failed { previous, .. } => previous,
            Self::Ready { snapshot, .. } => Some(snapshot),
        }
    }
}

type OnEnd = Box<dyn Fn(&ObjectKey) + Send + Sync>;

/// Downloads and keeps artifacts.
pub(crate) struct Artifacts {
    http: reqwest::Client,
    store: Arc<BlobStore>,
    retries: u32,
    /// Replaces the URL's host; none when empty.
    host: String,
    slots: Mutex<BTreeMap<ObjectKey, Slot>>,
    on_end: OnEnd,
}

impl Artifacts {
    /// Artifacts kept in `store`; `on_end` hears when a download of a source's artifact has ended.
    pub(crate) fn new(
        http: reqwest::Client,
        store: Arc<BlobStore>,
        retries: u32,
        host: String,
        on_end: impl Fn(&ObjectKey) + Send + Sync + 'static,
    ) -> Arc<Self> {
        let slots = Mutex::default();
        Arc::new(Self {
            http,
            store,
            retries,
            host,
            slots,
            on_end: Box::new(on_end),
        })
    }

    /// The snapshot of `artifact` of `source`. Starts its download if that is needed.
    pub(crate) fn get(self: &Arc<Self>, source: &ObjectKey, artifact: &Artifact) -> Fetch {
        let mut slots = self.lock();
        match slots.get_mut(source) {
            Some(Slot::Ready {
                digest,
                revision,
                asked,
                snapshot,
            }) if *digest == artifact.digest => {
                if *revision != artifact.revision {
                    revision.clone_from(&artifact.revision);
                    *asked = Instant::now();
                }
                return Fetch::Ready(snapshot.clone());
            }
            Some(Slot::Fetching { digest, .. }) if *digest == artifact.digest => {
                return Fetch::Pending;
            }
            Some(Slot::Failed {
                digest, error, at, ..
            }) if *digest == artifact.digest && at.elapsed() < FRESH => {
                return Fetch::Failed(error.clone());
            }
            _ => {}
        }
        let previous = slots.remove(source).and_then(Slot::into_snapshot);
        let digest = artifact.digest.clone();
        let slot = Slot::Fetching {
            digest,
            asked: Instant::now(),
            previous,
        };
        slots.insert(source.clone(), slot);
        drop(slots);
        let (this, source, artifact) = (Arc::clone(self), source.clone(), artifact.clone());
        tokio::spawn(async move {
            let fetched = this.download(&artifact).await;
            this.end(&source, &artifact, fetched);
        });
        Fetch::Pending
    }

    /// How long ago the newest artifact of `source` was announced, if it has been had.
    pub(crate) fn age(&self, source: &ObjectKey) -> Option<Duration> {
        self.lock().get(source)?.asked().map(|at| at.elapsed())
    }

    /// Forgets the artifact of `source`.
    pub(crate) fn forget(&self, source: &ObjectKey) {
        self.lock().remove(source);
    }

    fn end(&self, source: &ObjectKey, artifact: &Artifact, fetched: Result<Snapshot, FetchError>) {
        let digest = &artifact.digest;
        {
            let mut slots = self.lock();
            // A newer artifact was asked for meanwhile: this one is overtaken.
            if slots
                .get(source)
                .is_none_or(|slot| slot.digest() != *digest)
            {
                return;
            }
            let slot = slots.remove(source);
            let asked = slot.as_ref().and_then(Slot::asked);
            let asked = asked.unwrap_or_else(Instant::now);
            let previous = slot.and_then(Slot::into_snapshot);
            let digest = digest.clone();
            let slot = match fetched {
                Ok(snapshot) => {
                    let snapshot = match &previous {
                        Some(previous) => snapshot.sharing(previous),
                        None => snapshot,
                    };
                    Slot::Ready {
                        digest,
                        revision: artifact.revision.clone(),
                        asked,
                        snapshot,
                    }
                }
                Err(error) => Slot::Failed {
                    digest,
                    error,
                    at: Instant::now(),
                    previous,
                },
            };
            slots.insert(source.clone(), slot);
        }
        (self.on_end)(source);
    }

    async fn download(&self, artifact: &Artifact) -> Result<Snapshot, FetchError> {
        let digest = Digest::parse_or_sha256(&artifact.digest)
            .map_err(|e| FetchError::Failed(format!("failed to verify archive: {e}")))?;
        let url = self.url(&artifact.url);
        let mut wait = FIRST_WAIT;
        let mut tried = 0;
        loop {
            match tokio::time::timeout(ATTEMPT, self.attempt(&url, digest.clone())).await {
                Ok(Err(Attempt::Again(error))) if tried < self.retries => {
                    tracing::debug!(error, url, "artifact not downloaded, trying again");
                }
                Ok(Err(Attempt::Again(error) | Attempt::Failed(error))) => {
                    return Err(FetchError::Failed(error));
                }
                Ok(Err(Attempt::NotFound)) => return Err(FetchError::NotFound),
                Ok(Ok(snapshot)) => return Ok(snapshot),
                Err(_) => {
                    let error = format!("failed to download archive: no end after {ATTEMPT:?}");
                    return Err(FetchError::Failed(error));
                }
            }
            tried += 1;
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    async fn attempt(&self, url: &str, digest: Digest) -> Result<Snapshot, Attempt> {
        let response = self.http.get(url).send().await.map_err(|error| {
            let error = runtime::log::chain(&error.without_url());
            Attempt::Again(format!("failed to download archive: GET {url}: {error}"))
        })?;
        let status = response.status();
        if status == reqwest::StatusCode::NOT_FOUND {
            return Err(Attempt::NotFound);
        }
        if !status.is_success() {
            let error = format!("failed to download archive from {url} (status: {status})");
            let again = status.is_server_error() || status.as_u16() == 429;
            return Err(if again {
                Attempt::Again(error)
            } else {
                Attempt::Failed(error)
            });
        }
        let body = response.bytes_stream().map_err(std::io::Error::other);
        let reader = SyncIoBridge::new_with_handle(StreamReader::new(body), Handle::current());
        let store = Arc::clone(&self.store);
        let extract =
            move || tarball::extract_verified(reader, &digest, &Limits::default(), &store);
        match tokio::task::spawn_blocking(extract).await {
            Ok(Ok(snapshot)) => Ok(snapshot),
            Ok(Err(error)) => Err(Attempt::of(&error)),
            Err(error) => Err(Attempt::Failed(format!(
                "failed to extract archive: {error}"
            ))),
        }
    }

    fn url(&self, url: &str) -> String {
        if self.host.is_empty() {
            return url.to_owned();
        }
        match reqwest::Url::parse(url) {
            Ok(parsed) => format!("http://{}{}", self.host, parsed.path()),
            Err(_) => url.to_owned(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ObjectKey, Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why one attempt failed.
enum Attempt {
    NotFound,
    /// It may go better.
    Again(String),
    Failed(String),
}

impl Attempt {
    fn of(error: &tarball::ExtractError) -> Self {
        let text = runtime::log::chain(error);
        match error {
            tarball::ExtractError::Digest(_) => {
                Self::Failed(format!("failed to verify archive: {text}"))
            }
            tarball::ExtractError::Read(_) => {
                Self::Again(format!("failed to download archive: {text}"))
            }
            _ => Self::Failed(format!(
                "failed to extract archive (check whether file size exceeds max download size): \
                 {text}"
            )),
        }
    }
}
