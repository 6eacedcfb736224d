//! One run's hold on its object: what the server holds, what is to be written, and the writing.

use std::sync::Arc;

use api::{
    event::ObjectReference,
    meta::FINALIZER,
    source::{GitRepository, GitRepositoryStatus},
};
use jiff::Timestamp;
use kube::ResourceExt;
use runtime::{
    ObjectKey,
    client::ApiError,
    events::{self, Event},
    status,
};

use super::{NAME, draft::Draft, memory::Notes, report::Note};
use crate::context::{CONTROLLER, Context};

/// See the module.
pub(super) struct Session<'a> {
    pub(super) ctx: &'a Context,
    pub(super) key: &'a ObjectKey,
    pub(super) object: Arc<GitRepository>,
    /// The status at the beginning of the run.
    pub(super) before: GitRepositoryStatus,
    pub(super) draft: Draft,
    pub(super) notes: Notes,
    held: GitRepositoryStatus,
    version: String,
}

impl<'a> Session<'a> {
    /// Begins a run on an object of the cache.
    pub(super) fn open(ctx: &'a Context, key: &'a ObjectKey, object: Arc<GitRepository>) -> Self {
        let mut notes = ctx.memory.take(key);
        let version = object.resource_version().unwrap_or_default();
        let cached = object.status.clone().unwrap_or_default();
        let held = notes.unseen.current(&version, &cached);
        let generation = object.metadata.generation.unwrap_or_default();
        Self {
            ctx,
            key,
            before: held.clone(),
            draft: Draft::new(&held, generation, Timestamp::now()),
            notes,
            held,
            version,
            object,
        }
    }

    /// Ends the run.
    pub(super) fn close(self) {
        self.ctx.memory.put(self.key, self.notes);
    }

    /// Identity of the object; never empty for one from the API server.
    pub(super) fn uid(&self) -> String {
        self.object.uid().unwrap_or_default()
    }

    /// Adds our finalizer if it is missing.
    pub(super) async fn add_finalizer(&mut self) -> Result<(), ApiError> {
        let mut finalizers = self.object.finalizers().to_vec();
        if finalizers.iter().any(|name| name == FINALIZER) {
            return Ok(());
        }
        finalizers.push(FINALIZER.to_owned());
        self.set_finalizers(&finalizers).await
    }

    /// Removes our finalizer and leaves others alone.
    pub(super) async fn remove_finalizer(&mut self) -> Result<(), ApiError> {
        let mut finalizers = self.object.finalizers().to_vec();
        finalizers.retain(|name| name != FINALIZER);
        if finalizers.len() == self.object.finalizers().len() {
            return Ok(());
        }
        self.set_finalizers(&finalizers).await
    }

    async fn set_finalizers(&mut self, finalizers: &[String]) -> Result<(), ApiError> {
        let target = self
            .ctx
            .resource
            .object(&self.key.namespace, &self.key.name);
        let version = status::set_finalizers(
            &self.ctx.client,
            target,
            CONTROLLER,
            &self.version,
            finalizers,
        )
        .await?;
        self.notes.unseen.wrote(&self.version, self.held.clone());
        self.version = version;
        Ok(())
    }

    /// Writes the draft; nothing when it is what the server holds.
    pub(super) async fn write(&mut self) -> Result<(), ApiError> {
        let status = self.draft.to_status(&self.held);
        let target = self
            .ctx
            .resource
            .object(&self.key.namespace, &self.key.name);
        let written =
            status::patch(&self.ctx.client, target, CONTROLLER, &self.held, &status).await?;
        if let Some(version) = written {
            self.notes.unseen.wrote(&self.version, status.clone());
            self.version = version;
            self.held = status;
        }
        Ok(())
    }

    /// Tells something of the object.
    pub(super) fn record(&self, note: Note) {
        let mut metadata = events::inherited(self.object.metadata.annotations.as_ref());
        metadata.extend(note.metadata);
        self.ctx.recorder.record(Event {
            object: ObjectReference {
                api_version: format!("{}/v1", NAME.group),
                kind: NAME.kind.to_owned(),
                name: self.key.name.to_string(),
                namespace: self.key.namespace.to_string(),
                resource_version: self.version.clone(),
                uid: self.uid(),
                field_path: String::new(),
            },
            severity: note.severity,
            reason: note.reason.to_owned(),
            message: note.message,
            metadata,
            audience: note.audience,
        });
    }
}
