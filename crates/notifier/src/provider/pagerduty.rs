//! `PagerDuty`: errors trigger an incident of the object, other events resolve it; infos are also changes.
//!
//! Source: notification-controller internal/notifier/pagerduty.go; `PagerDuty` Events API v2.

use std::collections::BTreeMap;

use api::event::{Event, Severity};
use futures::future::BoxFuture;
use reqwest::Url;
use serde::Serialize;

use super::Post;
use crate::{
    address::{self, Style},
    error::{BuildError, PostError},
    http::{Client, Request},
    settings::Settings,
    text,
};

/// The notifier.
pub(crate) struct PagerDuty {
    /// Scheme and host.
    endpoint: String,
    routing_key: String,
    client: Client,
}

#[derive(Serialize)]
struct Incident<'a> {
    routing_key: &'a str,
    event_action: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    dedup_key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<IncidentPayload<'a>>,
}

#[derive(Serialize)]
struct IncidentPayload<'a> {
    summary: String,
    source: String,
    severity: &'static str,
    timestamp: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    component: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    group: &'a str,
    custom_details: Details<'a>,
}

#[derive(Serialize)]
struct Change<'a> {
    routing_key: &'a str,
    payload: ChangePayload<'a>,
}

#[derive(Serialize)]
struct ChangePayload<'a> {
    summary: String,
    source: String,
    timestamp: String,
    custom_details: Details<'a>,
}

#[derive(Serialize)]
struct Details<'a> {
    message: &'a str,
    metadata: &'a BTreeMap<String, String>,
}

impl PagerDuty {
    pub(crate) fn new(settings: &Settings, client: Client) -> Result<Self, BuildError> {
        let address = &settings.address;
        address::absolute(address, "invalid PagerDuty endpoint URL", Style::BothQuoted)?;
        // An address without a host stays as it is: delivery says what is wrong with it.
        let endpoint = Url::parse(address).map_or_else(
            |_| address.clone(),
            |url| url.origin().ascii_serialization(),
        );
        Ok(Self {
            endpoint,
            routing_key: settings.channel.clone(),
            client,
        })
    }

    fn incident(&self, event: &Event) -> Result<Request, PostError> {
        let object = &event.involved_object;
        let is_error = text::is_error(event);
        let incident = Incident {
            routing_key: &self.routing_key,
            event_action: if is_error { "trigger" } else { "resolve" },
            dedup_key: &object.uid,
            payload: is_error.then(|| IncidentPayload {
                summary: summary(event),
                source: source(event),
                severity: "error",
                timestamp: event.timestamp.to_string(),
                component: &object.name,
                group: &object.kind,
                custom_details: Details::of(event),
            }),
        };
        Ok(Request::json(
            format!("{}/v2/enqueue", self.endpoint),
            &incident,
        )?)
    }

    fn change(&self, event: &Event) -> Result<Request, PostError> {
        let change = Change {
            routing_key: &self.routing_key,
            payload: ChangePayload {
                summary: summary(event),
                source: source(event),
                timestamp: event.timestamp.to_string(),
                custom_details: Details::of(event),
            },
        };
        Ok(Request::json(
            format!("{}/v2/change/enqueue", self.endpoint),
            &change,
        )?)
    }

    async fn send(&self, request: &Request, context: &'static str) -> Result<(), PostError> {
        let sent = self.client.deliver(request).await;
        sent.map_err(|error| PostError::delivery(Some(context), error))
    }
}

impl Post for PagerDuty {
    fn post<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<(), PostError>> {
        Box::pin(async move {
            if text::is_progressing(event) {
                return Ok(());
            }
            self.send(&self.incident(event)?, "failed sending event")
                .await?;
            if event.severity == Severity::Info {
                self.send(&self.change(event)?, "failed sending change event")
                    .await?;
            }
            Ok(())
        })
    }
}

impl<'a> Details<'a> {
    fn of(event: &'a Event) -> Self {
        Self {
            message: &event.message,
            metadata: &event.metadata,
        }
    }
}

fn summary(event: &Event) -> String {
    format!("{}: {}", text::description(event), text::name(event))
}

fn source(event: &Event) -> String {
    format!("Flux {}", event.reporting_controller)
}
