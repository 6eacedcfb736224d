//! A server that answers from a script and remembers what it was sent.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderName, StatusCode},
    response::Response,
};
use tokio::{net::TcpListener, task::JoinHandle};

/// One answer of the script.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: String,
}

/// A request as it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Received {
    pub(super) method: String,
    /// Path and query as sent.
    pub(super) target: String,
    /// In lower case; of equal ones the last.
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

/// A running server. It stops when dropped.
pub(super) struct Server {
    pub(super) base: String,
    received: Arc<Mutex<Vec<Received>>>,
    task: JoinHandle<()>,
}

#[derive(Clone)]
struct Shared {
    script: Arc<Mutex<VecDeque<Answer>>>,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Default for Answer {
    fn default() -> Self {
        Self {
            status: 200,
            headers: BTreeMap::new(),
            body: String::new(),
        }
    }
}

impl Server {
    /// Answers from the script, then with an empty 200.
    pub(super) async fn start(script: Vec<Answer>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a free port");
        let base = format!("http://{}", listener.local_addr().expect("address"));
        let shared = Shared {
            script: Arc::new(Mutex::new(script.into())),
            received: Arc::default(),
        };
        let received = Arc::clone(&shared.received);
        let app = Router::new().fallback(answer).with_state(shared);
        let task = tokio::spawn(async move {
            axum::serve(listener, app).await.expect("serve");
        });
        Self {
            base,
            received,
            task,
        }
    }

    /// What has come in so far.
    pub(super) fn received(&self) -> Vec<Received> {
        self.received.lock().expect("lock").clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(shared): State<Shared>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body: Bytes = to_bytes(body, 1 << 20).await.expect("body");
    let headers = head.headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    });
    shared.received.lock().expect("lock").push(Received {
        method: head.method.to_string(),
        target: head.uri.to_string(),
        headers: headers.collect(),
        body: body.to_vec(),
    });
    let answer = shared
        .script
        .lock()
        .expect("lock")
        .pop_front()
        .unwrap_or_default();
    let mut response = Response::new(answer.body.into());
    *response.status_mut() = StatusCode::from_u16(answer.status).expect("status");
    for (name, value) in &answer.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("header");
        response
            .headers_mut()
            .insert(name, value.parse().expect("value"));
    }
    response
}
