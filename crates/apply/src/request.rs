//! One object of a stage: what to do about it (phase A), and doing it (phase B).

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use runtime::client::{
    ApiError, ApplyOptions, DeleteOptions, Propagation, ResourceRef, Target, WriteOptions,
};
use serde_json::Value;
use tokio::time::Instant;

use crate::{
    apply::{Action, Applier, Known, Mode, TIME_RESOLUTION, text},
    control,
    error::ApplyError,
    health::kstatus,
    ignore, immutable, managed_fields,
    object::Object,
    recreate,
    stage::Stage,
    undeclared,
    wait_gone::{Backoff, wait_gone},
};

/// How long after its definition is established a kind may take to be served.
const SERVED_WITHIN: Duration = Duration::from_secs(5);

/// How often a cleanup is tried when the object changes under way.
const CLEANUP_TRIES: usize = 3;

pub(crate) struct Request<'a> {
    pub(crate) applier: &'a Applier,
    pub(crate) object: &'a Object,
    pub(crate) known: Option<&'a Known>,
    pub(crate) stage: Stage,
}

/// What phase A decides.
pub(crate) enum Planned {
    Nothing(Done),
    Write(Write),
}

/// What phase B is to do.
pub(crate) struct Write {
    resource: Arc<ResourceRef>,
    how: How,
    sent: Sent,
}

/// What is sent for an object: it, less what cannot or must not be sent.
struct Sent {
    json: Value,
    body: Bytes,
    /// The fields that the server does not know, as it prints them.
    dropped: Vec<String>,
}

enum How {
    /// It is not there.
    Create,
    /// It is there, in this version.
    Update {
        resource_version: String,
        clean: bool,
        migrate: bool,
    },
    /// It is there and a field cannot change; the server would accept it as new.
    Recreate { uid: String },
}

/// What was done.
pub(crate) struct Done {
    pub(crate) action: Action,
    pub(crate) known: Option<Known>,
    /// Whether the object is known to be ready.
    pub(crate) ready: bool,
    /// Fields that were left out because the server does not know them.
    pub(crate) dropped: Vec<String>,
}

impl Done {
    fn skipped() -> Self {
        Self {
            action: Action::Skipped,
            known: None,
            ready: false,
            dropped: Vec::new(),
        }
    }
}

impl Request<'_> {
    /// Phase A: changes nothing on the server.
    pub(crate) async fn prepare(&self, mode: Mode) -> Result<Planned, ApplyError> {
        let wanted = self.object.json();
        if control::is_left_alone(wanted) {
            return Ok(Planned::Nothing(Done::skipped()));
        }
        if let (Mode::Changed, Some(known)) = (mode, self.known)
            && known.hash == self.object.hash()
        {
            let known = Some(known.clone());
            return Ok(Planned::Nothing(Done {
                action: Action::Unchanged,
                known,
                ready: true,
                dropped: Vec::new(),
            }));
        }
        let resource = self.applier.mapper.resource(&self.object.gvk()).await;
        let resource = resource.map_err(|error| self.refused(error))?;
        let mut live = None;
        if control::is_create_only(wanted)
            || control::mentions(wanted, "reconcile")
            || control::mentions(wanted, "ssa")
        {
            live = self.live(&resource).await?;
            let left = live.as_ref().is_some_and(|live| {
                control::is_create_only(wanted) || control::is_left_alone(live)
            });
            if left {
                return Ok(Planned::Nothing(Done::skipped()));
            }
        }
        match self.dry_run_when_served(&resource).await {
            Ok((preview, sent)) => self.decide(resource, live, &preview, sent).await,
            Err(error) => self.object_to(resource, live, error).await,
        }
    }

    /// What to do, given what the server would make of the object.
    async fn decide(
        &self,
        resource: Arc<ResourceRef>,
        live: Option<Value>,
        preview: &Value,
        mut sent: Sent,
    ) -> Result<Planned, ApplyError> {
        let resource_version = text(preview, "/metadata/resourceVersion").to_owned();
        if resource_version.is_empty() {
            return Ok(Planned::Write(Write {
                resource,
                how: How::Create,
                sent,
            }));
        }
        if control::is_left_alone(preview) {
            return Ok(Planned::Nothing(Done::skipped()));
        }
        let options = &self.applier.options;
        let merged = live.as_ref().is_some_and(control::is_merged);
        let clean =
            !merged && managed_fields::needs_cleanup(preview, &options.manager, &options.takeovers);
        let migrate = options.migrate_api_version
            && managed_fields::needs_migration(preview, &resource.api_version());
        let how = How::Update {
            resource_version,
            clean,
            migrate,
        };
        let edit = clean || migrate;
        let ignored = options
            .ignore
            .as_ref()
            .map(|rules| rules.paths(preview))
            .unwrap_or_default();
        if !edit
            && let Some(known) = self.known
            && self.is_proved_unchanged(known, preview)
        {
            return Ok(Planned::Nothing(self.unchanged(preview, sent)));
        }
        let is_new = self
            .known
            .is_some_and(|known| known.hash != self.object.hash());
        if ignored.is_empty() && (edit || is_new) {
            return Ok(Planned::Write(Write {
                resource,
                how,
                sent,
            }));
        }
        let live = match live {
            Some(live) => Some(live),
            None => self.live(&resource).await?,
        };
        let Some(live) = live else {
            return Ok(Planned::Write(Write {
                resource,
                how: How::Create,
                sent,
            }));
        };
        if !edit && !ignore::differs(&live, preview, &ignored) {
            return Ok(Planned::Nothing(self.unchanged(&live, sent)));
        }
        if !ignored.is_empty() {
            let (manager, takeovers) = (options.manager.as_str(), options.takeovers.as_slice());
            let parties = ignore::Parties { manager, takeovers };
            sent.json = ignore::adjust(&sent.json, &live, preview, &ignored, parties);
            sent.body = sent.json.to_string().into();
        }
        Ok(Planned::Write(Write {
            resource,
            how,
            sent,
        }))
    }

    /// Whether the dry run alone shows that applying changes nothing: see [`crate::apply`].
    fn is_proved_unchanged(&self, known: &Known, preview: &Value) -> bool {
        let now = managed_fields::ownership(preview, &self.applier.options.manager);
        known.hash == self.object.hash()
            && known.uid == text(preview, "/metadata/uid")
            && known.seen.elapsed() >= TIME_RESOLUTION
            && known
                .ownership
                .as_ref()
                .zip(now)
                .is_some_and(|(then, now)| then.time == now.time)
    }

    /// What to do, given that the server would not accept the object.
    async fn object_to(
        &self,
        resource: Arc<ResourceRef>,
        live: Option<Value>,
        error: ApiError,
    ) -> Result<Planned, ApplyError> {
        let placed = !resource.namespaced || !self.object.id().namespace.is_empty();
        if error.is_unserved() && placed {
            self.applier.mapper.forget(&resource);
        }
        if matches!(
            error,
            ApiError::Unreachable { .. } | ApiError::Timeout { .. }
        ) {
            return Err(self.refused(error));
        }
        // The first error is what the user must see, even if the server cannot be asked again.
        let live = match live {
            Some(live) => Some(live),
            None => self.live(&resource).await.unwrap_or(None),
        };
        let Some(live) = live else {
            if !immutable::is_immutable(&error) {
                return Err(self.refused(error));
            }
            // What could not change is gone since.
            let preview = self.dry_run(&resource).await;
            let (preview, sent) = preview.map_err(|error| self.refused(error))?;
            return self.decide(resource, None, &preview, sent).await;
        };
        if control::is_left_alone(&live) {
            return Ok(Planned::Nothing(Done::skipped()));
        }
        let options = &self.applier.options;
        let forced =
            options.force || control::is_forced(self.object.json()) || control::is_forced(&live);
        if !forced || !immutable::is_immutable(&error) {
            return Err(self.refused(error));
        }
        recreate::verify(
            &self.applier.client,
            &resource,
            self.object,
            &live,
            &options.manager,
        )
        .await
        .map_err(|error| self.refused(error))?;
        let uid = text(&live, "/metadata/uid").to_owned();
        let how = How::Recreate { uid };
        Ok(Planned::Write(Write {
            resource,
            how,
            sent: self.whole(),
        }))
    }

    /// Phase B.
    pub(crate) async fn write(&self, write: &Write) -> Result<Done, ApplyError> {
        let mut before = None;
        match &write.how {
            How::Create => {}
            How::Update {
                resource_version,
                clean,
                migrate,
            } => {
                before = Some(resource_version.as_str());
                if *migrate {
                    let version = write.resource.api_version();
                    let edit = |live: &Value| managed_fields::migration(live, &version);
                    self.edit(&write.resource, edit).await.map_err(|error| {
                        ApplyError::Migrate {
                            id: self.object.id().clone(),
                            error,
                        }
                    })?;
                }
                if *clean {
                    let options = &self.applier.options;
                    let edit = |live: &Value| {
                        managed_fields::cleanup(live, &options.manager, &options.takeovers)
                    };
                    self.edit(&write.resource, edit).await.map_err(|error| {
                        ApplyError::Cleanup {
                            id: self.object.id().clone(),
                            error,
                        }
                    })?;
                }
            }
            How::Recreate { uid } => self.remove(&write.resource, uid).await?,
        }
        let result = self
            .send(&write.resource, write.sent.body.clone(), false)
            .await
            .map_err(|error| ApplyError::Apply {
                id: self.object.id().clone(),
                error,
            })?;
        let action = match before {
            None => Action::Created,
            Some(before) if before == text(&result, "/metadata/resourceVersion") => {
                Action::Unchanged
            }
            Some(_) => Action::Configured,
        };
        Ok(Done {
            action,
            known: Some(self.known(&result)),
            ready: self.is_ready(&result),
            dropped: write.sent.dropped.clone(),
        })
    }

    /// Patches the live object by what `edit` makes of it, until it did not change meanwhile.
    async fn edit(
        &self,
        resource: &ResourceRef,
        edit: impl Fn(&Value) -> Vec<Value>,
    ) -> Result<(), ApiError> {
        let mut tries = 0;
        loop {
            let live: Value = self
                .applier
                .client
                .get_metadata(self.target(resource))
                .await?;
            let patch = edit(&live);
            if patch.is_empty() {
                return Ok(());
            }
            let body = Value::from(patch).to_string().into();
            let options = WriteOptions {
                field_manager: Some(&self.applier.options.manager),
                ..WriteOptions::default()
            };
            let target = self.target(resource);
            match self
                .applier
                .client
                .json_patch::<Value>(target, body, options)
                .await
            {
                Err(error) if error.is_conflict() && tries + 1 < CLEANUP_TRIES => tries += 1,
                answer => return answer.map(|_| ()),
            }
        }
    }

    /// Deletes the live object and waits until it is gone.
    async fn remove(&self, resource: &ResourceRef, uid: &str) -> Result<(), ApplyError> {
        let id = || self.object.id().clone();
        let options = DeleteOptions {
            propagation: Some(Propagation::Background),
            uid: Some(uid),
            ..DeleteOptions::default()
        };
        match self
            .applier
            .client
            .delete(self.target(resource), options)
            .await
        {
            Err(error) if !error.is_not_found() => {
                return Err(ApplyError::Delete { id: id(), error });
            }
            _ => {}
        }
        let deadline = Instant::now() + self.applier.options.delete_timeout;
        wait_gone(&self.applier.client, self.target(resource), uid, deadline)
            .await
            .map_err(|error| ApplyError::WaitDeleted { id: id(), error })
    }

    /// As [`Self::dry_run`], once the server serves the kind: its handler hears of a definition a moment after everybody
    /// can read that it is established. Source: apiextensions-apiserver `customresource_handler.go`.
    async fn dry_run_when_served(&self, resource: &ResourceRef) -> Result<(Value, Sent), ApiError> {
        let placed = !resource.namespaced || !self.object.id().namespace.is_empty();
        let mut backoff = Backoff::new();
        loop {
            let answer = self.dry_run(resource).await;
            let unserved = placed && answer.as_ref().is_err_and(ApiError::is_unserved);
            match self.applier.mapper.learned(resource) {
                Some(since) if unserved && backoff.sleep(since + SERVED_WITHIN).await => {}
                _ => return answer,
            }
        }
    }

    /// What the server would make of the object, and what of it was sent.
    async fn dry_run(&self, resource: &ResourceRef) -> Result<(Value, Sent), ApiError> {
        let mut sent = self.whole();
        loop {
            match self.send(resource, sent.body.clone(), true).await {
                Ok(preview) => return Ok((preview, sent)),
                Err(error) if !self.drop_undeclared(&mut sent, &error) => return Err(error),
                Err(_) => {}
            }
        }
    }

    /// Leaves out what `error` says the server does not know; `false` when that is not the fault.
    fn drop_undeclared(&self, sent: &mut Sent, error: &ApiError) -> bool {
        let ApiError::Status(status) = error else {
            return false;
        };
        let paths = undeclared::paths(&status.message);
        // Each round removes something that is there, so that the rounds end.
        let dropped = !paths.is_empty()
            && undeclared::are_dropped(self.object.id())
            && undeclared::strip(&mut sent.json, &paths);
        if dropped {
            sent.body = sent.json.to_string().into();
            sent.dropped.extend(paths.into_iter().map(str::to_owned));
        }
        dropped
    }

    fn whole(&self) -> Sent {
        let (json, body) = (self.object.json().clone(), self.object.body());
        Sent {
            json,
            body,
            dropped: Vec::new(),
        }
    }

    async fn send(
        &self,
        resource: &ResourceRef,
        body: Bytes,
        dry_run: bool,
    ) -> Result<Value, ApiError> {
        let options = ApplyOptions {
            field_manager: &self.applier.options.manager,
            force: true,
            dry_run,
            field_validation: None,
        };
        let (client, target) = (&self.applier.client, self.target(resource));
        // An awaited stage looks at the status of what it wrote, a dry run is compared; else the
        // metadata suffices.
        if dry_run || self.stage.is_awaited() {
            client.apply(target, body, options).await
        } else {
            client.apply_metadata(target, body, options).await
        }
    }

    async fn live(&self, resource: &ResourceRef) -> Result<Option<Value>, ApplyError> {
        match self.applier.client.get(self.target(resource)).await {
            Ok(live) => Ok(Some(live)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(self.refused(error)),
        }
    }

    fn target<'a>(&'a self, resource: &'a ResourceRef) -> Target<'a> {
        let id = self.object.id();
        resource.object(&id.namespace, &id.name)
    }

    fn unchanged(&self, live: &Value, sent: Sent) -> Done {
        Done {
            action: Action::Unchanged,
            known: Some(self.known(live)),
            ready: self.is_ready(live),
            dropped: sent.dropped,
        }
    }

    fn known(&self, live: &Value) -> Known {
        Known {
            hash: self.object.hash(),
            uid: text(live, "/metadata/uid").to_owned(),
            resource_version: text(live, "/metadata/resourceVersion").to_owned(),
            ownership: managed_fields::ownership(live, &self.applier.options.manager),
            seen: Instant::now(),
        }
    }

    /// Only asked in awaited stages, whose answers are whole objects. What the user's own health
    /// checks cover is asked for again.
    fn is_ready(&self, live: &Value) -> bool {
        self.stage.is_awaited()
            && self.applier.options.custom_status.is_none()
            && kstatus::status(live, jiff::Timestamp::UNIX_EPOCH).status == kstatus::Status::Current
    }

    fn refused(&self, error: ApiError) -> ApplyError {
        ApplyError::DryRun {
            id: self.object.id().clone(),
            error,
        }
    }
}

/// The resources that a definition makes the server serve; none for other objects.
pub(crate) fn served_by(object: &Object) -> Vec<ResourceRef> {
    if object.id().group != "apiextensions.k8s.io" {
        return Vec::new();
    }
    let json = object.json();
    let versions = json
        .pointer("/spec/versions")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    versions
        .filter(|version| version.get("served").is_some_and(|served| served == true))
        .map(|version| ResourceRef {
            group: text(json, "/spec/group").to_owned(),
            version: text(version, "/name").to_owned(),
            kind: text(json, "/spec/names/kind").to_owned(),
            plural: text(json, "/spec/names/plural").to_owned(),
            namespaced: text(json, "/spec/scope") == "Namespaced",
        })
        .collect()
}

#[cfg(test)]
mod tests;
