//! When to try again, and after how long.
//!
//! Source: hashicorp/go-retryablehttp `DefaultRetryPolicy`, `DefaultBackoff` (0.7.8).

use std::{future::Future, time::Duration};

use jiff::{Timestamp, fmt::rfc2822};
use reqwest::{StatusCode, header::RETRY_AFTER};

use super::{deadline, failure::Failure, request::Response};

const ATTEMPTS: u32 = 5;
const SHORTEST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(30);

/// The end of all attempts without an answer that counts.
#[derive(Debug)]
pub(crate) struct GaveUp {
    pub(crate) attempts: u32,
    pub(crate) cause: Option<Failure>,
}

/// Attempts until there is an answer that counts: no failure that may pass. `now` is what dates are compared with.
///
/// # Errors
/// When a failure will not pass, after the fifth attempt, or when the next wait would outlast the delivery.
pub(crate) async fn run<F: Future<Output = Result<Response, Failure>>>(
    now: fn() -> Timestamp,
    mut attempt: impl FnMut() -> F,
) -> Result<Response, GaveUp> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let outcome = attempt().await;
        let (cause, asked) = match outcome {
            Err(failure) if failure.may_pass() => (Some(failure), None),
            Err(failure) => {
                return Err(GaveUp {
                    attempts,
                    cause: Some(failure),
                });
            }
            Ok(response) => match response.status {
                StatusCode::TOO_MANY_REQUESTS => (None, retry_after(&response, now())),
                status if may_pass(status) => {
                    (Some(Failure::Status(status)), retry_after(&response, now()))
                }
                _ => return Ok(response),
            },
        };
        let wait = asked.unwrap_or_else(|| wait(attempts));
        if attempts == ATTEMPTS || deadline::outlasts(wait) {
            return Err(GaveUp { attempts, cause });
        }
        tokio::time::sleep(wait).await;
    }
}

fn may_pass(status: StatusCode) -> bool {
    status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED || status.as_u16() >= 600
}

/// The wait after a number of attempts.
fn wait(attempts: u32) -> Duration {
    let factor = 1 << attempts.saturating_sub(1).min(16);
    SHORTEST.saturating_mul(factor).min(LONGEST)
}

/// What the other end asks for: seconds, or a date.
fn retry_after(response: &Response, now: Timestamp) -> Option<Duration> {
    if !matches!(
        response.status,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
    ) {
        return None;
    }
    let value = response.headers.get(RETRY_AFTER)?.to_str().ok()?;
    if let Ok(seconds) = value.parse::<i64>() {
        return u64::try_from(seconds).ok().map(Duration::from_secs);
    }
    let date = rfc2822::DateTimeParser::new()
        .relaxed_weekday(true)
        .parse_timestamp(value)
        .ok()?;
    // A date that is past means now.
    Some(Duration::try_from(date.duration_since(now)).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests;
