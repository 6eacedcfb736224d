//! A repository at Gitea or Forgejo and its API.
//!
//! Source: notification-controller `internal/notifier/gitea_helpers.go`.

use std::sync::Arc;

use crate::error::BuildError;
use crate::git_address::GitAddress;
use crate::rest::{Call, Rest, segment};
use crate::settings::Settings;
use crate::shared::Shared;

/// A repository and the token for it.
pub(crate) struct Repository {
    pub(crate) rest: Rest,
    token: String,
    api: String,
    path: String,
}

impl Repository {
    pub(crate) fn new(settings: &Settings, shared: &Arc<Shared>) -> Result<Self, BuildError> {
        let token = super::super::token_or_password(settings);
        if token.is_empty() {
            return Err(BuildError::Missing("gitea token cannot be empty"));
        }
        let address = GitAddress::parse(&settings.address);
        let (owner, name) = address.owner_and_repository().ok_or_else(|| {
            BuildError::Repository(format!("invalid repository id {:?}", address.path))
        })?;
        Ok(Self {
            rest: shared.rest(settings)?,
            token: token.to_owned(),
            api: format!("{}/api/v1", address.origin),
            path: format!("repos/{}/{}", segment(owner), segment(name)),
        })
    }

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
        self.dress(Call::get(format!("{}/user", self.api)))
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{}/{path}", self.api, self.path)
    }

    fn dress(&self, call: Call) -> Call {
        call.authorization(&format!("token {}", self.token))
    }
}
