//! A control plane, a Git server with the sample monorepo and the controllers, and what can be done
//! to them. The stage of the demo and the bench.

pub(crate) mod alerting;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};
use testkit::controller::ControllerOptions;
use testkit::git_server::{Change, Repository};
use testkit::observe::{ApiResource, GroupVersionKind, Tally};
use testkit::{ControlPlane, Controller, GitServer, Monorepo, Observer, Options, Role};

use self::alerting::Alerting;

const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";

/// Which controllers are run, and how.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    /// What people call them.
    pub(crate) name: String,
    /// The directory of their binaries.
    pub(crate) binaries: PathBuf,
    /// Further flags of both.
    pub(crate) flags: Vec<String>,
    /// Further definitions that they need.
    pub(crate) definitions: Option<PathBuf>,
}

/// Everything that runs. Dropping it ends all of it.
pub(crate) struct Rig {
    pub(crate) source: Controller,
    pub(crate) kustomize: Controller,
    /// Missing where the candidate has none.
    pub(crate) alerting: Option<Alerting>,
    sources: Observer,
    pub(crate) kustomizations: Observer,
    pub(crate) deployments: Observer,
    pub(crate) monorepo: Monorepo,
    pub(crate) client: Client,
    pub(crate) plane: ControlPlane,
    repository: Repository,
    git: GitServer,
    pokes: u32,
}

/// The kinds that the rig handles.
pub(crate) fn resource(group: &str, kind: &str, plural: &str) -> ApiResource {
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, "v1", kind), plural)
}

/// The kind Kustomization.
pub(crate) fn kustomization() -> ApiResource {
    resource(
        "kustomize.toolkit.fluxcd.io",
        "Kustomization",
        "kustomizations",
    )
}

pub(crate) fn git_repository() -> ApiResource {
    resource(
        "source.toolkit.fluxcd.io",
        "GitRepository",
        "gitrepositories",
    )
}

impl Rig {
    /// Starts everything, with a first commit in Git and nothing of it in the cluster.
    ///
    /// In a cluster that is given, the controllers are the administrator, and nothing can be counted.
    pub(crate) async fn start(
        candidate: &Candidate,
        services: usize,
        options: Options,
    ) -> Result<Self> {
        let plane = ControlPlane::start(options).await?;
        // Whatever the controllers write goes when the control plane does.
        let home = plane.logs().join("controllers");
        if let Some(definitions) = &candidate.definitions {
            plane.install(definitions).await?;
        }
        let monorepo = Monorepo::new(services);
        for namespace in [&monorepo.flux_namespace, &monorepo.env] {
            plane.ensure_namespace(namespace).await?;
        }
        let git = GitServer::start().await?;
        let repository = git.create("monorepo")?;
        repository.commit("main", "Add all services", &monorepo.everything())?;

        let client = plane.client().await?;
        let namespace = &monorepo.flux_namespace;
        let kustomizations = Observer::start(client.clone(), &kustomization(), namespace).await?;
        let sources = Observer::start(client.clone(), &git_repository(), namespace).await?;
        let deployment = resource("apps", "Deployment", "deployments");
        let deployments = Observer::start(client.clone(), &deployment, &monorepo.env).await?;

        let mut events = None;
        let start = |role: Role, events: Option<&str>| {
            let kubeconfig = if plane.audit().is_some() {
                plane.kubeconfig_for_user(role.name(), &["system:masters"])?
            } else {
                plane.kubeconfig().to_path_buf()
            };
            let home = home.join(role.name());
            let mut options = ControllerOptions::new(role, &candidate.binaries, &kubeconfig, &home);
            options
                .flags
                .extend(events.map(|url| format!("--events-addr={url}")));
            if role != Role::Notification {
                options.flags.extend(candidate.flags.iter().cloned());
            }
            Controller::start(&options)
        };
        let alerting = if candidate.binaries.join(Role::Notification.name()).exists() {
            let mut controller = start(Role::Notification, None)?;
            controller.ready().await?;
            events = Some(controller.serving_url());
            Some(Alerting::new(controller).await?)
        } else {
            None
        };
        let mut source = start(Role::Source, events.as_deref())?;
        let mut kustomize = start(Role::Kustomize, events.as_deref())?;
        source.ready().await?;
        kustomize.ready().await?;
        Ok(Self {
            source,
            kustomize,
            alerting,
            sources,
            kustomizations,
            deployments,
            monorepo,
            client,
            plane,
            repository,
            git,
            pokes: 0,
        })
    }

    /// The URL of the monorepo.
    pub(crate) fn git_url(&self) -> String {
        self.git.url("monorepo")
    }

    /// Number of Kustomizations: one for each service, and the one that creates them.
    pub(crate) fn total(&self) -> usize {
        self.monorepo.services + 1
    }

    /// Creates the source and the one Kustomization that creates the others.
    pub(crate) async fn apply_root(&self) -> Result<()> {
        if let Some(alerting) = &self.alerting {
            for object in alerting.objects(&self.monorepo) {
                self.apply(&alerting::kind(&object)?, &object).await?;
            }
        }
        let source = self.monorepo.git_repository(&self.git_url());
        self.apply(&git_repository(), &source).await?;
        self.apply(&kustomization(), &self.monorepo.root_kustomization())
            .await
    }

    /// Commits to the monorepo; returns the revision as Flux writes it.
    pub(crate) fn commit(&self, message: &str, changes: &[Change]) -> Result<String> {
        Ok(format!(
            "main@sha1:{}",
            self.repository.commit("main", message, changes)?
        ))
    }

    /// The revision of the newest commit.
    pub(crate) fn revision(&self) -> Result<String> {
        Ok(format!("main@sha1:{}", self.repository.resolve("main")?))
    }

    /// Asks the source controller to fetch now; returns when that was.
    pub(crate) async fn poke_source(&mut self) -> Result<Instant> {
        let token = self.token();
        let at = Instant::now();
        let name = self.monorepo.source.clone();
        self.annotate(&git_repository(), &name, &token).await?;
        Ok(at)
    }

    /// Sends the webhook of a push; returns when that was and how long the answer took.
    pub(crate) async fn push_webhook(&self) -> Result<(Instant, Duration)> {
        let path = self.webhook_path().await?;
        let alerting = self.alerting.as_ref().context("there is no receiver")?;
        let at = Instant::now();
        alerting.push(&path).await?;
        Ok((at, at.elapsed()))
    }

    /// Where the receiver takes webhooks.
    pub(crate) async fn webhook_path(&self) -> Result<String> {
        let receiver = self.api(&alerting::receivers()).get(alerting::NAME).await;
        let receiver = receiver.context("read the receiver")?;
        let path = receiver.data["status"]["webhookPath"].as_str();
        Ok(path.context("the receiver is not ready")?.to_owned())
    }

    /// Waits until the receiver can be called.
    pub(crate) async fn receiver_ready(&self, limit: Duration) -> Result<()> {
        let receivers = self.api(&alerting::receivers());
        let deadline = Instant::now() + limit;
        while ready(&receivers.get(alerting::NAME).await?) != Some(true) {
            anyhow::ensure!(
                Instant::now() < deadline,
                "the receiver does not become ready"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Notes when the source's artifact is of a revision.
    pub(crate) fn fetched(&self, revision: &str) -> Tally {
        let revision = revision.to_owned();
        self.sources.tally(move |object| {
            object.data.pointer("/status/artifact/revision")
                == Some(&Value::String(revision.clone()))
        })
    }

    /// Returns a token for the annotation that nobody used before.
    pub(crate) fn token(&mut self) -> String {
        self.pokes += 1;
        format!("poke-{}", self.pokes)
    }

    /// Asks for a reconcile of an object by Flux's annotation.
    pub(crate) async fn annotate(&self, kind: &ApiResource, name: &str, token: &str) -> Result<()> {
        let patch = json!({ "metadata": { "annotations": { REQUESTED_AT: token } } });
        self.api(kind)
            .patch_metadata(name, &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .with_context(|| format!("annotate {name}"))?;
        Ok(())
    }

    /// Notes which Kustomizations are ready at a revision.
    pub(crate) fn ready_at(&self, revision: &str) -> Tally {
        let revision = revision.to_owned();
        self.kustomizations.tally(move |object| {
            let status = &object.data["status"];
            status["lastAppliedRevision"] == revision.as_str() && ready(object) == Some(true)
        })
    }

    /// Notes which Kustomizations have handled a request.
    pub(crate) fn handled(&self, token: &str) -> Tally {
        let token = token.to_owned();
        self.kustomizations.tally(move |object| {
            object.data["status"]["lastHandledReconcileAt"] == token.as_str()
                && ready(object) == Some(true)
        })
    }

    /// Notes when a Deployment has an image.
    pub(crate) fn has_image(&self, service: &str, version: &str) -> Tally {
        let (name, image) = (service.to_owned(), Monorepo::image(service, version));
        self.deployments.tally(move |object| {
            object.name_any() == name
                && object
                    .data
                    .pointer("/spec/template/spec/containers/0/image")
                    == Some(&Value::String(image.clone()))
        })
    }

    /// Waits for a tally, and fails early if one of the programs has ended.
    pub(crate) async fn wait(
        &mut self,
        tally: &Tally,
        count: usize,
        limit: Duration,
    ) -> Result<Instant> {
        let mut reached = std::pin::pin!(tally.wait(count, limit));
        loop {
            tokio::select! {
                answer = &mut reached => return answer,
                () = tokio::time::sleep(Duration::from_millis(500)) => {
                    self.plane.check()?;
                    self.source.process().check()?;
                    self.kustomize.process().check()?;
                    if let Some(alerting) = &mut self.alerting {
                        alerting.controller.process().check()?;
                    }
                }
            }
        }
    }

    /// Waits until hardly anybody asks the API server for anything any more, if that can be told.
    pub(crate) async fn quiet(&self) -> Result<()> {
        const MOST: usize = 5;
        let Some(log) = self.plane.audit() else {
            return Ok(());
        };
        let deadline = Instant::now() + Duration::from_mins(2);
        while Instant::now() < deadline {
            let mark = log.mark()?;
            tokio::time::sleep(Duration::from_secs(1)).await;
            if log.since(mark)?.len() <= MOST {
                break;
            }
        }
        Ok(())
    }

    fn api(&self, kind: &ApiResource) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &self.monorepo.flux_namespace, kind)
    }

    async fn apply(&self, kind: &ApiResource, object: &Value) -> Result<()> {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        self.api(kind)
            .patch(
                name,
                &PatchParams::apply("xtask").force(),
                &Patch::Apply(object),
            )
            .await
            .with_context(|| format!("apply {name}"))?;
        Ok(())
    }
}

/// Whether an object is ready; nothing if it does not say for its newest generation.
pub(crate) fn ready(object: &DynamicObject) -> Option<bool> {
    let condition = condition(object)?;
    let observed = condition["observedGeneration"].as_i64();
    if observed.is_some() && observed != object.metadata.generation {
        return None;
    }
    match condition["status"].as_str()? {
        "True" => Some(true),
        "False" => Some(false),
        _ => None,
    }
}

/// The condition `Ready`.
pub(crate) fn condition(object: &DynamicObject) -> Option<&Value> {
    let conditions = object.data["status"]["conditions"].as_array()?;
    conditions
        .iter()
        .find(|condition| condition["type"] == "Ready")
}
