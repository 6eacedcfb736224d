//! Request bodies, under a limit each and a budget for all.
//!
//! Thousands of connections that each hold a body of the full size would take the process's memory with them, and
//! nobody is authenticated before the body is there, since it is what is signed.
//! Source: notification-controller `internal/server/limits.go`.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::StatusCode,
};
use http_body::Body as _;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of a body.
pub(super) const LIMIT: usize = 3 << 20;

/// How long a body may take to arrive.
const TIME: Duration = Duration::from_secs(30);

/// Bytes of all bodies together.
const BUDGET: usize = 128 << 20;

/// What the budget is counted in.
const UNIT: usize = 4 << 10;

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BodyError {
    #[error("request body exceeds the maximum size of {LIMIT} bytes")]
    TooLarge,
    #[error("reading the request body failed")]
    Unreadable,
    #[error("too many bytes of request bodies are held already")]
    Crowded,
}

impl BodyError {
    /// The answer to the request.
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unreadable => StatusCode::BAD_REQUEST,
            Self::Crowded => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// A body, counted against the budget while it is held.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) bytes: Bytes,
    _budget: Option<OwnedSemaphorePermit>,
}

/// The budget.
#[derive(Debug)]
pub(super) struct Bodies(Arc<Semaphore>);

impl Default for Bodies {
    fn default() -> Self {
        Self::new(BUDGET)
    }
}

impl Bodies {
    fn new(budget: usize) -> Self {
        Self(Arc::new(Semaphore::new(budget / UNIT)))
    }

    /// Reads a body whole.
    pub(super) async fn read(&self, body: Body) -> Result<Held, BodyError> {
        let mut bytes = Vec::new();
        let mut budget: Option<OwnedSemaphorePermit> = None;
        let take = |chunk: &Bytes| {
            let units = (bytes.len() + chunk.len()).div_ceil(UNIT) - bytes.len().div_ceil(UNIT);
            let units = u32::try_from(units).map_err(|_| BodyError::TooLarge)?;
            let more = Arc::clone(&self.0)
                .try_acquire_many_owned(units)
                .map_err(|_| BodyError::Crowded)?;
            match &mut budget {
                Some(budget) => budget.merge(more),
                None => budget = Some(more),
            }
            bytes.extend_from_slice(chunk);
            Ok(())
        };
        through(body, take).await?;
        Ok(Held {
            bytes: bytes.into(),
            _budget: budget,
        })
    }

    /// Lets a body pass that nobody wants, and tells whether it would have been taken.
    pub(super) async fn discard(body: Body) -> Result<(), BodyError> {
        through(body, |_| Ok(())).await
    }
}

/// Hands a body's chunks to `take`, within the limits.
async fn through(
    mut body: Body,
    mut take: impl FnMut(&Bytes) -> Result<(), BodyError>,
) -> Result<(), BodyError> {
    if body.size_hint().lower() > LIMIT as u64 {
        return Err(BodyError::TooLarge);
    }
    let chunks = async {
        let mut rest = LIMIT;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| BodyError::Unreadable)?;
            let Ok(chunk) = frame.into_data() else {
                continue;
            };
            rest = rest.checked_sub(chunk.len()).ok_or(BodyError::TooLarge)?;
            take(&chunk)?;
        }
        Ok(())
    };
    tokio::time::timeout(TIME, chunks)
        .await
        .unwrap_or(Err(BodyError::Unreadable))
}

#[cfg(test)]
mod tests {
    use futures::{StreamExt, stream};

    use super::*;

    fn body(chunks: Vec<usize>) -> Body {
        let chunk = |size| Ok::<_, std::io::Error>(Bytes::from(vec![b'x'; size]));
        Body::from_stream(stream::iter(chunks).map(chunk))
    }

    #[tokio::test]
    async fn a_body_is_taken_up_to_the_limit() {
        for (chunks, expected) in [
            (vec![], Ok(0)),
            (vec![1, 2, 3], Ok(6)),
            (vec![LIMIT], Ok(LIMIT)),
            (vec![LIMIT, 0], Ok(LIMIT)),
            (vec![LIMIT - 1, 2], Err(BodyError::TooLarge)),
            (vec![2 * LIMIT], Err(BodyError::TooLarge)),
        ] {
            let read = Bodies::default().read(body(chunks.clone())).await;
            assert_eq!(read.map(|held| held.bytes.len()), expected, "{chunks:?}");
            let passed = Bodies::discard(body(chunks.clone())).await;
            assert_eq!(passed, expected.map(|_| ()), "{chunks:?}");
        }
        let announced = Body::from(vec![0; LIMIT + 1]);
        let read = Bodies::default().read(announced).await;
        assert_eq!(read.map(|_| ()), Err(BodyError::TooLarge));
    }

    #[tokio::test]
    async fn all_bodies_share_a_budget() {
        let bodies = Bodies::new(8 * UNIT);
        let first = bodies.read(body(vec![5 * UNIT])).await.expect("fits");
        let second = bodies.read(body(vec![UNIT; 4])).await;
        assert_eq!(second.map(|_| ()), Err(BodyError::Crowded));
        let third = bodies.read(body(vec![1, UNIT, UNIT, UNIT - 1])).await;
        assert_eq!(third.map(|held| held.bytes.len()), Ok(3 * UNIT));
        drop(first);
        bodies.read(body(vec![8 * UNIT])).await.expect("all of it");
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_given_up() {
        let silent = Body::from_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        let read = Bodies::default().read(silent).await;
        assert_eq!(read.map(|_| ()), Err(BodyError::Unreadable));
    }
}
