//! A namespace with a kustomize-controller of its own and a source played by the test.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result, bail};
use axum::{Router, extract::Path, http::StatusCode, routing::get};
use kube::{
    Api, Client,
    api::{
        ApiResource, DeleteParams, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams,
    },
};
use serde_json::{Value, json};
use snapshot::{
    digest::Algorithm,
    tarball::{self, Member, MemberKind},
};
use testkit::{Controller, ControllerOptions, Observer, Role, audit::Mark};

use super::PATIENCE;
use crate::cluster;

/// The name of the source in each namespace.
const SOURCE: &str = "source";

type Files = Arc<Mutex<HashMap<String, Vec<u8>>>>;

pub(super) struct Bed {
    pub(super) namespace: String,
    client: Client,
    controller: Controller,
    kustomizations: Observer,
    files: Files,
    address: String,
    _home: tempfile::TempDir,
}

/// A manifest of a ConfigMap without a namespace.
pub(super) fn config_map(name: &str, value: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  key: \"{value}\"\n"
    )
}

pub(super) fn condition<'a>(object: &'a Value, kind: &str) -> &'a Value {
    object["status"]["conditions"]
        .as_array()
        .and_then(|list| list.iter().find(|condition| condition["type"] == kind))
        .unwrap_or(&Value::Null)
}

pub(super) fn reason<'a>(object: &'a Value, kind: &str) -> &'a str {
    condition(object, kind)["reason"]
        .as_str()
        .unwrap_or_default()
}

pub(super) fn message<'a>(object: &'a Value, kind: &str) -> &'a str {
    condition(object, kind)["message"]
        .as_str()
        .unwrap_or_default()
}

pub(super) fn history(object: &Value) -> Vec<Value> {
    object["status"]["history"]
        .as_array()
        .cloned()
        .unwrap_or_default()
}

pub(super) fn inventory(object: &Value) -> Vec<String> {
    let entries = object["status"]["inventory"]["entries"]
        .as_array()
        .into_iter()
        .flatten();
    entries
        .map(|entry| entry["id"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// Whether an object is ready at `revision`.
pub(super) fn ready_at(revision: &str) -> impl Fn(&Value) -> bool + use<> {
    let revision = revision.to_owned();
    move |object| {
        condition(object, "Ready")["status"] == "True"
            && object["status"]["lastAppliedRevision"] == revision.as_str()
    }
}

fn resource(api_version: &str, kind: &str) -> ApiResource {
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
}

fn kustomization_resource() -> ApiResource {
    resource("kustomize.toolkit.fluxcd.io/v1", "Kustomization")
}

impl Bed {
    pub(super) async fn start(name: &str) -> Result<Self> {
        let cluster = cluster::shared().await?;
        let client = cluster.client().await?;
        let namespace = cluster.namespace(name).await?;
        let home = tempfile::tempdir()?;
        let mut options = ControllerOptions::new(
            Role::Kustomize,
            &cluster::binaries()?,
            cluster.kubeconfig(),
            home.path(),
        )
        .flag("--watch-all-namespaces=false")
        .flag("--requeue-dependency=1s");
        options
            .env
            .push(("RUNTIME_NAMESPACE".to_owned(), namespace.clone()));
        // The audit log tells controllers apart by their namespace's objects only, so that nothing
        // else about the process matters here.
        let mut controller = Controller::start(&options)?;
        controller.ready().await?;
        let kustomizations =
            Observer::start(client.clone(), &kustomization_resource(), &namespace).await?;

        let files = Files::default();
        let served = Arc::clone(&files);
        let answer = move |Path(path): Path<String>| {
            let files = served.lock().unwrap_or_else(PoisonError::into_inner);
            std::future::ready(files.get(&path).cloned().ok_or(StatusCode::NOT_FOUND))
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let router = Router::new().route("/{path}", get(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });

        let bed = Self {
            namespace,
            client,
            controller,
            kustomizations,
            files,
            address,
            _home: home,
        };
        let source = json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": SOURCE, "namespace": bed.namespace},
            "spec": {"interval": "1h", "url": "https://example.com/repository"},
        });
        bed.apply(
            "source.toolkit.fluxcd.io/v1",
            "GitRepository",
            SOURCE,
            &source,
            None,
        )
        .await?;
        Ok(bed)
    }

    fn api(&self, api_version: &str, kind: &str, namespace: &str) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), namespace, &resource(api_version, kind))
    }

    async fn apply(
        &self,
        api_version: &str,
        kind: &str,
        name: &str,
        body: &Value,
        subresource: Option<&str>,
    ) -> Result<Value> {
        let api = self.api(api_version, kind, &self.namespace);
        let params = PatchParams::default();
        let answer = match subresource {
            Some("status") => api.patch_status(name, &params, &Patch::Merge(body)).await?,
            _ if body.get("apiVersion").is_some() => {
                api.patch(
                    name,
                    &PatchParams::apply("test").force(),
                    &Patch::Apply(body),
                )
                .await?
            }
            _ => api.patch(name, &params, &Patch::Merge(body)).await?,
        };
        Ok(serde_json::to_value(answer)?)
    }

    /// Makes `files` the artifact of the source.
    pub(super) async fn publish(&self, revision: &str, files: &[(&str, String)]) -> Result<()> {
        self.publish_damaged(revision, files, |_, _| {}).await
    }

    /// As [`Self::publish`], after `damage` was done to the status and the archive.
    pub(super) async fn publish_damaged(
        &self,
        revision: &str,
        files: &[(&str, String)],
        damage: impl Fn(&mut Value, &mut Vec<u8>),
    ) -> Result<()> {
        let mut bytes = Vec::new();
        let members: Vec<_> = files
            .iter()
            .map(|(path, text)| Member {
                path: (*path).to_owned(),
                kind: MemberKind::File {
                    executable: false,
                    size: text.len() as u64,
                    content: text.as_bytes(),
                },
            })
            .collect();
        let written = tarball::write(
            &mut bytes,
            Algorithm::Sha256,
            members,
            |_, _| false,
            |content, out| out.write_all(content),
        )?;
        let path = format!("{revision}.tar.gz");
        let mut artifact = json!({
            "revision": revision,
            "digest": written.digest.to_string(),
            "path": path,
            "url": format!("http://{}/{path}", self.address),
            "lastUpdateTime": "2026-01-01T00:00:00Z",
            "size": written.size,
        });
        damage(&mut artifact, &mut bytes);
        self.files
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(path, bytes);
        let status = json!({"status": {"artifact": artifact}});
        let kind = "GitRepository";
        self.apply(
            "source.toolkit.fluxcd.io/v1",
            kind,
            SOURCE,
            &status,
            Some("status"),
        )
        .await?;
        Ok(())
    }

    /// Creates a Kustomization with `fields` over defaults.
    pub(super) async fn kustomization(&self, name: &str, fields: Value) -> Result<()> {
        let mut spec = json!({
            "interval": "1h", "retryInterval": "1s", "prune": true, "targetNamespace": self.namespace,
            "sourceRef": {"kind": "GitRepository", "name": SOURCE},
        });
        for (key, value) in fields.as_object().into_iter().flatten() {
            spec[key] = value.clone();
        }
        let object = json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": spec,
        });
        self.apply(
            "kustomize.toolkit.fluxcd.io/v1",
            "Kustomization",
            name,
            &object,
            None,
        )
        .await?;
        Ok(())
    }

    /// Merges `patch` into a Kustomization and returns it.
    pub(super) async fn change(&self, name: &str, patch: Value) -> Result<Value> {
        self.apply(
            "kustomize.toolkit.fluxcd.io/v1",
            "Kustomization",
            name,
            &patch,
            None,
        )
        .await
    }

    /// Asks for a reconcile with a token.
    pub(super) async fn request(&self, name: &str, token: &str) -> Result<()> {
        let annotations = json!({"reconcile.fluxcd.io/requestedAt": token});
        self.change(name, json!({"metadata": {"annotations": annotations}}))
            .await?;
        Ok(())
    }

    /// Deletes a Kustomization and waits until it is gone.
    pub(super) async fn delete(&self, name: &str) -> Result<()> {
        let api = self.api(
            "kustomize.toolkit.fluxcd.io/v1",
            "Kustomization",
            &self.namespace,
        );
        api.delete(name, &DeleteParams::default()).await?;
        self.kustomizations
            .until(PATIENCE, |objects| {
                (!objects.contains_key(name)).then_some(())
            })
            .await
            .with_context(|| format!("{name} is still there"))
    }

    pub(super) async fn get(&self, name: &str) -> Result<Value> {
        self.object("Kustomization", &self.namespace, name).await
    }

    /// Waits until a Kustomization is as `reached` says.
    pub(super) async fn until(
        &self,
        name: &str,
        reached: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let waited = self
            .kustomizations
            .until(PATIENCE, |objects| {
                let object = serde_json::to_value(&objects.get(name)?.object).ok()?;
                reached(&object).then_some(object)
            })
            .await;
        match waited {
            Ok(object) => Ok(object),
            Err(error) => {
                let object = self.get(name).await.unwrap_or_default();
                let log = testkit::process::tail(self.controller.log(), 4000);
                bail!("{error:#}: {name} is {:#}\n{log}", object["status"])
            }
        }
    }

    pub(super) async fn object(&self, kind: &str, namespace: &str, name: &str) -> Result<Value> {
        let api_version = match kind {
            "Kustomization" => "kustomize.toolkit.fluxcd.io/v1",
            _ => "v1",
        };
        let object = self.api(api_version, kind, namespace).get(name).await;
        Ok(serde_json::to_value(
            object.with_context(|| format!("{kind} {namespace}/{name}"))?,
        )?)
    }

    pub(super) async fn config_map(&self, name: &str) -> Result<Option<Value>> {
        let object = self
            .api("v1", "ConfigMap", &self.namespace)
            .get_opt(name)
            .await?;
        Ok(object.map(serde_json::to_value).transpose()?)
    }

    /// The inventory id of a ConfigMap here.
    pub(super) fn id(&self, name: &str) -> String {
        format!("{}_{name}__ConfigMap", self.namespace)
    }

    /// Changes a ConfigMap behind the controller's back.
    pub(super) async fn drift(&self, name: &str, value: &str) -> Result<()> {
        let api = self.api("v1", "ConfigMap", &self.namespace);
        let patch = json!({"data": {"key": value}});
        api.patch(name, &PatchParams::default(), &Patch::Merge(patch))
            .await?;
        Ok(())
    }

    /// Waits until there are at least `count` events about a Kustomization, and returns them.
    pub(super) async fn events(&self, name: &str, count: usize) -> Result<Vec<Value>> {
        let api = self.api("v1", "Event", &self.namespace);
        let about = ListParams::default().fields(&format!("involvedObject.name={name}"));
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let events = api.list(&about).await?.items;
            if events.len() >= count {
                return events
                    .into_iter()
                    .map(|e| Ok(serde_json::to_value(e)?))
                    .collect();
            }
            if tokio::time::Instant::now() > deadline {
                bail!("only {} events about {name}: {events:?}", events.len());
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }

    /// A second namespace.
    pub(super) async fn other_namespace(&self) -> Result<String> {
        cluster::shared().await?.namespace("other").await
    }

    /// The place in the audit log up to which requests have been made.
    pub(super) fn mark() -> Result<Mark> {
        cluster::audit()?.mark()
    }

    /// What this controller has asked of the server since `mark`: verb, resource and name, sorted;
    /// without events, watches and discovery.
    pub(super) fn requests_since(&self, mark: Mark) -> Result<Vec<String>> {
        let mut requests: Vec<_> = cluster::audit()?
            .since(mark)?
            .into_iter()
            .filter(|request| {
                request.user_agent.starts_with("kustomize-controller/")
                    && request.namespace == self.namespace
                    && request.resource != "events"
                    && request.verb != "watch"
                    && request.verb != "list"
            })
            .map(|request| {
                let verb = if request.dry_run {
                    "dry-run"
                } else {
                    &request.verb
                };
                format!("{verb} {} {}", request.resource, request.name)
            })
            .collect();
        requests.sort();
        Ok(requests)
    }

    pub(super) fn kill(&mut self) -> Result<()> {
        self.controller.kill()
    }

    pub(super) async fn start_again(&mut self) -> Result<()> {
        self.controller.start_again()?;
        self.controller.ready().await
    }

    pub(super) async fn metrics(&self) -> Result<String> {
        let url = self.controller.metrics_url();
        let address = url
            .trim_start_matches("http://")
            .trim_end_matches("/metrics")
            .to_owned();
        tokio::task::spawn_blocking(move || {
            use std::io::{Read, Write};
            let mut stream = std::net::TcpStream::connect(address)?;
            stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n")?;
            let mut text = String::new();
            stream.read_to_string(&mut text)?;
            Ok(text)
        })
        .await?
    }
}
