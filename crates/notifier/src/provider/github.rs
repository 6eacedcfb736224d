//! GitHub commit statuses.
//!
//! Source: notification-controller `internal/notifier/github.go`, GitHub's "REST API endpoints for
//! commit statuses".

use std::sync::Arc;

use api::event::Event;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::Post;
use crate::commit::{self, States};
use crate::error::{BuildError, During, PostError};
use crate::settings::Settings;
use crate::shared::Shared;
use crate::text;

pub(crate) mod repository;

use self::repository::Repository;

const STATES: States = States {
    good: "success",
    bad: "failure",
    refusal: "can't convert to github state",
};

/// How many statuses are looked through for an equal one.
const PAGE: &str = "50";

/// Sets the status of the commit that an event is about.
pub(crate) struct GitHub {
    repository: Repository,
    context: String,
}

/// A status, as it is sent and listed.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Status {
    pub(super) state: Option<String>,
    pub(super) description: Option<String>,
    pub(super) context: Option<String>,
}

impl GitHub {
    pub(crate) fn new(settings: &Settings, shared: &Arc<Shared>) -> Result<Self, BuildError> {
        Ok(Self {
            context: super::commit_status(settings)?,
            repository: Repository::new(settings, shared)?,
        })
    }
}

impl Post for GitHub {
    fn post<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<(), PostError>> {
        Box::pin(async move {
            if text::is_progressing(event) {
                return Ok(());
            }
            let commit = commit::hash(&event.metadata)?;
            let status = Status {
                state: Some(STATES.of(event)?.to_owned()),
                description: Some(text::description(event)),
                context: Some(self.context.clone()),
            };
            let session = self.repository.session(false).await?;
            let list = session
                .get(&format!("commits/{commit}/statuses"))
                .query(&[("per_page", PAGE)]);
            let statuses: Vec<Status> = session
                .rest
                .json(list)
                .await
                .during("could not list commit statuses")?;
            if status.is_newest_of(&statuses) {
                return Ok(());
            }
            let create = session.post(&format!("statuses/{commit}")).json(&status);
            session
                .rest
                .ok(create)
                .await
                .during("could not create commit status")?;
            Ok(())
        })
    }
}

impl Status {
    /// Whether the newest status of the same context, the first in the list, says the same.
    pub(super) fn is_newest_of(&self, statuses: &[Self]) -> bool {
        statuses
            .iter()
            .filter(|status| status.state.is_some() && status.description.is_some())
            .find(|status| status.context == self.context)
            .is_some_and(|status| status == self)
    }
}
