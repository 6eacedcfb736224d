//! Rocket.Chat, through its Slack-compatible webhooks.
//!
//! Source: notification-controller internal/notifier/rocket.go.

use api::event::Event;

use super::{
    Compose,
    slack::{Attachment, Payload},
};
use crate::{
    address::{self, Style},
    error::{BuildError, PostError},
    http::Request,
    settings::Settings,
    text,
};

/// The notifier.
pub(crate) struct Rocket {
    address: String,
    username: String,
    channel: String,
}

impl Rocket {
    pub(crate) fn new(settings: &Settings) -> Result<Self, BuildError> {
        let address = &settings.address;
        address::absolute(address, "invalid Rocket hook URL", Style::Quoted)?;
        Ok(Self {
            address: address.clone(),
            username: settings.username.clone(),
            channel: settings.channel.clone(),
        })
    }
}

impl Compose for Rocket {
    fn compose(&self, event: &Event) -> Result<Option<Request>, PostError> {
        let mut attachment = Attachment::of(event);
        attachment.color = if text::is_error(event) {
            "#FF0000"
        } else {
            "#0076D7"
        };
        let payload = Payload::new(&self.channel, &self.username, attachment);
        Ok(Some(Request::json(&self.address, &payload)?))
    }
}
