//! Fields that are left to others.

use std::sync::Arc;

use apply::{Mode, Options, State, ignore::IgnoreRules};
use serde_json::{Value, json};

use super::cluster::{Space, managers, options};

struct Replicas;

impl IgnoreRules for Replicas {
    fn paths(&self, object: &Value) -> Vec<String> {
        let is_deployment = object["kind"] == "Deployment";
        let paths = is_deployment.then(|| "/spec/replicas".to_owned());
        paths.into_iter().collect()
    }
}

fn deployment(image: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "$ns"},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "a", "image": image}]}}}})
}

pub(super) async fn fields_of_others_stay_theirs_and_the_rest_is_corrected(space: &Space) {
    let ignoring = || Options {
        ignore: Some(Arc::new(Replicas)),
        ..options()
    };
    let mut state = State::new();
    let mut run = async |object: Value| {
        space
            .apply(ignoring(), &[object], &mut state, Mode::Full)
            .await
            .remove(0)
    };
    let line = |action: &str| format!("Deployment/{}/web {action}", space.namespace);
    let seen = async || {
        let live = space.live(&deployment("")).await.expect("live");
        let image = live["spec"]["template"]["spec"]["containers"][0]["image"].clone();
        (live["spec"]["replicas"].clone(), image)
    };
    // Creation takes everything from Git.
    assert_eq!(run(deployment("one")).await, line("created"));
    assert_eq!(seen().await, (json!(1), json!("one")));
    // A field that an updater set is no drift, and keeps its value when something else is written.
    let scale = |replicas: u8| json!({"spec": {"replicas": replicas}});
    space.patch("hpa", &deployment(""), &scale(5)).await;
    assert_eq!(run(deployment("one")).await, line("unchanged"));
    assert_eq!(run(deployment("two")).await, line("configured"));
    assert_eq!(seen().await, (json!(5), json!("two")));
    // A field that another applier owns is given up.
    let resource = space.resource(&deployment("")).await;
    let body = json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": 7},
                      "metadata": {"name": "web", "namespace": space.namespace}});
    let theirs = runtime::client::ApplyOptions {
        field_manager: "scaler",
        force: true,
        dry_run: false,
        field_validation: None,
    };
    let target = resource.object(&space.namespace, "web");
    space
        .client
        .apply::<Value>(target, body.to_string().into(), theirs)
        .await
        .expect("scale");
    let drift =
        json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "x"}]);
    let edit = runtime::client::WriteOptions {
        field_manager: Some("helm"),
        ..Default::default()
    };
    space
        .client
        .json_patch::<Value>(target, drift.to_string().into(), edit)
        .await
        .expect("edit");
    assert_eq!(run(deployment("two")).await, line("configured"));
    assert_eq!(seen().await, (json!(7), json!("two")));
    let live = space.live(&deployment("")).await.expect("live");
    assert!(managers(&live).contains(&"scaler Apply".to_owned()));
    let ours = live["metadata"]["managedFields"]
        .as_array()
        .expect("entries")
        .iter();
    let ours: Vec<_> = ours
        .filter(|e| e["manager"] == "kustomize-controller")
        .collect();
    assert_eq!(ours[0]["fieldsV1"]["f:spec"].get("f:replicas"), None);
}
