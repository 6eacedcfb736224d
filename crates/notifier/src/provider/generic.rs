//! The event as JSON to any webhook, optionally signed.
//!
//! Source: notification-controller internal/notifier/forwarder.go.

use std::collections::BTreeMap;

use api::event::Event;
use aws_lc_rs::hmac;
use reqwest::Method;

use super::Compose;
use crate::{
    address::{self, Style},
    error::{BuildError, PostError},
    http::Request,
    json,
    settings::Settings,
    text,
};

/// The notifier.
pub(crate) struct Generic {
    address: String,
    headers: BTreeMap<String, String>,
    key: Option<hmac::Key>,
}

impl Generic {
    pub(crate) fn new(settings: &Settings) -> Result<Self, BuildError> {
        address::absolute(&settings.address, "invalid hook URL", Style::Plain)?;
        Ok(Self {
            address: settings.address.clone(),
            headers: settings.headers.clone(),
            key: None,
        })
    }

    /// One whose requests are signed with the token.
    pub(crate) fn signed(settings: &Settings) -> Result<Self, BuildError> {
        let unsigned = Self::new(settings)?;
        if settings.token.is_empty() {
            return Err(BuildError::Missing("HMAC key is empty"));
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, settings.token.as_bytes());
        Ok(Self {
            key: Some(key),
            ..unsigned
        })
    }
}

impl Compose for Generic {
    fn compose(&self, event: &Event) -> Result<Option<Request>, PostError> {
        let body = json::to_vec(event)?;
        let signature = self.key.as_ref().map(|key| hmac::sign(key, &body));
        let mut request = Request::new(Method::POST, &self.address, "application/json", body)
            .header("gotk-component", &event.reporting_controller);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(signature) = signature {
            request = request.header("x-signature", format!("sha256={}", text::hex(signature)));
        }
        Ok(Some(request))
    }
}
