//! Webex: a message of a bot in a room.
//!
//! Source: notification-controller internal/notifier/webex.go.

use api::event::Event;
use serde::Serialize;

use super::Compose;
use crate::{
    address::{self, Style},
    error::{BuildError, PostError},
    http::Request,
    settings::Settings,
    text,
};

/// The notifier.
pub(crate) struct Webex {
    address: String,
    room: String,
    token: String,
}

#[derive(Serialize)]
struct Payload<'a> {
    #[serde(rename = "roomId", skip_serializing_if = "str::is_empty")]
    room: &'a str,
    markdown: String,
}

impl Webex {
    pub(crate) fn new(settings: &Settings) -> Result<Self, BuildError> {
        address::absolute(&settings.address, "invalid Webex hook URL", Style::Quoted)?;
        Ok(Self {
            address: settings.address.clone(),
            room: settings.channel.clone(),
            token: settings.token.clone(),
        })
    }
}

impl Compose for Webex {
    fn compose(&self, event: &Event) -> Result<Option<Request>, PostError> {
        let payload = Payload {
            room: &self.room,
            markdown: markdown(event),
        };
        Ok(Some(
            Request::json(&self.address, &payload)?.bearer(&self.token),
        ))
    }
}

fn markdown(event: &Event) -> String {
    let emoji = if text::is_error(event) { "💣" } else { "✅" };
    let mut out = format!("{emoji} **{}**\n{}\n", text::object(event), event.message);
    for (key, value) in &event.metadata {
        out.extend([">**", key, "**: ", value, "\n"]);
    }
    out
}
