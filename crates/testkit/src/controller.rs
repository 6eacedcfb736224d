//! A controller's process: ours, or any other binary that takes Flux's flags.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

pub use self::metrics::Metrics;
use crate::port;
use crate::process::{Process, Program};
use crate::usage::Usage;

mod metrics;

/// Which controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Fetches sources and serves artifacts.
    Source,
    /// Builds and applies Kustomizations.
    Kustomize,
    /// Takes webhooks in and sends alerts out.
    Notification,
}

/// What to start.
#[derive(Debug, Clone)]
pub struct ControllerOptions {
    /// Which controller it is; this decides its flags.
    pub role: Role,
    /// The directory that holds the binary.
    pub binaries: PathBuf,
    /// The kubeconfig that it uses.
    pub kubeconfig: PathBuf,
    /// A directory for its log, storage and temporary files; survives a restart.
    pub home: PathBuf,
    /// Further flags, after ours, so that they win.
    pub flags: Vec<String>,
    /// Further environment variables.
    pub env: Vec<(String, String)>,
}

/// A running controller. Dropping it kills it.
#[derive(Debug)]
pub struct Controller {
    role: Role,
    program: Program,
    process: Process,
    metrics_port: u16,
    health_port: u16,
    serving_port: u16,
    webhook_port: u16,
}

impl Role {
    /// The binary's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Source => "source-controller",
            Self::Kustomize => "kustomize-controller",
            Self::Notification => "notification-controller",
        }
    }
}

impl ControllerOptions {
    /// A controller with Flux's default flags.
    pub fn new(role: Role, binaries: &Path, kubeconfig: &Path, home: &Path) -> Self {
        Self {
            role,
            binaries: binaries.to_path_buf(),
            kubeconfig: kubeconfig.to_path_buf(),
            home: home.to_path_buf(),
            flags: Vec::new(),
            env: Vec::new(),
        }
    }

    /// Adds a flag, such as `--concurrent=20`.
    #[must_use]
    pub fn flag(mut self, flag: impl Into<String>) -> Self {
        self.flags.push(flag.into());
        self
    }
}

impl Controller {
    /// Starts a controller; does not wait until it is ready.
    ///
    /// # Errors
    /// If there is no such binary or a directory cannot be made.
    pub fn start(options: &ControllerOptions) -> Result<Self> {
        let [metrics_port, health_port, serving_port, webhook_port] = port::free()?;
        let temporary = options.home.join("tmp");
        fs::create_dir_all(&temporary)
            .with_context(|| format!("create {}", temporary.display()))?;
        let name = options.role.name();
        let mut program = Program::new(
            options.binaries.join(name),
            options.home.join(format!("{name}.log")),
        )
        .env("KUBECONFIG", &options.kubeconfig)
        .env("RUNTIME_NAMESPACE", "flux-system")
        .env("TMPDIR", &temporary)
        .env("HOME", &options.home)
        .arg(format!("--metrics-addr=127.0.0.1:{metrics_port}"))
        .arg(format!("--health-addr=127.0.0.1:{health_port}"))
        .args(["--log-level=info", "--log-encoding=json"])
        .args([
            "--watch-all-namespaces=true",
            "--enable-leader-election=false",
        ]);
        match options.role {
            Role::Source => {
                let storage = options.home.join("storage");
                fs::create_dir_all(&storage)
                    .with_context(|| format!("create {}", storage.display()))?;
                program = program
                    .arg(format!("--storage-path={}", storage.display()))
                    .arg(format!("--storage-addr=127.0.0.1:{serving_port}"))
                    .arg(format!("--storage-adv-addr=127.0.0.1:{serving_port}"));
            }
            Role::Kustomize => {}
            Role::Notification => {
                program = program
                    .arg(format!("--events-addr=127.0.0.1:{serving_port}"))
                    .arg(format!("--receiverAddr=127.0.0.1:{webhook_port}"));
            }
        }
        program = program.args(&options.flags);
        for (name, value) in &options.env {
            program = program.env(name, value);
        }
        let process = program.spawn()?;
        Ok(Self {
            role: options.role,
            program,
            process,
            metrics_port,
            health_port,
            serving_port,
            webhook_port,
        })
    }

    /// Which controller it is.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// What it has used so far.
    ///
    /// # Errors
    /// If it has ended.
    pub fn usage(&self) -> Result<Usage> {
        self.process.usage()
    }

    /// Where its log is.
    pub fn log(&self) -> &Path {
        self.process.log()
    }

    /// The URL of its metrics.
    pub fn metrics_url(&self) -> String {
        format!("http://127.0.0.1:{}/metrics", self.metrics_port)
    }

    /// Where a source controller serves artifacts and a notification controller takes events.
    pub fn serving_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.serving_port)
    }

    /// Where a notification controller takes webhooks.
    pub fn webhook_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.webhook_port)
    }

    /// Reads its metrics.
    ///
    /// # Errors
    /// If it does not answer.
    pub fn metrics(&self) -> Result<Metrics> {
        let text = get(self.metrics_port, "/metrics").context("read the metrics")?;
        Ok(Metrics::parse(&text))
    }

    /// Waits until it says that it is ready.
    ///
    /// # Errors
    /// If it ends before.
    pub async fn ready(&mut self) -> Result<()> {
        while get(self.health_port, "/readyz").is_err() {
            self.process.check()?;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Kills it, as a crash would.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()
    }

    /// Asks it to end and waits up to `grace`.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn terminate(&mut self, grace: Duration) -> Result<()> {
        self.process.terminate(grace).map(drop)
    }

    /// Starts it again with the same flags, ports and storage. It must have ended.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn start_again(&mut self) -> Result<()> {
        self.process = self.program.spawn()?;
        Ok(())
    }
}

/// Returns the body of a successful answer; all that a loopback endpoint of a test needs of HTTP.
fn get(port: u16, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).context("connect")?;
    stream
        .set_read_timeout(Some(Duration::from_mins(1)))
        .context("set a deadline")?;
    write!(
        stream,
        "GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    )
    .context("ask")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).context("read the answer")?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .context("the answer has no head")?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    anyhow::ensure!(status == "200", "the answer is {status}");
    Ok(body.to_owned())
}
