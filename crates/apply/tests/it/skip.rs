//! Objects that are to be left alone.

use apply::{Mode, State};
use serde_json::{Value, json};

use super::cluster::{Space, id, options};

fn note(key: &str, value: &str) -> Value {
    json!({"metadata": {"annotations": {format!("kustomize.toolkit.fluxcd.io/{key}"): value}}})
}

pub(super) async fn a_live_object_that_says_so_is_left_alone(space: &Space) {
    let ns = &space.namespace;
    let first = space.config_map("a", &json!({"k": "1"}));
    let second = space.config_map("a", &json!({"k": "2"}));
    let mut state = State::new();
    space
        .apply(
            options(),
            std::slice::from_ref(&first),
            &mut state,
            Mode::Full,
        )
        .await;
    space
        .patch("kubectl-edit", &first, &json!({"data": {"k": "manual"}}))
        .await;
    let data = async || space.live(&first).await.expect("live")["data"].clone();
    for value in ["disabled", "Disabled"] {
        space
            .patch("kubectl-edit", &first, &note("reconcile", value))
            .await;
        let lines = space
            .apply(
                options(),
                std::slice::from_ref(&second),
                &mut State::new(),
                Mode::Full,
            )
            .await;
        assert_eq!(lines, [format!("ConfigMap/{ns}/a skipped")], "{value}");
        assert_eq!(data().await, json!({"k": "manual"}));
    }
    // Git cannot overrule the cluster; an object that would be refused is left alone all the same.
    let mut enabled = second.clone();
    enabled["metadata"]["annotations"] =
        note("reconcile", "enabled")["metadata"]["annotations"].clone();
    let mut invalid = second.clone();
    invalid["data"] = json!({"not/a/key": "x"});
    for object in [enabled, invalid] {
        let lines = space
            .apply(options(), &[object], &mut State::new(), Mode::Full)
            .await;
        assert_eq!(lines, [format!("ConfigMap/{ns}/a skipped")]);
    }
    space
        .patch("kubectl-edit", &first, &note("reconcile", "enabled"))
        .await;
    let lines = space
        .apply(
            options(),
            std::slice::from_ref(&second),
            &mut State::new(),
            Mode::Full,
        )
        .await;
    assert_eq!(lines, [format!("ConfigMap/{ns}/a configured")]);
    assert_eq!(data().await, json!({"k": "2"}));

    let mut ignored = space.config_map("never", &json!({}));
    ignored["metadata"]["annotations"] = note("ssa", "Ignore")["metadata"]["annotations"].clone();
    let mut empty = State::new();
    let apply = space.apply(
        options(),
        std::slice::from_ref(&ignored),
        &mut empty,
        Mode::Full,
    );
    let (lines, methods) = space.counted(apply).await;
    assert_eq!(
        (lines, methods),
        (vec![format!("ConfigMap/{ns}/never skipped")], String::new())
    );
    assert_eq!(space.live(&ignored).await, None);
}

pub(super) async fn create_only_objects_are_created_once(space: &Space) {
    let ns = &space.namespace;
    let once = |value: &str| {
        let mut map = space.config_map("once", &json!({"k": value}));
        map["metadata"]["annotations"] =
            note("ssa", "IfNotPresent")["metadata"]["annotations"].clone();
        map
    };
    space.resource(&once("1")).await;
    let mut state = State::new();
    let objects = [once("1")];
    let (lines, methods) = space
        .counted(space.apply(options(), &objects, &mut state, Mode::Full))
        .await;
    assert_eq!(
        (lines, methods),
        (
            vec![format!("ConfigMap/{ns}/once created")],
            "GET PATCH PATCH".into()
        )
    );
    let objects = [once("2")];
    let (lines, methods) = space
        .counted(space.apply(options(), &objects, &mut state, Mode::Full))
        .await;
    assert_eq!(
        (lines, methods),
        (vec![format!("ConfigMap/{ns}/once skipped")], "GET".into())
    );
    assert_eq!(
        space.live(&once("")).await.expect("live")["data"],
        json!({"k": "1"})
    );
}

pub(super) async fn a_namespace_on_a_cluster_scoped_object_disappears(space: &Space) {
    let class = |mark: bool| {
        let mut class = json!({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "value": 5,
            "metadata": {"name": "$ns-wrong", "namespace": "$ns"}});
        if mark {
            class["metadata"]["annotations"] =
                note("ssa", "IfNotPresent")["metadata"]["annotations"].clone();
        }
        class
    };
    let name = format!("{}-wrong", space.namespace);
    for (mark, expected) in [(true, "created"), (true, "skipped"), (false, "configured")] {
        let mut state = State::new();
        let lines = space
            .apply(options(), &[class(mark)], &mut state, Mode::Full)
            .await;
        assert_eq!(lines, [format!("PriorityClass/{name} {expected}")]);
    }
    let resolved = space
        .applier(options())
        .resolve(vec![space.object(&class(false))])
        .await;
    let expected = apply::ObjectId {
        group: "scheduling.k8s.io".into(),
        ..id("PriorityClass", "", &name)
    };
    assert_eq!(resolved[0].id(), &expected);
}
