//! A real Kubernetes control plane on the loopback interface, for one test, demo or bench.
//!
//! ```text
//! etcd ── kube-apiserver ── kube-controller-manager, kube-scheduler, kwok   (with `Options::nodes`)
//!              `── TLS by an authority of its own · tokens and client certificates · RBAC · audit log
//! ```
//!
//! Each control plane has its own ports, data and credentials, so any number run side by side. All of
//! it is gone when the value is dropped, or when its process ends in whatever way. Where a cluster is
//! given ([`Options::kubeconfig`], [`CLUSTER`]), that one is used instead and nothing is started.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::Value;
use tokio::sync::OnceCell;

use self::credentials::{Credentials, write_kubeconfig};
use self::parts::{Nodes, Server};
use crate::audit::AuditLog;
use crate::process::Process;
use crate::scratch::Scratch;

pub mod binaries;
mod credentials;
mod objects;
mod parts;

/// Names a kubeconfig of a running cluster that tests may use, and fill, instead of their own.
///
/// Not `KUBECONFIG`: tests create and delete what they please, and must not do so in whatever
/// cluster a person happens to work with.
pub const CLUSTER: &str = "PERIGEE_TEST_KUBECONFIG";

const READY_WITHIN: Duration = Duration::from_mins(2);

/// What a control plane is to have.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Also run kube-controller-manager, kube-scheduler and one node played by kwok, so that
    /// Deployments become ready, garbage is collected and namespaces end. Costs a second and CPU.
    pub nodes: bool,
    /// Keep an audit log, so that requests can be counted by who made them.
    pub audit: bool,
    /// Install the custom resource definitions of `deploy/crds`.
    pub crds: bool,
    /// Use, and fill, the cluster of this kubeconfig instead of starting anything.
    pub kubeconfig: Option<PathBuf>,
}

impl Options {
    /// The API server alone: ready in about three seconds.
    pub fn api_server() -> Self {
        Self::default()
    }

    /// Everything: nodes, audit log and our definitions.
    pub fn full() -> Self {
        Self {
            nodes: true,
            audit: true,
            crds: true,
            kubeconfig: None,
        }
    }

    /// Uses the cluster that [`CLUSTER`] names, if it names one.
    #[must_use]
    pub fn or_given(mut self) -> Self {
        self.kubeconfig = self
            .kubeconfig
            .or_else(|| std::env::var_os(CLUSTER).map(PathBuf::from));
        self
    }

    /// Also installs the custom resource definitions of `deploy/crds`.
    #[must_use]
    pub fn with_crds(mut self) -> Self {
        self.crds = true;
        self
    }
}

/// A control plane that answers. Dropping it ends it.
#[derive(Debug)]
pub struct ControlPlane {
    // Order matters: what talks to the server ends before it, and the files go last.
    nodes: Option<Nodes>,
    server: Option<Server>,
    kubeconfig: PathBuf,
    minted: AtomicU32,
    dir: Scratch,
}

impl ControlPlane {
    /// Starts a control plane and waits until it is ready.
    ///
    /// # Errors
    /// If programs are missing and cannot be built, or if a component ends or is not ready in time;
    /// the text holds the end of its log.
    pub async fn start(options: Options) -> Result<Self> {
        let dir = Scratch::new("control-plane")?;
        let mut plane = if let Some(kubeconfig) = options.kubeconfig {
            Self {
                nodes: None,
                server: None,
                kubeconfig,
                minted: AtomicU32::new(0),
                dir,
            }
        } else {
            let (server, kubeconfig) = Self::serve(dir.path(), options.audit).await?;
            Self {
                nodes: None,
                server: Some(server),
                kubeconfig,
                minted: AtomicU32::new(0),
                dir,
            }
        };
        if options.crds {
            plane.install(&crate::workspace::crds()).await?;
        }
        if options.nodes && plane.server.is_some() {
            plane.add_nodes().await?;
        }
        Ok(plane)
    }

    /// Returns the control plane that the tests of one program share, with everything: the cluster
    /// that [`CLUSTER`] names, or else our own, which the first caller starts and which ends with the
    /// program.
    ///
    /// Keep to a [namespace](Self::namespace) of your own in it.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn shared() -> Result<&'static Self> {
        static SHARED: OnceCell<ControlPlane> = OnceCell::const_new();
        SHARED
            .get_or_try_init(|| Self::start(Options::full()))
            .await
    }

    /// Starts etcd and the API server; again with other ports if someone took one of them.
    async fn serve(dir: &Path, audit: bool) -> Result<(Server, PathBuf)> {
        let kubeconfig = dir.join("kubeconfig");
        let mut failures = Vec::new();
        for attempt in 0..3 {
            let home = dir.join(format!("server-{attempt}"));
            std::fs::create_dir(&home).context("create the server's directory")?;
            let mut server = Server::start(&home, audit)?;
            let credentials = Credentials::Token(server.admin_token.clone());
            write_kubeconfig(&kubeconfig, &server.cluster(), &credentials)?;
            match ready(&kubeconfig, &mut server.processes_mut()).await {
                Ok(()) => return Ok((server, kubeconfig)),
                Err(error) => failures.push(format!("{error:#}")),
            }
            if !failures
                .last()
                .is_some_and(|failure| failure.contains("address already in use"))
            {
                break;
            }
        }
        bail!(
            "the control plane does not become ready:\n{}",
            failures.join("\n")
        )
    }

    async fn add_nodes(&mut self) -> Result<()> {
        let server = self
            .server
            .as_ref()
            .context("a given cluster has its own nodes")?;
        self.nodes = Some(Nodes::start(server, self.dir.path(), &self.kubeconfig)?);
        objects::create_node(self.client().await?, "node-1").await
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Where the components' logs are.
    pub fn logs(&self) -> &Path {
        self.dir.path()
    }

    /// Returns a new client with the administrator's rights.
    ///
    /// A client belongs to the tokio runtime that it is made in: make one per test.
    ///
    /// # Errors
    /// If the kubeconfig cannot be used.
    pub async fn client(&self) -> Result<Client> {
        client(&self.kubeconfig).await
    }

    /// Writes a kubeconfig for a user in groups (`system:masters` may do everything).
    ///
    /// A client certificate, or impersonation where the cluster was given.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn kubeconfig_for_user(&self, name: &str, groups: &[&str]) -> Result<PathBuf> {
        let groups: Vec<String> = groups.iter().map(|&group| group.to_owned()).collect();
        if let Some(server) = &self.server {
            return self.mint(&server.cluster(), &server.authority.client(name, &groups)?);
        }
        let (cluster, user) = self.current()?;
        self.mint(
            &cluster,
            &Credentials::Impersonation {
                user,
                name: name.to_owned(),
                groups,
            },
        )
    }

    /// Creates a `ServiceAccount` if it is not there and writes a kubeconfig with a token for it,
    /// valid for an hour. What it may do is up to the caller.
    ///
    /// # Errors
    /// If the server refuses or the file cannot be written.
    pub async fn kubeconfig_for_service_account(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<PathBuf> {
        let token = objects::service_account_token(self.client().await?, namespace, name).await?;
        let cluster = match &self.server {
            Some(server) => server.cluster(),
            None => self.current()?.0,
        };
        self.mint(&cluster, &Credentials::Token(token))
    }

    /// Writes what a pod of a `ServiceAccount` finds in `/var/run/secrets/kubernetes.io/serviceaccount` into `dir`,
    /// and returns the API server's host and port.
    ///
    /// # Errors
    /// If the server refuses or a file cannot be written.
    pub async fn write_service_account(
        &self,
        namespace: &str,
        name: &str,
        dir: &Path,
    ) -> Result<(String, u16)> {
        let token = objects::service_account_token(self.client().await?, namespace, name).await?;
        let cluster = match &self.server {
            Some(server) => server.cluster(),
            None => self.current()?.0,
        };
        credentials::write_service_account(&cluster, namespace, &token, dir)
    }

    /// Creates a namespace with a name of its own.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn namespace(&self, prefix: &str) -> Result<String> {
        objects::create_namespace(self.client().await?, prefix).await
    }

    /// Creates a namespace of this name unless it is there.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn ensure_namespace(&self, name: &str) -> Result<()> {
        objects::ensure_namespace(self.client().await?, name).await
    }

    /// Applies a kustomization, a file or a directory with `kubectl`, server-side, and waits until the
    /// custom resource definitions among them are served.
    ///
    /// # Errors
    /// If kubectl fails; the text is what it says.
    pub async fn install(&self, path: &Path) -> Result<()> {
        let flag = if path.join("kustomization.yaml").exists() {
            "--kustomize"
        } else {
            "--filename"
        };
        self.kubectl(&[
            "apply",
            "--server-side",
            "--force-conflicts",
            flag,
            &path.to_string_lossy(),
        ])
        .await?;
        objects::definitions_served(self.client().await?).await
    }

    /// Runs `kubectl` as the administrator and returns what it prints.
    ///
    /// # Errors
    /// If it fails; the text is what it says.
    pub async fn kubectl(&self, args: &[&str]) -> Result<String> {
        // A given cluster may come with its own kubectl; ours is only built when there is none.
        let program = binaries::program("kubectl")?;
        let output = tokio::process::Command::new(program)
            .env("KUBECONFIG", &self.kubeconfig)
            .args(args)
            .stdin(std::process::Stdio::null())
            .output()
            .await
            .context("run kubectl")?;
        if !output.status.success() {
            bail!(
                "kubectl {}: {}",
                args.join(" "),
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The audit log, if one is kept.
    pub fn audit(&self) -> Option<AuditLog> {
        Some(AuditLog::new(self.server.as_ref()?.audit.clone()?))
    }

    /// The API server's process, unless the cluster was given.
    pub fn api_server(&self) -> Option<&Process> {
        self.server.as_ref().map(|server| &server.process)
    }

    /// Kills the API server, as a crash would; etcd keeps its data.
    ///
    /// # Errors
    /// If the cluster was given.
    pub fn kill_api_server(&mut self) -> Result<()> {
        self.server
            .as_mut()
            .context("the cluster was given")?
            .process
            .kill()
    }

    /// Starts the API server again, on the same port, and waits until it is ready.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn restart_api_server(&mut self) -> Result<()> {
        let server = self.server.as_mut().context("the cluster was given")?;
        server.restart_api_server()?;
        ready(&self.kubeconfig, &mut server.processes_mut()).await
    }

    /// Fails with the end of a log if a component has ended.
    ///
    /// # Errors
    /// If a component has ended.
    pub fn check(&mut self) -> Result<()> {
        let server = self.server.iter_mut().flat_map(Server::processes_mut);
        let nodes = self.nodes.iter_mut().flat_map(Nodes::processes_mut);
        server.chain(nodes).try_for_each(Process::check)
    }

    fn mint(&self, cluster: &Value, credentials: &Credentials) -> Result<PathBuf> {
        let number = self.minted.fetch_add(1, Ordering::Relaxed);
        let path = self.dir.path().join(format!("kubeconfig-{number}"));
        write_kubeconfig(&path, cluster, credentials)?;
        Ok(path)
    }

    /// Cluster and user of the kubeconfig that was given.
    fn current(&self) -> Result<(Value, Value)> {
        let config = Kubeconfig::read_from(&self.kubeconfig)
            .context("read the kubeconfig that was given")?;
        let context = config
            .contexts
            .iter()
            .find(|context| Some(&context.name) == config.current_context.as_ref())
            .and_then(|context| context.context.as_ref())
            .context("the kubeconfig that was given has no current context")?;
        let cluster = config
            .clusters
            .iter()
            .find(|cluster| cluster.name == context.cluster)
            .and_then(|cluster| cluster.cluster.as_ref());
        let user = config
            .auth_infos
            .iter()
            .find(|user| Some(&user.name) == context.user.as_ref())
            .and_then(|user| user.auth_info.as_ref());
        Ok((
            serde_json::to_value(cluster).context("read the cluster")?,
            serde_json::to_value(user).context("read the user")?,
        ))
    }
}

/// Makes a client from a kubeconfig, without any limit of its own.
///
/// # Errors
/// If the kubeconfig cannot be used.
pub async fn client(kubeconfig: &Path) -> Result<Client> {
    let content = Kubeconfig::read_from(kubeconfig)
        .with_context(|| format!("read {}", kubeconfig.display()))?;
    let config = kube::Config::from_custom_kubeconfig(content, &KubeConfigOptions::default())
        .await
        .with_context(|| format!("use {}", kubeconfig.display()))?;
    Client::try_from(config).context("make a client")
}

async fn ready(kubeconfig: &Path, processes: &mut [&mut Process]) -> Result<()> {
    let client = client(kubeconfig).await?;
    let deadline = Instant::now() + READY_WITHIN;
    loop {
        for process in processes.iter_mut() {
            process.check()?;
        }
        let request = http::Request::get("/readyz")
            .body(Vec::new())
            .context("ask for readiness")?;
        match client.request_text(request).await {
            Ok(_) => return Ok(()),
            Err(error) if Instant::now() > deadline => {
                return Err(error).context("the API server is not ready in time");
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}
