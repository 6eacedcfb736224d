//! What there is: the artifact on disk, Secrets, read live, and included repositories, from the cache.

use std::time::Duration;

use api::{
    meta::{LocalObjectReference, reason::source as reason},
    source::{GitRepository, git_repository::Include},
};
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use runtime::{ObjectKey, client::ApiError};

use super::{
    act,
    credentials::{self, SecretData},
    failure::Failure,
    memory::Notes,
    plan::Included,
    report::Note,
    session::Session,
};
use crate::{context::Context, storage::State};

/// The limit of a fetch where none is set. Source: the CRD's default.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Looks after the artifact of the last run and notes in the draft what is left of it.
pub(super) async fn stored(session: &mut Session<'_>) -> Result<(), Failure> {
    let artifact = session.before.artifact.as_ref();
    let (state, collected) = act::look_after(session.ctx, session.key, artifact).await?;
    if collected > 0 {
        session.record(Note::trace(
            reason::GARBAGE_COLLECTION_SUCCEEDED,
            format!("garbage collected {collected} artifacts"),
        ));
    }
    match state {
        State::Good => {
            let path = session
                .before
                .artifact
                .as_ref()
                .map(|artifact| &artifact.path);
            if let Some(url) = path.map(|path| session.ctx.storage.url(path)) {
                session.draft.at_url(url);
            }
        }
        State::Missing => session.draft.without_artifact(),
        State::Corrupt(why) => {
            session.record(Note::warning(
                reason::ARTIFACT_VERIFICATION_FAILED,
                format!("failed to verify integrity of artifact: {why}"),
            ));
            session.draft.without_artifact();
        }
    }
    Ok(())
}

/// Gives the remote that the spec and its Secrets describe; the last run's while they are what they were, since it
/// holds the connections.
pub(super) async fn remote(
    ctx: &Context,
    object: &GitRepository,
    notes: &mut Notes,
) -> Result<git::Remote, Failure> {
    let spec = &object.spec;
    let namespace = object.namespace().unwrap_or_default();
    let proxy = match &spec.proxy_secret_ref {
        Some(reference) => Some(secret(ctx, &namespace, reference).await.map_err(|failed| {
            Failure::Proxy(format!(
                "failed to get secret '{}': {}",
                failed.name, failed.cause
            ))
        })?),
        None => None,
    };
    let auth =
        match &spec.secret_ref {
            Some(reference) => {
                Some(secret(ctx, &namespace, reference).await.map_err(|failed| {
                    Failure::Secret {
                        name: failed.name,
                        cause: failed.cause.to_string(),
                    }
                })?)
            }
            None => None,
        };
    let timeout = spec.timeout.map_or(TIMEOUT, Duration::from);
    let versions = [&auth, &proxy].map(|secret| secret.as_ref().map(|secret| &secret.version));
    let origin = format!("{} {timeout:?} {versions:?}", spec.url);
    if let Some((known, remote)) = &notes.remote
        && *known == origin
    {
        return Ok(remote.clone());
    }
    let settings = git::Settings {
        timeout,
        max_bytes: ctx.config.git_max_size,
        ssh_kex: ctx.config.ssh_kex.clone(),
        ssh_host_keys: ctx.config.ssh_host_keys.clone(),
        ..git::Settings::default()
    };
    let settings = credentials::apply(settings, &spec.url, auth.as_ref(), proxy.as_ref())?;
    let remote = credentials::connect(&spec.url, settings)?;
    notes.remote = Some((origin, remote.clone()));
    Ok(remote)
}

/// Finds the artifacts to include, in the spec's order.
pub(super) fn includes(ctx: &Context, object: &GitRepository) -> Result<Vec<Included>, Failure> {
    let namespace = object.namespace().unwrap_or_default();
    let find = |include: &Include| {
        let name = &include.repository.name;
        let source = ctx
            .git_repositories
            .get(&ObjectKey::new(&namespace, name))
            .ok_or_else(|| Failure::IncludeMissing(name.clone()))?;
        let artifact = source
            .status
            .as_ref()
            .and_then(|status| status.artifact.clone())
            .ok_or_else(|| Failure::IncludeEmpty(name.clone()))?;
        Ok(Included {
            include: include.clone(),
            artifact,
        })
    };
    object.spec.include.iter().map(find).collect()
}

/// A Secret that could not be read.
struct Unread {
    name: String,
    cause: ApiError,
}

async fn secret(
    ctx: &Context,
    namespace: &str,
    reference: &LocalObjectReference,
) -> Result<SecretData, Unread> {
    let target = ctx.secrets.object(namespace, &reference.name);
    let name = format!("{namespace}/{}", reference.name);
    match ctx.client.get::<Secret>(target).await {
        Ok(secret) => Ok(SecretData::new(name, secret)),
        Err(cause) => Err(Unread { name, cause }),
    }
}
