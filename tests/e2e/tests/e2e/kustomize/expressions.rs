//! What a user says in CEL: when objects are healthy, and when a dependency is ready.

use anyhow::Result;
use serde_json::json;

use crate::bed::{Bed, condition, config_map, message, ready_at, reason};

#[tokio::test(flavor = "multi_thread")]
async fn objects_are_healthy_when_their_expression_says_so() -> Result<()> {
    let bed = Bed::start("health-exprs").await?;
    let check = |current: &str| {
        json!([{
            "apiVersion": "v1", "kind": "ConfigMap",
            "current": current, "failed": "data.key == 'broken'",
        }])
    };
    let current = "data.key == 'ready'";
    bed.publish("r1", &[("a.yaml", config_map("a", "starting"))])
        .await?;
    bed.kustomization(
        "app",
        json!({"wait": true, "timeout": "5m", "healthCheckExprs": check(current)}),
    )
    .await?;
    bed.until("app", |object| reason(object, "Healthy") == "Progressing")
        .await?;
    bed.drift("a", "ready").await?;
    let app = bed.until("app", ready_at("r1")).await?;
    assert_eq!(reason(&app, "Healthy"), "Succeeded");

    bed.publish("r2", &[("a.yaml", config_map("a", "broken"))])
        .await?;
    let failed = bed
        .until("app", |object| {
            reason(object, "Ready") == "HealthCheckFailed"
        })
        .await?;
    assert_eq!(
        message(&failed, "Healthy"),
        format!(
            "failed early due to stalled resources: [ConfigMap/{}/a status: 'Failed']",
            bed.namespace
        )
    );

    bed.change("app", json!({"spec": {"healthCheckExprs": check("data.")}}))
        .await?;
    let stalled = bed
        .until("app", |object| {
            reason(object, "Stalled") == "InvalidCELExpression"
        })
        .await?;
    let text = message(&stalled, "Ready");
    let start = "Reconciliation failed terminally due to configuration error: failed to create \
                 custom status evaluator for healthchecks[0]: failed to parse the expression \
                 Current: failed to parse the CEL expression 'data.': ";
    assert!(text.starts_with(start), "{text}");
    assert_eq!(message(&stalled, "Stalled"), text);
    assert_eq!(
        stalled["status"]["observedGeneration"],
        stalled["metadata"]["generation"]
    );

    bed.publish("r3", &[("a.yaml", config_map("a", "ready"))])
        .await?;
    bed.change("app", json!({"spec": {"healthCheckExprs": check(current)}}))
        .await?;
    let app = bed.until("app", ready_at("r3")).await?;
    assert!(condition(&app, "Stalled").is_null());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dependency_is_ready_when_the_expression_says_so() -> Result<()> {
    // With this pause between looks, only a change of the dependency brings the next in time.
    let bed = Bed::with_flags("ready-exprs", &["--requeue-dependency=1h"]).await?;
    bed.publish("r1", &[("app/a.yaml", config_map("a", "1"))])
        .await?;
    bed.kustomization("base", json!({"path": "./nowhere"}))
        .await?;
    let on = |expression: &str| json!({"dependsOn": [{"name": "base", "readyExpr": expression}]});
    let mut spec = on("has(dep.metadata.labels) && dep.metadata.labels.stage == self.spec.path");
    spec["path"] = "app".into();
    bed.kustomization("app", spec).await?;
    let waiting = bed
        .until("app", |object| {
            reason(object, "Ready") == "DependencyNotReady"
        })
        .await?;
    let dependency = format!("dependency '{}/base' is not ready", bed.namespace);
    assert_eq!(
        message(&waiting, "Ready"),
        format!("{dependency} according to readyExpr eval")
    );
    bed.change("base", json!({"metadata": {"labels": {"stage": "app"}}}))
        .await?;
    bed.until("app", ready_at("r1")).await?;
    let base = bed.get("base").await?;
    assert_eq!(condition(&base, "Ready")["status"], "False");

    // The expression, the reason, and a part of what is said.
    let cases = [
        (
            "dep.status.nothing == 1",
            "DependencyNotReady",
            "failed to evaluate the CEL expression 'dep.status.nothing == 1': ",
        ),
        (
            "dep.metadata.name",
            "InvalidCELExpression",
            "Reconciliation failed terminally due to configuration error: terminal error: failed to \
             evaluate dependency base: ",
        ),
    ];
    for (expression, expected, part) in cases {
        let changed = bed.change("app", json!({"spec": on(expression)})).await?;
        let app = bed
            .until("app", |object| reason(object, "Ready") == expected)
            .await?;
        let text = message(&app, "Ready");
        assert!(text.starts_with(part), "{expression}: {text}");
        let stalled = expected == "InvalidCELExpression";
        assert_eq!(reason(&app, "Stalled") == expected, stalled, "{expression}");
        let observed = &app["status"]["observedGeneration"];
        let generation = &changed["metadata"]["generation"];
        assert_eq!(observed == generation, stalled, "{expression}");
    }
    bed.change("app", json!({"spec": on("dep.metadata.name == 'base'")}))
        .await?;
    let app = bed
        .until("app", |object| {
            condition(object, "Ready")["status"] == "True"
        })
        .await?;
    assert!(condition(&app, "Stalled").is_null());
    Ok(())
}
