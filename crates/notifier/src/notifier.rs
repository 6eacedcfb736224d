//! Which provider a type stands for.

use std::sync::Arc;

use api::{event::Event, notification::ProviderType};

use crate::{
    error::{BuildError, PostError},
    provider::{Post, Webhook, generic::Generic, slack::Slack},
    settings::Settings,
    shared::Shared,
};

/// Tells one provider about events.
pub struct Notifier {
    provider: Box<dyn Post>,
}

/// Builds a notifier. Checks only: nothing is sent before the first event.
///
/// # Errors
/// In Flux's words, when the settings cannot be used.
/// Source: notification-controller internal/notifier/factory.go.
pub fn build(settings: &Settings, shared: &Arc<Shared>) -> Result<Notifier, BuildError> {
    let client = || shared.client(settings);
    let provider: Box<dyn Post> = match settings.provider_type {
        ProviderType::Generic => Webhook::boxed(Generic::new(settings)?, client()?),
        ProviderType::GenericHmac => Webhook::boxed(Generic::signed(settings)?, client()?),
        ProviderType::Slack => Webhook::boxed(Slack::new(settings)?, client()?),
        _ => return Err(BuildError::Unsupported(settings.provider_type.clone())),
    };
    Ok(Notifier { provider })
}

impl Notifier {
    /// Tells the provider about an event, with retries. Bound it with the provider's timeout: it may take as long as
    /// the other end wants.
    ///
    /// # Errors
    /// When the provider has not taken the event.
    pub async fn post(&self, event: &Event) -> Result<(), PostError> {
        self.provider.post(event).await
    }
}
