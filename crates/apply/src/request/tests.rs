//! A kind that the server says is established before it serves it.

use std::sync::atomic::{AtomicU64, Ordering};

use runtime::client::{Client, Mapper, Response, Transport};
use serde_json::json;

use super::*;
use crate::{CommonMetadata, Options, Owner, State, normalise};

/// Applies a Widget to a server that serves its kind after the first `refusals` requests for it. Returns how many
/// requests there were, and how it ended.
async fn apply(refusals: u64, learned: bool) -> (u64, Result<Action, String>) {
    let asked = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&asked);
    let transport = Transport::from_fn(move |request| {
        let discovery = !request.uri().path().ends_with("/widgets/w");
        let refused = !discovery && count.fetch_add(1, Ordering::SeqCst) < refusals;
        let (code, body) = match (discovery, refused) {
            (true, _) => (
                200,
                json!({"kind": "APIGroupDiscoveryList", "items": [
                    {"metadata": {"name": "test.io"}, "versions": [{"version": "v1", "resources": [
                        {"resource": "widgets", "responseKind": {"kind": "Widget"}, "scope": "Namespaced"}]}]}]})
                .to_string(),
            ),
            (_, true) => (404, "404 page not found\n".to_owned()),
            (_, false) => (201, json!({"metadata": {"name": "w", "namespace": "ns", "uid": "u"}}).to_string()),
        };
        async move { Ok(Response::builder().status(code).body(Bytes::from(body))?) }
    });
    let client = Client::over(
        transport,
        "https://test",
        runtime::client::Options::new("test"),
    );
    let mapper = Mapper::new(client.clone());
    if learned {
        mapper.learn(ResourceRef::namespaced("test.io/v1", "Widget", "widgets"));
    }
    let owner = Owner {
        namespace: "ns".to_owned(),
        name: "app".to_owned(),
    };
    let widget = json!({
        "apiVersion": "test.io/v1", "kind": "Widget", "metadata": {"name": "w", "namespace": "ns"},
    });
    let object = normalise(widget, &owner, &CommonMetadata::default()).expect("object");
    let applier = Applier::new(client, mapper, Options::new("test"));
    let applied = applier.apply(vec![object], &State::new(), Mode::Full).await;
    let action = applied
        .map(|applied| applied[0].action)
        .map_err(|failure| failure.error.to_string());
    (asked.load(Ordering::SeqCst), action)
}

#[tokio::test(start_paused = true)]
async fn a_kind_whose_definition_was_just_applied_is_waited_for() {
    let created = Ok(Action::Created);
    assert_eq!(apply(0, true).await, (2, created.clone()));
    assert_eq!(apply(3, true).await, (5, created));
    let refused = |(_, action): (u64, Result<Action, String>)| action.is_err();
    assert!(refused(apply(u64::MAX, true).await), "not for ever");
    assert!(
        refused(apply(1, false).await),
        "nor one that is found by asking"
    );
}
