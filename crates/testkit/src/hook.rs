//! A service that others post to, such as a chat: it keeps what arrives and when.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use axum::Router;
use http::HeaderMap;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// One post.
#[derive(Debug, Clone)]
pub struct Post {
    /// When it arrived.
    pub at: Instant,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body as JSON; null if it is something else.
    pub body: Value,
}

/// A server on the loopback interface that runs until it is dropped.
#[derive(Debug)]
pub struct Hook {
    url: String,
    posts: Arc<Mutex<Vec<Post>>>,
    count: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

impl Hook {
    /// Starts the server.
    ///
    /// # Errors
    /// If no port is free.
    pub async fn start() -> Result<Self> {
        let posts = Arc::<Mutex<Vec<Post>>>::default();
        let (told, count) = watch::channel(0);
        let kept = Arc::clone(&posts);
        let take = async move |headers: HeaderMap, body: String| {
            let post = Post {
                at: Instant::now(),
                headers,
                body: serde_json::from_str(&body).unwrap_or_default(),
            };
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.push(post);
            told.send_replace(kept.len());
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("open the hook's port")?;
        let address = listener.local_addr().context("find the hook's port")?;
        let router = Router::new().fallback(take);
        let task = tokio::spawn(async move {
            // It ends with the task.
            drop(axum::serve(listener, router).await);
        });
        Ok(Self {
            url: format!("http://{address}/hook"),
            posts,
            count,
            task,
        })
    }

    /// Where to post to.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many posts have arrived.
    pub fn count(&self) -> usize {
        *self.count.borrow()
    }

    /// Waits until one of the posts `fits`, and returns it.
    ///
    /// # Errors
    /// If none does for `patience`; the text has all of them.
    pub async fn until(&self, patience: Duration, fits: impl Fn(&Value) -> bool) -> Result<Post> {
        let mut count = self.count.clone();
        let wait = async {
            loop {
                count.borrow_and_update();
                let found = {
                    let posts = self.posts.lock().unwrap_or_else(PoisonError::into_inner);
                    posts.iter().find(|post| fits(&post.body)).cloned()
                };
                if let Some(found) = found {
                    return anyhow::Ok(found);
                }
                count.changed().await.context("the hook has ended")?;
            }
        };
        let waited = tokio::time::timeout(patience, wait).await;
        waited.with_context(|| format!("not posted: {:#?}", self.posts))?
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        self.task.abort();
    }
}
