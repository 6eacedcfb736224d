//! Spans, read back as a collector reads them.

use std::collections::BTreeMap;

use notifier::{CloudEnvironment, Settings};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::bench::{Bench, COMMIT, event, settings};

fn texts(attributes: &[KeyValue]) -> Vec<(&str, &str)> {
    attributes
        .iter()
        .map(|pair| {
            let value = pair.value.as_ref().and_then(|value| value.value.as_ref());
            let Some(Value::StringValue(value)) = value else {
                panic!("no text under {}", pair.key);
            };
            (pair.key.as_str(), value.as_str())
        })
        .collect()
}

async fn export(settings: &Settings, changes: &serde_json::Value) -> ExportTraceServiceRequest {
    let bench = Bench::new(&[], CloudEnvironment::default()).await;
    bench.post(settings, &event(changes)).await.expect("posted");
    let received = bench.received();
    assert_eq!(bench.lines(), ["POST http://otel:4318/v1/traces"]);
    let content_type = received[0].headers.get("content-type");
    assert_eq!(
        content_type.map(String::as_str),
        Some("application/x-protobuf")
    );
    ExportTraceServiceRequest::decode(received[0].body.as_slice()).expect("protobuf")
}

fn span(request: &ExportTraceServiceRequest) -> &Span {
    &request.resource_spans[0].scope_spans[0].spans[0]
}

#[tokio::test]
async fn an_event_is_one_span() {
    let request = export(&settings("otel", "http://otel:4318"), &json!({})).await;
    let [resource] = request.resource_spans.as_slice() else {
        panic!("not one resource");
    };
    assert_eq!(
        texts(&resource.resource.as_ref().expect("resource").attributes),
        [
            ("service.instance.id", "4a3ff5a1"),
            ("service.name", "flux-system/alert"),
            ("service.namespace", "flux-system"),
        ]
    );
    let [scope] = resource.scope_spans.as_slice() else {
        panic!("not one scope");
    };
    assert_eq!(
        scope.scope.as_ref().map(|scope| scope.name.as_str()),
        Some("flux:notification-controller")
    );
    assert_eq!(scope.spans.len(), 1);
    let span = span(&request);
    let revision = format!("main@sha1:{COMMIT}");
    assert_eq!(span.name, "Kustomization: apps/webapp");
    assert_eq!(
        texts(&span.attributes),
        [
            ("object.uid", "7d0e"),
            ("object.kind", "Kustomization"),
            ("object.name", "webapp"),
            ("object.namespace", "apps"),
            ("change_request", "42"),
            ("revision", &revision),
        ]
    );
    let hash = Sha256::digest(format!("4a3ff5a1:{revision}"));
    assert_eq!(span.trace_id, hash[..16]);
    assert_eq!(span.span_id.len(), 8);
    assert!(span.parent_span_id.is_empty());
    assert_eq!(span.start_time_unix_nano, 1_795_608_000_000_000_000);
    assert!(span.end_time_unix_nano > 0);
    assert_eq!(span.kind, 1);
}

#[tokio::test]
async fn a_failure_is_told_with_its_message() {
    for (severity, code, message) in [("error", 2, "applied"), ("info", 1, ""), ("trace", 1, "")] {
        let settings = settings("otel", "http://otel:4318");
        let request = export(&settings, &json!({"severity": severity})).await;
        let status = span(&request).status.as_ref().expect("status");
        assert_eq!(
            (status.code, status.message.as_str()),
            (code, message),
            "{severity}"
        );
    }
}

#[tokio::test]
async fn each_span_has_an_id_of_its_own() {
    let settings = settings("otel", "http://otel:4318");
    let first = export(&settings, &json!({})).await;
    let second = export(&settings, &json!({})).await;
    assert_eq!(span(&first).trace_id, span(&second).trace_id);
    assert_ne!(span(&first).span_id, span(&second).span_id);
}

#[tokio::test]
async fn credentials_become_a_header_unless_there_is_one() {
    for (username, password, token, header, expected) in [
        ("", "", "", None, None),
        ("", "", "tok", None, Some("Bearer tok")),
        ("", "pw", "", None, Some("Bearer pw")),
        ("me", "pw", "", None, Some("Basic bWU6cHc=")),
        ("me", "", "", None, None),
        ("me", "pw", "", Some("Bearer own"), Some("Bearer own")),
    ] {
        let mut settings = settings("otel", "http://otel:4318");
        settings.username = username.to_owned();
        settings.password = password.to_owned();
        settings.token = token.to_owned();
        settings.headers = header
            .map(|value| ("Authorization".to_owned(), value.to_owned()))
            .into_iter()
            .chain([("X-Team".to_owned(), "a".to_owned())])
            .collect::<BTreeMap<_, _>>();
        let bench = Bench::new(&[], CloudEnvironment::default()).await;
        bench
            .post(&settings, &event(&json!({})))
            .await
            .expect("posted");
        let headers = &bench.received()[0].headers;
        assert_eq!(headers.get("authorization").map(String::as_str), expected);
        assert_eq!(headers.get("x-team").map(String::as_str), Some("a"));
    }
}

#[tokio::test]
async fn a_refusal_is_told() {
    let bench = Bench::new(&["400 no"], CloudEnvironment::default()).await;
    let settings = settings("otel", "http://otel:4318");
    let posted = bench.post(&settings, &event(&json!({}))).await;
    let expected = "failed to export trace: POST http://otel:4318/*****: 400 Bad Request: no";
    assert_eq!(posted, Err(expected.to_owned()));
}
