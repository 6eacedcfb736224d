//! Build statuses of Bitbucket Server and Data Center.
//!
//! Source: notification-controller `internal/notifier/bitbucketserver.go`, Bitbucket Data Center's
//! "Build status" resource.

use std::sync::Arc;

use api::event::Event;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::{Post, bitbucket};
use crate::commit::{self, CommitError, States};
use crate::error::{BuildError, During, PostError};
use crate::json;
use crate::rest::{Call, Rest};
use crate::settings::Settings;
use crate::shared::Shared;
use crate::text;

const STATES: States = States {
    good: "SUCCESSFUL",
    bad: "FAILED",
    refusal: "couldn't convert to bitbucket server state: bitbucket server state generated on info or error events only",
};

/// What separates the server's own path from project and repository in a clone URL.
const CLONE: &str = "/scm/";

/// Sets the status of the commit that an event is about.
pub(crate) struct BitbucketServer {
    rest: Rest,
    credentials: Credentials,
    /// Where commits are.
    commits: String,
    /// What the status links to: the address as the user wrote it.
    link: String,
    key: String,
}

enum Credentials {
    Token(String),
    Password { user: String, password: String },
}

#[derive(Serialize)]
struct Status<'a> {
    description: &'a str,
    key: &'a str,
    name: &'a str,
    state: &'a str,
    url: &'a str,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Found {
    #[serde(deserialize_with = "json::text")]
    key: String,
    #[serde(deserialize_with = "json::text")]
    state: String,
    #[serde(deserialize_with = "json::text")]
    description: String,
    #[serde(deserialize_with = "json::text")]
    name: String,
}

impl BitbucketServer {
    pub(crate) fn new(settings: &Settings, shared: &Arc<Shared>) -> Result<Self, BuildError> {
        let commits = commits(&settings.address)
            .map_err(|why| BuildError::Repository(format!("could not parse git address: {why}")))?;
        let key = bitbucket::key(&super::commit_status(settings)?);
        let Settings {
            token,
            username,
            password,
            ..
        } = settings;
        let credentials = if !token.is_empty() {
            Credentials::Token(token.clone())
        } else if username.is_empty() || password.is_empty() {
            return Err(BuildError::Missing(
                "invalid credentials, expected to be one of username/password or API Token",
            ));
        } else {
            Credentials::Password {
                user: username.clone(),
                password: password.clone(),
            }
        };
        Ok(Self {
            rest: shared.rest(settings)?,
            credentials,
            commits,
            link: settings.address.clone(),
            key,
        })
    }

    fn dress(&self, call: Call) -> Call {
        let call = match &self.credentials {
            Credentials::Token(token) => call.bearer(token),
            Credentials::Password { user, password } => call.basic(user, password),
        };
        call.header("x-atlassian-token", "no-check")
            .header("x-requested-with", "XMLHttpRequest")
    }
}

impl Post for BitbucketServer {
    fn post<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<(), PostError>> {
        Box::pin(async move {
            if text::is_progressing(event) {
                return Ok(());
            }
            let commit = commit::hash(&event.metadata).map_err(|error| match error {
                CommitError::NoHash(_) => {
                    PostError::Event(format!("could not parse revision: {error}"))
                }
                other => other.into(),
            })?;
            let description = text::description(event);
            let status = Status {
                key: &self.key,
                state: STATES.of(event)?,
                // The list of builds shows only the name.
                name: &format!("{} [{description}]", text::name(event)),
                description: &description,
                url: &self.link,
            };
            let builds = format!("{}/{commit}/builds", self.commits);
            let get = Call::get(&builds).query(&[("key", &self.key)]);
            let found: Option<Found> = self
                .rest
                .find(self.dress(get))
                .await
                .during("could not get existing commit status")?;
            if found.is_some_and(|found| {
                found.key == status.key
                    && found.state == status.state
                    && found.description == status.description
                    && found.name == status.name
            }) {
                return Ok(());
            }
            let create = self.dress(Call::post(builds)).json(&status);
            self.rest
                .ok(create)
                .await
                .during("could not post build status")?;
            Ok(())
        })
    }
}

/// Where the API has the commits of the repository that a clone URL names. The server may live
/// below a path of its own.
fn commits(address: &str) -> Result<String, String> {
    let (scheme, rest) = address.split_once("://").unwrap_or_default();
    let scheme = scheme.to_ascii_lowercase();
    if scheme != "http" && scheme != "https" {
        return Err(format!(
            "unsupported scheme type in address: {scheme}. Must be http or https"
        ));
    }
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let rest = rest.strip_suffix(".git").unwrap_or(rest);
    let (server, repository) = rest
        .rsplit_once(CLONE)
        .ok_or("supplied provider address is not http(s) git clone url")?;
    let (project, name) = repository
        .split_once('/')
        .filter(|(_, name)| !name.contains('/'))
        .ok_or_else(|| format!("invalid repository id {repository:?}"))?;
    Ok(format!(
        "{scheme}://{server}/rest/api/latest/projects/{project}/repos/{name}/commits"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clone_urls_lead_to_the_api() {
        let not_http = |scheme: &str| {
            Err(format!(
                "unsupported scheme type in address: {scheme}. Must be http or https"
            ))
        };
        let ok = |url: &str| Ok(format!("{url}/commits"));
        for (address, expected) in [
            (
                "https://bb.example.com:7990/scm/projectfoo/repobar.git",
                ok("https://bb.example.com:7990/rest/api/latest/projects/projectfoo/repos/repobar"),
            ),
            (
                "http://bb.example.com/context/scm/p/r",
                ok("http://bb.example.com/context/rest/api/latest/projects/p/repos/r"),
            ),
            (
                "https://bb.example.com/a/b/scm/p/r.git",
                ok("https://bb.example.com/a/b/rest/api/latest/projects/p/repos/r"),
            ),
            (
                "https://bb.example.com/scm/context/scm/p/r.git",
                ok("https://bb.example.com/scm/context/rest/api/latest/projects/p/repos/r"),
            ),
            (
                "HTTPS://bb.example.com/scm/p/r.git",
                ok("https://bb.example.com/rest/api/latest/projects/p/repos/r"),
            ),
            ("ssh://git@bb.example.com:7999/p/r.git", not_http("ssh")),
            ("git@bb.example.com:p/r.git", not_http("")),
            (
                "https://bb.example.com/p/r.git",
                Err("supplied provider address is not http(s) git clone url".to_owned()),
            ),
            (
                "https://bb.example.com/scm/p/q/r.git",
                Err("invalid repository id \"p/q/r\"".to_owned()),
            ),
        ] {
            assert_eq!(commits(address), expected, "{address}");
        }
    }
}
