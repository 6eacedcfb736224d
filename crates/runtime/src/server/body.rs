//! Request bodies, under a limit each and a budget for all.
//!
//! Thousands of connections that each hold a body of the full size would take the process's memory with them, and
//! nobody can be authenticated before the body is there where it is what is signed.
//! Source: notification-controller `internal/server/limits.go`.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    http::StatusCode,
};
use http_body::Body as _;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What the budget is counted in.
const UNIT: usize = 4 << 10;

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It has more bytes than it may.
    #[error("request body exceeds the maximum size")]
    TooLarge,
    /// It broke off, or did not come in time.
    #[error("request body unreadable")]
    Unreadable,
    /// The budget is used up.
    #[error("too many bytes of request bodies are held already")]
    Crowded,
}

impl BodyError {
    /// The answer to the request.
    pub fn status(self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unreadable => StatusCode::BAD_REQUEST,
            Self::Crowded => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// What bodies may have.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    /// Bytes of one.
    pub bytes: usize,
    /// How long one may take to arrive.
    pub time: Duration,
    /// Bytes of all that are held.
    pub budget: usize,
}

/// A body, counted against the budget while its share is held.
#[derive(Debug)]
pub struct Held {
    /// All of it.
    pub bytes: Bytes,
    /// Its part of the budget, for what is made of the bytes.
    pub share: Share,
}

/// A part of the budget; given back when it is dropped.
#[derive(Debug)]
pub struct Share {
    _permit: Option<OwnedSemaphorePermit>,
}

/// Reads bodies.
#[derive(Debug)]
pub struct Bodies {
    limits: BodyLimits,
    budget: Arc<Semaphore>,
}

impl Bodies {
    /// Holds nothing yet.
    pub fn new(limits: BodyLimits) -> Self {
        Self {
            limits,
            budget: Arc::new(Semaphore::new(limits.budget / UNIT)),
        }
    }

    /// Reads a body whole. Holds no more memory than has arrived.
    ///
    /// # Errors
    /// See [`BodyError`]; a body that announces too much is refused before it is read.
    pub async fn read(&self, body: Body) -> Result<Held, BodyError> {
        let mut bytes = Vec::new();
        let mut budget: Option<OwnedSemaphorePermit> = None;
        let take = |chunk: &Bytes| {
            let units = (bytes.len() + chunk.len()).div_ceil(UNIT) - bytes.len().div_ceil(UNIT);
            let units = u32::try_from(units).map_err(|_| BodyError::TooLarge)?;
            let more = Arc::clone(&self.budget)
                .try_acquire_many_owned(units)
                .map_err(|_| BodyError::Crowded)?;
            match &mut budget {
                Some(budget) => budget.merge(more),
                None => budget = Some(more),
            }
            bytes.extend_from_slice(chunk);
            Ok(())
        };
        through(self.limits, body, take).await?;
        Ok(Held {
            bytes: bytes.into(),
            share: Share { _permit: budget },
        })
    }

    /// Lets a body pass that nobody wants, and tells whether it would have been taken.
    ///
    /// # Errors
    /// As [`Self::read`], but for the budget, of which it takes nothing.
    pub async fn discard(&self, body: Body) -> Result<(), BodyError> {
        through(self.limits, body, |_| Ok(())).await
    }
}

/// Hands a body's chunks to `take`, within the limits.
async fn through(
    limits: BodyLimits,
    mut body: Body,
    mut take: impl FnMut(&Bytes) -> Result<(), BodyError>,
) -> Result<(), BodyError> {
    if body.size_hint().lower() > limits.bytes as u64 {
        return Err(BodyError::TooLarge);
    }
    let chunks = async {
        let mut rest = limits.bytes;
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
    tokio::time::timeout(limits.time, chunks)
        .await
        .unwrap_or(Err(BodyError::Unreadable))
}

#[cfg(test)]
mod tests {
    use futures::{StreamExt, stream};

    use super::*;

    const LIMIT: usize = 3 << 20;

    fn bodies(budget: usize) -> Bodies {
        Bodies::new(BodyLimits {
            bytes: LIMIT,
            time: Duration::from_secs(30),
            budget,
        })
    }

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
            let read = bodies(4 * LIMIT).read(body(chunks.clone())).await;
            assert_eq!(read.map(|held| held.bytes.len()), expected, "{chunks:?}");
            let passed = bodies(0).discard(body(chunks.clone())).await;
            assert_eq!(passed, expected.map(|_| ()), "{chunks:?}");
        }
        let announced = Body::from(vec![0; LIMIT + 1]);
        let read = bodies(4 * LIMIT).read(announced).await;
        assert_eq!(read.map(|_| ()), Err(BodyError::TooLarge));
    }

    #[tokio::test]
    async fn all_bodies_share_a_budget() {
        let bodies = bodies(8 * UNIT);
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
        let read = bodies(4 * LIMIT).read(silent).await;
        assert_eq!(read.map(|_| ()), Err(BodyError::Unreadable));
    }
}
