//! The life of an installation in a real cluster: installed, upgraded, used through `flux`, uninstalled.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU8, Ordering},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, GroupVersionKind, ListParams},
};
use serde_json::{Value, json};
use testkit::{
    ControlPlane, GitServer, Process,
    control_plane::Options,
    git_server::{Change, Repository},
    pod::{self, Surroundings},
    port, tool, workspace,
};
use tokio::net::{TcpListener, TcpStream};

use super::{NAMESPACE, chart_dir, run};
use crate::cluster;

const PATIENCE: Duration = Duration::from_mins(3);

/// The controllers, and whether each has a Service.
const CONTROLLERS: [(&str, bool); 3] = [
    ("source-controller", true),
    ("kustomize-controller", false),
    ("notification-controller", true),
];

/// Numbers the sites of all tests.
static SITES: AtomicU8 = AtomicU8::new(1);

pub(super) fn resource(api_version: &str, kind: &str) -> ApiResource {
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
}

pub(super) fn api(client: &Client, api_version: &str, kind: &str) -> Api<DynamicObject> {
    Api::namespaced_with(client.clone(), NAMESPACE, &resource(api_version, kind))
}

/// The controllers of an installation, run as their Deployments say, with their Services.
pub(super) struct Pods {
    processes: Vec<Process>,
    services: tokio::task::JoinSet<()>,
}

impl Pods {
    pub(super) async fn start(plane: &ControlPlane, home: &Path) -> Result<Self> {
        let deployments = api(&plane.client().await?, "apps/v1", "Deployment");
        // Each Service has a loopback address of its own, so that all can have port 80.
        let site = SITES.fetch_add(1, Ordering::Relaxed);
        let address = |name: &str| {
            let number = CONTROLLERS.iter().position(|(other, _)| *other == name);
            format!("127.0.{site}.{}", number.unwrap_or_default() + 1)
        };
        let hosts: Vec<_> = CONTROLLERS
            .iter()
            .filter(|(_, serves)| *serves)
            .map(|(name, _)| {
                (
                    format!("{name}.{NAMESPACE}.svc.cluster.local"),
                    address(name),
                )
            })
            .collect();
        let mut pods = Self {
            processes: Vec::new(),
            services: tokio::task::JoinSet::new(),
        };
        for (name, serves) in CONTROLLERS {
            let deployment = serde_json::to_value(deployments.get(name).await?)?;
            let [metrics, health, serving, webhook] = port::free()?;
            let mut flags = vec![
                format!("--metrics-addr=127.0.0.1:{metrics}"),
                format!("--health-addr=127.0.0.1:{health}"),
            ];
            match name {
                "source-controller" => flags.push(format!("--storage-addr=127.0.0.1:{serving}")),
                "notification-controller" => flags.extend([
                    format!("--events-addr=127.0.0.1:{serving}"),
                    format!("--receiverAddr=127.0.0.1:{webhook}"),
                ]),
                _ => {}
            }
            if serves {
                pods.serve(&address(name), serving).await?;
            }
            let surroundings = Surroundings {
                hosts: hosts.clone(),
                flags,
            };
            let home = home.join(name);
            std::fs::create_dir_all(&home)?;
            let binaries = cluster::binaries()?;
            let process = pod::start(plane, &deployment, &binaries, &home, &surroundings).await?;
            pods.processes.push(process);
        }
        Ok(pods)
    }

    /// Stands in for a Service: port 80 of its address leads to its pod.
    async fn serve(&mut self, address: &str, target: u16) -> Result<()> {
        let listener = TcpListener::bind((address, 80))
            .await
            .with_context(|| format!("{address}:80"))?;
        self.services.spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                tokio::spawn(async move {
                    if let Ok(mut pod) = TcpStream::connect(("127.0.0.1", target)).await {
                        let _ended = tokio::io::copy_bidirectional(&mut client, &mut pod).await;
                    }
                });
            }
        });
        Ok(())
    }

    /// Stops the controllers as a kubelet would, so that none leaves a Lease behind.
    pub(super) fn stop(mut self) -> Result<()> {
        for process in &mut self.processes {
            process.terminate(PATIENCE)?;
        }
        Ok(())
    }

    fn logs(&self) -> String {
        let logs = self.processes.iter().map(|process| {
            let tail = testkit::process::tail(process.log(), 3000);
            format!("── {}\n{tail}", process.log().display())
        });
        logs.collect::<Vec<_>>().join("\n")
    }
}

/// A cluster with nodes, a Git server with one commit, and the programs to act on them.
pub(super) struct Site {
    pub(super) plane: ControlPlane,
    pub(super) client: Client,
    git: GitServer,
    pub(super) repository: Repository,
    pub(super) home: tempfile::TempDir,
}

impl Site {
    pub(super) async fn start() -> Result<Self> {
        let options = Options {
            nodes: true,
            ..Options::default()
        };
        let plane = ControlPlane::start(options).await?;
        let git = GitServer::start().await?;
        let repository = git.create("apps")?;
        repository.commit("main", "first", &files("one"))?;
        Ok(Self {
            client: plane.client().await?,
            plane,
            git,
            repository,
            home: tempfile::tempdir()?,
        })
    }

    /// A program with the administrator's rights.
    fn command(&self, program: PathBuf) -> Command {
        let mut command = Command::new(program);
        command.env("KUBECONFIG", self.plane.kubeconfig());
        command.env("HOME", self.home.path());
        command
    }

    pub(super) fn helm(&self, args: &[&str]) -> Result<String> {
        run(self
            .command(tool::helm()?)
            .args(args)
            .args(["--namespace", NAMESPACE]))
    }

    fn flux(&self, args: &[&str]) -> Result<String> {
        run(self.command(tool::flux()?).args(args))
    }

    /// Waits until the cluster's nodes have brought every Deployment up.
    pub(super) async fn rolled_out(&self) -> Result<()> {
        for (name, _) in CONTROLLERS {
            let deployment = format!("deployment/{name}");
            let args = [
                "rollout",
                "status",
                "--namespace",
                NAMESPACE,
                &deployment,
                "--timeout=180s",
            ];
            self.plane.kubectl(&args).await?;
        }
        Ok(())
    }

    /// Creates a source and a Kustomization.
    pub(super) async fn use_it(&self) -> Result<()> {
        let sample = json!({ "apiVersion": "v1", "kind": "List", "items": [
            {
                "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
                "metadata": { "name": "apps", "namespace": NAMESPACE },
                "spec": { "interval": "1h", "url": self.git.url("apps"), "ref": { "branch": "main" } },
            },
            {
                "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
                "metadata": { "name": "apps", "namespace": NAMESPACE },
                "spec": {
                    "interval": "1h", "prune": true, "wait": true, "timeout": "1m", "targetNamespace": "default",
                    "sourceRef": { "kind": "GitRepository", "name": "apps" },
                },
            },
        ]});
        let file = self.home.path().join("sample.json");
        std::fs::write(&file, sample.to_string())?;
        let file = file.to_string_lossy().into_owned();
        self.plane.kubectl(&["apply", "--filename", &file]).await?;
        Ok(())
    }

    /// The value that the workload carries.
    async fn workload(&self) -> Result<Option<String>> {
        let maps: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), "default", &resource("v1", "ConfigMap"));
        let map = maps.get_opt("app").await?;
        Ok(map.and_then(|map| map.data.pointer("/data/key")?.as_str().map(str::to_owned)))
    }

    pub(super) async fn until_workload(&self, value: &str, pods: &Pods) -> Result<()> {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while self.workload().await?.as_deref() != Some(value) {
            if tokio::time::Instant::now() > deadline {
                bail!("the workload does not become {value}\n{}", pods.logs());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Whether an account of the installation may do something in the namespace `default`.
    pub(super) async fn may(&self, account: &str, verb: &str, resource: &str) -> bool {
        let account = format!("--as=system:serviceaccount:{NAMESPACE}:{account}");
        let args = [
            "auth",
            "can-i",
            verb,
            resource,
            "--namespace=default",
            &account,
        ];
        // It fails where the answer is no.
        let said = self.plane.kubectl(&args).await;
        said.is_ok_and(|said| said.trim() == "yes")
    }

    async fn arguments(&self, deployment: &str) -> Result<Value> {
        let deployment = api(&self.client, "apps/v1", "Deployment")
            .get(deployment)
            .await?;
        let args = deployment
            .data
            .pointer("/spec/template/spec/containers/0/args");
        Ok(args.cloned().unwrap_or_default())
    }
}

pub(super) fn files(value: &str) -> Vec<Change> {
    let map =
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app\ndata:\n  key: {value}\n");
    vec![Change::write("app.yaml", map)]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_is_installed_used_upgraded_and_uninstalled_without_a_workload_lost() -> Result<()>
{
    let site = Site::start().await?;
    let chart = chart_dir();
    let chart = chart.to_string_lossy();
    site.helm(&["install", "perigee", &chart, "--create-namespace"])?;
    site.rolled_out().await?;

    let pods = Pods::start(&site.plane, site.home.path()).await?;
    site.use_it().await?;
    site.until_workload("one", &pods).await?;

    let check = site.flux(&[
        "check",
        "--components",
        "source-controller,kustomize-controller,notification-controller",
    ]);
    assert!(check.is_ok(), "{check:?}");
    site.repository.commit("main", "second", &files("two"))?;
    let said = site.flux(&["reconcile", "kustomization", "apps", "--with-source"])?;
    assert!(!said.contains('✗'), "{said}");
    assert_eq!(site.workload().await?.as_deref(), Some("two"), "{said}");
    let listed = site.flux(&["get", "kustomizations", "--all-namespaces"])?;
    assert!(listed.contains("Applied revision: main@sha1:"), "{listed}");

    site.helm(&[
        "upgrade",
        "perigee",
        &chart,
        "--set",
        "kustomizeController.concurrency=20",
    ])?;
    let args = site.arguments("kustomize-controller").await?;
    assert!(args.to_string().contains("--concurrent=20"), "{args}");

    // With the controllers alive, so that nothing is kept only because nobody is there to delete it.
    site.helm(&["uninstall", "perigee", "--wait"])?;
    let deployments = api(&site.client, "apps/v1", "Deployment")
        .list(&ListParams::default())
        .await?;
    assert_eq!(deployments.items.len(), 0);
    let kustomization = api(
        &site.client,
        "kustomize.toolkit.fluxcd.io/v1",
        "Kustomization",
    );
    let kustomization = kustomization.get("apps").await?;
    assert_eq!(kustomization.metadata.deletion_timestamp, None);
    assert_eq!(site.workload().await?.as_deref(), Some("two"));
    drop(pods);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plain_manifests_reconcile_with_the_controllers_run_as_they_say() -> Result<()> {
    let site = Site::start().await?;
    let deploy = workspace::root().join("deploy");
    site.plane.install(&deploy).await?;
    site.rolled_out().await?;
    let pods = Pods::start(&site.plane, site.home.path()).await?;
    site.use_it().await?;
    site.until_workload("one", &pods).await?;
    for process in &pods.processes {
        let status = std::fs::read_to_string(format!("/proc/{}/status", process.id()))?;
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name));
            line.unwrap_or_default()
                .split_whitespace()
                .nth(1)
                .unwrap_or_default()
                .to_owned()
        };
        assert_eq!(
            (field("Uid:"), field("CapEff:"), field("NoNewPrivs:")),
            ("65534".into(), "0000000000000000".into(), "1".into()),
            "{}",
            process.log().display()
        );
    }
    // Whoever began with the manifests, or with Flux's, can go on with the chart.
    let chart = chart_dir();
    let chart = chart.to_string_lossy();
    let refused = site.helm(&["install", "perigee", &chart]);
    let refused = refused
        .expect_err("the objects are there already")
        .to_string();
    assert!(refused.contains("ownership"), "{refused}");
    site.helm(&[
        "install",
        "perigee",
        &chart,
        "--take-ownership",
        "--force-conflicts",
    ])?;
    assert_eq!(site.workload().await?.as_deref(), Some("one"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_are_served_by_a_controller_that_is_no_administrator() -> Result<()> {
    let site = Site::start().await?;
    let chart = chart_dir();
    let chart = chart.to_string_lossy();
    let values = "multitenancy.enabled=true,rbac.clusterAdmin=false";
    site.helm(&[
        "install",
        "perigee",
        &chart,
        "--create-namespace",
        "--set",
        values,
    ])?;
    site.rolled_out().await?;
    assert!(
        !site
            .may("kustomize-controller", "create", "configmaps")
            .await
    );

    let pods = Pods::start(&site.plane, site.home.path()).await?;
    let account = format!("--serviceaccount={NAMESPACE}:default");
    let bind = [
        "--namespace=default",
        "create",
        "rolebinding",
        "tenant",
        "--clusterrole=edit",
        &account,
    ];
    site.plane.kubectl(&bind).await?;
    site.use_it().await?;
    site.until_workload("one", &pods).await?;
    Ok(())
}
