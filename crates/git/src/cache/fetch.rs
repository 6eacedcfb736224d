//! The steps of one fetch under its cache's lock.
//!
//! The network is awaited here; the store is used on blocking threads, each of which carries the lock along, so that
//! a dropped fetch gives the directory back only when no thread touches it any more.

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

use super::{FetchOptions, blocking, lock::Guard, panicked, store::Store};
use crate::{
    commit::{Commit, Tag},
    contents::{self, Contents},
    error::{Error, TransportError},
    protocol::{
        advertisement::{Advertisement, parse_oid},
        packet::{Reader, truncated},
        upload::{self, Boundary, Request},
    },
    reference::Reference,
    remote::Remote,
    resolve::{self, Candidate, Target},
    transport::{Session, Traffic},
};

/// Pieces of a pack that may wait for the disk.
const PIECES: usize = 64;

/// Why a load ended.
pub(super) enum Failure {
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
pub(super) struct Fetch<'a> {
    pub(super) remote: &'a Remote,
    pub(super) url: String,
    pub(super) guard: Arc<Guard>,
    pub(super) dir: PathBuf,
    pub(super) session: Option<Session>,
}

impl Fetch<'_> {
    pub(super) async fn list(
        &mut self,
        traffic: &mut Traffic,
    ) -> Result<Advertisement, TransportError> {
        let (session, server) = Session::open(self.remote, traffic).await?;
        self.session = Some(session);
        Ok(server)
    }

    /// Leaves a server that has nothing new.
    pub(super) async fn goodbye(&mut self) {
        if let Some(session) = self.session.take() {
            session.goodbye().await;
        }
    }

    /// A pinned commit that is here needs no server.
    pub(super) async fn cached(
        &self,
        reference: &Reference,
        options: &FetchOptions,
    ) -> Option<Contents> {
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

    pub(super) async fn load(
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
        self.transfer(server, &request, false, traffic).await?;
        // Nothing of the history is missing now.
        self.with_store(|store| {
            store.move_boundary(&Boundary {
                unshallow: store.shallow(),
                ..Boundary::default()
            })
        })
        .await?;
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
            (Ok(boundary), Ok(Some(objects))) => {
                traffic.objects += objects;
                self.with_store(move |store| store.move_boundary(&boundary))
                    .await?;
                Ok(())
            }
            // A store that refuses the pack ends the transfer, so its reason comes first.
            (_, Err(error)) => Err(error.into()),
            (Err(cause), Ok(_)) => Err(Failure::Refused(cause)),
            (Ok(_), Ok(None)) => Err(Failure::Refused(truncated())),
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
            let commit = store
                .commit(candidate.want)?
                .filter(|commit| *commit == candidate.commit)
                .ok_or_else(|| Error::NotACommit(candidate.revision.hash.clone()))?;
            let mut files = contents::list(&store.repository, commit, &options.limits)?;
            let tag = if candidate.want == commit {
                None
            } else {
                Some(Tag::parse(candidate.want, &store.read(candidate.want)?))
            };
            let parsed = Commit::parse(commit, &store.read(commit)?);
            store.set_current(commit)?;
            if store.compact(commit, candidate.want)? {
                store = Store::open(&dir, &url)?;
                store.set_current(commit)?;
            }
            contents::sparse(&mut files, &options.sparse)?;
            Ok(Contents {
                revision: candidate.revision,
                commit: parsed,
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
