//! The server that takes webhooks.
//!
//! ```text
//! POST /hook/<digest> ─ hooks: whose path? ─ body ─ authenticate ─ filters ─ notify: annotate each target
//!                          404  503        413,400     400          500          500, else 200
//! ```
//!
//! Invariants: what is wrong with a request is logged, never told to its sender; before a request is authenticated
//! it costs at most its own body, within a budget of all bodies, and a share of one read of the Secret; nothing is
//! cached that decides about access but public keys.
//!
//! Nothing protects against a replay of an authentic request: services send one again when they missed the answer.
//! What a replay brings about, one more look at a source, is bounded by sharing (see `flights`).
//!
//! Source: notification-controller `internal/server/receiver_{server,handlers}.go` (1.9).

mod authenticate;
mod cdevents;
#[cfg(test)]
mod fake;
mod flights;
mod gcr;
mod handle;
mod hooks;
mod issuers;
mod media_type;
mod notify;
mod oidc;
mod payload;
mod signature;

use std::{sync::Arc, time::Duration};

use axum::{Router, extract::State, routing::any};
use runtime::{
    client::ResourceRef,
    server::{Bodies, BodyLimits},
};

pub(crate) use self::hooks::Hooks;
pub(crate) use self::issuers::DEADLINE as KEY_DEADLINE;
use self::{flights::Flights, issuers::Issuers, notify::Notifier};
use crate::{context::Context, receiver::secrets};

/// Secrets that are read at the same time.
const SECRET_READS: usize = 16;

/// What bodies may weigh.
const BODIES: BodyLimits = BodyLimits {
    bytes: 3 << 20,
    time: Duration::from_secs(30),
    budget: 128 << 20,
};

/// What the server's requests share.
pub(crate) struct Webhooks {
    context: Arc<Context>,
    hooks: Arc<Hooks>,
    bodies: Bodies,
    /// Where Secrets are served.
    secret: ResourceRef,
    secrets: authenticate::Secrets,
    issuers: Issuers,
    notifier: Notifier,
}

impl Webhooks {
    /// A server of these hooks; `http` fetches the keys of tokens' issuers.
    pub(crate) fn new(
        context: Arc<Context>,
        hooks: Arc<Hooks>,
        http: reqwest::Client,
    ) -> Arc<Self> {
        Self::with(context, hooks, Issuers::new(http))
    }

    fn with(context: Arc<Context>, hooks: Arc<Hooks>, issuers: Issuers) -> Arc<Self> {
        Arc::new(Self {
            notifier: Notifier::new(Arc::clone(&context)),
            issuers,
            secret: secrets(),
            secrets: Flights::new(SECRET_READS),
            bodies: Bodies::new(BODIES),
            context,
            hooks,
        })
    }

    /// The routes of the server: any path and any method, as `handle` knows what is whose.
    pub(crate) fn router(self: &Arc<Self>) -> Router {
        let handler = any(async |State(webhooks): State<Arc<Self>>, request| {
            handle::handle(&webhooks, request).await
        });
        Router::new().fallback_service(handler.with_state(Arc::clone(self)))
    }
}

#[cfg(test)]
mod tests;
