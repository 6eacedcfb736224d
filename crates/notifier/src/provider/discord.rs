//! Discord, through its Slack-compatible webhooks.
//!
//! Source: notification-controller internal/notifier/discord.go.

use api::event::Event;
use reqwest::Url;

use super::{
    Compose,
    slack::{self, Attachment, Payload},
};
use crate::{
    address::{self, Style},
    error::{BuildError, PostError},
    http::Request,
    settings::Settings,
};

/// The notifier.
pub(crate) struct Discord {
    address: String,
    username: String,
}

impl Discord {
    pub(crate) fn new(settings: &Settings) -> Result<Self, BuildError> {
        let address = &settings.address;
        address::absolute(address, "invalid Discord hook URL", Style::Quoted)?;
        Ok(Self {
            address: slack_compatible(address),
            username: settings.username.clone(),
        })
    }
}

impl Compose for Discord {
    fn compose(&self, event: &Event) -> Result<Option<Request>, PostError> {
        let username = slack::or_reporter(&self.username, event);
        let payload = Payload::new("", username, Attachment::of(event));
        Ok(Some(Request::json(&self.address, &payload)?))
    }
}

/// The address at which a webhook takes Slack's payload.
fn slack_compatible(address: &str) -> String {
    if address.ends_with("/slack") {
        return address.to_owned();
    }
    match Url::parse(address) {
        Ok(mut url) => {
            let path = format!("{}/slack", url.path().trim_end_matches('/'));
            url.set_path(&path);
            url.into()
        }
        // Delivery says what is wrong with it.
        Err(_) => address.to_owned(),
    }
}
