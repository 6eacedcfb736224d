use serde_json::{Value, json};

use super::*;

fn owner() -> Owner {
    Owner {
        namespace: "flux-system".into(),
        name: "apps".into(),
    }
}

/// Normalises `json` and takes the metadata that every case shares out of the result.
fn content(mut json: Value) -> Value {
    json["metadata"] = json!({"name": "x"});
    let object = normalise(json, &owner(), &CommonMetadata::default()).expect("object");
    let mut content = object.json().clone();
    for key in ["apiVersion", "kind", "metadata"] {
        content.as_object_mut().expect("object").remove(key);
    }
    content
}

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMAAB\n-----END CERTIFICATE-----\n";

#[test]
fn content_is_defaulted_where_server_side_apply_needs_it_and_nowhere_else() {
    let containers = |ports: Value| json!([{"name": "a", "ports": ports}, {"name": "b"}]);
    let (bare, tcp) = (
        json!([{"containerPort": 80}, {"containerPort": 53, "protocol": "UDP"}]),
        json!([{"containerPort": 80, "protocol": "TCP"}, {"containerPort": 53, "protocol": "UDP"}]),
    );
    let crd = |bundle: &str| {
        json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "status": {"a": 1}, "spec": {"conversion": {"webhook": {"clientConfig": {"caBundle": bundle, "url": "u"}}}}})
    };
    let crd_after = |bundle: Option<&str>| {
        let mut config = json!({"url": "u"});
        if let Some(bundle) = bundle {
            config["caBundle"] = bundle.into();
        }
        json!({"status": {"a": 1}, "spec": {"conversion": {"webhook": {"clientConfig": config}}}})
    };
    let valid = STANDARD.encode(CERTIFICATE);
    let cases = [
        (
            "status goes",
            json!({"apiVersion": "v1", "kind": "Pod", "status": {"phase": "x"}, "spec": {"new": 1}}),
            json!({"spec": {"new": 1}}),
        ),
        (
            "a pod's ports, not those of its init containers",
            json!({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": containers(bare.clone()), "initContainers": containers(bare.clone())}}),
            json!({"spec": {"containers": containers(tcp.clone()), "initContainers": containers(bare.clone())}}),
        ),
        (
            "a workload's ports",
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"spec": {"containers": containers(bare.clone())}}}}),
            json!({"spec": {"template": {"spec": {"containers": containers(tcp.clone())}}}}),
        ),
        (
            "a cron job's ports",
            json!({"apiVersion": "batch/v1", "kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": {"spec": {"containers": containers(bare.clone())}}}}}}),
            json!({"spec": {"jobTemplate": {"spec": {"template": {"spec": {"containers": containers(tcp)}}}}}}),
        ),
        (
            "a namesake in another group",
            json!({"apiVersion": "x.io/v1", "kind": "Service", "spec": {"ports": bare.clone()}}),
            json!({"spec": {"ports": bare}}),
        ),
        (
            "a service's ports",
            json!({"apiVersion": "v1", "kind": "Service", "spec": {"ports": [{"port": 1, "protocol": ""}]}}),
            json!({"spec": {"ports": [{"port": 1, "protocol": "TCP"}]}}),
        ),
        (
            "stringData wins over data",
            json!({"apiVersion": "v1", "kind": "Secret", "stringData": {"a": "x"}, "data": {"a": "b2xk", "b": "Yg=="}}),
            json!({"data": {"a": "eA==", "b": "Yg=="}}),
        ),
        (
            "stringData of another shape stays",
            json!({"apiVersion": "v1", "kind": "Secret", "stringData": {"a": 1}}),
            json!({"stringData": {"a": 1}}),
        ),
        (
            "a valid CA bundle stays",
            crd(&valid),
            crd_after(Some(&valid)),
        ),
        ("one that is not base64 goes", crd("%%"), crd_after(None)),
        (
            "one that is no certificate goes",
            crd("Cg=="),
            crd_after(None),
        ),
        (
            "empty rules survive",
            json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "rules": []}),
            json!({"rules": []}),
        ),
    ];
    for (name, input, expected) in cases {
        assert_eq!(content(input), expected, "{name}");
    }
}

#[test]
fn common_metadata_wins_over_the_owner_and_the_object() {
    let json = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {
        "name": "x", "creationTimestamp": null, "managedFields": [], "labels": null,
        "annotations": {"a": "own", "b": "own"}}});
    let common = CommonMetadata {
        labels: BTreeMap::from([("kustomize.toolkit.fluxcd.io/name".into(), "other".into())]),
        annotations: BTreeMap::from([("a".into(), "common".into())]),
    };
    let object = normalise(json, &owner(), &common).expect("object");
    assert_eq!(
        object.json()["metadata"],
        json!({"name": "x", "annotations": {"a": "common", "b": "own"}, "labels": {
            "kustomize.toolkit.fluxcd.io/name": "other",
            "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}})
    );
    assert!(!owner().owns(object.json()));
}

#[test]
fn an_encrypted_secret_is_refused_even_if_only_its_string_data_is() {
    let secret = |metadata: Value| {
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata,
               "stringData": {"a": "ENC["}, "sops": {"mac": "x"}})
    };
    let error = normalise(
        secret(json!({"name": "s", "namespace": "n"})),
        &owner(),
        &CommonMetadata::default(),
    )
    .expect_err("encrypted");
    assert_eq!(
        error.to_string(),
        "Secret/n/s is SOPS encrypted, configuring decryption is required for this secret to be \
         reconciled"
    );
    let left =
        json!({"name": "s", "annotations": {"kustomize.toolkit.fluxcd.io/decrypt": "disabled"}});
    normalise(secret(left), &owner(), &CommonMetadata::default()).expect("left alone");
}
