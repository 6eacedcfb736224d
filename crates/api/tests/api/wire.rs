//! Objects as Flux writes them are read and written back without a change.

use api::{
    kustomize::Kustomization,
    notification::{Alert, Provider, ProviderType, Receiver, ReceiverType},
    source::GitRepository,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

fn condition() -> Value {
    json!({
        "type": "Ready", "status": "True", "reason": "Succeeded", "message": "",
        "observedGeneration": 3, "lastTransitionTime": "2026-01-02T03:04:05Z",
    })
}

fn artifact() -> Value {
    json!({
        "path": "gitrepository/ns/repo/abc.tar.gz", "url": "http://host/abc.tar.gz",
        "revision": "main@sha1:abc", "digest": "sha256:00", "size": 12,
        "lastUpdateTime": "2026-01-02T03:04:05Z",
        "metadata": { "org.opencontainers.image.revision": "v1" },
    })
}

fn git_repository() -> Value {
    json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": { "name": "repo", "namespace": "ns", "generation": 3 },
        "spec": {
            "url": "https://example.com/repo", "interval": "1m0s", "timeout": "1m0s",
            "secretRef": { "name": "s" }, "provider": "github", "serviceAccountName": "sa",
            "ref": { "branch": "b", "tag": "t", "semver": "1.x", "name": "refs/x", "commit": "c" },
            "verify": { "mode": "TagAndHEAD", "secretRef": { "name": "keys" } },
            "proxySecretRef": { "name": "p" }, "ignore": "", "suspend": true,
            "recurseSubmodules": true, "sparseCheckout": ["a"],
            "include": [{ "repository": { "name": "o" }, "fromPath": "f", "toPath": "t" }],
        },
        "status": {
            "observedGeneration": -1, "conditions": [condition()], "artifact": artifact(),
            "includedArtifacts": [artifact()], "observedIgnore": "",
            "observedRecurseSubmodules": true, "observedSparseCheckout": ["a"],
            "observedInclude": [{ "repository": { "name": "o" } }],
            "sourceVerificationMode": "HEAD", "lastHandledReconcileAt": "token",
        },
    })
}

fn kustomization() -> Value {
    let target = json!({
        "group": "apps", "version": "v1", "kind": "Deployment", "name": "n", "namespace": "ns",
        "annotationSelector": "a=b", "labelSelector": "c=d",
    });
    json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": { "name": "apps", "namespace": "ns" },
        "spec": {
            "interval": "10m0s", "retryInterval": "1m0s", "timeout": "2m0s", "suspend": true,
            "dependsOn": [{ "name": "d", "namespace": "x", "readyExpr": "true" }],
            "sourceRef": {
                "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "OCIRepository",
                "name": "o", "namespace": "x",
            },
            "path": "./apps", "targetNamespace": "t", "namePrefix": "p-", "nameSuffix": "-s",
            "decryption": {
                "provider": "sops", "secretRef": { "name": "k" }, "serviceAccountName": "sa",
            },
            "commonMetadata": { "annotations": { "a": "b" }, "labels": { "c": "d" } },
            "patches": [{ "patch": "- op: remove", "target": target }],
            "images": [{ "name": "i", "newName": "n", "newTag": "t", "digest": "sha256:0" }],
            "components": ["../c"], "ignoreMissingComponents": true,
            "buildMetadata": ["originAnnotations", "transformerAnnotations"],
            "postBuild": {
                "substitute": { "a": "b" }, "substituteStrategy": "Always",
                "substituteFrom": [
                    { "kind": "Secret", "name": "s", "optional": true },
                    { "kind": "ConfigMap", "name": "c" },
                ],
            },
            "prune": true, "deletionPolicy": "WaitForTermination", "force": true, "wait": true,
            "ignore": [{ "paths": ["/spec/replicas"], "target": target }, { "paths": ["/x"] }],
            "healthChecks": [
                { "apiVersion": "apps/v1", "kind": "Deployment", "name": "n", "namespace": "x" },
            ],
            "healthCheckExprs": [{
                "apiVersion": "x/v1", "kind": "X", "inProgress": "a", "failed": "b", "current": "c",
            }],
            "serviceAccountName": "sa",
            "kubeConfig": { "secretRef": { "name": "s", "key": "k" } },
        },
        "status": {
            "observedGeneration": 2, "conditions": [condition()],
            "lastAppliedRevision": "r", "lastAppliedOriginRevision": "o",
            "lastAttemptedRevision": "a", "lastHandledReconcileAt": "token",
            "inventory": { "entries": [{ "id": "_foo__Namespace", "v": "v1" }] },
            "history": [{
                "digest": "sha256:0", "firstReconciled": "2026-01-02T03:04:05Z",
                "lastReconciled": "2026-01-02T03:04:06Z", "lastReconciledDuration": "1.5s",
                "lastReconciledStatus": "ReconciliationSucceeded", "totalReconciliations": 2,
                "metadata": { "revision": "r" },
            }],
        },
    })
}

fn provider() -> Value {
    json!({
        "apiVersion": "notification.toolkit.fluxcd.io/v1beta3",
        "kind": "Provider",
        "metadata": { "name": "git", "namespace": "ns" },
        "spec": {
            "type": "github", "interval": "1m0s", "channel": "c", "username": "u",
            "address": "https://example.com/o/r", "timeout": "10s", "proxy": "http://p",
            "proxySecretRef": { "name": "p" }, "secretRef": { "name": "s" },
            "certSecretRef": { "name": "t" }, "serviceAccountName": "sa", "suspend": true,
            "commitStatusExpr": "'a' + event.message",
        },
    })
}

fn alert() -> Value {
    json!({
        "apiVersion": "notification.toolkit.fluxcd.io/v1beta3",
        "kind": "Alert",
        "metadata": { "name": "a", "namespace": "ns" },
        "spec": {
            "providerRef": { "name": "git" }, "eventSeverity": "error",
            "eventSources": [
                { "kind": "GitRepository", "name": "*", "namespace": "x", "matchLabels": {} },
                { "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "Bucket", "name": "b" },
            ],
            "inclusionList": [".*"], "exclusionList": ["^x"], "eventMetadata": { "a": "b" },
            "summary": "s", "suspend": true,
        },
    })
}

fn receiver() -> Value {
    json!({
        "apiVersion": "notification.toolkit.fluxcd.io/v1",
        "kind": "Receiver",
        "metadata": { "name": "r", "namespace": "ns" },
        "spec": {
            "type": "generic-oidc", "interval": "10m0s", "events": ["push"],
            "resources": [
                { "kind": "GitRepository", "name": "*", "matchLabels": { "a": "b" }, "filter": "true" },
                { "apiVersion": "image.toolkit.fluxcd.io/v1", "kind": "ImagePolicy", "name": "p" },
            ],
            "resourceFilter": "true", "secretRef": { "name": "s" }, "suspend": true,
            "oidcProviders": [{
                "issuerURL": "https://example.com", "audience": "us",
                "variables": [{ "name": "v", "expression": "claims.sub" }],
                "validations": [{ "expression": "vars.v == 'x'", "message": "who are you" }],
            }],
        },
        "status": {
            "observedGeneration": -1, "conditions": [condition()], "webhookPath": "/hook/0",
            "lastHandledReconcileAt": "token",
        },
    })
}

#[track_caller]
fn survives<K: DeserializeOwned + Serialize>(object: &Value) {
    let typed: K = serde_json::from_value(object.clone()).expect("readable");
    assert_eq!(serde_json::to_value(&typed).ok().as_ref(), Some(object));
}

#[test]
fn every_field_survives() {
    survives::<GitRepository>(&git_repository());
    survives::<Kustomization>(&kustomization());
    survives::<Provider>(&provider());
    survives::<Alert>(&alert());
    survives::<Receiver>(&receiver());
}

/// The examples above leave out no field that the schema knows.
#[test]
fn the_examples_are_complete() {
    for (definition, object) in [
        (api::crd::git_repository(), git_repository()),
        (api::crd::kustomization(), kustomization()),
        (api::crd::provider(), provider()),
        (api::crd::alert(), alert()),
        (api::crd::receiver(), receiver()),
    ] {
        let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        for part in ["spec", "status"] {
            let known = schema["properties"][part]["properties"].as_object();
            for field in known.iter().flat_map(|known| known.keys()) {
                assert!(object[part].get(field).is_some(), "{part}.{field}");
            }
        }
    }
}

/// A newer definition's type must not make the object unreadable.
#[test]
fn names_are_read_and_written_known_or_not() {
    for kind in ProviderType::ALL {
        assert_eq!(ProviderType::from(kind.as_str()), *kind);
        survives::<ProviderType>(&kind.as_str().into());
    }
    for kind in ReceiverType::ALL {
        assert_eq!(ReceiverType::from(kind.as_str()), *kind);
    }
    let mut object = receiver();
    object["spec"]["type"] = "carrier-pigeon".into();
    survives::<Receiver>(&object);
    let typed: ReceiverType = serde_json::from_value("carrier-pigeon".into()).unwrap();
    assert_eq!(typed, ReceiverType::Other("carrier-pigeon".into()));
}

#[test]
fn times_are_read_in_any_offset_and_written_to_the_second() {
    for (text, printed) in [
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
        ("2026-01-02T03:04:05.999Z", "2026-01-02T03:04:05Z"),
        ("2026-01-02T05:04:05+02:00", "2026-01-02T03:04:05Z"),
        ("1969-12-31T23:59:58.5Z", "1969-12-31T23:59:58Z"),
    ] {
        let mut object = condition();
        object["lastTransitionTime"] = text.into();
        let typed: api::meta::Condition = serde_json::from_value(object).unwrap();
        assert_eq!(
            serde_json::to_value(typed).unwrap()["lastTransitionTime"],
            printed
        );
    }
}

#[test]
fn manifests_read_back_as_the_definitions() {
    let definitions = [
        api::crd::git_repository(),
        api::crd::kustomization(),
        api::crd::provider(),
        api::crd::alert(),
        api::crd::receiver(),
    ];
    let manifests = api::crd::manifests();
    assert_eq!(manifests.len(), definitions.len());
    for ((name, text), definition) in manifests.iter().zip(definitions) {
        let read: Value = serde_saphyr::from_str(text).unwrap();
        assert_eq!(read, definition, "{name}");
    }
}
