//! The components, and the flags that each is started with.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use super::binaries;
use super::credentials::{Authority, cluster};
use crate::process::{Process, Program};
use crate::{port, workspace};

/// Counts every finished request, and every watch when it opens; no bodies.
const AUDIT_POLICY: &str = r#"{
  "apiVersion": "audit.k8s.io/v1",
  "kind": "Policy",
  "omitStages": ["RequestReceived"],
  "rules": [
    {"level": "None", "nonResourceURLs": ["*"]},
    {"level": "None", "users": ["system:apiserver"]},
    {"level": "Metadata"}
  ]
}"#;

/// etcd and the API server.
#[derive(Debug)]
pub(super) struct Server {
    // The API server ends before its store.
    pub(super) process: Process,
    etcd: Process,
    program: Program,
    pub(super) authority: Authority,
    pub(super) admin_token: String,
    pub(super) audit: Option<PathBuf>,
    url: String,
    service_account_key: PathBuf,
}

impl Server {
    /// Starts both, with all their files in `home`.
    pub(super) fn start(home: &Path, audit: bool) -> Result<Self> {
        let [client_port, peer_port, secure_port] = port::free()?;
        let authority = Authority::new(home)?;
        let (certificate, key) = authority.server()?;
        let (service_account_key, public_key) = authority.service_account_keys()?;
        let admin_token = token();
        let tokens = home.join("tokens.csv");
        fs::write(
            &tokens,
            format!("{admin_token},admin,admin,system:masters\n"),
        )
        .context("write the tokens")?;

        let etcd_url = format!("http://127.0.0.1:{client_port}");
        let peer_url = format!("http://127.0.0.1:{peer_port}");
        let etcd = Program::new(binaries::program("etcd")?, home.join("etcd.log"))
            .arg(format!("--data-dir={}", home.join("etcd").display()))
            .arg(format!("--listen-client-urls={etcd_url}"))
            .arg(format!("--advertise-client-urls={etcd_url}"))
            .arg(format!("--listen-peer-urls={peer_url}"))
            .arg(format!("--initial-advertise-peer-urls={peer_url}"))
            .arg(format!("--initial-cluster=default={peer_url}"))
            // The data is thrown away, so a power cut may have it.
            .args(["--unsafe-no-fsync", "--log-level=warn"])
            .spawn()?;

        let url = format!("https://127.0.0.1:{secure_port}");
        let mut program = Program::new(
            binaries::program("kube-apiserver")?,
            home.join("kube-apiserver.log"),
        )
        .arg(format!("--etcd-servers={etcd_url}"))
        .args(["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1"])
        .arg(format!("--secure-port={secure_port}"))
        .arg(format!("--tls-cert-file={}", certificate.display()))
        .arg(format!("--tls-private-key-file={}", key.display()))
        .arg(format!("--client-ca-file={}", authority.path().display()))
        .arg(format!("--token-auth-file={}", tokens.display()))
        .arg("--authorization-mode=RBAC")
        // Pods need no token of a ServiceAccount here: no kubelet mounts it.
        .arg("--disable-admission-plugins=ServiceAccount")
        .args([
            "--endpoint-reconciler-type=none",
            "--service-cluster-ip-range=10.96.0.0/16",
        ])
        .arg("--service-account-issuer=https://kubernetes.default.svc")
        .arg(format!(
            "--service-account-key-file={}",
            public_key.display()
        ))
        .arg(format!(
            "--service-account-signing-key-file={}",
            service_account_key.display()
        ));
        let audit = audit.then(|| home.join("audit.log"));
        if let Some(log) = &audit {
            let policy = home.join("audit-policy.json");
            fs::write(&policy, AUDIT_POLICY).context("write the audit policy")?;
            program = program
                .arg(format!("--audit-policy-file={}", policy.display()))
                .arg(format!("--audit-log-path={}", log.display()));
        }
        let process = program.spawn()?;
        Ok(Self {
            process,
            etcd,
            program,
            authority,
            admin_token,
            audit,
            url,
            service_account_key,
        })
    }

    pub(super) fn restart_api_server(&mut self) -> Result<()> {
        // The port must be free before the next one binds it.
        if self.process.exited()?.is_none() {
            self.process.kill()?;
        }
        self.process = self.program.spawn()?;
        Ok(())
    }

    /// The cluster's entry in a kubeconfig.
    pub(super) fn cluster(&self) -> Value {
        cluster(&self.url, &self.authority.certificate)
    }

    pub(super) fn processes_mut(&mut self) -> [&mut Process; 2] {
        [&mut self.etcd, &mut self.process]
    }
}

/// What makes Deployments ready: the built-in controllers, the scheduler, and kwok for a kubelet.
#[derive(Debug)]
pub(super) struct Nodes {
    controllers: Process,
    scheduler: Process,
    kwok: Process,
}

impl Nodes {
    pub(super) fn start(server: &Server, home: &Path, kubeconfig: &Path) -> Result<Self> {
        let kubeconfig = kubeconfig.display();
        let name = "kube-controller-manager";
        let controllers = Program::new(
            binaries::program(name)?,
            home.join("kube-controller-manager.log"),
        )
        .arg(format!("--kubeconfig={kubeconfig}"))
        // Nobody renews a node's Lease here, so nobody may evict for it.
        .arg("--controllers=*,-nodeipam,-nodelifecycle")
        .args([
            "--use-service-account-credentials",
            "--leader-elect=false",
            "--secure-port=0",
        ])
        .arg(format!(
            "--root-ca-file={}",
            server.authority.path().display()
        ))
        .arg(format!(
            "--service-account-private-key-file={}",
            server.service_account_key.display()
        ))
        // Its own limit of 20 requests a second would be what a bench measures.
        .args(["--kube-api-qps=1000", "--kube-api-burst=2000"])
        .spawn()?;
        let name = "kube-scheduler";
        let scheduler = Program::new(binaries::program(name)?, home.join("kube-scheduler.log"))
            .arg(format!("--kubeconfig={kubeconfig}"))
            .arg(format!("--authentication-kubeconfig={kubeconfig}"))
            .arg(format!("--authorization-kubeconfig={kubeconfig}"))
            .args(["--leader-elect=false", "--secure-port=0"])
            .args(["--kube-api-qps=1000", "--kube-api-burst=2000"])
            .spawn()?;
        let stages = workspace::root().join("tests/control-plane/stages.yaml");
        let kwok = Program::new(binaries::program("kwok")?, home.join("kwok.log"))
            .arg(format!("--kubeconfig={kubeconfig}"))
            .arg("--manage-all-nodes=true")
            .arg(format!("--config={}", stages.display()))
            .env("KWOK_WORKDIR", home.join("kwok"))
            .spawn()?;
        Ok(Self {
            controllers,
            scheduler,
            kwok,
        })
    }

    pub(super) fn processes_mut(&mut self) -> [&mut Process; 3] {
        [&mut self.controllers, &mut self.scheduler, &mut self.kwok]
    }
}

/// Returns a secret that nobody guesses: the standard library seeds its hashers from the system.
fn token() -> String {
    use std::hash::{BuildHasher, RandomState};
    let word = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", word(), word())
}
