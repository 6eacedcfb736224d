//! Applying a set of objects, stage by stage.
//!
//! A stage has two phases. In phase A each object is looked at: what would the server make of it?
//! If one is refused, nothing of the stage is written. In phase B what would change is written.
//! Both phases send requests side by side, at most `concurrent` at a time, and the client's own
//! limit holds across sets; results are in apply order whatever came back first.
//!
//! Requests per object:
//!
//! | what is known | outcome | requests |
//! |---|---|---|
//! | same content as last applied, [`Mode::Changed`] | unchanged | 0 |
//! | left alone by its own annotation | skipped | 0 |
//! | create-only | skipped | 1: GET |
//! | create-only | created | 3: GET, dry run, apply |
//! | same content as last applied, [`Mode::Full`] | unchanged | 1: dry run |
//! | same content as last applied, [`Mode::Full`] | drift corrected | 3: dry run, GET, apply |
//! | other content than last applied | configured | 2: dry run, apply |
//! | nothing | created | 2: dry run, apply |
//! | nothing, but it exists | unchanged (adopted) | 2: dry run, GET |
//! | nothing, but it exists | configured | 3: dry run, GET, apply |
//! | managers to take over | configured | 4: dry run, GET, cleanup, apply |
//! | a field cannot change, forced | created | 6 or more: dry run, GET, dry run of the creation, DELETE, GETs until it is gone, apply |
//!
//! The dry run alone tells that nothing changes: the server moves the time of our `managedFields`
//! entry exactly when an apply changes something, and otherwise answers with the old one. Times have
//! whole seconds, so that the shortcut is not taken within [`TIME_RESOLUTION`] of the last look.
//! A field of a built-in kind that the server does not know costs one dry run more.
//! Where fields are ignored and the dry run shows a change, the live object is always read.
//! An object that says `reconcile` or `ssa` itself costs a GET more, because the live object may say
//! otherwise and a dry run hides that.
//!
//! Source: fluxcd/pkg `ssa/manager_apply.go` (0.77), which sends a GET and a dry run for every
//! object.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures::{StreamExt, stream};
use runtime::client::{Client, Mapper};
use serde_json::Value;
use tokio::time::Instant;

use crate::{
    error::ApplyError,
    health::{CustomStatus, HealthCheck, HealthTarget, Readiness},
    ignore::IgnoreRules,
    inventory::Entry,
    managed_fields::{Ownership, Takeover, takeovers},
    object::{ContentHash, Object, ObjectId},
    request::{Done, Planned, Request, served_by},
    stage::{Stage, StageKinds, stages, wave},
    wait_gone::Backoff,
};

/// Within this time of a look at an object, the time of its `managedFields` entry proves nothing.
pub const TIME_RESOLUTION: Duration = Duration::from_secs(2);

/// What happened to an object. Printed as Flux prints it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It was not there.
    Created,
    /// It was different.
    Configured,
    /// It was right.
    Unchanged,
    /// It is to be left alone.
    Skipped,
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
            Self::Skipped => "skipped",
        })
    }
}

/// An object as it was when last applied or found right.
#[derive(Clone, Debug)]
pub struct Known {
    /// Hash of the content that was wanted.
    pub hash: ContentHash,
    /// The object's uid.
    pub uid: String,
    /// Its resource version then.
    pub resource_version: String,
    /// Our `managedFields` entry then; `None` for an object that was right before we ever wrote it.
    pub ownership: Option<Ownership>,
    /// When it was looked at.
    pub seen: Instant,
}

/// What is known of the objects of a set.
pub type State = HashMap<ObjectId, Known>;

/// How far the known state is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// An object whose wanted content is what was last applied is right.
    Changed,
    /// Every object is verified.
    Full,
}

/// What became of one object.
#[derive(Clone, Debug)]
pub struct Applied {
    /// Which object. In no namespace if its kind has none, whatever the manifest says.
    pub id: ObjectId,
    /// The version that it was applied in.
    pub version: String,
    /// What was done.
    pub action: Action,
    /// What to hand in as [`State`] next time; `None` for a skipped object.
    pub known: Option<Known>,
    /// Fields that were left out because the server does not know them, as it prints them
    /// (`.spec.replcas`). Flux leaves them out without a word; a caller should say one. Empty when no
    /// request was sent.
    pub dropped: Vec<String>,
}

impl Applied {
    /// The inventory entry.
    pub fn entry(&self) -> Entry {
        Entry {
            id: self.id.clone(),
            version: self.version.clone(),
        }
    }
}

/// A set was not applied, or not all of it.
#[derive(Debug)]
pub struct Failure {
    /// Of several, that of the first object in apply order. This error's text is its text, and this
    /// error's sources are its sources.
    pub error: ApplyError,
    /// The objects of the stages before, in apply order.
    pub done: Vec<Applied>,
    /// The objects of the failed stage that were written all the same.
    pub partial: Vec<Applied>,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

/// How to apply.
#[derive(Clone)]
pub struct Options {
    /// The field manager.
    pub manager: String,
    /// Managers to take over: see [`takeovers`].
    pub takeovers: Vec<Takeover>,
    /// Requests of one set in flight.
    pub concurrent: usize,
    /// Kinds with a stage of their own.
    pub stage_kinds: StageKinds,
    /// Whether to recreate objects of which a field cannot change: `spec.force`.
    pub force: bool,
    /// Whether to move `managedFields` entries to the version applied.
    pub migrate_api_version: bool,
    /// How long the objects of an awaited stage may take to become ready.
    pub stage_timeout: Duration,
    /// How long an object that is to be recreated may take to go.
    pub delete_timeout: Duration,
    /// The user's own health checks; they count for awaited stages too.
    pub custom_status: Option<Arc<dyn CustomStatus>>,
    /// Fields that are left to others: `spec.ignore`.
    pub ignore: Option<Arc<dyn IgnoreRules>>,
    /// Who says of a stale object that the user may not read whether it is the owner's at all.
    pub witness: Option<Client>,
}

impl Options {
    /// Flux's defaults for a field manager: 4 requests in flight, one minute for a stage. A deletion
    /// has a minute too, where Flux waits for ever.
    pub fn new(manager: &str) -> Self {
        Self {
            manager: manager.to_owned(),
            takeovers: takeovers(manager, &[]),
            concurrent: 4,
            stage_kinds: StageKinds::default(),
            force: false,
            migrate_api_version: false,
            stage_timeout: Duration::from_mins(1),
            delete_timeout: Duration::from_mins(1),
            custom_status: None,
            ignore: None,
            witness: None,
        }
    }
}

/// Applies, prunes and checks objects on one server as one user. Cheap to clone.
#[derive(Clone)]
pub struct Applier {
    pub(crate) client: Client,
    pub(crate) mapper: Mapper,
    pub(crate) options: Arc<Options>,
}

impl Applier {
    /// An applier that sends its requests by `client`; `mapper` may be shared with other users.
    pub fn new(client: Client, mapper: Mapper, options: Options) -> Self {
        Self {
            client,
            mapper,
            options: Arc::new(options),
        }
    }

    /// Takes the namespace from objects of cluster-scoped kinds, so that their ids are those under
    /// which the server knows them. Scopes come from the server or from the definitions in the set;
    /// an object of an unknown kind stays as it is.
    ///
    /// A caller that records what it is about to apply must do so with the ids of the result.
    pub async fn resolve(&self, objects: Vec<Object>) -> Vec<Object> {
        let mut defined = HashMap::new();
        for resource in objects.iter().flat_map(served_by) {
            defined.insert((resource.group, resource.kind), resource.namespaced);
        }
        let mut resolved = Vec::with_capacity(objects.len());
        for object in objects {
            let id = object.id();
            let namespaced = if id.namespace.is_empty() {
                true
            } else if let Some(namespaced) = defined.get(&(id.group.clone(), id.kind.clone())) {
                *namespaced
            } else {
                let resource = self.mapper.resource(&object.gvk()).await;
                resource.map_or(true, |resource| resource.namespaced)
            };
            resolved.push(if namespaced {
                object
            } else {
                object.without_namespace()
            });
        }
        resolved
    }

    /// Applies `objects`, and returns what became of each, in apply order.
    ///
    /// Dropping the future stops between requests; what was written stays written.
    ///
    /// # Errors
    /// When an object is refused, a write fails, or a stage does not become ready. Stages before the
    /// failed one stay applied.
    pub async fn apply(
        &self,
        objects: Vec<Object>,
        state: &State,
        mode: Mode,
    ) -> Result<Vec<Applied>, Failure> {
        let objects = self.resolve(objects).await;
        let mut done = Vec::with_capacity(objects.len());
        for (stage, objects) in stages(objects, &self.options.stage_kinds) {
            match self.apply_stage(stage, &objects, state, mode).await {
                Ok(applied) => done.extend(applied),
                Err((error, partial)) => {
                    return Err(Failure {
                        error,
                        done,
                        partial,
                    });
                }
            }
        }
        Ok(done)
    }

    async fn apply_stage(
        &self,
        stage: Stage,
        objects: &[Object],
        state: &State,
        mode: Mode,
    ) -> Result<Vec<Applied>, (ApplyError, Vec<Applied>)> {
        let requests: Vec<_> = objects
            .iter()
            .map(|object| Request {
                applier: self,
                object,
                known: state.get(object.id()),
                stage,
            })
            .collect();
        let prepared = self
            .side_by_side(&requests, |request| request.prepare(mode))
            .await;
        let mut planned = Vec::with_capacity(prepared.len());
        for plan in prepared {
            planned.push(plan.map_err(|error| (error, Vec::new()))?);
        }

        let mut results: Vec<Option<Done>> = Vec::new();
        results.resize_with(planned.len(), || None);
        let mut work = Vec::new();
        for (at, (request, plan)) in requests.iter().zip(planned).enumerate() {
            match plan {
                Planned::Nothing(done) => {
                    if let Some(slot) = results.get_mut(at) {
                        *slot = Some(done);
                    }
                }
                Planned::Write(write) => work.push((at, request, write)),
            }
        }
        let mut failed = None;
        for wave in work.chunk_by(|a, b| wave(a.1.object.id()) == wave(b.1.object.id())) {
            let written = self
                .side_by_side(wave, |(_, request, write)| request.write(write))
                .await;
            for ((at, ..), outcome) in wave.iter().zip(written) {
                match outcome {
                    Ok(done) => {
                        if let Some(slot) = results.get_mut(*at) {
                            *slot = Some(done);
                        }
                    }
                    Err(error) => failed = failed.or(Some(error)),
                }
            }
            if failed.is_some() {
                break;
            }
        }
        let (applied, pending) = collect(objects, results);
        if let Some(error) = failed {
            let written =
                |one: &Applied| matches!(one.action, Action::Created | Action::Configured);
            return Err((error, applied.into_iter().filter(written).collect()));
        }
        if stage.is_awaited() {
            if let Err(error) = self.await_ready(pending).await {
                return Err((error, applied));
            }
            let changed = objects
                .iter()
                .zip(&applied)
                .filter(|(_, one)| matches!(one.action, Action::Created | Action::Configured));
            for resource in changed.flat_map(|(object, _)| served_by(object)) {
                self.mapper.learn(resource);
            }
        }
        Ok(applied)
    }

    /// Waits until all of `pending` are ready.
    async fn await_ready(&self, pending: Vec<HealthTarget>) -> Result<(), ApplyError> {
        let deadline = Instant::now() + self.options.stage_timeout;
        let mut backoff = Backoff::new();
        let mut check = HealthCheck::new(pending, self.options.custom_status.clone());
        loop {
            let summary = check.check_once(self).await;
            if summary.readiness(false) == Readiness::Ready {
                return Ok(());
            }
            if !backoff.sleep(deadline).await {
                return Err(ApplyError::NotReady(summary.timeout_message()));
            }
        }
    }

    /// Runs `each` on all items, `concurrent` at a time. Results are in the order of the items.
    pub(crate) async fn side_by_side<'a, T, F, R>(
        &self,
        items: &'a [T],
        each: impl Fn(&'a T) -> F,
    ) -> Vec<R>
    where
        F: Future<Output = R> + 'a,
    {
        let futures: Vec<_> = items.iter().map(each).collect();
        stream::iter(futures)
            .buffered(self.options.concurrent.max(1))
            .collect()
            .await
    }
}

/// Splits what was done into the results and what the next stage still has to wait for.
fn collect(objects: &[Object], results: Vec<Option<Done>>) -> (Vec<Applied>, Vec<HealthTarget>) {
    let mut applied = Vec::with_capacity(objects.len());
    let mut pending = Vec::new();
    for (object, done) in objects.iter().zip(results) {
        let Some(done) = done else { continue };
        if !done.ready {
            pending.push(HealthTarget::of(object));
        }
        applied.push(Applied {
            id: object.id().clone(),
            version: object.version().to_owned(),
            action: done.action,
            known: done.known,
            dropped: done.dropped,
        });
    }
    (applied, pending)
}

/// The text at `pointer`, or nothing.
pub(crate) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}
