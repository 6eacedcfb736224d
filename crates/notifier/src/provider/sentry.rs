//! Sentry: an error is an event, all else a trace, which alerts nobody.
//!
//! The envelope is written here: an SDK sends on a thread of its own and tells nobody whether it worked. Ids are
//! hashes of the event, so that a retry is no second event. What an SDK adds about its own process is left out.
//!
//! Source: notification-controller internal/notifier/sentry.go; sentry-go (0.46); Sentry's envelopes and event payloads.

mod dsn;

use std::collections::BTreeMap;

use api::{
    event::{Event, NO_TIME},
    meta::time::whole_second,
};
use jiff::Timestamp;
use reqwest::Method;
use serde::Serialize;
use sha2::{Digest, Sha256};

use self::dsn::Dsn;
use super::Compose;
use crate::{
    error::{BuildError, PostError},
    http::Request,
    json,
    settings::Settings,
    text,
};

/// The version is the envelope's, so that its bytes don't depend on the release.
const CLIENT: &str = "perigee/1";

/// What a trace is of.
const OPERATION: &str = "event";

/// The notifier.
pub(crate) struct Sentry {
    dsn: Dsn,
    environment: String,
}

#[derive(Serialize)]
struct EnvelopeHeader<'a> {
    event_id: &'a str,
    dsn: &'a str,
    sdk: Sdk,
}

#[derive(Serialize)]
struct ItemHeader {
    r#type: &'static str,
    length: usize,
}

#[derive(Serialize)]
struct Sdk {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct Payload<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    environment: &'a str,
    event_id: &'a str,
    level: &'static str,
    message: &'a str,
    platform: &'static str,
    sdk: Sdk,
    server_name: &'a str,
    timestamp: String,
    transaction: String,
    /// Given for a trace only, as are the next ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_timestamp: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spans: Option<[Span<'a>; 1]>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<&'a str, &'a str>,
    contexts: Contexts<'a>,
}

#[derive(Serialize)]
struct Span<'a> {
    trace_id: &'a str,
    #[serde(rename = "span_id")]
    id: &'a str,
    op: &'static str,
    start_timestamp: String,
    timestamp: String,
    origin: &'static str,
    tags: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize, Default)]
struct Contexts<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<Trace<'a>>,
}

#[derive(Serialize)]
struct Trace<'a> {
    op: &'static str,
    span_id: &'a str,
    #[serde(rename = "trace_id")]
    id: &'a str,
}

/// Hexadecimal ids.
struct Ids {
    event: String,
    trace: String,
    span: String,
}

impl Sentry {
    pub(crate) fn new(settings: &Settings) -> Result<Self, BuildError> {
        if settings.address.is_empty() {
            return Err(BuildError::Missing("DSN cannot be empty"));
        }
        Ok(Self {
            dsn: Dsn::parse(&settings.address)?,
            environment: settings.channel.clone(),
        })
    }
}

impl Compose for Sentry {
    fn compose(&self, event: &Event) -> Result<Option<Request>, PostError> {
        let ids = Ids::of(event)?;
        let payload = self.payload(event, &ids);
        let item = json::to_vec(&payload)?;
        let header = EnvelopeHeader {
            event_id: &ids.event,
            dsn: self.dsn.text(),
            sdk: Sdk::OURS,
        };
        let item_header = ItemHeader {
            r#type: if text::is_error(event) {
                "event"
            } else {
                "transaction"
            },
            length: item.len(),
        };
        let mut body = Vec::with_capacity(item.len() + 256);
        for line in [json::to_vec(&header)?, json::to_vec(&item_header)?, item] {
            body.extend_from_slice(&line);
            body.push(b'\n');
        }
        let content_type = "application/x-sentry-envelope";
        let request = Request::new(Method::POST, self.dsn.envelopes(), content_type, body);
        Ok(Some(
            request.header("x-sentry-auth", self.dsn.authorization(CLIENT)),
        ))
    }
}

impl Sentry {
    fn payload<'a>(&'a self, event: &'a Event, ids: &'a Ids) -> Payload<'a> {
        let object = &event.involved_object;
        let payload = Payload {
            environment: &self.environment,
            event_id: &ids.event,
            level: "error",
            message: &event.message,
            platform: "other",
            sdk: Sdk::OURS,
            server_name: &event.reporting_controller,
            timestamp: time(event),
            transaction: format!("{}: {}/{}", object.kind, object.namespace, object.name),
            r#type: None,
            start_timestamp: None,
            spans: None,
            tags: BTreeMap::new(),
            contexts: Contexts {
                metadata: Some(&event.metadata),
                trace: None,
            },
        };
        if text::is_error(event) {
            return payload;
        }
        let trace = Trace {
            op: OPERATION,
            span_id: &ids.span,
            id: &ids.trace,
        };
        Payload {
            level: "info",
            r#type: Some("transaction"),
            start_timestamp: Some(time(event)),
            spans: Some([Span::of(event, ids)]),
            tags: tags(event),
            contexts: Contexts {
                metadata: None,
                trace: Some(trace),
            },
            ..payload
        }
    }
}

impl Sdk {
    const OURS: Self = Self {
        name: "perigee",
        version: "1",
    };
}

impl<'a> Span<'a> {
    fn of(event: &'a Event, ids: &'a Ids) -> Self {
        Self {
            trace_id: &ids.trace,
            id: &ids.span,
            op: OPERATION,
            start_timestamp: time(event),
            timestamp: time(event),
            origin: "manual",
            tags: tags(event),
        }
    }
}

impl Ids {
    fn of(event: &Event) -> Result<Self, PostError> {
        let mut hex = text::hex(Sha256::digest(json::to_vec(event)?));
        let trace = hex.split_off(32);
        let mut span = text::hex(Sha256::digest(&hex));
        span.truncate(16);
        Ok(Self {
            event: hex,
            trace,
            span,
        })
    }
}

/// When it happened; Sentry takes nothing without a time.
fn time(event: &Event) -> String {
    let time = if event.timestamp == NO_TIME {
        whole_second(Timestamp::now())
    } else {
        event.timestamp
    };
    time.to_string()
}

fn tags(event: &Event) -> BTreeMap<&str, &str> {
    let object = &event.involved_object;
    let mut tags = BTreeMap::from([
        ("flux_involved_object_kind", object.kind.as_str()),
        ("flux_involved_object_namespace", &object.namespace),
        ("flux_involved_object_name", &object.name),
        ("flux_reporting_controller", &event.reporting_controller),
        ("flux_reporting_instance", &event.reporting_instance),
        ("flux_reason", &event.reason),
    ]);
    tags.extend(text::metadata(event));
    tags
}
