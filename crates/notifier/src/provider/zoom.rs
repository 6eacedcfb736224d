//! Zoom Team Chat: a rich message at an incoming webhook.
//!
//! Source: notification-controller internal/notifier/zoom.go.

use std::collections::BTreeMap;

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

/// The notifier.
pub(crate) struct Zoom {
    address: String,
    token: String,
}

#[derive(Serialize)]
struct Payload<'a> {
    content: Content<'a>,
}

#[derive(Serialize)]
struct Content<'a> {
    head: Head<'a>,
    body: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Head<'a> {
    text: String,
    sub_head: SubHead<'a>,
}

#[derive(Serialize)]
struct SubHead<'a> {
    text: &'a str,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Item<'a> {
    Message {
        #[serde(skip_serializing_if = "str::is_empty")]
        text: &'a str,
    },
    Fields {
        items: Vec<Field<'a>>,
    },
}

#[derive(Serialize)]
struct Field<'a> {
    key: &'a str,
    value: &'a str,
}

impl Zoom {
    pub(crate) fn new(settings: &Settings) -> Result<Self, BuildError> {
        let address = &settings.address;
        address::absolute(address, "invalid Zoom incoming webhook URL", Style::Quoted)?;
        if settings.token.is_empty() {
            return Err(BuildError::Missing("empty Zoom verification token"));
        }
        Ok(Self {
            address: full(address),
            token: settings.token.clone(),
        })
    }
}

impl Compose for Zoom {
    fn compose(&self, event: &Event) -> Result<Option<Request>, PostError> {
        let mut body = vec![Item::Message {
            text: &event.message,
        }];
        if !event.metadata.is_empty() {
            let fields = event.metadata.iter();
            let items = fields.map(|(key, value)| Field { key, value }).collect();
            body.push(Item::Fields { items });
        }
        let head = Head {
            text: text::object(event),
            sub_head: SubHead {
                text: event.severity.as_str(),
            },
        };
        let payload = Payload {
            content: Content { head, body },
        };
        // The token goes without a scheme before it.
        Ok(Some(
            Request::json(&self.address, &payload)?.header("authorization", &self.token),
        ))
    }
}

/// Asks for the rich format, unless the address asks for one.
fn full(address: &str) -> String {
    let Ok(mut url) = Url::parse(address) else {
        // Delivery says what is wrong with it.
        return address.to_owned();
    };
    let mut query: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, value) in url.query_pairs() {
        query
            .entry(key.into_owned())
            .or_default()
            .push(value.into_owned());
    }
    let first = query.get("format").and_then(|values| values.first());
    if first.is_some_and(|format| !format.is_empty()) {
        return address.to_owned();
    }
    query.insert("format".to_owned(), vec!["full".to_owned()]);
    let pairs = query
        .iter()
        .flat_map(|(key, values)| values.iter().map(move |value| (&**key, &**value)));
    url.set_query(Some(&text::form(pairs)));
    url.into()
}
