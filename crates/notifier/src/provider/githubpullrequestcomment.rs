//! Comments on GitHub pull requests.
//!
//! Source: notification-controller `internal/notifier/github_pull_request_comment.go`.

use std::sync::Arc;

use api::event::Event;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use super::Post;
use super::github::repository::Repository;
use crate::change_request::{self, Comments, PAGE};
use crate::error::{BuildError, During, PostError};
use crate::settings::Settings;
use crate::shared::Shared;

/// Writes one comment per object on the pull request that an event names.
pub(crate) struct GitHubPullRequestComment {
    comments: Comments,
    repository: Repository,
}

/// A comment's text, as it is sent to GitHub and Gitea.
#[derive(Serialize)]
pub(super) struct Body {
    pub(super) body: String,
}

/// A comment as GitHub and Gitea list it.
#[derive(Deserialize)]
pub(super) struct Comment {
    pub(super) id: i64,
    user: Option<User>,
    body: Option<String>,
}

/// Who has written something.
#[derive(Deserialize)]
pub(super) struct User {
    pub(super) login: String,
}

impl GitHubPullRequestComment {
    pub(crate) fn new(settings: &Settings, shared: &Arc<Shared>) -> Result<Self, BuildError> {
        Ok(Self {
            comments: Comments::new("flux-pr-comment-key", settings)?,
            repository: Repository::new(settings, shared)?,
        })
    }
}

impl Comment {
    /// Finds one's own comment with a marker.
    pub(super) fn find<'a>(comments: &'a [Self], login: &str, marker: &str) -> Option<&'a Self> {
        comments.iter().find(|comment| {
            comment
                .user
                .as_ref()
                .is_some_and(|user| user.login == login)
                && comment.body.as_deref().unwrap_or_default().contains(marker)
        })
    }
}

impl Post for GitHubPullRequestComment {
    fn post<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<(), PostError>> {
        Box::pin(async move {
            let number = change_request::number(event, "Atoi")?;
            let session = self.repository.session(true).await?;
            let rest = session.rest;
            let login = if let Some(slug) = &session.app {
                // What an App writes is signed so.
                format!("{slug}[bot]")
            } else {
                let user: User = rest
                    .json(session.user())
                    .await
                    .during("failed to get authenticated user info")?;
                user.login
            };
            let thread = format!("issues/{number}/comments");
            let list = session.get(&thread).query(&[
                ("direction", "asc"),
                ("per_page", PAGE),
                ("sort", "created"),
            ]);
            let comments: Vec<Comment> = rest
                .json(list)
                .await
                .during("failed to list pull request comments")?;
            let body = Body {
                body: self.comments.body(event),
            };
            let marker = self.comments.marker(event);
            if let Some(own) = Comment::find(&comments, &login, &marker) {
                let update = session.patch(&format!("issues/comments/{}", own.id));
                rest.ok(update.json(&body))
                    .await
                    .during("failed to update pull request comment")?;
            } else {
                rest.ok(session.post(&thread).json(&body).once())
                    .await
                    .during("failed to create pull request comment")?;
            }
            Ok(())
        })
    }
}
