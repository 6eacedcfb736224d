//! The server that takes events.
//!
//! ```text
//! metrics ─► body (413, 400, 503) ─► decode (400) ─► clean ─► alerts known? (503) ─► rate limit (429) ─► dispatch (202)
//! ```
//!
//! An event that is taken is answered with 202, whether or not anybody wants it; deliveries go on after the
//! answer, and the event is dispatched even if its sender is gone by then: its token is spent. Flux acknowledges and loses events that arrive before it has read the alerts; here they wait for
//! the alerts, and after [`PATIENCE`] are answered with 503, which emitters repeat, and no token is spent.
//!
//! Source: notification-controller `internal/server/event_server.go` (1.9.3).

mod limiter;

use std::{sync::Arc, time::Duration};

use api::event::Event;
use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use runtime::server::{Bodies, BodyLimits, Held};
use tokio::time::{Instant, timeout};

use self::limiter::{Decision, Limiter};
use crate::{digest::sha256, dispatch::Dispatcher, metadata};

/// What events may weigh: enough for twenty of the largest, or for thousands of the usual ones.
const BODIES: BodyLimits = BodyLimits {
    bytes: 3 << 20,
    time: Duration::from_secs(30),
    budget: 64 << 20,
};
/// How long an event waits for the alerts to be known: less than emitters wait for the answer.
const PATIENCE: Duration = Duration::from_secs(4);
/// Events that the rate limiter remembers, at about 100 bytes each.
const REMEMBERED: usize = 200_000;

struct EventServer {
    dispatcher: Arc<Dispatcher>,
    bodies: Bodies,
    limiter: Limiter,
}

/// The routes of the event server: any method, any path.
pub(crate) fn router(dispatcher: Arc<Dispatcher>, rate_limit_interval: Duration) -> Router {
    let server = EventServer {
        dispatcher,
        bodies: Bodies::new(BODIES),
        limiter: Limiter::new(rate_limit_interval, REMEMBERED),
    };
    Router::new().fallback(take).with_state(Arc::new(server))
}

async fn take(State(server): State<Arc<EventServer>>, request: Request) -> Response {
    let body = match server.bodies.read(request.into_body()).await {
        Ok(body) => body,
        Err(error) => {
            tracing::error!(logger = LOGGER, %error, "reading the request body failed");
            return error.status().into_response();
        }
    };
    let Held { bytes, share } = body;
    let mut event: Event = match serde_json::from_slice(&bytes) {
        Ok(event) => event,
        Err(error) => {
            tracing::error!(logger = LOGGER, %error, "decoding the request body failed");
            return StatusCode::BAD_REQUEST.into_response();
        }
    };
    drop(bytes);
    metadata::clean(&mut event);
    if timeout(PATIENCE, server.dispatcher.ready()).await != Ok(true) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let decision = server.limiter.ask(key(&event), Instant::now());
    if let Decision::Refused { reset } = decision {
        let object = &event.involved_object;
        tracing::debug!(
            logger = LOGGER,
            eventInvolvedObject.kind = object.kind,
            eventInvolvedObject.name = object.name,
            eventInvolvedObject.namespace = object.namespace,
            "Discarding event, rate limiting duplicate events"
        );
        return too_many(reset);
    }
    metadata::remove_token(&mut event);
    server.dispatcher.dispatch(event, share).await;
    let mut response = StatusCode::ACCEPTED.into_response();
    rate_headers(&mut response, server.limiter.interval());
    response
}

/// The logger that Flux's log lines of this server carry.
pub(crate) const LOGGER: &str = "event-server";

/// What makes events equal: the object, the message, and what the controller says of revisions.
///
/// Severity, reason and a user's metadata do not count.
fn key(event: &Event) -> [u8; 32] {
    let object = &event.involved_object;
    let mut text = format!(
        "event/name={}/namespace={}/kind={}/message={}",
        object.name, object.namespace, object.kind, event.message
    );
    for part in [
        metadata::ORIGIN_REVISION,
        metadata::REVISION,
        metadata::TOKEN,
    ] {
        if let Some(value) = metadata::from_controller(event, part) {
            text.extend(["/", part, "=", value]);
        }
    }
    sha256(text.as_bytes())
}

fn too_many(reset: Duration) -> Response {
    let mut response = (
        StatusCode::TOO_MANY_REQUESTS,
        [
            (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ],
        "Too Many Requests\n",
    )
        .into_response();
    let date = rate_headers(&mut response, reset);
    if let Some(date) = date {
        response.headers_mut().insert(header::RETRY_AFTER, date);
    }
    response
}

/// Says when the next equal event is taken. Returns the date as it is printed.
fn rate_headers(response: &mut Response, reset: Duration) -> Option<HeaderValue> {
    let date = Timestamp::now().checked_add(reset).ok()?;
    let date = date.strftime("%a, %d %b %Y %H:%M:%S UTC").to_string();
    let date = HeaderValue::try_from(date).ok()?;
    let headers = response.headers_mut();
    headers.insert("x-ratelimit-limit", HeaderValue::from_static("1"));
    headers.insert("x-ratelimit-remaining", HeaderValue::from_static("0"));
    headers.insert("x-ratelimit-reset", date.clone());
    Some(date)
}

#[cfg(test)]
mod tests;
