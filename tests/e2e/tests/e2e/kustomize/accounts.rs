//! Kustomizations that act as a service account of their namespace.

use anyhow::Result;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::bed::{Bed, condition, config_map, history, inventory, message, ready_at, reason};

const RBAC: &str = "rbac.authorization.k8s.io/v1";
/// What it takes to own ConfigMaps.
const ALL: &[&str] = &["get", "create", "patch", "delete"];
/// The same without an end.
const NO_DELETE: &[&str] = &["get", "create", "patch"];

/// Makes `account` one that may do `verbs` to the ConfigMaps of its namespace, and nothing else.
async fn allow(bed: &Bed, account: &str, verbs: &[&str]) -> Result<()> {
    let rule = json!({"apiGroups": [""], "resources": ["configmaps"], "verbs": verbs});
    let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": account});
    let subject = json!({"kind": "ServiceAccount", "name": account, "namespace": bed.namespace});
    let objects = [
        ("v1", "ServiceAccount", json!({})),
        (RBAC, "Role", json!({"rules": [rule]})),
        (
            RBAC,
            "RoleBinding",
            json!({"roleRef": role, "subjects": [subject]}),
        ),
    ];
    for (api_version, kind, mut object) in objects {
        object["apiVersion"] = api_version.into();
        object["kind"] = kind.into();
        object["metadata"] = json!({"name": account, "namespace": bed.namespace});
        let api = bed.api(api_version, kind, &bed.namespace);
        let ours = PatchParams::apply("test").force();
        api.patch(account, &ours, &Patch::Apply(object)).await?;
    }
    Ok(())
}

/// As the API server calls an account.
fn user(bed: &Bed, account: &str) -> String {
    format!("User \"system:serviceaccount:{}:{account}\"", bed.namespace)
}

/// Asks for the end of a Kustomization.
async fn end(bed: &Bed, name: &str) -> Result<()> {
    let api_version = "kustomize.toolkit.fluxcd.io/v1";
    let api = bed.api(api_version, "Kustomization", &bed.namespace);
    api.delete(name, &DeleteParams::default()).await?;
    Ok(())
}

/// Waits for an event about a Kustomization that says `text`.
async fn until_event(bed: &Bed, name: &str, text: &str) -> Result<Value> {
    let mut count = 1;
    loop {
        let events = bed.events(name, count).await?;
        if let Some(event) = events.iter().find(|event| event["message"] == text) {
            return Ok(event.clone());
        }
        count = events.len() + 1;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_reaches_what_its_account_may_reach() -> Result<()> {
    let bed = Bed::start("tenant").await?;
    let other = bed.other_namespace().await?;
    allow(&bed, "team", ALL).await?;
    let a = |value: &str| ("a.yaml", config_map("a", value));
    bed.publish("r1", &[a("1"), ("b.yaml", config_map("b", "1"))])
        .await?;
    bed.kustomization("app", json!({"serviceAccountName": "team"}))
        .await?;
    bed.until("app", ready_at("r1")).await?;
    bed.publish("r2", &[a("1")]).await?;
    bed.until("app", ready_at("r2")).await?;
    assert!(
        bed.config_map("b").await?.is_none(),
        "pruned as the account"
    );

    let role = format!("{}-escape", bed.namespace);
    let escape = json!({
        "apiVersion": RBAC, "kind": "ClusterRole", "metadata": {"name": role},
        "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}],
    });
    bed.publish("r3", &[a("2"), ("role.yaml", escape.to_string())])
        .await?;
    let failed = bed
        .until("app", |object| {
            reason(object, "Ready") == "ReconciliationFailed"
        })
        .await?;
    let text = message(&failed, "Ready");
    let start = format!("ClusterRole/{role} dry-run failed (Forbidden): ");
    let cannot = format!("{} cannot patch resource", user(&bed, "team"));
    assert!(text.starts_with(&start) && text.contains(&cannot), "{text}");
    assert_eq!(failed["status"]["lastAppliedRevision"], "r2");
    assert_eq!(failed["status"]["lastAttemptedRevision"], "r3");
    assert_eq!(
        history(&failed)[0]["lastReconciledStatus"],
        "ReconciliationFailed"
    );
    let event = until_event(&bed, "app", text).await?;
    assert_eq!(event["type"], "Warning");
    let roles = bed.cluster_api(RBAC, "ClusterRole");
    assert!(roles.get_opt(&role).await?.is_none());
    let a = bed.config_map("a").await?.unwrap_or_default();
    assert_eq!(a["data"]["key"], "1", "a later stage is not applied");

    bed.publish("r4", &[("a.yaml", config_map("a", "4"))])
        .await?;
    let app = bed.until("app", ready_at("r4")).await?;
    assert_eq!(
        inventory(&app),
        [bed.id("a")],
        "what was refused is forgotten"
    );
    bed.kustomization(
        "abroad",
        json!({"serviceAccountName": "team", "targetNamespace": other}),
    )
    .await?;
    let abroad = bed
        .until("abroad", |object| {
            reason(object, "Ready") == "ReconciliationFailed"
        })
        .await?;
    let text = message(&abroad, "Ready");
    assert!(text.contains(&user(&bed, "team")), "{text}");
    bed.delete("abroad").await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prune_that_the_account_may_not_do_is_tried_until_it_may() -> Result<()> {
    let bed = Bed::start("tenant-prunes").await?;
    allow(&bed, "team", NO_DELETE).await?;
    let a = ("a.yaml", config_map("a", "1"));
    bed.publish("r1", &[a.clone(), ("b.yaml", config_map("b", "1"))])
        .await?;
    bed.kustomization("app", json!({"serviceAccountName": "team"}))
        .await?;
    bed.until("app", ready_at("r1")).await?;
    bed.publish("r2", &[a]).await?;
    let failed = bed
        .until("app", |object| reason(object, "Ready") == "PruneFailed")
        .await?;
    let text = message(&failed, "Ready");
    let start = format!(
        "delete failed, errors: ConfigMap/{}/b delete failed: ",
        bed.namespace
    );
    assert!(text.starts_with(&start), "{text}");
    assert!(text.contains(&user(&bed, "team")), "{text}");
    assert_eq!(inventory(&failed), [bed.id("a"), bed.id("b")]);
    allow(&bed, "team", ALL).await?;
    bed.until("app", ready_at("r2")).await?;
    assert!(bed.config_map("b").await?.is_none());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_default_account_is_that_of_who_names_none() -> Result<()> {
    let bed = Bed::with_flags("tenant-default", &["--default-service-account=plain"]).await?;
    allow(&bed, "team", ALL).await?;
    bed.publish("r1", &[("a.yaml", config_map("a", "1"))])
        .await?;
    bed.kustomization("app", json!({})).await?;
    let failed = bed
        .until("app", |object| {
            reason(object, "Ready") == "ReconciliationFailed"
        })
        .await?;
    let text = message(&failed, "Ready");
    assert!(text.contains(&user(&bed, "plain")), "{text}");
    bed.change("app", json!({"spec": {"serviceAccountName": "team"}}))
        .await?;
    bed.until("app", ready_at("r1")).await?;
    bed.delete("app").await?;
    assert!(
        bed.config_map("a").await?.is_none(),
        "finalised as the account"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_without_the_account_leaves_the_objects_and_says_so() -> Result<()> {
    let bed = Bed::start("tenant-gone").await?;
    allow(&bed, "team", ALL).await?;
    bed.publish("r1", &[("a.yaml", config_map("a", "1"))])
        .await?;
    bed.kustomization("app", json!({"serviceAccountName": "team"}))
        .await?;
    bed.until("app", ready_at("r1")).await?;
    let held = json!({"metadata": {"finalizers": ["finalizers.fluxcd.io", "example.com/held"]}});
    bed.change("app", held).await?;
    let accounts = bed.api("v1", "ServiceAccount", &bed.namespace);
    accounts.delete("team", &DeleteParams::default()).await?;
    end(&bed, "app").await?;
    let left = bed
        .until("app", |object| {
            object["metadata"]["finalizers"] == json!(["example.com/held"])
        })
        .await?;
    let objects = format!("unable to prune objects: \nConfigMap/{}/a", bed.namespace);
    assert_eq!(reason(&left, "Ready"), "PruneFailed");
    assert_eq!(
        message(&left, "Ready"),
        format!(
            "service account '{}/team' not found, {objects}",
            bed.namespace
        )
    );
    until_event(&bed, "app", &objects).await?;
    bed.change("app", json!({"metadata": {"finalizers": null}}))
        .await?;
    assert!(bed.config_map("a").await?.is_some());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_the_account_may_not_bring_is_put_off() -> Result<()> {
    let bed = Bed::start("tenant-stuck").await?;
    allow(&bed, "team", NO_DELETE).await?;
    bed.publish("r1", &[("a.yaml", config_map("a", "1"))])
        .await?;
    bed.kustomization("app", json!({"serviceAccountName": "team"}))
        .await?;
    bed.until("app", ready_at("r1")).await?;
    end(&bed, "app").await?;
    let stuck = bed
        .until("app", |object| reason(object, "Ready") == "PruneFailed")
        .await?;
    let text = message(&stuck, "Ready");
    assert!(text.contains(&user(&bed, "team")), "{text}");
    assert_eq!(condition(&stuck, "Ready")["status"], "False");
    until_event(&bed, "app", "pruning for deleted resource failed").await?;
    assert!(bed.config_map("a").await?.is_some());
    allow(&bed, "team", ALL).await?;
    bed.until_gone("app").await?;
    assert!(bed.config_map("a").await?.is_none());
    Ok(())
}
