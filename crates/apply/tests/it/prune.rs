//! Removing what left the inventory.

use std::collections::BTreeSet;

use apply::{
    Mode, Options, State,
    inventory::Entry,
    prune::{Fate, PruneAction, Pruned},
};
use serde_json::{Value, json};

use super::cluster::{Space, id, options};

fn entry(space: &Space, name: &str) -> Entry {
    Entry {
        id: id("ConfigMap", &space.namespace, name),
        version: "v1".into(),
    }
}

fn lines(pruned: &Pruned) -> Vec<String> {
    pruned
        .done
        .iter()
        .map(|(entry, action)| format!("{} {action}", entry.id))
        .collect()
}

async fn apply(space: &Space, names: &[&str]) -> State {
    let maps: Vec<_> = names
        .iter()
        .map(|name| space.config_map(name, &json!({})))
        .collect();
    let mut state = State::new();
    space.apply(options(), &maps, &mut state, Mode::Full).await;
    state
}

async fn exists(space: &Space, name: &str) -> bool {
    space
        .live(&space.config_map(name, &json!({})))
        .await
        .is_some()
}

pub(super) async fn only_what_is_ours_and_says_nothing_against_it_goes(space: &Space) {
    let ns = &space.namespace;
    let own = |key: &str| format!("kustomize.toolkit.fluxcd.io/{key}");
    let note = |key: &str, value: &str| json!({"metadata": {"annotations": {own(key): value}}});
    let cases: [(&str, Value, bool); 8] = [
        ("plain", json!({}), true),
        ("kept", note("prune", "disabled"), false),
        ("disabled", note("reconcile", "Disabled"), false),
        ("ignored", note("ssa", "Ignore"), false),
        ("once", note("ssa", "IfNotPresent"), true),
        (
            "labelled",
            json!({"metadata": {"labels": {own("prune"): "disabled"}}}),
            false,
        ),
        (
            "moved",
            json!({"metadata": {"labels": {own("name"): "other"}}}),
            false,
        ),
        (
            "held",
            json!({"metadata": {"finalizers": ["it.io/hold"]}}),
            true,
        ),
    ];
    let names: Vec<_> = cases.iter().map(|case| case.0).collect();
    let state = apply(space, &names).await;
    for (name, patch, _) in &cases {
        space
            .patch("it", &space.config_map(name, &json!({})), patch)
            .await;
    }
    let stale: Vec<_> = names
        .iter()
        .chain(&["absent"])
        .map(|name| entry(space, name))
        .collect();
    let applier = space.applier(options());
    let plan = applier
        .plan_prune(&space.owner(), stale.clone(), &BTreeSet::new())
        .await;
    assert_eq!(plan.deletions().count(), 3);
    let pruned = applier.prune(&plan).await;
    let mut expected: Vec<_> = cases
        .iter()
        .map(|(name, _, goes)| {
            format!(
                "ConfigMap/{ns}/{name} {}",
                if *goes {
                    PruneAction::Deleted
                } else {
                    PruneAction::Skipped
                }
            )
        })
        .collect();
    expected.push(format!("ConfigMap/{ns}/absent deleted"));
    assert_eq!(lines(&pruned), expected);
    assert_eq!((pruned.error(), pruned.survivors.len()), (None, 0));
    for (name, _, goes) in &cases {
        assert_eq!(
            exists(space, name).await,
            !goes || *name == "held",
            "{name}"
        );
    }
    let held = [entry(space, "held"), entry(space, "plain")];
    assert_eq!(
        applier.remaining(&held).await.expect("remaining"),
        [entry(space, "held")]
    );
    space
        .patch(
            "it",
            &space.config_map("held", &json!({})),
            &json!({"metadata": {"finalizers": null}}),
        )
        .await;
    assert_eq!(applier.remaining(&held).await.expect("remaining"), []);
    assert_eq!(state.len(), cases.len());
}

pub(super) async fn a_refused_deletion_survives(space: &Space) {
    let ns = &space.namespace;
    let rbac = "rbac.authorization.k8s.io";
    let role = json!({"apiVersion": format!("{rbac}/v1"), "kind": "Role",
        "metadata": {"name": "reader", "namespace": "$ns"},
        "rules": [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]});
    let binding = json!({"apiVersion": format!("{rbac}/v1"), "kind": "RoleBinding",
        "metadata": {"name": "reader", "namespace": "$ns"},
        "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "reader"},
        "subjects": [{"apiGroup": rbac, "kind": "User", "name": "reader"}]});
    space.create("admin", &role).await;
    space.create("admin", &binding).await;
    apply(space, &["a", "b"]).await;
    let refusal = |name: &str| {
        format!(
            "configmaps \"{name}\" is forbidden: User \"reader\" cannot delete resource \
             \"configmaps\" in API group \"\" in the namespace \"{ns}\""
        )
    };
    let applier = space.restricted("reader", options());
    let stale = vec![entry(space, "b"), entry(space, "a")];
    let plan = applier
        .plan_prune(&space.owner(), stale.clone(), &BTreeSet::new())
        .await;
    let pruned = applier.prune(&plan).await;
    assert_eq!(
        pruned.error().expect("error"),
        format!(
            "delete failed, errors: ConfigMap/{ns}/b delete failed: {};\
             ConfigMap/{ns}/a delete failed: {};",
            refusal("b"),
            refusal("a")
        )
    );
    let reversed: Vec<_> = stale.into_iter().rev().collect();
    assert_eq!((pruned.survivors, pruned.done.len()), (reversed, 0));
    assert!(exists(space, "a").await);
}

pub(super) async fn what_the_user_may_not_read_is_left_if_it_is_not_ours(space: &Space) {
    apply(space, &["ours"]).await;
    let foreign = space.config_map("foreign", &json!({}));
    space.create("it", &foreign).await;
    let names = ["absent", "foreign", "ours"];
    for (witness, left) in [(None, 0), (Some(space.client.clone()), 2)] {
        let witnessed = Options {
            witness,
            ..options()
        };
        let applier = space.restricted("stranger", witnessed);
        let stale = names.iter().map(|name| entry(space, name)).collect();
        let plan = applier
            .plan_prune(&space.owner(), stale, &BTreeSet::new())
            .await;
        let pruned = applier.prune(&plan).await;
        let skipped: Vec<_> = names[..left]
            .iter()
            .map(|name| format!("ConfigMap/{}/{name} skipped", space.namespace))
            .collect();
        assert_eq!(lines(&pruned), skipped);
        assert_eq!(pruned.survivors.len(), names.len() - left);
        let error = pruned.error().unwrap_or_default();
        assert!(error.contains("/ours query failed: "), "{error}");
        assert!(error.contains("User \"stranger\" cannot get"), "{error}");
    }
    assert!(exists(space, "ours").await && exists(space, "foreign").await);
}

pub(super) async fn an_object_that_took_the_name_is_safe(space: &Space) {
    let state = apply(space, &["a", "b"]).await;
    let applier = space.applier(options());
    let kept = BTreeSet::from([state[&id("ConfigMap", &space.namespace, "b")].uid.clone()]);
    let stale = vec![entry(space, "b"), entry(space, "a")];
    let plan = applier.plan_prune(&space.owner(), stale, &kept).await;
    assert!(matches!(plan.steps[0].fate, Fate::Moved), "{plan:?}");
    let map = space.config_map("a", &json!({}));
    let resource = space.resource(&map).await;
    space
        .delete(resource.object(&space.namespace, "a"))
        .await
        .expect("delete");
    apply(space, &["a"]).await;
    let pruned = applier.prune(&plan).await;
    assert_eq!(
        lines(&pruned),
        [format!("ConfigMap/{}/a deleted", space.namespace)]
    );
    assert!(exists(space, "a").await && exists(space, "b").await);
}
