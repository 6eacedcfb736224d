//! Comments on Gitea pull requests.
//!
//! Source: notification-controller `internal/notifier/gitea_pull_request_comment.go`.

use std::sync::Arc;

use api::event::Event;
use futures::future::BoxFuture;

use super::Post;
use super::gitea::repository::Repository;
use super::githubpullrequestcomment::{Body, Comment, User};
use crate::change_request::{self, Comments, PAGE};
use crate::error::{BuildError, During, PostError};
use crate::settings::Settings;
use crate::shared::Shared;

/// Writes one comment per object on the pull request that an event names.
pub(crate) struct GiteaPullRequestComment {
    comments: Comments,
    repository: Repository,
}

impl GiteaPullRequestComment {
    pub(crate) fn new(settings: &Settings, shared: &Arc<Shared>) -> Result<Self, BuildError> {
        Ok(Self {
            comments: Comments::new("flux-pr-comment-key", settings)?,
            repository: Repository::new(settings, shared)?,
        })
    }
}

impl Post for GiteaPullRequestComment {
    fn post<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<(), PostError>> {
        Box::pin(async move {
            let number = change_request::number(event, "Atoi")?;
            let repository = &self.repository;
            let rest = &repository.rest;
            let own: User = rest
                .json(repository.user())
                .await
                .during("failed to get authenticated user info")?;
            let thread = format!("issues/{number}/comments");
            let list = repository
                .get(&thread)
                .query(&[("limit", PAGE), ("page", "1")]);
            let comments: Vec<Comment> = rest
                .json(list)
                .await
                .during("failed to list pull request comments")?;
            let body = Body {
                body: self.comments.body(event),
            };
            let marker = self.comments.marker(event);
            if let Some(own) = Comment::find(&comments, &own.login, &marker) {
                let update = repository.patch(&format!("issues/comments/{}", own.id));
                rest.ok(update.json(&body))
                    .await
                    .during("failed to update pull request comment")?;
            } else {
                rest.ok(repository.post(&thread).json(&body).once())
                    .await
                    .during("failed to create pull request comment")?;
            }
            Ok(())
        })
    }
}
