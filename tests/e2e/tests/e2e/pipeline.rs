//! Both controllers on the sample monorepo: from a push to the cluster.

use std::time::Duration;

use anyhow::Result;
use kube::{
    Api,
    api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams},
};
use serde_json::{Value, json};
use testkit::{Controller, ControllerOptions, GitServer, Monorepo, Observer, Role};

use crate::cluster;

const PATIENCE: Duration = Duration::from_mins(3);
const SERVICES: usize = 12;

fn resource(api_version: &str, kind: &str) -> ApiResource {
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
}

/// The revision that a Kustomization is ready at.
fn ready_revision(object: &DynamicObject) -> Option<&str> {
    let status = object.data.get("status")?;
    let ready = status
        .get("conditions")?
        .as_array()?
        .iter()
        .find(|c| c["type"] == "Ready")?;
    (ready["status"] == "True").then(|| status.get("lastAppliedRevision")?.as_str())?
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_reaches_the_cluster_and_one_broken_service_holds_up_nobody() -> Result<()> {
    let cluster = cluster::shared().await?;
    let client = cluster.client().await?;
    let flux = cluster.namespace("pipeline").await?;
    let production = cluster.namespace("pipeline-production").await?;
    let monorepo = Monorepo {
        flux_namespace: flux.clone(),
        env: production.clone(),
        ..Monorepo::new(SERVICES)
    };
    let git = GitServer::start().await?;
    let repository = git.create("monorepo")?;
    let first = repository.commit("main", "first", &monorepo.everything())?;

    let home = tempfile::tempdir()?;
    let mut controllers = Vec::new();
    for role in [Role::Source, Role::Kustomize] {
        let home = home.path().join(role.name());
        std::fs::create_dir_all(&home)?;
        let mut options =
            ControllerOptions::new(role, &cluster::binaries()?, cluster.kubeconfig(), &home)
                .flag("--watch-all-namespaces=false");
        options
            .env
            .push(("RUNTIME_NAMESPACE".to_owned(), flux.clone()));
        let mut controller = Controller::start(&options)?;
        controller.ready().await?;
        controllers.push(controller);
    }
    let kustomizations = Observer::start(
        client.clone(),
        &resource("kustomize.toolkit.fluxcd.io/v1", "Kustomization"),
        &flux,
    )
    .await?;
    let apply = async |kind: &str, object: Value| -> Result<()> {
        let api_version = object["apiVersion"].as_str().unwrap_or_default();
        let name = object["metadata"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let api: Api<DynamicObject> =
            Api::namespaced_with(client.clone(), &flux, &resource(api_version, kind));
        api.patch(&name, &PatchParams::apply("test"), &Patch::Apply(&object))
            .await?;
        Ok(())
    };
    apply(
        "GitRepository",
        monorepo.git_repository(&git.url("monorepo")),
    )
    .await?;
    apply("Kustomization", monorepo.root_kustomization()).await?;

    let revision = |hash: &str| format!("main@sha1:{hash}");
    let all_at = async |wanted: String, except: Option<String>| {
        kustomizations
            .until(PATIENCE, |objects| {
                let done = objects.len() == SERVICES + 1
                    && objects
                        .iter()
                        .filter(|(name, _)| Some(*name) != except.as_ref())
                        .all(|(_, seen)| ready_revision(&seen.object) == Some(wanted.as_str()));
                done.then_some(())
            })
            .await
    };
    all_at(revision(&first), None).await?;

    let poke = async |token: &str| -> Result<()> {
        let api: Api<DynamicObject> = Api::namespaced_with(
            client.clone(),
            &flux,
            &resource("source.toolkit.fluxcd.io/v1", "GitRepository"),
        );
        let patch = json!({"metadata": {"annotations": {
            "reconcile.fluxcd.io/requestedAt": token,
        }}});
        api.patch(
            &monorepo.source,
            &PatchParams::default(),
            &Patch::Merge(patch),
        )
        .await?;
        Ok(())
    };
    let deployments: Api<DynamicObject> = Api::namespaced_with(
        client.clone(),
        &production,
        &resource("apps/v1", "Deployment"),
    );
    let image = async |service: &str| -> Result<Value> {
        let deployment = deployments.get(service).await?;
        Ok(deployment.data["spec"]["template"]["spec"]["containers"][0]["image"].clone())
    };

    let (changed, broken) = (monorepo.service(3), monorepo.service(5));
    let second = repository.commit("main", "second", &monorepo.release(&changed, "2.0.0"))?;
    poke("second").await?;
    all_at(revision(&second), None).await?;
    assert_eq!(image(&changed).await?, Monorepo::image(&changed, "2.0.0"));
    assert_eq!(image(&broken).await?, Monorepo::image(&broken, "1.0.0"));

    let third = repository.commit("main", "third", &monorepo.duplicate_definition(&broken))?;
    poke("third").await?;
    all_at(revision(&third), Some(broken.clone())).await?;
    let message = kustomizations
        .until(PATIENCE, |objects| {
            let status = objects.get(&broken)?.object.data.get("status")?.clone();
            let conditions = status.get("conditions")?.as_array()?;
            let ready = conditions.iter().find(|c| c["type"] == "Ready")?;
            (ready["status"] == "False").then(|| ready["message"].to_string())
        })
        .await?;
    assert!(
        message.contains(&format!("Deployment.v1.apps/{broken}")),
        "{message}"
    );
    assert!(message.contains("already registered id"), "{message}");

    let fourth = repository.commit("main", "fourth", &monorepo.remove_duplicate(&broken))?;
    poke("fourth").await?;
    all_at(revision(&fourth), None).await?;
    Ok(())
}
