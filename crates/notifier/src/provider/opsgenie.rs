//! Opsgenie: an alert whose alias is the same for the same object, reason and Provider.
//!
//! Source: notification-controller internal/notifier/opsgenie.go.

use std::collections::BTreeMap;

use api::event::Event;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Compose;
use crate::{
    address::{self, Style},
    error::{BuildError, PostError},
    http::Request,
    settings::Settings,
    text,
};

/// The notifier.
pub(crate) struct Opsgenie {
    address: String,
    key: String,
    provider: String,
}

#[derive(Serialize)]
struct Payload<'a> {
    message: String,
    alias: String,
    description: &'a str,
    details: BTreeMap<&'a str, &'a str>,
}

impl Opsgenie {
    pub(crate) fn new(settings: &Settings) -> Result<Self, BuildError> {
        address::absolute(
            &settings.address,
            "invalid Opsgenie hook URL",
            Style::Quoted,
        )?;
        if settings.token.is_empty() {
            return Err(BuildError::Missing("empty Opsgenie apikey/token"));
        }
        Ok(Self {
            address: settings.address.clone(),
            key: settings.token.clone(),
            provider: settings.provider.uid.clone(),
        })
    }
}

impl Compose for Opsgenie {
    fn compose(&self, event: &Event) -> Result<Option<Request>, PostError> {
        let object = &event.involved_object;
        let mut details = text::metadata(event);
        details.insert("severity", event.severity.as_str());
        // `Display` of an object is kind, namespace and name.
        let identity = format!("{}/{object}/{}", self.provider, event.reason);
        let payload = Payload {
            message: format!("{}/{}", object.kind, object.name),
            alias: text::hex(Sha256::digest(identity)),
            description: &event.message,
            details,
        };
        let authorization = format!("GenieKey {}", self.key);
        Ok(Some(
            Request::json(&self.address, &payload)?.header("authorization", authorization),
        ))
    }
}
