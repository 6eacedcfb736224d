//! One run, from the object in the cache to its next due time: the table of contents of this module.

use std::sync::Arc;

use runtime::{
    ObjectKey,
    client::ApiError,
    controller::{Ending, Reconciler, Run, random_unit},
};
use tokio::time::Instant;

use super::{
    NAME, act,
    act::Fetch,
    failure::Failure,
    finalize::finalize,
    gate::{Gate, gate},
    observe, plan,
    report::{self, Outcome, Schedule},
    session::Session,
};
use crate::context::Context;

/// Reconciles `GitRepository` objects.
pub(crate) struct GitRepositoryReconciler(pub(crate) Arc<Context>);

impl Reconciler for GitRepositoryReconciler {
    async fn reconcile(&self, key: &ObjectKey, run: Run) -> Ending {
        let ctx = &*self.0;
        let started = Instant::now();
        let Some(object) = ctx.git_repositories.get(key) else {
            drop(ctx.memory.take(key));
            return Ending::Done;
        };
        let deleted = object.metadata.deletion_timestamp.is_some();
        let mut session = Session::open(ctx, key, object);
        let result = if deleted {
            finalize(&mut session).await
        } else {
            work(&mut session, &run).await
        };
        let ending = result.unwrap_or_else(|error| match error {
            // The object went away under us: the watch tells the rest.
            error if error.is_not_found() => Ending::Done,
            error => {
                tracing::error!(error = %error, "Reconciler error");
                Ending::Failed
            }
        });
        let duration = &ctx.metrics.reconcile_duration;
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

/// Brings the object up to date and reports it.
async fn work(session: &mut Session<'_>, run: &Run) -> Result<Ending, ApiError> {
    session.add_finalizer().await?;
    let result = match gate(&session.object) {
        Gate::Suspended => Ok(Some(Outcome::Suspended)),
        Gate::Refused(failure) => {
            session.draft.begin(&session.object.spec);
            Err(failure)
        }
        Gate::Open => {
            session.draft.begin(&session.object.spec);
            produce(session, run).await
        }
    };
    let Some(result) = result.transpose() else {
        // Overtaken by an edit: the next run, which is due already, tells what comes of it.
        return Ok(Ending::Done);
    };
    let schedule = Schedule {
        requeue_dependency: session.ctx.config.requeue_dependency,
        jitter: session.ctx.config.jitter,
        unit: random_unit(),
    };
    let object = Arc::clone(&session.object);
    let report = report::finish(
        &mut session.draft,
        &session.before,
        &object,
        result,
        schedule,
    );
    if let Some(error) = &report.error {
        tracing::error!(error, "reconciliation failed");
    }
    for note in report.notes {
        if note.audience != runtime::events::Audience::Cluster {
            tracing::info!(reason = note.reason, "{}", note.message);
        }
        session.record(note);
    }
    session.write().await?;
    Ok(report.ending)
}

/// Makes the artifact what upstream and spec ask for; none if the object was edited meanwhile.
async fn produce(session: &mut Session<'_>, run: &Run) -> Result<Option<Outcome>, Failure> {
    let ctx = session.ctx;
    observe::stored(session).await?;
    let remote = observe::remote(ctx, &session.object, &mut session.notes).await?;
    let includes = observe::includes(ctx, &session.object)?;
    session.draft.includes_present();
    let spec = &session.object.spec;
    let draft = &session.draft;
    let max = ctx.config.git_max_size;
    let plan = plan::plan(spec, &draft.status, &draft.conditions, &includes, max);
    let contents = match act::fetch(session, &remote, &plan, run).await? {
        Fetch::Overtaken => return Ok(None),
        Fetch::Unchanged => {
            session.draft.fetched();
            return Ok(Some(Outcome::Unchanged));
        }
        Fetch::New(contents) => contents,
    };
    session.draft.fetched();
    let subject = contents.commit().subject();
    let committed = contents.commit().committer.seconds;
    let revision = contents.revision().to_string();
    let drift = plan::drift(&session.draft.status, &includes, &revision);
    let storing = act::store(ctx, session, contents, &includes);
    let artifact = if let Some(drift) = drift {
        session.draft.building(&drift);
        // What is under way is shown while it goes on. If that cannot be written, the final status will not be either.
        let (artifact, shown) = tokio::join!(storing, session.write());
        if let Err(error) = shown {
            tracing::debug!(error = %error, "progress not shown");
        }
        artifact?
    } else {
        storing.await?
    };
    // The first artifact tells the age of the repository, not how fast anything is.
    if session.draft.status.artifact.is_some() {
        ctx.series.stored(committed);
    }
    Ok(Some(Outcome::Stored {
        artifact: Box::new(artifact),
        subject,
        includes,
    }))
}
