use serde_json::{Value, json};

use super::*;

const NOW: &str = "2026-01-01T00:01:00Z";

fn object(api_version: &str, kind: &str, rest: Value) -> Value {
    let mut object = rest;
    object["apiVersion"] = api_version.into();
    object["kind"] = kind.into();
    object
}

fn conditions(list: &[(&str, &str, &str)]) -> Value {
    list.iter()
        .map(|(kind, status, reason)| json!({"type": kind, "status": status, "reason": reason, "message": "m"}))
        .collect()
}

fn merged(mut base: Value, changes: &Value) -> Value {
    if let (Some(into), Some(from)) = (base.as_object_mut(), changes.as_object()) {
        for (key, value) in from {
            let old = into.remove(key).unwrap_or_default();
            into.insert(
                key.clone(),
                if value.is_object() {
                    merged(old_or_map(old), value)
                } else {
                    value.clone()
                },
            );
        }
    }
    base
}

fn old_or_map(value: Value) -> Value {
    if value.is_object() { value } else { json!({}) }
}

fn check(api_version: &str, kind: &str, base: &Value, cases: &[(Value, Status, &str)]) {
    let now = NOW.parse().expect("time");
    for (change, expected, message) in cases {
        let object = object(api_version, kind, merged(base.clone(), change));
        let verdict = status(&object, now);
        assert_eq!(
            (verdict.status, verdict.message.as_str()),
            (*expected, *message),
            "{object:#}"
        );
    }
}

use Status::{Current, Failed, InProgress, Terminating};

#[test]
fn every_object() {
    check(
        "x.io/v1",
        "Widget",
        &json!({}),
        &[
            (json!({}), Current, ""),
            (
                json!({"metadata": {"deletionTimestamp": NOW}}),
                Terminating,
                "Resource scheduled for deletion",
            ),
            (
                json!({"metadata": {"generation": 2}, "status": {"observedGeneration": 1}}),
                InProgress,
                "Widget generation is 2, but latest observed generation is 1",
            ),
            (json!({"metadata": {"generation": 2}}), Current, ""),
            (
                json!({"status": {"conditions": conditions(&[("Reconciling", "True", ""), ("Ready", "True", "")])}}),
                InProgress,
                "m",
            ),
            (
                json!({"status": {"conditions": conditions(&[("Stalled", "True", ""), ("Ready", "True", "")])}}),
                Failed,
                "m",
            ),
            (
                json!({"status": {"conditions": conditions(&[("Ready", "True", "")])}}),
                Current,
                "",
            ),
            (
                json!({"status": {"conditions": conditions(&[("Ready", "False", "")])}}),
                InProgress,
                "m",
            ),
            (
                json!({"status": {"conditions": conditions(&[("Ready", "Unknown", "")])}}),
                InProgress,
                "m",
            ),
        ],
    );
}

#[test]
fn deployments() {
    let settled = conditions(&[
        ("Available", "True", ""),
        ("Progressing", "True", "NewReplicaSetAvailable"),
    ]);
    let base = json!({
        "spec": {"replicas": 2, "progressDeadlineSeconds": 600},
        "status": {"replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2, "conditions": settled},
    });
    check(
        "apps/v1",
        "Deployment",
        &base,
        &[
            (json!({}), Current, ""),
            (
                json!({"status": {"replicas": 1}}),
                InProgress,
                "replicas: 1/2",
            ),
            (
                json!({"status": {"updatedReplicas": 1}}),
                InProgress,
                "Updated: 1/2",
            ),
            (
                json!({"status": {"replicas": 3}}),
                InProgress,
                "Pending termination: 1",
            ),
            (
                json!({"status": {"availableReplicas": 1}}),
                InProgress,
                "Available: 1/2",
            ),
            (
                json!({"status": {"readyReplicas": 1}}),
                InProgress,
                "Ready: 1/2",
            ),
            (
                json!({"status": {"conditions": conditions(&[("Available", "True", "")])}}),
                InProgress,
                "ReplicaSet not Available",
            ),
            (
                json!({"status": {"conditions": conditions(&[("Progressing", "True", "NewReplicaSetAvailable")])}}),
                InProgress,
                "Deployment not Available",
            ),
            (
                json!({"spec": {"progressDeadlineSeconds": 1}, "status": {"conditions": conditions(&[("Progressing", "False", "ProgressDeadlineExceeded")])}}),
                Failed,
                "Progress deadline exceeded",
            ),
        ],
    );
    let empty = json!({"spec": {"replicas": 0}, "status": {"conditions": conditions(&[("Available", "True", "")])}});
    check("apps/v1", "Deployment", &empty, &[(json!({}), Current, "")]);
    check(
        "apps/v1",
        "Deployment",
        &json!({}),
        &[(json!({}), InProgress, "replicas: 0/1")],
    );
}

#[test]
fn stateful_sets() {
    let base = json!({
        "spec": {"replicas": 2},
        "status": {"replicas": 2, "readyReplicas": 2, "currentReplicas": 2, "updatedReplicas": 2, "currentRevision": "a", "updateRevision": "a"},
    });
    check(
        "apps/v1",
        "StatefulSet",
        &base,
        &[
            (json!({}), Current, ""),
            (
                json!({"status": {"replicas": 1}}),
                InProgress,
                "Replicas: 1/2",
            ),
            (
                json!({"status": {"readyReplicas": 0}}),
                InProgress,
                "Ready: 0/2",
            ),
            (
                json!({"status": {"replicas": 4}}),
                InProgress,
                "Pending termination: 2",
            ),
            (
                json!({"status": {"currentReplicas": 1}}),
                InProgress,
                "current: 1/2",
            ),
            (
                json!({"status": {"updateRevision": "b"}}),
                InProgress,
                "Waiting for updated revision to match current",
            ),
            (
                json!({"spec": {"updateStrategy": {"type": "OnDelete"}}, "status": {"replicas": 0}}),
                Current,
                "",
            ),
            (
                json!({"spec": {"updateStrategy": {"rollingUpdate": {"partition": 1}}}, "status": {"updatedReplicas": 1, "currentReplicas": 0}}),
                Current,
                "",
            ),
            (
                json!({"spec": {"updateStrategy": {"rollingUpdate": {"partition": 0}}}, "status": {"updatedReplicas": 1}}),
                InProgress,
                "updated: 1/2",
            ),
        ],
    );
}

#[test]
fn replica_sets_and_daemon_sets() {
    let base = json!({"spec": {"replicas": 1}, "status": {"replicas": 1, "fullyLabeledReplicas": 1, "availableReplicas": 1, "readyReplicas": 1}});
    check(
        "apps/v1",
        "ReplicaSet",
        &base,
        &[
            (json!({}), Current, ""),
            (
                json!({"status": {"fullyLabeledReplicas": 0}}),
                InProgress,
                "Labelled: 0/1",
            ),
            (
                json!({"status": {"availableReplicas": 0}}),
                InProgress,
                "Available: 0/1",
            ),
            (
                json!({"status": {"readyReplicas": 0}}),
                InProgress,
                "Ready: 0/1",
            ),
            (
                json!({"status": {"replicas": 2}}),
                InProgress,
                "replicas: 2/1",
            ),
            (
                json!({"status": {"conditions": conditions(&[("ReplicaFailure", "True", "")])}}),
                InProgress,
                "Replica Failure condition. Check Pods",
            ),
        ],
    );
    let base = json!({"metadata": {"generation": 1}, "status": {"observedGeneration": 1, "desiredNumberScheduled": 2,
        "currentNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 2, "numberReady": 2}});
    check(
        "apps/v1",
        "DaemonSet",
        &base,
        &[
            (json!({}), Current, ""),
            (
                json!({"status": {"desiredNumberScheduled": null}}),
                InProgress,
                "Missing .status.desiredNumberScheduled",
            ),
            (
                json!({"status": {"currentNumberScheduled": 1}}),
                InProgress,
                "Current: 1/2",
            ),
            (
                json!({"status": {"updatedNumberScheduled": 1}}),
                InProgress,
                "Updated: 1/2",
            ),
            (
                json!({"status": {"numberAvailable": 1}}),
                InProgress,
                "Available: 1/2",
            ),
            (
                json!({"status": {"numberReady": 1}}),
                InProgress,
                "Ready: 1/2",
            ),
        ],
    );
    check(
        "apps/v1",
        "DaemonSet",
        &json!({}),
        &[(json!({}), InProgress, "missing .status.observedGeneration")],
    );
}

#[test]
fn jobs_and_what_is_always_ready() {
    check(
        "batch/v1",
        "Job",
        &json!({}),
        &[
            (
                json!({"status": {"active": 1}}),
                InProgress,
                "Job in progress",
            ),
            (json!({"spec": {"suspend": true}}), Current, ""),
            (
                json!({"status": {"conditions": conditions(&[("Complete", "True", "")])}}),
                Current,
                "",
            ),
            (
                json!({"status": {"conditions": conditions(&[("Failed", "True", "")])}}),
                Failed,
                "m",
            ),
            (
                json!({"status": {"conditions": conditions(&[("Failed", "False", "")])}}),
                InProgress,
                "Job in progress",
            ),
        ],
    );
    let not_ready = json!({"status": {"conditions": conditions(&[("Ready", "False", "")])}});
    for (api_version, kind) in [
        ("v1", "ConfigMap"),
        ("v1", "Secret"),
        ("batch/v1", "CronJob"),
        ("policy/v1", "PodDisruptionBudget"),
    ] {
        check(api_version, kind, &not_ready, &[(json!({}), Current, "")]);
    }
}

#[test]
fn services_claims_and_definitions() {
    check(
        "v1",
        "Service",
        &json!({}),
        &[
            (json!({}), Current, ""),
            (
                json!({"spec": {"type": "LoadBalancer"}}),
                InProgress,
                "ClusterIP not set. Service type: LoadBalancer",
            ),
            (
                json!({"spec": {"type": "LoadBalancer", "clusterIP": "10.0.0.1"}}),
                Current,
                "",
            ),
        ],
    );
    check(
        "v1",
        "PersistentVolumeClaim",
        &json!({}),
        &[
            (json!({"status": {"phase": "Bound"}}), Current, ""),
            (
                json!({"status": {"phase": "Pending"}}),
                InProgress,
                "PVC is not Bound. phase: Pending",
            ),
        ],
    );
    let crd = |list: &[(&str, &str, &str)]| json!({"status": {"conditions": conditions(list)}});
    check(
        "apiextensions.k8s.io/v1",
        "CustomResourceDefinition",
        &json!({}),
        &[
            (json!({}), InProgress, "Install in progress"),
            (
                crd(&[
                    ("NamesAccepted", "True", ""),
                    ("Established", "False", "Installing"),
                ]),
                InProgress,
                "Install in progress",
            ),
            (
                crd(&[("NamesAccepted", "True", ""), ("Established", "True", "")]),
                Current,
                "",
            ),
            (crd(&[("NamesAccepted", "False", "")]), Failed, "m"),
            (crd(&[("Established", "False", "Other")]), Failed, "m"),
        ],
    );
}

#[test]
fn pods() {
    let ready = |status: &str| conditions(&[("Ready", status, "")]);
    let unscheduled = conditions(&[("PodScheduled", "False", "Unschedulable")]);
    let crashing = json!([{"name": "a", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]);
    check(
        "v1",
        "Pod",
        &json!({"metadata": {"creationTimestamp": "2026-01-01T00:00:50Z"}}),
        &[
            (json!({"status": {"phase": "Succeeded"}}), Current, ""),
            (json!({"status": {"phase": "Failed"}}), Current, ""),
            (
                json!({"status": {"phase": "Running", "conditions": ready("True")}}),
                Current,
                "",
            ),
            (
                json!({"status": {"phase": "Running", "conditions": ready("False")}}),
                InProgress,
                "Pod is running but is not Ready",
            ),
            (
                json!({"status": {"phase": "Running", "containerStatuses": crashing}}),
                Failed,
                "Containers in CrashLoop state: a",
            ),
            (
                json!({"status": {"phase": "Pending", "initContainerStatuses": crashing}}),
                Failed,
                "Containers in CrashLoop state: a",
            ),
            (
                json!({"status": {"phase": "Pending"}}),
                InProgress,
                "Pod is in the Pending phase",
            ),
            (
                json!({"status": {"phase": "Pending", "conditions": unscheduled}}),
                InProgress,
                "Pod has not been scheduled",
            ),
            (
                json!({"metadata": {"creationTimestamp": "2026-01-01T00:00:00Z"}, "status": {"phase": "Pending", "conditions": unscheduled}}),
                Failed,
                "Pod could not be scheduled",
            ),
            (json!({}), InProgress, "Pod phase not available"),
        ],
    );
}

#[test]
fn a_failed_pod_fails_its_owner_unless_it_goes_or_waits_for_a_node() {
    let now = NOW.parse().expect("time");
    let crashing = json!({"metadata": {}, "status": {"phase": "Running",
        "containerStatuses": [{"name": "a", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}});
    let going = merged(
        crashing.clone(),
        &json!({"metadata": {"deletionTimestamp": NOW}}),
    );
    let waiting = json!({"metadata": {"creationTimestamp": "2026-01-01T00:00:00Z"},
        "status": {"phase": "Pending", "conditions": conditions(&[("PodScheduled", "False", "Unschedulable")])}});
    assert!(has_failed_pod(&[waiting.clone(), crashing], now));
    assert!(!has_failed_pod(&[waiting, going], now));
}
