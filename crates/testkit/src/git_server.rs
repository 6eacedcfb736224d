//! A Git server on the loopback interface: smart HTTP by `git http-backend`, as forges serve it.
//!
//! Any number of requests run side by side. Each is recorded, so that tests can say what a fetch may
//! cost. Repositories are bare directories below one root; [`Repository`] fills them.
//!
//! Source: git-http-backend(1), RFC 3875 (CGI).

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{StatusCode, header};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::scratch::Scratch;

pub use self::repository::{Change, Repository};

mod cgi;
mod repository;

/// A server that runs until it is dropped.
#[derive(Debug)]
pub struct GitServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
    root: Scratch,
}

/// One request that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// What was asked for.
    pub kind: Kind,
    /// The path, without the query.
    pub path: String,
    /// The answer's HTTP status.
    pub status: u16,
    /// Length of the request's body, in bytes.
    pub received: u64,
    /// Length of the answer's body as far as it was sent, in bytes.
    pub sent: u64,
}

/// What a request asks a Git server for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `info/refs`: the capabilities, and the references in protocol versions 0 and 1.
    Discovery,
    /// The references, in protocol version 2.
    References,
    /// Objects.
    Fetch,
    /// A push.
    Push,
    /// Anything else.
    Other,
}

/// What a server wants to see before it answers.
#[derive(Debug, Clone, Default)]
pub enum Access {
    /// Nothing.
    #[default]
    Anonymous,
    /// A name and a password.
    Basic {
        /// The name.
        username: String,
        /// The password.
        password: String,
    },
    /// A bearer token.
    Bearer(String),
}

#[derive(Debug)]
struct Shared {
    root: PathBuf,
    access: Mutex<Access>,
    log: Mutex<Vec<Exchange>>,
}

impl GitServer {
    /// Starts a server without repositories, for anybody.
    ///
    /// # Errors
    /// If git is missing or the system refuses.
    pub async fn start() -> Result<Self> {
        let root = Scratch::new("git-server")?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("listen on the loopback")?;
        let address = listener.local_addr().context("listen on the loopback")?;
        let shared = Arc::new(Shared {
            root: root.path().to_path_buf(),
            access: Mutex::default(),
            log: Mutex::default(),
        });
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&shared));
        // It serves until the task is aborted, and never returns an error.
        let task = tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        Ok(Self {
            address,
            shared,
            task,
            root,
        })
    }

    /// Asks for this from now on.
    pub fn set_access(&self, access: Access) {
        *self
            .shared
            .access
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = access;
    }

    /// Creates an empty repository with the branch `main`.
    ///
    /// # Errors
    /// If git fails.
    pub fn create(&self, name: &str) -> Result<Repository> {
        Repository::init(&self.root.path().join(format!("{name}.git")))
    }

    /// The URL of a repository.
    pub fn url(&self, name: &str) -> String {
        format!("http://{}/{name}.git", self.address)
    }

    /// The directory that holds the repositories.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// Returns all requests answered since the last call, in the order of their ends.
    pub fn take_log(&self) -> Vec<Exchange> {
        std::mem::take(
            &mut self
                .shared
                .log
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let access = shared
        .access
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    if !access.admits(&request) {
        let exchange = Exchange {
            kind: Kind::of(&request, b""),
            path: request.uri().path().to_owned(),
            status: StatusCode::UNAUTHORIZED.as_u16(),
            received: 0,
            sent: 0,
        };
        shared.record(exchange);
        let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"git\"")];
        return (StatusCode::UNAUTHORIZED, challenge).into_response();
    }
    match cgi::run(&shared, request).await {
        Ok(response) => response,
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")).into_response(),
    }
}

impl Shared {
    fn record(&self, exchange: Exchange) {
        self.log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(exchange);
    }
}

impl Access {
    fn admits(&self, request: &Request) -> bool {
        let expected = match self {
            Self::Anonymous => return true,
            Self::Basic { username, password } => {
                format!(
                    "Basic {}",
                    BASE64_STANDARD.encode(format!("{username}:{password}"))
                )
            }
            Self::Bearer(token) => format!("Bearer {token}"),
        };
        request
            .headers()
            .get(header::AUTHORIZATION)
            .is_some_and(|value| value == expected.as_str())
    }
}

impl Kind {
    /// Tells by the path, and by the command in the body where protocol version 2 puts it there.
    fn of(request: &Request, body: &[u8]) -> Self {
        let path = request.uri().path();
        let lists = |command: &[u8]| {
            body.windows(command.len())
                .take(64)
                .any(|part| part == command)
        };
        if path.ends_with("/info/refs") {
            Self::Discovery
        } else if path.ends_with("/git-upload-pack") && lists(b"command=ls-refs") {
            Self::References
        } else if path.ends_with("/git-upload-pack") {
            Self::Fetch
        } else if path.ends_with("/git-receive-pack") {
            Self::Push
        } else {
            Self::Other
        }
    }
}

/// Runs git and returns what it prints, without the end of line.
fn git(dir: &Path, args: &[&str], input: Option<Vec<u8>>) -> Result<String> {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let mut child = Command::new("git")
        .current_dir(dir)
        .args(args)
        // Nobody's own configuration.
        .envs([
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("run git")?;
    // Git is silent until it has read everything, so writing first cannot block.
    if let (Some(mut stdin), Some(input)) = (child.stdin.take(), input) {
        stdin
            .write_all(&input)
            .with_context(|| format!("feed git {}", args.join(" ")))?;
    }
    let output = child.wait_with_output().context("wait for git")?;
    if !output.status.success() {
        bail!(
            "git {}: {}",
            args.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_owned())
}
