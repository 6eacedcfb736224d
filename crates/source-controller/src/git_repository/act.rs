//! The steps that touch the world: storage, Git server, caches on disk. What blocks runs on the blocking pool.

use std::{collections::BTreeSet, fs, io, path::Path, path::PathBuf, sync::Arc};

use api::source::Artifact;
use git::{Cache, Contents, Fetched};
use jiff::Timestamp;
use runtime::{ObjectKey, controller::Run};

use super::{
    NAME, archive,
    failure::Failure,
    plan::{Included, Plan},
    session::Session,
};
use crate::{
    context::Context,
    storage::{State, Storage},
};

/// How a fetch ended.
pub(super) enum Fetch {
    /// The artifact's revision is the upstream's.
    Unchanged,
    /// Another commit, or one to be made an artifact of again.
    New(Box<Contents>),
    /// The object was edited meanwhile.
    Overtaken,
}

/// The lower-case kind, in paths.
const KIND: &str = NAME.controller;

/// Removes garbage and tells what is left of the artifact, and how many files went; a wrong file is removed.
pub(super) async fn look_after(
    ctx: &Context,
    key: &ObjectKey,
    artifact: Option<&Artifact>,
) -> Result<(State, usize), Failure> {
    let (storage, key, artifact) = (Arc::clone(&ctx.storage), key.clone(), artifact.cloned());
    let look = move || {
        let collected = storage.collect(KIND, &key, artifact.as_ref());
        let Some(artifact) = artifact else {
            return Ok((State::Missing, collected));
        };
        let state = storage.state(&artifact);
        if matches!(state, State::Corrupt(_)) {
            storage.delete(&artifact).map_err(Failure::Remove)?;
        }
        Ok((state, collected))
    };
    blocking("the look at the storage", look).await
}

/// Fetches as planned. An edit of the object ends the wait for a server that may never answer.
pub(super) async fn fetch(
    session: &Session<'_>,
    remote: &git::Remote,
    plan: &Plan,
    run: &Run,
) -> Result<Fetch, Failure> {
    let limit = session.ctx.config.git_max_size;
    let failed = |error: git::Error| Failure::of_fetch(&error, limit);
    let cache = Cache::open(session.ctx.config.git_cache.join(session.uid())).map_err(failed)?;
    let fetched = {
        let mut fetch = std::pin::pin!(cache.fetch(remote, &plan.reference, &plan.options));
        tokio::select! {
            fetched = &mut fetch => fetched,
            () = edited(session, run) => return Ok(Fetch::Overtaken),
        }
    };
    match fetched.map_err(failed)? {
        Fetched::Unchanged { .. } => Ok(Fetch::Unchanged),
        Fetched::New { contents, traffic } => {
            tracing::debug!(revision = %contents.revision(), ?traffic, "fetched");
            let size: u64 = contents.files().iter().map(|file| file.size).sum();
            if size > limit {
                let cause = format!("the files have {size} bytes together");
                return Err(Failure::TooLarge { cause, limit });
            }
            Ok(Fetch::New(contents))
        }
    }
}

/// Waits until the object has another generation. A mere request for a run does not end a fetch that is under way.
async fn edited(session: &Session<'_>, run: &Run) {
    run.superseded.cancelled().await;
    let now = session.ctx.git_repositories.get(session.key);
    let same = now.is_some_and(|now| {
        now.metadata.generation == session.object.metadata.generation
            && now.metadata.deletion_timestamp == session.object.metadata.deletion_timestamp
    });
    if same {
        std::future::pending::<()>().await;
    }
}

/// Writes the artifact of a commit. Does not hold on to the session.
pub(super) fn store(
    ctx: &Context,
    session: &Session<'_>,
    contents: Box<Contents>,
    includes: &[Included],
) -> impl Future<Output = Result<Artifact, Failure>> + use<> {
    let (storage, blobs) = (Arc::clone(&ctx.storage), Arc::clone(&ctx.blobs));
    let file = format!("{}.tar.gz", contents.commit().hash);
    let path = Storage::path(KIND, session.key, &file);
    let ignore = session.object.spec.ignore.clone();
    let includes = includes.to_vec();
    let write = move || {
        let layout = archive::Layout::new(contents, &includes, &storage, &blobs)?;
        let algorithm = storage.algorithm();
        let written = storage.write(&path, |sink| {
            layout.write(sink, algorithm, ignore.as_deref())
        })?;
        Ok(Artifact {
            digest: written.digest.to_string(),
            last_update_time: Timestamp::now(),
            metadata: std::collections::BTreeMap::new(),
            url: storage.url(&path),
            path,
            revision: layout.revision(),
            size: i64::try_from(written.size).ok(),
        })
    };
    blocking("the archive", write)
}

/// Removes artifacts and cache of a deleted object; tells whether there were artifacts.
///
/// # Errors
/// When something cannot be removed.
pub(super) async fn remove(ctx: &Context, key: &ObjectKey, uid: &str) -> io::Result<bool> {
    let (storage, key) = (Arc::clone(&ctx.storage), key.clone());
    let cache = cache_dir(&ctx.config.git_cache, uid);
    let task = tokio::task::spawn_blocking(move || {
        if let Some(cache) = cache {
            remove_dir(&cache)?;
        }
        storage.remove(KIND, &key)
    });
    task.await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// Removes the caches of objects that are gone, as after a crash between two steps of a deletion.
pub(crate) fn prune_caches(dir: &Path, live: &BTreeSet<String>) {
    let Ok(entries) = fs::read_dir(dir) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let known = name.to_str().is_some_and(|name| live.contains(name));
        if !known && let Err(error) = remove_dir(&entry.path()) {
            tracing::error!(error = %error, "stale git cache not removed");
        }
    }
}

/// None for an object without identity, which the API server never gives.
fn cache_dir(root: &Path, uid: &str) -> Option<PathBuf> {
    (!uid.is_empty()).then(|| root.join(uid))
}

fn remove_dir(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

async fn blocking<T: Send + 'static>(
    what: &'static str,
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(_) => Err(Failure::Task(what)),
    }
}
