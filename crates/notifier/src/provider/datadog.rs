//! Datadog: an event of its events API.
//!
//! Source: notification-controller internal/notifier/datadog.go; datadog-api-client-go (2.60), whose JSON has sorted
//! keys and ends in a line feed.

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

/// Where events go when the address says nothing.
const DEFAULT_SITE: &str = "https://api.datadoghq.com";
const PATH: &str = "/api/v1/events";

/// The notifier.
pub(crate) struct Datadog {
    address: String,
    key: String,
}

#[derive(Serialize)]
struct Payload<'a> {
    alert_type: &'static str,
    date_happened: i64,
    source_type_name: &'static str,
    tags: Vec<String>,
    text: &'a str,
    title: String,
}

impl Datadog {
    pub(crate) fn new(settings: &Settings) -> Result<Self, BuildError> {
        if settings.token.is_empty() {
            return Err(BuildError::Missing("token cannot be empty"));
        }
        let address = &settings.address;
        address::any(address, "failed to parse address", Style::AddressQuoted)?;
        // Without a scheme, what looks like a host is a path, which counts for nothing.
        let in_scheme = |char: char| char.is_ascii_alphanumeric() || "+-.".contains(char);
        let site = match address.split_once(':') {
            _ if address.starts_with("//") => format!("https:{address}"),
            Some((scheme, _)) if scheme.chars().all(in_scheme) => address.clone(),
            _ => DEFAULT_SITE.to_owned(),
        };
        let address = Url::parse(&site).map_or_else(
            // Delivery says what is wrong with it.
            |_| site.clone(),
            |url| format!("{}{PATH}", url.origin().ascii_serialization()),
        );
        Ok(Self {
            address,
            key: settings.token.clone(),
        })
    }
}

impl Compose for Datadog {
    const CONTEXT: Option<&'static str> = Some("failed to post event to DataDog");

    fn compose(&self, event: &Event) -> Result<Option<Request>, PostError> {
        let object = &event.involved_object;
        let payload = Payload {
            alert_type: if text::is_error(event) {
                "error"
            } else {
                "info"
            },
            date_happened: event.timestamp.as_second(),
            source_type_name: "fluxcd",
            tags: tags(event),
            text: &event.message,
            title: format!(
                "Events from the {} {}/{}",
                object.kind, object.name, object.namespace
            ),
        };
        let mut request = Request::json(&self.address, &payload)?
            .header("accept", "application/json")
            .header("dd-api-key", &self.key);
        request.body.push(b'\n');
        Ok(Some(request))
    }
}

fn tags(event: &Event) -> Vec<String> {
    let object = &event.involved_object;
    let fixed = [
        ("flux_reporting_controller", &event.reporting_controller),
        ("flux_reason", &event.reason),
        ("kube_kind", &object.kind),
        ("kube_name", &object.name),
        ("kube_namespace", &object.namespace),
    ];
    let metadata = event
        .metadata
        .iter()
        .map(|(key, value)| (key.as_str(), value));
    let tags = fixed.into_iter().chain(metadata);
    tags.map(|(key, value)| format!("{key}:{value}").to_lowercase())
        .collect()
}
