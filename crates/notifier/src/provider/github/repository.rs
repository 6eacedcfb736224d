//! A repository at GitHub: its API, and as whom it is spoken to.
//!
//! `github.com` has an API host of its own; every other host is an enterprise server's. A token or a
//! password wins over an App. Source: notification-controller `internal/notifier/github_helpers.go`,
//! go-github 64 `WithEnterpriseURLs`.

use std::sync::Arc;

use crate::error::{BuildError, PostError};
use crate::git_address::GitAddress;
use crate::github_app::{APP_ID, App};
use crate::rest::{Call, Rest, segment};
use crate::settings::{ObjectName, Settings};
use crate::shared::Shared;

const MEDIA_TYPE: &str = "application/vnd.github+json";
const VERSION: &str = "2022-11-28";

/// A repository and the credentials for it.
pub(crate) struct Repository {
    rest: Rest,
    shared: Arc<Shared>,
    provider: ObjectName,
    api: String,
    path: String,
    credentials: Credentials,
}

enum Credentials {
    Token(String),
    App(Box<App>),
}

/// A repository with a token that opens it.
pub(crate) struct Session<'a> {
    pub(crate) rest: &'a Rest,
    repository: &'a Repository,
    token: String,
    /// The App's name, if the session is an App's and its name was asked for.
    pub(crate) app: Option<String>,
}

impl Repository {
    pub(crate) fn new(settings: &Settings, shared: &Arc<Shared>) -> Result<Self, BuildError> {
        let token = super::super::token_or_password(settings);
        let credentials = if !token.is_empty() {
            Credentials::Token(token.to_owned())
        } else if settings.secret.contains_key(APP_ID) {
            Credentials::App(Box::new(App::read(&settings.secret).map_err(Box::new)?))
        } else {
            return Err(BuildError::Missing(
                "github token or github app details must be specified",
            ));
        };
        let address = GitAddress::parse(&settings.address);
        let (owner, name) = address.owner_and_repository().ok_or_else(|| {
            BuildError::Repository(format!("invalid repository id: '{}'", address.path))
        })?;
        Ok(Self {
            rest: shared.rest(settings)?,
            shared: Arc::clone(shared),
            provider: settings.provider.clone(),
            api: api_of(&address),
            path: format!("repos/{}/{}", segment(owner), segment(name)),
            credentials,
        })
    }

    /// Gets a token. `with_app` asks for the App's name too.
    pub(crate) async fn session(&self, with_app: bool) -> Result<Session<'_>, PostError> {
        let (token, app) = match &self.credentials {
            Credentials::Token(token) => (token.clone(), None),
            Credentials::App(app) => {
                let cache = self.shared.token_cache();
                let token = app
                    .token(&self.rest, cache, &self.provider, with_app)
                    .await
                    .map_err(Box::new)?;
                (token.secret, token.account)
            }
        };
        Ok(Session {
            rest: &self.rest,
            repository: self,
            token,
            app,
        })
    }
}

impl Session<'_> {
    /// Reads from a path below the repository.
    pub(crate) fn get(&self, path: &str) -> Call {
        self.dress(Call::get(self.url(path)))
    }

    /// Posts to a path below the repository.
    pub(crate) fn post(&self, path: &str) -> Call {
        self.dress(Call::post(self.url(path)))
    }

    /// Changes what is at a path below the repository.
    pub(crate) fn patch(&self, path: &str) -> Call {
        self.dress(Call::patch(self.url(path)))
    }

    /// Reads who the token's holder is.
    pub(crate) fn user(&self) -> Call {
        self.dress(Call::get(format!("{}/user", self.repository.api)))
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{}/{path}", self.repository.api, self.repository.path)
    }

    fn dress(&self, call: Call) -> Call {
        call.bearer(&self.token)
            .header("Accept", MEDIA_TYPE)
            .header("X-GitHub-Api-Version", VERSION)
    }
}

fn api_of(address: &GitAddress) -> String {
    let GitAddress { origin, host, .. } = address;
    if host == "github.com" {
        "https://api.github.com".to_owned()
    } else if host.starts_with("api.") || host.contains(".api.") {
        origin.clone()
    } else {
        format!("{origin}/api/v3")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_host_has_its_api() {
        for (address, api) in [
            ("https://github.com/foo/bar", "https://api.github.com"),
            ("ssh://git@github.com/foo/bar", "https://api.github.com"),
            (
                "https://ghe.example.com/foo/bar",
                "https://ghe.example.com/api/v3",
            ),
            (
                "http://ghe.example.com:8080/foo/bar",
                "http://ghe.example.com:8080/api/v3",
            ),
            (
                "https://api.acme.ghe.com/foo/bar",
                "https://api.acme.ghe.com",
            ),
        ] {
            assert_eq!(api_of(&GitAddress::parse(address)), api);
        }
    }
}
