//! The server that takes webhooks.

use std::sync::Arc;

use axum::Router;

use crate::context::Context;

/// The routes of the webhook server.
pub(crate) fn router(_context: &Arc<Context>) -> Router {
    Router::new()
}
