//! Readiness, asked of a real server.

use apply::health::{HealthCheck, HealthTarget, Readiness};
use serde_json::{Value, json};

use super::cluster::{Space, options};

fn deployment() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "$ns"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "a", "image": "a"}]}}}})
}

pub(super) async fn states_are_told_in_order(space: &Space) {
    let ns = &space.namespace;
    let map = space.config_map("a", &json!({}));
    let mut job = json!({"apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": "done", "namespace": "$ns"}, "spec": {"ttlSecondsAfterFinished": 1}});
    let expiring = HealthTarget::of(&space.object(&job));
    job["metadata"]["name"] = "lost".into();
    job["spec"] = json!({});
    space.create("it", &map).await;
    space.create("it", &deployment()).await;
    let targets = vec![
        HealthTarget::of(&space.object(&deployment())),
        HealthTarget::of(&space.object(&map)),
        expiring,
        HealthTarget::of(&space.object(&job)),
        HealthTarget {
            version: String::new(),
            ..HealthTarget::of(&space.object(&map))
        },
    ];
    let applier = space.applier(options());
    let mut check = HealthCheck::new(targets, None);
    let summary = check.check_once(&applier).await;
    assert_eq!(
        summary.timeout_message(),
        format!(
            "timeout waiting for: [Deployment/{ns}/web status: 'InProgress', \
             Job/{ns}/lost status: 'NotFound']"
        )
    );
    assert_eq!(
        (summary.ready, summary.readiness(true)),
        (3, Readiness::Waiting)
    );

    let settled = json!({"status": {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1,
        "readyReplicas": 1, "availableReplicas": 1, "conditions": [
            {"type": "Available", "status": "True"},
            {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}]}});
    space
        .patch_sub("it", &deployment(), &settled, Some("status"))
        .await;
    let (summary, methods) = space.counted(check.check_once(&applier)).await;
    assert_eq!(
        (summary.timeout_message(), methods),
        (
            format!("timeout waiting for: [Job/{ns}/lost status: 'NotFound']"),
            "GET GET".into()
        )
    );
}

pub(super) async fn a_failed_pod_fails_its_replica_set(space: &Space) {
    let template = json!({"metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "a", "image": "a"}]}});
    let set = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": "web", "namespace": "$ns"},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": template}});
    let mut pod = template;
    pod["apiVersion"] = "v1".into();
    pod["kind"] = "Pod".into();
    pod["metadata"]["name"] = "web-1".into();
    pod["metadata"]["namespace"] = "$ns".into();
    space.create("it", &set).await;
    let mut check = HealthCheck::new(vec![HealthTarget::of(&space.object(&set))], None);
    let applier = space.applier(options());
    assert_eq!(
        check.check_once(&applier).await.readiness(true),
        Readiness::Waiting
    );
    space.create("it", &pod).await;
    let crashing = json!({"status": {"phase": "Running", "containerStatuses": [{
        "name": "a", "image": "a", "imageID": "", "ready": false, "restartCount": 3,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}});
    space.patch_sub("it", &pod, &crashing, Some("status")).await;
    let summary = check.check_once(&applier).await;
    assert_eq!(
        summary.stalled_message(),
        format!(
            "failed early due to stalled resources: [ReplicaSet/{}/web status: 'Failed']",
            space.namespace
        )
    );
}
