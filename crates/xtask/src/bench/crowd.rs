//! A burst of events, with webhooks at the same door meanwhile and afterwards.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use serde::Serialize;
use serde_json::json;

use super::report::seconds;
use crate::rig::alerting::Alerting;
use crate::rig::{Rig, git_repository};

/// Events in the burst, and how many are under way at once.
const EVENTS: usize = 10_000;
const AT_ONCE: usize = 64;
/// How far apart webhooks are during the burst.
const PACE: Duration = Duration::from_millis(20);
/// Webhooks without the burst, and how many are under way at once.
const WEBHOOKS: usize = 1000;
const CALLERS: usize = 8;
const PATIENCE: Duration = Duration::from_mins(5);

/// What the crowd saw.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Crowd {
    /// Seconds until the last event was taken, and until the last message was delivered or dropped.
    taken_seconds: f64,
    settled_seconds: f64,
    delivered: f64,
    dropped: f64,
    cpu_seconds: f64,
    peak_megabytes: u64,
    /// Seconds until a webhook was answered: half of them, and all but a hundredth.
    during: [f64; 2],
    afterwards: [f64; 2],
    /// The floor: the same of the bare patch that a webhook comes down to, one after the other.
    bare: [f64; 2],
}

impl Crowd {
    /// What people read.
    pub(crate) fn lines(&self) -> [String; 3] {
        let milliseconds =
            |[median, most]: [f64; 2]| format!("{:.1} ms, p99 {:.1} ms", median * 1e3, most * 1e3);
        [
            format!(
                "{EVENTS} events at once: taken in {}, {} delivered and {} dropped in {}; {} CPU · {} MB",
                seconds(self.taken_seconds),
                self.delivered,
                self.dropped,
                seconds(self.settled_seconds),
                seconds(self.cpu_seconds),
                self.peak_megabytes,
            ),
            format!(
                "webhooks answered meanwhile in {}; {WEBHOOKS} more, {CALLERS} at a time, in {}",
                milliseconds(self.during),
                milliseconds(self.afterwards),
            ),
            format!(
                "  floor: {WEBHOOKS} bare patches, one at a time, in {}",
                milliseconds(self.bare)
            ),
        ]
    }
}

/// Lets the crowd in.
pub(crate) async fn measure(rig: &Rig) -> Result<Crowd> {
    let alerting = rig.alerting.as_ref().context("there is no receiver")?;
    let path = rig.webhook_path().await?;
    let before = alerting.controller.usage()?;
    let (delivered, dropped) = counts(alerting)?;
    let began = Instant::now();
    let burst = async {
        stream::iter(0..EVENTS)
            .map(|number| event(rig, alerting, number))
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await?;
        let taken = began.elapsed();
        loop {
            let (now, lost) = counts(alerting)?;
            if now + lost - delivered - dropped >= 1e4 {
                return anyhow::Ok((taken, began.elapsed(), now - delivered, lost - dropped));
            }
            ensure!(
                began.elapsed() < PATIENCE,
                "{now} delivered, {lost} dropped"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let mut during = Vec::new();
    let callers = async {
        let mut pace = tokio::time::interval(PACE);
        loop {
            pace.tick().await;
            during.push(call(alerting, &path).await?);
        }
    };
    let (taken, settled, delivered, dropped) = tokio::select! {
        ended = burst => ended?,
        ended = callers => return ended,
    };
    let usage = alerting.controller.usage()?;
    let mut afterwards: Vec<Duration> = stream::iter(0..WEBHOOKS)
        .map(|_| call(alerting, &path))
        .buffer_unordered(CALLERS)
        .try_collect()
        .await?;
    let mut bare = Vec::new();
    for number in 0..WEBHOOKS {
        let began = Instant::now();
        rig.annotate(
            &git_repository(),
            &rig.monorepo.source,
            &format!("bare-{number}"),
        )
        .await?;
        bare.push(began.elapsed());
    }
    Ok(Crowd {
        taken_seconds: taken.as_secs_f64(),
        settled_seconds: settled.as_secs_f64(),
        delivered,
        dropped,
        cpu_seconds: usage.cpu.saturating_sub(before.cpu).as_secs_f64(),
        peak_megabytes: usage.peak_memory >> 20,
        during: quantiles(&mut during),
        afterwards: quantiles(&mut afterwards),
        bare: quantiles(&mut bare),
    })
}

/// How many messages have been delivered, well or not, and how many dropped.
fn counts(alerting: &Alerting) -> Result<(f64, f64)> {
    let metrics = alerting.controller.metrics()?;
    let sum = |name: &str| metrics.sum(name, &[]);
    Ok((
        sum("gotk_notification_deliveries_total"),
        sum("gotk_notification_dropped_total"),
    ))
}

async fn event(rig: &Rig, alerting: &Alerting, number: usize) -> Result<()> {
    let body = json!({
        "involvedObject": {
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "uid": "crowd",
            "name": rig.monorepo.service(number % rig.monorepo.services),
            "namespace": rig.monorepo.flux_namespace,
        },
        "severity": "info", "timestamp": "2026-01-02T03:04:05Z",
        "message": format!("event {number} of a crowd"), "reason": "Crowd",
        "reportingController": "kustomize-controller",
        "metadata": { "kustomize.toolkit.fluxcd.io/revision": "main@sha1:abc" },
    });
    let url = alerting.controller.serving_url();
    let answer = alerting
        .http
        .post(url)
        .body(body.to_string())
        .send()
        .await?;
    ensure!(
        answer.status() == 202,
        "the event server answers {}",
        answer.status()
    );
    Ok(())
}

/// Sends a webhook and returns how long its answer took.
async fn call(alerting: &Alerting, path: &str) -> Result<Duration> {
    let began = Instant::now();
    alerting.push(path).await?;
    Ok(began.elapsed())
}

fn quantiles(times: &mut [Duration]) -> [f64; 2] {
    times.sort_unstable();
    [50, 99].map(|percent| {
        let position = times.len().saturating_sub(1) * percent / 100;
        times.get(position).map_or(0.0, Duration::as_secs_f64)
    })
}
