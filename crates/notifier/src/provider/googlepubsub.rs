//! Google Pub/Sub: the event as a message's data, the Secret's headers as its attributes.
//!
//! Published through the REST API rather than gRPC: one message per event gains nothing from a
//! stream, and a request honours the Provider's proxy, certificates and deadline like any other.
//! Source: notification-controller `internal/notifier/google_pubsub.go`, Pub/Sub's
//! "projects.topics.publish".

use std::collections::BTreeMap;
use std::sync::Arc;

use api::event::Event;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::BoxFuture;
use serde::Serialize;

use super::Post;
use crate::error::{BuildError, PostError};
use crate::identity::{Access, AccessError, Cloud};
use crate::json;
use crate::rest::{Call, Rest, segment};
use crate::settings::Settings;
use crate::shared::Shared;

const API: &str = "https://pubsub.googleapis.com/v1";

/// Publishes events to a topic.
pub(crate) struct GooglePubSub {
    rest: Rest,
    access: Access,
    /// Google credentials as JSON; empty if the cloud's identity is to be used.
    credentials: String,
    /// With its project: `projects/<project>/topics/<topic>`.
    topic: String,
    attributes: BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Publish<'a> {
    messages: [Message<'a>; 1],
}

#[derive(Serialize)]
struct Message<'a> {
    data: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    attributes: &'a BTreeMap<String, String>,
}

impl GooglePubSub {
    pub(crate) fn new(settings: &Settings, shared: &Arc<Shared>) -> Result<Self, BuildError> {
        if settings.address.is_empty() {
            return Err(BuildError::Missing("GCP project ID cannot be empty"));
        }
        if settings.channel.is_empty() {
            return Err(BuildError::Missing("GCP Pub/Sub topic ID cannot be empty"));
        }
        Ok(Self {
            rest: shared.rest(settings)?,
            access: Access::new(settings, shared)?,
            credentials: settings.token.clone(),
            topic: topic(&settings.address, &settings.channel),
            attributes: settings.headers.clone(),
        })
    }

    async fn token(&self) -> Result<String, AccessError> {
        let token = if self.credentials.is_empty() {
            self.access.token(Cloud::Google).await?
        } else {
            self.access.sign_in(&self.credentials).await?
        };
        Ok(token.secret)
    }
}

impl Post for GooglePubSub {
    fn post<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<(), PostError>> {
        Box::pin(async move {
            let publish = Publish {
                messages: [Message {
                    data: STANDARD.encode(json::to_vec(event)?),
                    attributes: &self.attributes,
                }],
            };
            let failed = |source: Box<dyn std::error::Error + Send + Sync>| PostError::Publish {
                context: format!("error publishing to GCP Pub/Sub topic {}", self.topic),
                source,
            };
            let token = self.token().await.map_err(|error| failed(error.into()))?;
            let path: Vec<String> = self.topic.split('/').map(segment).collect();
            let url = format!("{API}/{}:publish", path.join("/"));
            self.rest
                .ok(Call::post(url).bearer(&token).json(&publish))
                .await
                .map_err(|error| failed(error.into()))?;
            Ok(())
        })
    }
}

/// A channel that is a topic's whole name already is taken as it is, whatever the project.
fn topic(project: &str, channel: &str) -> String {
    if channel.split('/').count() == 4 {
        return channel.to_owned();
    }
    format!("projects/{project}/topics/{channel}")
}
