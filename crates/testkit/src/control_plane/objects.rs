//! Objects that a fresh control plane needs.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::{Namespace, Node, ServiceAccount};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{ListParams, PostParams};
use kube::{Api, Client, ResourceExt};
use serde_json::json;

const DEADLINE: Duration = Duration::from_mins(2);

/// Creates a node that takes any number of pods and waits until kwok has made it ready.
pub(super) async fn create_node(client: Client, name: &str) -> Result<()> {
    let nodes: Api<Node> = Api::all(client);
    let node = serde_json::from_value(json!({
        "metadata": { "name": name, "labels": {
            "kubernetes.io/hostname": name, "kubernetes.io/os": "linux",
        } },
        "status": {
            "capacity": { "cpu": "10000", "memory": "100Ti", "pods": "100000" },
            "allocatable": { "cpu": "10000", "memory": "100Ti", "pods": "100000" },
        },
    }))
    .context("describe a node")?;
    nodes
        .create(&PostParams::default(), &node)
        .await
        .context("create a node")?;
    until("the node is ready", async || {
        let node = nodes.get_status(name).await.context("read the node")?;
        let conditions = node
            .status
            .and_then(|status| status.conditions)
            .unwrap_or_default();
        let ready = conditions
            .iter()
            .any(|one| one.type_ == "Ready" && one.status == "True");
        let tainted = node
            .spec
            .and_then(|spec| spec.taints)
            .is_some_and(|taints| !taints.is_empty());
        Ok(ready && !tainted)
    })
    .await
}

/// Creates a namespace whose name begins with `prefix`; returns the name.
pub(super) async fn create_namespace(client: Client, prefix: &str) -> Result<String> {
    let namespace =
        serde_json::from_value(json!({ "metadata": { "generateName": format!("{prefix}-") } }))
            .context("describe a namespace")?;
    let created = Api::<Namespace>::all(client)
        .create(&PostParams::default(), &namespace)
        .await
        .context("create a namespace")?;
    Ok(created.name_any())
}

/// Creates a namespace of this name unless it is there.
pub(super) async fn ensure_namespace(client: Client, name: &str) -> Result<()> {
    let namespace = serde_json::from_value(json!({ "metadata": { "name": name } }))
        .context("describe a namespace")?;
    match Api::<Namespace>::all(client)
        .create(&PostParams::default(), &namespace)
        .await
    {
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
        result => result.map(drop).context("create a namespace"),
    }
}

/// Returns a token for a `ServiceAccount`, which is created if it is not there.
pub(super) async fn service_account_token(
    client: Client,
    namespace: &str,
    name: &str,
) -> Result<String> {
    let accounts: Api<ServiceAccount> = Api::namespaced(client, namespace);
    if accounts
        .get_opt(name)
        .await
        .context("look for a service account")?
        .is_none()
    {
        let account = serde_json::from_value(json!({ "metadata": { "name": name } }))
            .context("describe a service account")?;
        accounts
            .create(&PostParams::default(), &account)
            .await
            .context("create a service account")?;
    }
    let request: TokenRequest =
        serde_json::from_value(json!({ "spec": { "audiences": [], "expirationSeconds": 3600 } }))
            .context("describe a token")?;
    let answer = accounts
        .create_token_request(name, &PostParams::default(), &request)
        .await
        .context("ask for a token")?;
    Ok(answer.status.context("the answer has no token")?.token)
}

/// Waits until every custom resource definition is served.
pub(super) async fn definitions_served(client: Client) -> Result<()> {
    let definitions: Api<CustomResourceDefinition> = Api::all(client);
    until("the custom resource definitions are served", async || {
        let all = definitions
            .list(&ListParams::default())
            .await
            .context("list definitions")?;
        Ok(all.iter().all(|definition| {
            let status = definition.status.as_ref();
            let conditions = status.and_then(|status| status.conditions.as_ref());
            conditions.is_some_and(|conditions| {
                conditions
                    .iter()
                    .any(|one| one.type_ == "Established" && one.status == "True")
            })
        }))
    })
    .await
}

async fn until(what: &str, reached: impl AsyncFn() -> Result<bool>) -> Result<()> {
    let wait = async {
        while !reached().await? {
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        anyhow::Ok(())
    };
    match tokio::time::timeout(DEADLINE, wait).await {
        Ok(result) => result,
        Err(_) => bail!("not reached in {DEADLINE:?}: {what}"),
    }
}
