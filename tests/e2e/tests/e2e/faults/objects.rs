//! Objects that cannot be read, or that wait for another.

use anyhow::Result;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::bed::{Bed, condition, config_map, failed, inventory, message, ready_at, reason};

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_cannot_be_read_stops_nobody_else() -> Result<()> {
    let mut bed = Bed::start("unreadable").await?;
    bed.publish("r1", &[("a.yaml", config_map("a", "1"))])
        .await?;
    bed.kustomization("good", json!({"namePrefix": "good-"}))
        .await?;
    bed.until("good", ready_at("r1")).await?;
    // Each is what the definition in the cluster allows.
    let odd_specs = [
        ("interval", json!({"interval": "99999999999999h"})),
        ("timeout", json!({"timeout": "99999999999999h"})),
        ("long", json!({"interval": "2562047h"})),
        ("path", json!({"path": "\u{0}\u{7}/../..//."})),
        (
            "selector",
            json!({"patches": [{"patch": "x: [", "target": {"labelSelector": "((("}}]}),
        ),
        ("image", json!({"images": [{"name": ""}]})),
        ("check", json!({"healthChecks": [{"kind": "", "name": ""}]})),
    ];
    for (name, spec) in odd_specs {
        let mut spec = spec;
        spec["namePrefix"] = json!(format!("{name}-"));
        // What the server refuses needs no further care.
        let created = bed.kustomization(name, spec).await;
        if let Err(error) = created {
            assert!(
                format!("{error:#}").contains("Invalid"),
                "{name}: {error:#}"
            );
        }
    }
    let odd_statuses = [
        json!({"history": [{
            "digest": "x", "firstReconciled": "0000-01-01T00:00:00Z",
            "lastReconciled": "9999-12-31T23:59:59+23:59", "lastReconciledDuration": "soon",
            "lastReconciledStatus": "x", "totalReconciliations": 1,
        }]}),
        json!({"inventory": {"entries": [{"id": "nonsense", "v": ""}, {"id": "____", "v": "v1"}]}}),
        json!({"observedGeneration": i64::MAX, "lastHandledReconcileAt": "\u{1}"}),
        json!({"unknown": {"field": [1]}, "lastAppliedRevision": ""}),
    ];
    for (number, status) in odd_statuses.into_iter().enumerate() {
        let name = format!("status-{number}");
        bed.kustomization(
            &name,
            json!({"suspend": true, "namePrefix": format!("{name}-")}),
        )
        .await?;
        let patched = bed.patch_status(&name, &json!({"status": status})).await;
        if let Err(error) = patched {
            assert!(
                format!("{error:#}").contains("Invalid"),
                "{name}: {error:#}"
            );
        }
    }
    let odd_source = json!({"status": {"artifact": {
        "revision": "r1", "digest": "sha256:0", "path": "x", "url": "::not a url",
        "lastUpdateTime": "0001-01-01T00:00:00Z", "size": -1,
    }}});
    bed.source("odd").await?;
    let api = bed.api(
        "source.toolkit.fluxcd.io/v1",
        "GitRepository",
        &bed.namespace,
    );
    let patched = api
        .patch_status("odd", &PatchParams::default(), &Patch::Merge(&odd_source))
        .await;
    drop(patched);
    let on_odd = json!({"sourceRef": {"kind": "GitRepository", "name": "odd"}});
    bed.kustomization("on-odd", on_odd).await?;

    // By the watch, and by the list after a restart.
    bed.publish("r2", &[("a.yaml", config_map("a", "2"))])
        .await?;
    bed.until("good", ready_at("r2")).await?;
    bed.kill()?;
    bed.start_again().await?;
    bed.publish("r3", &[("a.yaml", config_map("a", "3"))])
        .await?;
    bed.until("good", ready_at("r3")).await?;
    bed.kustomization("new", json!({"namePrefix": "new-"}))
        .await?;
    bed.until("new", ready_at("r3")).await?;
    let panics = bed
        .controller
        .metrics()?
        .sum("controller_runtime_reconcile_panics_total", &[]);
    assert!(panics < 1.0, "{panics} panics");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_is_not_there_is_named_and_waited_for() -> Result<()> {
    let bed = Bed::start("late-namespace").await?;
    let late = format!("{}-late", bed.namespace);
    bed.publish("r1", &[("a.yaml", config_map("a", "1"))])
        .await?;
    bed.kustomization("app", json!({"targetNamespace": late}))
        .await?;
    let failed = bed.until("app", failed).await?;
    assert_eq!(reason(&failed, "Ready"), "ReconciliationFailed");
    assert_eq!(
        message(&failed, "Ready"),
        format!("ConfigMap/{late}/a not found: namespaces \"{late}\" not found")
    );
    bed.create(
        "v1",
        "Namespace",
        &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": late}}),
    )
    .await?;
    let app = bed.until("app", ready_at("r1")).await?;
    assert_eq!(inventory(&app), [format!("{late}_a__ConfigMap")]);
    assert!(bed.object("ConfigMap", &late, "a").await?.is_object());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definition_and_a_namespace_come_with_what_needs_them() -> Result<()> {
    let bed = Bed::start("stages").await?;
    let group = format!("{}.example.com", bed.namespace);
    let inner = format!("{}-inner", bed.namespace);
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("widgets.{group}")},
        "spec": {
            "group": group, "scope": "Namespaced",
            "names": {"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"},
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {
                    "type": "object",
                    "properties": {"spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
                }},
            }],
        },
    });
    let widget = json!({
        "apiVersion": format!("{group}/v1"), "kind": "Widget",
        "metadata": {"name": "w", "namespace": inner}, "spec": {"size": 1},
    });
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": inner}});
    let map = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "m", "namespace": inner}, "data": {"key": "1"},
    });
    let files: [(&str, &Value); 4] = [
        ("a-map.yaml", &map),
        ("b-widget.yaml", &widget),
        ("c-definition.yaml", &definition),
        ("d-namespace.yaml", &namespace),
    ];
    let files = files.map(|(path, object)| (path, object.to_string()));
    bed.publish("r1", &files).await?;
    bed.kustomization("app", json!({"targetNamespace": null}))
        .await?;
    let app = bed.until("app", ready_at("r1")).await?;
    assert_eq!(
        app["status"]["history"][0]["lastReconciledStatus"],
        "ReconciliationSucceeded"
    );
    assert_eq!(
        app["status"]["history"].as_array().map(Vec::len),
        Some(1),
        "{app}"
    );
    assert_eq!(inventory(&app).len(), 4);
    let api = bed.api(&format!("{group}/v1"), "Widget", &inner);
    assert_eq!(api.get("w").await?.data["spec"]["size"], 1);
    assert!(bed.object("ConfigMap", &inner, "m").await?.is_object());

    // The next one is first applied without a namespace, which fails and must leave no trace.
    bed.publish("r2", &[("a.yaml", config_map("a", "1"))])
        .await?;
    let failed = bed
        .until("app", |object| {
            condition(object, "Ready")["status"] == "False"
        })
        .await?;
    let text = message(&failed, "Ready");
    assert!(
        text.starts_with("ConfigMap/a namespace not specified"),
        "{text}"
    );
    bed.change("app", json!({"spec": {"targetNamespace": bed.namespace}}))
        .await?;
    let app = bed.until("app", ready_at("r2")).await?;
    assert_eq!(inventory(&app), [bed.id("a")]);
    let definitions = bed.cluster_api("apiextensions.k8s.io/v1", "CustomResourceDefinition");
    let left = definitions.get_opt(&format!("widgets.{group}")).await?;
    assert!(left.is_none_or(|object| object.metadata.deletion_timestamp.is_some()));
    drop(
        definitions
            .delete(&format!("widgets.{group}"), &DeleteParams::default())
            .await,
    );
    Ok(())
}
