//! Objects that others in the same set need first.

use std::collections::BTreeSet;

use apply::{Mode, State, inventory::Entry, prune::Fate};
use runtime::client::GroupVersionKind;
use serde_json::{Value, json};

use super::cluster::{Space, options};

/// How long the server may take to make a kind go; a machine may be busy.
const PATIENCE: std::time::Duration = std::time::Duration::from_mins(3);

fn definition(plural: &str, kind: &str) -> Value {
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.$ns.io")},
        "spec": {"group": "$ns.io", "scope": "Namespaced",
            "names": {"plural": plural, "singular": kind.to_lowercase(), "kind": kind},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {
                "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}})
}

fn instance(kind: &str) -> Value {
    json!({"apiVersion": "$ns.io/v1", "kind": kind, "spec": {"anything": true},
           "metadata": {"name": "x", "namespace": "$ns"}})
}

pub(super) async fn a_definition_and_its_objects_go_in_one_apply(space: &Space) {
    let set = [instance("Widget"), definition("widgets", "Widget")];
    let mut state = State::new();
    let lines = space.apply(options(), &set, &mut state, Mode::Full).await;
    assert_eq!(
        lines,
        [
            format!(
                "CustomResourceDefinition/widgets.{}.io created",
                space.namespace
            ),
            format!("Widget/{}/x created", space.namespace),
        ]
    );
    let live = space.live(&set[0]).await.expect("live");
    assert_eq!(live["spec"], json!({"anything": true}));
    let lines = space
        .apply(options(), &set, &mut State::new(), Mode::Full)
        .await;
    assert!(
        lines.iter().all(|line| line.ends_with("unchanged")),
        "{lines:?}"
    );
}

pub(super) async fn a_namespace_and_its_content_go_in_one_apply(space: &Space) {
    let new = format!("{}-new", space.namespace);
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": new}});
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": new}});
    let lines = space
        .apply(options(), &[map, namespace], &mut State::new(), Mode::Full)
        .await;
    assert_eq!(
        lines,
        [
            format!("Namespace/{new} created"),
            format!("ConfigMap/{new}/a created")
        ]
    );
}

pub(super) async fn a_new_kind_is_found_and_a_removed_one_missed(space: &Space) {
    let group = format!("{}.io", space.namespace);
    let gadget = GroupVersionKind::parse(&format!("{group}/v1"), "Gadget");
    space.mapper.resource(&gadget).await.expect_err("not yet");
    let definition = definition("gadgets", "Gadget");
    space
        .apply(
            options(),
            std::slice::from_ref(&definition),
            &mut State::new(),
            Mode::Full,
        )
        .await;
    let resource = space
        .mapper
        .resource(&gadget)
        .await
        .expect("learned from its definition");
    assert_eq!(resource.plural, "gadgets");
    space
        .mapper
        .preferred(&group, "Gadget")
        .await
        .expect("preferred");

    let crds = space.resource(&definition).await;
    space
        .delete(crds.object("", &format!("gadgets.{group}")))
        .await
        .expect("delete");
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while space.live(&definition).await.is_some() {
        assert!(
            tokio::time::Instant::now() < deadline,
            "the definition stays"
        );
        tokio::task::yield_now().await;
    }
    // The first answer comes from the server, which ends what the mapper believed. Its handler may hear of the end later
    // than its readers, and calls the kind terminating until then.
    loop {
        let apply = space
            .try_apply(
                options(),
                &[instance("Gadget")],
                &mut State::new(),
                Mode::Full,
            )
            .await;
        apply.expect_err("not served any more");
        if space.mapper.known(&gadget).is_none() {
            break;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "the mapper believes in the kind"
        );
    }
    let applier = space.applier(options());
    // With the kind all its objects are gone: there is nothing to prune, and nothing to fail for.
    let lost = Entry {
        id: space.object(&instance("Gadget")).id().clone(),
        version: "v1".into(),
    };
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        space.mapper.invalidate().await;
        let stale = vec![lost.clone()];
        let plan = applier
            .plan_prune(&space.owner(), stale, &BTreeSet::new())
            .await;
        if matches!(plan.steps[0].fate, Fate::Gone) {
            break;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "discovery keeps the kind"
        );
    }
}
