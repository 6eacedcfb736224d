//! The floor: how long the API server alone takes for what a scenario cannot do without.
//!
//! A bare client sends the requests that the design asks for, with the bodies that they have there,
//! [`IN_FLIGHT`] at a time, to the same API server, while no controller runs:
//!
//! | scenario | requests for N services |
//! |---|---|
//! | initial apply | N Kustomizations, their finalizers and first inventories; 3 N objects; N+1 statuses |
//! | one service | 1 object, N+1 statuses |
//! | no service | N+1 statuses |
//! | full reconcile | N statuses (unchanged objects need no request) |
//! | restart | one LIST of Kustomizations and of each of 3 kinds, 1 object, N+1 statuses |
//!
//! It works on copies in namespaces of its own.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt};
use http::{Method, Request, header};
use kube::Client;
use serde_json::{Value, json};
use testkit::Monorepo;

use super::scenario::Scenario;
use crate::rig::Rig;

const IN_FLIGHT: usize = 8;
const ROUNDS: u32 = 3;
const APPLY: &str = "application/apply-patch+yaml";
const MERGE: &str = "application/merge-patch+json";
const KUSTOMIZATIONS: &str = "kustomize.toolkit.fluxcd.io/v1";
const FLUX: &str = "floor-flux";
const APPS: &str = "floor-apps";

/// A bare client with copies of the objects.
pub(crate) struct Floor {
    client: Client,
    monorepo: Monorepo,
    /// Status of a Kustomization of one service, as the controller left it.
    status: Value,
    revision: String,
    round: u32,
}

struct Call {
    method: Method,
    path: String,
    content_type: &'static str,
    body: Vec<u8>,
}

impl Floor {
    /// Prepares the namespaces. The controllers must have ended.
    pub(crate) async fn new(rig: &Rig) -> Result<Self> {
        for namespace in [FLUX, APPS] {
            rig.plane
                .kubectl(&["create", "namespace", namespace])
                .await?;
        }
        let objects = rig.kustomizations.objects();
        let sample = objects
            .get(&rig.monorepo.service(0))
            .context("there is no Kustomization to take a status from")?;
        let status = sample.object.data["status"].clone();
        let revision = rig.revision()?;
        // Each round writes another revision in its place; the same again would cost nothing.
        anyhow::ensure!(
            status["lastAppliedRevision"] == revision.as_str(),
            "the status to take is not at the newest revision"
        );
        let mut monorepo = rig.monorepo.clone();
        APPS.clone_into(&mut monorepo.env);
        FLUX.clone_into(&mut monorepo.flux_namespace);
        Ok(Self {
            client: rig.client.clone(),
            monorepo,
            status,
            revision,
            round: 0,
        })
    }

    /// Sends what a scenario needs; the initial apply must come first.
    pub(crate) async fn measure(&mut self, scenario: Scenario) -> Result<Duration> {
        // A new copy for each round would be another cluster, so what creates runs once.
        let rounds = if scenario == Scenario::Initial {
            1
        } else {
            ROUNDS
        };
        let mut times = Vec::new();
        for _ in 0..rounds {
            self.round += 1;
            let steps = self.steps(scenario)?;
            let began = Instant::now();
            for step in steps {
                self.send(step).await?;
            }
            times.push(began.elapsed());
        }
        times.sort_unstable();
        times
            .get(times.len() / 2)
            .copied()
            .context("nothing was measured")
    }

    /// What is sent one step after the other, each step side by side.
    fn steps(&self, scenario: Scenario) -> Result<Vec<Vec<Call>>> {
        let services: Vec<String> = self.monorepo.service_names().collect();
        let root = Some("cluster".to_owned());
        let statuses = |names: &mut dyn Iterator<Item = String>| {
            names
                .map(|name| self.status_call(&name))
                .collect::<Result<Vec<_>>>()
        };
        let everyone = || statuses(&mut services.iter().cloned().chain(root.clone()));
        Ok(match scenario {
            Scenario::Initial => {
                let mut kustomizations = vec![Self::apply_call(
                    KUSTOMIZATIONS,
                    "kustomizations",
                    "cluster",
                    &self.monorepo.root_kustomization(),
                    FLUX,
                )?];
                let mut objects = Vec::new();
                for service in &services {
                    let object = self.monorepo.kustomization_object(service)?;
                    kustomizations.push(Self::apply_call(
                        KUSTOMIZATIONS,
                        "kustomizations",
                        service,
                        &object,
                        FLUX,
                    )?);
                    objects.extend(self.object_calls(service, "1.0.0")?);
                }
                let finalizers = services
                    .iter()
                    .map(|name| Self::finalizer_call(name))
                    .collect();
                vec![
                    kustomizations,
                    finalizers,
                    everyone()?,
                    objects,
                    everyone()?,
                ]
            }
            Scenario::OneService | Scenario::Webhook => {
                vec![self.changed_service()?, everyone()?]
            }
            Scenario::NoService => vec![everyone()?],
            Scenario::FullReconcile => vec![statuses(&mut services.iter().cloned())?],
            Scenario::Restart => {
                let lists = [
                    format!("/apis/{KUSTOMIZATIONS}/kustomizations"),
                    "/apis/apps/v1/deployments".to_owned(),
                    "/api/v1/services".to_owned(),
                    "/apis/networking.k8s.io/v1/ingresses".to_owned(),
                ];
                let lists = lists.map(|path| Call {
                    method: Method::GET,
                    path,
                    content_type: MERGE,
                    body: Vec::new(),
                });
                vec![lists.into(), self.changed_service()?, everyone()?]
            }
        })
    }

    fn changed_service(&self) -> Result<Vec<Call>> {
        let version = format!("floor-{}", self.round);
        Ok(self
            .object_calls(&self.monorepo.service(0), &version)?
            .into_iter()
            .take(1)
            .collect())
    }

    fn object_calls(&self, service: &str, version: &str) -> Result<Vec<Call>> {
        let objects = self.monorepo.objects(service, version)?;
        let kinds = [
            ("apps/v1", "deployments"),
            ("v1", "services"),
            ("networking.k8s.io/v1", "ingresses"),
        ];
        objects
            .into_iter()
            .zip(kinds)
            .map(|(mut object, (group, plural))| {
                let labels = &mut object["metadata"]["labels"];
                labels["kustomize.toolkit.fluxcd.io/name"] = json!(service);
                labels["kustomize.toolkit.fluxcd.io/namespace"] = json!(FLUX);
                Self::apply_call(group, plural, service, &object, APPS)
            })
            .collect()
    }

    fn apply_call(
        group: &str,
        plural: &str,
        name: &str,
        object: &Value,
        namespace: &str,
    ) -> Result<Call> {
        let root = if group.contains('/') { "apis" } else { "api" };
        Ok(Call {
            method: Method::PATCH,
            path: format!(
                "/{root}/{group}/namespaces/{namespace}/{plural}/{name}\
                 ?fieldManager=kustomize-controller&force=true"
            ),
            content_type: APPLY,
            body: serde_json::to_vec(object).context("print an object")?,
        })
    }

    fn finalizer_call(name: &str) -> Call {
        Call {
            method: Method::PATCH,
            path: format!("/apis/{KUSTOMIZATIONS}/namespaces/{FLUX}/kustomizations/{name}"),
            content_type: MERGE,
            body: json!({ "metadata": { "finalizers": ["floor.perigee.dev/copy"] } })
                .to_string()
                .into_bytes(),
        }
    }

    /// The status as the controller leaves it, at another revision.
    fn status_call(&self, name: &str) -> Result<Call> {
        let body = serde_json::to_string(&json!({ "status": self.status }))
            .context("print a status")?
            .replace(&self.revision, &format!("main@sha1:{:040x}", self.round))
            .replace(&self.monorepo.service(0), name);
        Ok(Call {
            method: Method::PATCH,
            path: format!(
                "/apis/{KUSTOMIZATIONS}/namespaces/{FLUX}/kustomizations/{name}/status\
                 ?fieldManager=gotk-kustomize-controller"
            ),
            content_type: MERGE,
            body: body.into_bytes(),
        })
    }

    async fn send(&self, calls: Vec<Call>) -> Result<()> {
        futures::stream::iter(calls)
            .map(|call| async move {
                let Call {
                    method,
                    path,
                    content_type,
                    body,
                } = call;
                let request = Request::builder()
                    .method(method)
                    .uri(&path)
                    .header(header::CONTENT_TYPE, content_type)
                    .body(body)
                    .with_context(|| format!("ask for {path}"))?;
                self.client
                    .request_text(request)
                    .await
                    .with_context(|| format!("send {path}"))
            })
            .buffer_unordered(IN_FLIGHT)
            .try_for_each(async |_| Ok(()))
            .await
    }
}
