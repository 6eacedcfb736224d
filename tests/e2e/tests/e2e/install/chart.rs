//! What the chart makes of its values.

use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use testkit::tool;

use super::{NAMESPACE, Objects, chart_dir, objects, render, run};

#[test]
fn lint_finds_nothing() -> Result<()> {
    let said = run(Command::new(tool::helm()?)
        .args(["lint", "--strict"])
        .arg(chart_dir()))?;
    assert!(said.contains("0 chart(s) failed"), "{said}");
    assert!(!said.contains("[WARNING]"), "{said}");
    Ok(())
}

fn get<'a>(objects: &'a Objects, kind: &str, name: &str) -> Option<&'a Value> {
    objects
        .iter()
        .find(|((k, _, n), _)| k == kind && n == name)
        .map(|(_, object)| object)
}

/// Values, an object, where to look in it, and what has to be there.
type Row = (
    &'static [&'static str],
    &'static str,
    &'static str,
    &'static str,
    Value,
);

fn rows() -> Vec<Row> {
    vec![
        (
            &["kustomizeController.concurrency=20"],
            "Deployment",
            "kustomize-controller",
            "/spec/template/spec/containers/0/args",
            json!("--concurrent=20"),
        ),
        (
            &[
                "kustomizeController.kubeApiQps=500",
                "kustomizeController.kubeApiBurst=1000",
            ],
            "Deployment",
            "kustomize-controller",
            "/spec/template/spec/containers/0/args",
            json!("--kube-api-qps=500"),
        ),
        (
            &["kustomizeController.kubeApiBurst=1000"],
            "Deployment",
            "kustomize-controller",
            "/spec/template/spec/containers/0/args",
            json!("--kube-api-burst=1000"),
        ),
        (
            &["sourceController.intervalJitterPercentage=0"],
            "Deployment",
            "source-controller",
            "/spec/template/spec/containers/0/args",
            json!("--interval-jitter-percentage=0"),
        ),
        (
            &["kustomizeController.requeueDependency=\"5s\""],
            "Deployment",
            "kustomize-controller",
            "/spec/template/spec/containers/0/args",
            json!("--requeue-dependency=5s"),
        ),
        (
            &["notificationController.rateLimitInterval=\"1m\""],
            "Deployment",
            "notification-controller",
            "/spec/template/spec/containers/0/args",
            json!("--rate-limit-interval=1m"),
        ),
        (
            &["multitenancy.enabled=true"],
            "Deployment",
            "kustomize-controller",
            "/spec/template/spec/containers/0/args",
            json!("--no-remote-bases=true"),
        ),
        (
            &["multitenancy.enabled=true"],
            "Deployment",
            "kustomize-controller",
            "/spec/template/spec/containers/0/args",
            json!("--default-service-account=default"),
        ),
        (
            &[
                "multitenancy.enabled=true",
                "multitenancy.defaultServiceAccount=\"tenant\"",
            ],
            "Deployment",
            "kustomize-controller",
            "/spec/template/spec/containers/0/args",
            json!("--default-service-account=tenant"),
        ),
        (
            &["multitenancy.enabled=true"],
            "Deployment",
            "notification-controller",
            "/spec/template/spec/containers/0/args",
            json!("--no-cross-namespace-refs=true"),
        ),
        (
            &["sharding.shards=[\"shard1\"]"],
            "Deployment",
            "kustomize-controller",
            "/spec/template/spec/containers/0/args",
            json!("--watch-label-selector=!sharding.fluxcd.io/key"),
        ),
        (
            &["sharding.shards=[\"shard1\"]"],
            "Deployment",
            "kustomize-controller-shard1",
            "/spec/template/spec/containers/0/args",
            json!("--watch-label-selector=sharding.fluxcd.io/key=shard1"),
        ),
        (
            &["sharding.shards=[\"shard1\"]"],
            "Deployment",
            "source-controller-shard1",
            "/spec/template/spec/containers/0/args",
            json!(
                "--storage-adv-addr=source-controller-shard1.$(RUNTIME_NAMESPACE).svc.cluster.local."
            ),
        ),
        (
            &["sharding.shards=[\"shard1\"]"],
            "Service",
            "source-controller-shard1",
            "/spec/selector",
            json!({ "app": "source-controller-shard1" }),
        ),
        (
            &["kustomizeController.replicas=2"],
            "PodDisruptionBudget",
            "kustomize-controller",
            "/spec/maxUnavailable",
            json!(1),
        ),
        (
            &["kustomizeController.nodeSelector={\"dedicated\":\"flux\"}"],
            "Deployment",
            "kustomize-controller",
            "/spec/template/spec/nodeSelector",
            json!({ "dedicated": "flux" }),
        ),
        (
            &["tolerations=[{\"key\":\"dedicated\",\"operator\":\"Exists\"}]"],
            "Deployment",
            "source-controller",
            "/spec/template/spec/tolerations/0/key",
            json!("dedicated"),
        ),
        (
            &[
                "kustomizeController.resources={\"limits\":{\"memory\":\"4Gi\"},\"requests\":{\"cpu\":\"2\"}}",
            ],
            "Deployment",
            "kustomize-controller",
            "/spec/template/spec/containers/0/resources/limits/memory",
            json!("4Gi"),
        ),
        (
            &["sourceController.storage.existingClaim=\"artifacts\""],
            "Deployment",
            "source-controller",
            "/spec/template/spec/volumes/0/persistentVolumeClaim/claimName",
            json!("artifacts"),
        ),
        (
            &["kustomizeController.snapshots.emptyDir={\"medium\":\"Memory\"}"],
            "Deployment",
            "kustomize-controller",
            "/spec/template/spec/volumes/0/emptyDir/medium",
            json!("Memory"),
        ),
        (
            &[
                "image.registry=\"registry.example.com/team\"",
                "image.tag=\"v2\"",
            ],
            "Deployment",
            "source-controller",
            "/spec/template/spec/containers/0/image",
            json!("registry.example.com/team/source-controller:v2"),
        ),
        (
            &["monitoring.podMonitor.create=true"],
            "PodMonitor",
            "flux-system",
            "/spec/podMetricsEndpoints/0/port",
            json!("http-prom"),
        ),
        (
            &["kustomizeController.image=\"registry.example.com/kustomize-controller@sha256:0\""],
            "Deployment",
            "kustomize-controller",
            "/spec/template/spec/containers/0/image",
            json!("registry.example.com/kustomize-controller@sha256:0"),
        ),
        (
            &["leaderElection=false"],
            "Deployment",
            "kustomize-controller",
            "/spec/strategy/type",
            json!("Recreate"),
        ),
        (
            &["podLabels={\"team\":\"platform\"}"],
            "Deployment",
            "source-controller",
            "/spec/template/metadata/labels/team",
            json!("platform"),
        ),
        (
            &[
                "nodeSelector={\"all\":\"these\"}",
                "kustomizeController.nodeSelector={}",
            ],
            "Deployment",
            "kustomize-controller",
            "/spec/template/spec/nodeSelector",
            Value::Null,
        ),
        (
            &["nodeSelector={\"all\":\"these\"}"],
            "Deployment",
            "kustomize-controller",
            "/spec/template/spec/nodeSelector/all",
            json!("these"),
        ),
        // Whoever keeps Flux's controllers beside these keeps their rights.
        (
            &["sourceController.enabled=false"],
            "ClusterRoleBinding",
            "crd-controller-flux-system",
            "/subjects",
            json!({ "kind": "ServiceAccount", "name": "source-controller", "namespace": NAMESPACE }),
        ),
        (
            &[],
            "ClusterRoleBinding",
            "cluster-reconciler-flux-system",
            "/subjects",
            json!({ "kind": "ServiceAccount", "name": "helm-controller", "namespace": NAMESPACE }),
        ),
        (
            &["rbac.fluxControllers=[]"],
            "ClusterRoleBinding",
            "cluster-reconciler-flux-system",
            "/subjects",
            json!([{ "kind": "ServiceAccount", "name": "kustomize-controller", "namespace": NAMESPACE }]),
        ),
        (
            &["multitenancy.enabled=true", "rbac.clusterAdmin=false"],
            "ClusterRole",
            "impersonator-flux-system",
            "/rules",
            json!([{ "apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["impersonate"] }]),
        ),
        (
            &["notificationController.webhookService.type=\"LoadBalancer\""],
            "NetworkPolicy",
            "allow-webhooks",
            "/spec/ingress",
            json!([{ "ports": [{ "protocol": "TCP", "port": 9292 }] }]),
        ),
        (
            &[
                "notificationController.enabled=false",
                "eventsAddress=\"http://events.example.org/\"",
            ],
            "Deployment",
            "source-controller",
            "/spec/template/spec/containers/0/args",
            json!("--events-addr=http://events.example.org/"),
        ),
        (
            &["clusterDomain=\"example.org\""],
            "Deployment",
            "kustomize-controller",
            "/spec/template/spec/containers/0/args",
            json!("--events-addr=http://notification-controller.flux-system.svc.example.org./"),
        ),
    ]
}

#[test]
fn values_reach_their_objects() -> Result<()> {
    for (values, kind, name, pointer, expected) in rows() {
        let objects = objects(&render(values)?)?;
        let object =
            get(&objects, kind, name).with_context(|| format!("{values:?}: no {kind} {name}"))?;
        let found = object.pointer(pointer).unwrap_or(&Value::Null);
        let there = *found == expected
            || found
                .as_array()
                .is_some_and(|items| items.contains(&expected));
        assert!(there, "{values:?}: {pointer} of {kind} {name} is {found}");
    }
    Ok(())
}

/// Values and an object that they leave out.
const LEFT_OUT: [(&str, &str, &str); 8] = [
    (
        "crds.install=false",
        "CustomResourceDefinition",
        "kustomizations.kustomize.toolkit.fluxcd.io",
    ),
    (
        "rbac.create=false",
        "ClusterRole",
        "crd-controller-flux-system",
    ),
    (
        "rbac.clusterAdmin=false",
        "ClusterRoleBinding",
        "cluster-reconciler-flux-system",
    ),
    (
        "rbac.aggregate=false",
        "ClusterRole",
        "flux-view-flux-system",
    ),
    (
        "networkPolicies.create=false",
        "NetworkPolicy",
        "allow-egress",
    ),
    (
        "resourceQuota.create=false",
        "ResourceQuota",
        "critical-pods-flux-system",
    ),
    (
        "notificationController.enabled=false",
        "Deployment",
        "notification-controller",
    ),
    (
        "sourceController.enabled=false",
        "ServiceAccount",
        "source-controller",
    ),
];

#[test]
fn switches_leave_objects_out() -> Result<()> {
    let all = objects(&render(&[])?)?;
    for (value, kind, name) in LEFT_OUT {
        assert!(get(&all, kind, name).is_some(), "no {kind} {name} at all");
        let objects = objects(&render(&[value])?)?;
        assert!(
            get(&objects, kind, name).is_none(),
            "{value}: {kind} {name}"
        );
    }
    Ok(())
}

/// A controller without a notification controller sends its events to the API server only.
#[test]
fn nobody_sends_events_to_a_controller_that_is_off() -> Result<()> {
    let objects = objects(&render(&["notificationController.enabled=false"])?)?;
    let deployment =
        get(&objects, "Deployment", "kustomize-controller").context("no Deployment")?;
    let args = deployment.pointer("/spec/template/spec/containers/0/args");
    assert!(
        !args
            .unwrap_or(&Value::Null)
            .to_string()
            .contains("--events-addr"),
        "{args:?}"
    );
    Ok(())
}

#[test]
fn no_controller_has_a_cpu_limit() -> Result<()> {
    let objects = objects(&render(&[])?)?;
    let deployments = objects
        .values()
        .filter(|object| object["kind"] == "Deployment");
    let limits: Vec<_> = deployments
        .filter_map(|object| object.pointer("/spec/template/spec/containers/0/resources/limits"))
        .collect();
    assert_eq!(limits.len(), 3);
    assert!(
        limits.iter().all(|limits| limits.get("cpu").is_none()),
        "{limits:?}"
    );
    Ok(())
}

/// Values that the schema refuses, and a part of what it says.
const REFUSED: &[(&[&str], &str)] = &[
    (&["kustomizeController.concurency=3"], "concurency"),
    (
        &["kustomizeController.concurrency=0"],
        "/kustomizeController/concurrency",
    ),
    (
        &["kustomizeController.kubeApiQps=\"many\""],
        "/kustomizeController/kubeApiQps",
    ),
    (&["logLevel=\"warning\""], "/logLevel"),
    (&["sharding.shards=[\"Shard 1\"]"], "/sharding/shards/0"),
    (
        &["multitenancy.defaultServiceAccount=\"\""],
        "/multitenancy/defaultServiceAccount",
    ),
    (
        &["kustomizeController.requeueDependency=\"soon\""],
        "/kustomizeController/requeueDependency",
    ),
    (
        &["leaderElection=null"],
        "missing property 'leaderElection'",
    ),
    (&["image.registry=null"], "missing property 'registry'"),
    (&["image.tag=\"0.1 0\""], "/image/tag"),
    // It is what the Deployment and the Services select.
    (
        &["podLabels={\"app\":\"mine\"}"],
        "invalid propertyName 'app'",
    ),
    (&["tolerations=[\"dedicated\"]"], "/tolerations/0"),
    (
        &["sourceController.storage.emptyDir={\"size\":\"1Gi\"}"],
        "'size'",
    ),
    // Would let no node be drained.
    (
        &["kustomizeController.podDisruptionBudget.maxUnavailable=0"],
        "/kustomizeController/podDisruptionBudget/maxUnavailable",
    ),
    (
        &["kustomizeController.replicas=2", "leaderElection=false"],
        "several replicas need leaderElection",
    ),
];

#[test]
fn wrong_values_are_refused_by_name() {
    for (values, said) in REFUSED {
        let refused = render(values).expect_err(said).to_string();
        assert!(refused.contains(said), "{values:?}: {refused}");
    }
}

/// Helm 3 keeps such a null, Helm 4 removes it.
#[test]
fn no_default_is_null() -> Result<()> {
    fn has_null(value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::Array(items) => items.iter().any(has_null),
            Value::Object(fields) => fields.values().any(has_null),
            _ => false,
        }
    }
    let text = std::fs::read_to_string(chart_dir().join("values.yaml"))?;
    let values = yaml::parse_first(&text)?.context("no values")?;
    assert!(!has_null(&yaml::v3::to_json(&values)?));
    Ok(())
}

/// The names of a schema's properties, at any depth.
fn properties<'a>(schema: &'a Value, names: &mut Vec<&'a str>) {
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        names.push(name);
        properties(schema, names);
    }
}

#[test]
fn every_value_is_explained() -> Result<()> {
    let text = std::fs::read_to_string(chart_dir().join("values.yaml"))?;
    let schema = std::fs::read(chart_dir().join("values.schema.json"))?;
    let schema: Value = serde_json::from_slice(&schema)?;
    let mut names = Vec::new();
    properties(&schema, &mut names);
    assert!(names.len() > 100, "{} names", names.len());
    // Helm's own, and the fields of Kubernetes' types.
    let others = ["global", "claims", "name"];
    names.retain(|name| !others.contains(name) && !text.contains(name));
    assert!(names.is_empty(), "values.yaml does not name {names:?}");
    Ok(())
}
