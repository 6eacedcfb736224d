//! Microsoft Teams: workflows take adaptive cards, the connectors that Microsoft retires take message cards.
//!
//! Source: notification-controller internal/notifier/teams.go; the schemas are Microsoft's.

use api::event::Event;
use reqwest::Url;
use serde::Serialize;

use super::Compose;
use crate::{
    address::{self, Style},
    error::{BuildError, PostError},
    http::Request,
    settings::Settings,
    text,
};

/// Where the connectors' hosts end.
const CONNECTORS: &str = ".webhook.office.com";
/// The fact that comes first.
const SUMMARY: &str = "summary";

/// The notifier.
pub(crate) struct MsTeams {
    address: String,
    connector: bool,
}

#[derive(Serialize)]
struct MessageCard<'a> {
    #[serde(rename = "@type")]
    kind: &'static str,
    #[serde(rename = "@context")]
    context: &'static str,
    #[serde(rename = "themeColor")]
    theme_color: &'static str,
    summary: &'a str,
    sections: [Section<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Section<'a> {
    activity_title: &'a str,
    activity_subtitle: &'a str,
    facts: Vec<NamedFact<'a>>,
}

#[derive(Serialize)]
struct NamedFact<'a> {
    name: &'a str,
    value: &'a str,
}

#[derive(Serialize)]
struct Message<'a> {
    r#type: &'static str,
    attachments: [Attachment<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Attachment<'a> {
    content_type: &'static str,
    content: Card<'a>,
}

#[derive(Serialize)]
struct Card<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    r#type: &'static str,
    version: &'static str,
    body: [Container<'a>; 1],
    msteams: Width,
}

#[derive(Serialize)]
struct Width {
    width: &'static str,
}

#[derive(Serialize)]
struct Container<'a> {
    r#type: &'static str,
    items: [Element<'a>; 3],
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum Element<'a> {
    TextBlock(TextBlock<'a>),
    FactSet {
        #[serde(skip_serializing_if = "Vec::is_empty")]
        facts: Vec<Fact<'a>>,
    },
}

#[derive(Serialize, Default)]
struct TextBlock<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weight: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    color: Option<&'static str>,
    wrap: bool,
}

#[derive(Serialize)]
struct Fact<'a> {
    title: &'a str,
    value: &'a str,
}

impl MsTeams {
    pub(crate) fn new(settings: &Settings) -> Result<Self, BuildError> {
        let address = &settings.address;
        address::absolute(address, "invalid MS Teams webhook URL", Style::Quoted)?;
        let connector = Url::parse(address).is_ok_and(|url| {
            url.host_str()
                .is_some_and(|host| host.ends_with(CONNECTORS))
        });
        Ok(Self {
            address: address.clone(),
            connector,
        })
    }
}

impl Compose for MsTeams {
    fn compose(&self, event: &Event) -> Result<Option<Request>, PostError> {
        let object = text::object(event);
        let request = if self.connector {
            Request::json(&self.address, &MessageCard::new(event, &object))?
        } else {
            Request::json(&self.address, &Message::new(event, &object))?
        };
        Ok(Some(request))
    }
}

impl<'a> MessageCard<'a> {
    fn new(event: &'a Event, object: &'a str) -> Self {
        let facts = event.metadata.iter();
        Self {
            kind: "MessageCard",
            context: "http://schema.org/extensions",
            theme_color: if text::is_error(event) {
                "FF0000"
            } else {
                "0076D7"
            },
            summary: object,
            sections: [Section {
                activity_title: &event.message,
                activity_subtitle: object,
                facts: facts
                    .map(|(name, value)| NamedFact { name, value })
                    .collect(),
            }],
        }
    }
}

impl<'a> Message<'a> {
    fn new(event: &'a Event, object: &'a str) -> Self {
        let heading = TextBlock {
            text: object,
            size: Some("large"),
            weight: Some("bolder"),
            color: None,
            wrap: true,
        };
        let message = TextBlock {
            text: &event.message,
            color: text::is_error(event).then_some("attention"),
            wrap: true,
            ..TextBlock::default()
        };
        let summary = event.metadata.get_key_value(SUMMARY);
        let rest = event.metadata.iter().filter(|(key, _)| *key != SUMMARY);
        let facts = summary.into_iter().chain(rest);
        let facts = facts.map(|(title, value)| Fact { title, value }).collect();
        Self {
            r#type: "message",
            attachments: [Attachment {
                content_type: "application/vnd.microsoft.card.adaptive",
                content: Card {
                    schema: "http://adaptivecards.io/schemas/adaptive-card.json",
                    r#type: "AdaptiveCard",
                    // The newest that Teams renders.
                    version: "1.4",
                    body: [Container {
                        r#type: "Container",
                        items: [
                            Element::TextBlock(heading),
                            Element::TextBlock(message),
                            Element::FactSet { facts },
                        ],
                    }],
                    msteams: Width { width: "Full" },
                },
            }],
        }
    }
}
