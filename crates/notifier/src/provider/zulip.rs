//! Zulip: a message of a bot in a channel's topic.
//!
//! Source: notification-controller internal/notifier/zulip.go.

use api::event::Event;
use reqwest::{Method, Url};

use super::Compose;
use crate::{
    address::{self, Style},
    error::{BuildError, PostError},
    http::Request,
    markdown,
    settings::Settings,
    text,
};

/// The notifier.
pub(crate) struct Zulip {
    address: String,
    channel: String,
    topic: String,
    username: String,
    password: String,
}

impl Zulip {
    pub(crate) fn new(settings: &Settings) -> Result<Self, BuildError> {
        address::any(
            &settings.address,
            "invalid Zulip endpoint URL",
            Style::ReasonOnly,
        )?;
        let (channel, topic) = match settings.channel.split_once('/') {
            Some((channel, topic)) if !channel.is_empty() && !topic.is_empty() => (channel, topic),
            _ => {
                return Err(BuildError::Channel(format!(
                    "invalid Zulip channel format, expected <channel>/<topic>, got '{}'",
                    settings.channel
                )));
            }
        };
        Ok(Self {
            address: messages(&settings.address),
            channel: channel.to_owned(),
            topic: topic.to_owned(),
            username: settings.username.clone(),
            password: settings.password.clone(),
        })
    }
}

impl Compose for Zulip {
    const CONTEXT: Option<&'static str> = None;

    fn compose(&self, event: &Event) -> Result<Option<Request>, PostError> {
        let body = text::form([
            ("content", markdown::format(event).as_str()),
            ("to", &self.channel),
            ("topic", &self.topic),
            ("type", "stream"),
        ]);
        let content_type = "application/x-www-form-urlencoded";
        let request = Request::new(Method::POST, &self.address, content_type, body.into_bytes());
        if self.username.is_empty() && self.password.is_empty() {
            return Ok(Some(request));
        }
        Ok(Some(request.basic(&self.username, &self.password)))
    }
}

/// Where a server takes messages, whatever path the address has.
fn messages(address: &str) -> String {
    match Url::parse(address) {
        Ok(mut url) => {
            url.set_path("/api/v1/messages");
            url.into()
        }
        // Delivery says what is wrong with it.
        Err(_) => address.to_owned(),
    }
}
