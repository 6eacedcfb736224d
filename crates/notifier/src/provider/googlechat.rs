//! Google Chat: a card at an incoming webhook.
//!
//! Source: notification-controller `internal/notifier/google_chat.go`.

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
pub(crate) struct GoogleChat {
    address: String,
}

#[derive(Serialize)]
struct Payload<'a> {
    cards: [Card<'a>; 1],
}

#[derive(Serialize)]
struct Card<'a> {
    header: Header<'a>,
    sections: Vec<Section<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Header<'a> {
    title: String,
    subtitle: &'a str,
    image_url: (),
    image_style: (),
}

#[derive(Serialize)]
struct Section<'a> {
    header: &'static str,
    widgets: Vec<Widget<'a>>,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct Widget<'a> {
    text_paragraph: Option<Paragraph>,
    key_value: Option<KeyValue<'a>>,
}

#[derive(Serialize)]
struct Paragraph {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyValue<'a> {
    top_label: &'a str,
    content: &'a str,
    content_multiline: bool,
    bottom_label: (),
    icon: (),
}

impl GoogleChat {
    pub(crate) fn new(settings: &Settings) -> Result<Self, BuildError> {
        let address = &settings.address;
        address::absolute(address, "invalid Google Chat hook URL", Style::AddressOnly)?;
        Ok(Self {
            address: address.clone(),
        })
    }
}

impl Compose for GoogleChat {
    fn compose(&self, event: &Event) -> Result<Option<Request>, PostError> {
        let mut sections = vec![Section {
            header: "",
            widgets: vec![Widget::text(event)],
        }];
        if !event.metadata.is_empty() {
            let metadata = event.metadata.iter();
            let widgets = metadata
                .map(|(key, value)| Widget::pair(key, value))
                .collect();
            sections.push(Section {
                header: "",
                widgets,
            });
        }
        let header = Header {
            title: text::object(event),
            subtitle: &event.reporting_controller,
            image_url: (),
            image_style: (),
        };
        let payload = Payload {
            cards: [Card { header, sections }],
        };
        Ok(Some(Request::json(&self.address, &payload)?))
    }
}

impl<'a> Widget<'a> {
    fn text(event: &Event) -> Self {
        let message = &event.message;
        let text = if text::is_error(event) {
            format!("<font color=\"#ff0000\">{message}</font>")
        } else {
            message.clone()
        };
        Self {
            text_paragraph: Some(Paragraph { text }),
            key_value: None,
        }
    }

    fn pair(key: &'a str, value: &'a str) -> Self {
        let pair = KeyValue {
            top_label: key,
            content: value,
            content_multiline: false,
            bottom_label: (),
            icon: (),
        };
        Self {
            text_paragraph: None,
            key_value: Some(pair),
        }
    }
}
