//! Grafana: an annotation in Graphite's format.
//!
//! Source: notification-controller internal/notifier/grafana.go; Grafana's annotations API.

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
pub(crate) struct Grafana {
    address: String,
    token: String,
    username: String,
    password: String,
}

#[derive(Serialize)]
struct Payload {
    /// Seconds, as Graphite has it.
    when: i64,
    text: String,
    tags: Vec<String>,
}

impl Grafana {
    pub(crate) fn new(settings: &Settings) -> Result<Self, BuildError> {
        address::absolute(&settings.address, "invalid Grafana URL", Style::AddressOnly)?;
        Ok(Self {
            address: settings.address.clone(),
            token: settings.token.clone(),
            username: settings.username.clone(),
            password: settings.password.clone(),
        })
    }
}

impl Compose for Grafana {
    fn compose(&self, event: &Event) -> Result<Option<Request>, PostError> {
        let payload = Payload {
            when: event.timestamp.as_second(),
            text: text::object(event),
            tags: tags(event),
        };
        let request = Request::json(&self.address, &payload)?;
        Ok(Some(if !self.token.is_empty() {
            request.bearer(&self.token)
        } else if !self.username.is_empty() && !self.password.is_empty() {
            request.basic(&self.username, &self.password)
        } else {
            request
        }))
    }
}

fn tags(event: &Event) -> Vec<String> {
    let object = &event.involved_object;
    let mut tags = vec!["flux".to_owned(), event.reporting_controller.clone()];
    let metadata = event.metadata.iter();
    // The colon is between key and value.
    tags.extend(metadata.map(|(key, value)| {
        format!(
            "{key}: {value}",
            key = key.replace(':', "|"),
            value = value.replace(':', "|")
        )
    }));
    tags.extend([
        format!("kind: {}", object.kind),
        format!("name: {}", object.name),
        format!("namespace: {}", object.namespace),
    ]);
    tags
}
