//! `GitRepository` end to end: from a commit to an artifact that consumers download.

use std::{
    collections::BTreeMap,
    io::Read,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use api::{
    meta::ConditionStatus,
    source::{GitRepository, GitRepositoryStatus},
};
use kube::{
    Api, Client, Resource,
    api::{DeleteParams, DynamicObject, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use testkit::{
    AuditLog, Controller, ControllerOptions, GitServer, Observer,
    audit::Mark,
    controller::Role,
    git_server::{Change, Repository},
    observe::{ApiResource, GroupVersionKind},
};

use crate::cluster;

mod artifact;
mod failures;
mod includes;
mod lifecycle;
mod references;

use self::artifact::Archive;

/// How long a test waits for what takes milliseconds on a free machine.
const PATIENCE: Duration = Duration::from_mins(3);

/// A namespace, a Git server, a controller that watches that namespace only, and an observer.
struct Site {
    client: Client,
    namespace: String,
    git: GitServer,
    controller: Controller,
    user: String,
    observer: Observer,
    home: tempfile::TempDir,
}

impl Site {
    /// Starts everything, with further flags for the controller.
    async fn start(flags: &[&str]) -> Result<Self> {
        let binaries = cluster::binaries()?;
        let plane = cluster::shared().await?;
        let client = plane.client().await?;
        let namespace = plane.namespace("source").await?;
        let user = format!("controller-{namespace}");
        let kubeconfig = plane.kubeconfig_for_user(&user, &["system:masters"])?;
        let home = tempfile::tempdir()?;
        let mut options = ControllerOptions::new(Role::Source, &binaries, &kubeconfig, home.path())
            .flag("--watch-all-namespaces=false");
        options
            .env
            .push(("RUNTIME_NAMESPACE".to_owned(), namespace.clone()));
        for flag in flags {
            options = options.flag(*flag);
        }
        let mut controller = Controller::start(&options)?;
        controller.ready().await?;
        let kind = GroupVersionKind::gvk("source.toolkit.fluxcd.io", "v1", "GitRepository");
        let resource = ApiResource::from_gvk_with_plural(&kind, "gitrepositories");
        let observer = Observer::start(client.clone(), &resource, &namespace).await?;
        Ok(Self {
            client,
            namespace,
            git: GitServer::start().await?,
            controller,
            user,
            observer,
            home,
        })
    }

    fn api(&self) -> Api<GitRepository> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    fn storage(&self) -> PathBuf {
        self.home.path().join("storage")
    }

    /// The directory of an object's artifacts.
    fn artifacts(&self, name: &str) -> PathBuf {
        let mut dir = self.storage().join("gitrepository");
        dir.push(&self.namespace);
        dir.push(name);
        dir
    }

    /// A repository on the server with one commit on `main`, and its URL.
    fn repository(&self, name: &str, files: &[(&str, &str)]) -> Result<Repository> {
        let repository = self.git.create(name)?;
        let changes: Vec<_> = files
            .iter()
            .map(|(path, content)| Change::write(*path, *content))
            .collect();
        repository.commit("main", "first", &changes)?;
        Ok(repository)
    }

    /// Creates an object for the repository of the same name, on branch `main` unless `spec` says otherwise.
    async fn create(&self, name: &str, spec: Value) -> Result<()> {
        let mut whole = json!({
            "url": self.git.url(name), "interval": "1h", "ref": {"branch": "main"},
        });
        merge(&mut whole, spec);
        let object = json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": name}, "spec": whole,
        });
        let object = serde_json::from_value(object)?;
        self.api().create(&PostParams::default(), &object).await?;
        Ok(())
    }

    async fn secret(&self, name: &str, data: Value) -> Result<()> {
        let secret =
            serde_json::from_value(json!({"metadata": {"name": name}, "stringData": data}))?;
        let api: Api<k8s_openapi::api::core::v1::Secret> =
            Api::namespaced(self.client.clone(), &self.namespace);
        api.create(&PostParams::default(), &secret).await?;
        Ok(())
    }

    async fn patch_secret(&self, name: &str, patch: Value) -> Result<()> {
        let api: Api<k8s_openapi::api::core::v1::Secret> =
            Api::namespaced(self.client.clone(), &self.namespace);
        let patch = Patch::Merge(&patch);
        api.patch(name, &PatchParams::default(), &patch).await?;
        Ok(())
    }

    async fn patch(&self, name: &str, patch: Value) -> Result<GitRepository> {
        let patch = Patch::Merge(&patch);
        Ok(self
            .api()
            .patch(name, &PatchParams::default(), &patch)
            .await?)
    }

    /// Asks for a run, as `flux reconcile` and webhooks do.
    async fn poke(&self, name: &str, token: &str) -> Result<()> {
        let annotations = json!({"reconcile.fluxcd.io/requestedAt": token});
        self.patch(name, json!({"metadata": {"annotations": annotations}}))
            .await
            .map(drop)
    }

    /// Waits until the object's status satisfies `reached`.
    async fn until(
        &self,
        name: &str,
        what: &str,
        reached: impl Fn(&GitRepository) -> bool,
    ) -> Result<(GitRepository, Instant)> {
        let mut last = None;
        let found = self.observer.until(PATIENCE, |objects| {
            let seen = objects.get(name)?;
            let object = typed(&seen.object)?;
            last = Some(object.status.clone());
            reached(&object).then_some((object, seen.at))
        });
        match found.await {
            Ok(found) => Ok(found),
            Err(error) => Err(error.context(format!(
                "{what}; last status {last:#?}; log:\n{}",
                testkit::process::tail(self.controller.log(), 4000)
            ))),
        }
    }

    /// Waits until the object is Ready at its generation with an artifact, and downloads that.
    async fn ready(&self, name: &str) -> Result<(GitRepositoryStatus, Archive)> {
        let (object, _) = self.until(name, "Ready", is_ready).await?;
        let status = object.status.context("status")?;
        let archive = Archive::download(status.artifact.as_ref().context("artifact")?).await?;
        Ok((status, archive))
    }

    /// Waits until the object is Ready at a revision.
    async fn ready_at(&self, name: &str, revision: &str) -> Result<(GitRepositoryStatus, Archive)> {
        let at = |object: &GitRepository| is_ready(object) && self::revision(object) == revision;
        self.until(name, revision, at).await?;
        self.ready(name).await
    }

    /// Waits until Ready is False with this reason, and returns the message.
    async fn not_ready(&self, name: &str, reason: &str) -> Result<(GitRepositoryStatus, String)> {
        let failed = |object: &GitRepository| {
            condition(object, "Ready") == Some((ConditionStatus::False, reason.to_owned()))
        };
        let (object, _) = self.until(name, reason, failed).await?;
        let status = object.status.context("status")?;
        let ready = status.conditions.iter().find(|c| c.r#type == "Ready");
        let message = ready.map(|c| c.message.clone()).unwrap_or_default();
        Ok((status, message))
    }

    /// Reasons and messages of the events about an object so far, oldest first.
    async fn events(&self, name: &str) -> Result<Vec<(String, String)>> {
        let api: Api<k8s_openapi::api::core::v1::Event> =
            Api::namespaced(self.client.clone(), &self.namespace);
        let mut events = api.list(&kube::api::ListParams::default()).await?.items;
        events.retain(|event| event.involved_object.name.as_deref() == Some(name));
        events.sort_by_key(|event| event.metadata.name.clone());
        Ok(events
            .into_iter()
            .map(|event| {
                (
                    event.reason.unwrap_or_default(),
                    event.message.unwrap_or_default(),
                )
            })
            .collect())
    }

    /// Waits for an event with this message.
    async fn event_with(&self, name: &str, message: &str) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let events = self.events(name).await?;
            if events.iter().any(|(_, found)| found == message) {
                return Ok(());
            }
            ensure!(
                Instant::now() < deadline,
                "no event '{message}' in {events:?}"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until `reached`, which nothing tells of.
    async fn eventually(&self, what: &str, reached: impl Fn() -> Result<bool>) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !reached()? {
            ensure!(Instant::now() < deadline, "not reached: {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Waits until artifacts are served, which is when the controller counts as ready.
    async fn served(&self, address: &str) -> Result<()> {
        let up = || Ok(std::net::TcpStream::connect(address).is_ok());
        self.eventually("artifacts served", up).await
    }

    /// Deletes an object and waits until it is gone.
    async fn delete(&self, name: &str) -> Result<()> {
        self.api().delete(name, &DeleteParams::default()).await?;
        self.observer
            .until(PATIENCE, |objects| {
                (!objects.contains_key(name)).then_some(())
            })
            .await
    }

    /// What the controller asked of the API server, watches and leases aside, as verb and resource, sorted.
    fn requests(&self, audit: &AuditLog, since: Mark) -> Result<Vec<String>> {
        let mut requests: Vec<_> = audit
            .since(since)?
            .into_iter()
            .filter(|request| request.user == self.user && request.verb != "watch")
            .map(|request| format!("{} {}", request.verb, request.resource))
            .collect();
        requests.sort();
        Ok(requests)
    }

    /// The same once the audit log tells of all that has been seen: an object can be read before the request that made
    /// it is logged. While requests of ours go through and nothing of the controller's is added, nothing is missing.
    async fn settled(&self, audit: &AuditLog, since: Mark) -> Result<Vec<String>> {
        let mut requests = self.requests(audit, since)?;
        loop {
            for _ in 0..5 {
                self.api().get_opt("nothing-of-this-name").await?;
            }
            let now = self.requests(audit, since)?;
            if now.len() == requests.len() {
                return Ok(now);
            }
            requests = now;
        }
    }

    /// The place in the audit log up to which it tells of all that has been seen.
    async fn mark(&self, audit: &AuditLog) -> Result<Mark> {
        self.settled(audit, audit.mark()?).await?;
        audit.mark()
    }

    /// Runs that ended with a result.
    fn runs(&self, result: &str) -> Result<f64> {
        let metrics = self.controller.metrics()?;
        let result = format!("result=\"{result}\"");
        let labels = ["controller=\"gitrepository\"", &result];
        Ok(metrics.sum("controller_runtime_reconcile_total", &labels))
    }

    /// Whether a metric has any series.
    fn has_series(&self, name: &str) -> Result<bool> {
        let metrics = self.controller.metrics()?;
        Ok(metrics.sum(name, &[]) > 0.0)
    }

    /// Waits for an event; they are sent behind the status.
    async fn event(&self, name: &str, reason: &str) -> Result<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let events = self.events(name).await?;
            if let Some((_, message)) = events.iter().rev().find(|(found, _)| found == reason) {
                return Ok(message.clone());
            }
            ensure!(Instant::now() < deadline, "no event {reason} in {events:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                if value.is_null() {
                    into.remove(&key);
                } else if key == "ref" {
                    into.insert(key, value);
                } else {
                    merge(into.entry(key).or_insert(Value::Null), value);
                }
            }
        }
        (into, from) => *into = from,
    }
}

fn typed(object: &DynamicObject) -> Option<GitRepository> {
    object.clone().try_parse().ok()
}

fn is_ready(object: &GitRepository) -> bool {
    let status = object.status.as_ref();
    let settled = status.and_then(|status| status.observed_generation) == object.meta().generation;
    settled
        && condition(object, "Ready").is_some_and(|(status, _)| status == ConditionStatus::True)
        && condition(object, "Reconciling").is_none()
}

fn condition(object: &GitRepository, kind: &str) -> Option<(ConditionStatus, String)> {
    let status = object.status.as_ref()?;
    let condition = status.conditions.iter().find(|c| c.r#type == kind)?;
    Some((condition.status, condition.reason.clone()))
}

fn revision(object: &GitRepository) -> &str {
    let status = object.status.as_ref();
    status
        .and_then(|status| status.artifact.as_ref())
        .map_or("", |artifact| &artifact.revision)
}

fn handled(object: &GitRepository) -> Option<&str> {
    let status = object.status.as_ref()?;
    status.last_handled_reconcile_at.as_deref()
}
