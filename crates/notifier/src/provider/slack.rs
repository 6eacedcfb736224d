//! Slack: an incoming webhook, or `chat.postMessage` with a bot's token.
//!
//! Source: notification-controller internal/notifier/slack.go.

use api::event::Event;
use serde::{Deserialize, Serialize};

use super::Compose;
use crate::{
    address::{self, Style},
    error::{BuildError, PostError, Rejection},
    http::{Request, Response},
    settings::Settings,
    text,
};

/// The one address that says in its body whether it worked.
const CHAT_POST_MESSAGE: &str = "https://slack.com/api/chat.postMessage";

/// The notifier.
pub(crate) struct Slack {
    address: String,
    token: String,
    username: String,
    channel: String,
}

/// A message with attachments. Discord and Rocket.Chat take it too.
#[derive(Serialize)]
pub(super) struct Payload<'a> {
    channel: &'a str,
    username: &'a str,
    icon_url: &'static str,
    icon_emoji: &'static str,
    attachments: [Attachment<'a>; 1],
}

/// The event in a message.
#[derive(Serialize)]
pub(super) struct Attachment<'a> {
    pub(super) fallback: String,
    pub(super) color: &'static str,
    author_name: String,
    text: &'a str,
    mrkdwn_in: [&'static str; 1],
    fields: Vec<Field<'a>>,
}

#[derive(Serialize)]
struct Field<'a> {
    title: &'a str,
    value: &'a str,
    short: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    ok: bool,
    error: String,
}

impl Slack {
    pub(crate) fn new(settings: &Settings) -> Result<Self, BuildError> {
        address::absolute(&settings.address, "invalid Slack hook URL", Style::Quoted)?;
        Ok(Self {
            address: settings.address.clone(),
            token: settings.token.clone(),
            username: settings.username.clone(),
            channel: settings.channel.clone(),
        })
    }
}

impl Compose for Slack {
    fn compose(&self, event: &Event) -> Result<Option<Request>, PostError> {
        let mut attachment = Attachment::of(event);
        let first = event.message.split('\n').next().unwrap_or_default();
        attachment.fallback = format!("{}: {first}", attachment.author_name);
        let username = or_reporter(&self.username, event);
        let payload = Payload::new(&self.channel, username, attachment);
        let mut request = Request::json(&self.address, &payload)?;
        if !self.token.is_empty() {
            request = request.bearer(&self.token);
        }
        if self.address == CHAT_POST_MESSAGE {
            request.check = said_ok;
        }
        Ok(Some(request))
    }
}

impl<'a> Payload<'a> {
    pub(super) fn new(channel: &'a str, username: &'a str, attachment: Attachment<'a>) -> Self {
        Self {
            channel,
            username,
            icon_url: "",
            icon_emoji: "",
            attachments: [attachment],
        }
    }
}

impl<'a> Attachment<'a> {
    /// An event in Slack's colours, without a fallback.
    pub(super) fn of(event: &'a Event) -> Self {
        Self {
            fallback: String::new(),
            color: if text::is_error(event) {
                "danger"
            } else {
                "good"
            },
            author_name: text::object(event),
            text: &event.message,
            mrkdwn_in: ["text"],
            fields: event
                .metadata
                .iter()
                .map(|(title, value)| Field {
                    title,
                    value,
                    short: false,
                })
                .collect(),
        }
    }
}

/// The name under which a message appears.
pub(super) fn or_reporter<'a>(username: &'a str, event: &'a Event) -> &'a str {
    if username.is_empty() {
        &event.reporting_controller
    } else {
        username
    }
}

fn said_ok(response: &Response) -> Result<(), Rejection> {
    // What follows the answer is no part of it.
    let mut body = serde_json::Deserializer::from_slice(&response.body);
    let answer =
        Answer::deserialize(&mut body).map_err(|error| Rejection::Malformed(error.to_string()))?;
    if answer.ok {
        return Ok(());
    }
    Err(Rejection::Answer(format!(
        "Slack responded with error: {}",
        answer.error
    )))
}
