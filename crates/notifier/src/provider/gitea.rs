//! Gitea commit statuses. The only host that is told that work has begun.
//!
//! Source: notification-controller `internal/notifier/gitea.go`, code.gitea.io/sdk.

use std::sync::Arc;

use api::event::Event;
use futures::future::BoxFuture;
use serde::Serialize;

use super::Post;
use super::github::Status;
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
    refusal: "can't convert to gitea state",
};

const PENDING: &str = "pending";

/// Sets the status of the commit that an event is about.
pub(crate) struct Gitea {
    repository: Repository,
    context: String,
}

#[derive(Serialize)]
struct Create<'a> {
    target_url: &'static str,
    #[serde(flatten)]
    status: &'a Status,
}

/// A status as Gitea lists it: the state has a name of its own.
#[derive(serde::Deserialize)]
struct Listed {
    status: Option<String>,
    description: Option<String>,
    context: Option<String>,
}

impl From<Listed> for Status {
    fn from(listed: Listed) -> Self {
        // What is empty counts as absent.
        let present = |text: Option<String>| text.filter(|text| !text.is_empty());
        Self {
            state: present(listed.status),
            description: present(listed.description),
            context: present(listed.context),
        }
    }
}

impl Gitea {
    pub(crate) fn new(settings: &Settings, shared: &Arc<Shared>) -> Result<Self, BuildError> {
        Ok(Self {
            context: super::commit_status(settings)?,
            repository: Repository::new(settings, shared)?,
        })
    }
}

impl Post for Gitea {
    fn post<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<(), PostError>> {
        Box::pin(async move {
            let commit = commit::hash(&event.metadata)?;
            let state = if text::is_progressing(event) {
                PENDING
            } else {
                STATES.of(event)?
            };
            let status = Status {
                state: Some(state.to_owned()),
                description: Some(text::description(event)),
                context: Some(self.context.clone()),
            };
            let repository = &self.repository;
            let list = repository
                .get(&format!("commits/{commit}/statuses"))
                .query(&[("limit", "50"), ("page", "1")]);
            let listed: Vec<Listed> = repository
                .rest
                .json(list)
                .await
                .during("could not list commit statuses")?;
            let listed: Vec<Status> = listed.into_iter().map(Status::from).collect();
            if status.is_newest_of(&listed) {
                return Ok(());
            }
            let create = repository
                .post(&format!("statuses/{commit}"))
                .json(&Create {
                    target_url: "",
                    status: &status,
                });
            repository
                .rest
                .ok(create)
                .await
                .during("could not create commit status")?;
            Ok(())
        })
    }
}
