//! One run, from the object in the cache to its next due time: the table of contents of this module.

use std::sync::Arc;

use api::{event::Severity, notification::Receiver};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use runtime::{
    ObjectKey,
    cache::Cache,
    client::{ApiError, ResourceRef},
    controller::{Ending, Reconciler, Run},
};
use tokio::time::Instant;

use super::{
    Memory, NAME, TOKEN_KEY,
    draft::{self, NoToken, Verdict},
    path, secrets,
    session::Session,
    validate::validate,
};
use crate::context::Context;

/// Reconciles `Receiver` objects.
pub(crate) struct ReceiverReconciler {
    pub(crate) context: Arc<Context>,
    pub(crate) receivers: Cache<Receiver>,
    pub(crate) memory: Memory,
    /// Where Receivers are served.
    pub(crate) resource: ResourceRef,
    secrets: ResourceRef,
}

impl ReceiverReconciler {
    /// A reconciler of the objects of a cache.
    pub(crate) fn new(context: Arc<Context>, receivers: Cache<Receiver>) -> Self {
        Self {
            context,
            receivers,
            memory: Memory::default(),
            secrets: secrets(),
            resource: ResourceRef::namespaced(
                "notification.toolkit.fluxcd.io/v1",
                NAME.kind,
                "receivers",
            ),
        }
    }
}

impl Reconciler for ReceiverReconciler {
    async fn reconcile(&self, key: &ObjectKey, _run: Run) -> Ending {
        let started = Instant::now();
        let Some(object) = self.receivers.get(key) else {
            drop(self.memory.take(key));
            return Ending::Done;
        };
        let deleted = object.metadata.deletion_timestamp.is_some();
        let mut session = Session::open(self, key, object);
        let result = if deleted {
            finalize(&mut session).await
        } else {
            work(&mut session).await
        };
        let ending = result.unwrap_or_else(|error| match error {
            // The object went away under us: the watch tells the rest.
            error if error.is_not_found() => Ending::Done,
            error => {
                tracing::error!(error = %error, "Reconciler error");
                Ending::Failed
            }
        });
        let duration = &self.context.metrics.reconcile_duration;
        let labels = [NAME.kind, &*key.name, &*key.namespace];
        if deleted && ending == Ending::Done {
            // Absent when this process never worked on the object.
            drop(duration.remove_label_values(&labels));
        } else {
            let seconds = started.elapsed().as_secs_f64();
            duration.with_label_values(&labels).observe(seconds);
            session.close();
        }
        ending
    }
}

/// Lets go of a deleted object.
async fn finalize(session: &mut Session<'_>) -> Result<Ending, ApiError> {
    let mut status = session.held.status().clone();
    draft::handled(&mut status, &session.object);
    session.write(status).await?;
    session.remove_finalizer().await?;
    Ok(Ending::Done)
}

/// Brings the object up to date and reports it.
async fn work(session: &mut Session<'_>) -> Result<Ending, ApiError> {
    session.add_finalizer().await?;
    let object = Arc::clone(&session.object);
    let verdict = if object.spec.suspend {
        tracing::info!("Reconciliation is suspended for this object");
        Verdict::Suspended
    } else {
        match validate(&object.spec) {
            Err(invalid) => Verdict::Invalid(invalid),
            Ok(()) => match token(session).await {
                Ok(token) => {
                    let key = session.key;
                    Verdict::Initialized(path(&token, &key.namespace, &key.name))
                }
                Err(error) => Verdict::NoToken(error),
            },
        }
    };
    let report = draft::finish(session.held.status(), &object, verdict, Timestamp::now());
    session.write(report.status).await?;
    if let Some(note) = report.note {
        if note.severity == Severity::Error {
            tracing::error!(error = note.message, "reconciliation failed");
        } else {
            tracing::info!("{}", note.message);
        }
        session.record(note);
    }
    Ok(report.ending)
}

/// Reads the token; empty for a receiver that has none.
async fn token(session: &Session<'_>) -> Result<Vec<u8>, NoToken> {
    let Some(reference) = &session.object.spec.secret_ref else {
        return Ok(Vec::new());
    };
    let of = session.of;
    let namespace = &session.key.namespace;
    let name = || format!("{namespace}/{}", reference.name);
    let target = of.secrets.object(namespace, &reference.name);
    let secret: Secret =
        of.context
            .client
            .get(target)
            .await
            .map_err(|error| NoToken::Unreadable {
                secret: name(),
                error,
            })?;
    let token = secret.data.unwrap_or_default().remove(TOKEN_KEY);
    token
        .map(|token| token.0)
        .ok_or_else(|| NoToken::Missing(name()))
}
