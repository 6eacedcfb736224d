//! A running Flux, one controller of which is swapped and put back, and which the chart and the manifests take over.
//!
//! Only what an installation of Flux looks like is played; whose image a Deployment names, the controller is ours.

use std::process::Command;

use anyhow::{Context, Result};
use kube::api::DynamicObject;
use serde_json::{Value, json};
use testkit::workspace;

use super::{
    NAMESPACE, chart_dir,
    cluster::{Pods, Site, api, files, resource},
    objects, run,
};
use crate::cluster;

/// Writes what `flux install` applies of the parts that are ours too, and the rights of its other controllers.
/// Source: fluxcd/flux2 2.9 `manifests`.
fn manifests_of_flux(site: &Site) -> Result<String> {
    let build = run(Command::new(cluster::binaries()?.join("perigee"))
        .arg("build")
        .arg(workspace::root().join("deploy")))?;
    let mut items: Vec<Value> = objects(&build)?.into_values().collect();
    for object in &mut items {
        object["metadata"]["labels"]["app.kubernetes.io/version"] = json!("v2.9.5");
        if object["kind"] != "Deployment" {
            continue;
        }
        let name = object["metadata"]["name"].as_str().context("a name")?;
        let image = format!("ghcr.io/fluxcd/{name}:v1.9.4");
        let template = &mut object["spec"]["template"];
        template["metadata"]["labels"]["app.kubernetes.io/version"] = json!("v2.9.5");
        let container = &mut template["spec"]["containers"][0];
        container["image"] = image.into();
        container["resources"]["limits"]["cpu"] = json!("1");
        let limit = json!({ "containerName": "manager", "resource": "limits.memory" });
        container["env"]
            .as_array_mut()
            .context("no environment")?
            .push(json!({ "name": "GOMEMLIMIT", "valueFrom": { "resourceFieldRef": limit } }));
        let security = container["securityContext"]
            .as_object_mut()
            .context("no security context")?;
        security.remove("runAsUser");
        security.remove("runAsGroup");
    }
    let file = site.home.path().join("flux.json");
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": items });
    std::fs::write(&file, list.to_string())?;
    Ok(file.to_string_lossy().into_owned())
}

/// What must be the same whoever runs: the workload, what owns it, and the definitions.
async fn identities(site: &Site) -> Result<Vec<String>> {
    let uid = |object: &DynamicObject| object.metadata.uid.clone().unwrap_or_default();
    let maps =
        kube::Api::namespaced_with(site.client.clone(), "default", &resource("v1", "ConfigMap"));
    let mut all = vec![uid(&maps.get("app").await?)];
    for (api_version, kind) in [
        ("source.toolkit.fluxcd.io/v1", "GitRepository"),
        ("kustomize.toolkit.fluxcd.io/v1", "Kustomization"),
    ] {
        let object = api(&site.client, api_version, kind).get("apps").await?;
        assert_eq!(object.metadata.deletion_timestamp, None, "{kind}");
        all.push(uid(&object));
        all.push(object.data["status"]["inventory"].to_string());
    }
    let kind = resource("apiextensions.k8s.io/v1", "CustomResourceDefinition");
    let definitions: kube::Api<DynamicObject> = kube::Api::all_with(site.client.clone(), &kind);
    all.extend(
        definitions
            .list(&kube::api::ListParams::default())
            .await?
            .iter()
            .map(uid),
    );
    Ok(all)
}

/// A phase: the controllers as the Deployments have them now take one commit to the workload.
async fn works(site: &Site, phase: &str) -> Result<()> {
    site.rolled_out().await?;
    let pods = Pods::start(&site.plane, &site.home.path().join(phase)).await?;
    site.repository.commit("main", phase, &files(phase))?;
    let now =
        json!({ "metadata": { "annotations": { "reconcile.fluxcd.io/requestedAt": phase } } });
    let args = [
        "--namespace",
        NAMESPACE,
        "patch",
        "gitrepository",
        "apps",
        "--type=merge",
        "--patch",
    ];
    let now = now.to_string();
    site.plane.kubectl(&[&args[..], &[&now]].concat()).await?;
    site.until_workload(phase, &pods).await?;
    pods.stop()
}

async fn image(site: &Site, image: &str) -> Result<()> {
    let container = format!("manager={image}");
    let deployment = "deployment/kustomize-controller";
    let args = [
        "--namespace",
        NAMESPACE,
        "set",
        "image",
        deployment,
        &container,
    ];
    site.plane.kubectl(&args).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_is_swapped_and_put_back_and_the_rest_is_taken_over() -> Result<()> {
    let site = Site::start().await?;
    let flux = manifests_of_flux(&site)?;
    let install = [
        "apply",
        "--server-side",
        "--force-conflicts",
        "--field-manager=flux",
        "--filename",
        &flux,
    ];
    // Where the namespace or the definitions are not there yet, what needs them is refused.
    let _first = site.plane.kubectl(&install).await;
    site.plane.kubectl(&install).await?;
    let restricted = "pod-security.kubernetes.io/enforce=restricted";
    let namespace = format!("namespace/{NAMESPACE}");
    site.plane
        .kubectl(&["label", &namespace, restricted])
        .await?;

    site.rolled_out().await?;
    let pods = Pods::start(&site.plane, &site.home.path().join("flux")).await?;
    site.use_it().await?;
    site.until_workload("one", &pods).await?;
    pods.stop()?;
    let before = identities(&site).await?;

    image(
        &site,
        "registry.example.org/perigee/kustomize-controller:0.1.0",
    )
    .await?;
    works(&site, "swapped").await?;
    image(&site, "ghcr.io/fluxcd/kustomize-controller:v1.9.4").await?;
    works(&site, "back").await?;

    // Everything at once: by `kubectl apply -k deploy/`, and then by the chart.
    let deploy = workspace::root().join("deploy");
    let deploy = deploy.to_string_lossy();
    site.plane
        .kubectl(&["apply", "--kustomize", &deploy])
        .await?;
    works(&site, "manifests").await?;
    let chart = chart_dir();
    let chart = chart.to_string_lossy();
    site.helm(&[
        "install",
        "perigee",
        &chart,
        "--take-ownership",
        "--force-conflicts",
    ])?;
    works(&site, "chart").await?;
    for (account, verb, resource) in [
        ("helm-controller", "create", "deployments.apps"),
        (
            "helm-controller",
            "patch",
            "helmreleases.helm.toolkit.fluxcd.io",
        ),
        (
            "image-automation-controller",
            "get",
            "gitrepositories.source.toolkit.fluxcd.io",
        ),
    ] {
        assert!(
            site.may(account, verb, resource).await,
            "{account} may not {verb} {resource}"
        );
    }
    assert_eq!(identities(&site).await?, before);

    // And back to Flux.
    site.helm(&["uninstall", "perigee", "--wait"])?;
    site.plane.kubectl(&install).await?;
    works(&site, "again").await?;
    assert_eq!(identities(&site).await?, before);
    Ok(())
}
