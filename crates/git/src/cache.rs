//! A repository's bare cache on disk, and the fetch that brings it up to date.
//!
//! ```text
//! DIR/lock  DIR/damaged  DIR/repository.git/{origin,current,base-size,shallow,objects/…}  DIR/modules/<hash>/…
//! ```
//!
//! A fetch lists the references, stops when the revision is the last one, asks for one commit less what the cache
//! has, and lists the commit's files. Whatever in the cache proves unusable on the way is thrown away once and
//! fetched again.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use git2::Oid;
use tokio::sync::mpsc;

use crate::{
    commit::{Commit, Tag},
    contents::{self, Contents, Limits},
    error::{Error, TransportError},
    protocol::{
        advertisement::{Advertisement, parse_oid},
        packet::Reader,
        upload::{self, Boundary, Request},
    },
    reference::{Reference, Revision, modern_revision},
    remote::Remote,
    resolve::{self, Candidate, Target},
    transport::{Session, Traffic},
};

pub(crate) mod lock;
pub(crate) mod store;
mod submodule;

use lock::Guard;
use store::Store;

/// Pieces of a pack that may wait for the disk.
const PIECES: usize = 64;

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

/// Why a load ended.
enum Failure {
    /// The cache holds something unusable.
    Broken(Error),
    /// The server says no, or the connection broke.
    Refused(TransportError),
    /// It would be the same again.
    Other(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Corrupt(_) => Self::Broken(error),
            error => Self::Other(error),
        }
    }
}

/// One fetch under the lock.
struct Fetch<'a> {
    remote: &'a Remote,
    url: String,
    guard: Arc<Guard>,
    dir: PathBuf,
    session: Option<Session>,
}

impl Fetch<'_> {
    async fn list(&mut self, traffic: &mut Traffic) -> Result<Advertisement, TransportError> {
        let (session, server) = Session::open(self.remote, traffic).await?;
        self.session = Some(session);
        Ok(server)
    }

    /// A pinned commit that is here needs no server.
    async fn cached(&self, reference: &Reference, options: &FetchOptions) -> Option<Contents> {
        let revision = resolve::pinned(reference)?;
        let commit = parse_oid(&revision.hash)?;
        if !self
            .with_store(move |store| Ok(store.has(commit)))
            .await
            .ok()?
        {
            return None;
        }
        let candidate = Candidate {
            revision,
            commit,
            want: commit,
        };
        // Whatever is wrong with it shows again, and is dealt with, on the long way.
        self.contents(candidate, options.clone()).await.ok()
    }

    async fn load(
        &mut self,
        server: &Advertisement,
        target: &Target,
        options: &FetchOptions,
        traffic: &mut Traffic,
    ) -> Result<Contents, Failure> {
        let candidate = match target {
            Target::Tips(tips) => {
                let wants: Vec<Oid> = tips.iter().map(|tip| tip.want).collect();
                self.ensure(server, wants, traffic).await?;
                self.newest(tips.clone()).await?
            }
            Target::Pinned { candidate, history } => {
                self.pin(server, candidate, history, traffic).await?;
                candidate.clone()
            }
        };
        Ok(self.contents(candidate, options.clone()).await?)
    }

    /// Gets objects that references point to, unless they are here.
    async fn ensure(
        &mut self,
        server: &Advertisement,
        wants: Vec<Oid>,
        traffic: &mut Traffic,
    ) -> Result<(), Failure> {
        let (mut wants, haves, shallow) = self
            .with_store(move |store| {
                let missing: Vec<Oid> = wants.into_iter().filter(|oid| !store.has(*oid)).collect();
                Ok((missing, store.haves(), store.shallow()))
            })
            .await?;
        wants.sort_unstable();
        wants.dedup();
        if wants.is_empty() {
            return Ok(());
        }
        let shallow_fetch = server.has("shallow");
        let request = if shallow_fetch {
            Request {
                wants,
                haves,
                shallow,
                shallow_fetch,
            }
        } else {
            Request {
                wants,
                ..Request::default()
            }
        };
        self.transfer(server, &request, false, traffic).await
    }

    /// Gets a commit that no reference need point to: directly where the server lets us, else with the whole history.
    async fn pin(
        &mut self,
        server: &Advertisement,
        candidate: &Candidate,
        history: &[Oid],
        traffic: &mut Traffic,
    ) -> Result<(), Failure> {
        let commit = candidate.commit;
        if self.with_store(move |store| Ok(store.has(commit))).await? {
            return Ok(());
        }
        let named = server.has_tip(commit)
            || server.has("allow-reachable-sha1-in-want")
            || server.has("allow-tip-sha1-in-want");
        let v2 = self.session.as_ref().is_some_and(Session::speaks_v2);
        if (named || v2) && server.has("shallow") {
            let (haves, shallow) = self
                .with_store(|store| Ok((store.haves(), store.shallow())))
                .await?;
            let request = Request {
                wants: vec![commit],
                haves,
                shallow,
                shallow_fetch: true,
            };
            match self.transfer(server, &request, !named, traffic).await {
                Err(Failure::Refused(
                    TransportError::Remote(_)
                    | TransportError::Protocol(_)
                    | TransportError::NotFound
                    | TransportError::Status(_),
                )) => {}
                done => return done,
            }
            if !v2 {
                // An SSH session ends with its answer.
                self.list(traffic).await.map_err(Failure::Refused)?;
            }
        }
        let mut wants = history.to_vec();
        wants.sort_unstable();
        wants.dedup();
        let request = Request {
            wants,
            ..Request::default()
        };
        self.with_store(|store| {
            store.move_boundary(&Boundary {
                unshallow: store.shallow(),
                ..Boundary::default()
            })
        })
        .await?;
        self.transfer(server, &request, false, traffic).await?;
        if self.with_store(move |store| Ok(store.has(commit))).await? {
            Ok(())
        } else {
            Err(Failure::Other(Error::CommitNotFound(commit.to_string())))
        }
    }

    /// Sends a request and indexes the pack of the answer.
    async fn transfer(
        &mut self,
        server: &Advertisement,
        request: &Request,
        v2: bool,
        traffic: &mut Traffic,
    ) -> Result<(), Failure> {
        let agent = &self.remote.settings().user_agent;
        let bytes = if v2 {
            request.encode_v2(agent)
        } else {
            request.encode(server, agent)
        };
        let session = self
            .session
            .as_mut()
            .ok_or_else(|| Failure::Refused(TransportError::protocol("no session")))?;
        let mut body = session
            .upload(self.remote, bytes, v2, traffic)
            .await
            .map_err(Failure::Refused)?;
        let (sender, mut pieces) = mpsc::channel::<Bytes>(PIECES);
        let complete = Arc::new(AtomicBool::new(false));
        let cancelled = Arc::new(AtomicBool::new(false));
        let stop = StopOnDrop(Arc::clone(&cancelled));
        let (dir, url, guard) = (self.dir.clone(), self.url.clone(), Arc::clone(&self.guard));
        let index = {
            let complete = Arc::clone(&complete);
            // The guard goes along: a cancelled fetch keeps the directory until its pack is gone.
            tokio::task::spawn_blocking(move || {
                let written = Store::open(&dir, &url)
                    .and_then(|store| store.write_pack(&mut pieces, &complete, &cancelled));
                drop(guard);
                written
            })
        };
        let received = upload::receive(&mut Reader::new(&mut body), &sender).await;
        traffic.received += body.received;
        complete.store(received.is_ok(), Ordering::Release);
        drop(sender);
        let written = index.await.unwrap_or_else(|_| Err(panicked()));
        drop(stop);
        match (received, written) {
            (Ok(boundary), Ok(objects)) => {
                traffic.objects += objects;
                self.with_store(move |store| store.move_boundary(&boundary))
                    .await?;
                Ok(())
            }
            // A refused pack closes the channel, which is then the lesser news.
            (_, Err(error @ Error::Storage { .. })) | (Ok(_), Err(error)) => Err(error.into()),
            (Err(_), Err(error)) if body.received > 0 && sender_gone(&error) => Err(error.into()),
            (Err(cause), _) => Err(Failure::Refused(cause)),
        }
    }

    /// Of several tags of one version, the one whose commit is newest.
    async fn newest(&self, mut tips: Vec<Candidate>) -> Result<Candidate, Failure> {
        let none = || Failure::Broken(Error::Corrupt("no candidate".to_owned()));
        if tips.len() > 1 {
            tips = self
                .with_store(move |store| {
                    let mut tips = tips;
                    tips.sort_by_key(|tip| store.committed_at(tip.commit));
                    Ok(tips)
                })
                .await?;
        }
        tips.pop().ok_or_else(none)
    }

    /// Lists the files and notes that the commit is complete.
    async fn contents(
        &self,
        candidate: Candidate,
        options: FetchOptions,
    ) -> Result<Contents, Error> {
        let guard = Arc::clone(&self.guard);
        let (dir, url) = (self.dir.clone(), self.url.clone());
        blocking(move || {
            let mut store = Store::open(&dir, &url)?;
            if !store.has(candidate.want) {
                return Err(Error::Corrupt(format!(
                    "object {} is missing",
                    candidate.want
                )));
            }
            let commit = store
                .commit(candidate.want)
                .filter(|commit| *commit == candidate.commit)
                .ok_or_else(|| Error::NotACommit(candidate.revision.hash.clone()))?;
            let mut files = contents::list(&store.repository, commit, &options.limits)?;
            store.set_current(commit)?;
            if store.compact(commit)? {
                store = Store::open(&dir, &url)?;
                store.set_current(commit)?;
            }
            contents::sparse(&mut files, &options.sparse)?;
            let read = |oid| -> Result<Vec<u8>, Error> {
                let odb = store.repository.odb().map_err(|error| store::map(&error))?;
                let object = odb.read(oid).map_err(|error| store::map(&error))?;
                Ok(object.data().to_vec())
            };
            let tag = if candidate.want == commit {
                None
            } else {
                Some(Tag::parse(candidate.want, &read(candidate.want)?))
            };
            let commit = Commit::parse(commit, &read(commit)?);
            Ok(Contents {
                revision: candidate.revision,
                commit,
                tag,
                files,
                repositories: vec![Mutex::new(store.repository)],
                guards: vec![guard],
            })
        })
        .await
    }

    async fn with_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (dir, url, guard) = (self.dir.clone(), self.url.clone(), Arc::clone(&self.guard));
        blocking(move || {
            let done = Store::open(&dir, &url).and_then(|store| work(&store));
            drop(guard);
            done
        })
        .await
    }
}

/// Tells the indexing thread that nobody waits any more.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn sender_gone(error: &Error) -> bool {
    !matches!(error, Error::Corrupt(text) if text == "the pack ended early")
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
