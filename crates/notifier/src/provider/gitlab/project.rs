//! A project at GitLab and its API.
//!
//! Source: gitlab.com/gitlab-org/api/client-go.

use std::sync::Arc;

use crate::error::BuildError;
use crate::git_address::GitAddress;
use crate::rest::{Call, Rest, segment};
use crate::settings::Settings;
use crate::shared::Shared;

/// A project, by its path with all groups or by its number.
pub(crate) struct Project {
    pub(crate) rest: Rest,
    token: String,
    api: String,
    id: String,
}

impl Project {
    pub(crate) fn new(settings: &Settings, shared: &Arc<Shared>) -> Result<Self, BuildError> {
        let token = super::super::token_or_password(settings);
        if token.is_empty() {
            return Err(BuildError::Missing("gitlab token cannot be empty"));
        }
        let address = GitAddress::parse(&settings.address);
        Ok(Self {
            rest: shared.rest(settings)?,
            token: token.to_owned(),
            api: format!("{}/api/v4", address.origin),
            // A dot would be taken for the beginning of a format.
            id: segment(&address.path).replace('.', "%2E"),
        })
    }

    /// Reads from a path below the project.
    pub(crate) fn get(&self, path: &str) -> Call {
        self.dress(Call::get(self.url(path)))
    }

    /// Posts to a path below the project.
    pub(crate) fn post(&self, path: &str) -> Call {
        self.dress(Call::post(self.url(path)))
    }

    /// Replaces what is at a path below the project.
    pub(crate) fn put(&self, path: &str) -> Call {
        self.dress(Call::put(self.url(path)))
    }

    /// Reads who the token's holder is.
    pub(crate) fn user(&self) -> Call {
        self.dress(Call::get(format!("{}/user", self.api)))
    }

    fn url(&self, path: &str) -> String {
        format!("{}/projects/{}/{path}", self.api, self.id)
    }

    fn dress(&self, call: Call) -> Call {
        call.header("PRIVATE-TOKEN", &self.token)
    }
}
