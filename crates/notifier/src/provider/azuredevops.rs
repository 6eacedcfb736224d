//! Azure DevOps commit statuses.
//!
//! Source: notification-controller `internal/notifier/azure_devops.go`, azure-devops-go-api 6, Azure
//! DevOps' "Statuses - Create".

use std::sync::Arc;

use api::event::Event;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::Post;
use crate::commit::{self, States};
use crate::error::{BuildError, During, PostError};
use crate::git_address::GitAddress;
use crate::identity::{Access, Cloud};
use crate::rest::{Call, Rest, segment};
use crate::settings::Settings;
use crate::shared::Shared;
use crate::text;

const STATES: States = States {
    good: "succeeded",
    bad: "error",
    refusal: "can't convert to azure devops state",
};

/// Azure DevOps as a resource of Azure.
const SCOPE: &str = "499b84ac-1321-427f-aa17-267ca6975798/.default";

/// What the answers are to look like.
const MEDIA_TYPE: &str = "application/json;api-version=6.0-preview.1";

/// Whether a wrong token is answered with a way to sign in, for people.
const REDIRECT: &str = "X-TFS-FedAuthRedirect";

const GENRE: &str = "fluxcd";

/// Sets the status of the commit that an event is about.
pub(crate) struct AzureDevOps {
    rest: Rest,
    access: Access,
    /// A personal access token; empty if the cloud's identity is to be used.
    token: String,
    repository: String,
    name: String,
}

/// A status, as it is sent and listed.
#[derive(Serialize, Deserialize)]
struct Status {
    context: Option<Context>,
    description: Option<String>,
    state: Option<String>,
}

#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct Context {
    genre: Option<String>,
    name: Option<String>,
}

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    value: Vec<Status>,
}

impl AzureDevOps {
    pub(crate) fn new(settings: &Settings, shared: &Arc<Shared>) -> Result<Self, BuildError> {
        let address = GitAddress::parse(&settings.address);
        let name = super::commit_status(settings)?;
        let parts: Vec<&str> = address.path.split('/').collect();
        let [organisation, project, _, repository] = parts.as_slice() else {
            return Err(BuildError::Repository(format!(
                "invalid repository id {:?}",
                address.path
            )));
        };
        Ok(Self {
            rest: shared.rest(settings)?,
            access: Access::new(settings, shared)?,
            token: settings.token.clone(),
            repository: format!(
                "{}/{}/{}/_apis/git/repositories/{}",
                address.origin,
                segment(organisation),
                segment(project),
                segment(repository)
            ),
            name,
        })
    }

    async fn token(&self) -> Result<String, PostError> {
        if !self.token.is_empty() {
            return Ok(self.token.clone());
        }
        self.access
            .token(Cloud::Azure(SCOPE))
            .await
            .map(|token| token.secret)
            .map_err(|source| PostError::Access {
                context: "failed to acquire azure devops token",
                source,
            })
    }
}

impl Post for AzureDevOps {
    fn post<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<(), PostError>> {
        Box::pin(async move {
            if text::is_progressing(event) {
                return Ok(());
            }
            let commit = commit::hash(&event.metadata)?;
            let genre = match event.metadata.get("summary") {
                Some(summary) => format!("{GENRE}:{summary}"),
                None => GENRE.to_owned(),
            };
            let status = Status {
                state: Some(STATES.of(event)?.to_owned()),
                description: Some(text::description(event)),
                context: Some(Context {
                    genre: Some(genre),
                    name: Some(self.name.clone()),
                }),
            };
            let token = self.token().await?;
            let statuses = format!("{}/commits/{commit}/statuses", self.repository);
            let dress = |call: Call| {
                call.basic("", &token)
                    .header("Accept", MEDIA_TYPE)
                    .header(REDIRECT, "Suppress")
            };
            let listed: List = self
                .rest
                .json(dress(Call::get(&statuses)))
                .await
                .during("could not list commit statuses")?;
            if status.is_newest_of(&listed.value) {
                return Ok(());
            }
            let create = dress(Call::post(statuses)).json(&status);
            self.rest
                .ok(create)
                .await
                .during("could not create commit status")?;
            Ok(())
        })
    }
}

impl Status {
    /// Whether the newest complete status of the same context says the same.
    fn is_newest_of(&self, statuses: &[Self]) -> bool {
        statuses
            .iter()
            .filter(|status| status.state.is_some() && status.description.is_some())
            .find(|status| status.context == self.context)
            .is_some_and(|status| {
                status.state == self.state && status.description == self.description
            })
    }
}
