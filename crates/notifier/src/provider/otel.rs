//! OpenTelemetry: one span per event, over OTLP in HTTP.
//!
//! All events that one Alert forwards about one revision share a trace, whose id is a hash of both;
//! no span has a parent. Source: notification-controller `internal/notifier/otel.go`, OTLP 1.7,
//! opentelemetry-go's `tracetransform`.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::event::{Event, NO_TIME};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::BoxFuture;
use jiff::Timestamp;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message as _;
use sha2::{Digest, Sha256};

use super::Post;
use crate::error::{BuildError, During, PostError};
use crate::rest::{Call, Rest};
use crate::settings::{ObjectName, Settings};
use crate::shared::Shared;
use crate::text;

const SCHEMA: &str = "https://opentelemetry.io/schemas/1.34.0";
const TRACER: &str = "flux:notification-controller";

/// Where collectors take traces when the address has no path.
const PATH: &str = "/v1/traces";

/// Sampled; whether the parent is remote is known, and it is.
const FLAGS: u32 = 0x01 | 0x100 | 0x200;

/// A kind that is no source of traces.
const SKIPPED: &str = "HelmRepository";

/// Sends spans to a collector.
pub(crate) struct Otel {
    rest: Rest,
    url: String,
    headers: BTreeMap<String, String>,
    alert: ObjectName,
}

impl Otel {
    pub(crate) fn new(settings: &Settings, shared: &Arc<Shared>) -> Result<Self, BuildError> {
        let mut headers = settings.headers.clone();
        let authorized = headers
            .iter()
            .any(|(name, value)| name.eq_ignore_ascii_case("authorization") && !value.is_empty());
        if !authorized && let Some(authorization) = authorization(settings) {
            headers.insert("Authorization".to_owned(), authorization);
        }
        Ok(Self {
            rest: shared.rest(settings)?,
            url: endpoint(&settings.address)?,
            headers,
            alert: settings.alert.clone(),
        })
    }
}

impl Post for Otel {
    fn post<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, Result<(), PostError>> {
        Box::pin(async move {
            if event.involved_object.kind == SKIPPED {
                return Ok(());
            }
            let traces = traces(&self.alert, event, span_id(), Timestamp::now());
            let call = Call::post(&self.url)
                .masked()
                .body("application/x-protobuf", traces.encode_to_vec());
            let call = self
                .headers
                .iter()
                .fold(call, |call, (name, value)| call.header(name, value));
            self.rest.ok(call).await.during("failed to export trace")?;
            Ok(())
        })
    }
}

/// A token, or a name and a password.
fn authorization(settings: &Settings) -> Option<String> {
    let secret = super::token_or_password(settings);
    if secret.is_empty() {
        None
    } else if settings.username.is_empty() {
        Some(format!("Bearer {secret}"))
    } else {
        let pair = STANDARD.encode(format!("{}:{secret}", settings.username));
        Some(format!("Basic {pair}"))
    }
}

/// Where traces go: the address without its query, which exporters drop.
fn endpoint(address: &str) -> Result<String, BuildError> {
    let invalid = BuildError::Missing("invalid OTLP endpoint URL");
    let Some((scheme @ ("http" | "https"), rest)) = address.split_once("://") else {
        return Err(invalid);
    };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let slash = rest.find('/').unwrap_or(rest.len());
    let (host, path) = rest.split_at(slash);
    if host.is_empty() {
        return Err(invalid);
    }
    let path = if path.is_empty() { PATH } else { path };
    Ok(format!("{scheme}://{host}{path}"))
}

/// Returns the request that tells a collector about an event.
fn traces(
    alert: &ObjectName,
    event: &Event,
    span_id: [u8; 8],
    now: Timestamp,
) -> ExportTraceServiceRequest {
    let object = &event.involved_object;
    let mut attributes = vec![
        attribute("object.uid", &object.uid),
        attribute("object.kind", &object.kind),
        attribute("object.name", &object.name),
        attribute("object.namespace", &object.namespace),
    ];
    attributes.extend(
        event
            .metadata
            .iter()
            .map(|(key, value)| attribute(key, value)),
    );
    // Only errors have a description: that of a success is dropped by the specification.
    let status = if text::is_error(event) {
        Status {
            code: StatusCode::Error.into(),
            message: event.message.clone(),
        }
    } else {
        Status {
            code: StatusCode::Ok.into(),
            message: String::new(),
        }
    };
    // An event without a time happens now, as a span without a start does.
    let started = if event.timestamp == NO_TIME {
        now
    } else {
        event.timestamp
    };
    let span = Span {
        trace_id: trace_id(&alert.uid, &event.metadata).to_vec(),
        span_id: span_id.to_vec(),
        flags: FLAGS,
        name: format!("{}: {}/{}", object.kind, object.namespace, object.name),
        kind: SpanKind::Internal.into(),
        start_time_unix_nano: nanoseconds(started),
        end_time_unix_nano: nanoseconds(now),
        attributes,
        status: Some(status),
        ..Span::default()
    };
    let resource = Resource {
        attributes: vec![
            attribute("service.instance.id", &alert.uid),
            attribute(
                "service.name",
                &format!("{}/{}", alert.namespace, alert.name),
            ),
            attribute("service.namespace", &alert.namespace),
        ],
        ..Resource::default()
    };
    let scope = InstrumentationScope {
        name: TRACER.to_owned(),
        ..InstrumentationScope::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource),
            scope_spans: vec![ScopeSpans {
                scope: Some(scope),
                spans: vec![span],
                schema_url: String::new(),
            }],
            schema_url: SCHEMA.to_owned(),
        }],
    }
}

fn attribute(key: &str, value: &str) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue {
            value: Some(Value::StringValue(value.to_owned())),
        }),
        ..KeyValue::default()
    }
}

/// The trace of an Alert and a revision. A chart from an OCI registry is told by its version and its
/// digest, which is how its source tells it too.
fn trace_id(alert: &str, metadata: &BTreeMap<String, String>) -> [u8; 16] {
    let value = |key| metadata.get(key).map(String::as_str);
    let revision = match (value("app-version"), value("oci-digest")) {
        (Some(version), Some(digest)) => format!("{version}@{digest}"),
        _ => value("revision").unwrap_or("unknown").to_owned(),
    };
    let hash: [u8; 32] = Sha256::digest(format!("{alert}:{revision}")).into();
    let mut id = [0; 16];
    id.iter_mut()
        .zip(hash)
        .for_each(|(place, byte)| *place = byte);
    id
}

/// A random id; the clock's digits if there is no randomness.
fn span_id() -> [u8; 8] {
    let mut id = Timestamp::now().as_microsecond().to_be_bytes();
    // What is left in the id on failure is unlikely to meet another of the same trace.
    aws_lc_rs::rand::fill(&mut id).ok();
    id
}

fn nanoseconds(time: Timestamp) -> u64 {
    u64::try_from(time.as_nanosecond()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_belongs_to_an_alert_and_a_revision() {
        let oci = [
            ("app-version", "1.0"),
            ("oci-digest", "sha256:ab"),
            ("revision", "r"),
        ];
        for (metadata, input) in [
            (&oci[..], "uid:1.0@sha256:ab"),
            (&oci[1..], "uid:r"),
            (&oci[..1], "uid:unknown"),
            (&[], "uid:unknown"),
        ] {
            let metadata = metadata
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect();
            let hash: [u8; 32] = Sha256::digest(input).into();
            assert!(hash.starts_with(&trace_id("uid", &metadata)), "{input}");
        }
    }

    #[test]
    fn an_address_without_a_path_gets_the_usual_one() {
        for (address, expected) in [
            ("http://otel:4318", Some("http://otel:4318/v1/traces")),
            ("https://otel/v1/custom?x=y", Some("https://otel/v1/custom")),
            ("http://otel/", Some("http://otel/")),
            ("otel:4318", None),
            ("grpc://otel:4317", None),
            ("http://", None),
            ("", None),
        ] {
            assert_eq!(endpoint(address).ok().as_deref(), expected, "{address}");
        }
    }
}
