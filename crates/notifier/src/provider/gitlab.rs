//! GitLab commit statuses.
//!
//! Source: notification-controller `internal/notifier/gitlab.go`, GitLab's "Commits API".

use std::sync::Arc;

use api::event::Event;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::Post;
use crate::commit::{self, States};
use crate::error::{BuildError, During, PostError};
use crate::json;
use crate::settings::Settings;
use crate::shared::Shared;
use crate::text;

pub(crate) mod project;

use self::project::Project;

const STATES: States = States {
    good: "success",
    bad: "failed",
    refusal: "can't convert to gitlab state",
};

/// Sets the status of the commit that an event is about.
pub(crate) struct GitLab {
    project: Project,
    name: String,
}

#[derive(Serialize)]
struct Status<'a> {
    state: &'a str,
    name: &'a str,
    description: &'a str,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Listed {
    #[serde(deserialize_with = "json::text")]
    sha: String,
    #[serde(deserialize_with = "json::text")]
    status: String,
    #[serde(deserialize_with = "json::text")]
    name: String,
    #[serde(deserialize_with = "json::text")]
    description: String,
}

impl GitLab {
    pub(crate) fn new(settings: &Settings, shared: &Arc<Shared>) -> Result<Self, BuildError> {
        Ok(Self {
            project: Project::new(settings, shared)?,
            name: super::commit_status(settings)?,
        })
    }
}

impl Post for GitLab {
    fn post<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<(), PostError>> {
        Box::pin(async move {
            if text::is_progressing(event) {
                return Ok(());
            }
            let commit = commit::hash(&event.metadata)?;
            let status = Status {
                state: STATES.of(event)?,
                name: &self.name,
                description: &text::description(event),
            };
            let project = &self.project;
            let list = project
                .get(&format!("repository/commits/{commit}/statuses"))
                .query(&[("name", &self.name)]);
            let statuses: Vec<Listed> = project
                .rest
                .json(list)
                .await
                .during("unable to list commit status")?;
            if statuses.iter().any(|listed| {
                listed.sha == commit
                    && listed.status == status.state
                    && listed.name == status.name
                    && listed.description == status.description
            }) {
                return Ok(());
            }
            let create = project.post(&format!("statuses/{commit}")).json(&status);
            project
                .rest
                .ok(create)
                .await
                .during("unable to set commit status")?;
            Ok(())
        })
    }
}
