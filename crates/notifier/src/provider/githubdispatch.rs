//! GitHub repository dispatches: the whole event as the payload of a workflow.
//!
//! Source: notification-controller `internal/notifier/github_dispatch.go`.

use std::sync::Arc;

use api::event::Event;
use futures::future::BoxFuture;
use serde::Serialize;

use super::Post;
use super::github::repository::Repository;
use crate::error::{BuildError, During, PostError};
use crate::settings::Settings;
use crate::shared::Shared;

/// Dispatches an event to a repository.
pub(crate) struct GitHubDispatch {
    repository: Repository,
}

#[derive(Serialize)]
struct Dispatch<'a> {
    event_type: String,
    client_payload: &'a Event,
}

impl GitHubDispatch {
    pub(crate) fn new(settings: &Settings, shared: &Arc<Shared>) -> Result<Self, BuildError> {
        Ok(Self {
            repository: Repository::new(settings, shared)?,
        })
    }
}

impl Post for GitHubDispatch {
    fn post<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<(), PostError>> {
        Box::pin(async move {
            let object = &event.involved_object;
            let dispatch = Dispatch {
                event_type: format!("{}/{}.{}", object.kind, object.name, object.namespace),
                client_payload: event,
            };
            let session = self.repository.session(false).await?;
            // A workflow that was started must not start again.
            let call = session.post("dispatches").json(&dispatch).once();
            session
                .rest
                .ok(call)
                .await
                .during("could not send github repository dispatch webhook")?;
            Ok(())
        })
    }
}
