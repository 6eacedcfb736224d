//! Fields that cannot change.

use apply::{Mode, Options, State};
use serde_json::{Value, json};

use super::cluster::{Space, chain, options};

fn forced() -> Options {
    Options {
        force: true,
        ..options()
    }
}

fn uid(live: &Value) -> String {
    live["metadata"]["uid"].as_str().expect("uid").to_owned()
}

fn secret(value: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "immutable": true, "data": {"a": value},
           "metadata": {"name": "s", "namespace": "$ns"}})
}

pub(super) async fn a_field_that_cannot_change_is_an_error_until_forced(space: &Space) {
    let ns = &space.namespace;
    let mut state = State::new();
    space
        .apply(options(), &[secret("YQ==")], &mut state, Mode::Full)
        .await;
    let before = space.live(&secret("")).await.expect("live");
    let failure = space
        .try_apply(options(), &[secret("Yg==")], &mut state, Mode::Full)
        .await
        .expect_err("immutable");
    let text = chain(&failure);
    assert!(
        text.starts_with(&format!("Secret/{ns}/s dry-run failed (Invalid): ")),
        "{text}"
    );
    assert!(text.contains("field is immutable"), "{text}");
    assert_eq!(
        uid(&space.live(&secret("")).await.expect("live")),
        uid(&before)
    );

    let lines = space
        .apply(forced(), &[secret("Yg==")], &mut state, Mode::Full)
        .await;
    assert_eq!(lines, [format!("Secret/{ns}/s created")]);
    let after = space.live(&secret("")).await.expect("live");
    assert_eq!(after["data"], json!({"a": "Yg=="}));
    assert_ne!(uid(&after), uid(&before));
}

pub(super) async fn kinds_with_their_own_wording_are_recreated(space: &Space) {
    let marked = |kind: &str, api_version: &str, name: &str| {
        json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name,
               "annotations": {"kustomize.toolkit.fluxcd.io/force": "Enabled"}}})
    };
    let with = |mut object: Value, namespaced: bool, fields: &Value| {
        if namespaced {
            object["metadata"]["namespace"] = "$ns".into();
        }
        for (key, value) in fields.as_object().expect("fields") {
            object[key] = value.clone();
        }
        object
    };
    let rbac = "rbac.authorization.k8s.io";
    let binding = |role: &str| {
        let object = marked("RoleBinding", &format!("{rbac}/v1"), "b");
        with(
            object,
            true,
            &json!({"roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": role}}),
        )
    };
    let class = |tier: &str| {
        let object = marked("StorageClass", "storage.k8s.io/v1", "$ns-storage");
        with(
            object,
            false,
            &json!({"provisioner": "x.io/y", "parameters": {"tier": tier}}),
        )
    };
    let priority = |value: u32| {
        let object = marked("PriorityClass", "scheduling.k8s.io/v1", "$ns-priority");
        with(object, false, &json!({"value": value}))
    };
    let stateful = |service: &str| {
        let object = marked("StatefulSet", "apps/v1", "sts");
        let labels = json!({"app": "x"});
        with(
            object,
            true,
            &json!({"spec": {"serviceName": service, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "a", "image": "a"}]}}}}),
        )
    };
    let service = |spec: Value| with(marked("Service", "v1", "svc"), true, &json!({"spec": spec}));
    let cases = [
        (binding("view"), binding("edit")),
        (class("a"), class("b")),
        (priority(1), priority(2)),
        (stateful("a"), stateful("b")),
        (
            service(json!({"ports": [{"port": 80}]})),
            service(json!({"clusterIP": "None", "ports": [{"port": 80}]})),
        ),
    ];
    for (first, second) in cases {
        let mut state = State::new();
        space
            .apply(
                options(),
                std::slice::from_ref(&first),
                &mut state,
                Mode::Full,
            )
            .await;
        let before = space.live(&first).await.expect("live");
        let lines = space
            .apply(options(), &[second], &mut state, Mode::Full)
            .await;
        assert_eq!(lines, [format!("{} created", space.object(&first).id())]);
        assert_ne!(uid(&space.live(&first).await.expect("live")), uid(&before));
    }
}

pub(super) async fn nothing_is_deleted_for_what_the_server_would_not_take(space: &Space) {
    // The type cannot change, and the new type wants keys that are not there.
    let mut wrong = secret("YQ==");
    wrong["type"] = "kubernetes.io/tls".into();
    let mut state = State::new();
    space
        .apply(options(), &[secret("YQ==")], &mut state, Mode::Full)
        .await;
    let before = space.live(&secret("")).await.expect("live");
    let (result, methods) = space
        .counted(space.try_apply(forced(), &[wrong], &mut state, Mode::Full))
        .await;
    let text = chain(&result.expect_err("invalid"));
    assert!(text.contains("data[tls.crt]: Required value"), "{text}");
    assert!(!methods.contains("DELETE"), "{methods}");
    assert_eq!(space.live(&secret("")).await, Some(before.clone()));

    // A plain validation error is no reason either, whatever the code.
    let mut invalid = secret("YQ==");
    invalid["metadata"]["labels"] = json!({"bad": "not a label"});
    let (result, methods) = space
        .counted(space.try_apply(forced(), &[invalid], &mut state, Mode::Full))
        .await;
    assert!(chain(&result.expect_err("invalid")).contains("metadata.labels"));
    assert!(
        !methods.contains("DELETE") && !methods.contains("POST"),
        "{methods}"
    );
    assert_eq!(space.live(&secret("")).await, Some(before));
}

pub(super) async fn finalizers_are_waited_for(space: &Space) {
    let mut held = secret("YQ==");
    held["metadata"]["finalizers"] = json!(["it.io/hold"]);
    space.create("it", &held).await;
    let short = Options {
        delete_timeout: std::time::Duration::from_millis(300),
        ..forced()
    };
    let failure = space
        .try_apply(short, &[secret("Yg==")], &mut State::new(), Mode::Full)
        .await
        .expect_err("held");
    assert_eq!(
        chain(&failure),
        format!(
            "Secret/{}/s immutable field detected, failed to wait for object to be deleted: \
             timed out waiting for the condition",
            space.namespace
        )
    );
    let release = async {
        space
            .patch("it", &held, &json!({"metadata": {"finalizers": null}}))
            .await;
    };
    let mut state = State::new();
    let objects = [secret("Yg==")];
    let apply = space.apply(forced(), &objects, &mut state, Mode::Full);
    let (lines, ()) = tokio::join!(apply, release);
    assert_eq!(lines, [format!("Secret/{}/s created", space.namespace)]);
}

pub(super) async fn a_service_keeps_the_port_that_it_is_recreated_for(space: &Space) {
    let service = |spec: Value| {
        json!({"apiVersion": "v1", "kind": "Service", "spec": spec,
               "metadata": {"name": "svc", "namespace": "$ns"}})
    };
    let asked = service(json!({"type": "NodePort", "ports": [{"port": 80}]}));
    let mut state = State::new();
    space
        .apply(
            options(),
            std::slice::from_ref(&asked),
            &mut state,
            Mode::Full,
        )
        .await;
    let before = space.live(&asked).await.expect("live");
    let port = &before["spec"]["ports"][0]["nodePort"];
    let address = before["spec"]["clusterIP"].as_str().expect("address");
    // Another address of the same range, which makes the object immutable in this field.
    let (network, host) = address.rsplit_once('.').expect("IPv4");
    let other = if host == "200" { "201" } else { "200" };
    let moved = service(
        json!({"type": "NodePort", "clusterIP": format!("{network}.{other}"),
                               "ports": [{"port": 80, "nodePort": port}]}),
    );
    let lines = space
        .apply(forced(), &[moved], &mut state, Mode::Full)
        .await;
    assert_eq!(lines, [format!("Service/{}/svc created", space.namespace)]);
    let after = space.live(&asked).await.expect("live");
    assert_ne!(uid(&after), uid(&before));
    assert_eq!(&after["spec"]["ports"][0]["nodePort"], port);
}
