//! What a provider is: most turn an event into one request, some need more.

pub(crate) mod alertmanager;
pub(crate) mod azuredevops;
pub(crate) mod azureeventhub;
pub(crate) mod bitbucket;
pub(crate) mod bitbucketserver;
pub(crate) mod datadog;
pub(crate) mod discord;
pub(crate) mod generic;
pub(crate) mod gitea;
pub(crate) mod giteapullrequestcomment;
pub(crate) mod github;
pub(crate) mod githubdispatch;
pub(crate) mod githubpullrequestcomment;
pub(crate) mod gitlab;
pub(crate) mod gitlabmergerequestcomment;
pub(crate) mod googlechat;
pub(crate) mod googlepubsub;
pub(crate) mod grafana;
pub(crate) mod incidentio;
pub(crate) mod lark;
pub(crate) mod matrix;
pub(crate) mod msteams;
pub(crate) mod nats;
pub(crate) mod opsgenie;
pub(crate) mod otel;
pub(crate) mod pagerduty;
pub(crate) mod rocket;
pub(crate) mod sentry;
pub(crate) mod slack;
pub(crate) mod telegram;
pub(crate) mod webex;
pub(crate) mod zoom;
pub(crate) mod zulip;

use api::event::Event;
use futures::future::BoxFuture;

use crate::{
    error::{BuildError, PostError},
    http::{Client, Request},
    settings::Settings,
};

/// Tells a provider about an event.
pub(crate) trait Post: Send + Sync {
    /// Sends what there is to send.
    fn post<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<(), PostError>>;
}

/// A provider for which an event is one request.
pub(crate) trait Compose: Send + Sync {
    /// What an error of the delivery is introduced with, if with anything.
    const CONTEXT: Option<&'static str> = Some("postMessage failed");

    /// The request that tells about an event; none if the provider does not want to hear of it.
    fn compose(&self, event: &Event) -> Result<Option<Request>, PostError>;
}

/// Posts what a [`Compose`] composes.
pub(crate) struct Webhook<C> {
    compose: C,
    client: Client,
}

impl<C: Compose + 'static> Webhook<C> {
    pub(crate) fn boxed(compose: C, client: Client) -> Box<dyn Post> {
        Box::new(Self { compose, client })
    }
}

impl<C: Compose> Post for Webhook<C> {
    fn post<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<(), PostError>> {
        Box::pin(async move {
            let Some(request) = self.compose.compose(event)? else {
                return Ok(());
            };
            let delivered = self.client.deliver(&request).await;
            delivered.map_err(|error| PostError::delivery(C::CONTEXT, error))
        })
    }
}

/// The secret of providers that take a password for a token too.
fn token_or_password(settings: &Settings) -> &str {
    if settings.token.is_empty() {
        &settings.password
    } else {
        &settings.token
    }
}

/// The id of commit statuses, which must not be empty.
fn commit_status(settings: &Settings) -> Result<String, BuildError> {
    let id = settings.commit_status.clone();
    if id.is_empty() {
        return Err(BuildError::Missing("commit status cannot be empty"));
    }
    Ok(id)
}

#[cfg(test)]
mod tests;
