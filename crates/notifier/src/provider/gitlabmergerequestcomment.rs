//! Notes on GitLab merge requests.
//!
//! Source: notification-controller `internal/notifier/gitlab_merge_request_comment.go`.

use std::sync::Arc;

use api::event::Event;
use futures::future::BoxFuture;
use serde::Deserialize;

use super::Post;
use super::githubpullrequestcomment::Body;
use super::gitlab::project::Project;
use crate::change_request::{self, Comments, PAGE};
use crate::error::{BuildError, During, PostError};
use crate::settings::Settings;
use crate::shared::Shared;

/// Writes one note per object on the merge request that an event names.
pub(crate) struct GitLabMergeRequestComment {
    comments: Comments,
    project: Project,
}

#[derive(Deserialize)]
struct Note {
    id: i64,
    body: Option<String>,
    author: Option<User>,
}

#[derive(Deserialize)]
struct User {
    username: String,
}

impl GitLabMergeRequestComment {
    pub(crate) fn new(settings: &Settings, shared: &Arc<Shared>) -> Result<Self, BuildError> {
        Ok(Self {
            comments: Comments::new("flux-mr-comment-key", settings)?,
            project: Project::new(settings, shared)?,
        })
    }
}

impl Post for GitLabMergeRequestComment {
    fn post<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<(), PostError>> {
        Box::pin(async move {
            let number = change_request::number(event, "ParseInt")?;
            let project = &self.project;
            let rest = &project.rest;
            let own: User = rest
                .json(project.user())
                .await
                .during("failed to get authenticated user info")?;
            let thread = format!("merge_requests/{number}/notes");
            let list = project.get(&thread).query(&[
                ("order_by", "created_at"),
                ("per_page", PAGE),
                ("sort", "asc"),
            ]);
            let notes: Vec<Note> = rest
                .json(list)
                .await
                .during("failed to list merge request notes")?;
            let body = Body {
                body: self.comments.body(event),
            };
            let marker = self.comments.marker(event);
            let note = notes.iter().find(|note| {
                note.author
                    .as_ref()
                    .is_some_and(|author| author.username == own.username)
                    && note.body.as_deref().unwrap_or_default().contains(&marker)
            });
            if let Some(note) = note {
                let update = project.put(&format!("{thread}/{}", note.id));
                rest.ok(update.json(&body))
                    .await
                    .during("failed to update merge request note")?;
            } else {
                rest.ok(project.post(&thread).json(&body).once())
                    .await
                    .during("failed to create merge request note")?;
            }
            Ok(())
        })
    }
}
