use axum::{
    body::{Body, Bytes},
    http::Request as HttpRequest,
};
use futures::{StreamExt, future::join_all, poll, stream};
use runtime::{
    cache::{Cache, Selection},
    client::ResourceRef,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::*;
use crate::testing::{Bed, Hook, event};

const INTERVAL: Duration = Duration::from_mins(5);

async fn send(router: &Router, method: &str, path: &str, body: impl Into<Body>) -> Response {
    let request = HttpRequest::builder().method(method).uri(path);
    let request = request.body(body.into()).unwrap();
    router.clone().oneshot(request).await.unwrap()
}

async fn post(router: &Router, event: &Value) -> Response {
    send(router, "POST", "/", event.to_string()).await
}

async fn text(response: Response) -> String {
    let body = axum::body::to_bytes(response.into_body(), 1000).await;
    String::from_utf8(body.unwrap().into()).unwrap()
}

#[tokio::test]
async fn any_readable_event_is_taken_whatever_the_method_and_path() {
    let bed = Bed::new(&[], &json!({}));
    let router = router(Arc::clone(&bed.dispatcher), INTERVAL);
    let padding = |total: usize| {
        let mut event = event(&json!({"message": ""})).to_string();
        event.truncate(event.len() - 1);
        let rest = total - event.len() - r#","x":""}"#.len();
        format!(r#"{event},"x":"{}"}}"#, "y".repeat(rest))
    };
    let named = |name: &str| event(&json!({"message": name})).to_string();
    let cases = [
        ("POST", "/", named("a"), 202),
        ("PUT", "/some/path?query", named("b"), 202),
        ("GET", "/", named("c"), 202),
        ("POST", "/", "{}".to_owned(), 202),
        ("POST", "/", String::new(), 400),
        ("POST", "/", "[]".to_owned(), 400),
        ("POST", "/", r#"{"message":1}"#.to_owned(), 400),
        ("POST", "/", padding(BODIES.bytes), 202),
        ("POST", "/", padding(BODIES.bytes + 1), 413),
        ("POST", "/", "x".repeat(2 * BODIES.bytes), 413),
    ];
    for (method, path, body, code) in cases {
        let start: String = body.chars().take(60).collect();
        let response = send(&router, method, path, body).await;
        assert_eq!(response.status().as_u16(), code, "{method} {path} {start}");
        assert_eq!(text(response).await, "", "{method} {path} {start}");
    }
}

#[tokio::test]
async fn equal_events_are_refused_for_a_while() {
    let bed = Bed::new(&[], &json!({}));
    let router = router(Arc::clone(&bed.dispatcher), INTERVAL);
    let group = "kustomize.toolkit.fluxcd.io";
    let meta = |key: &str, value: &str| json!({"metadata": {(format!("{group}/{key}")): value}});
    let object = |field: &str, value: &str| {
        let mut object = event(&json!({}))["involvedObject"].clone();
        object[field] = value.into();
        json!({"involvedObject": object})
    };
    let cases = [
        (json!({}), 202),
        (json!({}), 429),
        (json!({"severity": "error"}), 429),
        (json!({"reason": "Other"}), 429),
        (
            json!({"metadata": {"event.toolkit.fluxcd.io/revision": "x"}}),
            429,
        ),
        (object("uid", "2"), 429),
        (object("apiVersion", "kustomize.toolkit.fluxcd.io/v2"), 429),
        (meta("commit_status", "update"), 429),
        (json!({"message": "other"}), 202),
        (object("name", "other"), 202),
        (object("namespace", "other"), 202),
        (object("kind", "Other"), 202),
        (meta("revision", "1"), 202),
        (meta("revision", "1"), 429),
        (meta("revision", "2"), 202),
        (meta("originRevision", "1"), 202),
        (meta("token", "1"), 202),
        (meta("token", "2"), 202),
        (meta("token", "2"), 429),
    ];
    let seconds = || Timestamp::now().as_second();
    let begun = seconds();
    for (fields, code) in cases {
        let response = post(&router, &event(&fields)).await;
        assert_eq!(response.status().as_u16(), code, "{fields}");
        let headers = response.headers().clone();
        assert_eq!(headers["x-ratelimit-limit"], "1");
        assert_eq!(headers["x-ratelimit-remaining"], "0");
        let reset = headers["x-ratelimit-reset"].to_str().unwrap();
        let parsed = jiff::fmt::rfc2822::parse(&reset.replace("UTC", "GMT")).unwrap();
        let granted = parsed.timestamp().as_second() - 300;
        assert!((begun..=seconds()).contains(&granted), "{reset}");
        if code == 429 {
            assert_eq!(headers["retry-after"], reset);
            assert_eq!(headers["content-type"], "text/plain; charset=utf-8");
            assert_eq!(text(response).await, "Too Many Requests\n");
        } else {
            assert!(!headers.contains_key("retry-after"));
            assert_eq!(text(response).await, "");
        }
    }
}

#[tokio::test]
async fn the_token_is_not_sent_on() {
    let hook = Hook::start(StatusCode::OK).await;
    let bed = Bed::new(&[], &json!({}));
    bed.provider("provider", &json!({"type": "generic", "address": hook.url}));
    bed.alert("alert", &json!({}));
    let router = router(Arc::clone(&bed.dispatcher), INTERVAL);
    let metadata = json!({
        "kustomize.toolkit.fluxcd.io/token": "t", "kustomize.toolkit.fluxcd.io/revision": "r",
        "kustomize.toolkit.fluxcd.io/checksum": "c", "foreign/key": "f",
    });
    let response = post(&router, &event(&json!({"metadata": metadata}))).await;
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    let posts = hook.wait(1).await;
    assert_eq!(posts[0].1["metadata"], json!({"revision": "r"}));
}

#[tokio::test(start_paused = true)]
async fn before_the_alerts_are_known_events_are_sent_back_and_cost_no_token() {
    let stop = CancellationToken::new();
    let never = |client: &runtime::client::Client| {
        let all = Selection::default();
        let alerts = Cache::watch(client.kube(), None, &all, stop.clone(), |_| {});
        let providers = Cache::watch(client.kube(), None, &all, stop.clone(), |_| {});
        Some((alerts, providers))
    };
    let bed = Bed::with(&[], &json!({}), never);
    let router = router(Arc::clone(&bed.dispatcher), INTERVAL);
    for _ in 0..2 {
        let response = post(&router, &event(&json!({}))).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
    let response = send(&router, "POST", "/", "no event").await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_event_whose_sender_is_gone_is_dispatched_all_the_same() {
    const OBJECT: &str = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/ns/kustomizations/apps";
    let hook = Hook::start(StatusCode::OK).await;
    let bed = Bed::new(
        &[],
        &json!({(OBJECT): {"metadata": {"name": "apps", "labels": {"app": "one"}}}}),
    );
    bed.context.mapper.learn(ResourceRef::namespaced(
        "kustomize.toolkit.fluxcd.io/v1",
        "Kustomization",
        "kustomizations",
    ));
    bed.provider("provider", &json!({"type": "generic", "address": hook.url}));
    bed.alert(
        "alert",
        &json!({"eventSources": [
            {"kind": "Kustomization", "name": "*", "matchLabels": {"app": "one"}},
        ]}),
    );
    let router = router(Arc::clone(&bed.dispatcher), INTERVAL);
    let event = event(&json!({}));
    let mut request = Box::pin(post(&router, &event));
    assert!(poll!(&mut request).is_pending());
    drop(request);
    bed.dispatcher.finish(INTERVAL).await;
    assert_eq!(hook.wait(1).await.len(), 1);
}

#[tokio::test]
async fn events_that_are_held_have_a_budget() {
    let bed = Bed::new(&[], &json!({}));
    let router = router(Arc::clone(&bed.dispatcher), INTERVAL);
    let large = Bytes::from(vec![b' '; BODIES.bytes]);
    let unfinished = || {
        let chunk = stream::iter([Ok::<_, std::io::Error>(large.clone())]);
        let body = Body::from_stream(chunk.chain(stream::pending()));
        Box::pin(send(&router, "POST", "/", body))
    };
    let mut held: Vec<_> = (0..BODIES.budget / BODIES.bytes)
        .map(|_| unfinished())
        .collect();
    for request in &mut held {
        assert!(poll!(request).is_pending());
    }
    assert_eq!(unfinished().await.status(), StatusCode::SERVICE_UNAVAILABLE);
    let usual = post(&router, &event(&json!({}))).await;
    assert_eq!(usual.status(), StatusCode::ACCEPTED);
    drop(held);
    let large = (0..3).map(|_| send(&router, "POST", "/", large.clone()));
    for response in join_all(large).await {
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    }
}
