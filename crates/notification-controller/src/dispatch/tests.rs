use std::time::Duration;

use axum::http::StatusCode;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::testing::{Bed, Hook, parsed};

const GRACE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn an_event_reaches_the_providers_of_its_alerts() {
    let hook = Hook::start(StatusCode::OK).await;
    let objects = json!({
        "/api/v1/namespaces/ns/secrets/secret": {
            // "token", and the address follows.
            "data": {"token": "dG9rZW4="},
        },
    });
    let bed = Bed::new(&[], &objects);
    bed.provider("provider", &json!({
        "type": "slack", "address": hook.url, "channel": "general", "secretRef": {"name": "secret"},
    }));
    bed.provider("other", &json!({"type": "generic", "address": hook.url}));
    bed.alert(
        "first",
        &json!({"eventMetadata": {"env": "prod"}, "summary": "sum"}),
    );
    bed.alert("second", &json!({"providerRef": {"name": "other"}}));
    bed.alert("third", &json!({"eventSeverity": "error"}));
    let event = parsed(&json!({"metadata": {
        "kustomize.toolkit.fluxcd.io/revision": "main@sha1:abc",
        "event.toolkit.fluxcd.io/env": "dev",
    }}));
    bed.dispatcher.dispatch(event, ()).await;
    bed.dispatcher.finish(GRACE).await;

    let mut posts = hook.wait(2).await;
    assert_eq!(posts.len(), 2);
    posts.sort_by_key(|(headers, _)| headers.contains_key("gotk-component"));
    let (headers, slack) = &posts[0];
    assert_eq!(headers["authorization"], "Bearer token");
    assert_eq!(slack["channel"], "general");
    assert_eq!(slack["attachments"][0]["text"], "done");
    let fields = slack["attachments"][0]["fields"].as_array().unwrap();
    let fields: Vec<_> = fields.iter().map(|f| (&f["title"], &f["value"])).collect();
    let expected = [
        ("env", "prod"),
        ("revision", "main@sha1:abc"),
        ("summary", "sum"),
    ];
    assert_eq!(json!(fields), json!(expected));
    let (_, generic) = &posts[1];
    assert_eq!(
        generic["metadata"],
        json!({"env": "dev", "revision": "main@sha1:abc"})
    );
    assert_eq!(generic["involvedObject"]["name"], "apps");

    let recorded = bed.recorded().await;
    assert_eq!(
        recorded,
        [(
            "MetadataAppendFailed".to_owned(),
            "metadata key conflicts detected (please refer to the Alert API docs and Flux RFC 0008 for more information)".to_owned(),
            json!({"env": "involved object annotations, Alert object .spec.eventMetadata"}),
        )]
    );
    assert!(
        (bed.metric(r#"gotk_notification_deliveries_total{result="success"}"#) - 2.0).abs() < 0.1
    );
}

/// Flags, Provider, Secret data (base64), event fields, and the Kubernetes event that is recorded, if any.
type Failure = (&'static [&'static str], Value, Value, Value, Option<String>);

fn failures(url: &str) -> Vec<Failure> {
    const DISPATCH: &str = "failed to dispatch notification for Kustomization/ns/apps: ";
    const SEND: &str = "failed to send notification for Kustomization/ns/apps: ";
    const INIT: &str = "failed to initialize notifier for provider 'provider': ";
    let none = || json!({});
    let secret = json!({"type": "slack", "address": url, "secretRef": {"name": "secret"}});
    let missing = json!({"type": "slack", "address": url, "secretRef": {"name": "missing"}});
    vec![
        (
            &[],
            Value::Null,
            none(),
            none(),
            Some(format!(
                "{DISPATCH}failed to read provider: Provider.notification.toolkit.fluxcd.io \"provider\" not found"
            )),
        ),
        (
            &[],
            missing.clone(),
            none(),
            none(),
            Some(format!(
                "{DISPATCH}{INIT}failed to get secret 'ns/missing': not there"
            )),
        ),
        (
            &[],
            json!({"type": "slack", "suspend": true, "secretRef": {"name": "missing"}}),
            none(),
            none(),
            None,
        ),
        (
            &[],
            json!({"type": "slack", "address": url, "certSecretRef": {"name": "missing"}}),
            none(),
            none(),
            Some(format!(
                "{DISPATCH}{INIT}failed to get secret 'ns/missing': not there"
            )),
        ),
        (
            &[],
            json!({"type": "slack", "address": url, "proxySecretRef": {"name": "missing"}}),
            none(),
            none(),
            Some(format!(
                "{DISPATCH}{INIT}failed to get secret 'ns/missing': not there"
            )),
        ),
        (
            &[],
            secret.clone(),
            json!({"headers": "LSBh"}),
            none(),
            Some(format!(
                "{DISPATCH}{INIT}failed to read headers from secret: not a map of strings"
            )),
        ),
        (
            &[],
            json!({"type": "nobody", "address": url}),
            none(),
            none(),
            Some(format!(
                "{DISPATCH}{INIT}failed to initialize notifier: provider nobody not supported"
            )),
        ),
        (
            &[],
            json!({"type": "slack", "address": url, "serviceAccountName": "sa"}),
            none(),
            none(),
            Some(format!(
                "{DISPATCH}to use spec.serviceAccountName for provider authentication please enable the ObjectLevelWorkloadIdentity feature gate in the controller"
            )),
        ),
        (
            &["--feature-gates=ObjectLevelWorkloadIdentity=true"],
            json!({"type": "azuredevops", "address": url, "serviceAccountName": "sa"}),
            none(),
            json!({"severity": "error"}),
            Some(format!(
                "{DISPATCH}{INIT}failed to get service account 'ns/sa': not there"
            )),
        ),
        // The default account does not contradict a key, so it is the key that is looked at.
        (
            &[
                "--feature-gates=ObjectLevelWorkloadIdentity=true",
                "--default-service-account=sa",
            ],
            json!({
                "type": "azureeventhub",
                "address": "Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=n;SharedAccessKey=k",
            }),
            none(),
            none(),
            Some(format!(
                "{DISPATCH}{INIT}failed to initialize notifier: failed to create a eventhub using SAS: connection string does not contain an EntityPath"
            )),
        ),
        // The server answers 400 to everything.
        (
            &[],
            secret,
            json!({"token": "dG9rZW4="}),
            none(),
            Some(format!(
                "{SEND}postMessage failed: request failed: request failed with status code 400: "
            )),
        ),
        (
            &[],
            json!({"type": "slack", "address": "no-url"}),
            none(),
            none(),
            Some(format!(
                "{DISPATCH}{INIT}failed to initialize notifier: invalid Slack hook URL "
            )),
        ),
    ]
}

#[tokio::test]
async fn what_goes_wrong_is_told_on_the_alert_without_secrets() {
    let hook = Hook::start(StatusCode::BAD_REQUEST).await;
    for (flags, provider, secret, fields, expected) in failures(&hook.url) {
        let objects = json!({"/api/v1/namespaces/ns/secrets/secret": {"data": secret}});
        let bed = Bed::new(flags, &objects);
        if !provider.is_null() {
            bed.provider("provider", &provider);
        }
        bed.alert("alert", &json!({}));
        bed.dispatcher.dispatch(parsed(&fields), ()).await;
        bed.dispatcher.finish(GRACE).await;
        let recorded = bed.recorded().await;
        match expected {
            None => assert!(recorded.is_empty(), "{provider}: {recorded:?}"),
            Some(start) => {
                assert_eq!(recorded.len(), 1, "{provider}: {recorded:?}");
                let (reason, message, _) = &recorded[0];
                assert_eq!(reason, "NotificationDispatchFailed");
                assert!(message.starts_with(&start), "{provider}: {message}");
                assert!(!message.contains("secret/path"), "{message}");
            }
        }
    }
}

#[tokio::test]
async fn a_retry_that_would_come_too_late_is_not_waited_for() {
    let hook = Hook::start(StatusCode::INTERNAL_SERVER_ERROR).await;
    let bed = Bed::new(&[], &json!({}));
    bed.provider(
        "provider",
        &json!({"type": "generic", "address": hook.url, "timeout": "1s"}),
    );
    bed.alert("alert", &json!({}));
    bed.dispatcher.dispatch(parsed(&json!({})), ()).await;
    bed.dispatcher.finish(GRACE).await;
    let recorded = bed.recorded().await;
    let [(_, message, _)] = recorded.as_slice() else {
        panic!("{recorded:?}");
    };
    // The cause, not that the time is over.
    let cause = "giving up after 1 attempt(s): unexpected HTTP status 500 Internal Server Error";
    assert!(message.ends_with(cause), "{message}");
}

#[tokio::test]
async fn deliveries_share_a_secret_until_one_fails() {
    const PATH: &str = "/api/v1/namespaces/ns/secrets/secret";
    for (status, reads) in [(StatusCode::OK, 1), (StatusCode::FORBIDDEN, 4)] {
        let hook = Hook::start(status).await;
        let bed = Bed::new(&[], &json!({(PATH): {"data": {}}}));
        bed.provider(
            "provider",
            &json!({
                "type": "generic", "address": hook.url, "secretRef": {"name": "secret"},
            }),
        );
        bed.alert("alert", &json!({}));
        // Of one object, so that they follow each other.
        for number in 0..3 {
            let event = parsed(&json!({"message": number.to_string()}));
            bed.dispatcher.dispatch(event, ()).await;
        }
        bed.dispatcher.finish(GRACE).await;
        let posts = hook.wait(3).await;
        let messages: Vec<_> = posts.iter().map(|(_, event)| &event["message"]).collect();
        assert_eq!(messages, ["0", "1", "2"]);
        assert_eq!(bed.reads(PATH), reads, "{status}");
    }
}

#[tokio::test]
async fn labels_are_read_once_per_version_of_an_object() {
    const PATH: &str = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/ns/kustomizations/apps";
    let hook = Hook::start(StatusCode::OK).await;
    let discovery = json!({
        "kind": "APIResourceList", "groupVersion": "kustomize.toolkit.fluxcd.io/v1",
        "resources": [{"name": "kustomizations", "kind": "Kustomization", "namespaced": true}],
    });
    let bed = Bed::new(
        &[],
        &json!({
            (PATH): {"metadata": {"name": "apps", "namespace": "ns", "labels": {"app": "one"}}},
            "/apis": {"kind": "APIGroupList", "groups": [{
                "name": "kustomize.toolkit.fluxcd.io",
                "versions": [{"groupVersion": "kustomize.toolkit.fluxcd.io/v1", "version": "v1"}],
                "preferredVersion": {"groupVersion": "kustomize.toolkit.fluxcd.io/v1", "version": "v1"},
            }]},
            "/api": {"kind": "APIVersions", "versions": ["v1"]},
            "/apis/kustomize.toolkit.fluxcd.io/v1": discovery,
            "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": []},
        }),
    );
    bed.provider("provider", &json!({"type": "generic", "address": hook.url}));
    for (name, value) in [("one", "one"), ("again", "one"), ("other", "two")] {
        let sources =
            json!([{"kind": "Kustomization", "name": "*", "matchLabels": {"app": value}}]);
        bed.alert(name, &json!({"eventSources": sources}));
    }
    let long = "3".repeat(2000);
    for version in ["1", "1", "2", &long, &long] {
        let mut event = parsed(&json!({"message": version}));
        event.involved_object.resource_version = version.to_owned();
        bed.dispatcher.dispatch(event, ()).await;
    }
    bed.dispatcher.finish(GRACE).await;
    assert_eq!(hook.wait(10).await.len(), 10);
    // For each of the two alerts that ask, where it is not remembered.
    assert_eq!(bed.reads(PATH), 2 + 6);
}

/// A change while an event waits, what comes to the old and to the new address, what is counted as withdrawn, and the
/// beginning of what is told of it.
type Later = (fn(&Bed, &Value), usize, usize, f64, Option<&'static str>);

#[tokio::test]
async fn an_event_that_waited_finds_the_world_as_it_is() {
    let cases: [Later; 7] = [
        (|_, _| {}, 2, 0, 0.0, None),
        (
            |bed, moved| bed.provider("provider", moved),
            1,
            1,
            0.0,
            None,
        ),
        (
            |bed, _| bed.provider("provider", &json!({"type": "slack", "suspend": true})),
            1,
            0,
            1.0,
            None,
        ),
        (
            |bed, _| bed.provider("provider", &json!({"type": "github"})),
            1,
            0,
            1.0,
            None,
        ),
        (
            |bed, _| bed.no_provider("provider"),
            1,
            0,
            0.0,
            Some(
                "failed to dispatch notification for Kustomization/ns/apps: failed to read provider: ",
            ),
        ),
        (
            |bed, _| bed.alert("alert", &json!({"suspend": true})),
            1,
            0,
            1.0,
            None,
        ),
        (|bed, _| bed.no_alert("alert"), 1, 0, 1.0, None),
    ];
    for (index, (change, old, new, withdrawn, told)) in cases.into_iter().enumerate() {
        let (first, second) = (
            Hook::silent(StatusCode::OK).await,
            Hook::start(StatusCode::OK).await,
        );
        let bed = Bed::new(&[], &json!({}));
        bed.provider(
            "provider",
            &json!({"type": "generic", "address": first.url}),
        );
        bed.alert("alert", &json!({}));
        // Of one object, so that the second waits for the first.
        for number in ["1", "2"] {
            bed.dispatcher
                .dispatch(parsed(&json!({"message": number})), ())
                .await;
        }
        first.wait(1).await;
        change(&bed, &json!({"type": "generic", "address": second.url}));
        first.answer();
        bed.dispatcher.finish(GRACE).await;
        assert_eq!(first.wait(old).await.len(), old, "{index}");
        assert_eq!(second.wait(new).await.len(), new, "{index}");
        let dropped = bed.metric(r#"gotk_notification_dropped_total{reason="withdrawn"}"#);
        assert!((dropped - withdrawn).abs() < 0.1, "{index}: {dropped}");
        let recorded = bed.recorded().await;
        assert_eq!(recorded.len(), usize::from(told.is_some()), "{recorded:?}");
        for (_, message, _) in recorded {
            assert!(message.starts_with(told.unwrap_or_default()), "{message}");
        }
    }
}

#[tokio::test]
async fn a_secret_that_was_changed_counts_at_once() {
    const PATH: &str = "/api/v1/namespaces/ns/secrets/secret";
    let secret = |address: &str| {
        let address = STANDARD.encode(address);
        json!({"data": {"address": address}})
    };
    let (old, new) = (
        Hook::start(StatusCode::FORBIDDEN).await,
        Hook::start(StatusCode::OK).await,
    );
    let bed = Bed::new(&[], &json!({(PATH): secret(&old.url)}));
    bed.provider(
        "provider",
        &json!({"type": "generic", "secretRef": {"name": "secret"}}),
    );
    bed.alert("alert", &json!({}));
    bed.dispatcher
        .dispatch(parsed(&json!({"message": "1"})), ())
        .await;
    old.wait(1).await;
    // Told, so its end, and what was read after it, is over.
    let failed = || bed.metric(r#"gotk_notification_deliveries_total{result="failure"}"#);
    while failed() < 0.5 {
        tokio::task::yield_now().await;
    }
    bed.serve(PATH, &secret(&new.url));
    bed.dispatcher
        .dispatch(parsed(&json!({"message": "2"})), ())
        .await;
    bed.dispatcher.finish(GRACE).await;
    assert_eq!(new.wait(1).await[0].1["message"], "2");
    assert_eq!(old.wait(2).await.len(), 2);
    assert_eq!(bed.recorded().await.len(), 1, "of the first only");
}
