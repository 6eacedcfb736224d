//! Other managers of our objects.

use apply::{Mode, Options, State, managed_fields::takeovers};
use serde_json::{Value, json};

use super::cluster::{MANAGER, Space, managers, options};

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The live ConfigMap `a` after `manager` has created it with a key of its own, and we have applied.
async fn taken(space: &Space, manager: &str, options: Options, annotation: Option<&str>) -> Value {
    let mut theirs = space.config_map("a", &json!({"k": "1", "theirs": "x"}));
    theirs["metadata"]["annotations"] = json!({LAST_APPLIED: "{}"});
    let mut ours = space.config_map("a", &json!({"k": "1"}));
    if let Some(value) = annotation {
        ours["metadata"]["annotations"] = json!({"kustomize.toolkit.fluxcd.io/ssa": value});
    }
    space.create(manager, &theirs).await;
    space
        .apply(
            options,
            std::slice::from_ref(&ours),
            &mut State::new(),
            Mode::Full,
        )
        .await;
    space.live(&ours).await.expect("live")
}

pub(super) async fn kubectl_is_taken_over(space: &Space) {
    for manager in [
        "kubectl-client-side-apply",
        "kubectl-edit",
        "before-first-apply",
        MANAGER,
    ] {
        let live = taken(space, manager, options(), None).await;
        assert_eq!(live["data"], json!({"k": "1"}), "{manager}");
        assert_eq!(live["metadata"].get("annotations"), None, "{manager}");
        assert_eq!(managers(&live), [format!("{MANAGER} Apply")], "{manager}");
        let map = space.config_map("a", &json!({}));
        let resource = space.resource(&map).await;
        space
            .delete(resource.object(&space.namespace, "a"))
            .await
            .expect("delete");
    }
}

pub(super) async fn merge_keeps_the_fields_of_others(space: &Space) {
    let live = taken(space, "kubectl-edit", options(), Some("Merge")).await;
    assert_eq!(live["data"], json!({"k": "1", "theirs": "x"}));
    assert_eq!(
        managers(&live),
        ["kubectl-edit Update".to_owned(), format!("{MANAGER} Apply")]
    );
}

pub(super) async fn chosen_managers_are_taken_over_by_prefix(space: &Space) {
    let options = Options {
        takeovers: takeovers(MANAGER, &["argo".into()]),
        ..options()
    };
    let mut map = space.config_map("a", &json!({"argo": "x"}));
    space.create("argocd-controller", &map).await;
    space
        .patch("helm", &map, &json!({"data": {"helm": "x"}}))
        .await;
    map["data"] = json!({"k": "1"});
    space
        .apply(
            options,
            std::slice::from_ref(&map),
            &mut State::new(),
            Mode::Full,
        )
        .await;
    let live = space.live(&map).await.expect("live");
    assert_eq!(live["data"], json!({"k": "1", "helm": "x"}));
    assert_eq!(
        managers(&live),
        ["helm Update".to_owned(), format!("{MANAGER} Apply")]
    );
}

pub(super) async fn entries_move_to_the_version_applied(space: &Space) {
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"});
    let metadata = json!({"name": "web", "namespace": "$ns"});
    let old = json!({"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler",
        "metadata": metadata, "spec": {"maxReplicas": 3, "scaleTargetRef": target}});
    let new = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": metadata, "spec": {"maxReplicas": 3, "scaleTargetRef": target}});
    space.create("helm", &old).await;
    space
        .patch_sub(
            "hpa",
            &old,
            &json!({"status": {"currentReplicas": 1, "desiredReplicas": 1}}),
            Some("status"),
        )
        .await;
    let versions = async || {
        let live = space.live(&new).await.expect("live");
        let entries = live["metadata"]["managedFields"]
            .as_array()
            .expect("entries")
            .clone();
        let mut versions: Vec<_> = entries
            .iter()
            .map(|e| {
                format!(
                    "{} {}",
                    e["manager"].as_str().expect("m"),
                    e["apiVersion"].as_str().expect("v")
                )
            })
            .collect();
        versions.sort();
        versions
    };
    let options = Options {
        migrate_api_version: true,
        ..options()
    };
    space
        .apply(
            options,
            std::slice::from_ref(&new),
            &mut State::new(),
            Mode::Full,
        )
        .await;
    assert_eq!(
        versions().await,
        [
            "helm autoscaling/v2",
            "hpa autoscaling/v2",
            "kustomize-controller autoscaling/v2"
        ]
    );
}
