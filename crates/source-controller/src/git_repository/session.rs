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
    held::{Held, Writer},
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
    held: Held<GitRepositoryStatus>,
}

impl<'a> Session<'a> {
    /// Begins a run on an object of the cache.
    pub(super) fn open(ctx: &'a Context, key: &'a ObjectKey, object: Arc<GitRepository>) -> Self {
        let mut notes = ctx.memory.take(key);
        let cached = object.status.clone().unwrap_or_default();
        let held = Held::begin(notes.held.take(), &object.metadata, &cached);
        let generation = object.metadata.generation.unwrap_or_default();
        Self {
            ctx,
            key,
            before: held.status().clone(),
            draft: Draft::new(held.status(), generation, Timestamp::now()),
            notes,
            held,
            object,
        }
    }

    /// Ends the run.
    pub(super) fn close(mut self) {
        self.notes.held = self.held.end();
        self.ctx.memory.put(self.key, self.notes);
    }

    /// Identity of the object; never empty for one from the API server.
    pub(super) fn uid(&self) -> String {
        self.object.uid().unwrap_or_default()
    }

    /// Adds our finalizer if it is missing.
    pub(super) async fn add_finalizer(&mut self) -> Result<(), ApiError> {
        let to = writer(self.ctx, self.key);
        self.held.add_finalizer(to, FINALIZER).await
    }

    /// Removes our finalizer and leaves others alone.
    pub(super) async fn remove_finalizer(&mut self) -> Result<(), ApiError> {
        let to = writer(self.ctx, self.key);
        self.held.remove_finalizer(to, FINALIZER).await
    }

    /// Writes the draft; nothing when it is what the server holds.
    pub(super) async fn write(&mut self) -> Result<(), ApiError> {
        let status = self.draft.to_status(self.held.status());
        self.held.write(writer(self.ctx, self.key), status).await
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
                resource_version: self.held.version().to_owned(),
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

fn writer<'a>(ctx: &'a Context, key: &'a ObjectKey) -> Writer<'a> {
    Writer {
        client: &ctx.client,
        target: ctx.resource.object(&key.namespace, &key.name),
        field_manager: CONTROLLER,
    }
}
