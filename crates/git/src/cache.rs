//! A repository's bare cache on disk, and the fetch that brings it up to date.
//!
//! ```text
//! DIR/lock  DIR/damaged  DIR/repository.git/{origin,current,base-size,shallow,objects/…}  DIR/modules/<hash>/…
//! ```
//!
//! A fetch lists the references, stops when the revision is the last one, asks for one commit less what the cache
//! has, and lists the commit's files. Whatever in the cache proves unusable on the way is thrown away once and
//! fetched again.

use std::{path::PathBuf, sync::Arc};

use crate::{
    contents::{Contents, Limits},
    error::{Error, TransportError},
    reference::{Reference, Revision, modern_revision},
    remote::Remote,
    resolve::{self, Target},
    transport::Traffic,
};

mod fetch;
pub(crate) mod lock;
pub(crate) mod store;
mod submodule;

use fetch::{Failure, Fetch};
use lock::Guard;

/// A cache directory.
#[derive(Debug, Clone)]
pub struct Cache {
    dir: PathBuf,
}

/// What to fetch beside the reference.
#[derive(Debug, Clone, Default)]
pub struct FetchOptions {
    /// The revision that is known already; the fetch ends early if it is still the one.
    pub last: Option<String>,
    /// Text prefixes of paths to keep; empty keeps all.
    pub sparse: Vec<String>,
    /// Whether submodules are followed; as in Flux, not together with `sparse`.
    pub submodules: bool,
    /// Bounds on the tree.
    pub limits: Limits,
}

/// The outcome of a fetch.
#[derive(Debug)]
pub enum Fetched {
    /// The revision is the last one.
    Unchanged {
        /// It.
        revision: Revision,
        /// What the look cost.
        traffic: Traffic,
    },
    /// The commit and its files.
    New {
        /// They.
        contents: Box<Contents>,
        /// What the fetch cost, submodules included.
        traffic: Traffic,
    },
}

impl Cache {
    /// Uses a directory, which is made if it is missing.
    ///
    /// # Errors
    /// [`Error::Storage`] when it cannot be made.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, Error> {
        let dir = dir.into();
        std::fs::create_dir_all(&dir).map_err(Error::storage("create"))?;
        Ok(Self { dir })
    }

    /// Brings a reference's commit into the cache and lists its files.
    ///
    /// Takes one request when nothing changed, none for a commit that is the last revision, two over HTTP otherwise.
    /// Waits while another fetch, or a [`Contents`] that is still held, uses the directory. The remote's timeout
    /// covers everything; dropping the future closes the connection and leaves the cache usable.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn fetch(
        &self,
        remote: &Remote,
        reference: &Reference,
        options: &FetchOptions,
    ) -> Result<Fetched, Error> {
        let work = Box::pin(self.fetch_within(remote, reference, options, 0));
        match tokio::time::timeout(remote.settings().timeout, work).await {
            Ok(fetched) => fetched,
            Err(_) => Err(Error::Clone {
                url: remote.url(),
                cause: TransportError::Timeout,
            }),
        }
    }

    async fn fetch_within(
        &self,
        remote: &Remote,
        reference: &Reference,
        options: &FetchOptions,
        depth: u32,
    ) -> Result<Fetched, Error> {
        resolve::validate(reference)?;
        let last = options.last.as_deref().map(modern_revision);
        let unchanged = |revision: &Revision| last.as_deref() == Some(&*revision.to_string());
        let mut traffic = Traffic::default();
        if let Some(revision) = resolve::pinned(reference).filter(|revision| unchanged(revision)) {
            return Ok(Fetched::Unchanged { revision, traffic });
        }
        let guard = Arc::new(Guard::acquire(&self.dir).await?);
        let url = remote.url();
        if guard.take_damaged() {
            let dir = self.repository_dir();
            blocking(move || store::discard(&dir)).await?;
        }
        let mut fetch = Fetch {
            remote,
            url,
            guard,
            dir: self.repository_dir(),
            session: None,
        };
        if let Some(contents) = fetch.cached(reference, options).await {
            return self.finish(remote, contents, options, depth, traffic).await;
        }
        // A reference may move, and a cache prove broken, between two steps; the second time it is an error.
        let mut again = true;
        loop {
            let server = match fetch.list(&mut traffic).await {
                Ok(server) => server,
                Err(cause) => return Err(failed(&fetch.url, cause, last.is_some())),
            };
            let target = resolve::resolve(reference, &server, &fetch.url)?;
            if let Target::Tips(tips) = &target
                && let [tip] = tips.as_slice()
                && unchanged(&tip.revision)
            {
                fetch.goodbye().await;
                return Ok(Fetched::Unchanged {
                    revision: tip.revision.clone(),
                    traffic,
                });
            }
            match fetch.load(&server, &target, options, &mut traffic).await {
                Ok(contents) if unchanged(&contents.revision) => {
                    return Ok(Fetched::Unchanged {
                        revision: contents.revision,
                        traffic,
                    });
                }
                Ok(contents) => {
                    return self.finish(remote, contents, options, depth, traffic).await;
                }
                Err(Failure::Broken(_)) if again => {
                    let dir = fetch.dir.clone();
                    blocking(move || store::discard(&dir)).await?;
                }
                Err(Failure::Refused(TransportError::Remote(_))) if again => {}
                Err(Failure::Refused(cause)) => return Err(failed(&fetch.url, cause, false)),
                Err(Failure::Broken(error) | Failure::Other(error)) => return Err(error),
            }
            again = false;
        }
    }

    async fn finish(
        &self,
        remote: &Remote,
        mut contents: Contents,
        options: &FetchOptions,
        depth: u32,
        mut traffic: Traffic,
    ) -> Result<Fetched, Error> {
        if options.submodules && options.sparse.is_empty() {
            traffic.add(self.follow(remote, &mut contents, options, depth).await?);
        }
        Ok(Fetched::New {
            contents: Box::new(contents),
            traffic,
        })
    }

    fn repository_dir(&self) -> PathBuf {
        self.dir.join("repository.git")
    }

    pub(crate) fn module(&self, name: &str) -> Result<Self, Error> {
        Self::open(self.dir.join("modules").join(name))
    }
}

fn panicked() -> Error {
    Error::Corrupt("the object database failed".to_owned())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(panicked()))
}

fn failed(url: &str, cause: TransportError, listing: bool) -> Error {
    let url = url.to_owned();
    match cause {
        TransportError::NotFound | TransportError::Empty => {
            Error::RepositoryNotFound { url, cause }
        }
        cause if listing => Error::List { url, cause },
        cause => Error::Clone { url, cause },
    }
}
