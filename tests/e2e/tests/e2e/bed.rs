//! A namespace with a kustomize-controller of its own and a source played by the test.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::Path,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use kube::{
    Api, Client,
    api::{
        ApiResource, DeleteParams, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams,
        PostParams,
    },
};
use serde_json::{Value, json};
use snapshot::{
    digest::Algorithm,
    tarball::{self, Member, MemberKind},
};
use testkit::{
    AuditLog, ControlPlane, Controller, ControllerOptions, Observer, Role,
    audit::{Mark, Request},
};
use tokio::sync::watch;

use crate::cluster;

/// How long anything here may take; a machine may be busy.
pub(crate) const PATIENCE: Duration = Duration::from_mins(3);

/// The name of the source in each namespace.
const SOURCE: &str = "source";

type Files = Arc<Mutex<HashMap<String, Vec<u8>>>>;
type Doors = HashMap<String, Door>;

/// How the artifact server treats requests for a source's files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Door {
    /// It serves them.
    #[default]
    Open,
    /// It takes the request and says nothing until the door changes.
    Silent,
    /// It sends half of the body and no more.
    Stuck,
    /// It answers with this status.
    Refusing(u16),
}

pub(crate) struct Bed {
    pub(crate) namespace: String,
    pub(crate) client: Client,
    pub(crate) controller: Controller,
    options: ControllerOptions,
    audit: Option<AuditLog>,
    kustomizations: Observer,
    files: Files,
    doors: watch::Sender<Doors>,
    asked: watch::Receiver<Vec<String>>,
    address: String,
    home: tempfile::TempDir,
}

/// A manifest of a ConfigMap without a namespace.
pub(crate) fn config_map(name: &str, value: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  key: \"{value}\"\n"
    )
}

pub(crate) fn condition<'a>(object: &'a Value, kind: &str) -> &'a Value {
    object["status"]["conditions"]
        .as_array()
        .and_then(|list| list.iter().find(|condition| condition["type"] == kind))
        .unwrap_or(&Value::Null)
}

pub(crate) fn reason<'a>(object: &'a Value, kind: &str) -> &'a str {
    condition(object, kind)["reason"]
        .as_str()
        .unwrap_or_default()
}

pub(crate) fn message<'a>(object: &'a Value, kind: &str) -> &'a str {
    condition(object, kind)["message"]
        .as_str()
        .unwrap_or_default()
}

pub(crate) fn history(object: &Value) -> Vec<Value> {
    object["status"]["history"]
        .as_array()
        .cloned()
        .unwrap_or_default()
}

pub(crate) fn inventory(object: &Value) -> Vec<String> {
    let entries = object["status"]["inventory"]["entries"]
        .as_array()
        .into_iter()
        .flatten();
    entries
        .map(|entry| entry["id"].as_str().unwrap_or_default().to_owned())
        .collect()
}

/// Whether an object is ready at `revision`.
pub(crate) fn ready_at(revision: &str) -> impl Fn(&Value) -> bool + use<> {
    let revision = revision.to_owned();
    move |object| {
        condition(object, "Ready")["status"] == "True"
            && object["status"]["lastAppliedRevision"] == revision.as_str()
    }
}

/// Whether an object has failed, other than for want of its source: sources and Kustomizations reach the controller by
/// different watches, in no order.
pub(crate) fn failed(object: &Value) -> bool {
    let text = message(object, "Ready");
    condition(object, "Ready")["status"] == "False"
        && !text.starts_with("Source artifact not found")
        && !text.starts_with("gitrepositories.source.toolkit.fluxcd.io")
}

fn resource(api_version: &str, kind: &str) -> ApiResource {
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
}

fn kustomization_resource() -> ApiResource {
    resource("kustomize.toolkit.fluxcd.io/v1", "Kustomization")
}

impl Bed {
    pub(crate) async fn start(name: &str) -> Result<Self> {
        Self::with_flags(name, &[]).await
    }

    pub(crate) async fn with_flags(name: &str, flags: &[&str]) -> Result<Self> {
        Self::on(cluster::shared().await?, name, flags).await
    }

    /// A bed in a cluster of the test's own.
    pub(crate) async fn on(cluster: &ControlPlane, name: &str, flags: &[&str]) -> Result<Self> {
        let client = cluster.client().await?;
        let namespace = cluster.namespace(name).await?;
        let home = tempfile::tempdir()?;
        let options = options(cluster, &namespace, &home.path().join("first"), flags)?;
        // The audit log tells controllers apart by their namespace's objects only, so that nothing
        // else about the process matters here.
        let mut controller = Controller::start(&options)?;
        controller.ready().await?;
        let kustomizations =
            Observer::start(client.clone(), &kustomization_resource(), &namespace).await?;

        let (files, doors) = (Files::default(), watch::Sender::new(Doors::new()));
        let (ask, asked) = watch::channel(Vec::new());
        let address = serve(Arc::clone(&files), doors.subscribe(), ask).await?;
        let bed = Self {
            namespace,
            client,
            controller,
            options,
            audit: cluster.audit(),
            kustomizations,
            files,
            doors,
            asked,
            address,
            home,
        };
        bed.source(SOURCE).await?;
        Ok(bed)
    }

    /// Starts another controller in the same namespace.
    pub(crate) async fn another(&self, name: &str, flags: &[&str]) -> Result<Controller> {
        let mut options = self.options.clone();
        options.home = self.home.path().join(name);
        options
            .flags
            .extend(flags.iter().map(|&flag| flag.to_owned()));
        let mut controller = Controller::start(&options)?;
        controller.ready().await?;
        Ok(controller)
    }

    /// Creates a source without an artifact.
    pub(crate) async fn source(&self, name: &str) -> Result<()> {
        let source = json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {"interval": "1h", "url": "https://example.com/repository"},
        });
        self.apply(
            "source.toolkit.fluxcd.io/v1",
            "GitRepository",
            name,
            &source,
            None,
        )
        .await?;
        Ok(())
    }

    /// Decides how the files of a source are served from now on.
    pub(crate) fn door(&self, source: &str, door: Door) {
        self.doors.send_modify(|doors| {
            doors.insert(source.to_owned(), door);
        });
    }

    pub(crate) fn api(&self, api_version: &str, kind: &str, namespace: &str) -> Api<DynamicObject> {
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
    pub(crate) async fn publish(&self, revision: &str, files: &[(&str, String)]) -> Result<()> {
        self.publish_to(SOURCE, revision, files, |_, _| {}).await
    }

    /// Makes `files` the artifact of the source, after `damage` was done to the status and the archive.
    pub(crate) async fn publish_damaged(
        &self,
        revision: &str,
        files: &[(&str, String)],
        damage: impl Fn(&mut Value, &mut Vec<u8>),
    ) -> Result<()> {
        self.publish_to(SOURCE, revision, files, damage).await
    }

    /// As [`Self::publish_damaged`], for any source.
    pub(crate) async fn publish_to(
        &self,
        source: &str,
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
        let path = format!("{source}/{revision}.tar.gz");
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
            source,
            &status,
            Some("status"),
        )
        .await?;
        Ok(())
    }

    /// Waits until the artifact of a source at `revision` has been asked for.
    pub(crate) async fn until_asked(&self, source: &str, revision: &str) -> Result<()> {
        let path = format!("{source}/{revision}.tar.gz");
        let mut asked = self.asked.clone();
        tokio::time::timeout(PATIENCE, asked.wait_for(|asked| asked.contains(&path)))
            .await
            .with_context(|| format!("nobody asks for {path}"))??;
        Ok(())
    }

    /// Waits until the sum over the series of a metric is at least `least`.
    pub(crate) async fn until_metric(&self, name: &str, labels: &[&str], least: f64) -> Result<()> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while self.controller.metrics()?.sum(name, labels) < least {
            if tokio::time::Instant::now() > deadline {
                bail!("{name} does not reach {least}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Creates an object as someone else.
    pub(crate) async fn create(&self, api_version: &str, kind: &str, object: &Value) -> Result<()> {
        let object: DynamicObject = serde_json::from_value(object.clone())?;
        let api = if kind == "Namespace" {
            self.cluster_api(api_version, kind)
        } else {
            self.api(api_version, kind, &self.namespace)
        };
        api.create(&PostParams::default(), &object).await?;
        Ok(())
    }

    pub(crate) fn cluster_api(&self, api_version: &str, kind: &str) -> Api<DynamicObject> {
        Api::all_with(self.client.clone(), &resource(api_version, kind))
    }

    /// Merges `patch` into a Kustomization's status.
    pub(crate) async fn patch_status(&self, name: &str, patch: &Value) -> Result<()> {
        let api_version = "kustomize.toolkit.fluxcd.io/v1";
        self.apply(api_version, "Kustomization", name, patch, Some("status"))
            .await?;
        Ok(())
    }

    /// Creates a Kustomization with `fields` over defaults.
    pub(crate) async fn kustomization(&self, name: &str, fields: Value) -> Result<()> {
        let mut spec = json!({
            "interval": "1h", "retryInterval": "1s", "prune": true, "targetNamespace": self.namespace,
            "sourceRef": {"kind": "GitRepository", "name": SOURCE},
        });
        for (key, value) in fields.as_object().into_iter().flatten() {
            spec[key] = value.clone();
        }
        if let Some(spec) = spec.as_object_mut() {
            spec.retain(|_, value| !value.is_null());
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
    pub(crate) async fn change(&self, name: &str, patch: Value) -> Result<Value> {
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
    pub(crate) async fn request(&self, name: &str, token: &str) -> Result<()> {
        let annotations = json!({"reconcile.fluxcd.io/requestedAt": token});
        self.change(name, json!({"metadata": {"annotations": annotations}}))
            .await?;
        Ok(())
    }

    /// Deletes a Kustomization and waits until it is gone.
    pub(crate) async fn delete(&self, name: &str) -> Result<()> {
        let api = self.api(
            "kustomize.toolkit.fluxcd.io/v1",
            "Kustomization",
            &self.namespace,
        );
        api.delete(name, &DeleteParams::default()).await?;
        self.until_gone(name).await
    }

    /// Waits until there is no Kustomization of this name.
    pub(crate) async fn until_gone(&self, name: &str) -> Result<()> {
        self.kustomizations
            .until(PATIENCE, |objects| {
                (!objects.contains_key(name)).then_some(())
            })
            .await
            .with_context(|| format!("{name} is still there"))
    }

    pub(crate) async fn get(&self, name: &str) -> Result<Value> {
        self.object("Kustomization", &self.namespace, name).await
    }

    /// Waits until a Kustomization is as `reached` says.
    pub(crate) async fn until(
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

    pub(crate) async fn object(&self, kind: &str, namespace: &str, name: &str) -> Result<Value> {
        let api_version = match kind {
            "Kustomization" => "kustomize.toolkit.fluxcd.io/v1",
            _ => "v1",
        };
        let object = self.api(api_version, kind, namespace).get(name).await;
        Ok(serde_json::to_value(
            object.with_context(|| format!("{kind} {namespace}/{name}"))?,
        )?)
    }

    pub(crate) async fn config_map(&self, name: &str) -> Result<Option<Value>> {
        let object = self
            .api("v1", "ConfigMap", &self.namespace)
            .get_opt(name)
            .await?;
        Ok(object.map(serde_json::to_value).transpose()?)
    }

    /// The inventory id of a ConfigMap here.
    pub(crate) fn id(&self, name: &str) -> String {
        format!("{}_{name}__ConfigMap", self.namespace)
    }

    /// Changes a ConfigMap behind the controller's back.
    pub(crate) async fn drift(&self, name: &str, value: &str) -> Result<()> {
        let api = self.api("v1", "ConfigMap", &self.namespace);
        let patch = json!({"data": {"key": value}});
        api.patch(name, &PatchParams::default(), &Patch::Merge(patch))
            .await?;
        Ok(())
    }

    /// Waits until there are at least `count` events about a Kustomization, and returns them.
    pub(crate) async fn events(&self, name: &str, count: usize) -> Result<Vec<Value>> {
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
    pub(crate) async fn other_namespace(&self) -> Result<String> {
        cluster::shared().await?.namespace("other").await
    }

    fn audit(&self) -> Result<&AuditLog> {
        self.audit
            .as_ref()
            .context("no audit log: the cluster was given")
    }

    /// The place in the audit log up to which requests have been made.
    pub(crate) fn mark(&self) -> Result<Mark> {
        self.audit()?.mark()
    }

    /// What this controller has asked of the server since `mark`, in the order of the answers; without
    /// events, watches and discovery.
    pub(crate) fn answers_since(&self, mark: Mark) -> Result<Vec<Request>> {
        let mut requests = self.audit()?.since(mark)?;
        requests.retain(|request| {
            request.user_agent.starts_with("kustomize-controller/")
                && request.namespace == self.namespace
                && request.resource != "events"
                && request.verb != "watch"
                && request.verb != "list"
        });
        Ok(requests)
    }

    /// Waits until the audit log tells of all that has been seen: the server sends a watch event before
    /// it logs the request that caused it. While requests of ours go through and nothing of the
    /// controller's is added, nothing is missing.
    pub(crate) async fn settled(&self, mark: Mark) -> Result<Vec<Request>> {
        let mut requests = self.answers_since(mark)?;
        loop {
            for _ in 0..5 {
                self.config_map("nothing-of-this-name").await?;
            }
            let now = self.answers_since(mark)?;
            if now.len() == requests.len() {
                return Ok(now);
            }
            requests = now;
        }
    }

    /// The same as text: verb, resource and name, sorted.
    pub(crate) async fn requests_since(&self, mark: Mark) -> Result<Vec<String>> {
        let settled = self.settled(mark).await?;
        let mut requests: Vec<_> = settled.iter().map(describe).collect();
        requests.sort();
        Ok(requests)
    }

    pub(crate) fn kill(&mut self) -> Result<()> {
        self.controller.kill()
    }

    pub(crate) async fn start_again(&mut self) -> Result<()> {
        self.controller.start_again()?;
        self.controller.ready().await
    }

    pub(crate) async fn metrics(&self) -> Result<String> {
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

/// A request in words: verb, resource, name.
pub(crate) fn describe(request: &Request) -> String {
    let verb = if request.dry_run {
        "dry-run"
    } else {
        &request.verb
    };
    format!("{verb} {} {}", request.resource, request.name)
}

fn options(
    cluster: &ControlPlane,
    namespace: &str,
    home: &std::path::Path,
    flags: &[&str],
) -> Result<ControllerOptions> {
    let binaries = cluster::binaries()?;
    let mut options =
        ControllerOptions::new(Role::Kustomize, &binaries, cluster.kubeconfig(), home)
            .flag("--watch-all-namespaces=false")
            .flag("--requeue-dependency=1s");
    options
        .flags
        .extend(flags.iter().map(|&flag| flag.to_owned()));
    options
        .env
        .push(("RUNTIME_NAMESPACE".to_owned(), namespace.to_owned()));
    Ok(options)
}

/// Serves `files` by source and name, as the doors let it. Returns the address.
async fn serve(
    files: Files,
    doors: watch::Receiver<Doors>,
    asked: watch::Sender<Vec<String>>,
) -> Result<String> {
    let answer = move |Path((source, file)): Path<(String, String)>| {
        asked.send_modify(|asked| asked.push(format!("{source}/{file}")));
        let (files, doors) = (Arc::clone(&files), doors.clone());
        async move { answer(&files, doors, &source, &file).await }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let router = Router::new().route("/{source}/{file}", get(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

async fn answer(
    files: &Files,
    mut doors: watch::Receiver<Doors>,
    source: &str,
    file: &str,
) -> Response {
    let is = |doors: &Doors| doors.get(source).copied().unwrap_or_default();
    let door = match doors.wait_for(|doors| is(doors) != Door::Silent).await {
        Ok(doors) => is(&doors),
        Err(_) => Door::Open,
    };
    if let Door::Refusing(code) = door {
        return StatusCode::from_u16(code)
            .unwrap_or(StatusCode::SERVICE_UNAVAILABLE)
            .into_response();
    }
    let file = format!("{source}/{file}");
    let found = files
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&file)
        .cloned();
    let Some(mut bytes) = found else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if door == Door::Open {
        return bytes.into_response();
    }
    bytes.truncate(bytes.len() / 2);
    let half = futures::stream::iter([Ok::<_, std::convert::Infallible>(Bytes::from(bytes))]);
    Body::from_stream(futures::StreamExt::chain(half, futures::stream::pending())).into_response()
}
