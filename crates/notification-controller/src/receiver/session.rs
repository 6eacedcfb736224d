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
    client::{ApiError, Target},
    events::{self, Audience, Event},
    status::{self, Unseen},
};

use super::{NAME, draft::Note, reconcile::ReceiverReconciler};
use crate::context::CONTROLLER;

/// See the module.
pub(super) struct Session<'a> {
    pub(super) of: &'a ReceiverReconciler,
    pub(super) key: &'a ObjectKey,
    pub(super) object: Arc<Receiver>,
    /// The status that the server holds.
    pub(super) held: ReceiverStatus,
    unseen: Unseen<ReceiverStatus>,
    version: String,
}

impl<'a> Session<'a> {
    /// Begins a run on an object of the cache.
    pub(super) fn open(
        of: &'a ReceiverReconciler,
        key: &'a ObjectKey,
        object: Arc<Receiver>,
    ) -> Self {
        let mut unseen = of.memory.take(key);
        let version = object.resource_version().unwrap_or_default();
        let cached = object.status.clone().unwrap_or_default();
        Self {
            of,
            key,
            held: unseen.current(&version, &cached),
            unseen,
            version,
            object,
        }
    }

    /// Ends the run.
    pub(super) fn close(self) {
        self.of.memory.put(self.key, self.unseen);
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
        let client = &self.of.context.client;
        let version = &self.version;
        let written =
            status::set_finalizers(client, self.target(), CONTROLLER, version, finalizers).await?;
        self.unseen.wrote(&self.version, self.held.clone());
        self.version = written;
        Ok(())
    }

    /// Writes a status; nothing when it is what the server holds.
    pub(super) async fn write(&mut self, status: ReceiverStatus) -> Result<(), ApiError> {
        let client = &self.of.context.client;
        let written = status::patch(client, self.target(), CONTROLLER, &self.held, &status).await?;
        if let Some(version) = written {
            self.unseen.wrote(&self.version, status.clone());
            self.version = version;
            self.held = status;
        }
        Ok(())
    }

    /// Tells the cluster something of the object.
    pub(super) fn record(&self, note: Note) {
        self.of.context.recorder.record(Event {
            object: ObjectReference {
                api_version: format!("{}/v1", NAME.group),
                kind: NAME.kind.to_owned(),
                name: self.key.name.to_string(),
                namespace: self.key.namespace.to_string(),
                resource_version: self.version.clone(),
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

    fn target(&self) -> Target<'a> {
        self.of.resource.object(&self.key.namespace, &self.key.name)
    }
}
