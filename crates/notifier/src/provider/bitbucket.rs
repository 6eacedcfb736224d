//! Bitbucket Cloud build statuses. The address only names the repository; the API's host is fixed.
//!
//! Source: notification-controller `internal/notifier/bitbucket.go`, Bitbucket Cloud's "Commit
//! statuses".

use std::sync::Arc;

use api::event::Event;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};

use super::Post;
use crate::commit::{self, States};
use crate::error::{BuildError, During, PostError};
use crate::git_address::GitAddress;
use crate::json;
use crate::rest::{Call, Rest, segment};
use crate::settings::Settings;
use crate::shared::Shared;
use crate::text;

const API: &str = "https://api.bitbucket.org/2.0";

const STATES: States = States {
    good: "SUCCESSFUL",
    bad: "FAILED",
    refusal: "can't convert to bitbucket state",
};

/// Sets the status of the commit that an event is about.
pub(crate) struct Bitbucket {
    rest: Rest,
    user: String,
    password: String,
    path: String,
    /// The key has room for 40 characters, so it is a hash of the id.
    key: String,
}

#[derive(Serialize)]
struct Status<'a> {
    key: &'a str,
    url: &'static str,
    state: &'a str,
    name: &'a str,
    description: &'a str,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Found {
    #[serde(deserialize_with = "json::text")]
    state: String,
    #[serde(deserialize_with = "json::text")]
    description: String,
}

impl Bitbucket {
    pub(crate) fn new(settings: &Settings, shared: &Arc<Shared>) -> Result<Self, BuildError> {
        if settings.token.is_empty() {
            return Err(BuildError::Missing("bitbucket token cannot be empty"));
        }
        let key = key(&super::commit_status(settings)?);
        let (user, password) = settings
            .token
            .split_once(':')
            .filter(|(_, password)| !password.contains(':'))
            .ok_or(BuildError::Missing(
                "invalid token format, expected to be <user>:<password>",
            ))?;
        let address = GitAddress::parse(&settings.address);
        let (owner, name) = address.owner_and_repository().ok_or_else(|| {
            BuildError::Repository(format!("invalid repository id {:?}", address.path))
        })?;
        Ok(Self {
            rest: shared.rest(settings)?,
            user: user.to_owned(),
            password: password.to_owned(),
            path: format!("repositories/{}/{}", segment(owner), segment(name)),
            key,
        })
    }
}

/// Returns what stands for a status id where ids are short: the SHA-1 in hexadecimal digits.
pub(super) fn key(id: &str) -> String {
    text::hex(Sha1::digest(id.as_bytes()))
}

impl Post for Bitbucket {
    fn post<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<(), PostError>> {
        Box::pin(async move {
            if text::is_progressing(event) {
                return Ok(());
            }
            let commit = commit::hash(&event.metadata)?;
            let status = Status {
                key: &self.key,
                url: "https://bitbucket.org",
                state: STATES.of(event)?,
                name: &text::name(event),
                description: &text::description(event),
            };
            let statuses = format!("{API}/{}/commit/{commit}/statuses/build", self.path);
            let get = Call::get(format!("{statuses}/{}", self.key));
            let found: Option<Found> = self
                .rest
                .find(get.basic(&self.user, &self.password))
                .await
                .during("could not get commit status")?;
            if found.is_some_and(|found| {
                found.state == status.state && found.description == status.description
            }) {
                return Ok(());
            }
            let create = Call::post(statuses).basic(&self.user, &self.password);
            self.rest
                .ok(create.json(&status))
                .await
                .during("could not create commit status")?;
            Ok(())
        })
    }
}
