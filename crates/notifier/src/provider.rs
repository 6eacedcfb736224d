//! What a provider is: most turn an event into one request, some need more.

pub(crate) mod generic;
pub(crate) mod slack;

use api::event::Event;
use futures::future::BoxFuture;

use crate::{
    error::PostError,
    http::{Client, Request},
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
