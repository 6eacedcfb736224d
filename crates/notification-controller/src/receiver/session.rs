//! One run's hold on its object: what the server holds, and the writing.

use std::sync::Arc;

use api::{
    event::ObjectReference,
    meta::FINALIZER,
    notification::{Receiver, ReceiverStatus},
};
use kube::ResourceExt;
use runtime::{
    ObjectKey,
    client::ApiError,
    events::{self, Audience, Event},
    held::{Held, Writer},
};

use super::{NAME, draft::Note, reconcile::ReceiverReconciler};
use crate::context::CONTROLLER;

/// See the module.
pub(super) struct Session<'a> {
    pub(super) of: &'a ReceiverReconciler,
    pub(super) key: &'a ObjectKey,
    pub(super) object: Arc<Receiver>,
    pub(super) held: Held<ReceiverStatus>,
}

impl<'a> Session<'a> {
    /// Begins a run on an object of the cache.
    pub(super) fn open(
        of: &'a ReceiverReconciler,
        key: &'a ObjectKey,
        object: Arc<Receiver>,
    ) -> Self {
        let cached = object.status.clone().unwrap_or_default();
        Self {
            of,
            key,
            held: Held::begin(of.memory.take(key), &object.metadata, &cached),
            object,
        }
    }

    /// Ends the run.
    pub(super) fn close(self) {
        if let Some(held) = self.held.end() {
            self.of.memory.put(self.key, held);
        }
    }

    /// Adds our finalizer if it is missing.
    pub(super) async fn add_finalizer(&mut self) -> Result<(), ApiError> {
        let to = writer(self.of, self.key);
        self.held.add_finalizer(to, FINALIZER).await
    }

    /// Removes our finalizer and leaves others alone.
    pub(super) async fn remove_finalizer(&mut self) -> Result<(), ApiError> {
        let to = writer(self.of, self.key);
        self.held.remove_finalizer(to, FINALIZER).await
    }

    /// Writes a status; nothing when it is what the server holds.
    pub(super) async fn write(&mut self, status: ReceiverStatus) -> Result<(), ApiError> {
        self.held.write(writer(self.of, self.key), status).await
    }

    /// Tells the cluster something of the object.
    pub(super) fn record(&self, note: Note) {
        self.of.context.recorder.record(Event {
            object: ObjectReference {
                api_version: format!("{}/v1", NAME.group),
                kind: NAME.kind.to_owned(),
                name: self.key.name.to_string(),
                namespace: self.key.namespace.to_string(),
                resource_version: self.held.version().to_owned(),
                uid: self.object.uid().unwrap_or_default(),
                ..ObjectReference::default()
            },
            severity: note.severity,
            reason: note.reason.to_owned(),
            message: note.message,
            metadata: events::inherited(self.object.metadata.annotations.as_ref()),
            audience: Audience::Cluster,
        });
    }
}

fn writer<'a>(of: &'a ReceiverReconciler, key: &'a ObjectKey) -> Writer<'a> {
    Writer {
        client: &of.context.client,
        target: of.resource.object(&key.namespace, &key.name),
        field_manager: CONTROLLER,
    }
}
