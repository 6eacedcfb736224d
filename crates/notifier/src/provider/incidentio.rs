//! incident.io: errors fire an alert of the object, other events resolve it.
//!
//! Source: notification-controller internal/notifier/incidentio.go.

use std::collections::BTreeMap;

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
pub(crate) struct IncidentIo {
    address: String,
    token: String,
}

#[derive(Serialize)]
struct Payload<'a> {
    title: String,
    status: &'static str,
    deduplication_key: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    metadata: BTreeMap<&'a str, &'a str>,
}

impl IncidentIo {
    pub(crate) fn new(settings: &Settings) -> Result<Self, BuildError> {
        let address = &settings.address;
        address::absolute(
            address,
            "invalid incident.io alert source URL",
            Style::Quoted,
        )?;
        if settings.token.is_empty() {
            return Err(BuildError::Missing("empty incident.io API token"));
        }
        Ok(Self {
            address: address.clone(),
            token: settings.token.clone(),
        })
    }
}

impl Compose for IncidentIo {
    fn compose(&self, event: &Event) -> Result<Option<Request>, PostError> {
        if text::is_progressing(event) {
            return Ok(None);
        }
        let mut metadata = text::metadata(event);
        metadata.insert("severity", event.severity.as_str());
        metadata.insert("reason", &event.reason);
        if !event.reporting_controller.is_empty() {
            metadata.insert("reportingController", &event.reporting_controller);
        }
        let payload = Payload {
            title: format!("{}: {}", text::object(event), event.reason),
            status: if text::is_error(event) {
                "firing"
            } else {
                "resolved"
            },
            deduplication_key: &event.involved_object.uid,
            description: &event.message,
            metadata,
        };
        Ok(Some(
            Request::json(&self.address, &payload)?.bearer(&self.token),
        ))
    }
}
