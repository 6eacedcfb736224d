//! Lark (Feishu): a card at a custom bot's webhook.
//!
//! Source: notification-controller internal/notifier/lark.go.

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
pub(crate) struct Lark {
    address: String,
}

#[derive(Serialize)]
struct Payload {
    msg_type: &'static str,
    card: Card,
}

#[derive(Serialize)]
struct Card {
    config: Config,
    header: Header,
    elements: [Element; 1],
}

#[derive(Serialize)]
struct Config {
    wide_screen_mode: bool,
}

#[derive(Serialize)]
struct Header {
    title: Text,
    template: &'static str,
}

#[derive(Serialize)]
struct Element {
    tag: &'static str,
    text: Text,
}

#[derive(Serialize)]
struct Text {
    tag: &'static str,
    content: String,
}

impl Lark {
    pub(crate) fn new(settings: &Settings) -> Result<Self, BuildError> {
        // Flux says Slack here.
        address::absolute(
            &settings.address,
            "invalid Slack hook URL",
            Style::AddressOnly,
        )?;
        Ok(Self {
            address: settings.address.clone(),
        })
    }
}

impl Compose for Lark {
    const CONTEXT: Option<&'static str> = None;

    fn compose(&self, event: &Event) -> Result<Option<Request>, PostError> {
        let (emoji, template) = if text::is_error(event) {
            ("🚨", "red")
        } else {
            ("💫", "turquoise")
        };
        let mut content = format!("**{}**\n\n", event.message);
        for (key, value) in &event.metadata {
            content.extend([key, ": ", value, "\n"]);
        }
        let title = format!("{emoji} {}", text::object(event));
        let payload = Payload {
            msg_type: "interactive",
            card: Card {
                config: Config {
                    wide_screen_mode: true,
                },
                header: Header {
                    title: Text {
                        tag: "plain_text",
                        content: title,
                    },
                    template,
                },
                elements: [Element {
                    tag: "div",
                    text: Text {
                        tag: "lark_md",
                        content,
                    },
                }],
            },
        };
        Ok(Some(Request::json(&self.address, &payload)?))
    }
}
