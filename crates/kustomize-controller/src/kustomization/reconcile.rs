//! One run, from the cached object to the patched status.

use std::{sync::Arc, time::Duration};

use api::{
    event::{ObjectReference, Severity},
    kustomize::{Kustomization, KustomizationStatus},
    meta::{Duration as GoDuration, FINALIZER, reason},
    source::Artifact,
};
use jiff::Timestamp;
use kube::ResourceExt;
use runtime::{
    ObjectKey,
    client::ApiError,
    conditions::{Conditions, kind::READY},
    controller::{Ending, jittered, random_unit},
    held::{Held, Writer},
};
use snapshot::Snapshot;
use tokio::time::Instant;

use super::{
    act,
    dependencies::{self, Unmet},
    finalize, gate,
    plan::{Facts, Plan, plan},
    post_build,
};
use crate::{
    artifacts::{Fetch, FetchError},
    context::{Context, STATUS_MANAGER},
    expressions::Expressions,
    index,
    memory::Notes,
    watch,
};

/// How long a dependency that is only behind may take before anybody is told.
const BEHIND: Duration = Duration::from_secs(2);
/// How long a run waits for an artifact's download before it looks again.
const DOWNLOAD: Duration = Duration::from_mins(10);

/// How a run went well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Success {
    /// Everything is applied and healthy.
    Applied,
    /// The revision changed nothing here.
    Moved,
    /// There was nothing to do, and there is nothing to do for this long.
    Rested(Duration),
    /// Waits for the health of what it applied.
    Waiting(Duration),
    /// Waits for something else, which wakes it; nothing is worth telling.
    Parked(Duration),
    /// It is suspended.
    Suspended,
    /// It is gone.
    Finalized,
}

/// How a run went wrong.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) reason: &'static str,
    pub(super) message: String,
    /// The event, if one is sent.
    pub(super) event: Option<(Severity, String)>,
    pub(super) next: Next,
}

/// What follows a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Another run after `retryInterval`, and longer after further failures.
    Retry,
    /// Another run after this long.
    After(Duration),
    /// Another run when woken, or after this long.
    Wait(Duration),
    /// None until something changes.
    Stalled {
        /// Whether the generation counts as observed.
        observed: bool,
        /// Whether a change of another object can mend it, which then wakes this one.
        waits: bool,
    },
    /// Another run after the key's back-off; conditions stay as they are.
    Backoff,
}

impl Failure {
    /// A failure that people are told of, and that is tried again.
    pub(super) fn new(reason: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        let event = Some((Severity::Error, message.clone()));
        Self {
            reason,
            message,
            event,
            next: Next::Retry,
        }
    }

    /// The same, told by the condition only.
    pub(super) fn quiet(self, next: Next) -> Self {
        Self {
            event: None,
            next,
            ..self
        }
    }

    /// An expression of the spec is wrong: only another spec can help.
    fn expression(error: &str) -> Self {
        let message =
            format!("Reconciliation failed terminally due to configuration error: {error}");
        let (observed, waits) = (true, false);
        Self {
            next: Next::Stalled { observed, waits },
            ..Self::new(reason::INVALID_CEL_EXPRESSION, message)
        }
    }

    /// A request to the API server about the object itself failed.
    pub(super) fn api(error: &ApiError) -> Self {
        let message = error.to_string();
        Self {
            reason: reason::PROGRESSING,
            event: None,
            message,
            next: Next::Backoff,
        }
    }
}

/// A run under way.
pub(super) struct Attempt<'a> {
    pub(super) cx: &'a Context,
    pub(super) key: &'a ObjectKey,
    pub(super) object: Arc<Kustomization>,
    pub(super) notes: Notes,
    pub(super) held: Held<KustomizationStatus>,
    /// The status as it is to be, conditions apart.
    pub(super) status: KustomizationStatus,
    pub(super) conditions: Conditions,
    pub(super) started: Instant,
    /// The revision of the source.
    pub(super) revision: String,
    /// The revision that the source's artifact was itself made from.
    pub(super) origin_revision: Option<String>,
    /// The source, once it is known.
    pub(super) source: Option<ObjectKey>,
}

/// Reconciles the Kustomization `key` once.
pub(super) async fn reconcile(cx: &Context, key: &ObjectKey) -> Ending {
    let Some(object) = cx.kustomizations.get(key) else {
        cx.memory.forget(key);
        return Ending::Done;
    };
    let mut attempt = Attempt::begin(cx, key, object);
    let outcome = attempt.go().await;
    attempt.finish(outcome).await
}

impl<'a> Attempt<'a> {
    fn begin(cx: &'a Context, key: &'a ObjectKey, object: Arc<Kustomization>) -> Self {
        let mut notes = cx.memory.take(key);
        let cached = object.status.clone().unwrap_or_default();
        let held = Held::begin(notes.held.take(), &object.metadata, &cached);
        let generation = object.metadata.generation.unwrap_or_default();
        Self {
            cx,
            key,
            notes,
            conditions: Conditions::new(
                held.status().conditions.clone(),
                generation,
                Timestamp::now(),
            ),
            status: held.status().clone(),
            held,
            object,
            started: Instant::now(),
            revision: String::new(),
            origin_revision: None,
            source: None,
        }
    }

    async fn go(&mut self) -> Result<Success, Failure> {
        if self.object.metadata.deletion_timestamp.is_some() {
            return finalize::finalize(self).await;
        }
        if self.object.spec.suspend {
            self.hold_finalizer().await?;
            return Ok(Success::Suspended);
        }
        self.hold_finalizer().await?;
        self.compile()?;
        self.pass_gate()?;
        let (source, artifact) = self.source()?;
        if let Some(parked) = self.meet_dependencies().await? {
            return Ok(parked);
        }
        let snapshot = self.snapshot(&source, &artifact)?;
        self.source = Some(source);
        let Some(snapshot) = snapshot else {
            return Ok(Success::Parked(DOWNLOAD));
        };
        match plan(self.facts(&snapshot).await) {
            Plan::Rest(wait) => Ok(Success::Rested(wait)),
            Plan::Move => Ok(self.move_on()),
            Plan::Resume => act::resume(self).await,
            Plan::Recover => act::recover(self, snapshot).await,
            Plan::Apply(mode) => act::build_and_apply(self, snapshot, mode).await,
        }
    }

    async fn hold_finalizer(&mut self) -> Result<(), Failure> {
        let to = writer(self.cx, self.key);
        let held = self.held.add_finalizer(to, FINALIZER).await;
        held.map_err(|error| Failure::api(&error))
    }

    pub(super) async fn release_finalizer(&mut self) -> Result<(), ApiError> {
        let to = writer(self.cx, self.key);
        self.held.remove_finalizer(to, FINALIZER).await
    }

    /// Compiles the expressions of the spec, unless that is done.
    fn compile(&mut self) -> Result<(), Failure> {
        let known = self.notes.expressions.take();
        let known = known.filter(|expressions| expressions.are_of(&self.object));
        let expressions = known.unwrap_or_else(|| Arc::new(Expressions::compile(&self.object)));
        let health = expressions.health().map(|_| ());
        let health = health.map_err(|error| Failure::expression(&runtime::log::chain(error)));
        self.notes.expressions = Some(expressions);
        health
    }

    fn pass_gate(&self) -> Result<(), Failure> {
        let stalled = |reason, message: String, next| Failure {
            next,
            ..Failure::new(reason, message)
        };
        gate::spec(&self.object, self.cx.config.no_cross_namespace_refs).map_err(|stall| {
            let (observed, waits) = (stall.observed, false);
            stalled(
                stall.reason,
                stall.message,
                Next::Stalled { observed, waits },
            )
        })?;
        if self.object.spec.depends_on.is_empty() {
            return Ok(());
        }
        let additive = self.cx.config.additive_ready_exprs;
        match dependencies::cycle(self.key, additive, |key| self.cx.kustomizations.get(key)) {
            None => Ok(()),
            Some(cycle) => {
                let names: Vec<_> = cycle.iter().map(ToString::to_string).collect();
                let message = format!("dependency cycle: {}", names.join(" -> "));
                let (observed, waits) = (true, true);
                Err(stalled(
                    "DependencyCycle",
                    message,
                    Next::Stalled { observed, waits },
                ))
            }
        }
    }

    /// The source and its artifact.
    fn source(&mut self) -> Result<(ObjectKey, Artifact), Failure> {
        let name = &self.object.spec.source_ref.name;
        let failed = |message: String| {
            Failure::new(reason::kustomization::ARTIFACT_FAILED, message).quiet(Next::Retry)
        };
        let key = index::source(&self.object)
            .ok_or_else(|| failed(format!("source `{name}` kind not supported")))?;
        let source = self.cx.git_repositories.get(&key).ok_or_else(|| {
            failed(format!(
                "gitrepositories.source.toolkit.fluxcd.io \"{name}\" not found"
            ))
        })?;
        let requeue = self.cx.config.requeue_dependency;
        let artifact = source
            .status
            .as_ref()
            .and_then(|status| status.artifact.clone());
        let artifact = artifact.ok_or_else(|| {
            let wait = GoDuration::from(requeue);
            failed(format!("Source artifact not found, retrying in {wait}"))
                .quiet(Next::Wait(requeue))
        })?;
        self.revision.clone_from(&artifact.revision);
        self.origin_revision = artifact
            .metadata
            .get("org.opencontainers.image.revision")
            .cloned();
        Ok((key, artifact))
    }

    /// Checks the dependencies. One that is only behind is waited for in silence for a moment.
    async fn meet_dependencies(&mut self) -> Result<Option<Success>, Failure> {
        if self.object.spec.depends_on.is_empty() {
            return Ok(None);
        }
        let mut fetched = std::collections::BTreeMap::new();
        for key in index::dependencies(&self.object) {
            // A dependency in another shard is not in the cache.
            if self.cx.kustomizations.get(&key).is_none() {
                let target = self.cx.resource.object(&key.namespace, &key.name);
                if let Ok(object) = self.cx.client.get::<Kustomization>(target).await {
                    fetched.insert(key, Arc::new(object));
                }
            }
        }
        let lookup = |key: &ObjectKey| {
            self.cx
                .kustomizations
                .get(key)
                .or_else(|| fetched.get(key).cloned())
        };
        let expressions = self.notes.expressions.clone();
        let rules = dependencies::Rules {
            ready: expressions.as_deref().map_or(&[], Expressions::ready),
            additive: self.cx.config.additive_ready_exprs,
        };
        let (message, behind) = match dependencies::met(&self.object, &self.revision, rules, lookup)
        {
            Ok(()) => {
                self.notes.behind_since = None;
                return Ok(None);
            }
            Err(Unmet::Invalid(error)) => return Err(Failure::expression(&error)),
            Err(Unmet::Yet { message, behind }) => (message, behind),
        };
        let since = *self.notes.behind_since.get_or_insert(self.started);
        if behind && since.elapsed() < BEHIND {
            return Ok(Some(Success::Parked(BEHIND)));
        }
        let requeue = self.cx.config.requeue_dependency;
        let text = format!(
            "Dependencies do not meet ready condition, retrying in {}",
            GoDuration::from(requeue)
        );
        Err(Failure {
            event: Some((Severity::Info, text)),
            next: Next::Wait(requeue),
            ..Failure::new(reason::DEPENDENCY_NOT_READY, message)
        })
    }

    fn snapshot(
        &self,
        source: &ObjectKey,
        artifact: &Artifact,
    ) -> Result<Option<Snapshot>, Failure> {
        let requeue = self.cx.config.requeue_dependency;
        let failed =
            |message: String| Failure::new(reason::kustomization::ARTIFACT_FAILED, message);
        match self.cx.artifacts.get(source, artifact) {
            Fetch::Ready(snapshot) => Ok(Some(snapshot)),
            Fetch::Pending => Ok(None),
            Fetch::Failed(FetchError::NotFound) => {
                let wait = GoDuration::from(requeue);
                let message =
                    format!("Source is not ready, artifact not found, retrying in {wait}");
                Err(failed(message).quiet(Next::After(requeue)))
            }
            Fetch::Failed(error) => Err(failed(error.to_string())),
        }
    }

    async fn facts(&self, snapshot: &Snapshot) -> Facts {
        let built = self.cx.memory.built(self.key);
        let built = built.as_deref();
        let same_reads = match built {
            Some(built) if built.read_set.unchanged_in(snapshot) => {
                post_build::holds(self.cx, built, &self.revision).await
            }
            _ => false,
        };
        let due = self.notes.full_due;
        Facts {
            built: built.is_some(),
            same_generation: built.is_some_and(|b| b.generation == self.generation()),
            reported: built.is_some_and(|b| b.revision == self.revision)
                && self.conditions.is_true(READY),
            same_reads,
            settled: built.is_some_and(|b| b.settled),
            waiting: self.notes.health.is_some(),
            requested: self.is_requested(),
            due_in: due.map_or(Duration::ZERO, |due| {
                due.saturating_duration_since(self.started)
            }),
        }
    }

    pub(super) fn generation(&self) -> i64 {
        self.conditions.generation()
    }

    /// Whether a person asked for a run that has not been made.
    pub(super) fn is_requested(&self) -> bool {
        let asked = watch::request(&*self.object);
        asked.is_some() && asked != self.held.status().last_handled_reconcile_at.as_deref()
    }

    /// Shows in memory what the run is at, and that Ready is open: events carry its reason.
    /// [`Self::publish`] shows it to others.
    pub(super) fn progress(&mut self, message: String) {
        self.conditions
            .set_reconciling(reason::PROGRESSING, message);
        self.open();
    }

    /// Leaves the status as the server holds it: the run had nothing to do after all.
    pub(super) fn take_back(&mut self) {
        let generation = self.generation();
        let conditions = self.held.status().conditions.clone();
        self.conditions = Conditions::new(conditions, generation, Timestamp::now());
        self.status = self.held.status().clone();
    }

    fn open(&mut self) {
        self.conditions
            .set_unknown(READY, reason::PROGRESSING, "Reconciliation in progress");
    }

    /// Tells what the run is at, and that Ready is open.
    pub(super) async fn publish(&mut self) -> Result<(), Failure> {
        self.open();
        self.write().await.map_err(|error| Failure::api(&error))
    }

    /// Writes what differs from the server's status.
    pub(super) async fn write(&mut self) -> Result<(), ApiError> {
        self.status.conditions = self.conditions.as_list().to_vec();
        for condition in &mut self.status.conditions {
            // What ends as it was has not changed, whatever it was in between.
            let before = self
                .held
                .status()
                .conditions
                .iter()
                .find(|c| c.r#type == condition.r#type);
            if let Some(before) = before
                && (before.status, &before.reason, &before.message)
                    == (condition.status, &condition.reason, &condition.message)
            {
                condition.last_transition_time = before.last_transition_time;
            }
        }
        let to = writer(self.cx, self.key);
        self.held.write(to, self.status.clone()).await
    }

    /// The object as events name it.
    pub(super) fn reference(&self) -> ObjectReference {
        ObjectReference {
            api_version: self.cx.resource.api_version(),
            kind: super::NAME.kind.to_owned(),
            name: self.key.name.to_string(),
            namespace: self.key.namespace.to_string(),
            resource_version: self.held.version().to_owned(),
            uid: self.object.uid().unwrap_or_default(),
            field_path: String::new(),
        }
    }

    /// The jittered interval, and when it ends.
    pub(super) fn next_full(&mut self) -> Duration {
        let interval = self.object.spec.interval.into();
        let wait = jittered(interval, self.cx.config.jitter, random_unit());
        self.notes.full_due = Some(Instant::now() + wait);
        wait
    }
}

fn writer<'a>(cx: &'a Context, key: &'a ObjectKey) -> Writer<'a> {
    Writer {
        client: &cx.client,
        target: cx.resource.object(&key.namespace, &key.name),
        field_manager: STATUS_MANAGER,
    }
}
